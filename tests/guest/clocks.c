// SPDX-License-Identifier: Apache-2.0
// Clocks, the counter, sleeping and timers; random numbers.
#include "guest.h"
#include <sys/random.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

static int64_t now(clockid_t c)
{
    struct timespec t = {0, 0};
    CHECK(clock_gettime(c, &t) == 0);
    CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
static uint64_t counter(void)
{
    uint64_t v;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(v)::"memory");
    return v;
}

int main(void)
{
    static const clockid_t clocks[] = {CLOCK_MONOTONIC,          CLOCK_MONOTONIC_RAW,
                                       CLOCK_BOOTTIME,           CLOCK_MONOTONIC_COARSE,
                                       CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        int64_t last = now(clocks[i]);
        for (int k = 0; k < 10000; k++) {
            int64_t next = now(clocks[i]);
            if (next < last)
                printf("clock %d goes back\n", clocks[i]);
            last = next;
        }
    }
    struct timespec t, res;
    struct timeval tv;
    CHECK(clock_getres(CLOCK_MONOTONIC, &res) == 0 && res.tv_sec == 0);
    CHECK(clock_gettime(12345, &t) == -1 && errno == EINVAL);
    CHECK(gettimeofday(&tv, NULL) == 0 && llabs(now(CLOCK_REALTIME) / 1000000000 - tv.tv_sec) < 2);
    CHECK(llabs((int64_t)time(NULL) - tv.tv_sec) < 2);
    /* the counter's frequency is true to 5 % */
    uint64_t hz, a = counter();
    int64_t from = now(CLOCK_MONOTONIC);
    __asm__("mrs %0, cntfrq_el0" : "=r"(hz));
    t = (struct timespec){0, 100000000};
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL) == 0);
    double slept = (double)(now(CLOCK_MONOTONIC) - from) / 1e9,
           counted = (double)(counter() - a) / (double)hz;
    CHECK(slept >= 0.1 && counted > slept * 0.95 && counted < slept * 1.05);
    for (uint64_t last = counter(), k = 0; k < 10000; k++) {
        uint64_t next = counter();
        CHECK(next >= last);
        last = next;
    }
    timer_t timer;
    struct sigevent ev = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 9};
    struct itimerspec when = {.it_value.tv_nsec = 1000000};
    sigset_t set;
    siginfo_t si;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CHECK(timer_create(CLOCK_MONOTONIC, &ev, &timer) == 0 &&
          timer_settime(timer, 0, &when, NULL) == 0);
    CHECK(sigwaitinfo(&set, &si) == SIGUSR1 && si.si_code == SI_TIMER &&
          si.si_value.sival_int == 9);
    unsigned char x[64] = {0}, y[64] = {0};
    CHECK(getrandom(x, 64, 0) == 64 && getrandom(y, 64, GRND_NONBLOCK) == 64 && memcmp(x, y, 64));
    return guest_done();
}
