// SPDX-License-Identifier: Apache-2.0
// Calls: recursion, and functions through pointers.
#include <stdio.h>

__attribute__((noinline)) static unsigned fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
__attribute__((noinline)) static unsigned ack(unsigned m, unsigned n)
{
    if (m == 0)
        return n + 1;
    return ack(m - 1, n == 0 ? 1 : ack(m, n - 1));
}
typedef unsigned (*op)(unsigned);
static unsigned half(unsigned x)
{
    return x / 2;
}
static unsigned triple(unsigned x)
{
    return 3 * x + 1;
}
static unsigned mix(unsigned x)
{
    return x ^ x >> 3;
}

int main(void)
{
    static op volatile ops[] = {half, triple, mix, half};
    unsigned x = 7, sum = 0;
    for (int i = 0; i < 40000000; i++) {
        x = ops[x & 3](x);
        sum += x;
    }
    printf("%u %u %u\n", fib(38), ack(2, 2500), sum);
    return 0;
}
