/* SPDX-License-Identifier: Apache-2.0
 *
 * The holder's mounts.
 *
 * Invariants:
 * 1. Everything here is in the holder's own mount namespace and ends with it.
 * 2. No path of the host reaches the container: mountinfo shows the overlay's options, so its
 * layers are named by links with short names, looked up from the current folder.
 * 3. Sources are opened before the stage is mounted, so that a volume below the stage's own mount
 *    point works like any other.
 *
 * Left out: what is mounted inside the container; the OCI runtime does that from config.json.
 */
#include "box/stage.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mountfd.h"
#include "base/spawn.h"
#include "box/control.h"
#include "image/store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>

/* ---- sources ----------------------------------------------------------------------------------
 */

static bool open_bind(const struct box_mount *m, int *ret, struct aw_err *err)
{
    int tree = mountfd_clone(AT_FDCWD, m->source, m->recursive);
    if (tree < 0 && errno == ENOENT && m->create_source) {
        if (!file_mkdirs(AT_FDCWD, m->source, 0755, err))
            return aw_context(err, "volume %s:%s", m->source, m->target);
        tree = mountfd_clone(AT_FDCWD, m->source, m->recursive);
    }
    /* parts of the tree that are locked together can only be copied as a whole */
    if (tree < 0 && errno == EINVAL && !m->recursive)
        tree = mountfd_clone(AT_FDCWD, m->source, true);
    if (tree < 0) {
        int e = errno;
        aw_fail(err, e == ENOENT ? AW_E_NOTFOUND : AW_E_IO, e, "volume %s:%s: open the source",
                m->source, m->target);
        return e == ENOENT ? aw_mend(err, "mkdir -p %s", m->source) : false;
    }
    /* What is read-only out here is so for good: a flag that the OCI runtime sets in the
     * container's own user namespace can be taken off there again. Old kernels have only that. */
    if (m->readonly && mountfd_readonly(tree) < 0 && errno != ENOSYS) {
        aw_fail(err, AW_E_IO, errno, "volume %s:%s: make it read-only", m->source, m->target);
        close(tree);
        return false;
    }
    *ret = tree;
    return true;
}

/* The path of an open folder, as this process sees it. */
static char *path_of_fd(int fd)
{
    char link[40], text[4096];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, text, sizeof(text) - 1);
    if (n < 0)
        return NULL;
    text[n] = '\0';
    return strdup(text);
}

/* Descriptors of the former mount namespace cannot be copied: go by path. name is below fd, or "".
 */
static int clone_folder(int fd, const char *name, struct aw_err *err)
{
    _cleanup_free_ char *base = path_of_fd(fd);
    _cleanup_free_ char *path = base ? str_printf("%s/%s", base, name) : NULL;
    int tree = path ? mountfd_clone(AT_FDCWD, path, !*name) : -1;
    if (tree < 0) {
        bool no_right = errno == EPERM;
        aw_fail(err, AW_E_IO, errno, "open %s as a mount", path ? path : "a folder");
        if (no_right)
            aw_mend(err,
                    "this root may not mount (CAP_SYS_ADMIN): run archway as an ordinary user, or "
                    "inside Docker start the outer container with --privileged");
    }
    return tree;
}

static bool open_folders(struct stage_sources *src, const struct stage_wanted *w,
                         struct aw_err *err)
{
    char layers[64];
    snprintf(layers, sizeof(layers), "layers/%s", w->map->key);
    if ((src->data = clone_folder(w->container_fd, "data", err)) < 0)
        return false;
    if (w->img->rootfs_fd >= 0)
        return (src->image = clone_folder(w->img->rootfs_fd, "", err)) >= 0;
    return (src->layers = clone_folder(store_dir_fd(w->store), layers, err)) >= 0;
}

