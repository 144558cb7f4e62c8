/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>

static bool grow(struct buf *b, size_t more)
{
    if (b->bad)
        return false;
    if (more < b->cap - b->len && b->data)
        return true;
    size_t cap = b->cap ? b->cap : 128;
    while (cap - b->len <= more) {
        if (cap > (size_t)1 << 40) {
            b->bad = true;
            return false;
        }
        cap *= 2;
    }
    char *data = realloc(b->data, cap);
    if (!data) {
        b->bad = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    if (!grow(b, len))
        return;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_addhex(struct buf *b, const void *data, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n; i++) {
        char two[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        buf_add(b, two, 2);
    }
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    size_t room = b->data ? b->cap - b->len : 0;
    if (b->bad)
        return;
    va_start(ap, fmt);
    va_copy(again, ap);
    /* most often there is room for it already */
    int n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, ap);
    va_end(ap);
    if (n < 0)
        b->bad = true;
    else if ((size_t)n < room || grow(b, (size_t)n)) {
        if ((size_t)n >= room)
            vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    } else if (room) {
        b->data[b->len] = 0;
    }
    va_end(again);
}

void buf_addword(struct buf *b, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_@%+=:,./-";
    if (*word && !word[strspn(word, plain)]) {
        buf_adds(b, word);
        return;
    }
    buf_addc(b, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_adds(b, "'\\'");
        buf_addc(b, *word);
    }
    buf_addc(b, '\'');
}

char *buf_steal(struct buf *b)
{
    if (b->bad) {
        buf_fini(b);
        return NULL;
    }
    char *data = b->data ? b->data : strdup("");
    memset(b, 0, sizeof(*b));
    return data;
}

void buf_fini(struct buf *b)
{
    free(b->data);
    memset(b, 0, sizeof(*b));
}
