/* SPDX-License-Identifier: Apache-2.0
 *
 * Which user and group ids a user namespace of the calling user gets.
 *
 * An ordinary user gets himself as 0 and his /etc/subuid and /etc/subgid ranges as 1 and up,
 * written by newuidmap and newgidmap; without those, a single id (0 is the user, all others are
 * unmapped). Real root gets a *shifted* range (0 is not 0 outside), so that a container's root is
 * nobody on the host: an identity map would let it open the host's sysctls for writing.
 */
#ifndef NS_IDMAP_H
#define NS_IDMAP_H

#include <archway/err.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum idmap_kind {
    IDMAP_RANGE,  /* many ids */
    IDMAP_SINGLE, /* only the caller's own id, as 0 */
};

struct idmap_line {
    uint32_t inside;  /* first id in the namespace */
    uint32_t outside; /* first id in the caller's namespace */
    uint32_t count;   /* how many */
};

#define IDMAP_LINES 8

struct idmap {
    enum idmap_kind kind;               /* what follows from the lines, for messages */
    bool by_helper;                     /* newuidmap/newgidmap must write the maps */
    int n_uid, n_gid;                   /* lines in use */
    struct idmap_line uid[IDMAP_LINES]; /* ascending and contiguous by inside, from 0 */
    struct idmap_line gid[IDMAP_LINES];
    char key[24];         /* names this map in file names: "r-<hash>" or "s-<hash>" */
    char why_single[512]; /* IDMAP_SINGLE: why there is no range and what mends it */
};

/* Plan the map of the calling user. Never fails for want of ranges: then it is IDMAP_SINGLE.
 * force_single: IDMAP_SINGLE even so (for tests and --userns=single). */
bool idmap_plan(bool force_single, struct idmap *ret, struct aw_err *err);

/* How many ids are mapped (inside ids are 0 .. n-1). */
uint32_t idmap_uids(const struct idmap *m);
uint32_t idmap_gids(const struct idmap *m);
/* The id outside of id 0 inside: who owns what the namespace's root makes. */
uid_t idmap_root_uid(const struct idmap *m);
gid_t idmap_root_gid(const struct idmap *m);
/* Outside to inside; -1 when not mapped. */
int64_t idmap_uid_inside(const struct idmap *m, uid_t outside);
int64_t idmap_gid_inside(const struct idmap *m, gid_t outside);

/* Parse the text of an /etc/subuid file: the ranges of user (by name or number), at most max;
 * malformed lines are skipped. Returns how many. */
int idmap_parse_subid(const char *text, const char *user, uid_t uid, struct idmap_line *ret,
                      int max);

#endif
