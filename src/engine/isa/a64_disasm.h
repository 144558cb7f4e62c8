/* SPDX-License-Identifier: Apache-2.0
 *
 * The disassembler's inside: templates (generated from a64.isa and a64.asm) and their printing.
 */
#ifndef ENGINE_ISA_A64_DISASM_H
#define ENGINE_ISA_A64_DISASM_H

#include "engine/isa/a64.h"
#include "engine/isa/a64_asm.h"

#include <stddef.h>

/* A template is text; a byte from 128 on is an operand's kind (enum a64_asm) and is followed by two
 * bytes: a field's place and width, or a number, each plus one. */
extern const char *const a64_templates[];
unsigned a64_template(enum a64_row row, uint32_t word);

/* One of several strings, chosen by up to two groups of bits. */
struct a64_pick {
    uint8_t at0, width0;     /* the upper bits of the choice */
    uint8_t at1, width1;     /* the lower ones; width 0: none */
    const char *const *what; /* the strings */
};
extern const struct a64_pick a64_picks[];

struct a64_sysreg {
    uint16_t place;   /* op0:op1:CRn:CRm:op2 */
    const char *name; /* as the manual spells it; NULL ends the list */
};
extern const struct a64_sysreg a64_sysregs[];

/* The text being made: never longer than its room, always ended. */
struct a64_text {
    char *to;         /* where */
    size_t room;      /* bytes there */
    size_t length;    /* bytes made */
    uint32_t word;    /* the instruction */
    uint64_t pc;      /* where it stands */
    enum a64_row row; /* what it is */
};

void a64_put(struct a64_text *t, const char *s);
void a64_put_unsigned(struct a64_text *t, uint64_t v);
void a64_put_signed(struct a64_text *t, int64_t v);
void a64_put_hex(struct a64_text *t, uint64_t v, unsigned digits); /* at least so many digits */

static inline unsigned a64_bits(const struct a64_text *t, unsigned at, unsigned width)
{
    return t->word >> at & ((1u << width) - 1);
}

/* Print an operand of a vector or floating-point instruction; others are none of its business. */
void a64_put_simd(struct a64_text *t, enum a64_asm kind, unsigned argument);
/* A general register; 31 is the zero register. */
void a64_put_gpr(struct a64_text *t, bool wide, unsigned number);

#endif
