/* SPDX-License-Identifier: Apache-2.0
 *
 * addend + n * m, rounded once ("FPMulAdd"), and the Newton steps built like it.
 *
 * The product of two 64-bit significands is exact in 128 bits; it and the addend are aligned there
 * with one bit for the carry above and a sticky bit below. A sticky bit suffices: when anything is
 * shifted out, at most one bit at the top can cancel.
 */
#include "engine/fp/num.h"

enum { A, N, M };

/* "FPProcessNaNs3": signalling ones first, then by position. */
FP_INLINE uint64_t nans3(struct fp_env *env, const struct fp_format *f, const uint64_t v[3],
                         const struct fp_num n[3])
{
    for (unsigned k = 0; k < 3; k++)
        if (n[k].type == FP_SNAN)
            return fp_nan(env, f, v[k], true);
    unsigned k = n[A].type == FP_QNAN ? A : n[N].type == FP_QNAN ? N : M;
    return fp_nan(env, f, v[k], false);
}

static fp_u128 shift_sticky(fp_u128 v, unsigned n)
{
    if (n > 127)
        return v != 0;
    return v >> n | ((v & (((fp_u128)1 << n) - 1)) != 0);
}

static int leading_zeros(fp_u128 v)
{
    return v >> 64 ? __builtin_clzll((uint64_t)(v >> 64)) : 64 + __builtin_clzll((uint64_t)v);
}

/* A number with 128 bits of significand; value = frac / 2^126 * 2^exp. */
struct wide {
    fp_u128 frac; /* bit 126 is the top one; 0: the number is zero */
    int32_t exp;  /* of bit 126 */
    bool sign;    /* negative */
};

static struct wide product(struct fp_num n, struct fp_num m)
{
    struct wide p = {(fp_u128)(n.frac >> 1) * m.frac, n.exp + m.exp + 1, n.sign ^ m.sign};
    if (!(p.frac >> 126)) {
        p.frac <<= 1;
        p.exp--;
    }
    return p;
}

/* The exact sum, bit 0 of it sticky, as a number; type FP_TYPE_ZERO when it vanishes. */
static struct fp_num wide_sum(struct wide a, struct wide b)
{
    if (a.exp < b.exp || (a.exp == b.exp && a.frac < b.frac)) {
        struct wide t = a;
        a = b;
        b = t;
    }
    fp_u128 small = shift_sticky(b.frac, (unsigned)(a.exp - b.exp));
    fp_u128 total = a.sign == b.sign ? a.frac + small : a.frac - small;
    if (!total)
        return (struct fp_num){0, 0, FP_TYPE_ZERO, false};
    int shift = leading_zeros(total);
    total <<= shift;
    return (struct fp_num){(uint64_t)(total >> 64) | ((uint64_t)total != 0), a.exp + 1 - shift,
                           FP_FINITE, a.sign};
}

FP_INLINE uint64_t finish(struct fp_env *env, const struct fp_format *f, struct fp_num r)
{
    enum fp_rounding rounding = fp_mode(env);
    if (r.type == FP_TYPE_ZERO)
        return fp_zero(f, rounding == FP_NEGINF);
    return fp_round(env, f, r, rounding);
}

/* n and m are finite and not zero, the addend is finite. */
FP_INLINE uint64_t muladd_finite(struct fp_env *env, const struct fp_format *f,
                                 const struct fp_num n[3])
{
    struct wide p = product(n[N], n[M]);
    if (n[A].type == FP_TYPE_ZERO) {
        struct fp_num r = {(uint64_t)(p.frac >> 63) | ((uint64_t)(p.frac << 1) != 0), p.exp,
                           FP_FINITE, p.sign};
        return fp_round(env, f, r, fp_mode(env));
    }
    struct wide a = {(fp_u128)n[A].frac << 63, n[A].exp, n[A].sign};
    return finish(env, f, wide_sum(a, p));
}

