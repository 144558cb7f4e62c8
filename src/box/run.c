/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting a container, and talking to a living one: the command line's side.
 *
 * box_run is the story of a container seen from outside: choose the interpreters and the network,
 * make the container's folder, fork the holder, hand it the streams, serve until the end, clean up.
 */
#include "box/box.h"

#include "base/file.h"
#include "base/spawn.h"
#include "box/attach.h"
#include "box/cgroup.h"
#include "box/holder.h"
#include "codec/js.h"
#include "image/store.h"
#include "ns/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>

/* Everything of one run, so that one function can undo it all. */
struct run {
    struct store *store;
    const struct image *img;
    const struct box_run_args *args;
    struct container container;
    struct runtime runtime;
    struct emulators emulators;
    struct stage_sources sources;
    bool sources_open;
    struct attach attach;
    bool attached;
    struct cgroup cgroup;
    int pair[2];  /* control: ours, the holder's */
    int listener; /* for exec */
};

/* The holder says that the program runs: `ps` may show it. */
static void on_started(void *user, int pid)
{
    struct run *r = user;
    struct box_info live = {.pid = pid,
                            .started = (int64_t)time(NULL),
                            .emulator = r->emulators.native ? (char *)"" : r->emulators.v[0].path};
    struct aw_err ignored = AW_ERR_INIT;
    container_save(&r->container, r->img, r->args->opt, &live, &ignored);
}

/* A descriptor of a user namespace with the container's map; -1. */
static int userns_of(const struct idmap *map)
{
    pid_t pid = 0;
    char path[64];
    struct aw_err ignored = AW_ERR_INIT;
    int side = ns_fork(map, 0, &pid, &ignored);
    if (side == 0) {
        pause();
        _exit(0);
    }
    if (side < 0)
        return -1;
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    kill(pid, SIGKILL);
    spawn_wait(pid, 0, &(int){0}, NULL);
    return fd;
}

/* Real root's home may be closed to the shifted root inside: open everything before going in. */
static bool open_as_root(struct run *r, const struct idmap *map, struct aw_err *err)
{
    const struct box_options *opt = r->args->opt;
    struct stage_wanted want = {.store = r->store,
                                .img = r->img,
                                .map = map,
                                .opt = opt,
                                .container_fd = r->container.dir_fd};
    if (!stage_sources_open(&r->sources, &want, err))
        return false;
    r->sources_open = true;
    if (opt->n_mounts) {
        _cleanup_close_ int userns = userns_of(map);
        if (userns >= 0)
            stage_sources_idmap(&r->sources, userns, r->args->world->log);
    }
    return emulators_open(&r->emulators, err);
}

static bool prepare(struct run *r, const struct idmap *map, struct holder_input *in,
                    struct aw_err *err)
{
    const struct box_options *opt = r->args->opt;
    const struct box_world *world = r->args->world;
    if (!runtime_find(world, &r->runtime, err) ||
        !emulators_choose(&r->img->platform, opt->emulator, world, &r->emulators, err) ||
        !network_plan(opt, world, &in->net, err) ||
        !container_new(r->store, opt, map, &r->container, err) ||
        !container_save(&r->container, r->img, opt, NULL, err))
        return false;
    /* state.json names the layers now: prune will leave them alone */
    store_release(r->store);
    r->listener = control_listen(r->container.dir_fd, "ctl", err);
    if (r->listener < 0 || !control_pair(r->pair, err))
        return false;
    if (geteuid() == 0 && idmap_root_uid(map) != 0) {
        if (!open_as_root(r, map, err))
            return false;
        in->sources = &r->sources;
    }
    r->attach = (struct attach){.control = r->pair[0],
                                .tty = opt->tty,
                                .interactive = opt->interactive,
                                .log = world->log,
                                .started = on_started,
                                .user = r};
    r->attached = true;
    return attach_init(&r->attach, err);
}

static void undo(struct run *r)
{
    if (r->attached)
        attach_fini(&r->attach);
    if (r->sources_open)
        stage_sources_fini(&r->sources);
    util_close(r->pair[0]);
    util_close(r->pair[1]);
    util_close(r->listener);
    if (r->container.lock_fd >= 0)
        container_remove(r->store, &r->container);
    cgroup_fini(&r->cgroup);
    emulators_fini(&r->emulators);
    runtime_fini(&r->runtime);
}

/* In the parent: hand over, serve, wait. */
static bool serve(struct run *r, pid_t holder, struct aw_err *err)
{
    int status = 0;
    r->attach.holder = holder;
    util_close(r->pair[1]);
    r->pair[1] = -1;
    attach_given(&r->attach);
    if (r->sources_open)
        stage_sources_fini(&r->sources);
    r->sources_open = false;
    bool ok = attach_serve(&r->attach, r->args->ret_status, err);
    spawn_wait(holder, 0, &status, NULL);
    return ok;
}

