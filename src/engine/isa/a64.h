/* SPDX-License-Identifier: Apache-2.0
 *
 * A64 instruction words: decoding. The rows are those of a64.isa.
 */
#ifndef ENGINE_ISA_A64_H
#define ENGINE_ISA_A64_H

#include "engine/isa/a64_rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ISA_FLAGS_READ = 1, ISA_FLAGS_WRITE = 2 };
enum { ISA_MEM_LOAD = 1, ISA_MEM_STORE = 2 };

struct a64_row_info {
    const char *name;    /* "add_imm" */
    const char *group;   /* "int", "mem", "branch", "sys", "simd", "fp" */
    const char *feature; /* "" for the base of ARMv8.0 */
    uint8_t flags;       /* ISA_FLAGS_* */
    uint8_t mem;         /* ISA_MEM_* */
    uint8_t branch;      /* control may go elsewhere than to the next instruction */
    uint32_t mask;       /* fixed bits */
    uint32_t value;      /* and what they are */
};
extern const struct a64_row_info a64_row_info[A64_ROW_COUNT];

/* The row of a word, A64_UNDEFINED when it is unallocated (or not for user level). */
enum a64_row a64_decode(uint32_t word);

/* The word's text, as LLVM and GNU write it; pc is where it stands. The longest is under 100 bytes.
 */
void a64_disasm(char *buf, size_t n, uint32_t word, uint64_t pc);

/* The fields of row r: a64_fields[a64_row_fields[r]] up to a64_row_fields[r + 1], from the left. */
struct isa_field {
    const char *name; /* as in the table */
    uint8_t at;       /* lowest bit */
    uint8_t width;    /* bits */
    uint8_t reg;      /* names a register */
};
extern const struct isa_field a64_fields[];
extern const uint16_t a64_row_fields[A64_ROW_COUNT + 1];

/* A word that decodes as the row, with a taste for corners: equal registers, 31, extreme
 * immediates. rng is any number and moves on. Hosted builds only. */
uint32_t a64_random(enum a64_row row, uint64_t *rng);

/* Logical immediates (Arm ARM, DecodeBitMasks): is (n, immr, imms) one for this size? Its value. */
bool a64_bitmask_ok(unsigned sf, unsigned n, unsigned immr, unsigned imms);
uint64_t a64_bitmask(unsigned sf, unsigned n, unsigned immr, unsigned imms);
/* Can MOVZ or MOVN make this value of 32 or 64 bits? Then it is how `mov` is written. */
bool a64_movw_alias(unsigned sf, uint64_t value);

#endif
