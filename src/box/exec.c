/* SPDX-License-Identifier: Apache-2.0
 *
 * exec, the holder's side: one child process a client, below the holder, that starts the program by
 * the OCI runtime, waits for it as its subreaper, and passes signals on.
 */
#include "box/exec.h"

#include "base/file.h"
#include "box/control.h"
#include "codec/js.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* What the client asked for: the JSON made by box_exec. */
struct request {
    struct json_object *json;
    struct bundle_exec x;
};

static bool parse_request(const struct control_msg *m, struct request *ret, struct aw_err *err)
{
    uint64_t rows = 0, cols = 0;
    struct request r = {0};
    if (m->type != CONTROL_EXEC || m->n_fds != 3)
        return aw_fail(err, AW_E_PARSE, 0, "exec: not a request");
    r.json = js_parse(m->text ? m->text : "", m->len, "exec request", err);
    if (!r.json)
        return false;
    bool ok = js_get_strv(r.json, "command", &r.x.command, err) &&
              js_get_strv(r.json, "env", &r.x.env, err) &&
              js_get_string(r.json, "user", &r.x.user, err) &&
              js_get_string(r.json, "workdir", &r.x.workdir, err) &&
              js_get_bool(r.json, "tty", &r.x.tty, err) && js_get_u64(r.json, "rows", &rows, err) &&
              js_get_u64(r.json, "cols", &cols, err);
    r.x.rows = (uint16_t)rows;
    r.x.cols = (uint16_t)cols;
    if (ok && r.x.command.n == 0)
        ok = aw_fail(err, AW_E_ARG, 0, "exec: no command");
    *ret = r;
    return ok;
}

static void request_fini(struct request *r)
{
    strv_fini(&r->x.command);
    strv_fini(&r->x.env);
    json_object_put(r->json);
}

static bool start(const struct exec_server *x, const struct request *r, const struct control_msg *m,
                  struct runtime_started *ret, struct aw_err *err)
{
    char name[40];
    struct program_world world = x->world;
    world.name = r->x.command.v[0];
    ret->exit_status = program_check(x->stage->rootfs_fd, &world, err);
    if (ret->exit_status)
        return false;
    file_random_name("exec-", name, sizeof(name));
    _cleanup_free_ char *path = str_printf("%s/bundle/%s", x->stage->dir, name);
    _cleanup_close_ int bundle = openat(x->stage->fd, "bundle", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!path || bundle < 0)
        return aw_fail(err, AW_E_IO, errno, "open the bundle");
    if (!bundle_write_exec(&r->x, x->map, x->stage->rootfs_fd, bundle, name, err))
        return false;
    struct runtime_call c = {.stage = x->stage->dir,
                             .id = x->id,
                             .program = r->x.command.v[0],
                             .io = {m->fds[0], m->fds[1], m->fds[2]},
                             .process = path,
                             .tty = r->x.tty};
    bool ok = runtime_launch(x->runtime, &c, ret, err);
    unlinkat(bundle, name, 0);
    return ok;
}

/* Wait for the program, passing on the client's signals. When the client goes away, the program
 * gets SIGHUP, like one whose terminal was closed. */
static int attend(int client, pid_t pid)
{
    _cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    bool connected = true;
    for (;;) {
        struct pollfd p[2] = {{.fd = pidfd, .events = POLLIN},
                              {.fd = connected ? client : -1, .events = POLLIN}};
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[1].revents) {
            _cleanup_control_ struct control_msg m;
            struct aw_err ignored = AW_ERR_INIT;
            if (control_recv(client, &m, &ignored) <= 0) {
                connected = false;
                kill(pid, SIGHUP);
            } else if (m.type == CONTROL_SIGNAL && m.value > 0 && m.value < 65) {
                kill(pid, m.value);
            }
        }
        if (p[0].revents)
            break;
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The first message that is no signal for the container; false: the client has gone. */
static bool first_request(const struct exec_server *x, int client, struct control_msg *m)
{
    struct aw_err ignored = AW_ERR_INIT;
    while (control_recv(client, m, &ignored) > 0) {
        if (m->type != CONTROL_SIGNAL)
            return true;
        if (m->value >= 0 && m->value < 65)
            kill(x->init, m->value ? m->value : x->stop_signal);
        control_msg_fini(m);
    }
    return false;
}

static void serve(const struct exec_server *x, int client)
{
    _cleanup_control_ struct control_msg m = {0};
    struct aw_err err = AW_ERR_INIT;
    struct request r = {0};
    struct runtime_started started = {.exit_status = BOX_EXIT_FAILED, .tty = -1};
    if (!first_request(x, client, &m))
        return;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!parse_request(&m, &r, &err) || !start(x, &r, &m, &started, &err)) {
        runtime_give_back(&started);
        control_send_error(client, started.exit_status ? started.exit_status : BOX_EXIT_FAILED,
                           &err);
        request_fini(&r);
        return;
    }
    if (started.tty >= 0) {
        struct control_msg t = {.type = CONTROL_TTY, .fds = {started.tty}, .n_fds = 1};
        control_send(client, &t, NULL);
        util_close(started.tty);
    }
    for (int i = 0; i < m.n_fds; i++)
        util_close(m.fds[i]);
    m.n_fds = 0;
    control_send_value(client, CONTROL_STARTED, started.pid);
    int status = attend(client, started.pid);
    runtime_give_back(&started);
    int why = status == 1 ? runtime_why(&started, r.x.command.v[0], &err) : 0;
    if (why)
        control_send_error(client, why, &err);
    else
        control_send_value(client, CONTROL_EXIT, status);
    request_fini(&r);
}

void exec_accept(const struct exec_server *x, int listener)
{
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    /* safe because the socket is in the store, whose folders only its owner may traverse, and no
     * container sees it */
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(x, client);
        _exit(0);
    }
    util_close(client);
}
