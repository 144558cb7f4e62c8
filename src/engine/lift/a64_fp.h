/* SPDX-License-Identifier: Apache-2.0
 * What the lifters of floating-point instructions share (lift/a64_fp.c). */
#ifndef ENGINE_LIFT_A64_FP_H
#define ENGINE_LIFT_A64_FP_H

#include "engine/lift/a64_simd.h"

/* Bytes an element: ftype, sz, size or immh, bit 22 tells in all of them. */
static inline unsigned fp_size(uint32_t word)
{
    return word >> 22 & 1 ? 8 : 4;
}

static inline ir_ref fp_n(struct lift *l, uint32_t word)
{
    return lift_v(l, a64_rn(word));
}

static inline ir_ref fp_m(struct lift *l, uint32_t word)
{
    return lift_v(l, a64_rm(word));
}

static inline ir_ref fp_d(struct lift *l, uint32_t word)
{
    return lift_v(l, a64_rd(word));
}

static inline void fp_put(struct lift *l, uint32_t word, ir_ref v)
{
    lift_put_v(l, a64_rd(word), v);
}

/* By the exact function: operands n, m, a or d (IR_NONE: none). */
ir_ref fp_exact(struct lift *l, uint32_t word, const ir_ref v[3]);
/* The same with an integer result, and with an integer operand. */
ir_ref fp_exact_int(struct lift *l, uint32_t word, ir_ref n, ir_ref m);
ir_ref fp_from_int_exact(struct lift *l, uint32_t word, ir_ref n);
/* Are the operations of ops_fp.def allowed in this mode? */
bool fp_inline(const struct lift *l);
/* Such an operation as it is. */
struct fp_as {
    uint32_t word;    /* gives the form and the exact function */
    enum ir_op op;    /* of ops_fp.def */
    unsigned size;    /* bytes an element */
    unsigned variant; /* of op */
};
ir_ref fp_op_as(struct lift *l, struct fp_as as, const ir_ref v[3]);
/* The same as fp_exact by an operation of ops_fp.def if that is allowed. */
ir_ref fp_op(struct lift *l, uint32_t word, enum ir_op op, const ir_ref v[3]);

/* Whole instructions: rd = op of n; of n and m; of n, m and an addend. */
void fp_one(struct lift *l, uint32_t word, enum ir_op op);
void fp_two(struct lift *l, uint32_t word, enum ir_op op);
void fp_three(struct lift *l, uint32_t word, ir_ref addend, enum ir_op op);
/* By the exact function, of n, m and d. */
void fp_rare(struct lift *l, uint32_t word);

#endif
