/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing image indexes, manifests and configs, of OCI and of Docker (schema 2).
 *
 * Invariants:
 * 1. A digest that leaves this file is valid: nothing else becomes part of a path.
 * 2. A manifest that leaves this file has layer media types that can be unpacked, at most
 *    OCI_MAX_LAYERS of them, and sizes within the limits.
 * 3. A document with the members of both an index and a manifest is refused: two readers could see
 *    two images in it (the OCI image specification warns of it).
 * Left out: signatures, attestations, annotations, nested indexes (told, not followed).
 */
#include "image/oci.h"

#include "base/buf.h"
#include "codec/js.h"

#include <json-c/json.h>

static bool no_memory(struct aw_err *err)
{
    return aw_fail(err, AW_E_NOMEM, 0, "image: out of memory");
}

static bool is_index_type(const char *mt)
{
    return str_eq(mt, OCI_MT_INDEX) ||
           str_eq(mt, "application/vnd.docker.distribution.manifest.list.v2+json");
}

static bool is_manifest_type(const char *mt)
{
    return str_eq(mt, OCI_MT_MANIFEST) ||
           str_eq(mt, "application/vnd.docker.distribution.manifest.v2+json");
}

static const struct {
    const char *type; /* of a layer; any compression: the unpacker looks at the bytes */
    bool foreign;     /* need not be where the image is */
} layer_types[] = {
    {"application/vnd.oci.image.layer.v1.tar", false},
    {"application/vnd.oci.image.layer.v1.tar+gzip", false},
    {"application/vnd.oci.image.layer.v1.tar+zstd", false},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", true},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", true},
    {"application/vnd.docker.image.rootfs.diff.tar", false},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip", false},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd", false},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar", true},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true},
};

static bool has(struct json_object *o, const char *key)
{
    return json_object_object_get_ex(o, key, NULL);
}

static struct json_object *parse_object(const char *text, size_t len, const char *what,
                                        struct aw_err *err)
{
    if (len > OCI_MAX_JSON) {
        aw_fail(err, AW_E_LIMIT, 0, "image %s: %zu bytes, at most 4 MiB are accepted", what, len);
        return NULL;
    }
    struct json_object *o = js_parse(text, len, what, err);
    if (o && !json_object_is_type(o, json_type_object)) {
        json_object_put(o);
        aw_fail(err, AW_E_PARSE, 0, "image %s: it is no JSON object", what);
        return NULL;
    }
    return o;
}

static bool kind_of(struct json_object *o, enum oci_kind *ret, struct aw_err *err)
{
    const char *mt = "";
    uint64_t version = 2;
    if (!js_get_string(o, "mediaType", &mt, err) || !js_get_u64(o, "schemaVersion", &version, err))
        return aw_context(err, "image manifest");
    bool index = has(o, "manifests"), manifest = has(o, "layers") || has(o, "config");
    if (index && manifest)
        return aw_fail(err, AW_E_PARSE, 0,
                       "image manifest: it has the members of an index and of a manifest");
    if (version == 1 && has(o, "fsLayers")) {
        *ret = OCI_SCHEMA1;
        return true;
    }
    if (version != 2)
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "image manifest: schema version %llu is not known",
                       (unsigned long long)version);
    if (*mt ? is_index_type(mt) && index : index)
        *ret = OCI_INDEX;
    else if (*mt ? is_manifest_type(mt) && manifest : manifest)
        *ret = OCI_MANIFEST;
    else
        return aw_fail(err, AW_E_UNSUPPORTED, 0,
                       "image manifest: \"%.120s\" is no image: neither an index nor a manifest",
                       *mt ? mt : "(no media type)");
    return true;
}

bool oci_kind_of(const char *text, size_t len, enum oci_kind *ret, struct aw_err *err)
{
    _cleanup_js_ struct json_object *o = parse_object(text, len, "manifest", err);
    return o && kind_of(o, ret, err);
}

/* ---- descriptors -------------------------------------------------------------------------------
 */

static bool get_platform(struct json_object *o, struct oci_descriptor *d, struct aw_err *err)
{
    struct json_object *p = NULL;
    const char *os = "", *arch = "", *variant = "";
    if (!js_get_object(o, "platform", &p, err))
        return false;
    if (!p)
        return true;
    if (!js_get_string(p, "os", &os, err) || !js_get_string(p, "architecture", &arch, err) ||
        !js_get_string(p, "variant", &variant, err))
        return aw_context(err, "platform");
    platform_set(&d->platform, os, arch, variant);
    d->has_platform = *arch != '\0';
    return true;
}

