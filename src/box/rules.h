/* SPDX-License-Identifier: Apache-2.0
 *
 * The binfmt_misc rules that a container runs by: an instance of the outer user namespace, or the
 * host's where the kernel has no other.
 */
#ifndef BOX_RULES_H
#define BOX_RULES_H

#include "box/emulator.h"

#include <sys/types.h>

struct aw_instance;

struct rules {
    struct aw_instance *own; /* the outer user namespace's instance; NULL: the host's rules serve */
    int container;           /* one of the container's own user namespace (its mount), or -1 */
    struct emulators *emulators; /* borrowed */
};

/* Make the instance of the present user namespace and register the emulators, the image's own last
 * (the kernel tries the newest first). Where the kernel has none (before 6.7), the host's rules
 * must serve the image: if they do not, an error with the command that mends it. The rules live as
 * long as this process. */
bool rules_init(struct rules *ret, struct emulators *e, const struct aw_log *log,
                struct aw_err *err);

/* Does rules_for_container have something to do, before the program starts? */
bool rules_want_container(const struct rules *r, const struct box_options *opt);
/* A container with CAP_SYS_ADMIN may mount binfmt_misc itself; from then on its user namespace sees
 * only its own instance. So register there too, before its program starts. pid is its first
 * process. */
bool rules_for_container(struct rules *r, const struct box_options *opt, pid_t pid,
                         const struct aw_log *log, struct aw_err *err);

#endif
