/* SPDX-License-Identifier: Apache-2.0
 *
 * Random system calls with random arguments, in children that may die of them: the engine must not.
 * It tells of a bug of its own by a line on standard error, which the harness does not expect, or
 * by a hang. Argument: the seed; a second one: how many children.
 *
 * Left out are calls that would reach beyond the children and their folder: signals to others,
 * mounts, clocks, reboot. They need root in any case, and should not be run as root.
 */
// args: 1 30
#include "guest.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { CALLS = 452, PER_CHILD = 300, POOL = 48 };

static uint64_t state;
static uint64_t pool[POOL];

static uint64_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 31;
}

static bool left_out(unsigned nr)
{
    switch (nr) {
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_rt_sigqueueinfo:
    case SYS_rt_tgsigqueueinfo:
    case SYS_pidfd_send_signal:
    case SYS_reboot:
    case SYS_vhangup:
    case SYS_setpgid: /* would leave the harness's process group */
    case SYS_setsid:
    case SYS_ioctl: /* the terminal is not ours */
    case SYS_clone: /* children without end */
    case SYS_clone3:
    case SYS_execve:
    case SYS_execveat:
    case SYS_close: /* the folder's descriptors stay */
    case SYS_close_range:
    case SYS_dup3:
    case SYS_rt_sigreturn:  /* nothing on the stack is meant for it */
    case SYS_rt_sigsuspend: /* wait for ever */
    case SYS_prctl:         /* PR_SET_PDEATHSIG and the like */
    case SYS_setrlimit:
    case SYS_prlimit64:
    case SYS_setitimer:
        return true;
    default:
        return false;
    }
}

static char *folder;

static void fill_pool(void)
{
    unsigned n = 0;
    char *page = guest_pages(3 * 4096, PROT_READ | PROT_WRITE);
    munmap(page + 4096, 4096);
    char *shared =
        mmap(NULL, 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(page, "x");
    static uint64_t words[64] = {1, 2, 3};
    const uint64_t fixed[] = {0,
                              1,
                              2,
                              3,
                              4,
                              5,
                              7,
                              8,
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
                              0x7ffffffff000};
    for (unsigned k = 0; k < sizeof fixed / sizeof *fixed; k++)
        pool[n++] = fixed[k];
    pool[n++] = (uintptr_t)page;
    pool[n++] = (uintptr_t)page + 4095;
    pool[n++] = (uintptr_t)page + 4096;
    pool[n++] = (uintptr_t)page + 8192 + 4;
    pool[n++] = (uintptr_t)shared;
    pool[n++] = (uintptr_t)shared + 4096;
    pool[n++] = (uintptr_t)words;
    pool[n++] = (uintptr_t)folder;
    pool[n++] = (uintptr_t)&n;
    pool[n++] = (uintptr_t) "/proc/self/maps";
    pool[n++] = (uintptr_t) "/proc/self/exe";
    while (n < POOL) /* around what was mapped last: where an emulator might keep its own */
        pool[n++] = ((uintptr_t)page & ~0xfffull) - (next() % 0x12000) * 4096;
}

static uint64_t argument(void)
{
    uint64_t v = pool[next() % POOL];
    if (next() % 8 == 0)
        v ^= 1ull << (next() % 64);
    return next() % 16 == 0 ? next() << 32 ^ next() : v;
}

static void limits(void)
{
    const struct rlimit cpu = {2, 2}, size = {1 << 20, 1 << 20}, space = {1ull << 31, 1ull << 31};
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_FSIZE, &size);
    setrlimit(RLIMIT_AS, &space);
    alarm(3);
}

/* What children write on 0 to 2 goes to a file, and is looked through for the engine's word. */
static const char log_name[] = "log";

static void redirect(void)
{
    int fd = open(log_name, O_RDWR | O_CREAT | O_APPEND, 0600);
    for (int k = 0; k < 3; k++)
        dup3(fd, k, 0);
}

/* "engine: bug", each letter one up: children write out our own memory, too. */
static const char coded[] = "fohjof;!cvh";

static bool tells(const char *at)
{
    for (size_t k = 0; k < sizeof coded - 1; k++)
        if (at[k] + 1 != coded[k])
            return false;
    return true;
}

static void search_log(void)
{
    static char text[1 << 20];
    int fd = open(log_name, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    for (ssize_t k = 0; k + (ssize_t)sizeof coded < n; k++)
        if (tells(text + k))
            printf("%.200s\n", text + k);
    memset(text, 0, sizeof text);
    CHECK(unlink(log_name) == 0);
    close(fd);
}

static void child(void)
{
    limits();
    fill_pool();
    redirect();
    for (int fd = 3; fd < 6; fd++)
        dup3(open("/dev/zero", O_RDWR), fd, 0);
    for (unsigned k = 0; k < PER_CHILD; k++) {
        unsigned nr = (unsigned)(next() % CALLS);
        if (left_out(nr))
            continue;
        /* what blocks is cut short by the alarm */
        syscall(nr, argument(), argument(), argument(), argument(), argument(), argument());
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    unsigned children = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
    char name[] = "calls.XXXXXX";
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    folder = mkdtemp(name);
    if (geteuid() == 0 || !folder) {
        puts(geteuid() == 0 ? "done" : "no folder"); /* not as root */
        return 0;
    }
    if (chdir(folder) != 0)
        return 1;
    for (unsigned k = 0; k < children; k++) {
        state = seed * 1000003 + k;
        pid_t pid = fork();
        if (pid == 0) {
            child();
            _exit(1);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT);
        search_log();
    }
    /* files that the children made are few, and have the pool's one short name */
    unlink("x");
    rmdir("x");
    CHECK(chdir("..") == 0);
    rmdir(folder);
    return guest_done();
}
