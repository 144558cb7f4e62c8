/* SPDX-License-Identifier: Apache-2.0
 *
 * --cosim: interpreter and machine code side by side, region by region.
 *
 * On the way into code the region's IR is interpreted on a copy of the cpu. Its stores go into a
 * list, through which its loads look; real memory stays as it is. Then the machine code runs as
 * ever, and when it comes out into C, wherever that is, registers and memory must be what the
 * interpreter says (docs/decisions/0006-cosim.md has why in this order).
 *
 * Machine code comes out after each region because nothing is linked, the block table that thunks
 * look into is an empty one, the return stack is emptied at each entry, and there is no fuel: the
 * first poll leaves. The code itself is the same as without --cosim.
 *
 * Invariants
 *  1. cpu->cosim is 1 from cosim_enter() to cosim_leave(): only then are the pinned vectors in host
 *     registers newer than those in cpu->v.
 *  2. The interpreter leaves nothing behind: MXCSR and the exclusives' cells are put back.
 *  3. The interpreter runs the IR as it was lifted, also when the guest's bytes have changed since.
 *
 * Context: the runtime's lock is held while a region is interpreted. With several threads (a vfork
 * child, too) nothing is compared, as memory may change between the two runs.
 *
 * Left out: errors of decoder and lifter, which both runs share; stores of machine code that are
 * nowhere near one of the interpreter's.
 */
#include "engine/rt/cosim.h"

#include "engine/rt/fmt.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

/* ---- the IR of each block ---- */
struct kept {
    const struct block *block; /* whose */
    struct kept *next;         /* same bucket */
    struct ir_region region;   /* as far as its count says */
};

enum { BUCKETS = 1 << 14, ARENA = 4 << 20, ARENAS = 128, MARGIN = 16 };

static struct {
    struct cosim run;              /* the running region */
    struct ir_region lifted;       /* between cosim_lifted() and cosim_published() */
    struct kept *buckets[BUCKETS]; /* by block */
    uint8_t *arenas[ARENAS];       /* memory of kept regions */
    uint32_t arena;                /* the one in use */
    uint32_t used;                 /* bytes of it */
    uint64_t flushes;              /* rt_state.flushes when they were kept */
    char file[1024];               /* rt_options.cosim_file, where the guest cannot change it */
    struct block **no_blocks;      /* an empty table for thunks to look into */
    uint64_t compared, skipped;    /* regions run */
} * co;

static struct {
    int from;      /* enum ir_op, -1: none */
    int to;        /* enum ir_op, -1: the same */
    unsigned size; /* other size, 0: the same */
} spoil = {-1, -1, 0};

bool cosim_init(void)
{
    co = rt_pages_get(sizeof(*co));
    if (!co)
        return false;
    const char *file = rt_options.cosim_file;
    if (file) {
        if (strlen(file) >= sizeof(co->file))
            return false;
        rt_options.cosim_file = memcpy(co->file, file, strlen(file) + 1);
    }
    co->no_blocks = rt_pages_get(sizeof(struct block *) << TABLE_BITS);
    return co->no_blocks;
}

static int op_named(const char *name, size_t n)
{
    for (int k = 0; k < IR_OP_COUNT; k++)
        if (strlen(ir_op_info[k].name) == n && memcmp(ir_op_info[k].name, name, n) == 0)
            return k;
    return -1;
}

bool cosim_set_spoil(const char *text)
{
    size_t n = 0;
    while (text[n] && text[n] != ':')
        n++;
    spoil.from = op_named(text, n);
    if (spoil.from < 0 || !text[n])
        return false;
    const char *to = text + n + 1;
    if (*to >= '1' && *to <= '8' && !to[1])
        spoil.size = (unsigned)(*to - '0');
    else
        spoil.to = op_named(to, strlen(to));
    return spoil.size || spoil.to >= 0;
}

static size_t region_size(const struct ir_region *r)
{
    return offsetof(struct ir_region, ins) + r->count * sizeof(r->ins[0]);
}

