// SPDX-License-Identifier: Apache-2.0
/* Reciprocal and reciprocal root estimates: eight bits, exact by definition ("FPRecipEstimate",
 * "FPRSqrtEstimate", "FPRecpX"). */
#include "engine/fp/num.h"

/* 256 to 511 for a number of [0.5, 1) in 1/512ths. */
static unsigned recip_table(unsigned a)
{
    a = a * 2 + 1;
    return ((1u << 19) / a + 1) / 2;
}

/* The same for the root; a is in [0.25, 1) in 1/512ths. */
static unsigned rsqrt_table(unsigned a)
{
    a = a < 256 ? a * 2 + 1 : ((a & ~1u) + 1) * 2;
    unsigned b = 512;
    while (a * (b + 1) * (b + 1) < 1u << 28)
        b++;
    return (b + 1) / 2;
}

/* sign, a biased exponent from -1 up, and an estimate of 256 to 511 for a significand. */
FP_INLINE uint64_t build(const struct fp_format *f, bool sign, int biased, unsigned estimate)
{
    uint64_t frac = (uint64_t)estimate << (f->mbits - 8); /* with its leading bit */
    if (biased > 0)
        frac &= (1ull << f->mbits) - 1;
    else
        frac >>= 1 - biased;
    return fp_zero(f, sign) | (uint64_t)(biased > 0 ? biased : 0) << f->mbits | frac;
}

FP_INLINE uint64_t estimate_overflow(struct fp_env *env, const struct fp_format *f, bool sign)
{
    enum fp_rounding r = fp_mode(env);
    env->fpsr |= FPSR_OFC | FPSR_IXC;
    bool infinite = r == FP_TIEEVEN || (r == FP_POSINF && !sign) || (r == FP_NEGINF && sign);
    return fp_infinity(f, sign) - !infinite;
}

FP_INLINE uint64_t any_recpe(struct fp_env *env, const struct fp_format *f, uint64_t a)
{
    struct fp_num n = fp_unpack(env, f, a);
    if (fp_is_nan(n))
        return fp_nan(env, f, a, n.type == FP_SNAN);
    if (n.type == FP_INFINITE)
        return fp_zero(f, n.sign);
    if (n.type == FP_TYPE_ZERO) {
        env->fpsr |= FPSR_DZC;
        return fp_infinity(f, n.sign);
    }
    if (n.exp < f->min_exp - 2)
        return estimate_overflow(env, f, n.sign);
    if (env->fpcr & FPCR_FZ && n.exp >= -f->min_exp) {
        env->fpsr |= FPSR_UFC;
        return fp_zero(f, n.sign);
    }
    unsigned scaled = (unsigned)(n.frac >> 55);
    return build(f, n.sign, -n.exp - f->min_exp, recip_table(scaled));
}
FP_DEFINE_UNARY(recpe)

FP_INLINE uint64_t any_rsqrte(struct fp_env *env, const struct fp_format *f, uint64_t a)
{
    struct fp_num n = fp_unpack(env, f, a);
    if (fp_is_nan(n))
        return fp_nan(env, f, a, n.type == FP_SNAN);
    if (n.type == FP_TYPE_ZERO) {
        env->fpsr |= FPSR_DZC;
        return fp_infinity(f, n.sign);
    }
    if (n.sign)
        return fp_invalid(env, f);
    if (n.type == FP_INFINITE)
        return fp_zero(f, false);
    /* an even power of two in front of [0.25, 1) */
    bool odd = n.exp & 1;
    unsigned scaled = (unsigned)(n.frac >> (odd ? 55 : 56));
    int exp = -((n.exp + (odd ? 1 : 2)) >> 1); /* result = 2^exp * estimate in [1, 2) */
    return build(f, false, exp - f->min_exp + 1, rsqrt_table(scaled));
}
FP_DEFINE_UNARY(rsqrte)

/* The exponent inverted: for scaling. */
FP_INLINE uint64_t any_recpx(struct fp_env *env, const struct fp_format *f, uint64_t a)
{
    struct fp_num n = fp_unpack(env, f, a);
    if (fp_is_nan(n))
        return fp_nan(env, f, a, n.type == FP_SNAN);
    uint64_t exponent = (uint64_t)f->top << f->mbits;
    uint64_t sign = a & fp_sign_bit(f);
    if (!(a & exponent))
        return sign | (uint64_t)(f->top - 1) << f->mbits;
    return sign | (~a & exponent);
}
FP_DEFINE_UNARY(recpx)

uint32_t fp_urecpe(uint32_t a)
{
    return a >> 31 ? recip_table(a >> 23) << 23 : ~0u;
}

uint32_t fp_ursqrte(uint32_t a)
{
    return a >> 30 ? rsqrt_table(a >> 23) << 23 : ~0u;
}
