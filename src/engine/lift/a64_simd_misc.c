/* SPDX-License-Identifier: Apache-2.0
 *
 * Advanced SIMD: one register, across lanes, copies, permutations, immediates (Arm ARM C4.1.97).
 *
 * The idea: what moves elements is a byte shuffle by a constant map unless the host has one
 * instruction for it; what counts bits is two shuffles by tables of nibbles.
 */
#include "engine/lift/a64_simd.h"

static ir_ref n_of(struct lift *l, uint32_t word)
{
    return lift_v(l, a64_rn(word));
}

static ir_ref zero(struct lift *l)
{
    return simd_const(l, 0, 0);
}

/* ---- one register ---- */
LIFT(not_vec)
{
    simd_put(l, word, simd_not(l, n_of(l, word)));
}

LIFT(neg_vec)
{
    simd_put(l, word, simd_op(l, IR_VSUB, simd_bytes(word), zero(l), n_of(l, word)));
}

LIFT(neg_scalar)
{
    simd_put_scalar(l, word, 8, simd_op(l, IR_VSUB, 8, zero(l), n_of(l, word)));
}

LIFT(abs_vec)
{
    simd_put(l, word, simd_abs(l, simd_bytes(word), n_of(l, word)));
}

LIFT(abs_scalar)
{
    simd_put_scalar(l, word, 8, simd_abs(l, 8, n_of(l, word)));
}

/* op of n and zero, swapped, or with one less, or swapped with one more: n >= 0 is n > -1 */
enum compare { PLAIN, SWAPPED, ONE_LESS, ONE_MORE };

static ir_ref compare_zero(struct lift *l, unsigned size, ir_ref n, enum ir_op op, unsigned how)
{
    switch (how) {
    case PLAIN:
        return simd_op(l, op, size, n, zero(l));
    case SWAPPED:
        return simd_op(l, op, size, zero(l), n);
    case ONE_LESS:
        return simd_op(l, op, size, n, simd_const(l, ~0ull, ~0ull));
    default:
        return simd_op(l, op, size, simd_splat(l, size, 1), n);
    }
}

