/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's index.json: an OCI image index whose entries carry, as annotations, what Archway
 * knows of where an image came from. Only Archway writes it, under index.lock, and always as a
 * whole.
 *
 * Invariants:
 * 1. At most one entry has a given name and platform.
 * 2. What is read back is checked like a stranger's: digests valid, names parseable.
 */
#include "image/oci.h"
#include "image/store_private.h"

#include "base/file.h"
#include "codec/js.h"

#include <sys/file.h>

#define NOTE "dev.archway."
#define NOTE_NAME "org.opencontainers.image.ref.name"

void store_entry_fini(struct store_entry *e)
{
    free(e->name);
    free(e->signature);
    *e = (struct store_entry){0};
}

void store_entries_fini(struct store_entries *list)
{
    for (size_t i = 0; i < list->n; i++)
        store_entry_fini(&list->v[i]);
    free(list->v);
    *list = (struct store_entries){0};
}

/* An annotation that is a digest, or absent. */
static bool get_digest(struct json_object *notes, const char *key, char ret[DIGEST_SIZE],
                       struct aw_err *err)
{
    const char *text = "";
    if (!js_get_string(notes, key, &text, err))
        return false;
    if (*text && !digest_valid(text))
        return aw_fail(err, AW_E_PARSE, 0, "\"%s\" is no digest", key);
    snprintf(ret, DIGEST_SIZE, "%s", text);
    return true;
}

