/* SPDX-License-Identifier: Apache-2.0
 * What the lifters of vector instructions share. */
#ifndef ENGINE_LIFT_A64_SIMD_H
#define ENGINE_LIFT_A64_SIMD_H

#include "engine/lift/a64_lift.h"

static inline bool simd_q(uint32_t word)
{
    return word >> 30 & 1;
}

/* Bytes an element, from the size field. */
static inline unsigned simd_bytes(uint32_t word)
{
    return 1u << (word >> 22 & 3);
}

/* Shifts by immediate: immh:immb is 2 * width - n, or width + n. Bytes an element (of the narrow
 * kind): */
static inline unsigned simd_shift_bytes(uint32_t word)
{
    return 1u << (31 - __builtin_clz(word >> 19 & 15));
}

static inline unsigned simd_shift_right(uint32_t word)
{
    return 16 * simd_shift_bytes(word) - (word >> 16 & 127);
}

static inline unsigned simd_shift_left(uint32_t word)
{
    return (word >> 16 & 127) - 8 * simd_shift_bytes(word);
}

/* Building on vectors (lift/simd.c). size: bytes an element. */
ir_ref simd_op(struct lift *l, enum ir_op op, unsigned size, ir_ref a, ir_ref b);
ir_ref simd_imm(struct lift *l, enum ir_op op, unsigned size, ir_ref a, uint64_t imm);
ir_ref simd_const(struct lift *l, uint64_t low, uint64_t high);
ir_ref simd_splat(struct lift *l, unsigned size, uint64_t value); /* the same in each element */
ir_ref simd_not(struct lift *l, ir_ref a);
ir_ref simd_select(struct lift *l, ir_ref mask, ir_ref yes, ir_ref no);
/* Bytes of up to four vectors: map[k] = 16 * source + byte, 0xff: zero. */
ir_ref simd_permute(struct lift *l, const ir_ref *sources, unsigned count, const uint8_t *map);
/* Shifts for any size and count, also by the whole width. */
ir_ref simd_shl(struct lift *l, unsigned size, ir_ref a, unsigned n);
ir_ref simd_shr(struct lift *l, unsigned size, ir_ref a, unsigned n);
ir_ref simd_sar(struct lift *l, unsigned size, ir_ref a, unsigned n);
/* a >> n, signed or not; round: the bit that is shifted out last, added. */
ir_ref simd_shift(struct lift *l, unsigned size, ir_ref a, unsigned n, bool sign, bool round);
/* The low (or high) half's elements extended to twice their size. */
ir_ref simd_extend(struct lift *l, unsigned size, ir_ref a, bool sign, bool high);
/* Elements of 2 * size cut to size, in the low half; zeros above. */
ir_ref simd_narrow(struct lift *l, unsigned size, ir_ref a);
/* Unsigned a >= b, for any size. */
ir_ref simd_ge_unsigned(struct lift *l, unsigned size, ir_ref a, ir_ref b);
ir_ref simd_abs(struct lift *l, unsigned size, ir_ref a);
/* Product, low half, of elements of 1, 2, 4 bytes. */
ir_ref simd_mul(struct lift *l, unsigned size, ir_ref a, ir_ref b);
/* even or odd elements of a:b */
ir_ref simd_uzp(struct lift *l, unsigned size, ir_ref a, ir_ref b, bool odd, bool q);

/* In a64_simd_same.c: the element of by-element forms, in each place; the products of the low (or
 * high) half's elements, twice as wide. */
ir_ref simd_element(struct lift *l, uint32_t word);
ir_ref simd_multiply_long(struct lift *l, unsigned size, ir_ref n, ir_ref m, bool sign, bool high);

/* rd = v, cut to 64 bits when Q is 0. */
void simd_put(struct lift *l, uint32_t word, ir_ref v);
/* A scalar result of size bytes. */
void simd_put_scalar(struct lift *l, uint32_t word, unsigned size, ir_ref v);
/* The narrowing instructions: low half of rd, or its upper half with the low one kept. */
void simd_put_narrow(struct lift *l, uint32_t word, ir_ref v);
/* By the exact function in C. */
void simd_exact(struct lift *l, uint32_t word);

#endif
