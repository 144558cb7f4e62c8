/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads of the guest, what clone(2) lets them share, and their signals.
 *
 * Each guest thread is a host thread with a struct cpu (rt) and a struct thread. Signal
 * dispositions are in a struct sighand, shared or copied as CLONE_SIGHAND says. What else clone
 * shares needs no object here: CLONE_VM shares linux_state with the memory, fork copies it; files,
 * directories and System V undo lists are the kernel's alone.
 *
 * Signals: the kernel is the queue. The host's handler takes one asynchronous signal, blocks all
 * others and makes cpu->fuel negative; the guest's handler is entered at the next poll or end of a
 * system call, and the host's mask becomes the guest's again.
 */
#ifndef ENGINE_LINUX_THREAD_H
#define ENGINE_LINUX_THREAD_H

#include "engine/linux/linux.h"

enum {
    SIG_COUNT = 64,
    SIG_ILL = 4,
    SIG_TRAP = 5,
    SIG_ABRT = 6,
    SIG_BUS = 7,
    SIG_FPE = 8,
    SIG_KILL = 9,
    SIG_SEGV = 11,
    SIG_STOP = 19
};
#define SIG_BIT(signo) (1ull << ((signo)-1))
/* The host raises these for guest's faults: their handler is always ours, they are never blocked.
 */
#define SIG_FAULTS (SIG_BIT(SIG_SEGV) | SIG_BIT(SIG_BUS))
/* On the host these come from hardware only when the engine is wrong. */
#define SIG_BUGS (SIG_BIT(SIG_ILL) | SIG_BIT(SIG_TRAP) | SIG_BIT(SIG_FPE))
#define SIG_UNBLOCKABLE (SIG_BIT(SIG_KILL) | SIG_BIT(SIG_STOP))

enum { SI_CODE_KERNEL = 0x80, SI_CODE_MAPERR = 1, SI_CODE_ACCERR = 2 };

enum {
    ACT_NOCLDSTOP = 1,
    ACT_NOCLDWAIT = 2,
    ACT_SIGINFO = 4,
    ACT_EXPOSE_TAGBITS = 0x800,
    ACT_RESTORER = 0x04000000,
    ACT_ONSTACK = 0x08000000,
    ACT_RESTART = 0x10000000,
    ACT_NODEFER = 0x40000000
};
#define ACT_RESETHAND 0x80000000u

/* siginfo_t, the same on all 64-bit architectures. */
struct sig_info {
    int32_t signo;     /* which */
    int32_t error;     /* si_errno */
    int32_t code;      /* si_code */
    int32_t pad;       /* alignment */
    uint64_t address;  /* si_addr of a fault; first word of the union */
    uint64_t rest[13]; /* the rest of 128 bytes */
};

/* arm64's struct sigaction. */
struct sig_action {
    uint64_t handler;  /* 0 default, 1 ignore */
    uint64_t flags;    /* SA_* */
    uint64_t restorer; /* where the handler returns to, with SA_RESTORER */
    uint64_t mask;     /* blocked while it runs */
};

struct sighand {
    uint32_t lock;  /* of action[] and the host's dispositions (lock_take) */
    uint32_t users; /* threads that share it */
    struct sig_action action[SIG_COUNT + 1]; /* by number */
};

/* stack_t. */
struct sig_stack {
    uint64_t sp;    /* lowest address */
    uint32_t flags; /* SS_* */
    uint32_t pad;   /* alignment */
    uint64_t size;  /* bytes */
};
enum { STACK_ONSTACK = 1, STACK_DISABLE = 2 };
#define STACK_AUTODISARM (1u << 31)

enum { HELD_SEGV = 1, HELD_BUS = 2 };

struct thread {
    struct cpu *cpu;         /* its cpu */
    struct sighand *sighand; /* dispositions */
    struct thread *next;     /* list of all in this address space */
    uint32_t tid;            /* host thread id, for locks (mm.c) */
    uint32_t dead;           /* 1: it runs no more, its memory is free to be given back */
    bool vforked;            /* the parent sleeps, and gives this memory back */
    bool reinstall;          /* the kernel dropped the host's handlers at its start */