static bool read_notes(struct json_object *notes, struct store_entry *e, struct aw_err *err)
{
    const char *name = NULL, *signature = "", *only = "", *asked = "", *fetched = "0";
    unsigned long long when = 0;
    if (!js_get_string(notes, NOTE_NAME, &name, err) ||
        !js_get_string(notes, NOTE "signature", &signature, err) ||
        !js_get_string(notes, NOTE "only", &only, err) ||
        !js_get_string(notes, NOTE "asked", &asked, err) ||
        !js_get_string(notes, NOTE "fetched", &fetched, err) ||
        !get_digest(notes, NOTE "config", e->config_digest, err) ||
        !get_digest(notes, NOTE "source-digest", e->source_digest, err) ||
        !get_digest(notes, NOTE "index-digest", e->index_digest, err))
        return false;
    if (!name || !*e->config_digest)
        return aw_fail(err, AW_E_PARSE, 0, "it lacks an annotation of Archway");
    str_to_u64(fetched, 0, UINT64_MAX, &when);
    e->fetched = when;
    e->only = str_eq(only, "yes");
    snprintf(e->asked, sizeof(e->asked), "%s", asked);
    e->name = strdup(name);
    e->signature = strdup(signature);
    return (e->name && e->signature) || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

static bool read_entry(struct json_object *o, struct store_entry *e, struct aw_err *err)
{
    const char *digest = "", *os = "", *arch = "", *variant = "";
    struct json_object *platform = NULL, *notes = NULL;
    if (!js_get_string(o, "digest", &digest, err) || !js_get_u64(o, "size", &e->size, err) ||
        !js_get_object(o, "platform", &platform, err) ||
        !js_get_object(o, "annotations", &notes, err))
        return false;
    if (!digest_valid(digest) || !platform || !notes || e->size > OCI_MAX_JSON)
        return aw_fail(err, AW_E_PARSE, 0, "it is no entry of Archway's");
    memcpy(e->digest, digest, DIGEST_SIZE);
    if (!js_get_string(platform, "os", &os, err) ||
        !js_get_string(platform, "architecture", &arch, err) ||
        !js_get_string(platform, "variant", &variant, err))
        return false;
    platform_set(&e->platform, os, arch, variant);
    return read_notes(notes, e, err);
}

static bool parse_index(const char *text, size_t len, struct store_entries *list,
                        struct aw_err *err)
{
    struct json_object *a = NULL;
    _cleanup_js_ struct json_object *o = js_parse(text, len, "index.json", err);
    if (!o)
        return false;
    if (!js_get_array(o, "manifests", &a, err))
        return aw_context(err, "index.json");
    size_t n = a ? json_object_array_length(a) : 0;
    if (!(list->v = calloc(n + 1, sizeof(*list->v)))) /* room for one more: store_entry_put */
        return aw_fail(err, AW_E_NOMEM, 0, "index.json: out of memory");
    for (size_t i = 0; i < n; i++) {
        struct store_entry *e = &list->v[list->n++];
        if (!read_entry(json_object_array_get_idx(a, i), e, err))
            return aw_context(err, "index.json: entry %zu", i);
    }
    return true;
}

bool store_entries_load(struct store *s, struct store_entries *ret, struct aw_err *err)
{
    struct aw_err why = AW_ERR_INIT;
    struct store_entries list = {0};
    size_t len = 0;
    _cleanup_free_ char *text = file_load(s->dir_fd, "index.json", JS_MAX_BYTES, &len, &why);
    if (!text && why.code != AW_E_NOTFOUND) {
        if (err)
            *err = why;
        return aw_context(err, "image store %s", s->path);
    }
    if (!parse_index(text ? text : "{}", text ? len : 2, &list, err)) {
        store_entries_fini(&list);
        aw_context(err, "image store %s", s->path);
        return aw_mend(err, "rm %s/index.json (images are then fetched again; their blobs stay)",
                       s->path);
    }
    *ret = list;
    return true;
}

static void add_entry(struct json_object *array, const struct store_entry *e)
{
    char number[24];
    struct json_object *o = js_push(array, json_object_new_object());
    js_add_string(o, "mediaType", OCI_MT_MANIFEST);
    js_add_string(o, "digest", e->digest);
    js_add_u64(o, "size", e->size);
    struct json_object *p = js_add(o, "platform", json_object_new_object());
    js_add_string(p, "architecture", e->platform.arch);
    js_add_string(p, "os", e->platform.os);
    if (*e->platform.variant)
        js_add_string(p, "variant", e->platform.variant);
    struct json_object *notes = js_add(o, "annotations", json_object_new_object());
    js_add_string(notes, NOTE_NAME, e->name);
    js_add_string(notes, NOTE "config", e->config_digest);
    js_add_string(notes, NOTE "source-digest", e->source_digest);
    if (*e->index_digest)
        js_add_string(notes, NOTE "index-digest", e->index_digest);
    if (*e->signature)
        js_add_string(notes, NOTE "signature", e->signature);
    if (*e->asked)
        js_add_string(notes, NOTE "asked", e->asked);
    if (e->only)
        js_add_string(notes, NOTE "only", "yes");
    snprintf(number, sizeof(number), "%llu", (unsigned long long)e->fetched);
    js_add_string(notes, NOTE "fetched", number);
}

static bool save(struct store *s, const struct store_entries *list, struct aw_err *err)
{
    _cleanup_js_ struct json_object *o = json_object_new_object();
    js_add_u64(o, "schemaVersion", 2);
    js_add_string(o, "mediaType", OCI_MT_INDEX);
    struct json_object *a = js_add(o, "manifests", json_object_new_array());
    for (size_t i = 0; i < list->n; i++)
        if (list->v[i].name)
            add_entry(a, &list->v[i]);
    const char *text = js_text_pretty(o);
    if (strlen(text) > JS_MAX_BYTES) {
        aw_fail(err, AW_E_LIMIT, 0, "image store %s: the index is full", s->path);
        return aw_mend(err, "archway prune --all");
    }
    return file_replace(s->dir_fd, "index.json", text, strlen(text), 0600, err);
}

static bool same_platform(const struct platform *a, const struct platform *b)
{
    return str_eq(a->os, b->os) && str_eq(a->arch, b->arch) && str_eq(a->variant, b->variant);
}

bool store_entry_put(struct store *s, const struct store_entry *e, struct aw_err *err)
{
    struct store_entries list = {0};
    _cleanup_close_ int lock = store_lock_wait(s, "index.lock", LOCK_EX, "the index", NULL, err);
    if (lock < 0 || !store_entries_load(s, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++)
        if (str_eq(list.v[i].name, e->name) && same_platform(&list.v[i].platform, &e->platform)) {
            store_entry_fini(&list.v[i]);
            list.v[i] = list.v[--list.n];
            break;
        }
    list.v[list.n++] = *e; /* lent until it is saved */
    bool ok = save(s, &list, err);
    list.n--;
    store_entries_fini(&list);
    return ok;
}

bool store_entries_drop(struct store *s, bool (*match)(const struct store_entry *e, void *arg),
                        void *arg, struct aw_err *err)
{
    struct store_entries list = {0};
    bool changed = false;
    _cleanup_close_ int lock = store_lock_wait(s, "index.lock", LOCK_EX, "the index", NULL, err);
    if (lock < 0 || !store_entries_load(s, &list, err))
        return false;
    for (size_t i = 0; i < list.n;)
        if (match(&list.v[i], arg)) {
            store_entry_fini(&list.v[i]);
            list.v[i] = list.v[--list.n];
            changed = true;
        } else {
            i++;
        }
    bool ok = !changed || save(s, &list, err);
    store_entries_fini(&list);
    return ok;
}

/* ---- looking up --------------------------------------------------------------------------------
 */

static bool name_matches(const struct store_entry *e, const struct source *src)
{
    if (src->kind != SOURCE_REGISTRY || !*src->digest)
        return str_eq(e->name, src->name);
    if (!str_eq(src->digest, e->digest) && !str_eq(src->digest, e->source_digest) &&
        !str_eq(src->digest, e->index_digest))
        return false;
    /* a digest names the content, but only this repository has vouched for it */
    _cleanup_free_ char *repo = source_repository(src);
    size_t n = repo ? strlen(repo) : 0;
    return n > 0 && strncmp(e->name, repo, n) == 0 && (e->name[n] == ':' || e->name[n] == '@');
}

const struct store_entry *store_entries_find(const struct store_entries *list,
                                             const struct source *src, const struct platform *want,
                                             bool any)
{
    const struct store_entry *best = NULL, *last = NULL;
    struct platform host;
    char asked[PLATFORM_TEXT];
    int best_score = 0;
    size_t n = 0;
    platform_host(&host);
    platform_format(want ? want : &host, asked);
    for (size_t i = 0; i < list->n; i++) {
        const struct store_entry *e = &list->v[i];
        if (!name_matches(e, src))
            continue;
        int score = platform_match(want ? want : &host, &e->platform);
        /* a lower variant serves only where the source was seen to have no better one */
        if (score > 0 && score < 1000 && !e->only && !any && !str_eq(e->asked, asked))
            score = 0;
        if (score == 0 && !want && e->only)
            score = 1;
        if (score > best_score) {
            best = e;
            best_score = score;
        }
        last = e;
        n++;
    }
    return !best && any && !want && n == 1 ? last : best;
}

bool store_id_like(const char *text)
{
    const char *hex = str_starts(text, "sha256:") ? text + 7 : text;
    size_t n = strlen(hex);
    return n >= 6 && n <= DIGEST_HEX && strspn(hex, "0123456789abcdef") == n;
}

bool store_id_match(const char *text, const char *id)
{
    return store_id_like(text) && *id &&
           str_starts(digest_hex(id), str_starts(text, "sha256:") ? text + 7 : text);
}
