// SPDX-License-Identifier: Apache-2.0
/* Interpreters of the floating-point operations (ops_fp.def): what their helper says. */
#include "engine/ir/interp.h"

static uint64_t low(uint64_t a, unsigned size)
{
    return size < 8 ? a & ((1ull << (8 * size)) - 1) : a;
}

static void op_fmovi(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i].d[0] = low(interp_i(m, ins->a), ins->size);
    m->value[i].d[1] = 0;
}

static void call(struct ir_interp *m, const struct ir_ins *ins)
{
    const ir_ref v[3] = {ins->a, ins->b, ins->c};
    for (unsigned k = 0; k < 3; k++)
        if (v[k] != IR_NONE)
            m->cpu->varg[k] = m->value[v[k]];
    m->cpu->arg[0] = interp_i(m, ins->a);
    m->cpu->arg[3] = ins->imm;
    m->helper(m->context, m->cpu, ins->aux & 255);
}

static void op_vector(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    call(m, ins);
    m->value[i] = m->cpu->vret;
}

static void op_integer(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    call(m, ins);
    m->value[i].d[0] = m->cpu->ret;
}

static void op_fcmp(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    call(m, ins);
    m->flags[i] = (uint8_t)(m->cpu->ret >> 28 & 15);
}

static void op_fccmp(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    if (ir_cond_holds(ins->aux >> 8 & 15, m->flags[ins->c])) {
        struct ir_ins plain = *ins;
        plain.c = IR_NONE;
        op_fcmp(m, i, &plain);
    } else {
        m->flags[i] = ins->size >> 4;
    }
}

static void op_fcsel(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    bool yes = ir_cond_holds(ins->aux, m->flags[ins->a]);
    m->value[i].d[0] = low(interp_v(m, yes ? ins->b : ins->c)->d[0], ins->size);
    m->value[i].d[1] = 0;
}

const ir_interp_fn ir_interp_fp[IR_OP_COUNT] = {
    [IR_FMOVI] = op_fmovi,  [IR_FADD... IR_FNARROW] = op_vector,
    [IR_FTOI] = op_integer, [IR_ITOF... IR_VITOF] = op_vector,
    [IR_FCMP] = op_fcmp,    [IR_FCCMP] = op_fccmp,
    [IR_FCSEL] = op_fcsel,
};
