/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions: between formats ("FPConvert"), to and from integers and fixed point ("FPToFixed",
 * "FixedToFP"), and JavaScript's ("FPToFixedJS").
 *
 * Fixed point is an addition to the exponent. Half precision knows no flushing here (FZ16 is about
 * arithmetic only), and with FPCR.AHP neither infinities nor NaNs: what would be one is an invalid
 * operation and becomes the greatest number, or zero for a NaN.
 */
#include "engine/fp/num.h"

/* ---- between formats ---- */

/* "FPConvertNaN": sign and the upper bits of the payload stay. */
FP_INLINE uint64_t convert_nan(const struct fp_format *to, const struct fp_format *from, uint64_t v)
{
    uint64_t payload = v << (64 - from->mbits) >> (64 - to->mbits);
    return fp_zero(to, v >> (from->width - 1) & 1) | fp_default_nan(to) | payload;
}

struct conversion {
    const struct fp_format *to, *from; /* the formats */
    enum fp_rounding rounding;         /* for narrowing */
};

FP_INLINE uint64_t convert(struct fp_env *env, struct conversion c, uint64_t v)
{
    struct fp_num n = fp_unpack(env, c.from, v);
    bool alternative = c.to->width == 16 && env->fpcr & FPCR_AHP;
    if (fp_is_nan(n)) {
        if (n.type == FP_SNAN || alternative)
            env->fpsr |= FPSR_IOC;
        if (alternative)
            return fp_zero(c.to, n.sign);
        return env->fpcr & FPCR_DN ? fp_default_nan(c.to) : convert_nan(c.to, c.from, v);
    }
    if (n.type == FP_INFINITE) {
        if (!alternative)
            return fp_infinity(c.to, n.sign);
        env->fpsr |= FPSR_IOC;
        return fp_zero(c.to, n.sign) | 0x7fff;
    }
    if (n.type == FP_TYPE_ZERO)
        return fp_zero(c.to, n.sign);
    return fp_round(env, c.to, n, c.rounding);
}

uint32_t fp16_to_32(struct fp_env *env, uint16_t a)
{
    return (uint32_t)convert(env, (struct conversion){&fp_single, &fp_half, fp_mode(env)}, a);
}

uint64_t fp16_to_64(struct fp_env *env, uint16_t a)
{
    return convert(env, (struct conversion){&fp_double, &fp_half, fp_mode(env)}, a);
}

uint64_t fp32_to_64(struct fp_env *env, uint32_t a)
{
    return convert(env, (struct conversion){&fp_double, &fp_single, fp_mode(env)}, a);
}

uint16_t fp32_to_16(struct fp_env *env, uint32_t a)
{
    return (uint16_t)convert(env, (struct conversion){&fp_half, &fp_single, fp_mode(env)}, a);
}

uint16_t fp64_to_16(struct fp_env *env, uint64_t a)
{
    return (uint16_t)convert(env, (struct conversion){&fp_half, &fp_double, fp_mode(env)}, a);
}

uint32_t fp64_to_32(struct fp_env *env, uint64_t a)
{
    return (uint32_t)convert(env, (struct conversion){&fp_single, &fp_double, fp_mode(env)}, a);
}

uint32_t fp64_to_32_odd(struct fp_env *env, uint64_t a)
{
    return (uint32_t)convert(env, (struct conversion){&fp_single, &fp_double, FP_ODD}, a);
}

/* ---- to integers ---- */

/* Greatest magnitude of a type on the side of the sign. */
static uint64_t limit(enum fp_int type, bool sign)
{
    switch (type) {
    case FP_S32:
        return 0x7fffffffu + (uint64_t)sign;
    case FP_S64:
        return 0x7fffffffffffffffu + (uint64_t)sign;
    case FP_U32:
        return sign ? 0 : 0xffffffffu;
    default:
        return sign ? 0 : ~0ull;
    }
}

