/* SPDX-License-Identifier: Apache-2.0
 *
 * Translated code: chunks, blocks, the table of blocks, links between them, invalidation.
 *
 * Code is only ever appended to a chunk; its executable view is never writable and its writable
 * view is elsewhere. All that changes is in slots: a direct exit's slot holds its own stub's
 * address until it is linked to a block; an inline cache's holds a key that matches nothing until
 * it is filled.
 *
 * Invariants
 *  1. A block's pc and host never change. A bucket's chain is changed under the lock by single
 * stores, so that a reader sees a chain that is or was true.
 *  2. A slot that jumps to a block is in its chain of incoming slots: invalidation sends each back
 *     to its stub, then takes the block out of the table.
 *  3. The code of a dead block stays where it is: another thread may be in it until its next poll.
 * It comes back only when everything is flushed, which needs a single thread.
 */
#include "engine/lift/lift.h"
#include "engine/rt/fmt.h"
#include "engine/rt/mem.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/time.h>

struct rt_state rt_state;
struct rt_options rt_options;

enum { PAGE_SHIFT = 12, SLOT_MIN = 512, FAULT_MIN = 2048, CODE_MIN = 32 << 10 };

/* ---- chunks ---- */
static bool map_twice(struct chunk *c, uint8_t *area)
{
    uint8_t *write = area + CHUNK_CODE + CHUNK_SLOTS * sizeof(struct slot);
    long at = sys(__NR_mmap, write, CHUNK_CODE, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    if (at < 0)
        return false;
    at = sys(__NR_mremap, write, 0, CHUNK_CODE, MREMAP_MAYMOVE | MREMAP_FIXED, area);
    if (at < 0 || sys(__NR_mprotect, area, CHUNK_CODE, PROT_READ | PROT_EXEC) < 0)
        return false;
    c->exec = area;
    c->write = write;
    return true;
}

static struct chunk *new_chunk(void)
{
    if (rt_state.chunk_count == CHUNK_MAX)
        return NULL;
    struct chunk *c = &rt_state.chunks[rt_state.chunk_count];
    size_t slots = CHUNK_SLOTS * sizeof(struct slot);
    uint8_t *area = rt_pages_get(2 * CHUNK_CODE + slots);
    if (!area || !map_twice(c, area))
        return NULL;
    c->slots = (struct slot *)(area + CHUNK_CODE);
    c->sides = rt_pages_get(CHUNK_SLOTS * sizeof(struct slot_side));
    c->faults = rt_pages_get(CHUNK_FAULTS * sizeof(struct x64_fault));
    c->blocks = rt_pages_get(CHUNK_SLOTS * sizeof(struct block *));
    if (!c->sides || !c->faults || !c->blocks)
        return NULL;
    __atomic_store_n(&rt_state.chunk_count, rt_state.chunk_count + 1, __ATOMIC_RELEASE);
    return c;
}

static void empty_chunk(struct chunk *c)
{
    c->code_used = c->slots_used = c->faults_used = c->block_count = 0;
}

static bool has_room(const struct chunk *c)
{
    return !c->sealed && CHUNK_CODE - c->code_used >= CODE_MIN &&
           CHUNK_SLOTS - c->slots_used >= SLOT_MIN && CHUNK_FAULTS - c->faults_used >= FAULT_MIN;
}

/* Everything is forgotten. Only while no other thread can be in translated code. */
static void flush(void)
{
    for (unsigned m = 0; m < MODES; m++)
        if (rt_state.tables[m])
            memset(rt_state.tables[m], 0, sizeof(struct block *) << TABLE_BITS);
    for (uint32_t k = 0; k < rt_state.chunk_count; k++) {
        struct chunk *c = &rt_state.chunks[k];
        if (c->shared && !map_twice(c, c->exec))
            continue; /* stays sealed */
        c->shared = c->sealed = false;
        empty_chunk(c);
    }
    memset(rt_state.page_map, 0, sizeof(rt_state.page_map));
    rt_state.epoch++;
    rt_state.stats.flushes++;
}

static struct chunk *chunk_with_room(void)
{
    for (uint32_t k = rt_state.chunk_count; k-- > 0;)
        if (has_room(&rt_state.chunks[k]))
            return &rt_state.chunks[k];
    struct chunk *c = new_chunk();
    if (c)
        return c;
    if (rt_state.cpu_count > 1)
        rt_bug("no memory for translated code", __FILE__, __LINE__);
    flush();
    for (uint32_t k = 0; k < rt_state.chunk_count; k++)
        if (has_room(&rt_state.chunks[k]))
            return &rt_state.chunks[k];
    rt_bug("no memory for translated code", __FILE__, __LINE__);
}

/* ---- the table ---- */
static struct block **table_of(unsigned mode)
{
    if (!rt_state.tables[mode])
        rt_state.tables[mode] = rt_pages_get(sizeof(struct block *) << TABLE_BITS);
    if (!rt_state.tables[mode])
        rt_bug("no memory for the block table", __FILE__, __LINE__);
    return rt_state.tables[mode];
}

static uint32_t bucket(uint64_t pc)
{
    return (uint32_t)(pc >> 2) & ((1u << TABLE_BITS) - 1);
}

struct block *code_find(uint64_t pc, unsigned mode)
{
    struct block **head = &table_of(mode)[bucket(pc)];
    struct block *before = NULL;
    for (struct block *b = *head; b; before = b, b = b->next) {
        if (b->pc != pc)
            continue;
        if (before) { /* to the front, where assembly looks */
            before->next = b->next;
            b->next = *head;
            __atomic_store_n(head, b, __ATOMIC_RELEASE);
        }
        return b;
    }
    return NULL;
}

static void table_remove(struct block *b)
{
    struct block **at = &table_of(b->mode)[bucket(b->pc)];
    while (*at && *at != b)
        at = &(*at)->next;
    if (*at)
        __atomic_store_n(at, b->next, __ATOMIC_RELEASE);
}

static struct block *new_block(void)
{
    enum { BATCH = 64 << 10 };
    if (!rt_state.block_pool_left) {
        rt_state.block_pool = rt_pages_get(BATCH);
        if (!rt_state.block_pool)
            rt_bug("no memory for block descriptors", __FILE__, __LINE__);
        rt_state.block_pool_left = BATCH / sizeof(struct block);
    }
    rt_state.block_pool_left--;
    return rt_state.block_pool++;
}

/* ---- pages that have translations ---- */
static void mark_pages(uint64_t low, uint64_t high)
{
    for (uint64_t p = low >> PAGE_SHIFT; p <= (high - 1) >> PAGE_SHIFT; p++) {
        uint32_t k = (uint32_t)p & ((1u << PAGE_MAP_BITS) - 1);
        rt_state.page_map[k / 64] |= 1ull << (k % 64);
    }
}

static bool any_page(uint64_t low, uint64_t high)
{
    uint64_t first = low >> PAGE_SHIFT, last = (high - 1) >> PAGE_SHIFT;
    if (last - first >= 1u << PAGE_MAP_BITS)
        return true;
    for (uint64_t p = first; p <= last; p++) {
        uint32_t k = (uint32_t)p & ((1u << PAGE_MAP_BITS) - 1);
        if (rt_state.page_map[k / 64] >> (k % 64) & 1)
            return true;
    }
    return false;
}

/* ---- translation ---- */
static bool fetch(void *context, uint64_t pc, uint32_t *ret_word)
{
    (void)context;
    if (!linux_may_execute(pc))
        return false;
    return rt_guest_read(ret_word, pc, 4);
}

static bool known(void *context, uint64_t pc)
{
    return code_find(pc, (unsigned)(uintptr_t)context) != NULL;
}

/* ---- tagged addresses: the top byte counts for the host, not for the guest (TBI). Code is made
 * without a thought of them; an instruction that meets one is translated again, cutting its
 * addresses. ---- */
static uint64_t *tagged_place(uint64_t pc)
{
    uint32_t k = (uint32_t)(pc >> 2) * 0x9e3779b1u >> 19;
    while (rt_state.tagged[k] && rt_state.tagged[k] != pc)
        k = (k + 1) % TAGGED_MAX;
    return &rt_state.tagged[k];
}

static bool tagged(void *context, uint64_t pc)
{
    (void)context;
    if (!rt_state.tagged)
        return false;
    /* so many that the table is nearly full: all of them */
    return rt_state.tagged_count > TAGGED_MAX / 2 || *tagged_place(pc) == pc;
}

void code_note_tagged(uint64_t pc)
{
    rt_lock();
    if (!rt_state.tagged)
        rt_state.tagged = rt_pages_get(TAGGED_MAX * sizeof(uint64_t));
    if (rt_state.tagged && rt_state.tagged_count <= TAGGED_MAX / 2 && *tagged_place(pc) != pc) {
        *tagged_place(pc) = pc;
        rt_state.tagged_count++;
    }
    rt_unlock();
    rt_invalidate(pc, 4);
}

static void guest_range(const struct ir_region *r, struct block *b)
{
    b->low = ~0ull;
    b->high = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct ir_ins *ins = &r->ins[i];
        if (ins->op != IR_INSN)
            continue;
        if (ins->imm < b->low)
            b->low = ins->imm;
        if (ins->imm + 4 > b->high)
            b->high = ins->imm + 4;
    }
}

