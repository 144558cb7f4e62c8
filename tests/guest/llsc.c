// SPDX-License-Identifier: Apache-2.0
// cc: -march=armv8-a -mno-outline-atomics
// qemu: compares values only; the stack loses nodes
/* A stack of nodes kept by load-exclusive and store-exclusive alone: a node that was away and came
 * back between the two must make the store fail, or nodes are lost. Also what a lost monitor, a
 * pair, and a store that faults do. */
#include "guest.h"

#include <pthread.h>

enum { NODES = 4, THREADS = 4, ROUNDS = 60000 };

struct node {
    struct node *next;
    long uses;
};
static struct node nodes[NODES];
static struct node *top;

static struct node *pop(void)
{
    struct node *n, *next;
    int failed;
    do {
        __asm__ volatile("ldaxr %0, [%1]" : "=r"(n) : "r"(&top) : "memory");
        if (!n) {
            __asm__ volatile("clrex");
            return NULL;
        }
        next = *(struct node *volatile *)&n->next;
        __asm__ volatile("stlxr %w0, %1, [%2]" : "=&r"(failed) : "r"(next), "r"(&top) : "memory");
    } while (failed);
    return n;
}

static void push(struct node *n)
{
    struct node *old;
    int failed;
    do {
        __asm__ volatile("ldaxr %0, [%1]" : "=r"(old) : "r"(&top) : "memory");
        *(struct node *volatile *)&n->next = old;
        __asm__ volatile("stlxr %w0, %1, [%2]" : "=&r"(failed) : "r"(n), "r"(&top) : "memory");
    } while (failed);
}

static void *work(void *arg)
{
    for (int k = 0; k < ROUNDS; k++) {
        struct node *a = pop(), *b = pop();
        if (a)
            a->uses++;
        if (a)
            push(a);
        if (b)
            b->uses++;
        if (b)
            push(b);
    }
    return arg;
}

static void stack(void)
{
    pthread_t t[THREADS];
    for (int k = 0; k < NODES; k++)
        push(&nodes[k]);
    for (int k = 0; k < THREADS; k++)
        CHECK(pthread_create(&t[k], NULL, work, NULL) == 0);
    for (int k = 0; k < THREADS; k++)
        pthread_join(t[k], NULL);
    int count = 0;
    for (struct node *n = pop(); n && count <= NODES; n = pop())
        count++;
    EQUAL(count, NODES);
}

static void *other(void *arg)
{
    uint64_t old;
    int failed;
    __asm__ volatile("1: ldxr %0, [%2]\n stxr %w1, %0, [%2]\n cbnz %w1, 1b"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(arg)
                     : "memory");
    return NULL;
}

/* A store of the same value by another thread in between. */
static void same_value(void)
{
    static uint64_t cell = 5;
    uint64_t old;
    int failed;
    pthread_t t;
    __asm__ volatile("ldxr %0, [%1]" : "=r"(old) : "r"(&cell) : "memory");
    CHECK(pthread_create(&t, NULL, other, &cell) == 0);
    pthread_join(t, NULL);
    __asm__ volatile("stxr %w0, %1, [%2]" : "=&r"(failed) : "r"(old + 1), "r"(&cell) : "memory");
    EQUAL(failed, 1);
    EQUAL(cell, 5);
}

static void pairs(void)
{
    static uint64_t cell[2] __attribute__((aligned(16))) = {1, 2};
    uint64_t a, b;
    int failed;
    __asm__ volatile(
        "ldxp %0, %1, [%3]\n add %0, %0, #10\n add %1, %1, #10\n stxp %w2, %0, %1, [%3]"
        : "=&r"(a), "=&r"(b), "=&r"(failed)
        : "r"(cell)
        : "memory");
    EQUAL(failed, 0);
    EQUAL(cell[0], 11);
    EQUAL(cell[1], 12);
    __asm__ volatile("stxp %w0, %1, %1, [%2]" : "=&r"(failed) : "r"(a), "r"(cell) : "memory");
    EQUAL(failed, 1);
}

static uint32_t *page;

static void make_writable(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    CHECK((uint32_t *)info->si_addr == page);
    uint32_t own = 7, old;
    int failed;
    do
        __asm__ volatile("ldxr %w0, [%2]\n stxr %w1, %w0, [%2]"
                         : "=&r"(old), "=&r"(failed)
                         : "r"(&own)
                         : "memory");
    while (failed);
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
}

/* The store faults; its handler has exclusives of its own; then it goes on and succeeds. */
static void faulting(void)
{
    page = guest_pages(4096, PROT_READ);
    guest_handle(SIGSEGV, make_writable, 0);
    for (int k = 1; k <= 3; k++) {
        uint32_t old;
        int failed, tries = 0;
        do {
            __asm__ volatile("ldxr %w0, [%2]\n add %w0, %w0, #1\n stxr %w1, %w0, [%2]"
                             : "=&r"(old), "=&r"(failed)
                             : "r"(page)
                             : "memory");
            tries++;
        } while (failed);
        EQUAL(*page, k);
        CHECK(tries < 100);
        CHECK(mprotect(page, 4096, PROT_READ) == 0);
    }
}

int main(void)
{
    stack();
    same_value();
    pairs();
    faulting();
    puts("done");
    return 0;
}
