/* SPDX-License-Identifier: Apache-2.0
 *
 * clone, clone3: fork, vfork and threads.
 *
 * A child with memory of its own (fork) goes on on its copy of our stacks. A child that shares
 * memory (vfork, thread) gets a cpu with stacks of its own in the window, and a copy of the
 * caller's registers. The host's call has the guest's flags, all of them: what clone shares, which
 * namespaces are new, pidfd, set_tid, cgroup. Two are the engine's own: the stack, and CLONE_SETTLS
 * (the host's FS and GS are not the guest's).
 *
 * Signals are blocked from before the call until the child has its own alternate stack; a signal
 * that was taken before goes first, so that no child inherits it.
 */
#include "engine/linux/thread.h"

#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/sched.h>

/* A request, as clone3 has it. */
struct clone {
    struct clone_args args; /* of clone3; clone's are put into it as well */
    bool three;             /* which of the two calls the guest made */
};

static bool has(const struct clone *c, uint64_t flag)
{
    return c->args.flags & flag;
}

/* The host's call: number and arguments. */
struct host_clone {
    struct clone_args args; /* clone3's */
    long nr;                /* __NR_clone or __NR_clone3 */
    long a[5];              /* arguments */
};

static void host_clone(struct host_clone *h, const struct clone *c, const struct cpu *child)
{
    enum { STACK_SIZE = 32 << 10 };
    h->args = c->args;
    h->args.flags &= ~(uint64_t)CLONE_SETTLS;
    h->args.tls = 0;
    h->args.stack = child ? child->host_sp - STACK_SIZE : 0;
    h->args.stack_size = child ? STACK_SIZE : 0;
    if (c->three) {
        h->nr = __NR_clone3;
        h->a[0] = (long)&h->args;
        h->a[1] = sizeof(h->args);
        return;
    }
    h->nr = __NR_clone;
    h->a[0] = (long)(h->args.flags | h->args.exit_signal);
    h->a[1] = child ? (long)child->host_sp : 0;
    h->a[2] = (long)(has(c, CLONE_PIDFD) ? h->args.pidfd : h->args.parent_tid);
    h->a[3] = (long)h->args.child_tid;
    h->a[4] = 0;
}

static void drop_vfork(struct host_clone *h)
{
    h->args.flags &= ~(uint64_t)CLONE_VFORK;
    if (h->nr == __NR_clone)
        h->a[0] &= ~(long)CLONE_VFORK;
}

static void child_registers(struct cpu *child, const struct clone *c)
{
    child->x[0] = 0;
    if (c->args.stack)
        child->x[CPU_SP] = c->args.stack + c->args.stack_size;
    if (has(c, CLONE_SETTLS))
        child->tpidr = c->args.tls;
    rt_excl_clear(child);
}

/* What the kernel does with handlers on CLONE_CLEAR_SIGHAND. */
static void clear_handlers(struct sighand *h)
{
    for (int s = 1; s <= SIG_COUNT; s++)
        if (h->action[s].handler > 1)
            h->action[s] = (struct sig_action){0};
}

/* Block everything for the call. false: something waits, it goes first. */
static bool quiet(struct thread *t)
{
    signal_block_all();
    if (!t->attention)
        return true;
    signal_apply_mask(t);
    return false;
}

/* ---- memory of its own ---- */
static long clone_copy(struct cpu *cpu, const struct clone *c)
{
    struct thread *t = thread_of(cpu);
    struct host_clone h;
    host_clone(&h, c, NULL);
    if (!quiet(t))
        return HOSTCALL_AGAIN;
    thread_fork_prepare(t);
    linux_mm_fork_prepare();
    /* we hold all locks: others would wait for the child as well, and it perhaps for them */
    if (!thread_alone(t))
        drop_vfork(&h);
    long r = sys(h.nr, h.a[0], h.a[1], h.a[2], h.a[3], h.a[4]);
    linux_mm_fork_done(r == 0);
    thread_fork_done(t, r == 0);
    if (r == 0) {
        t->held = 0;
        child_registers(cpu, c);
        if (has(c, CLONE_CLEAR_SIGHAND)) {
            clear_handlers(t->sighand);
            signal_install(t->sighand);
        }
    }
    signal_apply_mask(t);
    return r;
}

/* ---- shared memory ---- */
/* The child's first steps, on its own C stack. */
__attribute__((noreturn, used)) static void child_start(struct cpu *cpu)
{
    struct thread *t = thread_of(cpu);
    rt_cpu_set(cpu);
    t->tid = (uint32_t)sys(__NR_gettid);
    signal_altstack(cpu);
    if (t->reinstall)
        signal_install(t->sighand);
    signal_apply_mask(t);
    rt_run(cpu);
}

/* The child cannot return on an empty stack: it goes on in child_start. */
__attribute__((naked, noinline)) static long clone_onto(long nr __attribute__((unused)),
                                                        const long *a __attribute__((unused)),
                                                        struct cpu *child __attribute__((unused)))
{
    __asm__ volatile("mov %rdi, %rax\n"
                     "mov %rdx, %r9\n"
                     "mov 0(%rsi), %rdi\n"
                     "mov 16(%rsi), %rdx\n"
                     "mov 24(%rsi), %r10\n"
                     "mov 32(%rsi), %r8\n"
                     "mov 8(%rsi), %rsi\n"
                     "syscall\n"
                     "test %rax, %rax\n"
                     "jne 1f\n"
                     "xor %ebp, %ebp\n"
                     "mov %r9, %rdi\n"
                     "call child_start\n"
                     "1: ret\n");
}

