// SPDX-License-Identifier: Apache-2.0
// out: 832040 125 1000000 500500
#include "guest.h"

static unsigned fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
static unsigned ack(unsigned m, unsigned n)
{
    return m == 0 ? n + 1 : ack(m - 1, n == 0 ? 1 : ack(m, n - 1));
}
/* Not a loop: what comes back is used, and the frame is kept. */
__attribute__((noinline)) static unsigned deep(unsigned n, volatile unsigned *up)
{
    volatile unsigned mine = n;
    if (n == 0)
        return up ? 0 : 1;
    unsigned below = deep(n - 1, &mine);
    return below + (mine == n);
}
typedef unsigned (*step)(unsigned n, void *next);
static unsigned even(unsigned n, void *other);
static unsigned odd(unsigned n, void *other)
{
    return n == 0 ? 0 : n + ((step)other)(n - 1, (void *)even);
}
static unsigned even(unsigned n, void *other)
{
    return n == 0 ? 0 : n + ((step)other)(n - 1, (void *)odd);
}

int main(void)
{
    volatile unsigned zero = 0;
    unsigned total = 0;
    for (int i = 0; i < 100; i++)
        total += deep(10000, NULL);
    printf("%u %u %u %u\n", fib(30 + zero), ack(2 + zero, 61), total, even(1000, (void *)odd));
    return 0;
}
