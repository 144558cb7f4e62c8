/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer operations without flags results: arithmetic, logic, shifts, bit fields. An emitter gets
 * its operands, then its result, then emits (emit.h).
 */
#include "engine/x64/emit_int.h"

#define BMI_ANDN VEX_OP(0, 2, 0, 0xf2)
#define BMI_SHLX VEX_OP(1, 2, 0, 0xf7)
#define BMI_SARX VEX_OP(2, 2, 0, 0xf7)
#define BMI_SHRX VEX_OP(3, 2, 0, 0xf7)
#define BMI_RORX VEX_OP(3, 3, 0, 0xf0)
#define BMI_MULX VEX_OP(3, 2, 1, 0xf6)
#define VEX_W (1u << 20)

static uint32_t vex_size(uint32_t op, unsigned size)
{
    return size == 8 ? op | VEX_W : op;
}

void int_move(struct emit *e, unsigned size, int dst, struct emit_rm src)
{
    if (src.is_mem)
        x64_rm(&e->a, 0x8b, size, dst, src.m);
    else if (src.reg != dst || size < 8)
        x64_mov(&e->a, size, dst, src.reg);
}

void int_move_value(struct emit *e, unsigned size, int dst, ir_ref v)
{
    uint64_t imm;
    if (emit_is_const(e, v, &imm))
        x64_mov_imm(&e->a, dst, size == 4 ? (uint32_t)imm : imm);
    else
        int_move(e, size, dst, emit_i_rm(e, v));
}

bool int_const(struct emit *e, ir_ref v, unsigned size, int32_t *ret_imm)
{
    uint64_t imm;
    if (!emit_is_const(e, v, &imm) || (size == 8 && !fits32((int64_t)imm)))
        return false;
    *ret_imm = (int32_t)imm;
    return true;
}

void int_op(struct emit *e, uint32_t opcode, unsigned size, int dst, struct emit_rm src)
{
    if (src.is_mem)
        x64_rm(&e->a, opcode, size, dst, src.m);
    else
        x64_rr(&e->a, opcode, size, dst, src.reg);
}

/* op reg, imm of the 80/81/83 group. */
void int_op_imm(struct emit *e, unsigned digit, unsigned size, int reg, int32_t imm)
{
    bool small = imm == (int8_t)imm;
    x64_rr(&e->a, small ? 0x83 : 0x81, size, (int)digit, reg);
    if (small)
        x64_byte(&e->a, (uint32_t)imm & 0xff);
    else
        x64_u32(&e->a, (uint32_t)imm);
}

/* Operands of int_binary, before its destination is chosen: those in scratch registers stay. */
void int_operands(struct emit *e, const struct ir_ins *ins)
{
    uint64_t value;
    if (!emit_is_const(e, ins->a, &value))
        emit_i_rm(e, ins->a);
    if (!emit_is_const(e, ins->b, &value))
        emit_i_rm(e, ins->b);
}

/* dst = a op b where the host's form overwrites its first operand; digit: opcode is digit * 8 + 3.
 */
void int_binary(struct emit *e, const struct ir_ins *ins, int dst, unsigned digit)
{
    unsigned size = ins->size;
    bool commutes = digit != 5 && digit != 3;
    int32_t imm;
    flags_lost(e);
    if (int_const(e, ins->b, size, &imm)) {
        int_move_value(e, size, dst, ins->a);
        int_op_imm(e, digit, size, dst, imm);
        return;
    }
    struct emit_rm b = emit_i_rm(e, ins->b);
    if (!b.is_mem && b.reg == dst) {
        struct emit_rm a = emit_i_rm(e, ins->a);
        if (!a.is_mem && a.reg == dst) {
            int_op(e, digit * 8 + 3, size, dst, b);
        } else if (commutes) {
            int_op(e, digit * 8 + 3, size, dst, a);
        } else {
            int t = emit_i_tmp(e);
            int_move_value(e, size, t, ins->a);
            int_op(e, digit * 8 + 3, size, t, b);
            x64_mov(&e->a, 8, dst, t);
        }
        return;
    }
    uint64_t value;
    if (emit_is_const(e, ins->a, &value)) {
        x64_mov_imm(&e->a, dst, size == 4 ? (uint32_t)value : value);
    } else {
        struct emit_rm a = emit_i_rm(e, ins->a);
        if (a.is_mem || a.reg != dst)
            int_move(e, size, dst, a);
    }
    int_op(e, digit * 8 + 3, size, dst, b);
}

