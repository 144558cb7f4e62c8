// SPDX-License-Identifier: Apache-2.0
/* Signals with a siginfo of the sender's making.
 *
 * A process may send itself a siginfo that says "fault". The host's handler must not take that for
 * a fault of its own, so its code travels in the padding that the kernel copies but does not read.
 */
#include "engine/linux/thread.h"

#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/unistd.h>

enum { CODE_IN_PAD = -0x41574e47 };

void signal_hide_code(struct sig_info *info)
{
    if (info->code <= 0)
        return;
    info->pad = info->code;
    info->code = CODE_IN_PAD;
}

void signal_restore_code(struct sig_info *info)
{
    if (info->code != CODE_IN_PAD)
        return;
    info->code = info->pad;
    info->pad = 0;
}

static long send(struct cpu *cpu, long nr, const uint64_t *a, unsigned signo_at)
{
    struct sig_info info;
    uint64_t host[6] = {a[0], a[1], a[2], a[3], 0, 0};
    int signo = (int)a[signo_at];
    if (linux_hidden(a[signo_at + 1], sizeof(info)))
        return -EFAULT;
    if (signo < 1 || signo > SIG_COUNT || !(SIG_BIT(signo) & (SIG_FAULTS | SIG_BUGS)) ||
        (int)a[0] != (int)sys(__NR_getpid))
        return linux_host_syscall(cpu, nr, host);
    if (!rt_guest_read(&info, a[signo_at + 1], sizeof(info)))
        return -EFAULT;
    signal_hide_code(&info);
    host[signo_at + 1] = (uint64_t)(uintptr_t)&info;
    return linux_host_syscall(cpu, nr, host);
}

/* The kernel takes such a code from the process itself only; signal 0 asks without sending. */
static bool leads_to_self(uint64_t pidfd)
{
    struct sig_info ask = {.code = 1};
    return sys(__NR_pidfd_send_signal, pidfd, 0, &ask, 0) == 0;
}

SYSCALL(pidfd_send_signal)
{
    struct sig_info info;
    uint64_t host[6] = {a[0], a[1], a[2], a[3], 0, 0};
    int signo = (int)a[1];
    bool ours = signo >= 1 && signo <= SIG_COUNT && SIG_BIT(signo) & (SIG_FAULTS | SIG_BUGS);
    if (a[2] && ours && rt_guest_read(&info, a[2], sizeof(info)) && info.code > 0 &&
        leads_to_self(a[0])) {
        signal_hide_code(&info);
        host[2] = (uint64_t)(uintptr_t)&info;
    }
    return linux_host_syscall(cpu, __NR_pidfd_send_signal, host);
}

SYSCALL(rt_sigqueueinfo)
{
    return send(cpu, __NR_rt_sigqueueinfo, a, 1);
}

SYSCALL(rt_tgsigqueueinfo)
{
    return send(cpu, __NR_rt_tgsigqueueinfo, a, 2);
}
