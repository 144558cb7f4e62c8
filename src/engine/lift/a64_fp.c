/* SPDX-License-Identifier: Apache-2.0
 *
 * Scalar floating point: arithmetic, comparison, selection, moves (Arm ARM C4.1.97), and what the
 * other two files of floating point share.
 *
 * An instruction is one operation of ir/ops_fp.def, which the code generator does inline for usual
 * numbers, or the exact function (lift/fp_exact.c): in the modes that the inline code does not know
 * (FZ, DN, AHP: IR_MODE_COLD) always, and for rare instructions. Moves and signs are bit operations
 * in every mode.
 */
#include "engine/lift/a64_fp.h"

static uint64_t detail(uint32_t word)
{
    return (uint64_t)a64_decode(word) << 32 | word;
}

ir_ref fp_exact(struct lift *l, uint32_t word, const ir_ref v[3])
{
    return lift_opx(l, IR_HELPV, 16, v[0], v[1], v[2], IR_HELPER_fp, detail(word));
}

ir_ref fp_exact_int(struct lift *l, uint32_t word, ir_ref n, ir_ref m)
{
    return lift_opx(l, IR_HELPIV, 8, n, m, IR_NONE, IR_HELPER_fp, detail(word));
}

ir_ref fp_from_int_exact(struct lift *l, uint32_t word, ir_ref n)
{
    return lift_opx(l, IR_HELPVI, 8, n, IR_NONE, IR_NONE, IR_HELPER_fp, detail(word));
}

static enum ir_fp_form form_of(uint32_t word)
{
    if (word >> 28 & 1)
        return IR_FP_SCALAR;
    return simd_q(word) ? IR_FP_FULL : IR_FP_HALF;
}

bool fp_inline(const struct lift *l)
{
    return !(l->r->mode & IR_MODE_COLD);
}

ir_ref fp_op_as(struct lift *l, struct fp_as as, const ir_ref v[3])
{
    unsigned aux = ir_fp_aux(IR_HELPER_fp, form_of(as.word), as.variant);
    return lift_opx(l, as.op, as.size, v[0], v[1], v[2], aux, detail(as.word));
}

ir_ref fp_op(struct lift *l, uint32_t word, enum ir_op op, const ir_ref v[3])
{
    if (!fp_inline(l))
        return fp_exact(l, word, v);
    return fp_op_as(l, (struct fp_as){word, op, fp_size(word), 0}, v);
}

void fp_one(struct lift *l, uint32_t word, enum ir_op op)
{
    const ir_ref v[3] = {fp_n(l, word), IR_NONE, IR_NONE};
    fp_put(l, word, fp_op(l, word, op, v));
}

void fp_two(struct lift *l, uint32_t word, enum ir_op op)
{
    const ir_ref v[3] = {fp_n(l, word), fp_m(l, word), IR_NONE};
    fp_put(l, word, fp_op(l, word, op, v));
}

void fp_three(struct lift *l, uint32_t word, ir_ref addend, enum ir_op op)
{
    const ir_ref v[3] = {fp_n(l, word), fp_m(l, word), addend};
    fp_put(l, word, fp_op(l, word, op, v));
}

void fp_rare(struct lift *l, uint32_t word)
{
    const ir_ref v[3] = {fp_n(l, word), fp_m(l, word), fp_d(l, word)};
    fp_put(l, word, fp_exact(l, word, v));
}

/* ---- arithmetic ---- */
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
#define THREE(name, op)                                                                            \
    LIFT(name)                                                                                     \
    {                                                                                              \
        fp_three(l, word, lift_v(l, a64_ra(word)), op);                                            \
    }
#define RARE(name)                                                                                 \
    LIFT(name)                                                                                     \
    {                                                                                              \
        const ir_ref v[3] = {fp_n(l, word), fp_m(l, word), IR_NONE};                               \
        fp_put(l, word, fp_exact(l, word, v));                                                     \
    }
TWO(fadd_scalar, IR_FADD)
TWO(fsub_scalar, IR_FSUB)
TWO(fmul_scalar, IR_FMUL)
TWO(fnmul_scalar, IR_FNMUL)
TWO(fdiv_scalar, IR_FDIV)
TWO(fmax_scalar, IR_FMAX)
TWO(fmin_scalar, IR_FMIN)
TWO(fmaxnm_scalar, IR_FMAXNM)
TWO(fminnm_scalar, IR_FMINNM)
TWO(fabd_scalar3, IR_FABD)
TWO(fcmeq_scalar3, IR_FCMEQ)
TWO(fcmge_scalar3, IR_FCMGE)
TWO(fcmgt_scalar3, IR_FCMGT)
TWO(facge_scalar3, IR_FACGE)
TWO(facgt_scalar3, IR_FACGT)
ONE(fsqrt_scalar, IR_FSQRT)
THREE(fmadd, IR_FMADD)
THREE(fmsub, IR_FMSUB)
THREE(fnmadd, IR_FNMADD)
THREE(fnmsub, IR_FNMSUB)
RARE(fmulx_scalar3)
RARE(frecps_scalar3)
RARE(frsqrts_scalar3)

