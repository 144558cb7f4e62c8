// SPDX-License-Identifier: Apache-2.0
/* The interpreter's loop, its state operations, and its ways out. */
#include "engine/ir/interp.h"

bool ir_cond_holds(unsigned cond, unsigned nzcv)
{
    bool n = nzcv & 8, z = nzcv & 4, c = nzcv & 2, v = nzcv & 1;
    switch (cond) {
    case IR_EQ:
        return z;
    case IR_NE:
        return !z;
    case IR_CS:
        return c;
    case IR_CC:
        return !c;
    case IR_MI:
        return n;
    case IR_PL:
        return !n;
    case IR_VS:
        return v;
    case IR_VC:
        return !v;
    case IR_HI:
        return c && !z;
    case IR_LS:
        return !c || z;
    case IR_GE:
        return n == v;
    case IR_LT:
        return n != v;
    case IR_GT:
        return !z && n == v;
    case IR_LE:
        return z || n != v;
    default:
        return true;
    }
}

uint32_t ir_nzcv_store(unsigned nzcv)
{
    return (nzcv & 8 ? NZCV_N : 0) | (nzcv & 4 ? NZCV_Z : 0) | (nzcv & 2 ? 0 : NZCV_NC) |
           (nzcv & 1 ? NZCV_V : 0);
}

unsigned ir_nzcv_load(uint32_t stored)
{
    return (stored & NZCV_N ? 8u : 0) | (stored & NZCV_Z ? 4u : 0) | (stored & NZCV_NC ? 0 : 2u) |
           (stored & NZCV_V ? 1u : 0);
}

bool interp_address(struct ir_interp *m, const struct ir_ins *ins, bool write,
                    uint64_t *ret_address)
{
    uint64_t address = interp_i(m, ins->a) + ins->imm;
    bool atomic = ins->op >= IR_XCHG && ins->op <= IR_CAS16;
    if (atomic) /* b is a value there */
        address = interp_i(m, ins->a);
    else if (ins->b != IR_NONE)
        address += interp_i(m, ins->b) << (ins->aux & 7);
    if (m->masked)
        address = address << 8 >> 8;
    if (m->access && !m->access(m->context, address, ins->size, write)) {
        m->end = IR_END_FAULT;
        m->detail = address;
        m->cpu->pc = m->pc;
        return false;
    }
    *ret_address = address;
    return true;
}

ir_interp_fn ir_interp_of(enum ir_op op)
{
    if (ir_interp_int[op])
        return ir_interp_int[op];
    return ir_interp_simd[op] ? ir_interp_simd[op] : ir_interp_fp[op];
}

enum ir_end ir_interp_resume(struct ir_interp *m, const struct ir_region *r, uint32_t at)
{
    m->r = r;
    m->end = IR_END_NONE;
    for (m->at = at; m->at < r->count && m->end == IR_END_NONE; m->at++) {
        const struct ir_ins *ins = &r->ins[m->at];
        ir_interp_fn fn = ir_interp_of(ins->op);
        m->steps++;
        if (fn) {
            fn(m, (ir_ref)m->at, ins);
        } else {
            m->end = IR_END_MISSING;
            m->detail = m->at;
            m->cpu->pc = m->pc;
        }
    }
    return m->end;
}

enum ir_end ir_interp_run(struct ir_interp *m, const struct ir_region *r)
{
    m->pc = r->pc;
    m->masked = false;
    m->steps = 0;
    return ir_interp_resume(m, r, 0);
}
