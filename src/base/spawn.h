/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a helper program (skopeo, newuidmap, crun, pasta) with a timeout and its words caught.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include "base/buf.h"

#include <archway/err.h>

#include <sys/types.h>

struct spawn {
    const char *const *argv; /* argv[0] is looked up on PATH unless it has a slash */
    const char *const *envp; /* NULL: the caller's environment */
    int stdin_fd;            /* 0 for /dev/null, else a descriptor to be its standard input */
    int stdout_fd;           /* 0: caught into out; else a descriptor */
    int stderr_fd;           /* 0: caught into err_text; else a descriptor */
    int keep_fds[8]; /* descriptors that the program inherits under their own number; 0 ends the
                        list */
    int timeout_ms;  /* 0: none */
    size_t limit;    /* bytes caught of each stream at most, more are dropped; 0: 1 MiB */
    /* each finished line of standard error goes there as AW_LOG_PROGRESS; may be NULL */
    const struct aw_log *log;
    bool (*cancelled)(void *user); /* asked every 100 ms and after EINTR; true ends the helper by
                                      SIGTERM, then SIGKILL: AW_E_CANCELLED; may be NULL */
    void *user;                    /* passed to cancelled */
};

struct spawn_result {
    int status;          /* exit status, or 128 + signal */
    struct buf out;      /* what it printed, if caught */
    struct buf err_text; /* its standard error, if caught */
};

/* Start, wait and collect. True when the program ran and ended (whatever its status). Not found:
 * AW_E_NOTFOUND; time out: AW_E_TIMEOUT (it is killed). Every other descriptor is closed in it;
 * signals are unblocked and set to default; it gets SIGKILL when the calling thread ends. */
bool spawn_run(const struct spawn *s, struct spawn_result *ret, struct aw_err *err);
/* The same, and a status other than 0 is an error with the last lines of its standard error. */
bool spawn_check(const struct spawn *s, struct spawn_result *ret, struct aw_err *err);
void spawn_result_fini(struct spawn_result *r);
#define _cleanup_spawn_ __attribute__((cleanup(spawn_result_fini)))

/* Start only (nothing caught; fd 0 means /dev/null); the pid, or -1. The caller reaps. An exec that
 * failed shows as status 127. */
pid_t spawn_start(const struct spawn *s, struct aw_err *err);
/* Wait at most timeout_ms (0: for ever); exit status or 128 + signal in *ret_status.
 * Time out: false with AW_E_TIMEOUT, and the child still runs. */
bool spawn_wait(pid_t pid, int timeout_ms, int *ret_status, struct aw_err *err);

/* Where program stands on path (the value of PATH, NULL: a usual one with /usr/sbin and /sbin);
 * fresh memory or NULL. */
char *spawn_find(const char *program, const char *path);

#endif
