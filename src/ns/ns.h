/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and entering user namespaces.
 */
#ifndef NS_NS_H
#define NS_NS_H

#include "ns/idmap.h"

#include <stdbool.h>

/* A function to be run in a child process. Returns like any library function. */
typedef bool ns_fn(void *arg, const struct aw_log *log, struct aw_err *err);

/* clone(2) a child into a new user namespace with map m and the further namespaces of flags
 * (CLONE_NEWNS, CLONE_NEWPID, ...), as root of it (uid and gid 0, supplementary groups dropped
 * where the kernel lets), with every capability there; with CLONE_NEWNS its mounts are private.
 * In the child fork returns 0; *ret_pid is the child in the parent. The child gets SIGKILL when the
 * caller's thread ends. -1 on failure (in the parent; the child is gone). Descriptors are shared as
 * by fork. */
int ns_fork(const struct idmap *m, int flags, pid_t *ret_pid, struct aw_err *err);

/* ns_fork, run fn in the child and wait. The child's error comes back in *err and its log lines
 * reach log, in order. A child that dies of a signal is AW_E_CHILD. SIGINT and SIGTERM to the
 * caller go on working: the caller's handlers run, and cancelled (may be NULL), asked every 100 ms,
 * kills the child: AW_E_CANCELLED. */
bool ns_run(const struct idmap *m, int flags, ns_fn *fn, void *arg, const struct aw_log *log,
            bool (*cancelled)(void *user), void *user, struct aw_err *err);

/* Why a user namespace cannot be made here; fills err with cause and mend and returns false.
 * how is the errno of the failed clone or unshare. */
bool ns_explain(int how, struct aw_err *err);

#endif
