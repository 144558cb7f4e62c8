/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder that a layer is unpacked to.
 *
 * Paths are resolved here and not by the kernel: the kernel is only asked to open a path that has
 * no symlink in it (RESOLVE_NO_SYMLINKS and RESOLVE_BENEATH), and where that fails `walk` goes
 * component by component, reading each symlink itself, in the view that a container would have:
 * this layer upon the lower ones. That is what keeps everything inside: no string from the layer is
 * ever handed to a system call that would follow a link or "..". (No chroot on top: libraries load
 * parts of themselves late, and would then take them from the layer.)
 *
 * The most recently used folders stay open, since entries of one folder come together. A folder's
 * own time is set when its slot is given up, so that no list of folders has to be kept for the end.
 *
 * Invariants:
 * 1. A slot's path is free of symlinks, so there is one slot at most for a folder.
 * 2. Removing a folder or a symlink may change where a path leads: `stale` then empties all slots
 *    at the next request. Making something new never changes where an existing path leads.
 * 3. A folder that takes the place of something else of this layer, whiteouts included, is opaque:
 *    what the lower layers have there was hidden by what stood there before.
 */
#include "image/layer_tree.h"

#include "base/file.h"
#include "image/layer_lower.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/xattr.h>

#define OPAQUE "user.overlay.opaque"
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define REST_MAX (3 * LAYER_PATH_MAX)

static bool slot_close(struct layer_tree *t, struct layer_folder *f, struct aw_err *err)
{
    bool ok = true;
    if (f->fd >= 0 && f->touched && f->keep_time) {
        const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, f->mtime};
        if (futimens(f->fd, times) < 0)
            ok = layer_fail_io(err, "set the time of a folder");
    }
    util_close(f->fd);
    free(f->path);
    free(f->alias);
    *f = (struct layer_folder){.fd = -1};
    if (t->last == f)
        t->last = NULL;
    return ok;
}

static bool slots_close(struct layer_tree *t, struct aw_err *err)
{
    bool ok = true;
    for (size_t i = 0; i < LAYER_FOLDERS; i++)
        ok = slot_close(t, &t->folders[i], err) && ok;
    t->pin = NULL;
    t->stale = false;
    return ok;
}

/* A free slot, made by giving up the one that was not used for longest. */
static struct layer_folder *slot_take(struct layer_tree *t, struct aw_err *err)
{
    struct layer_folder *oldest = NULL;
    for (size_t i = 0; i < LAYER_FOLDERS; i++) {
        struct layer_folder *f = &t->folders[i];
        if (f->fd < 0)
            return f;
        if (f != t->pin && (!oldest || f->used < oldest->used))
            oldest = f;
    }
    return slot_close(t, oldest, err) ? oldest : NULL;
}

static bool path_is(const char *have, const char *path, size_t len)
{
    return have && strncmp(have, path, len) == 0 && have[len] == '\0';
}

static struct layer_folder *slot_use(struct layer_tree *t, struct layer_folder *f)
{
    f->used = ++t->clock;
    t->last = f;
    return f;
}

static struct layer_folder *slot_find(struct layer_tree *t, const char *path, size_t len)
{
    struct layer_folder *l = t->last;
    if (l && (path_is(l->path, path, len) || path_is(l->alias, path, len)))
        return l;
    for (size_t i = 0; i < LAYER_FOLDERS; i++) {
        struct layer_folder *f = &t->folders[i];
        if (f->fd >= 0 && (path_is(f->path, path, len) || path_is(f->alias, path, len)))
            return slot_use(t, f);
    }
    return NULL;
}

bool layer_tree_is_odd(int fd, mode_t mode)
{
    return (mode & S_ISGID) || fgetxattr(fd, "system.posix_acl_default", NULL, 0) > 0;
}

/* Keep the open folder fd (taken over, also on failure) of path. */
static struct layer_folder *adopt(struct layer_tree *t, int fd, const char *path, size_t len,
                                  struct aw_err *err)
{
    struct layer_folder *f = slot_take(t, err);
    if (!f) {
        util_close(fd);
        return NULL;
    }
    f->path = strndup(path, len);
    if (!f->path) {
        util_close(fd);
        aw_fail(err, AW_E_NOMEM, 0, "open folder: out of memory");
        return NULL;
    }
    f->fd = fd;
    return slot_use(t, f);
}

