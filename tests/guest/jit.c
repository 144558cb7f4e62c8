// SPDX-License-Identifier: Apache-2.0
// Code that changes, as the architecture lets it: written anew at one place, through another
// mapping of the same pages, after munmap, mprotect and mremap; changed by its own callee, and by
// another thread.
#include "guest.h"
#include <pthread.h>

typedef int (*function)(void);

static void sync_code(void *p, size_t size)
{
    __builtin___clear_cache((char *)p, (char *)p + size);
}
/* mov w0, #n; ret */
static void put(void *at, void *runs_at, unsigned n)
{
    uint32_t code[2] = {0x52800000 | n << 5, 0xd65f03c0};
    memcpy(at, code, sizeof code);
    sync_code(runs_at, sizeof code);
}

static void rewritten(void)
{
    char *p = guest_pages(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (unsigned i = 0; i < 2000; i++) {
        put(p + (i % 7) * 64, p + (i % 7) * 64, i);
        EQUAL(((function)(p + (i % 7) * 64))(), i);
    }
    /* what was not made valid may be old or new, nothing else */
    uint32_t *w = (uint32_t *)(p + 1024);
    put(w, w, 1);
    ((function)w)();
    w[0] = 0x52800000 | 2 << 5;
    int r = ((function)w)();
    CHECK(r == 1 || r == 2);
    sync_code(w, 8);
    EQUAL(((function)w)(), 2);
}

static void two_views(void)
{
    int fd = memfd_create("code", 0);
    CHECK(fd >= 0 && ftruncate(fd, 8192) == 0);
    char *rw = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *rx = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    CHECK(rw != MAP_FAILED && rx != MAP_FAILED);
    for (unsigned i = 0; i < 500; i++) {
        put(rw + 4092, rx + 4092, i); /* over the edge of two pages */
        EQUAL(((function)(rx + 4092))(), i);
    }
}

static void mapped_anew(void)
{
    char *p = guest_pages(3 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (unsigned i = 0; i < 50; i++) {
        put(p, p, 2 * i);
        EQUAL(((function)p)(), 2 * i);
        CHECK(munmap(p, 4096) == 0);
        CHECK(mmap(p, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                   0) == p);
        uint32_t code[2] = {0x52800000 | (2 * i + 1) << 5, 0xd65f03c0};
        memcpy(p, code, sizeof code);
        CHECK(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
        EQUAL(((function)p)(), 2 * i + 1);
        CHECK(mprotect(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
    }
    /* moved code runs where it is now */
    put(p + 4096, p + 4096, 77);
    EQUAL(((function)(p + 4096))(), 77);
    char *q = mremap(p + 4096, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, p);
    CHECK(q == p && ((function)p)() == 77);
}

static volatile uintptr_t faulted;
static void on_fault(int sig, siginfo_t *si, void *context)
{
    ucontext_t *uc = context;
    EQUAL(sig, SIGSEGV);
    EQUAL(si->si_code, SEGV_ACCERR);
    faulted = (uintptr_t)si->si_addr;
    uc->uc_mcontext.pc = uc->uc_mcontext.regs[30];
}
static void no_longer_executable(void)
{
    char *p = guest_pages(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    put(p, p, 5);
    EQUAL(((function)p)(), 5);
    CHECK(mprotect(p, 4096, PROT_READ) == 0);
    guest_handle(SIGSEGV, on_fault, 0);
    ((function)p)();
    EQUAL(faulted, (uintptr_t)p);
    CHECK(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
    EQUAL(((function)p)(), 5);
}

/* A routine that changes the instruction behind its own call. */
static void changes_itself(void)
{
    uint32_t *p = guest_pages(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    static const uint32_t code[] = {
        0x10000141, /*  0: adr x1, 40 */
        0xb9400022, /*  4: ldr w2, [x1] */
        0x10000083, /*  8: adr x3, 24 */
        0xb9000062, /* 12: str w2, [x3] */
        0xd50b7b23, /* 16: dc cvau, x3 */
        0x14000004, /* 20: b 36: the rest of the synchronisation, then 24 */
        0x52800020, /* 24: mov w0, #1, becomes #9 */
        0xd65f03c0, /* 28: ret */
        0xd503201f, /* 32: nop */
        0x14000003, /* 36: b 48 */
        0x52800120, /* 40: mov w0, #9 */
        0xd503201f, /* 44: nop */
        0xd5033b9f, /* 48: dsb ish */
        0xd50b7523, /* 52: ic ivau, x3 */
        0xd5033b9f, /* 56: dsb ish */
        0xd5033fdf, /* 60: isb */
        0x17fffff6, /* 64: b 24 */
    };
    for (int i = 0; i < 20; i++) {
        memcpy(p, code, sizeof code);
        sync_code(p, sizeof code);
        EQUAL(((function)(p + 6))(), 1);
        EQUAL(((function)p)(), 9);
    }
}

static char *target;
static volatile int stop;
static void *call_it(void *arg)
{
    int last = 0;
    (void)arg;
    while (!stop) {
        int now = ((function)__atomic_load_n(&target, __ATOMIC_ACQUIRE))();
        if (now < last)
            printf("%d after %d\n", now, last);
        last = now;
    }
    return NULL;
}
static void between_threads(void)
{
    pthread_t t;
    char *p = guest_pages(16 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    put(p, p, 0);
    target = p;
    pthread_create(&t, NULL, call_it, NULL);
    for (unsigned i = 1; i < 3000; i++) {
        char *at = p + (i % 1000) * 64;
        if (at == target)
            continue;
        put(at, at, i);
        __atomic_store_n(&target, at, __ATOMIC_RELEASE);
        if (i % 100 == 0)
            usleep(100);
    }
    stop = 1;
    pthread_join(t, NULL);
}

int main(void)
{
    rewritten();
    two_views();
    mapped_anew();
    no_longer_executable();
    changes_itself();
    between_threads();
    return guest_done();
}
