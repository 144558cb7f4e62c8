/* SPDX-License-Identifier: Apache-2.0
 *
 * Fetching with skopeo, which knows registries, credentials, mirrors and the archive formats.
 * Archway chooses the platform itself (skopeo would take the host's) and writes its own index
 * (parallel skopeo copies into one layout lose tags).
 *
 * The steps: look at the raw manifest or index; choose; for a registry look at the chosen manifest
 * too, so that what would be refused is refused before it is downloaded; copy by digest into a
 * layout in staging/ whose blobs folder is the store's; verify what came.
 *
 * Invariants:
 * 1. skopeo writes a blob into its layout in staging/ and renames it when complete and verified: an
 *    interrupted fetch leaves whole blobs, which the next one finds, and nothing partial.
 * 2. Nothing that skopeo brings is believed: manifest and config are hashed here, layers when they
 * are unpacked.
 * 3. A digest that was asked for is the digest of the bytes that were looked at.
 * The user's containers configuration (registries.conf, auth.json, policy.json) applies unchanged.
 */
#include "image/fetch.h"

#include "image/oci.h"

#include "base/file.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#define LOOK_MS 120000  /* for one look at a manifest */
#define STALL_MS 300000 /* a copy that brings nothing for so long has hung */

struct fetch {
    struct store *s;
    const struct source *src;
    const struct image_request *req;
    struct oci_descriptor pick;   /* the chosen manifest at the source; media_type is not owned */
    bool by_index;                /* the source has an index */
    bool only;                    /* with one image in it */
    char raw_digest[DIGEST_SIZE]; /* of what the name stands for: the index, or pick's */
    struct oci_manifest manifest; /* of pick, where it was looked at; else empty */
    struct buf raw;               /* its text */
    struct store_stage stage;     /* skopeo's working folder */
    uint64_t seen, total;         /* bytes that have come, and of all layers; for progress */
    uint64_t seen_ms, told_ms;    /* when seen changed, when it was told */
    bool no_auth;                 /* skopeo may not read its usual auth.json: see run_authfile */
    bool stalled;                 /* nothing came for STALL_MS */
};

/* ---- what skopeo says when it fails ------------------------------------------------------------
 */

static const struct {
    const char *words; /* in skopeo's message */
    enum aw_code code;
    const char *mend; /* "" where the message says it all */
} faults[] = {
    {"policy.json: no such file", AW_E_NOTFOUND,
     "sudo apt install golang-github-containers-common (it brings /etc/containers/policy.json, "
     "which "
     "says whose images are trusted)"},
    {"policy.json", AW_E_PERM, "see containers-policy.json(5)"},
    {"server gave HTTP response to HTTPS client", AW_E_PERM,
     "if this registry is to be trusted without TLS: --tls-verify=false, or insecure = true for it "
     "in /etc/containers/registries.conf"},
    {"x509:", AW_E_PERM,
     "put its certificate into /etc/containers/certs.d/HOST/, or use --tls-verify=false"},
    {"manifest unknown", AW_E_NOTFOUND, "check the name and the tag"},
    {"name unknown", AW_E_NOTFOUND, "check the name"},
    {"repository name not known", AW_E_NOTFOUND, "check the name"},
    {"toomanyrequests", AW_E_LIMIT,
     "the registry limits anonymous pulls: wait, or log in by skopeo login HOST"},
    {"unauthorized", AW_E_PERM,
     "check the name (registries say this of unknown ones too), or log in by skopeo login HOST"},
    {"access to the resource is denied", AW_E_PERM,
     "check the name (registries say this of unknown ones too), or log in by skopeo login HOST"},
    {"no such host", AW_E_IO, "check the registry's name and the network (DNS)"},
    {"connection refused", AW_E_IO, "check the registry's address; nothing listens there"},
    {"i/o timeout", AW_E_IO, "check the network"},
    {"network is unreachable", AW_E_IO, "check the network"},
    {"docker.sock", AW_E_IO, "start Docker, or take the image from elsewhere"},
    {"no descriptor found for reference", AW_E_NOTFOUND, "check the tag"},
    {"Tag not found", AW_E_NOTFOUND, "check the name and the tag"},
    {"does not resolve to an image ID", AW_E_NOTFOUND, "podman images shows what is there"},
    {"no space left on device", AW_E_LIMIT, "make room on the disk, e.g. archway prune"},
};

