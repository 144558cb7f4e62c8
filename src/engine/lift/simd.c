/* SPDX-License-Identifier: Apache-2.0
 *
 * Vector values from IR operations: what several instructions need, guest-neutral but for the puts.
 *
 * The idea: callers ask for any element size; where the host lacks one, it is made here of those
 * that it has. Shuffles are by constant maps, one for each source.
 */
#include "engine/lift/a64_simd.h"

ir_ref simd_op(struct lift *l, enum ir_op op, unsigned size, ir_ref a, ir_ref b)
{
    return ir_add(l->r, op, size, a, b);
}

ir_ref simd_imm(struct lift *l, enum ir_op op, unsigned size, ir_ref a, uint64_t imm)
{
    ir_ref v = ir_add(l->r, op, size, a, IR_NONE);
    ir_last(l->r)->imm = imm;
    return v;
}

ir_ref simd_const(struct lift *l, uint64_t low, uint64_t high)
{
    if (low == high)
        return simd_imm(l, IR_VMOVI, 8, IR_NONE, low);
    return simd_imm(l, IR_VCONST, 8, lift_const(l, high), low);
}

ir_ref simd_splat(struct lift *l, unsigned size, uint64_t value)
{
    if (size < 8)
        value &= (1ull << (8 * size)) - 1;
    for (unsigned s = size; s < 8; s *= 2)
        value |= value << (8 * s);
    return simd_const(l, value, value);
}

ir_ref simd_not(struct lift *l, ir_ref a)
{
    return simd_op(l, IR_VXOR, 8, a, simd_const(l, ~0ull, ~0ull));
}

ir_ref simd_select(struct lift *l, ir_ref mask, ir_ref yes, ir_ref no)
{
    ir_ref y = simd_op(l, IR_VAND, 8, mask, yes);
    return simd_op(l, IR_VOR, 8, y, simd_op(l, IR_VANDN, 8, mask, no));
}

ir_ref simd_permute(struct lift *l, const ir_ref *sources, unsigned count, const uint8_t *map)
{
    ir_ref result = IR_NONE;
    for (unsigned s = 0; s < count; s++) {
        union vec control;
        bool any = false;
        for (unsigned k = 0; k < 16; k++) {
            bool here = map[k] != 0xff && map[k] / 16 == s;
            control.b[k] = here ? map[k] % 16 : 0x80;
            any |= here;
        }
        if (!any)
            continue;
        ir_ref c = simd_const(l, control.d[0], control.d[1]);
        ir_ref v = simd_op(l, IR_VSHUF, 1, sources[s], c);
        result = result == IR_NONE ? v : simd_op(l, IR_VOR, 8, result, v);
    }
    return result == IR_NONE ? simd_const(l, 0, 0) : result;
}

ir_ref simd_shl(struct lift *l, unsigned size, ir_ref a, unsigned n)
{
    if (!n)
        return a;
    if (size > 1)
        return simd_imm(l, IR_VSHL, size, a, n);
    ir_ref v = simd_imm(l, IR_VSHL, 2, a, n);
    return simd_op(l, IR_VAND, 8, v, simd_splat(l, 1, 0xffu << n));
}

ir_ref simd_shr(struct lift *l, unsigned size, ir_ref a, unsigned n)
{
    if (!n)
        return a;
    if (n >= size * 8)
        return simd_const(l, 0, 0);
    if (size > 1)
        return simd_imm(l, IR_VSHR, size, a, n);
    ir_ref v = simd_imm(l, IR_VSHR, 2, a, n);
    return simd_op(l, IR_VAND, 8, v, simd_splat(l, 1, 0xffu >> n));
}

/* Where the host has no such shift: ((a >> n) ^ m) - m, m = the sign's new place; all of it signs:
 * a comparison. */
ir_ref simd_sar(struct lift *l, unsigned size, ir_ref a, unsigned n)
{
    if (!n)
        return a;
    if (n >= size * 8)
        n = size * 8 - 1;
    if (size == 2 || size == 4)
        return simd_imm(l, IR_VSAR, size, a, n);
    if (n == size * 8 - 1)
        return simd_op(l, IR_VGT, size, simd_const(l, 0, 0), a);
    ir_ref m = simd_splat(l, size, 1ull << (size * 8 - 1 - n));
    ir_ref v = simd_op(l, IR_VXOR, 8, simd_shr(l, size, a, n), m);
    return simd_op(l, IR_VSUB, size, v, m);
}

ir_ref simd_shift(struct lift *l, unsigned size, ir_ref a, unsigned n, bool sign, bool round)
{
    ir_ref v = sign ? simd_sar(l, size, a, n) : simd_shr(l, size, a, n);
    if (!round)
        return v;
    ir_ref bit = simd_op(l, IR_VAND, 8, simd_shr(l, size, a, n - 1), simd_splat(l, size, 1));
    return simd_op(l, IR_VADD, size, v, bit);
}

ir_ref simd_extend(struct lift *l, unsigned size, ir_ref a, bool sign, bool high)
{
    if (high)
        a = simd_imm(l, IR_VBSHR, 16, a, 8);
    return simd_op(l, sign ? IR_VSX : IR_VZX, size, a, IR_NONE);
}

