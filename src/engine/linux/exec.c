/* SPDX-License-Identifier: Apache-2.0
 *
 * execve and execveat.
 *
 * Two ways (rt_options.exec_self): the kernel's, where a binfmt_misc rule starts the engine again; or our own, for
 * machines and containers without a rule: a program of the guest's architecture is started as argument
 * of the engine's own file, which the kernel finds as /proc/self/exe whatever the root is; scripts are
 * followed here. Programs of other architectures always go to the kernel.
 */
#include "engine/linux/thread.h"

#include "engine/rt/mem.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <elf.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/unistd.h>

enum { HEADER = 256, DEPTH = 4, EXTRA = 12, PATH_LENGTH = 4096 };

struct exec {
    long dirfd;             /* of the path */
    const char *path;       /* the file */
    uint64_t flags;         /* AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW */
    const char **argv;      /* in memory of ours */
    uint64_t argc;          /* without the NULL */
    uint64_t envp;          /* the guest's */
    char line[DEPTH][HEADER]; /* interpreters' names and arguments */
    size_t bytes;           /* of argv's memory */
};

/* ---- which way ---- */
static long read_header(const struct exec *x, uint8_t *header)
{
    long fd;
    if (x->flags & AT_EMPTY_PATH && !*x->path)
        fd = sys(__NR_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
    else
        fd = sys(__NR_openat, x->dirfd, x->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fd;
    long n = sys(__NR_pread64, x->flags & AT_EMPTY_PATH && !*x->path ? x->dirfd : fd, header, HEADER, 0);
    sys(__NR_close, fd);
    return n;
}

static bool is_guest(const uint8_t *h, long n)
{
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)h;
    return n >= (long)sizeof(*e) && memcmp(e->e_ident, ELFMAG, SELFMAG) == 0 &&
           e->e_ident[EI_CLASS] == ELFCLASS64 && e->e_ident[EI_DATA] == ELFDATA2LSB &&
           e->e_machine == EM_AARCH64;
}

/* Room for more arguments in front. */
static void push_front(struct exec *x, const char *argument)
{
    for (uint64_t k = x->argc + 1; k-- > 0;)
        x->argv[k + 1] = x->argv[k];
    x->argv[0] = argument;
    x->argc++;
}

/* "#! interpreter [argument]": the script's path takes argv[0]'s place. */
static bool follow_script(struct exec *x, unsigned depth, const uint8_t *header, long n)
{
    char *line = x->line[depth];
    size_t k = 0;
    for (long i = 2; i < n && i < HEADER && header[i] != '\n'; i++)
        line[k++] = (char)header[i];
    while (k && (line[k - 1] == ' ' || line[k - 1] == '\t' || line[k - 1] == '\r'))
        k--;
    line[k] = 0;
    char *p = line;
    while (*p == ' ' || *p == '\t')
        p++;
    if (!*p)
        return false;
    char *argument = p;
    while (*argument && *argument != ' ' && *argument != '\t')
        argument++;
    if (*argument)
        *argument++ = 0;
    while (*argument == ' ' || *argument == '\t')
        argument++;
    if (x->argc)
        x->argv[0] = x->path;
    else
        push_front(x, x->path);
    if (*argument)
        push_front(x, argument);
    push_front(x, p);
    x->path = p;
    x->dirfd = AT_FDCWD;
    x->flags = 0;
    return true;
}

/* archway-engine [options] -0 argv[0] path argv[1]... */
static void through_engine(struct exec *x)
{
    const char *name = x->argc ? x->argv[0] : "";
    if (x->argc)
        x->argv[0] = x->path;
    else
        push_front(x, x->path);
    push_front(x, name);
    push_front(x, "-0");
    if (rt_options.strace)
        push_front(x, "--strace");
    if (rt_options.stats)
        push_front(x, "--stats");
    push_front(x, "--exec=self");
    push_front(x, "archway-engine");
    x->path = "/proc/self/exe";
    x->dirfd = AT_FDCWD;
    x->flags = 0;
}

static long may_execute(const struct exec *x)
{
    return sys(__NR_faccessat2, x->dirfd, x->path, 1, 0x200 | (x->flags & AT_EMPTY_PATH)); /* X_OK, AT_EACCESS */
}

static long choose(struct exec *x)
{
    uint8_t header[HEADER];
    for (unsigned depth = 0; rt_options.exec_self; depth++) {
        long n = read_header(x, header);
        if (n < 0)
            return 0; /* unreadable, or not there: the kernel tells */
        long r = may_execute(x);
        if (r < 0)
            return r;
        if (is_guest(header, n)) {
            if (x->flags & AT_EMPTY_PATH && !*x->path)
                return 0;
            through_engine(x);
            return 0;
        }
        if (n < 3 || header[0] != '#' || header[1] != '!')
            return 0;
        if (depth == DEPTH)
            return -ELOOP;
        if (!follow_script(x, depth, header, n))
            return -ENOEXEC;
    }
    return 0;
}

/* ---- arguments ---- */
static int64_t count(uint64_t argv)
{
    uint64_t p;
    for (int64_t n = 0; n < 1 << 22; n++) {
        if (!rt_guest_read(&p, argv + 8 * (uint64_t)n, 8))
            return -EFAULT;
        if (!p)
            return n;
    }
    return -E2BIG;
}

static long copy_arguments(struct exec *x, uint64_t argv)
{
    int64_t n = argv ? count(argv) : 0;
    if (n < 0)
        return n;
    x->bytes = ((uint64_t)n + 1 + EXTRA + 3 * DEPTH) * sizeof(char *);
    x->argv = rt_pages_get(x->bytes);
    if (!x->argv)
        return -ENOMEM;
    x->argc = (uint64_t)n;
    if (n && !rt_guest_read(x->argv, argv, (uint64_t)n * 8))
        return -EFAULT;
    for (int64_t k = 0; k < n; k++)
        if (rt_window_has((uint64_t)(uintptr_t)x->argv[k], 1))
            return -EFAULT;
    return 0;
}

static long execute(struct cpu *cpu, struct exec *x, uint64_t argv)
{
    struct thread *t = thread_of(cpu);
    char byte;
    if (!rt_guest_read(&byte, (uint64_t)(uintptr_t)x->path, 1))
        return -EFAULT;
    if (rt_window_has(x->envp, 8))
        return -EFAULT;
    char program[PATH_LENGTH]; /* of PROC/exe, which leads to the engine */
    if (!(x->flags & AT_SYMLINK_NOFOLLOW) &&
        linux_proc_target(x->dirfd, (uint64_t)(uintptr_t)x->path, program, sizeof(program)) > 0)
        x->path = program;
    x->argv = NULL;
    long r = copy_arguments(x, argv);
    if (r == 0)
        r = choose(x);
    if (r == 0) {
        rt_stats_print();
        signal_before_exec(t);
        r = sys(__NR_execveat, x->dirfd, x->path, x->argv, x->envp, x->flags);
        signal_exec_failed(t);
    }
    if (x->argv)
        rt_pages_put(x->argv, x->bytes);
    return r;
}

SYSCALL(execve)
{
    struct exec x = {
        .dirfd = AT_FDCWD, .path = (const char *)(uintptr_t)a[0], .envp = a[2]};
    return execute(cpu, &x, a[1]);
}

SYSCALL(execveat)
{
    struct exec x = {.dirfd = (int)a[0],
                     .path = (const char *)(uintptr_t)a[1],
                     .envp = a[3],
                     .flags = a[4]};
    return execute(cpu, &x, a[2]);
}