/* The same for a folder that was there: its time is to stay, whatever is made in it. */
static struct layer_folder *adopt_existing(struct layer_tree *t, int fd, const char *path,
                                           size_t len, struct aw_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        layer_fail_io(err, "stat a folder");
        util_close(fd);
        return NULL;
    }
    struct layer_folder *f = adopt(t, fd, path, len, err);
    if (!f)
        return NULL;
    f->mtime = st.st_mtim;
    f->keep_time = true;
    f->odd = layer_tree_is_odd(fd, st.st_mode);
    return f;
}

/* Open path, in which no component may be a symlink. -1 with errno. */
static int open_plain(const struct layer_tree *t, const char *path, size_t len)
{
    char text[LAYER_PATH_MAX + 1];
    memcpy(text, path, len);
    text[len] = '\0';
    return file_openat2(t->root, len ? text : ".", FOLDER_FLAGS, 0,
                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
                            RESOLVE_NO_XDEV);
}

/* The folder at a path that is known to be free of symlinks and to exist. */
static struct layer_folder *folder_real(struct layer_tree *t, const char *path, struct aw_err *err)
{
    size_t len = strlen(path);
    struct layer_folder *f = slot_find(t, path, len);
    if (f)
        return f;
    int fd = open_plain(t, path, len);
    if (fd < 0) {
        layer_fail_io(err, "open a folder");
        return NULL;
    }
    return adopt_existing(t, fd, path, len, err);
}

/* "dir/name" into ret; false: too long. */
static bool join(const char *dir, const char *name, char ret[LAYER_PATH_MAX + 1],
                 struct aw_err *err)
{
    int n = snprintf(ret, LAYER_PATH_MAX + 1, "%s%s%s", dir, *dir ? "/" : "", name);
    if (n > LAYER_PATH_MAX)
        return aw_fail(err, AW_E_PARSE, 0, "refused: the path is longer than 4096 bytes");
    return true;
}

struct layer_folder *layer_tree_mkdir(struct layer_tree *t, struct layer_folder *f,
                                      const char *name, mode_t mode, bool *ret_fresh,
                                      struct aw_err *err)
{
    char path[LAYER_PATH_MAX + 1];
    if (!join(f->path, name, path, err))
        return NULL;
    struct stat st;
    bool fresh = mkdirat(f->fd, name, mode & 01777) == 0, replaced = false;
    if (!fresh && errno == EEXIST && fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        *ret_fresh = false;
        if (S_ISDIR(st.st_mode))
            return folder_real(t, path, err);
        if (!layer_tree_clear(t, f, name, err))
            return NULL;
        replaced = true;
        fresh = mkdirat(f->fd, name, mode & 01777) == 0;
    }
    int fd = fresh ? openat(f->fd, name, FOLDER_FLAGS) : -1;
    if (fd < 0) {
        layer_fail_io(err, "make a folder");
        return NULL;
    }
    f->touched = true;
    bool odd = f->odd;
    f = adopt(t, fd, path, strlen(path), err);
    if (!f || (replaced && !layer_tree_opaque(t, f, err)))
        return NULL;
    if (odd) {
        /* the caller sets owner and mode; inherited ACLs must not stay */
        fremovexattr(fd, "system.posix_acl_default");
        fremovexattr(fd, "system.posix_acl_access");
    }
    *ret_fresh = true;
    return f;
}

bool layer_tree_clear(struct layer_tree *t, struct layer_folder *f, const char *name,
                      struct aw_err *err)
{
    struct stat st;
    if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT || layer_fail_io(err, "look at what stands there");
    if (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode))
        t->stale = true;
    f->touched = true;
    if (S_ISDIR(st.st_mode))
        return file_remove_tree(f->fd, name, err);
    if (unlinkat(f->fd, name, 0) < 0)
        return layer_fail_io(err, "remove what stands there");
    return true;
}

