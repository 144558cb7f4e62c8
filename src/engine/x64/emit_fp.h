/* SPDX-License-Identifier: Apache-2.0
 * What the floating-point emitters share. Inside x64 only. */
#ifndef ENGINE_X64_EMIT_FP_H
#define ENGINE_X64_EMIT_FP_H

#include "engine/x64/work.h"

#define VMOVAPS VEX_OP(0, 1, 0, 0x28)
#define VANDPS VEX_OP(0, 1, 0, 0x54)
#define VORPS VEX_OP(0, 1, 0, 0x56)
#define VXORPS VEX_OP(0, 1, 0, 0x57)

static inline enum ir_fp_form fp_form(const struct ir_ins *ins)
{
    return (enum ir_fp_form)(ins->aux >> 8 & 3);
}

static inline unsigned fp_variant(const struct ir_ins *ins)
{
    return ins->aux >> 12;
}

/* Opcode of an SSE instruction that has ss, sd, ps, pd forms. */
static inline uint32_t fp_opcode(const struct ir_ins *ins, unsigned opcode)
{
    bool scalar = fp_form(ins) == IR_FP_SCALAR;
    return VEX_OP(scalar ? (ins->size == 8 ? 3 : 2) : (ins->size == 8), 1, 0, opcode);
}

static inline struct emit_rm fp_reg(int reg)
{
    return (struct emit_rm){.reg = (int8_t)reg};
}

/* All of it by the exact function. */
void fp_emit_exact(struct emit *e, ir_ref i, const struct ir_ins *ins);

/* A jump to the exact function, which comes back behind what fp_cold_done() ends. v: operands, as
 * registers or memory; result: the register that it comes into. */
struct fp_cold {
    uint32_t from;       /* the jump */
    struct emit_rm v[3]; /* operands, those that there are */
    int result;          /* xmm or GPR */
};
void fp_cold_done(struct emit *e, ir_ref i, const struct fp_cold *c);

/* An operand that the form may read whole: without rubbish above 64 bits for IR_FP_HALF. */
int fp_operand(struct emit *e, const struct ir_ins *ins, ir_ref v);
struct emit_rm fp_operand_rm(struct emit *e, const struct ir_ins *ins, ir_ref v);
/* Zeros above a scalar, or above 64 bits; base: what the bits above came from. */
void fp_clear_above(struct emit *e, const struct ir_ins *ins, int reg, ir_ref base);
/* The same unless `clean`. */
void fp_clear(struct emit *e, const struct ir_ins *ins, int reg, bool clean);
/* Are there only zeros above size bytes of v? */
bool fp_is_narrow(const struct emit *e, ir_ref v, unsigned size);
/* Jump when reg has a NaN in it (tiny: or the smallest normal number, if that matters in this
 * mode). */
uint32_t fp_jump_odd(struct emit *e, const struct ir_ins *ins, int reg, bool tiny);
/* Jump when an element of size bytes in mask has its top bit set. */
uint32_t fp_jump_mask(struct emit *e, unsigned size, int mask);

/* Constants: the same in each element of 4 or 8 bytes. */
struct x64_mem fp_const(struct emit *e, unsigned size, uint64_t value);
struct x64_mem fp_abs_mask(struct emit *e, unsigned size);
struct x64_mem fp_sign_mask(struct emit *e, unsigned size);

#endif
