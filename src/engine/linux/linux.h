/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the Linux layer share.
 *
 * Who owns what
 *   main.c elf.c stack.c     start of the process
 *   vma.c mm.c               the guest's mappings
 *   syscall.c strace.c sys_* calls that are neither signals nor processes
 *   proc.c                   what /proc shows
 *   signal*.c hostcall.*     signals, the window around blocking calls
 *   process*.c thread*.c     clone, exec, exit, wait; struct thread and its shared objects
 *
 * One address space is one struct linux_state: fork copies it with the memory, CLONE_VM shares it.
 *
 * Lock order: list of threads (thread.c), a struct sighand's, mm lock (mm.c), the runtime's lock,
 * the window's. The table of mappings is read without a lock (vma.h), so that the translator may
 * ask with the runtime's lock held. fork takes all five, in this order: thread_fork_prepare(), then
 * linux_mm_fork_prepare().
 */
#ifndef ENGINE_LINUX_LINUX_H
#define ENGINE_LINUX_LINUX_H

#include "engine/linux/vma.h"
#include "engine/rt/rt.h"

struct linux_mm {
    uint32_t lock;          /* futex: owner's thread id (mm.c) */
    struct vma_table table; /* the guest's mappings */
    uint64_t brk_start;     /* lowest value of the break */
    uint64_t brk;           /* the guest's break */
    uint64_t stack_top;     /* behind the main stack */
};

/* The program's ELF facts, for auxv and PR_SET_MM_MAP. */
struct linux_program {
    uint64_t phdr, phnum;          /* AT_PHDR, AT_PHNUM */
    uint64_t entry;                /* AT_ENTRY */
    uint64_t base;                 /* AT_BASE: where the interpreter is, 0: none */
    uint64_t start;                /* first instruction: interpreter's or program's */
    uint64_t code_start, code_end; /* executable segments */
    uint64_t data_start, data_end; /* writable segments */
    uint64_t brk;                  /* end of bss, page-aligned */
    bool stack_exec;               /* PT_GNU_STACK asks for an executable stack */
};

struct linux_state {
    struct linux_mm mm;              /* mappings */
    struct linux_program program;    /* as loaded */
    uint64_t personality;            /* as the guest set it */
    uint64_t auxv, auxv_size;        /* guest's auxiliary vector, on its stack */
    uint64_t arg_start, arg_end;     /* guest's arguments as text, on its stack */
    uint64_t env_start, env_end;     /* guest's environment as text */
    uint64_t vdso_at;                /* the page that is the guest's [vdso] (a64_vdso.c) */
    uint64_t engine_dev, engine_ino; /* the engine's own file; ino 0: not yet asked */
    char program_path[1024];         /* as it was at the start; "" unknown or too long */
    bool fault_reads;                /* a signalfd was made that reads signals of faults */
    bool fault_exits;                /* a child was made whose end is told by a fault's signal */
    bool named;                      /* PR_SET_MM_MAP told the host the guest's cmdline and auxv */
};
extern struct linux_state linux_state;

/* ---- system calls ---- */
struct linux_call {
    const char *name;                                /* "openat"; NULL: no such call */
    const char *args;                                /* kinds, as syscalls.def tells */
    long (*own)(struct cpu *cpu, const uint64_t *a); /* or NULL: to the host as it is */
    int host;                                        /* number on the host, -1: ENOSYS */
};
enum { LINUX_CALLS = 512 };
extern const struct linux_call linux_calls[LINUX_CALLS];

#define SYSCALL(name)                                                                              \
    long linux_sys_##name(struct cpu *cpu, const uint64_t *a);                                     \
    long linux_sys_##name(struct cpu *cpu, const uint64_t *a)

/* Does no iovec of these name the engine's memory? */
bool linux_vector_ok(uint64_t at, uint64_t count);
/* Does a msghdr name the engine's memory? */
bool linux_message_ok(uint64_t at);
/* A call that may block, through the window that signals rewind: results as the host gives them, or
 * a restart code (hostcall). All six arguments are read. */
