/* SPDX-License-Identifier: Apache-2.0
 *
 * Machine code, byte by byte: opcodes, prefixes, operands.
 *
 * Room is looked for once an instruction (no instruction has over 15 bytes). When there is none,
 * `full` is set for good and code goes to the start of the buffer, over what nobody will use.
 */
#include "engine/x64/asm.h"

enum { ROOM = 32 };

/* Where the next instruction goes. */
static inline uint8_t *begin(struct x64_asm *a)
{
    if (a->end - a->p < ROOM) {
        a->full = true;
        a->p = a->start;
    }
    return a->p;
}

static inline uint8_t *put_u32(uint8_t *p, uint32_t value)
{
    __builtin_memcpy(p, &value, 4);
    return p + 4;
}

void x64_byte(struct x64_asm *a, unsigned byte)
{
    uint8_t *p = begin(a);
    *p++ = (uint8_t)byte;
    a->p = p;
}

void x64_u32(struct x64_asm *a, uint32_t value)
{
    a->p = put_u32(begin(a), value);
}

void x64_u64(struct x64_asm *a, uint64_t value)
{
    uint8_t *p = put_u32(begin(a), (uint32_t)value);
    a->p = put_u32(p, (uint32_t)(value >> 32));
}

/* Prefixes, REX and opcode. rex may hold 0x40 alone. */
static inline uint8_t *put_opcode(uint8_t *p, uint32_t opcode, unsigned size, unsigned rex)
{
    if (size == 2)
        *p++ = 0x66;
    if (size == 8)
        rex |= 0x48;
    if (opcode < 0x100) {
        if (rex)
            *p++ = (uint8_t)(0x40 | rex);
        *p++ = (uint8_t)opcode;
        return p;
    }
    if (opcode >> 24)
        *p++ = (uint8_t)(opcode >> 24);
    if (rex)
        *p++ = (uint8_t)(0x40 | rex);
    if (opcode & 0xff0000)
        *p++ = (uint8_t)(opcode >> 16);
    if (opcode & 0xffff00)
        *p++ = (uint8_t)(opcode >> 8);
    *p++ = (uint8_t)opcode;
    return p;
}

/* A REX without bits, so that 4 to 7 mean spl to dil. */
static inline unsigned byte_rex(unsigned size, int reg)
{
    return size == 1 && reg >= 4 ? 0x40 : 0;
}

static inline uint8_t register_operand(int reg, int rm)
{
    return (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7));
}

void x64_rr(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, int rm)
{
    unsigned rex = (reg & 8) >> 1 | (rm & 8) >> 3 | byte_rex(size, reg) | byte_rex(size, rm);
    uint8_t *p = put_opcode(begin(a), opcode, size, rex);
    *p++ = register_operand(reg, rm);
    a->p = p;
}

static uint8_t *put_rip(struct x64_asm *a, uint8_t *p, unsigned reg, int32_t target,
                        unsigned behind)
{
    *p++ = (uint8_t)(reg | 5);
    uint32_t here = (uint32_t)(p - a->start), end = here + 4 + behind;
    if (target >= X64_POOL) {
        if (a->fixup_count == a->fixup_room)
            a->full = true;
        else
            a->fixups[a->fixup_count++] =
                (struct x64_fixup){here, end, (uint32_t)(target - X64_POOL)};
    }
    return put_u32(p, (uint32_t)target - end);
}

/* ModRM, SIB and displacement; `behind`: bytes of the instruction that follow them. */
static inline uint8_t *put_mem(struct x64_asm *a, uint8_t *p, int reg, struct x64_mem m,
                               unsigned behind)
{
    unsigned r = (reg & 7) << 3;
    if (m.base == X64_RIP)
        return put_rip(a, p, r, m.disp, behind);
    if (m.base == X64_ABS) {
        *p++ = (uint8_t)(r | 4);
        *p++ = (uint8_t)(m.scale << 6 | (m.index >= 0 ? m.index & 7 : 4) << 3 | 5);
        return put_u32(p, (uint32_t)m.disp);
    }
    unsigned mod = m.disp == 0 && (m.base & 7) != 5 ? 0 : m.disp == (int8_t)m.disp ? 0x40 : 0x80;
    if (m.index >= 0 || (m.base & 7) == 4) {
        unsigned index = m.index >= 0 ? m.index & 7 : 4;
        *p++ = (uint8_t)(mod | r | 4);
        *p++ = (uint8_t)(m.scale << 6 | index << 3 | (m.base & 7));
    } else {
        *p++ = (uint8_t)(mod | r | (m.base & 7));
    }
    put_u32(p, (uint32_t)m.disp);
    return p + (mod == 0x40 ? 1 : mod == 0x80 ? 4 : 0);
}

static inline unsigned mem_rex(int reg, struct x64_mem m)
{
    return (reg & 8) >> 1 | (m.index >= 0 ? (m.index & 8) >> 2 : 0) |
           (m.base >= 0 ? (m.base & 8) >> 3 : 0);
}

void x64_rm_imm(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, struct x64_mem m,
                unsigned imm_size, int32_t imm)
{
    uint8_t *p = put_opcode(begin(a), opcode, size, mem_rex(reg, m) | byte_rex(size, reg));
    p = put_mem(a, p, reg, m, imm_size);
    put_u32(p, (uint32_t)imm);
    a->p = p + imm_size;
}

