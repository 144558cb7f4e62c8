/* SPDX-License-Identifier: Apache-2.0
 *
 * The system calls about signals that change or ask what the engine keeps: dispositions, masks, the
 * alternate stack, waiting. Those that only send pass to the host (but see signal_send.c).
 *
 * The guest's mask and the host's change in one step: the host's rt_sigprocmask goes through the
 * window of hostcall.c, so that a signal that is taken before it has its frame made with the old
 * mask, and one that the new mask lets through with the new one.
 */
#include "engine/linux/thread.h"

#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/unistd.h>

enum { MASK_SIZE = 8 };

/* ---- dispositions ---- */
/* Bits that arm64's kernel keeps; others are cleared, which tells the program what is there. */
#define ACT_KNOWN                                                                                  \
    (ACT_NOCLDSTOP | ACT_NOCLDWAIT | ACT_SIGINFO | ACT_EXPOSE_TAGBITS | ACT_RESTORER |             \
     ACT_ONSTACK | ACT_RESTART | ACT_NODEFER | ACT_RESETHAND)

SYSCALL(rt_sigaction)
{
    struct thread *t = thread_of(cpu);
    struct sighand *h = t->sighand;
    struct sig_action wanted, old;
    int signo = (int)a[0];
    if (a[3] != MASK_SIZE)
        return -EINVAL;
    if (a[1] && !rt_guest_read(&wanted, a[1], sizeof(wanted)))
        return -EFAULT;
    if (signo < 1 || signo > SIG_COUNT || (a[1] && SIG_BIT(signo) & SIG_UNBLOCKABLE))
        return -EINVAL;
    if (t->attention) /* what was taken belongs to the old handler */
        return HOSTCALL_AGAIN;
    lock_take(&h->lock);
    old = h->action[signo];
    if (a[1]) {
        wanted.flags &= ACT_KNOWN;
        wanted.mask &= ~SIG_UNBLOCKABLE;
        h->action[signo] = wanted;
        signal_mirror(h, signo);
    }
    lock_give(&h->lock);
    return !a[2] || rt_guest_write(a[2], &old, sizeof(old)) ? 0 : -EFAULT;
}

/* ---- masks ---- */
static long change_mask(struct cpu *cpu, uint64_t set)
{
    enum { HOW_SET = 2 };
    struct thread *t = thread_of(cpu);
    uint64_t host = signal_host_mask(set);
    set &= ~SIG_UNBLOCKABLE;
    if (host != signal_host_mask(t->mask)) {
        const uint64_t args[6] = {HOW_SET, (uint64_t)(uintptr_t)&host, 0, MASK_SIZE};
        long r = linux_host_syscall(cpu, __NR_rt_sigprocmask, args);
        if (r < 0)
            return r;
    } else if (t->attention) {
        return HOSTCALL_AGAIN;
    }
    t->mask = t->mask_now = set;
    if (t->held)
        t->attention = 1; /* they may be open now */
    return 0;
}

SYSCALL(rt_sigprocmask)
{
    enum { HOW_BLOCK, HOW_UNBLOCK, HOW_SET };
    uint64_t set, old = thread_of(cpu)->mask;
    if (a[3] != MASK_SIZE)
        return -EINVAL;
    if (a[1]) {
        if (!rt_guest_read(&set, a[1], MASK_SIZE))
            return -EFAULT;
        switch ((int)a[0]) {
        case HOW_BLOCK:
            set |= old;
            break;
        case HOW_UNBLOCK:
            set = old & ~set;
            break;
        case HOW_SET:
            break;
        default:
            return -EINVAL;
        }
        long r = change_mask(cpu, set);
        if (r < 0)
            return r;
    }
    return !a[2] || rt_guest_write(a[2], &old, MASK_SIZE) ? 0 : -EFAULT;
}

static uint64_t held_set(const struct thread *t)
{
    return (t->held & HELD_SEGV ? SIG_BIT(SIG_SEGV) : 0) |
           (t->held & HELD_BUS ? SIG_BIT(SIG_BUS) : 0);
}