long linux_host_syscall(struct cpu *cpu, long nr, const uint64_t *args);
/* A mask that a call brings along: what the host is to have for it. -EINTR: a signal that the
 * engine keeps is open under it. */
long linux_wait_mask(struct cpu *cpu, uint64_t mask, uint64_t *ret_host);
/* Behind every call: result (or restart) into x[0], then deliver what waits. May not return. */
void linux_syscall_end(struct cpu *cpu, uint64_t nr, uint64_t arg0, long result);

/* ---- start of signals and threads (signal*.c, thread*.c) ---- */
/* Host handlers and the alternate stack; the first struct thread. false: no memory. */
bool linux_thread_start(struct cpu *cpu);

/* ---- mappings (mm.c) ---- */
bool linux_mm_init(void);
/* A child that shared the memory is over: it may have been killed in the middle of a change. */
void linux_mm_check(void);
/* rt_clock_move(): the host's vDSO goes into the window. */
void linux_mm_move_clock(void);
/* Around fork(2), and in the child: also the runtime's rt_fork_prepare and rt_fork_done. */
void linux_mm_fork_prepare(void);
void linux_mm_fork_done(bool child);
/* mmap(2) with the guest's protection, known to the table; -errno. */
long linux_mm_map(uint64_t at, uint64_t length, unsigned prot, unsigned flags, long fd,
                  uint64_t offset);
long linux_mm_unmap(uint64_t at, uint64_t length);
/* Tell the table of a mapping that is there already (the stack). */
void linux_mm_note(const struct vma *v);

/* ---- loading (elf.c) ---- */
/* What load failed on: NULL is success. */
const char *linux_elf_load(int fd, struct linux_program *ret_program);
/* Build the guest's first stack below kernel_stack (stack.c); gives its sp, 0: it may not grow. */
struct linux_start {
    uint64_t *stack;  /* argc as the kernel pushed it */
    uint64_t argc;    /* guest's */
    uint64_t *argv;   /* guest's argc strings */
    uint64_t *envp;   /* ends with 0 */
    uint64_t *auxv;   /* the host's */
    uint64_t execfn;  /* AT_EXECFN */
    uint64_t highest; /* the kernel's last string: the stack ends behind it */
};
uint64_t linux_stack_build(const struct linux_start *start);

/* ---- the guest's vDSO (a64_vdso.c) ---- */
bool a64_vdso_map(void);
/* Where signal handlers return to. */
uint64_t a64_vdso_sigreturn(void);

/* ---- /proc (proc.c) ---- */
enum { LINUX_PROC_PLAIN = -4095 };
struct statx;
/* The guest opened a path: fd, with its number what it is to see instead, or -errno (also fd's).
 * flags are the host's. */
long linux_proc_opened(long dirfd, uint64_t path, long fd, uint64_t flags);
/* readlink: length written to buf, -errno or LINUX_PROC_PLAIN. */
long linux_proc_readlink(long dirfd, uint64_t path, uint64_t buf, uint64_t size);
/* Is it the engine's own file? */
bool linux_proc_engine(uint32_t mode, uint64_t dev, uint64_t ino);
bool linux_proc_engine_x(const struct statx *st);
/* A path that leads to the engine's file: a path of the guest's program in buf, its length;
 * LINUX_PROC_PLAIN: the engine itself is meant; -errno. */
long linux_proc_target(long dirfd, uint64_t path, char *buf, size_t size);

/* ---- --strace (strace.c) ---- */
void linux_strace_enter(const struct cpu *cpu, const struct linux_call *call, const uint64_t *a);
void linux_strace_leave(const struct cpu *cpu, const struct linux_call *call, const uint64_t *a,
                        long result);

/* An address that system calls must take as unmapped. */
static inline bool linux_hidden(uint64_t at, uint64_t length)
{
    return rt_window_has(at, length ? length : 1);
}

#endif