void cosim_lifted(struct ir_region *r)
{
    memcpy(&co->lifted, r, region_size(r));
    for (uint32_t i = 0; i < r->count && spoil.from >= 0; i++) {
        if (r->ins[i].op != spoil.from)
            continue;
        if (spoil.size)
            r->ins[i].size = (uint8_t)spoil.size;
        else
            r->ins[i].op = (uint8_t)spoil.to;
    }
}

static struct kept **bucket(const struct block *b)
{
    return &co->buckets[(uint32_t)((uintptr_t)b / sizeof(struct block)) % BUCKETS];
}

/* After a flush blocks begin anew, in the old places. */
static void forget_flushed(void)
{
    if (co->flushes == rt_state.flushes)
        return;
    co->flushes = rt_state.flushes;
    memset(co->buckets, 0, sizeof(co->buckets));
    co->arena = co->used = 0;
}

static void *arena_get(size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if (co->arenas[co->arena] && co->used + size > ARENA) {
        if (co->arena + 1 == ARENAS)
            return NULL;
        co->arena++;
        co->used = 0;
    }
    if (!co->arenas[co->arena])
        co->arenas[co->arena] = rt_pages_get(ARENA);
    if (!co->arenas[co->arena])
        return NULL;
    void *p = co->arenas[co->arena] + co->used;
    co->used += (uint32_t)size;
    return p;
}

void cosim_published(const struct block *b)
{
    forget_flushed();
    size_t size = region_size(&co->lifted);
    struct kept *k = arena_get(offsetof(struct kept, region) + size), **head = bucket(b);
    if (!k)
        return;
    k->block = b;
    k->next = *head;
    memcpy(&k->region, &co->lifted, size);
    *head = k;
}

static const struct ir_region *region_of(const struct block *b)
{
    forget_flushed();
    const struct kept *k = *bucket(b);
    while (k && k->block != b)
        k = k->next;
    return k ? &k->region : NULL;
}

/* ---- the interpreter's memory ---- */
static bool may_access(void *context, uint64_t address, unsigned size, bool write)
{
    struct cosim *c = context;
    uint8_t b;
    if (rt_window_has(address, size)) { /* whatever code finds there is its own affair */
        c->hopeless = true;
        return false;
    }
    for (unsigned k = 0; k < size; k += size - 1 ? size - 1 : 1) {
        if (!rt_guest_read(&b, address + k, 1) || (write && !fault_probe_write(address + k)))
            return false;
    }
    return true;
}

static uint64_t read(void *context, uint64_t address, unsigned size)
{
    const struct cosim *c = context;
    uint8_t bytes[8] = {0};
    rt_guest_read(bytes, address, size);
    for (uint32_t n = 0; n < c->write_count; n++) {
        const struct cosim_write *w = &c->writes[n];
        for (unsigned k = 0; k < w->size; k++)
            if (w->at + k - address < size)
                bytes[w->at + k - address] = w->bytes[k];
    }
    uint64_t v;
    memcpy(&v, bytes, sizeof(v));
    return v;
}

/* Memory around a store: the margins as far as they can be read. */
static void note_around(struct cosim_write *w)
{
    bool below = rt_guest_read(w->around, w->at - MARGIN, MARGIN);
    unsigned n = below ? MARGIN : 0;
    w->low = w->at - n;
    if (rt_guest_read(w->around + n, w->at, w->size))
        n += w->size;
    if (rt_guest_read(w->around + n, w->at + w->size, MARGIN))
        n += MARGIN;
    w->length = (uint8_t)n;
}

static void write(void *context, uint64_t address, unsigned size, uint64_t value)
{
    struct cosim *c = context;
    if (c->write_count == COSIM_WRITES) {
        c->hopeless = true;
        return;
    }
    struct cosim_write *w = &c->writes[c->write_count++];
    w->pc = c->interp.pc;
    w->at = address;
    w->size = (uint8_t)size;
    memcpy(w->bytes, &value, sizeof(value));
    note_around(w);
}

