/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating point: comparison, selection, integral values, conversions. As emit_fp.c.
 *
 * Integers: the host gives 0x80...0 and an invalid operation for what does not fit; the exact
 * function then saturates. Where the host would raise inexact for a number that does not fit, its
 * exponent is looked at first.
 */
#include "engine/x64/emit_fp.h"

#define VMOVQ_TO(w) VEX_OP(1, 1, w, 0x7e)   /* GPR or memory = xmm */
#define VMOVQ_FROM(w) VEX_OP(1, 1, w, 0x6e) /* xmm = GPR, zeros above */

/* vmovd or vmovq from a general register: zeros above. */
void emit_op_FMOVI(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_i(e, ins->a);
    x64_vex(&e->a, VMOVQ_FROM(ins->size == 8), emit_v_def(e, i), 0, a);
}

/* ---- comparison ---- */
static void emit_mask(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned predicate)
{
    int a = fp_operand(e, ins, ins->a);
    struct emit_rm b = fp_operand_rm(e, ins, ins->b);
    int d = emit_v_def_apart(e, i);
    emit_vex_i(e, fp_opcode(ins, 0xc2), d, a, b, predicate);
    fp_clear_above(e, ins, d, ins->a);
}

void emit_op_FCMEQ(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_mask(e, i, ins, 0x00); /* EQ_OQ */
}

void emit_op_FCMGE(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_mask(e, i, ins, 0x0d); /* GE_OS */
}

void emit_op_FCMGT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_mask(e, i, ins, 0x0e); /* GT_OS */
}

void emit_op_FCMLE(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_mask(e, i, ins, 0x02); /* LE_OS */
}

void emit_op_FCMLT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_mask(e, i, ins, 0x01); /* LT_OS */
}

static void emit_absolute_mask(struct emit *e, ir_ref i, const struct ir_ins *ins,
                               unsigned predicate)
{
    int a = fp_operand(e, ins, ins->a), b = fp_operand(e, ins, ins->b);
    int d = emit_v_def_apart(e, i), t = emit_v_tmp(e);
    struct x64_mem mask = fp_abs_mask(e, ins->size);
    x64_vex_m(&e->a, VANDPS, d, a, mask);
    x64_vex_m(&e->a, VANDPS, t, b, mask);
    x64_vex_i(&e->a, fp_opcode(ins, 0xc2), d, d, t, predicate);
    fp_clear_above(e, ins, d, ins->a);
}

void emit_op_FACGE(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_absolute_mask(e, i, ins, 0x0d);
}

void emit_op_FACGT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_absolute_mask(e, i, ins, 0x0e);
}

static void compare(struct emit *e, const struct ir_ins *ins, int a, struct emit_rm b)
{
    bool signalling = fp_variant(ins) & 1; /* vcomisd, else vucomisd */
    emit_vex(e, VEX_OP((ins->size & 15) == 8, 1, 0, signalling ? 0x2f : 0x2e), a, 0, b);
}

void emit_op_FCMP(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_v(e, ins->a);
    compare(e, ins, a, emit_v_rm(e, ins->b));
    flags_made(e, i, X64_FLAGS_FCMP);
}

/* Both ways end in cpu->nzcv. */
void emit_op_FCCMP(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    unsigned nzcv = ins->size >> 4;
    uint32_t stored = (nzcv & 8 ? NZCV_N : 0) | (nzcv & 4 ? NZCV_Z : 0) | (nzcv & 2 ? 0 : NZCV_NC) |
                      (nzcv & 1 ? NZCV_V : 0);
    struct flags_test t = {CC_E, 0};
    unsigned cond = ins->aux >> 8 & 15;
    uint32_t no[2] = {0, 0}, yes = 0;
    if (cond < IR_AL)
        t = flags_condition(e, ins->c, cond);
    emit_i_fixed(e, HOST_RAX);
    emit_i_fixed(e, HOST_RCX);
    int a = emit_v(e, ins->a);
    struct emit_rm b = emit_v_rm(e, ins->b);
    if (cond < IR_AL) {
        if (t.parity < 0)
            no[0] = x64_jump_short(&e->a, CC_P);
        if (t.parity > 0)
            yes = x64_jump_short(&e->a, CC_P);
        no[1] = x64_jump_short(&e->a, t.cc ^ 1);
    }
    if (yes)
        x64_bind_short(&e->a, yes);
    compare(e, ins, a, b);
    flags_save_code(&e->a, X64_FLAGS_FCMP);
    if (cond < IR_AL) {
        uint32_t done = x64_jump_short(&e->a, -1);
        for (unsigned k = 0; k < 2; k++)
            if (no[k])
                x64_bind_short(&e->a, no[k]);
        x64_rm_imm(&e->a, 0xc7, 4, 0, emit_cpu((uint32_t)offsetof(struct cpu, nzcv)), 4,
                   (int32_t)stored);
        x64_bind_short(&e->a, done);
    }
    flags_lost(e);
    e->flags = i;
    e->flags_home = true;
}