/* ---- comparison ---- */
static ir_ref zero(struct lift *l)
{
    return simd_const(l, 0, 0);
}

LIFT(fcmp)
{
    ir_ref n = fp_n(l, word), m = a64_z(word) ? zero(l) : fp_m(l, word);
    if (fp_inline(l)) {
        const ir_ref v[3] = {n, m, IR_NONE};
        lift_put_flags(l,
                       fp_op_as(l, (struct fp_as){word, IR_FCMP, fp_size(word), a64_e(word)}, v));
        return;
    }
    ir_ref v = fp_exact_int(l, word, n, m);
    lift_put_flags(l, lift_op(l, IR_SETF, 4, v, IR_NONE));
}

/* Element 0 of v, or 0 when the condition does not hold: then the comparison raises nothing. */
static ir_ref if_holds(struct lift *l, uint32_t word, ir_ref flags, unsigned reg)
{
    ir_ref bits = simd_imm(l, IR_VGET, fp_size(word), lift_v(l, reg), 0);
    bits = lift_opx(l, IR_SELECT, 8, flags, bits, lift_const(l, 0), word >> 12 & 15, 0);
    return lift_op(l, IR_FMOVI, 8, bits, IR_NONE);
}

static void fccmp_exact(struct lift *l, uint32_t word)
{
    ir_ref flags = lift_flags(l);
    ir_ref n = if_holds(l, word, flags, a64_rn(word)), m = if_holds(l, word, flags, a64_rm(word));
    ir_ref v = fp_exact_int(l, word, n, m), imm = lift_const(l, (uint64_t)(word & 15) << 28);
    v = lift_opx(l, IR_SELECT, 8, flags, v, imm, word >> 12 & 15, 0);
    lift_put_flags(l, lift_op(l, IR_SETF, 4, v, IR_NONE));
}

LIFT(fccmp)
{
    if (!fp_inline(l)) {
        fccmp_exact(l, word);
        return;
    }
    unsigned aux = IR_HELPER_fp | (word >> 12 & 15) << 8 | a64_e(word) << 12;
    ir_ref flags = lift_flags(l), n = fp_n(l, word), m = fp_m(l, word);
    lift_put_flags(
        l, lift_opx(l, IR_FCCMP, fp_size(word) | (word & 15) << 4, n, m, flags, aux, detail(word)));
}

LIFT(fcsel)
{
    ir_ref n = fp_n(l, word), m = fp_m(l, word);
    fp_put(l, word, lift_opx(l, IR_FCSEL, fp_size(word), lift_flags(l), n, m, word >> 12 & 15, 0));
}

/* ---- moves and signs ---- */
LIFT(fmov_reg)
{
    simd_put_scalar(l, word, fp_size(word), fp_n(l, word));
}

LIFT(fabs_scalar)
{
    unsigned size = fp_size(word);
    ir_ref mask = simd_const(l, size == 8 ? ~0ull >> 1 : ~0u >> 1, 0);
    fp_put(l, word, simd_op(l, IR_VAND, 8, fp_n(l, word), mask));
}

LIFT(fneg_scalar)
{
    unsigned size = fp_size(word);
    ir_ref sign = simd_const(l, 1ull << (size * 8 - 1), 0);
    ir_ref n = simd_op(l, IR_VZEXT, size, fp_n(l, word), IR_NONE);
    fp_put(l, word, simd_op(l, IR_VXOR, 8, n, sign));
}

/* "VFPExpandImm" (Arm ARM A2.2) */
static uint64_t expand_imm(uint32_t imm8, unsigned size)
{
    uint64_t sign = imm8 >> 7, exp3 = imm8 >> 4 & 7, frac = imm8 & 15;
    if (size == 8)
        return sign << 63 | (exp3 & 4 ? 0x3fcull : 0x400ull) << 52 | (exp3 & 3) << 52 | frac << 48;
    return sign << 31 | (exp3 & 4 ? 0x7cull : 0x80ull) << 23 | (exp3 & 3) << 23 | frac << 19;
}

LIFT(fmov_imm)
{
    fp_put(l, word, simd_const(l, expand_imm(a64_imm8(word), fp_size(word)), 0));
}

LIFT(fmov_to_gen)
{
    lift_put_x(l, a64_rd(word), simd_imm(l, IR_VGET, a64_size(word), fp_n(l, word), 0));
}

LIFT(fmov_from_gen)
{
    fp_put(l, word, lift_op(l, IR_FMOVI, a64_size(word), lift_x(l, a64_rn(word)), IR_NONE));
}

LIFT(fmov_to_gen_top)
{
    lift_put_x(l, a64_rd(word), simd_imm(l, IR_VGET, 8, fp_n(l, word), 1));
}

LIFT(fmov_from_gen_top)
{
    ir_ref v = ir_add(l->r, IR_VSET, 8, fp_d(l, word), lift_x(l, a64_rn(word)));
    ir_last(l->r)->imm = 1;
    fp_put(l, word, v);
}
