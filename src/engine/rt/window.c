/* SPDX-License-Identifier: Apache-2.0
 *
 * The window: one reserved area near the engine's image, from which pages are handed out upwards,
 * and a free list by size for those that come back. Translated code and the image are within 2 GB
 * of each other, so that code addresses both relative to rip.
 */
#include "engine/rt/rt.h"

#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/resource.h>

extern const char __ehdr_start[], _end[];

enum { PAGE = 4096, FREE_MAX = 64 };

static struct {
    uint32_t lock;  /* lock_take: a child that is killed may hold it */
    uint64_t start; /* of the reserved area */
    uint64_t end;   /* behind it */
    uint64_t next;  /* first byte never handed out */
    uint64_t low;   /* lowest address of image and area */
    uint64_t high;  /* behind the highest */
    struct {
        uint64_t at; /* pages given back */
        size_t length;
    } free[FREE_MAX];
    unsigned free_count;
} window;

/* Rip-relative addressing reaches 2 GB; a limit on address space is mostly the guest's to use. */
static uint64_t first_size(void)
{
    const uint64_t most = 1ull << 30, limited = 256ull << 20;
    struct rlimit64 as;
    if (sys(__NR_prlimit64, 0, RLIMIT_AS, 0, &as) == 0 && as.rlim_cur == RLIM64_INFINITY)
        return most;
    return limited;
}

static bool reserve_window(uint64_t size)
{
    uint64_t image = (uint64_t)(uintptr_t)__ehdr_start;
    uint64_t image_end = ((uint64_t)(uintptr_t)_end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    long at = sys(__NR_mmap, image - size - PAGE, size, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at < 0)
        return false;
    /* the first page is never used: what a call writes from below ends there */
    window.start = (uint64_t)at;
    window.next = window.start + PAGE;
    window.end = window.start + size;
    window.low = window.start < image ? window.start : image;
    window.high = window.end > image_end ? window.end : image_end;
    if (window.high - window.low < 7ull << 28)
        return true;
    sys(__NR_munmap, at, size);
    return false;
}

bool rt_window_init(void)
{
    for (uint64_t size = first_size(); size >= 16ull << 20; size /= 2)
        if (reserve_window(size))
            return chunk_init();
    return false;
}

bool rt_window_has(uint64_t start, uint64_t length)
{
    return start < window.high && start + length > window.low && start + length >= start;
}

void rt_window_range(uint64_t *ret_start, uint64_t *ret_end)
{
    *ret_start = window.low;
    *ret_end = window.high;
}

/* Address space of the window, not yet accessible. */
static uint64_t reserve(size_t length)
{
    lock_take(&window.lock);
    for (unsigned k = 0; k < window.free_count; k++) {
        if (window.free[k].length != length)
            continue;
        uint64_t at = window.free[k].at;
        /* in this order: whoever ends in between has lost pages at most */
        unsigned last = window.free_count - 1;
        __atomic_store_n(&window.free_count, last, __ATOMIC_RELEASE);
        window.free[k] = window.free[last];
        lock_give(&window.lock);
        return at;
    }
    uint64_t at = window.next;
    if (window.end - at < length)
        at = 0;
    else
        window.next += length;
    lock_give(&window.lock);
    return at;
}

/* ---- limits: they are for the guest's mappings; the engine must not end by them ---- */
static const int limits[WINDOW_LIMITS] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK};

void window_lift_limits(struct rlimit64 *old)
{
    for (unsigned k = 0; k < WINDOW_LIMITS; k++) {
        if (sys(__NR_prlimit64, 0, limits[k], 0, &old[k]) < 0)
            old[k] = (struct rlimit64){RLIM64_INFINITY, RLIM64_INFINITY};
        const struct rlimit64 lifted = {old[k].rlim_max, old[k].rlim_max};
        sys(__NR_prlimit64, 0, limits[k], &lifted, 0);
    }
}

void window_restore_limits(const struct rlimit64 *old)
{
    for (unsigned k = 0; k < WINDOW_LIMITS; k++)
        sys(__NR_prlimit64, 0, limits[k], &old[k], 0);
}

static long map(uint64_t at, size_t length)
{
    return sys(__NR_mmap, at, length, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

void *rt_pages_get(size_t length)
{
    length = (length + PAGE - 1) & ~(size_t)(PAGE - 1);
    uint64_t at = reserve(length);
    if (!at)
        return NULL;
    long got = map(at, length);
    if (got < 0) {
        struct rlimit64 old[WINDOW_LIMITS];
        window_lift_limits(old);
        got = map(at, length);
        window_restore_limits(old);
    }
    return got < 0 ? NULL : (void *)got;
}

void rt_pages_put(void *pages, size_t length)
{
    length = (length + PAGE - 1) & ~(size_t)(PAGE - 1);
    sys(__NR_mmap, pages, length, PROT_NONE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    lock_take(&window.lock);
    if (window.free_count < FREE_MAX) {
        window.free[window.free_count].at = (uint64_t)(uintptr_t)pages;
        window.free[window.free_count].length = length;
        __atomic_store_n(&window.free_count, window.free_count + 1, __ATOMIC_RELEASE);
    }
    lock_give(&window.lock);
}

/* ---- fork: the child's copy is not to be held by a thread that it does not have ---- */
void window_fork_prepare(void)
{
    lock_take(&window.lock);
}

void window_fork_done(bool child)
{
    if (child)
        window.lock = 0; /* this thread's id is another now */
    else
        lock_give(&window.lock);
}
