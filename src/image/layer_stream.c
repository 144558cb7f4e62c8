/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a layer blob: bytes from the descriptor are hashed (digest), go through libarchive's
 * decompression only (its "raw" format), are hashed again (diff_id) and reach the tar reader, which
 * runs in the caller's thread, through a ring of blocks. Two threads, because inflating and hashing
 * on one side and making files on the other take about the same time.
 *
 * Invariants:
 * 1. Each byte of the blob is hashed once, also what follows the end of the compressed stream; each
 *    byte that comes out of it is hashed once, also what follows the end of the tar.
 * 2. Limits are checked where bytes come out, before they are handed on.
 * 3. Between the two threads goes only what is under `lock`; the block that layer_stream_next
 *    returned is the caller's until the next call.
 * 4. The thread has every signal blocked: handlers run in the caller's thread.
 *
 * Left out: filters that libarchive runs as programs (lrzip, lzop, grzip), and uu and rpm, which
 * nobody puts around a layer.
 */
#include "image/layer_stream.h"

#include "base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#define BLOCK_SIZE (512u << 10)
#define BLOCKS 8
#define INPUT_SIZE (256u << 10)
#define RATIO_FROM (64ull << 20) /* a small blob may be all zeros */

struct block {
    char *data; /* BLOCK_SIZE bytes */
    size_t len; /* bytes in use */
};

struct layer_stream {
    const struct layer_source *src;    /* the caller's */
    const struct layer_limits *limits; /* the caller's */
    pthread_t thread;                  /* runs produce() */
    pthread_mutex_t lock;              /* for everything down to `position` */
    pthread_cond_t changed;            /* signalled whenever one of them changed */
    struct block ring[BLOCKS];
    unsigned filled;        /* blocks handed on so far */
    unsigned freed;         /* blocks given back so far */
    bool done;              /* no further block will come */
    bool stop;              /* nobody wants further blocks, nor decompression */
    uint64_t position;      /* compressed bytes read so far */
    bool holding;           /* caller's thread only: the block at `freed` is in use */
    bool told;              /* caller's thread only: layer_stream_next returned -1 */
    char *input;            /* from here on: the thread's own. INPUT_SIZE bytes */
    struct digest_ctx *in;  /* of the compressed bytes */
    struct digest_ctx *out; /* of the uncompressed ones */
    uint64_t in_bytes, out_bytes;
    bool plain;  /* not compressed: what goes in comes out, one hash is enough */
    bool in_end; /* the descriptor's end was seen */
    bool failed; /* err holds why */
    struct aw_err err;
};

/* One read(2) of the blob, hashed. 0 at the end, -1 with s->err. */
static ssize_t read_blob(struct layer_stream *s)
{
    ssize_t n;
    do
        n = read(s->src->blob_fd, s->input, INPUT_SIZE);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        s->failed = true;
        aw_fail(&s->err, AW_E_IO, errno, "read the blob");
        return -1;
    }
    s->in_end = n == 0;
    s->in_bytes += (uint64_t)n;
    digest_update(s->in, s->input, (size_t)n);
    if (s->in_bytes > s->src->size) {
        s->failed = true;
        aw_fail(&s->err, AW_E_CORRUPT, 0, "the blob is larger than the %llu bytes it should have",
                (unsigned long long)s->src->size);
        return -1;
    }
    pthread_mutex_lock(&s->lock);
    s->position = s->in_bytes;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static la_ssize_t read_cb(struct archive *a, void *user, const void **ret)
{
    struct layer_stream *s = user;
    ssize_t n = read_blob(s);
    if (n < 0)
        archive_set_error(a, EIO, "%s", s->err.message);
    *ret = s->input;
    return n;
}

/* Wait for an empty block; NULL when the caller stopped. */
static struct block *block_get(struct layer_stream *s)
{
    pthread_mutex_lock(&s->lock);
    while (!s->stop && s->filled - s->freed == BLOCKS)
        pthread_cond_wait(&s->changed, &s->lock);
    struct block *b = s->stop ? NULL : &s->ring[s->filled % BLOCKS];
    pthread_mutex_unlock(&s->lock);
    return b;
}

