/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's start: by the kernel for a program of the guest's architecture (binfmt_misc), or by
 * hand:
 *
 *     archway-engine [--strace] [--stats] [--dump=STAGES] [--perf-map] [--code-limit=MIB]
 *                    [--vary=N] [--cosim[=FILE]] [--exec=self|kernel] [-0 ARGV0] PROGRAM [ARG]...
 *
 * --file PATH names the program's file where it is not argv[0]: what follows is then the guest's
 * argv as it lies on the stack, and so in /proc/PID/cmdline. --execfn is what AT_EXECFN says where
 * that is another. --fd=N says that N is the opened program, for programs without a path. --exec
 * tells who starts the programs that this one executes: the kernel by its rules, or the engine
 * itself (exec.c).
 *
 * By the kernel argv is: the engine, the program's path, (flag P) the original argv[0], arguments;
 * AT_EXECFD is the opened program (flags O, C). Options count only by hand, and never under
 * AT_SECURE.
 */
#include "engine/linux/thread.h"

#include "engine/rt/cosim.h"
#include "engine/rt/fmt.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>

struct linux_state linux_state;

enum { EXIT_CANNOT = 126, EXIT_NOT_FOUND = 127, PRESERVE_ARGV0 = 1 };

__attribute__((noreturn)) void linux_main(uint64_t *stack);

/* What the kernel told in the host's auxiliary vector. */
struct host_aux {
    uint64_t execfn; /* AT_EXECFN */
    uint64_t flags;  /* AT_FLAGS */
    uint64_t vdso;   /* AT_SYSINFO_EHDR, 0: none */
    long execfd;     /* AT_EXECFD, -1: none */
    bool secure;     /* AT_SECURE */
};

static __attribute__((noreturn)) void stop(int status)
{
    for (;;)
        sys(__NR_exit_group, status);
}

static const char *text(uint64_t at)
{
    return (const char *)(uintptr_t)at;
}

static struct host_aux read_aux(const uint64_t *auxv)
{
    struct host_aux h = {.execfd = -1};
    for (const uint64_t *a = auxv; a[0] != AT_NULL; a += 2) {
        switch (a[0]) {
        case AT_EXECFN:
            h.execfn = a[1];
            break;
        case AT_FLAGS:
            h.flags = a[1];
            break;
        case AT_EXECFD:
            h.execfd = (long)a[1];
            break;
        case AT_SYSINFO_EHDR:
            h.vdso = a[1];
            break;
        case AT_SECURE:
            h.secure = a[1] != 0;
            break;
        }
    }
    return h;
}

/* ---- options ---- */
static bool dump_stage(const char *name, size_t n)
{
    if (n == 4 && memcmp(name, "insn", n) == 0)
        rt_options.dump_insn = true;
    else if (n == 2 && memcmp(name, "ir", n) == 0)
        rt_options.dump_ir = true;
    else if (n == 4 && memcmp(name, "code", n) == 0)
        rt_options.dump_code = true;
    else
        return false;
    return true;
}

static bool dump_stages(const char *list)
{
    for (;;) {
        size_t n = 0;
        while (list[n] && list[n] != ',')
            n++;
        if (!dump_stage(list, n))
            return false;
        if (!list[n])
            return true;
        list += n + 1;
    }
}

static long number(const char *digits)
{
    long n = 0;
    while (*digits >= '0' && *digits <= '9' && n < 1 << 24)
        n = n * 10 + *digits++ - '0';
    return *digits ? -1 : n;
}

static bool option(const char *o)
{
    if (strcmp(o, "--strace") == 0)
        rt_options.strace = true;
    else if (strcmp(o, "--stats") == 0)
        rt_stats_start(), rt_options.stats = true;
    else if (strcmp(o, "--cosim") == 0)
        rt_options.cosim = true;
    else if (strncmp(o, "--cosim=", 8) == 0 && o[8])
        rt_options.cosim_file = o + 8;
    else if (strncmp(o, "--cosim-spoil=", 14) == 0)
        rt_options.cosim_spoil = o + 14;
    else if (strcmp(o, "--exec=self") == 0 || strcmp(o, "--exec=kernel") == 0)
        rt_options.exec_self = o[7] == 's';
    else if (strcmp(o, "--perf-map") == 0)
        rt_options.perf_map = true;
    else if (strncmp(o, "--code-limit=", 13) == 0 && number(o + 13) > 0)
        rt_options.code_chunks = (uint32_t)number(o + 13);
    else if (strncmp(o, "--vary=", 7) == 0 && number(o + 7) >= 0)
        rt_options.vary = (uint32_t)number(o + 7);
    else if (strncmp(o, "--dump=", 7) == 0)
        return dump_stages(o + 7);
    else
        return false;
    return true;
}

