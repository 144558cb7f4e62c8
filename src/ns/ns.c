/* SPDX-License-Identifier: Apache-2.0
 *
 * Making user namespaces and running functions in them.
 *
 * The idea: clone(2) with CLONE_NEWUSER; the child waits on a pipe until the parent has written the
 * maps (itself, or by newuidmap and newgidmap, both at once), then becomes id 0.
 *
 * Invariants:
 * 1. The child does nothing before its maps stand; if the parent dies first, the pipe's end of file
 *    or the parent's pidfd ends the child.
 * 2. The child is killed when the parent's thread ends (PR_SET_PDEATHSIG, set after the last change
 *    of ids because the kernel clears it then).
 * 3. A failure in the parent leaves no child behind.
 */
#include "ns/ns.h"

#include "base/file.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define HELPER_TIMEOUT_MS 20000

/* ---- writing the maps ----------------------------------------------------------------------- */

static bool write_map(pid_t pid, const char *file, const struct idmap_line *l, int n,
                      struct aw_err *err)
{
    _cleanup_buf_ struct buf b = {0};
    char path[64];
    for (int i = 0; i < n; i++)
        buf_addf(&b, "%u %u %u\n", l[i].inside, l[i].outside, l[i].count);
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    if (!buf_ok(&b))
        return aw_fail(err, AW_E_NOMEM, 0, "write %s: out of memory", path);
    return file_poke(AT_FDCWD, path, buf_str(&b), err);
}

static bool map_directly(const struct idmap *m, pid_t pid, struct aw_err *err)
{
    char path[64];
    if (m->kind == IDMAP_SINGLE) {
        /* an unprivileged gid_map needs setgroups denied first (user_namespaces(7)) */
        snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
        struct aw_err ignored = AW_ERR_INIT;
        file_poke(AT_FDCWD, path, "deny", &ignored);
    }
    return write_map(pid, "uid_map", m->uid, m->n_uid, err) &&
           write_map(pid, "gid_map", m->gid, m->n_gid, err);
}

/* The helper's complaint goes to words. */
static pid_t start_mapper(const char *program, pid_t pid, const struct idmap_line *l, int n,
                          int words, struct aw_err *err)
{
    char numbers[1 + 3 * IDMAP_LINES][16];
    const char *argv[3 + 3 * IDMAP_LINES] = {program};
    int k = 0;
    snprintf(numbers[k++], 16, "%d", (int)pid);
    for (int i = 0; i < n; i++) {
        snprintf(numbers[k++], 16, "%u", l[i].inside);
        snprintf(numbers[k++], 16, "%u", l[i].outside);
        snprintf(numbers[k++], 16, "%u", l[i].count);
    }
    for (int i = 0; i < k; i++)
        argv[1 + i] = numbers[i];
    argv[1 + k] = NULL;
    struct spawn s = {.argv = argv, .stderr_fd = words};
    return spawn_start(&s, err);
}

static bool mapper_failed(const char *name, int status, int words, struct aw_err *err)
{
    char text[300];
    ssize_t n = words < 0 ? 0 : pread(words, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    aw_fail(err, AW_E_IDMAP, 0, "%s failed with status %d: %s", name, status, text);
    return aw_mend(err,
                   "check that %s may do its work (setuid root or with file capabilities; inside "
                   "Docker it needs --cap-add SYS_ADMIN, or: setcap cap_setuid=ep on newuidmap and "
                   "cap_setgid=ep on newgidmap) and that /etc/subuid and /etc/subgid agree",
                   name);
}

static bool map_by_helpers(const struct idmap *m, pid_t pid, struct aw_err *err)
{
    static const char *const names[] = {"newuidmap", "newgidmap"};
    _cleanup_close_ int words = memfd_create("words", MFD_CLOEXEC);
    pid_t helper[2];
    bool ok = true;
    helper[0] = start_mapper(names[0], pid, m->uid, m->n_uid, words, err);
    helper[1] = helper[0] < 0 ? -1 : start_mapper(names[1], pid, m->gid, m->n_gid, words, err);
    for (int i = 0; i < 2; i++) {
        int status = 0;
        if (helper[i] < 0) {
            ok = false;
        } else if (!spawn_wait(helper[i], HELPER_TIMEOUT_MS, &status, err)) {
            kill(helper[i], SIGKILL);
            waitpid(helper[i], NULL, 0);
            ok = aw_context(err, "%s", names[i]);
        } else if (status != 0 && ok) {
            ok = mapper_failed(names[i], status, words, err);
        }
    }
    return ok;
}

/* ---- why not ----------------------------------------------------------------------------------
 */

static bool sysctl_is(const char *path, const char *value)
{
    struct aw_err ignored = AW_ERR_INIT;
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, 64, NULL, &ignored);
    if (!text)
        return false;
    text[strcspn(text, "\n")] = '\0';
    return str_eq(text, value);
}

