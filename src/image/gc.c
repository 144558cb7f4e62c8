/* SPDX-License-Identifier: Apache-2.0
 *
 * Removing: images by name, and everything that nothing refers to.
 *
 * Mark and sweep under LOCK_EX on store.lock: nobody else reads or adds then. Marked are the blobs
 * and layers of every image of the index, of every import whose tarball is unchanged, and the
 * layers of living containers. rmi sweeps only what the removed images had; it does not wait for
 * the lock, since a long pull may have it: what then stays is prune's.
 *
 * Invariants:
 * 1. A name leaves the index before its blobs go: a reader finds all of an image or nothing.
 * 2. Layers of living containers are never removed, by force neither.
 */
#include "image/fetch.h"
#include "image/rootfs.h"
#include "image/store_private.h"

#include "base/file.h"
#include "codec/js.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

/* Blobs by their hex digits, layers by the first of theirs. */
struct marks {
    struct strv blobs;  /* 64 hex digits */
    struct strv layers; /* LAYER_NAME hex digits */
};

static void marks_fini(struct marks *m)
{
    strv_fini(&m->blobs);
    strv_fini(&m->layers);
}

static bool no_memory(struct aw_err *err)
{
    return aw_fail(err, AW_E_NOMEM, 0, "clean up: out of memory");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct strv *v)
{
    if (v->n)
        qsort(v->v, v->n, sizeof(*v->v), by_text);
}

static bool is_in(const struct strv *sorted, const char *name)
{
    return sorted->n && bsearch(&name, sorted->v, sorted->n, sizeof(*sorted->v), by_text);
}

static bool mark_layer(struct marks *m, const char *chain_id)
{
    return strv_addf(&m->layers, "%.*s", LAYER_NAME, digest_hex(chain_id));
}

static bool mark_entry(struct store *s, const struct store_entry *e, struct marks *m)
{
    struct image img;
    if (!strv_add(&m->blobs, digest_hex(e->digest)) ||
        !strv_add(&m->blobs, digest_hex(e->config_digest)))
        return false;
    /* damaged: nothing to be learnt from it, and it cannot be run either */
    if (!image_load(s, e, &img, NULL, NULL))
        return true;
    bool ok = true;
    for (size_t i = 0; i < img.n_layers; i++)
        ok = ok && strv_add(&m->blobs, digest_hex(img.layers[i].digest)) &&
             mark_layer(m, img.layers[i].chain_id);
    image_fini(&img);
    return ok;
}

/* Is the tarball still what was imported? */
static bool import_current(const struct rootfs_import *i)
{
    struct source src = {.kind = SOURCE_PATH, .path = i->file, .name = i->file};
    _cleanup_free_ char *now = fetch_signature(&src, NULL);
    return now && str_eq(now, i->signature);
}

/* Marks the layer of each import that stays; the others' files are removed if drop is set. */
static bool mark_imports(struct store *s, bool drop, struct marks *m, struct aw_err *err)
{
    _cleanup_strv_ struct strv names = {0};
    if (!store_list_dir(s, "imports", &names, err))
        return false;
    for (size_t k = 0; k < names.n; k++) {
        struct rootfs_import i;
        bool whole = rootfs_import_load(s, names.v[k], &i, NULL), ok = true;
        if (drop && (!whole || !import_current(&i))) {
            _cleanup_free_ char *path = str_printf("imports/%s", names.v[k]);
            ok = path && (unlinkat(s->dir_fd, path, 0) == 0 || errno == ENOENT);
        } else if (whole) {
            ok = mark_layer(m, i.diff_id);
        }
        if (whole)
            rootfs_import_fini(&i);
        if (!ok)
            return no_memory(err);
    }
    return true;
}

