/* SPDX-License-Identifier: Apache-2.0
 *
 * Delivery of signals to the guest: which action, frame or death, restart of calls.
 *
 * Invariants
 *  1. A signal that is taken is delivered whatever the guest's mask says: the kernel took it from
 * the queue under the mask that counts (sigsuspend, ppoll). What a handler returns to is the mask
 *     outside such a call, as on the kernel.
 *  2. Nothing here returns into translated code with the C stack's copy of cpu->pc: thunks look at
 *     cpu->pc again.
 *
 * Context: C stack, SIG_FAULTS open (frames are written to guest memory).
 */
#include "engine/linux/thread.h"

#include "engine/rt/cosim.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/unistd.h>

/* ---- default actions ---- */
#define SIGNALS3(a, b, c) (SIG_BIT(a) | SIG_BIT(b) | SIG_BIT(c))
/* SIGCHLD, SIGCONT, SIGURG, SIGWINCH */
#define DEFAULT_IGNORE (SIGNALS3(17, 18, 23) | SIG_BIT(28))
/* SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS */
#define DEFAULT_DUMP (SIG_BUGS | SIG_FAULTS | SIGNALS3(3, 6, 24) | SIG_BIT(25) | SIG_BIT(31))

bool signal_default_ignores(int signo)
{
    return DEFAULT_IGNORE & SIG_BIT(signo);
}

bool signal_default_dumps(int signo)
{
    return DEFAULT_DUMP & SIG_BIT(signo);
}

/* ---- one signal ---- */
/* The action, and what remains of it when it is for once. */
static struct sig_action take_action(struct thread *t, int signo)
{
    struct sighand *h = t->sighand;
    lock_take(&h->lock);
    struct sig_action a = h->action[signo];
    if (a.handler > 1 && a.flags & ACT_RESETHAND) {
        h->action[signo].handler = 0;
        signal_mirror(h, signo);
    }
    lock_give(&h->lock);
    return a;
}

static void enter(struct thread *t, const struct sig_info *info, const struct sig_action *a)
{
    if (!frame_enter(t, info, a)) {
        if (info->signo == SIG_SEGV)
            signal_die(t, SIG_SEGV, true);
        signal_force_fault(t, SIG_SEGV, SI_CODE_KERNEL, 0);
        return;
    }
    t->mask |= a->mask;
    if (!(a->flags & ACT_NODEFER))
        t->mask |= SIG_BIT(info->signo);
    t->mask &= ~SIG_UNBLOCKABLE;
}

static void deliver_one(struct thread *t, const struct sig_info *info)
{
    int signo = info->signo;
    struct sig_action a = take_action(t, signo);
    if (a.handler > 1) {
        enter(t, info, &a);
        return;
    }
    if (a.handler == 1 || signal_default_ignores(signo))
        return;
    if (signal_default_dumps(signo)) {
        signal_die(t, signo, false);
        return;
    }
    /* It had a handler when it was taken. The host's action is the default one by now. */
    struct sig_info again = *info;
    sys(__NR_rt_tgsigqueueinfo, sys(__NR_getpid), sys(__NR_gettid), signo, &again);
}

/* A signal that is taken or held and open; false: none. */
static bool next_signal(struct thread *t, struct sig_info *ret_info)
{
    for (unsigned k = 0; k < 2; k++) {
        if (!(__atomic_load_n(&t->held, __ATOMIC_ACQUIRE) & 1u << k))
            continue;
        *ret_info = t->held_info[k];
        if (t->mask_now & SIG_BIT(ret_info->signo))
            continue;
        __atomic_and_fetch(&t->held, ~(1u << k), __ATOMIC_RELAXED);
        return true;
    }
    if (!t->taken)
        return false;
    *ret_info = t->info;
    t->taken = false;
    return true;
}

void signal_deliver(struct thread *t)
{
    struct sig_info info;
    while (t->attention) {
        __atomic_store_n(&t->attention, 0, __ATOMIC_RELAXED);
        bool any = false;
        while (next_signal(t, &info)) {
            any = true;
            deliver_one(t, &info);
            t->mask_now = t->mask;
        }
        if (!any)
            break;
        signal_apply_mask(t);
    }
    t->mask_now = t->mask;
}

void signal_force(struct thread *t, const struct sig_info *info)
{
    struct sig_action a = take_action(t, info->signo);
    if (a.handler <= 1 || t->mask & SIG_BIT(info->signo))
        signal_die(t, info->signo, true);
    enter(t, info, &a);
}

