/* SPDX-License-Identifier: Apache-2.0
 *
 * Advanced SIMD, three registers of the same type and of different ones; and what is by element
 * (Arm ARM C4.1.97).
 *
 * The idea: one function an operation, for whole vectors of elements of `size` bytes; the forms
 * (vector, scalar, by element, accumulating, in halves) are made around it by macros. A scalar is
 * the vector operation with its result cut; by element is the operation on a vector that has the
 * element in each place. What saturates is in a64_simd_sat.c, shifts are in a64_simd_shift.c.
 */
#include "engine/lift/a64_simd.h"

static ir_ref n_of(struct lift *l, uint32_t word)
{
    return lift_v(l, a64_rn(word));
}

static ir_ref m_of(struct lift *l, uint32_t word)
{
    return lift_v(l, a64_rm(word));
}

/* ---- logic ---- */
#define LOGIC(name, expression)                                                                    \
    LIFT(name)                                                                                     \
    {                                                                                              \
        ir_ref n = n_of(l, word), m = m_of(l, word);                                               \
        simd_put(l, word, expression);                                                             \
    }
LOGIC(and_vec, simd_op(l, IR_VAND, 8, n, m))
LOGIC(bic_vec, simd_op(l, IR_VANDN, 8, m, n))
LOGIC(orr_vec, a64_rn(word) == a64_rm(word) ? n : simd_op(l, IR_VOR, 8, n, m))
LOGIC(orn_vec, simd_op(l, IR_VOR, 8, n, simd_not(l, m)))
LOGIC(eor_vec, simd_op(l, IR_VXOR, 8, n, m))
LOGIC(bsl_vec, simd_select(l, lift_v(l, a64_rd(word)), n, m))
LOGIC(bit_vec, simd_select(l, m, n, lift_v(l, a64_rd(word))))
LOGIC(bif_vec, simd_select(l, m, lift_v(l, a64_rd(word)), n))

/* ---- element by element; each has a vector form, some a scalar one (of 64 bits here) ---- */
typedef ir_ref (*same_fn)(struct lift *l, unsigned size, ir_ref n, ir_ref m);

static void vector(struct lift *l, uint32_t word, same_fn fn)
{
    simd_put(l, word, fn(l, simd_bytes(word), n_of(l, word), m_of(l, word)));
}

static void scalar(struct lift *l, uint32_t word, same_fn fn)
{
    simd_put_scalar(l, word, 8, fn(l, 8, n_of(l, word), m_of(l, word)));
}

static ir_ref add(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return simd_op(l, IR_VADD, size, n, m);
}

static ir_ref sub(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return simd_op(l, IR_VSUB, size, n, m);
}

static ir_ref cmeq(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return simd_op(l, IR_VEQ, size, n, m);
}

static ir_ref cmgt(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return simd_op(l, IR_VGT, size, n, m);
}

static ir_ref cmge(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return simd_not(l, simd_op(l, IR_VGT, size, m, n));
}

static ir_ref cmhi(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return simd_not(l, simd_ge_unsigned(l, size, m, n));
}

static ir_ref cmtst(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    ir_ref both = simd_op(l, IR_VAND, 8, n, m);
    return simd_not(l, simd_op(l, IR_VEQ, size, both, simd_const(l, 0, 0)));
}

