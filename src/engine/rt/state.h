/* SPDX-License-Identifier: Apache-2.0
 *
 * The runtime's own state: one structure for the process, in the window. Inside rt only.
 *
 *   window.c     the window and its pages
 *   chunk.c      memory of code; flush
 *   code.c       blocks: table, links, invalidation
 *   translate.c  from a guest address to a block; what thunks call
 *   entry.c      the thunks
 *   fault.c      from a host fault back to the guest; guest memory from C
 *   cpu.c        threads' cpus; helpers
 *   clock.c      the host's clocks
 *   report.c     statistics, dumps, bugs
 *   cosim*.c     code beside the interpreter (--cosim)
 *
 * Locks: rt_lock (translation, blocks, chunks, list of cpus) is the innermost one but for the
 * window's: nothing is called with it held but the lifter, the compiler and system calls of the
 * window. Its word names the cpu that holds it, so that what a killed vfork child held is let go
 * when its cpu is freed; changes under it are made in an order that may end anywhere.
 *
 * Who is where: cpu->in_code is 1 while a thread may be in translated code (or in a helper that it
 * called). A thread enters under the lock, or with a full barrier and a look at rt_state.epoch
 * behind it. Then a flush can wait until nobody is in code: it raises the epoch, makes every fuel
 * negative, and all code polls on whatever may loop. So nothing that a thread does while in_code is
 * 1 may take the lock.
 *
 * Epochs: rt_state.epoch is raised when code dies. A thread that sees another epoch than its own on
 * its way into code empties its return stack, and forgets where its indirect jumps went: both may
 * lead to the dead. The code of a dead block stays where it is until a flush, which empties
 * everything.
 */
#ifndef ENGINE_RT_STATE_H
#define ENGINE_RT_STATE_H

#include "engine/ir/ir.h"
#include "engine/rt/rt.h"
#include "engine/x64/compile.h"

enum {
    CHUNK_CODE = 1 << 20,
    CHUNK_SLOTS = 16384,
    CHUNK_FAULTS = 32768,
    CHUNK_BLOCKS = 8192,
    TABLE_BITS = 15,
    MODES = 4,
    REGION_INSNS = 48,
    REGION_EXITS = 2,
    FUEL = 1 << 20
};

/* What the runtime remembers of a slot, beside it. */
struct slot_side {
    uint32_t next; /* next slot that is linked to the same block, or orphan: number + 1, 0 ends */
    uint32_t stub; /* offset of its stub in the chunk, 0: an inline cache */
};

/* One translated region. pc, host and next are read without a lock. */
struct block {
    uint64_t pc;          /* guest address */
    void *host;           /* entry */
    struct block *next;   /* same bucket of the table */
    uint32_t code;        /* offset in the chunk */
    uint32_t code_size;   /* bytes */
    uint32_t faults;      /* first entry in the chunk's fault table */
    uint32_t fault_count; /* entries */
    uint32_t incoming;    /* slots that are linked here: number + 1, 0: none */
    uint8_t mode;         /* enum ir_mode */
    bool dead;            /* invalidated */
};

/* Guest bytes within one page that a block was made from. */
struct extent {
    struct block *block; /* whose */
    uint32_t page;       /* low bits of the guest page's number */
    uint32_t next;       /* same bucket, or free list: number + 1, 0 ends */
    uint16_t from, last; /* first and last byte in the page */
};

/* One area of code: two views of the same pages, slots at a fixed distance. */
struct chunk {
    uint8_t *exec;            /* executable view */
    uint8_t *write;           /* writable view */
    struct slot *slots;       /* CHUNK_SLOTS, private */
    struct slot_side *sides;  /* the same number */
    struct x64_fault *faults; /* CHUNK_FAULTS */
    struct block *blocks;     /* CHUNK_BLOCKS, in order of their code */
    uint32_t code_used;       /* bytes */
    uint32_t slots_used;      /* slots */
    uint32_t faults_used;     /* entries */
    uint32_t block_count;     /* entries in blocks */
    bool sealed;              /* nothing is added any more: it is the parent's */
    bool shared;              /* another process sees these pages since a fork */
    uint32_t populated;       /* bytes of code whose pages are there */
};

