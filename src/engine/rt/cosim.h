/* SPDX-License-Identifier: Apache-2.0
 *
 * --cosim: each region runs in the IR's interpreter and then as machine code, and what came of it
 * is compared (cosim.c). The rest of the runtime calls these only where rt_options.cosim is set,
 * and only on ways that are slow anyway.
 */
#ifndef ENGINE_RT_COSIM_H
#define ENGINE_RT_COSIM_H

#include "engine/ir/interp.h"
#include "engine/rt/state.h"

/* A store of the interpreter's, and what was in memory around it. */
struct cosim_write {
    uint64_t pc;        /* the instruction */
    uint64_t at;        /* guest address */
    uint64_t low;       /* address of around[0] */
    uint8_t size;       /* bytes stored, 1 to 8 */
    uint8_t bytes[8];   /* what */
    uint8_t length;     /* bytes in around[] */
    uint8_t around[40]; /* memory before the region, with the margins that can be read */
};

enum { COSIM_WRITES = 4096, COSIM_CLOCKS = 64, COSIM_UFC = 8 /* FPSR */ };

/* The running region, from cosim_enter() to cosim_leave(). */
struct cosim {
    struct cpu before;                       /* the state at its entry */
    struct cpu shadow;                       /* what the interpreter made of it */
    struct ir_interp interp;                 /* the interpreter */
    const struct ir_region *region;          /* its IR as lifted */
    uint32_t before_fpsr;                    /* FPSR at its entry, MXCSR's part included */
    uint32_t write_count;                    /* entries in writes[] */
    uint32_t clock_count, clock_next;        /* entries in clocks[]; the next for machine code */
    bool hopeless;                           /* cannot be compared: too many stores, ... */
    bool pending;                            /* machine code runs and will be compared */
    bool cells_saved;                        /* cells[] is what the exclusives' cells were */
    uint64_t clocks[COSIM_CLOCKS][2];        /* times that the interpreter read */
    uint32_t cells[4096];                    /* rt_state.versions before the region */
    struct cosim_write writes[COSIM_WRITES]; /* in order */
};

/* How machine code left, or the interpreter: enum ir_end, with all kinds of jumps as IR_END_JUMP.
 */
struct cosim_end {
    enum ir_end end;  /* JUMP, SYSCALL, RAISE, FAULT */
    unsigned kind;    /* enum rt_raise of RAISE */
    uint64_t pc;      /* where the guest goes on, or the instruction that stopped */
    uint64_t address; /* of FAULT */
};

/* Before the first translation; false: no memory. */
bool cosim_init(void);
/* --cosim-spoil=FROM:TO: a region's operations FROM are compiled as TO (an operation, or a number:
 * another size), to see that differences are found. false: no such operation. */
bool cosim_set_spoil(const char *text);
/* Between lifting and compiling (r may be changed), and when its block is published. */
void cosim_lifted(struct ir_region *r);
void cosim_published(const struct block *b);
/* Before code of b is entered; under the lock. */
void cosim_enter(struct cpu *cpu, const struct block *b);
/* A thunk's function begins. May be called again before the next cosim_enter(). */
void cosim_leave(struct cpu *cpu, enum ir_end end, uint64_t pc, uint64_t detail);
/* The time that the interpreter read at this place; false: the first to ask. */
bool cosim_clock(uint64_t ret_time[2]);
void cosim_stats(void);

/* cosim_report.c: the first thing that differs; false: nothing. And the end of it all. */
struct cosim_difference {
    char name[32];   /* "x3", "memory at 1234", ... */
    uint8_t op;      /* enum ir_op that puts such a thing */
    uint32_t number; /* its register */
    uint64_t pc;     /* the instruction that did it, 0: to be found by op and number */
};
bool cosim_compare(const struct cosim *c, const struct cpu *cpu, const struct cosim_end *machine,
                   struct cosim_difference *ret_difference);
__attribute__((noreturn)) void cosim_report(const struct cosim *c, const struct cpu *cpu,
                                            const struct cosim_end *machine,
                                            const struct cosim_difference *d);

#endif
