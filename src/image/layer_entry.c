/* SPDX-License-Identifier: Apache-2.0
 *
 * Making one entry of a layer: folder, file, symlink, hard link, FIFO, or a mark that hides what
 * the lower layers have.
 *
 * Everything is made by an *at() call on the open parent folder with a single component as its
 * name, exclusively (O_EXCL, mkdirat, symlinkat, linkat, mknodat never follow or reuse what is
 * there). If something is there it is removed and the call is repeated: what comes later in a layer
 * wins.
 *
 * Safe because nobody else writes to the folder: the caller made it, and publishes it afterwards.
 *
 * System calls are what unpacking costs, so each is made only where it changes something: a file
 * that belongs to root in an ordinary folder is made with its mode and needs no chown or chmod.
 */
#include "image/layer_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>

static struct layer_folder *parent_of(const struct layer_maker *m, const struct layer_name *n,
                                      struct aw_err *err)
{
    return layer_tree_folder(m->tree, n->path, n->parent_len, err);
}

/* Owner, mode and attributes of an open file or folder. made: it was made with the low bits of its
 * mode, as root's; odd: in a folder that hands something down. */
static bool dress(const struct layer_maker *m, struct archive_entry *e, const struct layer_attr *a,
                  int fd, bool made, bool odd, struct aw_err *err)
{
    if (made && odd)
        fremovexattr(fd, "system.posix_acl_access");
    bool owner = !made || odd || a->uid || a->gid;
    if (owner && fchown(fd, a->uid, a->gid) < 0)
        return layer_fail_io(err, "set its owner");
    if ((!made || odd || (a->mode & 07000)) && fchmod(fd, a->mode) < 0)
        return layer_fail_io(err, "set its mode");
    return !a->extra || layer_attr_set_extra(e, m->map, fd, m->notes, err);
}

static bool make_folder(const struct layer_maker *m, const struct layer_name *n,
                        struct archive_entry *e, const struct layer_attr *a, struct aw_err *err)
{
    bool fresh = false, odd = false;
    struct layer_folder *f = parent_of(m, n, err);
    if (f && n->kind != LAYER_NAME_ROOT) {
        odd = f->odd;
        f = layer_tree_mkdir(m->tree, f, n->base, a->mode, &fresh, err);
    }
    if (!f)
        return false;
    if (!fresh)
        layer_attr_drop_extra(f->fd);
    if (!dress(m, e, a, f->fd, fresh, odd, err))
        return false;
    f->mtime = a->mtime;
    f->keep_time = f->touched = true;
    f->odd = (a->extra || f->odd || (a->mode & S_ISGID)) && layer_tree_is_odd(f->fd, a->mode);
    return true;
}

static bool write_block(int fd, const char *data, size_t len, off_t at, struct aw_err *err)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return layer_fail_io(err, "write");
        data += n;
        len -= (size_t)n;
        at += n;
    }
    return true;
}

/* The bytes of the file that m->tar stands at; holes stay holes. */
static bool write_data(const struct layer_maker *m, int fd, int64_t size, struct aw_err *err)
{
    int64_t end = 0;
    for (;;) {
        const void *data;
        size_t len;
        la_int64_t at;
        int rc = archive_read_data_block(m->tar, &data, &len, &at);
        if (rc == ARCHIVE_EOF)
            break;
        if (rc != ARCHIVE_OK)
            return aw_fail(err, AW_E_PARSE, 0, "broken tar: %s", archive_error_string(m->tar));
        if (at < 0 || at > INT64_MAX - (int64_t)len || at + (int64_t)len > size)
            return aw_fail(err, AW_E_PARSE, 0, "broken tar: data beyond the size of the file");
        if (!write_block(fd, data, len, at, err))
            return false;
        if (len && at + (int64_t)len > end)
            end = at + (int64_t)len;
        m->tick(m->user);
    }
    if (end < size && ftruncate(fd, size) < 0)
        return layer_fail_io(err, "set its size");
    return true;
}

