/* SPDX-License-Identifier: Apache-2.0
 *
 * Ways out of a region: slots, and the stubs behind the code.
 *
 * A direct exit is `jmp [slot]`. The slot first points to the exit's link stub, which hands the
 * slot to the runtime. What an exit has to do on its way (save NZCV, poll) is in its stub, so that
 * the path that does not leave pays only for a jump that is not taken.
 */
#include "engine/x64/work.h"

uint32_t exit_slot(struct emit *e, uint64_t pc)
{
    uint32_t n = e->out->slot_count;
    if (n == e->out->slot_room) {
        e->a.full = true;
        return 0;
    }
    e->out->slot_count++;
    e->out->slots[n].host = NULL;
    e->out->slots[n].pc = pc;
    return n;
}

/* An instruction with one-byte opcode on a slot's field. */
static void on_slot(struct emit *e, uint32_t opcode, unsigned size, int reg, uint32_t place)
{
    uint64_t target = (uintptr_t)e->out->slots + place;
    x64_rip(&e->a, opcode, size, reg, (int32_t)(target - e->out->code_addr));
}

static uint32_t slot_host(uint32_t slot)
{
    return (uint32_t)(slot * sizeof(struct slot) + offsetof(struct slot, host));
}

struct x64_mem exit_slot_mem(struct emit *e, uint32_t slot, unsigned offset)
{
    int64_t disp = (int64_t)((uintptr_t)&e->out->slots[slot] + offset - e->out->code_addr);
    return (struct x64_mem){X64_RIP, -1, 0, (int32_t)disp};
}

void exit_add(struct emit *e, uint32_t jump, uint64_t pc, bool flags_dead)
{
    if (e->exit_count == EXIT_MAX) {
        e->a.full = true;
        return;
    }
    bool save = !flags_dead && e->flags != IR_NONE && !e->flags_home && e->flags_host == e->flags;
    e->exits[e->exit_count++] = (struct exit_stub){
        .jump = jump,
        .pc = pc,
        .flags = save ? e->flags_kind : X64_FLAGS_HOME,
        .poll = pc <= e->pc,
        .slot = pc == e->r->pc ? 0 : exit_slot(e, pc),
    };
}

void emit_cold(struct emit *e, const struct emit_cold *c)
{
    if (e->cold_count == COLD_MAX)
        e->a.full = true;
    else
        e->cold[e->cold_count++] = *c;
}

static struct x64_mem thunk_mem(enum thunk t)
{
    return emit_cpu((uint32_t)offsetof(struct cpu, thunk) + 8 * (uint32_t)t);
}

static void thunk_jump(struct emit *e, enum thunk t)
{
    x64_rm(&e->a, 0xff, 4, 4, thunk_mem(t));
}

/* Fuel ran out: cold. n[0], n[1] = guest pc. */
static void cold_poll(struct emit *e, const struct emit_cold *c)
{
    x64_mov_imm(&e->a, HOST_RAX, (uint32_t)c->n[0] | (uint64_t)(uint32_t)c->n[1] << 32);
    thunk_jump(e, THUNK_POLL);
}

static void poll(struct emit *e, uint64_t pc)
{
    x64_rm_imm(&e->a, 0x83, 4, 5, emit_cpu((uint32_t)offsetof(struct cpu, fuel)), 1, 1);
    struct emit_cold c = {.fn = cold_poll, .from = x64_jump(&e->a, CC_S)};
    c.n[0] = (int32_t)(uint32_t)pc;
    c.n[1] = (int32_t)(pc >> 32);
    emit_cold(e, &c);
}

/* Where a slot leads until it is linked. */
static void link_stub(struct emit *e, uint32_t slot)
{
    if (!e->a.full)
        e->out->slots[slot].host = (void *)(uintptr_t)(e->out->code_addr + x64_here(&e->a));
    on_slot(e, 0x8d, 8, HOST_RAX, (uint32_t)(slot * sizeof(struct slot)));
    thunk_jump(e, THUNK_LINK);
}

/* n[0] = slot */
static void cold_link(struct emit *e, const struct emit_cold *c)
{
    link_stub(e, (uint32_t)c->n[0]);
}

static void leave(struct emit *e, const struct exit_stub *x)
{
    if (x->flags != X64_FLAGS_HOME)
        flags_save_code(&e->a, x->flags);
    if (x->poll)
        poll(e, x->pc);
    if (x->pc == e->r->pc) {
        x64_jump_to(&e->a, -1, 0);
        return;
    }
    on_slot(e, 0xff, 4, 4, slot_host(x->slot));
    link_stub(e, x->slot);
}

/* The end of the region: fall into the exit. */
void exit_goto(struct emit *e, uint64_t pc, bool flags_dead)
{
    exit_add(e, 0, pc, flags_dead);
    if (e->a.full)
        return;
    struct exit_stub x = e->exits[--e->exit_count];
    leave(e, &x);
}

