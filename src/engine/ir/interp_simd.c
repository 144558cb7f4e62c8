// SPDX-License-Identifier: Apache-2.0
/* Interpreters of the integer vector operations (ops_simd.def). */
#include "engine/ir/interp.h"

static void op_vmovi(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i].d[0] = m->value[i].d[1] = ins->imm;
}

const ir_interp_fn ir_interp_simd[IR_OP_COUNT] = {
    [IR_VMOVI] = op_vmovi,
};
