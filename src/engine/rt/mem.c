// SPDX-License-Identifier: Apache-2.0
#include "engine/rt/mem.h"

#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    void *d = to;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
    return to;
}

/* In loops that the compiler would take for a memmove, and make a call of. */
#define NO_IDIOM() __asm__ volatile("" : : : "memory")

/* Tables of many thousand entries are shifted by one entry: rep movsb goes by bytes there. */
static void move_up(uint64_t *to, const uint64_t *from, size_t words)
{
    for (; words >= 4; words -= 4) {
        uint64_t a = from[words - 1], b = from[words - 2], c = from[words - 3], d = from[words - 4];
        to[words - 1] = a;
        to[words - 2] = b;
        to[words - 3] = c;
        to[words - 4] = d;
    }
    while (words--) {
        to[words] = from[words];
        NO_IDIOM();
    }
}

static void move_down(uint64_t *to, const uint64_t *from, size_t words)
{
    for (; words >= 4; words -= 4, to += 4, from += 4) {
        uint64_t a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
    for (size_t k = 0; k < words; k++) {
        to[k] = from[k];
        NO_IDIOM();
    }
}

void *memmove(void *to, const void *from, size_t n)
{
    char *d = to;
    const char *s = from;
    size_t words = n / 8, bytes = n % 8;
    if (d == s)
        return to;
    if (d < s) {
        move_down(to, from, words);
        for (size_t k = 0; k < bytes; k++) {
            d[8 * words + k] = s[8 * words + k];
            NO_IDIOM();
        }
    } else {
        while (bytes--) {
            d[8 * words + bytes] = s[8 * words + bytes];
            NO_IDIOM();
        }
        move_up(to, from, words);
    }
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    void *d = to;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(byte) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return (size_t)(p - s);
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; n--) {
        a++;
        b++;
    }
    return n ? (unsigned char)*a - (unsigned char)*b : 0;
}