/* what: "config", "layer 3". On failure d holds nothing that needs freeing. */
static bool get_descriptor(struct json_object *o, const char *what, uint64_t limit,
                           struct oci_descriptor *d, struct aw_err *err)
{
    const char *mt = "", *digest = "";
    uint64_t size = UINT64_MAX;
    *d = (struct oci_descriptor){0};
    if (!js_get_string(o, "mediaType", &mt, err) || !js_get_string(o, "digest", &digest, err) ||
        !js_get_u64(o, "size", &size, err) || !get_platform(o, d, err))
        return aw_context(err, "%s", what);
    if (!digest_valid(digest)) {
        bool other = strchr(digest, ':') && !str_starts(digest, "sha256:");
        return aw_fail(err, other ? AW_E_UNSUPPORTED : AW_E_PARSE, 0, "%s: digest \"%.100s\" %s",
                       what, digest,
                       other ? "is not sha256, the only kind that is supported" : "is not valid");
    }
    if (size == UINT64_MAX)
        return aw_fail(err, AW_E_PARSE, 0, "%s: it has no size", what);
    if (size > limit)
        return aw_fail(err, AW_E_LIMIT, 0, "%s: %llu bytes, at most %llu are accepted", what,
                       (unsigned long long)size, (unsigned long long)limit);
    memcpy(d->digest, digest, DIGEST_SIZE);
    d->size = size;
    d->media_type = strdup(mt);
    return d->media_type ? true : no_memory(err);
}

/* ---- index -------------------------------------------------------------------------------------
 */

void oci_index_fini(struct oci_index *x)
{
    for (size_t i = 0; i < x->n; i++)
        free(x->v[i].media_type);
    free(x->v);
    *x = (struct oci_index){0};
}

/* Attestations (buildx marks them unknown/unknown) and nested indexes are no images to choose. */
static bool is_choice(const struct oci_descriptor *d)
{
    if (*d->media_type && !is_manifest_type(d->media_type))
        return false;
    return !(d->has_platform &&
             (str_eq(d->platform.os, "unknown") || str_eq(d->platform.arch, "unknown")));
}

static bool index_entries(struct json_object *o, struct oci_index *x, struct aw_err *err)
{
    struct json_object *a = NULL;
    if (!js_get_array(o, "manifests", &a, err))
        return false;
    size_t n = a ? json_object_array_length(a) : 0;
    if (n > OCI_MAX_INDEX)
        return aw_fail(err, AW_E_LIMIT, 0, "%zu entries, at most %d are accepted", n,
                       OCI_MAX_INDEX);
    if (!(x->v = calloc(n + 1, sizeof(*x->v))))
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        char what[32];
        struct oci_descriptor d;
        snprintf(what, sizeof(what), "entry %zu", i);
        /* the size is that of a nested document of any kind: only a choice is held to the limit */
        if (!get_descriptor(json_object_array_get_idx(a, i), what, OCI_MAX_BLOB, &d, err))
            return false;
        if (is_choice(&d) && d.size <= OCI_MAX_JSON) {
            x->v[x->n++] = d;
        } else {
            free(d.media_type);
            x->n_skipped++;
        }
    }
    return true;
}

bool oci_parse_index(const char *text, size_t len, struct oci_index *ret, struct aw_err *err)
{
    _cleanup_js_ struct json_object *o = parse_object(text, len, "index", err);
    enum oci_kind kind;
    struct oci_index x = {0};
    if (!o || !kind_of(o, &kind, err))
        return false;
    if (kind != OCI_INDEX)
        return aw_fail(err, AW_E_PARSE, 0, "image index: it is a manifest");
    if (!index_entries(o, &x, err)) {
        oci_index_fini(&x);
        return aw_context(err, "image index");
    }
    *ret = x;
    return true;
}

/* "linux/amd64, linux/arm/v7" */
static void list_platforms(const struct oci_index *x, struct buf *b)
{
    for (size_t i = 0; i < x->n && i < 40; i++) {
        char text[PLATFORM_TEXT] = "unnamed";
        if (x->v[i].has_platform)
            platform_format(&x->v[i].platform, text);
        buf_addf(b, "%s%s", i ? ", " : "", text);
    }
    if (x->n == 0)
        buf_adds(b, "no image that can be run");
}

