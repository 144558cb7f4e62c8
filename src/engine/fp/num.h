/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside fp: numbers taken apart, one form for all widths.
 *
 * Functions that exist for several widths are written once, always inlined, with the format as an
 * argument that the compiler knows; FP_DEFINE_* makes the public pair.
 *
 * Invariants
 *  1. A finite non-zero number has bit 63 of frac set: value = frac / 2^63 * 2^exp, and bit 0 may
 *     stand for all that lies below it ("sticky"): formats leave 11 bits and more for that.
 *  2. In NaNs, frac is meaningless: the bit pattern is passed along instead.
 */
#ifndef ENGINE_FP_NUM_H
#define ENGINE_FP_NUM_H

#include "engine/fp/fp.h"

struct fp_format {
    uint8_t width;   /* bits in all */
    uint8_t mbits;   /* stored bits of the significand */
    int16_t min_exp; /* exponent of the smallest normal number */
    int16_t top;     /* biased exponent of infinities and NaNs */
};
static const struct fp_format fp_half = {16, 10, -14, 31};
static const struct fp_format fp_single = {32, 23, -126, 255};
static const struct fp_format fp_double = {64, 52, -1022, 2047};

/* In this order a type from FP_QNAN on is a NaN. */
enum fp_type { FP_TYPE_ZERO, FP_FINITE, FP_INFINITE, FP_QNAN, FP_SNAN };

struct fp_num {
    uint64_t frac; /* significand, bit 63 set when finite and not zero */
    int32_t exp;   /* of bit 63 */
    uint8_t type;  /* enum fp_type */
    bool sign;     /* negative */
};

#define FP_INLINE static inline __attribute__((always_inline))
typedef unsigned __int128 fp_u128;

FP_INLINE uint64_t fp_sign_bit(const struct fp_format *f)
{
    return 1ull << (f->width - 1);
}

FP_INLINE uint64_t fp_infinity(const struct fp_format *f, bool sign)
{
    return (uint64_t)f->top << f->mbits | (sign ? fp_sign_bit(f) : 0);
}

FP_INLINE uint64_t fp_zero(const struct fp_format *f, bool sign)
{
    return sign ? fp_sign_bit(f) : 0;
}

FP_INLINE uint64_t fp_default_nan(const struct fp_format *f)
{
    return (uint64_t)f->top << f->mbits | 1ull << (f->mbits - 1);
}

FP_INLINE uint64_t fp_invalid(struct fp_env *env, const struct fp_format *f)
{
    env->fpsr |= FPSR_IOC;
    return fp_default_nan(f);
}

FP_INLINE bool fp_is_nan(struct fp_num n)
{
    return n.type >= FP_QNAN;
}

/* Shift right; what falls out stays as bit 0. */
FP_INLINE uint64_t fp_shift_sticky(uint64_t v, unsigned n)
{
    if (n > 63)
        return v != 0;
    return v >> n | ((v & ((1ull << n) - 1)) != 0);
}

/* Take apart a value that is zero or denormal. */
FP_INLINE struct fp_num fp_unpack_small(struct fp_env *env, const struct fp_format *f,
                                        uint64_t frac, bool sign)
{
    struct fp_num n = {.sign = sign, .type = FP_TYPE_ZERO};
    if (!frac)
        return n;
    if (f->width != 16 && env->fpcr & FPCR_FZ) {
        env->fpsr |= FPSR_IDC;
        return n;
    }
    int shift = __builtin_clzll(frac);
    n.type = FP_FINITE;
    n.frac = frac << shift;
    n.exp = f->min_exp - f->mbits + 63 - shift;
    return n;
}

/* "FPUnpack"; half precision is only converted here, so FZ16 does not count. */
FP_INLINE struct fp_num fp_unpack(struct fp_env *env, const struct fp_format *f, uint64_t v)
{
    uint64_t frac = v & ((1ull << f->mbits) - 1);
    int biased = (int)(v >> f->mbits) & f->top;
    bool sign = v >> (f->width - 1) & 1;
    if (!biased)
        return fp_unpack_small(env, f, frac, sign);
    struct fp_num n = {.sign = sign, .type = FP_FINITE};
    if (biased == f->top && !(f->width == 16 && env->fpcr & FPCR_AHP)) {
        n.type = !frac ? FP_INFINITE : frac >> (f->mbits - 1) ? FP_QNAN : FP_SNAN;
        return n;
    }
    n.frac = 1ull << 63 | frac << (63 - f->mbits);
    n.exp = biased + f->min_exp - 1;
    return n;
}

