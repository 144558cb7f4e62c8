/* SPDX-License-Identifier: Apache-2.0
 *
 * What is in the store, for people: listing, inspecting, and finding what a user means by a name, a
 * digest or an ID.
 */
#include "image/rootfs.h"
#include "image/store_private.h"

#include "base/file.h"
#include "codec/js.h"

static bool no_memory(struct aw_err *err)
{
    return aw_fail(err, AW_E_NOMEM, 0, "image list: out of memory");
}

/* ---- list --------------------------------------------------------------------------------------
 */

void store_images_fini(struct store_images *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->v[i].name);
        free(list->v[i].repository);
        free(list->v[i].tag);
        free(list->v[i].created);
    }
    free(list->v);
    *list = (struct store_images){0};
}

static bool set_names(struct store_image *v, const char *name)
{
    struct source src = {.kind = SOURCE_PATH};
    v->name = strdup(name);
    /* what no longer parses is shown as it is: the others must still be listed */
    bool parsed = source_parse(name, &src, NULL);
    v->repository = parsed ? source_repository(&src) : strdup(name);
    v->tag = strdup(parsed && src.kind == SOURCE_REGISTRY && src.tag ? src.tag : "<none>");
    source_fini(&src);
    return v->name && v->repository && v->tag;
}

/* An image whose blobs are damaged is still listed, with what the index knows. */
static bool list_entry(struct store *s, const struct store_entry *e,
                       const struct store_containers *live, struct store_image *v,
                       struct aw_err *err)
{
    struct image img;
    char *created = NULL;
    const char *top = "";
    memcpy(v->digest, e->source_digest, DIGEST_SIZE);
    memcpy(v->id, e->config_digest, DIGEST_SIZE);
    v->platform = e->platform;
    v->fetched = e->fetched / 1000;
    v->size = e->size;
    bool loaded = image_load(s, e, &img, &created, NULL);
    if (loaded) {
        for (size_t i = 0; i < img.n_layers; i++) {
            v->size += img.layers[i].size;
            v->unpacked += store_layer_bytes(s, s->map.key, img.layers[i].chain_id);
        }
        top = img.layers[img.n_layers - 1].chain_id;
    }
    store_containers_use(live, e->name, top, &v->n_containers);
    if (loaded)
        image_fini(&img);
    v->created = created ? created : strdup("");
    return (set_names(v, e->name) && v->created) || no_memory(err);
}

static bool list_import(struct store *s, const struct rootfs_import *i,
                        const struct store_containers *live, struct store_image *v,
                        struct aw_err *err)
{
    memcpy(v->id, i->config_digest, DIGEST_SIZE);
    v->platform = i->platform;
    v->fetched = i->imported;
    v->size = i->size;
    v->unpacked = store_layer_bytes(s, s->map.key, i->diff_id);
    store_containers_use(live, i->file, i->diff_id, &v->n_containers);
    v->created = strdup("");
    return (set_names(v, i->file) && v->created) || no_memory(err);
}

static int by_name(const void *a, const void *b)
{
    const struct store_image *x = a, *y = b;
    char p[PLATFORM_TEXT], q[PLATFORM_TEXT];
    int c = strcmp(x->name, y->name);
    platform_format(&x->platform, p);
    platform_format(&y->platform, q);
    return c ? c : strcmp(p, q);
}

static bool list_all(struct store *s, const struct store_entries *entries,
                     const struct store_containers *live, struct store_images *list,
                     struct aw_err *err)
{
    _cleanup_strv_ struct strv imports = {0};
    if (!store_list_dir(s, "imports", &imports, err))
        return false;
    if (!(list->v = calloc(entries->n + imports.n + 1, sizeof(*list->v))))
        return no_memory(err);
    for (size_t i = 0; i < entries->n; i++)
        if (!list_entry(s, &entries->v[i], live, &list->v[list->n++], err))
            return false;
    for (size_t i = 0; i < imports.n; i++) {
        struct rootfs_import imp;
        if (!rootfs_import_load(s, imports.v[i], &imp, NULL))
            continue;
        bool ok = list_import(s, &imp, live, &list->v[list->n++], err);
        rootfs_import_fini(&imp);
        if (!ok)
            return false;
    }
    qsort(list->v, list->n, sizeof(*list->v), by_name);
    return true;
}

bool store_list(struct store *s, struct store_images *ret, struct aw_err *err)
{
    struct store_entries entries = {0};
    struct store_containers live = {0};
    struct store_images list = {0};
    bool ok = store_entries_load(s, &entries, err) && store_containers_load(s, &live, err) &&
              list_all(s, &entries, &live, &list, err);
    store_entries_fini(&entries);
    store_containers_fini(&live);
    if (ok)
        *ret = list;
    else
        store_images_fini(&list);
    return ok;
}