/* The text of skopeo's last msg="..." (quotes and backslashes undone), or its last line. */
static char *last_message(const char *text)
{
    const char *at = NULL;
    for (const char *p = text; (p = strstr(p, " msg=\"")); p += 6)
        at = p + 6;
    if (!at) {
        const char *end = text + strlen(text);
        while (end > text && (end[-1] == '\n' || end[-1] == ' '))
            end--;
        const char *begin = end;
        while (begin > text && begin[-1] != '\n')
            begin--;
        return strndup(begin, (size_t)(end - begin));
    }
    char *out = malloc(strlen(at) + 1), *o = out;
    for (; out && *at && *at != '"' && *at != '\n'; at++) {
        bool escaped = *at == '\\' && at[1];
        at += escaped;
        *o++ = escaped && (*at == 'n' || *at == 't') ? ' ' : *at;
    }
    if (out)
        *o = '\0';
    return out;
}

static bool explain(const struct source *src, const struct spawn_result *r, struct aw_err *err)
{
    _cleanup_free_ char *said = last_message(buf_str(&r->err_text));
    if (!said)
        return aw_fail(err, AW_E_NOMEM, 0, "fetch %s: out of memory", src->name);
    /* skopeo blames the name first, whatever the matter is */
    char *matter = str_starts(said, "Error parsing image name \"") ? strstr(said, "\": ") : NULL;
    if (matter)
        memmove(said, matter + 3, strlen(matter + 3) + 1);
    for (size_t i = 0; i < AW_LEN(faults); i++)
        if (strstr(said, faults[i].words)) {
            aw_fail(err, faults[i].code, 0, "fetch %s: %.800s", src->name, said);
            return aw_mend(err, "%s", faults[i].mend);
        }
    return aw_fail(err, AW_E_CHILD, 0, "fetch %s: skopeo: %.800s", src->name,
                   *said ? said : "it failed without a word");
}

/* Run skopeo; its output stays in *ret. */
static bool skopeo(struct fetch *f, struct spawn *p, struct spawn_result *ret, struct aw_err *err)
{
    p->limit = OCI_MAX_JSON + 1;
    if (!spawn_run(p, ret, err)) {
        if (err && err->code == AW_E_NOTFOUND) {
            aw_fail(err, AW_E_NOTFOUND, 0, "fetch %s: the program skopeo is missing", f->src->name);
            return aw_mend(err, "sudo apt install skopeo");
        }
        return aw_context(err, "fetch %s", f->src->name);
    }
    return ret->status == 0 || explain(f->src, ret, err);
}

/* Without XDG_RUNTIME_DIR skopeo looks for credentials in /run/containers/UID, and fails where
 * root's podman has closed that folder to others. Nothing can be in it for us then: point skopeo to
 * an empty file (it looks at the other places, as ~/.docker/config.json, all the same). */
static bool run_authfile(struct fetch *f, const struct spawn_result *r)
{
    const char *said = buf_str(&r->err_text);
    if (f->no_auth || f->stage.fd < 0 || !strstr(said, "auth.json: permission denied"))
        return false;
    f->no_auth = file_replace(f->stage.fd, "auth.json", "{}", 2, 0600, NULL);
    return f->no_auth;
}

/* ---- looking -----------------------------------------------------------------------------------
 */

static bool look_args(struct fetch *f, const char *pin, bool config, struct strv *a)
{
    bool registry = f->src->kind == SOURCE_REGISTRY;
    bool ok = strv_add(a, "skopeo") && strv_addf(a, "--tmpdir=%s/staging", f->s->path) &&
              strv_add(a, "inspect") && strv_add(a, "--raw");
    if (config)
        ok = ok && strv_add(a, "--config");
    if (registry)
        ok = ok && strv_add(a, "--retry-times=2");
    if (registry && f->req->insecure)
        ok = ok && strv_add(a, "--tls-verify=false");
    if (f->no_auth)
        ok = ok && strv_addf(a, "--authfile=%s/staging/%s/auth.json", f->s->path, f->stage.name);
    return ok && strv_take(a, source_skopeo(f->src, pin));
}

/* skopeo inspect --raw [--config] of the source, or of the manifest that pin names. The result is
 * verified against pin. */
