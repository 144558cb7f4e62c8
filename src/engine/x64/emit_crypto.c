// SPDX-License-Identifier: Apache-2.0
/* AES by AES-NI, SHA-1 and SHA-256 by the SHA extensions. */
#include "engine/x64/work.h"

#define AES(op) VEX_OP(1, 2, 0, op)
#define VMOVAPS VEX_OP(0, 1, 0, 0x28)
#define VMOVDQA VEX_OP(1, 1, 0, 0x6f)

/* A round with a key of zeros. */
static void aes(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned op)
{
    int a = emit_v(e, ins->a);
    x64_vex_m(&e->a, AES(op), emit_v_def(e, i), a, emit_const16(e, 0, 0));
}

void emit_op_VAESE(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    aes(e, i, ins, 0xdd);
}

void emit_op_VAESD(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    aes(e, i, ins, 0xdf);
}

void emit_op_VAESEM(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    aes(e, i, ins, 0xdc);
}

void emit_op_VAESDM(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    aes(e, i, ins, 0xde);
}

/* Undo a last decryption round, then a whole encryption round: what is left is the columns' mixing.
 */
void emit_op_VAESMC(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_v(e, ins->a);
    int d = emit_v_def(e, i);
    struct x64_mem zero = emit_const16(e, 0, 0);
    x64_vex_m(&e->a, AES(0xdf), d, a, zero);
    x64_vex_m(&e->a, AES(0xdc), d, d, zero);
}

void emit_op_VAESIMC(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct emit_rm a = emit_v_rm(e, ins->a);
    emit_vex(e, AES(0xdb), emit_v_def(e, i), 0, a);
}

/* ---- SHA: the host's instructions change their first operand and have no VEX form ---- */
static int copy_of(struct emit *e, ir_ref i, ir_ref v)
{
    struct emit_rm a = emit_v_rm(e, v);
    int d = emit_v_def_apart(e, i);
    emit_vex(e, a.is_mem ? VMOVDQA : VMOVAPS, d, 0, a);
    return d;
}

static void sha(struct emit *e, uint32_t opcode, int d, struct emit_rm b)
{
    if (b.is_mem)
        x64_rm(&e->a, opcode, 4, d, b.m);
    else
        x64_rr(&e->a, opcode, 4, d, b.reg);
}

void emit_op_VSHA1(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int b = emit_v(e, ins->b);
    int d = copy_of(e, i, ins->a);
    x64_rr(&e->a, 0x0f3acc, 4, d, b);
    x64_byte(&e->a, (unsigned)ins->imm);
}

/* c must be in xmm0. */
void emit_op_VSHA2(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct loc c = e->loc[ins->c];
    if (c.kind == LOC_REG && c.reg == 0) {
        emit_v(e, ins->c);
    } else {
        emit_v_fixed(e, 0);
        struct emit_rm from = emit_v_rm(e, ins->c);
        emit_vex(e, from.is_mem ? VMOVDQA : VMOVAPS, 0, 0, from);
        /* its own register may be had: else three operands in scratch registers are one too many */
        if (!from.is_mem && from.reg < SCRATCH_V)
            e->v.locked &= (uint8_t) ~(1u << from.reg);
    }
    struct emit_rm b = emit_v_rm(e, ins->b);
    sha(e, 0x0f38cb, copy_of(e, i, ins->a), b);
}

void emit_op_VSHA2A(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct emit_rm b = emit_v_rm(e, ins->b);
    sha(e, 0x0f38cc, copy_of(e, i, ins->a), b);
}

void emit_op_VSHA2B(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct emit_rm b = emit_v_rm(e, ins->b);
    sha(e, 0x0f38cd, copy_of(e, i, ins->a), b);
}
