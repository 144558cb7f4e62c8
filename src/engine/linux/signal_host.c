/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's side of signals: our handler, masks, dispositions, death.
 *
 * Invariants
 *  1. The handler takes at most one asynchronous signal (thread.taken): it returns with all but
 *     SIG_FAULTS blocked, and only signal_apply_mask() opens the mask again. The kernel is the
 * queue.
 *  2. SIG_FAULTS are not blocked on the host but in calls of a guest that reads them from a
 * signalfd (no call makes such a fault). One that somebody sent goes to thread.held, where it waits
 * for the guest's mask.
 *  3. A disposition of default or ignore is the host's, too, so that the kernel does what it does.
 *     But SIG_FAULTS always have our handler, and so have default actions that dump core: the core
 *     would be the engine's.
 *  4. Our handler has SA_RESTART if the guest's has it (see hostcall.c).
 *
 * Context: host_handler() runs on the alternate stack with everything but SIG_FAULTS blocked, and
 * takes no lock.
 */
#include "engine/linux/thread.h"

#include "engine/rt/fmt.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/resource.h>

void rt_stats_print(void);

/* The kernel's struct sigaction on the host. */
struct host_action {
    uint64_t handler;  /* function, 0 default, 1 ignore */
    uint64_t flags;    /* SA_*: the same as arm64's */
    uint64_t restorer; /* must be given */
    uint64_t mask;     /* blocked while it runs */
};
/* In its ucontext_t. */
enum { UC_GREGS = 40, UC_MASK = 296, GREG_RAX = 13, GREG_RIP = 16, GREG_ERR = 19, GREG_CR2 = 22 };
enum { PF_WRITE = 2, SYSCALL_SIZE = 2 };
enum { HOW_BLOCK = 0, HOW_UNBLOCK = 1, HOW_SET = 2 };

#define ALL_BUT_FAULTS (~(SIG_FAULTS | SIG_UNBLOCKABLE))

__attribute__((naked)) static void host_restorer(void)
{
    __asm__ volatile("mov %0, %%eax\n"
                     "syscall\n"
                     :
                     : "i"(__NR_rt_sigreturn));
}

/* ---- masks ---- */
uint64_t signal_host_mask(uint64_t mask)
{
    return mask & ALL_BUT_FAULTS;
}

static void set_host_mask(uint64_t mask)
{
    sys(__NR_rt_sigprocmask, HOW_SET, &mask, 0, sizeof(mask));
}

void signal_block_all(void)
{
    set_host_mask(~0ull);
}

void signal_apply_mask(struct thread *t)
{
    t->mask_now = t->mask;
    if (t->held) /* the new mask may let them through */
        __atomic_store_n(&t->attention, 1, __ATOMIC_RELAXED);
    set_host_mask(t->taken ? ALL_BUT_FAULTS : signal_host_mask(t->mask));
}

/* ---- signals of faults in a signalfd ---- */
/* Held ones in `set` become the kernel's again. */
static void requeue(struct thread *t, uint64_t set)
{
    for (unsigned k = 0; k < 2; k++) {
        struct sig_info info = t->held_info[k];
        if (!(t->held & 1u << k) || !(set & SIG_BIT(info.signo)))
            continue;
        __atomic_and_fetch(&t->held, ~(1u << k), __ATOMIC_RELAXED);
        signal_hide_code(&info);
        sys(__NR_rt_tgsigqueueinfo, sys(__NR_getpid), sys(__NR_gettid), info.signo, &info);
    }
}

uint64_t signal_lend(struct thread *t)
{
    uint64_t set = linux_state.fault_reads ? t->mask_now & SIG_FAULTS : 0;
    if (set) {
        sys(__NR_rt_sigprocmask, HOW_BLOCK, &set, 0, sizeof(set));
        requeue(t, set);
    }
    return set;
}

void signal_take_back(uint64_t lent)
{
    if (lent)
        sys(__NR_rt_sigprocmask, HOW_UNBLOCK, &lent, 0, sizeof(lent));
}

/* ---- the handler ---- */
/* Make the guest look: at its next poll, or instead of the host call that is about to be made. */
static void call_attention(struct thread *t, uint64_t *gregs)
{
    __atomic_store_n(&t->attention, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&t->cpu->fuel, -1, __ATOMIC_RELAXED);
    uint64_t start = (uint64_t)(uintptr_t)hostcall_start, end = (uint64_t)(uintptr_t)hostcall_end;
    uint64_t *rip = &gregs[GREG_RIP];
    if (*rip < start || *rip >= end)
        return;
    if (*rip == end - SYSCALL_SIZE && gregs[GREG_RAX] == __NR_restart_syscall) {
        /* it was stopped and is to sleep on: part of its time is over already */
        gregs[GREG_RAX] = (uint64_t)-EINTR;
        *rip = end;
    } else {
        *rip = (uint64_t)(uintptr_t)hostcall_interrupted;
    }
}

static void hold(struct thread *t, const struct sig_info *info, uint64_t *gregs)
{
    unsigned which = info->signo == SIG_BUS;
    t->held_info[which] = *info;
    __atomic_or_fetch(&t->held, 1u << which, __ATOMIC_RELEASE);
    if (!(t->mask_now & SIG_BIT(info->signo)))
        call_attention(t, gregs);
}

extern const char __ehdr_start[];

__attribute__((noreturn)) static void engine_bug(struct thread *t, const struct sig_info *info,
                                                 const uint64_t *gregs)
{
    fmt_err("archway-engine: bug: signal %d, code %d, at 0x%X, address 0x%X, image 0x%X, guest pc"
            " 0x%X\n",
            info->signo, info->code, gregs[GREG_RIP], info->address,
            (uint64_t)(uintptr_t)__ehdr_start, t->cpu->pc);
    signal_die(t, info->signo, true);
    for (;;)
        sys(__NR_exit_group, 128 + info->signo);
}

