/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder that a layer is unpacked to: finding and making the folders of an entry, whiteouts,
 * and what the layers below have at a path.
 */
#ifndef IMAGE_LAYER_TREE_H
#define IMAGE_LAYER_TREE_H

#include "image/layer.h"
#include "image/layer_name.h"

#include <sys/stat.h>
#include <time.h>

#define LAYER_FOLDERS 32 /* folders kept open */

/* A folder of dest that is open. */
struct layer_folder {
    char *path;            /* from the root, free of symlinks; "" is the root */
    char *alias;           /* the same through symlinks, as entries name it; or NULL */
    int fd;                /* O_RDONLY; -1: this slot is free */
    struct timespec mtime; /* to be set when the slot is given up, if touched and keep_time */
    bool keep_time;        /* mtime is known */
    bool touched;          /* something was made or removed in it since it was opened */
    bool odd;              /* setgid or a default ACL: what is made in it inherits from it */
    uint64_t used;         /* when it was last asked for */
};

struct layer_tree {
    int root;          /* dest, O_RDONLY */
    const int *lowers; /* bottom first; the caller's */
    size_t n_lowers;   /* how many */
    uint64_t *budget;  /* bytes that may still be copied up; the caller's */
    struct layer_folder folders[LAYER_FOLDERS];
    struct layer_folder *last; /* the one asked for last, or NULL */
    struct layer_folder *pin;  /* is not given up; or NULL */
    uint64_t clock;            /* counts requests */
    bool stale;                /* a folder or symlink was removed: paths may lead elsewhere now */
    bool opaque_seen;          /* a folder was made opaque */
    bool opaque_root;          /* the root is: settled at the end */
};

bool layer_tree_init(struct layer_tree *t, const struct layer_dest *dest, uint64_t *budget,
                     struct aw_err *err);
/* Set the times that are still to be set, settle an opaque root. */
bool layer_tree_finish(struct layer_tree *t, struct aw_err *err);
/* Close everything; also after layer_tree_finish. */
void layer_tree_fini(struct layer_tree *t);

/* The folder at path[0..len), through symlinks of this layer and of those below, never out of the
 * root. What is missing is made: like the lower layers have it, else 0755 of root. Valid until the
 * next call, or while pinned. NULL on failure. */
struct layer_folder *layer_tree_folder(struct layer_tree *t, const char *path, size_t len,
                                       struct aw_err *err);

/* Remove what stands at name in f (the tree below it, too); nothing there is fine. */
bool layer_tree_clear(struct layer_tree *t, struct layer_folder *f, const char *name,
                      struct aw_err *err);

/* Make sure that name in f is a folder (whatever else stands there makes room) and return it open.
 * *ret_fresh: it was made now, with mode (& 01777). NULL on failure. */
struct layer_folder *layer_tree_mkdir(struct layer_tree *t, struct layer_folder *f,
                                      const char *name, mode_t mode, bool *ret_fresh,
                                      struct aw_err *err);

/* Hide name of the layers below f, or all that they have in f. */
bool layer_tree_whiteout(struct layer_tree *t, struct layer_folder *f, const char *name,
                         struct aw_err *err);
bool layer_tree_opaque(struct layer_tree *t, struct layer_folder *f, struct aw_err *err);

/* If name in f is missing and a lower layer has a file, symlink or FIFO there, copy it to f.
 * *ret is what stands there afterwards; AW_E_PARSE when there is nothing. */
bool layer_tree_copy_up(struct layer_tree *t, struct layer_folder *f, const char *name,
                        struct stat *ret, struct aw_err *err);

/* What is made in this folder inherits from it: it is setgid or has a default ACL. */
bool layer_tree_is_odd(int fd, mode_t mode);

static inline bool layer_is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

#endif
