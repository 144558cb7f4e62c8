/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <strings.h>

void util_close(int fd)
{
    if (fd < 0)
        return;
    int saved = errno;
    close(fd);
    errno = saved;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/* no overlong forms, no surrogates, nothing beyond U+10FFFF */
bool str_is_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        unsigned c = *s++, more = c < 0x80 ? 0 : c < 0xc2 ? 9 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        if (more == 9 || c > 0xf4)
            return false;
        unsigned low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
        unsigned high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        for (; more > 0; more--, low = 0x80, high = 0xbf)
            if (*s < low || *s++ > high)
                return false;
    }
    return true;
}

bool str_to_u64(const char *s, unsigned long long min, unsigned long long max,
                unsigned long long *ret)
{
    unsigned long long v = 0;
    if (!*s)
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return false;
        unsigned digit = (unsigned)(*s - '0');
        if (v > (~0ULL - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (v < min || v > max)
        return false;
    *ret = v;
    return true;
}

int str_to_signal(const char *s)
{
    unsigned long long n;
    if (str_to_u64(s, 1, 64, &n))
        return (int)n;
    if (strncasecmp(s, "SIG", 3) == 0)
        s += 3;
    if (strncasecmp(s, "RTMIN", 5) == 0 && (s[5] == '\0' || s[5] == '+')) {
        n = 0;
        if (s[5] && !str_to_u64(s + 6, 0, (unsigned)(SIGRTMAX - SIGRTMIN), &n))
            return 0;
        return SIGRTMIN + (int)n;
    }
    for (int sig = 1; sig < 32; sig++) {
        const char *name = sigabbrev_np(sig);
        if (name && strcasecmp(name, s) == 0)
            return sig;
    }
    return 0;
}

char *str_printf(const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return n < 0 ? NULL : s;
}

bool strv_take(struct strv *s, char *item)
{
    if (!item)
        return false;
    /* grow by powers of two: n + 1 slots are in use */
    if (!s->v || ((s->n + 1) & s->n) == 0) {
        char **v = realloc(s->v, sizeof(*v) * (s->n + 1) * 2);
        if (!v) {
            free(item);
            return false;
        }
        s->v = v;
    }
    s->v[s->n++] = item;
    s->v[s->n] = NULL;
    return true;
}

bool strv_add(struct strv *s, const char *item)
{
    return strv_take(s, strdup(item));
}

bool strv_addf(struct strv *s, const char *fmt, ...)
{
    char *item = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&item, fmt, ap);
    va_end(ap);
    return strv_take(s, n < 0 ? NULL : item);
}

bool strv_copy(struct strv *dst, const struct strv *src)
{
    for (size_t i = 0; i < src->n; i++)
        if (!strv_add(dst, src->v[i]))
            return false;
    return true;
}

bool strv_has(const struct strv *s, const char *item)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->v[i], item))
            return true;
    return false;
}

void strv_fini(struct strv *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->v[i]);
    free(s->v);
    s->v = NULL;
    s->n = 0;
}
