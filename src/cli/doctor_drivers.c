/* SPDX-License-Identifier: Apache-2.0
 *
 * Each container engine's client: how it runs a program from our folder, and how what that left is
 * removed.
 *
 * Invariants:
 * 1. Every command has a time-out; those that remove are not cut short by an interruption.
 * 2. What is made has the trial's own name, or is in its folder.
 */
#include "cli/doctor_trial.h"

#include "base/file.h"
#include "base/spawn.h"
#include "binfmt/guest.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>

#define RUN_MS 40000   /* a container on a busy machine */
#define ASK_MS 10000   /* does the daemon answer? */
#define CLEAN_MS 20000 /* removing */
#define WORDS "archway"
#define LEAVES 42

/* ---- running the engine's client --------------------------------------------------------------
 */

/* What tells most of what the client said: the kernel's refusal if it is there, else the last line.
 */
static void best_line(const struct buf *b, char *ret, size_t size)
{
    const char *s = buf_str(b), *end = s + strlen(s);
    const char *refusal = strcasestr(s, "exec format error");
    if (refusal)
        end = refusal + strcspn(refusal, "\r\n");
    while (end > s && strchr("\r\n ", end[-1]))
        end--;
    const char *start = end;
    while (start > s && start[-1] != '\n')
        start--;
    snprintf(ret, size, "%.*s", (int)(end - start), start);
}

static bool call_for(struct trial *t, int timeout_ms, bool cancel, struct strv *words,
                     struct spawn_result *r, char *why, size_t size)
{
    struct aw_err err = AW_ERR_INIT;
    struct spawn s = {.argv = (const char *const *)words->v,
                      .envp = (const char *const *)t->env.v,
                      .timeout_ms = timeout_ms,
                      .limit = 65536,
                      .cancelled = cancel ? cli_interrupted : NULL};
    bool ok = spawn_run(&s, r, &err);
    strv_fini(words);
    if (!ok) {
        snprintf(why, size, "%s", err.message);
        return false;
    }
    if (r->status == 0)
        return true;
    best_line(&r->err_text, why, size);
    if (!*why)
        snprintf(why, size, "it ended with status %d", r->status);
    return false;
}

/* Words up to NULL behind the client's name. */
static void say(struct trial *t, struct strv *words, ...)
{
    va_list ap;
    va_start(ap, words);
    bool first = !words->n;
    if (first && t->user) {
        /* safe because it only gives up rights */
        strv_add(words, "setpriv");
        strv_addf(words, "--reuid=%u", t->user->pw_uid);
        strv_addf(words, "--regid=%u", t->user->pw_gid);
        strv_add(words, "--init-groups");
        strv_add(words, "--");
    }
    if (first)
        strv_add(words, t->program);
    for (const char *w; (w = va_arg(ap, const char *));)
        strv_add(words, w);
    va_end(ap);
}

static void run_words(struct trial *t, struct strv *words, struct attempt *ret)
{
    _cleanup_spawn_ struct spawn_result r = {0};
    call_for(t, RUN_MS, true, words, &r, ret->message, sizeof(ret->message));
    ret->ran = r.status == LEAVES && strstr(buf_str(&r.out), WORDS);
}

static bool quietly(struct trial *t, struct strv *words)
{
    char why[256];
    _cleanup_spawn_ struct spawn_result r = {0};
    return call_for(t, CLEAN_MS, false, words, &r, why, sizeof(why));
}

/* ---- podman and buildah: all that they keep is in our folder ----------------------------------
 */

static void own_store(struct trial *t, struct strv *w)
{
    char root[128], runroot[128];
    snprintf(root, sizeof(root), "%s/store/root", t->dir);
    snprintf(runroot, sizeof(runroot), "%s/store/run", t->dir);
    say(t, w, "--root", root, "--runroot", runroot, "--storage-driver", "vfs", NULL);
}

static void podman_words(struct trial *t, struct strv *w)
{
    char tmp[128], net[128];
    snprintf(tmp, sizeof(tmp), "%s/store/tmp", t->dir);
    snprintf(net, sizeof(net), "%s/store/net", t->dir);
    own_store(t, w);
    say(t, w, "--network-config-dir", net, "--events-backend", "none", NULL);
    if (!t->pause_alive)
        say(t, w, "--tmpdir", tmp, NULL);
}

static void podman_run(struct trial *t, const char *program, struct attempt *ret)
{
    struct strv w = {0};
    char rootfs[128];
    snprintf(rootfs, sizeof(rootfs), "%s/rootfs", t->dir);
    podman_words(t, &w);
    say(t, &w, "run", "--rm", "--name", t->id, "--network", "none", "--rootfs", rootfs, program,
        NULL);
    run_words(t, &w, ret);
    /* conmon's clean-up may go on behind us: this waits for its lock */
    podman_words(t, &w);
    say(t, &w, "rm", "--force", "--ignore", "--time", "0", t->id, NULL);
    quietly(t, &w);
}

