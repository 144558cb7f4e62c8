/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/file.h"
#include "box/bundle.h"
#include "codec/js.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A root, a bundle folder and everything that bundle_write asks for. */
struct world {
    struct box_options o;
    struct image_config image;
    struct idmap map;
    struct bundle_input in;
    char dir[32];
    int bundle, files;
    struct json_object *config; /* after make() */
    char notes[512];
};

static void note(void *user, enum aw_level level, const char *message)
{
    struct world *w = user;
    (void)level;
    snprintf(w->notes, sizeof(w->notes), "%s", message);
}

static int open_dir(const char *dir, const char *name)
{
    char path[64];
    struct aw_err err = AW_ERR_INIT;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = file_open_dir(AT_FDCWD, path, 0755, &err);
    if (fd < 0)
        TEST_FAIL("%s", err.message);
    return fd;
}

static void put(struct world *w, const char *path, const char *text)
{
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(file_replace(w->in.root_fd, path, text, strlen(text), 0644, &err), err);
}

/* The outer map says that everything belongs to whoever runs the test. */
static void begin(struct world *w)
{
    static const struct aw_log none;
    *w = (struct world){.dir = "/tmp/box_bundle.XXXXXX"};
    CHECK(mkdtemp(w->dir));
    w->image.user = (char *)"";
    w->image.workdir = (char *)"";
    w->map = (struct idmap){.kind = IDMAP_RANGE, .n_uid = 2, .n_gid = 2};
    w->map.uid[0] = w->map.gid[0] = (struct idmap_line){0, 1000, 1};
    w->map.uid[1] = w->map.gid[1] = (struct idmap_line){1, 100000, 65536};
    w->bundle = open_dir(w->dir, "bundle");
    w->files = open_dir(w->dir, "files");
    (void)none;
    w->in = (struct bundle_input){.options = &w->o,
                                  .image = &w->image,
                                  .map = &w->map,
                                  .root_fd = open_dir(w->dir, "root"),
                                  .root_path = "rootfs",
                                  .hostname = "boxy",
                                  .runtime = BUNDLE_CRUN,
                                  .files_fd = w->files,
                                  .files_path = "/files",
                                  .caller_uid = 1000,
                                  .caller_gid = 1000};
    close(open_dir(w->dir, "root/etc"));
    put(w, "etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:33:33::/var/www:/bin/sh");
    put(w, "etc/group", "root:x:0:\nweb:x:33:\nmore:x:44:web\n");
}

static void end(struct world *w)
{
    struct aw_err err = AW_ERR_INIT;
    json_object_put(w->config);
    close(w->bundle);
    close(w->files);
    close(w->in.root_fd);
    box_options_fini(&w->o);
    strv_fini(&w->image.env);
    strv_fini(&w->image.cmd);
    strv_fini(&w->image.entrypoint);
    strv_fini(&w->image.volumes);
    CHECK_OK(file_remove_tree(AT_FDCWD, w->dir, &err), err);
}

/* Write config.json and read it back; its text is what the checks look into. */
static const char *make(struct world *w)
{
    struct aw_err err = AW_ERR_INIT;
    size_t len;
    static const struct aw_log none;
    struct aw_log log = {.fn = note, .user = w};
    w->in.log = &log;
    bool ok = bundle_write(&w->in, w->bundle, &err);
    w->in.log = &none;
    if (!ok)
        TEST_FAIL("bundle_write: %s", err.message);
    _cleanup_free_ char *text = file_load(w->bundle, "config.json", JS_MAX_BYTES, &len, &err);
    CHECK(text);
    json_object_put(w->config);
    w->config = js_parse(text, len, "config.json", &err);
    if (!w->config)
        TEST_FAIL("%s", err.message);
    return js_text(w->config);
}

static void fails(struct world *w, enum aw_code code, const char *want)
{
    struct aw_err err = AW_ERR_INIT;
    CHECK(!bundle_write(&w->in, w->bundle, &err));
    CHECK_CONTAINS(err.message, want);
    CHECK_INT(err.code, code);
}

static bool add(struct strv *list, const char *a, const char *b)
{
    return strv_add(list, a) && (!b || strv_add(list, b));
}

