/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks: the table of blocks, links between them, their death.
 *
 * All that changes in code is in slots: a direct exit's slot holds its own stub's address until it
 * is linked to a block; an inline cache's holds a key that matches nothing until it is filled.
 *
 * Invariants
 *  1. A block's pc and host never change. A bucket's chain is changed under the lock by single
 *     stores, and blocks that leave it keep their place: a reader without a lock sees a chain that
 *     is or was true.
 *  2. A slot that jumps to a block is in its chain of incoming slots: when the block dies, each is
 *     sent back to its stub, then the block leaves the table.
 *  3. An inline cache's key is written once, after its host. When its block dies the host becomes
 *     rt_thunk_jump, which is right for every key: a reader may have compared the key already. It
 *     waits among the orphans until there is a block for its key again.
 *  4. Every guest byte of a live block is in an extent of its page's bucket.
 */
#include "engine/rt/mem.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/mman.h>

enum { PAGE_SHIFT = 12, PAGE_MASK = (1 << PAGE_SHIFT) - 1 };

/* ---- the table ---- */
static struct block **bucket(uint64_t pc, unsigned mode)
{
    uint32_t k = (uint32_t)(pc >> 2) & ((1u << TABLE_BITS) - 1);
    return &rt_state.tables[(mode << TABLE_BITS) + k];
}

struct block *code_find(uint64_t pc, unsigned mode)
{
    struct block *b = *bucket(pc, mode);
    while (b && b->pc != pc)
        b = b->next;
    return b;
}

static void table_add(struct block *b)
{
    struct block **head = bucket(b->pc, b->mode);
    b->next = *head;
    __atomic_store_n(head, b, __ATOMIC_RELEASE);
}

static void table_remove(const struct block *b)
{
    struct block **at = bucket(b->pc, b->mode);
    while (*at && *at != b)
        at = &(*at)->next;
    if (*at)
        __atomic_store_n(at, b->next, __ATOMIC_RELEASE);
}

void code_forget_all(void)
{
    sys(__NR_madvise, rt_state.tables, MODES * sizeof(struct block *) << TABLE_BITS, MADV_DONTNEED);
    memset(rt_state.extent_heads, 0, sizeof(rt_state.extent_heads));
    rt_state.extent_used = rt_state.extent_free = 0;
    memset(rt_state.orphans, 0, sizeof(rt_state.orphans));
}

/* ---- extents: which guest bytes have translations ---- */
static uint32_t *extents_of(uint64_t page)
{
    uint32_t k = (uint32_t)(page ^ page >> EXTENT_BITS) & ((1u << EXTENT_BITS) - 1);
    return &rt_state.extent_heads[k];
}

bool code_has_room(void)
{
    return rt_state.extent_room - rt_state.extent_used >= REGION_INSNS;
}

static void add_extent(struct block *b, uint64_t from, uint64_t last)
{
    uint32_t n = rt_state.extent_free;
    if (n)
        rt_state.extent_free = rt_state.extents[n - 1].next;
    else
        n = ++rt_state.extent_used;
    uint32_t *head = extents_of(from >> PAGE_SHIFT);
    rt_state.extents[n - 1] = (struct extent){.block = b,
                                              .page = (uint32_t)(from >> PAGE_SHIFT),
                                              .next = *head,
                                              .from = from & PAGE_MASK,
                                              .last = last & PAGE_MASK};
    __atomic_store_n(head, n, __ATOMIC_RELEASE);
}

/* Runs of instructions, none beyond a page. */
static void add_extents(struct block *b, const struct ir_region *r)
{
    uint64_t from = 0, behind = 0, last = r->pc + r->insns * 4u - 1;
    if (r->straight && r->insns && r->pc >> PAGE_SHIFT == last >> PAGE_SHIFT) {
        add_extent(b, r->pc, last);
        return;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        uint64_t pc = r->ins[i].imm;
        if (r->ins[i].op != IR_INSN)
            continue;
        if (pc != behind || !(pc & PAGE_MASK)) {
            if (behind)
                add_extent(b, from, behind - 1);
            from = pc;
        }
        behind = pc + 4;
    }
    add_extent(b, from, behind - 1);
}

static uint32_t *orphans_of(uint64_t pc, unsigned mode)
{
    return &rt_state.orphans[mode][(pc >> 2 ^ pc >> 12) % ORPHAN_HEADS];
}

/* What will be read of the tables for a region at pc: it takes as long as translating some
 * instructions does until that is there. */
void code_expect(uint64_t pc, unsigned mode)
{
    enum { LINE = 8 * 4 }; /* guest bytes whose buckets are in one cache line */
    __builtin_prefetch((const void *)(uintptr_t)pc);
    __builtin_prefetch((const void *)(uintptr_t)(pc + 64));
    __builtin_prefetch(extents_of(pc >> PAGE_SHIFT), 1);
    __builtin_prefetch(orphans_of(pc, mode));
    __builtin_prefetch(bucket(pc + LINE, mode), 1);
    __builtin_prefetch(bucket(pc + 2 * LINE, mode));
}

