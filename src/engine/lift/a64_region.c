/* SPDX-License-Identifier: Apache-2.0
 *
 * The region former for A64, tier 1: one path from the entry, side exits for taken branches.
 *
 * Invariants
 *  1. Every region has at least one guest instruction, or is one RAISE.
 *  2. An instruction whose IR did not fit is taken back whole; the region ends before it.
 *  3. Flags are called dead at an exit only if the instructions at its target write them before
 * they read them, in a straight line; a memory access on the way may fault and show a stale NZCV in
 *     its signal frame (docs/QUIRKS.md).
 */
#include "engine/lift/a64_lift.h"

extern const a64_lift_fn a64_lift_table[A64_ROW_COUNT];

enum { PEEK = 8 };

static bool flags_dead(struct lift *l, uint64_t pc)
{
    for (unsigned k = 0; k < PEEK; k++, pc += 4) {
        uint32_t word;
        if (!l->env->fetch(l->env->context, pc, &word))
            return false;
        enum a64_row row = a64_decode(word);
        const struct a64_row_info *info = &a64_row_info[row];
        if (row == A64_UNDEFINED || info->flags & ISA_FLAGS_READ)
            return false;
        if (info->flags & ISA_FLAGS_WRITE)
            return true;
        if (row == A64_B || row == A64_BL) {
            pc += (uint64_t)(((int64_t)(int32_t)(word << 6) >> 6) * 4) - 4;
            continue;
        }
        if (info->branch)
            return false;
    }
    return false;
}

unsigned a64_exit_aux(struct lift *l, uint64_t target)
{
    /* NZCV is as it was at the entry: nothing would have to be saved */
    if (l->flags == IR_NONE || l->r->ins[l->flags].op == IR_GETF)
        return 0;
    return !l->env->keep_flags && flags_dead(l, target) ? IR_EXIT_FLAGS_DEAD : 0;
}

/* End the region with a jump to pc. */
static void finish(struct lift *l, uint64_t pc)
{
    lift_opx(l, IR_GOTO, 0, IR_NONE, IR_NONE, IR_NONE, a64_exit_aux(l, pc), pc);
    l->end = true;
}

/* Was pc lifted in this region already? */
static bool passed(const struct ir_region *r, uint64_t pc)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (r->ins[i].op == IR_INSN && r->ins[i].imm == pc)
            return true;
    return false;
}

static void begin_instruction(struct lift *l)
{
    bool tagged = l->env->tagged && l->env->tagged(l->env->context, l->pc);
    ir_append(l->r, (struct ir_ins){.op = IR_INSN,
                                    .size = 4,
                                    .aux = tagged,
                                    .a = IR_NONE,
                                    .b = IR_NONE,
                                    .c = IR_NONE,
                                    .imm = l->pc});
}

/* One instruction; false: its page may not be executed. */
static bool lift_one(struct lift *l)
{
    uint32_t word;
    if (!l->env->fetch(l->env->context, l->pc, &word))
        return false;
    l->next = l->follow = l->pc + 4;
    l->begin = l->r->count;
    begin_instruction(l);
    a64_lift_fn fn = a64_lift_table[a64_decode(word)];
    if (fn)
        fn(l, word);
    else
        lift_undefined(l);
    return true;
}

static void stop_before(struct lift *l, unsigned kind)
{
    if (l->r->insns) {
        finish(l, l->pc);
        return;
    }
    begin_instruction(l);
    lift_raise(l, kind, 0);
}

/* Behind a branch: another region may have this code already. */
static bool worth_following(struct lift *l, bool branched)
{
    if (l->follow != l->next)
        return !passed(l->r, l->follow) && !l->env->known(l->env->context, l->follow);
    return !branched || !l->env->known(l->env->context, l->follow);
}

/* IR that is kept free for one instruction; what needs more is taken back. */
enum { ROOM = 160 };

/* The last instruction's IR did not fit: end before it. One that does not fit alone is not had. */
static void take_back(struct lift *l, uint32_t before)
{
    l->r->full = false;
    l->r->count = before;
    if (l->r->insns) {
        finish(l, l->pc);
        return;
    }
    begin_instruction(l);
    lift_undefined(l);
}

void a64_lift_region(struct ir_region *r, uint64_t pc, const struct lift_env *env)
{
    struct lift l = {.r = r, .pc = pc, .flags = IR_NONE, .env = env};
    lift_forget(&l);
    r->pc = pc;
    r->count = r->insns = 0;
    r->full = false;
    r->straight = true;
    r->mode = env->mode;
    uint32_t exits = 0;
    while (!l.end) {
        if (l.pc & 3) {
            stop_before(&l, RAISE_PC_ALIGN);
            break;
        }
        if (r->insns == env->max_insns || r->count > IR_MAX - ROOM) {
            finish(&l, l.pc);
            break;
        }
        uint32_t before = r->count;
        if (!lift_one(&l)) {
            stop_before(&l, RAISE_FETCH);
            break;
        }
        if (r->full) {
            take_back(&l, before);
            break;
        }
        r->insns++;
        if (l.end)
            break;
        uint32_t last = r->ins[r->count - 1].op;
        bool branched = r->count > before && (ir_op_info[last].attributes & IR_A_EXIT);
        branched = branched && last != IR_CALL && last != IR_CALLR;
        exits += branched;
        if ((branched && exits == env->max_exits) || !worth_following(&l, branched)) {
            finish(&l, l.follow);
            break;
        }
        r->straight &= l.follow == l.next;
        l.pc = l.follow;
    }
}