#define BOTH(name, fn)                                                                             \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        vector(l, word, fn);                                                                       \
    }                                                                                              \
    LIFT(name##_scalar)                                                                            \
    {                                                                                              \
        scalar(l, word, fn);                                                                       \
    }
BOTH(add, add)
BOTH(sub, sub)
BOTH(cmeq, cmeq)
BOTH(cmgt, cmgt)
BOTH(cmge, cmge)
BOTH(cmhi, cmhi)
BOTH(cmhs, simd_ge_unsigned)
BOTH(cmtst, cmtst)

static ir_ref smax(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return simd_op(l, IR_VMAXS, size, n, m);
}

static ir_ref umax(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return simd_op(l, IR_VMAXU, size, n, m);
}

static ir_ref smin(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return simd_op(l, IR_VMINS, size, n, m);
}

static ir_ref umin(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return simd_op(l, IR_VMINU, size, n, m);
}

static ir_ref sabd(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return sub(l, size, smax(l, size, n, m), smin(l, size, n, m));
}

static ir_ref uabd(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    return sub(l, size, umax(l, size, n, m), umin(l, size, n, m));
}

/* (n + m) / 2 without the carry: what both have, and half of what one has. */
static ir_ref uhadd(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    ir_ref half = simd_shr(l, size, simd_op(l, IR_VXOR, 8, n, m), 1);
    return add(l, size, simd_op(l, IR_VAND, 8, n, m), half);
}

static ir_ref shadd(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    ir_ref half = simd_sar(l, size, simd_op(l, IR_VXOR, 8, n, m), 1);
    return add(l, size, simd_op(l, IR_VAND, 8, n, m), half);
}

static ir_ref urhadd(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    if (size < 4)
        return simd_op(l, IR_VAVG, size, n, m);
    ir_ref half = simd_shr(l, size, simd_op(l, IR_VXOR, 8, n, m), 1);
    return sub(l, size, simd_op(l, IR_VOR, 8, n, m), half);
}

static ir_ref srhadd(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    ir_ref half = simd_sar(l, size, simd_op(l, IR_VXOR, 8, n, m), 1);
    return sub(l, size, simd_op(l, IR_VOR, 8, n, m), half);
}

/* (n - m) / 2: half of what differs less what only m has. */
static ir_ref uhsub(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    ir_ref half = simd_shr(l, size, simd_op(l, IR_VXOR, 8, n, m), 1);
    return sub(l, size, half, simd_op(l, IR_VANDN, 8, n, m));
}

static ir_ref shsub(struct lift *l, unsigned size, ir_ref n, ir_ref m)
{
    ir_ref half = simd_sar(l, size, simd_op(l, IR_VXOR, 8, n, m), 1);
    return sub(l, size, half, simd_op(l, IR_VANDN, 8, n, m));
}

#define VECTOR(name, fn)                                                                           \
    LIFT(name)                                                                                     \
    {                                                                                              \
        vector(l, word, fn);                                                                       \
    }
VECTOR(smax_vec, smax)
VECTOR(umax_vec, umax)
VECTOR(smin_vec, smin)
VECTOR(umin_vec, umin)
VECTOR(sabd_vec, sabd)
VECTOR(uabd_vec, uabd)
VECTOR(uhadd_vec, uhadd)
VECTOR(shadd_vec, shadd)
VECTOR(urhadd_vec, urhadd)
VECTOR(srhadd_vec, srhadd)
VECTOR(uhsub_vec, uhsub)
VECTOR(shsub_vec, shsub)
VECTOR(mul_vec, simd_mul)

/* rd op= fn(n, m) */
static void accumulate(struct lift *l, uint32_t word, enum ir_op op, same_fn fn, ir_ref m)
{
    unsigned size = simd_bytes(word);
    ir_ref v = fn(l, size, n_of(l, word), m);
    simd_put(l, word, simd_op(l, op, size, lift_v(l, a64_rd(word)), v));
}

#define ACCUMULATE(name, op, fn)                                                                   \
    LIFT(name)                                                                                     \
    {                                                                                              \
        accumulate(l, word, op, fn, m_of(l, word));                                                \
    }
ACCUMULATE(mla_vec, IR_VADD, simd_mul)
ACCUMULATE(mls_vec, IR_VSUB, simd_mul)
ACCUMULATE(saba_vec, IR_VADD, sabd)
ACCUMULATE(uaba_vec, IR_VADD, uabd)

/* ---- pairwise ---- */
static void pairwise(struct lift *l, uint32_t word, same_fn fn)
{
    unsigned size = simd_bytes(word);
    ir_ref n = n_of(l, word), m = a64_rm(word) == a64_rn(word) ? n : m_of(l, word);
    bool q = simd_q(word);
    simd_put(l, word,
             fn(l, size, simd_uzp(l, size, n, m, false, q), simd_uzp(l, size, n, m, true, q)));
}

#define PAIRWISE(name, fn)                                                                         \
    LIFT(name)                                                                                     \
    {                                                                                              \
        pairwise(l, word, fn);                                                                     \
    }
PAIRWISE(addp_vec, add)
PAIRWISE(smaxp_vec, smax)
PAIRWISE(umaxp_vec, umax)
PAIRWISE(sminp_vec, smin)
PAIRWISE(uminp_vec, umin)

LIFT(addp_scalar_pair)
{
    ir_ref n = n_of(l, word);
    simd_put_scalar(l, word, 8, add(l, 8, n, simd_imm(l, IR_VBSHR, 16, n, 8)));
}

/* ---- by element ---- */
ir_ref simd_element(struct lift *l, uint32_t word)
{
    unsigned size = simd_bytes(word), m = word >> 16 & 15, index;
    if (size == 2) {
        index = (word >> 11 & 1) << 2 | (word >> 21 & 1) << 1 | (word >> 20 & 1);
    } else {
        index = (word >> 11 & 1) << 1 | (word >> 21 & 1);
        m |= (word >> 20 & 1) << 4;
    }
    return simd_imm(l, IR_VSPLATE, size, lift_v(l, m), index);
}

LIFT(mul_elem)
{
    simd_put(l, word, simd_mul(l, simd_bytes(word), n_of(l, word), simd_element(l, word)));
}

LIFT(mla_elem)
{
    accumulate(l, word, IR_VADD, simd_mul, simd_element(l, word));
}

LIFT(mls_elem)
{
    accumulate(l, word, IR_VSUB, simd_mul, simd_element(l, word));
}

/* ---- long, wide, narrow ---- */
ir_ref simd_multiply_long(struct lift *l, unsigned size, ir_ref n, ir_ref m, bool sign, bool high)
{
    if (size == 4) { /* words 0 and 1, or 2 and 3, to the even places */
        unsigned perm = high ? 0xfa : 0x50;
        n = simd_imm(l, IR_VPERM, 4, n, perm);
        m = simd_imm(l, IR_VPERM, 4, m, perm);
        return simd_op(l, sign ? IR_VMULWS : IR_VMULWU, 4, n, m);
    }
    n = simd_extend(l, size, n, sign, high);
    m = simd_extend(l, size, m, sign, high);
    return simd_op(l, IR_VMUL, 2 * size, n, m);
}

static void long_product(struct lift *l, uint32_t word, bool sign, enum ir_op op, ir_ref m)
{
    unsigned size = simd_bytes(word);
    ir_ref v = simd_multiply_long(l, size, n_of(l, word), m, sign, simd_q(word));
    if (op != IR_NOP)
        v = simd_op(l, op, 2 * size, lift_v(l, a64_rd(word)), v);
    lift_put_v(l, a64_rd(word), v);
}

#define LONG_PRODUCT(name, sign, op)                                                               \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        long_product(l, word, sign, op, m_of(l, word));                                            \
    }                                                                                              \
    LIFT(name##_elem)                                                                              \
    {                                                                                              \
        long_product(l, word, sign, op, simd_element(l, word));                                    \
    }
LONG_PRODUCT(smull, true, IR_NOP)
LONG_PRODUCT(umull, false, IR_NOP)
LONG_PRODUCT(smlal, true, IR_VADD)
LONG_PRODUCT(umlal, false, IR_VADD)
LONG_PRODUCT(smlsl, true, IR_VSUB)
LONG_PRODUCT(umlsl, false, IR_VSUB)

/* op of two extended halves; wide: the first is as wide as the result already. */
static void long_op(struct lift *l, uint32_t word, bool sign, enum ir_op op, bool wide)
{
    unsigned size = simd_bytes(word);
    bool high = simd_q(word);
    ir_ref n = n_of(l, word), m = simd_extend(l, size, m_of(l, word), sign, high);
    if (!wide)
        n = simd_extend(l, size, n, sign, high);
    lift_put_v(l, a64_rd(word), simd_op(l, op, 2 * size, n, m));
}

#define LONG(name, sign, op, wide)                                                                 \
    LIFT(name)                                                                                     \
    {                                                                                              \
        long_op(l, word, sign, op, wide);                                                          \
    }
LONG(saddl_vec, true, IR_VADD, false)
LONG(uaddl_vec, false, IR_VADD, false)
LONG(ssubl_vec, true, IR_VSUB, false)
LONG(usubl_vec, false, IR_VSUB, false)
LONG(saddw_vec, true, IR_VADD, true)
LONG(uaddw_vec, false, IR_VADD, true)
LONG(ssubw_vec, true, IR_VSUB, true)
LONG(usubw_vec, false, IR_VSUB, true)

/* The difference's size fits the narrow type, unsigned: take it there, then extend. */
static ir_ref long_difference(struct lift *l, uint32_t word, bool sign)
{
    unsigned size = simd_bytes(word);
    ir_ref n = n_of(l, word), m = m_of(l, word);
    ir_ref d = sign ? sabd(l, size, n, m) : uabd(l, size, n, m);
    return simd_extend(l, size, d, false, simd_q(word));
}

#define DIFFERENCE(name, sign, sum)                                                                \
    LIFT(name)                                                                                     \
    {                                                                                              \
        ir_ref v = long_difference(l, word, sign);                                                 \
        if (sum)                                                                                   \
            v = add(l, 2 * simd_bytes(word), lift_v(l, a64_rd(word)), v);                          \
        lift_put_v(l, a64_rd(word), v);                                                            \
    }
DIFFERENCE(sabdl_vec, true, false)
DIFFERENCE(uabdl_vec, false, false)
DIFFERENCE(sabal_vec, true, true)
DIFFERENCE(uabal_vec, false, true)

/* The upper half of each sum or difference. */
static void high_narrow(struct lift *l, uint32_t word, enum ir_op op, bool round)
{
    unsigned size = simd_bytes(word);
    ir_ref v = simd_op(l, op, 2 * size, n_of(l, word), m_of(l, word));
    if (round)
        v = add(l, 2 * size, v, simd_splat(l, 2 * size, 1ull << (8 * size - 1)));
    simd_put_narrow(l, word, simd_narrow(l, size, simd_shr(l, 2 * size, v, 8 * size)));
}

LIFT(addhn_vec)
{
    high_narrow(l, word, IR_VADD, false);
}

LIFT(raddhn_vec)
{
    high_narrow(l, word, IR_VADD, true);
}

LIFT(subhn_vec)
{
    high_narrow(l, word, IR_VSUB, false);
}

LIFT(rsubhn_vec)
{
    high_narrow(l, word, IR_VSUB, true);
}

LIFT(pmull_vec)
{
    if (simd_bytes(word) == 1) {
        simd_exact(l, word);
        return;
    }
    ir_ref v = simd_op(l, IR_VCLMUL, 8, n_of(l, word), m_of(l, word));
    ir_last(l->r)->imm = simd_q(word) ? 0x11 : 0;
    lift_put_v(l, a64_rd(word), v);
}

/* ---- dot product: even and odd bytes as halfwords, which the host multiplies and adds ---- */
static ir_ref halfwords(struct lift *l, ir_ref v, bool odd, bool sign)
{
    if (!sign)
        return odd ? simd_imm(l, IR_VSHR, 2, v, 8)
                   : simd_op(l, IR_VAND, 8, v, simd_splat(l, 2, 255));
    return simd_imm(l, IR_VSAR, 2, odd ? v : simd_imm(l, IR_VSHL, 2, v, 8), 8);
}

static void dot(struct lift *l, uint32_t word, bool sign, ir_ref m)
{
    ir_ref n = n_of(l, word), sum = lift_v(l, a64_rd(word));
    for (unsigned odd = 0; odd < 2; odd++) {
        ir_ref x = halfwords(l, n, odd, sign), y = halfwords(l, m, odd, sign);
        sum = add(l, 4, sum, simd_op(l, IR_VMADD, 2, x, y));
    }
    simd_put(l, word, sum);
}

LIFT(sdot_vec)
{
    dot(l, word, true, m_of(l, word));
}

LIFT(udot_vec)
{
    dot(l, word, false, m_of(l, word));
}

LIFT(sdot_elem)
{
    dot(l, word, true, simd_element(l, word));
}

LIFT(udot_elem)
{
    dot(l, word, false, simd_element(l, word));
}

/* ---- by the exact function ---- */
LIFT(pmul_vec)
{
    simd_exact(l, word);
}
