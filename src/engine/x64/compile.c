/* SPDX-License-Identifier: Apache-2.0
 *
 * One region of IR to machine code: analyse, emit (both forward), stubs and constants behind.
 *
 * Layout of a region: code; exits' stubs; cold code; constant pool (16-byte aligned).
 * Nothing here knows a guest: the register map is in regs.h, the state in rt/cpu.h.
 */
#include "engine/x64/work.h"

struct x64_work {
    struct emit e; /* all of it */
};
const uint32_t x64_work_size = sizeof(struct x64_work);

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
    e->masked = e->starved = false;
    e->flags = e->flags_host = IR_NONE;
    e->flags_home = false;
    e->loc[NOBODY] = (struct loc){LOC_NONE, 0, 0};
    e->cold_count = e->exit_count = e->pool_count = 0;
    out->slot_count = out->fault_count = out->code_size = 0;
}

/* ---- traits ---- */
#define KIND(text, kind) ((#text)[0] == (kind))
#define IS_VALUE(text) (KIND(text, 'I') || KIND(text, 'V'))
#define IS_SILENT(op)                                                                              \
    ((op) == IR_NOP || (op) == IR_INSN || (op) == IR_CONST || (op) == IR_GETR || (op) == IR_GETV)
#define IS_CALL(op) ((op) == IR_CALL || (op) == IR_CALLR || (op) == IR_SYSCALL)
#define IS_STATE(op) ((unsigned)(op)-IR_GETR < 4)
#define IS_HELP(op) ((op) == IR_HELPI || (op) == IR_HELPV || (op) == IR_HELPVI || (op) == IR_HELPIV)
#define COMMUTES(op)                                                                               \
    ((op) == IR_ADD || (op) == IR_AND || (op) == IR_OR || (op) == IR_XOR || (op) == IR_MUL)
/* CLOB operations that look after EFLAGS themselves. */
#define KEEPS_FLAGS(op)                                                                            \
    ((op) == IR_ADD || (op) == IR_SUB || (op) == IR_NEG || (op) == IR_ADDSH || (op) == IR_CCMP ||  \
     (op) == IR_CCMN || (op) == IR_ADC || (op) == IR_SBC || (op) == IR_FLAGS)

