/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a helper program.
 *
 * The idea: fork, put the descriptors in their places, close all others with close_range(2), exec;
 * the parent polls the two pipes and a pidfd until all are done or the time is over.
 *
 * Invariants:
 * 1. The child inherits only 0, 1, 2 and keep_fds, so no lock or socket leaks into a helper.
 * 2. A child never outlives a caller that waits: SIGKILL by PR_SET_PDEATHSIG, and on time out.
 * 3. Between fork and exec only async-signal-safe calls are made.
 */
#include "base/spawn.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

#define USUAL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

char *spawn_find(const char *program, const char *path)
{
    if (strchr(program, '/'))
        return access(program, X_OK) == 0 ? strdup(program) : NULL;
    for (int round = 0; round < 2; round++) {
        const char *p = round == 0 ? path : USUAL_PATH;
        while (p && *p) {
            size_t n = strcspn(p, ":");
            _cleanup_free_ char *full = str_printf("%.*s/%s", (int)n, p, program);
            struct stat st;
            if (full && n && access(full, X_OK) == 0 && stat(full, &st) == 0 && S_ISREG(st.st_mode))
                return AW_STEAL(full);
            p += n + (p[n] == ':');
        }
    }
    return NULL;
}

/* Close every descriptor above 2 that is not in keep[0..n). */
static void close_others(int *keep, int n)
{
    /* insertion sort: at most 8 */
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && keep[j] < keep[j - 1]; j--) {
            int t = keep[j];
            keep[j] = keep[j - 1];
            keep[j - 1] = t;
        }
    unsigned from = 3;
    for (int i = 0; i < n; i++) {
        if ((unsigned)keep[i] > from)
            syscall(SYS_close_range, from, (unsigned)keep[i] - 1, 0);
        if ((unsigned)keep[i] >= from)
            from = (unsigned)keep[i] + 1;
    }
    syscall(SYS_close_range, from, ~0U, 0);
}

