/* SPDX-License-Identifier: Apache-2.0
 *
 * Bundles run for real, by crun and by runc, in a user namespace as a container's holder makes it:
 * the root is a small tree with a static busybox.
 */
#include "test.h"

#include "base/file.h"
#include "base/spawn.h"
#include "box/bundle.h"
#include "box/files.h"
#include "ns/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define BUSYBOX "/bin/busybox"
#define WORK "/mnt" /* a tmpfs of the test's own mount namespace */

struct trial {
    const char *runtime; /* "crun" or "runc" */
    struct box_options *options;
    struct image_config *image;
    const struct idmap *map;
    enum bundle_net net;
    const char *init; /* host program or NULL */
    uid_t caller_uid; /* who runs the test */
    gid_t caller_gid;
    bool single;      /* with a single-id map */
    const char *exec; /* shell command for a further process, or NULL */
    const char *exec_user;
    char out[65536]; /* what the container printed (a pipe's worth) */
    char out_exec[8192];
    int status; /* of the program; 125, 126, 127 when create failed */
    int fd;     /* memory file for the output, shared with the child */
    int fd_exec;
};

static bool put(const char *path, const char *text, mode_t mode, struct aw_err *err)
{
    return file_replace(AT_FDCWD, path, text, strlen(text), mode, err);
}

static bool make_root(struct aw_err *err)
{
    static const char *const dirs[] = {
        "root/bin",  "root/etc",     "root/proc", "root/dev", "root/sys", "root/tmp", "root/var",
        "root/home", "root/data/in", "files",     "bundle",   "state",    "host"};
    static const char *const applets[] = {
        "sh",    "cat",   "id",      "ls",    "env", "grep",  "stat",   "pwd", "rm",  "echo",
        "touch", "mkdir", "unshare", "mount", "wc",  "sleep", "chroot", "ps",  "sed", "linux32"};
    char path[128];
    if (mount("none", WORK, "tmpfs", 0, "mode=755") < 0)
        return aw_fail(err, AW_E_IO, errno, "mount " WORK);
    for (size_t i = 0; i < AW_LEN(dirs); i++) {
        snprintf(path, sizeof(path), WORK "/%s", dirs[i]);
        if (!file_mkdirs(AT_FDCWD, path, 0755, err))
            return false;
    }
    size_t len;
    _cleanup_free_ char *program = file_load(AT_FDCWD, BUSYBOX, 16 << 20, &len, err);
    if (!program || !file_replace(AT_FDCWD, WORK "/root/bin/busybox", program, len, 0755, err))
        return false;
    for (size_t i = 0; i < AW_LEN(applets); i++) {
        snprintf(path, sizeof(path), WORK "/root/bin/%s", applets[i]);
        if (symlink("busybox", path) < 0)
            return aw_fail(err, AW_E_IO, errno, "symlink %s", path);
    }
    return put(WORK "/root/etc/passwd",
               "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/var/www:/bin/sh", 0644, err) &&
           put(WORK "/root/etc/group", "root:x:0:\nweb:x:33:\nmore:x:44:web\n", 0644, err) &&
           put(WORK "/root/data/in/image-file", "from the image", 0644, err) &&
           put(WORK "/root/etc/notexec", "x", 0644, err) &&
           put(WORK "/host/file", "from the host\n", 0644, err) &&
           symlink("../run/absent/resolv.conf", WORK "/root/etc/resolv.conf") == 0;
}

/* As the holder does: what crun refuses in /sys/fs/cgroup is put out of its sight. */
static bool prepare(const struct trial *t, struct aw_err *err)
{
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return aw_fail(err, AW_E_IO, errno, "mount proc");
    if (str_eq(t->runtime, "crun") && access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0 &&
        mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) < 0)
        return aw_fail(err, AW_E_IO, errno, "hide cgroups");
    return make_root(err);
}

