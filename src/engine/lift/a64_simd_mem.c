/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads and stores of structures: LD1 to LD4, ST1 to ST4 (Arm ARM C4.1.96).
 *
 * Several vectors are loaded as they lie and then sorted by byte permutations; stores the other way
 * round. All loads come before the first put.
 */
#include "engine/lift/a64_simd.h"

static unsigned element_bytes(uint32_t word)
{
    return 1u << (word >> 10 & 3);
}

/* rn += the amount that the post-indexed form says: rm, or what was transferred. */
static void post_index(struct lift *l, uint32_t word, ir_ref base, unsigned bytes)
{
    if (!(word >> 23 & 1))
        return;
    ir_ref by = a64_rm(word) == 31 ? lift_const(l, bytes) : lift_x(l, a64_rm(word));
    lift_put_xsp(l, a64_rn(word), lift_op(l, IR_ADD, 8, base, by));
}

static unsigned reg(uint32_t word, unsigned k)
{
    return (a64_rt(word) + k) & 31;
}

/* LD1, ST1 of `count` registers: no sorting. */
static void consecutive(struct lift *l, uint32_t word, unsigned count, bool load)
{
    unsigned size = simd_q(word) ? 16 : 8;
    ir_ref base = lift_xsp(l, a64_rn(word)), v[4];
    for (unsigned k = 0; k < count; k++) {
        if (load)
            v[k] = lift_load_v(l, size, base, k * size);
        else
            lift_store_v(l, size, base, k * size, lift_v(l, reg(word, k)));
    }
    post_index(l, word, base, count * size);
    for (unsigned k = 0; load && k < count; k++)
        lift_put_v(l, reg(word, k), v[k]);
}

/* Where in memory element e of register k lies, as a byte of the loaded vectors. */
static uint8_t place(unsigned count, unsigned size, unsigned k, unsigned byte)
{
    return (uint8_t)((byte / size * count + k) * size + byte % size);
}

/* Two registers are the even and the odd elements. Of four, each vector is sorted into one word a
 * register, then the words go where they belong. false: not so. */
static bool sort_loaded(struct lift *l, uint32_t word, unsigned count, const ir_ref *in,
                        ir_ref *out)
{
    unsigned size = element_bytes(word);
    ir_ref v[4], pairs[4];
    if (!simd_q(word) || count == 3)
        return false;
    if (count == 2) {
        for (unsigned k = 0; k < 2; k++)
            out[k] = simd_uzp(l, size, in[0], in[1], k, true);
        return true;
    }
    if (size == 8) {
        for (unsigned k = 0; k < 4; k++)
            out[k] = simd_op(l, k & 1 ? IR_VZIPH : IR_VZIPL, 8, in[k / 2], in[k / 2 + 2]);
        return true;
    }
    for (unsigned k = 0; k < 4; k++) {
        uint8_t map[16];
        for (unsigned b = 0; b < 16; b++)
            map[b] = place(4, size, b / 4, b % 4);
        v[k] = size == 4 ? in[k] : simd_permute(l, &in[k], 1, map);
    }
    for (unsigned k = 0; k < 4; k++)
        pairs[k] = simd_op(l, k / 2 ? IR_VZIPH : IR_VZIPL, 4, v[k % 2 * 2], v[k % 2 * 2 + 1]);
    for (unsigned k = 0; k < 4; k++)
        out[k] = simd_op(l, k & 1 ? IR_VZIPH : IR_VZIPL, 8, pairs[k & 2], pairs[k | 1]);
    return true;
}

static void load_sorted(struct lift *l, uint32_t word, unsigned count)
{
    unsigned size = element_bytes(word), width = simd_q(word) ? 16 : 8;
    ir_ref base = lift_xsp(l, a64_rn(word)), in[4], out[4];
    unsigned total = count * width, vectors = (total + 15) / 16;
    for (unsigned k = 0; k < vectors; k++)
        in[k] = lift_load_v(l, total - 16 * k >= 16 ? 16 : 8, base, 16 * k);
    bool sorted = sort_loaded(l, word, count, in, out);
    for (unsigned k = 0; k < count && !sorted; k++) {
        uint8_t map[16];
        for (unsigned b = 0; b < 16; b++)
            map[b] = b < width ? place(count, size, k, b) : 0xff;
        out[k] = simd_permute(l, in, vectors, map);
    }
    post_index(l, word, base, total);
    for (unsigned k = 0; k < count; k++)
        lift_put_v(l, reg(word, k), out[k]);
}

