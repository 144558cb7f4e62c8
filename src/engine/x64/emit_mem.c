/* SPDX-License-Identifier: Apache-2.0
 *
 * State access, loads, stores, atomics, helper calls. Every access that may fault is noted in the
 * fault table.
 */
#include "engine/x64/emit_int.h"

void emit_note_fault(struct emit *e)
{
    struct x64_out *o = e->out;
    if (o->fault_count == o->fault_room) {
        e->a.full = true;
        return;
    }
    uint8_t where = X64_FLAGS_HOME;
    if (e->flags != IR_NONE && !e->flags_home)
        where = e->flags_host == e->flags ? e->flags_kind : X64_FLAGS_DEAD;
    o->faults[o->fault_count++] = (struct x64_fault){.host = x64_here(&e->a),
                                                     .guest = (int32_t)(e->pc - e->r->pc),
                                                     .flags = where,
                                                     .masked = e->masked};
}

/* ---- state ---- */
void emit_op_NOP(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)e;
    (void)i;
    (void)ins;
}

void emit_op_INSN(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    e->pc = ins->imm;
    e->masked = ins->aux & 1;
}

void emit_op_CONST(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)ins;
    e->loc[i] = (struct loc){LOC_CONST, 0, 0};
}

void emit_op_GETR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (e->use[i].last)
        alloc_alias(e, &e->i, i, ins->imm & 31);
}

void emit_op_GETV(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (e->use[i].last) {
        fp_note_width(e, i);
        alloc_alias(e, &e->v, i, ins->imm & 31);
    }
}

void emit_op_PUTR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    alloc_put_x(e, ins->imm & 31, ins->a);
}

void emit_op_PUTV(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    alloc_put_v(e, ins->imm & 31, ins->a);
}

void emit_op_GETC(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int dst = emit_i_def(e, i);
    x64_rm(&e->a, 0x8b, ins->size, dst, emit_cpu((uint32_t)ins->imm));
}

void emit_op_PUTC(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    int32_t imm;
    if (int_const(e, ins->a, ins->size, &imm)) {
        x64_rm_imm(&e->a, 0xc7, ins->size, 0, emit_cpu((uint32_t)ins->imm), 4, imm);
        return;
    }
    int a = emit_i(e, ins->a);
    x64_rm(&e->a, 0x89, ins->size, a, emit_cpu((uint32_t)ins->imm));
}

/* Sign-extend an address from bit 55, and note it: a fault that it still makes (#GP) does not tell
 * it. */
static void mask_register(struct emit *e, int address)
{
    x64_rr(&e->a, 0xc1, 8, 4, address); /* shl address, 8; sar address, 8 */
    x64_byte(&e->a, 8);
    x64_rr(&e->a, 0xc1, 8, 7, address);
    x64_byte(&e->a, 8);
    x64_rm(&e->a, 0x89, 8, address, emit_cpu((uint32_t)offsetof(struct cpu, fault_address)));
}

/* Masking destroys EFLAGS, and saving them scratch registers: to be called before there is an
 * address in any. */
static void mask_begin(struct emit *e)
{
    if (!e->masked)
        return;
    flags_home(e);
    flags_lost(e);
}

/* The masked address in a register of its own. */
static struct x64_mem mask_address(struct emit *e, const struct ir_ins *ins, struct x64_mem m)
{
    int t = emit_i_tmp(e);
    x64_rm(&e->a, 0x8d, 8, t, m);
    mask_register(e, t);
    emit_i_unlock(e, ins->a);
    if (ins->b != IR_NONE && ir_op_info[ins->op].b == 'I')
        emit_i_unlock(e, ins->b);
    return (struct x64_mem){(int8_t)t, -1, 0, 0};
}

