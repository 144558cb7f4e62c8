// SPDX-License-Identifier: Apache-2.0
// Signals that come at any moment of a computation leave no trace in it: in integer and vector
// loops, in calls, and with a handler that uses everything itself.
#include "guest.h"
#include <sys/time.h>

static volatile sig_atomic_t ticks;
static volatile double sink;

__attribute__((noipa)) static uint64_t work(uint64_t n)
{
    return n < 2 ? n : work(n - 1) + work(n - 2);
}
static void tick(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    ticks++;
    sink = sink * 0.5 + (double)work(8);
}
__attribute__((noipa)) static uint64_t integers(void)
{
    uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
    for (int i = 0; i < 100000; i++) {
        a += b ^ (uint64_t)i, b = (b << 9 | b >> 55) + c, c ^= d + a, d = d * 5 + e;
        e += f >> 3, f ^= g, g += h + (f > e), h = h * 3 + a;
    }
    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h;
}
__attribute__((noipa)) static double doubles(void)
{
    double s[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int i = 0; i < 30000; i++)
        for (int k = 0; k < 8; k++)
            s[k] = s[k] * 0.999 + s[(k + 1) & 7] * 0.001 + 1e-3;
    return s[0] + s[1] * 2 + s[4] * 3 + s[7];
}

int main(void)
{
    uint64_t want_i = integers(), want_w = work(20);
    double want_d = doubles();
    guest_handle(SIGALRM, tick, SA_RESTART);
    struct itimerval t = {.it_value.tv_usec = 300, .it_interval.tv_usec = 300};
    setitimer(ITIMER_REAL, &t, NULL);
    for (int round = 0; ticks < 300 && round < 100000; round++) {
        EQUAL(integers(), want_i);
        EQUAL(work(20), want_w);
        CHECK(doubles() == want_d);
    }
    CHECK(ticks >= 300);
    /* a loop that does nothing else is interrupted too */
    int seen = ticks;
    while (ticks < seen + 5)
        ;
    __asm__ volatile("1: ldr w0, [%0]\n\tcmp w0, %w1\n\tb.lt 1b" ::"r"(&ticks), "r"(seen + 10)
                     : "x0", "cc", "memory");
    return guest_done();
}
