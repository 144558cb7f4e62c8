// SPDX-License-Identifier: Apache-2.0
// Until there is no more: descriptors, address space, mappings, data, stack, processes, file size.
// Calls fail as they should, code that was never run before runs, and children and threads come or
// do not.
#include "guest.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static volatile int zero;

static void limit(int what, rlim_t value)
{
    struct rlimit r;
    CHECK(getrlimit(what, &r) == 0);
    r.rlim_cur = value;
    CHECK(setrlimit(what, &r) == 0);
}

/* Code that nothing ran before, a different piece for each n. */
static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}
static void new_code(int n)
{
    char text[200];
    int numbers[40];
    for (int k = 0; k < 40; k++)
        numbers[k] = (k * 17 + n) % 41;
    switch (n % 4) {
    case 0:
        qsort(numbers, 40, sizeof *numbers, compare);
        CHECK(numbers[0] <= numbers[39]);
        break;
    case 1:
        snprintf(text, sizeof text, "%.20g %a %ls", sin(n + zero), exp(n + zero), L"wide");
        CHECK(strlen(text) > 20);
        break;
    case 2:
        CHECK(strtod("1e-310", NULL) > 0 && lgamma(4.0 + zero) > 1.7);
        break;
    case 3:
        CHECK(sscanf("12 0x1f 3.5", "%d %i %f", &numbers[0], &numbers[1], (float *)&numbers[2]) ==
              3);
        break;
    }
}

static void *nothing(void *p)
{
    return p;
}

/* A thread and a child, where they can be had. */
static void others(int n)
{
    pthread_t t;
    if (pthread_create(&t, NULL, nothing, NULL) == 0)
        pthread_join(t, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        new_code(n);
        _exit(3);
    }
    int status = 0;
    if (pid > 0)
        CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void no_descriptors(void)
{
    limit(RLIMIT_NOFILE, 40);
    while (dup(0) >= 0)
        ;
    EQUAL(errno, EMFILE);
    CHECK(open("/proc/self/maps", O_RDONLY) == -1 && errno == EMFILE);
    CHECK(open("/proc/self/exe", O_RDONLY) == -1);
    EQUAL(errno, EMFILE);
    char path[400];
    CHECK(readlink("/proc/self/exe", path, sizeof path) > 0);
    new_code(0);
    others(1);
}

static void no_address_space(void)
{
    for (size_t n = (size_t)1 << 46; n >= 4096; n /= 2)
        while (mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) !=
               MAP_FAILED)
            ;
    EQUAL(errno, ENOMEM);
    new_code(1);
    others(2);
    limit(RLIMIT_AS, 4096);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == ENOMEM);
    new_code(2);
    others(3);
}

static void no_mappings(void)
{
    unsigned n = 0;
    char *p = guest_pages(5 * 4096, PROT_READ | PROT_WRITE);
    mmap(p + 5 * 4096, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    while (mmap(NULL, 4096, n & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED)
        n++;
    EQUAL(errno, ENOMEM);
    CHECK(n > 30000);
    /* changes that need more */
    for (int k = 0; k < 20; k++) {
        mprotect(p + 4096 * (k % 5), 4096, PROT_READ | PROT_EXEC);
        mremap(p + 4096 * (k % 5), 4096, 2 * 4096, MREMAP_MAYMOVE);
        munmap(p + 4096 * (k % 5), 4096);
        mmap(p + 4096 * (k % 5), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    }
    new_code(3);
    others(0);
}

static void no_data(void)
{
    limit(RLIMIT_DATA, 0);
    CHECK(sbrk(1 << 20) == (void *)-1 && errno == ENOMEM);
    new_code(0);
    others(1);
}

static void no_memory_locked(void)
{
    limit(RLIMIT_MEMLOCK, 0);
    mlockall(MCL_FUTURE | MCL_CURRENT);
    new_code(1);
    others(2);
}

static void no_processes(void)
{
    limit(RLIMIT_NPROC, 0);
    if (geteuid() != 0)
        CHECK(fork() == -1 && errno == EAGAIN);
    new_code(2);
    others(3);
}

static void no_file_size(void)
{
    char text[64];
    limit(RLIMIT_FSIZE, 0);
    int fd = open("/proc/self/maps", O_RDONLY);
    CHECK(fd >= 0 && read(fd, text, sizeof text) > 10);
    close(fd);
    fd = open("/proc/cpuinfo", O_RDONLY);
    CHECK(fd >= 0 && read(fd, text, sizeof text) > 10);
}

static void no_executable_memory(void)
{
    prctl(65 /* PR_SET_MDWE */, 1, 0, 0, 0);
    new_code(3);
    others(0);
}

__attribute__((noinline)) static int down(int n)
{
    volatile char room[1000];
    room[0] = (char)n;
    return n == zero ? 0 : down(n + 1) + room[0];
}
static char alternate[65536];
static volatile int overflows;
static void overflow(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    overflows = 1;
    pthread_exit(NULL);
}
static void *in_thread(void *p)
{
    stack_t ss = {.ss_sp = alternate, .ss_size = sizeof alternate};
    CHECK(sigaltstack(&ss, NULL) == 0);
    down(1);
    return p;
}
static void no_stack(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        limit(RLIMIT_STACK, 65536);
        _exit(down(1)); /* no alternate stack: the end */
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    static const uintptr_t stacks[] = {0, 8, 1ul << 47, 1ul << 63, ~15ul, 0x7fffffffe000};
    for (size_t k = 0; k < sizeof stacks / sizeof *stacks; k++) {
        if ((pid = fork()) == 0) {
            guest_handle(SIGUSR1, overflow, 0);
            /* kill(getpid(), SIGUSR1) without a stack */
            __asm__ volatile(
                "mov sp, %0\n\tmov x8, #172\n\tsvc #0\n\tmov x1, #10\n\tmov x8, #129\n\tsvc #0"
                :
                : "r"(stacks[k])
                : "x0", "x1", "x8");
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
              WTERMSIG(status) == SIGSEGV);
    }
    pthread_t t;
    pthread_attr_t a;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 131072);
    guest_handle(SIGSEGV, overflow, SA_ONSTACK);
    CHECK(pthread_create(&t, &a, in_thread, NULL) == 0 && pthread_join(t, NULL) == 0);
    EQUAL(overflows, 1);
    signal(SIGSEGV, SIG_DFL);
}

int main(void)
{
    static void (*const cases[])(void) = {no_descriptors, no_address_space,     no_mappings,
                                          no_data,        no_memory_locked,     no_processes,
                                          no_file_size,   no_executable_memory, no_stack};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            cases[k]();
            fflush(stdout);
            _exit(5);
        }
        int status = 0;
        CHECK(waitpid(pid, &status, 0) == pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 5)
            printf("case %zu: status %#x\n", k, status);
    }
    return guest_done();
}