void exit_emit_stubs(struct emit *e)
{
    for (uint32_t k = 0; k < e->exit_count && !e->a.full; k++) {
        x64_bind(&e->a, e->exits[k].jump);
        leave(e, &e->exits[k]);
    }
    for (uint32_t k = 0; k < e->cold_count && !e->a.full; k++) {
        struct emit_cold c = e->cold[k];
        if (c.from)
            x64_bind(&e->a, c.from);
        c.fn(e, &c);
    }
}

/* ---- operations
 * ---------------------------------------------------------------------------------- */
static bool dead(const struct ir_ins *ins)
{
    return ins->aux & IR_EXIT_FLAGS_DEAD;
}

void emit_op_JCC(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    unsigned cond = ins->aux & 0xff;
    if (cond >= IR_AL) {
        exit_add(e, x64_jump(&e->a, -1), ins->imm, dead(ins));
        return;
    }
    struct flags_test t = flags_condition(e, ins->a, cond);
    if (t.parity > 0)
        exit_add(e, x64_jump(&e->a, CC_P), ins->imm, dead(ins));
    uint32_t skip = t.parity < 0 ? x64_jump_short(&e->a, CC_P) : 0;
    exit_add(e, x64_jump(&e->a, t.cc), ins->imm, dead(ins));
    if (skip)
        x64_bind_short(&e->a, skip);
}

static void jump_zero(struct emit *e, const struct ir_ins *ins, int cc)
{
    int r = emit_i(e, ins->a);
    x64_rr(&e->a, 0x85, ins->size == 4 ? 4 : 8, r, r);
    flags_lost(e);
    exit_add(e, x64_jump(&e->a, cc), ins->imm, dead(ins));
}

void emit_op_JZ(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    jump_zero(e, ins, CC_E);
}

void emit_op_JNZ(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    jump_zero(e, ins, CC_NE);
}

static void jump_bit(struct emit *e, const struct ir_ins *ins, bool set)
{
    unsigned bit = ins->aux & 63;
    int cc;
    struct emit_rm rm = emit_i_rm(e, ins->a);
    if (bit == 31 || bit == 63 || bit == 7 || bit < 7) {
        int r = rm.is_mem ? emit_i(e, ins->a) : rm.reg;
        if (bit < 7) { /* test r8, imm8 */
            x64_rr(&e->a, 0xf6, 1, 0, r);
            x64_byte(&e->a, 1u << bit);
            cc = set ? CC_NE : CC_E;
        } else { /* the sign */
            unsigned size = bit == 7 ? 1 : bit == 31 ? 4 : 8;
            x64_rr(&e->a, size == 1 ? 0x84 : 0x85, size, r, r);
            cc = set ? CC_S : CC_NS;
        }
    } else { /* bt */
        unsigned size = bit < 32 ? 4 : 8;
        if (rm.is_mem) {
            x64_rm_imm(&e->a, 0x0fba, size, 4, rm.m, 1, (int32_t)bit);
        } else {
            x64_rr(&e->a, 0x0fba, size, 4, rm.reg);
            x64_byte(&e->a, bit);
        }
        cc = set ? CC_B : CC_AE;
    }
    flags_lost(e);
    exit_add(e, x64_jump(&e->a, cc), ins->imm, dead(ins));
}

void emit_op_JBZ(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    jump_bit(e, ins, false);
}

void emit_op_JBNZ(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    jump_bit(e, ins, true);
}

void emit_op_GOTO(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    exit_goto(e, ins->imm, dead(ins));
}

/* Everything the runtime or the callee may look at is in its place. */
static void settle_flags(struct emit *e, const struct ir_ins *ins)
{
    if (!dead(ins))
        flags_home(e);
    flags_lost(e);
    e->flags = IR_NONE;
    e->flags_home = false;
}

/* Behind a call: drop the guest's return address. */
static void land(struct emit *e)
{
    x64_rm(&e->a, 0x8d, 8, HOST_RSP, (struct x64_mem){HOST_RSP, -1, 0, 8});
}

static void push_link(struct emit *e)
{
    x64_byte(&e->a, 0x41);
    x64_byte(&e->a, 0x50 | (HOST_LINK & 7));
}

void emit_op_CALL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    settle_flags(e, ins);
    if (ins->imm <= e->pc) /* calls that never return loop as well */
        poll(e, ins->imm);
    push_link(e);
    uint32_t slot = exit_slot(e, ins->imm);
    on_slot(e, 0xff, 4, 2, slot_host(slot));
    struct emit_cold c = {.fn = cold_link, .n[0] = (int32_t)slot};
    emit_cold(e, &c);
    land(e);
}

/* An inline cache's miss: rax has the guest pc. n[0] = slot */
static void cold_miss(struct emit *e, const struct emit_cold *c)
{
    x64_rm(&e->a, 0x8d, 8, HOST_RDX, exit_slot_mem(e, (uint32_t)c->n[0], 0));
    thunk_jump(e, THUNK_JUMP_IC);
}