/* "FPProcessNaN" */
FP_INLINE uint64_t fp_nan(struct fp_env *env, const struct fp_format *f, uint64_t v,
                          bool signalling)
{
    if (signalling)
        env->fpsr |= FPSR_IOC;
    return env->fpcr & FPCR_DN ? fp_default_nan(f) : v | 1ull << (f->mbits - 1);
}

/* "FPProcessNaNs" of two, one of which is a NaN: signalling ones first, then by position. */
FP_INLINE uint64_t fp_nans(struct fp_env *env, const struct fp_format *f, const uint64_t v[2],
                           const struct fp_num n[2])
{
    if (n[0].type == FP_SNAN)
        return fp_nan(env, f, v[0], true);
    if (n[1].type == FP_SNAN)
        return fp_nan(env, f, v[1], true);
    return fp_nan(env, f, n[0].type == FP_QNAN ? v[0] : v[1], false);
}

/* "FPRound": a finite number that is not zero into the format. */
uint32_t fp_round_single(struct fp_env *env, struct fp_num n, enum fp_rounding rounding);
uint64_t fp_round_double(struct fp_env *env, struct fp_num n, enum fp_rounding rounding);
uint16_t fp_round_half(struct fp_env *env, struct fp_num n, enum fp_rounding rounding);

FP_INLINE uint64_t fp_round(struct fp_env *env, const struct fp_format *f, struct fp_num n,
                            enum fp_rounding rounding)
{
    if (f->width == 64)
        return fp_round_double(env, n, rounding);
    return f->width == 32 ? fp_round_single(env, n, rounding) : fp_round_half(env, n, rounding);
}

/* The whole part of |n| and what lies below it, as a fraction of 2^64; n < 2^64. */
FP_INLINE uint64_t fp_whole_part(struct fp_num n, uint64_t *ret_below)
{
    if (n.exp < 0) {
        *ret_below = fp_shift_sticky(n.frac, (unsigned)(-1 - n.exp));
        return 0;
    }
    *ret_below = n.exp == 63 ? 0 : n.frac << (n.exp + 1);
    return n.frac >> (63 - n.exp);
}

/* Does a number with these bits below the last one kept (as a fraction of 2^64) round up? */
FP_INLINE bool fp_rounds_up(uint64_t below, bool odd, bool sign, enum fp_rounding rounding)
{
    const uint64_t half = 1ull << 63;
    switch (rounding) {
    case FP_TIEEVEN:
        return below > half || (below == half && odd);
    case FP_TIEAWAY:
        return below >= half;
    case FP_POSINF:
        return below && !sign;
    case FP_NEGINF:
        return below && sign;
    default:
        return false;
    }
}

#define FP_DEFINE_UNARY(name)                                                                      \
    uint32_t fp32_##name(struct fp_env *env, uint32_t a)                                           \
    {                                                                                              \
        return (uint32_t)any_##name(env, &fp_single, a);                                           \
    }                                                                                              \
    uint64_t fp64_##name(struct fp_env *env, uint64_t a)                                           \
    {                                                                                              \
        return any_##name(env, &fp_double, a);                                                     \
    }
#define FP_DEFINE_BINARY(name)                                                                     \
    uint32_t fp32_##name(struct fp_env *env, uint32_t a, uint32_t b)                               \
    {                                                                                              \
        return (uint32_t)any_##name(env, &fp_single, a, b);                                        \
    }                                                                                              \
    uint64_t fp64_##name(struct fp_env *env, uint64_t a, uint64_t b)                               \
    {                                                                                              \
        return any_##name(env, &fp_double, a, b);                                                  \
    }
#define FP_DEFINE_TERNARY(name)                                                                    \
    uint32_t fp32_##name(struct fp_env *env, uint32_t addend, uint32_t n, uint32_t m)              \
    {                                                                                              \
        return (uint32_t)any_##name(env, &fp_single, addend, n, m);                                \
    }                                                                                              \
    uint64_t fp64_##name(struct fp_env *env, uint64_t addend, uint64_t n, uint64_t m)              \
    {                                                                                              \
        return any_##name(env, &fp_double, addend, n, m);                                          \
    }

#endif