pid_t doctor_pause_pid(const char *file)
{
    char path[64], comm[32] = "";
    _cleanup_free_ char *text = file_load(AT_FDCWD, file, 32, NULL, NULL);
    pid_t pid = text ? (pid_t)strtol(text, NULL, 10) : 0;
    if (pid <= 1)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    _cleanup_free_ char *name = file_load(AT_FDCWD, path, 32, NULL, NULL);
    snprintf(comm, sizeof(comm), "%s", name ? name : "");
    return str_starts(comm, "catatonit") || str_starts(comm, "podman") ? pid : 0;
}

/* safe because the process stands in a file that was made in our own folder, and is podman's */
static void podman_clean(struct trial *t)
{
    char file[128];
    snprintf(file, sizeof(file), "%s/store/tmp/pause.pid", t->dir);
    pid_t pid = t->pause_alive ? 0 : doctor_pause_pid(file);
    if (!pid)
        return;
    kill(pid, SIGKILL);
    for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
        usleep(10000);
}

static void buildah_run(struct trial *t, const char *program, struct attempt *ret)
{
    struct strv w = {0};
    char rootfs[128];
    snprintf(rootfs, sizeof(rootfs), "%s/rootfs", t->dir);
    own_store(t, &w);
    say(t, &w, "from", "--name", t->id, "scratch", NULL);
    _cleanup_spawn_ struct spawn_result r = {0}, s = {0};
    bool ok = call_for(t, RUN_MS, true, &w, &r, ret->message, sizeof(ret->message));
    if (ok) {
        own_store(t, &w);
        say(t, &w, "copy", "-q", t->id, rootfs, "/", NULL);
        ok = call_for(t, RUN_MS, true, &w, &s, ret->message, sizeof(ret->message));
    }
    if (ok) {
        own_store(t, &w);
        say(t, &w, "run", "--network", "none", t->id, program, NULL);
        run_words(t, &w, ret);
    }
    own_store(t, &w);
    say(t, &w, "rm", t->id, NULL);
    quietly(t, &w);
}

/* ---- docker ------------------------------------------------------------------------------------
 */

static bool docker_ready(struct trial *t, char *why, size_t size)
{
    struct strv w = {0};
    _cleanup_spawn_ struct spawn_result r = {0};
    say(t, &w, "version", "--format", "{{.Server.Version}}", NULL);
    return call_for(t, ASK_MS, true, &w, &r, why, size);
}

