// SPDX-License-Identifier: Apache-2.0
/* Random system calls, and small plays of several: mappings everywhere, signals to oneself,
 * children, threads, descriptors and memory until there are none. */
#include "chaos.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Descriptors that belong to the harness: 2 is the log. */
enum { LOG_FD = 2, CALLS = 470 };

long chaos_call(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    register uint64_t x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register uint64_t x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
    register long x8 __asm__("x8") = nr;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8)
                     : "memory");
    return (long)x0;
}

bool chaos_allowed(unsigned nr, const uint64_t *a)
{
    switch (nr) {
    case SYS_clone: /* the plays make children: these would have our stack */
    case SYS_clone3:
    case SYS_rt_sigsuspend: /* wait for ever */
    case SYS_exit:
    case SYS_exit_group:
    case SYS_reboot:
    case SYS_execve: /* the argument has to be a program; a play does it */
    case SYS_execveat:
        return false;
    case SYS_close:
    case SYS_fcntl:
    case SYS_ioctl:
    case SYS_dup:
    case SYS_shutdown:
        return (int)a[0] != LOG_FD;
    case SYS_dup3:
        return (int)a[1] != LOG_FD && (int)a[0] != LOG_FD;
    case SYS_close_range:
        return (unsigned)a[0] > LOG_FD;
    case SYS_kill: /* to all is nobody's business; itself comes by a play */
        return (int)a[0] > 1;
    default:
        return true;
    }
}

uint64_t chaos_value(struct dice *d)
{
    uint64_t v = chaos.pool[dice_below(d, POOL)];
    switch (dice_below(d, 16)) {
    case 0:
        return v ^ 1ull << dice_below(d, 64);
    case 1:
        return dice_next(d);
    case 2:
        return dice_below(d, 256);
    case 3:
        return v + dice_below(d, 2 * PAGE) - PAGE;
    case 4:
        return v | (uint64_t)dice_below(d, 256) << 56;
    default:
        return v;
    }
}

uint64_t chaos_register(struct dice *d)
{
    for (;;) {
        uint64_t v = chaos_value(d);
        if (!leak_near(v))
            return v;
    }
}

void chaos_random_call(struct dice *d)
{
    unsigned nr = dice_below(d, CALLS);
    uint64_t a[6];
    for (unsigned k = 0; k < 6; k++)
        a[k] = chaos_value(d);
    if (!chaos_allowed(nr, a))
        return;
    leak_check((uint64_t)chaos_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]), "a call's result", nr);
    if (dice_below(d, 4) == 0)
        leak_check_data("memory behind a call", nr);
}

/* ---- plays ---- */
static uint64_t page_of(struct dice *d)
{
    uint64_t v = dice_below(d, 4) ? chaos_value(d) : dice_next(d) & 0x7fffffffffff;
    return v & ~4095ull;
}

static void play_mappings(struct dice *d)
{
    static const uint64_t lengths[] = {1,       4096,       8192,       65536, 1 << 20,
                                       1 << 30, 1ull << 40, 1ull << 47, ~0ull};
    for (unsigned k = 0; k < 20; k++) {
        uint64_t at = page_of(d), n = lengths[dice_below(d, dice_below(d, 2) ? 4 : 9)];
        uint64_t prot = dice_below(d, 8), to = page_of(d);
        uint64_t flags =
            dice_below(d, 4) == 0 ? dice_next(d) & 0x1fffff : 0x22 | (dice_below(d, 2) ? 0x10 : 0);
        /* not over our own program, mostly: that ends the play */
        bool ours = at >= 0x400000 && at < 0x1000000;
        if (ours && dice_below(d, 8))
            continue;
        long r = 0;
        switch (dice_below(d, 7)) {
        case 0:
        case 1:
            r = chaos_call(SYS_mmap, at, n, prot, flags, ~0ull, 0);
            break;
        case 2:
            r = chaos_call(SYS_munmap, at, n, 0, 0, 0, 0);
            break;
        case 3:
            r = chaos_call(SYS_mprotect, at, n, prot, 0, 0, 0);
            break;
        case 4:
            r = chaos_call(SYS_mremap, at, n, lengths[dice_below(d, 5)], dice_below(d, 8), to, 0);
            break;
        case 5:
            r = chaos_call(SYS_madvise, at, n, dice_below(d, 26), 0, 0, 0);
            break;
        case 6:
            r = chaos_call(SYS_brk, to, 0, 0, 0, 0, 0);
            break;
        }
        leak_check((uint64_t)r, "a mapping call's result", k);
        if (r > 0 && (r & 4095) == 0 && dice_below(d, 3) == 0)
            chaos.pool[dice_below(d, POOL)] = (uint64_t)r;
    }
}

