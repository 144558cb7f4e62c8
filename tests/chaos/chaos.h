/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the chaos program share: chaos.c drives, code.c makes and runs random bytes,
 * calls.c makes random system calls, leaks.c looks for addresses that nobody should see.
 */
#ifndef TESTS_CHAOS_H
#define TESTS_CHAOS_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

enum { POOL = 64, PAGES = 8, PAGE = 4096 };

/* One thread's dice, and what a fault of its leads back to. */
struct dice {
    uint64_t s; /* splitmix64's state */
};
static inline uint64_t dice_next(struct dice *d)
{
    uint64_t z = d->s += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
static inline unsigned dice_below(struct dice *d, unsigned n)
{
    return (unsigned)(((dice_next(d) >> 32) * n) >> 32);
}

struct chaos {
    struct dice dice; /* of this child */
    bool attack; /* the engine's addresses are among the arguments; else leaks are looked for */
    uint64_t pool[POOL];          /* values with a meaning: addresses, numbers at edges */
    char *data;                   /* PAGES pages, some of them with other rights */
    uint32_t *code;               /* PAGES pages of code, writable and executable */
    unsigned faults;              /* so far */
    uint64_t host_low, host_size; /* the engine's range, in a form that is no address (leaks.c) */
};
extern struct chaos chaos;

/* A value for an argument. */
uint64_t chaos_value(struct dice *d);
/* The same for a register of random code, which must not store into the engine: that cannot be
 * prevented (docs/QUIRKS.md), and what comes of it is no finding. */
uint64_t chaos_register(struct dice *d);
/* A system call, raw. */
long chaos_call(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
/* May this number be called with random arguments at all? */
bool chaos_allowed(unsigned nr, const uint64_t *a);
/* One random call, or a small play of several. */
void chaos_random_call(struct dice *d);
void chaos_random_play(struct dice *d);
/* Random code, run until it faults, ends or is interrupted. */
void chaos_random_code(struct dice *d);
void chaos_handle(int signo);
void chaos_install_handlers(void);

/* ---- leaks.c ---- */
/* Is it an address of the engine's, or next to one? */
bool leak_near(uint64_t value);
void leak_init(uintptr_t start, uintptr_t end);
/* A value that was seen at a place; ends the child when it is an address of the engine's. */
void leak_check(uint64_t value, const char *where, uint64_t detail);
void leak_check_data(const char *where, uint64_t detail);
void leak_check_context(const ucontext_t *uc);
void leak_check_proc(struct dice *d);
/* Text to the driver's log, by raw calls. */
void chaos_say(const char *text, uint64_t a, uint64_t b);

#endif