enum { TAGGED_MAX = 8192 };
enum { CHUNK_MAX = 256, EXTENT_BITS = 12, ORPHAN_HEADS = 1024 };

struct rt_stats {
    uint64_t regions;     /* translated */
    uint64_t insns;       /* guest instructions in them */
    uint64_t code_bytes;  /* host bytes */
    uint64_t lookups;     /* slow look-ups */
    uint64_t links;       /* slots linked */
    uint64_t polls;       /* fuel ran out */
    uint64_t invalidated; /* blocks */
    uint64_t ticks;       /* in translation, of the time-stamp counter */
    uint64_t timed;       /* guest instructions in that time */
    uint64_t start_ticks; /* at the program's start: with start_ns tells how long a tick is */
    uint64_t start_ns;    /* monotonic */
};

struct rt_state {
    uint32_t lock;                           /* futex: 0 free, else the holder (state.h) */
    uint32_t chunk_count;                    /* chunks there are */
    uint64_t epoch;                          /* raised when code dies */
    uint64_t flushes;                        /* how often everything was forgotten */
    struct cpu *cpus;                        /* all */
    uint32_t cpu_count;                      /* how many */
    struct block **tables;                   /* MODES times 1 << TABLE_BITS buckets */
    struct chunk chunks[CHUNK_MAX];          /* code */
    struct extent *extents;                  /* extent_room entries */
    uint32_t extent_room;                    /* entries that fit */
    uint32_t extent_used;                    /* entries ever used */
    uint32_t extent_free;                    /* list of those given back: number + 1 */
    uint32_t extent_heads[1 << EXTENT_BITS]; /* by page: number + 1 */
    uint32_t orphans[MODES][ORPHAN_HEADS];   /* caches whose block died, by key: number + 1 */
    uint64_t *tagged;         /* pcs that used tagged addresses: TAGGED_MAX, hashed; or NULL */
    uint32_t tagged_count;    /* entries in use */
    struct ir_region *region; /* working memory of translation */
    struct x64_work *work;    /* the same */
    struct rt_stats stats;    /* --stats */
    uint32_t host;            /* bit 0: asked; above: enum lift_host */
    uint32_t versions[4096];  /* LL/SC: version of a hashed cell, odd while a store is on */
};
extern struct rt_state rt_state;

/* Set once at start, by options. */
struct rt_options {
    bool stats;                         /* print counts at exit */
    bool dump_insn, dump_ir, dump_code; /* of each region */
    bool perf_map;                      /* write /tmp/perf-PID.map */
    bool strace;                        /* the Linux layer's */
    bool cosim;                         /* compare with the interpreter */
    const char *cosim_file;             /* where it reports, NULL: standard error */
    const char *cosim_spoil;            /* --cosim-spoil, NULL: none */
    uint32_t code_chunks; /* most chunks of code (1 MiB each), 0: as many as there is room for */
    bool exec_self;       /* the Linux layer's: programs are started through the engine itself */
    uint32_t vary;        /* enum rt_vary, and above VARY_SEED_SHIFT a seed for the allocator */
};
/* --vary=N: other ways to translate, which give the same results. For tests. */
enum rt_vary {
    VARY_KEEP_FLAGS = 1, /* call no flags dead at exits */
    VARY_TAGGED = 2,     /* take all addresses for tagged ones */
    VARY_EXACT = 4,      /* FP by the exact functions only */
    VARY_LAZY = 8,       /* never look for UFC (the mode of programs that do not use FPSR) */
    VARY_PLAIN_HOST = 16 /* nothing beyond x86-64-v3 */,
    VARY_SHORT = 32,    /* regions of one instruction */
    VARY_SEED_SHIFT = 8 /* allocation at random, 0: the usual one */
};
extern struct rt_options rt_options;