static void to_gpr(struct emit *e, unsigned size, int r, struct emit_rm v)
{
    if (v.is_mem)
        x64_rm(&e->a, 0x8b, size, r, v.m);
    else
        x64_vex(&e->a, VMOVQ_TO(size == 8), v.reg, 0, r);
}

/* Without a branch, which would often be mispredicted. */
void emit_op_FCSEL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    ir_ref yes = ins->b, no = ins->c;
    unsigned cond = ins->aux & 15;
    if (cond >= IR_AL)
        no = yes;
    struct flags_test t = {CC_E, 0};
    if (yes != no)
        t = flags_condition(e, ins->a, cond);
    if (t.parity < 0) { /* not (not cc or parity) */
        yes = ins->c;
        no = ins->b;
        t = (struct flags_test){(int8_t)(t.cc ^ 1), 1};
    }
    int y = emit_i_tmp(e), n = emit_i_tmp(e);
    to_gpr(e, ins->size, y, emit_v_rm(e, yes));
    if (yes != no) {
        to_gpr(e, ins->size, n, emit_v_rm(e, no));
        x64_rr(&e->a, 0x0f40u | (unsigned)t.cc, ins->size, n, y);
        if (t.parity > 0)
            x64_rr(&e->a, 0x0f40u | CC_P, ins->size, n, y);
        y = n;
    }
    x64_vex(&e->a, VMOVQ_FROM(ins->size == 8), emit_v_def(e, i), 0, y);
}

/* ---- integral values and formats: the host's NaNs are the guest's ---- */
static uint32_t round_opcode(const struct ir_ins *ins)
{
    return VEX_OP(1, 3, 0, 8 + (ins->size == 8) + (fp_form(ins) == IR_FP_SCALAR ? 2 : 0));
}

void emit_op_FRINT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = fp_operand(e, ins, ins->a), d = emit_v_def_apart(e, i);
    x64_vex_i(&e->a, round_opcode(ins), d, fp_form(ins) == IR_FP_SCALAR ? a : 0, a,
              fp_variant(ins));
    fp_clear_above(e, ins, d, ins->a);
}

void emit_op_FWIDEN(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_v(e, ins->a), d = emit_v_def_apart(e, i);
    if (fp_form(ins) == IR_FP_SCALAR) {
        x64_vex(&e->a, VEX_OP(2, 1, 0, 0x5a), d, a, a); /* vcvtss2sd */
        fp_clear_above(e, ins, d, ins->a);
    } else {
        x64_vex(&e->a, VEX_OP(0, 1, 0, 0x5a), d, 0, a); /* vcvtps2pd */
    }
}

void emit_op_FNARROW(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    bool scalar = fp_form(ins) == IR_FP_SCALAR;
    int a = emit_v(e, ins->a), d = emit_v_def_apart(e, i);
    x64_vex(&e->a, fp_opcode(ins, 0x5a), d, scalar ? a : 0, a); /* vcvtsd2ss, vcvtpd2ps */
    if (scalar && !fp_is_narrow(e, ins->a, 4))
        x64_vex_i(&e->a, VEX_OP(1, 3, 0, 0x21), d, d, d, 14); /* vinsertps */
    if (!(emit_mode(e) & IR_MODE_UNDERFLOW))
        return;
    struct fp_cold c = {.from = fp_jump_odd(e, ins, d, true), .result = d, .v[0] = fp_reg(a)};
    fp_cold_done(e, i, &c);
}

/* ---- to an integer ---- */
/* Jump if |a| (or a, when it may not be negative) is not below 2^limit. */
static uint32_t jump_big(struct emit *e, const struct ir_ins *ins, int a, int t, unsigned limit)
{
    bool is_double = ins->size == 8;
    unsigned shift = is_double ? 52 : 23, bias = is_double ? 1023 : 127;
    x64_vex(&e->a, VMOVQ_TO(is_double), a, 0, t);
    if (!(fp_variant(ins) & IR_FP_UNSIGNED)) {
        x64_rr(&e->a, 0x03, ins->size, t, t);
        shift++;
    }
    x64_rr(&e->a, 0xc1, ins->size, 5, t); /* shr */
    x64_byte(&e->a, shift);
    x64_rr(&e->a, 0x81, 4, 7, t); /* cmp */
    x64_u32(&e->a, bias + limit);
    return x64_jump(&e->a, CC_AE);
}