    uint32_t attention;   /* something is to be delivered; hostcall looks at it */
    bool taken;           /* info is a signal taken from the kernel; the host blocks all others */
    struct sig_info info; /* see taken */
    uint32_t held;        /* HELD_*: sent by somebody, not yet delivered (never blocked on host) */
    struct sig_info held_info[2]; /* theirs */
    uint64_t mask;                /* signals that the guest blocks */
    uint64_t mask_now;            /* = mask, but for a call that brings its own */
    struct sig_stack stack;       /* sigaltstack */
    bool fault_write;             /* the last host fault was a store */
    uint64_t fault_address;       /* for the frame: of the last fault */
    void *exec_block;             /* arguments of an execve on its way, or NULL */
    size_t exec_size;             /* bytes */
    uint64_t fault_code;          /* its syndrome, 0: none yet */
};

static inline struct thread *thread_of(const struct cpu *cpu)
{
    return cpu->thread;
}

/* ---- thread.c ---- */
/* A thread for a cpu; takes the reference to h. */
struct thread *thread_new(struct cpu *cpu, struct sighand *h);
/* Not running: off the list, memory given back. */
void thread_free(struct thread *t);
/* The arguments of an execve that is over. */
void thread_drop_exec(struct thread *t);
/* Give back what ended threads left. */
void thread_bury(void);
/* No other thread runs in this address space; between thread_fork_prepare() and _done(). */
bool thread_alone(const struct thread *t);
/* Around fork: no other thread is in the list's and this sighand's locks. */
void thread_fork_prepare(struct thread *t);
void thread_fork_done(struct thread *t, bool child);
struct sighand *sighand_new(const struct sighand *from);
struct sighand *sighand_share(struct sighand *h);

/* ---- signal_host.c: what the host's kernel knows ---- */
void signal_install(struct sighand *h); /* handlers of faults and of dispositions that dump core */
void signal_altstack(struct cpu *cpu);  /* the host's alternate stack of this thread */
uint64_t signal_host_mask(uint64_t mask);
void signal_block_all(void);
void signal_apply_mask(struct thread *t); /* the host's mask = the guest's, or all while taken */
void signal_mirror(const struct sighand *h, int signo); /* the host's disposition */
/* Around a host call that may be about a signalfd: those of SIG_FAULTS that the guest blocks are
 * blocked on the host and those held wait there, so that it sees them. What was blocked. */
uint64_t signal_lend(struct thread *t);
void signal_take_back(uint64_t lent);
/* Before and after an execve that came back. */
void signal_exec_prepare(struct thread *t);
void signal_exec_failed(struct thread *t);
/* Die by the default action. Comes back when the kernel protects us (init of a namespace) and the
 * signal is not forced. */
void signal_die(struct thread *t, int signo, bool forced);

/* ---- signal_send.c: a fault's code that the guest sends itself must not look like a fault ---- */
void signal_hide_code(struct sig_info *info);
void signal_restore_code(struct sig_info *info);

/* ---- signal.c ---- */
bool signal_default_ignores(int signo);
bool signal_default_dumps(int signo);
/* Deliver all that is taken or held and not blocked; changes cpu->pc and x. */
void signal_deliver(struct thread *t);
/* As the kernel's force_sig: to the handler, or death. */
void signal_force(struct thread *t, const struct sig_info *info);
/* A signal of hardware's without address (SI_KERNEL) or with. */
void signal_force_fault(struct thread *t, int signo, int code, uint64_t address);

/* ---- signal_frame.c ---- */
/* Build the frame and enter the handler; false: no room on the stack. */
bool frame_enter(struct thread *t, const struct sig_info *info, const struct sig_action *action);
/* rt_sigreturn: registers, mask and stack from the frame at sp; false: not a frame. */
bool frame_leave(struct thread *t);
/* sigaltstack's change, as the kernel checks it; -errno. */
long frame_set_stack(struct thread *t, const struct sig_stack *wanted);
bool frame_on_stack(const struct thread *t, uint64_t sp);

/* ---- hostcall.c ---- */
enum { HOSTCALL_AGAIN = -512 }; /* not made, or to be made again: the guest's call starts anew */
extern const char hostcall_start[], hostcall_end[], hostcall_interrupted[];

/* ---- exec.c ---- */
/* By hand: remember where the engine's file is, for --exec=self. */
void exec_remember_engine(const char *execfn);

#endif
