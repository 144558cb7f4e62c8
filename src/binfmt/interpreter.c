/* SPDX-License-Identifier: Apache-2.0
 *
 * Registering an interpreter by descriptor, so that neither its path nor the file itself is within
 * the guest's reach.
 *
 * The idea: the kernel opens an F interpreter by a path, in the root folder of whoever writes to
 * `register`. So a child makes a mount namespace of its own, builds a root folder there that holds
 * nothing but the file under the name wanted, by a read-only clone of the mount it is on, enters it
 * and writes. When the child ends, its namespace and with it both mounts are gone from every tree;
 * only the open file keeps the clone alive. docs/decisions/0002-interpreter-mount.md has what was
 * measured, and the alternatives.
 *
 * Invariants:
 * 1. The caller's mount namespace, root and working folder are never touched.
 * 2. The child allocates nothing and takes no lock: it may be made in a program with threads.
 * 3. The child is no SIGCHLD child: a caller that reaps with waitpid(-1) never sees it.
 */
#include "binfmt/instance.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum step {
    STEP_UNSHARE,
    STEP_PRIVATE,
    STEP_TMPFS,
    STEP_ATTACH,
    STEP_FILE,
    STEP_MOVE,
    STEP_CHROOT,
    STEP_REGISTER,
    STEP_DONE,
};

static const char *const step_names[] = {
    "make a mount namespace", "make mounts private",  "make a tmpfs",    "mount the tmpfs",
    "create a mount point",   "move the interpreter", "change the root", "register",
};

struct outcome {
    enum step step; /* how far the child came; STEP_DONE: registered */
    int how;        /* errno of that step */
    size_t job;     /* which interpreter it was about */
};

/* An absolute path of plain components. */
static bool neutral_name(const char *path)
{
    if (path[0] != '/' || str_ends(path, "/") || strlen(path) >= PATH_MAX)
        return false;
    for (const char *p = path; p; p = strchr(p + 1, '/'))
        if (p[1] == '/' ||
            (p[1] == '.' && (!p[2] || p[2] == '/' || (p[2] == '.' && (!p[3] || p[3] == '/')))))
            return false;
    return true;
}

/* A detached, read-only mount of just the file; -1 and errno. */
static int clone_file(int fd)
{
    _cleanup_close_ int tree =
        open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        return -1;
    /* safe because the mount is new and ours alone: nothing else sees these attributes */
    struct mount_attr attr = {
        .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
    };
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        return -1;
    return util_steal_fd(&tree);
}

/* The same for a descriptor from another mount namespace, which the kernel does not clone (EINVAL):
 * by its path, if that leads to the very same file here. */
static int clone_by_path(int fd)
{
    char proc[40], path[PATH_MAX];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(proc, path, sizeof(path) - 1);
    if (n < 0)
        return -1;
    path[n] = 0;
    struct stat want, have;
    _cleanup_close_ int here = open(path, O_PATH | O_CLOEXEC);
    if (here < 0 || fstat(fd, &want) < 0 || fstat(here, &have) < 0)
        return -1;
    if (want.st_dev != have.st_dev || want.st_ino != have.st_ino) {
        errno = ESTALE;
        return -1;
    }
    return clone_file(here);
}

