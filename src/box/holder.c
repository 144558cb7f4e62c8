/* SPDX-License-Identifier: Apache-2.0
 *
 * The holder's life, in order: stage, rules, root, bundle, runtime create, network, runtime start;
 * then it waits for the program's end, passes signals on, serves exec, and at last empties the
 * writable layer.
 *
 * Invariants:
 * 1. It is PID 1 of its pid namespace: whatever ends it ends the container, pasta and every helper.
 * 2. It never writes to the program's streams; words for the user go to the command line as
 * messages.
 * 3. When the command line goes away (end of file on control), the container ends.
 * 4. Lock descriptors are close-on-exec: nothing that runs in the container holds them.
 */
#include "box/holder.h"

#include "base/file.h"
#include "base/spawn.h"
#include "box/bundle.h"
#include "box/control.h"
#include "box/exec.h"
#include "box/files.h"
#include "box/program.h"
#include "box/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct holder {
    struct holder_input *in;
    struct stage stage;
    struct rules rules;             /* the binfmt_misc instance(s) */
    struct runtime_started started; /* the container's first process */
    int sigchld;                    /* signalfd */
    int status;                     /* wait status of the program, once ended */
};

static void log_to_control(void *user, enum aw_level level, const char *message)
{
    control_send_log(*(int *)user, level, message);
}

/* ---- making the container ---------------------------------------------------------------------
 */

/* Bind mounts are on the stage; the bundle must name them there. */
static bool redirect_binds(struct holder *h, struct box_options *opt, struct aw_err *err)
{
    for (size_t i = 0; i < opt->n_mounts; i++) {
        struct box_mount *m = &opt->mounts[i];
        if (m->kind != BOX_MOUNT_BIND)
            continue;
        char *path = str_printf("%s/v/%zu", h->stage.dir, i);
        if (!path)
            return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
        free(m->source);
        m->source = path;
        m->create_source = false;
    }
    return true;
}

static bool write_files(struct holder *h, const char *hostname, int files_fd, struct aw_err *err)
{
    struct aw_err ignored = AW_ERR_INIT;
    enum box_network kind = h->in->net.kind;
    _cleanup_free_ char *resolv = file_load(AT_FDCWD, "/etc/resolv.conf", 1 << 16, NULL, &ignored);
    struct files_input f = {.options = h->in->opt,
                            .hostname = hostname,
                            .network = kind != BOX_NET_NONE,
                            .resolv_conf = resolv,
                            .dns_forward = h->in->net.dns_forward ? NETWORK_DNS : NULL,
                            .host_network = kind == BOX_NET_HOST};
    return files_write(&f, files_fd, err);
}

static const char *find_init(struct holder *h, char **ret)
{
    static const char *const known[] = {"catatonit", "tini-static", "docker-init", "tini"};
    for (size_t i = 0; i < AW_LEN(known) && !*ret; i++) {
        *ret = spawn_find(known[i], h->in->world->path);
        struct aw_err ignored = AW_ERR_INIT;
        _cleanup_close_ int fd = *ret ? open(*ret, O_RDONLY | O_CLOEXEC) : -1;
        if (*ret && !emulator_is_static(fd, *ret, &ignored)) {
            free(*ret);
            *ret = NULL;
        }
    }
    if (!*ret)
        *ret = spawn_find("/usr/libexec/podman/catatonit", NULL);
    return *ret;
}

