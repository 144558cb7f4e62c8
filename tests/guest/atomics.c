// SPDX-License-Identifier: Apache-2.0
// Atomic operations between threads: load-exclusive loops, LSE, compare and swap of all sizes, a
// lock-free stack whose values repeat (it must not be fooled by them), and store buffering.
// cc: -march=armv8.1-a -mno-outline-atomics
#include "guest.h"
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 50000 };
static struct {
    uint64_t llsc, lse, cas;
    uint32_t half;
    uint8_t bytes[8];
    unsigned __int128 pair;
} s __attribute__((aligned(64)));

static void add_exclusive(uint64_t *p)
{
    uint64_t v;
    uint32_t failed;
    __asm__ volatile("1: ldaxr %0, [%2]\n\tadd %0, %0, #1\n\tstlxr %w1, %0, [%2]\n\tcbnz %w1, 1b"
                     : "=&r"(v), "=&r"(failed)
                     : "r"(p)
                     : "memory");
}
static void add_pair(unsigned __int128 *p)
{
    uint64_t a, b;
    uint32_t failed;
    __asm__ volatile("1: ldxp %0, %1, [%3]\n\tadds %0, %0, #1\n\tadc %1, %1, xzr\n\t"
                     "stxp %w2, %0, %1, [%3]\n\tcbnz %w2, 1b"
                     : "=&r"(a), "=&r"(b), "=&r"(failed)
                     : "r"(p)
                     : "memory", "cc");
}

/* A stack of nodes that are popped and pushed again at once: ABA, if only values are compared. */
static struct node {
    struct node *next;
    int owner;
} nodes[THREADS * 2], *top;

static struct node *pop(void)
{
    struct node *n, *next;
    uint32_t failed;
    __asm__ volatile("1: ldaxr %0, [%3]\n\tcbz %0, 2f\n\tldr %1, [%0]\n\tnop\n\tnop\n\t"
                     "stlxr %w2, %1, [%3]\n\tcbnz %w2, 1b\n2:"
                     : "=&r"(n), "=&r"(next), "=&r"(failed)
                     : "r"(&top)
                     : "memory");
    return n;
}
static void push(struct node *n)
{
    struct node *old = __atomic_load_n(&top, __ATOMIC_RELAXED);
    do
        n->next = old;
    while (!__atomic_compare_exchange_n(&top, &old, n, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

static void *work(void *arg)
{
    int me = (int)(long)arg + 1;
    for (int i = 0; i < ROUNDS; i++) {
        add_exclusive(&s.llsc);
        add_pair(&s.pair);
        __atomic_fetch_add(&s.lse, 3, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&s.half, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&s.bytes[i & 7], 1, __ATOMIC_RELAXED);
        uint64_t old = s.cas;
        while (!__atomic_compare_exchange_n(&s.cas, &old, old + 5, false, __ATOMIC_SEQ_CST,
                                            __ATOMIC_RELAXED))
            ;
        struct node *n = pop();
        if (n) {
            if (__atomic_exchange_n(&n->owner, me, __ATOMIC_ACQ_REL) != 0)
                puts("a node has two owners");
            __atomic_store_n(&n->owner, 0, __ATOMIC_RELEASE);
            push(n);
        }
    }
    return NULL;
}

/* Dekker: with sequentially consistent accesses not both see 0. */
static int x, y, seen_x, seen_y;
static pthread_barrier_t barrier;
static void *side(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        pthread_barrier_wait(&barrier);
        if (arg) {
            __atomic_store_n(&x, 1, __ATOMIC_SEQ_CST);
            seen_y = __atomic_load_n(&y, __ATOMIC_SEQ_CST);
        } else {
            __atomic_store_n(&y, 1, __ATOMIC_SEQ_CST);
            seen_x = __atomic_load_n(&x, __ATOMIC_SEQ_CST);
        }
        pthread_barrier_wait(&barrier);
        if (arg) {
            CHECK(seen_x || seen_y);
            x = y = 0;
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS * 2; i++)
        push(&nodes[i]);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    EQUAL(s.llsc, THREADS * ROUNDS);
    EQUAL(s.lse, 3 * THREADS * ROUNDS);
    EQUAL(s.half, THREADS * ROUNDS);
    EQUAL(s.cas, 5 * THREADS * ROUNDS);
    EQUAL(s.pair, THREADS * ROUNDS);
    for (int i = 0; i < 8; i++)
        EQUAL(s.bytes[i], (uint8_t)(THREADS * ROUNDS / 8));
    int left = 0;
    while (pop())
        left++;
    EQUAL(left, THREADS * 2);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&t[0], NULL, side, NULL);
    pthread_create(&t[1], NULL, side, &s);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    return guest_done();
}
