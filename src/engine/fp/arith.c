/* SPDX-License-Identifier: Apache-2.0
 *
 * Sum, difference, product, quotient, root.
 *
 * Each takes its operands apart (which flushes denormals and notes that, for all operands, before
 * anything else), deals with two finite numbers first, and then with NaNs, infinities and zeros in
 * the manual's order. The finite part computes 64 bits of significand with a sticky bit, and rounds
 * once.
 */
#include "engine/fp/num.h"

/* Sum of two finite numbers that are not zero. frac is halved, so that a carry has room. */
FP_INLINE uint64_t sum(struct fp_env *env, const struct fp_format *f, struct fp_num a,
                       struct fp_num b)
{
    if (a.exp < b.exp || (a.exp == b.exp && a.frac < b.frac)) {
        struct fp_num t = a;
        a = b;
        b = t;
    }
    uint64_t big = a.frac >> 1, small = fp_shift_sticky(b.frac >> 1, (unsigned)(a.exp - b.exp));
    uint64_t total = a.sign == b.sign ? big + small : big - small;
    enum fp_rounding rounding = fp_mode(env);
    if (!total)
        return fp_zero(f, rounding == FP_NEGINF);
    int shift = __builtin_clzll(total);
    struct fp_num n = {total << shift, a.exp + 1 - shift, FP_FINITE, a.sign};
    return fp_round(env, f, n, rounding);
}

/* One of them is zero, infinite or a NaN; v[1] is the operand as given, n[1] has sub's sign. */
FP_INLINE uint64_t add_special(struct fp_env *env, const struct fp_format *f, const uint64_t v[2],
                               const struct fp_num n[2])
{
    if (fp_is_nan(n[0]) || fp_is_nan(n[1]))
        return fp_nans(env, f, v, n);
    bool infinite0 = n[0].type == FP_INFINITE, infinite1 = n[1].type == FP_INFINITE;
    if (infinite0 && infinite1 && n[0].sign != n[1].sign)
        return fp_invalid(env, f);
    if (infinite0 || infinite1)
        return fp_infinity(f, n[infinite0 ? 0 : 1].sign);
    if (n[0].type == FP_TYPE_ZERO && n[1].type == FP_TYPE_ZERO)
        return fp_zero(f, n[0].sign == n[1].sign ? n[0].sign : fp_mode(env) == FP_NEGINF);
    return fp_round(env, f, n[n[0].type == FP_TYPE_ZERO], fp_mode(env));
}

FP_INLINE uint64_t add_signed(struct fp_env *env, const struct fp_format *f, const uint64_t v[2],
                              bool negate)
{
    const struct fp_num a = fp_unpack(env, f, v[0]);
    struct fp_num b = fp_unpack(env, f, v[1]);
    b.sign ^= negate;
    if (a.type == FP_FINITE && b.type == FP_FINITE)
        return sum(env, f, a, b);
    return add_special(env, f, v, (const struct fp_num[2]){a, b});
}

FP_INLINE uint64_t any_add(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return add_signed(env, f, (const uint64_t[2]){a, b}, false);
}
FP_DEFINE_BINARY(add)

FP_INLINE uint64_t any_sub(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return add_signed(env, f, (const uint64_t[2]){a, b}, true);
}
FP_DEFINE_BINARY(sub)

FP_INLINE uint64_t any_abd(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return any_sub(env, f, a, b) & ~fp_sign_bit(f);
}
FP_DEFINE_BINARY(abd)

/* x: infinity times zero is two (FMULX). */
FP_INLINE uint64_t multiply(struct fp_env *env, const struct fp_format *f, const uint64_t v[2],
                            bool x)
{
    const struct fp_num n[2] = {fp_unpack(env, f, v[0]), fp_unpack(env, f, v[1])};
    bool sign = n[0].sign ^ n[1].sign;
    if (n[0].type == FP_FINITE && n[1].type == FP_FINITE) {
        fp_u128 p = (fp_u128)n[0].frac * n[1].frac;
        unsigned low = p >> 127 ? 0 : 1;
        p <<= low;
        struct fp_num r = {(uint64_t)(p >> 64) | ((uint64_t)p != 0),
                           n[0].exp + n[1].exp + 1 - (int)low, FP_FINITE, sign};
        return fp_round(env, f, r, fp_mode(env));
    }
    if (fp_is_nan(n[0]) || fp_is_nan(n[1]))
        return fp_nans(env, f, v, n);
    bool infinite = n[0].type == FP_INFINITE || n[1].type == FP_INFINITE;
    bool zero = n[0].type == FP_TYPE_ZERO || n[1].type == FP_TYPE_ZERO;
    if (infinite && zero)
        return x ? fp_zero(f, sign) | (uint64_t)(1 - f->min_exp + 1) << f->mbits
                 : fp_invalid(env, f);
    return infinite ? fp_infinity(f, sign) : fp_zero(f, sign);
}

