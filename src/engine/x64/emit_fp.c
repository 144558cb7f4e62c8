// SPDX-License-Identifier: Apache-2.0
/* Floating-point operations (ops_fp.def). */
#include "engine/x64/work.h"

void emit_op_FMOVI(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_i(e, ins->a);
    int dst = emit_v_def(e, i);
    x64_vex(&e->a, ins->size == 8 ? VEX_OP(1, 1, 1, 0x6e) : VEX_OP(1, 1, 0, 0x6e), dst, 0, a);
}
