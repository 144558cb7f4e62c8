/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating-point arithmetic: inline, with the exact function behind a branch.
 *
 * The idea: the host's instruction gives the guest's result and flags unless a NaN comes out (which
 * one differs, and so do the flags of some), or, where the guest looks at FPSR, the smallest normal
 * number (tininess is found before rounding there, behind it here). Then a cold place gives the
 * operands to the helper, whose flags go to cpu->fpsr.
 *
 * Invariants
 *  1. The result is made in a register that is none of the operands': the cold place needs them.
 *  2. What the host raises before the jump, the guest's instruction raises too.
 *  3. A scalar's result has zeros above. The host keeps the bits of its first source there: they
 * are cleared unless they are known to be zeros (struct emit's width, width_v).
 *  4. Vectors of 64 bits are computed in 128: their upper halves must be zeros, lest they raise
 * flags.
 */
#include "engine/x64/emit_fp.h"

#define V_LOAD VEX_OP(1, 1, 0, 0x6f)  /* vmovdqa xmm, m */
#define V_STORE VEX_OP(1, 1, 0, 0x7f) /* vmovdqa m, xmm */
#define VMOVQ VEX_OP(2, 1, 0, 0x7e)   /* low 64 bits, zeros above */
#define VINSERTPS VEX_OP(1, 3, 0, 0x21)

/* ---- widths: how many bytes of a vector value may be other than zero ---- */
static uint8_t least(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static uint8_t most(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static uint8_t constant_width(const struct emit *e, const struct ir_ins *ins)
{
    uint64_t high = ins->op == IR_VMOVI ? ins->imm : e->r->ins[ins->a].imm;
    return high ? 16 : ins->imm >> 32 ? 8 : 4;
}

static uint8_t float_width(const struct ir_ins *ins)
{
    uint8_t half = ins->op == IR_FNARROW ? 8 : 16;
    switch (fp_form(ins)) {
    case IR_FP_SCALAR:
        return ins->op == IR_FNARROW ? 4 : ins->size;
    case IR_FP_HALF: /* of the operand */
        return ins->op == IR_FWIDEN ? 16 : 8;
    default:
        return half;
    }
}

static uint8_t width_of(const struct emit *e, const struct ir_ins *ins)
{
    switch (ins->op) {
    case IR_GETV:
        return e->width_v[ins->imm & 31];
    case IR_LDV:
    case IR_VZEXT:
    case IR_FMOVI:
    case IR_FCSEL:
    case IR_ITOF:
        return ins->size;
    case IR_VMOVI:
    case IR_VCONST:
        return constant_width(e, ins);
    case IR_VAND:
        return least(e->use[ins->a].width, e->use[ins->b].width);
    case IR_VXOR:
    case IR_VOR:
        return most(e->use[ins->a].width, e->use[ins->b].width);
    default:
        return ins->op >= IR_FADD && ins->op <= IR_VITOF ? float_width(ins) : 16;
    }
}

void fp_note_width(struct emit *e, ir_ref i)
{
    const struct ir_ins *ins = &e->r->ins[i];
    if (ir_op_info[ins->op].result == 'V')
        e->use[i].width = width_of(e, ins);
    else if (ins->op == IR_PUTV)
        e->width_v[ins->imm & 31] = e->use[ins->a].width;
    else if (ins->op == IR_CALL || ins->op == IR_CALLR || ins->op == IR_SYSCALL)
        fp_forget_widths(e);
}

void fp_forget_widths(struct emit *e)
{
    const uint64_t all = 0x1010101010101010; /* 16 each */
    for (unsigned n = 0; n < sizeof(e->width_v); n += sizeof(all))
        __builtin_memcpy(&e->width_v[n], &all, sizeof(all));
}

bool fp_is_narrow(const struct emit *e, ir_ref v, unsigned size)
{
    return e->use[v].width <= size;
}

/* ---- constants ---- */
struct x64_mem fp_const(struct emit *e, unsigned size, uint64_t value)
{
    if (size == 4)
        value = (uint32_t)value | value << 32;
    return emit_const16(e, value, value);
}

struct x64_mem fp_abs_mask(struct emit *e, unsigned size)
{
    return fp_const(e, size, ~0ull >> (size == 8 ? 1 : 33));
}

struct x64_mem fp_sign_mask(struct emit *e, unsigned size)
{
    return fp_const(e, size, 1ull << (size * 8 - 1));
}

/* ---- the exact function ---- */
static struct x64_mem varg(unsigned k)
{
    return emit_cpu((uint32_t)offsetof(struct cpu, varg) + 16 * k);
}

static struct x64_mem arg(unsigned k)
{
    return emit_cpu((uint32_t)offsetof(struct cpu, arg) + 8 * k);
}

/* No register but the result's changes. */
static void call(struct emit *e, const struct ir_ins *ins, int result)
{
    struct x64_mem high = arg(3);
    high.disp += 4;
    x64_rm_imm(&e->a, 0xc7, 4, 0, arg(3), 4, (int32_t)(uint32_t)ins->imm);
    x64_rm_imm(&e->a, 0xc7, 4, 0, high, 4, (int32_t)(ins->imm >> 32));
    emit_helper(e, ins->aux & 255);
    if (ir_op_info[ins->op].result == 'I')
        x64_rm(&e->a, 0x8b, 8, result, emit_cpu((uint32_t)offsetof(struct cpu, ret)));
    else
        x64_vex_m(&e->a, V_LOAD, result, 0, emit_cpu((uint32_t)offsetof(struct cpu, vret)));
}

void fp_emit_exact(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    const struct ir_op_info *info = &ir_op_info[ins->op];
    const ir_ref v[3] = {ins->a, ins->b, ins->c};
    for (unsigned k = 0; k < 3; k++)
        if (v[k] != IR_NONE && info->a == 'V')
            x64_vex_m(&e->a, V_STORE, emit_v(e, v[k]), 0, varg(k));
    if (info->a == 'I')
        x64_rm(&e->a, 0x89, 8, emit_i(e, ins->a), arg(0));
    e->v.locked = e->i.locked = 0;
    call(e, ins, info->result == 'I' ? emit_i_def_apart(e, i) : emit_v_def_apart(e, i));
}

/* An operand in the six numbers of a cold place: a register, a place in struct cpu, a constant. */
enum { IN_MEMORY = 1 << 24, NO_OPERAND = -1 };

static int32_t pack_operand(struct emit_rm v)
{
    return !v.is_mem ? v.reg : v.m.base == X64_RIP ? v.m.disp : v.m.disp + IN_MEMORY;
}

static struct x64_mem packed_place(int32_t v)
{
    return v >= X64_POOL ? (struct x64_mem){X64_RIP, -1, 0, v}
                         : (struct x64_mem){HOST_RBP, -1, 0, v - IN_MEMORY};
}

/* n[0-2]: operands, n[3]: the result's register, n[4]: the operation */
static void cold(struct emit *e, const struct emit_cold *c)
{
    const struct ir_ins *ins = &e->r->ins[c->n[4]];
    bool integer = ir_op_info[ins->op].a == 'I';
    for (unsigned k = 0; k < 3; k++) {
        int32_t v = c->n[k];
        if (v == NO_OPERAND)
            continue;
        if (integer) {
            x64_rm(&e->a, 0x89, 8, v, arg(0));
            continue;
        }
        if (v > 15) { /* only with a vector result */
            x64_vex_m(&e->a, V_LOAD, c->n[3], 0, packed_place(v));
            v = c->n[3];
        }
        x64_vex_m(&e->a, V_STORE, v, 0, varg(k));
    }
    call(e, ins, c->n[3]);
    x64_jump_to(&e->a, -1, c->back);
}

void fp_cold_done(struct emit *e, ir_ref i, const struct fp_cold *f)
{
    const struct ir_ins *ins = &e->r->ins[i];
    struct emit_cold c = {.fn = cold, .from = f->from, .back = x64_here(&e->a)};
    const ir_ref v[3] = {ins->a, ins->b, ins->c};
    for (unsigned k = 0; k < 3; k++)
        c.n[k] = v[k] == IR_NONE ? NO_OPERAND : pack_operand(f->v[k]);
    c.n[3] = f->result;
    c.n[4] = i;
    emit_cold(e, &c);
    flags_lost(e); /* the test for the cold way used EFLAGS */
}

/* ---- operands and results ---- */
int fp_operand(struct emit *e, const struct ir_ins *ins, ir_ref v)
{
    if (fp_form(ins) != IR_FP_HALF || fp_is_narrow(e, v, 8))
        return emit_v(e, v);
    struct emit_rm rm = emit_v_rm(e, v);
    int t = emit_v_tmp(e);
    emit_vex(e, VMOVQ, t, 0, rm);
    if (v != ins->c) /* which may have been asked for before */
        emit_v_unlock(e, v);
    return t;
}

struct emit_rm fp_operand_rm(struct emit *e, const struct ir_ins *ins, ir_ref v)
{
    if (fp_form(ins) != IR_FP_HALF || fp_is_narrow(e, v, 8))
        return emit_v_rm(e, v);
    return fp_reg(fp_operand(e, ins, v));
}

void fp_clear(struct emit *e, const struct ir_ins *ins, int reg, bool clean)
{
    unsigned size = fp_form(ins) == IR_FP_HALF ? 8 : ins->size;
    if (clean || fp_form(ins) == IR_FP_FULL)
        return;
    if (size == 8)
        x64_vex(&e->a, VMOVQ, reg, 0, reg);
    else
        x64_vex_i(&e->a, VINSERTPS, reg, reg, reg, 14);
}

void fp_clear_above(struct emit *e, const struct ir_ins *ins, int reg, ir_ref base)
{
    fp_clear(e, ins, reg, fp_form(ins) == IR_FP_SCALAR && fp_is_narrow(e, base, ins->size));
}

/* By way of a general register: one operation less than vtestpd. */
uint32_t fp_jump_mask(struct emit *e, unsigned size, int mask)
{
    int r = emit_i_tmp(e);
    x64_vex(&e->a, VEX_OP(size == 8, 1, 0, 0x50), r, 0, mask); /* vmovmskpd */
    x64_rr(&e->a, 0x85, 4, r, r);
    return x64_jump(&e->a, CC_NE);
}

/* Smallest normal numbers: equal or unordered in one comparison. */
static uint32_t jump_tiny(struct emit *e, const struct ir_ins *ins, int reg, unsigned size)
{
    struct x64_mem min = fp_const(e, size, size == 8 ? 1ull << 52 : 1ull << 23);
    int t = emit_v_tmp(e);
    x64_vex_m(&e->a, VANDPS, t, reg, fp_abs_mask(e, size));
    if (fp_form(ins) == IR_FP_SCALAR) {
        x64_vex_m(&e->a, VEX_OP(size == 8, 1, 0, 0x2e), t, 0, min); /* vucomisd */
        return x64_jump(&e->a, CC_E);
    }
    x64_vex_mi(&e->a, VEX_OP(size == 8, 1, 0, 0xc2), t, t, min, 8); /* vcmpeq_uqpd */
    return fp_jump_mask(e, size, t);
}

uint32_t fp_jump_odd(struct emit *e, const struct ir_ins *ins, int reg, bool tiny)
{
    unsigned size = ins->op == IR_FNARROW ? 4 : ins->size;
    if (tiny && emit_mode(e) & IR_MODE_UNDERFLOW)
        return jump_tiny(e, ins, reg, size);
    if (fp_form(ins) == IR_FP_SCALAR) {
        x64_vex(&e->a, VEX_OP(size == 8, 1, 0, 0x2e), reg, 0, reg);
        return x64_jump(&e->a, CC_P);
    }
    int t = emit_v_tmp(e);
    x64_vex_i(&e->a, VEX_OP(size == 8, 1, 0, 0xc2), t, reg, reg, 3); /* vcmpunordpd */
    return fp_jump_mask(e, size, t);
}

/* ---- two operands ---- */
enum finish { PLAIN, NEGATE, ABSOLUTE };

struct two {
    uint8_t opcode; /* of the ps form */
    bool commutes;  /* a op b = b op a */
    bool tiny;      /* may underflow */
    uint8_t finish; /* enum finish */
};

/* The first source's upper bits become the result's: a loaded scalar has none. */
static void emit_two(struct emit *e, ir_ref i, const struct ir_ins *ins, struct two op)
{
    ir_ref a = ins->a, b = ins->b;
    bool scalar = fp_form(ins) == IR_FP_SCALAR;
    if (op.commutes && scalar && !fp_is_narrow(e, a, ins->size) && fp_is_narrow(e, b, ins->size)) {
        a = ins->b;
        b = ins->a;
    }
    int first = fp_operand(e, ins, a);
    struct emit_rm second = fp_operand_rm(e, ins, b);
    int d = emit_v_def_apart(e, i);
    emit_vex(e, fp_opcode(ins, op.opcode), d, first, second);
    fp_clear_above(e, ins, d, a);
    struct fp_cold c = {.from = fp_jump_odd(e, ins, d, op.tiny), .result = d};
    if (op.finish == NEGATE)
        x64_vex_m(&e->a, VXORPS, d, d, emit_const16(e, 1ull << (ins->size * 8 - 1), 0));
    else if (op.finish == ABSOLUTE)
        x64_vex_m(&e->a, VANDPS, d, d, fp_abs_mask(e, ins->size));
    c.v[a == ins->a ? 0 : 1] = fp_reg(first);
    c.v[a == ins->a ? 1 : 0] = second;
    fp_cold_done(e, i, &c);
}

void emit_op_FADD(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_two(e, i, ins, (struct two){0x58, true, false, PLAIN});
}

void emit_op_FSUB(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_two(e, i, ins, (struct two){0x5c, false, false, PLAIN});
}

void emit_op_FMUL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_two(e, i, ins, (struct two){0x59, true, true, PLAIN});
}

void emit_op_FNMUL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_two(e, i, ins, (struct two){0x59, true, true, NEGATE});
}

void emit_op_FABD(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_two(e, i, ins, (struct two){0x5c, false, false, ABSOLUTE});
}

/* 0 / 0 above the lower half would be invalid. */
void emit_op_FDIV(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (fp_form(ins) == IR_FP_HALF)
        fp_emit_exact(e, i, ins);
    else
        emit_two(e, i, ins, (struct two){0x5e, false, true, PLAIN});
}

void emit_op_FSQRT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = fp_operand(e, ins, ins->a), d = emit_v_def_apart(e, i);
    bool scalar = fp_form(ins) == IR_FP_SCALAR;
    x64_vex(&e->a, fp_opcode(ins, 0x51), d, scalar ? a : 0, a);
    fp_clear_above(e, ins, d, ins->a);
    struct fp_cold c = {.from = fp_jump_odd(e, ins, d, false), .result = d, .v[0] = fp_reg(a)};
    fp_cold_done(e, i, &c);
}

