/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer vectors: mostly one VEX instruction each, by tables.
 *
 * Invariants
 *  1. Not every element size exists for every operation: asking for another refuses the region.
 *  2. Second operands may be memory; a vector's place in struct cpu and a constant have 16 bytes,
 * so instructions that read fewer may read there, too.
 *  3. Nothing here but VQC changes EFLAGS.
 */
#include "engine/x64/work.h"

#define P1(op) VEX_OP(1, 1, 0, op) /* 66 0f */
#define P2(op) VEX_OP(1, 2, 0, op) /* 66 0f38 */
#define P3(op) VEX_OP(1, 3, 0, op) /* 66 0f3a */

/* a op b, by log2 of the element's size; 0: none. */
static const uint32_t binary[IR_OP_COUNT][4] = {
    [IR_VADD] = {P1(0xfc), P1(0xfd), P1(0xfe), P1(0xd4)},
    [IR_VSUB] = {P1(0xf8), P1(0xf9), P1(0xfa), P1(0xfb)},
    [IR_VADDS] = {P1(0xec), P1(0xed), 0, 0},
    [IR_VADDU] = {P1(0xdc), P1(0xdd), 0, 0},
    [IR_VSUBS] = {P1(0xe8), P1(0xe9), 0, 0},
    [IR_VSUBU] = {P1(0xd8), P1(0xd9), 0, 0},
    [IR_VMUL] = {0, P1(0xd5), P2(0x40), 0},
    [IR_VMULWU] = {0, 0, P1(0xf4), 0},
    [IR_VMULWS] = {0, 0, P2(0x28), 0},
    [IR_VMULHS] = {0, P1(0xe5), 0, 0},
    [IR_VMULHR] = {0, P2(0x0b), 0, 0},
    [IR_VMADD] = {0, P1(0xf5), 0, 0},
    [IR_VSARV] = {0, 0, P2(0x46), 0},
    [IR_VAND] = {P1(0xdb), P1(0xdb), P1(0xdb), P1(0xdb)},
    [IR_VOR] = {P1(0xeb), P1(0xeb), P1(0xeb), P1(0xeb)},
    [IR_VXOR] = {P1(0xef), P1(0xef), P1(0xef), P1(0xef)},
    [IR_VANDN] = {P1(0xdf), P1(0xdf), P1(0xdf), P1(0xdf)},
    [IR_VEQ] = {P1(0x74), P1(0x75), P1(0x76), P2(0x29)},
    [IR_VGT] = {P1(0x64), P1(0x65), P1(0x66), P2(0x37)},
    [IR_VMAXS] = {P2(0x3c), P1(0xee), P2(0x3d), 0},
    [IR_VMAXU] = {P1(0xde), P2(0x3e), P2(0x3f), 0},
    [IR_VMINS] = {P2(0x38), P1(0xea), P2(0x39), 0},
    [IR_VMINU] = {P1(0xda), P2(0x3a), P2(0x3b), 0},
    [IR_VAVG] = {P1(0xe0), P1(0xe3), 0, 0},
    [IR_VZIPL] = {P1(0x60), P1(0x61), P1(0x62), P1(0x6c)},
    [IR_VZIPH] = {P1(0x68), P1(0x69), P1(0x6a), P1(0x6d)},
    [IR_VSHUF] = {P2(0x00), P2(0x00), P2(0x00), P2(0x00)},
    [IR_VSHLV] = {0, 0, P2(0x47), VEX_OP(1, 2, 1, 0x47)},
    [IR_VSHRV] = {0, 0, P2(0x45), VEX_OP(1, 2, 1, 0x45)},
};

static unsigned log2_size(unsigned size)
{
    return size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
}

static void two(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    uint32_t op = binary[ins->op][log2_size(ins->size)];
    if (!op) {
        e->a.full = true;
        return;
    }
    int a = emit_v(e, ins->a);
    struct emit_rm b = emit_v_rm(e, ins->b);
    emit_vex(e, op, emit_v_def(e, i), a, b);
}

#define TWO(name)                                                                                  \
    void emit_op_##name(struct emit *e, ir_ref i, const struct ir_ins *ins)                        \
    {                                                                                              \
        two(e, i, ins);                                                                            \
    }
TWO(VADD)
TWO(VSUB)
TWO(VADDS)
TWO(VADDU)
TWO(VSUBS)
TWO(VSUBU)
TWO(VMUL)
TWO(VMULWU)
TWO(VMULWS)
TWO(VMULHS)
TWO(VMULHR)
TWO(VMADD)
TWO(VSARV)
TWO(VAND)
TWO(VOR)
TWO(VXOR)
TWO(VANDN)
TWO(VEQ)
TWO(VGT)
TWO(VMAXS)
TWO(VMAXU)
TWO(VMINS)
TWO(VMINU)
TWO(VAVG)
TWO(VZIPL)
TWO(VZIPH)
TWO(VSHUF)
TWO(VSHLV)
TWO(VSHRV)

