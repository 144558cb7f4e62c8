/* SPDX-License-Identifier: Apache-2.0
 *
 * Making cases: codes (one instruction, or a sequence) and the register states that they start
 * from. All that is made follows from the seed of the struct rng.
 */
#ifndef TESTS_DIFF_GEN_H
#define TESTS_DIFF_GEN_H

#include "rowcase.h"

#include "engine/isa/a64.h"

#include <stdbool.h>

struct rng {
    uint64_t s; /* splitmix64's state */
};
static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->s += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/* 0 <= result < n */
static inline unsigned rng_below(struct rng *r, unsigned n)
{
    return (unsigned)(((rng_next(r) >> 32) * n) >> 32);
}
/* true in percent of all calls */
static inline bool rng_percent(struct rng *r, unsigned percent)
{
    return rng_below(r, 100) < percent;
}

/* ---- operands (values.c) ---- */
uint64_t value_integer(struct rng *r);
/* One FP number; bits is 16, 32 or 64. */
uint64_t value_float(struct rng *r, unsigned bits);
/* A vector of FP numbers, or of integers, of elements of so many bits. */
void value_vector(struct rng *r, bool fp, unsigned bits, uint64_t v[2]);
uint32_t value_fpcr(struct rng *r);
struct value_registers {
    uint32_t x, v; /* by bit */
};
/* New contents for these registers, sp, flags and FP control. bits is the width of FP elements. */
void value_registers(struct rng *r, struct row_state *s, unsigned bits,
                     const struct value_registers *which);

/* ---- memory operands (memory.c) ---- */
enum gen_form { /* how the address comes about */
                FORM_NONE,
                FORM_BASE, /* the base register, also with post-index */
                FORM_UIMM, /* plus imm12, scaled */
                FORM_IMM9, /* plus imm9 */
                FORM_PAIR, /* plus imm7, scaled */
                FORM_REG,  /* plus an extended register */
                FORM_LIT,  /* from the pc */
};
struct gen_mem {
    enum gen_form form; /* FORM_NONE: no memory operand */
    unsigned size;      /* bytes accessed in all */
    unsigned scale;     /* log2 of an immediate's or register's scaling */
    bool atomic;        /* must be aligned */
    bool writeback;     /* the base changes */
};
struct gen_mem mem_of(enum a64_row row, uint32_t word);
/* Where the word accesses memory with these registers, and how many bytes. */
bool mem_access(enum a64_row row, uint32_t word, const struct row_state *s, uint64_t *ret_from,
                unsigned *ret_size);
/* Is the outcome CONSTRAINED UNPREDICTABLE, or that of LSE2? Such words are not compared. */
bool mem_unpredictable(enum a64_row row, uint32_t word);
/* Choose an address, and set the base register (and the window) so that the word accesses it. */
void mem_aim(struct rng *r, enum a64_row row, uint32_t word, struct row_start *s);
/* Make the registers of a compare and swap equal to the memory's content, where it is in the
 * window. */
void mem_match(enum a64_row row, uint32_t word, struct row_start *s);

/* ---- codes (code.c, sequence.c) ---- */
/* Why cases of this row are not made, NULL: they are. */
const char *code_excluded(enum a64_row row);
/* A word of the row, 0 if none was found. */
uint32_t code_word(struct rng *r, enum a64_row row);
/* The registers that a word may name. */
struct value_registers code_registers(enum a64_row row, uint32_t word);
/* One instruction, with what it needs around it, and one start. *at: the word under test. A start
 * that is not the code's first is that before it, with the named registers changed. */
bool code_single(struct rng *r, enum a64_row row, struct row_code *c, unsigned *at);
void code_single_start(struct rng *r, enum a64_row row, const struct row_code *c,
                       struct row_start *s, bool first);
/* What ends a loop: its counter, and sub x25, x25, #1. */
#define SEQUENCE_COUNTER 25
#define SEQUENCE_COUNT 0xd1000739u
/* A sequence of the given rows; loops: with branches inside. */
void sequence_code(struct rng *r, const enum a64_row *rows, unsigned count, bool loops,
                   struct row_code *c);
void sequence_start(struct rng *r, const struct row_code *c, struct row_start *s, bool first);

#endif
