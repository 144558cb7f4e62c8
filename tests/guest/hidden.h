/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an emulator lies in a guest's address space, found as a guest can find it: what its own
 * maps do not show, and yet cannot be mapped, nor becomes free by munmap. No way of telling it is
 * needed, nor is there one; under another emulator, or none, nothing may be found.
 *
 * The host's vDSO is found as well, and unmapped: the guest has no use for it.
 */
#ifndef TESTS_GUEST_HIDDEN_H
#define TESTS_GUEST_HIDDEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define HIDDEN_PAGE ((uintptr_t)4096)
#define HIDDEN_FIRST ((uintptr_t)0x10000)
#define HIDDEN_LAST ((uintptr_t)0x7ffffffff000)
#define HIDDEN_STACK ((uintptr_t)64 << 20) /* below the stack nothing is tried: it grows there */

static inline bool hidden_free(uintptr_t from, uintptr_t to)
{
    if (from >= to)
        return true;
    void *p = mmap((void *)from, to - from, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (p == MAP_FAILED)
        return false;
    munmap(p, to - from);
    return true;
}

/* [*from, *to) without what is free at either end; false: all is free. */
static inline bool hidden_narrow(uintptr_t *from, uintptr_t *to)
{
    if (hidden_free(*from, *to))
        return false;
    uintptr_t low = *from, high = *to; /* [from, low) is free, [from, high) is not */
    while (high - low > HIDDEN_PAGE) {
        uintptr_t middle = low + (high - low) / 2 / HIDDEN_PAGE * HIDDEN_PAGE;
        if (hidden_free(*from, middle))
            low = middle;
        else
            high = middle;
    }
    *from = low;
    for (low = *from, high = *to; high - low > HIDDEN_PAGE;) { /* [high, to) is free */
        uintptr_t middle = low + (high - low) / 2 / HIDDEN_PAGE * HIDDEN_PAGE;
        if (hidden_free(middle, *to))
            high = middle;
        else
            low = middle;
    }
    *to = high;
    return true;
}

/* The first range that is hidden, for good. */
static inline bool hidden_find(uintptr_t *ret_start, uintptr_t *ret_end)
{
    static struct {
        uintptr_t start, end;
    } gaps[1024];
    unsigned n = 0;
    char line[512];
    uintptr_t last = HIDDEN_FIRST, start, end;
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && n < 1023 && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx", &start, &end) != 2)
            continue;
        uintptr_t stop = strstr(line, "[stack]") ? start - HIDDEN_STACK : start;
        if (stop > last) {
            gaps[n].start = last;
            gaps[n++].end = stop;
        }
        last = end;
    }
    if (!f)
        return false;
    fclose(f); /* its buffer may go now: that gap is larger then, which does no harm */
    if (last < HIDDEN_LAST) {
        gaps[n].start = last;
        gaps[n++].end = HIDDEN_LAST;
    }
    for (unsigned k = 0; k < n; k++) {
        start = gaps[k].start;
        end = gaps[k].end;
        if (!hidden_narrow(&start, &end))
            continue;
        munmap((void *)start, end - start);
        if (!hidden_narrow(&start, &end))
            continue;
        *ret_start = start;
        *ret_end = end;
        return true;
    }
    return false;
}

#endif