/* One operand, register or memory. */
static void one(struct emit *e, ir_ref i, const struct ir_ins *ins, uint32_t op)
{
    struct emit_rm a = emit_v_rm(e, ins->a);
    emit_vex(e, op, emit_v_def(e, i), 0, a);
}

void emit_op_VABS(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    one(e, i, ins, P2(0x1c + log2_size(ins->size)));
}

void emit_op_VZX(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    static const uint8_t ops[3] = {0x30, 0x33, 0x35};
    one(e, i, ins, P2(ops[log2_size(ins->size)]));
}

void emit_op_VSX(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    static const uint8_t ops[3] = {0x20, 0x23, 0x25};
    one(e, i, ins, P2(ops[log2_size(ins->size)]));
}

/* In the register that it will be put into, or nowhere before somebody asks. */
static void constant(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (alloc_destination(e, i) >= 0)
        alloc_constant(e, emit_v_def(e, i), ins);
    else
        e->loc[i] = (struct loc){LOC_CONST, 0, 0};
}

void emit_op_VMOVI(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    constant(e, i, ins);
}

void emit_op_VCONST(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    constant(e, i, ins);
}

void emit_op_VZEXT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (ins->size == 8) {
        struct emit_rm a = emit_v_rm(e, ins->a);
        emit_vex(e, VEX_OP(2, 1, 0, 0x7e), emit_v_def(e, i), 0, a); /* vmovq */
        return;
    }
    int a = emit_v(e, ins->a);
    uint64_t mask = ins->size == 4 ? 0xffffffff : ins->size == 2 ? 0xffff : 0xff;
    x64_vex_m(&e->a, P1(0xdb), emit_v_def(e, i), a, emit_const16(e, mask, 0));
}

/* Shifts by an immediate: the instruction's destination is in vvvv, its operation in reg. */
static void shift(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned digit)
{
    static const uint8_t ops[4] = {0, 0x71, 0x72, 0x73};
    int a = emit_v(e, ins->a);
    int d = emit_v_def(e, i);
    x64_vex_i(&e->a, P1(ops[log2_size(ins->size)]), (int)digit, d, a, (unsigned)ins->imm);
}

void emit_op_VSHL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    shift(e, i, ins, 6);
}

void emit_op_VSHR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    shift(e, i, ins, 2);
}

void emit_op_VSAR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    shift(e, i, ins, 4);
}

static void byte_shift(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned digit)
{
    int a = emit_v(e, ins->a);
    int d = emit_v_def(e, i);
    x64_vex_i(&e->a, P1(0x73), (int)digit, d, a, (unsigned)ins->imm);
}

void emit_op_VBSHR(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    byte_shift(e, i, ins, 3);
}

void emit_op_VBSHL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    byte_shift(e, i, ins, 7);
}

void emit_op_VPERM(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct emit_rm a = emit_v_rm(e, ins->a);
    emit_vex_i(e, P1(0x70), emit_v_def(e, i), 0, a, (unsigned)ins->imm);
}

void emit_op_VALIGN(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int high = emit_v(e, ins->b);
    struct emit_rm low = emit_v_rm(e, ins->a);
    emit_vex_i(e, P3(0x0f), emit_v_def(e, i), high, low, (unsigned)ins->imm);
}

/* The mask's register is in the upper half of the immediate. */
void emit_op_VSEL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    unsigned op = ins->size == 4 ? 0x4a : ins->size == 8 ? 0x4b : 0x4c;
    int mask = emit_v(e, ins->a);
    int no = emit_v(e, ins->c);
    struct emit_rm yes = emit_v_rm(e, ins->b);
    emit_vex_i(e, P3(op), emit_v_def(e, i), no, yes, (unsigned)mask << 4);
}

void emit_op_VMIX(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_v(e, ins->a);
    struct emit_rm b = emit_v_rm(e, ins->b);
    emit_vex_i(e, ins->size == 4 ? P3(0x02) : P3(0x0e), emit_v_def(e, i), a, b, (unsigned)ins->imm);
}

/* Sticky, so at most the first time is a branch that goes another way. */
void emit_op_VQC(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    struct x64_mem fpsr = emit_cpu((uint32_t)offsetof(struct cpu, fpsr) + 3);
    int32_t bit = (int32_t)(ins->imm >> 24);
    int a = emit_v(e, ins->a);
    struct emit_rm b = emit_v_rm(e, ins->b);
    int t = emit_v_tmp(e);
    x64_rm_imm(&e->a, 0xf6, 1, 0, fpsr, 1, bit); /* test byte */
    uint32_t set = x64_jump_short(&e->a, CC_NE);
    emit_vex(e, P1(0xef), t, a, b);
    x64_vex(&e->a, P2(0x17), t, 0, t); /* vptest */
    uint32_t same = x64_jump_short(&e->a, CC_E);
    x64_rm_imm(&e->a, 0x80, 1, 1, fpsr, 1, bit); /* or byte */
    x64_bind_short(&e->a, same);
    x64_bind_short(&e->a, set);
    flags_lost(e);
}

