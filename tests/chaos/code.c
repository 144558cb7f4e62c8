// SPDX-License-Identifier: Apache-2.0
/* Random bytes as code: words of random rows, raw words, calls of the system, stores into what
 * runs.
 *
 * All registers are random too. The code ends by its return address, by the guards that lie between
 * its words, by a fault, or by the alarm that each run sets: the handler goes to chaos_back. */
#include "chaos.h"

#include "engine/isa/a64.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { RUN_MICROSECONDS = 20000, FAULTS_MAX = 400, WORDS = PAGES * PAGE / 4 };

void chaos_enter(const uint64_t *regs);
extern const char chaos_back[];
extern uint64_t chaos_after[32];
void chaos_keep_tls(void);

static volatile int running; /* in chaos_enter */
static uint64_t regs[32];

/* ---- handlers ---- */
static void handler(int signo, siginfo_t *si, void *context)
{
    (void)si;
    ucontext_t *uc = context;
    if (running)
        chaos_keep_tls();
    leak_check_context(uc);
    leak_check((uintptr_t)si->si_addr, "si_addr", (uint64_t)signo);
    if (++chaos.faults > FAULTS_MAX)
        chaos_call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
    if (chaos_call(SYS_gettid, 0, 0, 0, 0, 0, 0) != chaos_call(SYS_getpid, 0, 0, 0, 0, 0, 0))
        chaos_call(SYS_exit, 0, 0, 0, 0, 0, 0); /* one of the threads */
    if (running)
        uc->uc_mcontext.pc = (uintptr_t)chaos_back;
    else if (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGTRAP)
        chaos_call(SYS_exit_group, 0, 0, 0, 0, 0, 0); /* our own memory is not what it was */
}

void chaos_handle(int signo)
{
    struct sigaction act = {.sa_sigaction = handler,
                            .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&act.sa_mask);
    sigaction(signo, &act, NULL);
}

void chaos_install_handlers(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS,  SIGILL,    SIGTRAP, SIGFPE,
                                  SIGALRM, SIGUSR1, SIGVTALRM, SIGPROF, SIGSYS};
    static char stack[65536];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&ss, NULL);
    for (unsigned k = 0; k < sizeof signals / sizeof *signals; k++)
        chaos_handle(signals[k]);
}

/* ---- words ---- */
static uint32_t branch_within(struct dice *d)
{
    uint32_t by = (uint32_t)(dice_below(d, 32) - 16);
    switch (dice_below(d, 4)) {
    case 0:
        return 0x14000000 | (by & 0x3ffffff); /* b */
    case 1:
        return 0x94000000 | (by & 0x3ffffff); /* bl */
    case 2:
        return 0x54000000 | (by & 0x7ffff) << 5 | dice_below(d, 14); /* b.cond */
    default:
        return 0xb4000000 | (by & 0x7ffff) << 5 | dice_below(d, 31); /* cbz */
    }
}

static unsigned put_call(struct dice *d, uint32_t *at)
{
    unsigned nr = dice_below(d, 452);
    const uint64_t none[6] = {0};
    if (!chaos_allowed(nr, none))
        nr = SYS_getpid;
    at[0] = 0xd2800008 | nr << 5; /* mov x8, nr */
    at[1] = 0xd4000001;           /* svc #0 */
    return 2;
}

/* A store of a random word into the code, with or without what the architecture asks for. */
static unsigned put_store(struct dice *d, uint32_t *at)
{
    unsigned n = 0, to = dice_below(d, 64);
    at[n++] = 0x52800000 | dice_below(d, 65536) << 5 | 14; /* mov w14, low */
    at[n++] = 0x72a00000 | dice_below(d, 65536) << 5 | 14; /* movk w14, high */
    at[n++] = 0x10000000 | ((to - 8) & 0x7ffff) << 5 | 13; /* adr x13 */
    at[n++] = 0xb90001ae;                                  /* str w14, [x13] */
    if (dice_below(d, 3)) {
        at[n++] = 0xd50b7b2d; /* dc cvau, x13 */
        at[n++] = 0xd5033b9f; /* dsb ish */
        at[n++] = 0xd50b752d; /* ic ivau, x13 */
        at[n++] = 0xd5033b9f;
        at[n++] = 0xd5033fdf; /* isb */
    }
    return n;
}

static unsigned fill(struct dice *d, uint32_t *at, unsigned words)
{
    unsigned n = 0;
    while (n < words) {
        unsigned kind = dice_below(d, 100);
        if (kind < 70)
            at[n++] = a64_random(1 + dice_below(d, A64_ROW_COUNT - 1), &d->s);
        else if (kind < 80)
            at[n++] = (uint32_t)dice_next(d);
        else if (kind < 88)
            at[n++] = branch_within(d);
        else if (kind < 94)
            n += put_call(d, at + n);
        else if (kind < 98)
            n += put_store(d, at + n);
        else
            at[n++] = 0xd65f03c0; /* ret */
    }
    return n;
}

void chaos_random_code(struct dice *d)
{
    unsigned from = dice_below(d, WORDS - 128), words = 4 + dice_below(d, 64);
    if (dice_below(d, 8) == 0) /* over a page's end */
        from = 1024 * (1 + dice_below(d, PAGES - 1)) - dice_below(d, 8);
    unsigned n = fill(d, chaos.code + from, words);
    chaos.code[from + n] = 0xd65f03c0;
    if (dice_below(d, 8))
        __builtin___clear_cache((char *)(chaos.code + from), (char *)(chaos.code + from + n + 1));
    for (unsigned k = 0; k < 31; k++)
        regs[k] = chaos_register(d);
    regs[16] = (uintptr_t)(chaos.code + from);
    if (dice_below(d, 50) == 0)
        regs[16] = chaos_value(d); /* anywhere */
    regs[30] = (uintptr_t)chaos_back;
    regs[31] = (uintptr_t)chaos.data + PAGE + 2048;
    if (dice_below(d, 10) == 0)
        regs[31] = chaos_register(d);
    /* it goes on ticking: calls that wait are cut short, too */
    const struct itimerval soon = {{0, RUN_MICROSECONDS}, {0, RUN_MICROSECONDS}};
    setitimer(ITIMER_REAL, &soon, NULL);
    running = 1;
    chaos_enter(regs);
    running = 0;
    for (unsigned k = 1; k < 32; k++)
        leak_check(chaos_after[k], "a register behind random code", k);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dice_below(d, 16) == 0)
        chaos_install_handlers();
}