static void lea(struct emit *e, unsigned size, int dst, struct x64_mem m)
{
    if (m.index < 0 && m.disp == 0 && m.base >= 0) {
        if (m.base != dst || size == 4)
            x64_mov(&e->a, size, dst, m.base);
        return;
    }
    x64_rm(&e->a, 0x8d, size, dst, m);
}

static void add_const(struct emit *e, ir_ref i, const struct ir_ins *ins, int32_t imm)
{
    int a = emit_i(e, ins->a);
    int dst = emit_i_def(e, i);
    lea(e, ins->size, dst, (struct x64_mem){(int8_t)a, -1, 0, imm});
}

static struct emit_rm in_register(struct emit *e, ir_ref v)
{
    return (struct emit_rm){.reg = (int8_t)emit_i(e, v)};
}

void emit_op_ADD(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int32_t imm;
    if (int_const(e, ins->b, ins->size, &imm)) {
        add_const(e, i, ins, imm);
        return;
    }
    bool busy = flags_busy(e);
    struct emit_rm a = emit_i_rm(e, ins->a), b = emit_i_rm(e, ins->b);
    if (a.is_mem && (busy || b.is_mem))
        a = in_register(e, ins->a);
    if (b.is_mem && busy)
        b = in_register(e, ins->b);
    int dst = emit_i_def(e, i);
    if (a.is_mem || (!b.is_mem && b.reg == dst)) { /* b is the register to be added to */
        struct emit_rm t = a;
        a = b;
        b = t;
    }
    if (!busy && (dst == a.reg || b.is_mem)) {
        if (dst != a.reg)
            x64_mov(&e->a, ins->size, dst, a.reg);
        int_op(e, 0x03, ins->size, dst, b);
        flags_lost(e);
    } else {
        lea(e, ins->size, dst, (struct x64_mem){a.reg, b.reg, 0, 0});
    }
}

void emit_op_SUB(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int32_t imm;
    if (int_const(e, ins->b, ins->size, &imm) && imm != INT32_MIN) {
        add_const(e, i, ins, -imm);
        return;
    }
    if (!flags_busy(e)) {
        int_operands(e, ins);
        int_binary(e, ins, emit_i_def(e, i), 5);
        return;
    }
    int a = emit_i(e, ins->a), t = emit_i_tmp(e);
    int_move_value(e, 8, t, ins->b);
    if (ins->b != ins->a)
        emit_i_unlock(e, ins->b);
    x64_rr(&e->a, 0xf7, 8, 2, t); /* not: a - b = a + ~b + 1 */
    int dst = emit_i_def(e, i);
    lea(e, ins->size, dst, (struct x64_mem){(int8_t)a, (int8_t)t, 0, 1});
}

static void logic(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned digit)
{
    int_operands(e, ins);
    int_binary(e, ins, emit_i_def(e, i), digit);
}

void emit_op_AND(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    logic(e, i, ins, 4);
}

void emit_op_OR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    logic(e, i, ins, 1);
}

void emit_op_XOR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    logic(e, i, ins, 6);
}

void emit_op_ANDN(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct emit_rm a = emit_i_rm(e, ins->a);
    int b = emit_i(e, ins->b);
    int dst = emit_i_def(e, i);
    emit_vex(e, vex_size(BMI_ANDN, ins->size), dst, b, a);
    flags_lost(e);
}

/* One-operand form on a copy; digit 2 not, 3 neg. */
static void unary(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned digit)
{
    struct emit_rm a = emit_i_rm(e, ins->a);
    int dst = emit_i_def(e, i);
    if (a.is_mem || a.reg != dst)
        int_move(e, ins->size, dst, a);
    x64_rr(&e->a, 0xf7, ins->size, (int)digit, dst);
}

void emit_op_NOT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    unary(e, i, ins, 2);
}

void emit_op_NEG(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    bool keep = flags_busy(e);
    unary(e, i, ins, keep ? 2 : 3);
    if (!keep) {
        flags_lost(e);
        return;
    }
    struct loc l = e->loc[i];
    int dst = l.kind == LOC_HOME ? x64_pin(false, l.n) : l.reg;
    lea(e, ins->size, dst, (struct x64_mem){(int8_t)dst, -1, 0, 1});
}

