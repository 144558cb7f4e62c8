/* SPDX-License-Identifier: Apache-2.0
 *
 * Unpacking one layer into the store.
 */
#ifndef IMAGE_UNPACK_H
#define IMAGE_UNPACK_H

#include "image/layer.h"
#include "image/store_private.h"

struct unpack {
    const struct idmap *map;         /* in whose user namespace */
    struct layer_source src;         /* what */
    const struct image_layer *below; /* the layers below it, bottom first; unpacked already */
    size_t n_below;                  /* how many */
    const struct store_wait *wait;   /* progress, giving up */
};

struct unpack_result {
    struct layer_result layer;  /* what layer_apply found */
    char chain_id[DIGEST_SIZE]; /* where it stands now */
    struct platform platform;   /* of the programs in it; arch "" when none was found */
};

/* Unpack in a process of the namespace, then publish as layers/<map's key>/<chain id>. Both are
 * safe beside other commands; the caller has the lock that keeps two from doing the same work. */
bool unpack_layer(struct store *s, const struct unpack *u, struct unpack_result *ret,
                  struct aw_err *err);

#endif
