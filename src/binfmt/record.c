/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of what was registered.
 *
 * The idea: every registration makes a new inode in the instance, and its ctime is the moment of
 * registration. With it in the record, a rule that someone removed and registered again under the
 * same name is told from the one that Archway registered, also after the machine started anew; and
 * only for the latter does the record know which file the kernel holds. Which contents that has is
 * known by their digest: the kernel lets nobody write to a file that it holds.
 *
 * Invariants:
 * 1. The file is replaced by rename: readers see the old or the new records.
 * 2. A record that cannot be understood is an error, never skipped: it would be lost at the next
 *    write, and its rule would then count as someone else's.
 *
 * Left out: locking; who changes rules holds a lock over loading, applying and saving.
 */
#include "binfmt/record.h"

#include "base/file.h"
#include "codec/js.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FORMAT 1 /* of the file */

static void record_fini(struct record *rec)
{
    free(rec->name);
    free(rec->platform);
    free(rec->text);
    free(rec->path);
    memset(rec, 0, sizeof(*rec));
}

void records_fini(struct records *r)
{
    for (size_t i = 0; i < r->n; i++)
        record_fini(&r->v[i]);
    free(r->v);
    memset(r, 0, sizeof(*r));
}

struct record *records_find(const struct records *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_eq(r->v[i].name, name))
            return &r->v[i];
    return NULL;
}

bool records_put(struct records *r, struct record *rec, struct aw_err *err)
{
    struct record *more = NULL;
    if (rec->name && rec->platform && rec->text && rec->path)
        more = realloc(r->v, (r->n + 1) * sizeof(*more));
    if (!more) {
        record_fini(rec);
        return aw_fail(err, AW_E_NOMEM, 0, "record of a rule: no memory");
    }
    r->v = more;
    records_drop(r, rec->name);
    r->v[r->n++] = *rec;
    memset(rec, 0, sizeof(*rec));
    return true;
}

void records_drop(struct records *r, const char *name)
{
    struct record *old = records_find(r, name);
    if (!old)
        return;
    size_t i = (size_t)(old - r->v);
    record_fini(old);
    memmove(old, old + 1, (r->n - i - 1) * sizeof(*old));
    r->n--;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

static bool get_i64(struct json_object *o, const char *key, int64_t *ret, struct aw_err *err)
{
    uint64_t v = (uint64_t)*ret;
    if (!js_get_u64(o, key, &v, err))
        return false;
    *ret = (int64_t)v;
    return true;
}

static bool read_record(struct json_object *o, struct records *r, struct aw_err *err)
{
    const char *name = NULL, *platform = "", *text = NULL, *path = "", *digest = "";
    struct record rec = {0};
    if (!js_get_string(o, "name", &name, err) || !js_get_string(o, "platform", &platform, err) ||
        !js_get_string(o, "rule", &text, err) || !js_get_string(o, "interpreter", &path, err) ||
        !js_get_string(o, "digest", &digest, err) || !js_get_u64(o, "dev", &rec.file.dev, err) ||
        !js_get_u64(o, "ino", &rec.file.ino, err) || !js_get_u64(o, "size", &rec.file.size, err) ||
        !get_i64(o, "mtime_ns", &rec.file.mtime_ns, err) ||
        !get_i64(o, "ctime_ns", &rec.file.ctime_ns, err) ||
        !js_get_u64(o, "entry_ino", &rec.entry_ino, err) ||
        !get_i64(o, "entry_ctime_ns", &rec.entry_ctime_ns, err) ||
        !js_get_bool(o, "persist", &rec.persist, err))
        return false;
    if (!name || !text)
        return aw_fail(err, AW_E_PARSE, 0, "a record without name or rule");
    if (digest[0] && !digest_valid(digest))
        return aw_fail(err, AW_E_PARSE, 0, "rule %s: \"%s\" is no digest", name, digest);
    snprintf(rec.digest, sizeof(rec.digest), "%s", digest);
    rec.name = strdup(name);
    rec.platform = strdup(platform);
    rec.text = strdup(text);
    rec.path = strdup(path);
    return records_put(r, &rec, err);
}

static bool read_all(const char *text, size_t len, struct records *r, struct aw_err *err)
{
    _cleanup_js_ struct json_object *o = js_parse(text, len, "records", err);
    struct json_object *list = NULL;
    uint64_t format = 0;
    if (!o || !js_get_u64(o, "format", &format, err) || !js_get_array(o, "rules", &list, err))
        return false;
    if (format != FORMAT)
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "format %llu: written by another version",
                       (unsigned long long)format);
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        if (!read_record(json_object_array_get_idx(list, i), r, err))
            return false;
    return true;
}

bool records_load(const char *path, struct records *ret, struct aw_err *err)
{
    struct records r = {0};
    struct aw_err why = AW_ERR_INIT;
    size_t len;
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, JS_MAX_BYTES, &len, &why);
    if (!text && why.code != AW_E_NOTFOUND) {
        if (err)
            *err = why;
        return false;
    }
    if (text && !read_all(text, len, &r, err)) {
        records_fini(&r);
        aw_context(err, "records of rules in %s", path);
        return aw_mend(err, "remove %s: the rules it lists then count as someone else's", path);
    }
    *ret = r;
    return true;
}

