/* SPDX-License-Identifier: Apache-2.0
 *
 * Driving the OCI runtime.
 *
 * Invariants:
 * 1. Every call has a time-out; a runtime that hangs is killed.
 * 2. The runtime's own words go to a log file of the call, never to the container's streams.
 */
#include "box/runtime.h"

#include "base/file.h"
#include "base/spawn.h"

#include <errno.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define RUNTIME_TIMEOUT_MS 60000
#define LOG_LIMIT (256u << 10)

bool runtime_find(const struct box_world *world, struct runtime *ret, struct aw_err *err)
{
    static const char *const known[] = {"crun", "runc"};
    struct runtime rt = {0};
    for (size_t i = 0; i < AW_LEN(known) && !rt.path; i++)
        rt.path = spawn_find(world->runtime ? world->runtime : known[i], world->path);
    if (!rt.path && world->runtime) {
        aw_fail(err, AW_E_NOTFOUND, 0, "the OCI runtime %s was not found", world->runtime);
        return aw_mend(err, "install it, or leave --runtime out");
    }
    if (!rt.path) {
        aw_fail(err, AW_E_NOTFOUND, 0, "no OCI runtime (crun or runc) is installed");
        return aw_mend(err, "sudo apt install crun");
    }
    const char *slash = strrchr(rt.path, '/');
    rt.kind = strstr(slash ? slash : rt.path, "crun") ? BUNDLE_CRUN : BUNDLE_RUNC;
    *ret = rt;
    return true;
}

void runtime_fini(struct runtime *rt)
{
    free(rt->path);
    rt->path = NULL;
}

/* The files of one call. */
struct names {
    char *state, *log, *pid, *socket;
};

static bool names_init(struct names *n, const char *stage, struct aw_err *err)
{
    char tag[40];
    file_random_name("call-", tag, sizeof(tag));
    n->state = str_printf("%s/state", stage);
    n->log = str_printf("--log=%s/%s.log", stage, tag);
    n->pid = str_printf("%s/%s.pid", stage, tag);
    n->socket = str_printf("%s/%s.tty", stage, tag);
    if (!n->state || !n->log || !n->pid || !n->socket)
        return aw_fail(err, AW_E_NOMEM, 0, "start the OCI runtime: out of memory");
    return true;
}

static const char *log_path(const struct names *n)
{
    return n->log + strlen("--log=");
}

static void names_fini(struct names *n)
{
    if (n->pid)
        unlink(n->pid);
    if (n->socket)
        unlink(n->socket);
    free(n->state);
    free(n->log);
    free(n->pid);
    free(n->socket);
}

static bool common_args(const struct runtime *rt, const struct names *n, struct strv *argv)
{
    return strv_add(argv, rt->path) && strv_add(argv, "--root") && strv_add(argv, n->state) &&
           strv_add(argv, n->log) && strv_add(argv, "--log-format=json") &&
           (rt->kind != BUNDLE_CRUN || strv_add(argv, "--cgroup-manager=disabled"));
}

static bool call_args(const struct runtime *rt, const struct runtime_call *c, const struct names *n,
                      struct strv *argv)
{
    const char *verb = c->process ? "exec" : c->at_once ? "run" : "create";
    bool ok = common_args(rt, n, argv) && strv_add(argv, verb);
    if (c->process || c->at_once)
        ok = ok && strv_add(argv, "--detach");
    if (c->process)
        ok = ok && strv_add(argv, "--process") && strv_add(argv, c->process);
    else
        ok = ok && strv_add(argv, "--bundle") && strv_addf(argv, "%s/bundle", c->stage);
    ok = ok && strv_add(argv, "--pid-file") && strv_add(argv, n->pid);
    if (c->tty)
        ok = ok && strv_add(argv, "--console-socket") && strv_add(argv, n->socket);
    return ok && strv_add(argv, c->id);
}

static int listen_for_tty(const char *path, struct aw_err *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0) {
        aw_fail(err, AW_E_IO, errno, "listen for the terminal");
        util_close(fd);
        return -1;
    }
    return fd;
}

/* The runtime has connected and sent the terminal before it reports success. */
static int receive_tty(int listener, struct aw_err *err)
{
    _cleanup_close_ int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    char text[256];
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } c = {0};
    struct iovec io = {text, sizeof(text)};
    struct msghdr msg = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = sizeof(c.room)};
    struct pollfd p = {.fd = sock, .events = POLLIN};
    if (sock < 0 || poll(&p, 1, 5000) != 1 || recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) < 0) {
        aw_fail(err, AW_E_IO, errno, "receive the terminal from the OCI runtime");
        return -1;
    }
    struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
    int fd = -1;
    if (cm && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(cm), sizeof(fd));
    if (fd < 0)
        aw_fail(err, AW_E_IO, 0, "the OCI runtime sent no terminal");
    return fd;
}

