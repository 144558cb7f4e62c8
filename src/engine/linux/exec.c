/* SPDX-License-Identifier: Apache-2.0
 *
 * execve and execveat.
 *
 * Two ways. In *kernel* mode an execve goes to the host as it is: a binfmt_misc rule starts the
 * engine again. Only what a close-on-exec descriptor leads to is started as in self mode, since the
 * kernel refuses to name it to an interpreter. In *self* mode (rt_options.exec_self: the engine was
 * started by hand and no rule need exist) a program of the guest's architecture becomes an argument
 * of the engine's own file, and "#!" is followed here, as the kernel would not find an interpreter
 * of the guest's. All else goes to the kernel in this mode, too: programs of the host's
 * architecture run, and what is refused is refused by it.
 *
 * The engine's own file is the path that it was started by (AT_EXECFN, made absolute then), if that
 * is still the same file, else /proc/self/exe: so a chroot without /proc works as well as a chroot
 * without the file. No descriptor is kept open for this.
 *
 * Left out: in self mode set-user-id bits do nothing, programs that cannot be read cannot be run,
 * and open writers do not make ETXTBSY.
 */
#include "engine/linux/thread.h"

#include "engine/rt/fmt.h"
#include "engine/rt/mem.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/stat.h>
#include <asm/unistd.h>
#include <elf.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { HEADER = 256, DEPTH = 5, ENGINE_ARGS = 16, PATH_LENGTH = 4096, X_OK = 1 };

struct exec {
    struct thread *thread; /* who calls */
    long dirfd;            /* of the path */
    const char *path;      /* the file; memory of ours */
    const char *name;      /* AT_EXECFN: as the kernel would say it */
    uint64_t flags;        /* AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW */
    const char **argv;     /* ours: a copy of the guest's, room in front */
    uint64_t argc;         /* without the NULL */
    uint64_t envp;         /* the guest's */
    long fd;               /* the program, opened for the next engine; -1: it opens the path */
    char fd_option[24];    /* --fd=N */
    char fd_path[PATH_LENGTH + 24]; /* /dev/fd/N[/path]: name of what a descriptor leads to */
    char own_path[PATH_LENGTH];     /* the guest's path */
    char dump_option[32];           /* --dump=STAGES */
    char limit_option[32];          /* --code-limit=MIB */
    char cosim_option[1040];        /* --cosim=FILE */
    char vary_option[32];           /* --vary=N */
    char line[DEPTH][HEADER];       /* scripts' first lines */
    char target[PATH_LENGTH];       /* what /proc/self/exe is to the guest */
};

/* ---- the engine's own file ---- */
static struct {
    char path[PATH_LENGTH]; /* absolute; "" when it is not known */
    uint64_t dev, ino;      /* of the file; ino 0: not known */
} engine;

void exec_remember_engine(const char *execfn)
{
    struct stat st;
    size_t n = strlen(execfn), base = 0;
    if (sys(__NR_stat, execfn, &st) == 0) {
        engine.dev = st.st_dev;
        engine.ino = st.st_ino;
    }
    if (strncmp(execfn, "/proc/", 6) == 0)
        return;
    if (*execfn != '/') {
        long got = sys(__NR_getcwd, engine.path, PATH_LENGTH);
        base = got > 0 ? (size_t)got - 1 : 0;
        if (got <= 0 || engine.path[0] != '/' || base + n + 2 > PATH_LENGTH) {
            engine.path[0] = 0;
            return;
        }
        engine.path[base++] = '/';
    }
    if (base + n + 1 <= PATH_LENGTH)
        memcpy(engine.path + base, execfn, n + 1);
}

static const char *engine_path(void)
{
    struct stat st, exe;
    bool same = engine.path[0] && sys(__NR_stat, engine.path, &st) == 0 &&
                st.st_dev == engine.dev && st.st_ino == engine.ino;
    /* a rule without flag P names the program where the engine's own name is expected */
    if (same && sys(__NR_stat, "/proc/self/exe", &exe) == 0)
        same = exe.st_dev == st.st_dev && exe.st_ino == st.st_ino;
    return same ? engine.path : "/proc/self/exe";
}

/* ---- what kind of file ---- */
static bool no_path(const struct exec *x)
{
    return x->flags & AT_EMPTY_PATH && !*x->path;
}

/* The descriptor of a regular file that may be executed, for reading; -errno. */
static long open_program(struct exec *x)
{
    struct stat st;
    uint64_t flags = x->flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
    long r = sys(__NR_newfstatat, x->dirfd, x->path, &st, flags);
    if (r < 0)
        return r;
    if ((st.st_mode & S_IFMT) != S_IFREG) /* the kernel knows what to say */
        return -ENOEXEC;
    r = sys(__NR_faccessat2, x->dirfd, x->path, X_OK, flags | AT_EACCESS);
    if (r == -ENOSYS)
        r = no_path(x) ? 0 : sys(__NR_faccessat, x->dirfd, x->path, X_OK);
    if (r < 0)
        return r;
    if (!no_path(x))
        return sys(__NR_openat, x->dirfd, x->path, O_RDONLY | O_CLOEXEC);
    char link[32]; /* it may be open for its path alone */
    fmt(link, sizeof(link), "/proc/self/fd/%d", (int)x->dirfd);
    r = sys(__NR_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
    return r == -ENOENT ? sys(__NR_fcntl, x->dirfd, F_DUPFD_CLOEXEC, 0) : r;
}

static bool is_guest(const uint8_t *header, long n)
{
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)header;
    return n >= (long)sizeof(*e) && memcmp(e->e_ident, ELFMAG, SELFMAG) == 0 &&
           e->e_ident[EI_CLASS] == ELFCLASS64 && e->e_ident[EI_DATA] == ELFDATA2LSB &&
           e->e_machine == EM_AARCH64 && (e->e_type == ET_EXEC || e->e_type == ET_DYN);
}

