/* SPDX-License-Identifier: Apache-2.0
 *
 * One region of IR to machine code: analyse from the end, emit forward, stubs and constants behind.
 *
 * Layout of a region: code; exits' stubs; cold code; constant pool (16-byte aligned).
 * Nothing here knows a guest: the register map is in regs.h, the state in rt/cpu.h.
 */
#include "engine/x64/work.h"

struct x64_work {
    struct emit e; /* all of it */
};
const uint32_t x64_work_size = sizeof(struct x64_work);

static const emit_fn emitters[IR_OP_COUNT] = {
#define OP(name, ...) emit_op_##name,
#include "engine/ir/ops.def"
#undef OP
};

static void start(struct emit *e, const struct ir_region *r, struct x64_out *out)
{
    e->a = (struct x64_asm){.start = out->code,
                            .p = out->code,
                            .end = out->code + out->code_room,
                            .fixups = e->fixups,
                            .fixup_room = FIXUP_MAX};
    e->r = r;
    e->out = out;
    e->random = out->random;
    e->pc = r->pc;
    e->masked = false;
    e->next_pc = r->pc;
    e->flags = e->flags_host = IR_NONE;
    e->flags_home = false;
    e->cold_count = e->exit_count = e->pool_count = 0;
    out->slot_count = out->fault_count = out->code_size = 0;
}

/* A CLOB operation that looks after EFLAGS itself. */
static bool keeps_flags(unsigned op)
{
    return op == IR_ADD || op == IR_SUB || op == IR_NEG || op == IR_ADDSH || op == IR_CCMP ||
           op == IR_CCMN || op == IR_ADC || op == IR_SBC || op == IR_FLAGS;
}

/* Made, and nobody looks at it. */
static bool unused(const struct emit *e, ir_ref i, const struct ir_op_info *info)
{
    return (info->result == 'I' || info->result == 'V') && !e->last[i] && !e->flast[i] &&
           !(info->attributes & (IR_A_FAULT | IR_A_EXIT | IR_A_SIDE));
}

/* Operations that make no code, two thirds of all: without the ceremony. */
static bool emit_silent(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    switch (ins->op) {
    case IR_NOP:
        return true;
    case IR_INSN:
        emit_op_INSN(e, i, ins);
        return true;
    case IR_CONST:
        e->loc[i] = (struct loc){LOC_CONST, 0, 0};
        return true;
    case IR_GETR:
        if (e->last[i])
            alloc_alias(e, &e->i, i, ins->imm & 31);
        return true;
    default:
        return false;
    }
}

static void emit_one(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    const struct ir_op_info *info = &ir_op_info[ins->op];
    if (unused(e, i, info))
        return;
    if (info->result == 'V' || ins->op == IR_PUTV || info->attributes & IR_A_EXIT)
        fp_note_width(e, i);
    if (info->attributes & IR_A_CLOB && !keeps_flags(ins->op)) {
        bool exits = info->attributes & IR_A_EXIT && !(ins->aux & IR_EXIT_FLAGS_DEAD);
        if (exits)
            flags_home(e);
        else
            flags_before(e, i, true);
    }
    emitters[ins->op](e, i, ins);
    alloc_done(e, i);
}

static void emit_body(struct emit *e)
{
    uint32_t count = e->r->count;
    for (uint32_t i = 0; i < count && !e->a.full; i++) {
        const struct ir_ins *ins = &e->r->ins[i];
        e->now = (ir_ref)i;
        if (!emit_silent(e, (ir_ref)i, ins))
            emit_one(e, (ir_ref)i, ins);
    }
}

/* Constants behind the code, and the displacements that name them. */
static void emit_pool(struct emit *e)
{
    struct x64_asm *a = &e->a;
    e->out->pool = x64_here(a);
    if (!e->pool_count)
        return;
    while (((uintptr_t)a->p & 15) && !a->full)
        x64_byte(a, 0xcc);
    uint32_t pool = x64_here(a);
    for (uint32_t k = 0; k < e->pool_count; k++) {
        x64_u64(a, e->pool[k][0]);
        x64_u64(a, e->pool[k][1]);
    }
    for (uint32_t k = 0; k < a->fixup_count && !a->full; k++) {
        const struct x64_fixup *f = &a->fixups[k];
        int32_t distance = (int32_t)(pool + f->pool - f->behind);
        __builtin_memcpy(a->start + f->at, &distance, 4);
    }
}

enum x64_result x64_compile(const struct ir_region *r, struct x64_out *out, struct x64_work *work)
{
    struct emit *e = &work->e;
    start(e, r, out);
    alloc_analyse(e);
    fp_forget_widths(e);
    emit_body(e);
    exit_emit_stubs(e);
    emit_pool(e);
    out->code_size = x64_here(&e->a);
    return e->a.full ? X64_NO_ROOM : X64_OK;
}
