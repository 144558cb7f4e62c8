// SPDX-License-Identifier: Apache-2.0
/* Interpreters of the floating-point operations (ops_fp.def). */
#include "engine/ir/interp.h"

static void op_fmovi(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t a = interp_i(m, ins->a);
    m->value[i].d[0] = ins->size < 8 ? a & ((1ull << (8 * ins->size)) - 1) : a;
    m->value[i].d[1] = 0;
}

const ir_interp_fn ir_interp_fp[IR_OP_COUNT] = {
    [IR_FMOVI] = op_fmovi,
};
