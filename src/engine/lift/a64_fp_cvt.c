/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating-point conversions, scalar and vector: to integral values, between formats, from and to
 * integers (Arm ARM C4.1.97).
 *
 * Inline are the roundings that the host has, single and double precision, and integers. Half
 * precision, ties away from zero, fixed point, FRINT32 and FRINT64, FJCVTZS go to the exact
 * function. Vectors of doubles are converted to and from integers one by one: AVX2 cannot do
 * better.
 */
#include "engine/lift/a64_fp.h"

static ir_ref exact_one(struct lift *l, uint32_t word)
{
    const ir_ref v[3] = {fp_n(l, word), IR_NONE, IR_NONE};
    return fp_exact(l, word, v);
}

#define RARE(name)                                                                                 \
    LIFT(name)                                                                                     \
    {                                                                                              \
        fp_put(l, word, exact_one(l, word));                                                       \
    }
/* a vector's and a scalar's */
#define RARE_BOTH(name)                                                                            \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        fp_put(l, word, exact_one(l, word));                                                       \
    }                                                                                              \
    LIFT(name##_scalar2)                                                                           \
    {                                                                                              \
        fp_put(l, word, exact_one(l, word));                                                       \
    }

/* roundps's numbers of FPCR.RMode's and the instructions' N, P, M, Z. */
static unsigned host_rounding(unsigned rmode)
{
    static const uint8_t host[4] = {0, 2, 1, 3};
    return host[rmode & 3];
}

/* ---- to integral values ---- */
static void round_inline(struct lift *l, uint32_t word, unsigned variant)
{
    const ir_ref v[3] = {fp_n(l, word), IR_NONE, IR_NONE};
    fp_put(l, word,
           fp_inline(l) ? fp_op_as(l, (struct fp_as){word, IR_FRINT, fp_size(word), variant}, v)
                        : fp_exact(l, word, v));
}

#define ROUND(name, variant)                                                                       \
    LIFT(name##_scalar)                                                                            \
    {                                                                                              \
        round_inline(l, word, variant);                                                            \
    }                                                                                              \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        round_inline(l, word, variant);                                                            \
    }
#define ROUND_RARE(name)                                                                           \
    LIFT(name##_scalar)                                                                            \
    {                                                                                              \
        fp_put(l, word, exact_one(l, word));                                                       \
    }                                                                                              \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        fp_put(l, word, exact_one(l, word));                                                       \
    }
ROUND(frintn, 0 | IR_FP_SILENT)
ROUND(frintp, 2 | IR_FP_SILENT)
ROUND(frintm, 1 | IR_FP_SILENT)
ROUND(frintz, 3 | IR_FP_SILENT)
ROUND(frintx, IR_FP_CURRENT)
ROUND(frinti, IR_FP_CURRENT | IR_FP_SILENT)
ROUND_RARE(frinta)
ROUND_RARE(frint32z)
ROUND_RARE(frint32x)
ROUND_RARE(frint64z)
ROUND_RARE(frint64x)

/* ---- between formats ---- */
static ir_ref convert(struct lift *l, uint32_t word, enum ir_op op, ir_ref n)
{
    const ir_ref v[3] = {n, IR_NONE, IR_NONE};
    return fp_op_as(l, (struct fp_as){word, op, 8, 0}, v);
}

LIFT(fcvt)
{
    unsigned from = word >> 22 & 3, to = word >> 15 & 3;
    if (!fp_inline(l) || from > 1 || to > 1)
        fp_put(l, word, exact_one(l, word));
    else
        fp_put(l, word, convert(l, word, to ? IR_FWIDEN : IR_FNARROW, fp_n(l, word)));
}

RARE(fcvtxn_scalar)

LIFT(fcvtxn_vec)
{
    fp_rare(l, word);
}

#define Q (1u << 30)

/* The operations know the lower half only. */
LIFT(fcvtl_vec)
{
    if (!fp_inline(l) || fp_size(word) == 4) {
        fp_put(l, word, exact_one(l, word));
        return;
    }
    ir_ref n = fp_n(l, word);
    if (simd_q(word))
        n = simd_imm(l, IR_VBSHR, 16, n, 8);
    fp_put(l, word, convert(l, word & ~Q, IR_FWIDEN, n));
}

LIFT(fcvtn_vec)
{
    if (!fp_inline(l) || fp_size(word) == 4)
        fp_rare(l, word);
    else
        simd_put_narrow(l, word, convert(l, word & ~Q, IR_FNARROW, fp_n(l, word)));
}

/* ---- general registers ---- */
static ir_ref to_int(struct lift *l, uint32_t word, ir_ref n)
{
    if (!fp_inline(l))
        return fp_exact_int(l, word, n, IR_NONE);
    unsigned variant = host_rounding(word >> 19 & 3) | (word >> 31 ? IR_FP_WIDE : 0) |
                       (word >> 16 & 1 ? IR_FP_UNSIGNED : 0);
    const ir_ref v[3] = {n, IR_NONE, IR_NONE};
    return fp_op_as(l, (struct fp_as){word, IR_FTOI, fp_size(word), variant}, v);
}

static ir_ref from_int(struct lift *l, uint32_t word, ir_ref n)
{
    if (!fp_inline(l))
        return fp_from_int_exact(l, word, n);
    unsigned variant = (word >> 31 ? IR_FP_WIDE : 0) | (word >> 16 & 1 ? IR_FP_UNSIGNED : 0);
    const ir_ref v[3] = {n, IR_NONE, IR_NONE};
    return fp_op_as(l, (struct fp_as){word, IR_ITOF, fp_size(word), variant}, v);
}

LIFT(fcvt_int)
{
    lift_put_x(l, a64_rd(word), to_int(l, word, fp_n(l, word)));
}

LIFT(cvtf_int)
{
    fp_put(l, word, from_int(l, word, lift_x(l, a64_rn(word))));
}

LIFT(fcvta_int)
{
    lift_put_x(l, a64_rd(word), fp_exact_int(l, word, fp_n(l, word), IR_NONE));
}

LIFT(fcvt_fixed)
{
    lift_put_x(l, a64_rd(word), fp_exact_int(l, word, fp_n(l, word), IR_NONE));
}

LIFT(cvtf_fixed)
{
    fp_put(l, word, fp_from_int_exact(l, word, lift_x(l, a64_rn(word))));
}

LIFT(fjcvtzs)
{
    ir_ref v = fp_exact_int(l, word, fp_n(l, word), IR_NONE);
    ir_ref value = lift_opx(l, IR_ZEXT, 8, v, IR_NONE, IR_NONE, 0, 4);
    ir_ref flags = lift_op(l, IR_SHR, 8, v, lift_const(l, 32));
    lift_put_x(l, a64_rd(word), value);
    lift_put_flags(l, lift_op(l, IR_SETF, 4, flags, IR_NONE));
}

/* ---- elements: singles four at a time, else each as with a general register ---- */
enum { FCVT_INT = 0x1e200000, CVTF_INT = 0x1e220000 };

/* The instruction with a general register that does the same. */
static uint32_t general_word(uint32_t word, uint32_t base, unsigned rmode)
{
    uint32_t type = fp_size(word) == 8 ? 1u << 31 | 1u << 22 : 0;
    return base | type | (word >> 29 & 1) << 16 | rmode << 19;
}

static void elements_to_int(struct lift *l, uint32_t word, unsigned rmode)
{
    uint32_t general = general_word(word, FCVT_INT, rmode);
    unsigned size = fp_size(word);
    bool scalar = word >> 28 & 1;
    ir_ref n = fp_n(l, word);
    if (!fp_inline(l)) {
        fp_put(l, word, exact_one(l, word));
    } else if (!scalar && size == 4) {
        unsigned variant = host_rounding(rmode) | (word >> 29 & 1 ? IR_FP_UNSIGNED : 0);
        const ir_ref v[3] = {n, IR_NONE, IR_NONE};
        fp_put(l, word, fp_op_as(l, (struct fp_as){word, IR_VFTOI, 4, variant}, v));
    } else {
        ir_ref r = lift_op(l, IR_FMOVI, size, to_int(l, general, n), IR_NONE);
        if (!scalar) {
            ir_ref high = to_int(l, general, simd_imm(l, IR_VBSHR, 16, n, 8));
            r = lift_opx(l, IR_VSET, 8, r, high, IR_NONE, 0, 1);
        }
        fp_put(l, word, r);
    }
}

static void elements_from_int(struct lift *l, uint32_t word)
{
    uint32_t general = general_word(word, CVTF_INT, 0);
    unsigned size = fp_size(word);
    bool scalar = word >> 28 & 1;
    ir_ref n = fp_n(l, word);
    if (!fp_inline(l)) {
        fp_put(l, word, exact_one(l, word));
    } else if (!scalar && size == 4) {
        const ir_ref v[3] = {n, IR_NONE, IR_NONE};
        unsigned variant = word >> 29 & 1 ? IR_FP_UNSIGNED : 0;
        fp_put(l, word, fp_op_as(l, (struct fp_as){word, IR_VITOF, 4, variant}, v));
    } else {
        ir_ref r = from_int(l, general, simd_imm(l, IR_VGET, size, n, 0));
        if (!scalar)
            r = simd_op(l, IR_VZIPL, 8, r, from_int(l, general, simd_imm(l, IR_VGET, 8, n, 1)));
        fp_put(l, word, r);
    }
}

#define TO_INT(name, rmode)                                                                        \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        elements_to_int(l, word, rmode);                                                           \
    }                                                                                              \
    LIFT(name##_scalar2)                                                                           \
    {                                                                                              \
        elements_to_int(l, word, rmode);                                                           \
    }
#define FROM_INT(name)                                                                             \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        elements_from_int(l, word);                                                                \
    }                                                                                              \
    LIFT(name##_scalar2)                                                                           \
    {                                                                                              \
        elements_from_int(l, word);                                                                \
    }
TO_INT(fcvtns, 0)
TO_INT(fcvtnu, 0)
TO_INT(fcvtps, 1)
TO_INT(fcvtpu, 1)
TO_INT(fcvtms, 2)
TO_INT(fcvtmu, 2)
TO_INT(fcvtzs, 3)
TO_INT(fcvtzu, 3)
FROM_INT(scvtf)
FROM_INT(ucvtf)
RARE_BOTH(fcvtas)
RARE_BOTH(fcvtau)
RARE(scvtf_fixed_vec)
RARE(scvtf_fixed_scalar)
RARE(ucvtf_fixed_vec)
RARE(ucvtf_fixed_scalar)
RARE(fcvtzs_fixed_vec)
RARE(fcvtzs_fixed_scalar)
RARE(fcvtzu_fixed_vec)
RARE(fcvtzu_fixed_scalar)
