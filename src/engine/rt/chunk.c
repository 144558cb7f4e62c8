/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of translated code: chunks, and the flush that empties them.
 *
 * Code is only ever appended to a chunk; its executable view is never writable and its writable
 * view is elsewhere. When no chunk has room and no further one is to be had, everything is
 * forgotten and all begins anew.
 *
 * Invariants
 *  1. A flush waits until no other thread is in translated code (state.h), then empties tables,
 *     blocks and chunks: no pointer to any of them is good afterwards but by a thread that is told
 *     by rt_state.flushes.
 *  2. fork: both sides see the same pages of code. Only the process that made a chunk goes on
 *     filling it; the child sees what is filled, but knows nothing of it, and seals it.
 *  3. Pages are touched as they fill, a sixteenth of a chunk at a time, not before.
 */
#include "engine/rt/mem.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/resource.h>

struct rt_state rt_state;

enum { SLOT_MIN = 512, FAULT_MIN = 2048, CODE_MIN = 32 << 10 };
enum { STEPS = 16 }; /* that a chunk's pages are touched in */

static bool map_views(struct chunk *c, uint8_t *area)
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

static bool map_twice(struct chunk *c, uint8_t *area)
{
    struct rlimit64 old[WINDOW_LIMITS];
    if (map_views(c, area))
        return true;
    window_lift_limits(old);
    bool done = map_views(c, area);
    window_restore_limits(old);
    return done;
}

/* Code, slots and the other view in one piece, so that all are near; then what only C reads. */
static struct chunk *new_chunk(void)
{
    enum {
        NEAR = 2 * CHUNK_CODE + CHUNK_SLOTS * sizeof(struct slot),
        SIDES = CHUNK_SLOTS * sizeof(struct slot_side),
        FAULTS = CHUNK_FAULTS * sizeof(struct x64_fault),
        BLOCKS = CHUNK_BLOCKS * sizeof(struct block)
    };
    uint32_t most = rt_options.code_chunks ? rt_options.code_chunks : CHUNK_MAX;
    if (rt_state.chunk_count >= most || rt_state.chunk_count == CHUNK_MAX)
        return NULL;
    struct chunk *c = &rt_state.chunks[rt_state.chunk_count];
    uint8_t *area = rt_pages_get(NEAR + SIDES + FAULTS + BLOCKS);
    if (!area)
        return NULL;
    if (!map_twice(c, area)) {
        rt_pages_put(area, NEAR + SIDES + FAULTS + BLOCKS);
        return NULL;
    }
    c->slots = (struct slot *)(area + CHUNK_CODE);
    c->sides = (struct slot_side *)(area + NEAR);
    c->faults = (struct x64_fault *)(area + NEAR + SIDES);
    c->blocks = (struct block *)(area + NEAR + SIDES + FAULTS);
    __atomic_store_n(&rt_state.chunk_count, rt_state.chunk_count + 1, __ATOMIC_RELEASE);
    return c;
}

bool chunk_has_room(const struct chunk *c)
{
    return !c->sealed && CHUNK_CODE - c->code_used >= CODE_MIN &&
           CHUNK_SLOTS - c->slots_used >= SLOT_MIN && CHUNK_FAULTS - c->faults_used >= FAULT_MIN &&
           c->block_count < CHUNK_BLOCKS;
}

/* Return when no other thread is in translated code; none gets in: we hold the lock. */
static void wait_for_others(const struct cpu *self)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the epoch is to be seen before in_code is read */
    for (struct cpu *c = rt_state.cpus; c; c = c->next) {
        while (c != self && __atomic_load_n(&c->in_code, __ATOMIC_ACQUIRE)) {
            __atomic_store_n(&c->fuel, -1, __ATOMIC_RELEASE); /* again: a decrement may undo it */
            sys(__NR_sched_yield);
        }
    }
}

static void flush(const struct cpu *self)
{
    __atomic_add_fetch(&rt_state.epoch, 1, __ATOMIC_SEQ_CST);
    rt_state.flushes++;
    wait_for_others(self);
    code_forget_all();
    for (uint32_t k = 0; k < rt_state.chunk_count; k++) {
        struct chunk *c = &rt_state.chunks[k];
        c->sealed = c->shared && !map_twice(c, c->exec); /* the others keep the old pages */
        c->shared = c->sealed;
        c->code_used = c->slots_used = c->faults_used = c->block_count = c->populated = 0;
    }
}

static struct chunk *find_room(void)
{
    for (uint32_t k = rt_state.chunk_count; k-- > 0;)
        if (chunk_has_room(&rt_state.chunks[k]))
            return &rt_state.chunks[k];
    return new_chunk();
}

static void populate_part(void *area, size_t size, uint32_t step)
{
    sys(__NR_madvise, (uint8_t *)area + size / STEPS * step, size / STEPS, MADV_POPULATE_WRITE);
}

/* The next pages of code and of all tables, which fill alike, at once: a fault each costs more. */
static void populate(struct chunk *c)
{
    if (c->code_used + CHUNK_CODE / STEPS / 4 <= c->populated || c->populated >= CHUNK_CODE)
        return;
    uint32_t step = c->populated / (CHUNK_CODE / STEPS);
    populate_part(c->write, CHUNK_CODE, step);
    populate_part(c->slots, CHUNK_SLOTS * sizeof(struct slot), step);
    populate_part(c->sides, CHUNK_SLOTS * sizeof(struct slot_side), step);
    populate_part(c->faults, CHUNK_FAULTS * sizeof(struct x64_fault), step);
    populate_part(c->blocks, CHUNK_BLOCKS * sizeof(struct block), step);
    c->populated += CHUNK_CODE / STEPS;
}

struct chunk *chunk_with_room(struct cpu *cpu)
{
    struct chunk *c = code_has_room() ? find_room() : NULL;
    if (!c) {
        flush(cpu);
        c = find_room();
    }
    if (!c)
        rt_no_memory();
    populate(c);
    return c;
}

bool chunk_init(void)
{
    enum { BYTES_AN_EXTENT = 16 }; /* of the window: a sixteenth of it for the table of extents */
    uint64_t start, end;
    rt_window_range(&start, &end);
    rt_state.epoch = 1;
    rt_state.extent_room = (uint32_t)((end - start) / (BYTES_AN_EXTENT * sizeof(struct extent)));
    rt_state.tables = rt_pages_get(MODES * sizeof(struct block *) << TABLE_BITS);
    rt_state.extents = rt_pages_get(rt_state.extent_room * sizeof(struct extent));
    if (rt_state.tables) /* its pages are touched soon, all over: fewer faults */
        sys(__NR_madvise, rt_state.tables, sizeof(struct block *) << TABLE_BITS,
            MADV_POPULATE_WRITE);
    return rt_state.tables && rt_state.extents;
}

/* ---- fork ---- */
void rt_fork_prepare(void)
{
    rt_lock(rt_cpu());
    window_fork_prepare();
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
    window_fork_done(child);
    rt_unlock();
}
