// SPDX-License-Identifier: Apache-2.0
// A signal interrupts every way to loop: by branches, by calls that do not return, by returns
// without a call, by an indirect branch to itself.
#include "guest.h"
#include <sys/time.h>

static volatile sig_atomic_t signals;

/* Each loop has the address of its end in x9. */
static void leave(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si;
    mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;
    signals++;
    m->pc = m->regs[9];
}

#define LOOP(text)                                                                                 \
    do {                                                                                           \
        struct itimerval soon = {.it_value.tv_usec = 20000};                                       \
        setitimer(ITIMER_REAL, &soon, NULL);                                                       \
        __asm__ volatile("adr x9, 9f\n\t" text "\n9:"                                              \
                         :                                                                         \
                         :                                                                         \
                         : "x0", "x1", "x9", "x30", "cc", "memory");                               \
    } while (0)

int main(void)
{
    guest_handle(SIGALRM, leave, SA_NODEFER);
    LOOP("1: b 1b");
    LOOP("1: cbz xzr, 1b");
    LOOP("1: b 2f\n2: b 1b");
    LOOP("1: bl 1b");
    LOOP("bl 2f\n1: bl 1b\n2: bl 1b");
    LOOP("adr x30, 1f\n1: ret");
    LOOP("adr x0, 1f\nadr x30, 2f\n1: ret\n2: mov x1, x0\nmov x0, x30\nmov x30, x1\nb 1b");
    LOOP("adr x0, 1f\n1: br x0");
    LOOP("adr x0, 1f\n1: blr x0");
    EQUAL(signals, 9);
    return guest_done();
}
