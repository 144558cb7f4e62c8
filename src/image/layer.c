/* SPDX-License-Identifier: Apache-2.0
 *
 * Applying one layer: the loop over the entries of the tar, and everything around it.
 *
 * Two libarchive readers stand in a row: one only decompresses (layer_stream), this one only knows
 * tar. Names must come out byte for byte, but libarchive takes pax names for UTF-8 and converts
 * them to the locale's character set: in a UTF-8 locale that means Unicode normalisation (two files
 * whose names differ only in composition become one). In the C locale the conversion of anything
 * beyond ASCII fails, and libarchive then hands out the bytes as they are, with a warning.
 *
 * On failure the rest of the blob is still hashed, since a blob that is not what it should be
 * explains every other error.
 */
#include "image/layer.h"

#include "base/file.h"
#include "image/layer_entry.h"
#include "image/layer_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <sys/stat.h>

#define PROGRESS_MS 200

struct apply {
    const struct layer_source *src; /* the caller's */
    const struct layer_job *job;    /* the caller's */
    struct layer_limits limits;     /* in force */
    struct layer_stream *stream;    /* where the bytes come from */
    struct archive *tar;            /* reads from stream */
    struct layer_tree tree;         /* where the files go */
    struct layer_notes notes;       /* what was left out */
    uint64_t entries;               /* seen so far */
    uint64_t budget;                /* bytes that may be copied up */
    unsigned char head[2048];       /* the first bytes of the archive */
    size_t head_len;                /* how many */
    uint64_t told;                  /* when progress was last reported, file_now_ms() */
};

void layer_default_limits(struct layer_limits *ret)
{
    *ret = (struct layer_limits){.bytes = 64ull << 30, .entries = 2000000, .ratio = 1000};
}

static void tick(void *user)
{
    struct apply *a = user;
    uint64_t now = file_now_ms();
    if (!a->job->log || now - a->told < PROGRESS_MS)
        return;
    a->told = now;
    uint64_t at = layer_stream_position(a->stream);
    if (a->src->size && a->src->size != UINT64_MAX)
        aw_log(a->job->log, AW_LOG_PROGRESS, "unpacking %s: %u%%", a->src->name,
               (unsigned)(at * 100 / a->src->size));
    else
        aw_log(a->job->log, AW_LOG_PROGRESS, "unpacking %s: %llu MiB", a->src->name,
               (unsigned long long)(at >> 20));
}

static la_ssize_t read_cb(struct archive *tar, void *user, const void **ret)
{
    struct apply *a = user;
    ssize_t n = layer_stream_next(a->stream, ret);
    if (n < 0)
        archive_set_error(tar, EIO, "the blob could not be read");
    if (n > 0 && a->head_len == 0) {
        a->head_len = (size_t)n < sizeof(a->head) ? (size_t)n : sizeof(a->head);
        memcpy(a->head, *ret, a->head_len);
    }
    return n;
}

/* A file that is no tar: what is it? NULL: no idea. */
static const char *other_format(const unsigned char *p, size_t n)
{
    static const struct {
        const char *magic, *name;
        unsigned char len;
        unsigned short at;
    } known[] = {
        {"PK\3\4", "zip archive", 4, 0},
        {"070701", "cpio archive", 6, 0},
        {"070702", "cpio archive", 6, 0},
        {"070707", "cpio archive", 6, 0},
        {"\xc7\x71", "cpio archive", 2, 0},
        {"!<arch>\n", "ar archive or .deb package", 8, 0},
        {"7z\xbc\xaf\x27\x1c", "7-zip archive", 6, 0},
        {"Rar!\x1a\7", "RAR archive", 6, 0},
        {"MSCF", "cabinet archive", 4, 0},
        {"xar!", "xar archive", 4, 0},
        {"hsqs", "squashfs image", 4, 0},
        {"\xed\xab\xee\xdb", "RPM package", 4, 0},
        {"QFI\xfb", "qcow2 disk image", 4, 0},
        {"\x53\xef", "ext file system image", 2, 1080},
        {"#mtree", "mtree listing", 6, 0},
        {"\x89LZO", "lzop file (not supported)", 4, 0},
        {"LRZI", "lrzip file (not supported)", 4, 0},
    };
    for (size_t i = 0; i < AW_LEN(known); i++)
        if (n >= (size_t)known[i].at + known[i].len &&
            memcmp(p + known[i].at, known[i].magic, known[i].len) == 0)
            return known[i].name;
    return NULL;
}

static const char *tar_words(const struct apply *a)
{
    const char *words = archive_error_string(a->tar);
    return words ? words : "a field has a value that cannot be";
}

/* The tar could not be opened, or its next header not be read. */
static bool bad_header(struct apply *a, struct aw_err *err)
{
    if (a->entries > 0 || archive_format(a->tar))
        return aw_fail(err, AW_E_PARSE, 0, "broken tar: %s", tar_words(a));
    const char *what = other_format(a->head, a->head_len);
    if (what)
        return aw_fail(err, AW_E_PARSE, 0, "it is no tar archive but looks like: %s", what);
    return aw_fail(err, AW_E_PARSE, 0, "it is no tar archive");
}

