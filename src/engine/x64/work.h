/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiler's working memory: what regalloc.c, flags.c, exits.c and the emitters share. Outside
 * x64 nobody includes this.
 */
#ifndef ENGINE_X64_WORK_H
#define ENGINE_X64_WORK_H

#include "engine/x64/asm.h"
#include "engine/x64/compile.h"
#include "engine/x64/emit.h"
#include "engine/x64/regs.h"

enum {
    SCRATCH_I = 3,
    SCRATCH_V = 4,
    SPILLS = 16,
    COLD_MAX = 512,
    EXIT_MAX = 256,
    POOL_MAX = 256,
    FIXUP_MAX = 1024,
    HUNGRY_WORDS = 4
};
_Static_assert(IR_OP_COUNT <= HUNGRY_WORDS * 64, "a bit for each operation");

enum loc_kind {
    LOC_NONE,  /* not made, or dead */
    LOC_CONST, /* what CONST, VMOVI, VCONST say; nowhere yet */
    LOC_REG,   /* scratch register `reg` */
    LOC_HOME,  /* same as guest register n: its host register or its place in struct cpu */
    LOC_SPILL  /* cpu->spill[n] or vspill[n] */
};

struct loc {
    uint8_t kind; /* enum loc_kind */
    uint8_t reg;  /* scratch register number */
    uint16_t n;   /* guest register or spill slot */
};

/* What of an operation concerns analysis and allocation, by bit (compile.c makes the table of
 * ops.def). */
enum x64_trait {
    OP_A = 1,            /* operand a is an integer or a vector */
    OP_B = 2,            /* b */
    OP_C = 4,            /* c */
    OP_FLAGS_A = 8,      /* a is flags */
    OP_FLAGS_C = 1024,   /* c is flags */
    OP_LEAVES = 16,      /* may fault or exit */
    OP_PURE = 32,        /* makes a value and does nothing else */
    OP_VECTOR = 64,      /* touches vectors' widths: makes a vector, puts one, or calls */
    OP_SILENT = 128,     /* makes no code of its own: NOP, INSN, CONST, GETR, GETV */
    OP_VALUE = 256,      /* makes an integer or a vector */
    OP_CALL = 2048,      /* comes back with other scratch registers */
    OP_CLOBBERS = 512,   /* destroys EFLAGS, and leaves it to compile.c to save them before */
    OP_EXIT = 4096,      /* leaves the region or runs the runtime */
    OP_COMMUTES = 16384, /* integers a and b may change places */
};
extern const uint16_t x64_traits[IR_OP_COUNT];

/* For the analysis: operands of an operation that are no values are taken for IR_NONE. */
struct x64_operands {
    uint16_t not_a, not_b, not_c; /* 0: is a value, IR_NONE: is none */
    uint8_t facts;                /* bit 0: may fault; 1: has to do with flags, or is an exit; 2:
                                     whoever it calls, or goes to, sees all guest registers; 3: GETR, PUTR, GETV,
                                     PUTV */
    uint8_t pad;                  /* zero */
};
extern const struct x64_operands x64_operands[IR_OP_COUNT];

/* What is known of a value. */
struct use {
    uint16_t last;  /* last operation that needs it, 0: none */
    uint16_t flast; /* last operation or exit that needs its flags, 0: none; of PUTR and PUTV 1:
                       overwritten before anybody can see it */
    uint8_t width;  /* of a vector: bytes that may be other than zero (emit_fp.c) */
    uint8_t pad[3]; /* zero */
};

/* A way out whose stub follows the region's code. */
struct exit_stub {
    uint32_t jump; /* forward jump to bind, 0: none (only the link stub is wanted) */
    uint32_t slot; /* index of its slot */
    uint64_t pc;   /* guest target */
    uint8_t flags; /* enum x64_fault_flags: what must be saved first, X64_FLAGS_HOME: nothing */
    bool poll;     /* a backward branch */
};

