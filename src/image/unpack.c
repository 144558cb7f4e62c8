/* SPDX-License-Identifier: Apache-2.0
 *
 * Unpacking layers: image_unpack, and one layer at a time in a process of the user namespace.
 *
 * Invariants:
 * 1. A layer's folder is filled in staging/ and renamed to its final name when layer_apply has
 *    verified every digest: what can be found is complete.
 * 2. The process in the namespace reaches folders by descriptors alone: real root's namespaces use
 * a shifted map, whose root may not walk to the store.
 * 3. A blob that does not match is removed from the store at once, and fetched again at most once.
 * Not synced to disk: after a power cut a layer of the last seconds may be damaged, as with any
 * container engine; `archway rmi` and pulling again mends it.
 */
#include "image/unpack.h"

#include "image/fetch.h"
#include "image/oci.h"
#include "image/rootfs.h"

#include "base/file.h"
#include "codec/js.h"
#include "ns/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct inside {
    const struct unpack *u;    /* the job */
    struct unpack_result *ret; /* in memory shared with the child */
    int stage_fd;              /* folder that the namespace's root owns */
    const int *lower_fds;      /* folders of the layers below, bottom first */
};

static bool apply_inside(void *arg, const struct aw_log *log, struct aw_err *err)
{
    const struct inside *in = arg;
    struct layer_job job = {.map = in->u->map, .log = log};
    if (mkdirat(in->stage_fd, "layer", 0700) < 0 || mkdirat(in->stage_fd, "layer/diff", 0755) < 0)
        return aw_fail(err, AW_E_IO, errno, "create a folder for a layer");
    _cleanup_close_ int fd = openat(in->stage_fd, "layer/diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* the umask must not take from the root folder what every program needs */
    if (fd < 0 || fchmod(fd, 0755) < 0)
        return aw_fail(err, AW_E_IO, errno, "open the folder for a layer");
    struct layer_dest dest = {.fd = fd, .lower_fds = in->lower_fds, .n_lowers = in->u->n_below};
    struct layer_result r;
    if (!layer_apply(&in->u->src, &dest, &job, &r, err))
        return false;
    in->ret->layer = r;
    if (in->u->n_below == 0 && !rootfs_platform(fd, &in->ret->platform))
        in->ret->platform = (struct platform){0};
    return true;
}

static void close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        util_close(fds[i]);
    free(fds);
}

static int *open_lowers(struct store *s, const struct unpack *u, struct aw_err *err)
{
    int *fds = calloc(u->n_below + 1, sizeof(*fds));
    if (!fds) {
        aw_fail(err, AW_E_NOMEM, 0, "unpack a layer: out of memory");
        return NULL;
    }
    for (size_t i = 0; i < u->n_below; i++) {
        char path[STORE_LAYER_PATH], diff[STORE_LAYER_PATH + 8];
        store_layer_path(u->map->key, u->below[i].chain_id, path);
        snprintf(diff, sizeof(diff), "%s/diff", path);
        fds[i] = openat(s->dir_fd, diff, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fds[i] < 0) {
            aw_fail(err, AW_E_IO, errno, "open %s/%s", s->path, diff);
            close_all(fds, i);
            return NULL;
        }
    }
    return fds;
}

/* layers/<key>, which the namespace's root must own. */
static bool make_key_folder(struct store *s, const struct idmap *map, struct aw_err *err)
{
    char path[64];
    snprintf(path, sizeof(path), "layers/%.23s", map->key);
    if (mkdirat(s->dir_fd, path, 0700) < 0 && errno != EEXIST)
        return aw_fail(err, AW_E_IO, errno, "create folder %s/%s", s->path, path);
    if (geteuid() == 0 && fchownat(s->dir_fd, path, idmap_root_uid(map), idmap_root_gid(map),
                                   AT_SYMLINK_NOFOLLOW) < 0)
        return aw_fail(err, AW_E_IO, errno, "change the owner of %s/%s", s->path, path);
    return true;
}

