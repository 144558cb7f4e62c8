/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's folder: opening, locks, staging, blobs, and where layers and containers stand.
 *
 * Invariants:
 * 1. What stands under its final name is complete: blobs and layers arrive by rename, index.json
 * and the rest by file_replace.
 * 2. Whoever reads or adds holds LOCK_SH on store.lock; only a holder of LOCK_EX removes blobs,
 * layers and lock files. The named locks (locks/) are only taken under LOCK_SH, so LOCK_EX means
 * that nobody has one.
 * 3. Liveness is a flock, never a pid or a time: a staging folder or a container whose lock is free
 *    belongs to nobody.
 * 4. Order: store.lock, then a reference's lock, then a layer's lock, then index.lock. index.lock
 * is held for milliseconds. Locks belong to open file descriptions, so a forked child shares them;
 * store_release therefore unlocks instead of only closing.
 */
#include "image/store_private.h"

#include "base/file.h"
#include "codec/js.h"
#include "ns/ns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define LAYOUT "{\"imageLayoutVersion\":\"1.0.0\"}\n"

static const char *const folders[] = {"blobs/sha256", "layers",  "imports",
                                      "containers",   "staging", "locks"};

static bool make_layout(struct store *s, struct aw_err *err)
{
    for (size_t i = 0; i < AW_LEN(folders); i++)
        if (!file_mkdirs(s->dir_fd, folders[i], 0700, err))
            return false;
    return file_replace(s->dir_fd, "oci-layout", LAYOUT, strlen(LAYOUT), 0600, err);
}

static bool open_folder(struct store *s, struct aw_err *err)
{
    struct stat st;
    s->dir_fd = file_open_dir(AT_FDCWD, s->path, 0700, err);
    if (s->dir_fd < 0)
        return false;
    if (fstat(s->dir_fd, &st) < 0)
        return aw_fail(err, AW_E_IO, errno, "stat %s", s->path);
    if (st.st_uid != geteuid()) {
        aw_fail(err, AW_E_PERM, 0, "%s belongs to user %u, not to user %u who runs this", s->path,
                (unsigned)st.st_uid, (unsigned)geteuid());
        return aw_mend(err,
                       "run archway as its owner, or let XDG_DATA_HOME name a folder of your own");
    }
    return faccessat(s->dir_fd, "oci-layout", F_OK, 0) == 0 || make_layout(s, err);
}

struct store *store_open(const char *path, const struct idmap *map, const struct aw_log *log,
                         struct aw_err *err)
{
    struct store *s = calloc(1, sizeof(*s));
    if (!s || !(s->path = strdup(path))) {
        free(s);
        aw_fail(err, AW_E_NOMEM, 0, "open store: out of memory");
        return NULL;
    }
    s->dir_fd = s->hold_fd = -1;
    s->map = *map;
    if (log)
        s->log = *log;
    if (!open_folder(s, err)) {
        aw_context(err, "image store");
        store_free(s);
        return NULL;
    }
    return s;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    store_release(s);
    util_close(s->dir_fd);
    free(s->path);
    free(s);
}

int store_dir_fd(const struct store *s)
{
    return s->dir_fd;
}

const char *store_path(const struct store *s)
{
    return s->path;
}

/* ---- locks -------------------------------------------------------------------------------------
 */

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

int store_lock_wait(struct store *s, const char *path, int how, const char *what,
                    const struct store_wait *w, struct aw_err *err)
{
    for (long ms = 1;; ms = ms < 50 ? ms * 2 : 100) {
        struct aw_err busy = AW_ERR_INIT;
        int fd = file_lock(s->dir_fd, path, how | LOCK_NB, &busy);
        if (fd >= 0)
            return fd;
        if (busy.code != AW_E_EXIST) {
            if (err)
                *err = busy;
            return -1;
        }
        if (w && w->cancelled && w->cancelled(w->user)) {
            aw_fail(err, AW_E_CANCELLED, 0, "interrupted while waiting for %s", what);
            return -1;
        }
        if (ms == 64)
            aw_log(w ? w->log : NULL, AW_LOG_PROGRESS, "waiting for %s", what);
        sleep_ms(ms);
    }
}

int store_lock_name(struct store *s, const char *kind, const char *text, const struct store_wait *w,
                    struct aw_err *err)
{
    char digest[DIGEST_SIZE], path[80];
    digest_of(text, strlen(text), digest);
    snprintf(path, sizeof(path), "locks/%.16s-%.*s", kind, LAYER_NAME, digest_hex(digest));
    _cleanup_free_ char *what = str_printf("another archway at work on the %s %s", kind, text);
    return store_lock_wait(s, path, LOCK_EX, what ? what : text, w, err);
}

