// SPDX-License-Identifier: Apache-2.0
#include "engine/rt/fmt.h"

#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <stdbool.h>

struct out {
    char *buf; /* caller's */
    size_t n;  /* its size */
    size_t at; /* characters so far, also those that did not fit */
};

static void put(struct out *o, char c)
{
    if (o->at + 1 < o->n)
        o->buf[o->at] = c;
    o->at++;
}

static void put_number(struct out *o, uint64_t v, unsigned base, bool negative)
{
    char digits[24];
    unsigned n = 0;
    if (negative)
        put(o, '-');
    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (n)
        put(o, digits[--n]);
}

static void put_text(struct out *o, const char *s)
{
    while (s && *s)
        put(o, *s++);
}

size_t fmt_va(char *buf, size_t n, const char *format, va_list args)
{
    struct out o = {buf, n, 0};
    long v;
    for (const char *p = format; *p; p++) {
        if (*p != '%') {
            put(&o, *p);
            continue;
        }
        switch (*++p) {
        case 's':
            put_text(&o, va_arg(args, const char *));
            break;
        case 'c':
            put(&o, (char)va_arg(args, int));
            break;
        case 'd':
            v = va_arg(args, int);
            put_number(&o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0);
            break;
        case 'l':
            v = va_arg(args, long);
            put_number(&o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0);
            break;
        case 'u':
            put_number(&o, va_arg(args, unsigned long), 10, false);
            break;
        case 'x':
            put_number(&o, va_arg(args, unsigned), 16, false);
            break;
        case 'X':
            put_number(&o, va_arg(args, unsigned long), 16, false);
            break;
        default:
            put(&o, *p);
        }
    }
    if (n)
        buf[o.at < n ? o.at : n - 1] = 0;
    return o.at;
}

size_t fmt(char *buf, size_t n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t length = fmt_va(buf, n, format, args);
    va_end(args);
    return length;
}

void fmt_err(const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    size_t n = fmt_va(line, sizeof(line), format, args);
    va_end(args);
    sys(__NR_write, 2, line, n < sizeof(line) ? n : sizeof(line) - 1);
}
