/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that make or read NZCV: see flags.c for where it is.
 */
#include "engine/x64/emit_int.h"

/* Nobody wants the sum, only its flags. */
static bool value_unused(const struct emit *e, ir_ref i)
{
    return e->use[i].last == 0;
}

/* cmp a, b (digit 7) or test a, b (digit 4 of the test form) without a result. */
static void compare(struct emit *e, const struct ir_ins *ins)
{
    int32_t imm;
    struct emit_rm a = emit_i_rm(e, ins->a);
    if (int_const(e, ins->b, ins->size, &imm)) {
        if (a.is_mem) {
            bool small = imm == (int8_t)imm;
            x64_rm_imm(&e->a, small ? 0x83 : 0x81, ins->size, 7, a.m, small ? 1 : 4, imm);
        } else if (imm == 0) { /* test: the same flags, C as after a subtraction of 0 */
            x64_rr(&e->a, 0x85, ins->size, a.reg, a.reg);
        } else {
            int_op_imm(e, 7, ins->size, a.reg, imm);
        }
        return;
    }
    if (a.is_mem)
        a = (struct emit_rm){.reg = (int8_t)emit_i(e, ins->a)};
    int_op(e, 0x3b, ins->size, a.reg, emit_i_rm(e, ins->b));
}

void emit_op_SUBS(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (value_unused(e, i)) {
        compare(e, ins);
    } else {
        int_operands(e, ins);
        int_binary(e, ins, emit_i_def(e, i), 5);
    }
    flags_made(e, i, X64_FLAGS_SUB);
}

void emit_op_ADDS(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int_operands(e, ins);
    int_binary(e, ins, value_unused(e, i) ? emit_i_tmp(e) : emit_i_def(e, i), 0);
    flags_made(e, i, X64_FLAGS_ADD);
}

static void test(struct emit *e, const struct ir_ins *ins)
{
    int32_t imm;
    int a = emit_i(e, ins->a);
    if (int_const(e, ins->b, ins->size, &imm)) {
        x64_rr(&e->a, 0xf7, ins->size, 0, a);
        x64_u32(&e->a, (uint32_t)imm);
        return;
    }
    struct emit_rm b = emit_i_rm(e, ins->b);
    int_op(e, 0x85, ins->size, a, b);
}

void emit_op_ANDS(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (value_unused(e, i)) {
        test(e, ins);
    } else {
        int_operands(e, ins);
        int_binary(e, ins, emit_i_def(e, i), 4);
    }
    flags_made(e, i, X64_FLAGS_LOGIC);
}

/* EFLAGS' carry = the guest's C of f. */
static void load_carry(struct emit *e, ir_ref f, bool inverted)
{
    flags_load(e, f);
    if (e->flags_kind == X64_FLAGS_FCMP)
        flags_load_sub(e, f);
    if (e->flags_kind == X64_FLAGS_SUB && !inverted)
        x64_byte(&e->a, 0xf5);
    else if (e->flags_kind == X64_FLAGS_ADD && inverted)
        x64_byte(&e->a, 0xf5);
    else if (e->flags_kind == X64_FLAGS_LOGIC && inverted)
        x64_byte(&e->a, 0xf9);
    flags_lost(e);
}

/* Nothing below may change EFLAGS before the adc or sbb. */
static void with_carry(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned digit)
{
    load_carry(e, ins->c, digit == 3);
    int t = emit_i_tmp(e);
    int_move_value(e, ins->size, t, ins->a);
    int32_t imm;
    if (int_const(e, ins->b, ins->size, &imm))
        int_op_imm(e, digit, ins->size, t, imm);
    else
        int_op(e, digit * 8 + 3, ins->size, t, emit_i_rm(e, ins->b));
    if (!value_unused(e, i)) {
        emit_i_unlock(e, ins->a);
        emit_i_unlock(e, ins->b);
        int dst = emit_i_def(e, i);
        x64_mov(&e->a, 8, dst, t);
    }
    flags_made(e, i, digit == 3 ? X64_FLAGS_SUB : X64_FLAGS_ADD);
}

void emit_op_ADC(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    with_carry(e, i, ins, 2);
}

void emit_op_SBC(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    with_carry(e, i, ins, 3);
}