bool store_hold(struct store *s, const struct store_wait *w, struct aw_err *err)
{
    if (s->hold_fd >= 0)
        return true;
    s->hold_fd =
        store_lock_wait(s, "store.lock", LOCK_SH, "another archway that is cleaning up", w, err);
    if (s->hold_fd < 0)
        return false;
    store_stage_clean(s);
    return true;
}

void store_release(struct store *s)
{
    if (s->hold_fd < 0)
        return;
    flock(s->hold_fd, LOCK_UN);
    close(util_steal_fd(&s->hold_fd));
}

/* ---- folders of foreign ids --------------------------------------------------------------------
 */

struct remove_args {
    int dirfd;        /* folder that path is relative to */
    const char *path; /* what to remove */
};

static bool remove_inside(void *arg, const struct aw_log *log, struct aw_err *err)
{
    const struct remove_args *a = arg;
    (void)log;
    return file_remove_tree(a->dirfd, a->path, err);
}

bool store_remove_tree(struct store *s, int dirfd, const char *path, struct aw_err *err)
{
    struct remove_args a = {.dirfd = dirfd, .path = path};
    struct aw_err plain = AW_ERR_INIT;
    if (file_remove_tree(dirfd, path, &plain))
        return true;
    if (geteuid() == 0 || (plain.sys_errno != EACCES && plain.sys_errno != EPERM)) {
        if (err)
            *err = plain;
        return false;
    }
    /* files of ids that only the user namespace may touch */
    return ns_run(&s->map, 0, remove_inside, &a, NULL, NULL, NULL, err);
}

bool store_list_dir(struct store *s, const char *path, struct strv *ret, struct aw_err *err)
{
    int fd = openat(s->dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        util_close(fd);
        return errno == ENOENT || aw_fail(err, AW_E_IO, errno, "open folder %s/%s", s->path, path);
    }
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(d));)
        if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
            ok = strv_add(ret, e->d_name) || aw_fail(err, AW_E_NOMEM, 0, "read folder %s", path);
    closedir(d);
    return ok;
}

/* ---- staging -----------------------------------------------------------------------------------
 */

/* Open and lock a folder; -1 when another has the lock, or it is gone. */
static int lock_folder(int dirfd, const char *path)
{
    struct stat mine, now;
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &mine) < 0 ||
        fstatat(dirfd, path, &now, AT_SYMLINK_NOFOLLOW) < 0 || mine.st_ino != now.st_ino) {
        util_close(fd);
        return -1;
    }
    return fd;
}

bool store_stage_begin(struct store *s, const struct idmap *owner, struct store_stage *ret,
                       struct aw_err *err)
{
    for (int tries = 0; tries < 100; tries++) {
        char path[64];
        file_random_name("", ret->name, sizeof(ret->name));
        snprintf(path, sizeof(path), "staging/%s", ret->name);
        if (mkdirat(s->dir_fd, path, 0700) < 0) {
            if (errno == EEXIST)
                continue;
            return aw_fail(err, AW_E_IO, errno, "create folder %s/%s", s->path, path);
        }
        /* another command may have taken it for stale before we had the lock: then try again */
        ret->fd = lock_folder(s->dir_fd, path);
        if (ret->fd < 0)
            continue;
        if (owner && geteuid() == 0 &&
            fchown(ret->fd, idmap_root_uid(owner), idmap_root_gid(owner)) < 0) {
            aw_fail(err, AW_E_IO, errno, "change the owner of %s/%s", s->path, path);
            store_stage_end(s, ret);
            return false;
        }
        return true;
    }
    return aw_fail(err, AW_E_IO, 0, "create a folder in %s/staging: no name is free", s->path);
}

static bool stage_remove(struct store *s, const char *name)
{
    struct aw_err err = AW_ERR_INIT;
    char path[300];
    snprintf(path, sizeof(path), "staging/%s", name);
    if (store_remove_tree(s, s->dir_fd, path, &err))
        return true;
    aw_log(&s->log, AW_LOG_NOTE, "%s/%s could not be removed: %s", s->path, path, err.message);
    return false;
}

void store_stage_end(struct store *s, struct store_stage *st)
{
    if (st->fd < 0)
        return;
    stage_remove(s, st->name);
    close(util_steal_fd(&st->fd));
}