static bool look(struct fetch *f, const char *pin, bool config, struct spawn_result *ret,
                 struct aw_err *err)
{
    _cleanup_strv_ struct strv a = {0};
    if (!look_args(f, pin, config, &a))
        return aw_fail(err, AW_E_NOMEM, 0, "fetch %s: out of memory", f->src->name);
    struct spawn p = {.argv = (const char *const *)a.v,
                      .timeout_ms = LOOK_MS,
                      .cancelled = f->req->cancelled,
                      .user = f->req->user};
    if (!skopeo(f, &p, ret, err)) {
        if (!run_authfile(f, ret))
            return false;
        spawn_result_fini(ret);
        return look(f, pin, config, ret, err);
    }
    if (ret->out.len > OCI_MAX_JSON)
        return aw_fail(err, AW_E_LIMIT, 0, "fetch %s: the %s has more than 4 MiB", f->src->name,
                       config ? "config" : "manifest");
    if (pin && !config) {
        char got[DIGEST_SIZE];
        digest_of(buf_str(&ret->out), ret->out.len, got);
        if (!str_eq(got, pin))
            return aw_fail(err, AW_E_CORRUPT, 0, "fetch %s: the manifest has the digest %s, not %s",
                           f->src->name, got, pin);
    }
    return true;
}

/* A single image is taken whatever it is for, unless a platform was asked for. Where that costs a
 * download, look before. */
static bool check_single(struct fetch *f, struct aw_err *err)
{
    _cleanup_spawn_ struct spawn_result r = {0};
    struct oci_config c;
    if (!f->req->platform || f->src->kind != SOURCE_REGISTRY)
        return true;
    if (!look(f, f->pick.digest, true, &r, err))
        return false;
    if (!oci_parse_config(buf_str(&r.out), r.out.len, &c, err))
        return aw_context(err, "fetch %s", f->src->name);
    struct oci_descriptor d = {.has_platform = true, .platform = c.platform};
    struct oci_index one = {.v = &d, .n = 1};
    oci_config_fini(&c);
    return oci_choose(&one, f->req->platform, f->src->name, err) != NULL;
}

static bool take_index(struct fetch *f, const struct buf *raw, struct aw_err *err)
{
    struct oci_index x;
    if (!oci_parse_index(buf_str(raw), raw->len, &x, err))
        return aw_context(err, "fetch %s", f->src->name);
    const struct oci_descriptor *d = oci_choose(&x, f->req->platform, f->src->name, err);
    if (d) {
        f->pick = *d;
        f->pick.media_type = NULL;
        f->by_index = true;
        f->only = x.n == 1;
    }
    oci_index_fini(&x);
    return d != NULL;
}

/* Takes raw over. */
static bool take_manifest(struct fetch *f, struct buf *raw, struct aw_err *err)
{
    if (!oci_parse_manifest(buf_str(raw), raw->len, &f->manifest, err))
        return aw_context(err, "fetch %s", f->src->name);
    for (size_t i = 0; i < f->manifest.n_layers; i++)
        f->total += f->manifest.layers[i].size;
    f->raw = *raw;
    *raw = (struct buf){0};
    return true;
}

/* Find out what there is, and choose. */
static bool choose(struct fetch *f, const char *pin, struct aw_err *err)
{
    _cleanup_spawn_ struct spawn_result r = {0}, child = {0};
    enum oci_kind kind;
    if (!pin && *f->src->digest)
        pin = f->src->digest;
    if (!look(f, pin, false, &r, err))
        return false;
    digest_of(buf_str(&r.out), r.out.len, f->raw_digest);
    if (!oci_kind_of(buf_str(&r.out), r.out.len, &kind, err))
        return aw_context(err, "fetch %s", f->src->name);
    if (kind == OCI_INDEX) {
        if (!take_index(f, &r.out, err))
            return false;
        return f->src->kind != SOURCE_REGISTRY ||
               (look(f, f->pick.digest, false, &child, err) && take_manifest(f, &child.out, err));
    }
    memcpy(f->pick.digest, f->raw_digest, DIGEST_SIZE);
    f->only = true;
    return (kind == OCI_SCHEMA1 || take_manifest(f, &r.out, err)) && check_single(f, err);
}

bool fetch_digest(struct store *s, const struct source *src, const struct image_request *req,
                  char ret[DIGEST_SIZE], struct aw_err *err)
{
    struct fetch f = {.s = s, .src = src, .req = req, .stage.fd = -1};
    _cleanup_spawn_ struct spawn_result r = {0};
    if (!look(&f, NULL, false, &r, err))
        return false;
    digest_of(buf_str(&r.out), r.out.len, ret);
    return true;
}

/* ---- copying -----------------------------------------------------------------------------------
 */