/* EFLAGS in the layout of a subtraction from the immediate NZCV; rax is locked. */
static void flags_from_imm(struct emit *e, unsigned nzcv)
{
    uint32_t stored = (nzcv & 8 ? NZCV_N : 0) | (nzcv & 4 ? NZCV_Z : 0) | (nzcv & 2 ? 0 : NZCV_NC) |
                      (nzcv & 1 ? NZCV_V : 0);
    x64_mov_imm(&e->a, HOST_RAX, stored);
    x64_byte(&e->a, 0x04); /* add al, 0x7f */
    x64_byte(&e->a, 0x7f);
    x64_byte(&e->a, 0x9e); /* sahf */
}

static void conditional(struct emit *e, ir_ref i, const struct ir_ins *ins, bool negated)
{
    struct flags_test t = {CC_E, 0};
    bool always = ins->aux >= IR_AL;
    if (!always)
        t = flags_condition(e, ins->c, ins->aux);
    emit_i_fixed(e, HOST_RAX);
    int a = emit_i(e, ins->a);
    int32_t imm;
    bool is_const = int_const(e, ins->b, ins->size, &imm);
    struct emit_rm b = {0};
    if (!is_const)
        b = emit_i_rm(e, ins->b);
    uint32_t no[2] = {0, 0}, yes = 0;
    if (!always) {
        if (t.parity < 0)
            no[0] = x64_jump_short(&e->a, CC_P);
        if (t.parity > 0)
            yes = x64_jump_short(&e->a, CC_P);
        no[1] = x64_jump_short(&e->a, t.cc ^ 1);
    }
    if (yes)
        x64_bind_short(&e->a, yes);
    if (negated) {
        x64_mov(&e->a, ins->size, HOST_RAX, a);
        if (is_const)
            int_op_imm(e, 0, ins->size, HOST_RAX, imm);
        else
            int_op(e, 0x03, ins->size, HOST_RAX, b);
        x64_byte(&e->a, 0xf5); /* cmc */
    } else if (is_const) {
        int_op_imm(e, 7, ins->size, a, imm);
    } else {
        int_op(e, 0x3b, ins->size, a, b);
    }
    if (!always) {
        uint32_t done = x64_jump_short(&e->a, -1);
        for (int k = 0; k < 2; k++)
            if (no[k])
                x64_bind_short(&e->a, no[k]);
        flags_from_imm(e, (unsigned)ins->imm);
        x64_bind_short(&e->a, done);
    }
    flags_made(e, i, X64_FLAGS_SUB);
}

void emit_op_CCMP(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    conditional(e, i, ins, false);
}

void emit_op_CCMN(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    conditional(e, i, ins, true);
}

#define NZCV_MEM emit_cpu((uint32_t)offsetof(struct cpu, nzcv))

void emit_op_SETF(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_i(e, ins->a), t = emit_i_tmp(e), u = emit_i_tmp(e);
    x64_mov(&e->a, 4, t, a); /* N, Z */
    x64_rr(&e->a, 0xc1, 4, 5, t);
    x64_byte(&e->a, 16);
    int_op_imm(e, 4, 4, t, NZCV_N | NZCV_Z);
    x64_mov(&e->a, 4, u, a); /* V */
    x64_rr(&e->a, 0xc1, 4, 5, u);
    x64_byte(&e->a, 28);
    int_op_imm(e, 4, 4, u, 1);
    x64_rr(&e->a, 0x0b, 4, t, u);
    x64_mov(&e->a, 4, u, a); /* !C */
    x64_rr(&e->a, 0xf7, 4, 2, u);
    x64_rr(&e->a, 0xc1, 4, 5, u);
    x64_byte(&e->a, 21);
    int_op_imm(e, 4, 4, u, NZCV_NC);
    x64_rr(&e->a, 0x0b, 4, t, u);
    x64_rm(&e->a, 0x89, 4, t, NZCV_MEM);
    flags_lost(e);
    e->flags = i;
    e->flags_home = true;
}