/* A scalar is the sum of the first two elements of a. */
void emit_op_FADDP(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (fp_form(ins) == IR_FP_HALF) {
        fp_emit_exact(e, i, ins);
        return;
    }
    int a = emit_v(e, ins->a), d;
    struct fp_cold c = {.v[0] = fp_reg(a)};
    if (fp_form(ins) == IR_FP_SCALAR) {
        d = emit_v_def_apart(e, i);
        x64_vex_i(&e->a, VEX_OP(1, 1, 0, 0x73), 3, d, a, ins->size); /* vpsrldq */
        x64_vex(&e->a, fp_opcode(ins, 0x58), d, d, a);
        fp_clear(e, ins, d, ins->size == 8);
    } else {
        c.v[1] = emit_v_rm(e, ins->b);
        d = emit_v_def_apart(e, i);
        emit_vex(e, VEX_OP(ins->size == 8 ? 1 : 3, 1, 0, 0x7c), d, a, c.v[1]);
    }
    c.from = fp_jump_odd(e, ins, d, false);
    c.result = d;
    fp_cold_done(e, i, &c);
}

/* ---- greatest and least: the host takes the second operand of two zeros and of NaNs ---- */
static void emit_extreme(struct emit *e, ir_ref i, const struct ir_ins *ins, bool max)
{
    int a = fp_operand(e, ins, ins->a), b = fp_operand(e, ins, ins->b);
    int d = emit_v_def_apart(e, i), t = emit_v_tmp(e);
    struct fp_cold c = {.result = d, .v = {fp_reg(a), fp_reg(b)}};
    if (fp_form(ins) == IR_FP_SCALAR) {
        x64_vex(&e->a, VEX_OP(ins->size == 8, 1, 0, 0x2e), a, 0, b);
        c.from = x64_jump(&e->a, CC_P);
    } else {
        x64_vex_i(&e->a, VEX_OP(ins->size == 8, 1, 0, 0xc2), t, a, b, 3);
        c.from = fp_jump_mask(e, ins->size, t);
    }
    uint32_t opcode = fp_opcode(ins, max ? 0x5f : 0x5d);
    x64_vex(&e->a, opcode, d, a, b);
    x64_vex(&e->a, opcode, t, b, a);
    x64_vex(&e->a, max ? VANDPS : VORPS, d, d, t);
    bool clean_a = fp_is_narrow(e, ins->a, ins->size), clean_b = fp_is_narrow(e, ins->b, ins->size);
    if (fp_form(ins) == IR_FP_SCALAR)
        fp_clear(e, ins, d, max ? clean_a || clean_b : clean_a && clean_b);
    fp_cold_done(e, i, &c);
}

