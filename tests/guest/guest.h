/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guest programs share. A program's head comments tell tests/engine/guest.sh what to
 * expect:
 *
 *     // args: WORDS     its arguments                  // out: LINE     a line of its output, in
 * order
 *     // env: NAME=VALUE one variable, may be repeated  // status: N     its exit status, else 0
 *     // cc: FLAGS       more compiler flags            // qemu: WHY     fails under QEMU, and why
 *
 * Without an `out:` line it must print `done`. What a check finds wrong is printed, and so differs.
 */
#ifndef TESTS_GUEST_GUEST_H
#define TESTS_GUEST_GUEST_H

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* The condition holds; errno is told, as most checks are of system calls. */
#define CHECK(condition)                                                                           \
    ((condition)                                                                                   \
         ? (void)0                                                                                 \
         : (void)(printf("line %d: not so: %s (errno %d)\n", __LINE__, #condition, errno)))
/* Two integers are equal. */
#define EQUAL(got, want) check_equal(__LINE__, #got, (uint64_t)(got), (uint64_t)(want))

static inline void check_equal(int line, const char *what, uint64_t got, uint64_t want)
{
    if (got != want)
        printf("line %d: %s: got %#" PRIx64 ", want %#" PRIx64 "\n", line, what, got, want);
}

/* A handler for a signal, with siginfo. */
static inline void guest_handle(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&act.sa_mask);
    if (sigaction(sig, &act, NULL) != 0)
        printf("sigaction %d: %s\n", sig, strerror(errno));
}

/* Anonymous private pages. */
static inline void *guest_pages(size_t size, int prot)
{
    void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

static inline int guest_done(void)
{
    puts("done");
    return 0;
}

#endif