FP_INLINE uint64_t muladd(struct fp_env *env, const struct fp_format *f, const uint64_t v[3])
{
    const struct fp_num n[3] = {fp_unpack(env, f, v[A]), fp_unpack(env, f, v[N]),
                                fp_unpack(env, f, v[M])};
    if (n[N].type == FP_FINITE && n[M].type == FP_FINITE && n[A].type <= FP_FINITE)
        return muladd_finite(env, f, n);
    bool sign = n[N].sign ^ n[M].sign;
    bool infinite = n[N].type == FP_INFINITE || n[M].type == FP_INFINITE;
    bool zero = n[N].type == FP_TYPE_ZERO || n[M].type == FP_TYPE_ZERO;
    if (fp_is_nan(n[A]) || fp_is_nan(n[N]) || fp_is_nan(n[M])) {
        bool both = n[A].type == FP_QNAN && !fp_is_nan(n[N]) && !fp_is_nan(n[M]);
        return both && infinite && zero ? fp_invalid(env, f) : nans3(env, f, v, n);
    }
    bool infinite_a = n[A].type == FP_INFINITE;
    if ((infinite && zero) || (infinite && infinite_a && sign != n[A].sign))
        return fp_invalid(env, f);
    if (infinite || infinite_a)
        return fp_infinity(f, infinite ? sign : n[A].sign);
    /* the product is zero */
    if (n[A].type == FP_FINITE)
        return fp_round(env, f, n[A], fp_mode(env));
    return fp_zero(f, n[A].sign == sign ? sign : fp_mode(env) == FP_NEGINF);
}

FP_INLINE uint64_t any_madd(struct fp_env *env, const struct fp_format *f, uint64_t addend,
                            uint64_t n, uint64_t m)
{
    return muladd(env, f, (const uint64_t[3]){addend, n, m});
}
FP_DEFINE_TERNARY(madd)

FP_INLINE uint64_t any_msub(struct fp_env *env, const struct fp_format *f, uint64_t addend,
                            uint64_t n, uint64_t m)
{
    return muladd(env, f, (const uint64_t[3]){addend, n ^ fp_sign_bit(f), m});
}
FP_DEFINE_TERNARY(msub)

FP_INLINE uint64_t any_nmadd(struct fp_env *env, const struct fp_format *f, uint64_t addend,
                             uint64_t n, uint64_t m)
{
    uint64_t sign = fp_sign_bit(f);
    return muladd(env, f, (const uint64_t[3]){addend ^ sign, n ^ sign, m});
}
FP_DEFINE_TERNARY(nmadd)

FP_INLINE uint64_t any_nmsub(struct fp_env *env, const struct fp_format *f, uint64_t addend,
                             uint64_t n, uint64_t m)
{
    return muladd(env, f, (const uint64_t[3]){addend ^ fp_sign_bit(f), n, m});
}
FP_DEFINE_TERNARY(nmsub)

/* c - a * b, c a small number and halved at the end if so asked; infinity times zero counts as 0.
 * a is negated first, a NaN too ("FPRecipStepFused", "FPRSqrtStepFused"). */
FP_INLINE uint64_t step(struct fp_env *env, const struct fp_format *f, const uint64_t v[2],
                        const struct fp_num *c, bool halve)
{
    const uint64_t w[2] = {v[0] ^ fp_sign_bit(f), v[1]};
    const struct fp_num n[2] = {fp_unpack(env, f, w[0]), fp_unpack(env, f, w[1])};
    if (fp_is_nan(n[0]) || fp_is_nan(n[1]))
        return fp_nans(env, f, w, n);
    bool infinite = n[0].type == FP_INFINITE || n[1].type == FP_INFINITE;
    bool zero = n[0].type == FP_TYPE_ZERO || n[1].type == FP_TYPE_ZERO;
    if (infinite && !zero)
        return fp_infinity(f, n[0].sign ^ n[1].sign);
    struct fp_num r = *c;
    if (!zero)
        r = wide_sum((struct wide){(fp_u128)c->frac << 63, c->exp, false}, product(n[0], n[1]));
    r.exp -= halve;
    return finish(env, f, r);
}

FP_INLINE uint64_t any_recps(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    static const struct fp_num two = {1ull << 63, 1, FP_FINITE, false};
    return step(env, f, (const uint64_t[2]){a, b}, &two, false);
}
FP_DEFINE_BINARY(recps)

FP_INLINE uint64_t any_rsqrts(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    static const struct fp_num three = {3ull << 62, 1, FP_FINITE, false};
    return step(env, f, (const uint64_t[2]){a, b}, &three, true);
}
FP_DEFINE_BINARY(rsqrts)