void emit_op_FMAX(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_extreme(e, i, ins, true);
}

void emit_op_FMIN(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_extreme(e, i, ins, false);
}

void emit_op_FMAXNM(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_extreme(e, i, ins, true);
}

void emit_op_FMINNM(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_extreme(e, i, ins, false);
}

/* ---- fused multiply-add: the result's register first holds c (form 231), or a from memory (213);
 * a scalar is cut to its size on the way ---- */
static void load_base(struct emit *e, const struct ir_ins *ins, int d, struct emit_rm v)
{
    bool half = fp_form(ins) == IR_FP_HALF;
    bool cut = fp_form(ins) == IR_FP_SCALAR && !fp_is_narrow(e, ins->c, ins->size);
    if (!v.is_mem && cut && ins->size == 4)
        x64_vex_i(&e->a, VINSERTPS, d, v.reg, v.reg, 14);
    else if (!v.is_mem && cut)
        x64_vex(&e->a, VMOVQ, d, 0, v.reg);
    else if (!v.is_mem)
        x64_vex(&e->a, half ? VMOVQ : VMOVAPS, d, 0, v.reg);
    else if (fp_form(ins) == IR_FP_SCALAR) /* vmovsd, vmovss: zeros above */
        x64_vex_m(&e->a, VEX_OP(ins->size == 8 ? 3 : 2, 1, 0, 0x10), d, 0, v.m);
    else
        x64_vex_m(&e->a, half ? VMOVQ : V_LOAD, d, 0, v.m);
}

