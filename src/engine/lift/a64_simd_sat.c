/* SPDX-License-Identifier: Apache-2.0
 *
 * Advanced SIMD: what saturates (Arm ARM C4.1.97).
 *
 * The idea: the result is computed with and without saturation, and VQC sets FPSR.QC where the two
 * differ. So what does not count (above 64 bits without Q, beside a scalar) must be zero in the
 * operands already: zeros never saturate, and stay zeros.
 *
 * What is left out, to the exact function in C: SUQADD, USQADD, the saturating shifts by register,
 * SQRDMLAH, SQRDMLSH.
 */
#include "engine/lift/a64_simd.h"

enum { FPSR_QC = 1 << 27 };

static bool is_scalar(uint32_t word)
{
    return word >> 28 & 1;
}

/* Register n, without what does not count; size: bytes of a scalar. */
static ir_ref operand(struct lift *l, uint32_t word, unsigned n, unsigned size)
{
    ir_ref v = lift_v(l, n);
    if (is_scalar(word))
        return simd_op(l, IR_VZEXT, size, v, IR_NONE);
    return simd_q(word) ? v : simd_op(l, IR_VZEXT, 8, v, IR_NONE);
}

static ir_ref n_of(struct lift *l, uint32_t word, unsigned size)
{
    return operand(l, word, a64_rn(word), size);
}

static ir_ref m_of(struct lift *l, uint32_t word, unsigned size)
{
    return operand(l, word, word >> 16 & 31, size);
}

static void note(struct lift *l, ir_ref saturated, ir_ref exact)
{
    simd_op(l, IR_VQC, 8, saturated, exact);
    ir_last(l->r)->imm = FPSR_QC;
}

/* The least signed number, in each element. */
static ir_ref least(struct lift *l, unsigned size)
{
    return simd_splat(l, size, 1ull << (8 * size - 1));
}

/* The greatest signed number where a is not negative, else the least. */
static ir_ref limit(struct lift *l, unsigned size, ir_ref a)
{
    ir_ref most = simd_splat(l, size, (1ull << (8 * size - 1)) - 1);
    return simd_op(l, IR_VXOR, 8, simd_sar(l, size, a, 8 * size - 1), most);
}

/* a > b, unsigned; 8 bytes */
static ir_ref above(struct lift *l, ir_ref a, ir_ref b)
{
    ir_ref sign = least(l, 8);
    return simd_op(l, IR_VGT, 8, simd_op(l, IR_VXOR, 8, a, sign), simd_op(l, IR_VXOR, 8, b, sign));
}

/* ---- sums and differences ---- */
/* A signed sum is wrong where its sign is neither operand's; a difference, where the operands'
 * signs differ and it does not have the first one's. */
static ir_ref signed_sum(struct lift *l, unsigned size, ir_ref a, ir_ref b, bool subtract)
{
    ir_ref r = simd_op(l, subtract ? IR_VSUB : IR_VADD, size, a, b), v;
    if (size < 4) {
        v = simd_op(l, subtract ? IR_VSUBS : IR_VADDS, size, a, b);
    } else {
        ir_ref x = simd_op(l, IR_VXOR, 8, r, a);
        ir_ref y = simd_op(l, IR_VXOR, 8, subtract ? a : r, b);
        ir_ref wrong = simd_op(l, IR_VAND, 8, x, y);
        v = lift_op3(l, IR_VSEL, size, wrong, limit(l, size, a), r);
    }
    note(l, v, r);
    return v;
}

static ir_ref unsigned_sum(struct lift *l, unsigned size, ir_ref a, ir_ref b)
{
    ir_ref r = simd_op(l, IR_VADD, size, a, b), v;
    if (size < 4)
        v = simd_op(l, IR_VADDU, size, a, b);
    else if (size == 4) /* what a may be at most, and b */
        v = simd_op(l, IR_VADD, 4, simd_op(l, IR_VMINU, 4, a, simd_not(l, b)), b);
    else
        v = simd_op(l, IR_VOR, 8, r, above(l, a, r));
    note(l, v, r);
    return v;
}

static ir_ref unsigned_difference(struct lift *l, unsigned size, ir_ref a, ir_ref b)
{
    ir_ref r = simd_op(l, IR_VSUB, size, a, b), v;
    if (size < 4)
        v = simd_op(l, IR_VSUBU, size, a, b);
    else if (size == 4)
        v = simd_op(l, IR_VSUB, 4, simd_op(l, IR_VMAXU, 4, a, b), b);
    else
        v = simd_op(l, IR_VANDN, 8, above(l, b, a), r);
    note(l, v, r);
    return v;
}

