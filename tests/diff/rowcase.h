/* SPDX-License-Identifier: Apache-2.0
 *
 * What rowfuzz (on the host) and its runner (an aarch64 program) say to each other, and the places
 * that both know. A stream is batches: a struct row_batch, its codes, then the starts of all codes
 * in order, each as what changed since the one before (the first: since zeros): a bit for each of
 * its 64-bit words, then the words that changed. The runner answers with one struct row_brief, or
 * row_full, for each start, and closes a batch with a row_brief whose hash is that of the whole
 * arena.
 *
 * A code sits in its slot as: mrs x30, tpidr_el0; the words; msr tpidr_el0, x30; b save. So all
 * registers but TPIDR_EL0 are free for the words, and slots have the same address everywhere.
 */
#ifndef TESTS_DIFF_ROWCASE_H
#define TESTS_DIFF_ROWCASE_H

#include <stdint.h>

#define ROW_MAGIC 0x32776f72u /* "row2" */
enum {
    ROW_WORDS = 24,   /* longest code */
    ROW_SLOT = 128,   /* bytes a slot has */
    ROW_SLOTS = 512,  /* slots, and codes in a batch */
    ROW_STATES = 128, /* most starts of a code */
    ROW_WINDOW = 256  /* bytes of memory that are set before and compared after */
};
/* Where things are, the same in every process. The arena, by offset: no access, memory, no access,
 * read-only memory, no access, nothing. */
#define ROW_CODE 0x01000000ul
#define ROW_ARENA 0x20000000ul
#define ROW_MEM (ROW_ARENA + 0x10000)
#define ROW_MEM_END (ROW_ARENA + 0x40000)
#define ROW_RO (ROW_ARENA + 0x50000)
#define ROW_RO_END (ROW_ARENA + 0x54000)
#define ROW_NOTHING (ROW_ARENA + 0x60000)
#define ROW_FPSR_BITS 0x0800009fu /* what FPSR has: QC, IDC, IXC, UFC, OFC, DZC, IOC */

/* How a batch is run. */
enum {
    ROW_FULL = 1,  /* answer with row_full */
    ROW_FLUSH = 2, /* write each answer at once, so that a crash tells where it was */
    ROW_ALL = 4    /* the hash of each answer covers the whole arena */
};

struct row_state {
    uint64_t x[31];                                 /* general registers */
    uint64_t sp;                                    /* stack pointer */
    uint32_t nzcv;                                  /* bits 31 to 28 */
    uint32_t fpcr;                                  /* FP control */
    uint32_t fpsr;                                  /* FP status */
    uint32_t zero;                                  /* alignment */
    uint64_t v[32][2] __attribute__((aligned(16))); /* vector registers */
};

struct row_code {
    uint32_t words[ROW_WORDS]; /* instructions */
    uint16_t count;            /* how many */
    uint16_t states;           /* starts that belong to it */
    uint16_t slot;             /* where it is put */
    uint16_t zero;             /* alignment */
};

struct row_start {
    struct row_state state; /* registers before */
    uint64_t window;        /* address of the memory that is set and compared, within ROW_MEM */
    uint64_t seed;          /* its content: row_fill() */
};

/* A start as words, whatever is in them. */
typedef uint64_t __attribute__((may_alias)) row_word;
enum { ROW_START_WORDS = sizeof(struct row_start) / 8, ROW_MASKS = 2 };

struct row_batch {
    uint32_t magic;  /* ROW_MAGIC */
    uint32_t codes;  /* how many */
    uint32_t starts; /* sum of their states */
    uint32_t mode;   /* ROW_FULL, ROW_FLUSH, ROW_ALL */
};

struct row_brief {
    uint64_t hash; /* of everything in row_full but at */
    uint8_t sig;   /* signal, 0: ran to the end */
    uint8_t code;  /* si_code */
    uint16_t at;   /* index of the word where the signal was; 0xffff: outside of the slot */
    uint32_t zero; /* alignment */
};

struct row_full {
    struct row_state state;       /* registers after, or at the signal */
    uint64_t pc;                  /* at the signal, else 0 */
    uint64_t addr;                /* si_addr */
    uint32_t sig;                 /* signal, 0: ran to the end */
    uint32_t code;                /* si_code */
    uint64_t mem[ROW_WINDOW / 8]; /* the window after */
    struct row_brief brief;       /* the same, short */
};

/* The i-th word of a window's content. */
static inline uint64_t row_fill(uint64_t seed, unsigned i)
{
    uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15u;
    return z ^ (z >> 31);
}

/* Cheap: it is made of every word that is compared, by both emulators. */
static inline uint64_t row_hash(uint64_t h, uint64_t w)
{
    return (h >> 9 | h << 55) + w;
}
static inline uint64_t row_hash_mix(uint64_t h)
{
    h *= 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

#endif