/* Is dir, or a folder above it, opaque in this layer? */
static bool hidden_here(struct layer_tree *t, const char *dir)
{
    if (t->opaque_root)
        return true;
    if (!t->opaque_seen)
        return false;
    for (size_t n = 0; n < strlen(dir);) {
        n += 1 + strcspn(dir + n + 1, "/");
        _cleanup_close_ int fd = open_plain(t, dir, n);
        if (fd < 0 || layer_lower_is_opaque(fd))
            return true;
    }
    return false;
}

/* What the lower layers show at dir/name beneath this one: layer_lower_find, unless it is hidden.
 */
static bool find_below(struct layer_tree *t, const char *dir, const char *name,
                       struct layer_hit *ret, struct aw_err *err)
{
    *ret = (struct layer_hit){.fd = -1};
    return t->n_lowers == 0 || hidden_here(t, dir) || layer_lower_find(t, dir, name, ret, err);
}

/* Where `walk` is. */
struct walk {
    char rest[REST_MAX + 1];       /* what is still to be gone */
    char real[LAYER_PATH_MAX + 1]; /* where we are; "" is the root */
    unsigned depth;                /* components in real */
    unsigned links;                /* symlinks followed */
};

/* Put a symlink's target in front of the rest. */
static bool walk_link(struct walk *w, int dirfd, const char *name, struct aw_err *err)
{
    char target[REST_MAX + 1];
    if (++w->links > LAYER_LINKS_MAX)
        return aw_fail(err, AW_E_PARSE, 0, "refused: more than 40 symlinks on the way to it");
    ssize_t n = readlinkat(dirfd, name, target, sizeof(target));
    if (n < 0)
        return layer_fail_io(err, "read a symlink");
    if ((size_t)n + 1 + strlen(w->rest) > REST_MAX)
        return aw_fail(err, AW_E_PARSE, 0, "refused: symlinks on the way to it make it too long");
    target[n] = '\0';
    strcat(target, "/");
    strcat(target, w->rest);
    strcpy(w->rest, target);
    if (w->rest[0] == '/') {
        w->real[0] = '\0';
        w->depth = 0;
    }
    return true;
}

static void walk_up(struct walk *w)
{
    char *slash = strrchr(w->real, '/');
    *(slash ? slash : w->real) = '\0';
    if (w->depth)
        w->depth--;
}

static bool walk_down(struct walk *w, const char *name, struct aw_err *err)
{
    char next[LAYER_PATH_MAX + 1];
    if (++w->depth > LAYER_DEPTH_MAX)
        return aw_fail(err, AW_E_PARSE, 0, "refused: more than 256 folders deep");
    if (!join(w->real, name, next, err))
        return false;
    strcpy(w->real, next);
    return true;
}

/* Make folder name in f like the lower layers' hit, or (hit->fd < 0) a plain one. */
static bool make_implicit(struct layer_tree *t, struct layer_folder *f, const char *name,
                          const struct layer_hit *hit, struct aw_err *err)
{
    bool fresh, odd = f->odd;
    struct layer_folder *made = layer_tree_mkdir(t, f, name, 0755, &fresh, err);
    if (!made)
        return false;
    if (hit->fd >= 0) {
        made->mtime = hit->st.st_mtim;
        made->keep_time = made->touched = true;
        bool ok = layer_lower_dress(hit, made->fd, err);
        made->odd = layer_tree_is_odd(made->fd, hit->st.st_mode);
        return ok;
    }
    if (odd && (fchown(made->fd, 0, 0) < 0 || fchmod(made->fd, 0755) < 0))
        return layer_fail_io(err, "set the owner of a folder");
    return true;
}

/* One step to name in f, the folder at w->real. */
static bool walk_step(struct layer_tree *t, struct walk *w, struct layer_folder *f,
                      const char *name, struct aw_err *err)
{
    struct stat st;
    struct layer_hit hit = {.fd = -1};
    if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISLNK(st.st_mode))
            return walk_link(w, f->fd, name, err);
        if (!S_ISDIR(st.st_mode) && !layer_is_whiteout(&st))
            return aw_fail(err, AW_E_PARSE, 0, "refused: %s%s%s, on the way to it, is no folder",
                           w->real, *w->real ? "/" : "", name);
        return walk_down(w, name, err) &&
               (S_ISDIR(st.st_mode) || make_implicit(t, f, name, &hit, err));
    }
    if (errno != ENOENT)
        return layer_fail_io(err, "look for a folder");
    if (!find_below(t, w->real, name, &hit, err))
        return false;
    bool ok;
    if (hit.fd >= 0 && S_ISLNK(hit.st.st_mode)) {
        ok = walk_link(w, hit.fd, "", err);
    } else {
        /* a file of a lower layer gives way to the folder */
        if (hit.fd >= 0 && !S_ISDIR(hit.st.st_mode)) {
            util_close(hit.fd);
            hit.fd = -1;
        }
        ok = walk_down(w, name, err) && make_implicit(t, f, name, &hit, err);
    }
    util_close(hit.fd);
    return ok;
}