/* One file of a tar archive: its header and its bytes, in blocks of 512. */
static void add_tar(struct buf *b, const char *name, const uint8_t *data, size_t size)
{
    char h[512] = {0};
    unsigned sum = 0;
    snprintf(h, 100, "%s", name);
    snprintf(h + 100, 8, "%07o", 0755);
    snprintf(h + 108, 8, "%07o", 0);
    snprintf(h + 116, 8, "%07o", 0);
    snprintf(h + 124, 12, "%011zo", size);
    snprintf(h + 136, 12, "%011o", 0);
    memset(h + 148, ' ', 8);
    h[156] = '0';
    memcpy(h + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof(h); i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    buf_add(b, h, sizeof(h));
    buf_add(b, data, size);
    while (b->len % 512 && buf_ok(b))
        buf_addc(b, 0);
}

static bool make_image(struct trial *t, char *ret_path, size_t size, struct aw_err *err)
{
    static const char end[1024];
    _cleanup_buf_ struct buf b = {0};
    const struct aw_arch *arch;
    for (size_t i = 0; (arch = aw_arch_at(i)); i++)
        if (guest_find(arch) && (arch == t->arch || aw_arch_native(arch)))
            add_tar(&b, arch->name, guest_find(arch)->data, guest_find(arch)->size);
    buf_add(&b, end, sizeof(end));
    snprintf(ret_path, size, "%s/image.tar", t->dir);
    return buf_ok(&b) && file_swap(AT_FDCWD, ret_path, b.data, b.len, 0644, err);
}

static void docker_run(struct trial *t, const char *program, struct attempt *ret)
{
    struct strv w = {0};
    char file[128];
    struct aw_err err = AW_ERR_INIT;
    _cleanup_spawn_ struct spawn_result r = {0};
    if (!make_image(t, file, sizeof(file), &err)) {
        snprintf(ret->message, sizeof(ret->message), "%s", err.message);
        return;
    }
    if (!t->imported) {
        say(t, &w, "import", file, t->id, NULL);
        t->imported = call_for(t, RUN_MS, true, &w, &r, ret->message, sizeof(ret->message));
    }
    if (!t->imported)
        return;
    say(t, &w, "run", "--rm", "--name", t->id, "--network", "none", t->id, program, NULL);
    run_words(t, &w, ret);
}

static void docker_clean(struct trial *t)
{
    struct strv w = {0};
    say(t, &w, "rm", "--force", t->id, NULL);
    quietly(t, &w);
    say(t, &w, "rmi", "--force", t->id, NULL);
    quietly(t, &w);
    t->imported = false;
}

/* ---- containerd: a namespace of our own --------------------------------------------------------
 */

static bool containerd_ready(struct trial *t, char *why, size_t size)
{
    struct strv w = {0};
    _cleanup_spawn_ struct spawn_result r = {0};
    say(t, &w, "--connect-timeout", "3s", "namespaces", "ls", "-q", NULL);
    return call_for(t, ASK_MS, true, &w, &r, why, size);
}

/* What a program in the background wrote: our word, or why it could not be started. */
static bool wait_for_log(const char *path, struct attempt *ret)
{
    for (uint64_t end = file_now_ms() + ASK_MS; file_now_ms() < end && !cli_interrupted(NULL);) {
        struct buf b = {.data = file_load(AT_FDCWD, path, 65536, &b.len, NULL)};
        bool word = strstr(buf_str(&b), WORDS), line = strchr(buf_str(&b), '\n');
        best_line(&b, ret->message, sizeof(ret->message));
        buf_fini(&b);
        if (word || line)
            return word;
        usleep(50000);
    }
    if (!ret->message[0])
        snprintf(ret->message, sizeof(ret->message), "it said nothing in %d s", ASK_MS / 1000);
    return false;
}

/* In the background: in the foreground ctr does not pass on that standard input has ended, if it
 * has before the program runs, and our program waits for that. */
static void ctr_run(struct trial *t, const char *program, struct attempt *ret)
{
    struct strv w = {0};
    _cleanup_spawn_ struct spawn_result r = {0};
    char rootfs[128], uri[128];
    snprintf(rootfs, sizeof(rootfs), "%s/rootfs", t->dir);
    snprintf(uri, sizeof(uri), "file://%s/ctr.log", t->dir);
    unlink(uri + strlen("file://"));
    say(t, &w, "--namespace", t->id, "run", "--detach", "--log-uri", uri, "--rootfs", rootfs, t->id,
        program, NULL);
    if (call_for(t, RUN_MS, true, &w, &r, ret->message, sizeof(ret->message)))
        ret->ran = wait_for_log(uri + strlen("file://"), ret);
    say(t, &w, "--namespace", t->id, "tasks", "rm", "--force", t->id, NULL);
    quietly(t, &w);
    say(t, &w, "--namespace", t->id, "containers", "rm", t->id, NULL);
    quietly(t, &w);
}

static void ctr_clean(struct trial *t)
{
    struct strv w = {0};
    say(t, &w, "namespaces", "rm", t->id, NULL);
    quietly(t, &w);
}

static void nerdctl_run(struct trial *t, const char *program, struct attempt *ret)
{
    struct strv w = {0};
    char rootfs[128];
    snprintf(rootfs, sizeof(rootfs), "%s/rootfs", t->dir);
    say(t, &w, "--namespace", t->id, "run", "--rm", "--name", t->id, "--network", "none",
        "--rootfs", rootfs, program, NULL);
    run_words(t, &w, ret);
}

static void nerdctl_clean(struct trial *t)
{
    struct strv w = {0};
    say(t, &w, "--namespace", t->id, "rm", "--force", t->id, NULL);
    quietly(t, &w);
    say(t, &w, "namespace", "remove", t->id, NULL);
    quietly(t, &w);
}

static bool nerdctl_ready(struct trial *t, char *why, size_t size)
{
    struct strv w = {0};
    _cleanup_spawn_ struct spawn_result r = {0};
    say(t, &w, "version", "--format", "{{.Server.Components}}", NULL);
    return call_for(t, ASK_MS, true, &w, &r, why, size);
}

const struct engine doctor_drivers[] = {
    {"podman", NULL, podman_run, podman_clean},
    {"docker", docker_ready, docker_run, docker_clean},
    {"nerdctl", nerdctl_ready, nerdctl_run, nerdctl_clean},
    {"ctr", containerd_ready, ctr_run, ctr_clean},
    {"buildah", NULL, buildah_run, NULL},
    {NULL, NULL, NULL, NULL},
};

bool doctor_is_docker(struct trial *t)
{
    struct strv w = {0};
    char why[256];
    _cleanup_spawn_ struct spawn_result r = {0};
    say(t, &w, "--version", NULL);
    return call_for(t, ASK_MS, true, &w, &r, why, sizeof(why)) &&
           !strstr(buf_str(&r.out), "podman") && !strstr(buf_str(&r.err_text), "odman");
}