static __attribute__((noreturn)) void usage(void)
{
    fmt_err("usage: archway-engine [--strace] [--stats] [--dump=insn,ir,code] [--perf-map]"
            " [--code-limit=MIB] [--vary=N]\n       [--cosim[=FILE]] [--exec=self|kernel]"
            " [-0 ARGV0] PROGRAM [ARG]...\n");
    stop(2);
}

/* By hand: argv[1..] are options, the program, its arguments. */
static const char *by_hand(struct linux_start *s, struct host_aux *h)
{
    uint64_t *v = s->argv + 1, *end = s->argv + s->argc, argv0 = 0, file = 0, name = 0;
    for (; v < end && text(*v)[0] == '-' && !h->secure; v++) {
        if (strcmp(text(*v), "--") == 0) {
            v++;
            break;
        }
        if (strcmp(text(*v), "-0") == 0 && v + 1 < end)
            argv0 = *++v;
        else if (strcmp(text(*v), "--execfn") == 0 && v + 1 < end)
            name = *++v;
        else if (strcmp(text(*v), "--file") == 0 && v + 1 < end)
            file = *++v;
        else if (strncmp(text(*v), "--fd=", 5) == 0)
            h->execfd = number(text(*v) + 5);
        else if (!option(text(*v)))
            usage();
    }
    if (v == end)
        usage();
    const char *program = text(file ? file : *v);
    s->execfn = name ? name : (uint64_t)(uintptr_t)program;
    if (argv0)
        *v = argv0;
    s->argv = v;
    s->argc = (uint64_t)(end - v);
    return program;
}

static void start_cosim(void)
{
    if (rt_options.cosim_spoil && !cosim_set_spoil(rt_options.cosim_spoil))
        usage();
    rt_options.cosim = true;
    if (!cosim_init()) {
        fmt_err("archway-engine: no memory\n");
        stop(EXIT_CANNOT);
    }
}

/* By the kernel: with flag P the path stands before the original argv[0]. */
static const char *by_kernel(struct linux_start *s, const struct host_aux *h)
{
    if (s->argc < 2)
        usage();
    const char *program = text(s->argv[1]);
    unsigned skip = h->flags & PRESERVE_ARGV0 ? 2 : 1;
    if (s->argc < skip) /* cannot be: the kernel pushes what flag P promises */
        usage();
    s->argv += skip;
    s->argc -= skip;
    return program;
}