static void write_record(struct json_object *list, const struct record *rec)
{
    struct json_object *o = js_push(list, json_object_new_object());
    js_add_string(o, "name", rec->name);
    js_add_string(o, "platform", rec->platform);
    js_add_string(o, "rule", rec->text);
    js_add_string(o, "interpreter", rec->path);
    js_add_u64(o, "dev", rec->file.dev);
    js_add_u64(o, "ino", rec->file.ino);
    js_add_u64(o, "size", rec->file.size);
    js_add_u64(o, "mtime_ns", (uint64_t)rec->file.mtime_ns);
    js_add_u64(o, "ctime_ns", (uint64_t)rec->file.ctime_ns);
    if (rec->digest[0])
        js_add_string(o, "digest", rec->digest);
    js_add_u64(o, "entry_ino", rec->entry_ino);
    js_add_u64(o, "entry_ctime_ns", (uint64_t)rec->entry_ctime_ns);
    js_add_bool(o, "persist", rec->persist);
}

static bool make_parent(const char *path, struct aw_err *err)
{
    _cleanup_free_ char *dir = strdup(path);
    char *slash = dir ? strrchr(dir, '/') : NULL;
    if (!slash || slash == dir)
        return true;
    *slash = 0;
    return file_mkdirs(AT_FDCWD, dir, 0755, err);
}

bool records_save(const char *path, const struct records *r, struct aw_err *err)
{
    if (r->n == 0)
        return file_remove_alone(path, err);
    if (!make_parent(path, err))
        return false;
    _cleanup_js_ struct json_object *o = json_object_new_object();
    js_add_u64(o, "format", FORMAT);
    struct json_object *list = js_add(o, "rules", json_object_new_array());
    for (size_t i = 0; i < r->n; i++)
        write_record(list, &r->v[i]);
    const char *text = js_text_pretty(o);
    return file_replace_alone(path, text, 0644, err);
}

/* ---- the present ------------------------------------------------------------------------------
 */

static int64_t ns_of(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

void record_file_of(int fd, struct record_file *ret)
{
    struct stat st;
    memset(ret, 0, sizeof(*ret));
    if (fstat(fd, &st) < 0)
        return;
    *ret = (struct record_file){
        .dev = st.st_dev,
        .ino = st.st_ino,
        .size = (uint64_t)st.st_size,
        .mtime_ns = ns_of(&st.st_mtim),
        .ctime_ns = ns_of(&st.st_ctim),
    };
}

bool record_file_same(const struct record_file *a, const struct record_file *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

bool record_entry_of(const struct aw_instance *inst, const char *name, uint64_t *ret_ino,
                     int64_t *ret_ctime_ns)
{
    struct stat st;
    if (fstatat(aw_instance_fd(inst), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    *ret_ino = st.st_ino;
    *ret_ctime_ns = ns_of(&st.st_ctim);
    return true;
}

void record_digest_path(const char *path, char ret[DIGEST_SIZE])
{
    ret[0] = 0;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    struct aw_err ignored = AW_ERR_INIT;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    if (!digest_of_fd(fd, ret, NULL, &ignored))
        ret[0] = 0;
}

void record_digest_fd(int fd, char ret[DIGEST_SIZE])
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    record_digest_path(path, ret);
}

static bool same_contents(const struct record *rec, const struct record_file *now)
{
    char digest[DIGEST_SIZE];
    if (!rec->digest[0] || now->size != rec->file.size)
        return false;
    record_digest_path(rec->path, digest);
    return str_eq(digest, rec->digest);
}

enum record_state record_state(const struct record *rec, const struct aw_instance *inst)
{
    uint64_t ino;
    int64_t ctime_ns;
    if (!inst || !record_entry_of(inst, rec->name, &ino, &ctime_ns))
        return RECORD_ABSENT;
    if (ino != rec->entry_ino || ctime_ns != rec->entry_ctime_ns)
        return RECORD_REPLACED;
    if (!rec->file.ino)
        return RECORD_FRESH; /* without F the kernel holds nothing */
    _cleanup_close_ int fd = open(rec->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return RECORD_GONE;
    struct record_file now;
    record_file_of(fd, &now);
    return record_file_same(&now, &rec->file) || same_contents(rec, &now) ? RECORD_FRESH
                                                                          : RECORD_STALE;
}

bool record_same_rule(const struct record *rec, const struct aw_entry *entry)
{
    struct aw_rule rule;
    return entry->known && aw_rule_parse(rec->text, strlen(rec->text), &rule, NULL, NULL) &&
           aw_rule_equal(&rule, &entry->rule);
}

bool record_owns(const struct record *rec, enum record_state state, const struct aw_entry *entry)
{
    return state != RECORD_ABSENT && (state != RECORD_REPLACED || record_same_rule(rec, entry));
}

void record_renew(struct record *rec, const struct aw_instance *inst)
{
    if (!rec->file.ino || record_state(rec, inst) != RECORD_FRESH)
        return;
    _cleanup_close_ int fd = open(rec->path, O_PATH | O_CLOEXEC);
    if (fd >= 0)
        record_file_of(fd, &rec->file);
}

const char *record_state_name(enum record_state state)
{
    switch (state) {
    case RECORD_FRESH:
        return "fresh";
    case RECORD_STALE:
        return "stale";
    case RECORD_GONE:
        return "gone";
    case RECORD_ABSENT:
        return "absent";
    case RECORD_REPLACED:
        return "replaced";
    }
    return "unknown";
}