/* Register allocation of one class (integers, vectors). */
struct bank {
    ir_ref owner[4];         /* value in scratch register k, IR_NONE: free */
    uint8_t locked;          /* scratch registers in use by the current operation, by bit */
    uint16_t spill_used;     /* spill slots in use, by bit */
    uint8_t owned;           /* scratch registers with an owner, by bit */
    uint8_t mirror[4];       /* guest register + 1 that scratch register k mirrors, 0: none */
    ir_ref alias[32];        /* newest value that is LOC_HOME of guest register n, IR_NONE: none */
    uint16_t alias_last[32]; /* no alias of n is needed behind this operation, 0: there is none */
};

struct emit {
    struct x64_asm a;          /* where code goes */
    const struct ir_region *r; /* what is compiled */
    struct x64_out *out;       /* the caller's arrays */
    ir_ref now;                /* operation being emitted */
    bool starved;              /* an operation asked for more scratch registers than there are */
    uint32_t random;           /* state of the allocator's whims, 0: it has none */
    bool masked;        /* addresses of this instruction are cut to 56 bits: they may be tagged */
    uint64_t pc;        /* guest pc of the current instruction */
    struct bank i, v;   /* the two classes */
    ir_ref flags;       /* guest NZCV's value: instruction, IR_NONE: that at entry */
    ir_ref flags_host;  /* whose flags EFLAGS hold, IR_NONE: nobody's */
    uint8_t flags_kind; /* enum x64_fault_flags of EFLAGS */
    bool flags_home;    /* cpu->nzcv holds the value of `flags` */
    uint64_t hungry[HUNGRY_WORDS]; /* operations that find all scratch registers free, by bit */
    uint32_t cold_count;           /* entries in cold[] */
    uint32_t exit_count;           /* entries in exits[] */
    uint32_t pool_count;           /* entries in pool[] */
    struct use use[2 * IR_MAX];    /* what analysis knows of values; the last is IR_NONE's */
    struct loc loc[2 * IR_MAX];    /* where values are; the last is IR_NONE's: LOC_NONE */
    ir_ref next_alias[IR_MAX];     /* chain of bank.alias */
    uint8_t width_v[32]; /* struct use's width of the guest's vector registers, as they are now */
    struct emit_cold cold[COLD_MAX];    /* code for the end */
    struct exit_stub exits[EXIT_MAX];   /* exits' stubs for the end */
    uint64_t pool[POOL_MAX][2];         /* constants */
    struct x64_fixup fixups[FIXUP_MAX]; /* see asm.h */
};

/* Host register of guest register n, or -1. */
int x64_pin(bool vector, unsigned n);

/* regalloc.c */
void alloc_analyse(struct emit *e);
void alloc_release(struct emit *e, ir_ref v); /* nobody needs the value any more */
int alloc_destination(struct emit *e,
                      ir_ref i); /* guest register in whose home i is made best, or -1 */
void alloc_clobbered(struct emit *e, int reg); /* an integer scratch register that nobody owns */
void alloc_forget(struct emit *e);             /* scratch registers mirror nothing any more */
void alloc_evict(struct emit *e);              /* and hold nothing */
void alloc_put_x(struct emit *e, unsigned n, ir_ref value);
void alloc_put_v(struct emit *e, unsigned n, ir_ref value);
void alloc_constant(struct emit *e, int reg, const struct ir_ins *ins); /* the value of CONST... */
/* Made, and nobody looks at it. */
static inline bool alloc_is_unused(const struct use *u, unsigned traits)
{
    return traits & OP_PURE && !(u->last | u->flast);
}
bool alloc_is_vector(const struct emit *e, ir_ref value);

enum { NOBODY = 2 * IR_MAX - 1 }; /* IR_NONE has a place of its own in use[] and loc[]: no branch */

