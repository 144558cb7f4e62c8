// SPDX-License-Identifier: Apache-2.0
// qemu: tells EINVAL for madvise of what is not mapped
// Memory mappings: protections and their faults, a handler that makes pages as they are touched,
// MAP_FIXED and its careful kin, files, mremap, madvise, brk, and what must be refused.
#include "guest.h"
#include <sys/syscall.h>
#include <sys/uio.h>

static char *lazy;
static volatile int faults;

static void make_page(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)context;
    char *page = (char *)((uintptr_t)si->si_addr & ~4095ul);
    faults++;
    if (page < lazy || page >= lazy + 64 * 4096 ||
        mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0)
        _exit(99);
}

static void touching(void)
{
    lazy = guest_pages(64 * 4096, PROT_NONE);
    guest_handle(SIGSEGV, make_page, 0);
    for (int i = 0; i < 64; i += 2)
        lazy[i * 4096 + i] = (char)i;
    EQUAL(faults, 32);
    /* over the edge of two pages that are not there: both come */
    *(volatile uint64_t *)(lazy + 2 * 4096 - 3) = 0x1122334455667788;
    EQUAL(faults, 33);
    EQUAL(*(volatile uint32_t *)(lazy + 2 * 4096 - 3 + 4), 0x11223344);
    memset(lazy, 3, 64 * 4096);
    EQUAL(faults, 64);
    /* the kernel does not call the handler: the call fails */
    char *none = guest_pages(4096, PROT_NONE);
    CHECK(write(1, none, 1) == -1 && errno == EFAULT);
    struct iovec v = {none, 1};
    CHECK(writev(1, &v, 1) == -1 && errno == EFAULT);
    EQUAL(faults, 64);
    munmap(none, 4096);
}

static void fixed(void)
{
    char *p = guest_pages(8 * 4096, PROT_READ | PROT_WRITE);
    memset(p, 1, 8 * 4096);
    CHECK(mmap(p + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
          p + 4096);
    CHECK(p[4096] == 0 && p[4095] == 1 && p[8192] == 1);
    CHECK(mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
              MAP_FAILED &&
          errno == EEXIST);
    CHECK(munmap(p + 3 * 4096, 4096) == 0);
    CHECK(mmap(p + 3 * 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
               0) == p + 3 * 4096);
    CHECK(munmap(p + 1, 4096) == -1 && errno == EINVAL);
    CHECK(mprotect(p, 0, PROT_READ) == 0 && mprotect(p + 8, 4096, PROT_READ) == -1 &&
          errno == EINVAL);
    munmap(p, 8 * 4096);
    CHECK(mprotect(p, 4096, PROT_READ) == -1 && errno == ENOMEM);
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == EINVAL);
    CHECK(madvise(p, 4096, MADV_DONTNEED) == -1 && errno == ENOMEM);
}

static void files(void)
{
    char path[] = "/tmp/guest-mapping.XXXXXX", text[16];
    int fd = mkstemp(path);
    CHECK(fd >= 0 && unlink(path) == 0 && ftruncate(fd, 3 * 4096) == 0);
    char *a = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *b = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 2 * 4096);
    char *c = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 2 * 4096);
    strcpy(a + 2 * 4096, "shared");
    CHECK(strcmp(b, "shared") == 0 && strcmp(c, "shared") == 0);
    strcpy(c, "own");
    CHECK(strcmp(b, "shared") == 0 && pread(fd, text, 7, 2 * 4096) == 7 &&
          strcmp(text, "shared") == 0);
    CHECK(msync(a, 4096, MS_SYNC) == 0);
    CHECK(madvise(c, 4096, MADV_DONTNEED) == 0 && strcmp(c, "shared") == 0);
}

static void moving(void)
{
    char *p = guest_pages(2 * 4096, PROT_READ | PROT_WRITE), *q;
    strcpy(p + 4096, "moves");
    q = mremap(p, 2 * 4096, 64 * 4096, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && strcmp(q + 4096, "moves") == 0 && q[63 * 4096] == 0);
    CHECK(mremap(q, 64 * 4096, 4096, 0) == q);
    CHECK(mprotect(q + 4096, 4096, PROT_READ) == -1 && errno == ENOMEM);
    char *to = guest_pages(4096, PROT_NONE);
    q[5] = 'x';
    CHECK(mremap(q, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to && to[5] == 'x');
    /* several are not moved, but what is cut off leaves several as they are */
    p = guest_pages(4 * 4096, PROT_READ | PROT_WRITE);
    mprotect(p + 4096, 4096, PROT_READ | PROT_EXEC);
    mprotect(p + 2 * 4096, 4096, PROT_READ);
    q = guest_pages(2 * 4096, PROT_NONE);
    CHECK(mremap(p, 2 * 4096, 2 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, q) == MAP_FAILED &&
          errno == EFAULT);
    CHECK(mremap(p + 4096, 2 * 4096, 4 * 4096, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
    CHECK(mremap(p, 4 * 4096, 3 * 4096, 0) == p);
    CHECK(((int (*)(void))memcpy(p, (const uint32_t[2]){0x52800540, 0xd65f03c0}, 8)) == (void *)p);
    mprotect(p, 4096, PROT_READ | PROT_EXEC); /* joins the second, does not reach the third */
    __builtin___clear_cache(p, p + 8);
    EQUAL(((int (*)(void))p)(), 42);
}

static void heap(void)
{
    char *start = sbrk(0);
    CHECK(sbrk(10 * 4096) == start && sbrk(0) == start + 10 * 4096);
    memset(start, 5, 10 * 4096);
    CHECK(sbrk(-5 * 4096) == start + 10 * 4096 && start[4096] == 5);
    CHECK(sbrk(5 * 4096) == start + 5 * 4096 && start[9 * 4096] == 0);
    /* the system call tells where the end still is; the libc's function would not see it */
    CHECK(syscall(SYS_brk, 16) == (long)(start + 10 * 4096));
}

int main(void)
{
    touching();
    fixed();
    files();
    moving();
    heap();
    return guest_done();
}
