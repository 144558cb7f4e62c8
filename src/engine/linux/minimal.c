// SPDX-License-Identifier: Apache-2.0
/* What signals and processes will take over (signal*.c, process*.c): here only so much that a
 * program of one thread without signals runs. Weak: their definitions win. */
#include "engine/linux/linux.h"

#include "engine/rt/fmt.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/unistd.h>

#define WEAK __attribute__((weak))
void rt_stats_print(void);

WEAK long linux_host_syscall(struct cpu *cpu, long nr, const uint64_t *a)
{
    (void)cpu;
    return sys(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

WEAK void linux_syscall_end(struct cpu *cpu, uint64_t nr, uint64_t arg0, long result)
{
    (void)nr;
    (void)arg0;
    cpu->x[0] = (uint64_t)result;
}

WEAK bool linux_thread_start(struct cpu *cpu)
{
    (void)cpu;
    return true;
}

static __attribute__((noreturn)) void die(struct cpu *cpu, int signal, uint64_t address)
{
    (void)address;
    fmt_err("archway-engine: signal %d at guest pc 0x%X\n", signal, cpu->pc);
    for (;;)
        sys(__NR_exit_group, 128 + signal);
}

WEAK void linux_raise(struct cpu *cpu, enum rt_raise kind)
{
    die(cpu, kind == RAISE_UNDEFINED ? 4 : kind == RAISE_BREAKPOINT ? 5 : 11, cpu->pc);
}

WEAK void linux_fault(struct cpu *cpu, int signal, int code, uint64_t address)
{
    (void)code;
    die(cpu, signal, address);
}

WEAK void linux_poll(struct cpu *cpu)
{
    (void)cpu;
}

#define LATER(name)                                                                                \
    long linux_sys_##name(struct cpu *cpu, const uint64_t *a);                                     \
    WEAK long linux_sys_##name(struct cpu *cpu, const uint64_t *a)                                 \
    {                                                                                              \
        (void)cpu;                                                                                 \
        (void)a;                                                                                   \
        return -ENOSYS;                                                                            \
    }
LATER(restart_syscall)
LATER(sigaltstack)
LATER(rt_sigsuspend)
LATER(rt_sigaction)
LATER(rt_sigprocmask)
LATER(rt_sigpending)
LATER(rt_sigtimedwait)
LATER(rt_sigreturn)
LATER(clone)
LATER(clone3)
LATER(execve)
LATER(execveat)

WEAK long linux_sys_exit(struct cpu *cpu, const uint64_t *a);
WEAK long linux_sys_exit(struct cpu *cpu, const uint64_t *a)
{
    (void)cpu;
    rt_stats_print();
    return sys(__NR_exit, a[0]);
}

WEAK long linux_sys_exit_group(struct cpu *cpu, const uint64_t *a);
WEAK long linux_sys_exit_group(struct cpu *cpu, const uint64_t *a)
{
    (void)cpu;
    rt_stats_print();
    return sys(__NR_exit_group, a[0]);
}
