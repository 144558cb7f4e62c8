/* SPDX-License-Identifier: Apache-2.0
 *
 * config.json of the OCI runtime bundle: who, where, which namespaces, which kernel files are
 * hidden.
 */
#include "box/bundle.h"
#include "base/file.h"
#include "box/bpf.h"
#include "box/bundle_parts.h"
#include "box/caps.h"
#include "box/seccomp.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define PASSWD_LIMIT (4u << 20)

static bool nomem(struct aw_err *err)
{
    return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

/* The file's text as it is in the container (regular files only), and an fd to add to; -1: none. */
static int open_list(const struct bundle *b, const char *path, char **ret_text)
{
    struct stat st;
    _cleanup_close_ int fd =
        bundle_open_beneath(b->in->root_fd, path, O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return -1;
    *ret_text = file_load_fd(fd, path, PASSWD_LIMIT, NULL, NULL);
    return *ret_text ? util_steal_fd(&fd) : -1;
}

static bool add_line(int fd, const char *text, const char *line)
{
    size_t n = strlen(text);
    if (n > 0 && text[n - 1] != '\n' && !file_write_full(fd, "\n", 1))
        return false;
    return file_write_full(fd, line, strlen(line));
}

/* Has some line of text this name (key 0) or this number (key 2)? */
static bool has_entry(const char *text, int key, const char *value)
{
    size_t n = strlen(value);
    for (; text; text = strchr(text, '\n')) {
        text += *text == '\n';
        const char *field = text;
        for (int i = 0; i < key && field; i++) {
            field += strcspn(field, ":\n");
            field = *field == ':' ? field + 1 : NULL;
        }
        if (field && strncmp(field, value, n) == 0 && (!field[n] || strchr(":\n", field[n])))
            return true;
    }
    return false;
}

static bool good_name(const char *s)
{
    if (!s || !(isalpha((unsigned char)*s) || *s == '_') || strlen(s) > 32)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("_-.", *s))
            return false;
    return true;
}

bool bundle_add_caller(const struct bundle *b, struct aw_err *err)
{
    static const char *const paths[2] = {"etc/passwd", "etc/group"};
    const uint32_t ids[2] = {b->in->caller_uid, b->in->caller_gid};
    for (int i = 0; i < 2; i++) {
        _cleanup_free_ char *text = NULL, *line = NULL;
        char number[16], made_up[16];
        _cleanup_close_ int fd = open_list(b, paths[i], &text);
        snprintf(number, sizeof(number), "%u", ids[i]);
        snprintf(made_up, sizeof(made_up), "u%u", ids[i]);
        if (fd < 0 || has_entry(text, 2, number))
            continue;
        const char *name = good_name(b->in->caller_name) ? b->in->caller_name : "user";
        if (has_entry(text, 0, name))
            name = made_up;
        line = i == 0 ? str_printf("%s:x:%u:%u::%s:/bin/sh\n", name, ids[0], ids[1],
                                   strpbrk(b->workdir, ":\n") ? "/" : b->workdir)
                      : str_printf("%s:x:%u:\n", name, ids[1]);
        if (!line)
            return nomem(err);
        if (!add_line(fd, text, line))
            return aw_fail(err, AW_E_IO, errno, "add a line to the container's /%s", paths[i]);
    }
    return true;
}

static bool find_workdir(struct bundle *b, struct aw_err *err)
{
    const char *given = b->in->options->workdir, *image = b->in->image->workdir;
    if (given && given[0] != '/')
        return aw_fail(err, AW_E_ARG, 0,
                       "the working directory \"%s\" is invalid: it must be an absolute path",
                       given);
    if (given)
        b->workdir = strdup(given);
    else
        b->workdir = str_printf("%s%s", image[0] == '/' ? "" : "/", image);
    return b->workdir || nomem(err);
}

static bool find_user(struct bundle *b, struct aw_err *err)
{
    const struct box_options *o = b->in->options;
    char own[32];
    const char *text = o->user ? o->user : b->in->image->user;
    if (o->keep_id) {
        if (!user_map_keep_id(b->in->map, b->in->caller_uid, b->in->caller_gid, &b->map, err) ||
            !bundle_add_caller(b, err))
            return false;
        snprintf(own, sizeof(own), "%u:%u", b->in->caller_uid, b->in->caller_gid);
        text = o->user ? o->user : own;
    } else {
        user_map_identity(b->in->map, &b->map);
    }
    if (!user_resolve(b->in->root_fd, text, &b->user, err) ||
        !user_check_mapped(&b->user, &b->map, b->in->map, err))
        return false;
    user_drop_unmapped_groups(&b->user, &b->map, b->in->map);
    return true;
}

static void add_map(struct json_object *o, const char *key, const struct idmap_line *l, int n)
{
    struct json_object *list = js_add(o, key, json_object_new_array());
    for (int i = 0; i < n; i++) {
        struct json_object *line = js_push(list, json_object_new_object());
        js_add_u64(line, "containerID", l[i].inside);
        js_add_u64(line, "hostID", l[i].outside);
        js_add_u64(line, "size", l[i].count);
    }
}

static void add_namespaces(const struct bundle *b, struct json_object *o)
{
    static const char *const types[] = {"user", "mount", "pid", "ipc", "uts", "cgroup", "network"};
    struct json_object *list = js_add(o, "namespaces", json_object_new_array());
    for (size_t i = 0; i < AW_LEN(types); i++)
        if (b->in->net == BUNDLE_NET_OWN || !str_eq(types[i], "network"))
            js_add_string(js_push(list, json_object_new_object()), "type", types[i]);
}

static void add_paths(struct json_object *o, const char *key, const char *const *paths, size_t n)
{
    struct json_object *list = js_add(o, key, json_object_new_array());
    for (size_t i = 0; i < n; i++)
        js_push_string(list, paths[i]);
}

/* What tells about the host or reaches into its kernel: Docker's lists. */
static void hide_paths(const struct bundle *b, struct json_object *o)
{
    static const char *const masked[] = {
        "/proc/acpi",        "/proc/asound",  "/proc/interrupts",
        "/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
        "/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
        "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
    };
    static const char *const readonly[] = {
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    };
    add_paths(o, "maskedPaths", masked, b->in->options->unmask ? 0 : AW_LEN(masked));
    add_paths(o, "readonlyPaths", readonly, b->in->options->unmask ? 0 : AW_LEN(readonly));
}

/* In a network of its own any user may bind low ports and send pings. */
static void add_sysctls(const struct bundle *b, struct json_object *o)
{
    char range[32];
    uint32_t last = 0;
    if (b->in->net != BUNDLE_NET_OWN)
        return;
    for (int i = 0; i < b->map.n_gid; i++) {
        uint32_t end = b->map.gid[i].inside + (b->map.gid[i].count - 1);
        last = end > last ? end : last;
    }
    snprintf(range, sizeof(range), "%u %u", b->map.n_gid == 1 ? b->map.gid[0].inside : 0, last);
    struct json_object *list = js_add(o, "sysctl", json_object_new_object());
    js_add_string(list, "net.ipv4.ip_unprivileged_port_start", "0");
    js_add_string(list, "net.ipv4.ping_group_range", range);
}

static bool add_limits(const struct bundle *b, struct json_object *o, struct aw_err *err)
{
    const struct box_options *opt = b->in->options;
    if (b->in->cgroups_path)
        js_add_string(o, "cgroupsPath", b->in->cgroups_path);
    if (!opt->memory && !opt->pids_limit)
        return true;
    if (!b->in->cgroups_path)
        return aw_fail(err, AW_E_UNSUPPORTED, 0,
                       "--memory and --pids-limit need a cgroup that is delegated to you");
    struct json_object *r = js_add(o, "resources", json_object_new_object());
    if (opt->memory)
        js_add_u64(js_add(r, "memory", json_object_new_object()), "limit", opt->memory);
    if (opt->pids_limit)
        js_add_u64(js_add(r, "pids", json_object_new_object()), "limit", opt->pids_limit);
    return true;
}

/* crun takes the finished filter; linux.seccomp stays for versions that would not. */
static bool add_program(struct bundle *b, const struct seccomp_host *host, uint64_t caps,
                        struct aw_err *err)
{
    struct bpf_program p;
    _cleanup_buf_ struct buf text = {0};
    if (b->in->runtime != BUNDLE_CRUN || !bpf_compile(host, caps, &p))
        return true;
    bpf_base64(&p, &text);
    if (!buf_ok(&text))
        return nomem(err);
    struct json_object *list = js_add(b->config, "annotations", json_object_new_object());
    js_add_string(list, "run.oci.seccomp_bpf_data", buf_str(&text));
    return true;
}

static bool add_filter(struct bundle *b, struct json_object *o, struct aw_err *err)
{
    const struct box_options *opt = b->in->options;
    const struct platform *platform = b->in->platform;
    uint64_t caps = caps_compute(&opt->cap_add, &opt->cap_drop);
    struct json_object *filter = NULL;
    struct seccomp_host host;
    seccomp_host(&host);
    host.own_calls_only = platform && !seccomp_native(&host, platform->arch);
    if (!seccomp_build(opt->seccomp, &host, caps, &filter, err))
        return false;
    if (filter)
        js_add(o, "seccomp", filter);
    if (opt->seccomp)
        return true;
    if (!seccomp_known(&host))
        aw_log(
            b->in->log, AW_LOG_WARN,
            "the system call filter does not know this machine, %s: calls of another kind than its "
            "own are not filtered",
            host.machine);
    return add_program(b, &host, caps, err);
}

static bool add_linux(struct bundle *b, struct aw_err *err)
{
    struct json_object *o = js_add(b->config, "linux", json_object_new_object());
    add_namespaces(b, o);
    add_map(o, "uidMappings", b->map.uid, b->map.n_uid);
    add_map(o, "gidMappings", b->map.gid, b->map.n_gid);
    js_add_string(o, "rootfsPropagation", "rprivate");
    hide_paths(b, o);
    add_sysctls(b, o);
    return add_limits(b, o, err) && add_filter(b, o, err);
}

bool bundle_save(struct json_object *o, int dir_fd, const char *name, struct aw_err *err)
{
    const char *text = js_text(o);
    if (!text)
        return nomem(err);
    if (!str_is_utf8(text))
        return aw_fail(err, AW_E_ARG, 0,
                       "the command, the environment or a path has bytes that are not UTF-8");
    return file_swap(dir_fd, name, text, strlen(text), 0600, err);
}

static bool build(struct bundle *b, struct aw_err *err)
{
    b->config = json_object_new_object();
    if (!find_workdir(b, err) || !find_user(b, err))
        return false;
    js_add_string(b->config, "ociVersion", "1.0.2");
    struct json_object *root = js_add(b->config, "root", json_object_new_object());
    js_add_string(root, "path", b->in->root_path);
    js_add_bool(root, "readonly", b->in->options->read_only);
    js_add_string(b->config, "hostname", b->in->hostname);
    return bundle_process(b, err) && bundle_mkdirs(b, b->workdir, &b->user, err) &&
           bundle_mounts(b, err) && add_linux(b, err);
}

bool bundle_write(const struct bundle_input *in, int bundle_fd, struct aw_err *err)
{
    struct bundle b = {.in = in};
    bool ok = build(&b, err);
    ok = ok && bundle_save(b.config, bundle_fd, "config.json", err);
    user_fini(&b.user);
    free(b.workdir);
    json_object_put(b.config);
    return ok;
}