void emit_op_FLAGS(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (e->flags == ins->a)
        flags_home(e);
    flags_lost(e);
    int t = emit_i_tmp(e), u = emit_i_tmp(e);
    x64_rm(&e->a, 0x8b, 4, t, NZCV_MEM);
    x64_mov(&e->a, 4, u, t);
    int_op_imm(e, 4, 4, u, NZCV_N | NZCV_Z);
    x64_rr(&e->a, 0xc1, 4, 4, u);
    x64_byte(&e->a, 16);
    int_op_imm(e, 6, 4, t, NZCV_NC);
    int_op_imm(e, 4, 4, t, NZCV_NC | NZCV_V);
    /* V to bit 28, C to bit 29: t = C << 8 | V; by 21 and 28 */
    int r = emit_i_def(e, i);
    x64_mov(&e->a, 4, r, t);
    x64_rr(&e->a, 0xc1, 4, 4, r);
    x64_byte(&e->a, 28);
    int_op_imm(e, 4, 4, t, NZCV_NC);
    x64_rr(&e->a, 0xc1, 4, 4, t);
    x64_byte(&e->a, 21);
    x64_rr(&e->a, 0x0b, 4, r, t);
    x64_rr(&e->a, 0x0b, 4, r, u);
}

void emit_op_GETF(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)ins;
    flags_home(e);
    e->flags = i;
    e->flags_home = true;
    flags_lost(e);
}

void emit_op_PUTF(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)e;
    (void)i;
    (void)ins; /* made where it is: see flags.c */
}

static void cmov(struct emit *e, unsigned size, int cc, int dst, struct emit_rm src)
{
    int_op(e, 0x0f40u | (unsigned)cc, size, dst, src);
}

static struct emit_rm operand(struct emit *e, ir_ref v)
{
    uint64_t imm;
    if (emit_is_const(e, v, &imm))
        return (struct emit_rm){.reg = (int8_t)emit_i(e, v)};
    return emit_i_rm(e, v);
}

void emit_op_SELECT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    unsigned size = ins->size;
    if (ins->aux >= IR_AL) {
        int dst = emit_i_def(e, i);
        int_move_value(e, size, dst, ins->b);
        return;
    }
    struct flags_test t = flags_condition(e, ins->a, ins->aux);
    ir_ref yes = ins->b, no = ins->c;
    if (t.parity < 0) { /* not (not cc or parity) */
        yes = ins->c;
        no = ins->b;
        t = (struct flags_test){(int8_t)(t.cc ^ 1), 1};
    }
    struct emit_rm y = operand(e, yes);
    struct emit_rm n = {0};
    uint64_t imm;
    bool no_const = emit_is_const(e, no, &imm);
    if (!no_const)
        n = emit_i_rm(e, no);
    int dst = emit_i_def(e, i);
    bool dst_is_yes = !y.is_mem && y.reg == dst;
    if (dst_is_yes && t.parity == 0 && !no_const) {
        if (size == 4 && n.is_mem == false && n.reg == dst) {
            x64_mov(&e->a, 4, dst, dst);
            return;
        }
        cmov(e, size, t.cc ^ 1, dst, n);
        return;
    }
    if (dst_is_yes) {
        int copy = emit_i_tmp(e);
        x64_mov(&e->a, 8, copy, dst);
        y = (struct emit_rm){.reg = (int8_t)copy};
    }
    if (no_const)
        x64_mov_imm(&e->a, dst, size == 4 ? (uint32_t)imm : imm);
    else if (n.is_mem || n.reg != dst)
        int_move(e, size, dst, n);
    cmov(e, size, t.cc, dst, y);
    if (t.parity > 0)
        cmov(e, size, CC_P, dst, y);
}

void emit_op_SETC(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (ins->aux >= IR_AL) {
        x64_mov_imm(&e->a, emit_i_def(e, i), 1);
        return;
    }
    struct flags_test t = flags_condition(e, ins->a, ins->aux);
    if (t.parity) {
        int dst = emit_i_def(e, i), u = emit_i_tmp(e);
        x64_mov_imm(&e->a, dst, t.parity > 0 ? 0 : 1);
        x64_mov_imm(&e->a, u, t.parity > 0 ? 1 : 0);
        cmov(e, 4, t.parity > 0 ? t.cc : t.cc ^ 1, dst, (struct emit_rm){.reg = (int8_t)u});
        cmov(e, 4, CC_P, dst, (struct emit_rm){.reg = (int8_t)u});
        return;
    }
    int dst = emit_i_def(e, i);
    x64_mov_imm(&e->a, dst, 0);
    x64_rr(&e->a, 0x0f90u | (unsigned)t.cc, 1, 0, dst);
}
