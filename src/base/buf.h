/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer with a sticky failure: add as much as you like, ask once with buf_ok().
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/util.h"

struct buf {
    char *data; /* NULL, or len bytes and a NUL */
    size_t len; /* bytes in data, the NUL not counted */
    size_t cap; /* bytes allocated */
    bool bad;   /* an addition failed: no memory */
};

void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
/* n bytes as 2 n lower-case hexadecimal digits. */
void buf_addhex(struct buf *b, const void *data, size_t n);
/* A word of a shell's command line, in quotes where it needs them. */
void buf_addword(struct buf *b, const char *word);
void buf_addf(struct buf *b, const char *fmt, ...) AW_PRINTF(2, 3);
static inline bool buf_ok(const struct buf *b)
{
    return !b->bad;
}
/* The text so far; never NULL. */
static inline const char *buf_str(const struct buf *b)
{
    return b->data ? b->data : "";
}
/* Hand the memory over (free()); NULL if an addition failed. The buffer is empty afterwards. */
char *buf_steal(struct buf *b);
void buf_fini(struct buf *b);
#define _cleanup_buf_ __attribute__((cleanup(buf_fini)))

#endif