static void block_put(struct layer_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->filled++;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static bool within_limits(struct layer_stream *s)
{
    const struct layer_limits *l = s->limits;
    if (s->out_bytes > l->bytes)
        return aw_fail(&s->err, AW_E_LIMIT, 0, "unpacks to more than the limit of %llu bytes",
                       (unsigned long long)l->bytes);
    if (l->ratio && s->out_bytes > RATIO_FROM && s->out_bytes / l->ratio > s->in_bytes)
        return aw_fail(&s->err, AW_E_LIMIT, 0,
                       "unpacks to more than %u times its size (%llu bytes of %llu so far): this "
                       "looks like a decompression bomb",
                       l->ratio, (unsigned long long)s->out_bytes, (unsigned long long)s->in_bytes);
    return true;
}

/* libarchive gave up: because read_blob did, or because of the data. */
static bool decompress_failed(struct layer_stream *s, struct archive *a)
{
    if (!s->failed)
        aw_fail(&s->err, AW_E_PARSE, 0, "decompress: %s", archive_error_string(a));
    return false;
}

/* Move all that a (opened, at its only entry) gives into the ring. */
static bool pump(struct layer_stream *s, struct archive *a)
{
    const char *from = NULL;
    size_t left = 0;
    int rc = ARCHIVE_OK;
    while (rc != ARCHIVE_EOF) {
        struct block *b = block_get(s);
        if (!b)
            return true;
        b->len = 0;
        while (b->len < BLOCK_SIZE) {
            la_int64_t offset;
            const void *data;
            if (left == 0) {
                rc = archive_read_data_block(a, &data, &left, &offset);
                if (rc == ARCHIVE_EOF)
                    break;
                if (rc != ARCHIVE_OK)
                    return decompress_failed(s, a);
                from = data;
                continue;
            }
            size_t n = left < BLOCK_SIZE - b->len ? left : BLOCK_SIZE - b->len;
            memcpy(b->data + b->len, from, n);
            b->len += n;
            from += n;
            left -= n;
        }
        s->out_bytes += b->len;
        if (!s->plain)
            digest_update(s->out, b->data, b->len);
        if (!within_limits(s))
            return false;
        if (b->len)
            block_put(s);
    }
    return true;
}

static bool add_filters(struct archive *a, struct aw_err *err)
{
    static int (*const filters[])(struct archive *) = {
        archive_read_support_filter_gzip, archive_read_support_filter_zstd,
        archive_read_support_filter_xz,   archive_read_support_filter_bzip2,
        archive_read_support_filter_lz4,  archive_read_support_filter_lzma,
        archive_read_support_filter_lzip, archive_read_support_filter_compress,
    };
    for (size_t i = 0; i < AW_LEN(filters); i++)
        /* anything but OK: libarchive would run a program for it */
        if (filters[i](a) != ARCHIVE_OK)
            return aw_fail(err, AW_E_UNSUPPORTED, 0, "libarchive was built without: %s",
                           archive_error_string(a));
    return true;
}

static bool decompress(struct layer_stream *s)
{
    struct archive *a = archive_read_new();
    if (!a)
        return aw_fail(&s->err, AW_E_NOMEM, 0, "decompress: out of memory");
    struct archive_entry *entry;
    bool ok = add_filters(a, &s->err);
    if (ok) {
        archive_read_support_format_raw(a);
        archive_read_support_format_empty(a);
        int rc = archive_read_open(a, s, NULL, read_cb, NULL);
        if (rc == ARCHIVE_OK)
            rc = archive_read_next_header(a, &entry);
        /* filter 0 is the outermost; the last one is always "none" */
        if (rc == ARCHIVE_OK && archive_filter_count(a) > 2)
            ok = aw_fail(&s->err, AW_E_PARSE, 0, "compressed twice (%s in %s)",
                         archive_filter_name(a, 0), archive_filter_name(a, 1));
        else if (rc != ARCHIVE_OK)
            ok = rc == ARCHIVE_EOF || decompress_failed(s, a);
        else {
            s->plain = archive_filter_count(a) == 1;
            ok = pump(s, a);
        }
    }
    archive_read_free(a);
    return ok && !s->failed;
}

static void *produce(void *arg)
{
    struct layer_stream *s = arg;
    if (!decompress(s))
        s->failed = true;
    /* a blob that is not what it should be is the cause of whatever went wrong: hash all of it,
     * unless nobody said what it should be or it is too large already */
    bool judged = s->src->digest || s->src->size != UINT64_MAX;
    while (!s->in_end && s->in_bytes <= s->src->size && (!s->failed || judged) &&
           read_blob(s) > 0) {
    }
    pthread_mutex_lock(&s->lock);
    s->done = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void stream_free(struct layer_stream *s)
{
    digest_free(s->in);
    digest_free(s->out);
    for (size_t i = 0; i < BLOCKS; i++)
        free(s->ring[i].data);
    free(s->input);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct layer_stream *layer_stream_open(const struct layer_source *src,
                                       const struct layer_limits *limits, struct aw_err *err)
{
    struct layer_stream *s = calloc(1, sizeof(*s));
    if (!s) {
        aw_fail(err, AW_E_NOMEM, 0, "read the blob: out of memory");
        return NULL;
    }
    s->src = src;
    s->limits = limits;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->in = digest_new();
    s->out = digest_new();
    s->input = malloc(INPUT_SIZE);
    bool ok = s->in && s->out && s->input;
    for (size_t i = 0; i < BLOCKS; i++)
        ok = (s->ring[i].data = malloc(BLOCK_SIZE)) && ok;
    if (!ok) {
        aw_fail(err, AW_E_NOMEM, 0, "read the blob: out of memory");
        stream_free(s);
        return NULL;
    }
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&s->thread, NULL, produce, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc) {
        aw_fail(err, AW_E_IO, rc, "start a thread to read the blob");
        stream_free(s);
        return NULL;
    }
    return s;
}

ssize_t layer_stream_next(struct layer_stream *s, const void **ret)
{
    pthread_mutex_lock(&s->lock);
    if (s->holding) {
        s->freed++;
        s->holding = false;
        pthread_cond_signal(&s->changed);
    }
    while (s->filled == s->freed && !s->done)
        pthread_cond_wait(&s->changed, &s->lock);
    const struct block *b = s->filled != s->freed ? &s->ring[s->freed % BLOCKS] : NULL;
    /* failed is written before done, under the lock */
    bool failed = !b && s->failed;
    s->holding = b != NULL;
    s->told = failed;
    pthread_mutex_unlock(&s->lock);
    if (!b)
        return failed ? -1 : 0;
    *ret = b->data;
    return (ssize_t)b->len;
}

uint64_t layer_stream_position(struct layer_stream *s)
{
    pthread_mutex_lock(&s->lock);
    uint64_t n = s->position;
    pthread_mutex_unlock(&s->lock);
    return n;
}

/* The blob was read to its end (or is too large): is it the right one? */
static bool judge(const struct layer_stream *s, const struct layer_result *r, struct aw_err *err)
{
    if (s->failed && s->err.code != AW_E_PARSE && s->err.code != AW_E_LIMIT) {
        *err = s->err;
        return false;
    }
    if (s->src->size != UINT64_MAX && s->in_bytes != s->src->size)
        return aw_fail(err, AW_E_CORRUPT, 0, "the blob has %llu bytes and should have %llu%s",
                       (unsigned long long)s->in_bytes, (unsigned long long)s->src->size,
                       s->in_bytes < s->src->size ? ": it is truncated" : "");
    if (s->src->digest && !str_eq(s->src->digest, r->digest))
        return aw_fail(err, AW_E_CORRUPT, 0, "the blob's digest is %s and should be %s", r->digest,
                       s->src->digest);
    return true;
}

bool layer_stream_finish(struct layer_stream *s, bool good, struct layer_result *ret,
                         struct aw_err *err)
{
    const void *rest;
    if (good)
        while (layer_stream_next(s, &rest) > 0) {
        }
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);

    struct layer_result r = {.bytes = s->out_bytes};
    digest_finish(AW_STEAL(s->in), r.digest);
    digest_finish(AW_STEAL(s->out), r.diff_id);
    if (s->plain)
        memcpy(r.diff_id, r.digest, DIGEST_SIZE);
    struct aw_err local;
    if (!err)
        err = &local;
    bool ok = judge(s, &r, err);
    if (ok && s->failed && (good || s->told)) {
        *err = s->err;
        ok = false;
    }
    if (ok && good && s->src->diff_id && !str_eq(s->src->diff_id, r.diff_id))
        ok = aw_fail(err, AW_E_CORRUPT, 0, "the unpacked layer's digest is %s and should be %s",
                     r.diff_id, s->src->diff_id);
    if (ok && good) {
        memcpy(ret->digest, r.digest, DIGEST_SIZE);
        memcpy(ret->diff_id, r.diff_id, DIGEST_SIZE);
        ret->bytes = r.bytes;
    }
    stream_free(s);
    return ok && good;
}
