/* SPDX-License-Identifier: Apache-2.0
 *
 * The folders of binfmt.d(5). A file in an earlier folder stands in for those of the same name in
 * later ones; a link to /dev/null stands in for them with nothing.
 */
#ifndef BINFMT_RULE_DIRS_H
#define BINFMT_RULE_DIRS_H

#include "base/util.h"

#include <archway/err.h>

struct rule_dirs {
    struct strv files;  /* those that count, in the order in which they are read: by name */
    struct strv masked; /* those that others stand in for */
};

/* Below root ("" for this machine). */
bool rule_dirs_list(const char *root, struct rule_dirs *ret, struct aw_err *err);
void rule_dirs_fini(struct rule_dirs *d);

#endif