TEST(arguments)
{
    struct world w;
    begin(&w);
    fails(&w, AW_E_ARG, "no command specified");
    CHECK(add(&w.image.cmd, "img-cmd", "x"));
    CHECK_CONTAINS(make(&w), "\"args\":[\"img-cmd\",\"x\"]");
    CHECK(add(&w.image.entrypoint, "img-entry", NULL));
    CHECK_CONTAINS(make(&w), "\"args\":[\"img-entry\",\"img-cmd\",\"x\"]");
    CHECK(add(&w.o.command, "mine", NULL));
    CHECK_CONTAINS(make(&w), "\"args\":[\"img-entry\",\"mine\"]");
    w.o.entrypoint_given = true;
    CHECK_CONTAINS(make(&w), "\"args\":[\"mine\"]");
    CHECK(add(&w.o.entrypoint, "e1", "e2"));
    CHECK_CONTAINS(make(&w), "\"args\":[\"e1\",\"e2\",\"mine\"]");
    strv_fini(&w.o.command);
    CHECK_CONTAINS(make(&w), "\"args\":[\"e1\",\"e2\"]"); /* the image's command is not added */
    w.in.init_path = "/bin/sh";
    CHECK_CONTAINS(make(&w), "\"args\":[\"/dev/init\",\"--\",\"e1\",\"e2\"]");
    CHECK_CONTAINS(js_text(w.config), "\"destination\":\"/dev/init\"");
    w.in.init_path = NULL;
    strv_fini(&w.o.entrypoint);
    fails(&w, AW_E_ARG, "no command specified");
    end(&w);
}

TEST(environment)
{
    struct world w;
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    CHECK(add(&w.image.env, "A=1", "B=1") && add(&w.image.env, "noequals", "PATH=/img"));
    CHECK(add(&w.o.env, "B=2", "C=3") && add(&w.o.env, "C=4", "A"));
    w.o.tty = true;
    CHECK_CONTAINS(make(&w),
                   "\"env\":[\"PATH=/img\",\"HOSTNAME=boxy\",\"TERM=xterm\",\"B=2\",\"C=4\","
                   "\"HOME=/root\"]");
    w.in.term = "screen";
    CHECK(add(&w.o.env, "HOME=/h", NULL));
    CHECK_CONTAINS(make(&w), "\"TERM=screen\",\"B=2\",\"C=4\",\"HOME=/h\"]");
    CHECK(add(&w.o.env, "BAD=\xff", NULL));
    fails(&w, AW_E_ARG, "not UTF-8");
    end(&w);
}

TEST(user_and_workdir)
{
    struct world w;
    struct stat st;
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    w.image.user = (char *)"web";
    w.image.workdir = (char *)"var/www";
    if (geteuid() != 0)
        w.image.workdir = (char *)"/"; /* giving a folder away needs root */
    CHECK_CONTAINS(make(&w),
                   "\"user\":{\"uid\":33,\"gid\":33,\"umask\":18,\"additionalGids\":[44]}");
    CHECK_CONTAINS(js_text(w.config), "\"effective\":[],\"permitted\":[],");
    CHECK_CONTAINS(js_text(w.config), "\"bounding\":[\"CAP_CHOWN\",");
    if (geteuid() == 0) {
        CHECK_CONTAINS(js_text(w.config), "\"cwd\":\"/var/www\"");
        CHECK_INT(fstatat(w.in.root_fd, "var/www", &st, 0), 0);
        CHECK_INT(st.st_uid, 33); /* ids of the outer namespace */
        CHECK_INT(st.st_mode & 07777, 0755);
    }
    w.o.user = strdup("0");
    CHECK_CONTAINS(make(&w), "\"effective\":[\"CAP_CHOWN\",");
    w.o.workdir = strdup("relative");
    fails(&w, AW_E_ARG, "must be an absolute path");
    free(w.o.workdir);
    w.o.workdir = strdup("/etc/passwd/x");
    fails(&w, AW_E_ARG, "is no folder");
    free(w.o.user);
    w.o.user = strdup("70000");
    fails(&w, AW_E_UNSUPPORTED, "user id 70000 is not mapped: the container has the ids 0-65536");
    end(&w);
}