size_t store_stage_clean(struct store *s)
{
    _cleanup_strv_ struct strv names = {0};
    size_t n = 0;
    store_list_dir(s, "staging", &names, NULL);
    for (size_t i = 0; i < names.n; i++) {
        char path[300];
        snprintf(path, sizeof(path), "staging/%s", names.v[i]);
        _cleanup_close_ int fd = lock_folder(s->dir_fd, path);
        if (fd >= 0)
            n += stage_remove(s, names.v[i]);
    }
    return n;
}

/* ---- blobs -------------------------------------------------------------------------------------
 */

void store_blob_path(const char *digest, char ret[STORE_BLOB_PATH])
{
    AW_BUG_ON(!digest_valid(digest));
    snprintf(ret, STORE_BLOB_PATH, "blobs/sha256/%s", digest_hex(digest));
}

void store_blob_remove(struct store *s, const char *digest)
{
    char path[STORE_BLOB_PATH];
    store_blob_path(digest, path);
    unlinkat(s->dir_fd, path, 0);
}

int store_blob_open(struct store *s, const char *digest, uint64_t size, struct aw_err *err)
{
    char path[STORE_BLOB_PATH];
    struct stat st;
    store_blob_path(digest, path);
    int fd = openat(s->dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        aw_fail(err, errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno, "open blob %s", digest);
        util_close(fd);
        return -1;
    }
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == size)
        return fd;
    util_close(fd);
    store_blob_remove(s, digest);
    aw_fail(err, AW_E_CORRUPT, 0, "blob %s has %llu bytes instead of %llu", digest,
            (unsigned long long)st.st_size, (unsigned long long)size);
    return -1;
}

char *store_blob_load(struct store *s, const char *digest, uint64_t size, size_t *ret_len,
                      struct aw_err *err)
{
    char got[DIGEST_SIZE];
    size_t len;
    _cleanup_close_ int fd = store_blob_open(s, digest, size, err);
    if (fd < 0)
        return NULL;
    char *text = file_load_fd(fd, digest, (size_t)size, &len, err);
    if (!text)
        return NULL;
    digest_of(text, len, got);
    if (!str_eq(got, digest)) {
        free(text);
        store_blob_remove(s, digest);
        aw_fail(err, AW_E_CORRUPT, 0, "blob %s does not match its digest", digest);
        return NULL;
    }
    *ret_len = len;
    return text;
}

/* ---- layers ------------------------------------------------------------------------------------
 */

void store_layer_path(const char *key, const char *chain_id, char ret[STORE_LAYER_PATH])
{
    AW_BUG_ON(!digest_valid(chain_id));
    snprintf(ret, STORE_LAYER_PATH, "layers/%.23s/%.*s", key, LAYER_NAME, digest_hex(chain_id));
}

bool store_layer_present(struct store *s, const char *key, const char *chain_id, bool *ret,
                         struct aw_err *err)
{
    char dir[STORE_LAYER_PATH], mark[STORE_LAYER_PATH + 64];
    struct stat st;
    store_layer_path(key, chain_id, dir);
    /* the mark carries the other digits of the chain id: one stat tells presence and identity */
    snprintf(mark, sizeof(mark), "%s/%s.json", dir, digest_hex(chain_id) + LAYER_NAME);
    for (int i = 0; i < 2; i++) {
        if (fstatat(s->dir_fd, mark, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            *ret = true;
            return true;
        }
        if (errno != ENOENT)
            return aw_fail(err, AW_E_IO, errno, "stat %s/%s", s->path, mark);
        /* a folder without the mark: published between the two looks, or another layer's */
        if (fstatat(s->dir_fd, dir, &st, AT_SYMLINK_NOFOLLOW) < 0)
            break;
    }
    if (fstatat(s->dir_fd, dir, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        aw_fail(err, AW_E_CORRUPT, 0, "%s/%s is not the layer %s", s->path, dir, chain_id);
        return aw_mend(err, "remove the image that it belongs to, then run archway prune");
    }
    *ret = false;
    return true;
}

uint64_t store_layer_bytes(struct store *s, const char *key, const char *chain_id)
{
    char dir[STORE_LAYER_PATH], mark[STORE_LAYER_PATH + 64];
    uint64_t bytes = 0;
    size_t len;
    store_layer_path(key, chain_id, dir);
    snprintf(mark, sizeof(mark), "%s/%s.json", dir, digest_hex(chain_id) + LAYER_NAME);
    _cleanup_free_ char *text = file_load(s->dir_fd, mark, 65536, &len, NULL);
    _cleanup_js_ struct json_object *o = text ? js_parse(text, len, mark, NULL) : NULL;
    if (o)
        js_get_u64(o, "bytes", &bytes, NULL);
    return bytes;
}