ir_ref simd_narrow(struct lift *l, unsigned size, ir_ref a)
{
    uint8_t map[16];
    for (unsigned k = 0; k < 16; k++)
        map[k] = k < 8 ? (uint8_t)(k / size * 2 * size + k % size) : 0xff;
    return simd_permute(l, &a, 1, map);
}

ir_ref simd_ge_unsigned(struct lift *l, unsigned size, ir_ref a, ir_ref b)
{
    if (size < 8)
        return simd_op(l, IR_VEQ, size, simd_op(l, IR_VMAXU, size, a, b), a);
    ir_ref sign = simd_splat(l, 8, 1ull << 63);
    ir_ref x = simd_op(l, IR_VXOR, 8, a, sign), y = simd_op(l, IR_VXOR, 8, b, sign);
    return simd_not(l, simd_op(l, IR_VGT, 8, y, x));
}

ir_ref simd_abs(struct lift *l, unsigned size, ir_ref a)
{
    if (size < 8)
        return simd_op(l, IR_VABS, size, a, IR_NONE);
    ir_ref s = simd_op(l, IR_VGT, 8, simd_const(l, 0, 0), a);
    return simd_op(l, IR_VSUB, 8, simd_op(l, IR_VXOR, 8, a, s), s);
}

ir_ref simd_mul(struct lift *l, unsigned size, ir_ref a, ir_ref b)
{
    if (size > 1)
        return simd_op(l, IR_VMUL, size, a, b);
    ir_ref even = simd_op(l, IR_VAND, 8, simd_op(l, IR_VMUL, 2, a, b), simd_splat(l, 2, 0xff));
    ir_ref x = simd_imm(l, IR_VSHR, 2, a, 8), y = simd_imm(l, IR_VSHR, 2, b, 8);
    ir_ref odd = simd_imm(l, IR_VSHL, 2, simd_op(l, IR_VMUL, 2, x, y), 8);
    return simd_op(l, IR_VOR, 8, even, odd);
}

/* Each source's even (odd) elements together, in both its halves where `twice`. */
static ir_ref gather(struct lift *l, unsigned size, ir_ref a, bool odd, bool twice)
{
    uint8_t map[16];
    for (unsigned k = 0; k < 16; k++)
        map[k] = k < 8 || twice ? (uint8_t)((k % 8 / size * 2 + odd) * size + k % size) : 0xff;
    return simd_permute(l, &a, 1, map);
}

/* Without Q the two 64-bit sources make one vector first. */
ir_ref simd_uzp(struct lift *l, unsigned size, ir_ref a, ir_ref b, bool odd, bool q)
{
    if (size == 8)
        return simd_op(l, odd ? IR_VZIPH : IR_VZIPL, 8, a, b);
    if (q && size == 4) {
        ir_ref v = simd_op(l, IR_VPERM2, 4, a, b);
        ir_last(l->r)->imm = odd ? 0xdd : 0x88;
        return v;
    }
    if (!q)
        a = simd_op(l, IR_VZIPL, 8, a, b);
    if (size == 4)
        return simd_imm(l, IR_VPERM, 4, a, odd ? 0x0d : 0x08);
    if (!q || a == b)
        return gather(l, size, a, odd, q);
    return simd_op(l, IR_VZIPL, 8, gather(l, size, a, odd, false), gather(l, size, b, odd, false));
}

/* Does the operation that made v leave zeros in the upper half? */
static bool is_half(const struct lift *l, ir_ref v)
{
    const struct ir_ins *ins = &l->r->ins[v];
    switch (ins->op) {
    case IR_LDV:
    case IR_VZEXT:
        return ins->size <= 8;
    case IR_VSHUF: /* a constant map with nothing above */
        ins = &l->r->ins[ins->b];
        return ins->op == IR_VCONST && l->r->ins[ins->a].imm == 0x8080808080808080;
    case IR_VBSHR:
        return ins->imm >= 8;
    default:
        return false;
    }
}

void simd_put(struct lift *l, uint32_t word, ir_ref v)
{
    if (!simd_q(word) && !is_half(l, v))
        v = simd_op(l, IR_VZEXT, 8, v, IR_NONE);
    lift_put_v(l, a64_rd(word), v);
}

void simd_put_scalar(struct lift *l, uint32_t word, unsigned size, ir_ref v)
{
    lift_put_v(l, a64_rd(word), simd_op(l, IR_VZEXT, size, v, IR_NONE));
}

void simd_put_narrow(struct lift *l, uint32_t word, ir_ref v)
{
    if (simd_q(word))
        v = simd_op(l, IR_VZIPL, 8, lift_v(l, a64_rd(word)), v);
    lift_put_v(l, a64_rd(word), v);
}

void simd_exact(struct lift *l, uint32_t word)
{
    ir_ref n = lift_v(l, a64_rn(word)), m = lift_v(l, word >> 16 & 31), d = lift_v(l, a64_rd(word));
    lift_put_v(l, a64_rd(word), lift_opx(l, IR_HELPV, 16, n, m, d, IR_HELPER_simd, word));
}
