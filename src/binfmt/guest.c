/* SPDX-License-Identifier: Apache-2.0
 *
 * Executing a built-in program.
 *
 * The idea: the program is in a memfd, so no folder without noexec is needed; it waits for its
 * standard input, so there is time to look at which file the kernel runs for it, by /proc/PID/exe.
 *
 * Invariants:
 * 1. The child is gone when guest_run returns, whatever it did.
 * 2. The memfd is inherited across exec: an interpreter that opens the program by its name finds
 *    it as /dev/fd/N.
 */
#include "binfmt/guest.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define WORDS "archway\n" /* what the program prints */
#define LEAVES 42         /* and its exit status */
#ifndef MFD_EXEC
#define MFD_EXEC 0x10 /* Linux 6.3 */
#endif

const struct guest *guest_find(const struct aw_arch *arch)
{
    for (const struct guest *g = guest_table; g->arch; g++)
        if (str_eq(g->arch, arch->name))
            return g;
    return NULL;
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int load(const struct guest *g, struct aw_err *err)
{
    int fd = memfd_create("archway-guest", MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) /* before 6.3 all are executable */
        fd = memfd_create("archway-guest", MFD_CLOEXEC);
    if (fd >= 0 && fchmod(fd, 0755) == 0 && file_write_full(fd, g->data, g->size))
        return fd;
    aw_fail(err, AW_E_IO, errno, "built-in program for %s", g->arch);
    util_close(fd);
    return -1;
}

/* Ends of the pipes, and the program. */
struct child {
    int program, in, out; /* to be its own, its standard input and output */
    int failed;           /* close-on-exec: errno of an exec that failed */
};

__attribute__((noreturn)) static void in_child(const struct child *c)
{
    static char *const argv[] = {(char *)"archway-guest", NULL};
    static char *const envp[] = {NULL};
    signal(SIGPIPE, SIG_DFL);
    if (dup2(c->in, 0) == 0 && dup2(c->out, 1) == 1 && fcntl(c->program, F_SETFD, 0) == 0)
        syscall(SYS_execveat, c->program, "", argv, envp, AT_EMPTY_PATH);
    int how = errno;
    ssize_t n = write(c->failed, &how, sizeof(how));
    _exit(n == (ssize_t)sizeof(how) ? 127 : 126);
}

/* What it prints, up to a whole line; false: not in time. */
static bool listen_to(int fd, int timeout_ms, char *text, size_t size)
{
    uint64_t end = file_now_ms() + (uint64_t)timeout_ms;
    size_t have = 0;
    while (have + 1 < size && !memchr(text, '\n', have)) {
        uint64_t now = file_now_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int n = now < end ? poll(&p, 1, (int)(end - now)) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        ssize_t got = n > 0 ? read(fd, text + have, size - have - 1) : -1;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    text[have] = 0;
    return true;
}

static void look_at(pid_t pid, struct guest_result *ret)
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
    record_file_of(fd, &ret->ran_by);
    record_digest_path(path, ret->digest);
}

/* It ends when its input does; one that does not is killed. */
static int reap(pid_t pid, int timeout_ms)
{
    int status = 0;
    uint64_t end = file_now_ms() + (uint64_t)timeout_ms;
    pid_t got;
    while ((got = waitpid(pid, &status, WNOHANG)) == 0 && file_now_ms() < end)
        usleep(500);
    if (got == 0) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    return status;
}

static void judge(struct guest_result *r, bool heard, const char *text, int status)
{
    if (!heard)
        r->why = GUEST_TIMEOUT;
    else if (WIFSIGNALED(status)) {
        r->why = GUEST_KILLED;
        r->detail = WTERMSIG(status);
    } else if (!str_eq(text, WORDS) && WEXITSTATUS(status) == LEAVES) {
        r->why = GUEST_OUTPUT;
    } else if (WEXITSTATUS(status) != LEAVES) {
        r->why = GUEST_STATUS;
        r->detail = WEXITSTATUS(status);
    }
}

bool guest_run(const struct guest *g, int timeout_ms, struct guest_result *ret, struct aw_err *err)
{
    int a[2], b[2], e[2];
    struct guest_result r = {.why = GUEST_WORKS};
    char text[64] = "";
    _cleanup_close_ int program = load(g, err);
    if (program < 0)
        return false;
    if (pipe2(a, O_CLOEXEC) < 0)
        return aw_fail(err, AW_E_IO, errno, "pipe");
    _cleanup_close_ int in = a[0], to = a[1];
    if (pipe2(b, O_CLOEXEC) < 0)
        return aw_fail(err, AW_E_IO, errno, "pipe");
    _cleanup_close_ int from = b[0], out = b[1];
    if (pipe2(e, O_CLOEXEC) < 0)
        return aw_fail(err, AW_E_IO, errno, "pipe");
    _cleanup_close_ int failed = e[0], fails = e[1];
    struct child c = {.program = program, .in = in, .out = out, .failed = fails};
    uint64_t begin = now_us();
    pid_t pid = fork();
    if (pid < 0)
        return aw_fail(err, AW_E_IO, errno, "fork");
    if (pid == 0)
        in_child(&c);
    close(util_steal_fd(&in));
    close(util_steal_fd(&out));
    close(util_steal_fd(&fails));
    bool heard = listen_to(from, timeout_ms, text, sizeof(text));
    r.start_us = now_us() - begin;
    if (heard && str_eq(text, WORDS))
        look_at(pid, &r);
    close(util_steal_fd(&to));
    int status = reap(pid, heard ? timeout_ms : 0);
    if (read(failed, &r.sys_errno, sizeof(r.sys_errno)) == (ssize_t)sizeof(r.sys_errno))
        r.why = GUEST_NOT_EXEC;
    else
        judge(&r, heard, text, status);
    *ret = r;
    return true;
}

void guest_explain(const struct guest_result *r, char *ret, size_t size)
{
    static const char *const fixed[] = {[GUEST_WORKS] = "it works",
                                        [GUEST_OUTPUT] = "it printed something else",
                                        [GUEST_TIMEOUT] = "it said nothing in time"};
    if (r->why == GUEST_NOT_EXEC)
        snprintf(ret, size, "%s", strerror(r->sys_errno));
    else if (r->why == GUEST_KILLED)
        snprintf(ret, size, "it died of signal %d", r->detail);
    else if (r->why == GUEST_STATUS)
        snprintf(ret, size, "it ended with status %d", r->detail);
    else
        snprintf(ret, size, "%s", fixed[r->why]);
}