static void emit_fma(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned opcode)
{
    bool scalar = fp_form(ins) == IR_FP_SCALAR;
    uint32_t op = VEX_OP(1, 2, ins->size == 8, opcode + scalar);
    struct emit_rm c = emit_v_rm(e, ins->c), a = fp_operand_rm(e, ins, ins->a), b, base;
    bool from_c = c.is_mem || !a.is_mem || fp_form(ins) == IR_FP_HALF;
    b = from_c && !a.is_mem ? fp_operand_rm(e, ins, ins->b) : fp_reg(fp_operand(e, ins, ins->b));
    int d = emit_v_def_apart(e, i);
    base = from_c ? c : a;
    load_base(e, ins, d, base);
    if (!from_c) /* a is in memory, c in a register */
        x64_vex(&e->a, op - 0x10, d, b.reg, c.reg);
    else if (a.is_mem)
        x64_vex_m(&e->a, op, d, b.reg, a.m);
    else
        emit_vex(e, op, d, a.reg, b);
    struct fp_cold f = {.from = fp_jump_odd(e, ins, d, true), .result = d, .v = {a, b, c}};
    if (fp_form(ins) == IR_FP_HALF)
        fp_clear(e, ins, d, false);
    fp_cold_done(e, i, &f);
}

void emit_op_FMADD(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_fma(e, i, ins, 0xb8);
}

void emit_op_FMSUB(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_fma(e, i, ins, 0xbc);
}

void emit_op_FNMADD(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_fma(e, i, ins, 0xbe);
}

void emit_op_FNMSUB(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_fma(e, i, ins, 0xba);
}
