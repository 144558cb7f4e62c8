/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounding: into a format ("FPRound"), and to integral values ("FPRoundInt", "FPRoundIntN").
 *
 * Everything that this folder computes ends here: a 64-bit significand with a sticky bit is cut to
 * the format's size. Biased exponent and significand are added, not put side by side, so that a
 * carry out of rounding goes into the exponent by itself, up to infinity.
 */
#include "engine/fp/num.h"

static bool overflows_to_infinity(bool sign, enum fp_rounding rounding)
{
    switch (rounding) {
    case FP_POSINF:
        return !sign;
    case FP_NEGINF:
        return sign;
    case FP_ZERO:
    case FP_ODD:
        return false;
    default:
        return true;
    }
}

static uint64_t overflow(struct fp_env *env, const struct fp_format *f, bool sign,
                         enum fp_rounding rounding)
{
    env->fpsr |= FPSR_OFC | FPSR_IXC;
    return fp_infinity(f, sign) - (overflows_to_infinity(sign, rounding) ? 0 : 1);
}

/* Tininess is found before rounding, and is an underflow only if the result is inexact. With FZ it
 * always is, and nothing else is raised. */
FP_INLINE uint64_t pack(struct fp_env *env, const struct fp_format *f, struct fp_num n,
                        enum fp_rounding rounding)
{
    unsigned drop = 63 - f->mbits;
    uint64_t sign = n.sign ? fp_sign_bit(f) : 0;
    bool tiny = n.exp < f->min_exp;
    if (tiny && f->width != 16 && env->fpcr & FPCR_FZ) {
        env->fpsr |= FPSR_UFC;
        return sign;
    }
    uint64_t base = 0;
    if (tiny)
        n.frac = fp_shift_sticky(n.frac, (unsigned)(f->min_exp - n.exp));
    else
        base = (uint64_t)(n.exp - f->min_exp) << f->mbits; /* the leading bit adds one more */
    uint64_t below = n.frac << (64 - drop), kept = n.frac >> drop;
    if (below && rounding == FP_ODD)
        kept |= 1;
    else
        kept += fp_rounds_up(below, kept & 1, n.sign, rounding);
    uint64_t result = base + kept;
    if (f->width == 16 && env->fpcr & FPCR_AHP && result >= 1u << 15) {
        env->fpsr |= FPSR_IOC; /* and not inexact */
        return sign | 0x7fff;
    }
    if (below)
        env->fpsr |= tiny ? FPSR_UFC | FPSR_IXC : FPSR_IXC;
    bool infinities = !(f->width == 16 && env->fpcr & FPCR_AHP);
    if (infinities && result >= (uint64_t)f->top << f->mbits)
        return overflow(env, f, n.sign, rounding);
    return sign | result;
}

uint32_t fp_round_single(struct fp_env *env, struct fp_num n, enum fp_rounding rounding)
{
    return (uint32_t)pack(env, &fp_single, n, rounding);
}

uint64_t fp_round_double(struct fp_env *env, struct fp_num n, enum fp_rounding rounding)
{
    return pack(env, &fp_double, n, rounding);
}

uint16_t fp_round_half(struct fp_env *env, struct fp_num n, enum fp_rounding rounding)
{
    return (uint16_t)pack(env, &fp_half, n, rounding);
}

/* The integer that a finite number below 2^63 rounds to; ret_exact: nothing was lost. */
static uint64_t integer(struct fp_num n, enum fp_rounding rounding, bool *ret_exact)
{
    uint64_t below, whole = fp_whole_part(n, &below);
    *ret_exact = !below;
    return whole + fp_rounds_up(below, whole & 1, n.sign, rounding);
}

/* An integer below 2^64 with few enough bits back into the format: exact. */
FP_INLINE uint64_t from_integer(struct fp_env *env, const struct fp_format *f, uint64_t v,
                                bool sign)
{
    if (!v)
        return fp_zero(f, sign);
    int shift = __builtin_clzll(v);
    struct fp_num n = {v << shift, 63 - shift, FP_FINITE, sign};
    return fp_round(env, f, n, FP_ZERO);
}

FP_INLINE uint64_t any_rint(struct fp_env *env, const struct fp_format *f, uint64_t a,
                            enum fp_rounding rounding, bool raise)
{
    struct fp_num n = fp_unpack(env, f, a);
    if (fp_is_nan(n))
        return fp_nan(env, f, a, n.type == FP_SNAN);
    if (n.type == FP_TYPE_ZERO)
        return fp_zero(f, n.sign);
    if (n.type == FP_INFINITE || n.exp >= f->mbits)
        return a;
    bool exact;
    uint64_t v = integer(n, rounding, &exact);
    if (!exact && raise)
        env->fpsr |= FPSR_IXC;
    return from_integer(env, f, v, n.sign);
}

uint32_t fp32_rint(struct fp_env *env, uint32_t a, enum fp_rounding rounding, bool exact)
{
    return (uint32_t)any_rint(env, &fp_single, a, rounding, exact);
}

uint64_t fp64_rint(struct fp_env *env, uint64_t a, enum fp_rounding rounding, bool exact)
{
    return any_rint(env, &fp_double, a, rounding, exact);
}

/* What does not fit becomes -2^(bits-1). */
FP_INLINE uint64_t too_big(struct fp_env *env, const struct fp_format *f, unsigned bits)
{
    env->fpsr |= FPSR_IOC;
    return fp_sign_bit(f) | (uint64_t)((int)bits - f->min_exp) << f->mbits;
}

FP_INLINE uint64_t any_rint_fit(struct fp_env *env, const struct fp_format *f, uint64_t a,
                                enum fp_rounding rounding, unsigned bits)
{
    struct fp_num n = fp_unpack(env, f, a);
    if (n.type == FP_TYPE_ZERO)
        return fp_zero(f, n.sign);
    if (n.type != FP_FINITE || n.exp >= (int)bits)
        return too_big(env, f, bits);
    bool exact;
    uint64_t v = integer(n, rounding, &exact);
    if (v > (1ull << (bits - 1)) - !n.sign)
        return too_big(env, f, bits);
    if (!exact)
        env->fpsr |= FPSR_IXC;
    return from_integer(env, f, v, n.sign);
}

uint32_t fp32_rint_fit(struct fp_env *env, uint32_t a, enum fp_rounding rounding, unsigned bits)
{
    return (uint32_t)any_rint_fit(env, &fp_single, a, rounding, bits);
}

uint64_t fp64_rint_fit(struct fp_env *env, uint64_t a, enum fp_rounding rounding, unsigned bits)
{
    return any_rint_fit(env, &fp_double, a, rounding, bits);
}