/* The kernel gives a child without CLONE_SIGHAND a copy, whose handlers CLONE_CLEAR_SIGHAND drops:
 * ours are then put back by the child itself. */
static struct sighand *child_sighand(struct thread *t, const struct clone *c)
{
    if (has(c, CLONE_SIGHAND))
        return sighand_share(t->sighand);
    lock_take(&t->sighand->lock);
    struct sighand *h = sighand_new(t->sighand);
    lock_give(&t->sighand->lock);
    if (h && has(c, CLONE_CLEAR_SIGHAND))
        clear_handlers(h);
    return h;
}

static void copy_registers(struct cpu *to, struct cpu *from)
{
    memcpy(to->x, from->x, sizeof(to->x));
    memcpy(to->v, from->v, sizeof(to->v));
    to->nzcv = from->nzcv;
    to->pc = from->pc;
    to->tpidr = from->tpidr;
    to->fpcr = from->fpcr;
    to->fpsr = from->fpsr; /* the kernel copies MXCSR, which has the rest */
    to->fpsr_used = from->fpsr_used;
    to->table = from->table; /* fits both */
}

static struct cpu *child_cpu(struct cpu *cpu, const struct clone *c)
{
    struct thread *t = thread_of(cpu);
    struct cpu *child = rt_cpu_new();
    if (!child)
        return NULL;
    struct sighand *h = child_sighand(t, c);
    struct thread *n = h ? thread_new(child, h) : NULL;
    if (!n) {
        rt_cpu_free(child);
        return NULL;
    }
    copy_registers(child, cpu);
    n->mask = t->mask;
    n->vforked = has(c, CLONE_VFORK);
    n->reinstall = has(c, CLONE_CLEAR_SIGHAND);
    if (n->vforked)
        n->stack = t->stack;
    child_registers(child, c);
    return child;
}

static long clone_share(struct cpu *cpu, const struct clone *c)
{
    struct thread *t = thread_of(cpu);
    struct host_clone h;
    thread_bury();
    rt_vectors_save(cpu);
    struct cpu *child = child_cpu(cpu, c);
    if (!child)
        return -EAGAIN;
    host_clone(&h, c, child);
    if (!quiet(t)) {
        thread_free(thread_of(child));
        return HOSTCALL_AGAIN;
    }
    long r = clone_onto(h.nr, h.a, child);
    if (r < 0 || has(c, CLONE_VFORK)) /* it ended or executes another program */
        thread_free(thread_of(child));
    if (has(c, CLONE_VFORK))
        linux_mm_check();
    signal_apply_mask(t);
    return r;
}

/* ---- the two calls ---- */
static bool names_engine(const struct clone *c)
{
    const struct clone_args *a = &c->args;
    return (has(c, CLONE_PARENT_SETTID) && linux_hidden(a->parent_tid, 4)) ||
           (has(c, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID) && linux_hidden(a->child_tid, 4)) ||
           (has(c, CLONE_PIDFD) && linux_hidden(a->pidfd, 4)) ||
           (a->set_tid_size && linux_hidden(a->set_tid, 4 * a->set_tid_size));
}

static long do_clone(struct cpu *cpu, const struct clone *c)
{
    if (names_engine(c))
        return -EFAULT;
    uint64_t told_by = c->args.exit_signal;
    if (told_by && told_by <= SIG_COUNT && SIG_BIT(told_by) & (SIG_FAULTS | SIG_BUGS))
        linux_state.fault_exits = true;
    return has(c, CLONE_VM) ? clone_share(cpu, c) : clone_copy(cpu, c);
}

/* arm64's order: flags, stack, parent_tid, tls, child_tid. */
SYSCALL(clone)
{
    struct clone c = {.args = {.flags = (uint32_t)a[0] & ~(uint32_t)CSIGNAL,
                               .exit_signal = a[0] & CSIGNAL,
                               .stack = a[1],
                               .parent_tid = a[2],
                               .pidfd = a[2],
                               .tls = a[3],
                               .child_tid = a[4]}};
    return do_clone(cpu, &c);
}

SYSCALL(clone3)
{
    enum { PAGE = 4096 };
    struct clone c = {.three = true};
    if (a[1] > PAGE)
        return -E2BIG;
    if (a[1] < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    if (!rt_guest_read(&c.args, a[0], a[1] < sizeof(c.args) ? a[1] : sizeof(c.args)))
        return -EFAULT;
    for (uint64_t at = sizeof(c.args); at < a[1]; at++) {
        uint8_t byte;
        if (!rt_guest_read(&byte, a[0] + at, 1))
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    if (c.args.stack ? !c.args.stack_size : c.args.stack_size != 0)
        return -EINVAL;
    return do_clone(cpu, &c);
}