FP_INLINE uint64_t any_mul(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return multiply(env, f, (const uint64_t[2]){a, b}, false);
}
FP_DEFINE_BINARY(mul)

FP_INLINE uint64_t any_nmul(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return any_mul(env, f, a, b) ^ fp_sign_bit(f);
}
FP_DEFINE_BINARY(nmul)

FP_INLINE uint64_t any_mulx(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return multiply(env, f, (const uint64_t[2]){a, b}, true);
}
FP_DEFINE_BINARY(mulx)

/* a / b for a and b with bit 63 set, with a sticky bit 0. The bit of weight 1 is 55 (single) or 56.
 * Eleven bits of the quotient a step: what a 64-bit division can give of 53-bit numbers. */
FP_INLINE uint64_t quotient(const struct fp_format *f, uint64_t a, uint64_t b)
{
    if (f->width == 32) { /* 24-bit numbers: one division */
        a >>= 40;
        b >>= 40;
        uint64_t q = (a << 31) / b;
        return q << 24 | ((a << 31) % b != 0);
    }
    a >>= 11;
    b >>= 11;
    uint64_t q = a / b, r = a % b;
    for (unsigned k = 0; k < 5; k++) {
        q = q << 11 | (r << 11) / b;
        r = (r << 11) % b;
    }
    return q << 1 | (r != 0);
}

FP_INLINE uint64_t divide_finite(struct fp_env *env, const struct fp_format *f, struct fp_num a,
                                 struct fp_num b)
{
    uint64_t q = quotient(f, a.frac, b.frac);
    int one = f->width == 32 ? 55 : 56; /* q's bit of weight 1 */
    int shift = __builtin_clzll(q);
    struct fp_num r = {q << shift, a.exp - b.exp + 63 - shift - one, FP_FINITE, a.sign ^ b.sign};
    return fp_round(env, f, r, fp_mode(env));
}

FP_INLINE uint64_t any_div(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    const uint64_t v[2] = {a, b};
    const struct fp_num n[2] = {fp_unpack(env, f, a), fp_unpack(env, f, b)};
    bool sign = n[0].sign ^ n[1].sign;
    if (n[0].type == FP_FINITE && n[1].type == FP_FINITE)
        return divide_finite(env, f, n[0], n[1]);
    if (fp_is_nan(n[0]) || fp_is_nan(n[1]))
        return fp_nans(env, f, v, n);
    if (n[0].type == n[1].type) /* both infinite or both zero */
        return fp_invalid(env, f);
    if (n[0].type == FP_INFINITE)
        return fp_infinity(f, sign);
    if (n[1].type == FP_TYPE_ZERO) {
        env->fpsr |= FPSR_DZC;
        return fp_infinity(f, sign);
    }
    return fp_zero(f, sign);
}
FP_DEFINE_BINARY(div)

/* Root of a number with bit 63 or 62 at the top, by its bits from the top, `bits` of them: as by
 * hand, two bits down at a time. */
FP_INLINE uint64_t root(uint64_t v, unsigned bits, bool *ret_exact)
{
    uint64_t r = 0, rest = 0;
    for (unsigned k = 0; k < bits; k++) {
        rest = rest << 2 | v >> 62;
        v <<= 2;
        uint64_t t = r << 2 | 1;
        r <<= 1;
        if (rest >= t) {
            rest -= t;
            r |= 1;
        }
    }
    *ret_exact = !rest && !v;
    return r;
}

FP_INLINE uint64_t any_sqrt(struct fp_env *env, const struct fp_format *f, uint64_t a)
{
    struct fp_num n = fp_unpack(env, f, a);
    if (fp_is_nan(n))
        return fp_nan(env, f, a, n.type == FP_SNAN);
    if (n.type == FP_TYPE_ZERO)
        return fp_zero(f, n.sign);
    if (n.sign)
        return fp_invalid(env, f);
    if (n.type == FP_INFINITE)
        return a;
    unsigned bits = f->mbits + 3u;
    bool exact;
    /* an even power of two in front: frac / 2^62 is in [1, 4) */
    uint64_t v = n.exp & 1 ? n.frac : n.frac >> 1;
    uint64_t r = root(v, bits, &exact);
    struct fp_num result = {r << (64 - bits) | !exact, n.exp >> 1, FP_FINITE, false};
    return fp_round(env, f, result, fp_mode(env));
}
FP_DEFINE_UNARY(sqrt)