bool stage_sources_open(struct stage_sources *ret, const struct stage_wanted *want,
                        struct aw_err *err)
{
    const struct box_options *opt = want->opt;
    struct stage_sources src = {.layers = -1, .data = -1, .image = -1};
    src.binds = calloc(opt->n_mounts + 1, sizeof(*src.binds));
    if (!src.binds)
        return aw_fail(err, AW_E_NOMEM, 0, "open volumes: out of memory");
    bool ok = true;
    for (; ok && src.n_binds < opt->n_mounts; src.n_binds++) {
        src.binds[src.n_binds] = -1;
        if (opt->mounts[src.n_binds].kind == BOX_MOUNT_BIND)
            ok = open_bind(&opt->mounts[src.n_binds], &src.binds[src.n_binds], err);
    }
    if (!ok || !open_folders(&src, want, err)) {
        stage_sources_fini(&src);
        return false;
    }
    *ret = src;
    return true;
}

void stage_sources_idmap(struct stage_sources *src, int userns_fd, const struct aw_log *log)
{
    for (size_t i = 0; i < src->n_binds; i++) {
        if (src->binds[i] < 0 || mountfd_idmap(src->binds[i], userns_fd, true) == 0)
            continue;
        aw_log(log, AW_LOG_NOTE,
               "volume %zu: its file system has no id-mapped mounts (%s): root in the container is "
               "nobody there",
               i + 1, strerror(errno));
    }
}

void stage_sources_fini(struct stage_sources *src)
{
    for (size_t i = 0; i < src->n_binds; i++)
        util_close(src->binds[i]);
    free(src->binds);
    util_close(src->layers);
    util_close(src->data);
    util_close(src->image);
    *src = (struct stage_sources){.layers = -1, .data = -1, .image = -1};
}

/* ---- the stage --------------------------------------------------------------------------------
 */