/* ---- new blocks ---- */
static void settle_slots(struct chunk *c, const struct x64_out *o)
{
    for (uint32_t k = 0; k < o->slot_count; k++) {
        uint32_t stub = 0;
        if (o->slots[k].host)
            stub = (uint32_t)((uint8_t *)o->slots[k].host - c->exec);
        else /* an empty cache's key is a guest pc as well: 0 */
            o->slots[k].host = (void *)(uintptr_t)rt_thunk_jump;
        c->sides[c->slots_used + k] = (struct slot_side){0, stub};
    }
}

/* ---- inline caches whose block died ---- */
static void add_orphan(uint32_t n, unsigned mode)
{
    struct chunk *c = &rt_state.chunks[(n - 1) / CHUNK_SLOTS];
    uint32_t *head = orphans_of(c->slots[(n - 1) % CHUNK_SLOTS].pc, mode);
    c->sides[(n - 1) % CHUNK_SLOTS].next = *head;
    *head = n;
}

static void adopt(struct block *b)
{
    uint32_t *at = orphans_of(b->pc, b->mode);
    while (*at) {
        uint32_t n = *at;
        struct chunk *c = &rt_state.chunks[(n - 1) / CHUNK_SLOTS];
        struct slot *s = &c->slots[(n - 1) % CHUNK_SLOTS];
        struct slot_side *side = &c->sides[(n - 1) % CHUNK_SLOTS];
        if (s->pc != b->pc) {
            at = &side->next;
            continue;
        }
        *at = side->next;
        side->next = b->incoming;
        b->incoming = n;
        __atomic_store_n(&s->host, b->host, __ATOMIC_RELEASE);
    }
}

struct block *code_publish(struct chunk *c, const struct ir_region *r, const struct x64_out *o)
{
    struct block *b = &c->blocks[c->block_count];
    *b = (struct block){.pc = r->pc,
                        .host = c->exec + c->code_used,
                        .code = c->code_used,
                        .code_size = o->code_size,
                        .faults = c->faults_used,
                        .fault_count = o->fault_count,
                        .mode = (uint8_t)r->mode};
    settle_slots(c, o);
    c->code_used = (c->code_used + o->code_size + 15) & ~15u;
    c->slots_used += o->slot_count;
    c->faults_used += o->fault_count;
    __atomic_store_n(&c->block_count, c->block_count + 1, __ATOMIC_RELEASE);
    add_extents(b, r);
    table_add(b);
    adopt(b);
    return b;
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
    if (slot->host == block->host) /* another thread was quicker */
        return;
    c->sides[n % CHUNK_SLOTS].next = block->incoming;
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
        const struct slot_side *side = &c->sides[(n - 1) % CHUNK_SLOTS];
        void *to = side->stub ? c->exec + side->stub : (void *)(uintptr_t)rt_thunk_jump;
        uint32_t next = side->next;
        __atomic_store_n(&s->host, to, __ATOMIC_RELEASE);
        if (!side->stub)
            add_orphan(n, b->mode);
        n = next;
    }
    b->incoming = 0;
}

/* ---- death ---- */
/* In this order: a child that is killed on the way leaves a block that is killed again. */
static void kill_block(struct block *b)
{
    table_remove(b);
    unlink_incoming(b);
    b->dead = true;
    rt_state.stats.invalidated++;
}

/* Which of a bucket's extents are meant: bytes from..last of pages first..first + more. */
struct range {
    uint32_t first, more;
    uint32_t from, last;
};

static void kill_in(uint32_t *head, const struct range *r)
{
    for (uint32_t *at = head; *at;) {
        uint32_t n = *at;
        struct extent *e = &rt_state.extents[n - 1];
        if (!e->block->dead && e->page - r->first <= r->more && e->from <= r->last &&
            e->last >= r->from)
            kill_block(e->block);
        if (!e->block->dead) {
            at = &e->next;
            continue;
        }
        __atomic_store_n(at, e->next, __ATOMIC_RELAXED);
        e->next = rt_state.extent_free;
        rt_state.extent_free = n;
    }
}

void code_kill(uint64_t start, uint64_t length)
{
    uint64_t end = start + length - 1, first = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
    if (last - first >= 1u << EXTENT_BITS) { /* by buckets, and by whole pages */
        uint64_t more = last - first < UINT32_MAX ? last - first : UINT32_MAX;
        struct range r = {(uint32_t)first, (uint32_t)more, 0, PAGE_MASK};
        for (uint32_t k = 0; k < 1u << EXTENT_BITS; k++)
            kill_in(&rt_state.extent_heads[k], &r);
        return;
    }
    for (uint64_t p = first; p <= last; p++) {
        struct range r = {(uint32_t)p, 0, p == first ? start & PAGE_MASK : 0,
                          p == last ? end & PAGE_MASK : PAGE_MASK};
        kill_in(extents_of(p), &r);
    }
}

/* A translation that is being made may have read the old bytes: then the lock is held. */
bool code_none(uint64_t start, uint64_t length)
{
    uint64_t first = start >> PAGE_SHIFT, last = (start + length - 1) >> PAGE_SHIFT;
    if (__atomic_load_n(&rt_state.lock, __ATOMIC_ACQUIRE))
        return false;
    for (uint64_t p = first; p <= last; p++)
        if (__atomic_load_n(extents_of(p), __ATOMIC_ACQUIRE))
            return false;
    return true;
}
