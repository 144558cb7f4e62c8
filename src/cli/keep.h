/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over restarts: which files, for which place, and who is told.
 */
#ifndef CLI_KEEP_H
#define CLI_KEEP_H

#include "cli/change.h"

/* May rules be kept here at all? They may not in a namespace that nobody makes anew. */
bool cli_keep_can(struct cli *c, enum cli_place place, struct aw_err *err);
/* Make the files tell of the records that are to persist; none: remove them. */
bool cli_keep_sync(struct cli *c, const struct cli_change *r, struct aw_err *err);

#endif