/* Shift by a constant; digit of the c1 group: 4 shl, 5 shr, 7 sar. */
static void shift_imm(struct emit *e, unsigned digit, unsigned size, int reg, unsigned count)
{
    if (!count)
        return;
    x64_rr(&e->a, 0xc1, size, (int)digit, reg);
    x64_byte(&e->a, count);
    flags_lost(e);
}

static void shift(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned digit, uint32_t bmi)
{
    unsigned size = ins->size;
    uint64_t count;
    struct emit_rm a = emit_i_rm(e, ins->a);
    if (emit_is_const(e, ins->b, &count)) {
        count &= size * 8 - 1;
        if (digit == 4 && count <= 3 && count && !a.is_mem) {
            int dst = emit_i_def(e, i);
            struct x64_mem m = count == 1 ? (struct x64_mem){a.reg, a.reg, 0, 0}
                                          : (struct x64_mem){X64_ABS, a.reg, (uint8_t)count, 0};
            x64_rm(&e->a, 0x8d, size, dst, m);
            return;
        }
        if (!flags_busy(e)) {
            int dst = emit_i_def(e, i);
            if (a.is_mem || a.reg != dst || (size == 4 && !count))
                int_move(e, size, dst, a);
            shift_imm(e, digit, size, dst, (unsigned)count);
            return;
        }
    }
    int n = emit_i(e, ins->b);
    int dst = emit_i_def(e, i);
    uint32_t op = vex_size(bmi, size);
    if (a.is_mem)
        x64_vex_m(&e->a, op, dst, n, a.m);
    else
        x64_vex(&e->a, op, dst, n, a.reg);
}

void emit_op_SHL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    shift(e, i, ins, 4, BMI_SHLX);
}

void emit_op_SHR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    shift(e, i, ins, 5, BMI_SHRX);
}

void emit_op_SAR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    shift(e, i, ins, 7, BMI_SARX);
}

void emit_op_ROR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    uint64_t count;
    if (emit_is_const(e, ins->b, &count)) {
        struct emit_rm a = emit_i_rm(e, ins->a);
        int dst = emit_i_def(e, i);
        emit_vex_i(e, vex_size(BMI_RORX, ins->size), dst, 0, a,
                   (unsigned)count & (ins->size * 8 - 1));
        return;
    }
    emit_i_fixed(e, HOST_RCX);
    int_move_value(e, 8, HOST_RCX, ins->b);
    emit_i_unlock(e, ins->b);
    int t = emit_i_tmp(e);
    int_move_value(e, ins->size, t, ins->a);
    x64_rr(&e->a, 0xd3, ins->size, 1, t); /* ror t, cl */
    flags_lost(e);
    int dst = emit_i_def_apart(e, i);
    x64_mov(&e->a, 8, dst, t);
}

void emit_op_ADDSH(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    unsigned count = ins->imm & 63, size = ins->size;
    int a = emit_i(e, ins->a);
    int b = emit_i(e, ins->b);
    if (count > 3) {
        int t = emit_i_tmp(e);
        if (flags_busy(e)) {
            x64_mov_imm(&e->a, t, count);
            x64_vex(&e->a, vex_size(BMI_SHLX, size), t, t, b);
        } else {
            x64_mov(&e->a, size, t, b);
            shift_imm(e, 4, size, t, count);
        }
        b = t;
        count = 0;
        if (ins->a != ins->b)
            emit_i_unlock(e, ins->b);
    }
    int dst = emit_i_def(e, i);
    x64_rm(&e->a, 0x8d, size, dst, (struct x64_mem){(int8_t)a, (int8_t)b, (uint8_t)count, 0});
}

void emit_op_MUL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int32_t imm;
    struct emit_rm a = emit_i_rm(e, ins->a);
    if (int_const(e, ins->b, ins->size, &imm)) {
        int dst = emit_i_def(e, i);
        if (a.is_mem) {
            x64_rm_imm(&e->a, 0x69, ins->size, dst, a.m, 4, imm);
        } else {
            x64_rr(&e->a, 0x69, ins->size, dst, a.reg);
            x64_u32(&e->a, (uint32_t)imm);
        }
    } else {
        int b = emit_i(e, ins->b);
        int dst = emit_i_def(e, i);
        if (dst == b) {
            int_op(e, 0x0faf, ins->size, dst, a);
        } else {
            if (a.is_mem || a.reg != dst)
                int_move(e, ins->size, dst, a);
            x64_rr(&e->a, 0x0faf, ins->size, dst, b);
        }
    }
    flags_lost(e);
}