static uint32_t broadcast(unsigned size)
{
    return size == 1 ? P2(0x78) : size == 2 ? P2(0x79) : size == 4 ? P2(0x58) : P2(0x59);
}

void emit_op_VSPLAT(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_i(e, ins->a);
    int d = emit_v_def(e, i);
    x64_vex(&e->a, VEX_OP(1, 1, ins->size == 8, 0x6e), d, 0, a);
    x64_vex(&e->a, broadcast(ins->size), d, 0, d);
}

/* A byte or halfword that is not the first: its index in each place. */
static void splat_by_bytes(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_v(e, ins->a);
    uint64_t at = ins->imm * ins->size;
    uint64_t map =
        ins->size == 1 ? at * 0x0101010101010101ull : (at | (at + 1) << 8) * 0x0001000100010001ull;
    x64_vex_m(&e->a, P2(0x00), emit_v_def(e, i), a, emit_const16(e, map, map));
}

void emit_op_VSPLATE(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    if (ins->size < 4 && ins->imm) {
        splat_by_bytes(e, i, ins);
        return;
    }
    struct emit_rm a = emit_v_rm(e, ins->a);
    int d = emit_v_def(e, i);
    if (ins->size == 8)
        emit_vex_i(e, P1(0x70), d, 0, a, ins->imm ? 0xee : 0x44);
    else if (ins->imm)
        emit_vex_i(e, P1(0x70), d, 0, a, (unsigned)ins->imm * 0x55);
    else
        emit_vex(e, broadcast(ins->size), d, 0, a);
}

void emit_op_VPERM2(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_v(e, ins->a);
    struct emit_rm b = emit_v_rm(e, ins->b);
    emit_vex_i(e, VEX_OP(0, 1, 0, 0xc6), emit_v_def(e, i), a, b, (unsigned)ins->imm);
}

/* vinsertps; vshufpd, whose first source gives the lower half. */
void emit_op_VINS(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    unsigned to = ins->imm & 15, from = (unsigned)ins->imm >> 4;
    if (ins->size == 4) {
        int a = emit_v(e, ins->a), b = emit_v(e, ins->b);
        x64_vex_i(&e->a, P3(0x21), emit_v_def(e, i), a, b, from << 6 | to << 4);
        return;
    }
    int low = emit_v(e, to ? ins->a : ins->b);
    struct emit_rm high = emit_v_rm(e, to ? ins->b : ins->a);
    emit_vex_i(e, P1(0xc6), emit_v_def(e, i), low, high, to ? from << 1 : from | 2);
}

void emit_op_VLEAST(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    one(e, i, ins, P2(0x41));
}

void emit_op_VGET(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_v(e, ins->a);
    int d = emit_i_def(e, i);
    unsigned n = (unsigned)ins->imm;
    if (ins->size >= 4 && n == 0) {
        x64_vex(&e->a, VEX_OP(1, 1, ins->size == 8, 0x7e), a, 0, d);
        return;
    }
    static const uint8_t ops[4] = {0x14, 0x15, 0x16, 0x16};
    x64_vex_i(&e->a, VEX_OP(1, 3, ins->size == 8, ops[log2_size(ins->size)]), a, 0, d, n);
}

void emit_op_VSET(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    static const uint32_t ops[4] = {P3(0x20), P1(0xc4), P3(0x22), VEX_OP(1, 3, 1, 0x22)};
    int a = emit_v(e, ins->a);
    int b = emit_i(e, ins->b);
    int d = emit_v_def(e, i);
    x64_vex_i(&e->a, ops[log2_size(ins->size)], d, a, b, (unsigned)ins->imm);
}

void emit_op_VTEST(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_v(e, ins->a);
    x64_vex(&e->a, P1(0xd7), emit_i_def(e, i), 0, a);
}

/* A zero for instructions that want a second operand. */
static int zero(struct emit *e)
{
    int z = emit_v_tmp(e);
    x64_vex(&e->a, P1(0xef), z, z, z);
    return z;
}

void emit_op_VSAD(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    struct emit_rm a = emit_v_rm(e, ins->a);
    int z = zero(e);
    emit_vex(e, P1(0xf6), emit_v_def(e, i), z, a);
}

void emit_op_VCLMUL(struct emit *e, ir_ref i, const struct ir_ins *ins)
{
    int a = emit_v(e, ins->a);
    struct emit_rm b = emit_v_rm(e, ins->b);
    emit_vex_i(e, P3(0x44), emit_v_def(e, i), a, b, (unsigned)ins->imm);
}