/* The workdir must not be made outside of the root through a link. */
TEST(workdir_stays_inside)
{
    struct world w;
    char link[64], path[160];
    struct stat st;
    if (geteuid() != 0)
        TEST_SKIP("giving a folder away needs root, as a container's holder is");
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    snprintf(link, sizeof(link), "%s/files", w.dir);
    CHECK_INT(symlinkat(link, w.in.root_fd, "out"), 0);
    CHECK_INT(symlinkat("../../files", w.in.root_fd, "up"), 0);
    CHECK_INT(symlinkat("loop", w.in.root_fd, "loop"), 0);
    CHECK_INT(symlinkat("run/later", w.in.root_fd, "nowhere"), 0);
    w.o.workdir = strdup("/out/made");
    make(&w);
    CHECK_INT(fstatat(w.files, "made", &st, 0), -1);
    snprintf(path, sizeof(path), "%s/root/%s/made", w.dir, link);
    CHECK_INT(stat(path, &st), 0); /* the link is followed inside */
    free(w.o.workdir);
    w.o.workdir = strdup("/up/made2");
    make(&w);
    CHECK_INT(fstatat(w.files, "made2", &st, 0), -1);
    free(w.o.workdir);
    w.o.workdir = strdup("/nowhere/x");
    make(&w);
    CHECK_INT(fstatat(w.in.root_fd, "run/later/x", &st, 0), 0);
    free(w.o.workdir);
    w.o.workdir = strdup("/loop/x");
    fails(&w, AW_E_IO, "open /loop in the container");
    free(w.o.workdir);
    w.o.workdir = strdup("/../../files/made");
    make(&w);
    CHECK_INT(fstatat(w.files, "made", &st, 0), -1);
    snprintf(path, sizeof(path), "%s/root/files/made", w.dir);
    CHECK_INT(stat(path, &st), 0);
    end(&w);
}

static const char *find(const char *text, const char *what)
{
    const char *p = strstr(text, what);
    if (!p)
        TEST_FAIL("%s is missing", what);
    return p;
}

TEST(mounts)
{
    struct world w;
    struct aw_err err = AW_ERR_INIT;
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    CHECK_OK(file_replace(w.files, "resolv.conf", "", 0, 0644, &err), err);
    CHECK_OK(file_replace(w.files, "hosts", "", 0, 0644, &err), err);
    CHECK_OK(box_parse_volume(&w.o, "/tmp:/a/b/c", &err), err);
    CHECK_OK(box_parse_volume(&w.o, "/:/a:ro", &err), err);
    CHECK_OK(box_parse_tmpfs(&w.o, "//a/./b/", &err), err);
    CHECK_OK(box_parse_volume(&w.o, "/etc/hosts:/etc/hosts", &err), err);
    CHECK_OK(box_parse_volume(&w.o, "/tmp:/dev/shm", &err), err);
    CHECK_OK(box_parse_device(&w.o, "/dev/null:/dev/nothing", &err), err);
    const char *text = make(&w);
    CHECK(find(text, "\"destination\":\"/a\"") < find(text, "\"destination\":\"/a/b\""));
    CHECK(find(text, "\"destination\":\"/a/b\"") < find(text, "\"destination\":\"/a/b/c\""));
    CHECK(find(text, "\"destination\":\"/dev\"") < find(text, "\"destination\":\"/dev/nothing\""));
    CHECK_CONTAINS(text, "\"source\":\"/files/resolv.conf\"");
    CHECK(!strstr(text, "/files/hosts"));    /* the user mounts his own */
    CHECK(!strstr(text, "/files/hostname")); /* there is none */
    CHECK(!strstr(text, "size=67108864"));   /* nor is /dev/shm made twice */
    CHECK_CONTAINS(text, "{\"destination\":\"/sys\",\"type\":\"sysfs\"");
    CHECK_OK(box_parse_volume(&w.o, "/tmp:/a/../a/b", &err), err);
    fails(&w, AW_E_ARG, "two mounts have the same target, /a/b");
    end(&w);
}

TEST(mount_sources)
{
    struct world w;
    struct aw_err err = AW_ERR_INIT;
    char text[80], path[64];
    struct stat st;
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    snprintf(path, sizeof(path), "%s/new/folder", w.dir);
    snprintf(text, sizeof(text), "%s:/x", path);
    CHECK_OK(box_parse_volume(&w.o, text, &err), err);
    make(&w);
    CHECK_INT(stat(path, &st), 0);
    CHECK(S_ISDIR(st.st_mode));
    CHECK_CONTAINS(w.notes, path);
    CHECK_OK(box_parse_mount(&w.o, "type=bind,src=/nonexistent/x,dst=/y", &err), err);
    fails(&w, AW_E_NOTFOUND, "/nonexistent/x");
    end(&w);
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    CHECK_OK(box_parse_device(&w.o, "/etc/passwd", &err), err);
    fails(&w, AW_E_ARG, "it is no device");
    end(&w);
}

