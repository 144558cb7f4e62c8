/* SPDX-License-Identifier: Apache-2.0
 *
 * clone, fork, vfork, exit.
 *
 * A child with memory of its own (fork) goes on on its copy of our stacks. A child that shares memory
 * (vfork, thread) gets a cpu with stacks of its own in the window, and a copy of the caller's
 * registers; signals are blocked until it has set up its own alternate stack.
 *
 * A thread cannot free the stack that it ends on: it puts itself on a list, and whoever makes the next
 * thread frees those that the kernel no longer knows.
 */
#include "engine/linux/thread.h"

#include "engine/rt/mem.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/sched.h>

static struct {
    uint32_t lock;       /* spin */
    struct thread *dead; /* ended, memory not yet given back */
} threads;

static void lock(void)
{
    while (__atomic_exchange_n(&threads.lock, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}

static void unlock(void)
{
    __atomic_store_n(&threads.lock, 0, __ATOMIC_RELEASE);
}

static int gettid(void)
{
    return (int)sys(__NR_gettid);
}

/* ---- dispositions ---- */
static struct sighand *sighand_new(const struct sighand *from)
{
    struct sighand *h = rt_pages_get(sizeof(*h));
    if (!h)
        return NULL;
    if (from)
        memcpy(h, from, sizeof(*h));
    h->users = 1;
    h->lock = 0;
    return h;
}

static void sighand_put(struct sighand *h)
{
    if (__atomic_sub_fetch(&h->users, 1, __ATOMIC_ACQ_REL) == 0)
        rt_pages_put(h, sizeof(*h));
}

/* ---- threads ---- */
static struct thread *thread_new(struct cpu *cpu, struct sighand *h)
{
    struct thread *t = rt_pages_get(sizeof(*t));
    if (!t)
        return NULL;
    t->cpu = cpu;
    t->sighand = h;
    t->stack.flags = SS_DISABLE_;
    cpu->thread = t;
    return t;
}

static void thread_free(struct thread *t)
{
    rt_cpu_free(t->cpu);
    rt_pages_put(t, sizeof(*t));
}

bool linux_thread_start(struct cpu *cpu)
{
    struct sighand *h = sighand_new(NULL);
    struct thread *t = h ? thread_new(cpu, h) : NULL;
    if (!t || !frame_make_trampoline())
        return false;
    t->tid = gettid();
    sys(__NR_rt_sigprocmask, 2, 0, &t->mask, 8);
    rt_cpu_set(cpu);
    signal_altstack(cpu);
    signal_inherit(h);
    signal_install();
    signal_set_mask(t, t->mask);
    return true;
}

/* Memory of threads that have ended; the kernel must have forgotten them: their stack is in it. */
static void bury(void)
{
    lock();
    struct thread **at = &threads.dead;
    struct thread *gone = NULL;
    while (*at) {
        struct thread *t = *at;
        if (sys(__NR_tgkill, sys(__NR_getpid), t->tid, 0) == -ESRCH) {
            *at = t->next_dead;
            t->next_dead = gone;
            gone = t;
        } else {
            at = &t->next_dead;
        }
    }
    unlock();
    while (gone) {
        struct thread *next = gone->next_dead;
        thread_free(gone);
        gone = next;
    }
}

SYSCALL(exit)
{
    struct thread *t = thread_of(cpu);
    signal_block_all();
    if (rt_state.cpu_count > 1) {
        sighand_put(t->sighand);
        lock();
        t->tid = gettid();
        t->next_dead = threads.dead;
        threads.dead = t;
        unlock();
    } else {
        rt_stats_print();
    }
    for (;;)
        sys(__NR_exit, a[0]);
}

SYSCALL(exit_group)
{
    (void)cpu;
    rt_stats_print();
    for (;;)
        sys(__NR_exit_group, a[0]);
}

/* ---- clone ---- */
/* clone3's argument, which clone's are put into as well. */
struct clone {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
        set_tid_size, cgroup;
};

/* The guest's own call of the two: a seccomp filter may allow one and not the other. */
static long host_clone(const struct clone *c, bool three)
{
    if (three)
        return sys(__NR_clone3, c, sizeof(*c));
    uint64_t parent = c->flags & CLONE_PIDFD ? c->pidfd : c->parent_tid;
    return sys(__NR_clone, c->flags | c->exit_signal, 0, parent, c->child_tid, 0);
}

static void child_registers(struct cpu *child, const struct clone *c)
{
    child->x[0] = 0;
    if (c->stack)
        child->x[CPU_SP] = c->stack + c->stack_size;
    if (c->flags & CLONE_SETTLS)
        child->tpidr = c->tls;
}

/* Memory of its own: both go on here. */
static long clone_copy(struct cpu *cpu, const struct clone *c, bool three)
{
    struct thread *t = thread_of(cpu);
    struct clone host = *c;
    host.flags &= ~(uint64_t)CLONE_SETTLS;
    host.stack = host.stack_size = 0;
    rt_vectors_save(cpu);
    signal_block_all();
    linux_mm_fork_prepare();
    long r = host_clone(&host, three);
    if (r != 0) {
        linux_mm_fork_done(false);
        signal_apply_mask(t);
        return r;
    }
    linux_mm_fork_done(true);
    t->tid = gettid();
    t->sighand->users = 1;
    t->sighand->lock = 0;
    t->pending = 0;
    threads.dead = NULL;
    threads.lock = 0;
    child_registers(cpu, c);
    signal_altstack(cpu);
    signal_apply_mask(t);
    return 0;
}

/* The child's first steps on its own C stack. */
__attribute__((noreturn, used)) static void child_start(struct cpu *cpu)
{
    struct thread *t = thread_of(cpu);
    rt_cpu_set(cpu);
    t->tid = gettid();
    signal_altstack(cpu);
    signal_apply_mask(t);
    rt_run(cpu);
}

/* The call with a stack: the child's return address would be on ours, so it goes on from here. args:
 * six of the call's, then the child's cpu. */
__attribute__((naked, noinline)) static long clone_onto(long nr, const uint64_t *args)
{
    (void)nr;
    (void)args;
    __asm__ volatile("push %rbx\n"
                     "mov %rdi, %rax\n"
                     "mov %rsi, %rbx\n"
                     "mov 0(%rbx), %rdi\n"
                     "mov 8(%rbx), %rsi\n"
                     "mov 16(%rbx), %rdx\n"
                     "mov 24(%rbx), %r10\n"
                     "mov 32(%rbx), %r8\n"
                     "mov 48(%rbx), %rbx\n"
                     "syscall\n"
                     "test %rax, %rax\n"
                     "jne 1f\n"
                     "xor %ebp, %ebp\n"
                     "mov %rbx, %rdi\n"
                     "call child_start\n"
                     "1: pop %rbx\n"
                     "ret\n");
}

enum { CHILD_STACK = 64 << 10 };

static long host_clone_onto(const struct clone *c, struct cpu *child, bool three)
{
    struct clone host = *c;
    host.flags &= ~(uint64_t)CLONE_SETTLS;
    host.stack = child->host_sp - CHILD_STACK;
    host.stack_size = CHILD_STACK;
    uint64_t parent = c->flags & CLONE_PIDFD ? c->pidfd : c->parent_tid;
    const uint64_t args[7] = {host.flags | host.exit_signal, child->host_sp, parent, c->child_tid,
                              0, 0, (uint64_t)(uintptr_t)child};
    const uint64_t args3[7] = {(uint64_t)(uintptr_t)&host, sizeof(host), [6] = args[6]};
    return clone_onto(three ? __NR_clone3 : __NR_clone, three ? args3 : args);
}

static struct cpu *child_cpu(struct cpu *cpu, const struct clone *c)
{
    struct thread *t = thread_of(cpu);
    struct cpu *child = rt_cpu_new();
    if (!child)
        return NULL;
    struct sighand *h = t->sighand;
    if (c->flags & CLONE_SIGHAND)
        __atomic_add_fetch(&h->users, 1, __ATOMIC_ACQ_REL);
    else
        h = sighand_new(h);
    struct thread *n = h ? thread_new(child, h) : NULL;
    if (!n) {
        rt_cpu_free(child);
        return NULL;
    }
    memcpy(child->x, cpu->x, sizeof(child->x));
    memcpy(child->v, cpu->v, sizeof(child->v));
    child->nzcv = cpu->nzcv;
    child->pc = cpu->pc;
    child->tpidr = cpu->tpidr;
    child->fpcr = cpu->fpcr;
    child->fpsr = rt_fpsr_get(cpu);
    child->table = cpu->table;
    n->mask = t->mask;
    if (c->flags & CLONE_VFORK)
        n->stack = t->stack;
    child_registers(child, c);
    return child;
}

/* Shared memory: a thread, or a vfork child that ends or executes before we go on. */
static long clone_share(struct cpu *cpu, const struct clone *c, bool three)
{
    struct thread *t = thread_of(cpu);
    bury();
    rt_vectors_save(cpu);
    struct cpu *child = child_cpu(cpu, c);
    if (!child)
        return -EAGAIN;
    signal_block_all();
    long r = host_clone_onto(c, child, three);
    if (r < 0 || c->flags & CLONE_VFORK) {
        sighand_put(thread_of(child)->sighand);
        thread_free(thread_of(child));
    }
    signal_apply_mask(t);
    return r;
}

static long do_clone(struct cpu *cpu, const struct clone *c, bool three)
{
    if (c->flags & CLONE_VM)
        return clone_share(cpu, c, three);
    return clone_copy(cpu, c, three);
}

/* arm64's order: flags, stack, parent_tid, tls, child_tid. */
SYSCALL(clone)
{
    struct clone c = {.flags = a[0] & 0xffffff00u,
                      .exit_signal = a[0] & 0xff,
                      .stack = a[1],
                      .parent_tid = a[2],
                      .tls = a[3],
                      .child_tid = a[4]};
    if (c.flags & CLONE_PIDFD)
        c.pidfd = a[2];
    /* clone(2) lets both share a pointer, clone3 does not */
    if (c.flags & CLONE_PIDFD && c.flags & CLONE_PARENT_SETTID)
        return -EINVAL;
    return do_clone(cpu, &c, false);
}

SYSCALL(clone3)
{
    struct clone c = {0};
    if (a[1] < 64 || a[1] > 4096)
        return a[1] > 4096 ? -E2BIG : -EINVAL;
    if (!rt_guest_read(&c, a[0], a[1] < sizeof(c) ? a[1] : sizeof(c)))
        return -EFAULT;
    for (uint64_t at = sizeof(c); at < a[1]; at++) {
        uint8_t byte;
        if (!rt_guest_read(&byte, a[0] + at, 1))
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    if (c.stack ? !c.stack_size : c.stack_size != 0)
        return -EINVAL;
    return do_clone(cpu, &c, true);
}