static void cold_poll_rax(struct emit *e, const struct emit_cold *c)
{
    (void)c;
    thunk_jump(e, THUNK_POLL);
}

static void target_to_rax(struct emit *e, ir_ref target)
{
    struct emit_rm rm = emit_i_rm(e, target);
    if (rm.is_mem)
        x64_rm(&e->a, 0x8b, 8, HOST_RAX, rm.m);
    else if (rm.reg != HOST_RAX)
        x64_mov(&e->a, 8, HOST_RAX, rm.reg);
}

/* `call` pushes a host address that only the landing pad may follow: the miss path must not return
 * there twice, so it is entered by the same call through a jump in front of the cache. */
void emit_op_CALLR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    settle_flags(e, ins);
    target_to_rax(e, ins->a);
    x64_rm_imm(&e->a, 0x83, 4, 5, emit_cpu((uint32_t)offsetof(struct cpu, fuel)), 1, 1);
    struct emit_cold p = {.fn = cold_poll_rax, .from = x64_jump(&e->a, CC_S)};
    emit_cold(e, &p);
    uint32_t slot = exit_slot(e, 0);
    push_link(e);
    x64_rm(&e->a, 0x3b, 8, HOST_RAX, exit_slot_mem(e, slot, offsetof(struct slot, pc)));
    uint32_t miss = x64_jump_short(&e->a, CC_NE);
    x64_rm(&e->a, 0xff, 4, 2, exit_slot_mem(e, slot, offsetof(struct slot, host)));
    uint32_t over = x64_jump_short(&e->a, -1);
    x64_bind_short(&e->a, miss);
    x64_rm(&e->a, 0x8d, 8, HOST_RDX, exit_slot_mem(e, slot, 0));
    x64_rm(&e->a, 0xff, 4, 2, thunk_mem(THUNK_JUMP_IC));
    x64_bind_short(&e->a, over);
    land(e);
}

void emit_op_JUMP(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    settle_flags(e, ins);
    target_to_rax(e, ins->a);
    x64_rm_imm(&e->a, 0x83, 4, 5, emit_cpu((uint32_t)offsetof(struct cpu, fuel)), 1, 1);
    struct emit_cold p = {.fn = cold_poll_rax, .from = x64_jump(&e->a, CC_S)};
    emit_cold(e, &p);
    uint32_t slot = exit_slot(e, 0);
    x64_rm(&e->a, 0x3b, 8, HOST_RAX, exit_slot_mem(e, slot, offsetof(struct slot, pc)));
    struct emit_cold m = {.fn = cold_miss, .from = x64_jump(&e->a, CC_NE), .n[0] = (int32_t)slot};
    emit_cold(e, &m);
    x64_rm(&e->a, 0xff, 4, 4, exit_slot_mem(e, slot, offsetof(struct slot, host)));
}

static void cold_ret_miss(struct emit *e, const struct emit_cold *c)
{
    if (c->n[0] != HOST_RAX)
        x64_mov(&e->a, 8, HOST_RAX, c->n[0]);
    thunk_jump(e, THUNK_RET_MISS);
}

void emit_op_RET(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    settle_flags(e, ins);
    int r = emit_i(e, ins->a);
    x64_rm(&e->a, 0x3b, 8, r, (struct x64_mem){HOST_RSP, -1, 0, 8});
    struct emit_cold c = {.fn = cold_ret_miss, .from = x64_jump(&e->a, CC_NE), .n[0] = r};
    emit_cold(e, &c);
    x64_byte(&e->a, 0xc3);
}

static void store_pc(struct emit *e, uint64_t pc)
{
    x64_mov_imm(&e->a, HOST_RAX, pc);
    x64_rm(&e->a, 0x89, 8, HOST_RAX, emit_cpu((uint32_t)offsetof(struct cpu, pc)));
}

void emit_op_SYSCALL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    settle_flags(e, ins);
    store_pc(e, ins->imm);
    x64_rm(&e->a, 0xff, 4, 2, thunk_mem(THUNK_SYSCALL));
}

void emit_op_RAISE(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    settle_flags(e, ins);
    store_pc(e, e->pc);
    x64_mov_imm(&e->a, HOST_RAX, ins->imm);
    x64_rm(&e->a, 0x89, 8, HOST_RAX, emit_cpu((uint32_t)offsetof(struct cpu, arg)));
    x64_mov_imm(&e->a, HOST_RAX, ins->aux & 0xff);
    thunk_jump(e, THUNK_RAISE);
}

void emit_op_RESUME(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    settle_flags(e, ins);
    store_pc(e, ins->imm);
    thunk_jump(e, THUNK_RESUME);
}

void emit_helper(struct emit *e, unsigned index)
{
    x64_rm_imm(&e->a, 0xc7, 8, 0, emit_cpu((uint32_t)offsetof(struct cpu, helper)), 4,
               (int32_t)index);
    x64_rm(&e->a, 0xff, 4, 2, thunk_mem(THUNK_HELPER));
}