TEST(namespaces_and_maps)
{
    struct world w;
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    const char *text = make(&w);
    CHECK_CONTAINS(text, "\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1},"
                         "{\"containerID\":1,\"hostID\":1,\"size\":65536}]");
    CHECK_CONTAINS(text, "{\"type\":\"network\"}");
    CHECK_CONTAINS(text, "\"net.ipv4.ping_group_range\":\"0 65536\"");
    CHECK_CONTAINS(text, "\"maskedPaths\":[\"/proc/acpi\"");
    CHECK_CONTAINS(text, "gid=5");
    w.in.net = BUNDLE_NET_HOLDER;
    w.o.unmask = true;
    text = make(&w);
    CHECK(!strstr(text, "\"network\""));
    CHECK(!strstr(text, "sysctl"));
    CHECK(!strstr(text, "sysfs"));
    CHECK_CONTAINS(text, "\"maskedPaths\":[]");
    w.in.cgroup2 = true;
    CHECK_CONTAINS(make(&w), "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\"");
    w.o.memory = 1 << 20;
    fails(&w, AW_E_UNSUPPORTED, "cgroup");
    w.in.cgroups_path = "/mine";
    CHECK_CONTAINS(make(&w),
                   "\"cgroupsPath\":\"/mine\",\"resources\":{\"memory\":{\"limit\":1048576}}");
    end(&w);
}

TEST(filters)
{
    struct world w;
    const char *text;
    struct platform arm = {.os = "linux", .arch = "arm64"};
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    text = make(&w);
    CHECK_CONTAINS(text, "\"seccomp\":{");
#ifdef __x86_64__
    CHECK_CONTAINS(text, "run.oci.seccomp_bpf_data");
    CHECK_CONTAINS(text, "SCMP_ARCH_X86\"");
    w.in.platform = &arm;
    text = make(&w);
    CHECK(!strstr(text, "SCMP_ARCH_X86\"")); /* only the emulator's own calls arrive */
#endif
    w.in.platform = NULL;
    w.in.runtime = BUNDLE_RUNC;
    text = make(&w);
    CHECK(!strstr(text, "annotations"));
    w.o.seccomp = strdup("unconfined");
    text = make(&w);
    CHECK(!strstr(text, "seccomp"));
    (void)arm;
    end(&w);
}

TEST(keep_id)
{
    struct world w;
    struct aw_err err = AW_ERR_INIT;
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    w.o.keep_id = true;
    w.in.caller_name = "me";
    w.image.user = (char *)"web";
    const char *text = make(&w);
    CHECK_CONTAINS(text, "{\"containerID\":1000,\"hostID\":0,\"size\":1}");
    CHECK_CONTAINS(text, "{\"containerID\":0,\"hostID\":1000,\"size\":1}");
    CHECK_CONTAINS(text, "\"user\":{\"uid\":1000,\"gid\":1000,");
    _cleanup_free_ char *passwd = file_load(w.in.root_fd, "etc/passwd", 1000, NULL, &err);
    CHECK_STR(passwd, "root:x:0:0::/root:/bin/sh\nweb:x:33:33::/var/www:/bin/sh\n"
                      "me:x:1000:1000::/:/bin/sh\n");
    make(&w); /* not a second time */
    _cleanup_free_ char *again = file_load(w.in.root_fd, "etc/passwd", 1000, NULL, &err);
    CHECK_STR(again, passwd);
    _cleanup_free_ char *group = file_load(w.in.root_fd, "etc/group", 1000, NULL, &err);
    CHECK_CONTAINS(group, "\nme:x:1000:\n");
    w.o.user = strdup("web");
    CHECK_CONTAINS(make(&w), "\"user\":{\"uid\":33,");
    end(&w);
    /* a name that is taken, and one that would break the file */
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    w.o.keep_id = true;
    w.in.caller_name = "web";
    make(&w);
    _cleanup_free_ char *taken = file_load(w.in.root_fd, "etc/passwd", 1000, NULL, &err);
    CHECK_CONTAINS(taken, "\nu1000:x:1000:1000:");
    end(&w);
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    w.o.keep_id = true;
    w.in.caller_name = "x:x:0:0:\nroot";
    make(&w);
    _cleanup_free_ char *evil = file_load(w.in.root_fd, "etc/passwd", 1000, NULL, &err);
    CHECK_CONTAINS(evil, "\nuser:x:1000:1000:");
    end(&w);
}