/* Component by component, through symlinks, making what is missing. */
static struct layer_folder *walk(struct layer_tree *t, const char *path, size_t len,
                                 struct aw_err *err)
{
    _cleanup_free_ struct walk *w = calloc(1, sizeof(*w));
    if (!w) {
        aw_fail(err, AW_E_NOMEM, 0, "open folder: out of memory");
        return NULL;
    }
    memcpy(w->rest, path, len);
    for (;;) {
        struct layer_folder *f = folder_real(t, w->real, err);
        if (!f)
            return NULL;
        char *p = w->rest + strspn(w->rest, "/");
        size_t n = strcspn(p, "/");
        char name[LAYER_NAME_MAX + 1];
        if (n == 0) {
            if (!path_is(f->path, path, len)) {
                free(f->alias);
                f->alias = strndup(path, len);
            }
            return f;
        }
        if (n > LAYER_NAME_MAX) {
            aw_fail(err, AW_E_PARSE, 0,
                    "refused: a symlink on the way to it has a name longer "
                    "than 255 bytes");
            return NULL;
        }
        memcpy(name, p, n);
        name[n] = '\0';
        memmove(w->rest, p + n, strlen(p + n) + 1);
        if (str_eq(name, ".."))
            walk_up(w);
        else if (!str_eq(name, ".") && !walk_step(t, w, f, name, err))
            return NULL;
    }
}

struct layer_folder *layer_tree_folder(struct layer_tree *t, const char *path, size_t len,
                                       struct aw_err *err)
{
    if (t->stale && !slots_close(t, err))
        return NULL;
    struct layer_folder *f = slot_find(t, path, len);
    if (f)
        return f;
    int fd = open_plain(t, path, len);
    if (fd >= 0)
        return adopt_existing(t, fd, path, len, err);
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
        return walk(t, path, len, err);
    layer_fail_io(err, "open a folder");
    return NULL;
}

bool layer_tree_opaque(struct layer_tree *t, struct layer_folder *f, struct aw_err *err)
{
    if (t->n_lowers == 0)
        return true; /* nothing to hide */
    if (!*f->path) {
        t->opaque_root = true;
        return true;
    }
    if (fsetxattr(f->fd, OPAQUE, "y", 1, 0) < 0) {
        if (errno != EOPNOTSUPP && errno != EPERM)
            return layer_fail_io(err, "mark a folder as opaque");
        return aw_fail(err, AW_E_UNSUPPORTED, errno,
                       "mark a folder as opaque: the file system of the store's folder keeps no "
                       "user.* attributes, which overlay mounts need");
    }
    t->opaque_seen = true;
    return true;
}

static bool make_whiteout(struct layer_folder *f, const char *name, struct aw_err *err)
{
    f->touched = true;
    if (mknodat(f->fd, name, S_IFCHR, 0) < 0)
        return layer_fail_io(err, "make a whiteout");
    return true;
}

bool layer_tree_whiteout(struct layer_tree *t, struct layer_folder *f, const char *name,
                         struct aw_err *err)
{
    struct stat st;
    if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        char path[LAYER_PATH_MAX + 1];
        if (!S_ISDIR(st.st_mode))
            return true;
        struct layer_folder *sub =
            join(f->path, name, path, err) ? folder_real(t, path, err) : NULL;
        return sub && layer_tree_opaque(t, sub, err);
    }
    if (errno != ENOENT)
        return layer_fail_io(err, "look for what is hidden");
    struct layer_hit hit;
    if (!find_below(t, f->path, name, &hit, err))
        return false;
    /* overlayfs shows a whiteout in a folder that it has nothing to merge with */
    if (hit.fd < 0)
        return true;
    util_close(hit.fd);
    return make_whiteout(f, name, err);
}