/* translate.c */
void rt_lock(struct cpu *cpu);
void rt_unlock(void);
/* A cpu that is no more: let go what it held. */
void rt_lock_forget(struct cpu *cpu);
unsigned rt_mode(const struct cpu *cpu);
/* Called from entry.c on the C stack; the first three give the host address to go on at. */
void *rt_link(struct cpu *cpu, struct slot *slot, uint64_t pc);
void *rt_lookup(struct cpu *cpu, uint64_t pc);
void *rt_fill(struct cpu *cpu, uint64_t pc, struct slot *slot);
void *rt_poll(struct cpu *cpu);
void *rt_resume(struct cpu *cpu);

/* chunk.c; all under the lock */
bool chunk_init(void);
bool chunk_has_room(const struct chunk *c);
/* One with room for a region. May flush: everything that was known is then void. */
struct chunk *chunk_with_room(struct cpu *cpu);

/* code.c; all under the lock */
struct block *code_find(uint64_t pc, unsigned mode);
struct block *code_publish(struct chunk *c, const struct ir_region *r, const struct x64_out *o);
/* A region at pc will be translated: nothing but speed. */
void code_expect(uint64_t pc, unsigned mode);
void code_link(struct slot *slot, struct block *block);
/* false: the table of extents is too full for another region. */
bool code_has_room(void);
void code_forget_all(void);
/* Translations of these bytes die. */
void code_kill(uint64_t start, uint64_t length);
/* Without the lock, behind a full barrier: is it certain that there are none? */
bool code_none(uint64_t start, uint64_t length);

/* fault.c: the chunk and block of a host address in translated code, or NULL; needs no lock */
struct block *code_at(uint64_t host, struct chunk **ret_chunk);
void rt_fault_deliver(struct cpu *cpu);
/* A word of guest memory that is not the engine's; false when it faults. */
bool fault_read_word(uint64_t at, uint32_t *ret_word);
/* May this byte of guest memory be written? Changes nothing. */
bool fault_probe_write(uint64_t at);

void rt_excl_forget(void); /* cpu.c */
/* window.c: around fork */
void window_fork_prepare(void);
void window_fork_done(bool child);
/* The soft limits that mappings have, out of the way and back: for memory without which the engine
 * cannot go on. The hard ones stay. */
enum { WINDOW_LIMITS = 3 };
struct rlimit64;
void window_lift_limits(struct rlimit64 *old);
void window_restore_limits(const struct rlimit64 *old);

/* entry.c */
extern const char rt_thunk_jump[] __attribute__((visibility("hidden"))); /* rax = guest pc */
extern const char rt_entry_start[], rt_entry_end[], rt_fault_entry[];
extern const char rt_return_empty[] __attribute__((visibility("hidden")));
extern const char rt_jump_unknown[] __attribute__((visibility("hidden"))); /* asks C at once */
void rt_set_thunks(struct cpu *cpu);
extern void (*const rt_helpers[IR_HELPER_COUNT])(struct cpu *);
/* The guest goes on with an empty return stack. On the C stack of a thunk. */
static inline void rt_empty_returns(struct cpu *cpu)
{
    ((uint64_t *)(uintptr_t)cpu->host_sp)[-1] = cpu->ret_top;
}
/* No jump has been anywhere. */
static inline void rt_empty_jumps(struct cpu *cpu)
{
    for (unsigned k = 0; k < 1 << JUMPS_BITS; k++)
        cpu->jumps[k] = (struct slot){(void *)(uintptr_t)rt_jump_unknown, ~0ull};
}

/* report.c */
void rt_stats_start(void);
void rt_stats_print(void);
/* The time-stamp counter: a system call would cost as much as translating an instruction. */
static inline uint64_t rt_ticks(void)
{
    return __builtin_ia32_rdtsc();
}
void rt_dump(const struct block *block, const struct chunk *chunk);

#endif