/* ---- addresses: a + (b << (aux & 7)) + imm, without touching EFLAGS ---- */
static struct x64_mem plain_address(struct emit *e, const struct ir_ins *ins)
{
    struct x64_mem m = {X64_ABS, -1, 0, 0};
    uint64_t base = 0, total;
    int64_t disp = (int64_t)ins->imm;
    bool base_const = emit_is_const(e, ins->a, &base) && e->loc[ins->a].kind != LOC_HOME;
    if (base_const) {
        total = base + (uint64_t)disp;
        if (!fits32((int64_t)total) || (int64_t)total < 0) {
            m.base = (int8_t)emit_i_tmp(e);
            x64_mov_imm(&e->a, m.base, total);
            total = 0;
        }
        disp = (int64_t)total;
    } else {
        m.base = (int8_t)emit_i(e, ins->a);
    }
    if (!fits32(disp)) {
        int t = emit_i_tmp(e);
        x64_mov_imm(&e->a, t, (uint64_t)disp);
        x64_rm(&e->a, 0x8d, 8, t, (struct x64_mem){m.base, (int8_t)t, 0, 0});
        m.base = (int8_t)t;
        disp = 0;
    }
    m.disp = (int32_t)disp;
    if (ins->b == IR_NONE)
        return m;
    unsigned scale = ins->aux & 7;
    m.index = (int8_t)emit_i(e, ins->b);
    if (scale > 3) {
        int t = emit_i_tmp(e);
        x64_rm(&e->a, 0x8d, 8, t, (struct x64_mem){X64_ABS, m.index, 3, 0});
        if (ins->a != ins->b)
            emit_i_unlock(e, ins->b);
        m.index = (int8_t)t;
        scale -= 3;
    }
    m.scale = (uint8_t)scale;
    return m;
}

struct x64_mem emit_address(struct emit *e, const struct ir_ins *ins)
{
    mask_begin(e);
    struct x64_mem m = plain_address(e, ins);
    return e->masked ? mask_address(e, ins, m) : m;
}

void emit_op_LD(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct x64_mem m = emit_address(e, ins);
    bool to8 = ins->aux & 8, to4 = ins->aux & 16;
    int dst = emit_i_def(e, i);
    emit_note_fault(e);
    if (ins->size == 8 || (ins->size == 4 && !to8))
        x64_rm(&e->a, 0x8b, ins->size, dst, m);
    else
        int_extend(e, to8 ? 8 : 4, dst, (struct emit_rm){true, 0, m}, ins->size, to8 || to4);
}

void emit_op_ST(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    unsigned size = ins->size;
    int32_t imm;
    bool is_const = int_const(e, ins->c, size < 8 ? 4 : 8, &imm);
    struct x64_mem m = emit_address(e, ins);
    int c = is_const ? -1 : emit_i(e, ins->c);
    emit_note_fault(e);
    if (is_const)
        x64_rm_imm(&e->a, size == 1 ? 0xc6 : 0xc7, size, 0, m, size == 8 ? 4 : size, imm);
    else
        x64_rm(&e->a, size == 1 ? 0x88 : 0x89, size, c, m);
}

void emit_op_LDV(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct x64_mem m = emit_address(e, ins);
    int dst;
    switch (ins->size) {
    case 1:
    case 2: {
        int t = emit_i_tmp(e);
        emit_note_fault(e);
        int_extend(e, 4, t, (struct emit_rm){true, 0, m}, ins->size, false);
        dst = emit_v_def(e, i);
        x64_vex(&e->a, VEX_OP(1, 1, 0, 0x6e), dst, 0, t); /* vmovd */
        break;
    }
    case 4:
        dst = emit_v_def(e, i);
        emit_note_fault(e);
        x64_vex_m(&e->a, VEX_OP(1, 1, 0, 0x6e), dst, 0, m);
        break;
    case 8:
        dst = emit_v_def(e, i);
        emit_note_fault(e);
        x64_vex_m(&e->a, VEX_OP(2, 1, 0, 0x7e), dst, 0, m); /* vmovq */
        break;
    default:
        dst = emit_v_def(e, i);
        emit_note_fault(e);
        x64_vex_m(&e->a, VEX_OP(0, 1, 0, 0x10), dst, 0, m); /* vmovups */
    }
}

void emit_op_LDVS(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    static const uint8_t broadcast[9] = {[1] = 0x78, [2] = 0x79, [4] = 0x58, [8] = 0x59};
    struct x64_mem m = emit_address(e, ins);
    int dst = emit_v_def(e, i);
    emit_note_fault(e);
    x64_vex_m(&e->a, VEX_OP(1, 2, 0, broadcast[ins->size]), dst, 0, m);
}