#define COMPARE_ZERO(name, op, how)                                                                \
    LIFT(name##_zero_vec)                                                                          \
    {                                                                                              \
        simd_put(l, word, compare_zero(l, simd_bytes(word), n_of(l, word), op, how));              \
    }                                                                                              \
    LIFT(name##_zero_scalar)                                                                       \
    {                                                                                              \
        simd_put_scalar(l, word, 8, compare_zero(l, 8, n_of(l, word), op, how));                   \
    }
COMPARE_ZERO(cmeq, IR_VEQ, PLAIN)
COMPARE_ZERO(cmgt, IR_VGT, PLAIN)
COMPARE_ZERO(cmlt, IR_VGT, SWAPPED)
COMPARE_ZERO(cmge, IR_VGT, ONE_LESS)
COMPARE_ZERO(cmle, IR_VGT, ONE_MORE)

/* Bytes within each group of `group`, elements of `size` reversed. */
static void reverse(struct lift *l, uint32_t word, unsigned group)
{
    unsigned size = simd_bytes(word);
    uint8_t map[16];
    for (unsigned k = 0; k < 16; k++)
        map[k] = (uint8_t)(k / group * group + (group - size - k % group / size * size) + k % size);
    ir_ref n = n_of(l, word);
    simd_put(l, word, simd_permute(l, &n, 1, map));
}

LIFT(rev64_vec)
{
    reverse(l, word, 8);
}

LIFT(rev32_vec)
{
    reverse(l, word, 4);
}

LIFT(rev16_vec)
{
    reverse(l, word, 2);
}

/* Each byte by a table of its nibbles: op of low and high. */
static ir_ref by_nibbles(struct lift *l, ir_ref n, const uint8_t *low, const uint8_t *high,
                         enum ir_op op)
{
    union vec a, b;
    for (unsigned k = 0; k < 16; k++) {
        a.b[k] = low[k];
        b.b[k] = high[k];
    }
    ir_ref mask = simd_splat(l, 1, 15);
    ir_ref lo = simd_op(l, IR_VAND, 8, n, mask);
    ir_ref hi = simd_op(l, IR_VAND, 8, simd_imm(l, IR_VSHR, 2, n, 4), mask);
    lo = simd_op(l, IR_VSHUF, 1, simd_const(l, a.d[0], a.d[1]), lo);
    hi = simd_op(l, IR_VSHUF, 1, simd_const(l, b.d[0], b.d[1]), hi);
    return simd_op(l, op, 1, lo, hi);
}

LIFT(cnt_vec)
{
    static const uint8_t bits[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    simd_put(l, word, by_nibbles(l, n_of(l, word), bits, bits, IR_VADD));
}

LIFT(rbit_vec)
{
    static const uint8_t high[16] = {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};
    uint8_t low[16];
    for (unsigned k = 0; k < 16; k++)
        low[k] = (uint8_t)(high[k] << 4);
    simd_put(l, word, by_nibbles(l, n_of(l, word), low, high, IR_VOR));
}

/* Sums of neighbours, twice as wide. */
static ir_ref add_pairs(struct lift *l, unsigned size, ir_ref n, bool sign)
{
    unsigned bits = size * 8;
    ir_ref even = simd_imm(l, IR_VSHL, 2 * size, n, bits), odd;
    if (sign) {
        even = simd_sar(l, 2 * size, even, bits);
        odd = simd_sar(l, 2 * size, n, bits);
    } else {
        even = simd_imm(l, IR_VSHR, 2 * size, even, bits);
        odd = simd_imm(l, IR_VSHR, 2 * size, n, bits);
    }
    return simd_op(l, IR_VADD, 2 * size, even, odd);
}

#define PAIRS(name, sign, accumulate)                                                              \
    LIFT(name)                                                                                     \
    {                                                                                              \
        unsigned size = simd_bytes(word);                                                          \
        ir_ref v = add_pairs(l, size, n_of(l, word), sign);                                        \
        if (accumulate)                                                                            \
            v = simd_op(l, IR_VADD, 2 * size, lift_v(l, a64_rd(word)), v);                         \
        simd_put(l, word, v);                                                                      \
    }
PAIRS(saddlp_vec, true, false)
PAIRS(uaddlp_vec, false, false)
PAIRS(sadalp_vec, true, true)
PAIRS(uadalp_vec, false, true)

LIFT(xtn_vec)
{
    simd_put_narrow(l, word, simd_narrow(l, simd_bytes(word), n_of(l, word)));
}

LIFT(shll_vec)
{
    unsigned size = simd_bytes(word);
    ir_ref v = simd_extend(l, size, n_of(l, word), false, simd_q(word));
    lift_put_v(l, a64_rd(word), simd_imm(l, IR_VSHL, 2 * size, v, 8 * size));
}

/* Leading zeros of elements of 2 * size, from those of their halves: the lower one counts if the
 * upper one has nothing but zeros. */
static ir_ref join_zeros(struct lift *l, unsigned size, ir_ref c)
{
    ir_ref high = simd_imm(l, IR_VSHR, 2 * size, c, 8 * size);
    ir_ref low = simd_op(l, IR_VAND, 8, c, simd_splat(l, 2 * size, (1ull << (8 * size)) - 1));
    ir_ref none = simd_op(l, IR_VEQ, 2 * size, high, simd_splat(l, 2 * size, 8 * size));
    return simd_op(l, IR_VADD, 2 * size, high, simd_op(l, IR_VAND, 8, low, none));
}

/* Bytes: the upper nibble's table has 8 for none, the lower one's at least 4. */
static ir_ref leading_zeros(struct lift *l, unsigned size, ir_ref n)
{
    static const uint8_t high[16] = {8, 3, 2, 2, 1, 1, 1, 1};
    static const uint8_t low[16] = {8, 7, 6, 6, 5, 5, 5, 5, 4, 4, 4, 4, 4, 4, 4, 4};
    ir_ref c = by_nibbles(l, n, low, high, IR_VMINU);
    for (unsigned s = 1; s < size; s *= 2)
        c = join_zeros(l, s, c);
    return c;
}

LIFT(clz_vec)
{
    simd_put(l, word, leading_zeros(l, simd_bytes(word), n_of(l, word)));
}

LIFT(cls_vec)
{
    unsigned size = simd_bytes(word);
    ir_ref n = n_of(l, word);
    ir_ref c = simd_op(l, IR_VXOR, 8, n, simd_sar(l, size, n, 8 * size - 1));
    c = leading_zeros(l, size, c);
    simd_put(l, word, simd_op(l, IR_VADD, size, c, simd_const(l, ~0ull, ~0ull)));
}

/* ---- across lanes: halves onto each other until one element is left ---- */
static ir_ref reduce(struct lift *l, unsigned size, ir_ref v, enum ir_op op)
{
    for (unsigned step = 8; step >= size; step /= 2)
        v = simd_op(l, op, size, v, simd_imm(l, IR_VBSHR, 16, v, step));
    return v;
}

/* Extremes of bytes and halfwords: the host finds the least unsigned halfword. XOR makes one of any
 * extreme; of bytes, first each of two neighbours. */
static void least(struct lift *l, uint32_t word, ir_ref n, uint64_t xor)
{
    unsigned size = simd_bytes(word);
    ir_ref mask = simd_splat(l, size, xor);
    ir_ref v = xor? simd_op(l, IR_VXOR, 8, n, mask) : n;
    if (size == 1)
        v = simd_op(l, IR_VMINU, 1, v, simd_imm(l, IR_VSHR, 2, v, 8));
    v = simd_op(l, IR_VLEAST, 2, v, IR_NONE);
    simd_put_scalar(l, word, size, xor? simd_op(l, IR_VXOR, 8, v, mask) : v);
}

/* What to XOR elements of a size with so that the extreme becomes the least unsigned. */
static uint64_t to_least(unsigned size, enum ir_op op)
{
    uint64_t ones = (1ull << (8 * size)) - 1, sign = 1ull << (8 * size - 1);
    switch (op) {
    case IR_VMINU:
        return 0;
    case IR_VMAXU:
        return ones;
    case IR_VMINS:
        return sign;
    default: /* VMAXS */
        return ones ^ sign;
    }
}

/* Without Q the upper half counts for nothing: zero for sums, the lower one again for extremes. */
static void across(struct lift *l, uint32_t word, enum ir_op op)
{
    unsigned size = simd_bytes(word);
    ir_ref n = n_of(l, word);
    if (!simd_q(word))
        n = op == IR_VADD ? simd_op(l, IR_VZEXT, 8, n, IR_NONE) : simd_op(l, IR_VZIPL, 8, n, n);
    if (op == IR_VADD && size == 1) {
        n = simd_op(l, IR_VSAD, 1, n, IR_NONE);
        n = simd_op(l, IR_VADD, 8, n, simd_imm(l, IR_VBSHR, 16, n, 8));
    } else if (op != IR_VADD && size < 4) {
        least(l, word, n, to_least(size, op));
        return;
    } else {
        n = reduce(l, size, n, op);
    }
    simd_put_scalar(l, word, size, n);
}

LIFT(addv)
{
    across(l, word, IR_VADD);
}

LIFT(smaxv)
{
    across(l, word, IR_VMAXS);
}

LIFT(umaxv)
{
    across(l, word, IR_VMAXU);
}

LIFT(sminv)
{
    across(l, word, IR_VMINS);
}

LIFT(uminv)
{
    across(l, word, IR_VMINU);
}

static void across_long(struct lift *l, uint32_t word, bool sign)
{
    unsigned size = simd_bytes(word);
    ir_ref n = n_of(l, word);
    if (!simd_q(word))
        n = simd_op(l, IR_VZEXT, 8, n, IR_NONE);
    if (!sign && size == 1) {
        n = simd_op(l, IR_VSAD, 1, n, IR_NONE);
        n = simd_op(l, IR_VADD, 8, n, simd_imm(l, IR_VBSHR, 16, n, 8));
    } else {
        n = reduce(l, 2 * size, add_pairs(l, size, n, sign), IR_VADD);
    }
    simd_put_scalar(l, word, 2 * size, n);
}

LIFT(saddlv)
{
    across_long(l, word, true);
}

LIFT(uaddlv)
{
    across_long(l, word, false);
}

/* ---- copies ---- */
static unsigned imm5_bytes(uint32_t word)
{
    return 1u << __builtin_ctz(word >> 16 & 31);
}

static unsigned imm5_index(uint32_t word)
{
    return (word >> 16 & 31) / imm5_bytes(word) / 2;
}

LIFT(dup_elem)
{
    simd_put(l, word, simd_imm(l, IR_VSPLATE, imm5_bytes(word), n_of(l, word), imm5_index(word)));
}

LIFT(dup_scalar)
{
    unsigned size = imm5_bytes(word);
    ir_ref v = n_of(l, word);
    if (imm5_index(word))
        v = simd_imm(l, IR_VBSHR, 16, v, imm5_index(word) * size);
    simd_put_scalar(l, word, size, v);
}

LIFT(dup_gen)
{
    simd_put(l, word, simd_op(l, IR_VSPLAT, imm5_bytes(word), lift_x(l, a64_rn(word)), IR_NONE));
}

LIFT(umov)
{
    lift_put_x(l, a64_rd(word),
               simd_imm(l, IR_VGET, imm5_bytes(word), n_of(l, word), imm5_index(word)));
}

LIFT(smov)
{
    unsigned size = imm5_bytes(word);
    ir_ref v = simd_imm(l, IR_VGET, size, n_of(l, word), imm5_index(word));
    lift_put_x(l, a64_rd(word),
               lift_opx(l, IR_SEXT, simd_q(word) ? 8 : 4, v, IR_NONE, IR_NONE, 0, size));
}

LIFT(ins_gen)
{
    ir_ref v =
        simd_op(l, IR_VSET, imm5_bytes(word), lift_v(l, a64_rd(word)), lift_x(l, a64_rn(word)));
    ir_last(l->r)->imm = imm5_index(word);
    lift_put_v(l, a64_rd(word), v);
}

LIFT(ins_elem)
{
    unsigned size = imm5_bytes(word), from = (word >> 11 & 15) / size;
    if (size >= 4) {
        ir_ref r = simd_op(l, IR_VINS, size, lift_v(l, a64_rd(word)), n_of(l, word));
        ir_last(l->r)->imm = from << 4 | imm5_index(word);
        lift_put_v(l, a64_rd(word), r);
        return;
    }
    ir_ref x = simd_imm(l, IR_VGET, size, n_of(l, word), from);
    ir_ref v = simd_op(l, IR_VSET, size, lift_v(l, a64_rd(word)), x);
    ir_last(l->r)->imm = imm5_index(word);
    lift_put_v(l, a64_rd(word), v);
}

/* ---- permutations ---- */
static ir_ref m_of(struct lift *l, uint32_t word)
{
    return lift_v(l, word >> 16 & 31);
}

LIFT(uzp1)
{
    simd_put(l, word,
             simd_uzp(l, simd_bytes(word), n_of(l, word), m_of(l, word), false, simd_q(word)));
}

LIFT(uzp2)
{
    simd_put(l, word,
             simd_uzp(l, simd_bytes(word), n_of(l, word), m_of(l, word), true, simd_q(word)));
}

LIFT(zip1)
{
    simd_put(l, word, simd_op(l, IR_VZIPL, simd_bytes(word), n_of(l, word), m_of(l, word)));
}

LIFT(zip2)
{
    ir_ref n = n_of(l, word), m = m_of(l, word);
    if (simd_q(word))
        simd_put(l, word, simd_op(l, IR_VZIPH, simd_bytes(word), n, m));
    else
        simd_put(l, word,
                 simd_imm(l, IR_VBSHR, 16, simd_op(l, IR_VZIPL, simd_bytes(word), n, m), 8));
}

/* Even (odd) elements of n, those of m at the odd places. */
static void transpose(struct lift *l, uint32_t word, bool odd)
{
    unsigned size = simd_bytes(word);
    ir_ref n = n_of(l, word), m = m_of(l, word);
    if (size == 8) {
        simd_put(l, word, simd_op(l, odd ? IR_VZIPH : IR_VZIPL, 8, n, m));
        return;
    }
    if (size > 1) {
        if (odd)
            n = simd_imm(l, IR_VSHR, 2 * size, n, 8 * size);
        else
            m = simd_imm(l, IR_VSHL, 2 * size, m, 8 * size);
        ir_ref v = simd_op(l, IR_VMIX, size, n, m);
        ir_last(l->r)->imm = 0xaa;
        simd_put(l, word, v);
        return;
    }
    uint64_t low = (1ull << (8 * size)) - 1;
    ir_ref even_mask = simd_splat(l, 2 * size, low);
    if (odd) {
        n = simd_imm(l, IR_VSHR, 2 * size, n, 8 * size);
        m = simd_op(l, IR_VANDN, 8, even_mask, m);
    } else {
        n = simd_op(l, IR_VAND, 8, n, even_mask);
        m = simd_imm(l, IR_VSHL, 2 * size, m, 8 * size);
    }
    simd_put(l, word, simd_op(l, IR_VOR, 8, n, m));
}

LIFT(trn1)
{
    transpose(l, word, false);
}

LIFT(trn2)
{
    transpose(l, word, true);
}

LIFT(ext)
{
    unsigned n = word >> 11 & 15;
    ir_ref a = n_of(l, word), b = m_of(l, word);
    if (simd_q(word)) {
        ir_ref v = simd_op(l, IR_VALIGN, 16, a, b);
        ir_last(l->r)->imm = n;
        simd_put(l, word, v);
    } else {
        simd_put(l, word, simd_imm(l, IR_VBSHR, 16, simd_op(l, IR_VZIPL, 8, a, b), n));
    }
}

/* An index of 16 and more picks nothing: saturating + 0x70 sets its top bit. */
static ir_ref table(struct lift *l, uint32_t word, ir_ref index)
{
    unsigned count = (word >> 13 & 3) + 1;
    ir_ref over = simd_splat(l, 1, 0x70), result = IR_NONE;
    for (unsigned k = 0; k < count; k++) {
        ir_ref i = index;
        if (k)
            i = simd_op(l, IR_VSUB, 1, i, simd_splat(l, 1, 16 * k));
        i = simd_op(l, IR_VADDU, 1, i, over);
        ir_ref v = simd_op(l, IR_VSHUF, 1, lift_v(l, (a64_rn(word) + k) & 31), i);
        result = result == IR_NONE ? v : simd_op(l, IR_VOR, 8, result, v);
    }
    return result;
}

LIFT(tbl)
{
    simd_put(l, word, table(l, word, m_of(l, word)));
}

LIFT(tbx)
{
    unsigned count = (word >> 13 & 3) + 1;
    ir_ref index = m_of(l, word);
    ir_ref v = table(l, word, index);
    ir_ref in = simd_op(l, IR_VMINU, 1, index, simd_splat(l, 1, 16 * count - 1));
    in = simd_op(l, IR_VEQ, 1, in, index);
    simd_put(l, word,
             simd_op(l, IR_VOR, 8, v, simd_op(l, IR_VANDN, 8, in, lift_v(l, a64_rd(word)))));
}

/* ---- modified immediates (AdvSIMDExpandImm) ---- */
static uint64_t float_imm(unsigned imm8, bool is_double)
{
    uint64_t sign = imm8 >> 7, b = imm8 >> 6 & 1, rest = imm8 & 63;
    if (is_double)
        return sign << 63 | (b ? 0x3fc0ull : 0x4000ull) << 48 | rest << 48;
    return sign << 31 | (b ? 0x3e000000u : 0x40000000u) | rest << 19;
}

static uint64_t expand(unsigned op, unsigned cmode, unsigned imm8)
{
    uint64_t v = imm8;
    if (cmode < 8)
        return (v << (cmode >> 1) * 8) * 0x100000001ull;
    if (cmode < 12)
        return (v << (cmode >> 1 & 1) * 8) * 0x1000100010001ull;
    if (cmode == 12)
        return (v << 8 | 0xff) * 0x100000001ull;
    if (cmode == 13)
        return (v << 16 | 0xffff) * 0x100000001ull;
    if (cmode == 14 && !op)
        return v * 0x0101010101010101ull;
    if (cmode == 14) {
        uint64_t r = 0;
        for (unsigned k = 0; k < 8; k++)
            if (imm8 >> k & 1)
                r |= 0xffull << (8 * k);
        return r;
    }
    return op ? float_imm(imm8, true) : float_imm(imm8, false) * 0x100000001ull;
}

LIFT(simd_imm)
{
    unsigned op = word >> 29 & 1, cmode = word >> 12 & 15;
    unsigned imm8 = (word >> 16 & 7) << 5 | (word >> 5 & 31);
    uint64_t v = expand(op, cmode, imm8);
    bool combine = (cmode & 1) && cmode < 12;
    if (op && cmode < 14)
        v = ~v;
    ir_ref r = simd_const(l, v, v);
    if (combine)
        r = simd_op(l, op ? IR_VAND : IR_VOR, 8, lift_v(l, a64_rd(word)), r);
    simd_put(l, word, r);
}