/* ---- the interpreter's helpers ---- */
static void helper(void *context, struct cpu *shadow, unsigned index)
{
    struct cosim *c = context;
    bool cells = index == IR_HELPER_excl_load || index == IR_HELPER_excl_check ||
                 index == IR_HELPER_excl_done;
    if (cells && !c->cells_saved) {
        memcpy(c->cells, rt_state.versions, sizeof(c->cells));
        c->cells_saved = true;
    }
    /* code that is not exact about underflow is asked about it (docs/QUIRKS.md) */
    if (index == IR_HELPER_get_fpsr && !(c->region->mode & (IR_MODE_COLD | IR_MODE_UNDERFLOW)) &&
        shadow->fpsr & ~c->before_fpsr & COSIM_UFC)
        c->hopeless = true;
    rt_helpers[index](shadow);
    bool clock = index == IR_HELPER_cntvct || (index == IR_HELPER_clock && !shadow->ret);
    if (!clock)
        return;
    if (c->clock_count == COSIM_CLOCKS)
        c->hopeless = true;
    else
        memcpy(c->clocks[c->clock_count++], shadow->clock, sizeof(shadow->clock));
}

bool cosim_clock(uint64_t ret_time[2])
{
    struct cosim *c = &co->run;
    if (!c->pending || c->clock_next == c->clock_count)
        return false;
    memcpy(ret_time, c->clocks[c->clock_next++], sizeof(c->clocks[0]));
    return true;
}

/* ---- in and out ---- */
static uint32_t get_mxcsr(void)
{
    uint32_t v;
    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}

static void interpret(struct cosim *c, struct cpu *cpu)
{
    uint32_t mxcsr = get_mxcsr();
    c->write_count = c->clock_count = c->clock_next = 0;
    c->hopeless = c->cells_saved = false;
    memcpy(&c->before, cpu, offsetof(struct cpu, jumps));
    memcpy(&c->shadow, cpu, offsetof(struct cpu, jumps));
    c->before_fpsr = c->shadow.fpsr = rt_fpsr_get(cpu);
    c->interp.cpu = &c->shadow;
    c->interp.helper = helper;
    c->interp.access = may_access;
    c->interp.read = read;
    c->interp.write = write;
    c->interp.context = c;
    enum ir_end end = ir_interp_run(&c->interp, c->region);
    if (c->cells_saved)
        memcpy(rt_state.versions, c->cells, sizeof(c->cells));
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    c->pending = !c->hopeless && end != IR_END_MISSING;
}

void cosim_enter(struct cpu *cpu, const struct block *b)
{
    struct cosim *c = &co->run;
    cpu->cosim = 1;
    if (cpu->table != co->no_blocks)
        rt_empty_jumps(cpu);
    cpu->table = co->no_blocks;
    __atomic_store_n(&cpu->fuel, 0, __ATOMIC_RELEASE);
    c->pending = false;
    c->region = rt_state.cpu_count == 1 ? region_of(b) : NULL;
    if (c->region)
        interpret(c, cpu);
    co->skipped += !c->pending;
}

void cosim_leave(struct cpu *cpu, enum ir_end end, uint64_t pc, uint64_t detail)
{
    struct cosim *c = &co->run;
    if (!cpu->cosim)
        return;
    cpu->cosim = 0;
    cpu->epoch = 0; /* thunks must not go back into code by themselves */
    rt_vectors_save(cpu);
    if (!c->pending)
        return;
    c->pending = false;
    struct cosim_end machine = {.end = end, .pc = pc};
    if (end == IR_END_RAISE)
        machine.kind = (unsigned)detail;
    else
        machine.address = detail;
    struct cosim_difference d;
    if (cosim_compare(c, cpu, &machine, &d))
        cosim_report(c, cpu, &machine, &d);
    co->compared++;
}

void cosim_stats(void)
{
    fmt_err("archway-engine: cosim: %u regions compared, %u not\n", co->compared, co->skipped);
}