static bool open_tar(struct apply *a, struct aw_err *err)
{
    a->tar = archive_read_new();
    if (!a->tar)
        return aw_fail(err, AW_E_NOMEM, 0, "read the tar: out of memory");
    archive_read_support_format_tar(a->tar);
    archive_read_support_format_empty(a->tar);
    if (archive_read_open(a->tar, a, NULL, read_cb, NULL) == ARCHIVE_OK)
        return true;
    return bad_header(a, err);
}

static bool apply_entries(struct apply *a, struct aw_err *err)
{
    const struct layer_maker maker = {.tree = &a->tree,
                                      .tar = a->tar,
                                      .map = a->job->map,
                                      .notes = &a->notes,
                                      .tick = tick,
                                      .user = a};
    char show[LAYER_SHOW];
    for (;;) {
        struct archive_entry *e;
        int rc = archive_read_next_header(a->tar, &e);
        if (rc == ARCHIVE_EOF)
            return true;
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return bad_header(a, err);
        if (++a->entries > a->limits.entries)
            return aw_fail(err, AW_E_LIMIT, 0, "has more than the limit of %llu entries",
                           (unsigned long long)a->limits.entries);
        const char *path = archive_entry_pathname(e);
        bool ok;
        /* a name that is not ASCII is the one thing to be warned of that is in order */
        if (rc == ARCHIVE_WARN && archive_errno(a->tar) != EILSEQ)
            ok = aw_fail(err, AW_E_PARSE, 0, "broken tar: %s", tar_words(a));
        else
            ok = layer_entry_apply(&maker, e, err);
        if (!ok)
            return aw_context(err, "entry %s", path ? layer_show(path, show) : "without a name");
        tick(a);
    }
}

static void tell_notes(const struct apply *a)
{
    const struct aw_log *log = a->job->log;
    const char *name = a->src->name;
    const struct layer_notes *n = &a->notes;
    if (n->devices)
        aw_log(log, AW_LOG_NOTE, "layer %s: %u device node%s left out: /dev is made at run time",
               name, n->devices, n->devices == 1 ? " was" : "s were");
    if (n->sockets)
        aw_log(log, AW_LOG_NOTE, "layer %s: %u socket%s left out", name, n->sockets,
               n->sockets == 1 ? " was" : "s were");
    if (n->owners)
        aw_log(log, AW_LOG_NOTE,
               "layer %s: the owner of %u file%s was set to root, since only one id is mapped",
               name, n->owners, n->owners == 1 ? "" : "s");
    if (n->attrs)
        aw_log(log, AW_LOG_NOTE, "layer %s: %u extended attribute%s or ACL%s could not be kept",
               name, n->attrs, n->attrs == 1 ? "" : "s", n->attrs == 1 ? "" : "s");
}

/* Everything between opening and closing the stream. */
static bool apply_stream(struct apply *a, const struct layer_dest *dest, struct aw_err *err)
{
    bool ok = layer_tree_init(&a->tree, dest, &a->budget, err) && open_tar(a, err) &&
              apply_entries(a, err);
    if (ok)
        ok = layer_tree_finish(&a->tree, err);
    layer_tree_fini(&a->tree);
    archive_read_free(a->tar);
    return ok;
}

bool layer_apply(const struct layer_source *src, const struct layer_dest *dest,
                 const struct layer_job *job, struct layer_result *ret, struct aw_err *err)
{
    struct aw_err local;
    if (!err)
        err = &local;
    _cleanup_free_ struct apply *a = calloc(1, sizeof(*a));
    if (!a)
        return aw_fail(err, AW_E_NOMEM, 0, "layer %s: out of memory", src->name);
    a->src = src;
    a->job = job;
    layer_default_limits(&a->limits);
    if (job->limits)
        a->limits = *job->limits;
    a->budget = a->limits.bytes;
    a->told = file_now_ms();

    locale_t plain = newlocale(LC_CTYPE_MASK, "C", NULL);
    if (!plain)
        return aw_fail(err, AW_E_NOMEM, 0, "layer %s: out of memory", src->name);
    locale_t locale = uselocale(plain);
    mode_t mask = umask(0);
    struct layer_result r = {0};
    bool ok = false;
    a->stream = layer_stream_open(src, &a->limits, err);
    if (a->stream) {
        ok = apply_stream(a, dest, err);
        ok = layer_stream_finish(a->stream, ok, &r, err);
    }
    umask(mask);
    uselocale(locale);
    freelocale(plain);
    if (!ok)
        return aw_context(err, "layer %s", src->name);
    tell_notes(a);
    r.entries = a->entries;
    r.skipped_devices = a->notes.devices;
    *ret = r;
    return true;
}
