// SPDX-License-Identifier: Apache-2.0
// qemu: it sees the underflow before the first look at FPSR too, as a processor does
/* FPSR: cumulative flags of inline arithmetic; and a known deviation (docs/QUIRKS.md): an underflow
 * whose result is rounded up to the smallest normal number is missed before the first look at FPSR.
 */
#include "guest.h"

#include <pthread.h>

static uint64_t fpsr(void)
{
    uint64_t v;
    asm volatile("mrs %0, fpsr" : "=r"(v));
    return v;
}

static double product(double a, double b)
{
    double r;
    asm volatile("fmul %d0, %d1, %d2" : "=w"(r) : "w"(a), "w"(b));
    return r;
}

static double quotient(double a, double b)
{
    double r;
    asm volatile("fdiv %d0, %d1, %d2" : "=w"(r) : "w"(a), "w"(b));
    return r;
}

/* A thread of one who looked has it from the start. */
static void *looks(void *arg)
{
    const double *v = arg;
    CHECK(product(v[0], v[1]) == 0x1p-1022);
    EQUAL(fpsr(), 0x18);
    return NULL;
}

int main(void)
{
    /* their product is 2^-1022 (1 - 2^-54): below the smallest normal number, halfway to it */
    const double a = 0x1.0000002p-500, b = 0x1.ffffffcp-523;
    CHECK(product(a, b) == 0x1p-1022);
    EQUAL(fpsr(), 0x10); /* IXC; UFC (8) is missed */
    CHECK(product(a, b) == 0x1p-1022);
    EQUAL(fpsr(), 0x18); /* and now it is not */
    asm volatile("msr fpsr, xzr");
    EQUAL(fpsr(), 0);
    CHECK(quotient(1, 0) == 1 / 0.0);
    EQUAL(fpsr(), 2); /* DZC */
    CHECK(quotient(1, 4) == 0.25);
    EQUAL(fpsr(), 2); /* cumulative */
    double nan = product(1 / 0.0, 0);
    EQUAL(nan != nan, 1);
    EQUAL(fpsr(), 3); /* IOC */
    CHECK(product(0x1p1000, 0x1p1000) == 1 / 0.0);
    EQUAL(fpsr(), 0x17); /* OFC, IXC */
    asm volatile("msr fpsr, xzr");
    pthread_t t;
    EQUAL(pthread_create(&t, NULL, looks, (double[2]){a, b}), 0);
    EQUAL(pthread_join(t, NULL), 0);
    return guest_done();
}
