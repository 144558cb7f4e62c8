// SPDX-License-Identifier: Apache-2.0
// Alternate stacks, masks, nesting, SA_NODEFER, SA_RESETHAND, order of delivery.
#include "guest.h"

static char alt[65536] __attribute__((aligned(16)));
static volatile int depth, deepest, calls, order[8];
static stack_t seen;
static sigset_t mask_inside;

static bool on_alt(const void *p)
{
    return (const char *)p >= alt && (const char *)p < alt + sizeof alt;
}
static void on_stack(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si;
    int here;
    ucontext_t *uc = context;
    CHECK(on_alt(&here));
    CHECK(on_alt(uc));
    sigaltstack(NULL, &seen);
    CHECK(seen.ss_flags == SS_ONSTACK && seen.ss_sp == alt && seen.ss_size == sizeof alt);
    CHECK(uc->uc_stack.ss_sp == alt && uc->uc_stack.ss_size == sizeof alt);
    stack_t none = {.ss_flags = SS_DISABLE};
    CHECK(sigaltstack(&none, NULL) == -1 && errno == EPERM);
    calls++;
}
static void off_stack(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    int here;
    CHECK(!on_alt(&here));
    calls++;
}
static void nest(int sig, siginfo_t *si, void *context)
{
    (void)si, (void)context;
    depth++;
    deepest = depth > deepest ? depth : deepest;
    if (depth < 20)
        raise(sig);
    depth--;
    calls++;
}
static void again(int sig, siginfo_t *si, void *context)
{
    (void)si, (void)context;
    depth++;
    deepest = depth > deepest ? depth : deepest;
    calls++;
    if (calls < 5)
        raise(sig);
    depth--;
}
static void masked(int sig, siginfo_t *si, void *context)
{
    (void)si, (void)context;
    sigprocmask(SIG_BLOCK, NULL, &mask_inside);
    if (sig == SIGUSR1) {
        raise(SIGUSR2); /* blocked by sa_mask: comes after the return */
        CHECK(calls == 0);
    }
    order[calls++] = sig;
}
static void overflow(int depth_left)
{
    volatile char room[4096];
    room[0] = (char)depth_left;
    if (depth_left > 0)
        overflow(depth_left - 1);
    room[1] = room[0];
}
static sigset_t set_of(int a, int b)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, a);
    if (b)
        sigaddset(&s, b);
    return s;
}
static void crash_alt(int sig, siginfo_t *si, void *context)
{
    (void)si;
    EQUAL(sig, SIGSEGV);
    CHECK(on_alt(context));
    _exit(9);
}

static void stacks(void)
{
    stack_t st = {.ss_sp = alt, .ss_size = 100}, old;
    CHECK(sigaltstack(&st, NULL) == -1 && errno == ENOMEM);
    st.ss_size = sizeof alt;
    CHECK(sigaltstack(&st, &old) == 0 && old.ss_flags == SS_DISABLE);
    guest_handle(SIGUSR1, on_stack, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK(sigaltstack(NULL, &old) == 0 && old.ss_flags == 0 && old.ss_sp == alt);
    guest_handle(SIGUSR1, off_stack, 0);
    raise(SIGUSR1);
    EQUAL(calls, 2);
    pid_t pid = fork();
    if (pid == 0) {
        guest_handle(SIGSEGV, crash_alt, SA_ONSTACK);
        overflow(1000000);
        _exit(1);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

static void nesting(void)
{
    calls = 0;
    guest_handle(SIGUSR1, nest, SA_NODEFER);
    raise(SIGUSR1);
    EQUAL(deepest, 20);
    EQUAL(calls, 20);
    deepest = depth = calls = 0;
    guest_handle(SIGUSR1, again, 0); /* blocked inside: comes again after each return */
    raise(SIGUSR1);
    EQUAL(deepest, 1);
    EQUAL(calls, 5);
    calls = 0;
    guest_handle(SIGUSR1, off_stack, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, NULL, &now);
    CHECK(now.sa_handler == SIG_DFL && calls == 1);
}

static void masks(void)
{
    calls = 0;
    struct sigaction act = {.sa_sigaction = masked, .sa_flags = SA_SIGINFO};
    act.sa_mask = set_of(SIGUSR2, SIGHUP);
    sigaction(SIGUSR1, &act, NULL);
    guest_handle(SIGUSR2, masked, 0);
    raise(SIGUSR1);
    CHECK(calls == 2 && order[0] == SIGUSR1 && order[1] == SIGUSR2);
    CHECK(sigismember(&mask_inside, SIGUSR2) && !sigismember(&mask_inside, SIGHUP));
    sigset_t both = set_of(SIGUSR1, SIGUSR2), old, pending;
    act.sa_mask = both;
    sigaction(SIGUSR1, &act, NULL);
    calls = 0;
    sigprocmask(SIG_BLOCK, &both, &old);
    CHECK(!sigismember(&old, SIGUSR1) && !sigismember(&old, SIGUSR2));
    kill(getpid(), SIGUSR2);
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGUSR2) && !sigismember(&pending, SIGUSR1));
    EQUAL(calls, 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK(calls == 1 && order[0] == SIGUSR2);
    sigset_t kill_stop = set_of(SIGKILL, SIGSTOP);
    CHECK(sigprocmask(SIG_BLOCK, &kill_stop, NULL) == 0);
    sigprocmask(SIG_BLOCK, NULL, &pending);
    CHECK(!sigismember(&pending, SIGKILL) && !sigismember(&pending, SIGSTOP));
    CHECK(sigaction(SIGKILL, &act, NULL) == -1 && errno == EINVAL);
}

int main(void)
{
    stacks();
    nesting();
    masks();
    return guest_done();
}
