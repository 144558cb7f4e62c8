// SPDX-License-Identifier: Apache-2.0
/* Comparisons, greatest and least. */
#include "engine/fp/num.h"

/* Order of two numbers that are no NaNs: -1, 0, 1. */
FP_INLINE int order(struct fp_num a, struct fp_num b)
{
    if (a.type == FP_TYPE_ZERO && b.type == FP_TYPE_ZERO)
        return 0;
    int below = a.sign ? 1 : -1; /* if |a| < |b| and they have one sign */
    if (a.type == FP_TYPE_ZERO)
        return b.sign ? 1 : -1;
    if (b.type == FP_TYPE_ZERO || a.sign != b.sign)
        return -below;
    if (a.type != b.type)
        return a.type < b.type ? below : -below;
    if (a.type == FP_INFINITE)
        return 0;
    if (a.exp != b.exp)
        return a.exp < b.exp ? below : -below;
    if (a.frac != b.frac)
        return a.frac < b.frac ? below : -below;
    return 0;
}

enum { UNORDERED = 2 };

/* UNORDERED, or the order; all: quiet NaNs are invalid too. */
FP_INLINE int compare_any(struct fp_env *env, const struct fp_format *f, const uint64_t v[2],
                          bool all)
{
    const struct fp_num a = fp_unpack(env, f, v[0]), b = fp_unpack(env, f, v[1]);
    if (fp_is_nan(a) || fp_is_nan(b)) {
        if (all || a.type == FP_SNAN || b.type == FP_SNAN)
            env->fpsr |= FPSR_IOC;
        return UNORDERED;
    }
    return order(a, b);
}

static unsigned nzcv(int result)
{
    static const uint8_t map[4] = {FP_NZCV_LESS, FP_NZCV_EQUAL, FP_NZCV_GREATER, FP_NZCV_UNORDERED};
    return map[result + 1];
}

unsigned fp32_compare(struct fp_env *env, uint32_t a, uint32_t b, bool signalling)
{
    return nzcv(compare_any(env, &fp_single, (const uint64_t[2]){a, b}, signalling));
}

unsigned fp64_compare(struct fp_env *env, uint64_t a, uint64_t b, bool signalling)
{
    return nzcv(compare_any(env, &fp_double, (const uint64_t[2]){a, b}, signalling));
}

FP_INLINE uint64_t any_cmeq(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return compare_any(env, f, (const uint64_t[2]){a, b}, false) == 0 ? ~0ull : 0;
}
FP_DEFINE_BINARY(cmeq)

FP_INLINE uint64_t any_cmge(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    int c = compare_any(env, f, (const uint64_t[2]){a, b}, true);
    return c == 0 || c == 1 ? ~0ull : 0;
}
FP_DEFINE_BINARY(cmge)

FP_INLINE uint64_t any_cmgt(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return compare_any(env, f, (const uint64_t[2]){a, b}, true) == 1 ? ~0ull : 0;
}
FP_DEFINE_BINARY(cmgt)

FP_INLINE uint64_t any_acge(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return any_cmge(env, f, a & ~fp_sign_bit(f), b & ~fp_sign_bit(f));
}
FP_DEFINE_BINARY(acge)

FP_INLINE uint64_t any_acgt(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return any_cmgt(env, f, a & ~fp_sign_bit(f), b & ~fp_sign_bit(f));
}
FP_DEFINE_BINARY(acgt)

/* The greater (or, sign, the lesser). Of two zeros, max is negative only if both are. */
FP_INLINE uint64_t pick(struct fp_env *env, const struct fp_format *f, const uint64_t v[2],
                        bool least)
{
    const struct fp_num n[2] = {fp_unpack(env, f, v[0]), fp_unpack(env, f, v[1])};
    if (fp_is_nan(n[0]) || fp_is_nan(n[1]))
        return fp_nans(env, f, v, n);
    bool zero0 = n[0].type == FP_TYPE_ZERO, zero1 = n[1].type == FP_TYPE_ZERO;
    if (zero0 && zero1)
        return fp_zero(f, least ? n[0].sign | n[1].sign : n[0].sign & n[1].sign);
    int c = order(n[0], n[1]);
    unsigned k = (least ? c < 0 : c > 0) ? 0 : 1;
    return n[k].type == FP_TYPE_ZERO ? fp_zero(f, n[k].sign) : v[k];
}

FP_INLINE uint64_t any_max(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return pick(env, f, (const uint64_t[2]){a, b}, false);
}
FP_DEFINE_BINARY(max)

FP_INLINE uint64_t any_min(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return pick(env, f, (const uint64_t[2]){a, b}, true);
}
FP_DEFINE_BINARY(min)

FP_INLINE bool quiet_nan(const struct fp_format *f, uint64_t v)
{
    uint64_t nan = fp_default_nan(f);
    return (v & nan) == nan;
}

/* A single quiet NaN counts as the worst number there is. */
FP_INLINE uint64_t pick_number(struct fp_env *env, const struct fp_format *f, const uint64_t v[2],
                               bool least)
{
    bool quiet0 = quiet_nan(f, v[0]), quiet1 = quiet_nan(f, v[1]);
    uint64_t worst = fp_infinity(f, !least);
    const uint64_t w[2] = {quiet0 && !quiet1 ? worst : v[0], quiet1 && !quiet0 ? worst : v[1]};
    return pick(env, f, w, least);
}

FP_INLINE uint64_t any_maxnm(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return pick_number(env, f, (const uint64_t[2]){a, b}, false);
}
FP_DEFINE_BINARY(maxnm)

FP_INLINE uint64_t any_minnm(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return pick_number(env, f, (const uint64_t[2]){a, b}, true);
}
FP_DEFINE_BINARY(minnm)
