/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiler's working memory: what alloc.c, flags.c, exits.c and the emitters share. Outside x64
 * nobody includes this.
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
    FIXUP_MAX = 1024
};

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
    ir_ref owner[4];     /* value in scratch register k, IR_NONE: free */
    uint8_t locked;      /* scratch registers in use by the current operation, by bit */
    uint16_t spill_used; /* spill slots in use, by bit */
    ir_ref alias[32];    /* newest value that is LOC_HOME of guest register n, IR_NONE: none */
};

struct emit {
    struct x64_asm a;          /* where code goes */
    const struct ir_region *r; /* what is compiled */
    struct x64_out *out;       /* the caller's arrays */
    ir_ref now;                /* operation being emitted */
    uint32_t random;           /* state of the allocator's whims, 0: it has none */
    bool masked;         /* addresses of this instruction are cut to 56 bits: they may be tagged */
    uint64_t pc;         /* guest pc of the current instruction */
    uint64_t next_pc;    /* address behind it */
    struct bank i, v;    /* the two classes */
    ir_ref flags;        /* guest NZCV's value: instruction, IR_NONE: that at entry */
    ir_ref flags_host;   /* whose flags EFLAGS hold, IR_NONE: nobody's */
    uint8_t flags_kind;  /* enum x64_fault_flags of EFLAGS */
    bool flags_home;     /* cpu->nzcv holds the value of `flags` */
    uint32_t cold_count; /* entries in cold[] */
    uint32_t exit_count; /* entries in exits[] */
    uint32_t pool_count; /* entries in pool[] */
    uint16_t last[IR_MAX];     /* last operation that needs a value */
    uint16_t flast[IR_MAX];    /* last operation or exit that needs its flags */
    uint8_t hint[IR_MAX];      /* guest register + 1 whose home a value may be made in, 0: none */
    struct loc loc[IR_MAX];    /* where values are */
    ir_ref next_alias[IR_MAX]; /* chain of bank.alias */
    uint8_t width[IR_MAX]; /* of a vector value: bytes that may be other than zero (emit_fp.c) */
    uint8_t width_v[32];   /* the same of the guest's vector registers, as they are now */
    struct emit_cold cold[COLD_MAX];    /* code for the end */
    struct exit_stub exits[EXIT_MAX];   /* exits' stubs for the end */
    uint64_t pool[POOL_MAX][2];         /* constants */
    struct x64_fixup fixups[FIXUP_MAX]; /* see asm.h */
};

/* Host register of guest register n, or -1. */
int x64_pin(bool vector, unsigned n);

/* regalloc.c */
void alloc_analyse(struct emit *e);
void alloc_done(struct emit *e, ir_ref i); /* the operation is emitted: free what died */
void alloc_put_x(struct emit *e, unsigned n, ir_ref value);
void alloc_put_v(struct emit *e, unsigned n, ir_ref value);
void alloc_alias(struct emit *e, struct bank *b, ir_ref value, unsigned n);
void alloc_constant(struct emit *e, int reg, const struct ir_ins *ins); /* the value of CONST... */
bool alloc_is_vector(const struct emit *e, ir_ref value);

/* flags.c */
void flags_before(struct emit *e, ir_ref i, bool clobbers);
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