/* A one-byte opcode and [base + disp]: most of all. The prefix is written in any case and kept if
 * it says something. */
static inline void short_rm(struct x64_asm *a, uint32_t opcode, unsigned size, int reg,
                            struct x64_mem m)
{
    uint8_t *p = begin(a);
    unsigned rex = (size & 8) | (reg & 8) >> 1 | (m.base & 8) >> 3, base = m.base & 7;
    *p = (uint8_t)(0x40 | rex);
    p += rex != 0;
    *p++ = (uint8_t)opcode;
    unsigned r = (reg & 7) << 3 | base;
    put_u32(p + 1, (uint32_t)m.disp);
    if (m.disp == 0 && base != 5) {
        *p = (uint8_t)r;
        a->p = p + 1;
    } else if (m.disp == (int8_t)m.disp) {
        *p = (uint8_t)(0x40 | r);
        a->p = p + 2;
    } else {
        *p = (uint8_t)(0x80 | r);
        a->p = p + 5;
    }
}

void x64_rip(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, int32_t target)
{
    uint8_t *p = begin(a);
    unsigned rex = (size & 8) | (reg & 8) >> 1;
    *p = (uint8_t)(0x40 | rex);
    p += rex != 0;
    *p++ = (uint8_t)opcode;
    *p++ = (uint8_t)((reg & 7) << 3 | 5);
    a->p = put_u32(p, (uint32_t)target - (uint32_t)(p + 4 - a->start));
}

__attribute__((noinline)) static void any_rm(struct x64_asm *a, uint32_t opcode, unsigned size,
                                             int reg, struct x64_mem m)
{
    uint8_t *p = put_opcode(begin(a), opcode, size, mem_rex(reg, m) | byte_rex(size, reg));
    a->p = put_mem(a, p, reg, m, 0);
}

void x64_rm(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, struct x64_mem m)
{
    if (opcode < 0x100 && size >= 4 && m.base >= 0 && m.index < 0 && (m.base & 7) != 4)
        short_rm(a, opcode, size, reg, m);
    else
        any_rm(a, opcode, size, reg, m);
}

/* r, x, b: the high bits of reg, index and base/rm. */
static uint8_t *put_vex(struct x64_asm *a, uint32_t op, int src1, unsigned rex)
{
    uint8_t *p = begin(a);
    unsigned map = op >> 8 & 0xf, pp = op >> 16 & 3, w = op >> 20 & 1, l = op >> 24 & 1;
    unsigned last = (~(unsigned)src1 & 15) << 3 | l << 2 | pp;
    if (map == 1 && !w && !(rex & 3)) {
        *p++ = 0xc5;
        *p++ = (uint8_t)((rex & 4 ? 0 : 0x80) | last);
    } else {
        *p++ = 0xc4;
        *p++ = (uint8_t)((~rex & 7) << 5 | map);
        *p++ = (uint8_t)(w << 7 | last);
    }
    *p++ = (uint8_t)op;
    return p;
}

void x64_vex(struct x64_asm *a, uint32_t op, int dst, int src1, int src2)
{
    uint8_t *p = put_vex(a, op, src1, (dst & 8) >> 1 | (src2 & 8) >> 3);
    *p++ = register_operand(dst, src2);
    a->p = p;
}

void x64_vex_m(struct x64_asm *a, uint32_t op, int dst, int src1, struct x64_mem m)
{
    a->p = put_mem(a, put_vex(a, op, src1, mem_rex(dst, m)), dst, m, 0);
}

void x64_vex_i(struct x64_asm *a, uint32_t op, int dst, int src1, int src2, unsigned imm8)
{
    x64_vex(a, op, dst, src1, src2);
    *a->p++ = (uint8_t)imm8; /* there is room: begin() */
}

void x64_vex_mi(struct x64_asm *a, uint32_t op, int dst, int src1, struct x64_mem m, unsigned imm8)
{
    uint8_t *p = put_mem(a, put_vex(a, op, src1, mem_rex(dst, m)), dst, m, 1);
    *p++ = (uint8_t)imm8;
    a->p = p;
}

void x64_mov(struct x64_asm *a, unsigned size, int dst, int src)
{
    x64_rr(a, 0x8b, size, dst, src);
}

void x64_mov_imm(struct x64_asm *a, int reg, uint64_t value)
{
    if (value <= UINT32_MAX) {
        uint8_t *p = put_opcode(begin(a), 0xb8 | (reg & 7), 4, (reg & 8) >> 3);
        a->p = put_u32(p, (uint32_t)value);
    } else if ((int64_t)value == (int32_t)value) {
        x64_rr(a, 0xc7, 8, 0, reg);
        x64_u32(a, (uint32_t)value);
    } else {
        a->p = put_opcode(begin(a), 0xb8 | (reg & 7), 8, (reg & 8) >> 3);
        x64_u64(a, value);
    }
}

uint32_t x64_jump(struct x64_asm *a, int cc)
{
    uint8_t *p = begin(a);
    a->jumped = true;
    if (cc < 0) {
        *p++ = 0xe9;
    } else {
        *p++ = 0x0f;
        *p++ = (uint8_t)(0x80 | cc);
    }
    a->p = put_u32(p, 0);
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
    a->jumped = true;
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