void emit_op_UMULH(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_i_fixed(e, HOST_RDX);
    int_move_value(e, 8, HOST_RDX, ins->a);
    emit_i_unlock(e, ins->a);
    struct emit_rm b = emit_i_rm(e, ins->b);
    int dst = emit_i_def_apart(e, i);
    emit_vex(e, BMI_MULX, dst, dst, b);
}

void emit_op_SMULH(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_i_fixed(e, HOST_RAX);
    emit_i_fixed(e, HOST_RDX);
    int b = emit_i(e, ins->b);
    int_move_value(e, 8, HOST_RAX, ins->a);
    x64_rr(&e->a, 0xf7, 8, 5, b);
    flags_lost(e);
    e->i.locked &= (uint8_t) ~(1u << 2); /* rax is free again */
    int dst = emit_i_def_apart(e, i);
    x64_mov(&e->a, 8, dst, HOST_RDX);
}

/* By zero: 0. rax, rdx and b's register are all that there is. */
void emit_op_UDIV(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_i_fixed(e, HOST_RAX);
    emit_i_fixed(e, HOST_RDX);
    int b = emit_i(e, ins->b);
    int_move_value(e, ins->size, HOST_RAX, ins->a);
    x64_rr(&e->a, 0x85, ins->size, b, b);
    uint32_t divide = x64_jump_short(&e->a, CC_NE);
    x64_mov_imm(&e->a, HOST_RAX, 0);
    uint32_t done = x64_jump_short(&e->a, -1);
    x64_bind_short(&e->a, divide);
    x64_rr(&e->a, 0x33, 4, HOST_RDX, HOST_RDX);
    x64_rr(&e->a, 0xf7, ins->size, 6, b);
    x64_bind_short(&e->a, done);
    flags_lost(e);
    e->i.locked &= (uint8_t) ~(1u << 1);
    int dst = emit_i_def_apart(e, i);
    x64_mov(&e->a, ins->size, dst, HOST_RAX);
}

/* b = 0 and b = -1 are -(a & b); all else cannot trap. */
void emit_op_SDIV(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_i_fixed(e, HOST_RAX);
    emit_i_fixed(e, HOST_RDX);
    int b = emit_i(e, ins->b);
    int_move_value(e, ins->size, HOST_RAX, ins->a);
    x64_rm(&e->a, 0x8d, ins->size, HOST_RDX, (struct x64_mem){(int8_t)b, -1, 0, 1});
    int_op_imm(e, 7, ins->size, HOST_RDX, 1);
    uint32_t divide = x64_jump_short(&e->a, CC_A);
    x64_rr(&e->a, 0x23, ins->size, HOST_RAX, b);
    x64_rr(&e->a, 0xf7, ins->size, 3, HOST_RAX);
    uint32_t done = x64_jump_short(&e->a, -1);
    x64_bind_short(&e->a, divide);
    if (ins->size == 8)
        x64_byte(&e->a, 0x48);
    x64_byte(&e->a, 0x99); /* cdq, cqo */
    x64_rr(&e->a, 0xf7, ins->size, 7, b);
    x64_bind_short(&e->a, done);
    flags_lost(e);
    e->i.locked &= (uint8_t) ~(1u << 1);
    int dst = emit_i_def_apart(e, i);
    x64_mov(&e->a, ins->size, dst, HOST_RAX);
}

static void bit_scan(struct emit *e, ir_ref i, const struct ir_ins *ins, uint32_t opcode)
{
    struct emit_rm a = emit_i_rm(e, ins->a);
    int dst = emit_i_def(e, i);
    int_op(e, opcode, ins->size, dst, a);
    flags_lost(e);
}

void emit_op_CLZ(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    bit_scan(e, i, ins, 0xf3000fbd);
}

void emit_op_CTZ(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    bit_scan(e, i, ins, 0xf3000fbc);
}