static uint64_t signed_result(uint64_t magnitude, bool sign, enum fp_int type)
{
    uint64_t v = sign ? 0 - magnitude : magnitude;
    return type == FP_S32 || type == FP_U32 ? (uint32_t)v : v;
}

static uint64_t to_int(struct fp_env *env, struct fp_num n, enum fp_rounding rounding,
                       enum fp_int type)
{
    uint64_t max = limit(type, n.sign), below = 0, whole = 0;
    bool carry = false;
    if (n.type == FP_TYPE_ZERO)
        return 0;
    if (fp_is_nan(n)) {
        env->fpsr |= FPSR_IOC;
        return 0;
    }
    if (n.type == FP_FINITE && n.exp < 64) {
        whole = fp_whole_part(n, &below);
        bool up = fp_rounds_up(below, whole & 1, n.sign, rounding);
        carry = up && whole == ~0ull;
        whole += up;
    } else {
        carry = true;
    }
    if (carry || whole > max) {
        env->fpsr |= FPSR_IOC;
        return signed_result(max, n.sign, type);
    }
    if (below)
        env->fpsr |= FPSR_IXC;
    return signed_result(whole, n.sign, type);
}

uint64_t fp32_to_int(struct fp_env *env, uint32_t a, enum fp_rounding rounding, enum fp_int type,
                     unsigned fbits)
{
    struct fp_num n = fp_unpack(env, &fp_single, a);
    n.exp += (int)fbits;
    return to_int(env, n, rounding, type);
}

uint64_t fp64_to_int(struct fp_env *env, uint64_t a, enum fp_rounding rounding, enum fp_int type,
                     unsigned fbits)
{
    struct fp_num n = fp_unpack(env, &fp_double, a);
    n.exp += (int)fbits;
    return to_int(env, n, rounding, type);
}

/* Whole part modulo 2^32; a number from 2^64 on has its low bits shifted up. */
uint32_t fp64_to_js(struct fp_env *env, uint64_t a, bool *ret_exact)
{
    struct fp_num n = fp_unpack(env, &fp_double, a);
    *ret_exact = false;
    if (n.type == FP_TYPE_ZERO) {
        *ret_exact = !n.sign && !(a << 12); /* neither -0 nor a flushed denormal is exact */
        return 0;
    }
    if (n.type != FP_FINITE) {
        env->fpsr |= FPSR_IOC;
        return 0;
    }
    uint64_t below = 0, whole = 0;
    if (n.exp < 64)
        whole = fp_whole_part(n, &below);
    else if (n.exp < 63 + 32)
        whole = n.frac << (n.exp - 63);
    bool big = n.exp >= 64 || whole > limit(FP_S32, n.sign);
    if (big)
        env->fpsr |= FPSR_IOC;
    else if (below)
        env->fpsr |= FPSR_IXC;
    else
        *ret_exact = true;
    return (uint32_t)(n.sign ? 0 - whole : whole);
}

/* ---- from integers ---- */
FP_INLINE uint64_t from_int(struct fp_env *env, const struct fp_format *f, uint64_t a,
                            enum fp_int type, unsigned fbits)
{
    if (type == FP_S32)
        a = (uint64_t)(int64_t)(int32_t)a;
    else if (type == FP_U32)
        a = (uint32_t)a;
    bool sign = (type == FP_S32 || type == FP_S64) && a >> 63;
    if (sign)
        a = 0 - a;
    if (!a)
        return 0;
    int shift = __builtin_clzll(a);
    struct fp_num n = {a << shift, 63 - shift - (int)fbits, FP_FINITE, sign};
    return fp_round(env, f, n, fp_mode(env));
}

uint32_t fp32_from_int(struct fp_env *env, uint64_t a, enum fp_int type, unsigned fbits)
{
    return (uint32_t)from_int(env, &fp_single, a, type, fbits);
}

uint64_t fp64_from_int(struct fp_env *env, uint64_t a, enum fp_int type, unsigned fbits)
{
    return from_int(env, &fp_double, a, type, fbits);
}