bool ns_explain(int how, struct aw_err *err)
{
    aw_fail(err, AW_E_UNSUPPORTED, how, "this machine lets you make no user namespace");
    if (how == ENOSPC && sysctl_is("/proc/sys/user/max_user_namespaces", "0"))
        return aw_context(err, "user.max_user_namespaces is 0"),
               aw_mend(err, "sudo sysctl -w user.max_user_namespaces=15000");
    if (how == ENOSPC || how == EUSERS)
        return aw_mend(err,
                       "too many user namespaces, or nested too deep (33 levels): end some, or "
                       "raise the limit: sudo sysctl -w user.max_user_namespaces=30000");
    if (sysctl_is("/proc/sys/kernel/unprivileged_userns_clone", "0"))
        return aw_context(err, "kernel.unprivileged_userns_clone is 0"),
               aw_mend(err, "sudo sysctl -w kernel.unprivileged_userns_clone=1");
    if (sysctl_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
        return aw_context(err, "AppArmor restricts user namespaces"),
               aw_mend(err,
                       "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or load "
                       "an AppArmor profile that allows archway \"userns,\"");
    if (how == EINVAL || how == ENOSYS)
        return aw_mend(err, "the kernel needs CONFIG_USER_NS=y");
    return aw_mend(err, "inside a container, start that container with --privileged or with a "
                        "seccomp profile that allows user namespaces (docker run --security-opt "
                        "seccomp=unconfined --security-opt systempaths=unconfined ...)");
}

/* ---- the child's side -------------------------------------------------------------------------
 */

/* parent is a pidfd: readable when that process has ended. */
static int become_root(const struct idmap *m, int flags, int go, int parent)
{
    char c;
    if (file_read_full(go, &c, 1) != 1)
        _exit(127);
    /* safe because these ids are root of the new namespace only */
    if (m->kind == IDMAP_RANGE && setgroups(0, NULL) < 0)
        return -1;
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return -1;
    prctl(PR_SET_DUMPABLE, 1); /* the change of ids cleared it; /proc/self must stay ours */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if ((flags & CLONE_NEWNS) && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -1;
    /* the parent may have ended before PDEATHSIG was set */
    struct pollfd p = {.fd = parent, .events = POLLIN};
    if (poll(&p, 1, 0) > 0)
        _exit(127);
    return 0;
}

int ns_fork(const struct idmap *m, int flags, pid_t *ret_pid, struct aw_err *err)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0) {
        aw_fail(err, AW_E_IO, errno, "pipe");
        return -1;
    }
    _cleanup_close_ int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)(flags | CLONE_NEWUSER | SIGCHLD), NULL,
                               NULL, NULL, NULL);
    if (pid < 0) {
        int e = errno;
        util_close(p[0]);
        util_close(p[1]);
        ns_explain(e, err);
        return -1;
    }
    if (pid == 0) {
        util_close(p[1]);
        if (become_root(m, flags, p[0], self) < 0) {
            static const char text[] = "archway: cannot become root of the new user namespace\n";
            if (write(2, text, sizeof(text) - 1) < 0) {
            }
            _exit(126);
        }
        util_close(p[0]);
        return 0;
    }
    util_close(p[0]);
    bool ok = m->by_helper ? map_by_helpers(m, pid, err) : map_directly(m, pid, err);
    if (ok && write(p[1], "g", 1) != 1)
        ok = aw_fail(err, AW_E_IO, errno, "start the process in the user namespace");
    if (!ok) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    util_close(p[1]);
    if (!ok)
        return -1;
    *ret_pid = pid;
    return 1;
}

