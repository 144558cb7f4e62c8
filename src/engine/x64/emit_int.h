/* SPDX-License-Identifier: Apache-2.0
 * What the integer emitters share. Inside x64 only. */
#ifndef ENGINE_X64_EMIT_INT_H
#define ENGINE_X64_EMIT_INT_H

#include "engine/x64/work.h"

void int_move(struct emit *e, unsigned size, int dst, struct emit_rm src);
/* A value into a register; constants directly. */
void int_move_value(struct emit *e, unsigned size, int dst, ir_ref v);
/* Is v a constant that fits an immediate of an operation of this size? */
bool int_const(struct emit *e, ir_ref v, unsigned size, int32_t *ret_imm);
void int_op(struct emit *e, uint32_t opcode, unsigned size, int dst, struct emit_rm src);
void int_op_imm(struct emit *e, unsigned digit, unsigned size, int reg, int32_t imm);
void int_operands(struct emit *e, const struct ir_ins *ins);
void int_binary(struct emit *e, const struct ir_ins *ins, int dst, unsigned digit);
void int_extend(struct emit *e, unsigned size, int dst, struct emit_rm a, unsigned bytes,
                bool sign);

#endif
