// SPDX-License-Identifier: Apache-2.0
// clone3 and clone by hand: a thread's flags, its stack and thread pointer, ids written and
// cleared; a child that shares memory, files or neither; what is refused. cc: -fno-stack-protector
#include "guest.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/syscall.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile uint64_t seen_tp, seen_arg;
static uint32_t tid_set, tid_cleared = 1;

/* clone3(args, size); the child calls f(arg) and ends with what that returns. */
__attribute__((noinline)) static long clone3(struct clone_args *args, long (*f)(long), long arg)
{
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    register long x8 __asm__("x8") = __NR_clone3;
    register long (*x9)(long) __asm__("x9") = f;
    register long x10 __asm__("x10") = arg;
    __asm__ volatile("svc #0\n\tcbnz x0, 1f\n\tmov x0, x10\n\tblr x9\n\tmov x8, #93\n\tsvc #0\n1:"
                     : "+r"(x0)
                     : "r"(x1), "r"(x8), "r"(x9), "r"(x10)
                     : "memory", "cc", "x30", "x11", "x12");
    return x0;
}

static long in_thread(long arg)
{
    uint64_t tp;
    __asm__("mrs %0, tpidr_el0" : "=r"(tp));
    seen_tp = tp;
    seen_arg = (uint64_t)arg;
    return 0;
}
static long in_child(long arg)
{
    seen_arg = (uint64_t)arg;
    __asm__ volatile("" ::: "memory");
    return 33;
}
static long closes(long fd)
{
    register long x0 __asm__("x0") = fd;
    register long x8 __asm__("x8") = __NR_close;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8) : "memory");
    return x0;
}

int main(void)
{
    int status;
    struct clone_args thread = {.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                         CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                         CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
                                .stack = (uintptr_t)stack,
                                .stack_size = sizeof stack,
                                .tls = 0x123456789abc0,
                                .parent_tid = (uintptr_t)&tid_set,
                                .child_tid = (uintptr_t)&tid_cleared};
    long tid = clone3(&thread, in_thread, 55);
    CHECK(tid > 0 && tid_set == (uint32_t)tid);
    while (__atomic_load_n(&tid_cleared, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, &tid_cleared, FUTEX_WAIT, 1, NULL);
    EQUAL(seen_tp, 0x123456789abc0);
    EQUAL(seen_arg, 55);
    struct clone_args child = {.exit_signal = SIGCHLD};
    long pid = clone3(&child, in_child, 66);
    CHECK(waitpid((pid_t)pid, &status, 0) == pid && WEXITSTATUS(status) == 33);
    EQUAL(seen_arg, 55);
    struct clone_args vm = {.flags = CLONE_VM | CLONE_VFORK,
                            .exit_signal = SIGCHLD,
                            .stack = (uintptr_t)stack,
                            .stack_size = sizeof stack};
    pid = clone3(&vm, in_child, 77);
    EQUAL(seen_arg, 77);
    CHECK(waitpid((pid_t)pid, &status, 0) == pid && WEXITSTATUS(status) == 33);
    int fd = dup(1);
    pid = clone3(&child, closes, fd);
    CHECK(waitpid((pid_t)pid, &status, 0) == pid && status == 0 && fcntl(fd, F_GETFD) == 0);
    struct clone_args files = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
    pid = clone3(&files, closes, fd);
    CHECK(waitpid((pid_t)pid, &status, 0) == pid && status == 0 && fcntl(fd, F_GETFD) == -1);
    struct clone_args bad = {.flags = CLONE_THREAD, .exit_signal = SIGCHLD};
    EQUAL(clone3(&bad, in_child, 0), -EINVAL);
    bad = (struct clone_args){.flags = CLONE_SIGHAND};
    EQUAL(clone3(&bad, in_child, 0), -EINVAL);
    struct clone_args fd_args = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
    int pidfd = -1;
    fd_args.pidfd = (uintptr_t)&pidfd;
    pid = clone3(&fd_args, in_child, 0);
    CHECK(pid > 0 && pidfd >= 0 && waitpid((pid_t)pid, &status, 0) == pid);
    return guest_done();
}
