/* SPDX-License-Identifier: Apache-2.0
 *
 * Files and folders relative to a directory fd.
 *
 * Invariants:
 * 1. Every descriptor opened here is close-on-exec.
 * 2. file_replace publishes by rename: a reader, or a machine that stops, sees old or new text.
 * 3. file_remove_tree opens each folder with O_NOFOLLOW and never leaves the file system of path.
 *    However deep a tree is, it needs a bounded number of descriptors and stack frames: what is
 *    deeper is moved to the top first.
 */
#include "base/file.h"

#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

ssize_t file_read_full(int fd, void *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = read(fd, (char *)data + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

bool file_write_full(int fd, const void *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(fd, (const char *)data + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

char *file_load_fd(int fd, const char *name, size_t limit, size_t *ret_len, struct aw_err *err)
{
    _cleanup_buf_ struct buf b = {0};
    char chunk[16384];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            aw_fail(err, AW_E_IO, errno, "read %s", name);
            return NULL;
        }
        if (n == 0)
            break;
        if (b.len + (size_t)n > limit) {
            aw_fail(err, AW_E_LIMIT, 0, "%s is larger than %zu bytes", name, limit);
            return NULL;
        }
        buf_add(&b, chunk, (size_t)n);
    }
    size_t len = b.len;
    char *text = buf_steal(&b);
    if (!text) {
        aw_fail(err, AW_E_NOMEM, 0, "read %s: out of memory", name);
        return NULL;
    }
    if (ret_len)
        *ret_len = len;
    return text;
}

char *file_load(int dirfd, const char *path, size_t limit, size_t *ret_len, struct aw_err *err)
{
    _cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        aw_fail(err, errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno, "open %s", path);
        return NULL;
    }
    return file_load_fd(fd, path, limit, ret_len, err);
}

/* Another name in the folder of path, in fresh memory. */
static char *beside(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return slash ? str_printf("%.*s/%s", (int)(slash - path), path, name) : strdup(name);
}

static char *name_of_new(const char *path)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *name = str_printf(".%s.new", slash ? slash + 1 : path);
    return name ? beside(path, name) : NULL;
}

/* By way of the file tmp. */
static bool replace_by(int dirfd, const char *path, const char *tmp, struct iovec data, mode_t mode,
                       bool sync, struct aw_err *err)
{
    if (!tmp)
        return aw_fail(err, AW_E_NOMEM, 0, "write %s: out of memory", path);
    _cleanup_close_ int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return aw_fail(err, AW_E_IO, errno, "create a file beside %s", path);
    if (!file_write_full(fd, data.iov_base, data.iov_len) || (sync && fsync(fd) < 0) ||
        renameat(dirfd, tmp, dirfd, path) < 0) {
        aw_fail(err, AW_E_IO, errno, "write %s", path);
        unlinkat(dirfd, tmp, 0);
        return false;
    }
    return true;
}

static bool replace(int dirfd, const char *path, struct iovec data, mode_t mode, bool sync,
                    struct aw_err *err)
{
    char rnd[40];
    file_random_name(".tmp-", rnd, sizeof(rnd));
    _cleanup_free_ char *tmp = beside(path, rnd);
    return replace_by(dirfd, path, tmp, data, mode, sync, err);
}

bool file_replace(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
                  struct aw_err *err)
{
    return replace(dirfd, path, (struct iovec){(void *)data, len}, mode, true, err);
}

bool file_swap(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
               struct aw_err *err)
{
    return replace(dirfd, path, (struct iovec){(void *)data, len}, mode, false, err);
}

bool file_replace_alone(const char *path, const char *text, mode_t mode, struct aw_err *err)
{
    _cleanup_free_ char *tmp = name_of_new(path);
    if (tmp)
        unlink(tmp);
    return replace_by(AT_FDCWD, path, tmp, (struct iovec){(void *)text, strlen(text)}, mode, true,
                      err);
}

bool file_remove_alone(const char *path, struct aw_err *err)
{
    _cleanup_free_ char *tmp = name_of_new(path);
    if (tmp)
        unlink(tmp);
    /* on a file system that cannot be written, EROFS comes also for what is not there */
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    int how = errno;
    struct stat st;
    return (lstat(path, &st) < 0 && errno == ENOENT) ||
           aw_fail(err, AW_E_IO, how, "remove %s", path);
}

bool file_poke(int dirfd, const char *path, const char *text, struct aw_err *err)
{
    _cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return aw_fail(err, errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno, "open %s", path);
    ssize_t n = write(fd, text, strlen(text));
    if (n < 0)
        return aw_fail(err, AW_E_IO, errno, "write %s", path);
    if ((size_t)n != strlen(text))
        return aw_fail(err, AW_E_IO, 0, "write %s: only %zd of %zu bytes were taken", path, n,
                       strlen(text));
    return true;
}

bool file_mkdirs(int dirfd, const char *path, mode_t mode, struct aw_err *err)
{
    _cleanup_free_ char *copy = strdup(path);
    if (!copy)
        return aw_fail(err, AW_E_NOMEM, 0, "create folder %s: out of memory", path);
    for (char *p = copy + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char c = *p;
        *p = '\0';
        if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST) {
            int e = errno;
            /* a read-only or foreign parent that exists already is none of our business */
            struct stat st;
            if (fstatat(dirfd, copy, &st, 0) < 0 || !S_ISDIR(st.st_mode))
                return aw_fail(err, AW_E_IO, e, "create folder %s", copy);
        }
        *p = c;
        if (!c)
            return true;
    }
}