static int runtime(const struct trial *t, const char *const *args, int out, struct aw_err *err)
{
    const char *argv[16] = {t->runtime, "--root", WORK "/state", "--log=" WORK "/log",
                            "--log-format=json"};
    size_t n = 5;
    if (str_eq(t->runtime, "crun"))
        argv[n++] = "--cgroup-manager=disabled";
    for (; *args; args++)
        argv[n++] = *args;
    struct spawn s = {.argv = argv, .stdout_fd = out, .stderr_fd = out};
    int status = -1;
    pid_t pid = spawn_start(&s, err);
    return pid > 0 && spawn_wait(pid, 30000, &status, err) ? status : -1;
}

static bool write_bundle(const struct trial *t, int bundle, struct aw_err *err)
{
    _cleanup_close_ int files = open(WORK "/files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int root = open(WORK "/root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct files_input f = {.options = t->options,
                            .hostname = "boxy",
                            .network = true,
                            .resolv_conf = "nameserver 127.0.0.53\nsearch example.org\n",
                            .dns_forward = "10.0.2.3"};
    struct bundle_input in = {.options = t->options,
                              .image = t->image,
                              .map = t->map,
                              .root_fd = root,
                              .root_path = WORK "/root",
                              .hostname = "boxy",
                              .runtime = str_eq(t->runtime, "crun") ? BUNDLE_CRUN : BUNDLE_RUNC,
                              .net = t->net,
                              .files_fd = files,
                              .files_path = WORK "/files",
                              .init_path = t->init,
                              .caller_uid = t->caller_uid,
                              .caller_gid = t->caller_gid,
                              .caller_name = "me"};
    return files_write(&f, files, err) && bundle_write(&in, bundle, err);
}

static bool exec_in(const struct trial *t, int bundle, struct aw_err *err)
{
    static const char *const args[] = {"exec", "--process", WORK "/bundle/exec.json", "c1", NULL};
    struct bundle_exec x = {.user = t->exec_user, .workdir = "/tmp"};
    _cleanup_close_ int root = open(WORK "/root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = strv_add(&x.command, "/bin/sh") && strv_add(&x.command, "-c") &&
              strv_add(&x.command, t->exec) && strv_add(&x.env, "EXTRA=1") &&
              bundle_write_exec(&x, t->map, root, bundle, "exec.json", err);
    strv_fini(&x.command);
    strv_fini(&x.env);
    if (!ok || runtime(t, args, t->fd_exec, err) == 0)
        return ok;
    _cleanup_free_ char *words = file_load(AT_FDCWD, WORK "/log", 1 << 20, NULL, err);
    return aw_fail(err, AW_E_CHILD, 0, "exec: %s", words ? words : "");
}

static int wait_for(pid_t pid)
{
    int how;
    while (waitpid(pid, &how, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

static bool run_inside(void *arg, const struct aw_log *log, struct aw_err *err)
{
    static const char *const create[] = {
        "create", "--bundle", WORK "/bundle", "--pid-file", WORK "/pid", "c1", NULL};
    static const char *const start[] = {"start", "c1", NULL}, *const del[] = {"delete", "c1", NULL};
    struct trial *t = arg;
    (void)log;
    if (!prepare(t, err))
        return false;
    _cleanup_close_ int bundle = open(WORK "/bundle", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!write_bundle(t, bundle, err))
        return false;
    int status = runtime(t, create, t->fd, err);
    if (status < 0)
        return false;
    if (status > 0) {
        _cleanup_free_ char *words = file_load(AT_FDCWD, WORK "/log", 1 << 20, NULL, err);
        status = bundle_explain(words ? words : "", "PROGRAM", err);
        aw_context(err, "%d", status);
        return false;
    }
    _cleanup_free_ char *pid = file_load(AT_FDCWD, WORK "/pid", 64, NULL, err);
    if (!pid || runtime(t, start, t->fd, err) != 0)
        return aw_context(err, "start");
    if (t->exec && !exec_in(t, bundle, err))
        return false;
    status = wait_for(atoi(pid));
    if (runtime(t, del, t->fd, err) != 0)
        return aw_fail(err, AW_E_CHILD, 0, "delete failed");
    return status == 0 || aw_fail(err, AW_E_CHILD, 0, "status %d", status);
}

static int memory_file(const char *path)
{
    int fd = open(path, O_RDWR | O_TMPFILE | O_APPEND | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    return fd;
}

static void collect(int fd, char *ret, size_t size)
{
    ssize_t n = pread(fd, ret, size - 1, 0);
    ret[n < 0 ? 0 : n] = 0;
    close(fd);
}

/* Run; false with err where the container did not run or gave a status. */
static bool run(struct trial *t, struct aw_err *err)
{
    struct idmap map;
    if (!t->options->command.n)
        TEST_FAIL("no command");
    if (access(BUSYBOX, X_OK) < 0)
        TEST_SKIP("no static " BUSYBOX " (Debian: busybox-static)");
    _cleanup_free_ char *found = spawn_find(t->runtime, NULL);
    if (!found)
        TEST_SKIP("the runtime is not installed");
    if (!idmap_plan(t->single, &map, err))
        return false;
    if (map.kind == IDMAP_SINGLE && !t->single)
        TEST_SKIP("this user has no ranges of ids");
    t->map = &map;
    t->fd = memory_file("/tmp");
    t->fd_exec = memory_file("/tmp");
    bool ok = ns_run(&map, CLONE_NEWNS | CLONE_NEWPID, run_inside, t, NULL, NULL, NULL, err);
    collect(t->fd, t->out, sizeof(t->out));
    collect(t->fd_exec, t->out_exec, sizeof(t->out_exec));
    t->map = NULL;
    return ok;
}

struct setup {
    struct box_options options;
    struct image_config image;
    struct trial trial;
};

static void setup(struct setup *s, const char *runtime_name, const char *script)
{
    *s = (struct setup){0};
    s->image.user = (char *)"";
    s->image.workdir = (char *)"";
    s->image.stop_signal = (char *)"";
    s->trial.options = &s->options;
    s->trial.image = &s->image;
    s->trial.runtime = runtime_name;
    s->trial.caller_uid = geteuid();
    s->trial.caller_gid = getegid();
    CHECK(strv_add(&s->options.command, "/bin/sh") && strv_add(&s->options.command, "-c") &&
          strv_add(&s->options.command, script));
}

static void done(struct setup *s)
{
    box_options_fini(&s->options);
    strv_fini(&s->image.env);
    strv_fini(&s->image.cmd);
    strv_fini(&s->image.volumes);
}

#define RUN(s, err)                                                                                \
    do {                                                                                           \
        if (!run(&(s)->trial, &(err)))                                                             \
            TEST_FAIL("%s: %s\n# output: %s%s", (s)->trial.runtime, (err).message, (s)->trial.out, \
                      (s)->trial.out_exec);                                                        \
    } while (0)

/* ---- the trials, each with both runtimes ---- */

static void plain(const char *rt)
{
    static struct setup s;
    struct aw_err err = AW_ERR_INIT;
    setup(&s, rt,
          "id; pwd; env; cat /etc/resolv.conf /etc/hosts /etc/hostname; "
          "cat /proc/self/status; ls /dev; cat /proc/mounts; "
          "echo > /proc/sys/kernel/hostname || echo ro-sys; "
          "cat /proc/sys/net/ipv4/ip_unprivileged_port_start");
    s.options.user = strdup("web");
    s.options.workdir = strdup("/new/work");
    CHECK(strv_add(&s.image.env, "A=image") && strv_add(&s.image.env, "PATH=/bin"));
    CHECK(strv_add(&s.options.env, "A=user"));
    RUN(&s, err);
    CHECK_CONTAINS(s.trial.out, "uid=33(web) gid=33(web) groups=44(more)");
    CHECK_CONTAINS(s.trial.out, "/new/work\n");
    CHECK_CONTAINS(s.trial.out, "A=user\n");
    CHECK(!strstr(s.trial.out, "A=image"));
    CHECK_CONTAINS(s.trial.out, "PATH=/bin\n");
    CHECK_CONTAINS(s.trial.out, "HOME=/var/www\n");
    CHECK_CONTAINS(s.trial.out, "HOSTNAME=boxy\n");
    CHECK_CONTAINS(s.trial.out, "search example.org\n");
    CHECK_CONTAINS(s.trial.out, "nameserver 10.0.2.3\n");
    CHECK_CONTAINS(s.trial.out, "127.0.1.1\tboxy\n");
    CHECK_CONTAINS(s.trial.out, "CapEff:\t0000000000000000");
    CHECK_CONTAINS(s.trial.out, "CapBnd:\t00000000a80425fb");
    CHECK_CONTAINS(s.trial.out, "CapAmb:\t0000000000000000");
    CHECK_CONTAINS(s.trial.out, "Seccomp:\t2");
    CHECK_CONTAINS(s.trial.out, "NoNewPrivs:\t0");
    CHECK_CONTAINS(s.trial.out, "ro-sys\n0\n");
    CHECK_CONTAINS(s.trial.out, "urandom\n");
    CHECK_CONTAINS(s.trial.out, " /sys sysfs ro,");
    done(&s);
}

static void mounts(const char *rt)
{
    static struct setup s;
    struct aw_err err = AW_ERR_INIT;
    setup(
        &s, rt,
        "cat /in/file /in/sub/file; echo x > /ro/new || echo ro-bind; echo x > /x || echo ro-root; "
        "touch /t/f /vol/f && echo vol-ok; cat /data/in/image-file; touch /data/in/w && echo "
        "img-vol-ok; "
        "cat /made/* ; ls -ld /t; cat /etc/hosts; grep -E '/ro |/t |/dev/shm' /proc/mounts; "
        "echo a > /dev/zero2 && echo dev-ok;");
    s.options.read_only = true;
    s.options.no_new_privileges = true;
    CHECK(strv_add(&s.image.volumes, "/data/in"));
    CHECK_OK(box_parse_volume(&s.options, WORK "/host/file:/in/sub/file", &err), err);
    CHECK_OK(box_parse_volume(&s.options, WORK "/host:/in", &err), err);
    CHECK_OK(box_parse_volume(&s.options, WORK "/host:/ro:ro", &err), err);
    CHECK_OK(box_parse_volume(&s.options, WORK "/host/created:/made", &err), err);
    CHECK_OK(box_parse_volume(&s.options, "/vol", &err), err);
    CHECK_OK(box_parse_tmpfs(&s.options, "/t:size=1m,mode=0750,uid=33", &err), err);
    CHECK_OK(box_parse_device(&s.options, "/dev/zero:/dev/zero2", &err), err);
    s.options.shm_size = 1 << 20;
    RUN(&s, err);
    CHECK_CONTAINS(s.trial.out, "from the host\nfrom the host\n");
    CHECK_CONTAINS(s.trial.out, "ro-bind\n");
    CHECK_CONTAINS(s.trial.out, "ro-root\n");
    CHECK_CONTAINS(s.trial.out, "vol-ok\n");
    CHECK_CONTAINS(s.trial.out, "from the image");
    CHECK_CONTAINS(s.trial.out, "img-vol-ok\n");
    CHECK_CONTAINS(s.trial.out, "drwxr-x---");
    CHECK_CONTAINS(s.trial.out, "127.0.0.1\tlocalhost");
    CHECK_CONTAINS(s.trial.out, " /t tmpfs rw,nosuid,nodev,noexec,");
    CHECK_CONTAINS(s.trial.out, "size=1024k");
    CHECK_CONTAINS(s.trial.out, "dev-ok\n");
    done(&s);
}

static void filter(const char *rt)
{
    static struct setup s;
    struct aw_err err = AW_ERR_INIT;
    setup(&s, rt,
          "unshare -U true 2>&1; unshare -m true 2>&1; mount -t tmpfs none /tmp 2>&1; "
          "cat /proc/keys | wc -c; ls /sys/firmware | wc -l; echo alive | cat; "
          "linux32 echo persona 2>&1");
    RUN(&s, err);
    CHECK_CONTAINS(s.trial.out, "unshare: unshare(0x10000000): Operation not permitted");
    CHECK_CONTAINS(s.trial.out, "unshare: unshare(0x20000): Operation not permitted");
    CHECK_CONTAINS(s.trial.out, "mount: permission denied");
    CHECK_CONTAINS(s.trial.out, "0\n0\nalive\npersona\n");
    done(&s);
    setup(&s, rt,
          "mount -t tmpfs none /tmp && unshare -m true && echo mounted; grep -E 'Cap|NoNew' "
          "/proc/self/status");
    CHECK_OK(box_parse_cap(&s.options.cap_add, "SYS_ADMIN", &err), err);
    CHECK_OK(box_parse_cap(&s.options.cap_drop, "ALL", &err), err);
    s.options.no_new_privileges = true;
    RUN(&s, err);
    CHECK_CONTAINS(s.trial.out, "mounted\n");
    CHECK_CONTAINS(s.trial.out, "CapEff:\t0000000000200000");
    CHECK_CONTAINS(s.trial.out, "NoNewPrivs:\t1");
    done(&s);
}

static void failures(const char *rt)
{
    static struct setup s;
    struct aw_err err = AW_ERR_INIT;
    static const struct {
        const char *program, *want;
    } cases[] = {{"/bin/nope", "127: exec: \"PROGRAM\": executable file not found"},
                 {"nope", "127: exec: \"PROGRAM\": executable file not found"},
                 {"/etc/notexec", "126: exec: \"PROGRAM\": permission denied"},
                 {"/etc", "126: exec: \"PROGRAM\": permission denied"}};
    for (size_t i = 0; i < AW_LEN(cases); i++) {
        setup(&s, rt, "");
        strv_fini(&s.options.command);
        CHECK(strv_add(&s.options.command, cases[i].program));
        CHECK(!run(&s.trial, &err));
        CHECK_CONTAINS(err.message, cases[i].want);
        done(&s);
    }
    setup(&s, rt, "exit 7");
    CHECK(!run(&s.trial, &err));
    CHECK_CONTAINS(err.message, "status 7");
    done(&s);
}

static void exec_more(const char *rt)
{
    static struct setup s;
    struct aw_err err = AW_ERR_INIT;
    setup(&s, rt, "i=0; while [ ! -e /tmp/go ] && [ $i -lt 100 ]; do i=$((i+1)); sleep 0.05; done");
    s.trial.exec =
        "id; pwd; env; grep -E 'CapBnd|CapEff|Seccomp:' /proc/self/status; touch /tmp/go";
    s.trial.exec_user = "web:44";
    CHECK_OK(box_parse_tmpfs(&s.options, "/tmp", &err), err);
    RUN(&s, err);
    CHECK_CONTAINS(s.trial.out_exec, "uid=33(web) gid=44(more)");
    CHECK_CONTAINS(s.trial.out_exec, "/tmp\n");
    CHECK_CONTAINS(s.trial.out_exec, "EXTRA=1\n");
    CHECK_CONTAINS(s.trial.out_exec, "HOSTNAME=boxy\n");
    CHECK_CONTAINS(s.trial.out_exec, "HOME=/var/www\n");
    CHECK_CONTAINS(s.trial.out_exec, "CapEff:\t0000000000000000");
    CHECK_CONTAINS(s.trial.out_exec, "CapBnd:\t00000000a80425fb");
    CHECK_CONTAINS(s.trial.out_exec, "Seccomp:\t2");
    done(&s);
}

static void single_id(const char *rt)
{
    static struct setup s;
    struct aw_err err = AW_ERR_INIT;
    setup(&s, rt, "id; cat /proc/self/uid_map; cat /proc/mounts");
    s.trial.single = true;
    RUN(&s, err);
    CHECK_CONTAINS(s.trial.out, "uid=0(root) gid=0(root)");
    CHECK_CONTAINS(s.trial.out, " 1\n");
    done(&s);
    setup(&s, rt, "id");
    s.trial.single = true;
    s.options.user = strdup("web");
    CHECK(!run(&s.trial, &err));
    CHECK_CONTAINS(err.message, "user id 33 is not mapped");
    done(&s);
}

static void host_network(const char *rt)
{
    static struct setup s;
    struct aw_err err = AW_ERR_INIT;
    setup(&s, rt,
          "ls -l /proc/self/ns/net; ls /sys/fs/cgroup | wc -l; mkdir /sys/fs/cgroup/x || echo "
          "ro-cgroup; "
          "ls /sys/class/net; grep ' /sys' /proc/mounts");
    s.trial.net = BUNDLE_NET_HOLDER;
    RUN(&s, err);
    CHECK_CONTAINS(s.trial.out, "\n0\n");
    CHECK_CONTAINS(s.trial.out, "ro-cgroup\n");
    CHECK_CONTAINS(s.trial.out, "lo\n");
    for (const char *line = strstr(s.trial.out, " /sys"); line; line = strstr(line + 1, "\n")) {
        const char *opts = strstr(line, " rw,");
        CHECK(!opts || opts > strchrnul(line + 1, '\n'));
    }
    done(&s);
}

static void keep_id(const char *rt)
{
    static struct setup s;
    char want[64];
    struct aw_err err = AW_ERR_INIT;
    setup(&s, rt, "id; cd; touch /tmp/mine && ls -ln /tmp/mine");
    s.options.keep_id = true;
    CHECK_OK(box_parse_tmpfs(&s.options, "/tmp", &err), err);
    if (geteuid() == 0) { /* root is not in its own map */
        CHECK(!run(&s.trial, &err));
        CHECK_CONTAINS(err.message, "your own ids (0:0) are not part");
        done(&s);
        return;
    }
    RUN(&s, err);
    snprintf(want, sizeof(want), "uid=%u(me) gid=%u(me)", geteuid(), getegid());
    CHECK_CONTAINS(s.trial.out, want);
    snprintf(want, sizeof(want), " %u ", geteuid());
    CHECK_CONTAINS(strstr(s.trial.out, "-rw"), want);
    done(&s);
}

static void init(const char *rt)
{
    static struct setup s;
    struct aw_err err = AW_ERR_INIT;
    if (access("/usr/bin/catatonit", X_OK) < 0)
        TEST_SKIP("no /usr/bin/catatonit (Debian: catatonit)");
    setup(&s, rt, "echo I am $$; cat /proc/1/cmdline; exit 3");
    s.options.read_only = true;
    s.trial.init = "/usr/bin/catatonit";
    CHECK(!run(&s.trial, &err));
    CHECK_CONTAINS(err.message, "status 3");
    CHECK_CONTAINS(s.trial.out, "/dev/init");
    CHECK(!strstr(s.trial.out, "I am 1\n"));
    done(&s);
}

static void profile(const char *rt)
{
    static const char text[] =
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\","
        "\"subArchitectures\":[\"SCMP_ARCH_X86\"]}],\"syscalls\":[{\"names\":[\"mkdir\","
        "\"mkdirat\","
        "\"no_such_call_ever\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":28,\"excludes\":{"
        "\"caps\":"
        "[\"CAP_SYS_ADMIN\"]}}]}";
    static struct setup s;
    struct aw_err err = AW_ERR_INIT;
    char path[] = "/tmp/box_profile.XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && fchmod(fd, 0644) == 0 && file_write_full(fd, text, sizeof(text) - 1));
    close(fd);
    setup(&s, rt, "mkdir /tmp/x 2>&1 || grep Seccomp: /proc/self/status");
    s.options.seccomp = strdup(path);
    bool ok = run(&s.trial, &err);
    if (ok && strv_add(&s.options.cap_add, "SYS_ADMIN")) {
        CHECK_CONTAINS(s.trial.out, "No space left on device\nSeccomp:\t2");
        ok = run(&s.trial, &err);
    }
    unlink(path);
    if (!ok)
        TEST_FAIL("%s: %s", rt, err.message);
    CHECK_STR(s.trial.out, "");
    done(&s);
}

#define BOTH(name)                                                                                 \
    TEST(name##_crun)                                                                              \
    {                                                                                              \
        name("crun");                                                                              \
    }                                                                                              \
    TEST(name##_runc)                                                                              \
    {                                                                                              \
        name("runc");                                                                              \
    }
BOTH(plain)
BOTH(mounts)
BOTH(filter)
BOTH(failures)
BOTH(exec_more)
BOTH(single_id)
BOTH(host_network)
BOTH(keep_id)
BOTH(init)
BOTH(profile)

TEST_MAIN()