/* The mark: its name is the rest of the chain id, its text for people and for prune. */
static bool write_mark(int stage_fd, const struct unpack_result *r, struct aw_err *err)
{
    char path[80];
    _cleanup_js_ struct json_object *o = json_object_new_object();
    js_add_string(o, "chain-id", r->chain_id);
    js_add_string(o, "diff-id", r->layer.diff_id);
    js_add_u64(o, "bytes", r->layer.bytes);
    js_add_u64(o, "entries", r->layer.entries);
    const char *text = js_text(o);
    snprintf(path, sizeof(path), "layer/%s.json", digest_hex(r->chain_id) + LAYER_NAME);
    _cleanup_close_ int fd = openat(stage_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || !file_write_full(fd, text, strlen(text)))
        return aw_fail(err, AW_E_IO, errno, "write the mark of a layer");
    return true;
}

static bool publish(struct store *s, const struct unpack *u, int stage_fd,
                    const struct unpack_result *r, struct aw_err *err)
{
    char path[STORE_LAYER_PATH];
    bool there = false;
    store_layer_path(u->map->key, r->chain_id, path);
    if (!make_key_folder(s, u->map, err) || !write_mark(stage_fd, r, err))
        return false;
    if (renameat(stage_fd, "layer", s->dir_fd, path) == 0)
        return true;
    int why = errno;
    /* the same layer, come by another way (a tarball that is also an image's layer) */
    if (store_layer_present(s, u->map->key, r->chain_id, &there, err) && there)
        return true;
    return aw_fail(err, AW_E_IO, why, "publish %s/%s", s->path, path);
}

bool unpack_layer(struct store *s, const struct unpack *u, struct unpack_result *ret,
                  struct aw_err *err)
{
    struct store_stage stage = {.fd = -1};
    int *lowers = open_lowers(s, u, err);
    if (!lowers)
        return false;
    struct unpack_result *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool ok = shared != MAP_FAILED || aw_fail(err, AW_E_NOMEM, errno, "unpack a layer");
    ok = ok && store_stage_begin(s, u->map, &stage, err);
    if (ok) {
        const struct store_wait *w = u->wait;
        struct inside in = {.u = u, .ret = shared, .stage_fd = stage.fd, .lower_fds = lowers};
        ok = ns_run(u->map, 0, apply_inside, &in, w ? w->log : NULL, w ? w->cancelled : NULL,
                    w ? w->user : NULL, err);
    }
    if (ok) {
        *ret = *shared;
        oci_chain_id(u->n_below ? u->below[u->n_below - 1].chain_id : NULL, ret->layer.diff_id,
                     ret->chain_id);
        ok = publish(s, u, stage.fd, ret, err);
    }
    store_stage_end(s, &stage);
    if (shared != MAP_FAILED)
        munmap(shared, sizeof(*shared));
    close_all(lowers, u->n_below);
    return ok;
}

/* ---- image_unpack ------------------------------------------------------------------------------
 */

