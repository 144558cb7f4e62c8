/* SPDX-License-Identifier: Apache-2.0
 *
 * Making one entry of a layer.
 */
#ifndef IMAGE_LAYER_ENTRY_H
#define IMAGE_LAYER_ENTRY_H

#include "image/layer_attr.h"
#include "image/layer_tree.h"

#include <archive.h>

struct layer_maker {
    struct layer_tree *tree;   /* where to */
    struct archive *tar;       /* positioned at the entry: a file's bytes come from here */
    const struct idmap *map;   /* or NULL */
    struct layer_notes *notes; /* counted up */
    void (*tick)(void *user);  /* called now and then while a large file is written */
    void *user;                /* passed to tick */
};

/* Apply entry e. The error does not name the entry. */
bool layer_entry_apply(const struct layer_maker *m, struct archive_entry *e, struct aw_err *err);

#endif