static void bswap(struct emit *e, unsigned size, int reg)
{
    x64_byte(&e->a, (size == 8 ? 0x48 : 0x40) | (reg & 8) >> 3);
    x64_byte(&e->a, 0x0f);
    x64_byte(&e->a, 0xc8 | (reg & 7));
}

/* Exchange neighbouring groups of n bits: t = reg >> n & m; reg = (reg & m) << n | t. */
static void swap_groups(struct emit *e, int reg, int t, int mask, unsigned n)
{
    x64_mov(&e->a, 8, t, reg);
    shift_imm(e, 5, 8, t, n);
    x64_rr(&e->a, 0x23, 8, t, mask);
    x64_rr(&e->a, 0x23, 8, reg, mask);
    shift_imm(e, 4, 8, reg, n);
    x64_rr(&e->a, 0x0b, 8, reg, t);
}

void emit_op_RBIT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    static const uint64_t masks[3] = {0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f};
    int r = emit_i_tmp(e);
    int_move_value(e, ins->size, r, ins->a);
    int t = emit_i_tmp(e), mask = emit_i_tmp(e);
    bswap(e, ins->size, r);
    for (unsigned k = 0; k < 3; k++) {
        x64_mov_imm(&e->a, mask, masks[k]);
        swap_groups(e, r, t, mask, 1u << k);
    }
    flags_lost(e);
    e->i.locked = 1u << 0 | 1u << 1 | 1u << 2;
    e->i.locked &= (uint8_t) ~(mask == HOST_RCX ? 1u : mask == HOST_RDX ? 2u : 4u);
    int dst = emit_i_def_apart(e, i);
    x64_mov(&e->a, 8, dst, r);
}

void emit_op_REV(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct emit_rm a = emit_i_rm(e, ins->a);
    int dst = emit_i_def(e, i);
    if (a.is_mem || a.reg != dst)
        int_move(e, ins->size, dst, a);
    bswap(e, ins->size, dst);
}

void emit_op_REV32(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    emit_op_REV(e, i, ins);
    struct loc l = e->loc[i];
    int dst = l.kind == LOC_HOME ? x64_pin(false, l.n) : l.reg;
    x64_vex_i(&e->a, BMI_RORX | VEX_W, dst, 0, dst, 32);
}

void emit_op_REV16(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int r = emit_i_tmp(e);
    int_move_value(e, ins->size, r, ins->a);
    int t = emit_i_tmp(e), mask = emit_i_tmp(e);
    x64_mov_imm(&e->a, mask, 0x00ff00ff00ff00ff);
    swap_groups(e, r, t, mask, 8);
    flags_lost(e);
    e->i.locked &= (uint8_t) ~(mask == HOST_RCX ? 1u : mask == HOST_RDX ? 2u : 4u);
    int dst = emit_i_def_apart(e, i);
    x64_mov(&e->a, ins->size, dst, r);
}

static uint32_t extend_opcode(unsigned bytes, bool sign)
{
    if (bytes == 1)
        return sign ? 0x0fbe : 0x0fb6;
    if (bytes == 2)
        return sign ? 0x0fbf : 0x0fb7;
    return sign ? 0x63 : 0x8b;
}

/* The low `bytes` of a, extended; the byte forms of sil, dil, ... need a REX. */
void int_extend(struct emit *e, unsigned size, int dst, struct emit_rm a, unsigned bytes, bool sign)
{
    uint32_t op = extend_opcode(bytes, sign);
    unsigned width = sign ? size : 4;
    if (sign && bytes == 4 && size == 4)
        op = 0x8b;
    if (a.is_mem) {
        x64_rm(&e->a, op, width, dst, a.m);
    } else if (bytes == 1 && a.reg >= 4 && a.reg < 8 && width == 4 && dst < 8) {
        x64_byte(&e->a, 0x40);
        x64_rr(&e->a, op, width, dst, a.reg);
    } else {
        x64_rr(&e->a, op, width, dst, a.reg);
    }
}

static void extend(struct emit *e, ir_ref i, const struct ir_ins *ins, bool sign)
{
    struct emit_rm a = emit_i_rm(e, ins->a);
    int dst = emit_i_def(e, i);
    int_extend(e, ins->size, dst, a, (unsigned)ins->imm, sign);
}