static bool mark_all(struct store *s, bool drop_imports, struct marks *m, struct aw_err *err)
{
    struct store_entries list = {0};
    struct store_containers live = {0};
    bool ok = store_entries_load(s, &list, err) && store_containers_load(s, &live, err) &&
              mark_imports(s, drop_imports, m, err);
    for (size_t i = 0; ok && i < list.n; i++)
        ok = mark_entry(s, &list.v[i], m) || no_memory(err);
    for (size_t i = 0; ok && i < live.n; i++)
        for (size_t k = 0; ok && k < live.v[i].layers.n; k++)
            ok = !digest_valid(live.v[i].layers.v[k]) || mark_layer(m, live.v[i].layers.v[k]) ||
                 no_memory(err);
    store_entries_fini(&list);
    store_containers_fini(&live);
    sort(&m->blobs);
    sort(&m->layers);
    return ok;
}

/* ---- sweep -------------------------------------------------------------------------------------
 */

static bool sweep_blobs(struct store *s, const struct marks *keep, const struct marks *only,
                        struct store_pruned *done, struct strv *ret_removed, struct aw_err *err)
{
    _cleanup_strv_ struct strv names = {0};
    if (!store_list_dir(s, "blobs/sha256", &names, err))
        return false;
    for (size_t i = 0; i < names.n; i++) {
        struct stat st;
        _cleanup_free_ char *path = str_printf("blobs/sha256/%s", names.v[i]);
        if (!path)
            return no_memory(err);
        if (is_in(&keep->blobs, names.v[i]) || (only && !is_in(&only->blobs, names.v[i])) ||
            fstatat(s->dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (!file_remove_tree(s->dir_fd, path, err))
            return false;
        done->bytes += (uint64_t)st.st_size;
        done->blobs++;
        if (ret_removed && !strv_addf(ret_removed, "deleted: sha256:%s", names.v[i]))
            return no_memory(err);
    }
    return true;
}

/* Bytes that a layer's mark tells of; the mark's name is not known here. */
static uint64_t layer_bytes(struct store *s, const char *path)
{
    _cleanup_strv_ struct strv names = {0};
    uint64_t bytes = 0;
    store_list_dir(s, path, &names, NULL);
    for (size_t i = 0; i < names.n; i++) {
        _cleanup_free_ char *mark = str_printf("%s/%s", path, names.v[i]);
        size_t len;
        if (!mark || !str_ends(mark, ".json"))
            continue;
        _cleanup_free_ char *text = file_load(s->dir_fd, mark, 65536, &len, NULL);
        _cleanup_js_ struct json_object *o = text ? js_parse(text, len, mark, NULL) : NULL;
        if (o)
            js_get_u64(o, "bytes", &bytes, NULL);
    }
    return bytes;
}

/* Out of sight by a rename, then removed: a kill in the middle leaves stale staging, no half layer.
 */
static bool remove_layer(struct store *s, const char *path, struct aw_err *err)
{
    struct store_stage st = {.fd = -1};
    if (!store_stage_begin(s, NULL, &st, err))
        return false;
    bool ok = renameat(s->dir_fd, path, st.fd, "layer") == 0 || errno == ENOENT ||
              aw_fail(err, AW_E_IO, errno, "remove %s/%s", s->path, path);
    ok = ok && store_remove_tree(s, st.fd, "layer", err);
    store_stage_end(s, &st);
    return ok;
}

static bool sweep_key(struct store *s, const char *key, const struct marks *keep,
                      const struct marks *only, struct store_pruned *done, struct aw_err *err)
{
    _cleanup_strv_ struct strv names = {0};
    _cleanup_free_ char *dir = str_printf("layers/%s", key);
    if (!dir || !store_list_dir(s, dir, &names, err))
        return dir ? false : no_memory(err);
    for (size_t i = 0; i < names.n; i++) {
        if (is_in(&keep->layers, names.v[i]) || (only && !is_in(&only->layers, names.v[i])))
            continue;
        _cleanup_free_ char *path = str_printf("%s/%s", dir, names.v[i]);
        if (!path)
            return no_memory(err);
        uint64_t bytes = layer_bytes(s, path);
        if (!remove_layer(s, path, err))
            return false;
        done->bytes += bytes;
        done->layers++;
    }
    unlinkat(s->dir_fd, dir, AT_REMOVEDIR); /* fails while layers are in it */
    return true;
}

static bool sweep_layers(struct store *s, const struct marks *keep, const struct marks *only,
                         struct store_pruned *done, struct aw_err *err)
{
    _cleanup_strv_ struct strv keys = {0};
    if (!store_list_dir(s, "layers", &keys, err))
        return false;
    for (size_t i = 0; i < keys.n; i++)
        if (!sweep_key(s, keys.v[i], keep, only, done, err))
            return false;
    return true;
}

/* Under LOCK_EX nobody has a named lock. */
static void sweep_locks(struct store *s)
{
    _cleanup_strv_ struct strv names = {0};
    store_list_dir(s, "locks", &names, NULL);
    for (size_t i = 0; i < names.n; i++) {
        _cleanup_free_ char *path = str_printf("locks/%s", names.v[i]);
        if (path)
            unlinkat(s->dir_fd, path, 0);
    }
}

/* ---- rmi ---------------------------------------------------------------------------------------
 */

struct removal {
    const struct store_choice *c; /* what shall go */
};

static bool is_chosen(const struct store_entry *e, void *arg)
{
    const struct removal *r = arg;
    for (size_t i = 0; i < r->c->entries.n; i++) {
        const struct store_entry *x = &r->c->entries.v[i];
        if (str_eq(x->name, e->name) && str_eq(x->digest, e->digest) &&
            str_eq(x->platform.arch, e->platform.arch) &&
            str_eq(x->platform.variant, e->platform.variant))
            return true;
    }
    return false;
}

static bool refuse_used(const char *name, const struct store_container *c, struct aw_err *err)
{
    aw_fail(err, AW_E_PERM, 0, "image %s is in use by container %s", name, c->id);
    return aw_mend(err, "stop that container, or remove by force: archway rmi --force %s", name);
}

/* The chain id of an entry's top layer, or "". */
static void top_of(struct store *s, const struct store_entry *e, char ret[DIGEST_SIZE])
{
    struct image img;
    *ret = '\0';
    if (!image_load(s, e, &img, NULL, NULL))
        return;
    memcpy(ret, img.layers[img.n_layers - 1].chain_id, DIGEST_SIZE);
    image_fini(&img);
}

static bool check_unused(struct store *s, const struct store_choice *c,
                         const struct store_containers *live, struct aw_err *err)
{
    const struct store_container *user;
    for (size_t i = 0; i < c->entries.n; i++) {
        char top[DIGEST_SIZE];
        top_of(s, &c->entries.v[i], top);
        if ((user = store_containers_use(live, c->entries.v[i].name, top, NULL)))
            return refuse_used(c->entries.v[i].name, user, err);
    }
    for (size_t i = 0; i < c->imports.n; i++) {
        struct rootfs_import imp;
        if (!rootfs_import_load(s, c->imports.v[i], &imp, NULL))
            continue;
        user = store_containers_use(live, imp.file, imp.diff_id, NULL);
        if (user)
            refuse_used(imp.file, user, err);
        rootfs_import_fini(&imp);
        if (user)
            return false;
    }
    return true;
}

/* Marks in *had what the chosen images have; takes their names out of the store. */
static bool untag(struct store *s, const struct store_choice *c, struct marks *had,
                  struct strv *ret_removed, struct aw_err *err)
{
    struct removal r = {.c = c};
    for (size_t i = 0; i < c->entries.n; i++)
        if (!mark_entry(s, &c->entries.v[i], had))
            return no_memory(err);
    if (c->entries.n && !store_entries_drop(s, is_chosen, &r, err))
        return false;
    for (size_t i = 0; ret_removed && i < c->entries.n; i++)
        if (!strv_addf(ret_removed, "untagged: %s", c->entries.v[i].name))
            return no_memory(err);
    for (size_t i = 0; i < c->imports.n; i++) {
        struct rootfs_import imp;
        _cleanup_free_ char *path = str_printf("imports/%s", c->imports.v[i]);
        if (!path)
            return no_memory(err);
        if (!rootfs_import_load(s, c->imports.v[i], &imp, NULL))
            continue;
        bool ok = mark_layer(had, imp.diff_id) &&
                  (!ret_removed || strv_addf(ret_removed, "untagged: %s", imp.file));
        rootfs_import_fini(&imp);
        if (!ok)
            return no_memory(err);
        if (unlinkat(s->dir_fd, path, 0) < 0 && errno != ENOENT)
            return aw_fail(err, AW_E_IO, errno, "remove %s/%s", s->path, path);
    }
    sort(&had->blobs);
    sort(&had->layers);
    return true;
}

static bool sweep_what_it_had(struct store *s, const struct marks *had, struct strv *ret_removed,
                              struct aw_err *err)
{
    struct store_pruned done = {0};
    struct marks keep = {0};
    struct aw_err busy = AW_ERR_INIT;
    _cleanup_close_ int lock = file_lock(s->dir_fd, "store.lock", LOCK_EX | LOCK_NB, &busy);
    if (lock < 0) {
        aw_log(&s->log, AW_LOG_NOTE,
               "another archway is at work: archway prune will free the space later");
        return true;
    }
    bool ok = mark_all(s, false, &keep, err) &&
              sweep_blobs(s, &keep, had, &done, ret_removed, err) &&
              sweep_layers(s, &keep, had, &done, err);
    marks_fini(&keep);
    return ok;
}

bool store_remove(struct store *s, const struct store_remove_request *req, struct strv *ret_removed,
                  struct aw_err *err)
{
    struct store_choice c;
    struct store_containers live = {0};
    struct marks had = {0};
    if (!store_choose(s, req->name, req->platform, &c, err))
        return false;
    bool ok = store_containers_load(s, &live, err) &&
              (req->force || check_unused(s, &c, &live, err)) &&
              untag(s, &c, &had, ret_removed, err);
    if (ok) {
        store_release(s);
        ok = sweep_what_it_had(s, &had, ret_removed, err);
    }
    marks_fini(&had);
    store_containers_fini(&live);
    store_choice_fini(&c);
    return ok;
}

/* ---- prune -------------------------------------------------------------------------------------
 */

struct unused {
    struct store *s;
    const struct store_containers *live; /* containers whose images stay */
    size_t n;                            /* dropped */
};

static bool is_unused(const struct store_entry *e, void *arg)
{
    struct unused *u = arg;
    char top[DIGEST_SIZE];
    top_of(u->s, e, top);
    if (store_containers_use(u->live, e->name, top, NULL))
        return false;
    u->n++;
    return true;
}

static bool drop_unused(struct store *s, struct store_pruned *done, struct aw_err *err)
{
    struct store_containers live = {0};
    _cleanup_strv_ struct strv names = {0};
    if (!store_containers_load(s, &live, err))
        return false;
    struct unused u = {.s = s, .live = &live};
    bool ok =
        store_entries_drop(s, is_unused, &u, err) && store_list_dir(s, "imports", &names, err);
    for (size_t i = 0; ok && i < names.n; i++) {
        struct rootfs_import imp;
        _cleanup_free_ char *path = str_printf("imports/%s", names.v[i]);
        if (!path || !rootfs_import_load(s, names.v[i], &imp, NULL))
            continue;
        if (!store_containers_use(&live, imp.file, imp.diff_id, NULL) &&
            unlinkat(s->dir_fd, path, 0) == 0)
            u.n++;
        rootfs_import_fini(&imp);
    }
    done->images = u.n;
    store_containers_fini(&live);
    return ok;
}

bool store_prune(struct store *s, bool all, const struct store_wait *w, struct store_pruned *ret,
                 struct aw_err *err)
{
    struct store_pruned done = {0};
    struct marks keep = {0};
    store_release(s);
    _cleanup_close_ int lock = store_lock_wait(s, "store.lock", LOCK_EX,
                                               "pulls and starting containers to finish", w, err);
    if (lock < 0)
        return false;
    done.staging = store_stage_clean(s);
    bool ok = store_reap_dead(s, &done.containers, err) && (!all || drop_unused(s, &done, err)) &&
              mark_all(s, true, &keep, err) && sweep_blobs(s, &keep, NULL, &done, NULL, err) &&
              sweep_layers(s, &keep, NULL, &done, err);
    if (ok)
        sweep_locks(s);
    marks_fini(&keep);
    if (ok)
        *ret = done;
    return ok;
}