/* The layer's blob or tarball; *ret_size is what it must have. */
static int open_source(struct store *s, const struct image_layer *l, struct aw_err *err)
{
    if (!l->file)
        return store_blob_open(s, l->digest, l->size, err);
    int fd = open(l->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        aw_fail(err, errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno, "open %s", l->file);
    return fd;
}

static bool unpack_one(struct store *s, struct image *img, size_t i, const struct idmap *map,
                       const struct store_wait *w, struct aw_err *err)
{
    const struct image_layer *l = &img->layers[i];
    bool there = false;
    _cleanup_free_ char *lock_text = str_printf("%s for %s", l->chain_id, map->key);
    _cleanup_free_ char *name = str_printf("%zu of %s", i + 1, img->name);
    if (!lock_text || !name)
        return aw_fail(err, AW_E_NOMEM, 0, "unpack %s: out of memory", img->name);
    _cleanup_close_ int lock = store_lock_name(s, "layer", lock_text, w, err);
    if (lock < 0 || !store_layer_present(s, map->key, l->chain_id, &there, err))
        return false;
    if (there)
        return true;
    _cleanup_close_ int fd = open_source(s, l, err);
    if (fd < 0)
        return false;
    aw_log(w->log, AW_LOG_PROGRESS, "unpacking %s: layer %zu of %zu", img->name, i + 1,
           img->n_layers);
    struct unpack u = {
        .map = map, .below = img->layers, .n_below = i, .wait = w, .src = {.blob_fd = fd}};
    u.src.digest = *l->digest ? l->digest : NULL;
    u.src.size = l->file ? UINT64_MAX : l->size;
    u.src.diff_id = l->diff_id;
    u.src.name = name;
    struct unpack_result r;
    if (unpack_layer(s, &u, &r, err))
        return true;
    if (err && err->code == AW_E_CORRUPT && !l->file)
        store_blob_remove(s, l->digest);
    return false;
}

/* Bring the blobs of img again, pinned to what it was. */
static bool fetch_again(struct store *s, const struct image *img, const struct image_request *req,
                        const struct store_wait *w, struct aw_err *err)
{
    struct image_request again = *req;
    struct store_entries list;
    struct store_entry e;
    struct source src;
    char pin[DIGEST_SIZE] = "";
    if (!store_entries_load(s, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++)
        if (str_eq(list.v[i].name, img->name) && str_eq(list.v[i].digest, img->digest))
            memcpy(pin, list.v[i].source_digest, DIGEST_SIZE);
    store_entries_fini(&list);
    if (!source_parse(img->name, &src, err))
        return false;
    again.platform = &img->platform;
    _cleanup_close_ int lock = store_lock_name(s, "image", img->name, w, err);
    bool ok = lock >= 0 && fetch_image(s, &src, src.kind == SOURCE_REGISTRY && *pin ? pin : NULL,
                                       &again, &e, err);
    source_fini(&src);
    if (!ok)
        return false;
    ok = str_eq(e.digest, img->digest) ||
         aw_fail(err, AW_E_CORRUPT, 0, "image %s is damaged, and its source has another one now",
                 img->name);
    store_entry_fini(&e);
    return ok;
}

/* A blob is damaged or gone (why says so): bring it again, if that is allowed and possible. */
static bool mend_layer(struct store *s, const struct image *img, const struct image_request *req,
                       const struct store_wait *w, struct aw_err *why)
{
    struct aw_err err = AW_ERR_INIT;
    aw_context(why, "image %s", img->name);
    aw_mend(why, "archway pull %s", img->name);
    if (!*img->digest || req->pull == IMAGE_PULL_NEVER)
        return false;
    aw_log(w->log, AW_LOG_NOTE, "%s: fetching it again", why->message);
    if (fetch_again(s, img, req, w, &err))
        return true;
    if (err.code == AW_E_CANCELLED)
        *why = err;
    else
        aw_log(w->log, AW_LOG_NOTE, "fetching again failed: %s", err.message);
    return false;
}

bool image_unpack(struct store *s, struct image *img, const struct idmap *map,
                  const struct image_request *req, struct aw_err *err)
{
    const struct store_wait w = {req->log, req->cancelled, req->user};
    bool mended = false;
    if (!store_hold(s, &w, err))
        return false;
    strv_fini(&img->layer_dirs);
    for (size_t i = 0; i < img->n_layers; i++) {
        char path[STORE_LAYER_PATH];
        bool there = false;
        if (!store_layer_present(s, map->key, img->layers[i].chain_id, &there, err))
            return false;
        while (!there) {
            struct aw_err why = AW_ERR_INIT;
            there = unpack_one(s, img, i, map, &w, &why);
            bool blob = why.code == AW_E_CORRUPT || why.code == AW_E_NOTFOUND;
            if (!there && (mended || !blob || !mend_layer(s, img, req, &w, &why))) {
                if (err)
                    *err = why;
                return false;
            }
            mended = true;
        }
        mended = false;
        store_layer_path(map->key, img->layers[i].chain_id, path);
        if (!strv_addf(&img->layer_dirs, "%s/diff", path))
            return aw_fail(err, AW_E_NOMEM, 0, "unpack %s: out of memory", img->name);
    }
    return true;
}