void emit_op_STV(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    int c = emit_v(e, ins->c);
    struct x64_mem m = emit_address(e, ins);
    emit_note_fault(e);
    switch (ins->size) {
    case 1:
        x64_vex_mi(&e->a, VEX_OP(1, 3, 0, 0x14), c, 0, m, 0); /* vpextrb */
        break;
    case 2:
        x64_vex_mi(&e->a, VEX_OP(1, 3, 0, 0x15), c, 0, m, 0); /* vpextrw */
        break;
    case 4:
        x64_vex_m(&e->a, VEX_OP(1, 1, 0, 0x7e), c, 0, m);
        break;
    case 8:
        x64_vex_m(&e->a, VEX_OP(1, 1, 0, 0xd6), c, 0, m);
        break;
    default:
        x64_vex_m(&e->a, VEX_OP(0, 1, 0, 0x11), c, 0, m);
    }
}

/* ---- barriers and atomics ---- */
void emit_op_FENCE(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    (void)ins;
    x64_byte(&e->a, 0xf0); /* lock or dword [rsp], 0 */
    x64_rm_imm(&e->a, 0x83, 4, 1, (struct x64_mem){HOST_RSP, -1, 0, 0}, 1, 0);
    flags_lost(e);
}

static void probe(struct emit *e, struct x64_mem m)
{
    emit_note_fault(e);
    x64_byte(&e->a, 0xf0); /* lock or byte [m], 0 */
    x64_rm_imm(&e->a, 0x80, 1, 1, m, 1, 0);
    flags_lost(e);
}

void emit_op_PROBE(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    probe(e, emit_address(e, ins));
}

static struct x64_mem atomic_address(struct emit *e, const struct ir_ins *ins)
{
    mask_begin(e);
    struct x64_mem m = {(int8_t)emit_i(e, ins->a), -1, 0, 0};
    return e->masked ? mask_address(e, ins, m) : m;
}

static void result(struct emit *e, ir_ref i, const struct ir_ins *ins, int reg)
{
    if (e->use[i].last == 0)
        return;
    e->i.locked = reg == HOST_RAX   ? 4
                  : reg == HOST_RDX ? 2
                  : reg == HOST_RCX ? 1
                                    : 0; /* operands are read */
    int dst = emit_i_def(e, i);
    if (ins->size == 8)
        x64_mov(&e->a, 8, dst, reg);
    else
        int_extend(e, 4, dst, (struct emit_rm){.reg = (int8_t)reg}, ins->size, false);
}

static void locked(struct emit *e, uint32_t opcode, unsigned size, int reg, struct x64_mem m)
{
    emit_note_fault(e);
    x64_byte(&e->a, 0xf0);
    x64_rm(&e->a, opcode, size, reg, m);
}

void emit_op_XCHG(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int t = emit_i_tmp(e);
    int_move_value(e, 8, t, ins->b);
    emit_i_unlock(e, ins->b);
    struct x64_mem m = atomic_address(e, ins);
    emit_note_fault(e);
    x64_rm(&e->a, ins->size == 1 ? 0x86 : 0x87, ins->size, t, m);
    result(e, i, ins, t);
}

void emit_op_XADD(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int t = emit_i_tmp(e);
    int_move_value(e, 8, t, ins->b);
    emit_i_unlock(e, ins->b);
    struct x64_mem m = atomic_address(e, ins);
    locked(e, ins->size == 1 ? 0x0fc0 : 0x0fc1, ins->size, t, m);
    flags_lost(e);
    result(e, i, ins, t);
}