const struct oci_descriptor *oci_choose(const struct oci_index *x, const struct platform *want,
                                        const char *name, struct aw_err *err)
{
    struct platform host;
    const struct oci_descriptor *best = NULL;
    int best_score = 0;
    platform_host(&host);
    for (size_t i = 0; i < x->n; i++) {
        int score =
            x->v[i].has_platform ? platform_match(want ? want : &host, &x->v[i].platform) : 0;
        if (score > best_score) {
            best = &x->v[i];
            best_score = score;
        }
    }
    if (best)
        return best;
    if (x->n == 1 && (!want || !x->v[0].has_platform))
        return &x->v[0];
    _cleanup_buf_ struct buf list = {0};
    char text[PLATFORM_TEXT];
    platform_format(want ? want : &host, text);
    list_platforms(x, &list);
    aw_fail(err, AW_E_NOTFOUND, 0, "image %s is not there for %s; it is for: %s", name, text,
            buf_str(&list));
    if (x->n > 0)
        aw_mend(err, "choose one of them by --platform");
    return NULL;
}

/* ---- manifest ----------------------------------------------------------------------------------
 */

void oci_manifest_fini(struct oci_manifest *m)
{
    for (size_t i = 0; i < m->n_layers; i++)
        free(m->layers[i].media_type);
    free(m->layers);
    free(m->config.media_type);
    free(m->media_type);
    *m = (struct oci_manifest){0};
}

static bool check_layer_type(struct oci_descriptor *d, const char *what, struct aw_err *err)
{
    for (size_t i = 0; i < AW_LEN(layer_types); i++)
        if (str_eq(d->media_type, layer_types[i].type)) {
            d->foreign = layer_types[i].foreign;
            return true;
        }
    if (str_ends(d->media_type, "+encrypted"))
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "%s is encrypted, which is not supported", what);
    return aw_fail(err, AW_E_UNSUPPORTED, 0, "%s: media type \"%.120s\" is not known", what,
                   d->media_type);
}

static bool check_config_type(const char *mt, struct aw_err *err)
{
    if (str_eq(mt, OCI_MT_CONFIG) || str_eq(mt, "application/vnd.docker.container.image.v1+json"))
        return true;
    return aw_fail(err, AW_E_UNSUPPORTED, 0,
                   "it is no container image but an artifact of type \"%.120s\"", mt);
}

static bool manifest_members(struct json_object *o, struct oci_manifest *m, struct aw_err *err)
{
    struct json_object *config = NULL, *layers = NULL;
    const char *mt = "";
    if (!js_get_string(o, "mediaType", &mt, err) || !js_get_object(o, "config", &config, err) ||
        !js_get_array(o, "layers", &layers, err))
        return false;
    if (!config)
        return aw_fail(err, AW_E_PARSE, 0, "it has no config");
    if (!(m->media_type = strdup(mt)))
        return no_memory(err);
    if (!get_descriptor(config, "config", OCI_MAX_JSON, &m->config, err) ||
        !check_config_type(m->config.media_type, err))
        return false;
    size_t n = layers ? json_object_array_length(layers) : 0;
    if (n == 0)
        return aw_fail(err, AW_E_PARSE, 0, "it has no layers");
    if (n > OCI_MAX_LAYERS)
        return aw_fail(err, AW_E_LIMIT, 0, "%zu layers, at most %d are accepted", n,
                       OCI_MAX_LAYERS);
    if (!(m->layers = calloc(n, sizeof(*m->layers))))
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        char what[32];
        snprintf(what, sizeof(what), "layer %zu", i + 1);
        if (!get_descriptor(json_object_array_get_idx(layers, i), what, OCI_MAX_BLOB, &m->layers[i],
                            err))
            return false;
        m->n_layers++;
        if (!check_layer_type(&m->layers[i], what, err))
            return false;
    }
    return true;
}

bool oci_parse_manifest(const char *text, size_t len, struct oci_manifest *ret, struct aw_err *err)
{
    _cleanup_js_ struct json_object *o = parse_object(text, len, "manifest", err);
    enum oci_kind kind;
    struct oci_manifest m = {0};
    if (!o || !kind_of(o, &kind, err))
        return false;
    if (kind != OCI_MANIFEST)
        return aw_fail(err, AW_E_PARSE, 0, "image manifest: it is %s",
                       kind == OCI_INDEX ? "an index" : "of Docker's schema 1");
    if (!manifest_members(o, &m, err)) {
        oci_manifest_fini(&m);
        return aw_context(err, "image manifest");
    }
    *ret = m;
    return true;
}

/* ---- config ------------------------------------------------------------------------------------
 */