/* ---- arguments ---- */
static void push_front(struct exec *x, const char *argument)
{
    *--x->argv = argument;
    x->argc++;
}

static int64_t count(uint64_t argv)
{
    uint64_t p;
    for (int64_t n = 0; n < 1 << 22; n++) {
        if (!rt_guest_read(&p, argv + 8 * (uint64_t)n, sizeof(p)))
            return -EFAULT;
        if (!p)
            return n;
        if (linux_hidden(p, 1))
            return -EFAULT;
    }
    return -E2BIG;
}

/* They stay with the thread: a vfork child that succeeds leaves them to its parent to give back. */
static long copy_arguments(struct exec *x, uint64_t argv)
{
    struct thread *t = x->thread;
    uint64_t room = ENGINE_ARGS + 3 * DEPTH;
    size_t size = (x->argc + 1 + room) * sizeof(char *);
    const char **block = rt_pages_get(size);
    if (!block)
        return -ENOMEM;
    t->exec_block = block;
    t->exec_size = size;
    x->argv = block + room;
    return !x->argc || rt_guest_read(x->argv, argv, x->argc * sizeof(char *)) ? 0 : -EFAULT;
}

/* ---- "#! interpreter [argument]" ---- */
static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The line without "#!" and blanks around it; NULL: not a line that the kernel would take. */
static char *script_line(struct exec *x, unsigned depth, const uint8_t *header, long n)
{
    char *line = x->line[depth], *start = line;
    size_t k = 0;
    long i = 2;
    while (i < n && header[i] != '\n' && header[i])
        line[k++] = (char)header[i++];
    line[k] = 0;
    while (blank(*start))
        start++;
    if (i == HEADER) { /* cut off: the name must be whole */
        const char *c = start;
        while (*c && !blank(*c))
            c++;
        if (!*c)
            return NULL;
    }
    while (k && blank(line[k - 1]))
        line[--k] = 0;
    return *start ? start : NULL;
}

static bool follow_script(struct exec *x, unsigned depth, const uint8_t *header, long n)
{
    char *name = script_line(x, depth, header, n);
    if (!name)
        return false;
    char *argument = name;
    while (*argument && !blank(*argument))
        argument++;
    if (*argument)
        *argument++ = 0;
    while (blank(*argument))
        argument++;
    const char *script = depth ? x->path : x->name;
    if (x->argc)
        x->argv[0] = script;
    else
        push_front(x, script);
    if (*argument)
        push_front(x, argument);
    push_front(x, name);
    x->path = name;
    x->dirfd = AT_FDCWD;
    x->flags = 0;
    return true;
}

/* ---- a program of the guest's ---- */
static void push_options(struct exec *x)
{
    const struct rt_options *o = &rt_options;
    static const char *const stages[3] = {"insn", "ir", "code"};
    const bool on[3] = {o->dump_insn, o->dump_ir, o->dump_code};
    size_t n = 0;
    for (unsigned k = 0; k < 3; k++)
        if (on[k])
            n += fmt(x->dump_option + n, sizeof(x->dump_option) - n, "%s%s",
                     n ? "," : "--dump=", stages[k]);
    if (n)
        push_front(x, x->dump_option);
    if (o->code_chunks) {
        fmt(x->limit_option, sizeof(x->limit_option), "--code-limit=%d", (int)o->code_chunks);
        push_front(x, x->limit_option);
    }
    if (o->vary) {
        fmt(x->vary_option, sizeof(x->vary_option), "--vary=%d", (int)o->vary);
        push_front(x, x->vary_option);
    }
    if (o->perf_map)
        push_front(x, "--perf-map");
    if (o->cosim_file) {
        fmt(x->cosim_option, sizeof(x->cosim_option), "--cosim=%s", o->cosim_file);
        push_front(x, x->cosim_option);
    } else if (o->cosim) {
        push_front(x, "--cosim");
    }
    if (o->stats)
        push_front(x, "--stats");
    if (o->strace)
        push_front(x, "--strace");
    push_front(x, o->exec_self ? "--exec=self" : "--exec=kernel");
}