static int open_program(const char *path)
{
    long fd = sys(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return (int)fd;
    fmt_err("archway-engine: %s: %s\n", path,
            fd == -ENOENT || fd == -ENOTDIR ? "no such file" : "cannot be opened");
    stop(fd == -ENOENT || fd == -ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT);
}

static uint64_t text_end(uint64_t at)
{
    return at + strlen(text(at)) + 1;
}

/* Where arguments and environment are as text. */
static void find_texts(const struct linux_start *s)
{
    struct linux_state *l = &linux_state;
    uint64_t last = 0;
    for (uint64_t *e = s->envp; *e; e++)
        last = *e;
    l->arg_start = s->argc ? s->argv[0] : linux_state.mm.stack_top - 8;
    l->arg_end = s->argc ? text_end(s->argv[s->argc - 1]) : l->arg_start;
    if (l->arg_end < l->arg_start) /* -0 stands before what it replaces */
        l->arg_end = text_end(l->arg_start);
    l->env_start = last ? s->envp[0] : l->arg_end;
    l->env_end = last ? text_end(last) : l->env_start;
}

/* ps, top and /proc of the host show the guest's program, where the kernel lets us. */
static void tell_host(const char *program, bool named)
{
    const struct linux_state *l = &linux_state;
    const struct linux_program *p = &l->program;
    struct prctl_mm_map m = {.start_code = p->code_start,
                             .end_code = p->code_end,
                             .start_data = p->data_start,
                             .end_data = p->data_end,
                             .start_brk = p->brk,
                             .brk = p->brk,
                             .start_stack = l->mm.stack_top - 8,
                             .arg_start = l->arg_start,
                             .arg_end = l->arg_end,
                             .env_start = l->env_start,
                             .env_end = l->env_end,
                             .auxv = (__u64 *)(uintptr_t)l->auxv,
                             .auxv_size = (uint32_t)l->auxv_size,
                             .exe_fd = (uint32_t)-1};
    linux_state.named = sys(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, &m, sizeof(m), 0) == 0;
    if (named)
        return;
    const char *base = program;
    for (const char *c = program; *c; c++)
        if (*c == '/')
            base = c + 1;
    sys(__NR_prctl, PR_SET_NAME, base);
}

static void remember_path(int fd)
{
    char link[32], *path = linux_state.program_path;
    fmt(link, sizeof(link), "/proc/self/fd/%d", fd);
    long n = sys(__NR_readlink, link, path, sizeof(linux_state.program_path));
    path[n > 0 && n < (long)sizeof(linux_state.program_path) ? n : 0] = 0;
}

/* A rule without the flags O, C and P shows only in AT_EXECFN: it is the program's path. */
static bool kernel_started(const struct linux_start *s, const struct host_aux *h)
{
    return h->execfd >= 0 || h->flags & PRESERVE_ARGV0 ||
           (s->argc >= 2 && strcmp(text(h->execfn), text(s->argv[1])) == 0);
}

/* On the C stack: the kernel's is the guest's from here on. */
static __attribute__((noreturn, used)) void start(struct cpu *cpu, uint64_t *stack)
{
    struct linux_start s = {.stack = stack, .argc = stack[0], .argv = stack + 1};
    s.envp = s.argv + s.argc + 1;
    s.auxv = s.envp;
    while (*s.auxv)
        s.auxv++;
    s.auxv++;
    struct host_aux h = read_aux(s.auxv);
    rt_clock_init(h.vdso);
    s.execfn = s.highest = h.execfn;
    linux_state.personality = (uint64_t)sys(__NR_personality, 0xffffffff);
    bool kernel = kernel_started(&s, &h);
    rt_options.exec_self = !kernel;
    const char *program = kernel ? by_kernel(&s, &h) : by_hand(&s, &h);
    if (rt_options.cosim || rt_options.cosim_file)
        start_cosim();
    if (rt_options.exec_self)
        exec_remember_engine(text(h.execfn));
    int fd = h.execfd >= 0 ? (int)h.execfd : open_program(program);
    if (!linux_mm_init() || !linux_thread_start(cpu)) {
        fmt_err("archway-engine: no memory\n");
        stop(EXIT_CANNOT);
    }
    remember_path(fd);
    const char *why = linux_elf_load(fd, &linux_state.program);
    sys(__NR_close, fd);
    if (why) {
        fmt_err("archway-engine: %s: %s\n", program, why);
        stop(EXIT_CANNOT);
    }
    linux_state.mm.brk_start = linux_state.mm.brk = linux_state.program.brk;
    cpu->x[CPU_SP] = linux_stack_build(&s);
    if (!cpu->x[CPU_SP]) /* as the kernel does where a program cannot be started any more */
        signal_die(thread_of(cpu), SIG_SEGV, true);
    cpu->pc = linux_state.program.start;
    find_texts(&s);
    tell_host(program, kernel);
    rt_run(cpu);
}

void linux_main(uint64_t *stack)
{
    struct cpu *cpu = rt_window_init() ? rt_cpu_new() : NULL;
    if (!cpu) {
        fmt_err("archway-engine: no address space for the engine\n");
        stop(EXIT_CANNOT);
    }
    rt_cpu_set(cpu);
    __asm__ volatile("mov %0, %%rsp\n"
                     "xor %%ebp, %%ebp\n"
                     "call start\n"
                     :
                     : "r"(cpu->host_sp), "D"(cpu), "S"(stack)
                     : "memory");
    __builtin_unreachable();
}
