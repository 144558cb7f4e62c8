// SPDX-License-Identifier: Apache-2.0
// Floating-point environment: rounding modes, sticky flags, NaNs' payloads, default NaN, flushing
// denormals, as C sees them and through FPCR and FPSR; a new thread's, a child's, a handler's own.
// cc: -frounding-math -ffp-contract=off
#include "guest.h"
#include <fenv.h>
#include <math.h>
#include <pthread.h>

static uint64_t bits(double d)
{
    uint64_t u;
    memcpy(&u, &d, sizeof u);
    return u;
}
static double from(uint64_t u)
{
    double d;
    memcpy(&d, &u, sizeof d);
    return d;
}
static uint64_t fpcr(void)
{
    uint64_t v;
    __asm__ volatile("mrs %0, fpcr" : "=r"(v)::"memory");
    return v;
}
static void set_fpcr(uint64_t v)
{
    __asm__ volatile("msr fpcr, %0" ::"r"(v) : "memory");
}
/* Not folded, and after what the environment was set to. */
__attribute__((noipa)) static double add(double a, double b)
{
    return a + b;
}
__attribute__((noipa)) static double mul(double a, double b)
{
    return a * b;
}
__attribute__((noipa)) static double divide(double a, double b)
{
    return a / b;
}

static void rounding(void)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    static const uint64_t third[] = {0x3fd5555555555555, 0x3fd5555555555556, 0x3fd5555555555555,
                                     0x3fd5555555555555};
    static const uint64_t minus[] = {0xbfd5555555555555, 0xbfd5555555555555, 0xbfd5555555555556,
                                     0xbfd5555555555555};
    static const long rint_of[][4] = {{2, 3, 2, 2}, {-2, -2, -3, -2}, {4, 4, 3, 3}};
    for (int m = 0; m < 4; m++) {
        CHECK(fesetround(modes[m]) == 0 && fegetround() == modes[m]);
        EQUAL(bits(divide(1, 3)), third[m]);
        EQUAL(bits(divide(-1, 3)), minus[m]);
        EQUAL(lrint(2.5), rint_of[0][m]);
        EQUAL(lrint(-2.5), rint_of[1][m]);
        EQUAL(lrint(3.5), rint_of[2][m]);
        EQUAL(lround(2.5), 3);
        EQUAL(bits(add(1, -1)), modes[m] == FE_DOWNWARD ? 1ull << 63 : 0);
        EQUAL((float)add(16777216.0, 1) > 16777216.0f, modes[m] == FE_UPWARD);
    }
    fesetround(FE_TONEAREST);
}

static int raised(double (*f)(double, double), double a, double b)
{
    feclearexcept(FE_ALL_EXCEPT);
    f(a, b);
    return fetestexcept(FE_ALL_EXCEPT);
}

static void flags(void)
{
    EQUAL(raised(add, 1, 2), 0);
    EQUAL(raised(add, 1, 1e-30), FE_INEXACT);
    EQUAL(raised(divide, 1, 0), FE_DIVBYZERO);
    EQUAL(raised(divide, 0, 0), FE_INVALID);
    EQUAL(raised(mul, 1e300, 1e300), FE_OVERFLOW | FE_INEXACT);
    EQUAL(raised(mul, 1e-300, 1e-300), FE_UNDERFLOW | FE_INEXACT);
    EQUAL(raised(mul, 0x1p-1074, 1), 0);
    /* the result rounds up to the smallest normal number: tiny before rounding, so it is told */
    EQUAL(raised(mul, (1 + 0x1p-52) * 0x1p-511, (1 - 0x1p-52) * 0x1p-511),
          FE_UNDERFLOW | FE_INEXACT);
    EQUAL(raised(add, INFINITY, -INFINITY), FE_INVALID);
    EQUAL(raised(add, from(0x7ff8000000000001), 1), 0);
    EQUAL(raised(add, from(0x7ff0000000000001), 1), FE_INVALID);
    feraiseexcept(FE_DIVBYZERO | FE_OVERFLOW);
    /* overflow is raised by overflowing, which is inexact */
    EQUAL(fetestexcept(FE_ALL_EXCEPT & ~FE_INEXACT), FE_DIVBYZERO | FE_OVERFLOW | FE_INVALID);
    fenv_t env;
    CHECK(feholdexcept(&env) == 0 && fetestexcept(FE_ALL_EXCEPT) == 0);
    CHECK(feupdateenv(&env) == 0 && fetestexcept(FE_DIVBYZERO));
    feclearexcept(FE_ALL_EXCEPT);
}

static void nans(void)
{
    EQUAL(bits(add(from(0x7ff8000000000abc), from(0x7ff8000000000def))), 0x7ff8000000000abc);
    EQUAL(bits(add(from(0x7ff8000000000abc), from(0xfff0000000000def))), 0xfff8000000000def);
    EQUAL(bits(divide(0, 0)), 0x7ff8000000000000);
    EQUAL(bits(fma(INFINITY, 0, from(0x7ff8000000000123))), 0x7ff8000000000000);
    set_fpcr(1 << 25);
    EQUAL(bits(add(from(0x7ff8000000000abc), 1)), 0x7ff8000000000000);
    set_fpcr(1 << 24);
    EQUAL(bits(add(0x1p-1050, 0x1p-1050)), 0);
    EQUAL(bits(mul(-0x1p-600, 0x1p-600)), 1ull << 63);
    CHECK(fpcr() == 1 << 24);
    set_fpcr(0);
    CHECK(add(0x1p-1050, 0x1p-1050) == 0x1p-1049);
}

static void *in_thread(void *arg)
{
    EQUAL(fegetround(), FE_UPWARD);
    EQUAL(bits(divide(1, 3)), 0x3fd5555555555556);
    fesetround(FE_DOWNWARD);
    return arg;
}
static void handler(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    set_fpcr(3 << 22);
    divide(1, 0);
}

static void whose(void)
{
    pthread_t t;
    fesetround(FE_UPWARD);
    feclearexcept(FE_ALL_EXCEPT);
    pthread_create(&t, NULL, in_thread, NULL);
    pthread_join(t, NULL);
    EQUAL(fegetround(), FE_UPWARD);
    guest_handle(SIGUSR1, handler, 0);
    raise(SIGUSR1);
    EQUAL(fegetround(), FE_UPWARD);
    EQUAL(fetestexcept(FE_DIVBYZERO), 0);
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fegetround() == FE_UPWARD ? 0 : 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    fesetround(FE_TONEAREST);
}

int main(void)
{
    rounding();
    flags();
    nans();
    whose();
    return guest_done();
}
