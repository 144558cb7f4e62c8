/* SPDX-License-Identifier: Apache-2.0
 *
 * Owner, mode, time, extended attributes and ACLs of a layer's entry.
 */
#ifndef IMAGE_LAYER_ATTR_H
#define IMAGE_LAYER_ATTR_H

#include "ns/idmap.h"

#include <archway/err.h>

#include <archive.h>
#include <archive_entry.h>
#include <sys/types.h>
#include <time.h>

/* What was left out or changed without being an error; told at the end. */
struct layer_notes {
    unsigned devices; /* device nodes left out */
    unsigned sockets; /* sockets left out */
    unsigned owners;  /* entries of others than root, under a single-id map */
    unsigned attrs;   /* extended attributes and ACLs that the file system does not keep */
};

struct layer_attr {
    uid_t uid;
    gid_t gid;
    mode_t mode;           /* & 07777 */
    struct timespec mtime; /* as the archive has it */
    bool extra;            /* there are extended attributes or ACLs */
};

/* Owner (judged by map, which may be NULL), mode and time of e; refuses extended attributes that
 * only the container's own mounts may have. */
bool layer_attr_get(struct archive_entry *e, const struct idmap *map, struct layer_notes *notes,
                    struct layer_attr *ret, struct aw_err *err);

/* Set the extended attributes and ACLs of e on fd; after owner and mode. What an ACL says of ids
 * that map (NULL: all are there) does not have is left out. */
bool layer_attr_set_extra(struct archive_entry *e, const struct idmap *map, int fd,
                          struct layer_notes *notes, struct aw_err *err);

/* Remove the extended attributes that an earlier entry gave to the folder fd. */
void layer_attr_drop_extra(int fd);

/* Copy extended attributes and ACLs, but not overlayfs's own marks. */
bool layer_attr_copy(int from, int to, struct aw_err *err);

#endif