__attribute__((noreturn)) static void child(const struct spawn *s, const char *file, int in,
                                            int out, int err_fd, pid_t parent)
{
    /* lift the three above 2 first, so that none is overwritten before it is copied */
    int fds[3] = {in, out, err_fd};
    for (int i = 0; i < 3; i++)
        if (fds[i] < 3)
            fds[i] = fcntl(fds[i], F_DUPFD, 10);
    for (int i = 0; i < 3; i++)
        if (fds[i] < 0 || dup2(fds[i], i) < 0)
            _exit(127);
    int keep[AW_LEN(s->keep_fds)], n = 0;
    for (size_t i = 0; i < AW_LEN(s->keep_fds) && s->keep_fds[i] > 0; i++) {
        if (s->keep_fds[i] < 3)
            continue;
        fcntl(s->keep_fds[i], F_SETFD, 0);
        keep[n++] = s->keep_fds[i];
    }
    close_others(keep, n);
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    for (int sig = 1; sig < 32; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            sigaction(sig, &dfl, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    execve(file, (char *const *)s->argv, s->envp ? (char *const *)s->envp : environ);
    _exit(errno == ENOENT ? 127 : 126);
}

static const char *env_path(const struct spawn *s)
{
    for (char **e = s->envp ? (char **)s->envp : environ; e && *e; e++)
        if (str_starts(*e, "PATH="))
            return *e + 5;
    return NULL;
}

static pid_t start(const struct spawn *s, int out, int err_fd, struct aw_err *err)
{
    _cleanup_free_ char *file = spawn_find(s->argv[0], env_path(s));
    if (!file) {
        aw_fail(err, AW_E_NOTFOUND, 0, "program %s was not found", s->argv[0]);
        return -1;
    }
    _cleanup_close_ int null = -1;
    int in = s->stdin_fd;
    if (!in || out < 0 || err_fd < 0) {
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0) {
            aw_fail(err, AW_E_IO, errno, "open /dev/null");
            return -1;
        }
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        aw_fail(err, AW_E_IO, errno, "start %s: fork", s->argv[0]);
    if (pid == 0)
        child(s, file, in ? in : null, out < 0 ? null : out, err_fd < 0 ? null : err_fd, parent);
    return pid;
}

pid_t spawn_start(const struct spawn *s, struct aw_err *err)
{
    return start(s, s->stdout_fd ? s->stdout_fd : -1, s->stderr_fd ? s->stderr_fd : -1, err);
}

static int status_of(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

static pid_t reap(pid_t pid, int *ret_status)
{
    int st;
    pid_t got;
    do
        got = waitpid(pid, &st, 0);
    while (got < 0 && errno == EINTR);
    if (got == pid)
        *ret_status = status_of(st);
    return got;
}

bool spawn_wait(pid_t pid, int timeout_ms, int *ret_status, struct aw_err *err)
{
    _cleanup_close_ int pidfd = -1;
    if (timeout_ms) {
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        uint64_t end = file_now_ms() + (uint64_t)timeout_ms;
        for (;;) {
            uint64_t now = file_now_ms();
            struct pollfd p = {.fd = pidfd, .events = POLLIN};
            int n = now >= end ? 0 : poll(&p, 1, (int)(end - now));
            if (n > 0)
                break;
            if (n == 0)
                return aw_fail(err, AW_E_TIMEOUT, 0, "process %d did not end in %d ms", (int)pid,
                               timeout_ms);
            if (errno != EINTR)
                return aw_fail(err, AW_E_IO, errno, "poll");
        }
    }
    if (reap(pid, ret_status) != pid)
        return aw_fail(err, AW_E_IO, errno, "wait for process %d", (int)pid);
    return true;
}

/* Take what is there of one stream. Returns false at its end. */
static bool take(int fd, struct buf *b, size_t limit, const struct aw_log *log, size_t *logged)
{
    char chunk[8192];
    ssize_t n = read(fd, chunk, sizeof(chunk));
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    if (n == 0)
        return false;
    if (b->len < limit)
        buf_add(b, chunk, (size_t)n < limit - b->len ? (size_t)n : limit - b->len);
    if (log && b->data)
        for (char *nl; (nl = memchr(b->data + *logged, '\n', b->len - *logged));
             *logged = (size_t)(nl - b->data) + 1)
            aw_log(log, AW_LOG_PROGRESS, "%.*s", (int)(nl - b->data - (ptrdiff_t)*logged),
                   b->data + *logged);
    return true;
}

/* End the helper: politely, then not. */
static void end_child(pid_t pid)
{
    int st;
    struct aw_err ignored = AW_ERR_INIT;
    kill(pid, SIGTERM);
    if (!spawn_wait(pid, 2000, &st, &ignored)) {
        kill(pid, SIGKILL);
        reap(pid, &st);
    }
}

static bool collect(const struct spawn *s, pid_t pid, int fds[2], struct spawn_result *ret,
                    struct aw_err *err)
{
    size_t limit = s->limit ? s->limit : 1 << 20, logged = 0;
    uint64_t begin = file_now_ms();
    while (fds[0] >= 0 || fds[1] >= 0) {
        int wait_ms = s->cancelled ? 100 : -1;
        if (s->timeout_ms) {
            int left = (int)((int64_t)(begin + (uint64_t)s->timeout_ms) - (int64_t)file_now_ms());
            if (left <= 0) {
                end_child(pid);
                return aw_fail(err, AW_E_TIMEOUT, 0, "%s did not finish in %d s", s->argv[0],
                               s->timeout_ms / 1000);
            }
            if (wait_ms < 0 || left < wait_ms)
                wait_ms = left;
        }
        if (s->cancelled && s->cancelled(s->user)) {
            end_child(pid);
            return aw_fail(err, AW_E_CANCELLED, 0, "%s was interrupted", s->argv[0]);
        }
        struct pollfd p[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
        if (poll(p, 2, wait_ms) < 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (p[i].revents &&
                !take(fds[i], i ? &ret->err_text : &ret->out, limit, i ? s->log : NULL, &logged)) {
                close(fds[i]);
                fds[i] = -1;
            }
    }
    int left = 0;
    if (s->timeout_ms) {
        left = (int)((int64_t)(begin + (uint64_t)s->timeout_ms) - (int64_t)file_now_ms());
        left = left > 0 ? left : 1;
    }
    if (!spawn_wait(pid, left, &ret->status, err)) {
        end_child(pid);
        return aw_context(err, "%s", s->argv[0]);
    }
    return true;
}

bool spawn_run(const struct spawn *s, struct spawn_result *ret, struct aw_err *err)
{
    int fds[2] = {-1, -1}, ends[2] = {s->stdout_fd, s->stderr_fd};
    _cleanup_close_ int out_end = -1, err_end = -1;
    int *ours[2] = {&out_end, &err_end};
    for (int i = 0; i < 2; i++) {
        int p[2];
        if (ends[i])
            continue;
        if (pipe2(p, O_CLOEXEC) < 0) {
            aw_fail(err, AW_E_IO, errno, "pipe");
            util_close(fds[0]);
            return false;
        }
        fds[i] = p[0];
        ends[i] = *ours[i] = p[1];
    }
    pid_t pid = start(s, ends[0], ends[1], err);
    util_close(util_steal_fd(&out_end));
    util_close(util_steal_fd(&err_end));
    bool ok = pid > 0 && collect(s, pid, fds, ret, err);
    util_close(fds[0]);
    util_close(fds[1]);
    return ok;
}

/* The last few lines of text, without the newline at its end. */
static const char *tail(struct buf *b, size_t most)
{
    while (b->len && (b->data[b->len - 1] == '\n' || b->data[b->len - 1] == '\r'))
        b->data[--b->len] = '\0';
    const char *s = buf_str(b);
    return b->len > most ? s + b->len - most : s;
}

bool spawn_check(const struct spawn *s, struct spawn_result *ret, struct aw_err *err)
{
    if (!spawn_run(s, ret, err))
        return false;
    if (ret->status == 0)
        return true;
    if (ret->status > 128)
        return aw_fail(err, AW_E_CHILD, 0, "%s was ended by signal %d (%s): %s", s->argv[0],
                       ret->status - 128, strsignal(ret->status - 128), tail(&ret->err_text, 600));
    return aw_fail(err, AW_E_CHILD, 0, "%s failed with status %d: %s", s->argv[0], ret->status,
                   tail(&ret->err_text, 600));
}

void spawn_result_fini(struct spawn_result *r)
{
    buf_fini(&r->out);
    buf_fini(&r->err_text);
}
