// SPDX-License-Identifier: Apache-2.0
// Calls that a signal interrupts: again with SA_RESTART, else EINTR; sleeping tells what remains.
#include "guest.h"
#include <poll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

static volatile int count;
static int feed[2];

static void tick(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    count++;
    if (count == 3)
        CHECK(write(feed[1], "x", 1) == 1);
}
static void every(int ms)
{
    struct itimerval t = {.it_value.tv_usec = ms * 1000, .it_interval.tv_usec = ms * 1000};
    setitimer(ITIMER_REAL, &t, NULL);
}
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
    char c;
    CHECK(pipe(feed) == 0);
    guest_handle(SIGALRM, tick, SA_RESTART);
    every(30);
    CHECK(read(feed[0], &c, 1) == 1 && c == 'x');
    CHECK(count == 3);
    /* poll and select are not made again, whatever the flag says */
    struct pollfd p = {.fd = feed[0], .events = POLLIN};
    CHECK(poll(&p, 1, 5000) == -1 && errno == EINTR);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(feed[0], &set);
    CHECK(select(feed[0] + 1, &set, NULL, NULL, NULL) == -1 && errno == EINTR);
    count = 10;
    guest_handle(SIGALRM, tick, 0);
    CHECK(read(feed[0], &c, 1) == -1 && errno == EINTR);
    CHECK(count > 10);
    struct timespec want = {5, 0}, left = {0, 0};
    CHECK(nanosleep(&want, &left) == -1 && errno == EINTR);
    CHECK(left.tv_sec == 4 && left.tv_nsec > 500000000);
    CHECK(pause() == -1 && errno == EINTR);
    sigset_t block, old;
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, &old);
    int seen = count;
    usleep(60000);
    EQUAL(count, seen);
    CHECK(sigsuspend(&old) == -1 && errno == EINTR);
    CHECK(count > seen);
    sigprocmask(SIG_SETMASK, &old, NULL);
    /* waiting for a child goes on over many signals, and its end does not interrupt */
    guest_handle(SIGALRM, tick, SA_RESTART);
    every(5);
    pid_t pid = fork();
    if (pid == 0) {
        double end = now() + 0.15;
        while (now() < end)
            ;
        _exit(3);
    }
    int status = 0;
    seen = count;
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
    CHECK(count > seen + 5);
    every(0);
    return guest_done();
}