/* t = rax op [operand]. */
static void rmw_step(struct emit *e, const struct ir_ins *ins, int t, struct x64_mem operand)
{
    static const uint8_t take[4] = {CC_L, CC_G, CC_B, CC_A}; /* smax smin umax umin: t cc operand */
    unsigned size = ins->size;
    x64_mov(&e->a, 8, t, HOST_RAX);
    switch (ins->aux) {
    case IR_RMW_AND:
    case IR_RMW_ANDN: /* the operand is inverted already */
        x64_rm(&e->a, 0x23, 8, t, operand);
        break;
    case IR_RMW_OR:
        x64_rm(&e->a, 0x0b, 8, t, operand);
        break;
    case IR_RMW_XOR:
        x64_rm(&e->a, 0x33, 8, t, operand);
        break;
    default:
        x64_rm(&e->a, size == 1 ? 0x3a : 0x3b, size, t, operand);
        x64_rm(&e->a, 0x0f40u | take[ins->aux - IR_RMW_SMAX], 8, t, operand);
    }
}

void emit_op_RMW(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct x64_mem operand = emit_cpu((uint32_t)offsetof(struct cpu, arg));
    emit_i_fixed(e, HOST_RAX);
    int_move_value(e, 8, HOST_RAX, ins->b);
    emit_i_unlock(e, ins->b);
    if (ins->aux == IR_RMW_ANDN)
        x64_rr(&e->a, 0xf7, 8, 2, HOST_RAX);
    x64_rm(&e->a, 0x89, 8, HOST_RAX, operand);
    struct x64_mem m = atomic_address(e, ins);
    int t = emit_i_tmp(e);
    emit_note_fault(e);
    if (ins->size >= 4)
        x64_rm(&e->a, 0x8b, ins->size, HOST_RAX, m);
    else
        int_extend(e, 4, HOST_RAX, (struct emit_rm){true, 0, m}, ins->size, false);
    uint32_t loop = x64_here(&e->a);
    rmw_step(e, ins, t, operand);
    locked(e, ins->size == 1 ? 0x0fb0 : 0x0fb1, ins->size, t, m);
    x64_jump_to(&e->a, CC_NE, loop);
    flags_lost(e);
    result(e, i, ins, HOST_RAX);
}

void emit_op_CAS(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_i_fixed(e, HOST_RAX);
    int_move_value(e, 8, HOST_RAX, ins->b);
    emit_i_unlock(e, ins->b);
    struct x64_mem m = atomic_address(e, ins);
    int c = emit_i(e, ins->c);
    locked(e, ins->size == 1 ? 0x0fb0 : 0x0fb1, ins->size, c, m);
    flags_lost(e);
    result(e, i, ins, HOST_RAX);
}

/* Misaligned: n[0] = register of the address. */
static void cold_align(struct emit *e, const struct emit_cold *c)
{
    struct x64_mem pc = emit_cpu((uint32_t)offsetof(struct cpu, pc));
    x64_rm(&e->a, 0x89, 8, c->n[0], emit_cpu((uint32_t)offsetof(struct cpu, arg)));
    x64_mov_imm(&e->a, HOST_RAX, (uint32_t)c->n[1] | (uint64_t)(uint32_t)c->n[2] << 32);
    x64_rm(&e->a, 0x89, 8, HOST_RAX, pc);
    x64_mov_imm(&e->a, HOST_RAX, RAISE_ALIGN);
    x64_rm(&e->a, 0xff, 4, 4, emit_cpu((uint32_t)offsetof(struct cpu, thunk) + 8 * THUNK_RAISE));
}

/* cmpxchg16b wants rax rdx rbx rcx: the guest's x0 (rbx) and x1 (rsi) wait in memory, behind the
 * last fault. */
