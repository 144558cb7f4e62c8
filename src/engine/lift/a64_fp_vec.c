/* SPDX-License-Identifier: Apache-2.0
 *
 * Vector floating point: arithmetic, comparison, pairs, by element, complex (Arm ARM C4.1.97).
 *
 * By-element instructions are the plain ones on a vector that has the element in every place; the
 * exact function is told so too. Estimates, Newton steps, FMULX, extremes of pairs and across lanes
 * go to the exact function.
 */
#include "engine/lift/a64_fp.h"

#define ONE(name, op)                                                                              \
    LIFT(name)                                                                                     \
    {                                                                                              \
        fp_one(l, word, op);                                                                       \
    }
#define TWO(name, op)                                                                              \
    LIFT(name)                                                                                     \
    {                                                                                              \
        fp_two(l, word, op);                                                                       \
    }
#define RARE_ONE(name)                                                                             \
    LIFT(name)                                                                                     \
    {                                                                                              \
        const ir_ref v[3] = {fp_n(l, word), IR_NONE, IR_NONE};                                     \
        fp_put(l, word, fp_exact(l, word, v));                                                     \
    }
#define RARE_TWO(name)                                                                             \
    LIFT(name)                                                                                     \
    {                                                                                              \
        const ir_ref v[3] = {fp_n(l, word), fp_m(l, word), IR_NONE};                               \
        fp_put(l, word, fp_exact(l, word, v));                                                     \
    }

TWO(fadd_vec, IR_FADD)
TWO(fsub_vec, IR_FSUB)
TWO(fmul_vec, IR_FMUL)
TWO(fdiv_vec, IR_FDIV)
TWO(fabd_vec, IR_FABD)
TWO(fmax_vec, IR_FMAX)
TWO(fmin_vec, IR_FMIN)
TWO(fmaxnm_vec, IR_FMAXNM)
TWO(fminnm_vec, IR_FMINNM)
TWO(fcmeq_vec, IR_FCMEQ)
TWO(fcmge_vec, IR_FCMGE)
TWO(fcmgt_vec, IR_FCMGT)
TWO(facge_vec, IR_FACGE)
TWO(facgt_vec, IR_FACGT)
TWO(faddp_vec, IR_FADDP)
ONE(fsqrt_vec, IR_FSQRT)
RARE_TWO(fmulx_vec)
RARE_TWO(frecps_vec)
RARE_TWO(frsqrts_vec)
RARE_TWO(fmaxp_vec)
RARE_TWO(fminp_vec)
RARE_TWO(fmaxnmp_vec)
RARE_TWO(fminnmp_vec)
ONE(faddp_pair, IR_FADDP)
RARE_ONE(fmaxp_pair)
RARE_ONE(fminp_pair)
RARE_ONE(fmaxnmp_pair)
RARE_ONE(fminnmp_pair)
RARE_ONE(fmaxv)
RARE_ONE(fminv)
RARE_ONE(fmaxnmv)
RARE_ONE(fminnmv)
RARE_ONE(frecpe_vec)
RARE_ONE(frecpe_scalar2)
RARE_ONE(frsqrte_vec)
RARE_ONE(frsqrte_scalar2)
RARE_ONE(frecpx_scalar2)
RARE_ONE(urecpe_vec)
RARE_ONE(ursqrte_vec)

/* ---- comparison with zero ---- */
static void compare_zero(struct lift *l, uint32_t word, enum ir_op op)
{
    const ir_ref v[3] = {fp_n(l, word), simd_const(l, 0, 0), IR_NONE};
    fp_put(l, word, fp_op(l, word, op, v));
}

#define COMPARE_ZERO(name, op)                                                                     \
    LIFT(name##_zero_vec)                                                                          \
    {                                                                                              \
        compare_zero(l, word, op);                                                                 \
    }                                                                                              \
    LIFT(name##_zero_scalar2)                                                                      \
    {                                                                                              \
        compare_zero(l, word, op);                                                                 \
    }
COMPARE_ZERO(fcmeq, IR_FCMEQ)
COMPARE_ZERO(fcmge, IR_FCMGE)
COMPARE_ZERO(fcmgt, IR_FCMGT)
COMPARE_ZERO(fcmle, IR_FCMLE)
COMPARE_ZERO(fcmlt, IR_FCMLT)

/* ---- signs ---- */
static ir_ref sign_bits(struct lift *l, uint32_t word)
{
    return simd_splat(l, fp_size(word), 1ull << (fp_size(word) * 8 - 1));
}

LIFT(fabs_vec)
{
    simd_put(l, word, simd_op(l, IR_VANDN, 8, sign_bits(l, word), fp_n(l, word)));
}

LIFT(fneg_vec)
{
    simd_put(l, word, simd_op(l, IR_VXOR, 8, fp_n(l, word), sign_bits(l, word)));
}

/* ---- accumulation ---- */
LIFT(fmla_vec)
{
    fp_three(l, word, fp_d(l, word), IR_FMADD);
}

LIFT(fmls_vec)
{
    fp_three(l, word, fp_d(l, word), IR_FMSUB);
}

/* ---- by element: the element in every place ---- */
static ir_ref element(struct lift *l, uint32_t word)
{
    unsigned size = fp_size(word), index = a64_h(word);
    if (size == 4)
        index = index << 1 | (word >> 21 & 1);
    ir_ref m = lift_v(l, a64_m(word) << 4 | a64_rm4(word));
    m = simd_imm(l, IR_VSPLATE, size, m, index);
    bool half = !(word >> 28 & 1) && !simd_q(word);
    return half ? simd_op(l, IR_VZEXT, 8, m, IR_NONE) : m;
}

static void by_element(struct lift *l, uint32_t word, enum ir_op op)
{
    bool three = op == IR_FMADD || op == IR_FMSUB;
    const ir_ref v[3] = {fp_n(l, word), element(l, word), three ? fp_d(l, word) : IR_NONE};
    fp_put(l, word, op == IR_NOP ? fp_exact(l, word, v) : fp_op(l, word, op, v));
}

#define BY_ELEMENT(name, op)                                                                       \
    LIFT(name##_elem)                                                                              \
    {                                                                                              \
        by_element(l, word, op);                                                                   \
    }                                                                                              \
    LIFT(name##_elem_scalar)                                                                       \
    {                                                                                              \
        by_element(l, word, op);                                                                   \
    }
BY_ELEMENT(fmla, IR_FMADD)
BY_ELEMENT(fmls, IR_FMSUB)
BY_ELEMENT(fmul, IR_FMUL)
BY_ELEMENT(fmulx, IR_NOP)

/* ---- complex numbers ---- */
RARE_TWO(fcadd_vec)

LIFT(fcmla_vec)
{
    fp_rare(l, word);
}

LIFT(fcmla_elem)
{
    ir_ref m = lift_v(l, a64_m(word) << 4 | a64_rm4(word));
    const ir_ref v[3] = {fp_n(l, word), simd_imm(l, IR_VSPLATE, 8, m, a64_h(word)), fp_d(l, word)};
    fp_put(l, word, fp_exact(l, word, v));
}
