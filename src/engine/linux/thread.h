/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads of the guest, and what clone(2) lets them share.
 *
 * Each guest thread is a host thread with a struct cpu (rt) and a struct thread. Signal dispositions are
 * in a struct sighand, shared or copied as CLONE_SIGHAND says; everything else that clone shares is
 * the kernel's.
 *
 * Signals: the kernel is the queue. The host's handler takes one asynchronous signal, blocks all others
 * and makes cpu->fuel negative; the guest's handler runs at the next poll or end of a system call, and
 * the host's mask becomes the guest's again. Synchronous signals are never blocked on the host.
 */
#ifndef ENGINE_LINUX_THREAD_H
#define ENGINE_LINUX_THREAD_H

#include "engine/linux/linux.h"

enum {
    SIG_MAX = 64,
    SIGILL_ = 4,
    SIGTRAP_ = 5,
    SIGABRT_ = 6,
    SIGBUS_ = 7,
    SIGFPE_ = 8,
    SIGKILL_ = 9,
    SIGSEGV_ = 11,
    SIGCHLD_ = 17,
    SIGCONT_ = 18,
    SIGSTOP_ = 19,
    SIGTSTP_ = 20,
    SIGTTIN_ = 21,
    SIGTTOU_ = 22,
    SIGURG_ = 23,
    SIGWINCH_ = 28
};
#define SIG_BIT(s) (1ull << ((s)-1))
#define SIG_SYNC                                                                                   \
    (SIG_BIT(SIGILL_) | SIG_BIT(SIGTRAP_) | SIG_BIT(SIGBUS_) | SIG_BIT(SIGFPE_) | SIG_BIT(SIGSEGV_))
#define SIG_UNBLOCKABLE (SIG_BIT(SIGKILL_) | SIG_BIT(SIGSTOP_))

enum {
    SA_NOCLDSTOP_ = 1,
    SA_NOCLDWAIT_ = 2,
    SA_SIGINFO_ = 4,
    SA_RESTORER_ = 0x04000000,
    SA_ONSTACK_ = 0x08000000,
    SA_RESTART_ = 0x10000000,
    SA_NODEFER_ = 0x40000000
};
#define SA_RESETHAND_ 0x80000000u

/* As the kernel passes it, the same on both architectures. */
struct sig_info {
    int32_t signo;       /* which */
    int32_t error;       /* si_errno */
    int32_t code;        /* si_code */
    int32_t pad;         /* alignment */
    uint64_t address;    /* si_addr of a fault; first word of the union */
    uint64_t rest[13];   /* the rest of 128 bytes */
};

/* Linux' struct sigaction of the generic ABI. */
struct sig_action {
    uint64_t handler; /* 0 default, 1 ignore */
    uint64_t flags;   /* SA_* */
    uint64_t restorer; /* not used on arm64 but kept */
    uint64_t mask;    /* blocked while it runs */
};

struct sighand {
    uint32_t users;                      /* threads that share it */
    uint32_t lock;                       /* spin */
    struct sig_action action[SIG_MAX + 1]; /* by number */
};

struct sig_stack {
    uint64_t sp;    /* lowest address */
    int32_t flags;  /* SS_* */
    int32_t pad;    /* alignment */
    uint64_t size;  /* bytes */
};
enum { SS_ONSTACK_ = 1, SS_DISABLE_ = 2 };
#define SS_AUTODISARM_ (1u << 31)

enum { PENDING_MAX = 8 };

struct thread {
    struct cpu *cpu;                /* its cpu */
    struct sighand *sighand;        /* dispositions */
    uint64_t mask;                  /* signals that the guest blocks */
    uint64_t saved_mask;            /* sigsuspend and the like: mask to go back to */
    bool restore_mask;              /* saved_mask counts */
    volatile uint32_t pending;      /* entries in info[] */
    struct sig_info info[PENDING_MAX]; /* taken from the kernel, not yet delivered */
    struct sig_stack stack;         /* sigaltstack */
    int tid;                        /* host thread id; 0: not yet known */
    struct thread *next_dead;       /* list of threads that have ended */
};

static inline struct thread *thread_of(const struct cpu *cpu)
{
    return cpu->thread;
}

/* signal.c */
void signal_inherit(struct sighand *h);          /* what was ignored before us */
void signal_install(void);                      /* the host's handlers, at start */
void signal_altstack(struct cpu *cpu);          /* the host's alternate stack of this thread */
uint64_t signal_host_mask(uint64_t guest_mask); /* what may be blocked on the host */
void signal_set_mask(struct thread *t, uint64_t mask);
void signal_block_all(void);
void signal_apply_mask(struct thread *t);       /* the host's mask = the guest's, or all while pending */
/* Deliver everything taken; changes cpu->pc and x. true: something was. */
bool signal_deliver(struct thread *t);
/* A synchronous signal: to the handler, or death. */
void signal_force(struct thread *t, struct sig_info *info);
__attribute__((noreturn)) void signal_die(int signo);
void signal_before_exec(struct thread *t);
void signal_exec_failed(struct thread *t);

/* frame.c: build the frame and enter the handler; false: no room on the stack */
bool frame_enter(struct thread *t, const struct sig_info *info, const struct sig_action *action,
                 uint64_t mask);
bool frame_leave(struct thread *t); /* rt_sigreturn; false: not a frame */
bool frame_make_trampoline(void);

/* hostcall.c */
enum { RESTART_BEFORE = -512 }; /* interrupted before the call was made */
extern const char hostcall_start[], hostcall_end[], hostcall_interrupted[];

#endif
