/* SPDX-License-Identifier: Apache-2.0
 *
 * What the layers below have at a path, and copies of it.
 *
 * Lower layers were made by layer_apply and are changed by nobody, but what is in them came from
 * images: a path is gone component by component with O_NOFOLLOW, since its folders were already
 * resolved by the caller, and a symlink at one of them in a lower layer means that what lies below
 * is hidden by it.
 */
#include "image/layer_lower.h"

#include "base/file.h"
#include "image/layer_attr.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

bool layer_lower_is_opaque(int fd)
{
    char v = 0;
    return fgetxattr(fd, "user.overlay.opaque", &v, 1) == 1 && v == 'y';
}

enum look {
    LOOK_ABSENT, /* nothing here: the next layer below may have it */
    LOOK_END,    /* nothing here, and what is below is hidden */
    LOOK_FOUND,
    LOOK_FAILED,
};

/* name in folder fd of one layer. */
static enum look look_last(int fd, const char *name, struct layer_hit *ret)
{
    int hit = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (hit < 0)
        return errno == ENOENT ? LOOK_ABSENT : LOOK_FAILED;
    if (fstat(hit, &ret->st) < 0) {
        util_close(hit);
        return LOOK_FAILED;
    }
    if (layer_is_whiteout(&ret->st)) {
        util_close(hit);
        return LOOK_END;
    }
    if (S_ISREG(ret->st.st_mode) || S_ISDIR(ret->st.st_mode)) {
        /* nobody changes a lower layer: this is the same one */
        close(hit);
        hit = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    }
    ret->fd = hit;
    return hit < 0 ? LOOK_FAILED : LOOK_FOUND;
}

/* dir/name in one layer. */
static enum look look_in(int layer, const char *dir, const char *name, struct layer_hit *ret)
{
    _cleanup_close_ int fd = openat(layer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum look absent = LOOK_ABSENT;
    for (const char *p = dir; fd >= 0 && *p;) {
        char c[LAYER_NAME_MAX + 1];
        size_t n = strcspn(p, "/");
        memcpy(c, p, n);
        c[n] = '\0';
        p += n + (p[n] == '/');
        int sub = openat(fd, c, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* a file, a symlink or a whiteout hides the folders of that name below */
        if (sub < 0)
            return errno == ENOENT                      ? absent
                   : errno == ENOTDIR || errno == ELOOP ? LOOK_END
                                                        : LOOK_FAILED;
        if (layer_lower_is_opaque(sub))
            absent = LOOK_END;
        close(fd);
        fd = sub;
    }
    if (fd < 0)
        return LOOK_FAILED;
    enum look l = look_last(fd, name, ret);
    return l == LOOK_ABSENT ? absent : l;
}

bool layer_lower_find(const struct layer_tree *t, const char *dir, const char *name,
                      struct layer_hit *ret, struct aw_err *err)
{
    ret->fd = -1;
    for (size_t i = t->n_lowers; i-- > 0;) {
        enum look l = look_in(t->lowers[i], dir, name, ret);
        if (l == LOOK_FAILED)
            return aw_fail(err, AW_E_IO, errno, "look for it in a lower layer");
        if (l != LOOK_ABSENT)
            return true;
    }
    return true;
}

bool layer_lower_dress(const struct layer_hit *hit, int fd, struct aw_err *err)
{
    if (fchown(fd, hit->st.st_uid, hit->st.st_gid) < 0 || fchmod(fd, hit->st.st_mode & 07777) < 0)
        return layer_fail_io(err, "give a folder the attributes it has in a lower layer");
    return layer_attr_copy(hit->fd, fd, err);
}

/* All bytes of from to fd, sharing them where the file system can. */
static bool copy_data(int from, int fd, struct aw_err *err)
{
    if (ioctl(fd, FICLONE, from) == 0)
        return true;
    _cleanup_free_ char *chunk = malloc(1 << 18);
    if (!chunk)
        return aw_fail(err, AW_E_NOMEM, 0, "copy a lower layer's file: out of memory");
    off_t at = 0, end;
    struct stat st;
    if (fstat(from, &st) < 0)
        return aw_fail(err, AW_E_IO, errno, "copy a lower layer's file");
    while (at < st.st_size && (at = lseek(from, at, SEEK_DATA)) >= 0) {
        end = lseek(from, at, SEEK_HOLE);
        if (end < 0 || lseek(from, at, SEEK_SET) < 0 || lseek(fd, at, SEEK_SET) < 0)
            return aw_fail(err, AW_E_IO, errno, "copy a lower layer's file");
        while (at < end) {
            size_t want = end - at < 1 << 18 ? (size_t)(end - at) : 1 << 18;
            ssize_t n = file_read_full(from, chunk, want);
            if (n <= 0)
                return aw_fail(err, AW_E_IO, n < 0 ? errno : EIO, "read a lower layer's file");
            if (!file_write_full(fd, chunk, (size_t)n))
                return layer_fail_io(err, "copy a lower layer's file");
            at += n;
        }
    }
    if (at < 0 && errno != ENXIO)
        return aw_fail(err, AW_E_IO, errno, "copy a lower layer's file");
    if (ftruncate(fd, st.st_size) < 0)
        return layer_fail_io(err, "copy a lower layer's file");
    return true;
}

static bool copy_file(const struct layer_hit *hit, int fd, const char *name, uint64_t *budget,
                      struct aw_err *err)
{
    uint64_t size = (uint64_t)hit->st.st_blocks * 512;
    if (size > *budget)
        return aw_fail(err, AW_E_LIMIT, 0,
                       "copies of lower layers' files exceed the limit of "
                       "bytes that a layer may unpack to");
    *budget -= size;
    _cleanup_close_ int to =
        openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return layer_fail_io(err, "copy a lower layer's file");
    if (!copy_data(hit->fd, to, err))
        return false;
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, hit->st.st_mtim};
    if (fchown(to, hit->st.st_uid, hit->st.st_gid) < 0 || fchmod(to, hit->st.st_mode & 07777) < 0)
        return layer_fail_io(err, "copy a lower layer's file");
    if (!layer_attr_copy(hit->fd, to, err))
        return false;
    if (futimens(to, times) < 0)
        return layer_fail_io(err, "copy a lower layer's file");
    return true;
}

bool layer_lower_copy(const struct layer_hit *hit, int fd, const char *name, uint64_t *budget,
                      struct aw_err *err)
{
    char target[LAYER_PATH_MAX + 1];
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, hit->st.st_mtim};
    if (S_ISREG(hit->st.st_mode))
        return copy_file(hit, fd, name, budget, err);
    if (S_ISLNK(hit->st.st_mode)) {
        ssize_t n = readlinkat(hit->fd, "", target, sizeof(target) - 1);
        if (n < 0)
            return aw_fail(err, AW_E_IO, errno, "read a lower layer's symlink");
        target[n] = '\0';
        if (symlinkat(target, fd, name) < 0)
            return layer_fail_io(err, "copy a lower layer's symlink");
    } else if (S_ISFIFO(hit->st.st_mode)) {
        if (mknodat(fd, name, S_IFIFO | (hit->st.st_mode & 0777), 0) < 0)
            return layer_fail_io(err, "copy a lower layer's FIFO");
    } else {
        return aw_fail(err, AW_E_PARSE, 0, "refused: the hard link's target is no file");
    }
    if (fchownat(fd, name, hit->st.st_uid, hit->st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return layer_fail_io(err, "copy what a lower layer has");
    return true;
}
