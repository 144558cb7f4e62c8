/* SPDX-License-Identifier: Apache-2.0
 *
 * The mounts of config.json, and the folders that they need beneath the container's root.
 *
 * Two lists: what every container has (proc, dev, sys, ...), in a fixed order, without what the
 * user mounts himself; then the user's own mounts, devices and the generated files of /etc, sorted
 * so that parents come first.
 *
 * Invariants:
 * 1. A target is only ever a string that the runtime resolves inside the container's root; what we
 *    make beneath the root ourselves goes through openat2(RESOLVE_IN_ROOT). No path of the host is
 *    built from a name in the image.
 * 2. A source is a path that the user typed, or a file that Archway made in its private folder.
 * 3. A bind mount never loses nosuid, nodev or noexec of its source: crun drops them with "ro" and
 *    runc fails, so they are named (docs/decisions/0004-runtime.md).
 */
#include "box/bundle_parts.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#define SHM_SIZE (64u << 20)
#define INIT_TARGET "/dev/init"

/* One mount that goes into the sorted list. */
struct item {
    char *target;              /* owned; clean: no "//", "." or ".." */
    struct json_object *mount; /* owned */
    unsigned depth;            /* components of target */
    size_t order;              /* in which it came */
};

struct list {
    struct item *v; /* n items */
    size_t n;
};

static void list_fini(struct list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].target);
        json_object_put(l->v[i].mount);
    }
    free(l->v);
}

static bool nomem(struct aw_err *err)
{
    return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

/* Without empty parts, "." and "..", as the runtimes see it. */
static char *clean(const char *path)
{
    char *out = malloc(strlen(path) + 2), *end = out;
    if (!out)
        return NULL;
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (end > out && *--end != '/')
                ;
        } else if (n > 0 && !(n == 1 && path[0] == '.')) {
            *end++ = '/';
            memcpy(end, path, n);
            end += n;
        }
        path += n + (path[n] == '/');
    }
    if (end == out)
        *end++ = '/';
    *end = 0;
    return out;
}

static const struct item *list_find(const struct list *l, const char *target)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_eq(l->v[i].target, target))
            return &l->v[i];
    return NULL;
}

static struct json_object *new_mount(const char *target, const char *type, const char *source)
{
    struct json_object *m = json_object_new_object();
    js_add_string(m, "destination", target);
    js_add_string(m, "type", type);
    js_add_string(m, "source", source);
    js_add(m, "options", json_object_new_array());
    return m;
}

static void option(struct json_object *mount, const char *word)
{
    struct json_object *options = NULL;
    if (js_get_array(mount, "options", &options, NULL) && options)
        js_push_string(options, word);
}

/* Takes mount over. */
static bool list_add(struct list *l, const char *target, struct json_object *mount,
                     struct aw_err *err)
{
    _cleanup_free_ char *tidy = clean(target);
    struct item *more = realloc(l->v, (l->n + 1) * sizeof(*more));
    if (more)
        l->v = more;
    if (!tidy || !more) {
        json_object_put(mount);
        return nomem(err);
    }
    if (list_find(l, tidy)) {
        json_object_put(mount);
        return aw_fail(err, AW_E_ARG, 0, "two mounts have the same target, %s", tidy);
    }
    js_add_string(mount, "destination", tidy);
    struct item *it = &l->v[l->n];
    *it = (struct item){.target = AW_STEAL(tidy), .mount = mount, .order = l->n};
    for (const char *c = it->target; *c; c++)
        it->depth += *c == '/';
    l->n++;
    return true;
}

