// SPDX-License-Identifier: Apache-2.0
/* Calls about files whose flags or structures differ, or that may meet the engine's own file. */
#include "engine/linux/convert.h"
#include "engine/linux/linux.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

enum { PATH_LENGTH = 4096 };

/* ---- open ---- */
SYSCALL(openat)
{
    uint64_t host[6] = {a[0], a[1], convert_open_flags(a[2]), a[3], 0, 0};
    long r = linux_proc_open((int)a[0], a[1], host[2]);
    return r != LINUX_PROC_PLAIN ? r : linux_host_syscall(cpu, __NR_openat, host);
}

SYSCALL(openat2)
{
    struct open_how how;
    if (a[3] < sizeof(how) || a[3] > 4096)
        return a[3] < sizeof(how) ? -EINVAL : -E2BIG;
    if (!rt_guest_read(&how, a[2], sizeof(how)))
        return -EFAULT;
    for (uint64_t k = sizeof(how); k < a[3];
         k++) { /* what this engine does not know must be zero */
        char c;
        if (!rt_guest_read(&c, a[2] + k, 1))
            return -EFAULT;
        if (c)
            return -E2BIG;
    }
    how.flags = convert_open_flags(how.flags);
    if (!how.resolve) {
        long r = linux_proc_open((int)a[0], a[1], how.flags);
        if (r != LINUX_PROC_PLAIN)
            return r;
    }
    uint64_t host[6] = {a[0], a[1], (uint64_t)(uintptr_t)&how, sizeof(how), 0, 0};
    return linux_host_syscall(cpu, __NR_openat2, host);
}

SYSCALL(open_by_handle_at)
{
    uint64_t host[6] = {a[0], a[1], convert_open_flags(a[2]), 0, 0, 0};
    return linux_host_syscall(cpu, __NR_open_by_handle_at, host);
}

SYSCALL(mq_open)
{
    uint64_t host[6] = {a[0], convert_open_flags(a[1]), a[2], a[3], 0, 0};
    return linux_host_syscall(cpu, __NR_mq_open, host);
}

SYSCALL(fanotify_init)
{
    uint64_t host[6] = {a[0], convert_open_flags(a[1]), 0, 0, 0, 0};
    return linux_host_syscall(cpu, __NR_fanotify_init, host);
}

SYSCALL(pipe2)
{
    uint64_t host[6] = {a[0], convert_open_flags(a[1]), 0, 0, 0, 0};
    return linux_host_syscall(cpu, __NR_pipe2, host);
}

SYSCALL(fcntl)
{
    uint64_t host[6] = {a[0], a[1], a[2], 0, 0, 0};
    switch ((unsigned)a[1]) {
    case F_SETFL:
        host[2] = convert_open_flags(a[2]);
        break;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
    case F_GETOWN_EX:
    case F_SETOWN_EX:
        if (linux_hidden(a[2], 1))
            return -EFAULT;
        break;
    }
    long r = linux_host_syscall(cpu, __NR_fcntl, host);
    return r >= 0 && (unsigned)a[1] == F_GETFL ? (long)convert_open_flags((uint64_t)r) : r;
}

/* ---- stat ---- */
/* What a path call is to look at: the guest's path, or another that proc.c put into `other`. */
static uint64_t stat_path(const uint64_t *a, uint64_t flags, char *other)
{
    if (flags & AT_SYMLINK_NOFOLLOW)
        return a[1];
    long n = linux_proc_target((int)a[0], a[1], other, PATH_LENGTH);
    return n < 0 ? a[1] : (uint64_t)(uintptr_t)other;
}

static long give_stat(uint64_t to, const struct stat *st)
{
    struct a64_stat out;
    convert_stat(&out, st);
    return rt_guest_write(to, &out, sizeof(out)) ? 0 : -EFAULT;
}

SYSCALL(newfstatat)
{
    struct stat st;
    char other[PATH_LENGTH];
    uint64_t host[6] = {a[0], stat_path(a, a[3], other), (uint64_t)(uintptr_t)&st, a[3], 0, 0};
    long r = linux_host_syscall(cpu, __NR_newfstatat, host);
    return r < 0 ? r : give_stat(a[2], &st);
}

SYSCALL(fstat)
{
    struct stat st;
    uint64_t host[6] = {a[0], (uint64_t)(uintptr_t)&st, 0, 0, 0, 0};
    long r = linux_host_syscall(cpu, __NR_fstat, host);
    return r < 0 ? r : give_stat(a[1], &st);
}

SYSCALL(statx)
{
    char other[PATH_LENGTH];
    uint64_t host[6] = {a[0], stat_path(a, a[2], other), a[2], a[3], a[4], 0};
    return linux_host_syscall(cpu, __NR_statx, host);
}

SYSCALL(readlinkat)
{
    long r = linux_proc_readlink((int)a[0], a[1], a[2], a[3]);
    return r != LINUX_PROC_PLAIN ? r : linux_host_syscall(cpu, __NR_readlinkat, a);
}
