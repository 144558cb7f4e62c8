/* SPDX-License-Identifier: Apache-2.0
 *
 * The one error type of libarchway.
 *
 * Storage is the caller's; nothing here allocates, so an error can be reported when memory is gone.
 * A function that can fail takes `struct aw_err *err` last and returns false (or NULL); on failure
 * *err is filled in, on success it is left alone. `err` may be NULL where the caller does not care.
 */
#ifndef ARCHWAY_ERR_H
#define ARCHWAY_ERR_H

#include <stdbool.h>

enum aw_code {
    AW_OK = 0,
    AW_E_ARG,         /* the caller or the user asked for something that makes no sense */
    AW_E_PARSE,       /* text or bytes that do not follow their format */
    AW_E_NOTFOUND,    /* a named object does not exist */
    AW_E_EXIST,       /* a named object exists already */
    AW_E_IO,          /* a system call failed; sys_errno tells how */
    AW_E_NOMEM,       /* out of memory */
    AW_E_PERM,        /* not allowed */
    AW_E_UNSUPPORTED, /* this kernel, machine or build cannot do it */
    AW_E_LIMIT,       /* a limit of Archway or of the kernel was exceeded */
    AW_E_CORRUPT,     /* data does not match its digest or size */
    AW_E_TIMEOUT,     /* a helper did not answer in time */
    AW_E_CHILD,       /* a helper program failed */
    AW_E_CANCELLED,   /* the user interrupted */
    AW_E_IDMAP,       /* newuidmap or newgidmap refused to map a user's range of ids */
};

struct aw_err {
    enum aw_code code;  /* AW_OK until something failed */
    int sys_errno;      /* errno of the failed system call, or 0 */
    char message[1024]; /* what failed, on which object, why; context frames stand in front,
                           separated by ": "; no newline at its end */
    char mend[768];     /* the command or action that mends it, or "" */
};

#define AW_ERR_INIT                                                                                \
    {                                                                                              \
        .code = AW_OK                                                                              \
    }

/* Fill in *err and return false, for `return aw_fail(...)`. If sys_errno is not 0,
 * ": strerror(sys_errno)" is appended. An earlier error in *err is overwritten. */
bool aw_fail(struct aw_err *err, enum aw_code code, int sys_errno, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Put "context: " in front of the message already in *err; returns false. Module boundaries use it.
 */
bool aw_context(struct aw_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Set what mends the error already in *err; returns false. Overwrites an earlier one. */
bool aw_mend(struct aw_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A stable lower-case word for the code ("not-found"), for --json. Never NULL. */
const char *aw_code_name(enum aw_code code);

/* Where libraries report what is no failure. They never print; the caller decides. */
enum aw_level {
    AW_LOG_DEBUG,    /* for developers */
    AW_LOG_PROGRESS, /* long work going on: may be shown on a terminal and overwritten */
    AW_LOG_NOTE,     /* something was skipped or chosen that the user may want to know */
    AW_LOG_WARN,     /* something works less well than it should */
};

struct aw_log {
    void (*fn)(void *user, enum aw_level level, const char *message); /* may be NULL */
    void *user;                                                       /* passed to fn */
};

/* Format and hand over one line (no newline at its end); log may be NULL. */
void aw_log(const struct aw_log *log, enum aw_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