TEST(limits)
{
    struct world w;
    struct aw_err err = AW_ERR_INIT;
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL));
    CHECK_OK(box_parse_ulimit(&w.o, "nofile=16:32", &err), err);
    CHECK_CONTAINS(make(&w), "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":32,\"soft\":16}]");
    CHECK_OK(box_parse_ulimit(&w.o, "nofile=-1", &err), err);
    fails(&w, AW_E_PERM, "--ulimit nofile"); /* the kernel has fs.nr_open */
    end(&w);
}

TEST(exec)
{
    struct world w;
    struct aw_err err = AW_ERR_INIT;
    struct bundle_exec x = {.workdir = "/tmp", .tty = true, .rows = 24, .cols = 80};
    begin(&w);
    CHECK(add(&w.o.command, "c", NULL) && add(&w.o.env, "A=1", "B=1"));
    make(&w);
    CHECK(!bundle_write_exec(&x, &w.map, w.in.root_fd, w.bundle, "p.json", &err));
    CHECK_CONTAINS(err.message, "no command");
    CHECK(add(&x.command, "sh", NULL) && add(&x.env, "B=2", NULL));
    CHECK_OK(bundle_write_exec(&x, &w.map, w.in.root_fd, w.bundle, "p.json", &err), err);
    _cleanup_free_ char *text = file_load(w.bundle, "p.json", JS_MAX_BYTES, NULL, &err);
    CHECK_CONTAINS(text, "\"args\":[\"sh\"]");
    CHECK_CONTAINS(text, "\"A=1\",\"B=2\",\"HOME=/root\",\"TERM=xterm\"");
    CHECK_CONTAINS(text, "\"cwd\":\"/tmp\"");
    CHECK_CONTAINS(text, "\"consoleSize\":{\"height\":24,\"width\":80}");
    CHECK_CONTAINS(text, "\"effective\":[\"CAP_CHOWN\"");
    x.user = "web";
    CHECK_OK(bundle_write_exec(&x, &w.map, w.in.root_fd, w.bundle, "p.json", &err), err);
    _cleanup_free_ char *web = file_load(w.bundle, "p.json", JS_MAX_BYTES, NULL, &err);
    CHECK_CONTAINS(web, "\"uid\":33,\"gid\":33,\"umask\":18,\"additionalGids\":[44]");
    CHECK_CONTAINS(web, "HOME=/var/www");
    CHECK_CONTAINS(web, "\"effective\":[]");
    x.user = "nobody";
    CHECK(!bundle_write_exec(&x, &w.map, w.in.root_fd, w.bundle, "p.json", &err));
    CHECK_CONTAINS(err.message, "unable to find user nobody");
    x.user = "70000";
    CHECK(!bundle_write_exec(&x, &w.map, w.in.root_fd, w.bundle, "p.json", &err));
    CHECK_CONTAINS(err.message, "70000 is not mapped");
    strv_fini(&x.command);
    strv_fini(&x.env);
    end(&w);
}

TEST(explain)
{
    static const struct {
        const char *text;
        int status;
        const char *want;
    } cases[] = {
        {"{\"msg\":\"executable file `p` not found in $PATH: No such file or "
         "directory\",\"level\":\"error\"}",
         127, "executable file not found"},
        {"{\"level\":\"warning\",\"msg\":\"x\"}\n{\"level\":\"error\",\"msg\":\"runc create "
         "failed: unable to "
         "start container process: exec: \\\"p\\\": stat p: no such file or directory\"}",
         127, "executable file not found"},
        {"runc create failed: unable to start container process: exec: \"p\": permission denied",
         126, "permission denied"},
        {"{\"msg\":\"open executable: Operation not permitted\",\"level\":\"error\"}", 126,
         "permission denied"},
        {"{\"msg\":\"exec container process `p`: Exec format error\",\"level\":\"error\"}", 126,
         "exec format error"},
        {"{\"msg\":\"error stat'ing file `/x`: No such file or directory\",\"level\":\"error\"}",
         125, "error stat'ing file"},
        {"{\"level\":\"error\",\"msg\":\"first\"}\n{\"level\":\"warning\",\"msg\":\"later\"}\n",
         125, "first"},
        {"", 125, "without a word"},
        {"{broken", 125, "{broken"},
    };
    for (size_t i = 0; i < AW_LEN(cases); i++) {
        struct aw_err err = AW_ERR_INIT;
        CHECK_INT(bundle_explain(cases[i].text, "p", &err), cases[i].status);
        CHECK_CONTAINS(err.message, cases[i].want);
    }
}

TEST_MAIN()