/* Bytes of the layers that are here, and of the files that skopeo is writing. */
static uint64_t bytes_here(struct fetch *f)
{
    _cleanup_strv_ struct strv names = {0};
    char path[STORE_BLOB_PATH], dir[64];
    struct stat st;
    uint64_t n = 0;
    for (size_t i = 0; i < f->manifest.n_layers; i++) {
        store_blob_path(f->manifest.layers[i].digest, path);
        if (fstatat(f->s->dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
            n += (uint64_t)st.st_size;
    }
    for (int i = 0; i < 2; i++) {
        snprintf(dir, sizeof(dir), "staging/%s%s", f->stage.name, i ? "/image" : "");
        store_list_dir(f->s, dir, &names, NULL);
        for (size_t k = 0; k < names.n; k++) {
            _cleanup_free_ char *file = str_printf("%s/%s", dir, names.v[k]);
            if (file && fstatat(f->s->dir_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISREG(st.st_mode))
                n += (uint64_t)st.st_size;
        }
        strv_fini(&names);
    }
    return n;
}

/* spawn asks this ten times a second: the place to tell how far it is, and to see it hang. */
static bool watch(void *user)
{
    struct fetch *f = user;
    uint64_t now = file_now_ms();
    if (f->req->cancelled && f->req->cancelled(f->req->user))
        return true;
    if (now - f->told_ms < 500)
        return false;
    f->told_ms = now;
    uint64_t n = bytes_here(f);
    if (n != f->seen) {
        f->seen = n;
        f->seen_ms = now;
        if (f->total)
            aw_log(f->req->log, AW_LOG_PROGRESS, "fetching %s: %.1f of %.1f MB", f->src->name,
                   (double)(n < f->total ? n : f->total) / 1e6, (double)f->total / 1e6);
        else
            aw_log(f->req->log, AW_LOG_PROGRESS, "fetching %s: %.1f MB", f->src->name,
                   (double)n / 1e6);
    }
    f->stalled = now - f->seen_ms > STALL_MS;
    return f->stalled;
}

static bool copy_args(struct fetch *f, struct strv *a)
{
    bool registry = f->src->kind == SOURCE_REGISTRY;
    const struct platform *p = &f->pick.platform;
    bool ok =
        strv_add(a, "skopeo") && strv_addf(a, "--tmpdir=%s/staging/%s", f->s->path, f->stage.name);
    if (!registry && f->by_index && f->pick.has_platform) {
        /* these transports take no digest: lead skopeo to the same choice */
        ok = ok && strv_addf(a, "--override-os=%s", p->os) &&
             strv_addf(a, "--override-arch=%s", p->arch);
        if (*p->variant)
            ok = ok && strv_addf(a, "--override-variant=%s", p->variant);
    }
    ok = ok && strv_add(a, "copy") && strv_add(a, "--quiet") &&
         strv_add(a, "--remove-signatures") && /* a layout cannot keep them */
         strv_add(a, "--dest-oci-accept-uncompressed-layers") &&
         strv_addf(a, "--dest-shared-blob-dir=%s/blobs", f->s->path);
    if (registry)
        ok = ok && strv_add(a, "--retry-times=2");
    if (registry && f->req->insecure)
        ok = ok && strv_add(a, "--src-tls-verify=false");
    if (f->no_auth)
        ok =
            ok && strv_addf(a, "--src-authfile=%s/staging/%s/auth.json", f->s->path, f->stage.name);
    return ok && strv_take(a, source_skopeo(f->src, f->pick.digest)) &&
           strv_addf(a, "oci:%s/staging/%s/image:x", f->s->path, f->stage.name);
}

static bool copy(struct fetch *f, struct aw_err *err)
{
    _cleanup_strv_ struct strv a = {0};
    _cleanup_spawn_ struct spawn_result r = {0};
    if (!copy_args(f, &a))
        return aw_fail(err, AW_E_NOMEM, 0, "fetch %s: out of memory", f->src->name);
    aw_log(f->req->log, AW_LOG_PROGRESS, "fetching %s", f->src->name);
    f->seen_ms = file_now_ms();
    struct spawn p = {.argv = (const char *const *)a.v, .cancelled = watch, .user = f};
    if (skopeo(f, &p, &r, err))
        return true;
    if (f->stalled)
        aw_fail(err, AW_E_TIMEOUT, 0, "fetch %s: nothing has come for %d seconds", f->src->name,
                STALL_MS / 1000);
    return false;
}

/* ---- nothing to copy ---------------------------------------------------------------------------
 */

static bool blob_is_here(struct fetch *f, const struct oci_descriptor *d)
{
    char path[STORE_BLOB_PATH];
    struct stat st;
    store_blob_path(d->digest, path);
    return fstatat(f->s->dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_size == d->size;
}

static bool blobs_are_here(struct fetch *f, const struct oci_manifest *m)
{
    bool all = blob_is_here(f, &m->config);
    for (size_t i = 0; all && i < m->n_layers; i++)
        all = blob_is_here(f, &m->layers[i]);
    return all;
}

/* Where an image of the index came from the same manifest (maybe converted): that one. */
static bool known_manifest(struct fetch *f, struct oci_descriptor *ret)
{
    struct store_entries list;
    struct oci_manifest m;
    bool found = false;
    size_t len;
    if (!store_entries_load(f->s, &list, NULL))
        return false;
    for (size_t i = 0; !found && i < list.n; i++) {
        const struct store_entry *e = &list.v[i];
        if (!str_eq(e->source_digest, f->pick.digest))
            continue;
        _cleanup_free_ char *text = store_blob_load(f->s, e->digest, e->size, &len, NULL);
        if (!text || !oci_parse_manifest(text, len, &m, NULL))
            continue;
        found = blobs_are_here(f, &m);
        oci_manifest_fini(&m);
        memcpy(ret->digest, e->digest, DIGEST_SIZE);
        ret->size = e->size;
    }
    store_entries_fini(&list);
    return found;
}

/* Is everything of pick here already? Then skopeo, which would fetch the config in any case, need
 * not be asked: --pull always costs one look, and a pull that was killed at its very end is only
 * noted. */
static bool all_here(struct fetch *f, struct oci_descriptor *ret)
{
    char path[STORE_BLOB_PATH];
    *ret = (struct oci_descriptor){0};
    if (known_manifest(f, ret))
        return true;
    if (!f->raw.len || !str_eq(f->manifest.media_type, OCI_MT_MANIFEST) ||
        !str_eq(f->manifest.config.media_type, OCI_MT_CONFIG) || !blobs_are_here(f, &f->manifest))
        return false;
    store_blob_path(f->pick.digest, path);
    memcpy(ret->digest, f->pick.digest, DIGEST_SIZE);
    ret->size = f->raw.len;
    return file_replace(f->s->dir_fd, path, f->raw.data, f->raw.len, 0600, NULL);
}

/* ---- verifying ---------------------------------------------------------------------------------
 */

/* The manifest that skopeo put into its layout. */
static bool landed(struct fetch *f, struct oci_descriptor *ret, struct aw_err *err)
{
    struct oci_index x;
    size_t len;
    _cleanup_free_ char *text = file_load(f->stage.fd, "image/index.json", OCI_MAX_JSON, &len, err);
    if (!text || !oci_parse_index(text, len, &x, err))
        return false;
    bool ok = x.n == 1 || aw_fail(err, AW_E_CHILD, 0, "skopeo wrote %zu images, not 1", x.n);
    if (ok) {
        *ret = x.v[0];
        ret->media_type = NULL;
    }
    oci_index_fini(&x);
    return ok;
}

static bool check_layers(struct fetch *f, const struct oci_manifest *m, const struct oci_config *c,
                         struct aw_err *err)
{
    if (m->n_layers != c->diff_ids.n)
        return aw_fail(err, AW_E_PARSE, 0, "its manifest has %zu layers, its config %zu",
                       m->n_layers, c->diff_ids.n);
    for (size_t i = 0; i < m->n_layers; i++) {
        struct aw_err why = AW_ERR_INIT;
        _cleanup_close_ int fd =
            store_blob_open(f->s, m->layers[i].digest, m->layers[i].size, &why);
        if (fd >= 0)
            continue;
        if (why.code == AW_E_NOTFOUND && m->layers[i].foreign)
            return aw_fail(err, AW_E_UNSUPPORTED, 0,
                           "layer %zu may not be distributed and is not with the image", i + 1);
        if (err)
            *err = why;
        return aw_context(err, "layer %zu", i + 1);
    }
    return true;
}

/* The platform of the image: what the index says, which is what users choose by, else the config.
 */
static bool settle_platform(struct fetch *f, const struct oci_config *c, struct store_entry *e,
                            struct aw_err *err)
{
    const struct platform *want = f->req->platform;
    char says[PLATFORM_TEXT], text[PLATFORM_TEXT];
    e->platform = c->platform;
    platform_format(&c->platform, says);
    if (f->pick.has_platform) {
        e->platform = f->pick.platform;
        platform_format(&f->pick.platform, text);
        if (!str_eq(c->platform.arch, f->pick.platform.arch))
            aw_log(f->req->log, AW_LOG_WARN, "image %s: its index says %s, its config %s",
                   f->src->name, text, says);
    }
    if (!str_eq(e->platform.os, "linux"))
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "it is for %s; only Linux images can be run",
                       says);
    if (!*e->platform.arch)
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "it does not say for which architecture it is");
    if (want && platform_match(want, &e->platform) == 0) {
        platform_format(want, text);
        platform_format(&e->platform, says);
        aw_fail(err, AW_E_NOTFOUND, 0, "it is not there for %s; it is for: %s", text, says);
        return aw_mend(err, "leave out --platform, or give %s", says);
    }
    return true;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool fill_entry(struct fetch *f, const struct oci_descriptor *d,
                       const struct oci_manifest *m, struct store_entry *e)
{
    memcpy(e->digest, d->digest, DIGEST_SIZE);
    e->size = d->size;
    memcpy(e->config_digest, m->config.digest, DIGEST_SIZE);
    memcpy(e->source_digest, f->pick.digest, DIGEST_SIZE);
    if (f->by_index)
        memcpy(e->index_digest, f->raw_digest, DIGEST_SIZE);
    if (f->req->platform)
        platform_format(f->req->platform, e->asked);
    e->only = f->only;
    e->fetched = now_ms();
    return (e->name = strdup(f->src->name)) != NULL;
}

/* d: the manifest in the store. */
static bool verify(struct fetch *f, const struct oci_descriptor *d, struct store_entry *e,
                   struct aw_err *err)
{
    struct oci_manifest m;
    struct oci_config c;
    size_t len;
    _cleanup_free_ char *text = store_blob_load(f->s, d->digest, d->size, &len, err);
    if (!text || !oci_parse_manifest(text, len, &m, err))
        return false;
    _cleanup_free_ char *config = store_blob_load(f->s, m.config.digest, m.config.size, &len, err);
    bool ok = config && oci_parse_config(config, len, &c, err);
    if (ok) {
        ok = check_layers(f, &m, &c, err) && settle_platform(f, &c, e, err) &&
             (fill_entry(f, d, &m, e) || aw_fail(err, AW_E_NOMEM, 0, "out of memory"));
        oci_config_fini(&c);
    }
    oci_manifest_fini(&m);
    return ok;
}

char *fetch_signature(const struct source *src, struct aw_err *err)
{
    if (!source_is_file(src))
        return strdup("");
    const char *in = src->kind == SOURCE_OCI   ? "/index.json"
                     : src->kind == SOURCE_DIR ? "/manifest.json"
                                               : "";
    _cleanup_free_ char *path = str_printf("%s%s", src->path, in);
    struct stat st;
    if (!path || stat(path, &st) < 0) {
        aw_fail(err, path && errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno, "image %s: %s",
                src->name, path ? path : "");
        return NULL;
    }
    return str_printf("%llu:%llu:%llu:%lld.%09ld:%lld.%09ld", (unsigned long long)st.st_dev,
                      (unsigned long long)st.st_ino, (unsigned long long)st.st_size,
                      (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                      (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

bool fetch_image(struct store *s, const struct source *src, const char *pin,
                 const struct image_request *req, struct store_entry *ret, struct aw_err *err)
{
    struct fetch f = {.s = s, .src = src, .req = req, .stage.fd = -1};
    struct store_entry e = {0};
    if (strchr(s->path, ':')) {
        aw_fail(err, AW_E_UNSUPPORTED, 0, "image store %s: skopeo takes no path with a colon in it",
                s->path);
        return aw_mend(err, "let XDG_DATA_HOME name another folder");
    }
    /* before the first look: what changes meanwhile is seen as a change later */
    e.signature = fetch_signature(src, err);
    struct oci_descriptor d;
    bool ok = e.signature && store_stage_begin(s, NULL, &f.stage, err) && choose(&f, pin, err) &&
              (all_here(&f, &d) || (copy(&f, err) && landed(&f, &d, err)));
    if (ok && !verify(&f, &d, &e, err))
        ok = aw_context(err, "image %s", src->name);
    store_stage_end(s, &f.stage);
    buf_fini(&f.raw);
    oci_manifest_fini(&f.manifest);
    if (!ok) {
        store_entry_fini(&e);
        return false;
    }
    *ret = e;
    return true;
}
