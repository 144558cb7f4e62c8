/* SPDX-License-Identifier: Apache-2.0
 *
 * The runtime's own state: one structure for the process, in the window. Inside rt only.
 *
 * Locks: rt_lock (translation, blocks, chunks, list of cpus) is the innermost one: nothing is
 * called with it held but the lifter, the compiler and system calls of the window.
 */
#ifndef ENGINE_RT_STATE_H
#define ENGINE_RT_STATE_H

#include "engine/ir/ir.h"
#include "engine/rt/rt.h"
#include "engine/x64/compile.h"

enum {
    CHUNK_CODE = 1 << 20,
    CHUNK_SLOTS = 16384,
    CHUNK_FAULTS = 65536,
    TABLE_BITS = 15,
    MODES = 4,
    REGION_INSNS = 32,
    FUEL = 1 << 20
};

/* What the runtime remembers of a slot, beside it. */
struct slot_side {
    uint32_t next; /* next slot that is linked to the same block: number + 1, 0 ends */
    uint32_t stub; /* offset of its stub in the chunk, 0: an inline cache */
};

/* One translated region. pc, host and next are read without a lock. */
struct block {
    uint64_t pc;          /* guest address */
    void *host;           /* entry */
    struct block *next;   /* same bucket of the table */
    uint64_t low, high;   /* guest bytes it was made from lie in [low, high) */
    uint32_t code;        /* offset in the chunk */
    uint32_t code_size;   /* bytes */
    uint32_t faults;      /* first entry in the chunk's fault table */
    uint32_t fault_count; /* entries */
    uint32_t incoming;    /* slots that are linked here: number + 1, 0: none */
    uint16_t chunk;       /* which */
    uint8_t mode;         /* enum ir_mode */
    bool dead;            /* invalidated */
};

/* One area of code: two views of the same pages, slots at a fixed distance. */
struct chunk {
    uint8_t *exec;            /* executable view */
    uint8_t *write;           /* writable view */
    struct slot *slots;       /* CHUNK_SLOTS, private */
    struct slot_side *sides;  /* the same number */
    struct x64_fault *faults; /* CHUNK_FAULTS */
    struct block **blocks;    /* blocks in order of their code */
    uint32_t code_used;       /* bytes */
    uint32_t slots_used;      /* slots */
    uint32_t faults_used;     /* entries */
    uint32_t block_count;     /* entries in blocks */
    bool sealed;              /* nothing is added any more: it is the parent's */
    bool shared;              /* another process sees these pages since a fork */
};

enum { TAGGED_MAX = 8192 };
enum { CHUNK_MAX = 96, PAGE_MAP_BITS = 16 };

struct rt_stats {
    uint64_t regions;     /* translated */
    uint64_t insns;       /* guest instructions in them */
    uint64_t code_bytes;  /* host bytes */
    uint64_t lookups;     /* slow look-ups */
    uint64_t links;       /* slots linked */
    uint64_t polls;       /* fuel ran out */
    uint64_t invalidated; /* blocks */
    uint64_t flushes;     /* everything forgotten */
    uint64_t ns;          /* in translation */
};

struct rt_state {
    uint32_t lock;                  /* futex: 0 free, 1 held, 2 waited for */
    uint32_t chunk_count;           /* chunks there are */
    uint64_t epoch;                 /* changes when code is invalidated */
    struct cpu *cpus;               /* all */
    uint32_t cpu_count;             /* how many */
    struct block **tables[MODES];   /* 1 << TABLE_BITS buckets, by mode; NULL until wanted */
    struct chunk chunks[CHUNK_MAX]; /* code */
    struct block *block_pool;       /* descriptors not yet used */
    uint32_t block_pool_left;       /* how many */
    uint64_t *tagged;         /* pcs that used tagged addresses: TAGGED_MAX, hashed; or NULL */
    uint32_t tagged_count;    /* entries in use */
    struct ir_region *region; /* working memory of translation */
    struct x64_work *work;    /* the same */
    struct rt_stats stats;    /* --stats */
    uint32_t host;            /* bit 0: asked; above: enum lift_host */
    uint32_t versions[4096];  /* LL/SC: version of a hashed cell, odd while a store is on */
    uint64_t page_map[(1 << PAGE_MAP_BITS) / 64]; /* pages that have translations, hashed */
};
extern struct rt_state rt_state;

/* Set once at start, by options. */
struct rt_options {
    bool stats;                         /* print counts at exit */
    bool dump_insn, dump_ir, dump_code; /* of each region */
    bool perf_map;                      /* write /tmp/perf-PID.map */
    bool strace;                        /* the Linux layer's */
    bool exec_self; /* the Linux layer's: programs are started through the engine itself */
};
extern struct rt_options rt_options;

void rt_lock(void);
void rt_unlock(void);

/* code.c; all under the lock */
struct block *code_find(uint64_t pc, unsigned mode);
struct block *code_translate(uint64_t pc, unsigned mode);
void code_link(struct slot *slot, struct block *block);
void code_note_tagged(uint64_t pc); /* not under the lock: takes it */
/* fault.c: the chunk and block of a host address in translated code, or NULL; needs no lock */
struct block *code_at(uint64_t host, struct chunk **ret_chunk);
unsigned rt_mode(const struct cpu *cpu);
void rt_excl_forget(void); /* cpu.c */

/* entry.c */
extern const char rt_thunk_jump[] __attribute__((visibility("hidden"))); /* rax = guest pc */
extern const char rt_entry_start[], rt_entry_end[], rt_fault_entry[];
void rt_set_thunks(struct cpu *cpu);
/* translate.c, called from entry.c on the C stack */
void *rt_link(struct cpu *cpu, struct slot *slot);
void *rt_lookup(struct cpu *cpu, uint64_t pc);
void *rt_fill(struct cpu *cpu, uint64_t pc, struct slot *slot);
void rt_poll(struct cpu *cpu);
void rt_fault_deliver(struct cpu *cpu);
void rt_stats_print(void);
void rt_dump(const struct block *block, const struct chunk *chunk);

#endif