static struct block *publish(struct chunk *c, const struct ir_region *r, const struct x64_out *o)
{
    struct block *b = new_block();
    *b = (struct block){.pc = r->pc,
                        .host = c->exec + c->code_used,
                        .code = c->code_used,
                        .code_size = o->code_size,
                        .faults = c->faults_used,
                        .fault_count = o->fault_count,
                        .chunk = (uint16_t)(c - rt_state.chunks),
                        .mode = (uint8_t)r->mode};
    guest_range(r, b);
    mark_pages(b->low, b->high);
    for (uint32_t k = 0; k < o->slot_count; k++) {
        uint32_t stub = 0;
        if (o->slots[k].host)
            stub = (uint32_t)((uint8_t *)o->slots[k].host - c->exec);
        else /* an empty cache's key is a guest pc as well: 0 */
            o->slots[k].host = (void *)(uintptr_t)rt_thunk_jump;
        c->sides[c->slots_used + k] = (struct slot_side){0, stub};
    }
    c->blocks[c->block_count] = b;
    __atomic_store_n(&c->block_count, c->block_count + 1, __ATOMIC_RELEASE);
    c->code_used = (c->code_used + o->code_size + 15) & ~15u;
    c->slots_used += o->slot_count;
    c->faults_used += o->fault_count;
    struct block **head = &table_of(r->mode)[bucket(r->pc)];
    b->next = *head;
    __atomic_store_n(head, b, __ATOMIC_RELEASE);
    return b;
}

