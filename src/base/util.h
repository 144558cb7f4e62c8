/* SPDX-License-Identifier: Apache-2.0
 *
 * Small helpers that every module uses: cleanup attributes, arrays, string tests.
 */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AW_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define AW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* A bug of Archway itself: never reachable from a file, an argument or the environment. */
#define AW_BUG_ON(cond)                                                                            \
    do {                                                                                           \
        if (__builtin_expect(!!(cond), 0)) {                                                       \
            static const char bug_[] = "archway: bug: " __FILE__ ": " #cond "\n";                  \
            if (write(2, bug_, sizeof(bug_) - 1) < 0) {                                            \
            }                                                                                      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline void util_free_ptr(void *p)
{
    free(*(void **)p);
}
/* Closes and keeps errno; -1 is fine. */
void util_close(int fd);
static inline void util_close_ptr(int *fd)
{
    util_close(*fd);
}
static inline void util_fclose_ptr(FILE **f)
{
    if (*f)
        fclose(*f);
}
#define _cleanup_free_ __attribute__((cleanup(util_free_ptr)))
#define _cleanup_close_ __attribute__((cleanup(util_close_ptr)))
#define _cleanup_fclose_ __attribute__((cleanup(util_fclose_ptr)))

/* Hand the value over and leave fd = -1 or ptr = NULL behind. */
static inline int util_steal_fd(int *fd)
{
    int v = *fd;
    *fd = -1;
    return v;
}
#define AW_STEAL(ptr)                                                                              \
    ({                                                                                             \
        __typeof__(ptr) v_ = (ptr);                                                                \
        (ptr) = NULL;                                                                              \
        v_;                                                                                        \
    })

static inline bool str_eq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}
static inline bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}
bool str_ends(const char *s, const char *suffix);

/* Is all of s UTF-8, as RFC 3629 has it? (JSON can carry nothing else.) */
bool str_is_utf8(const char *s);

/* Whole-string decimal number in [min, max]; no sign, no blanks. False otherwise. */
bool str_to_u64(const char *s, unsigned long long min, unsigned long long max,
                unsigned long long *ret);

/* A signal's number from "TERM", "SIGTERM", "15", "RTMIN+3"; 0 when there is none such. */
int str_to_signal(const char *s);

/* printf into fresh memory (free()); NULL when memory is gone. */
char *str_printf(const char *fmt, ...) AW_PRINTF(1, 2);

/* A growing NULL-terminated array of owned strings. Zero-initialise; strv_fini frees all. */
struct strv {
    char **v; /* NULL or n + 1 pointers, the last NULL */
    size_t n; /* strings in v */
};
bool strv_add(struct strv *s, const char *item); /* copies item; false: no memory */
bool strv_take(struct strv *s, char *item); /* takes item over (frees it on failure); NULL fails */
bool strv_addf(struct strv *s, const char *fmt, ...) AW_PRINTF(2, 3);
bool strv_copy(struct strv *dst, const struct strv *src); /* appends */
bool strv_has(const struct strv *s, const char *item);
void strv_fini(struct strv *s);
#define _cleanup_strv_ __attribute__((cleanup(strv_fini)))

#endif