SYSCALL(rt_sigpending)
{
    struct thread *t = thread_of(cpu);
    uint64_t set = 0;
    if (a[1] > MASK_SIZE)
        return -EINVAL;
    if (t->attention)
        return HOSTCALL_AGAIN;
    sys(__NR_rt_sigpending, &set, MASK_SIZE);
    set |= held_set(t) & t->mask;
    return rt_guest_write(a[0], &set, a[1]) ? 0 : -EFAULT;
}

/* ---- waiting ---- */
long linux_wait_mask(struct cpu *cpu, uint64_t mask, uint64_t *ret_host)
{
    struct thread *t = thread_of(cpu);
    *ret_host = linux_state.fault_reads ? mask : signal_host_mask(mask); /* as signal_lend() */
    t->mask_now = mask & ~SIG_UNBLOCKABLE;
    if (!(held_set(t) & ~t->mask_now))
        return 0;
    t->attention = 1;
    return -EINTR;
}

SYSCALL(rt_sigsuspend)
{
    uint64_t set, host;
    if (a[1] != MASK_SIZE)
        return -EINVAL;
    if (!rt_guest_read(&set, a[0], MASK_SIZE))
        return -EFAULT;
    long r = linux_wait_mask(cpu, set, &host);
    const uint64_t args[6] = {(uint64_t)(uintptr_t)&host, MASK_SIZE};
    return r < 0 ? r : linux_host_syscall(cpu, __NR_rt_sigsuspend, args);
}

SYSCALL(rt_sigtimedwait)
{
    struct thread *t = thread_of(cpu);
    uint64_t set;
    if (a[3] != MASK_SIZE)
        return -EINVAL;
    if (!rt_guest_read(&set, a[0], MASK_SIZE))
        return -EFAULT;
    for (unsigned k = 0; k < 2; k++) {
        struct sig_info info = t->held_info[k];
        if (!(t->held & 1u << k) || !(set & SIG_BIT(info.signo)))
            continue;
        if (a[1] && !rt_guest_write(a[1], &info, sizeof(info)))
            return -EFAULT;
        __atomic_and_fetch(&t->held, ~(1u << k), __ATOMIC_RELAXED);
        return info.signo;
    }
    const uint64_t args[6] = {(uint64_t)(uintptr_t)&set, a[1], a[2], MASK_SIZE};
    return linux_host_syscall(cpu, __NR_rt_sigtimedwait, args);
}

/* ---- the alternate stack ---- */
SYSCALL(sigaltstack)
{
    struct thread *t = thread_of(cpu);
    struct sig_stack wanted, old = t->stack;
    old.flags &= STACK_AUTODISARM;
    if (!old.size)
        old.flags |= STACK_DISABLE;
    else if (frame_on_stack(t, cpu->x[CPU_SP]))
        old.flags |= STACK_ONSTACK;
    if (a[0]) {
        if (!rt_guest_read(&wanted, a[0], sizeof(wanted)))
            return -EFAULT;
        long r = frame_set_stack(t, &wanted);
        if (r < 0)
            return r;
    }
    return !a[1] || rt_guest_write(a[1], &old, sizeof(old)) ? 0 : -EFAULT;
}

/* ---- return from a handler ---- */
SYSCALL(rt_sigreturn)
{
    struct thread *t = thread_of(cpu);
    uint64_t at = cpu->x[CPU_SP];
    (void)a;
    rt_vectors_save(cpu);
    if (!frame_leave(t)) {
        bool there = vma_prot_at(&linux_state.mm.table, at) >= 0;
        signal_force_fault(t, SIG_SEGV, there ? SI_CODE_ACCERR : SI_CODE_MAPERR, at);
    }
    signal_apply_mask(t);
    signal_deliver(t);
    rt_run(cpu);
}

/* Only the kernel makes it, for calls whose time it keeps; here they return EINTR instead. */
SYSCALL(restart_syscall)
{
    (void)cpu;
    (void)a;
    return -EINTR;
}
