/* SPDX-License-Identifier: Apache-2.0
 *
 * image_obtain: from what a user typed to an image of the store, fetching it where needed.
 *
 * The warm path reads index.json, one manifest and one config, asks no network, starts no process
 * and waits for no lock but a pending prune's. Only a fetch takes the reference's lock; whoever
 * waited for it looks again first, so two pulls of an image download it once.
 */
#include "image/fetch.h"
#include "image/oci.h"
#include "image/rootfs.h"
#include "image/store_private.h"

#include <time.h>

void image_fini(struct image *img)
{
    for (size_t i = 0; i < img->n_layers; i++) {
        free(img->layers[i].media_type);
        free(img->layers[i].file);
    }
    free(img->layers);
    free(img->name);
    image_config_fini(&img->config);
    strv_fini(&img->layer_dirs);
    util_close(img->rootfs_fd);
    *img = (struct image){.rootfs_fd = -1};
}

static bool fill_layers(struct image *img, struct oci_manifest *m, const struct oci_config *c,
                        struct aw_err *err)
{
    if (m->n_layers != c->diff_ids.n)
        return aw_fail(err, AW_E_PARSE, 0, "its manifest has %zu layers, its config %zu",
                       m->n_layers, c->diff_ids.n);
    if (!(img->layers = calloc(m->n_layers, sizeof(*img->layers))))
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    for (size_t i = 0; i < m->n_layers; i++) {
        struct image_layer *l = &img->layers[i];
        memcpy(l->digest, m->layers[i].digest, DIGEST_SIZE);
        memcpy(l->diff_id, c->diff_ids.v[i], DIGEST_SIZE);
        l->media_type = AW_STEAL(m->layers[i].media_type);
        l->size = m->layers[i].size;
        oci_chain_id(i ? img->layers[i - 1].chain_id : NULL, l->diff_id, l->chain_id);
        img->n_layers++;
    }
    return true;
}

static bool load_parts(struct store *s, const struct store_entry *e, struct image *img,
                       char **ret_created, struct aw_err *err)
{
    struct oci_manifest m;
    struct oci_config c;
    size_t len;
    _cleanup_free_ char *text = store_blob_load(s, e->digest, e->size, &len, err);
    if (!text || !oci_parse_manifest(text, len, &m, err))
        return false;
    _cleanup_free_ char *config = store_blob_load(s, m.config.digest, m.config.size, &len, err);
    bool ok = config && oci_parse_config(config, len, &c, err);
    if (ok) {
        ok = fill_layers(img, &m, &c, err);
        img->config = c.config;
        c.config = (struct image_config){0};
        memcpy(img->config_digest, m.config.digest, DIGEST_SIZE);
        if (ret_created)
            *ret_created = AW_STEAL(c.created);
        oci_config_fini(&c);
    }
    oci_manifest_fini(&m);
    return ok;
}

bool image_load(struct store *s, const struct store_entry *e, struct image *ret, char **ret_created,
                struct aw_err *err)
{
    struct image img = {.rootfs_fd = -1, .platform = e->platform};
    memcpy(img.digest, e->digest, DIGEST_SIZE);
    if (!(img.name = strdup(e->name)))
        return aw_fail(err, AW_E_NOMEM, 0, "image %s: out of memory", e->name);
    if (!load_parts(s, e, &img, ret_created, err)) {
        image_fini(&img);
        aw_context(err, "image %s", e->name);
        return err && *err->mend ? false : aw_mend(err, "archway pull %s", e->name);
    }
    *ret = img;
    return true;
}

/* ---- looking in the store ----------------------------------------------------------------------
 */

enum found {
    FOUND,     /* *ret is the image */
    NOT_FOUND, /* fetch it */
    BROKEN,    /* err says what stands in the way */
};

/* Has the source changed since e was fetched? Cheap: a stat; podman's storage, which has no such
 * sign, is asked for its manifest. */
static bool is_fresh(struct store *s, const struct source *src, const struct store_entry *e,
                     const struct image_request *req)
{
    char digest[DIGEST_SIZE];
    if (req->pull == IMAGE_PULL_NEVER)
        return true;
    if (source_is_file(src)) {
        _cleanup_free_ char *now = fetch_signature(src, NULL);
        /* gone: what was fetched from it is still an answer */
        return !now || str_eq(now, e->signature);
    }
    if (src->kind != SOURCE_STORAGE)
        return true;
    if (!fetch_digest(s, src, req, digest, NULL))
        return true;
    return str_eq(digest, *e->index_digest ? e->index_digest : e->source_digest);
}

