/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's mappings as the guest made them: a sorted array of ranges, with its free entries in
 * one gap where the last change was, so that many changes near each other move little. Pure: no
 * system calls, no memory of its own; mm.c calls the host, then changes this.
 *
 * Changes happen under the caller's lock. Readers that only ask for a permission need none: a
 * sequence number tells them to ask again. The array never moves, so a torn read is only wrong, and
 * then repeated.
 */
#ifndef ENGINE_LINUX_VMA_H
#define ENGINE_LINUX_VMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VMA_READ = 1, VMA_WRITE = 2, VMA_EXEC = 4 }; /* PROT_* */
enum {
    VMA_SHARED = 1, /* MAP_SHARED */
    VMA_STACK = 2,  /* grows down */
    VMA_SHM = 4     /* shmat; tag is where it was attached */
};

struct vma {
    uint64_t start; /* page-aligned */
    uint64_t end;   /* behind it */
    uint64_t tag;   /* VMA_SHM: address of the whole attachment */
    uint8_t prot;   /* the guest's PROT_READ, WRITE, EXEC */
    uint8_t flags;  /* VMA_SHARED, ... */
};

struct vma_table {
    uint32_t seq;  /* odd while it changes */
    uint32_t room; /* entries that fit */
    union {
        struct {
            uint32_t count; /* entries */
            uint32_t gap;   /* entries before the gap, which is room - count long */
        };
        uint64_t shape; /* both, changed in one: whoever changes it may be killed */
    };
    struct vma *at; /* ascending, disjoint; neighbours that are alike are one */
};

/* Entry k, 0 to count - 1. */
static inline struct vma *vma_entry(const struct vma_table *t, uint32_t k)
{
    return &t->at[k < t->gap ? k : k + (t->room - t->count)];
}

void vma_init(struct vma_table *t, struct vma *array, uint32_t room);
/* Each change needs room for some more entries: asked before the host is. */
bool vma_has_room(const struct vma_table *t);
/* Whoever was changing it is no more (the caller has the lock): what is there counts. */
void vma_mend(struct vma_table *t);
/* Index of the first range that ends behind address; count when there is none. */
uint32_t vma_find(const struct vma_table *t, uint64_t address);
/* v takes the place of whatever was in its range. */
void vma_set(struct vma_table *t, const struct vma *v);
void vma_clear(struct vma_table *t, uint64_t start, uint64_t end);
/* Change the protection from start to end, or to the first hole. */
void vma_protect(struct vma_table *t, uint64_t start, uint64_t end, uint8_t prot);
/* Move what is in [from, from + old) to [to, to + new): its first range's kind counts for all. */
void vma_move(struct vma_table *t, uint64_t from, uint64_t old_size, uint64_t to,
              uint64_t new_size);
/* Is any part executable? */
bool vma_any_exec(const struct vma_table *t, uint64_t start, uint64_t end);
/* Without a lock: the protection at address, -1 when nothing is mapped there. */
int vma_prot_at(const struct vma_table *t, uint64_t address);

#endif
