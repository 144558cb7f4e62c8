// SPDX-License-Identifier: Apache-2.0
/* Locks that outlive their owner: PI futexes, so that the kernel knows who that is, and tells when
 * it is no more. */
#include "engine/rt/rt.h"

#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/futex.h>

static uint32_t own_id(void)
{
    return (uint32_t)sys(__NR_gettid);
}

static bool swap(uint32_t *at, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(at, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void lock_take(uint32_t *lock)
{
    uint32_t id = own_id();
    while (!swap(lock, 0, id)) {
        long r = sys(__NR_futex, lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0);
        if (r == 0)
            return;
        uint32_t seen = __atomic_load_n(lock, __ATOMIC_RELAXED);
        if (r == -ESRCH && seen && swap(lock, seen, id)) /* its owner was killed */
            return;
    }
}

void lock_give(uint32_t *lock)
{
    if (!swap(lock, own_id(), 0))
        sys(__NR_futex, lock, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0);
}
