/* SPDX-License-Identifier: Apache-2.0
 *
 * --memory and --pids-limit: a control group for the holder and all below it, where the caller may
 * make one (cgroup2 with delegation, or cgroup1 as root).
 */
#ifndef BOX_CGROUP_H
#define BOX_CGROUP_H

#include <archway/err.h>

#include <stdint.h>

struct cgroup {
    char *dirs[2]; /* the folders made: one (cgroup2), or one a controller (cgroup1) */
    char *home[2]; /* where the caller was, for each */
    int locks[2];  /* of the folders, held while they are in use */
    int n;
};

struct cgroup_limits {
    uint64_t memory; /* bytes, 0: no limit */
    uint64_t pids;   /* processes and threads, 0: no limit */
};

/* Make the group and move the calling process in; what it forks from now on starts there. Without
 * limits nothing is done. Not delegated: AW_E_PERM with what mends it. */
bool cgroup_enter(const struct cgroup_limits *limits, const char *id, struct cgroup *ret,
                  struct aw_err *err);
/* Move the calling process back. */
void cgroup_leave(const struct cgroup *g);
/* Remove the (empty) group. */
void cgroup_fini(struct cgroup *g);

#endif