int file_open_dir(int dirfd, const char *path, mode_t mode, struct aw_err *err)
{
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        if (!file_mkdirs(dirfd, path, mode, err))
            return -1;
        fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0)
        aw_fail(err, AW_E_IO, errno, "open folder %s", path);
    return fd;
}

/* What emptying a folder needs to know at every depth. */
struct removal {
    int top;    /* the folder that all this is in */
    dev_t dev;  /* its file system: guards against mount points */
    bool moved; /* a folder deep down was moved to the top, for another round there */
};

/* How deep to go with a descriptor for each folder on the way. */
#define REMOVE_DEPTH 32

/* Open folder name of d, whatever its mode says; -1 and errno. */
static int open_sub(int d, const char *name)
{
    int fd = openat(d, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(d, name, 0700, 0) == 0)
        fd = openat(d, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd;
}

static bool remove_children(int fd, struct removal *r, int depth, struct aw_err *err);

static bool remove_entry(int d, const char *name, struct removal *r, int depth, struct aw_err *err)
{
    int sub = open_sub(d, name);
    if (sub < 0) {
        if (errno == ENOENT || (errno == ENOTDIR && unlinkat(d, name, 0) == 0))
            return true;
        return aw_fail(err, AW_E_IO, errno, "remove %s", name);
    }
    struct stat st;
    if (fstat(sub, &st) < 0 || st.st_dev != r->dev) {
        util_close(sub);
        return aw_fail(err, AW_E_IO, EXDEV, "remove %s", name);
    }
    /* a folder without write permission for its owner */
    if ((st.st_mode & 0700) != 0700)
        fchmod(sub, 0700);
    if (depth >= REMOVE_DEPTH) {
        char flat[40];
        util_close(sub);
        file_random_name(".deep-", flat, sizeof(flat));
        if (renameat(d, name, r->top, flat) < 0)
            return aw_fail(err, AW_E_IO, errno, "remove folder %s", name);
        r->moved = true;
        return true;
    }
    if (!remove_children(sub, r, depth + 1, err))
        return false;
    if (unlinkat(d, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return aw_fail(err, AW_E_IO, errno, "remove folder %s", name);
    return true;
}

/* Empty the folder that fd names (fd is taken over). */
static bool remove_children(int fd, struct removal *r, int depth, struct aw_err *err)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        aw_fail(err, AW_E_IO, errno, "read folder");
        util_close(fd);
        return false;
    }
    bool ok = true;
    do {
        struct dirent *e;
        if (depth == 0 && r->moved)
            rewinddir(d);
        r->moved = depth > 0 && r->moved;
        while (ok && (e = readdir(d))) {
            if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
                continue;
            if (e->d_type == DT_DIR || unlinkat(dirfd(d), e->d_name, 0) < 0)
                ok = remove_entry(dirfd(d), e->d_name, r, depth, err);
        }
    } while (ok && depth == 0 && r->moved);
    closedir(d);
    return ok;
}

bool file_remove_tree(int dirfd, const char *path, struct aw_err *err)
{
    if (unlinkat(dirfd, path, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return aw_fail(err, AW_E_IO, errno, "remove %s", path);
    int fd = open_sub(dirfd, path);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        aw_fail(err, AW_E_IO, errno, "open folder %s", path);
        util_close(fd);
        return false;
    }
    if ((st.st_mode & 0700) != 0700)
        fchmod(fd, 0700);
    struct removal r = {.top = fd, .dev = st.st_dev};
    if (!remove_children(fd, &r, 0, err))
        return aw_context(err, "remove folder %s", path);
    if (unlinkat(dirfd, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return aw_fail(err, AW_E_IO, errno, "remove folder %s", path);
    return true;
}

int file_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve};
    if (flags & (O_CREAT | O_TMPFILE))
        how.mode = mode;
    for (int tries = 0;; tries++) {
        long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tries == 1000)
            return (int)fd;
    }
}

int file_lock(int dirfd, const char *path, int how, struct aw_err *err)
{
    for (;;) {
        int fd = openat(dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            aw_fail(err, AW_E_IO, errno, "open lock %s", path);
            return -1;
        }
        int rc;
        do
            rc = flock(fd, how);
        while (rc < 0 && errno == EINTR);
        if (rc < 0) {
            aw_fail(err, errno == EWOULDBLOCK ? AW_E_EXIST : AW_E_IO, errno, "lock %s", path);
            util_close(fd);
            return -1;
        }
        struct stat mine, now;
        if (fstat(fd, &mine) == 0 && fstatat(dirfd, path, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
            mine.st_ino == now.st_ino && mine.st_dev == now.st_dev)
            return fd;
        /* the holder before us removed the file: lock the new one */
        util_close(fd);
    }
}

void file_random_name(const char *prefix, char *ret, size_t size)
{
    uint64_t r;
    if (getrandom(&r, sizeof(r), GRND_INSECURE) != sizeof(r))
        r = (uint64_t)getpid() << 32 ^ file_now_ms();
    snprintf(ret, size, "%s%016llx", prefix, (unsigned long long)r);
}

uint64_t file_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
