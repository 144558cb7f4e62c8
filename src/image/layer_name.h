/* SPDX-License-Identifier: Apache-2.0
 *
 * Names in a layer: which are refused, which are marks (whiteouts), and how they are shown.
 */
#ifndef IMAGE_LAYER_NAME_H
#define IMAGE_LAYER_NAME_H

#include "base/util.h"

#include <archway/err.h>

#define LAYER_PATH_MAX 4096 /* bytes of a path, the NUL not counted */
#define LAYER_NAME_MAX 255  /* bytes of one component */
#define LAYER_DEPTH_MAX 256 /* components of a path */
#define LAYER_LINKS_MAX 40  /* symlinks followed for one path: the kernel's own limit */

enum layer_name_kind {
    LAYER_NAME_ROOT,     /* the root folder itself */
    LAYER_NAME_PLAIN,    /* a thing in the tree */
    LAYER_NAME_WHITEOUT, /* hides `path` of the layers below */
    LAYER_NAME_OPAQUE,   /* hides all that the layers below have in folder `path` */
    LAYER_NAME_META,     /* aufs's own housekeeping: left out */
};

struct layer_name {
    enum layer_name_kind kind;
    char path[LAYER_PATH_MAX + 1]; /* from the root: no leading, double or trailing slash, no ".";
                                      of a mark: what it is about */
    size_t len;                    /* bytes in path; 0 for the root */
    size_t parent_len;             /* path[0..parent_len) is the parent folder; 0: the root */
    const char *base;              /* last component, within path; "" for the root */
};

/* Take the name of an entry (or the target of a hard link) apart. A leading slash means the root of
 * the tree, as Docker has it. Refused with AW_E_PARSE: "..", the empty name, what is too long or
 * too deep, whiteouts of nothing, ".wh.x" in the middle of a path. *ret must not be copied. */
bool layer_name_parse(const char *text, struct layer_name *ret, struct aw_err *err);

/* text for a message: control characters and bytes that are not UTF-8 as \xNN, shortened in the
 * middle; returns ret. */
#define LAYER_SHOW 200
const char *layer_show(const char *text, char ret[LAYER_SHOW]);

/* aw_fail for a system call that failed while writing to the store: a full disk or quota is
 * AW_E_LIMIT, with what mends it. Uses errno. */
bool layer_fail_io(struct aw_err *err, const char *what);

#endif
