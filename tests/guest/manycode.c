// SPDX-License-Identifier: Apache-2.0
// More code than an emulator may want to keep: four threads write and call thousands of functions,
// while others sleep in system calls, return through many frames, or only count.
#include "guest.h"
#include <pthread.h>
#include <stdatomic.h>

enum { WORKERS = 4, FUNCTIONS = 1500, BODY = 24, ROUNDS = 3 };
typedef uint64_t (*function)(uint64_t);

static atomic_bool over;
static pthread_barrier_t start;

/* n + 0 + 1 + ... by BODY additions, each behind a branch that is not taken. */
static void put(uint32_t *at, unsigned n)
{
    uint32_t *w = at;
    for (unsigned k = 0; k < BODY; k++) {
        *w++ = 0xb4000080;                           /* cbz x0, .+16 */
        *w++ = 0x91000000 | ((n + k) & 0xfff) << 10; /* add x0, x0, #.. */
    }
    *w++ = 0xd65f03c0; /* ret */
    *w++ = 0xd65f03c0;
    *w++ = 0xd65f03c0;
    *w++ = 0xd65f03c0;
    __builtin___clear_cache((char *)at, (char *)w);
}

static uint64_t sum(unsigned n)
{
    uint64_t s = 0;
    for (unsigned k = 0; k < BODY; k++)
        s += (n + k) & 0xfff;
    return s;
}

/* Through `depth` frames, so that returns have something to return to. */
__attribute__((noinline)) static uint64_t call_deep(function f, uint64_t x, unsigned depth)
{
    uint64_t r = depth ? call_deep(f, x, depth - 1) : f(x);
    __asm__ volatile("" : "+r"(r));
    return r;
}

static void *write_and_call(void *arg)
{
    enum { STRIDE = 4 * (2 * BODY + 4) };
    unsigned id = (unsigned)(uintptr_t)arg;
    char *p = guest_pages(FUNCTIONS * STRIDE, PROT_READ | PROT_WRITE | PROT_EXEC);
    pthread_barrier_wait(&start);
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < FUNCTIONS; i++) {
            unsigned n = i + round * 7 + id;
            function f = (function)(p + i * STRIDE);
            put((uint32_t *)f, n);
            uint64_t r = call_deep(f, 1 + id, i % 40);
            if (r != sum(n) + 1 + id) {
                printf("worker %u round %u function %u: %" PRIu64 "\n", id, round, i, r);
                return NULL;
            }
        }
    return NULL;
}

static void *sleep_often(void *arg)
{
    int *fds = arg;
    pthread_barrier_wait(&start);
    char c;
    while (!over)
        CHECK(read(fds[0], &c, 1) == 1);
    return NULL;
}

static void *count(void *arg)
{
    volatile uint64_t *n = arg;
    pthread_barrier_wait(&start);
    while (!over)
        for (int i = 0; i < 1000; i++)
            ++*n;
    return NULL;
}

int main(void)
{
    pthread_t worker[WORKERS], sleeper, counter;
    volatile uint64_t n = 0;
    int fds[2];
    CHECK(pipe(fds) == 0);
    pthread_barrier_init(&start, NULL, WORKERS + 2);
    for (uintptr_t i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&worker[i], NULL, write_and_call, (void *)i) == 0);
    CHECK(pthread_create(&sleeper, NULL, sleep_often, fds) == 0);
    CHECK(pthread_create(&counter, NULL, count, (void *)&n) == 0);
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_join(worker[i], NULL) == 0);
    over = true;
    CHECK(write(fds[1], "x", 1) == 1);
    CHECK(pthread_join(sleeper, NULL) == 0 && pthread_join(counter, NULL) == 0);
    CHECK(n > 0);
    return guest_done();
}
