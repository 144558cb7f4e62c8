/* SPDX-License-Identifier: Apache-2.0
 *
 * Lifting: guest instructions to IR. One function an instruction:
 *
 *     LIFT(add_imm)
 *     {
 *         ir_ref a = lift_xsp(l, a64_rn(word));
 *         ...
 *         lift_put_xsp(l, a64_rd(word), size, sum);
 *     }
 *
 * A lifter appends to l->r. It sets l->end when the region cannot go on behind it (after GOTO,
 * JUMP, RET, RAISE, RESUME), and l->follow to go on at another address than the next one. An
 * encoding that decodes but is not to be had calls lift_undefined(). Order inside an instruction:
 * reads, memory operations, then all puts (ir.h, invariant 2).
 */
#ifndef ENGINE_LIFT_LIFT_H
#define ENGINE_LIFT_LIFT_H

#include "engine/ir/ir.h"

struct lift {
    struct ir_region *r;        /* what is being built */
    uint64_t pc;                /* this instruction's address */
    uint64_t next;              /* address behind it */
    uint64_t follow;            /* where to go on; = next unless the lifter changes it */
    ir_ref flags;               /* NZCV's current value, IR_NONE: not yet read in this region */
    ir_ref x[32], v[32];        /* the registers' current values, IR_NONE: to be read */
    uint32_t begin;             /* where in r this instruction begins */
    bool end;                   /* the region ends with this instruction */
    const struct lift_env *env; /* what the lifter may ask */
};

/* Instructions that a host may have beyond x86-64-v3. */
enum lift_host { LIFT_HOST_SHA /* SHA-1 and SHA-256 */ };

/* What the runtime answers while a region is built. */
struct lift_env {
    /* Read the instruction word at pc if its page may be executed; false: it may not. */
    bool (*fetch)(void *context, uint64_t pc, uint32_t *word);
    /* Is there translated code for pc already? Then the region ends with a jump there. */
    bool (*known)(void *context, uint64_t pc);
    /* Did the instruction at pc use a tagged address once? NULL: none did. */
    bool (*tagged)(void *context, uint64_t pc);
    /* Has the host these instructions? NULL: none of them. */
    bool (*host)(void *context, enum lift_host what);
    /* Is this the engine's own code? NULL: none is. */
    bool (*own)(void *context, uint64_t pc);
    void *context;      /* passed to all */
    uint32_t mode;      /* enum ir_mode */
    uint32_t max_insns; /* longest region */
    uint32_t max_exits; /* most side exits and system calls in a region, 0: any number */
    bool keep_flags;    /* call no flags dead at exits */
};

typedef void (*a64_lift_fn)(struct lift *l, uint32_t word);
#define LIFT(name)                                                                                 \
    void a64_lift_##name(struct lift *l, uint32_t word);                                           \
    void a64_lift_##name(struct lift *l, uint32_t word)

/* Build the region at pc. Always gives a valid region (at worst one RAISE). */
void a64_lift_region(struct ir_region *r, uint64_t pc, const struct lift_env *env);

/* ---- building (lift/build.c); sizes in bytes ---- */
ir_ref lift_const(struct lift *l, uint64_t value);
bool lift_is_const(const struct lift *l, ir_ref v, uint64_t *ret_value);
ir_ref lift_op(struct lift *l, enum ir_op op, unsigned size, ir_ref a, ir_ref b);
ir_ref lift_op3(struct lift *l, enum ir_op op, unsigned size, ir_ref a, ir_ref b, ir_ref c);
/* with aux and imm */
ir_ref lift_opx(struct lift *l, enum ir_op op, unsigned size, ir_ref a, ir_ref b, ir_ref c,
                unsigned aux, uint64_t imm);

/* Registers. lift_x: 31 is zero; lift_xsp: 31 is sp. Puts to register 31 of lift_put_x are dropped.
 */
ir_ref lift_x(struct lift *l, unsigned n);
ir_ref lift_xsp(struct lift *l, unsigned n);
void lift_put_x(struct lift *l, unsigned n, ir_ref value);
void lift_put_xsp(struct lift *l, unsigned n, ir_ref value);
ir_ref lift_v(struct lift *l, unsigned n);
void lift_put_v(struct lift *l, unsigned n, ir_ref value);
void lift_forget(struct lift *l); /* the registers may have any values now */
ir_ref lift_flags(struct lift *l);
void lift_put_flags(struct lift *l, ir_ref flags);

/* Memory at base + imm. */
ir_ref lift_load(struct lift *l, unsigned size, ir_ref base, int64_t offset);
void lift_store(struct lift *l, unsigned size, ir_ref base, int64_t offset, ir_ref value);
ir_ref lift_load_v(struct lift *l, unsigned size, ir_ref base, int64_t offset);
void lift_store_v(struct lift *l, unsigned size, ir_ref base, int64_t offset, ir_ref value);

/* Stop here: kind = enum rt_raise. */
void lift_raise(struct lift *l, unsigned kind, uint64_t detail);
void lift_undefined(struct lift *l);

#endif