static bool read_pid(const char *path, pid_t *ret, struct aw_err *err)
{
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, 64, NULL, err);
    if (!text)
        return false;
    text[strcspn(text, "\n")] = '\0';
    unsigned long long pid;
    if (!str_to_u64(text, 2, 1 << 30, &pid))
        return aw_fail(err, AW_E_PARSE, 0, "the OCI runtime's pid file says \"%s\"", text);
    *ret = (pid_t)pid;
    return true;
}

static char *load_log(const char *path)
{
    struct aw_err ignored = AW_ERR_INIT;
    char *text = file_load(AT_FDCWD, path, LOG_LIMIT, NULL, &ignored);
    return text ? text : strdup("");
}

/* Run it with the streams of c; the exit status, or -1 and err. */
static int run_call(const struct runtime_call *c, const struct strv *argv, struct aw_err *err)
{
    _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct spawn s = {.argv = (const char *const *)argv->v,
                      .stdin_fd = c->tty ? null : c->io[0],
                      .stdout_fd = c->tty ? null : c->io[1],
                      .stderr_fd = c->tty ? null : c->io[2]};
    int status = 0;
    pid_t pid = spawn_start(&s, err);
    if (pid < 0)
        return -1;
    if (!spawn_wait(pid, RUNTIME_TIMEOUT_MS, &status, err)) {
        kill(pid, SIGKILL);
        spawn_wait(pid, 0, &status, NULL);
        return -1;
    }
    return status;
}

static bool launch(const struct runtime *rt, const struct runtime_call *c, const struct names *n,
                   struct runtime_started *ret, struct aw_err *err)
{
    _cleanup_strv_ struct strv argv = {0};
    _cleanup_close_ int listener = -1;
    ret->exit_status = BOX_EXIT_FAILED;
    snprintf(ret->log, sizeof(ret->log), "%s", log_path(n));
    if (!call_args(rt, c, n, &argv))
        return aw_fail(err, AW_E_NOMEM, 0, "start the OCI runtime: out of memory");
    if (c->tty && (listener = listen_for_tty(n->socket, err)) < 0)
        return false;
    int status = run_call(c, &argv, err);
    if (status < 0)
        return aw_context(err, "%s", rt->path);
    if (status != 0) {
        _cleanup_free_ char *text = load_log(log_path(n));
        ret->exit_status = bundle_explain(text ? text : "", c->program, err);
        return false;
    }
    if (!read_pid(n->pid, &ret->pid, err))
        return false;
    if (c->tty && (ret->tty = receive_tty(listener, err)) < 0)
        return false;
    ret->exit_status = 0;
    return true;
}

/* Remember whose the files among the streams are. Not of pipes: a copy would keep them open. */
static void note_owners(const struct runtime_call *c, struct runtime_started *ret)
{
    for (int i = 0; i < 3; i++) {
        struct stat st;
        if (c->tty || fstat(c->io[i], &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        int fd = fcntl(c->io[i], F_DUPFD_CLOEXEC, 3);
        if (fd >= 0)
            ret->lent[ret->n_lent++] = (struct runtime_lent){fd, st.st_uid, st.st_gid};
    }
}

void runtime_give_back(struct runtime_started *started)
{
    for (int i = 0; i < started->n_lent; i++) {
        struct runtime_lent *l = &started->lent[i];
        struct stat st;
        bool given = fstat(l->fd, &st) == 0 && (st.st_uid != l->uid || st.st_gid != l->gid);
        /* whoever may not give it back could not give it away, either */
        int ignored = given ? fchown(l->fd, l->uid, l->gid) : 0;
        (void)ignored;
        util_close(l->fd);
    }
    started->n_lent = 0;
}

bool runtime_launch(const struct runtime *rt, const struct runtime_call *c,
                    struct runtime_started *ret, struct aw_err *err)
{
    struct names n = {0};
    *ret = (struct runtime_started){.tty = -1, .exit_status = BOX_EXIT_FAILED};
    note_owners(c, ret);
    bool ok = names_init(&n, c->stage, err) && launch(rt, c, &n, ret, err);
    names_fini(&n);
    return ok;
}

bool runtime_start(const struct runtime *rt, const char *stage, const char *id, struct aw_err *err)
{
    struct names n = {0};
    _cleanup_strv_ struct strv argv = {0};
    struct runtime_call c = {.stage = stage, .id = id, .tty = true};
    bool ok = names_init(&n, stage, err);
    if (ok && !(common_args(rt, &n, &argv) && strv_add(&argv, "start") && strv_add(&argv, id)))
        ok = aw_fail(err, AW_E_NOMEM, 0, "start the container: out of memory");
    int status = ok ? run_call(&c, &argv, err) : -1;
    if (status > 0) {
        _cleanup_free_ char *text = load_log(log_path(&n));
        bundle_explain(text ? text : "", "the container's program", err);
    }
    names_fini(&n);
    return status == 0;
}

int runtime_why(const struct runtime_started *started, const char *program, struct aw_err *err)
{
    _cleanup_free_ char *text = load_log(started->log);
    return text && *text ? bundle_explain(text, program, err) : 0;
}