static uint64_t now(void)
{
    struct timespec t;
    sys(__NR_clock_gettime, CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct x64_out out_in(struct chunk *c)
{
    return (struct x64_out){.code = c->write + c->code_used,
                            .code_addr = (uint64_t)(uintptr_t)(c->exec + c->code_used),
                            .slots = c->slots + c->slots_used,
                            .faults = c->faults + c->faults_used,
                            .code_room = CHUNK_CODE - c->code_used,
                            .slot_room = CHUNK_SLOTS - c->slots_used,
                            .fault_room = CHUNK_FAULTS - c->faults_used};
}

static void count(const struct ir_region *r, const struct x64_out *o)
{
    rt_state.stats.regions++;
    rt_state.stats.insns += r->insns;
    rt_state.stats.code_bytes += o->code_size;
}

/* CPUID may cost much in a virtual machine: asked when somebody wants to know. */
static bool host(void *context, enum lift_host what)
{
    (void)context;
    if (!rt_state.host) {
        uint32_t a = 7, b, c = 0, d;
        __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        rt_state.host = 1u | (b >> 29 & 1u) << (LIFT_HOST_SHA + 1);
    }
    return rt_state.host >> (what + 1) & 1;
}

struct block *code_translate(uint64_t pc, unsigned mode)
{
    if (!rt_state.region) {
        rt_state.region = rt_pages_get(sizeof(struct ir_region));
        rt_state.work = rt_pages_get(x64_work_size);
        if (!rt_state.region || !rt_state.work)
            rt_bug("no memory to translate", __FILE__, __LINE__);
    }
    uint64_t start = rt_options.stats ? now() : 0;
    struct lift_env env = {.fetch = fetch,
                           .known = known,
                           .tagged = tagged,
                           .host = host,
                           .context = (void *)(uintptr_t)mode,
                           .mode = mode,
                           .max_insns = REGION_INSNS};
    /* a chunk nearly full, or a region too rich for the compiler's tables: less at a time */
    for (;; env.max_insns /= 2) {
        if (!env.max_insns)
            rt_bug("an instruction that cannot be compiled", __FILE__, __LINE__);
        a64_lift_region(rt_state.region, pc, &env);
        struct chunk *c = chunk_with_room();
        struct x64_out o = out_in(c);
        if (x64_compile(rt_state.region, &o, rt_state.work) != X64_OK)
            continue;
        struct block *b = publish(c, rt_state.region, &o);
        count(rt_state.region, &o);
        if (rt_options.stats)
            rt_state.stats.ns += now() - start;
        rt_dump(b, c);
        return b;
    }
}

/* ---- links ---- */
static uint32_t slot_number(const struct slot *s, struct chunk **ret_chunk)
{
    for (uint32_t k = 0; k < rt_state.chunk_count; k++) {
        struct chunk *c = &rt_state.chunks[k];
        if (s >= c->slots && s < c->slots + CHUNK_SLOTS) {
            *ret_chunk = c;
            return k * CHUNK_SLOTS + (uint32_t)(s - c->slots);
        }
    }
    rt_bug("a slot of no chunk", __FILE__, __LINE__);
}

void code_link(struct slot *slot, struct block *block)
{
    struct chunk *c;
    uint32_t n = slot_number(slot, &c);
    struct slot_side *side = &c->sides[n % CHUNK_SLOTS];
    side->next = block->incoming;
    block->incoming = n + 1;
    __atomic_store_n(&slot->host, block->host, __ATOMIC_RELEASE);
    rt_state.stats.links++;
}

static void unlink_incoming(struct block *b)
{
    uint32_t n = b->incoming;
    while (n) {
        struct chunk *c = &rt_state.chunks[(n - 1) / CHUNK_SLOTS];
        struct slot *s = &c->slots[(n - 1) % CHUNK_SLOTS];
        struct slot_side *side = &c->sides[(n - 1) % CHUNK_SLOTS];
        if (side->stub) {
            __atomic_store_n(&s->host, (void *)(c->exec + side->stub), __ATOMIC_RELEASE);
        } else { /* the cache is dead: not empty, and what matches goes the long way */
            __atomic_store_n(&s->host, (void *)(uintptr_t)rt_thunk_jump, __ATOMIC_RELEASE);
            __atomic_store_n(&s->pc, 1, __ATOMIC_RELEASE);
        }
        n = side->next;
    }
    b->incoming = 0;
}

void rt_invalidate(uint64_t start, uint64_t length)
{
    if (!length)
        return;
    rt_lock();
    bool hit = false;
    if (any_page(start, start + length)) {
        for (uint32_t k = 0; k < rt_state.chunk_count; k++) {
            struct chunk *c = &rt_state.chunks[k];
            for (uint32_t i = 0; i < c->block_count; i++) {
                struct block *b = c->blocks[i];
                if (b->dead || b->low >= start + length || b->high <= start)
                    continue;
                b->dead = true;
                hit = true;
                unlink_incoming(b);
                table_remove(b);
                rt_state.stats.invalidated++;
            }
        }
    }
    if (hit) {
        __atomic_add_fetch(&rt_state.epoch, 1, __ATOMIC_RELEASE);
        for (struct cpu *c = rt_state.cpus; c; c = c->next)
            __atomic_store_n(&c->fuel, -1, __ATOMIC_RELEASE);
    }
    rt_unlock();
}

/* ---- fork: both sides see the same pages of code. Only the process that made a chunk goes on
 * filling it; the child sees what it fills, but knows nothing of it. ---- */
void rt_fork_prepare(void)
{
    rt_lock();
}

void rt_fork_done(bool child)
{
    for (uint32_t k = 0; k < rt_state.chunk_count; k++) {
        rt_state.chunks[k].shared = true;
        if (child)
            rt_state.chunks[k].sealed = true;
    }
    if (child) {
        rt_excl_forget();
        rt_state.cpus = rt_cpu();
        rt_state.cpus->next = NULL;
        rt_state.cpu_count = 1;
    }
    rt_unlock();
}