/* archway-engine OPTIONS --execfn name --file path -- argv...; fd is the program. */
static void through_engine(struct exec *x, long fd)
{
    if (no_path(x) || (x->dirfd != AT_FDCWD && *x->path != '/'))
        x->fd = sys(__NR_fcntl, fd, F_DUPFD, 3);
    if (!x->argc) /* as the kernel does it */
        push_front(x, "");
    push_front(x, "--");
    push_front(x, x->path);
    push_front(x, "--file");
    push_front(x, x->name);
    push_front(x, "--execfn");
    if (x->fd >= 0) {
        fmt(x->fd_option, sizeof(x->fd_option), "--fd=%d", (int)x->fd);
        push_front(x, x->fd_option);
    }
    push_options(x);
    push_front(x, "archway-engine");
    x->path = engine_path();
    x->dirfd = AT_FDCWD;
    x->flags = 0;
}

/* Change x to what the host is to execute. Whatever is wrong with a file is for the kernel to tell.
 */
static long choose(struct exec *x)
{
    uint8_t header[HEADER];
    for (unsigned depth = 0;; depth++) {
        long fd = open_program(x);
        if (fd < 0)
            return 0;
        long n = sys(__NR_pread64, fd, header, HEADER, 0);
        bool guest = is_guest(header, n);
        if (guest)
            through_engine(x, fd);
        sys(__NR_close, fd);
        if (!rt_options.exec_self) /* scripts are refused on all machines */
            return 0;
        if (guest || n < 3 || header[0] != '#' || header[1] != '!')
            return 0;
        if (depth == DEPTH)
            return -ELOOP;
        if (!follow_script(x, depth, header, n))
            return -ENOEXEC;
    }
}

/* Is the name that an interpreter would get, /dev/fd/N, gone once the exec is done? */
static bool name_closes(const struct exec *x)
{
    if (x->dirfd == AT_FDCWD || *x->path == '/')
        return false;
    long flags = sys(__NR_fcntl, x->dirfd, F_GETFD);
    return flags >= 0 && flags & FD_CLOEXEC;
}

/* ---- the call ---- */
static bool names_engine(const struct exec *x)
{
    struct stat st;
    return sys(__NR_newfstatat, x->dirfd, x->path, &st, 0) == 0 &&
           linux_proc_engine(st.st_mode, st.st_dev, st.st_ino);
}

static long execute(struct cpu *cpu, struct exec *x, uint64_t path, uint64_t argv)
{
    struct thread *t = thread_of(cpu);
    uint64_t args[6] = {0, 0, argv, x->envp, 0};
    long r = 0;
    if (names_engine(x) && linux_proc_target(x->dirfd, path, x->target, PATH_LENGTH) > 0) {
        x->path = x->target;
        x->dirfd = AT_FDCWD;
    }
    if (rt_options.exec_self || name_closes(x)) {
        r = copy_arguments(x, argv);
        if (r == 0)
            r = choose(x);
        args[2] = (uint64_t)(uintptr_t)x->argv;
    }
    if (r < 0)
        return r;
    args[0] = (uint64_t)x->dirfd;
    args[1] = (uint64_t)(uintptr_t)x->path;
    args[4] = x->flags;
    signal_exec_prepare(t);
    r = linux_host_syscall(cpu, __NR_execveat, args);
    signal_exec_failed(t);
    return r;
}

/* What the program is called, and our own copy of its path. */
static long take_path(struct exec *x, uint64_t path)
{
    int64_t n = rt_guest_strlen(path, PATH_LENGTH);
    if (n < 0 || n == PATH_LENGTH)
        return n < 0 ? -EFAULT : -ENAMETOOLONG;
    if (!rt_guest_read(x->own_path, path, (size_t)n + 1))
        return -EFAULT;
    x->own_path[n] = 0; /* whoever changes it meanwhile */
    x->path = x->name = x->own_path;
    if (!no_path(x) && (x->dirfd == AT_FDCWD || *x->path == '/' || !*x->path))
        return 0;
    fmt(x->fd_path, sizeof(x->fd_path), *x->path ? "/dev/fd/%d/%s" : "/dev/fd/%d", (int)x->dirfd,
        x->path);
    x->name = x->fd_path;
    return 0;
}

static long execute_and_clean(struct cpu *cpu, struct exec *x, uint64_t path, uint64_t argv)
{
    x->argc = 0;
    x->fd = -1;
    int64_t n = argv ? count(argv) : 0, m = x->envp ? count(x->envp) : 0;
    long r = take_path(x, path);
    if (r < 0)
        return r;
    if (n < 0 || m < 0)
        return n < 0 ? n : m;
    x->argc = (uint64_t)n;
    x->thread = thread_of(cpu);
    r = execute(cpu, x, path, argv);
    if (x->fd >= 0)
        sys(__NR_close, x->fd);
    thread_drop_exec(x->thread);
    return r;
}

SYSCALL(execve)
{
    struct exec x;
    x.dirfd = AT_FDCWD;
    x.flags = 0;
    x.envp = a[2];
    return execute_and_clean(cpu, &x, a[0], a[1]);
}

SYSCALL(execveat)
{
    struct exec x;
    x.dirfd = (int)a[0];
    x.flags = a[4];
    x.envp = a[3];
    return execute_and_clean(cpu, &x, a[1], a[2]);
}