/* ---- choosing ----------------------------------------------------------------------------------
 */

void store_choice_fini(struct store_choice *c)
{
    store_entries_fini(&c->entries);
    strv_fini(&c->imports);
}

static bool serves(const struct platform *want, const struct platform *have)
{
    return !want || platform_match(want, have) > 0;
}

/* By what was an entry meant: 0 not at all, 1 by name, 2 by a digest or an ID. */
static int meant(const struct store_entry *e, const struct source *by_source, const char *text)
{
    struct store_entries one = {.v = (struct store_entry *)e, .n = 1};
    if (by_source && store_entries_find(&one, by_source, &e->platform, true))
        return 1;
    if (store_id_match(text, e->config_digest) || store_id_match(text, e->digest) ||
        store_id_match(text, e->source_digest))
        return 2;
    return 0;
}

static bool choose_entries(struct store_choice *c, const struct source *by_source, const char *text,
                           const struct platform *platform, struct aw_err *err)
{
    size_t n = 0;
    int best = 3;
    const char *id = NULL;
    struct store_entries *list = &c->entries;
    /* a name is meant before an ID that looks like it */
    for (size_t i = 0; i < list->n; i++) {
        int how = meant(&list->v[i], by_source, text);
        if (how && how < best)
            best = how;
    }
    for (size_t i = 0; i < list->n; i++) {
        struct store_entry *e = &list->v[i];
        if (meant(e, by_source, text) != best || !serves(platform, &e->platform)) {
            store_entry_fini(e);
            continue;
        }
        if (best == 2 && id && !str_eq(id, e->config_digest)) {
            list->v[n++] = *e;
            for (size_t k = i + 1; k < list->n; k++)
                store_entry_fini(&list->v[k]);
            list->n = n;
            return aw_fail(err, AW_E_ARG, 0, "several images have an ID that begins with %s", text);
        }
        list->v[n++] = *e;
        id = list->v[n - 1].config_digest;
    }
    list->n = n;
    return true;
}

static bool choose_imports(struct store *s, struct store_choice *c, const struct source *by_source,
                           const char *text, struct aw_err *err)
{
    _cleanup_strv_ struct strv names = {0};
    if (!store_list_dir(s, "imports", &names, err))
        return false;
    for (size_t i = 0; i < names.n; i++) {
        struct rootfs_import imp;
        if (!rootfs_import_load(s, names.v[i], &imp, NULL))
            continue;
        bool yes = (by_source && str_eq(by_source->name, imp.file)) || str_eq(text, imp.file) ||
                   (c->entries.n == 0 && store_id_match(text, imp.config_digest));
        rootfs_import_fini(&imp);
        if (yes && !strv_add(&c->imports, names.v[i]))
            return no_memory(err);
    }
    return true;
}

bool store_choose(struct store *s, const char *text, const struct platform *platform,
                  struct store_choice *ret, struct aw_err *err)
{
    struct store_choice c = {0};
    struct source src = {0};
    bool named = source_find(text, &src, NULL) || source_parse(text, &src, NULL);
    bool ok = store_entries_load(s, &c.entries, err) &&
              choose_entries(&c, named ? &src : NULL, text, platform, err) &&
              choose_imports(s, &c, named ? &src : NULL, text, err);
    if (ok && c.entries.n == 0 && c.imports.n == 0) {
        char p[PLATFORM_TEXT] = "";
        if (platform)
            platform_format(platform, p);
        ok = aw_fail(err, AW_E_NOTFOUND, 0, "image %s%s%s is not in the store",
                     named ? src.name : text, platform ? " for " : "", p);
        aw_mend(err, "archway images shows what is there");
    }
    source_fini(&src);
    if (!ok) {
        store_choice_fini(&c);
        return false;
    }
    *ret = c;
    return true;
}

/* ---- inspect -----------------------------------------------------------------------------------
 */

/* The config blob's own "config" object: with the labels and whatever else is in it. */
static void add_config(struct store *s, const struct image *img, struct json_object *o)
{
    struct json_object *config = NULL;
    char path[STORE_BLOB_PATH];
    size_t len;
    store_blob_path(img->config_digest, path);
    _cleanup_free_ char *text = file_load(s->dir_fd, path, JS_MAX_BYTES, &len, NULL);
    _cleanup_js_ struct json_object *all = text ? js_parse(text, len, path, NULL) : NULL;
    if (all && js_get_object(all, "config", &config, NULL) && config)
        js_add(o, "Config", json_object_get(config));
}

