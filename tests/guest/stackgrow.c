// SPDX-License-Identifier: Apache-2.0
// The stack grows as it is used, up to its limit, and no further.
#include "guest.h"
#include <sys/resource.h>

__attribute__((noinline)) static int use(int pages, volatile char *above)
{
    volatile char room[4096];
    room[0] = (char)pages;
    room[4095] = above ? above[0] : 0;
    int r = pages > 0 ? use(pages - 1, room) : 0;
    return r + (room[0] == (char)pages);
}

static char alt[65536];
static int result;
static void overflowed(int sig, siginfo_t *si, void *context)
{
    ucontext_t *uc = context;
    char *sp = (char *)uc->uc_mcontext.sp, *at = si->si_addr;
    EQUAL(sig, SIGSEGV);
    CHECK(at >= sp - 65536 && at <= sp + 65536);
    result = 1;
    fflush(stdout);
    _exit(6);
}

int main(void)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
    EQUAL(use(1000, NULL), 1001);
    /* a large hole at once is allowed, too */
    volatile char *far = __builtin_alloca(3 << 20);
    far[0] = 1;
    far[(3 << 20) - 1] = 2;
    CHECK(far[0] + far[(3 << 20) - 1] == 3);
    pid_t pid = fork();
    if (pid == 0) {
        stack_t st = {.ss_sp = alt, .ss_size = sizeof alt};
        sigaltstack(&st, NULL);
        guest_handle(SIGSEGV, overflowed, SA_ONSTACK);
        limit.rlim_cur = 8 << 20; /* whoever runs us may have none */
        CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
        use(1 << 24, NULL);
        _exit(1);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 6);
    return guest_done();
}
