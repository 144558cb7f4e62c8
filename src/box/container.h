/* SPDX-License-Identifier: Apache-2.0
 *
 * A container's folder in the store, containers/<id>/:
 *   lock        flock(2)ed as long as the container lives: by its holder and by the command line
 *   state.json  who it is (image.layers keeps prune away from what it stands on)
 *   ctl         socket of the holder, for exec
 *   data/       upper and work: the writable layer (ids of the user namespace)
 */
#ifndef BOX_CONTAINER_H
#define BOX_CONTAINER_H

#include "box/box.h"

struct container {
    char id[BOX_ID + 1];
    char *name;   /* --name or made up */
    char dir[48]; /* "containers/<id>", relative to the store's folder */
    int dir_fd;   /* of that folder */
    int lock_fd;  /* holds the lock */
};

/* Make a folder with a lock and the folders of the writable layer (owned by the namespace's root).
 * A name that a living container has is AW_E_EXIST. */
bool container_new(struct store *s, const struct box_options *opt, const struct idmap *map,
                   struct container *ret, struct aw_err *err);
/* Write state.json; pid 0 and emulator NULL while it is starting. */
bool container_save(const struct container *c, const struct image *img,
                    const struct box_options *opt, const struct box_info *live, struct aw_err *err);
/* Remove the folder (its writable layer is gone already, or is removed by store_reap_dead) and
 * unlock. */
void container_remove(struct store *s, struct container *c);
/* Only let go of descriptors and memory. */
void container_fini(struct container *c);

/* Open the folder of a living container by name, id, or the unambiguous beginning of an id; -1. */
int container_find(struct store *s, const char *what, char ret_id[BOX_ID + 1], struct aw_err *err);

#endif
