/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest that does everything wrong: random bytes as code, random system calls, signals, mappings,
 * children, threads, exhaustion. Not to be run but by tools/engine-chaos, in namespaces of its own.
 *
 *     chaos SEED FIRST COUNT     children FIRST.. of that seed, one after the other
 *     chaos quit                 end at once (what children execute)
 *
 * The parent prints a line for each child that it starts ("child K") and for each that ended ("end
 * K STATUS"); what children find goes to descriptor 2. A child follows from seed and number; where
 * the kernel places things does not.
 */
#include "chaos.h"

#include "../guest/hidden.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACTS = 250, USER = 1000 };

struct chaos chaos;

/* Far from where the kernel puts things, and so from the engine: no arithmetic on these leads
 * there. */
static void *pages_at(uintptr_t at, unsigned n, int prot)
{
    void *p = mmap((void *)at, n * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (p == MAP_FAILED)
        _exit(3);
    return p;
}

/* Paths for the pool, away from our own variables: a child that changes those finds what is not so.
 */
static char *make_texts(void)
{
    static const char all[] = "/tmp/x\0/proc/self/maps\0/proc/self/exe\0/proc/self/mem";
    char *texts = pages_at(0x1400000000, 1, PROT_READ | PROT_WRITE);
    memcpy(texts, all, sizeof all);
    mprotect(texts, PAGE, PROT_READ);
    return texts;
}

static void fill_pool(uintptr_t low, uintptr_t high)
{
    const char *texts = make_texts(), *maps = strchr(texts, 0) + 1, *exe = strchr(maps, 0) + 1,
               *mem = strchr(exe, 0) + 1;
    struct dice *d = &chaos.dice;
    const uintptr_t data = (uintptr_t)chaos.data, code = (uintptr_t)chaos.code;
    const uint64_t fixed[] = {0,
                              1,
                              2,
                              3,
                              4,
                              5,
                              8,
                              11,
                              16,
                              64,
                              4095,
                              4096,
                              8192,
                              65536,
                              ~0ull,
                              (uint64_t)-100,
                              0x7fffffff,
                              0x80000000,
                              0xffffffff,
                              1ull << 46,
                              1ull << 47,
                              1ull << 48,
                              1ull << 63,
                              0xaa00000000000000,
                              0x7ffffffff000,
                              0xffffffffff600000,
                              data,
                              data + 8,
                              data + PAGE - 4,
                              data + PAGE,
                              data + 2 * PAGE - 1,
                              data + 2 * PAGE,
                              data + 3 * PAGE,
                              data + 4 * PAGE - 8,
                              data + 5 * PAGE,
                              data + PAGES * PAGE,
                              code,
                              code + PAGE,
                              code + PAGES * PAGE - 4,
                              (uintptr_t)texts,
                              (uintptr_t)maps,
                              (uintptr_t)exe,
                              (uintptr_t)mem};
    unsigned n = 0;
    for (; n < sizeof fixed / sizeof *fixed; n++)
        chaos.pool[n] = fixed[n];
    for (; n < POOL; n++) {
        if (chaos.attack && high > low)
            chaos.pool[n] = n % 4 == 0   ? low - dice_below(d, 64)
                            : n % 4 == 1 ? high - dice_below(d, 64)
                                         : low + dice_next(d) % (high - low);
        else
            chaos.pool[n] = dice_next(d) >> dice_below(d, 64);
    }
}

/* The same for what the kernel maps from here on: all that is free near the engine is taken. */
static void keep_off(uintptr_t low)
{
    const uintptr_t near = (uintptr_t)1 << 42;
    for (uintptr_t n = near; low && n >= PAGE;) {
        char *p = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            break;
        if ((uintptr_t)p + n <= low - near) {
            munmap(p, n);
            n /= 2;
        }
    }
}

static void make_memory(void)
{
    chaos.data = pages_at(0x1000000000, PAGES, PROT_READ | PROT_WRITE);
    chaos.code = pages_at(0x1200000000, PAGES + 1, PROT_READ | PROT_WRITE | PROT_EXEC);
    /* the data: two pages, a hole, one to read, none, a shared one, two more */
    munmap(chaos.data + 2 * PAGE, PAGE);
    mprotect(chaos.data + 3 * PAGE, PAGE, PROT_READ);
    mprotect(chaos.data + 4 * PAGE, PAGE, PROT_NONE);
    if (mmap(chaos.data + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        _exit(3);
}

static void limits(void)
{
    const struct rlimit cpu = {2, 3}, size = {1 << 20, 1 << 20}, none = {0, 0}, files = {256, 256};
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_FSIZE, &size);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_NOFILE, &files);
}

static void redirect(void)
{
    int fd = open("/dev/null", O_RDWR);
    dup2(fd, 0);
    dup2(fd, 1); /* it was the driver's */
    for (fd = 3; fd < 8; fd++)
        dup2(open(fd % 2 ? "/dev/zero" : "/tmp/file", O_RDWR | O_CREAT, 0600), fd);
}

static void child(uint64_t seed)
{
    uintptr_t low = 0, high = 0;
    chaos.dice.s = seed;
    chaos.attack = dice_below(&chaos.dice, 2);
    bool root = dice_below(&chaos.dice, 4) == 0, found = hidden_find(&low, &high);
    if (!found) {
        chaos_say("note: no hidden range", 0, 0);
        low = high = 0;
    }
    if (found)
        leak_init(low, high);
    make_memory();
    fill_pool(low, high);
    keep_off(low);
    low = high = 0;
    __asm__ volatile("" : "+r"(low), "+r"(high));
    limits();
    redirect();
    if (!root && (setgroups(0, NULL) != 0 || setgid(USER) != 0 || setuid(USER) != 0))
        _exit(3);
    if (prctl(PR_SET_DUMPABLE, 1) != 0) /* changing ids took it away, and /proc with it */
        _exit(3);
    chaos_install_handlers();
    for (unsigned k = 0; k < ACTS; k++) {
        unsigned what = dice_below(&chaos.dice, 100);
        if (what < 40)
            chaos_random_code(&chaos.dice);
        else if (what < 85)
            chaos_random_call(&chaos.dice);
        else
            chaos_random_play(&chaos.dice);
    }
    chaos_call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 0;
    uint64_t seed = strtoull(argv[1], NULL, 0);
    unsigned first = (unsigned)atoi(argv[2]), count = (unsigned)atoi(argv[3]);
    setvbuf(stdout, NULL, _IONBF, 0);
    for (unsigned k = first; k < first + count; k++) {
        printf("child %u\n", k);
        pid_t pid = fork();
        if (pid == 0) {
            child(seed * 1000003 + k);
            _exit(1);
        }
        if (pid < 0)
            return 2;
        int status = 0;
        while (waitpid(pid, &status, 0) != pid)
            if (errno != EINTR)
                return 2;
        kill(-1, SIGKILL); /* what it left behind: all in this namespace */
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        printf("end %u %d\n", k, status);
    }
    return 0;
}
