/* SPDX-License-Identifier: Apache-2.0
 *
 * Advanced SIMD: shifts, by immediate and by register (Arm ARM C4.1.97).
 *
 * The idea: the host shifts by registers only words and doublewords, and to one side: both sides
 * are computed, and the one that counts is taken. Halfwords are two vectors of words. Bytes by
 * register go to the exact function. Shifts that saturate are in a64_simd_sat.c.
 */
#include "engine/lift/a64_simd.h"

static ir_ref n_of(struct lift *l, uint32_t word)
{
    return lift_v(l, a64_rn(word));
}

/* ---- by immediate ---- */
enum right_kind { SIGNED = 1, ROUND = 2, SUM = 4 };

static ir_ref shift_right(struct lift *l, uint32_t word, unsigned size, unsigned kind)
{
    unsigned n = simd_shift_right(word);
    ir_ref v = simd_shift(l, size, n_of(l, word), n, kind & SIGNED, kind & ROUND);
    if (kind & SUM)
        v = simd_op(l, IR_VADD, size, lift_v(l, a64_rd(word)), v);
    return v;
}

#define SHIFT_RIGHT(name, kind)                                                                    \
    LIFT(name##_imm_vec)                                                                           \
    {                                                                                              \
        simd_put(l, word, shift_right(l, word, simd_shift_bytes(word), kind));                     \
    }                                                                                              \
    LIFT(name##_imm_scalar)                                                                        \
    {                                                                                              \
        simd_put_scalar(l, word, 8, shift_right(l, word, 8, kind));                                \
    }
SHIFT_RIGHT(sshr, SIGNED)
SHIFT_RIGHT(ushr, 0)
SHIFT_RIGHT(ssra, SIGNED | SUM)
SHIFT_RIGHT(usra, SUM)
SHIFT_RIGHT(srshr, SIGNED | ROUND)
SHIFT_RIGHT(urshr, ROUND)
SHIFT_RIGHT(srsra, SIGNED | ROUND | SUM)
SHIFT_RIGHT(ursra, ROUND | SUM)

static ir_ref insert(struct lift *l, uint32_t word, unsigned size, bool to_left)
{
    uint64_t ones = size == 8 ? ~0ull : (1ull << (8 * size)) - 1, mask;
    ir_ref a = n_of(l, word), d = lift_v(l, a64_rd(word)), v;
    if (to_left) {
        unsigned n = simd_shift_left(word);
        mask = ones << n & ones;
        v = simd_shl(l, size, a, n);
    } else {
        unsigned n = simd_shift_right(word);
        mask = n >= 8 * size ? 0 : ones >> n;
        v = simd_shr(l, size, a, n);
    }
    return simd_op(l, IR_VOR, 8, v, simd_op(l, IR_VANDN, 8, simd_splat(l, size, mask), d));
}

LIFT(sli_imm_vec)
{
    simd_put(l, word, insert(l, word, simd_shift_bytes(word), true));
}

LIFT(sli_imm_scalar)
{
    simd_put_scalar(l, word, 8, insert(l, word, 8, true));
}

LIFT(sri_imm_vec)
{
    simd_put(l, word, insert(l, word, simd_shift_bytes(word), false));
}

LIFT(sri_imm_scalar)
{
    simd_put_scalar(l, word, 8, insert(l, word, 8, false));
}

LIFT(shl_imm_vec)
{
    simd_put(l, word, simd_shl(l, simd_shift_bytes(word), n_of(l, word), simd_shift_left(word)));
}

LIFT(shl_imm_scalar)
{
    simd_put_scalar(l, word, 8, simd_shl(l, 8, n_of(l, word), simd_shift_left(word)));
}

static void shift_long(struct lift *l, uint32_t word, bool sign)
{
    unsigned size = simd_shift_bytes(word);
    ir_ref v = simd_extend(l, size, n_of(l, word), sign, simd_q(word));
    lift_put_v(l, a64_rd(word), simd_shl(l, 2 * size, v, simd_shift_left(word)));
}

LIFT(sshll_vec)
{
    shift_long(l, word, true);
}

LIFT(ushll_vec)
{
    shift_long(l, word, false);
}

static void shift_narrow(struct lift *l, uint32_t word, bool round)
{
    unsigned size = simd_shift_bytes(word), n = simd_shift_right(word);
    ir_ref v = n_of(l, word);
    if (round)
        v = simd_op(l, IR_VADD, 2 * size, v, simd_splat(l, 2 * size, 1ull << (n - 1)));
    simd_put_narrow(l, word, simd_narrow(l, size, simd_shr(l, 2 * size, v, n)));
}

LIFT(shrn_vec)
{
    shift_narrow(l, word, false);
}

LIFT(rshrn_vec)
{
    shift_narrow(l, word, true);
}

/* ---- by register: the low byte of each element of m, signed; negative: to the right ---- */
/* The host's variable shifts give 0 (or only signs) from the width on, for counts that are large
 * or, taken as unsigned, negative. */
static ir_ref right_by(struct lift *l, unsigned size, ir_ref a, ir_ref count, bool sign)
{
    if (!sign)
        return simd_op(l, IR_VSHRV, size, a, count);
    if (size == 4)
        return simd_op(l, IR_VSARV, 4, a, count);
    ir_ref s = simd_sar(l, 8, a, 63);
    ir_ref v = simd_op(l, IR_VSHRV, 8, simd_op(l, IR_VXOR, 8, a, s), count);
    return simd_op(l, IR_VXOR, 8, v, s);
}

/* size: 4 or 8 */
static ir_ref by_register(struct lift *l, unsigned size, ir_ref a, ir_ref m, unsigned kind)
{
    bool sign = kind & SIGNED;
    ir_ref byte = simd_splat(l, size, 0xff), zero = simd_const(l, 0, 0);
    ir_ref left = simd_op(l, IR_VSHLV, size, a, simd_op(l, IR_VAND, 8, m, byte));
    ir_ref count = simd_op(l, IR_VAND, 8, simd_op(l, IR_VSUB, size, zero, m), byte);
    ir_ref right = right_by(l, size, a, count, sign);
    if (kind & ROUND) {
        ir_ref less = simd_op(l, IR_VADD, size, count, simd_const(l, ~0ull, ~0ull));
        ir_ref bit =
            simd_op(l, IR_VAND, 8, right_by(l, size, a, less, sign), simd_splat(l, size, 1));
        right = simd_op(l, IR_VADD, size, right, bit);
    }
    if (!sign) /* one of them is 0, or both are a */
        return simd_op(l, IR_VOR, 8, left, right);
    return lift_op3(l, IR_VSEL, size, simd_imm(l, IR_VSHL, size, m, 8 * size - 8), right, left);
}

/* Halfwords: the even and the odd ones as words. */
static ir_ref halfwords_by_register(struct lift *l, ir_ref a, ir_ref m, unsigned kind)
{
    ir_ref even, odd;
    if (kind & SIGNED) {
        even = simd_sar(l, 4, simd_shl(l, 4, a, 16), 16);
        odd = simd_sar(l, 4, a, 16);
    } else {
        even = simd_op(l, IR_VAND, 8, a, simd_splat(l, 4, 0xffff));
        odd = simd_shr(l, 4, a, 16);
    }
    even = by_register(l, 4, even, m, kind);
    odd = by_register(l, 4, odd, simd_shr(l, 4, m, 16), kind);
    ir_ref v = simd_op(l, IR_VMIX, 2, even, simd_shl(l, 4, odd, 16));
    ir_last(l->r)->imm = 0xaa;
    return v;
}

static void shift_register(struct lift *l, uint32_t word, unsigned kind)
{
    unsigned size = simd_bytes(word);
    ir_ref a = n_of(l, word), m = lift_v(l, word >> 16 & 31);
    if (size == 1)
        simd_exact(l, word);
    else if (size == 2)
        simd_put(l, word, halfwords_by_register(l, a, m, kind));
    else
        simd_put(l, word, by_register(l, size, a, m, kind));
}

#define SHIFT_REGISTER(name, kind)                                                                 \
    LIFT(name##_vec)                                                                               \
    {                                                                                              \
        shift_register(l, word, kind);                                                             \
    }                                                                                              \
    LIFT(name##_scalar)                                                                            \
    {                                                                                              \
        ir_ref m = lift_v(l, word >> 16 & 31);                                                     \
        simd_put_scalar(l, word, 8, by_register(l, 8, n_of(l, word), m, kind));                    \
    }
SHIFT_REGISTER(sshl, SIGNED)
SHIFT_REGISTER(ushl, 0)
SHIFT_REGISTER(srshl, SIGNED | ROUND)
SHIFT_REGISTER(urshl, ROUND)
