/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing tar archives with any content in any field, for tests of what reads them.
 */
#ifndef TEST_TAR_H
#define TEST_TAR_H

#include "base/buf.h"

#include <stdint.h>

struct tar_entry {
    const char *name;   /* at most 100 bytes; longer ones by pax or tar_long */
    char type;          /* '0' file, '1' hard link, '2' symlink, '3' char, '5' folder, ... */
    const char *link;   /* target */
    const char *data;   /* content, or NULL */
    size_t size;        /* of data; 0: strlen(data) */
    unsigned mode;      /* 0: 0644, folders 0755 */
    unsigned uid, gid;  /* at most 7 octal digits */
    unsigned long time; /* seconds */
    unsigned major, minor;
};

static inline void tar_pad(struct buf *b)
{
    while (b->len % 512)
        buf_addc(b, '\0');
}

static inline void tar_header(struct buf *b, const struct tar_entry *e, size_t size)
{
    char h[513] = {0};
    unsigned mode = e->mode ? e->mode : e->type == '5' ? 0755 : 0644, sum = 0;
    memcpy(h, e->name, strnlen(e->name, 100));
    snprintf(h + 100, 8, "%07o", mode);
    snprintf(h + 108, 8, "%07o", e->uid);
    snprintf(h + 116, 8, "%07o", e->gid);
    snprintf(h + 124, 12, "%011zo", size);
    snprintf(h + 136, 12, "%011lo", e->time);
    h[156] = e->type;
    if (e->link)
        memcpy(h + 157, e->link, strnlen(e->link, 100));
    memcpy(h + 257, "ustar\00000", 8);
    snprintf(h + 329, 8, "%07o", e->major);
    snprintf(h + 337, 8, "%07o", e->minor);
    memset(h + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    buf_add(b, h, 512);
}

static inline void tar_put(struct buf *b, const struct tar_entry *e)
{
    size_t size = e->data ? (e->size ? e->size : strlen(e->data)) : 0;
    tar_header(b, e, size);
    if (size)
        buf_add(b, e->data, size);
    tar_pad(b);
}

#define TAR(b, ...) tar_put((b), &(const struct tar_entry){__VA_ARGS__})
#define TAR_FILE(b, n, d) TAR(b, .name = (n), .type = '0', .data = (d))
#define TAR_DIR(b, n) TAR(b, .name = (n), .type = '5')
#define TAR_SYMLINK(b, n, l) TAR(b, .name = (n), .type = '2', .link = (l))
#define TAR_LINK(b, n, l) TAR(b, .name = (n), .type = '1', .link = (l))

/* One record of a pax header into r. */
static inline void tar_pax_add(struct buf *r, const char *key, const void *value, size_t len)
{
    /* the length counts its own digits */
    size_t total = strlen(key) + len + 3, digits = 1;
    for (size_t limit = 10; total + digits >= limit; limit *= 10)
        digits++;
    total += digits;
    buf_addf(r, "%zu %s=", total, key);
    buf_add(r, value, len);
    buf_addc(r, '\n');
}

/* A pax header with the records of r, for the entry that follows; frees r. */
static inline void tar_pax_put(struct buf *b, struct buf *r)
{
    tar_put(b,
            &(const struct tar_entry){.name = "pax", .type = 'x', .data = r->data, .size = r->len});
    buf_fini(r);
    *r = (struct buf){0};
}

static inline void tar_pax(struct buf *b, const char *key, const void *value, size_t len)
{
    struct buf r = {0};
    tar_pax_add(&r, key, value, len);
    tar_pax_put(b, &r);
}

static inline void tar_pax_text(struct buf *b, const char *key, const char *value)
{
    tar_pax(b, key, value, strlen(value));
}

/* GNU's way of a long name ('L') or link target ('K'). */
static inline void tar_long(struct buf *b, char type, const char *text)
{
    TAR(b, .name = "././@LongLink", .type = type, .data = text, .size = strlen(text) + 1);
}

static inline void tar_end(struct buf *b)
{
    char zero[1024] = {0};
    buf_add(b, zero, sizeof(zero));
}

#endif