void emit_op_ZEXT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    extend(e, i, ins, false);
}

void emit_op_SEXT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    extend(e, i, ins, true);
}

static void extract(struct emit *e, ir_ref i, const struct ir_ins *ins, bool sign)
{
    unsigned bits = ins->size * 8u, lsb = ins->imm & 63, width = (unsigned)(ins->imm >> 8) & 127;
    struct emit_rm a = emit_i_rm(e, ins->a);
    int dst = emit_i_def(e, i);
    if (!lsb && (width == 8 || width == 16 || width == 32)) {
        int_extend(e, ins->size, dst, a, width / 8, sign);
        return;
    }
    if (a.is_mem || a.reg != dst)
        int_move(e, ins->size, dst, a);
    if (!sign && width < 32) {
        shift_imm(e, 5, ins->size, dst, lsb);
        if (lsb + width < bits)
            int_op_imm(e, 4, 4, dst, (int32_t)((1u << width) - 1));
    } else {
        shift_imm(e, 4, ins->size, dst, bits - lsb - width);
        shift_imm(e, sign ? 7 : 5, ins->size, dst, bits - width);
    }
    flags_lost(e);
}

void emit_op_UBFX(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    extract(e, i, ins, false);
}

void emit_op_SBFX(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    extract(e, i, ins, true);
}

/* t = the low `width` bits of b, at lsb. */
static void field(struct emit *e, const struct ir_ins *ins, int t, unsigned lsb, unsigned width)
{
    unsigned size = ins->size, bits = size * 8;
    int_move_value(e, size, t, ins->b);
    if (lsb + width == bits) {
        shift_imm(e, 4, size, t, lsb);
    } else if (width < 32) {
        int_op_imm(e, 4, 4, t, (int32_t)((1u << width) - 1));
        shift_imm(e, 4, size, t, lsb);
    } else {
        shift_imm(e, 4, size, t, bits - width);
        shift_imm(e, 5, size, t, bits - width - lsb);
    }
}

void emit_op_BFI(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    unsigned size = ins->size, lsb = ins->imm & 63, width = (unsigned)(ins->imm >> 8) & 127;
    uint64_t mask = (width == 64 ? ~0ull : (1ull << width) - 1) << lsb;
    int t = emit_i_tmp(e);
    field(e, ins, t, lsb, width);
    emit_i_unlock(e, ins->b);
    int r = emit_i_tmp(e);
    if (size == 4 || fits32((int64_t)~mask)) {
        int_move_value(e, size, r, ins->a);
        int_op_imm(e, 4, size, r, (int32_t)~mask);
    } else {
        struct emit_rm a = emit_i_rm(e, ins->a);
        x64_mov_imm(&e->a, r, ~mask);
        int_op(e, 0x23, size, r, a);
    }
    x64_rr(&e->a, 0x0b, size, r, t);
    flags_lost(e);
    e->i.locked &= (uint8_t) ~(t == HOST_RCX ? 1u : t == HOST_RDX ? 2u : 4u);
    int dst = emit_i_def(e, i);
    x64_mov(&e->a, 8, dst, r);
}

void emit_op_EXTR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    unsigned n = (unsigned)ins->imm & (ins->size * 8 - 1);
    if (ins->a == ins->b) {
        struct emit_rm rm = emit_i_rm(e, ins->a);
        int dst = emit_i_def(e, i);
        emit_vex_i(e, vex_size(BMI_RORX, ins->size), dst, 0, rm, n);
        return;
    }
    int a = emit_i(e, ins->a);
    struct emit_rm b = emit_i_rm(e, ins->b);
    int dst = emit_i_def_apart(e, i);
    int_move(e, ins->size, dst, b);
    if (n) {
        x64_rr(&e->a, 0x0fac, ins->size, a, dst); /* shrd dst, a, n */
        x64_byte(&e->a, n);
        flags_lost(e);
    }
}

void emit_op_CRC32(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int t = emit_i_tmp(e);
    int_move_value(e, 4, t, ins->a);
    struct emit_rm b = emit_i_rm(e, ins->b);
    int_op(e, ins->size == 1 ? 0xf20f38f0 : 0xf20f38f1, ins->size, t, b);
    int dst = emit_i_def(e, i);
    x64_mov(&e->a, 4, dst, t);
}
