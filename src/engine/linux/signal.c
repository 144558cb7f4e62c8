/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals: the host's handler, delivery to the guest, masks and dispositions.
 *
 * Invariants
 *  1. Nothing but the handler writes thread.info and adds to pending; it runs with everything blocked.
 *  2. While something is pending, the host blocks all but the synchronous signals.
 *  3. A disposition of default or ignore is the host's too (but for synchronous signals, whose handler
 *     is always ours), so that the kernel does what it does.
 */
#include "engine/linux/thread.h"

#include "engine/rt/fmt.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/resource.h>

/* The host's struct sigaction, and the places that the handler needs in its ucontext. */
struct host_action {
    uint64_t handler, flags, restorer, mask;
};
enum { UC_RIP = 40 + 16 * 8, UC_MASK = 296 };

__attribute__((naked)) static void host_restorer(void)
{
    __asm__ volatile("mov $15, %eax\n"
                     "syscall\n");
}

/* ---- masks ---- */
uint64_t signal_host_mask(uint64_t guest_mask)
{
    return guest_mask & ~(SIG_SYNC | SIG_UNBLOCKABLE);
}

static void set_host_mask(uint64_t mask)
{
    sys(__NR_rt_sigprocmask, 2, &mask, 0, 8);
}

void signal_block_all(void)
{
    set_host_mask(~0ull);
}

void signal_apply_mask(struct thread *t)
{
    set_host_mask(t->pending ? signal_host_mask(~0ull) : signal_host_mask(t->mask));
}

void signal_set_mask(struct thread *t, uint64_t mask)
{
    t->mask = mask & ~SIG_UNBLOCKABLE;
    signal_apply_mask(t);
}

/* ---- the host's handler ---- */
static void take(struct thread *t, void *ucontext, const struct sig_info *info)
{
    uint64_t *rip = (uint64_t *)((uint8_t *)ucontext + UC_RIP);
    if (t->pending < PENDING_MAX) {
        t->info[t->pending] = *info;
        t->pending++;
    }
    __atomic_store_n(&t->cpu->fuel, -1, __ATOMIC_RELAXED);
    *(uint64_t *)((uint8_t *)ucontext + UC_MASK) = signal_host_mask(~0ull);
    if (*rip >= (uint64_t)(uintptr_t)hostcall_start && *rip < (uint64_t)(uintptr_t)hostcall_end)
        *rip = (uint64_t)(uintptr_t)hostcall_interrupted;
}

static void host_handler(int signo, struct sig_info *info, void *ucontext)
{
    struct cpu *cpu = rt_cpu();
    bool sync = SIG_SYNC & SIG_BIT(signo) && info->code > 0;
    if (!sync) {
        take(thread_of(cpu), ucontext, info);
        return;
    }
    if (rt_host_fault(ucontext, signo, info->code, info->address))
        return;
    uint64_t rip = *(uint64_t *)((uint8_t *)ucontext + UC_RIP), base, end;
    rt_window_range(&base, &end);
    fmt_err("archway-engine: bug: signal %d in the engine at +0x%X, address 0x%X, guest pc 0x%X\n",
            signo, rip - (uint64_t)(uintptr_t)rt_entry_start, info->address, cpu->pc);
    signal_die(signo);
}

static void host_action(int signo, uint64_t handler)
{
    struct host_action a = {handler, SA_RESTORER_, (uint64_t)(uintptr_t)host_restorer, ~0ull};
    if (handler > 1)
        a.flags |= SA_SIGINFO_ | SA_ONSTACK_;
    sys(__NR_rt_sigaction, signo, &a, 0, 8);
}

void signal_altstack(struct cpu *cpu)
{
    struct sig_stack s = {0};
    void *base;
    size_t size;
    rt_cpu_altstack(cpu, &base, &size);
    s.sp = (uint64_t)(uintptr_t)base;
    s.size = size;
    sys(__NR_sigaltstack, &s, 0);
}

/* Dispositions that the process was started with: ignored ones stay ignored. */
void signal_inherit(struct sighand *h)
{
    for (int s = 1; s <= SIG_MAX; s++) {
        struct host_action a = {0};
        if (sys(__NR_rt_sigaction, s, 0, &a, 8) == 0 && a.handler == 1)
            h->action[s].handler = 1;
    }
}