/* A real fault: handled, unless the engine is wrong. false: a child's end is told by such a signal
 * (clone's exit signal), with a code like a fault's, and process and user where that has its
 * address. */
static bool take_fault(void *ucontext, struct sig_info *info, uint64_t *gregs)
{
    enum { CLD_LAST = 6 };
    struct thread *t = thread_of(rt_cpu());
    bool page = SIG_BIT(info->signo) & SIG_FAULTS;
    bool child = linux_state.fault_exits && info->code <= CLD_LAST;
    if (child && info->address != gregs[page ? GREG_CR2 : GREG_RIP])
        return false;
    t->fault_write = gregs[GREG_ERR] & PF_WRITE;
    if (page && rt_host_fault(ucontext, info->signo, info->code, info->address))
        return true;
    if (!child)
        engine_bug(t, info, gregs);
    return false; /* by chance the same number */
}

static void host_handler(int signo, struct sig_info *info, void *ucontext)
{
    struct thread *t = thread_of(rt_cpu());
    uint64_t *gregs = (uint64_t *)((uint8_t *)ucontext + UC_GREGS);
    if (info->code > 0 && SIG_BIT(signo) & (SIG_FAULTS | SIG_BUGS) &&
        take_fault(ucontext, info, gregs))
        return;
    signal_restore_code(info);
    if (SIG_BIT(signo) & SIG_FAULTS) {
        hold(t, info, gregs);
        return;
    }
    t->info = *info;
    t->taken = true;
    *(uint64_t *)((uint8_t *)ucontext + UC_MASK) = ALL_BUT_FAULTS;
    call_attention(t, gregs);
}

void signal_altstack(struct cpu *cpu)
{
    void *base;
    size_t size;
    rt_cpu_altstack(cpu, &base, &size);
    struct sig_stack s = {.sp = (uint64_t)(uintptr_t)base, .size = size};
    sys(__NR_sigaltstack, &s, 0);
}

/* ---- dispositions ---- */
static void set_host_action(int signo, uint64_t handler, uint64_t flags)
{
    struct host_action a = {handler, flags | ACT_RESTORER, (uint64_t)(uintptr_t)host_restorer,
                            ALL_BUT_FAULTS};
    sys(__NR_rt_sigaction, signo, &a, 0, sizeof(a.mask));
}

void signal_mirror(const struct sighand *h, int signo)
{
    enum { PASSED_ON = ACT_NOCLDSTOP | ACT_NOCLDWAIT | ACT_RESTART };
    const struct sig_action *a = &h->action[signo];
    uint64_t flags = a->flags & PASSED_ON;
    bool ours = a->handler > 1 || SIG_BIT(signo) & SIG_FAULTS ||
                (a->handler == 0 && signal_default_dumps(signo));
    if (!ours) {
        set_host_action(signo, a->handler, flags);
        return;
    }
    if (a->handler <= 1)
        flags |= ACT_RESTART; /* nobody is to notice */
    set_host_action(signo, (uint64_t)(uintptr_t)host_handler, flags | ACT_SIGINFO | ACT_ONSTACK);
}

void signal_install(struct sighand *h)
{
    for (int s = 1; s <= SIG_COUNT; s++)
        if (SIG_BIT(s) & SIG_FAULTS || (h->action[s].handler == 0 && signal_default_dumps(s)))
            signal_mirror(h, s);
}

/* ---- exec ---- */
void signal_exec_prepare(struct thread *t)
{
    for (int s = 1; s <= SIG_COUNT; s++)
        if (SIG_BIT(s) & SIG_FAULTS && t->sighand->action[s].handler == 1)
            set_host_action(s, 1, 0);
    set_host_mask(t->mask);
    requeue(t, t->mask); /* what waits behind the guest's mask goes with the process */
}

void signal_exec_failed(struct thread *t)
{
    signal_install(t->sighand);
    signal_apply_mask(t);
}

/* ---- death ---- */
/* One byte: too small for a core, and what a handler program of core_pattern takes as "none". */
static void no_core(void)
{
    struct rlimit64 limit;
    if (sys(__NR_prlimit64, 0, RLIMIT_CORE, 0, &limit) < 0 || limit.rlim_cur <= 1)
        return;
    limit.rlim_cur = 1;
    sys(__NR_prlimit64, 0, RLIMIT_CORE, &limit, 0);
}

/* The init of a pid namespace dies of real faults only. */
static void fault(int signo)
{
    const uint64_t nowhere = 1ull << 63; /* not canonical: #GP; as a stack address: #SS */
    switch (signo) {
    case SIG_SEGV:
        __asm__ volatile("mov (%0), %%al" : : "r"(nowhere) : "rax");
        break;
    case SIG_BUS:
        __asm__ volatile("mov %%rsp, %%rcx\n mov %0, %%rsp\n pop %%rax\n mov %%rcx, %%rsp"
                         :
                         : "r"(nowhere)
                         : "rax", "rcx");
        break;
    case SIG_ILL:
        __asm__ volatile("ud2");
        break;
    case SIG_TRAP:
        __asm__ volatile("int3");
        break;
    }
}

void signal_die(struct thread *t, int signo, bool forced)
{
    signal_block_all();
    rt_stats_print();
    no_core();
    set_host_action(signo, 0, 0);
    set_host_mask(~SIG_BIT(signo));
    sys(__NR_tgkill, sys(__NR_getpid), sys(__NR_gettid), signo);
    if (forced) {
        fault(signo);
        for (;;)
            sys(__NR_exit_group, 128 + signo);
    }
    signal_block_all();
    signal_mirror(t->sighand, signo);
}
