/* SPDX-License-Identifier: Apache-2.0
 *
 * struct thread, struct sighand, and the end of threads.
 *
 * A thread cannot give back the memory that it runs on. It blocks all signals, says that it is
 * dead, and makes its last call without touching a stack; whoever makes the next thread gives back
 * what the dead left. A vfork child's memory is given back by its parent, who sleeps until it is
 * used no more, whatever the child's end.
 *
 * Left out: a CLONE_VM child that is neither a thread nor vforked and is killed or executes a
 * program leaves its memory in the window.
 */
#include "engine/linux/thread.h"

#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>

void rt_stats_print(void);

static struct {
    uint32_t lock;      /* of the list (lock_take) */
    struct thread *all; /* every thread of this address space */
} threads;

/* ---- dispositions ---- */
struct sighand *sighand_new(const struct sighand *from)
{
    struct sighand *h = rt_pages_get(sizeof(*h));
    if (!h)
        return NULL;
    if (from)
        memcpy(h->action, from->action, sizeof(h->action));
    h->users = 1;
    return h;
}

struct sighand *sighand_share(struct sighand *h)
{
    __atomic_add_fetch(&h->users, 1, __ATOMIC_ACQ_REL);
    return h;
}

static void sighand_put(struct sighand *h)
{
    if (__atomic_sub_fetch(&h->users, 1, __ATOMIC_ACQ_REL) == 0)
        rt_pages_put(h, sizeof(*h));
}

/* ---- threads ---- */
struct thread *thread_new(struct cpu *cpu, struct sighand *h)
{
    struct thread *t = rt_pages_get(sizeof(*t));
    if (!t) {
        sighand_put(h);
        return NULL;
    }
    t->cpu = cpu;
    t->sighand = h;
    t->stack.flags = STACK_DISABLE;
    cpu->thread = t;
    lock_take(&threads.lock);
    t->next = threads.all;
    threads.all = t;
    lock_give(&threads.lock);
    return t;
}

void thread_drop_exec(struct thread *t)
{
    if (t->exec_block)
        rt_pages_put(t->exec_block, t->exec_size);
    t->exec_block = NULL;
}

static void give_back(struct thread *t)
{
    thread_drop_exec(t);
    sighand_put(t->sighand);
    rt_cpu_free(t->cpu);
    rt_pages_put(t, sizeof(*t));
}

void thread_free(struct thread *t)
{
    lock_take(&threads.lock);
    for (struct thread **at = &threads.all; *at; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            break;
        }
    lock_give(&threads.lock);
    give_back(t);
}

void thread_bury(void)
{
    struct thread *gone = NULL;
    lock_take(&threads.lock);
    for (struct thread **at = &threads.all; *at;) {
        struct thread *t = *at;
        if (!__atomic_load_n(&t->dead, __ATOMIC_ACQUIRE)) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        t->next = gone;
        gone = t;
    }
    lock_give(&threads.lock);
    while (gone) {
        struct thread *next = gone->next;
        give_back(gone);
        gone = next;
    }
}

bool linux_thread_start(struct cpu *cpu)
{
    struct sighand *h = sighand_new(NULL);
    struct thread *t = h ? thread_new(cpu, h) : NULL;
    if (!t || !a64_vdso_map())
        return false;
    t->tid = (uint32_t)sys(__NR_gettid);
    for (int s = 1; s <= SIG_COUNT; s++) { /* what the parent ignores stays ignored */
        uint64_t action[4] = {0};
        if (sys(__NR_rt_sigaction, s, 0, action, sizeof(t->mask)) == 0 && action[0] == 1)
            h->action[s].handler = 1;
    }
    sys(__NR_rt_sigprocmask, 0, 0, &t->mask, sizeof(t->mask));
    signal_altstack(cpu);
    signal_install(h);
    signal_apply_mask(t);
    return true;
}

/* ---- fork ---- */
bool thread_alone(const struct thread *t)
{
    for (const struct thread *o = threads.all; o; o = o->next)
        if (o != t && !o->dead)
            return false;
    return true;
}

void thread_fork_prepare(struct thread *t)
{
    lock_take(&threads.lock);
    lock_take(&t->sighand->lock);
}

void thread_fork_done(struct thread *t, bool child)
{
    if (!child) {
        lock_give(&t->sighand->lock);
        lock_give(&threads.lock);
        return;
    }
    threads.lock = t->sighand->lock = 0; /* our thread id is another now */
    for (struct thread *o = threads.all; o; o = o->next)
        o->dead = o != t; /* they did not come with us */
    t->tid = (uint32_t)sys(__NR_gettid);
    t->vforked = false;
}

/* ---- the end ---- */
/* No stack from the moment that *dead is set: its memory may be anybody's. */
__attribute__((naked, noreturn)) static void leave(uint32_t *dead __attribute__((unused)),
                                                   long nr __attribute__((unused)),
                                                   long status __attribute__((unused)))
{
    __asm__ volatile("mov %rsi, %rax\n"
                     "mov %rdi, %rcx\n"
                     "mov %rdx, %rdi\n"
                     "xor %esp, %esp\n"
                     "movl $1, (%rcx)\n"
                     "syscall\n"
                     "ud2\n");
}

/* nr: exit or exit_group. */
__attribute__((noreturn)) static void end(struct cpu *cpu, long nr, long status)
{
    struct thread *t = thread_of(cpu);
    uint32_t unused;
    signal_block_all();
    leave(t->vforked ? &unused : &t->dead, nr, status);
}

SYSCALL(exit)
{
    struct thread *t = thread_of(cpu);
    if (t->next == NULL && threads.all == t)
        rt_stats_print();
    end(cpu, __NR_exit, (long)a[0]);
}

SYSCALL(exit_group)
{
    rt_stats_print();
    end(cpu, __NR_exit_group, (long)a[0]);
}