enum { FAULT = IR_A_FAULT, EXIT = IR_A_EXIT, CLOB = IR_A_CLOB, SIDE = IR_A_SIDE };
#define TRAITS(name, result, a, b, c, attributes)                                                  \
    ((IS_VALUE(a) ? OP_A : 0) | (IS_VALUE(b) ? OP_B : 0) | (IS_VALUE(c) ? OP_C : 0) |              \
     (KIND(a, 'F') ? OP_FLAGS_A : 0) | (KIND(c, 'F') ? OP_FLAGS_C : 0) |                           \
     ((attributes) & (FAULT | EXIT) ? OP_LEAVES : 0) |                                             \
     (IS_VALUE(result) && !((attributes) & (FAULT | EXIT | SIDE)) ? OP_PURE : 0) |                 \
     (KIND(result, 'V') || IR_##name == IR_PUTV || IS_CALL(IR_##name) ? OP_VECTOR : 0) |           \
     (IS_CALL(IR_##name) ? OP_CALL : 0) | (IS_SILENT(IR_##name) ? OP_SILENT : 0) |                 \
     (IS_VALUE(result) ? OP_VALUE : 0) |                                                           \
     ((attributes)&CLOB && !KEEPS_FLAGS(IR_##name) ? OP_CLOBBERS : 0) |                            \
     ((attributes)&EXIT ? OP_EXIT : 0) | (COMMUTES(IR_##name) ? OP_COMMUTES : 0))
const uint16_t x64_traits[IR_OP_COUNT] = {
#define OP(name, result, a, b, c, attributes, text) TRAITS(name, result, a, b, c, attributes),
#include "engine/ir/ops.def"
#undef OP
};

#define NOT(kind) (IS_VALUE(kind) ? 0 : IR_NONE)
const struct x64_operands x64_operands[IR_OP_COUNT] = {
#define OP(name, result, a, b, c, attributes, text)                                                \
    {NOT(a), NOT(b), NOT(c),                                                                       \
     ((attributes)&FAULT ? 1 : 0) | ((attributes)&EXIT || KIND(a, 'F') || KIND(c, 'F') ? 2 : 0) |  \
         ((attributes) & (FAULT | EXIT) || IS_HELP(IR_##name) ? 4 : 0) |                           \
         (IS_STATE(IR_##name) ? 8 : 0),                                                            \
     0},
#include "engine/ir/ops.def"
#undef OP
};

/* ---- the body ---- */
/* An operand in a scratch register locks it: one too many for some operations. */
static inline bool is_hungry(const struct emit *e, unsigned op)
{
    return e->hungry[op / 64] >> op % 64 & 1;
}

/* What most operations have before and behind their emission: nothing that depends on them is found
 * out as the code runs. A mispredicted branch costs as much as twenty instructions, and which
 * operation comes next is hard to predict: each has a function of its own, called once. */
static inline __attribute__((always_inline)) void
run(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned op, unsigned traits, emit_fn emit)
{
    if (alloc_is_unused(&e->use[i], traits))
        return;
    e->now = i;
    if (traits & OP_VECTOR)
        fp_note_width(e, i);
    if (traits & OP_CLOBBERS) {
        if (traits & OP_EXIT && !(ins->aux & IR_EXIT_FLAGS_DEAD))
            flags_home(e);
        else
            flags_before(e);
    }
    e->a.jumped = false;
    if (is_hungry(e, op))
        alloc_evict(e);
    emit(e, i, ins);
    if (traits & OP_CALL)
        alloc_forget(e);
    e->i.locked = e->v.locked = 0;
    if (e->i.owned | e->v.owned | e->i.spill_used | e->v.spill_used)
        alloc_done(e, i, ins, traits);
}

#define OP(name, result, a, b, c, attributes, text)                                                \
    static void run_##name(struct emit *e, ir_ref i, const struct ir_ins *ins)                     \
    {                                                                                              \
        run(e, i, ins, IR_##name, TRAITS(name, result, a, b, c, attributes), emit_op_##name);      \
    }
#include "engine/ir/ops.def"
#undef OP

static const emit_fn runners[IR_OP_COUNT] = {
#define OP(name, ...) IS_SILENT(IR_##name) ? emit_op_##name : run_##name,
#include "engine/ir/ops.def"
#undef OP
};

static void emit_body(struct emit *e)
{
    const struct ir_ins *ins = e->r->ins;
    uint32_t count = e->r->count;
    for (uint32_t i = 0; i < count && !e->a.full; i++, ins++)
        runners[ins->op](e, (ir_ref)i, ins);
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

/* Operations that always use all scratch registers of a class; what else turns out so in a region
 * is found by trying. */
#define HUNGRY(word, op) ((op) / 64 == (word) ? 1ull << (op) % 64 : 0)
#define HUNGRY_WORD(word) (HUNGRY(word, IR_REV16) | HUNGRY(word, IR_RBIT))
static const uint64_t known_hungry[HUNGRY_WORDS] = {HUNGRY_WORD(0), HUNGRY_WORD(1), HUNGRY_WORD(2),
                                                    HUNGRY_WORD(3)};

static void compile(struct emit *e, const struct ir_region *r, struct x64_out *out)
{
    start(e, r, out);
    alloc_analyse(e);
    fp_forget_widths(e);
    emit_body(e);
}

enum x64_result x64_compile(const struct ir_region *r, struct x64_out *out, struct x64_work *work)
{
    struct emit *e = &work->e;
    __builtin_memcpy(e->hungry, known_hungry, sizeof(known_hungry));
    compile(e, r, out);
    while (e->starved && !is_hungry(e, r->ins[e->now].op)) {
        unsigned op = r->ins[e->now].op;
        e->hungry[op / 64] |= 1ull << op % 64;
        compile(e, r, out);
    }
    exit_emit_stubs(e);
    emit_pool(e);
    out->code_size = x64_here(&e->a);
    return e->a.full ? X64_NO_ROOM : X64_OK;
}