/* Two or four registers, interleaved: the vectors to store. */
static void interleave(struct lift *l, uint32_t word, unsigned count, const ir_ref *in, ir_ref *out)
{
    unsigned size = element_bytes(word);
    ir_ref low[2] = {in[0], in[1]}, high[2] = {IR_NONE, IR_NONE};
    bool q = simd_q(word);
    for (unsigned k = 0; k < 2 && count == 4; k++) {
        low[k] = simd_op(l, IR_VZIPL, size, in[k], in[k + 2]);
        if (q)
            high[k] = simd_op(l, IR_VZIPH, size, in[k], in[k + 2]);
    }
    out[0] = simd_op(l, IR_VZIPL, size, low[0], low[1]);
    if (count == 4 || q)
        out[1] = simd_op(l, IR_VZIPH, size, low[0], low[1]);
    if (count == 4 && q) {
        out[2] = simd_op(l, IR_VZIPL, size, high[0], high[1]);
        out[3] = simd_op(l, IR_VZIPH, size, high[0], high[1]);
    }
}

/* Three registers: byte by byte. */
static ir_ref interleave_three(struct lift *l, uint32_t word, const ir_ref *in, unsigned at)
{
    unsigned size = element_bytes(word), total = simd_q(word) ? 48 : 24;
    uint8_t map[16];
    for (unsigned b = 0; b < 16; b++) {
        unsigned offset = at + b, element = offset / size;
        map[b] = 0xff;
        if (offset < total)
            map[b] = (uint8_t)(16 * (element % 3) + element / 3 * size + offset % size);
    }
    return simd_permute(l, in, 3, map);
}

static void store_sorted(struct lift *l, uint32_t word, unsigned count)
{
    ir_ref base = lift_xsp(l, a64_rn(word)), in[4], out[4];
    unsigned total = count * (simd_q(word) ? 16 : 8);
    for (unsigned k = 0; k < count; k++)
        in[k] = lift_v(l, reg(word, k));
    if (count != 3)
        interleave(l, word, count, in, out);
    for (unsigned at = 0; at < total; at += 16) {
        ir_ref v = count == 3 ? interleave_three(l, word, in, at) : out[at / 16];
        lift_store_v(l, total - at >= 16 ? 16 : 8, base, at, v);
    }
    post_index(l, word, base, total);
}

