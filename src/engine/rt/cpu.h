/* SPDX-License-Identifier: Apache-2.0
 *
 * struct cpu: one guest thread's state, as translated code and the runtime see it.
 *
 * Translated code reaches it through rbp, which points CPU_BIAS bytes behind its start, so that the
 * guest registers which have no host register, NZCV and fuel are within a signed byte of it.
 *
 * Invariants
 *  1. While translated code runs, the pinned guest registers (x64/regs.h) are in host registers and
 *     their homes here are stale. In C code called from a thunk, x[] is true; v[] of the pinned
 *     vectors is stale until rt_vectors_save() (engine C never touches xmm registers).
 *  2. nzcv is in the stored layout: bit 0 = V, bit 8 = !C, bit 14 = Z, bit 15 = N: what `lahf; seto
 * al` leaves in ax after a host subtraction. All other bits are undefined.
 *  3. fpsr holds only what software found; the host's MXCSR holds the rest (sticky, read lazily).
 *  4. The fields up to `thunk` are guest-neutral names for what both guests have.
 */
#ifndef ENGINE_RT_CPU_H
#define ENGINE_RT_CPU_H

#include <stddef.h>
#include <stdint.h>

#define CPU_BIAS 176 /* rbp - (char *)cpu: x6 is at rbp-128, sp at rbp+72 */
#define CPU_SP 31    /* index in x[] of the stack pointer */

#define NZCV_V 0x0001u  /* overflow */
#define NZCV_NC 0x0100u /* carry, inverted */
#define NZCV_Z 0x4000u
#define NZCV_N 0x8000u

/* One 128-bit vector register. */
union vec {
    uint8_t b[16];
    uint16_t h[8];
    uint32_t s[4];
    uint64_t d[2];
} __attribute__((aligned(16)));

/* What translated code can jump to or call in the runtime; rt/entry.c has them. Registers marked
 * scratch (rax rcx rdx, xmm0-3, EFLAGS) die in all of them but THUNK_HELPER. */
enum thunk {
    THUNK_LINK,     /* jmp; rax = struct slot *: translate slot->pc, fill the slot, go there */
    THUNK_JUMP,     /* jmp; rax = guest pc: look it up in the block table, go there */
    THUNK_JUMP_IC,  /* jmp; rax = guest pc, rdx = struct slot * whose key did not match */
    THUNK_RET_MISS, /* jmp; rax = guest pc that [rsp+8] did not match */
    THUNK_SYSCALL,  /* call; cpu->pc = pc of the instruction behind; may not return (signal,
                       sigreturn) */
    THUNK_POLL,     /* jmp; rax = guest pc to go on at: signals; then by the block table */
    THUNK_RAISE,    /* jmp; eax = enum rt_raise, cpu->pc = the instruction, cpu->arg[0] = detail */
    THUNK_HELPER, /* call; cpu->helper = index (ir/helper.def); args, results in arg/varg/ret/vret;
                     preserves every register and EFLAGS */
    THUNK_RESUME, /* jmp; go to cpu->pc by the block table (after IC IVAU, FPCR change, ...) */
    THUNK_COUNT
};

/* Why translated code stops at an instruction. */
enum rt_raise {
    RAISE_UNDEFINED,  /* SIGILL, ILL_ILLOPC */
    RAISE_BREAKPOINT, /* SIGTRAP, TRAP_BRKPT; arg[0] = the immediate */
    RAISE_FETCH,      /* no executable page at cpu->pc: SIGSEGV */
    RAISE_PC_ALIGN,   /* cpu->pc is not a multiple of four: SIGBUS, BUS_ADRALN */
    RAISE_ALIGN,      /* misaligned atomic: SIGBUS, BUS_ADRALN; arg[0] = address */
    RAISE_FAULT       /* memory fault found by a helper; arg[0] = address */
};

/* An exit of a region, in its chunk's private slot area at a fixed distance from the code. */
struct slot {
    void *host;  /* where to jump: the region, or at first the exit's own stub (THUNK_LINK) */
    uint64_t pc; /* direct exits: the guest target; inline caches: the key, 0 while empty */
};

enum { JUMPS_BITS = 10 }; /* of struct cpu's jumps[] */

struct cpu {
    uint64_t x[32];           /* general registers; [31] is sp */
    uint32_t nzcv;            /* condition flags, stored layout (invariant 2) */
    int32_t fuel;             /* polls left; a signal handler makes it negative */
    uint64_t pc;              /* guest pc; true in C code called by a thunk */
    uint64_t tpidr;           /* thread pointer register (TPIDR_EL0) */
    uint32_t fpcr;            /* FP control register, as the guest wrote it */
    uint32_t fpsr;            /* FP status found by software (invariant 3); QC included */
    uint32_t fpsr_used;       /* not 0: the guest looks at FPSR (IR_MODE_UNDERFLOW) */
    uint32_t cosim;           /* --cosim: in translated code (rt/cosim.c) */
    void *table;              /* block table of the current FP mode: struct block *[] */
    uint64_t excl_addr;       /* LL/SC: monitored address, ~0 when none */
    uint64_t excl_value[2];   /* LL/SC: what was loaded */
    uint32_t excl_version;    /* LL/SC: version of the hashed cell at the load */
    uint32_t excl_size;       /* LL/SC: bytes */
    uint32_t *excl_cell;      /* LL/SC: the cell that a store holds (odd), NULL: none */
    uint64_t arg[4];          /* helper arguments */
    uint64_t ret;             /* helper result */
    uint64_t helper;          /* index of the helper that THUNK_HELPER is to call */
    uint64_t spill[16];       /* translated code: integer values that found no register */
    union vec v[32];          /* vector registers */
    union vec varg[4];        /* helper vector arguments */
    union vec vret;           /* helper vector result */
    union vec vspill[16];     /* translated code: vectors that found no register */
    void *thunk[THUNK_COUNT]; /* entry points, called or jumped to through rbp */
    uint64_t host_sp;         /* top of the C stack that thunks switch to */
    uint64_t ret_top;         /* rsp of an empty return stack (two sentinel entries above) */
    uint64_t ret_limit;       /* lowest usable address of the return stack; guard below */
    uint64_t saved[4];        /* THUNK_HELPER: rax, rcx, rdx; [3] a host stack pointer */
    uint64_t fault_address;   /* of the last access whose address was cut to 56 bits (tags) */
    struct cpu *self;         /* this structure, for rt_cpu() */
    uint64_t epoch;           /* rt_state.epoch when the return stack was last known to be good */
    uint64_t flushes;         /* rt_state.flushes when the thread last went into code */
    uint64_t clock[2];        /* helper_clock: seconds, nanoseconds */
    uint32_t in_code;         /* the thread may be in translated code (rt/state.h) */
    uint64_t changed_line;    /* IC IVAU of a line with translations, 0: none; for THUNK_RESUME */
    struct cpu *next;         /* list of all cpus, under the runtime's lock */
    void *area;               /* what rt_cpu_new mapped */
    struct thread *thread;    /* the runtime's and Linux layer's part; opaque to translated code */
    struct slot jumps[1 << JUMPS_BITS]; /* where indirect jumps went, by pc (rt/entry.c) */
};

_Static_assert(offsetof(struct cpu, x[6]) + 128 == CPU_BIAS,
               "x6 is the first byte-reachable register");
_Static_assert(offsetof(struct cpu, fuel) - CPU_BIAS < 124, "fuel is byte-reachable");

#endif
