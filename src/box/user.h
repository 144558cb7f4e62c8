/* SPDX-License-Identifier: Apache-2.0
 *
 * Who the container's process is: USER of the image or -u, looked up in the container's own
 * /etc/passwd and /etc/group, and the id map of the nested user namespace.
 */
#ifndef BOX_USER_H
#define BOX_USER_H

#include "base/util.h"
#include "ns/idmap.h"

#include <archway/err.h>

#include <stdint.h>

#define USER_GROUPS 512 /* supplementary groups at most; more in the image's file are not used */

struct user {
    uint32_t uid, gid;            /* inside the container */
    uint32_t groups[USER_GROUPS]; /* supplementary groups, without gid, no duplicates */
    size_t n_groups;
    char *home; /* from passwd; "/" where there is no entry; never NULL */
    char *name; /* from passwd; "" where there is no entry; never NULL */
};

/* Look text ("", "name", "uid", "name:group", "uid:gid", ...) up beneath the container's root. A
 * name that is not there is AW_E_NOTFOUND; a number needs no entry. user_fini frees *ret. */
bool user_resolve(int root_fd, const char *text, struct user *ret, struct aw_err *err);
/* The same on given file texts (NULL: no such file). */
bool user_resolve_text(const char *passwd, const char *group, const char *text, struct user *ret,
                       struct aw_err *err);
void user_fini(struct user *u);
#define _cleanup_user_ __attribute__((cleanup(user_fini)))

/* The map of the nested user namespace: from its ids to those of the outer one. */
#define USER_MAP_LINES (2 * IDMAP_LINES + 8)
struct user_map {
    int n_uid, n_gid; /* lines in use */
    struct idmap_line
        uid[USER_MAP_LINES]; /* inside: in the container; outside: in the outer namespace */
    struct idmap_line gid[USER_MAP_LINES];
};

/* All ids of m as themselves: one line for each range of m, as a line may not span two. */
void user_map_identity(const struct idmap *m, struct user_map *ret);
/* The same with the caller (uid, gid: his ids on the host) having his own numbers inside: he
 * changes places with whoever had them, so that all others stay who they are. AW_E_UNSUPPORTED with
 * a single-id map. Where m gives him his own numbers already this is the identity. */
bool user_map_keep_id(const struct idmap *m, uid_t uid, gid_t gid, struct user_map *ret,
                      struct aw_err *err);
/* Are all ids of u mapped? If not, err names the id, and what mends it. */
bool user_check_mapped(const struct user *u, const struct user_map *map, const struct idmap *m,
                       struct aw_err *err);
/* Forget supplementary groups that cannot be had: setgroups(2) would fail for all of them. */
void user_drop_unmapped_groups(struct user *u, const struct user_map *map, const struct idmap *m);

#endif