/* since: entries that were fetched earlier than that (ms since 1970) do not count. */
static enum found look_up(struct store *s, const struct source *src,
                          const struct image_request *req, uint64_t since, struct image *ret,
                          struct aw_err *err)
{
    struct store_entries list;
    struct aw_err why = AW_ERR_INIT;
    enum found how = NOT_FOUND;
    if (!store_entries_load(s, &list, err))
        return BROKEN;
    const struct store_entry *e =
        store_entries_find(&list, src, req->platform, req->pull == IMAGE_PULL_NEVER);
    if (e && e->fetched >= since && is_fresh(s, src, e, req)) {
        if (image_load(s, e, ret, NULL, &why)) {
            how = FOUND;
        } else if (req->pull == IMAGE_PULL_NEVER ||
                   (why.code != AW_E_CORRUPT && why.code != AW_E_NOTFOUND)) {
            how = BROKEN;
            if (err)
                *err = why;
        }
    }
    store_entries_fini(&list);
    return how;
}

/* An ID (or 12 digits of it, as `images` shows it) names an image of the store. */
static enum found look_up_id(struct store *s, const struct image_request *req, struct image *ret,
                             struct aw_err *err)
{
    struct store_entries list;
    const struct store_entry *e = NULL;
    enum found how = NOT_FOUND;
    bool many = false;
    if (!store_id_like(req->source) ||
        (strlen(req->source) < 12 && !str_starts(req->source, "sha256:")))
        return NOT_FOUND;
    if (!store_entries_load(s, &list, err))
        return BROKEN;
    for (size_t i = 0; i < list.n; i++)
        if (store_id_match(req->source, list.v[i].config_digest)) {
            many |= e && !str_eq(e->config_digest, list.v[i].config_digest);
            e = &list.v[i];
        }
    if (many) {
        aw_fail(err, AW_E_ARG, 0, "image %s: several images have an ID that begins so",
                req->source);
        how = BROKEN;
    } else if (e) {
        how = image_load(s, e, ret, NULL, err) ? FOUND : BROKEN;
    }
    store_entries_fini(&list);
    return how;
}

/* ---- fetching ----------------------------------------------------------------------------------
 */

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool not_here(const struct source *src, const struct image_request *req, struct aw_err *err)
{
    char text[PLATFORM_TEXT] = "";
    if (req->platform)
        platform_format(req->platform, text);
    aw_fail(err, AW_E_NOTFOUND, 0, "image %s%s%s is not in the store, and nothing may be fetched",
            src->name, *text ? " for " : "", text);
    return aw_mend(err, "archway pull %s%s%s", *text ? "--platform " : "", text, src->name);
}

static bool fetch_and_load(struct store *s, const struct source *src,
                           const struct image_request *req, struct image *ret, struct aw_err *err)
{
    const struct store_wait w = {req->log, req->cancelled, req->user};
    struct store_entry e;
    uint64_t since = req->pull == IMAGE_PULL_ALWAYS ? now_ms() : 0;
    _cleanup_close_ int lock = store_lock_name(s, "image", src->name, &w, err);
    if (lock < 0)
        return false;
    /* another may have fetched it while we waited; for --pull always only such a fetch counts */
    enum found how = look_up(s, src, req, since, ret, err);
    if (how != NOT_FOUND)
        return how == FOUND;
    if (!fetch_image(s, src, NULL, req, &e, err))
        return false;
    bool ok = store_entry_put(s, &e, err) && image_load(s, &e, ret, NULL, err);
    store_entry_fini(&e);
    return ok;
}

static bool obtain(struct store *s, const struct source *src, const struct image_request *req,
                   struct image *ret, struct aw_err *err)
{
    if (src->kind == SOURCE_PATH)
        return rootfs_obtain(s, src, req, ret, err);
    if (req->pull != IMAGE_PULL_ALWAYS) {
        enum found how = look_up(s, src, req, 0, ret, err);
        if (how != NOT_FOUND)
            return how == FOUND;
        if (req->pull == IMAGE_PULL_NEVER)
            return not_here(src, req, err);
    }
    return fetch_and_load(s, src, req, ret, err);
}

bool image_obtain(struct store *s, const struct image_request *req, struct image *ret,
                  struct aw_err *err)
{
    const struct store_wait w = {req->log, req->cancelled, req->user};
    struct source src;
    if (!store_hold(s, &w, err))
        return false;
    enum found how = look_up_id(s, req, ret, err);
    if (how != NOT_FOUND)
        return how == FOUND;
    if (!source_find(req->source, &src, err)) {
        /* an archive that is gone may have been fetched before */
        if (!err || err->code != AW_E_NOTFOUND || !source_parse(req->source, &src, NULL))
            return false;
        how = look_up(s, &src, req, 0, ret, NULL);
        source_fini(&src);
        return how == FOUND;
    }
    bool ok = obtain(s, &src, req, ret, err);
    source_fini(&src);
    return ok;
}
