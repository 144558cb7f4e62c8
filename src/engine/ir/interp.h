/* SPDX-License-Identifier: Apache-2.0
 *
 * The interpreter of the IR: what each operation means, said in plain C. It is the oracle that the
 * code generator is tested against, and what --cosim runs beside it.
 *
 * One call runs one region from its start to the first way out that is taken. It works on a struct
 * cpu and on real guest memory. A section's operations are in the table of its file
 * (interp_int.c, interp_simd.c, interp_fp.c); an operation that has no entry ends the run.
 */
#ifndef ENGINE_IR_INTERP_H
#define ENGINE_IR_INTERP_H

#include "engine/ir/ir.h"
#include "engine/rt/cpu.h"

/* How a run ended; cpu->pc is where the guest goes on, or the instruction that stopped. */
enum ir_end {
    IR_END_NONE,    /* still running */
    IR_END_JUMP,    /* a direct or indirect jump */
    IR_END_CALL,    /* a call: cpu->x[30] or its like is set already */
    IR_END_RET,     /* a return */
    IR_END_SYSCALL, /* cpu->pc is behind the instruction */
    IR_END_RAISE,   /* kind and detail; cpu->pc is the instruction */
    IR_END_RESUME,  /* as a jump, but not by a link */
    IR_END_FAULT,   /* access() said no: detail = address; cpu->pc is the instruction */
    IR_END_MISSING  /* no interpreter for the operation; detail = its index in the region */
};

/* One interpreter. Give cpu, helper, access and context; the rest is its own. */
struct ir_interp {
    struct cpu *cpu;
    /* Run the exact function of ir/helper.def; arguments are in cpu. */
    void (*helper)(void *context, struct cpu *cpu, unsigned index);
    /* May these guest bytes be read, or written? NULL: all may (a host fault is the caller's). */
    bool (*access)(void *context, uint64_t address, unsigned size, bool write);
    /* Guest memory that is not touched: 1 to 8 bytes that access allowed. NULL: real memory. */
    uint64_t (*read)(void *context, uint64_t address, unsigned size);
    void (*write)(void *context, uint64_t address, unsigned size, uint64_t value);
    void *context;             /* passed to all */
    const struct ir_region *r; /* what runs */
    uint64_t pc;               /* guest pc of the current instruction */
    uint64_t detail;           /* of RAISE, FAULT, MISSING */
    uint32_t at;               /* index of the next operation */
    uint32_t steps;            /* operations run since ir_interp_run() */
    bool masked;               /* the instruction's addresses are cut to 56 bits */
    uint8_t end;               /* enum ir_end */
    uint8_t kind;              /* enum rt_raise of IR_END_RAISE */
    uint8_t flags[IR_MAX];     /* NZCV that an operation made: bit 3 N, 2 Z, 1 C, 0 V */
    union vec value[IR_MAX];   /* results; integers in d[0] */
};

typedef void (*ir_interp_fn)(struct ir_interp *m, ir_ref i, const struct ir_ins *ins);
extern const ir_interp_fn ir_interp_int[IR_OP_COUNT];
extern const ir_interp_fn ir_interp_simd[IR_OP_COUNT];
extern const ir_interp_fn ir_interp_fp[IR_OP_COUNT];

/* Run a region that ir_verify() finds nothing wrong with. */
enum ir_end ir_interp_run(struct ir_interp *m, const struct ir_region *r);

/* Go on behind the CALL, CALLR or SYSCALL that ended the run, once the guest is there again.
 * Another run may have come in between: at is what m->at was. */
enum ir_end ir_interp_resume(struct ir_interp *m, const struct ir_region *r, uint32_t at);

/* The interpreter's function for an operation, NULL: none. */
ir_interp_fn ir_interp_of(enum ir_op op);

/* Does the condition hold for these flags? */
bool ir_cond_holds(unsigned cond, unsigned nzcv);

/* NZCV between the layout of struct cpu and four bits. */
uint32_t ir_nzcv_store(unsigned nzcv);
unsigned ir_nzcv_load(uint32_t stored);

static inline uint64_t interp_i(const struct ir_interp *m, ir_ref v)
{
    return v == IR_NONE ? 0 : m->value[v].d[0];
}

static inline const union vec *interp_v(const struct ir_interp *m, ir_ref v)
{
    return &m->value[v];
}

/* The address of a memory operation, checked; false: the run ended with a fault. */
bool interp_address(struct ir_interp *m, const struct ir_ins *ins, bool write,
                    uint64_t *ret_address);

#endif
