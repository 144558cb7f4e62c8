/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the guest's mappings: vma.h.
 */
#include "engine/linux/vma.h"

#include "engine/rt/mem.h"

void vma_init(struct vma_table *t, struct vma *array, uint32_t room)
{
    *t = (struct vma_table){.room = room, .at = array};
}

bool vma_has_room(const struct vma_table *t)
{
    enum { MOST = 3 }; /* vma_move: one is split where it was, another where it comes to */
    return t->count + MOST <= t->room;
}

uint32_t vma_find(const struct vma_table *t, uint64_t address)
{
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (vma_entry(t, middle)->end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void change_begin(struct vma_table *t)
{
    __atomic_store_n(&t->seq, t->seq + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void change_end(struct vma_table *t)
{
    __atomic_store_n(&t->seq, t->seq + 1, __ATOMIC_RELEASE);
}

static void set_shape(struct vma_table *t, uint32_t count, uint32_t gap)
{
    const struct vma_table shape = {.count = count, .gap = gap};
    __atomic_store_n(&t->shape, shape.shape, __ATOMIC_RELEASE);
}

/* Where the gap is no shorter than the way, what is there stays right until the shape changes. */
static void move_gap(struct vma_table *t, uint32_t to)
{
    uint32_t free = t->room - t->count;
    if (to < t->gap)
        memmove(t->at + to + free, t->at + to, (t->gap - to) * sizeof(*t->at));
    else
        memmove(t->at + t->gap, t->at + t->gap + free, (to - t->gap) * sizeof(*t->at));
    set_shape(t, t->count, to);
}

/* Take out [from, to) and put with[0..n) there. */
static void splice(struct vma_table *t, uint32_t from, uint32_t to, const struct vma *with,
                   uint32_t n)
{
    if (from == to && !n)
        return;
    move_gap(t, from);
    for (uint32_t k = 0; k < n; k++)
        t->at[from + k] = with[k];
    set_shape(t, t->count - (to - from) + n, from + n);
}

static bool alike(const struct vma *a, const struct vma *b)
{
    return a->end == b->start && a->prot == b->prot && a->flags == b->flags && a->tag == b->tag;
}

void vma_mend(struct vma_table *t)
{
    if (t->seq & 1)
        change_end(t);
}

/* Empty the range; returns the index where something that begins at start belongs. */
static uint32_t clear(struct vma_table *t, uint64_t start, uint64_t end)
{
    uint32_t from = vma_find(t, start), to = from;
    struct vma rest[2];
    uint32_t n = 0, at = from;
    if (from < t->count && vma_entry(t, from)->start < start) {
        rest[n] = *vma_entry(t, from);
        rest[n++].end = start;
        at++;
    }
    while (to < t->count && vma_entry(t, to)->start < end)
        to++;
    if (to > from && vma_entry(t, to - 1)->end > end) {
        rest[n] = *vma_entry(t, to - 1);
        rest[n++].start = end;
    }
    splice(t, from, to, rest, n);
    return at;
}

static void join(struct vma_table *t, uint32_t k) /* entry k with the one before it */
{
    if (k == 0 || k >= t->count || !alike(vma_entry(t, k - 1), vma_entry(t, k)))
        return;
    vma_entry(t, k - 1)->end = vma_entry(t, k)->end;
    splice(t, k, k + 1, NULL, 0);
}

static void set(struct vma_table *t, const struct vma *v)
{
    uint32_t k = clear(t, v->start, v->end);
    splice(t, k, k, v, 1);
    join(t, k + 1);
    join(t, k);
}

void vma_set(struct vma_table *t, const struct vma *v)
{
    if (v->start >= v->end)
        return;
    change_begin(t);
    set(t, v);
    change_end(t);
}

void vma_clear(struct vma_table *t, uint64_t start, uint64_t end)
{
    if (start >= end)
        return;
    change_begin(t);
    clear(t, start, end);
    change_end(t);
}

void vma_protect(struct vma_table *t, uint64_t start, uint64_t end, uint8_t prot)
{
    change_begin(t);
    while (start < end) {
        uint32_t k = vma_find(t, start);
        if (k == t->count || vma_entry(t, k)->start > start)
            break;
        struct vma v = *vma_entry(t, k);
        v.start = start;
        if (v.end > end)
            v.end = end;
        v.prot = prot;
        start = v.end;
        set(t, &v);
    }
    change_end(t);
}

void vma_move(struct vma_table *t, uint64_t from, uint64_t old_size, uint64_t to, uint64_t new_size)
{
    uint32_t k = vma_find(t, from);
    if (k == t->count || vma_entry(t, k)->start > from)
        return;
    if (to == from && new_size <= old_size) { /* shrunk: what stays may be several */
        vma_clear(t, from + new_size, from + old_size);
        return;
    }
    struct vma v = *vma_entry(t, k);
    v.start = to;
    v.end = to + new_size;
    change_begin(t);
    if (old_size)
        clear(t, from, from + old_size);
    set(t, &v);
    change_end(t);
}

bool vma_any_exec(const struct vma_table *t, uint64_t start, uint64_t end)
{
    for (uint32_t k = vma_find(t, start); k < t->count && vma_entry(t, k)->start < end; k++)
        if (vma_entry(t, k)->prot & VMA_EXEC)
            return true;
    return false;
}

int vma_prot_at(const struct vma_table *t, uint64_t address)
{
    enum { PATIENCE = 1 << 22 }; /* pauses: then whoever changes it was killed */
    for (uint32_t waited = 0;; waited++) {
        uint32_t seq = __atomic_load_n(&t->seq, __ATOMIC_ACQUIRE);
        if (seq & 1 && waited < PATIENCE) {
            __builtin_ia32_pause();
            continue;
        }
        const struct vma_table shape = {.shape = __atomic_load_n(&t->shape, __ATOMIC_ACQUIRE)};
        uint32_t count = shape.count, gap = shape.gap, low = 0, high = count;
        const struct vma *v;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            v = &t->at[middle < gap ? middle : middle + (t->room - count)];
            if (__atomic_load_n(&v->end, __ATOMIC_RELAXED) <= address)
                low = middle + 1;
            else
                high = middle;
        }
        int prot = -1;
        v = &t->at[low < gap ? low : low + (t->room - count)];
        if (low < count && __atomic_load_n(&v->start, __ATOMIC_RELAXED) <= address)
            prot = __atomic_load_n(&v->prot, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(&t->seq, __ATOMIC_RELAXED) == seq)
            return prot;
    }
}
