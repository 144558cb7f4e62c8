/* SPDX-License-Identifier: Apache-2.0
 *
 * An x86-64 assembler into a buffer. Names of registers are their numbers (0-15, GPR or xmm).
 * Running out of room is sticky (`full`), checked once at the end.
 */
#ifndef ENGINE_X64_ASM_H
#define ENGINE_X64_ASM_H

#include <stdbool.h>
#include <stdint.h>

struct x64_asm {
    uint8_t *start;           /* write view of the first byte */
    uint8_t *p;               /* next byte */
    uint8_t *end;             /* behind the last byte that may be written */
    bool full;                /* sticky: something did not fit */
    bool jumped;              /* a jump was emitted since the caller cleared this */
    struct x64_fixup *fixups; /* places that name the constant pool, patched at the end; caller's */
    uint32_t fixup_count;     /* entries in use */
    uint32_t fixup_room;      /* entries there are */
};

/* A rip-relative displacement that names the constant pool, whose place is known at the end. */
struct x64_fixup {
    uint32_t at;     /* offset of the displacement */
    uint32_t behind; /* offset of the instruction's end */
    uint32_t pool;   /* offset within the pool */
};

/* A memory operand: [base + index << scale + disp], or a rip-relative place in the code's pool. */
struct x64_mem {
    int8_t base;   /* GPR, X64_RIP or X64_ABS */
    int8_t index;  /* GPR (not rsp), or -1 */
    uint8_t scale; /* 0 to 3 */
    int32_t disp;  /* X64_RIP: offset of the target from x64_asm.start (may be negative) */
};
enum { X64_RIP = -2, X64_ABS = -3 /* no base: disp (and index) alone */ };
/* X64_RIP with a disp from here on: byte disp - X64_POOL of the constant pool. */
#define X64_POOL 0x60000000

/* Opcodes of legacy instructions: 0x00-0xff one byte, 0x0fXX two bytes, 0x0f38XX, 0x0f3aXX; with a
 * mandatory prefix in bits 24-31 (66, f2, f3). size: 1, 2, 4, 8 bytes (1 does not change the
 * opcode: give the byte form). imm_size: bytes of immediate behind a rip-relative operand, else 0.
 */
void x64_rr(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, int rm);
void x64_rm(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, struct x64_mem m);
/* A one-byte opcode on the place `target` bytes from x64_asm.start. */
void x64_rip(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, int32_t target);
void x64_rm_imm(struct x64_asm *a, uint32_t opcode, unsigned size, int reg, struct x64_mem m,
                unsigned imm_size, int32_t imm);

/* VEX: VEX_OP(pp, map, w, opcode); pp 0 none 1 66 2 f3 3 f2; map 1 0f, 2 0f38, 3 0f3a.
 * For a two-operand instruction src1 (vvvv) is 0. */
#define VEX_OP(pp, map, w, opcode) ((uint32_t)(opcode) | (map) << 8 | (pp) << 16 | (w) << 20)
#define VEX_256 (1u << 24)
void x64_vex(struct x64_asm *a, uint32_t op, int dst, int src1, int src2);
void x64_vex_m(struct x64_asm *a, uint32_t op, int dst, int src1, struct x64_mem m);
void x64_vex_i(struct x64_asm *a, uint32_t op, int dst, int src1, int src2, unsigned imm8);
void x64_vex_mi(struct x64_asm *a, uint32_t op, int dst, int src1, struct x64_mem m, unsigned imm8);

void x64_byte(struct x64_asm *a, unsigned byte);
void x64_u32(struct x64_asm *a, uint32_t value);
void x64_u64(struct x64_asm *a, uint64_t value);

/* mov reg, value in its shortest form; EFLAGS stay as they are. */
void x64_mov_imm(struct x64_asm *a, int reg, uint64_t value);
void x64_mov(struct x64_asm *a, unsigned size, int dst, int src);

/* Forward jumps: jcc (cc 0-15) or jmp (cc -1) with rel32, bound later to where p is then. */
uint32_t x64_jump(struct x64_asm *a, int cc);       /* returns the offset to give to x64_bind */
void x64_bind(struct x64_asm *a, uint32_t jump);    /* target = here */
uint32_t x64_jump_short(struct x64_asm *a, int cc); /* rel8; the target must be within 127 bytes */
void x64_bind_short(struct x64_asm *a, uint32_t jump);
void x64_jump_to(struct x64_asm *a, int cc,
                 uint32_t target); /* backward, target = offset from start */
static inline uint32_t x64_here(const struct x64_asm *a)
{
    return (uint32_t)(a->p - a->start);
}

/* Host condition codes. */
enum {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G
};

#endif