void signal_force_fault(struct thread *t, int signo, int code, uint64_t address)
{
    struct sig_info info = {.signo = signo, .code = code, .address = address};
    signal_force(t, &info);
}

/* ---- what the runtime calls ---- */
/* Syndromes as the kernel shows them (Arm ARM D17.2.37): data and instruction aborts from EL0. */
enum {
    DFSC_TRANSLATION = 0x07,
    DFSC_PERMISSION = 0x0f,
    DFSC_ALIGNMENT = 0x21,
    DFSC_EXTERNAL = 0x10
};
#define ESR_DATA 0x92000000u
#define ESR_DATA_WRITE 0x40u
#define ESR_FETCH 0x82000000u
#define ESR_PC_ALIGNMENT 0x8a000000u

__attribute__((noreturn)) static void fault_and_run(struct thread *t, int signo, int code,
                                                    uint64_t address)
{
    rt_vectors_save(t->cpu);
    signal_force_fault(t, signo, code, address);
    signal_apply_mask(t);
    rt_run(t->cpu);
}

void linux_fault(struct cpu *cpu, int signal, int code, uint64_t address)
{
    struct thread *t = thread_of(cpu);
    uint32_t status = code == SI_CODE_ACCERR ? DFSC_PERMISSION : DFSC_TRANSLATION;
    if (signal == SIG_BUS)
        status = DFSC_EXTERNAL;
    else if (code != SI_CODE_ACCERR || linux_hidden(address, 1))
        code = SI_CODE_MAPERR; /* the engine is a hole; the host's #GP is an address out of range */
    t->fault_address = address;
    t->fault_code = ESR_DATA | (t->fault_write ? ESR_DATA_WRITE : 0) | status;
    fault_and_run(t, signal, code, address);
}

void linux_raise(struct cpu *cpu, enum rt_raise kind)
{
    enum { ILL_ILLOPC = 1, TRAP_BRKPT = 1, BUS_ADRALN = 1 };
    struct thread *t = thread_of(cpu);
    if (rt_options.cosim)
        cosim_leave(cpu, IR_END_RAISE, cpu->pc, kind);
    t->fault_address = 0;
    t->fault_code = 0;
    t->fault_write = false;
    switch (kind) {
    case RAISE_UNDEFINED:
        fault_and_run(t, SIG_ILL, ILL_ILLOPC, cpu->pc);
    case RAISE_BREAKPOINT:
        fault_and_run(t, SIG_TRAP, TRAP_BRKPT, cpu->pc);
    case RAISE_FETCH: {
        bool there = vma_prot_at(&linux_state.mm.table, cpu->pc) >= 0;
        t->fault_address = cpu->pc;
        t->fault_code = ESR_FETCH | (there ? DFSC_PERMISSION : DFSC_TRANSLATION);
        fault_and_run(t, SIG_SEGV, there ? SI_CODE_ACCERR : SI_CODE_MAPERR, cpu->pc);
    }
    case RAISE_PC_ALIGN:
        t->fault_code = ESR_PC_ALIGNMENT;
        fault_and_run(t, SIG_BUS, BUS_ADRALN, cpu->pc);
    case RAISE_ALIGN:
        t->fault_address = cpu->arg[0];
        t->fault_code = ESR_DATA | DFSC_ALIGNMENT;
        fault_and_run(t, SIG_BUS, BUS_ADRALN, cpu->arg[0]);
    case RAISE_FAULT:
        linux_fault(cpu, SIG_SEGV, SI_CODE_MAPERR, cpu->arg[0]);
    }
    rt_bug("an unknown reason to stop", __FILE__, __LINE__);
}

void linux_poll(struct cpu *cpu)
{
    struct thread *t = thread_of(cpu);
    if (rt_clock_wanted())
        linux_mm_move_clock();
    if (!t->attention)
        return;
    rt_vectors_save(cpu);
    signal_deliver(t);
}

void linux_syscall_end(struct cpu *cpu, uint64_t nr, uint64_t arg0, long result)
{
    struct thread *t = thread_of(cpu);
    (void)nr;
    if (result == HOSTCALL_AGAIN) {
        cpu->pc -= 4;
        cpu->x[0] = arg0;
    } else {
        cpu->x[0] = (uint64_t)result;
    }
    if (t->attention) {
        rt_vectors_save(cpu);
        signal_deliver(t);
    }
    t->mask_now = t->mask;
}
