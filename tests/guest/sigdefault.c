// SPDX-License-Identifier: Apache-2.0
// What a signal without a handler does, as the parent sees it; ignored ones; SIGPIPE; stop and go.
// qemu: keeps signal 64 for itself, and prints
#include "guest.h"
#include <sys/prctl.h>
#include <sys/resource.h>

static int child(void (*act)(void))
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_DUMPABLE, 0);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        act();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return status;
}
static int which;
static void send_it(void)
{
    raise(which);
}
static void send_blocked(void)
{
    sigset_t s;
    sigfillset(&s);
    sigprocmask(SIG_BLOCK, &s, NULL);
    raise(which);
    sigprocmask(SIG_UNBLOCK, &s, NULL);
}
static void send_ignored(void)
{
    signal(which, SIG_IGN);
    raise(which);
    _exit(33);
}
static int *volatile nowhere = (int *)24;
static void crash(void)
{
    *nowhere = 1;
}
static void crash_blocked(void)
{
    sigset_t s;
    sigfillset(&s);
    sigprocmask(SIG_BLOCK, &s, NULL);
    *nowhere = 1;
}
static void crash_ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    *nowhere = 1;
}
static void undefined(void)
{
    __asm__ volatile("udf #0");
}
static void breakpoint(void)
{
    __asm__ volatile("brk #0");
}
static void aborts(void)
{
    abort();
}
static void broken_pipe(void)
{
    int p[2];
    if (pipe(p) != 0 || close(p[0]) != 0)
        _exit(1);
    _exit(write(p[1], "x", 1) == 1 ? 2 : 3);
}

int main(void)
{
    static const int deadly[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                                 SIGFPE,  SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM,
                                 SIGTERM, SIGXCPU, SIGSYS,  SIGIO,   34,      50,      64};
    static const int harmless[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        which = deadly[i];
        EQUAL(child(send_it) & ~0x80, which);
        EQUAL(child(send_blocked) & ~0x80, which);
        if (which != SIGKILL)
            EQUAL(child(send_ignored), 33 << 8);
    }
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        which = harmless[i];
        EQUAL(child(send_it), 0);
    }
    EQUAL(child(crash) & ~0x80, SIGSEGV);
    EQUAL(child(crash_blocked) & ~0x80, SIGSEGV);
    EQUAL(child(crash_ignored) & ~0x80, SIGSEGV);
    EQUAL(child(undefined) & ~0x80, SIGILL);
    EQUAL(child(breakpoint) & ~0x80, SIGTRAP);
    EQUAL(child(aborts) & ~0x80, SIGABRT);
    EQUAL(child(broken_pipe), SIGPIPE);
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        _exit(4);
    }
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    EQUAL(WSTOPSIG(status), SIGSTOP);
    kill(pid, SIGCONT);
    CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 4);
    return guest_done();
}