/* Make a place of tree's kind below the stage and attach it there. */
static bool place(struct stage *st, int tree, const char *name, struct aw_err *err)
{
    struct stat stt;
    if (fstat(tree, &stt) < 0)
        return aw_fail(err, AW_E_IO, errno, "look at the source of %s", name);
    if (S_ISDIR(stt.st_mode)) {
        if (mkdirat(st->fd, name, 0755) < 0)
            return aw_fail(err, AW_E_IO, errno, "make %s", name);
    } else {
        _cleanup_close_ int fd =
            openat(st->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
            return aw_fail(err, AW_E_IO, errno, "make %s", name);
    }
    if (mountfd_attach(tree, st->fd, name) < 0)
        return aw_fail(err, AW_E_IO, errno, "attach %s", name);
    return true;
}

static bool mount_proc(struct aw_err *err)
{
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
        return true;
    int e = errno;
    aw_fail(err, e == EPERM ? AW_E_PERM : AW_E_IO, e, "mount /proc for the container");
    if (e == EPERM)
        aw_mend(err,
                "parts of /proc are masked here: inside Docker, start the outer container with "
                "--security-opt systempaths=unconfined (Podman: --security-opt unmask=ALL)");
    return false;
}

/* crun refuses a hybrid hierarchy: show it the unified part alone, or none at all. */
static bool hide_hybrid_cgroups(struct stage *st, struct aw_err *err)
{
    static const char top[] = "/sys/fs/cgroup";
    struct statfs fs;
    st->cgroup2 = statfs(top, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
    if (st->cgroup2 || access(top, F_OK) < 0)
        return true;
    st->cgroup2 = mount("/sys/fs/cgroup/unified", top, NULL, MS_BIND, NULL) == 0;
    if (st->cgroup2 ||
        mount("tmpfs", top, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k") == 0)
        return true;
    return aw_fail(err, AW_E_IO, errno, "hide %s from the OCI runtime", top);
}

/* ---- volumes that are read-only for good ------------------------------------------------------
 *
 * A container with CAP_SYS_ADMIN may remount what is mounted in its own mount namespace, unless the
 * kernel has locked the mount's flags. It locks those of all that a mount namespace inherits from
 * that of another user namespace, and copies keep the lock. So a child goes through a user
 * namespace below and hands back a copy of each read-only volume. (crun copies volumes before it
 * enters the container's namespaces, so that they are not inherited.)
 */

static bool volume_is_readonly(const struct stage *st, size_t i, char path[64])
{
    struct statvfs fs;
    snprintf(path, 64, "%s/v/%zu", st->dir, i);
    return statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

__attribute__((noreturn)) static void send_locked(const struct stage *st, size_t n, int sock)
{
    char path[64];
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        _exit(1);
    for (size_t i = 0; i < n; i++) {
        if (!volume_is_readonly(st, i, path))
            continue;
        struct control_msg m = {.type = CONTROL_TTY, .value = (int)i, .n_fds = 1};
        m.fds[0] = mountfd_clone(AT_FDCWD, path, true);
        if (m.fds[0] < 0 || !control_send(sock, &m, NULL))
            _exit(1);
        close(m.fds[0]);
    }
    _exit(0);
}

static bool receive_locked(const struct stage *st, int sock, size_t want, struct aw_err *err)
{
    for (; want > 0; want--) {
        char name[32], path[64];
        _cleanup_control_ struct control_msg m = {0};
        int got = control_recv(sock, &m, err);
        if (got == 0)
            aw_fail(err, AW_E_IO, 0, "copy a read-only volume in a user namespace");
        if (got <= 0 || m.n_fds != 1)
            return false;
        snprintf(name, sizeof(name), "v/%d", m.value);
        snprintf(path, sizeof(path), "%s/%s", st->dir, name);
        if (umount2(path, MNT_DETACH) < 0 || mountfd_attach(m.fds[0], st->fd, name) < 0)
            return aw_fail(err, AW_E_IO, errno, "attach %s", name);
    }
    return true;
}

static bool lock_readonly(const struct stage *st, size_t n, struct aw_err *err)
{
    char path[64];
    int pair[2];
    size_t want = 0;
    for (size_t i = 0; i < n; i++)
        want += volume_is_readonly(st, i, path);
    if (want == 0)
        return true;
    if (!control_pair(pair, err))
        return false;
    pid_t child = fork();
    if (child == 0)
        send_locked(st, n, pair[1]);
    util_close(pair[1]);
    bool ok = child > 0 ? receive_locked(st, pair[0], want, err)
                        : aw_fail(err, AW_E_IO, errno, "lock read-only volumes: fork");
    util_close(pair[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return ok || aw_context(err, "lock read-only volumes");
}

static bool attach_sources(struct stage *st, struct stage_sources *src, struct aw_err *err)
{
    if (!place(st, src->data, "data", err))
        return false;
    if (src->layers >= 0 && !place(st, src->layers, "layers", err))
        return false;
    if (src->image >= 0 && !place(st, src->image, "image", err))
        return false;
    if (mkdirat(st->fd, "v", 0755) < 0)
        return aw_fail(err, AW_E_IO, errno, "make v");
    for (size_t i = 0; i < src->n_binds; i++) {
        char name[32];
        snprintf(name, sizeof(name), "v/%zu", i);
        if (src->binds[i] >= 0 && !place(st, src->binds[i], name, err))
            return false;
    }
    return lock_readonly(st, src->n_binds, err);
}

bool stage_init(struct stage *ret, struct stage_sources *src, struct aw_err *err)
{
    /* any folder that everybody may traverse will do: it is covered for us alone */
    static const char *const places[] = {"/mnt", "/media", "/srv", "/opt", "/tmp"};
    static const char *const folders[] = {"bundle", "bundle/rootfs", "etc", "state", "o"};
    struct stage st = {.fd = -1, .rootfs_fd = -1};
    for (size_t i = 0; i < AW_LEN(places) && !st.dir; i++)
        if (mount("tmpfs", places[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == 0)
            st.dir = places[i];
    if (!st.dir)
        return aw_fail(err, AW_E_IO, errno, "mount a private tmpfs on /mnt");
    st.fd = open(st.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (st.fd < 0)
        return aw_fail(err, AW_E_IO, errno, "open %s", st.dir);
    /* the caller's folder is none of the container's business, and may be closed to us */
    bool ok = chdir("/") == 0 && mount_proc(err) && hide_hybrid_cgroups(&st, err);
    for (size_t i = 0; ok && i < AW_LEN(folders); i++)
        if (mkdirat(st.fd, folders[i], 0755) < 0)
            ok = aw_fail(err, AW_E_IO, errno, "make folder %s", folders[i]);
    ok = ok && attach_sources(&st, src, err);
    stage_sources_fini(src);
    if (!ok) {
        util_close(st.fd);
        return false;
    }
    *ret = st;
    return true;
}

/* ---- the container's root ---------------------------------------------------------------------
 */

/* layer_dirs are "layers/<key>/<rest>": what is on the stage is <rest> below layers. */
static const char *below_key(const char *dir)
{
    const char *first = strchr(dir, '/'), *second = first ? strchr(first + 1, '/') : NULL;
    AW_BUG_ON(!second);
    return second + 1;
}

/* The links, top layer first, and the overlay's option string. */
static bool name_layers(struct stage *st, const struct image *img, struct buf *options,
                        struct aw_err *err)
{
    size_t n = img->rootfs_fd >= 0 ? 1 : img->layer_dirs.n;
    if (n == 0)
        return aw_fail(err, AW_E_ARG, 0, "the image has no layer");
    buf_adds(options, "lowerdir=");
    for (size_t i = 0; i < n; i++) {
        _cleanup_free_ char *target =
            img->rootfs_fd >= 0
                ? strdup("../image")
                : str_printf("../layers/%s", below_key(img->layer_dirs.v[n - 1 - i]));
        char name[32];
        snprintf(name, sizeof(name), "o/%zu", i);
        if (!target)
            return aw_fail(err, AW_E_NOMEM, 0, "name layers: out of memory");
        if (symlinkat(target, st->fd, name) < 0)
            return aw_fail(err, AW_E_IO, errno, "name layer %zu", i);
        buf_addf(options, "%s%zu", i ? ":" : "", i);
    }
    return true;
}

static bool make_upper(int dir_fd, struct aw_err *err)
{
    if ((mkdirat(dir_fd, "upper", 0755) < 0 && errno != EEXIST) ||
        (mkdirat(dir_fd, "work", 0755) < 0 && errno != EEXIST))
        return aw_fail(err, AW_E_IO, errno, "make the container's writable layer");
    return true;
}

/* Where the upper layer is, as links o/u and o/w; base is relative to o. */
static bool name_upper(struct stage *st, const char *base, struct aw_err *err)
{
    static const char *const names[] = {"o/u", "o/w"}, *const parts[] = {"upper", "work"};
    for (int i = 0; i < 2; i++) {
        _cleanup_free_ char *target = str_printf("%s/%s", base, parts[i]);
        unlinkat(st->fd, names[i], 0);
        if (!target || symlinkat(target, st->fd, names[i]) < 0)
            return aw_fail(err, AW_E_IO, errno, "name the writable layer");
    }
    return true;
}

/* The overlay's root takes its owner and mode from the upper folder: copy the top layer's. */
static void copy_root_attributes(struct stage *st, int upper_parent)
{
    struct stat s;
    if (fstatat(st->fd, "o/0", &s, 0) < 0)
        return;
    _cleanup_close_ int fd = openat(upper_parent, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    struct timespec times[2] = {s.st_atim, s.st_mtim};
    if (fchown(fd, s.st_uid, s.st_gid) < 0 && errno != EINVAL && errno != EPERM)
        return;
    fchmod(fd, s.st_mode & 07777);
    futimens(fd, times);
}

/* mount(2) takes one page of options; the links keep 500 layers below that. */
static int mount_overlay(struct stage *st, const char *lower, bool memory)
{
    _cleanup_buf_ struct buf options = {0};
    buf_adds(&options, lower);
    buf_addf(&options, ",upperdir=u,workdir=w,userxattr%s", memory ? "" : ",volatile");
    if (!buf_ok(&options) || options.len >= 4096)
        return errno = E2BIG, -1;
    _cleanup_free_ char *target = str_printf("%s/bundle/rootfs", st->dir);
    _cleanup_free_ char *links = str_printf("%s/o", st->dir);
    if (!target || !links || chdir(links) < 0)
        return -1;
    int rc = mount("overlay", target, "overlay", MS_NODEV, buf_str(&options));
    int e = errno;
    if (chdir("/") < 0)
        return -1;
    errno = e;
    return rc;
}

/* fuse-overlayfs does it where the kernel will not (before 5.11, or over odd file systems). */
static bool mount_by_fuse(struct stage *st, const char *lower, struct aw_err *err)
{
    _cleanup_free_ char *target = str_printf("%s/bundle/rootfs", st->dir);
    _cleanup_free_ char *options = str_printf("%s,upperdir=u,workdir=w", lower);
    _cleanup_free_ char *script =
        str_printf("cd %s/o && exec fuse-overlayfs -o \"$0\" \"$1\"", st->dir);
    if (!target || !options || !script)
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    const char *argv[] = {"sh", "-c", script, options, target, NULL};
    struct spawn s = {.argv = argv, .timeout_ms = 20000};
    _cleanup_spawn_ struct spawn_result r = {0};
    return spawn_check(&s, &r, err);
}

static bool overlay_failed(int how, struct stage *st, const char *lower, const struct aw_log *log,
                           struct aw_err *err)
{
    struct aw_err fuse = AW_ERR_INIT;
    if (mount_by_fuse(st, lower, &fuse)) {
        aw_log(log, AW_LOG_NOTE,
               "the kernel's overlay does not work here (%s): fuse-overlayfs does", strerror(how));
        return true;
    }
    aw_fail(err, AW_E_UNSUPPORTED, how, "mount the container's root as an overlay");
    return aw_mend(err, "%s",
                   fuse.code == AW_E_NOTFOUND || strstr(fuse.message, "127")
                       ? "sudo apt install fuse-overlayfs (and make /dev/fuse accessible), or use "
                         "Linux 5.11 or later"
                       : "move the store to an ordinary disk: archway --storage DIR ...");
}

bool stage_root(struct stage *st, const struct image *img, const struct aw_log *log,
                struct aw_err *err)
{
    _cleanup_buf_ struct buf lower = {0};
    if (!name_layers(st, img, &lower, err))
        return false;
    if (!buf_ok(&lower))
        return aw_fail(err, AW_E_NOMEM, 0, "make the container's root: out of memory");
    _cleanup_close_ int upper = openat(st->fd, "data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (upper < 0)
        return aw_fail(err, AW_E_IO, errno, "open the writable layer");
    if (!make_upper(upper, err) || !name_upper(st, "../data", err))
        return false;
    copy_root_attributes(st, upper);
    int rc = mount_overlay(st, buf_str(&lower), false), how = errno;
    if (rc < 0 && (how == EINVAL || how == EREMOTE || how == ENOTSUP || how == EPERM)) {
        /* an upper on overlayfs, or on a file system without xattrs: keep it in memory */
        if (!make_upper(st->fd, err) || !name_upper(st, "..", err))
            return false;
        copy_root_attributes(st, st->fd);
        rc = mount_overlay(st, buf_str(&lower), true);
        st->ram_upper = rc == 0;
        if (rc == 0)
            aw_log(log, AW_LOG_NOTE,
                   "the store's file system cannot hold a writable layer (%s): what the container "
                   "writes is kept in memory",
                   strerror(how));
    }
    if (rc < 0 && !overlay_failed(how, st, buf_str(&lower), log, err))
        return false;
    st->rootfs_fd = openat(st->fd, "bundle/rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return st->rootfs_fd >= 0 || aw_fail(err, AW_E_IO, errno, "open the container's root");
}

bool stage_fini(struct stage *st, struct aw_err *err)
{
    util_close(st->rootfs_fd);
    st->rootfs_fd = -1;
    /* the overlay stays mounted, unused, until the kernel takes it away with this mount namespace:
     * an unmount here would wait for one more grace period */
    _cleanup_close_ int fd = openat(st->fd, "data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return aw_fail(err, AW_E_IO, errno, "open the writable layer");
    return file_remove_tree(fd, "upper", err) && file_remove_tree(fd, "work", err);
}