void emit_op_CAS16(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct x64_mem saved = emit_cpu((uint32_t)offsetof(struct cpu, arg) + 8);
    struct x64_mem saved_rsi = emit_cpu((uint32_t)offsetof(struct cpu, arg) + 16);
    struct x64_asm *a = &e->a;
    flags_home(e);
    flags_lost(e);
    emit_i_fixed(e, HOST_RAX);
    emit_i_fixed(e, HOST_RCX);
    int address = emit_i_fixed(e, HOST_RDX);
    int_move_value(e, 8, address, ins->a);
    if (e->masked)
        mask_register(e, address);
    x64_rr(a, 0xf6, 1, 0, address); /* test address, 15 */
    x64_byte(a, 15);
    struct emit_cold c = {.fn = cold_align, .from = x64_jump(a, CC_NE), .n[0] = address};
    c.n[1] = (int32_t)(uint32_t)e->pc;
    c.n[2] = (int32_t)(e->pc >> 32);
    emit_cold(e, &c);
    probe(e, (struct x64_mem){(int8_t)address, -1, 0, 0});
    int old = emit_v(e, ins->b), new = emit_v(e, ins->c), dst = emit_v_def_apart(e, i);
    int high = emit_v_tmp(e);
    x64_rm(a, 0x89, 8, HOST_RBX, saved);
    x64_rm(a, 0x89, 8, HOST_RSI, saved_rsi);
    x64_mov(a, 8, HOST_RSI, address);
    x64_vex(a, VEX_OP(1, 1, 1, 0x7e), old, 0, HOST_RAX);      /* vmovq */
    x64_vex_i(a, VEX_OP(1, 3, 1, 0x16), old, 0, HOST_RDX, 1); /* vpextrq */
    x64_vex(a, VEX_OP(1, 1, 1, 0x7e), new, 0, HOST_RBX);
    x64_vex_i(a, VEX_OP(1, 3, 1, 0x16), new, 0, HOST_RCX, 1);
    x64_byte(a, 0xf0);
    x64_rm(a, 0x0fc7, 8, 1, (struct x64_mem){HOST_RSI, -1, 0, 0});
    x64_rm(a, 0x8b, 8, HOST_RBX, saved);
    x64_rm(a, 0x8b, 8, HOST_RSI, saved_rsi);
    x64_vex(a, VEX_OP(1, 1, 1, 0x6e), dst, 0, HOST_RAX);
    x64_vex(a, VEX_OP(1, 1, 1, 0x6e), high, 0, HOST_RDX);
    x64_vex(a, VEX_OP(1, 1, 0, 0x6c), dst, dst, high); /* vpunpcklqdq */
}

/* ---- helpers ---- */
static void args(struct emit *e, const struct ir_ins *ins, bool vector)
{
    const ir_ref v[3] = {ins->a, ins->b, ins->c};
    for (unsigned k = 0; k < 3; k++) {
        if (v[k] == IR_NONE)
            continue;
        if (vector) {
            struct x64_mem m = emit_cpu((uint32_t)offsetof(struct cpu, varg) + 16 * k);
            x64_vex_m(&e->a, VEX_OP(1, 1, 0, 0x7f), emit_v(e, v[k]), 0, m);
        } else {
            x64_rm(&e->a, 0x89, 8, emit_i(e, v[k]),
                   emit_cpu((uint32_t)offsetof(struct cpu, arg) + 8 * k));
        }
    }
    struct x64_mem m = emit_cpu((uint32_t)offsetof(struct cpu, arg) + 24);
    if (fits32((int64_t)ins->imm)) {
        x64_rm_imm(&e->a, 0xc7, 8, 0, m, 4, (int32_t)ins->imm);
    } else {
        int t = emit_i_tmp(e);
        x64_mov_imm(&e->a, t, ins->imm);
        x64_rm(&e->a, 0x89, 8, t, m);
    }
    emit_helper(e, ins->aux);
}

static void result_i(struct emit *e, ir_ref i)
{
    if (e->use[i].last)
        x64_rm(&e->a, 0x8b, 8, emit_i_def_apart(e, i),
               emit_cpu((uint32_t)offsetof(struct cpu, ret)));
}

static void result_v(struct emit *e, ir_ref i)
{
    if (e->use[i].last)
        x64_vex_m(&e->a, VEX_OP(1, 1, 0, 0x6f), emit_v_def(e, i), 0,
                  emit_cpu((uint32_t)offsetof(struct cpu, vret)));
}

void emit_op_HELPI(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    args(e, ins, false);
    e->i.locked = 0;
    result_i(e, i);
}

void emit_op_HELPV(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    args(e, ins, true);
    result_v(e, i);
}

void emit_op_HELPVI(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    args(e, ins, false);
    result_v(e, i);
}

void emit_op_HELPIV(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    args(e, ins, true);
    result_i(e, i);
}
