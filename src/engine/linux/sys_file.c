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
    return linux_proc_opened((int)a[0], a[1], linux_host_syscall(cpu, __NR_openat, host), host[2]);
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
    uint64_t host[6] = {a[0], a[1], (uint64_t)(uintptr_t)&how, sizeof(how), 0, 0};
    return linux_proc_opened((int)a[0], a[1], linux_host_syscall(cpu, __NR_openat2, host),
                             how.flags);
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
static long give_stat(uint64_t to, const struct stat *st)
{
    struct a64_stat out;
    convert_stat(&out, st);
    return rt_guest_write(to, &out, sizeof(out)) ? 0 : -EFAULT;
}

/* A path that led to the engine's file: the same question about the guest's program. -errno;
 * LINUX_PROC_PLAIN: the answer stands. */
static long ask_again(struct cpu *cpu, long nr, const uint64_t *host)
{
    char program[PATH_LENGTH];
    long n = linux_proc_target((int)host[0], host[1], program, PATH_LENGTH);
    if (n < 0)
        return n;
    uint64_t again[6] = {host[0], (uint64_t)(uintptr_t)program, host[2], host[3], host[4], 0};
    return linux_host_syscall(cpu, nr, again);
}

SYSCALL(newfstatat)
{
    struct stat st;
    uint64_t host[6] = {a[0], a[1], (uint64_t)(uintptr_t)&st, a[3], 0, 0};
    long r = linux_host_syscall(cpu, __NR_newfstatat, host);
    if (r == 0 && linux_proc_engine(st.st_mode, st.st_dev, st.st_ino)) {
        long n = ask_again(cpu, __NR_newfstatat, host);
        r = n == LINUX_PROC_PLAIN ? r : n;
    }
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
    struct statx st;
    uint64_t host[6] = {a[0], a[1], a[2], a[3], (uint64_t)(uintptr_t)&st, 0};
    long r = linux_host_syscall(cpu, __NR_statx, host);
    if (r == 0 && linux_proc_engine_x(&st)) {
        long n = ask_again(cpu, __NR_statx, host);
        r = n == LINUX_PROC_PLAIN ? r : n;
    }
    if (r < 0)
        return r;
    return rt_guest_write(a[4], &st, sizeof(st)) ? 0 : -EFAULT;
}

SYSCALL(readlinkat)
{
    long r = linux_proc_readlink((int)a[0], a[1], a[2], a[3]);
    return r != LINUX_PROC_PLAIN ? r : linux_host_syscall(cpu, __NR_readlinkat, a);
}
