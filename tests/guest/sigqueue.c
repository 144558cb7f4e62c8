// SPDX-License-Identifier: Apache-2.0
// Real-time signals: queued, in order, with their values; standard ones are merged; waiting for
// them.
#include "guest.h"
#include <sys/syscall.h>
#include <time.h>

static volatile int n;
static int sigs[64], values[64], codes[64];

static void note(int sig, siginfo_t *si, void *context)
{
    (void)context;
    sigs[n] = sig;
    codes[n] = si->si_code;
    values[n++] = si->si_value.sival_int;
    if (si->si_code == SI_QUEUE)
        CHECK(si->si_pid == getpid() && si->si_uid == getuid());
}
static void post(int sig, int value)
{
    CHECK(sigqueue(getpid(), sig, (union sigval){.sival_int = value}) == 0);
}

int main(void)
{
    int rt = SIGRTMIN;
    sigset_t all, old, one;
    sigfillset(&all);
    for (int s = 0; s < 4; s++) {
        struct sigaction act = {.sa_sigaction = note, .sa_flags = SA_SIGINFO, .sa_mask = all};
        sigaction(rt + s, &act, NULL);
        sigaction(SIGUSR1, &act, NULL);
    }
    sigprocmask(SIG_BLOCK, &all, &old);
    for (int i = 0; i < 5; i++) {
        post(rt + 2, 100 + i);
        post(rt, 200 + i);
        post(rt + 1, 300 + i);
        kill(getpid(), SIGUSR1);
    }
    CHECK(n == 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    EQUAL(n, 16);
    CHECK(sigs[0] == SIGUSR1 && codes[0] == SI_USER);
    for (int i = 0; i < 15; i++) {
        static const int base[] = {200, 300, 100};
        EQUAL(sigs[1 + i], rt + i / 5);
        EQUAL(values[1 + i], base[i / 5] + i % 5);
        EQUAL(codes[1 + i], SI_QUEUE);
    }
    /* taken without a handler */
    sigprocmask(SIG_BLOCK, &all, NULL);
    post(rt + 3, 7);
    post(rt + 3, 8);
    siginfo_t si;
    struct timespec soon = {0, 1000000};
    sigemptyset(&one);
    sigaddset(&one, rt + 3);
    CHECK(sigwaitinfo(&one, &si) == rt + 3 && si.si_value.sival_int == 7 && si.si_code == SI_QUEUE);
    CHECK(sigtimedwait(&one, &si, &soon) == rt + 3 && si.si_value.sival_int == 8);
    CHECK(sigtimedwait(&one, &si, &soon) == -1 && errno == EAGAIN);
    /* a child's end */
    sigaddset(&one, SIGCHLD);
    pid_t pid = fork();
    if (pid == 0)
        _exit(5);
    CHECK(sigwaitinfo(&one, &si) == SIGCHLD && si.si_code == CLD_EXITED && si.si_status == 5);
    CHECK(si.si_pid == pid && waitpid(pid, NULL, 0) == pid);
    /* to a thread */
    n = 0;
    CHECK(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), rt) == 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK(n == 1 && codes[0] == SI_TKILL);
    return guest_done();
}