static bool make_file(const struct layer_maker *m, const struct layer_name *n,
                      struct archive_entry *e, const struct layer_attr *a, struct aw_err *err)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    struct layer_folder *f = parent_of(m, n, err);
    if (!f)
        return false;
    int64_t size = archive_entry_size(e);
    if (size < 0)
        return aw_fail(err, AW_E_PARSE, 0, "broken tar: negative size");
    _cleanup_close_ int fd = openat(f->fd, n->base, flags, a->mode & 0777);
    if (fd < 0 && errno == EEXIST) {
        if (!layer_tree_clear(m->tree, f, n->base, err))
            return false;
        fd = openat(f->fd, n->base, flags, a->mode & 0777);
    }
    if (fd < 0)
        return layer_fail_io(err, "create it");
    f->touched = true;
    if (size && !write_data(m, fd, size, err))
        return false;
    /* after the data: writing takes setuid bits and capabilities away */
    if (!dress(m, e, a, fd, true, f->odd, err))
        return false;
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, a->mtime};
    if (futimens(fd, times) < 0)
        return layer_fail_io(err, "set its time");
    return true;
}

/* Owner and time of a symlink or FIFO just made. */
static bool dress_at(const struct layer_folder *f, const char *name, const struct layer_attr *a,
                     struct aw_err *err)
{
    if ((f->odd || a->uid || a->gid) &&
        fchownat(f->fd, name, a->uid, a->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return layer_fail_io(err, "set its owner");
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, a->mtime};
    if (utimensat(f->fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return layer_fail_io(err, "set its time");
    return true;
}

static bool make_symlink(const struct layer_maker *m, const struct layer_name *n,
                         struct archive_entry *e, const struct layer_attr *a, struct aw_err *err)
{
    const char *target = archive_entry_symlink(e);
    if (!target || !*target)
        return aw_fail(err, AW_E_PARSE, 0, "refused: a symlink without a target");
    struct layer_folder *f = parent_of(m, n, err);
    if (!f)
        return false;
    int rc = symlinkat(target, f->fd, n->base);
    if (rc < 0 && errno == EEXIST) {
        if (!layer_tree_clear(m->tree, f, n->base, err))
            return false;
        rc = symlinkat(target, f->fd, n->base);
    }
    if (rc < 0)
        return layer_fail_io(err, "create the symlink");
    f->touched = true;
    return dress_at(f, n->base, a, err);
}

static bool make_fifo(const struct layer_maker *m, const struct layer_name *n,
                      const struct layer_attr *a, struct aw_err *err)
{
    struct layer_folder *f = parent_of(m, n, err);
    if (!f || !layer_tree_clear(m->tree, f, n->base, err))
        return false;
    if (mknodat(f->fd, n->base, S_IFIFO | (a->mode & 0777), 0) < 0)
        return layer_fail_io(err, "create the FIFO");
    f->touched = true;
    /* safe because what fchmodat would follow is the FIFO made above */
    if (!dress_at(f, n->base, a, err))
        return false;
    if ((f->odd || (a->mode & 07000)) && fchmodat(f->fd, n->base, a->mode, 0) < 0)
        return layer_fail_io(err, "set its mode");
    return true;
}

/* The target's folder, pinned, with something there that can be linked to. */
static struct layer_folder *link_source(const struct layer_maker *m, const struct layer_name *to,
                                        struct aw_err *err)
{
    struct stat st;
    struct layer_folder *f = parent_of(m, to, err);
    if (!f || !layer_tree_copy_up(m->tree, f, to->base, &st, err))
        return NULL;
    if (S_ISDIR(st.st_mode)) {
        aw_fail(err, AW_E_PARSE, 0, "refused: the hard link's target is a folder");
        return NULL;
    }
    m->tree->pin = f;
    return f;
}

static bool link_at(const struct layer_maker *m, struct layer_folder *from,
                    const struct layer_name *to, struct layer_folder *f, const struct layer_name *n,
                    struct aw_err *err)
{
    struct stat a, b;
    int rc = linkat(from->fd, to->base, f->fd, n->base, 0);
    if (rc < 0 && errno == EEXIST) {
        /* a link to itself, or one that is there already, stays */
        if (fstatat(from->fd, to->base, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
            fstatat(f->fd, n->base, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino &&
            a.st_dev == b.st_dev)
            return true;
        if (!layer_tree_clear(m->tree, f, n->base, err))
            return false;
        rc = linkat(from->fd, to->base, f->fd, n->base, 0);
    }
    if (rc < 0)
        return layer_fail_io(err, "create the hard link");
    f->touched = true;
    return true;
}

static bool make_link(const struct layer_maker *m, const struct layer_name *n, const char *target,
                      struct aw_err *err)
{
    char show[LAYER_SHOW];
    _cleanup_free_ struct layer_name *to = malloc(sizeof(*to));
    if (!to)
        return aw_fail(err, AW_E_NOMEM, 0, "create the hard link: out of memory");
    if (!layer_name_parse(target, to, err))
        return aw_context(err, "hard link to %s", layer_show(target, show));
    if (to->kind != LAYER_NAME_PLAIN)
        return aw_fail(err, AW_E_PARSE, 0, "refused: hard link to %s, which is no file",
                       layer_show(target, show));
    struct layer_folder *from = link_source(m, to, err), *f = NULL;
    if (from)
        f = parent_of(m, n, err);
    bool ok = f && link_at(m, from, to, f, n, err);
    m->tree->pin = NULL;
    return ok || aw_context(err, "hard link to %s", layer_show(target, show));
}

/* Whiteouts and opaque marks. */
static bool apply_mark(const struct layer_maker *m, const struct layer_name *n,
                       struct archive_entry *e, struct aw_err *err)
{
    if (archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e))
        return aw_fail(err, AW_E_PARSE, 0, "refused: a whiteout that is no plain file");
    size_t len = n->kind == LAYER_NAME_OPAQUE ? n->len : n->parent_len;
    struct layer_folder *f = layer_tree_folder(m->tree, n->path, len, err);
    if (!f)
        return false;
    if (n->kind == LAYER_NAME_OPAQUE)
        return layer_tree_opaque(m->tree, f, err);
    return layer_tree_whiteout(m->tree, f, n->base, err);
}

/* Device nodes cannot be made in a user namespace; /dev is the runtime's anyway. */
static bool skip_device(const struct layer_maker *m, struct archive_entry *e, struct aw_err *err)
{
    if (archive_entry_filetype(e) == AE_IFCHR && archive_entry_rdevmajor(e) == 0 &&
        archive_entry_rdevminor(e) == 0)
        return aw_fail(err, AW_E_PARSE, 0,
                       "refused: character device 0:0, which is overlayfs's own mark");
    m->notes->devices++;
    return true;
}

static bool make_by_type(const struct layer_maker *m, const struct layer_name *n,
                         struct archive_entry *e, struct aw_err *err)
{
    struct layer_attr a;
    if (!layer_attr_get(e, m->map, m->notes, &a, err))
        return false;
    if (n->kind == LAYER_NAME_ROOT && archive_entry_filetype(e) != AE_IFDIR)
        return aw_fail(err, AW_E_PARSE, 0, "refused: it would replace the root folder");
    switch (archive_entry_filetype(e)) {
    case AE_IFDIR:
        return make_folder(m, n, e, &a, err);
    case AE_IFREG:
        return make_file(m, n, e, &a, err);
    case AE_IFLNK:
        return make_symlink(m, n, e, &a, err);
    case AE_IFIFO:
        return make_fifo(m, n, &a, err);
    case AE_IFCHR:
    case AE_IFBLK:
        return skip_device(m, e, err);
    case AE_IFSOCK:
        m->notes->sockets++;
        return true;
    default:
        return aw_fail(err, AW_E_PARSE, 0, "refused: unknown type of entry");
    }
}

bool layer_entry_apply(const struct layer_maker *m, struct archive_entry *e, struct aw_err *err)
{
    const char *path = archive_entry_pathname(e), *target = archive_entry_hardlink(e);
    struct layer_name n;
    if (!path)
        return aw_fail(err, AW_E_PARSE, 0, "refused: it has no name");
    if (!layer_name_parse(path, &n, err))
        return false;
    if (n.kind == LAYER_NAME_META)
        return true;
    if (n.kind == LAYER_NAME_WHITEOUT || n.kind == LAYER_NAME_OPAQUE)
        return apply_mark(m, &n, e, err);
    if (!target)
        return make_by_type(m, &n, e, err);
    if (n.kind == LAYER_NAME_ROOT)
        return aw_fail(err, AW_E_PARSE, 0, "refused: it would replace the root folder");
    return make_link(m, &n, target, err);
}
