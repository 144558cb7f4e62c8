// SPDX-License-Identifier: Apache-2.0
#include "engine/x64/asm.h"

void x64_byte(struct x64_asm *a, unsigned byte)
{
    if (a->p < a->end)
        *a->p++ = (uint8_t)byte;
    else
        a->full = true;
}

void x64_u32(struct x64_asm *a, uint32_t value)
{
    if (a->end - a->p < 4) {
        a->full = true;
        return;
    }
    __builtin_memcpy(a->p, &value, 4);
    a->p += 4;
}

void x64_u64(struct x64_asm *a, uint64_t value)
{
    x64_u32(a, (uint32_t)value);
    x64_u32(a, (uint32_t)(value >> 32));
}

/* Prefixes, REX and opcode. byte_regs: registers whose byte form needs a REX (spl..dil). */
static void put_opcode(struct x64_asm *a, uint32_t opcode, unsigned size, unsigned rex)
{
    if (size == 2)
        x64_byte(a, 0x66);
    if (opcode >> 24)
        x64_byte(a, opcode >> 24);
    if (size == 8)
        rex |= 0x48;
    if (rex)
        x64_byte(a, 0x40 | rex);
    if (opcode & 0xff0000)
        x64_byte(a, (opcode >> 16) & 0xff);
    if (opcode & 0xffff00)
        x64_byte(a, (opcode >> 8) & 0xff);
    x64_byte(a, opcode & 0xff);
}

/* A REX without bits, so that 4 to 7 mean spl to dil. */
static unsigned byte_rex(unsigned size, int reg)
{
    return size == 1 && reg >= 4 ? 0x40 : 0;
}