static int by_depth(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* ---- beneath the root ---- */

int bundle_open_beneath(int root_fd, const char *path, int flags, mode_t mode)
{
    while (*path == '/')
        path++;
    return file_openat2(root_fd, *path ? path : ".", flags | O_CLOEXEC, mode,
                        RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

static uint32_t parent_id(const struct idmap_line *l, int n, uint32_t id)
{
    for (int i = 0; i < n; i++)
        if (id >= l[i].inside && id - l[i].inside < l[i].count)
            return l[i].outside + (id - l[i].inside);
    return 0;
}

#define LINKS_MAX 8

static bool mkdirs(const struct bundle *b, const char *path, const struct user *owner, int links,
                   struct aw_err *err);

/* name in the folder fd (which is parent) is a link that leads nowhere: make what it names. */
static bool follow_link(const struct bundle *b, int fd, const char *parent, const char *name,
                        int links, struct aw_err *err)
{
    char to[1024];
    ssize_t n = readlinkat(fd, name, to, sizeof(to) - 1);
    if (n < 0 || links == LINKS_MAX)
        return aw_fail(err, AW_E_ARG, 0, "%s/%s in the container is a link that leads nowhere",
                       parent, name);
    to[n] = 0;
    /* safe because the path, however wrong, is opened beneath the root again */
    _cleanup_free_ char *path = str_printf("%s/%s", to[0] == '/' ? "" : parent, to);
    return path ? mkdirs(b, path, NULL, links + 1, err) : nomem(err);
}

/* Make one folder, whose parent is there. */
static bool mkdir_one(const struct bundle *b, const char *path, const struct user *owner, int links,
                      struct aw_err *err)
{
    uint32_t uid = owner ? owner->uid : 0, gid = owner ? owner->gid : 0;
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent = strndup(path, (size_t)(slash - path));
    if (!parent)
        return nomem(err);
    _cleanup_close_ int fd = bundle_open_beneath(b->in->root_fd, parent, O_PATH | O_DIRECTORY, 0);
    if (fd >= 0 && mkdirat(fd, slash + 1, 0755) < 0 && errno == EEXIST)
        return follow_link(b, fd, parent, slash + 1, links, err);
    /* safe because it is one component in a folder that we hold, and a link is not followed */
    _cleanup_close_ int made =
        fd < 0 ? -1 : openat(fd, slash + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (made < 0 || fchmod(made, 0755) < 0 || /* the caller's umask may be narrow */
        fchown(made, parent_id(b->map.uid, b->map.n_uid, uid),
               parent_id(b->map.gid, b->map.n_gid, gid)) < 0)
        return aw_fail(err, AW_E_IO, errno, "make the folder %s in the container", path);
    return true;
}

static bool mkdirs(const struct bundle *b, const char *path, const struct user *owner, int links,
                   struct aw_err *err)
{
    _cleanup_free_ char *part = clean(path);
    if (!part)
        return nomem(err);
    for (char *end = part; end;) {
        end = strchr(end + 1, '/');
        if (end)
            *end = 0;
        _cleanup_close_ int fd = bundle_open_beneath(b->in->root_fd, part, O_PATH | O_DIRECTORY, 0);
        if (fd < 0 && errno == ENOTDIR)
            return aw_fail(err, AW_E_ARG, 0, "%s in the container is no folder", part);
        if (fd < 0 && errno != ENOENT)
            return aw_fail(err, AW_E_IO, errno, "open %s in the container", part);
        if (fd < 0 && !mkdir_one(b, part, owner, links, err))
            return false;
        if (end)
            *end = '/';
    }
    return true;
}

bool bundle_mkdirs(const struct bundle *b, const char *path, const struct user *owner,
                   struct aw_err *err)
{
    return mkdirs(b, path, owner, 0, err);
}

/* ---- the user's ---- */

/* Can the kernel make a whole tree of mounts read-only at once (Linux 5.12)? */
static bool has_mount_setattr(void)
{
    return syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) == 0 || errno != ENOSYS;
}

static bool add_source_flags(struct json_object *mount, const char *source, struct aw_err *err)
{
    struct statvfs fs;
    if (statvfs(source, &fs) < 0)
        return aw_fail(err, AW_E_IO, errno, "look at %s", source);
    if (fs.f_flag & ST_NOSUID)
        option(mount, "nosuid");
    if (fs.f_flag & ST_NODEV)
        option(mount, "nodev");
    if (fs.f_flag & ST_NOEXEC)
        option(mount, "noexec");
    return true;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static struct json_object *bind_of(const char *source, bool recursive, bool readonly,
                                   const char *propagation, struct aw_err *err)
{
    struct json_object *m = new_mount("", "bind", source);
    option(m, recursive ? "rbind" : "bind");
    option(m, propagation ? propagation : "rprivate");
    /* crun opens the target of an rro as a folder; a file has no mounts below it */
    if (readonly)
        option(m, recursive && is_folder(source) && has_mount_setattr() ? "rro" : "ro");
    if (add_source_flags(m, source, err))
        return m;
    json_object_put(m);
    return NULL;
}

static bool check_source(const struct bundle *b, const struct box_mount *m, struct aw_err *err)
{
    struct stat st;
    if (stat(m->source, &st) == 0)
        return true;
    if (errno != ENOENT)
        return aw_fail(err, errno == EACCES ? AW_E_PERM : AW_E_IO, errno, "mount %s", m->source);
    if (!m->create_source) {
        aw_fail(err, AW_E_NOTFOUND, 0, "mount %s: there is no such file or folder", m->source);
        return aw_mend(err, "mkdir -p '%s'", m->source);
    }
    if (!file_mkdirs(AT_FDCWD, m->source, 0755, err))
        return aw_context(err, "mount %s", m->source);
    aw_log(b->in->log, AW_LOG_NOTE, "made the folder %s", m->source);
    return true;
}

/* runc 1.1 gives a tmpfs the mode of the folder that it covers, whatever mode= says. */
static void match_mode(const struct bundle *b, const char *target, uint32_t mode)
{
    _cleanup_close_ int fd = bundle_open_beneath(b->in->root_fd, target, O_RDONLY | O_DIRECTORY, 0);
    if (fd >= 0 && fchmod(fd, mode) < 0)
        aw_log(b->in->log, AW_LOG_NOTE, "the tmpfs on %s keeps the mode of the folder there",
               target);
}

static void tmpfs_options(const struct bundle *b, struct json_object *m, const struct box_mount *t)
{
    char text[64];
    uint32_t mode = t->mode ? t->mode : 01777;
    if (b->in->runtime == BUNDLE_RUNC)
        match_mode(b, t->target, mode);
    option(m, t->readonly ? "ro" : "rw");
    snprintf(text, sizeof(text), "mode=%o", mode);
    option(m, text);
    if (t->size) {
        snprintf(text, sizeof(text), "size=%llu", (unsigned long long)t->size);
        option(m, text);
    }
    if (t->owner) {
        snprintf(text, sizeof(text), "uid=%u", t->uid);
        option(m, text);
        snprintf(text, sizeof(text), "gid=%u", t->gid);
        option(m, text);
    }
}

/* A folder of the container's writable layer will do, unless the root is read-only. */
static bool add_volume(const struct bundle *b, struct list *l, const char *target, bool readonly,
                       struct aw_err *err)
{
    if (!bundle_mkdirs(b, target, NULL, err))
        return false;
    if (!b->in->options->read_only || readonly)
        return true;
    struct json_object *m = new_mount(target, "tmpfs", "tmpfs");
    option(m, "nosuid");
    option(m, "nodev");
    option(m, "mode=0755");
    option(m, "tmpcopyup");
    return list_add(l, target, m, err);
}

static bool add_user_mount(const struct bundle *b, struct list *l, const struct box_mount *u,
                           struct aw_err *err)
{
    struct json_object *m;
    if (u->kind == BOX_MOUNT_VOLUME)
        return add_volume(b, l, u->target, u->readonly, err);
    if (u->kind == BOX_MOUNT_BIND) {
        if (!check_source(b, u, err))
            return false;
        m = bind_of(u->source, u->recursive, u->readonly, u->propagation, err);
        if (!m)
            return false;
    } else {
        m = new_mount(u->target, "tmpfs", "tmpfs");
        tmpfs_options(b, m, u);
    }
    if (u->nosuid)
        option(m, "nosuid");
    if (u->nodev)
        option(m, "nodev");
    if (u->noexec)
        option(m, "noexec");
    return list_add(l, u->target, m, err);
}

/* In a user namespace a device cannot be made, but the host's can be shown. */
static bool add_device(const struct bundle *b, const struct box_device *d, struct list *l,
                       struct aw_err *err)
{
    struct stat st;
    if (stat(d->source, &st) < 0)
        return aw_fail(err, errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno, "--device %s",
                       d->source);
    if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && !S_ISDIR(st.st_mode))
        return aw_fail(err, AW_E_ARG, 0, "--device %s: it is no device", d->source);
    /* a mount's flags say nothing of devices, and the cgroup's filter for them needs root */
    if (d->readonly)
        aw_log(b->in->log, AW_LOG_WARN,
               "--device %s:r has no effect: what may be opened may be written", d->source);
    struct json_object *m = bind_of(d->source, S_ISDIR(st.st_mode), d->readonly, NULL, err);
    return m && list_add(l, d->target, m, err);
}

static bool add_generated(const struct bundle *b, struct list *l, struct aw_err *err)
{
    static const char *const names[] = {"resolv.conf", "hosts", "hostname"};
    if (list_find(l, "/etc"))
        return true; /* the user has taken charge of it, and nothing is made in his folder */
    for (size_t i = 0; i < AW_LEN(names); i++) {
        char target[32];
        snprintf(target, sizeof(target), "/etc/%s", names[i]);
        if (!b->in->files_path || list_find(l, target) ||
            faccessat(b->in->files_fd, names[i], F_OK, 0) < 0)
            continue;
        _cleanup_free_ char *source = str_printf("%s/%s", b->in->files_path, names[i]);
        if (!source)
            return nomem(err);
        struct json_object *m = new_mount(target, "bind", source);
        option(m, "bind");
        option(m, "rprivate");
        option(m, "nosuid");
        option(m, "nodev");
        if (b->in->options->read_only)
            option(m, "ro");
        if (!list_add(l, target, m, err))
            return false;
    }
    return true;
}

static bool add_init(const struct bundle *b, struct list *l, struct aw_err *err)
{
    struct json_object *m;
    if (!b->in->init_path)
        return true;
    m = bind_of(b->in->init_path, false, true, NULL, err);
    return m && list_add(l, INIT_TARGET, m, err);
}

static bool collect(const struct bundle *b, struct list *l, struct aw_err *err)
{
    const struct box_options *o = b->in->options;
    const struct strv *volumes = &b->in->image->volumes;
    for (size_t i = 0; i < o->n_mounts; i++)
        if (!add_user_mount(b, l, &o->mounts[i], err))
            return false;
    for (size_t i = 0; i < o->n_devices; i++)
        if (!add_device(b, &o->devices[i], l, err))
            return false;
    for (size_t i = 0; i < volumes->n; i++) {
        _cleanup_free_ char *target = clean(volumes->v[i]);
        if (!target)
            return nomem(err);
        if (!str_eq(target, "/") && !list_find(l, target) && !add_volume(b, l, target, false, err))
            return false;
    }
    return add_generated(b, l, err) && add_init(b, l, err);
}

/* ---- what every container has ---- */

/* options end with NULL; nothing is added where the user mounts something himself, or over /dev */
static struct json_object *base(const struct bundle *b, const struct list *l, const char *target,
                                const char *type, const char *const *options)
{
    struct json_object *mounts = NULL;
    if (list_find(l, target) || (str_starts(target, "/dev/") && list_find(l, "/dev")) ||
        (str_starts(target, "/sys/") && list_find(l, "/sys")) ||
        !js_get_array(b->config, "mounts", &mounts, NULL) || !mounts)
        return NULL;
    struct json_object *m = new_mount(target, type, str_eq(type, "bind") ? target : type);
    for (; *options; options++)
        option(m, *options);
    return js_push(mounts, m);
}

static bool gid_mapped(const struct bundle *b, uint32_t gid)
{
    for (int i = 0; i < b->map.n_gid; i++)
        if (gid >= b->map.gid[i].inside && gid - b->map.gid[i].inside < b->map.gid[i].count)
            return true;
    return false;
}

static void add_sys(const struct bundle *b, const struct list *l)
{
    static const char *const sys[] = {"nosuid", "noexec", "nodev", "ro", NULL};
    static const char *const bound[] = {"rbind", "nosuid", "noexec", "nodev", NULL};
    static const char *const hide[] = {"nosuid",  "noexec",    "nodev", "ro",
                                       "size=0k", "mode=0755", NULL};
    bool bind = b->in->net == BUNDLE_NET_HOLDER || b->in->bind_sys;
    struct json_object *m = base(b, l, "/sys", bind ? "bind" : "sysfs", bind ? bound : sys);
    if (bind && m)
        option(m, has_mount_setattr() ? "rro" : "ro");
    if (b->in->cgroup2)
        base(b, l, "/sys/fs/cgroup", "cgroup", sys);
    else if (bind)
        base(b, l, "/sys/fs/cgroup", "tmpfs", hide);
}

static void add_base(const struct bundle *b, const struct list *l)
{
    static const char *const proc[] = {"nosuid", "noexec", "nodev", NULL};
    static const char *const dev[] = {"nosuid", "strictatime", "mode=755", "size=65536k", NULL};
    static const char *const pts[] = {"nosuid",        "noexec",    "newinstance",
                                      "ptmxmode=0666", "mode=0620", NULL};
    static const char *const shm[] = {"nosuid", "noexec", "nodev", "mode=1777", NULL};
    char size[40];
    uint64_t bytes = b->in->options->shm_size;
    snprintf(size, sizeof(size), "size=%llu", (unsigned long long)(bytes ? bytes : SHM_SIZE));
    base(b, l, "/proc", "proc", proc);
    base(b, l, "/dev", "tmpfs", dev);
    struct json_object *m = base(b, l, "/dev/pts", "devpts", pts);
    if (m && gid_mapped(b, 5))
        option(m, "gid=5");
    m = base(b, l, "/dev/shm", "tmpfs", shm);
    if (m)
        option(m, size);
    base(b, l, "/dev/mqueue", "mqueue", proc);
    add_sys(b, l);
}

bool bundle_mounts(struct bundle *b, struct aw_err *err)
{
    __attribute__((cleanup(list_fini))) struct list l = {0};
    struct json_object *mounts = js_add(b->config, "mounts", json_object_new_array());
    if (!collect(b, &l, err))
        return false;
    add_base(b, &l);
    if (l.n)
        qsort(l.v, l.n, sizeof(*l.v), by_depth);
    for (size_t i = 0; i < l.n; i++)
        js_push(mounts, AW_STEAL(l.v[i].mount));
    return true;
}
