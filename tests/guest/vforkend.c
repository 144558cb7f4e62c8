// SPDX-License-Identifier: Apache-2.0
// A vfork child's ends: exit, exec, signals of every kind, killed while it computes; thousands of
// them. The parent goes on with its own registers, mask, stack and handlers. qemu: its vfork is a
// fork cc: -Wno-deprecated-declarations
#include "guest.h"
#include <sys/time.h>

static volatile int shared, handled;
static char alt[65536];

static void handler(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    handled++;
}
static int status_of(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    return status;
}
__attribute__((noipa)) static uint64_t new_code(uint64_t n)
{
    return n < 3 ? n : new_code(n - 1) * 3 + new_code(n - 2);
}

int main(int argc, char **argv)
{
    pid_t pid;
    sigset_t mask, old;
    struct sigaction act;
    stack_t st = {.ss_sp = alt, .ss_size = sizeof alt}, now;
    if (argc > 1)
        return 55;
    for (volatile int i = 0; i < 3000; i++) {
        if ((pid = vfork()) == 0) {
            shared = i;
            _exit(i & 127);
        }
        CHECK(shared == i);
        EQUAL(status_of(pid), (i & 127) << 8);
    }
    guest_handle(SIGUSR1, handler, 0);
    CHECK(sigaltstack(&st, NULL) == 0);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_BLOCK, &mask, &old);
    if ((pid = vfork()) == 0) { /* all that it changes is its own, but for memory */
        sigfillset(&mask);
        sigprocmask(SIG_SETMASK, &mask, NULL);
        signal(SIGUSR1, SIG_DFL);
        signal(SIGCHLD, SIG_IGN);
        st.ss_flags = SS_DISABLE;
        sigaltstack(&st, NULL);
        char *args[] = {argv[0], "child", NULL};
        execv(argv[0], args);
        _exit(1);
    }
    EQUAL(status_of(pid), 55 << 8);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    CHECK(sigismember(&mask, SIGUSR2) && !sigismember(&mask, SIGUSR1));
    sigaction(SIGCHLD, NULL, &act);
    CHECK(act.sa_handler == SIG_DFL);
    sigaltstack(NULL, &now);
    CHECK(now.ss_flags == 0 && now.ss_sp == alt);
    raise(SIGUSR1);
    EQUAL(handled, 1);
    static const int deadly[] = {SIGSEGV, SIGABRT, SIGKILL, SIGTERM, SIGQUIT, SIGILL};
    for (volatile size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        if ((pid = vfork()) == 0) {
            raise(deadly[i]);
            _exit(1);
        }
        EQUAL(status_of(pid) & 0x7f, deadly[i]);
    }
    if ((pid = vfork()) == 0) {
        __asm__ volatile("mov x1, #24\n\tldr x0, [x1]" ::: "x0", "x1", "memory");
        _exit(1);
    }
    EQUAL(status_of(pid) & 0x7f, SIGSEGV);
    /* killed by its own timer at any point of new work */
    for (volatile int i = 0; i < 200; i++) {
        struct itimerval t = {.it_value.tv_usec = 20 + i * 7};
        if ((pid = vfork()) == 0) {
            signal(SIGALRM, SIG_DFL);
            setitimer(ITIMER_REAL, &t, NULL);
            for (;;)
                shared = (int)new_code(14);
        }
        EQUAL(status_of(pid) & 0x7f, SIGALRM);
        CHECK(new_code(9) == new_code(9));
    }
    raise(SIGUSR1);
    EQUAL(handled, 2);
    return guest_done();
}