void x64_rr(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, int rm)
{
    unsigned rex = (reg & 8) >> 1 | (rm & 8) >> 3 | byte_rex(size, reg) | byte_rex(size, rm);
    put_opcode(a, opcode, size, rex);
    x64_byte(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static void put_rip(struct x64_asm *a, unsigned reg, int32_t target, unsigned behind)
{
    x64_byte(a, reg | 5);
    uint32_t end = x64_here(a) + 4 + behind;
    if (target >= X64_POOL) {
        if (a->fixup_count == a->fixup_room)
            a->full = true;
        else
            a->fixups[a->fixup_count++] =
                (struct x64_fixup){x64_here(a), end, (uint32_t)(target - X64_POOL)};
    }
    x64_u32(a, (uint32_t)target - end);
}

/* ModRM, SIB and displacement; `behind`: bytes of the instruction that follow them. */
static void put_mem(struct x64_asm *a, int reg, struct x64_mem m, unsigned behind)
{
    unsigned r = (reg & 7) << 3;
    if (m.base == X64_RIP) {
        put_rip(a, r, m.disp, behind);
        return;
    }
    if (m.base == X64_ABS) {
        x64_byte(a, r | 4);
        x64_byte(a, m.scale << 6 | (m.index >= 0 ? m.index & 7 : 4) << 3 | 5);
        x64_u32(a, (uint32_t)m.disp);
        return;
    }
    unsigned mod = m.disp == 0 && (m.base & 7) != 5 ? 0 : m.disp == (int8_t)m.disp ? 0x40 : 0x80;
    if (m.index >= 0 || (m.base & 7) == 4) {
        unsigned index = m.index >= 0 ? m.index & 7 : 4;
        x64_byte(a, mod | r | 4);
        x64_byte(a, m.scale << 6 | index << 3 | (m.base & 7));
    } else {
        x64_byte(a, mod | r | (m.base & 7));
    }
    if (mod == 0x40)
        x64_byte(a, m.disp & 0xff);
    else if (mod == 0x80)
        x64_u32(a, (uint32_t)m.disp);
}

static unsigned mem_rex(int reg, struct x64_mem m)
{
    return (reg & 8) >> 1 | (m.index >= 0 ? (m.index & 8) >> 2 : 0) |
           (m.base >= 0 ? (m.base & 8) >> 3 : 0);
}

static void put_imm(struct x64_asm *a, unsigned imm_size, int32_t imm)
{
    for (unsigned i = 0; i < imm_size; i++)
        x64_byte(a, (uint32_t)imm >> (8 * i) & 0xff);
}

void x64_rm_imm(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, struct x64_mem m,
                unsigned imm_size, int32_t imm)
{
    put_opcode(a, opcode, size, mem_rex(reg, m) | byte_rex(size, reg));
    put_mem(a, reg, m, imm_size);
    put_imm(a, imm_size, imm);
}

void x64_rm(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, struct x64_mem m)
{
    x64_rm_imm(a, opcode, size, reg, m, 0, 0);
}

/* r, x, b: the high bits of reg, index and base/rm. */
static void put_vex(struct x64_asm *a, uint32_t op, int src1, unsigned rex)
{
    unsigned map = op >> 8 & 0xf, pp = op >> 16 & 3, w = op >> 20 & 1, l = op >> 24 & 1;
    unsigned last = (~(unsigned)src1 & 15) << 3 | l << 2 | pp;
    if (map == 1 && !w && !(rex & 3)) {
        x64_byte(a, 0xc5);
        x64_byte(a, (rex & 4 ? 0 : 0x80) | last);
    } else {
        x64_byte(a, 0xc4);
        x64_byte(a, (~rex & 7) << 5 | map);
        x64_byte(a, w << 7 | last);
    }
    x64_byte(a, op & 0xff);
}

void x64_vex(struct x64_asm *a, uint32_t op, int dst, int src1, int src2)
{
    put_vex(a, op, src1, (dst & 8) >> 1 | (src2 & 8) >> 3);
    x64_byte(a, 0xc0 | (dst & 7) << 3 | (src2 & 7));
}

void x64_vex_m(struct x64_asm *a, uint32_t op, int dst, int src1, struct x64_mem m)
{
    put_vex(a, op, src1, mem_rex(dst, m));
    put_mem(a, dst, m, 0);
}

void x64_vex_i(struct x64_asm *a, uint32_t op, int dst, int src1, int src2, unsigned imm8)
{
    x64_vex(a, op, dst, src1, src2);
    x64_byte(a, imm8 & 0xff);
}

void x64_vex_mi(struct x64_asm *a, uint32_t op, int dst, int src1, struct x64_mem m, unsigned imm8)
{
    put_vex(a, op, src1, mem_rex(dst, m));
    put_mem(a, dst, m, 1);
    x64_byte(a, imm8 & 0xff);
}

void x64_mov(struct x64_asm *a, unsigned size, int dst, int src)
{
    x64_rr(a, 0x8b, size, dst, src);
}

void x64_mov_imm(struct x64_asm *a, int reg, uint64_t value)
{
    if (value <= UINT32_MAX) {
        if (reg & 8)
            x64_byte(a, 0x41);
        x64_byte(a, 0xb8 | (reg & 7));
        x64_u32(a, (uint32_t)value);
    } else if ((int64_t)value == (int32_t)value) {
        x64_rr(a, 0xc7, 8, 0, reg);
        x64_u32(a, (uint32_t)value);
    } else {
        x64_byte(a, 0x48 | (reg & 8) >> 3);
        x64_byte(a, 0xb8 | (reg & 7));
        x64_u64(a, value);
    }
}

uint32_t x64_jump(struct x64_asm *a, int cc)
{
    if (cc < 0) {
        x64_byte(a, 0xe9);
    } else {
        x64_byte(a, 0x0f);
        x64_byte(a, 0x80 | cc);
    }
    x64_u32(a, 0);
    return x64_here(a);
}

void x64_bind(struct x64_asm *a, uint32_t jump)
{
    if (a->full)
        return;
    int32_t distance = (int32_t)(x64_here(a) - jump);
    __builtin_memcpy(a->start + jump - 4, &distance, 4);
}

uint32_t x64_jump_short(struct x64_asm *a, int cc)
{
    x64_byte(a, cc < 0 ? 0xeb : 0x70 | cc);
    x64_byte(a, 0);
    return x64_here(a);
}

void x64_bind_short(struct x64_asm *a, uint32_t jump)
{
    if (!a->full)
        a->start[jump - 1] = (uint8_t)(x64_here(a) - jump);
}

void x64_jump_to(struct x64_asm *a, int cc, uint32_t target)
{
    int32_t distance = (int32_t)(target - x64_here(a)) - 2;
    if (distance == (int8_t)distance) {
        x64_byte(a, cc < 0 ? 0xeb : 0x70 | cc);
        x64_byte(a, distance & 0xff);
        return;
    }
    if (cc < 0) {
        x64_byte(a, 0xe9);
    } else {
        x64_byte(a, 0x0f);
        x64_byte(a, 0x80 | cc);
    }
    x64_u32(a, target - x64_here(a) - 4);
}
