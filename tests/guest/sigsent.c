// SPDX-License-Identifier: Apache-2.0
// The signals of faults, sent by somebody: blocked, pending, waited for, handled, in siginfos that
// look like faults; read from a signalfd; and over an exec. After them real faults are still
// faults. qemu: takes them for its own
#include "guest.h"
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>

static volatile int count, code, from;
static volatile uintptr_t where;

static void handler(int sig, siginfo_t *si, void *context)
{
    ucontext_t *uc = context;
    count++;
    code = si->si_code;
    from = si->si_pid;
    where = (uintptr_t)si->si_addr;
    if (sig == SIGSEGV && si->si_code == SEGV_MAPERR && where == 24)
        uc->uc_mcontext.pc += 4;
}

static void fault(void)
{
    int before = count;
    __asm__ volatile("mov x1, #24\n\tldr x0, [x1]" ::: "x0", "x1", "memory");
    EQUAL(count, before + 1);
    CHECK(code == SEGV_MAPERR && where == 24);
}

static sigset_t only(int sig)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, sig);
    return s;
}

static void one(int sig)
{
    sigset_t set = only(sig), old, pending;
    siginfo_t si;
    struct timespec soon = {0, 1000000};
    guest_handle(sig, handler, 0);
    count = 0;
    kill(getpid(), sig);
    CHECK(count == 1 && code == SI_USER && from == getpid());
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(sig);
    raise(sig); /* merged */
    EQUAL(count, 1);
    sigpending(&pending);
    CHECK(sigismember(&pending, sig));
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK(count == 2 && code == SI_TKILL);
    sigpending(&pending);
    CHECK(!sigismember(&pending, sig));
    /* waited for: before and while it comes */
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(sig);
    CHECK(sigtimedwait(&set, &si, &soon) == sig && si.si_code <= 0);
    CHECK(sigtimedwait(&set, &si, &soon) == -1 && errno == EAGAIN);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        usleep(20000);
        kill(parent, sig);
        _exit(0);
    }
    CHECK(sigwaitinfo(&set, &si) == sig && si.si_pid == pid);
    waitpid(pid, NULL, 0);
    /* sigsuspend lets it through */
    raise(sig);
    CHECK(sigsuspend(&old) == -1 && errno == EINTR && count == 3);
    sigprocmask(SIG_SETMASK, &old, NULL);
    /* ignored */
    signal(sig, SIG_IGN);
    raise(sig);
    EQUAL(count, 3);
    guest_handle(sig, handler, 0);
}

static void looks_like_fault(int sig)
{
    siginfo_t si;
    memset(&si, 0, sizeof si);
    si.si_signo = sig;
    si.si_code = SEGV_ACCERR;
    si.si_addr = (void *)0x123450;
    count = 0;
    CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), sig, &si) == 0);
    CHECK(count == 1 && code == SEGV_ACCERR && where == 0x123450);
    CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), sig, &si) == 0);
    CHECK(count == 2 && code == SEGV_ACCERR && where == 0x123450);
}

/* Sent before it is waited for, and while; poll tells of it, also with a mask of its own. */
static void by_signalfd(int sig)
{
    sigset_t set = only(sig), old, pending;
    struct signalfd_siginfo si;
    sigprocmask(SIG_BLOCK, &set, &old);
    struct pollfd p = {.fd = signalfd(-1, &set, SFD_CLOEXEC), .events = POLLIN};
    EQUAL(poll(&p, 1, 0), 0);
    raise(sig);
    EQUAL(poll(&p, 1, 5000), 1);
    sigpending(&pending);
    CHECK(sigismember(&pending, sig));
    struct timespec soon = {5, 0};
    EQUAL(ppoll(&p, 1, &soon, &set), 1);
    CHECK(read(p.fd, &si, sizeof si) == sizeof si && (int)si.ssi_signo == sig &&
          si.ssi_code == SI_TKILL && (pid_t)si.ssi_pid == getpid());
    EQUAL(poll(&p, 1, 0), 0);
    sigpending(&pending);
    CHECK(!sigismember(&pending, sig));
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        usleep(20000);
        kill(parent, sig);
        _exit(0);
    }
    CHECK(read(p.fd, &si, sizeof si) == sizeof si && (pid_t)si.ssi_pid == pid);
    waitpid(pid, NULL, 0);
    close(p.fd);
    count = 0;
    raise(sig); /* what is not read is still delivered */
    sigprocmask(SIG_SETMASK, &old, NULL);
    EQUAL(count, 1);
}

/* Blocked and pending goes over an exec. */
static void over_exec(char *self)
{
    sigset_t set = only(SIGSEGV);
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {self, "pending", NULL};
        sigprocmask(SIG_BLOCK, &set, NULL);
        signal(SIGBUS, SIG_IGN);
        raise(SIGSEGV);
        execv(self, argv);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    EQUAL(WEXITSTATUS(status), 40);
}
static int after_exec(void)
{
    sigset_t mask, pending;
    struct sigaction act;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigpending(&pending);
    CHECK(sigismember(&mask, SIGSEGV) && sigismember(&pending, SIGSEGV));
    sigaction(SIGBUS, NULL, &act);
    CHECK(act.sa_handler == SIG_IGN);
    raise(SIGBUS);
    guest_handle(SIGSEGV, handler, 0);
    sigemptyset(&mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    EQUAL(count, 1);
    fflush(stdout);
    return 40;
}

int main(int argc, char **argv)
{
    static const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT, SIGUSR1};
    if (argc > 1)
        return after_exec();
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
        one(sigs[i]);
        guest_handle(SIGSEGV, handler, 0);
        fault();
    }
    for (size_t i = 0; i < 5; i++)
        looks_like_fault(sigs[i]);
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
        by_signalfd(sigs[i]);
        guest_handle(SIGSEGV, handler, 0);
        fault();
    }
    guest_handle(SIGSEGV, handler, 0);
    fault();
    fflush(stdout);
    over_exec(argv[0]);
    return guest_done();
}