void emit_op_FTOI(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    unsigned mode = fp_variant(ins) & 3;
    bool wide = fp_variant(ins) & IR_FP_WIDE, positive = fp_variant(ins) & IR_FP_UNSIGNED;
    int a = emit_v(e, ins->a), source = a, d = emit_i_def(e, i);
    if (mode != 3) /* before the jump: it may spill */
        source = emit_v_tmp(e);
    struct fp_cold c = {.result = d, .v[0] = fp_reg(a)};
    bool first = positive || (mode != 3 && ins->size == 8 && !wide);
    if (positive)
        c.from = jump_big(e, ins, a, d, wide ? 63 : mode == 3 ? 32 : 31);
    else if (first)
        c.from = jump_big(e, ins, a, d, 30);
    if (mode != 3)
        x64_vex_i(&e->a, VEX_OP(1, 3, 0, 10 + (ins->size == 8)), source, a, a, mode);
    bool to_64 = wide || positive;
    x64_vex(&e->a, VEX_OP(ins->size == 8 ? 3 : 2, 1, to_64, 0x2c), d, 0, source);
    if (!first) { /* the smallest integer: cmp d, 1 overflows */
        x64_rr(&e->a, 0x83, wide ? 8 : 4, 7, d);
        x64_byte(&e->a, 1);
        c.from = x64_jump(&e->a, CC_O);
    }
    fp_cold_done(e, i, &c);
}

void emit_op_VFTOI(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    unsigned mode = fp_variant(ins) & 3;
    bool positive = fp_variant(ins) & IR_FP_UNSIGNED;
    int a = fp_operand(e, ins, ins->a), d = emit_v_def_apart(e, i), t = emit_v_tmp(e);
    struct fp_cold c = {.result = d, .v[0] = fp_reg(a)};
    if (positive) { /* negative, or 2^31 and above */
        x64_vex_m(&e->a, VEX_OP(1, 1, 0, 0x6f), t, 0, fp_const(e, 4, 0x4effffff));
        x64_vex(&e->a, VEX_OP(1, 1, 0, 0x66), t, a, t); /* vpcmpgtd */
        x64_vex(&e->a, VORPS, t, t, a);
        c.from = fp_jump_mask(e, 4, t);
    }
    int source = a;
    if (mode != 3) {
        x64_vex_i(&e->a, VEX_OP(1, 3, 0, 8), d, 0, a, mode);
        source = d;
    }
    x64_vex(&e->a, VEX_OP(2, 1, 0, 0x5b), d, 0, source); /* vcvttps2dq */
    if (!positive) {
        x64_vex_m(&e->a, VEX_OP(1, 1, 0, 0x76), t, d, fp_sign_mask(e, 4)); /* vpcmpeqd */
        c.from = fp_jump_mask(e, 4, t);
    }
    fp_cold_done(e, i, &c);
}

/* ---- from an integer ---- */
void emit_op_ITOF(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    bool wide = fp_variant(ins) & IR_FP_WIDE, positive = fp_variant(ins) & IR_FP_UNSIGNED;
    int a = emit_i(e, ins->a), source = a;
    if (positive && !wide) {
        source = emit_i_tmp(e);
        x64_mov(&e->a, 4, source, a);
    }
    int d = emit_v_def(e, i);
    struct fp_cold c = {.result = d, .v[0] = fp_reg(a)};
    if (positive && wide) {
        x64_rr(&e->a, 0x85, 8, a, a);
        c.from = x64_jump(&e->a, CC_S);
    }
    x64_vex(&e->a, VXORPS, d, d, d);
    x64_vex(&e->a, VEX_OP(ins->size == 8 ? 3 : 2, 1, wide || positive, 0x2a), d, d, source);
    if (c.from)
        fp_cold_done(e, i, &c);
}

/* Unsigned: both halves are exact, their sum is rounded once. */
void emit_op_VITOF(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    const uint32_t convert = VEX_OP(0, 1, 0, 0x5b); /* vcvtdq2ps */
    int a = fp_operand(e, ins, ins->a), d = emit_v_def_apart(e, i);
    if (!(fp_variant(ins) & IR_FP_UNSIGNED)) {
        x64_vex(&e->a, convert, d, 0, a);
        return;
    }
    int t = emit_v_tmp(e);
    x64_vex_i(&e->a, VEX_OP(1, 1, 0, 0x72), 2, t, a, 16); /* vpsrld */
    x64_vex_m(&e->a, VANDPS, d, a, fp_const(e, 4, 0xffff));
    x64_vex(&e->a, convert, t, 0, t);
    x64_vex(&e->a, convert, d, 0, d);
    x64_vex_m(&e->a, VEX_OP(1, 2, 0, 0xb8), d, t, fp_const(e, 4, 0x47800000)); /* vfmadd231ps */
}