void signal_install(void)
{
    for (int s = 1; s <= SIG_MAX; s++)
        if (SIG_SYNC & SIG_BIT(s))
            host_action(s, (uint64_t)(uintptr_t)host_handler);
}

/* ---- death ---- */
void signal_die(int signo)
{
    const struct rlimit64 none = {0, 0};
    rt_stats_print();
    sys(__NR_prlimit64, 0, RLIMIT_CORE, &none, 0); /* a core would be the engine's */
    host_action(signo, 0);
    uint64_t bit = SIG_BIT(signo);
    sys(__NR_rt_sigprocmask, 1, &bit, 0, 8);
    sys(__NR_tgkill, sys(__NR_getpid), sys(__NR_gettid), signo);
    for (;;)
        sys(__NR_exit_group, 128 + signo);
}

static bool default_ignores(int signo)
{
    return signo == SIGCHLD_ || signo == SIGCONT_ || signo == SIGURG_ || signo == SIGWINCH_;
}

static bool default_stops(int signo)
{
    return signo == SIGSTOP_ || signo == SIGTSTP_ || signo == SIGTTIN_ || signo == SIGTTOU_;
}

/* ---- delivery ---- */
static void lock(struct sighand *h)
{
    while (__atomic_exchange_n(&h->lock, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}

static void unlock(struct sighand *h)
{
    __atomic_store_n(&h->lock, 0, __ATOMIC_RELEASE);
}

static struct sig_action action_of(struct thread *t, int signo)
{
    struct sighand *h = t->sighand;
    lock(h);
    struct sig_action a = h->action[signo];
    if (a.handler > 1 && a.flags & SA_RESETHAND_) {
        h->action[signo].handler = 0;
        if (!(SIG_SYNC & SIG_BIT(signo)))
            host_action(signo, 0);
    }
    unlock(h);
    return a;
}

/* A job-control signal whose disposition became default after we took it. */
static void stop_self(int signo)
{
    host_action(signo, 0);
    uint64_t bit = SIG_BIT(signo), old = 0;
    sys(__NR_rt_sigprocmask, 1, &bit, &old, 8);
    sys(__NR_tgkill, sys(__NR_getpid), sys(__NR_gettid), signo);
    sys(__NR_rt_sigprocmask, 2, &old, 0, 8);
}

static bool deliver_one(struct thread *t, const struct sig_info *info)
{
    int signo = info->signo;
    struct sig_action a = action_of(t, signo);
    if (a.handler == 1 || (a.handler == 0 && default_ignores(signo)))
        return false;
    if (a.handler == 0) {
        if (!default_stops(signo))
            signal_die(signo);
        stop_self(signo);
        return false;
    }
    uint64_t back = t->restore_mask ? t->saved_mask : t->mask;
    t->restore_mask = false;
    if (!frame_enter(t, info, &a, back))
        signal_die(SIGSEGV_);
    t->mask |= a.mask;
    if (!(a.flags & SA_NODEFER_))
        t->mask |= SIG_BIT(signo);
    t->mask &= ~SIG_UNBLOCKABLE;
    return true;
}

bool signal_deliver(struct thread *t)
{
    bool any = false;
    while (t->pending) {
        /* all are blocked: the handler does not run here but for synchronous numbers sent by kill */
        struct sig_info info = t->info[0];
        signal_block_all();
        for (uint32_t k = 1; k < t->pending; k++)
            t->info[k - 1] = t->info[k];
        t->pending--;
        any |= deliver_one(t, &info);
        signal_apply_mask(t);
    }
    return any;
}

void signal_force(struct thread *t, struct sig_info *info)
{
    int signo = info->signo;
    struct sig_action a = action_of(t, signo);
    if (a.handler <= 1 || t->mask & SIG_BIT(signo))
        signal_die(signo);
    if (!frame_enter(t, info, &a, t->mask))
        signal_die(SIGSEGV_);
    t->mask |= a.mask;
    if (!(a.flags & SA_NODEFER_))
        t->mask |= SIG_BIT(signo);
    signal_apply_mask(t);
}

/* ---- what the runtime calls ---- */
void linux_fault(struct cpu *cpu, int signal, int code, uint64_t address)
{
    struct sig_info info = {.signo = signal, .code = code, .address = address};
    rt_vectors_save(cpu);
    signal_force(thread_of(cpu), &info);
    rt_run(cpu);
}

void linux_raise(struct cpu *cpu, enum rt_raise kind)
{
    static const struct {
        int8_t signo, code;
    } kinds[] = {
        [RAISE_UNDEFINED] = {SIGILL_, 1},  [RAISE_BREAKPOINT] = {SIGTRAP_, 1},
        [RAISE_FETCH] = {SIGSEGV_, 1},     [RAISE_PC_ALIGN] = {SIGBUS_, 1},
        [RAISE_ALIGN] = {SIGBUS_, 1},      [RAISE_FAULT] = {SIGSEGV_, 1},
    };
    struct sig_info info = {.signo = kinds[kind].signo, .code = kinds[kind].code};
    info.address = kind == RAISE_ALIGN || kind == RAISE_FAULT ? cpu->arg[0] : cpu->pc;
    if (kind == RAISE_FETCH && vma_prot_at(&linux_state.mm.table, cpu->pc) >= 0)
        info.code = 2; /* SEGV_ACCERR */
    linux_fault(cpu, info.signo, info.code, info.address);
}

void linux_poll(struct cpu *cpu)
{
    struct thread *t = thread_of(cpu);
    if (!t->pending)
        return;
    rt_vectors_save(cpu);
    signal_deliver(t);
}

/* Calls that a signal ends with EINTR whatever SA_RESTART says (signal(7)); generic numbers. */
static bool never_restarts(uint64_t nr)
{
    switch (nr) {
    case 4:   /* io_getevents */
    case 22:  /* epoll_pwait */
    case 72:  /* pselect6 */
    case 73:  /* ppoll */
    case 101: /* nanosleep */
    case 115: /* clock_nanosleep */
    case 133: /* rt_sigsuspend */
    case 137: /* rt_sigtimedwait */
    case 188: /* msgrcv */
    case 189: /* msgsnd */
    case 192: /* semtimedop */
    case 193: /* semop */
    case 441: /* epoll_pwait2 */
        return true;
    default:
        return false;
    }
}

/* The handler that would run first: does it restart calls? No handler: yes. */
static bool restarts(struct thread *t)
{
    if (!t->pending)
        return true;
    const struct sig_action *a = &t->sighand->action[t->info[0].signo];
    return a->handler <= 1 || a->flags & SA_RESTART_;
}

void linux_syscall_end(struct cpu *cpu, uint64_t nr, uint64_t arg0, long result)
{
    struct thread *t = thread_of(cpu);
    bool again = result == RESTART_BEFORE;
    if (result == -EINTR && !never_restarts(nr) && restarts(t))
        again = true;
    if (again) {
        cpu->pc -= 4;
        cpu->x[0] = arg0;
    } else {
        cpu->x[0] = (uint64_t)result;
    }
    if (t->pending) {
        rt_vectors_save(cpu);
        signal_deliver(t);
    }
    if (t->restore_mask) { /* sigsuspend without a handler */
        t->restore_mask = false;
        signal_set_mask(t, t->saved_mask);
    }
}

/* ---- exec ---- */
void signal_before_exec(struct thread *t)
{
    for (int s = 1; s <= SIG_MAX; s++)
        if (SIG_SYNC & SIG_BIT(s))
            host_action(s, t->sighand->action[s].handler == 1);
    set_host_mask(t->mask);
}

void signal_exec_failed(struct thread *t)
{
    signal_install();
    signal_apply_mask(t);
}

/* ---- system calls ---- */
static void sync_host(struct sighand *h, int signo)
{
    uint64_t handler = h->action[signo].handler;
    if (SIG_SYNC & SIG_BIT(signo))
        return;
    struct host_action a = {handler, SA_RESTORER_, (uint64_t)(uintptr_t)host_restorer, ~0ull};
    a.flags |= h->action[signo].flags & (SA_NOCLDSTOP_ | SA_NOCLDWAIT_);
    if (handler > 1) {
        a.handler = (uint64_t)(uintptr_t)host_handler;
        a.flags |= SA_SIGINFO_ | SA_ONSTACK_;
    }
    sys(__NR_rt_sigaction, signo, &a, 0, 8);
}

SYSCALL(rt_sigaction)
{
    struct thread *t = thread_of(cpu);
    struct sig_action new, old;
    uint64_t signo = a[0];
    if (a[3] != 8 || signo < 1 || signo > SIG_MAX)
        return -EINVAL;
    if (a[1]) {
        if (SIG_BIT(signo) & SIG_UNBLOCKABLE)
            return -EINVAL;
        if (!rt_guest_read(&new, a[1], sizeof(new)))
            return -EFAULT;
    }
    lock(t->sighand);
    old = t->sighand->action[signo];
    if (a[1]) {
        new.mask &= ~SIG_UNBLOCKABLE;
        t->sighand->action[signo] = new;
        sync_host(t->sighand, (int)signo);
    }
    unlock(t->sighand);
    if (a[2] && !rt_guest_write(a[2], &old, sizeof(old)))
        return -EFAULT;
    return 0;
}

SYSCALL(rt_sigprocmask)
{
    struct thread *t = thread_of(cpu);
    uint64_t set, old = t->mask;
    if (a[3] != 8)
        return -EINVAL;
    if (a[1]) {
        if (!rt_guest_read(&set, a[1], 8))
            return -EFAULT;
        switch ((int)a[0]) {
        case 0:
            set = old | set;
            break;
        case 1:
            set = old & ~set;
            break;
        case 2:
            break;
        default:
            return -EINVAL;
        }
        signal_set_mask(t, set);
    }
    if (a[2] && !rt_guest_write(a[2], &old, 8))
        return -EFAULT;
    return 0;
}

SYSCALL(rt_sigpending)
{
    struct thread *t = thread_of(cpu);
    uint64_t set = 0;
    if (a[1] > 8)
        return -EINVAL;
    sys(__NR_rt_sigpending, &set, 8);
    for (uint32_t k = 0; k < t->pending; k++)
        set |= SIG_BIT(t->info[k].signo);
    set &= t->mask;
    return rt_guest_write(a[0], &set, a[1]) ? 0 : -EFAULT;
}

SYSCALL(rt_sigsuspend)
{
    struct thread *t = thread_of(cpu);
    uint64_t set;
    if (a[1] != 8)
        return -EINVAL;
    if (!rt_guest_read(&set, a[0], 8))
        return -EFAULT;
    if (!t->restore_mask) { /* else: done again after a signal that was ignored */
        t->saved_mask = t->mask;
        t->restore_mask = true;
    }
    uint64_t host = signal_host_mask(set);
    const uint64_t args[6] = {(uint64_t)(uintptr_t)&host, 8};
    long r = linux_host_syscall(cpu, __NR_rt_sigsuspend, args);
    return r == RESTART_BEFORE ? -EINTR : r;
}

SYSCALL(sigaltstack)
{
    struct thread *t = thread_of(cpu);
    struct sig_stack new, old = t->stack;
    uint64_t sp = cpu->x[CPU_SP];
    bool on = !(old.flags & SS_DISABLE_) && sp > old.sp && sp - old.sp <= old.size &&
              !((uint32_t)old.flags & SS_AUTODISARM_);
    if (old.size && on)
        old.flags |= SS_ONSTACK_;
    if (a[0]) {
        if (!rt_guest_read(&new, a[0], sizeof(new)))
            return -EFAULT;
        if (old.flags & SS_ONSTACK_)
            return -EPERM;
        uint32_t mode = (uint32_t)new.flags & ~SS_AUTODISARM_;
        if (mode > SS_DISABLE_)
            return -EINVAL;
        if (mode == SS_DISABLE_)
            new.sp = new.size = 0;
        else if (new.size < 5120) /* arm64's MINSIGSTKSZ */
            return -ENOMEM;
        new.flags &= ~SS_ONSTACK_;
        t->stack = new;
    }
    if (a[1] && !rt_guest_write(a[1], &old, sizeof(old)))
        return -EFAULT;
    return 0;
}

SYSCALL(rt_sigreturn)
{
    struct thread *t = thread_of(cpu);
    (void)a;
    rt_vectors_save(cpu);
    if (!frame_leave(t)) {
        struct sig_info info = {.signo = SIGSEGV_, .code = 0x80};
        signal_force(t, &info);
    }
    signal_apply_mask(t);
    if (t->pending)
        signal_deliver(t);
    rt_run(cpu);
}

SYSCALL(restart_syscall)
{
    (void)cpu;
    (void)a;
    return -EINTR;
}

SYSCALL(rt_sigtimedwait)
{
    return linux_host_syscall(cpu, __NR_rt_sigtimedwait, a);
}