bool layer_tree_copy_up(struct layer_tree *t, struct layer_folder *f, const char *name,
                        struct stat *ret, struct aw_err *err)
{
    bool here = fstatat(f->fd, name, ret, AT_SYMLINK_NOFOLLOW) == 0;
    if (!here && errno != ENOENT)
        return layer_fail_io(err, "look for the hard link's target");
    if (here && !layer_is_whiteout(ret))
        return true;
    struct layer_hit hit = {.fd = -1};
    if (!here && !find_below(t, f->path, name, &hit, err))
        return false;
    if (hit.fd < 0)
        return aw_fail(err, AW_E_PARSE, 0, "refused: the hard link's target does not exist");
    bool ok;
    if (S_ISDIR(hit.st.st_mode)) {
        ok = true; /* the caller refuses it */
        *ret = hit.st;
    } else {
        ok = layer_lower_copy(&hit, f->fd, name, t->budget, err);
        f->touched = true;
        if (ok && fstatat(f->fd, name, ret, AT_SYMLINK_NOFOLLOW) < 0)
            ok = layer_fail_io(err, "look at the copy of a lower layer's file");
    }
    util_close(hit.fd);
    return ok;
}

/* overlayfs does not look for the opaque mark on a layer's root: hide each name there. */
static bool settle_root(struct layer_tree *t, int lower, struct aw_err *err)
{
    int fd = openat(lower, ".", FOLDER_FLAGS);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        layer_fail_io(err, "read a lower layer's root");
        util_close(fd);
        return false;
    }
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(d));) {
        struct stat st;
        if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
            continue;
        struct layer_folder *root = folder_real(t, "", err);
        if (!root)
            ok = false;
        else if (fstatat(root->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            ok = make_whiteout(root, e->d_name, err);
        else
            ok = layer_tree_whiteout(t, root, e->d_name, err);
    }
    closedir(d);
    return ok;
}

bool layer_tree_init(struct layer_tree *t, const struct layer_dest *dest, uint64_t *budget,
                     struct aw_err *err)
{
    *t = (struct layer_tree){
        .root = -1, .lowers = dest->lower_fds, .n_lowers = dest->n_lowers, .budget = budget};
    for (size_t i = 0; i < LAYER_FOLDERS; i++)
        t->folders[i].fd = -1;
    t->root = openat(dest->fd, ".", FOLDER_FLAGS);
    if (t->root < 0)
        return layer_fail_io(err, "open the folder to unpack to");
    /* what the store's own folders hand down must not reach the layer */
    fremovexattr(t->root, "system.posix_acl_default");
    fremovexattr(t->root, "system.posix_acl_access");
    struct layer_hit hit = {.fd = -1};
    if (t->n_lowers) {
        hit.fd = openat(t->lowers[t->n_lowers - 1], ".", FOLDER_FLAGS);
        if (hit.fd < 0 || fstat(hit.fd, &hit.st) < 0) {
            layer_fail_io(err, "open the lower layer's root");
            util_close(hit.fd);
            return false;
        }
    }
    bool ok = true;
    if (hit.fd >= 0)
        ok = layer_lower_dress(&hit, t->root, err);
    else if (fchown(t->root, 0, 0) < 0 || fchmod(t->root, 0755) < 0)
        ok = layer_fail_io(err, "set the owner of the root");
    struct layer_folder *root = ok ? folder_real(t, "", err) : NULL;
    if (root) {
        root->keep_time = root->touched = hit.fd >= 0;
        root->mtime = hit.fd >= 0 ? hit.st.st_mtim : root->mtime;
    }
    util_close(hit.fd);
    return root != NULL;
}

bool layer_tree_finish(struct layer_tree *t, struct aw_err *err)
{
    if (t->stale && !slots_close(t, err))
        return false;
    for (size_t i = 0; t->opaque_root && i < t->n_lowers; i++)
        if (!settle_root(t, t->lowers[i], err))
            return false;
    return slots_close(t, err);
}

void layer_tree_fini(struct layer_tree *t)
{
    slots_close(t, NULL);
    util_close(t->root);
    t->root = -1;
}
