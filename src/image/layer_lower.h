/* SPDX-License-Identifier: Apache-2.0
 *
 * What the layers below have at a path, honouring the marks between them, and copies of it.
 */
#ifndef IMAGE_LAYER_LOWER_H
#define IMAGE_LAYER_LOWER_H

#include "image/layer_tree.h"

struct layer_hit {
    int fd;         /* files and folders O_RDONLY, others O_PATH; -1: there is nothing */
    struct stat st; /* of it */
};

/* name in the folder at dir (free of symlinks) of the merged lower layers. False only when the
 * system fails. ret->fd is the caller's to close. */
bool layer_lower_find(const struct layer_tree *t, const char *dir, const char *name,
                      struct layer_hit *ret, struct aw_err *err);

/* Give the folder fd the owner, mode and extended attributes of the lower folder hit. */
bool layer_lower_dress(const struct layer_hit *hit, int fd, struct aw_err *err);

/* Make name in folder fd a copy of the file, symlink or FIFO hit. */
bool layer_lower_copy(const struct layer_hit *hit, int fd, const char *name, uint64_t *budget,
                      struct aw_err *err);

/* The folder fd has the opaque mark. */
bool layer_lower_is_opaque(int fd);

#endif