/* Is v needed by operation i last, and has it a place of its own? */
static inline bool alloc_dies(const struct emit *e, ir_ref i, ir_ref v)
{
    const unsigned places = 1u << LOC_REG | 1u << LOC_SPILL;
    return (e->use[v & NOBODY].last == i) & places >> e->loc[v & NOBODY].kind;
}

/* Operation i is emitted: free what died. The traits are constants. */
static inline __attribute__((always_inline)) void
alloc_done(struct emit *e, ir_ref i, const struct ir_ins *ins, unsigned traits)
{
    if (traits & OP_A && alloc_dies(e, i, ins->a))
        alloc_release(e, ins->a);
    if (traits & OP_B && alloc_dies(e, i, ins->b))
        alloc_release(e, ins->b);
    if (traits & OP_C && alloc_dies(e, i, ins->c))
        alloc_release(e, ins->c);
    if (traits & OP_VALUE && !e->use[i].last && e->loc[i].kind == LOC_REG)
        alloc_release(e, i);
}

/* The value is in the home of guest register n. */
static inline void alloc_alias(struct emit *e, struct bank *b, ir_ref value, unsigned n)
{
    uint16_t last = e->use[value].last;
    b->alias_last[n] = b->alias_last[n] < last ? last : b->alias_last[n];
    e->loc[value] = (struct loc){LOC_HOME, 0, (uint16_t)n};
    e->next_alias[value] = b->alias[n];
    b->alias[n] = value;
}

/* Is v a constant? */
static inline bool emit_is_const(const struct emit *e, ir_ref v, uint64_t *ret_value)
{
    if (v == IR_NONE || e->r->ins[v].op != IR_CONST)
        return false;
    *ret_value = e->r->ins[v].imm;
    return true;
}

/* flags.c */
void flags_before(struct emit *e);     /* something will destroy EFLAGS: save them if need be */
bool flags_busy(const struct emit *e); /* EFLAGS are still needed after this operation */
void flags_made(struct emit *e, ir_ref i,
                enum x64_fault_flags kind);    /* EFLAGS now hold those of i */
void flags_lost(struct emit *e);               /* EFLAGS are destroyed */
void flags_load(struct emit *e, ir_ref f);     /* make EFLAGS hold f, whatever kind */
void flags_load_sub(struct emit *e, ir_ref f); /* the same, with the carry inverted */
void flags_save_code(struct x64_asm *a,
                     enum x64_fault_flags kind); /* EFLAGS to cpu->nzcv; rax, rcx die */
void flags_home(struct emit *e);                 /* guest NZCV to cpu->nzcv, if it is not there */
/* Host condition of cond on EFLAGS: up to two tests. */
struct flags_test {
    int8_t cc;     /* first condition */
    int8_t parity; /* 0: alone; 1: cc or parity set; -1: cc and parity clear */
};
struct flags_test flags_condition(struct emit *e, ir_ref f, unsigned cond);

/* emit_fp.c: widths of vector values */
void fp_forget_widths(struct emit *e);
void fp_note_width(struct emit *e, ir_ref i); /* behind each operation */

/* exits.c */
void exit_add(struct emit *e, uint32_t jump, uint64_t pc, bool flags_dead);
void exit_goto(struct emit *e, uint64_t pc, bool flags_dead);
uint32_t exit_slot(struct emit *e, uint64_t pc); /* a new slot's index */
struct x64_mem exit_slot_mem(struct emit *e, uint32_t slot, unsigned offset);
void exit_emit_stubs(struct emit *e);
void emit_note_fault(struct emit *e);
struct x64_mem emit_address(struct emit *e, const struct ir_ins *ins); /* of a memory operation */

static inline bool fits32(int64_t v)
{
    return v == (int32_t)v;
}

#define OP(name, ...) void emit_op_##name(struct emit *e, ir_ref i, const struct ir_ins *ins);
#include "engine/ir/ops.def"
#undef OP

#endif
