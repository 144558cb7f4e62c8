// SPDX-License-Identifier: Apache-2.0
// Every signal to oneself, by every call, with any code: to a handler, by default, ignored,
// blocked; and children whose end is told by a signal that faults have.
#include "guest.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static volatile int got_signo, got_code, got_value;

static void handler(int sig, siginfo_t *si, void *context)
{
    (void)context;
    got_signo = sig;
    got_code = si->si_code;
    got_value = si->si_value.sival_int;
}

static int pidfd;
enum { BY_KILL, BY_TGKILL, BY_TKILL, BY_QUEUE, BY_TGQUEUE, BY_PIDFD, BY_PIDFD_INFO, WAYS };

static long send(int way, int sig, int code, int value)
{
    siginfo_t si;
    memset(&si, 0, sizeof si);
    si.si_signo = sig;
    si.si_code = code;
    si.si_value.sival_int = value;
    switch (way) {
    case BY_KILL:
        return kill(getpid(), sig);
    case BY_TGKILL:
        return syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
    case BY_TKILL:
        return syscall(SYS_tkill, syscall(SYS_gettid), sig);
    case BY_QUEUE:
        return syscall(SYS_rt_sigqueueinfo, getpid(), sig, &si);
    case BY_TGQUEUE:
        return syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), sig, &si);
    case BY_PIDFD:
        return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
    default:
        return syscall(SYS_pidfd_send_signal, pidfd, sig, &si, 0);
    }
}

static bool with_info(int way)
{
    return way == BY_QUEUE || way == BY_TGQUEUE || way == BY_PIDFD_INFO;
}

static bool usable(int sig)
{
    return sig != SIGKILL && sig != SIGSTOP && sig != 32 && sig != 33; /* the last two are libc's */
}

static void to_handler(void)
{
    static const int codes[] = {SI_USER, SI_QUEUE, SI_TIMER, SI_TKILL, -70000,    1,
                                2,       3,        6,        0x80,     0x7fffffff};
    for (int sig = 1; sig <= 64; sig++) {
        if (!usable(sig))
            continue;
        guest_handle(sig, handler, 0);
        for (int way = 0; way < WAYS; way++) {
            for (size_t k = 0; k < sizeof codes / sizeof *codes; k++) {
                int code = with_info(way)                        ? codes[k]
                           : way == BY_TGKILL || way == BY_TKILL ? SI_TKILL
                                                                 : SI_USER;
                got_signo = 0;
                long r = send(way, sig, code, 4711);
                if (r != 0 || got_signo != sig || got_code != code ||
                    (with_info(way) && got_value != 4711))
                    printf("signal %d way %d code %d: %ld, got %d code %d value %d\n", sig, way,
                           code, r, got_signo, got_code, got_value);
                if (!with_info(way))
                    break;
            }
        }
        signal(sig, SIG_DFL);
    }
}

static int expected(int sig) /* what the default action does: 0 nothing, 1 death, 2 stop */
{
    switch (sig) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
        return 0;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return 2;
    default:
        return 1;
    }
}

/* Stops are not made in an orphaned group, and the harness's may be one. */
static void by_default(void)
{
    for (int sig = 1; sig <= 64; sig++) {
        if (expected(sig) == 2 || sig == 32 || sig == 33)
            continue;
        for (int way = 0; way < WAYS; way++) {
            pid_t pid = fork();
            if (pid == 0) {
                pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
                send(way, sig, 1, 0);
                _exit(42);
            }
            int status;
            CHECK(waitpid(pid, &status, 0) == pid);
            bool died = WIFSIGNALED(status) && WTERMSIG(status) == sig;
            if (died != (expected(sig) == 1) || (!died && WEXITSTATUS(status) != 42))
                printf("signal %d way %d: status %#x\n", sig, way, status);
        }
    }
}

static void ignored_and_blocked(void)
{
    sigset_t set, pending;
    for (int sig = 1; sig <= 64; sig++) {
        if (!usable(sig))
            continue;
        signal(sig, SIG_IGN);
        CHECK(send(BY_TGQUEUE, sig, 1, 0) == 0);
        guest_handle(sig, handler, 0);
        sigemptyset(&set);
        sigaddset(&set, sig);
        sigprocmask(SIG_BLOCK, &set, NULL);
        got_signo = 0;
        CHECK(send(BY_TGQUEUE, sig, 2, 5) == 0);
        EQUAL(got_signo, 0);
        sigpending(&pending);
        CHECK(sigismember(&pending, sig) == 1);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        EQUAL(got_signo, sig);
        EQUAL(got_code, 2);
        signal(sig, SIG_DFL);
    }
}

static void ends_of_children(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGUSR1, SIGABRT};
    for (size_t k = 0; k < sizeof signals / sizeof *signals; k++) {
        int sig = signals[k], status;
        for (int how = 0; how < 2; how++) {
            guest_handle(sig, handler, 0);
            got_signo = 0;
            long pid = syscall(SYS_clone, (long)sig, 0, 0, 0, 0);
            if (pid == 0) {
                if (how)
                    kill(getpid(), SIGKILL);
                _exit(9);
            }
            /* memory is used meanwhile: a fault must not be seen where there is none */
            while (!got_signo)
                for (volatile char *p = guest_pages(65536, PROT_READ | PROT_WRITE), *q = p;
                     q < p + 65536; q += 4096)
                    *q = 1;
            EQUAL(got_signo, sig);
            EQUAL(got_code, how ? CLD_KILLED : CLD_EXITED);
            EQUAL(waitpid((pid_t)pid, &status, __WALL), pid);
        }
        signal(sig, SIG_DFL);
    }
    /* a fault is one still */
    pid_t pid = fork();
    if (pid == 0) {
        *(volatile char *)guest_pages(4096, PROT_NONE) = 1;
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void)
{
    pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    CHECK(pidfd >= 0);
    to_handler();
    by_default();
    ignored_and_blocked();
    ends_of_children();
    return guest_done();
}