void image_config_fini(struct image_config *c)
{
    strv_fini(&c->env);
    strv_fini(&c->entrypoint);
    strv_fini(&c->cmd);
    strv_fini(&c->volumes);
    strv_fini(&c->ports);
    free(c->user);
    free(c->workdir);
    free(c->stop_signal);
    *c = (struct image_config){0};
}

void oci_config_fini(struct oci_config *c)
{
    image_config_fini(&c->config);
    strv_fini(&c->diff_ids);
    free(c->created);
    *c = (struct oci_config){0};
}

/* The member names of an object ({"/data": {}}). */
static bool get_keys(struct json_object *o, const char *key, struct strv *ret, struct aw_err *err)
{
    struct json_object *m = NULL;
    if (!js_get_object(o, key, &m, err))
        return false;
    if (!m)
        return true;
    json_object_object_foreach(m, name, value)
    {
        (void)value;
        if (*name && !strv_add(ret, name))
            return no_memory(err);
    }
    return true;
}

static bool get_text(struct json_object *o, const char *key, char **ret, struct aw_err *err)
{
    const char *text = "";
    if (o && !js_get_string(o, key, &text, err))
        return false;
    *ret = strdup(text);
    return *ret ? true : no_memory(err);
}

/* Environment entries without a name or a "=" can be set by nobody: they are dropped. */
static bool get_env(struct json_object *o, struct strv *ret, struct aw_err *err)
{
    _cleanup_strv_ struct strv all = {0};
    if (!js_get_strv(o, "Env", &all, err))
        return false;
    for (size_t i = 0; i < all.n; i++)
        if (strchr(all.v[i], '=') && all.v[i][0] != '=' && !strv_add(ret, all.v[i]))
            return no_memory(err);
    return true;
}

static bool get_exec(struct json_object *o, struct image_config *c, struct aw_err *err)
{
    struct json_object *m = NULL;
    if (!js_get_object(o, "config", &m, err))
        return false;
    if (!get_text(m, "User", &c->user, err) || !get_text(m, "WorkingDir", &c->workdir, err) ||
        !get_text(m, "StopSignal", &c->stop_signal, err))
        return aw_context(err, "config");
    if (m && (!get_env(m, &c->env, err) || !js_get_strv(m, "Entrypoint", &c->entrypoint, err) ||
              !js_get_strv(m, "Cmd", &c->cmd, err) || !get_keys(m, "Volumes", &c->volumes, err) ||
              !get_keys(m, "ExposedPorts", &c->ports, err)))
        return aw_context(err, "config");
    return true;
}

static bool config_members(struct json_object *o, struct oci_config *c, struct aw_err *err)
{
    const char *os = "", *arch = "", *variant = "";
    struct json_object *rootfs = NULL;
    if (!js_get_string(o, "os", &os, err) || !js_get_string(o, "architecture", &arch, err) ||
        !js_get_string(o, "variant", &variant, err) || !get_text(o, "created", &c->created, err) ||
        !js_get_object(o, "rootfs", &rootfs, err) || !get_exec(o, &c->config, err))
        return false;
    platform_set(&c->platform, os, arch, variant);
    if (!rootfs)
        return aw_fail(err, AW_E_PARSE, 0, "it has no rootfs");
    if (!js_get_strv(rootfs, "diff_ids", &c->diff_ids, err))
        return false;
    if (c->diff_ids.n > OCI_MAX_LAYERS)
        return aw_fail(err, AW_E_LIMIT, 0, "%zu layers, at most %d are accepted", c->diff_ids.n,
                       OCI_MAX_LAYERS);
    for (size_t i = 0; i < c->diff_ids.n; i++)
        if (!digest_valid(c->diff_ids.v[i]))
            return aw_fail(err, AW_E_PARSE, 0, "diff_id %zu: \"%.100s\" is no sha256 digest", i + 1,
                           c->diff_ids.v[i]);
    return true;
}

bool oci_parse_config(const char *text, size_t len, struct oci_config *ret, struct aw_err *err)
{
    _cleanup_js_ struct json_object *o = parse_object(text, len, "config", err);
    struct oci_config c = {0};
    if (!o)
        return false;
    if (!config_members(o, &c, err)) {
        oci_config_fini(&c);
        return aw_context(err, "image config");
    }
    *ret = c;
    return true;
}

void oci_chain_id(const char *below, const char *diff_id, char ret[DIGEST_SIZE])
{
    char text[2 * DIGEST_SIZE];
    if (!below || !*below) {
        memcpy(ret, diff_id, DIGEST_SIZE);
        return;
    }
    snprintf(text, sizeof(text), "%s %s", below, diff_id);
    digest_of(text, strlen(text), ret);
}