#define CONSECUTIVE(name, count, load)                                                             \
    LIFT(name)                                                                                     \
    {                                                                                              \
        consecutive(l, word, count, load);                                                         \
    }                                                                                              \
    LIFT(name##_post)                                                                              \
    {                                                                                              \
        consecutive(l, word, count, load);                                                         \
    }
CONSECUTIVE(ld1_x1, 1, true)
CONSECUTIVE(ld1_x2, 2, true)
CONSECUTIVE(ld1_x3, 3, true)
CONSECUTIVE(ld1_x4, 4, true)
CONSECUTIVE(st1_x1, 1, false)
CONSECUTIVE(st1_x2, 2, false)
CONSECUTIVE(st1_x3, 3, false)
CONSECUTIVE(st1_x4, 4, false)

#define SORTED(name, fn, count)                                                                    \
    LIFT(name)                                                                                     \
    {                                                                                              \
        fn(l, word, count);                                                                        \
    }                                                                                              \
    LIFT(name##_post)                                                                              \
    {                                                                                              \
        fn(l, word, count);                                                                        \
    }
SORTED(ld2_multi, load_sorted, 2)
SORTED(st2_multi, store_sorted, 2)
SORTED(ld3_multi, load_sorted, 3)
SORTED(st3_multi, store_sorted, 3)
SORTED(ld4_multi, load_sorted, 4)
SORTED(st4_multi, store_sorted, 4)

/* ---- single structures: one element of each register ---- */
static unsigned lane(uint32_t word, unsigned size)
{
    return ((word >> 30 & 1) << 3 | (word >> 12 & 1) << 2 | (word >> 10 & 3)) / size;
}

static unsigned structure_count(uint32_t word)
{
    return 1 + (word >> 21 & 1) + 2 * (word >> 13 & 1);
}

static void load_lane(struct lift *l, uint32_t word, unsigned size)
{
    unsigned count = structure_count(word);
    ir_ref base = lift_xsp(l, a64_rn(word)), v[4];
    for (unsigned k = 0; k < count; k++)
        v[k] = lift_load(l, size, base, k * size);
    post_index(l, word, base, count * size);
    for (unsigned k = 0; k < count; k++) {
        ir_ref r = simd_op(l, IR_VSET, size, lift_v(l, reg(word, k)), v[k]);
        ir_last(l->r)->imm = lane(word, size);
        lift_put_v(l, reg(word, k), r);
    }
}

static void store_lane(struct lift *l, uint32_t word, unsigned size)
{
    unsigned count = structure_count(word);
    ir_ref base = lift_xsp(l, a64_rn(word));
    for (unsigned k = 0; k < count; k++) {
        ir_ref v = simd_imm(l, IR_VGET, size, lift_v(l, reg(word, k)), lane(word, size));
        lift_store(l, size, base, k * size, v);
    }
    post_index(l, word, base, count * size);
}

static void load_replicate(struct lift *l, uint32_t word)
{
    unsigned count = structure_count(word), size = element_bytes(word);
    ir_ref base = lift_xsp(l, a64_rn(word)), v[4];
    for (unsigned k = 0; k < count; k++)
        v[k] = lift_opx(l, IR_LDVS, size, base, IR_NONE, IR_NONE, 0, k * size);
    post_index(l, word, base, count * size);
    for (unsigned k = 0; k < count; k++)
        lift_put_v(l, reg(word, k), simd_q(word) ? v[k] : simd_op(l, IR_VZEXT, 8, v[k], IR_NONE));
}

#define LANE(name, fn, size)                                                                       \
    LIFT(name)                                                                                     \
    {                                                                                              \
        fn(l, word, size);                                                                         \
    }                                                                                              \
    LIFT(name##_post)                                                                              \
    {                                                                                              \
        fn(l, word, size);                                                                         \
    }
LANE(ld1_b, load_lane, 1)
LANE(st1_b, store_lane, 1)
LANE(ld1_h, load_lane, 2)
LANE(st1_h, store_lane, 2)
LANE(ld1_s, load_lane, 4)
LANE(st1_s, store_lane, 4)
LANE(ld1_d, load_lane, 8)
LANE(st1_d, store_lane, 8)
LANE(ld2_b, load_lane, 1)
LANE(st2_b, store_lane, 1)
LANE(ld2_h, load_lane, 2)
LANE(st2_h, store_lane, 2)
LANE(ld2_s, load_lane, 4)
LANE(st2_s, store_lane, 4)
LANE(ld2_d, load_lane, 8)
LANE(st2_d, store_lane, 8)
LANE(ld3_b, load_lane, 1)
LANE(st3_b, store_lane, 1)
LANE(ld3_h, load_lane, 2)
LANE(st3_h, store_lane, 2)
LANE(ld3_s, load_lane, 4)
LANE(st3_s, store_lane, 4)
LANE(ld3_d, load_lane, 8)
LANE(st3_d, store_lane, 8)
LANE(ld4_b, load_lane, 1)
LANE(st4_b, store_lane, 1)
LANE(ld4_h, load_lane, 2)
LANE(st4_h, store_lane, 2)
LANE(ld4_s, load_lane, 4)
LANE(st4_s, store_lane, 4)
LANE(ld4_d, load_lane, 8)
LANE(st4_d, store_lane, 8)

#define REPLICATE(name)                                                                            \
    LIFT(name)                                                                                     \
    {                                                                                              \
        load_replicate(l, word);                                                                   \
    }                                                                                              \
    LIFT(name##_post)                                                                              \
    {                                                                                              \
        load_replicate(l, word);                                                                   \
    }
REPLICATE(ld1r)
REPLICATE(ld2r)
REPLICATE(ld3r)
REPLICATE(ld4r)