bool box_run(struct store *s, const struct image *img, const struct idmap *map,
             const struct box_run_args *args, struct aw_err *err)
{
    struct run r = {.store = s,
                    .img = img,
                    .args = args,
                    .container = {.dir_fd = -1, .lock_fd = -1},
                    .pair = {-1, -1},
                    .listener = -1};
    struct passwd *pw = getpwuid(getuid());
    struct holder_input in = {.store = s,
                              .img = img,
                              .map = map,
                              .opt = args->opt,
                              .world = args->world,
                              .container = &r.container,
                              .runtime = &r.runtime,
                              .emulators = &r.emulators,
                              .caller_uid = getuid(),
                              .caller_gid = getgid(),
                              .caller_name = pw ? pw->pw_name : NULL};
    *args->ret_status = BOX_EXIT_FAILED;
    if (map->kind == IDMAP_SINGLE)
        aw_log(
            args->world->log, AW_LOG_WARN,
            "only one user id is available (%s): programs that change ids or owners will fail in "
            "the container (for apt: -o APT::Sandbox::User=root)",
            map->why_single);
    struct cgroup_limits limits = {.memory = args->opt->memory, .pids = args->opt->pids_limit};
    bool ok = prepare(&r, map, &in, err) && cgroup_enter(&limits, r.container.id, &r.cgroup, err);
    pid_t pid = 0;
    int side = ok ? ns_fork(map, CLONE_NEWNS | CLONE_NEWPID, &pid, err) : -1;
    if (side == 0) {
        in.control = r.pair[1];
        in.listener = r.listener;
        memcpy(in.io, r.attach.give, sizeof(in.io));
        util_close(r.pair[0]);
        attach_forget(&r.attach);
        _exit(holder_main(&in));
    }
    cgroup_leave(&r.cgroup);
    if (side > 0)
        ok = serve(&r, pid, err);
    else
        ok = false;
    undo(&r);
    return ok;
}

/* ---- a living container ------------------------------------------------------------------------
 */

static char *exec_request(const struct box_exec *x)
{
    _cleanup_js_ struct json_object *o = json_object_new_object();
    uint16_t rows = 0, cols = 0;
    attach_size(&rows, &cols);
    js_add_strv(o, "command", &x->command);
    js_add_strv(o, "env", &x->env);
    js_add_string(o, "user", x->user);
    js_add_string(o, "workdir", x->workdir);
    js_add_bool(o, "tty", x->tty);
    js_add_u64(o, "rows", rows);
    js_add_u64(o, "cols", cols);
    return strdup(js_text(o));
}

static bool send_exec(int sock, const struct box_exec *x, struct attach *a, struct aw_err *err)
{
    _cleanup_free_ char *text = exec_request(x);
    if (!text)
        return aw_fail(err, AW_E_NOMEM, 0, "exec: out of memory");
    struct control_msg m = {.type = CONTROL_EXEC,
                            .text = text,
                            .len = (uint32_t)strlen(text),
                            .fds = {a->give[0], a->give[1], a->give[2]},
                            .n_fds = 3};
    if (!control_send(sock, &m, err))
        return aw_context(err, "exec");
    attach_given(a);
    return true;
}

bool box_exec(struct store *s, const struct box_exec *x, const struct box_world *world,
              int *ret_status, struct aw_err *err)
{
    char id[BOX_ID + 1];
    *ret_status = BOX_EXIT_FAILED;
    _cleanup_close_ int dir = container_find(s, x->container, id, err);
    _cleanup_close_ int sock = dir < 0 ? -1 : control_connect(dir, "ctl", err);
    if (sock < 0)
        return false;
    struct attach a = {
        .control = sock, .tty = x->tty, .interactive = x->interactive, .log = world->log};
    bool ok =
        attach_init(&a, err) && send_exec(sock, x, &a, err) && attach_serve(&a, ret_status, err);
    attach_fini(&a);
    return ok;
}

/* Wait until the container's lock is free. */
static bool wait_for_end(int dir, int timeout_ms)
{
    uint64_t end = file_now_ms() + (uint64_t)timeout_ms;
    for (;;) {
        _cleanup_close_ int fd = openat(dir, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0)
            return true;
        if (file_now_ms() >= end)
            return false;
        poll(NULL, 0, 20);
    }
}

bool box_stop(struct store *s, const char *container, int signal, int timeout_ms,
              struct aw_err *err)
{
    char id[BOX_ID + 1];
    _cleanup_close_ int dir = container_find(s, container, id, err);
    _cleanup_close_ int sock = dir < 0 ? -1 : control_connect(dir, "ctl", err);
    if (sock < 0)
        return false;
    control_send_value(sock, CONTROL_SIGNAL, signal);
    if (wait_for_end(dir, timeout_ms))
        return true;
    control_send_value(sock, CONTROL_SIGNAL, SIGKILL);
    if (wait_for_end(dir, 10000))
        return true;
    return aw_fail(err, AW_E_TIMEOUT, 0, "container %s does not end", container);
}
