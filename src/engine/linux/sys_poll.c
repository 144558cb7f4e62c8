// SPDX-License-Identifier: Apache-2.0
/* Waiting for descriptors: epoll's events are packed on the host alone, and signal masks must leave
 * the synchronous signals open on the host (the guest's faults come through them). */
#include "engine/linux/convert.h"
#include "engine/linux/thread.h"
#include "engine/rt/mem.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/eventpoll.h>

enum { MASK_SIZE = 8 };

/* The guest's mask as the host is to have it; *ret_mask = 0 where there is none. */
static long take_mask(struct cpu *cpu, uint64_t at, uint64_t size, uint64_t *mask, uint64_t *ret_at)
{
    *ret_at = 0;
    if (!at)
        return 0;
    if (size != MASK_SIZE)
        return -EINVAL;
    if (!rt_guest_read(mask, at, MASK_SIZE))
        return -EFAULT;
    *ret_at = (uint64_t)(uintptr_t)mask;
    return linux_wait_mask(cpu, *mask, mask);
}

SYSCALL(ppoll)
{
    uint64_t mask, mask_at;
    long r = take_mask(cpu, a[3], a[4], &mask, &mask_at);
    uint64_t host[6] = {a[0], a[1], a[2], mask_at, MASK_SIZE, 0};
    return r < 0 ? r : linux_host_syscall(cpu, __NR_ppoll, host);
}

/* The last argument leads to a mask's address and size. */
static long with_mask_pair(struct cpu *cpu, long nr, const uint64_t *a)
{
    uint64_t pair[2] = {0, 0}, mask, mask_at;
    if (a[5] && !rt_guest_read(pair, a[5], sizeof(pair)))
        return -EFAULT;
    long r = take_mask(cpu, pair[0], pair[1], &mask, &mask_at);
    pair[0] = mask_at;
    pair[1] = MASK_SIZE;
    uint64_t host[6] = {a[0], a[1], a[2], a[3], a[4], (uint64_t)(uintptr_t)pair};
    return r < 0 ? r : linux_host_syscall(cpu, nr, host);
}

SYSCALL(pselect6)
{
    return with_mask_pair(cpu, __NR_pselect6, a);
}

SYSCALL(io_pgetevents)
{
    return with_mask_pair(cpu, __NR_io_pgetevents, a);
}

/* ---- epoll ---- */
SYSCALL(epoll_ctl)
{
    struct a64_epoll_event guest = {0, 0, 0};
    struct epoll_event event;
    if ((int)a[1] != EPOLL_CTL_DEL && !rt_guest_read(&guest, a[3], sizeof(guest)))
        return -EFAULT;
    convert_epoll_to_host(&event, &guest);
    uint64_t host[6] = {a[0], a[1], a[2], (uint64_t)(uintptr_t)&event, 0, 0};
    return linux_host_syscall(cpu, __NR_epoll_ctl, host);
}

/* The host's events are shorter than the guest's: they come into the guest's own array, and are
 * spread there from the last to the first. */
static long wait_events(struct cpu *cpu, long nr, const uint64_t *a, uint64_t mask_at)
{
    uint64_t max = (uint32_t)a[2]; /* the host says what is wrong with none and less */
    if ((int)max > (int)(INT32_MAX / sizeof(struct a64_epoll_event)))
        return -EINVAL;
    if ((int)max > 0 && linux_hidden(a[1], max * sizeof(struct a64_epoll_event)))
        return -EFAULT;
    uint64_t host[6] = {a[0], a[1], max, a[3], mask_at, MASK_SIZE};
    long n = linux_host_syscall(cpu, nr, host);
    for (long k = n; k-- > 0;) {
        struct epoll_event in;
        struct a64_epoll_event out;
        if (!rt_guest_read(&in, a[1] + (uint64_t)k * sizeof(in), sizeof(in)))
            return -EFAULT;
        convert_epoll_to_guest(&out, &in);
        if (!rt_guest_write(a[1] + (uint64_t)k * sizeof(out), &out, sizeof(out)))
            return -EFAULT;
    }
    return n;
}

SYSCALL(epoll_pwait)
{
    uint64_t mask, mask_at;
    long r = take_mask(cpu, a[4], a[5], &mask, &mask_at);
    return r < 0 ? r : wait_events(cpu, __NR_epoll_pwait, a, mask_at);
}

SYSCALL(epoll_pwait2)
{
    uint64_t mask, mask_at;
    long r = take_mask(cpu, a[4], a[5], &mask, &mask_at);
    return r < 0 ? r : wait_events(cpu, __NR_epoll_pwait2, a, mask_at);
}

/* Those of faults that somebody sent are with the engine, and are lent to the kernel for calls. */
SYSCALL(signalfd4)
{
    uint64_t mask;
    if (a[2] != MASK_SIZE)
        return -EINVAL;
    if (!rt_guest_read(&mask, a[1], MASK_SIZE))
        return -EFAULT;
    if (mask & SIG_FAULTS)
        linux_state.fault_reads = true;
    uint64_t host[6] = {a[0], (uint64_t)(uintptr_t)&mask, a[2], a[3], 0, 0};
    return linux_host_syscall(cpu, __NR_signalfd4, host);
}
