// SPDX-License-Identifier: Apache-2.0
/* A guest's system call: from the table's row to the host and back. */
#include "engine/linux/linux.h"

#include "engine/rt/cosim.h"

#include <asm/errno.h>
#include <linux/uio.h>

/* ---- the table ---- */
#define PASS(number, name, host, args)
#define ABSENT(number, name)
#define OWN(number, name, args) long linux_sys_##name(struct cpu *, const uint64_t *);
#include "engine/linux/syscalls.def"
#undef PASS
#undef ABSENT
#undef OWN

const struct linux_call linux_calls[LINUX_CALLS] = {
#define PASS(number, name, host, args) [number] = {#name, args, NULL, host},
#define OWN(number, name, args) [number] = {#name, args, linux_sys_##name, -1},
#define ABSENT(number, name) [number] = {#name, "xxxxxx", NULL, -1},
#include "engine/linux/syscalls.def"
#undef PASS
#undef ABSENT
#undef OWN
};

static const struct linux_call no_call = {NULL, "xxxxxx", NULL, -1};

/* ---- arguments that name the engine's memory ---- */
bool linux_vector_ok(uint64_t at, uint64_t count)
{
    enum { VECTOR_MAX = 1024 }; /* UIO_MAXIOV: more is EINVAL, the host's to say */
    if (linux_hidden(at, 1))
        return false;
    for (uint64_t k = 0; k < count && count <= VECTOR_MAX; k++) {
        struct iovec v;
        if (!rt_guest_read(&v, at + k * sizeof(v), sizeof(v)))
            return true; /* the host finds it */
        if (v.iov_len && linux_hidden((uint64_t)(uintptr_t)v.iov_base, v.iov_len))
            return false;
    }
    return true;
}

static long check_argument(char kind, const uint64_t *a)
{
    switch (kind) {
    case 's':
    case 'p':
    case 'm':
    case 'A':
    case 't':
        return linux_hidden(a[0], 1) ? -EFAULT : 0;
    case 'b':
    case 'B':
        return linux_hidden(a[0], a[1]) ? -EFAULT : 0;
    case 'a':
        return linux_hidden(a[0], a[1]) ? -ENOMEM : 0;
    case 'v':
        return linux_vector_ok(a[0], a[1]) ? 0 : -EFAULT;
    default:
        return 0;
    }
}

bool linux_message_ok(uint64_t at)
{
    struct {
        uint64_t name, namelen, iov, iovlen, control, controllen, flags;
    } m;
    if (linux_hidden(at, sizeof(m)))
        return false;
    if (!rt_guest_read(&m, at, sizeof(m)))
        return true;
    return !linux_hidden(m.name, 1) && !linux_hidden(m.control, m.controllen) &&
           linux_vector_ok(m.iov, m.iovlen);
}

static long dispatch(struct cpu *cpu, const struct linux_call *call, const uint64_t *a)
{
    for (unsigned k = 0; call->args[k]; k++) {
        long bad = check_argument(call->args[k], a + k);
        if (bad)
            return bad;
    }
    if (call->own)
        return call->own(cpu, a);
    if (call->host >= 0)
        return linux_host_syscall(cpu, call->host, a);
    return -ENOSYS;
}

void linux_syscall(struct cpu *cpu)
{
    if (rt_options.cosim)
        cosim_leave(cpu, IR_END_SYSCALL, cpu->pc, 0);
    uint64_t nr = (uint32_t)cpu->x[8]; /* the kernel takes w8 */
    uint64_t a[7] = {cpu->x[0], cpu->x[1], cpu->x[2], cpu->x[3], cpu->x[4], cpu->x[5], 0};
    const struct linux_call *call = &no_call;
    if (nr < LINUX_CALLS && linux_calls[nr].name)
        call = &linux_calls[nr];
    if (rt_options.strace)
        linux_strace_enter(cpu, call, a);
    long r = dispatch(cpu, call, a);
    if (rt_options.strace)
        linux_strace_leave(cpu, call, a, r);
    linux_syscall_end(cpu, nr, a[0], r);
}
