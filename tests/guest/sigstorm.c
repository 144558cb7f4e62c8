// SPDX-License-Identifier: Apache-2.0
// Signals without pause from another process and from timers, while the program computes, forks,
// waits, reads and changes its masks: none is lost, nothing is disturbed, queued values stay in
// order.
#include "guest.h"
#include <sched.h>
#include <sys/time.h>
#include <time.h>

enum { SENT = 6000 };
static volatile int next_value, out_of_order, ticks, nested;

static void on_value(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)context;
    if (si->si_value.sival_int != next_value)
        out_of_order++;
    next_value++;
}
static void on_tick(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    ticks++;
    if (ticks % 3 == 0) { /* mask changes inside a handler */
        sigprocmask(SIG_BLOCK, &set, &old);
        nested++;
        sigprocmask(SIG_SETMASK, &old, NULL);
    }
}

static void send_values(pid_t to)
{
    for (int i = 0; i < SENT;) {
        if (sigqueue(to, SIGRTMIN, (union sigval){.sival_int = i}) == 0)
            i++;
        else
            sched_yield(); /* the queue is full */
        if (i % 50 == 0)
            kill(to, SIGUSR1);
        if (i % 100 == 0)
            usleep(2000);
    }
    _exit(0);
}

/* Something that goes wrong when a call is lost, done twice or cut short. */
static void disturbable(int *pipe_ends, int round)
{
    int status, got = -1;
    ssize_t n;
    while ((n = write(pipe_ends[1], &round, sizeof round)) == -1 && errno == EINTR)
        ;
    CHECK(n == sizeof round);
    while ((n = read(pipe_ends[0], &got, sizeof got)) == -1 && errno == EINTR)
        ;
    CHECK(n == sizeof got && got == round);
    if (round % 16)
        return;
    pid_t pid = fork();
    if (pid == 0)
        _exit(round & 63), (void)0;
    CHECK(pid > 0);
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    CHECK(WIFEXITED(status));
    EQUAL(WEXITSTATUS(status), round & 63);
}

static void changing_masks(void)
{
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    int before = next_value;
    for (volatile int i = 0; i < 200; i++)
        ;
    EQUAL(next_value, before); /* blocked is blocked */
    sigprocmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    struct sigaction act = {.sa_sigaction = on_value, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGRTMIN, &act, NULL);
    act.sa_sigaction = on_tick;
    act.sa_flags = SA_SIGINFO; /* calls return EINTR */
    sigaction(SIGALRM, &act, NULL);
    sigaction(SIGUSR1, &act, NULL);
    pid_t self = getpid(), sender = fork();
    if (sender == 0)
        send_values(self);
    struct itimerval t = {.it_value.tv_usec = 200, .it_interval.tv_usec = 200};
    setitimer(ITIMER_REAL, &t, NULL);
    for (int round = 0; next_value < SENT && round < 2000000; round++) {
        disturbable(ends, round);
        changing_masks();
    }
    memset(&t, 0, sizeof t);
    setitimer(ITIMER_REAL, &t, NULL);
    int status;
    while (waitpid(sender, &status, 0) == -1 && errno == EINTR)
        ;
    EQUAL(next_value, SENT);
    EQUAL(out_of_order, 0);
    CHECK(ticks > 20 && nested > 5);
    return guest_done();
}