static void add_platform(struct json_object *o, const struct platform *p)
{
    js_add_string(o, "Os", p->os);
    js_add_string(o, "Architecture", p->arch);
    js_add_string(o, "Variant", p->variant);
}

/* The names under which the same image is in the store. */
static void add_names(struct json_object *o, const struct store_images *all, const char *id)
{
    struct json_object *tags = js_add(o, "RepoTags", json_object_new_array());
    struct json_object *digests = js_add(o, "RepoDigests", json_object_new_array());
    for (size_t i = 0; i < all->n; i++) {
        const struct store_image *v = &all->v[i];
        if (!str_eq(v->id, id))
            continue;
        if (!str_eq(v->tag, "<none>"))
            js_push_string(tags, v->name);
        if (*v->digest && !str_eq(v->repository, v->name)) {
            _cleanup_free_ char *text = str_printf("%s@%s", v->repository, v->digest);
            if (text)
                js_push_string(digests, text);
        }
    }
}

static struct json_object *inspect_one(struct store *s, const struct store_entry *e,
                                       const struct store_images *all, struct aw_err *err)
{
    struct image img;
    if (!image_load(s, e, &img, NULL, err))
        return NULL;
    struct json_object *o = json_object_new_object();
    js_add_string(o, "Id", e->config_digest);
    js_add_string(o, "Name", e->name);
    add_names(o, all, e->config_digest);
    js_add_string(o, "Digest", e->source_digest);
    js_add_string(o, "ManifestDigest", e->digest);
    if (*e->index_digest)
        js_add_string(o, "IndexDigest", e->index_digest);
    add_platform(o, &e->platform);
    for (size_t i = 0; i < all->n; i++)
        if (str_eq(all->v[i].name, e->name) && str_eq(all->v[i].id, e->config_digest)) {
            js_add_string(o, "Created", all->v[i].created);
            js_add_u64(o, "Fetched", all->v[i].fetched);
            js_add_u64(o, "Size", all->v[i].size);
            js_add_u64(o, "Unpacked", all->v[i].unpacked);
            js_add_u64(o, "Containers", all->v[i].n_containers);
            break;
        }
    add_config(s, &img, o);
    struct json_object *rootfs = js_add(o, "RootFS", json_object_new_object());
    js_add_string(rootfs, "Type", "layers");
    struct json_object *layers = js_add(rootfs, "Layers", json_object_new_array());
    for (size_t i = 0; i < img.n_layers; i++)
        js_push_string(layers, img.layers[i].diff_id);
    image_fini(&img);
    return o;
}

static struct json_object *inspect_import(struct store *s, const char *name, struct aw_err *err)
{
    struct rootfs_import i;
    if (!rootfs_import_load(s, name, &i, err))
        return NULL;
    struct json_object *o = json_object_new_object();
    js_add_string(o, "Id", i.config_digest);
    js_add_string(o, "Name", i.file);
    js_add(o, "RepoTags", json_object_new_array());
    js_add(o, "RepoDigests", json_object_new_array());
    add_platform(o, &i.platform);
    js_add_u64(o, "Fetched", i.imported);
    js_add_u64(o, "Size", i.size);
    js_add_u64(o, "Unpacked", store_layer_bytes(s, s->map.key, i.diff_id));
    struct json_object *rootfs = js_add(o, "RootFS", json_object_new_object());
    js_add_string(rootfs, "Type", "layers");
    js_push_string(js_add(rootfs, "Layers", json_object_new_array()), i.diff_id);
    rootfs_import_fini(&i);
    return o;
}

/* Of several platforms of a name: the host's, else the first. */
static const struct store_entry *preferred(const struct store_entries *list)
{
    struct platform host;
    platform_host(&host);
    for (size_t i = 0; i < list->n; i++)
        if (platform_match(&host, &list->v[i].platform) > 0)
            return &list->v[i];
    return &list->v[0];
}

struct json_object *store_inspect(struct store *s, const char *name,
                                  const struct platform *platform, struct aw_err *err)
{
    struct store_choice c;
    struct store_images all = {0};
    struct json_object *o = NULL;
    if (!store_choose(s, name, platform, &c, err))
        return NULL;
    if (c.entries.n == 0)
        o = inspect_import(s, c.imports.v[0], err);
    else if (store_list(s, &all, err))
        o = inspect_one(s, preferred(&c.entries), &all, err);
    store_images_fini(&all);
    store_choice_fini(&c);
    return o;
}
