// SPDX-License-Identifier: Apache-2.0
// setjmp and longjmp over many frames, also out of a signal handler; contexts that switch stacks.
// out: 5000 5000 20000
// cc: -Wno-infinite-recursion
#include "guest.h"
#include <setjmp.h>

static jmp_buf out;
static sigjmp_buf sigout;
static int *volatile nowhere = (int *)16;

__attribute__((noinline)) static int dive(int depth, volatile int *seen)
{
    if (depth == 0)
        longjmp(out, *seen + 1);
    int r = dive(depth - 1, seen) + 1;
    *seen += 1000000; /* never reached */
    return r;
}

static void jump_out(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    siglongjmp(sigout, 1);
}

__attribute__((noinline)) static void crash(int depth)
{
    if (depth == 0)
        *nowhere = 1;
    else
        crash(depth - 1);
    __asm__ volatile("" ::: "memory");
}

static ucontext_t main_context, fiber[2];
static unsigned turns;

__attribute__((noinline)) static void fiber_work(int depth, int me)
{
    if (depth > 0) {
        fiber_work(depth - 1, me);
    } else {
        turns++;
        swapcontext(&fiber[me], me == 0 ? &fiber[1] : &main_context);
    }
    __asm__ volatile("" ::: "memory");
}
static void fiber_main(int me)
{
    for (;;)
        fiber_work((int)(turns % 40), me);
}

int main(void)
{
    volatile int seen = 0, faults = 0;
    seen = setjmp(out);
    if (seen < 5000)
        dive(seen % 300, &seen);
    guest_handle(SIGSEGV, jump_out, 0);
    sigsetjmp(sigout, 1);
    while (faults < 5000) {
        faults++;
        crash(faults % 50);
    }
    static char stack[2][65536];
    for (int i = 0; i < 2; i++) {
        getcontext(&fiber[i]);
        fiber[i].uc_stack.ss_sp = stack[i];
        fiber[i].uc_stack.ss_size = sizeof stack[i];
        makecontext(&fiber[i], (void (*)(void))fiber_main, 1, i);
    }
    for (int i = 0; i < 10000; i++)
        swapcontext(&main_context, &fiber[0]);
    printf("%d %d %u\n", seen, faults, turns);
    return 0;
}