/* ---- running a function -----------------------------------------------------------------------
 */

/* One record on the pipe from the child: its head, then len bytes. */
struct record {
    uint32_t level; /* an enum aw_level, or RECORD_ERROR */
    uint32_t len;   /* bytes that follow */
};
#define RECORD_ERROR 0x100u

static void send_record(int fd, uint32_t level, const void *data, size_t len)
{
    char both[sizeof(struct record) + 1100];
    struct record r = {.level = level, .len = (uint32_t)len};
    if (len <= sizeof(both) - sizeof(r)) {
        /* one write, so that a killed child leaves no half record */
        memcpy(both, &r, sizeof(r));
        memcpy(both + sizeof(r), data, len);
        file_write_full(fd, both, sizeof(r) + len);
    } else if (file_write_full(fd, &r, sizeof(r))) {
        file_write_full(fd, data, len);
    }
}

static void child_log(void *user, enum aw_level level, const char *message)
{
    send_record(*(int *)user, (uint32_t)level, message, strnlen(message, 1024));
}

__attribute__((noreturn)) static void run_child(ns_fn *fn, void *arg, int fd)
{
    struct aw_log log = {.fn = child_log, .user = &fd};
    struct aw_err err = AW_ERR_INIT;
    bool ok = fn(arg, &log, &err);
    if (!ok)
        send_record(fd, RECORD_ERROR, &err, sizeof(err));
    _exit(ok ? 0 : 1);
}

/* Take one record. False at the end of the pipe, or when it is cut off. */
static bool take_record(int fd, const struct aw_log *log, struct aw_err *child_err)
{
    struct record r;
    char text[1100];
    if (file_read_full(fd, &r, sizeof(r)) != sizeof(r))
        return false;
    if (r.level == RECORD_ERROR)
        return r.len == sizeof(*child_err) &&
               file_read_full(fd, child_err, sizeof(*child_err)) == sizeof(*child_err);
    if (r.len >= sizeof(text) || file_read_full(fd, text, r.len) != (ssize_t)r.len)
        return false;
    text[r.len] = '\0';
    aw_log(log, (enum aw_level)r.level, "%s", text);
    return true;
}

bool ns_run(const struct idmap *m, int flags, ns_fn *fn, void *arg, const struct aw_log *log,
            bool (*cancelled)(void *user), void *user, struct aw_err *err)
{
    int p[2];
    pid_t pid = 0;
    if (pipe2(p, O_CLOEXEC) < 0)
        return aw_fail(err, AW_E_IO, errno, "pipe");
    int side = ns_fork(m, flags, &pid, err);
    if (side == 0) {
        util_close(p[0]);
        run_child(fn, arg, p[1]);
    }
    util_close(p[1]);
    if (side < 0) {
        util_close(p[0]);
        return false;
    }
    struct aw_err child_err = AW_ERR_INIT;
    bool stopped = false;
    for (;;) {
        struct pollfd q = {.fd = p[0], .events = POLLIN};
        int n = poll(&q, 1, cancelled ? 100 : -1);
        if (cancelled && cancelled(user)) {
            kill(pid, SIGKILL);
            stopped = true;
            break;
        }
        if (n > 0 && !take_record(p[0], log, &child_err))
            break;
    }
    util_close(p[0]);
    int status = 0;
    if (!spawn_wait(pid, 0, &status, err))
        return false;
    if (stopped)
        return aw_fail(err, AW_E_CANCELLED, 0, "interrupted");
    if (child_err.code != AW_OK) {
        if (err)
            *err = child_err;
        return false;
    }
    if (status != 0)
        return aw_fail(err, AW_E_CHILD, 0,
                       status > 128 ? "the process in the user namespace was ended by signal %d"
                                    : "the process in the user namespace ended with status %d",
                       status > 128 ? status - 128 : status);
    return true;
}