/* Every signal, by every call, with any siginfo. */
static void play_signals(struct dice *d)
{
    uint64_t pid = (uint64_t)chaos_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
             tid = (uint64_t)chaos_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
    for (unsigned k = 0; k < 8; k++) {
        unsigned signo = 1 + dice_below(d, 64);
        int32_t info[32] = {(int32_t)signo, 0, (int32_t)dice_below(d, 12) - 6};
        if (signo == SIGKILL || signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN ||
            signo == SIGTTOU)
            continue;
        if (dice_below(d, 8))
            chaos_handle((int)signo);
        else if (signo != SIGSEGV &&
                 signo != SIGBUS) { /* ignored, or the default: mostly the end */
            uint64_t act[4] = {dice_below(d, 4) != 0, 0x04000000, 0, dice_next(d)};
            chaos_call(SYS_rt_sigaction, signo, (uintptr_t)act, 0, 8, 0, 0);
        }
        info[4] = (int32_t)dice_next(d);
        switch (dice_below(d, 5)) {
        case 0:
            chaos_call(SYS_kill, pid, signo, 0, 0, 0, 0);
            break;
        case 1:
            chaos_call(SYS_tgkill, pid, tid, signo, 0, 0, 0);
            break;
        case 2:
            chaos_call(SYS_rt_sigqueueinfo, pid, signo, (uintptr_t)info, 0, 0, 0);
            break;
        case 3:
            chaos_call(SYS_rt_tgsigqueueinfo, pid, tid, signo, (uintptr_t)info, 0, 0);
            break;
        case 4: {
            long fd = chaos_call(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
            chaos_call(SYS_pidfd_send_signal, (uint64_t)fd, signo, (uintptr_t)info, 0, 0, 0);
            chaos_call(SYS_close, (uint64_t)fd, 0, 0, 0, 0, 0);
            break;
        }
        }
    }
    chaos_install_handlers();
}

static void play_exec(void)
{
    static char *const argv[] = {"chaos", "quit", NULL};
    chaos_call(SYS_execve, (uintptr_t) "/chaos", (uintptr_t)argv, (uintptr_t)(argv + 2), 0, 0, 0);
}

/* Children of every kind; what they do is a few random calls, code, or another program. */
static void child_acts(struct dice *d)
{
    switch (dice_below(d, 4)) {
    case 0:
        play_exec();
        break;
    case 1:
        for (unsigned k = 0; k < 10; k++)
            chaos_random_call(d);
        break;
    case 2:
        play_mappings(d);
        break;
    case 3:
        for (unsigned k = 0; k < 4; k++)
            chaos_random_code(d);
        break;
    }
    chaos_call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

static void play_fork(struct dice *d)
{
    uint64_t signal = dice_below(d, 3) ? SIGCHLD : dice_below(d, 65), flags = 0;
    if (dice_below(d, 4) == 0)
        flags = dice_next(d) & 0x7f02ff00 &
                ~(uint64_t)(CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_SETTLS);
    struct dice own = {dice_next(d)};
    long pid = chaos_call(SYS_clone, flags | signal, 0, chaos_value(d), 0, chaos_value(d), 0);
    if (pid == 0)
        child_acts(&own);
    if (pid > 0 && dice_below(d, 4) == 0)
        chaos_call(SYS_kill, (uint64_t)pid, SIGKILL, 0, 0, 0, 0);
    if (pid > 0)
        chaos_call(SYS_wait4, (uint64_t)-1, 0, 0x40000000, 0, 0, 0);
}

/* vfork and threads get a stack of their own, and do nothing that needs libc. */
static void small_thread(void)
{
    struct dice d = {(uintptr_t)&d ^ (uint64_t)chaos_call(SYS_gettid, 0, 0, 0, 0, 0, 0) << 32};
    for (unsigned k = 0; k < 30; k++) {
        unsigned nr = dice_below(&d, CALLS);
        uint64_t a[6];
        for (unsigned i = 0; i < 6; i++)
            a[i] = chaos_value(&d);
        if (dice_below(&d, 3) == 0)
            play_mappings(&d);
        else if (chaos_allowed(nr, a))
            chaos_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    chaos_call(SYS_exit, 0, 0, 0, 0, 0, 0);
}

/* Runs what stands in the code pages just now, while the others change it. It ends by its first
 * fault or alarm (code.c). */
static void code_thread(void)
{
    struct dice d = {(uintptr_t)&d ^ (uint64_t)chaos_call(SYS_gettid, 0, 0, 0, 0, 0, 0) << 32};
    static char stacks[4][8192] __attribute__((aligned(16)));
    static unsigned used;
    const stack_t ss = {.ss_sp = stacks[__atomic_fetch_add(&used, 1, __ATOMIC_RELAXED) % 4],
                        .ss_size = sizeof *stacks};
    chaos_call(SYS_sigaltstack, (uintptr_t)&ss, 0, 0, 0, 0, 0);
    for (unsigned k = 0; k < 200; k++) {
        void (*go)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
        go = (void *)(chaos.code + dice_below(&d, PAGES * PAGE / 4));
        go(chaos_register(&d), chaos_register(&d), chaos_register(&d), chaos_register(&d),
           chaos_register(&d), chaos_register(&d), chaos_register(&d), chaos_register(&d));
    }
    chaos_call(SYS_exit, 0, 0, 0, 0, 0, 0);
}

static long clone_onto(uint64_t flags, char *stack, void (*go)(void))
{
    register uint64_t x0 __asm__("x0") = flags, x1 __asm__("x1") = (uintptr_t)stack,
                         x2 __asm__("x2") = 0, x3 __asm__("x3") = 0, x4 __asm__("x4") = 0;
    register long x8 __asm__("x8") = SYS_clone;
    register void (*x9)(void) __asm__("x9") = go;
    __asm__ volatile("svc #0\n\tcbnz x0, 1f\n\tblr x9\n1:"
                     : "+r"(x0)
                     : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8), "r"(x9)
                     : "memory", "x30", "x16", "x17");
    return (long)x0;
}

static void play_threads(struct dice *d)
{
    static char stacks[5][16384] __attribute__((aligned(16))); /* the last one is for vfork */
    static unsigned used;
    uint64_t flags =
        CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    if (dice_below(d, 3) == 0)
        flags = CLONE_VM | CLONE_VFORK | (dice_below(d, 2) ? SIGCHLD : dice_below(d, 65));
    else if (used == 4) /* theirs may still be in use */
        return;
    char *stack = flags & CLONE_THREAD ? stacks[used++] : stacks[4];
    bool code = flags & CLONE_THREAD && dice_below(d, 2);
    clone_onto(flags, stack + 16384, code ? code_thread : small_thread);
    if (flags & CLONE_VFORK)
        chaos_call(SYS_wait4, (uint64_t)-1, 0, 1 | 0x40000000, 0, 0, 0);
    else if (dice_below(d, 2))
        chaos_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

/* Until there is no more: descriptors, mappings, memory, children. */
static void play_exhaust(struct dice *d)
{
    static const uint64_t what[] = {RLIMIT_AS,    RLIMIT_DATA,    RLIMIT_STACK,      RLIMIT_NOFILE,
                                    RLIMIT_FSIZE, RLIMIT_MEMLOCK, RLIMIT_SIGPENDING, RLIMIT_NPROC};
    static const uint64_t how_much[] = {0,       1,        4096,      65536,
                                        1 << 20, 16 << 20, 300 << 20, 1500 << 20};
    const uint64_t limit[2] = {how_much[dice_below(d, 8)], ~0ull};
    if (dice_below(d, 2))
        chaos_call(SYS_prlimit64, 0, what[dice_below(d, 8)], (uintptr_t)limit, 0, 0, 0);
    switch (dice_below(d, 4)) {
    case 0:
        for (unsigned k = 0; k < 2000; k++)
            if (chaos_call(SYS_dup, 0, 0, 0, 0, 0, 0) < 0)
                break;
        break;
    case 1: /* mappings that do not join */
        for (unsigned k = 0; k < 70000; k++)
            if (chaos_call(SYS_mmap, 0, 4096, k & 1, 0x22, ~0ull, 0) < 0)
                break;
        break;
    case 2: /* the address space */
        for (uint64_t n = 1ull << 46; n >= 4096; n /= 2)
            while (chaos_call(SYS_mmap, 0, n, 0, 0x4022, ~0ull, 0) > 0)
                ;
        break;
    case 3: /* memory, as far as the limit of the slice */
        for (unsigned k = 0; k < 64; k++) {
            long at = chaos_call(SYS_mmap, 0, 1 << 20, 3, 0x8022, ~0ull, 0);
            if (at < 0)
                break;
        }
        break;
    }
}

void chaos_random_play(struct dice *d)
{
    switch (dice_below(d, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        play_mappings(d);
        break;
    case 4:
    case 5:
    case 6:
        play_signals(d);
        break;
    case 7:
    case 8:
        play_fork(d);
        break;
    case 9:
    case 10:
        play_threads(d);
        break;
    case 11:
        play_exhaust(d);
        break;
    default:
        leak_check_proc(d);
        break;
    }
}