static bool write_bundle(struct holder *h, struct aw_err *err)
{
    struct holder_input *in = h->in;
    struct box_options opt = *in->opt; /* this process is a copy: its mounts may be changed */
    const char *hostname = opt.hostname ? opt.hostname : in->container->id;
    _cleanup_free_ char *init = NULL;
    _cleanup_free_ char *files_path = str_printf("%s/etc", h->stage.dir);
    _cleanup_close_ int files = openat(h->stage.fd, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int bundle = openat(h->stage.fd, "bundle", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!files_path || files < 0 || bundle < 0)
        return aw_fail(err, AW_E_IO, errno, "open the stage's folders");
    if (opt.init && !find_init(h, &init)) {
        aw_fail(err, AW_E_NOTFOUND, 0, "--init needs a small static init program");
        return aw_mend(err, "sudo apt install catatonit");
    }
    opt.memory = opt.pids_limit = 0; /* the command line has made the control group: cgroup.h */
    if (!redirect_binds(h, &opt, err) || !write_files(h, hostname, files, err))
        return false;
    struct aw_log log = {.fn = log_to_control, .user = &in->control};
    struct bundle_input b = {
        .options = &opt,
        .image = &in->img->config,
        .platform = &in->img->platform,
        .map = in->map,
        .root_fd = h->stage.rootfs_fd,
        .root_path = "rootfs",
        .hostname = hostname,
        .runtime = in->runtime->kind,
        .net = in->net.kind == BOX_NET_HOST ? BUNDLE_NET_HOLDER : BUNDLE_NET_OWN,
        .cgroup2 = h->stage.cgroup2,
        .files_fd = files,
        .files_path = files_path,
        .init_path = init,
        .caller_uid = in->caller_uid,
        .caller_gid = in->caller_gid,
        .caller_name = in->caller_name,
        .log = &log,
    };
    return bundle_write(&b, bundle, err);
}

static bool prepare(struct holder *h, struct aw_err *err)
{
    struct holder_input *in = h->in;
    struct stage_sources own;
    struct aw_log log = {.fn = log_to_control, .user = &in->control};
    struct stage_sources *src = in->sources;
    struct stage_wanted want = {.store = in->store,
                                .img = in->img,
                                .map = in->map,
                                .opt = in->opt,
                                .container_fd = in->container->dir_fd};
    if (!src) {
        if (!stage_sources_open(&own, &want, err))
            return false;
        src = &own;
        if (!emulators_open(in->emulators, err)) {
            stage_sources_fini(src);
            return false;
        }
    }
    /* first: the stage's fresh /proc hides the host's binfmt_misc, which old kernels need */
    if (!rules_init(&h->rules, in->emulators, &log, err)) {
        stage_sources_fini(src);
        return false;
    }
    if (!stage_init(&h->stage, src, err))
        return false;
    if (!stage_root(&h->stage, in->img, &log, err))
        return false;
    /* uname -m says i686 to a 32-bit image, as on a 32-bit machine */
    if (str_eq(in->img->platform.arch, "386"))
        personality(PER_LINUX32);
    return write_bundle(h, err);
}

static struct program_world world_of(const struct holder *h)
{
    return (struct program_world){.opt = h->in->opt,
                                  .image = &h->in->img->config,
                                  .emulators = h->in->emulators,
                                  .only_emulators = h->rules.own != NULL};
}

static bool hand_over_tty(struct holder *h, struct aw_err *err)
{
    if (h->started.tty < 0)
        return true;
    struct control_msg m = {.type = CONTROL_TTY, .fds = {h->started.tty}, .n_fds = 1};
    bool ok = control_send(h->in->control, &m, err);
    util_close(h->started.tty);
    h->started.tty = -1;
    return ok;
}

static bool launch(struct holder *h, int *ret_exit, struct aw_err *err)
{
    struct holder_input *in = h->in;
    struct aw_log log = {.fn = log_to_control, .user = &in->control};
    struct program_world pw = world_of(h);
    int missing = program_check(h->stage.rootfs_fd, &pw, err);
    if (missing) {
        *ret_exit = missing;
        return false;
    }
    struct runtime_call c = {.stage = h->stage.dir,
                             .id = in->container->id,
                             .program = program_name(in->opt, &in->img->config),
                             .io = {in->io[0], in->io[1], in->io[2]},
                             .tty = in->opt->tty,
                             .at_once = in->net.kind != BOX_NET_PASTA &&
                                        !rules_want_container(&h->rules, in->opt)};
    if (!runtime_launch(in->runtime, &c, &h->started, err)) {
        *ret_exit = h->started.exit_status;
        return false;
    }
    if (!hand_over_tty(h, err))
        return false;
    if (c.at_once)
        return true;
    struct network_target target = {.pid = h->started.pid, .stage = h->stage.dir};
    return network_start(&in->net, in->opt, &target, &log, err) &&
           rules_for_container(&h->rules, in->opt, h->started.pid, &log, err) &&
           runtime_start(in->runtime, h->stage.dir, in->container->id, err);
}

/* ---- while it runs ----------------------------------------------------------------------------
 */

/* Reap all that ended. True when the container's program was among them. */
static bool reap(struct holder *h)
{
    bool ended = false;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        if (pid == h->started.pid) {
            h->status = status;
            ended = true;
        }
    return ended;
}

/* False when the command line is gone. */
static bool serve_control(struct holder *h)
{
    _cleanup_control_ struct control_msg m;
    struct aw_err ignored = AW_ERR_INIT;
    if (control_recv(h->in->control, &m, &ignored) <= 0)
        return false;
    if (m.type == CONTROL_SIGNAL && m.value > 0 && m.value < 65)
        kill(h->started.pid, m.value);
    return true;
}

static void serve_listener(struct holder *h)
{
    const struct holder_input *in = h->in;
    const char *stop = in->opt->stop_signal ? in->opt->stop_signal : in->img->config.stop_signal;
    int signal = stop && *stop ? str_to_signal(stop) : 0;
    struct exec_server x = {.init = h->started.pid,
                            .stop_signal = signal ? signal : SIGTERM,
                            .world = world_of(h),
                            .runtime = h->in->runtime,
                            .map = h->in->map,
                            .stage = &h->stage,
                            .id = h->in->container->id};
    exec_accept(&x, h->in->listener);
}

/* Wait for the end of the program. */
static void attend(struct holder *h)
{
    for (;;) {
        struct pollfd p[3] = {{.fd = h->sigchld, .events = POLLIN},
                              {.fd = h->in->control, .events = POLLIN},
                              {.fd = h->in->listener, .events = POLLIN}};
        if (poll(p, 3, -1) < 0)
            continue;
        struct signalfd_siginfo si;
        if (p[0].revents && read(h->sigchld, &si, sizeof(si)) > 0 && reap(h))
            return;
        if (p[1].revents && !serve_control(h)) {
            kill(h->started.pid, SIGKILL);
            h->in->control = -1;
        }
        if (p[2].revents)
            serve_listener(h);
    }
}

static int finish(struct holder *h)
{
    struct holder_input *in = h->in;
    int status = WIFEXITED(h->status) ? WEXITSTATUS(h->status) : 128 + WTERMSIG(h->status);
    struct aw_err why = AW_ERR_INIT;
    int runtimes =
        status == 1 ? runtime_why(&h->started, program_name(in->opt, &in->img->config), &why) : 0;
    /* the pid namespace's others (exec'ed programs are gone with the container; pasta) */
    kill(-1, SIGKILL);
    runtime_give_back(&h->started);
    if (runtimes)
        control_send_error(in->control, runtimes, &why);
    else
        control_send_value(in->control, CONTROL_EXIT, status);
    struct aw_err err = AW_ERR_INIT;
    if (!stage_fini(&h->stage, &err))
        control_send_log(in->control, AW_LOG_DEBUG, err.message);
    return 0;
}

static int give_up(struct holder *h, int exit_status, const struct aw_err *err)
{
    struct aw_err ignored = AW_ERR_INIT;
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    runtime_give_back(&h->started);
    control_send_error(h->in->control, exit_status, err);
    if (h->stage.dir)
        stage_fini(&h->stage, &ignored);
    return 1;
}

/* The program has its streams now; ours go, so that its reader sees the end of file. */
static void let_go_of_streams(struct holder_input *in)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++) {
        if (in->io[i] > 2)
            util_close(in->io[i]);
        in->io[i] = -1;
        dup2(null, i);
    }
    util_close(null);
}

int holder_main(struct holder_input *in)
{
    struct holder h = {.in = in, .sigchld = -1, .stage = {.fd = -1, .rootfs_fd = -1}};
    struct aw_err err = AW_ERR_INIT;
    int exit_status = BOX_EXIT_FAILED;
    sigset_t chld;
    setsid();
    umask(0022);
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_SETMASK, &chld, NULL);
    h.sigchld = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
    if (!prepare(&h, &err) || !launch(&h, &exit_status, &err))
        return give_up(&h, exit_status, &err);
    let_go_of_streams(in);
    const char *emulator = in->emulators->native ? "" : in->emulators->v[0].path;
    struct control_msg m = {.type = CONTROL_STARTED,
                            .value = h.started.pid,
                            .text = (char *)emulator,
                            .len = (uint32_t)strlen(emulator)};
    /* a pid means another process elsewhere; a pidfd does not */
    _cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, h.started.pid, 0);
    m.fds[0] = pidfd;
    m.n_fds = pidfd >= 0 ? 1 : 0;
    control_send(in->control, &m, NULL);
    if (!reap(&h))
        attend(&h);
    return finish(&h);
}
