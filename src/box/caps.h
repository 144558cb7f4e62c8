/* SPDX-License-Identifier: Apache-2.0
 *
 * Capabilities: their names, Docker's default set, --cap-add and --cap-drop.
 * A set is a bit mask by the numbers of linux/capability.h.
 */
#ifndef BOX_CAPS_H
#define BOX_CAPS_H

#include "base/util.h"

#include <stdint.h>

#define CAPS_COUNT 41 /* CAP_CHOWN (0) to CAP_CHECKPOINT_RESTORE (40) */
#define CAPS_ALL ((UINT64_C(1) << CAPS_COUNT) - 1)

/* "CHOWN" for 0, ...; NULL beyond the list. */
const char *caps_name(unsigned number);
/* The number of "net_admin", "CAP_NET_ADMIN", ... in either case; -1 when there is none. */
int caps_number(const char *name);
/* Docker's 14. */
uint64_t caps_default(void);
/* The default with add and drop (names as in struct box_options, "ALL" included) applied as Docker
 * does: ALL in add means all but drop; ALL in drop means only add; else add wins over drop. */
uint64_t caps_compute(const struct strv *add, const struct strv *drop);

#endif