/* Make the name (without its leading slash) below the folder dir: parents, and an empty file. */
static bool make_point(int dir, const char *name)
{
    char path[PATH_MAX];
    size_t len = strlen(name);
    for (size_t i = 0; i <= len; i++) {
        path[i] = 0;
        if (name[i] == '/' && mkdirat(dir, path, 0755) < 0 && errno != EEXIST)
            return false;
        path[i] = name[i];
    }
    int fd = openat(dir, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static int make_tmpfs(void)
{
    _cleanup_close_ int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

/* One interpreter to register. */
struct job {
    int tree;       /* the detached mount; owned */
    char *name;     /* absolute path that the file shall have; owned */
    char *text;     /* register string; owned */
    size_t len;     /* its bytes */
    bool same_file; /* the name stands there already, made for the job before */
};

struct batch {
    struct job *jobs;
    size_t n;
    int reg; /* `register`, open for writing */
};

/* All files first, then the root, then the rules. *ret_job is the job at hand. */
static enum step in_child(const struct batch *b, size_t *ret_job)
{
    size_t i = 0;
    umask(022);
    /* safe because this process exists for nothing else: what it mounts ends with it */
    if (unshare(CLONE_NEWNS) < 0)
        return STEP_UNSHARE;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return STEP_PRIVATE;
    int dir = make_tmpfs();
    if (dir < 0)
        return STEP_TMPFS;
    /* before 6.15 or so only an attached tree can be mounted into, so it covers the root */
    if (move_mount(dir, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return STEP_ATTACH;
    for (i = 0; i < b->n; i++) {
        const struct job *job = &b->jobs[i];
        *ret_job = i;
        if (job->same_file)
            continue;
        if (!make_point(dir, job->name + 1))
            return STEP_FILE;
        if (move_mount(job->tree, "", dir, job->name + 1, MOVE_MOUNT_F_EMPTY_PATH) < 0)
            return STEP_MOVE;
    }
    if (fchdir(dir) < 0 || chroot(".") < 0)
        return STEP_CHROOT;
    for (i = 0; i < b->n; i++) {
        *ret_job = i;
        if (write(b->reg, b->jobs[i].text, b->jobs[i].len) < 0)
            return STEP_REGISTER;
    }
    return STEP_DONE;
}

static bool run_child(const struct batch *b, struct outcome *ret, struct aw_err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return aw_fail(err, AW_E_IO, errno, "register an interpreter: pipe");
    _cleanup_close_ int from = ends[0], to = ends[1];
    /* like fork, without its locks and without SIGCHLD */
    pid_t pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
    if (pid < 0)
        return aw_fail(err, AW_E_IO, errno, "register an interpreter: clone");
    if (pid == 0) {
        struct outcome o = {.job = 0};
        o.step = in_child(b, &o.job);
        o.how = errno;
        ssize_t n = write(to, &o, sizeof(o));
        _exit(n == (ssize_t)sizeof(o) ? 0 : 1);
    }
    close(util_steal_fd(&to));
    ssize_t n;
    while ((n = read(from, ret, sizeof(*ret))) < 0 && errno == EINTR)
        ;
    int status;
    /* its namespace is torn down when it is gone: callers may count on that */
    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof(*ret))
        return aw_fail(err, AW_E_CHILD, 0, "register an interpreter: the helper process died");
    return true;
}

static int clone_interpreter(int fd, const char *name, struct aw_err *err)
{
    int tree = clone_file(fd);
    if (tree < 0 && errno == EINVAL)
        tree = clone_by_path(fd);
    if (tree >= 0)
        return tree;
    int how = errno;
    enum aw_code code = how == ENOSYS ? AW_E_UNSUPPORTED : instance_code(how);
    aw_fail(err, code, how, "rule %s: mount the interpreter read-only", name);
    if (how == ENOENT || how == ESTALE || how == EINVAL)
        aw_mend(err, "keep the interpreter where this mount namespace can see it");
    return -1;
}

/* Check and prepare one. On failure nothing is left in *ret. */
static bool prepare(const struct aw_interpreter *want, struct job *ret, struct aw_err *err)
{
    struct aw_rule r = *want->rule;
    char text[AW_RULE_TEXT_MAX + 1];
    struct stat st;
    r.flags |= AW_RULE_F;
    if (!neutral_name(r.interpreter))
        return aw_fail(err, AW_E_ARG, 0, "rule %s: \"%s\" is no absolute path of plain names",
                       r.name, r.interpreter);
    if (fstat(want->fd, &st) < 0)
        return aw_fail(err, AW_E_ARG, errno, "rule %s: interpreter descriptor %d", r.name,
                       want->fd);
    if (!S_ISREG(st.st_mode))
        return aw_fail(err, AW_E_ARG, 0, "rule %s: the interpreter is no regular file", r.name);
    size_t len = aw_rule_format(&r, text, err);
    if (!len)
        return false;
    struct job j = {.tree = clone_interpreter(want->fd, r.name, err), .len = len};
    if (j.tree < 0)
        return false;
    j.name = strdup(r.interpreter);
    j.text = strdup(text);
    if (!j.name || !j.text) {
        util_close(j.tree);
        free(j.name);
        free(j.text);
        return aw_fail(err, AW_E_NOMEM, 0, "rule %s: out of memory", r.name);
    }
    *ret = j;
    return true;
}

static void batch_fini(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        util_close(b->jobs[i].tree);
        free(b->jobs[i].name);
        free(b->jobs[i].text);
    }
    free(b->jobs);
    util_close(b->reg);
}

static bool run_batch(const struct batch *b, const struct aw_interpreter *list, size_t *ret_done,
                      struct aw_err *err)
{
    struct outcome o;
    if (!run_child(b, &o, err))
        return false;
    if (ret_done)
        *ret_done = o.step == STEP_DONE ? b->n : o.step == STEP_REGISTER ? o.job : 0;
    if (o.step == STEP_REGISTER)
        return instance_explain(b->jobs[o.job].text, b->jobs[o.job].len, o.how, err);
    if (o.step != STEP_DONE)
        return aw_fail(err, instance_code(o.how), o.how, "rule %s: %s", list[o.job].rule->name,
                       step_names[o.step]);
    return true;
}

bool aw_instance_register_interpreters(struct aw_instance *inst, const struct aw_interpreter *list,
                                       size_t n, size_t *ret_done, struct aw_err *err)
{
    struct batch b = {.jobs = calloc(n + 1, sizeof(*b.jobs)), .reg = -1};
    if (ret_done)
        *ret_done = 0;
    if (!b.jobs)
        return aw_fail(err, AW_E_NOMEM, 0, "register interpreters: out of memory");
    b.reg = instance_open_register(inst, err);
    bool ok = b.reg >= 0;
    for (; ok && b.n < n; b.n++) {
        if (!(ok = prepare(&list[b.n], &b.jobs[b.n], err)))
            break;
        b.jobs[b.n].same_file = b.n && list[b.n].fd == list[b.n - 1].fd &&
                                strcmp(b.jobs[b.n].name, b.jobs[b.n - 1].name) == 0;
    }
    ok = ok && (n == 0 || run_batch(&b, list, ret_done, err));
    batch_fini(&b);
    return ok;
}

bool aw_instance_register_interpreter(struct aw_instance *inst, const struct aw_rule *rule, int fd,
                                      struct aw_err *err)
{
    struct aw_interpreter one = {.rule = rule, .fd = fd};
    return aw_instance_register_interpreters(inst, &one, 1, NULL, err);
}