static void sum(struct lift *l, uint32_t word, bool is_unsigned, bool subtract)
{
    unsigned size = simd_bytes(word);
    ir_ref a = n_of(l, word, size), b = m_of(l, word, size), v;
    if (!is_unsigned)
        v = signed_sum(l, size, a, b, subtract);
    else
        v = subtract ? unsigned_difference(l, size, a, b) : unsigned_sum(l, size, a, b);
    lift_put_v(l, a64_rd(word), v);
}

#define SUM(name, is_unsigned, subtract)                                                           \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        sum(l, word, is_unsigned, subtract);                                                       \
    }                                                                                              \
    LIFT(name##_scalar)                                                                            \
    {                                                                                              \
        sum(l, word, is_unsigned, subtract);                                                       \
    }
SUM(sqadd, false, false)
SUM(uqadd, true, false)
SUM(sqsub, false, true)
SUM(uqsub, true, true)

/* ---- the one result that does not fit is the least number: then it is the greatest ---- */
static ir_ref not_least(struct lift *l, unsigned size, ir_ref r)
{
    ir_ref v = simd_op(l, IR_VXOR, 8, r, simd_op(l, IR_VEQ, size, r, least(l, size)));
    note(l, v, r);
    return v;
}

static void absolute(struct lift *l, uint32_t word, bool negate)
{
    unsigned size = simd_bytes(word);
    ir_ref n = n_of(l, word, size), v;
    if (negate)
        v = simd_op(l, IR_VSUB, size, simd_const(l, 0, 0), n);
    else
        v = simd_abs(l, size, n);
    lift_put_v(l, a64_rd(word), not_least(l, size, v));
}

#define ABSOLUTE(name, negate)                                                                     \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        absolute(l, word, negate);                                                                 \
    }                                                                                              \
    LIFT(name##_scalar)                                                                            \
    {                                                                                              \
        absolute(l, word, negate);                                                                 \
    }
ABSOLUTE(sqabs, false)
ABSOLUTE(sqneg, true)

/* Upper half of twice the product: of halfwords from its two halves. */
static ir_ref double_high(struct lift *l, unsigned size, ir_ref a, ir_ref b, bool round)
{
    if (size == 2 && round)
        return simd_op(l, IR_VMULHR, 2, a, b);
    if (size == 2) {
        ir_ref high = simd_op(l, IR_VMULHS, 2, a, b), low = simd_op(l, IR_VMUL, 2, a, b);
        return simd_op(l, IR_VOR, 8, simd_imm(l, IR_VSHL, 2, high, 1),
                       simd_imm(l, IR_VSHR, 2, low, 15));
    }
    ir_ref p[2];
    for (unsigned odd = 0; odd < 2; odd++) {
        ir_ref x = odd ? simd_imm(l, IR_VSHR, 8, a, 32) : a;
        ir_ref y = odd ? simd_imm(l, IR_VSHR, 8, b, 32) : b;
        p[odd] = simd_op(l, IR_VMULWS, 4, x, y);
        p[odd] = simd_op(l, IR_VADD, 8, p[odd], p[odd]);
        if (round)
            p[odd] = simd_op(l, IR_VADD, 8, p[odd], simd_splat(l, 8, 1ull << 31));
    }
    ir_ref v = simd_op(l, IR_VMIX, 4, simd_imm(l, IR_VSHR, 8, p[0], 32), p[1]);
    ir_last(l->r)->imm = 0xa;
    return v;
}

static void multiply_high(struct lift *l, uint32_t word, bool round, bool element)
{
    unsigned size = simd_bytes(word);
    ir_ref n = n_of(l, word, size), m = element ? simd_element(l, word) : m_of(l, word, size);
    lift_put_v(l, a64_rd(word), not_least(l, size, double_high(l, size, n, m, round)));
}

/* accumulate: 0, or IR_VADD, IR_VSUB of twice the product */
static void multiply_long(struct lift *l, uint32_t word, unsigned accumulate, bool element)
{
    unsigned size = simd_bytes(word);
    bool scalar = is_scalar(word), high = simd_q(word) && !scalar;
    ir_ref n = lift_v(l, a64_rn(word)), m;
    if (scalar)
        n = simd_op(l, IR_VZEXT, size, n, IR_NONE);
    m = element ? simd_element(l, word) : lift_v(l, word >> 16 & 31);
    ir_ref v = simd_multiply_long(l, size, n, m, true, high);
    v = not_least(l, 2 * size, simd_op(l, IR_VADD, 2 * size, v, v));
    if (accumulate) {
        ir_ref d = lift_v(l, a64_rd(word));
        if (scalar)
            d = simd_op(l, IR_VZEXT, 2 * size, d, IR_NONE);
        v = signed_sum(l, 2 * size, d, v, accumulate == IR_VSUB);
    }
    lift_put_v(l, a64_rd(word), v);
}

#define MULTIPLY(name, fn, kind)                                                                   \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        fn(l, word, kind, false);                                                                  \
    }                                                                                              \
    LIFT(name##_scalar)                                                                            \
    {                                                                                              \
        fn(l, word, kind, false);                                                                  \
    }                                                                                              \
    LIFT(name##_elem)                                                                              \
    {                                                                                              \
        fn(l, word, kind, true);                                                                   \
    }                                                                                              \
    LIFT(name##_elem_scalar)                                                                       \
    {                                                                                              \
        fn(l, word, kind, true);                                                                   \
    }
MULTIPLY(sqdmulh, multiply_high, false)
MULTIPLY(sqrdmulh, multiply_high, true)
MULTIPLY(sqdmull, multiply_long, 0)
MULTIPLY(sqdmlal, multiply_long, IR_VADD)
MULTIPLY(sqdmlsl, multiply_long, IR_VSUB)

/* ---- to half the size ---- */
enum narrow { TO_SIGNED, TO_UNSIGNED, BOTH_UNSIGNED };

static ir_ref lesser(struct lift *l, unsigned size, ir_ref a, uint64_t bound)
{
    ir_ref b = simd_splat(l, size, bound);
    if (size < 8)
        return simd_op(l, IR_VMINS, size, a, b);
    return lift_op3(l, IR_VSEL, 8, simd_op(l, IR_VGT, 8, a, b), b, a);
}

static ir_ref greater(struct lift *l, unsigned size, ir_ref a, uint64_t bound)
{
    ir_ref b = simd_splat(l, size, bound);
    if (size < 8)
        return simd_op(l, IR_VMAXS, size, a, b);
    return lift_op3(l, IR_VSEL, 8, simd_op(l, IR_VGT, 8, b, a), b, a);
}

/* Numbers of 2 * size brought into the range of size. */
static ir_ref clamp(struct lift *l, unsigned size, ir_ref v, enum narrow kind)
{
    uint64_t ones = (1ull << (8 * size)) - 1;
    if (kind == TO_SIGNED)
        return greater(l, 2 * size, lesser(l, 2 * size, v, ones >> 1), ~(ones >> 1));
    if (kind == TO_UNSIGNED)
        return greater(l, 2 * size, lesser(l, 2 * size, v, ones), 0);
    if (size < 4)
        return simd_op(l, IR_VMINU, 2 * size, v, simd_splat(l, 2 * size, ones));
    ir_ref most = simd_splat(l, 8, ones);
    return lift_op3(l, IR_VSEL, 8, above(l, v, most), most, v);
}

static void narrow(struct lift *l, uint32_t word, unsigned size, ir_ref v, enum narrow kind)
{
    ir_ref c = clamp(l, size, v, kind);
    note(l, c, v);
    c = simd_narrow(l, size, c);
    if (is_scalar(word))
        lift_put_v(l, a64_rd(word), c);
    else
        simd_put_narrow(l, word, c);
}

/* All of n counts, but for scalars. */
static ir_ref wide_operand(struct lift *l, uint32_t word, unsigned size)
{
    ir_ref v = lift_v(l, a64_rn(word));
    return is_scalar(word) ? simd_op(l, IR_VZEXT, 2 * size, v, IR_NONE) : v;
}

static void extract(struct lift *l, uint32_t word, enum narrow kind)
{
    unsigned size = simd_bytes(word);
    narrow(l, word, size, wide_operand(l, word, size), kind);
}

static void shift_narrow(struct lift *l, uint32_t word, enum narrow kind, bool round)
{
    unsigned size = simd_shift_bytes(word);
    ir_ref v = wide_operand(l, word, size);
    v = simd_shift(l, 2 * size, v, simd_shift_right(word), kind != BOTH_UNSIGNED, round);
    narrow(l, word, size, v, kind);
}

#define EXTRACT(name, kind)                                                                        \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        extract(l, word, kind);                                                                    \
    }                                                                                              \
    LIFT(name##_scalar)                                                                            \
    {                                                                                              \
        extract(l, word, kind);                                                                    \
    }
EXTRACT(sqxtn, TO_SIGNED)
EXTRACT(sqxtun, TO_UNSIGNED)
EXTRACT(uqxtn, BOTH_UNSIGNED)

#define SHIFT_NARROW(name, kind, round)                                                            \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        shift_narrow(l, word, kind, round);                                                        \
    }                                                                                              \
    LIFT(name##_scalar)                                                                            \
    {                                                                                              \
        shift_narrow(l, word, kind, round);                                                        \
    }
SHIFT_NARROW(sqshrn, TO_SIGNED, false)
SHIFT_NARROW(sqrshrn, TO_SIGNED, true)
SHIFT_NARROW(sqshrun, TO_UNSIGNED, false)
SHIFT_NARROW(sqrshrun, TO_UNSIGNED, true)
SHIFT_NARROW(uqshrn, BOTH_UNSIGNED, false)
SHIFT_NARROW(uqrshrn, BOTH_UNSIGNED, true)

/* ---- shifts to the left: right where shifting back gives what was there ---- */
static void shift_left(struct lift *l, uint32_t word, enum narrow kind)
{
    unsigned size = simd_shift_bytes(word), n = simd_shift_left(word);
    ir_ref a = n_of(l, word, size), from = a, v;
    if (kind == TO_UNSIGNED) /* negative: 0 */
        from = simd_op(l, IR_VANDN, 8, simd_op(l, IR_VGT, size, simd_const(l, 0, 0), a), a);
    v = simd_shl(l, size, from, n);
    ir_ref back = kind == TO_SIGNED ? simd_sar(l, size, v, n) : simd_shr(l, size, v, n);
    ir_ref same = simd_op(l, IR_VEQ, size, back, from);
    if (kind == TO_SIGNED)
        v = lift_op3(l, IR_VSEL, 1, same, v, limit(l, size, a));
    else
        v = simd_op(l, IR_VOR, 8, v, simd_not(l, same));
    note(l, back, a);
    lift_put_v(l, a64_rd(word), v);
}

#define SHIFT_LEFT(name, kind)                                                                     \
    LIFT(name##_imm_vec)                                                                           \
    {                                                                                              \
        shift_left(l, word, kind);                                                                 \
    }                                                                                              \
    LIFT(name##_imm_scalar)                                                                        \
    {                                                                                              \
        shift_left(l, word, kind);                                                                 \
    }
SHIFT_LEFT(sqshl, TO_SIGNED)
SHIFT_LEFT(sqshlu, TO_UNSIGNED)
SHIFT_LEFT(uqshl, BOTH_UNSIGNED)

/* ---- by the exact function ---- */
#define EXACT(name)                                                                                \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        simd_exact(l, word);                                                                       \
    }                                                                                              \
    LIFT(name##_scalar)                                                                            \
    {                                                                                              \
        simd_exact(l, word);                                                                       \
    }
EXACT(suqadd)
EXACT(usqadd)
EXACT(sqshl)
EXACT(uqshl)
EXACT(sqrshl)
EXACT(uqrshl)
EXACT(sqrdmlah)
EXACT(sqrdmlsh)

/* By element: the exact function gets the register in varg[1] and finds the element itself. */
static void exact_element(struct lift *l, uint32_t word)
{
    unsigned m = word >> 16 & (simd_bytes(word) == 2 ? 15 : 31);
    ir_ref n = lift_v(l, a64_rn(word)), e = lift_v(l, m), d = lift_v(l, a64_rd(word));
    lift_put_v(l, a64_rd(word), lift_opx(l, IR_HELPV, 16, n, e, d, IR_HELPER_simd, word));
}

#define EXACT_ELEMENT(name)                                                                        \
    LIFT(name##_elem)                                                                              \
    {                                                                                              \
        exact_element(l, word);                                                                    \
    }                                                                                              \
    LIFT(name##_elem_scalar)                                                                       \
    {                                                                                              \
        exact_element(l, word);                                                                    \
    }
EXACT_ELEMENT(sqrdmlah)
EXACT_ELEMENT(sqrdmlsh)
