/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose rules a verb is about, by the user namespace that it runs in.
 */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include "cli/env.h"

enum cli_place {
    CLI_PLACE_HOST,      /* the machine's first user namespace: the rules of all */
    CLI_PLACE_SYSTEM,    /* a system of its own within a user namespace, as in an unprivileged
                            system container: its first process is in that namespace */
    CLI_PLACE_PODMAN,    /* the namespace that rootless Podman keeps for a user's containers; made
                            anew after each login */
    CLI_PLACE_NAMESPACE, /* any other: it ends with its last process, and its rules with it */
};

enum cli_place cli_place_find(void);

/* The file that records the rules there: /var/lib for the first two, beside the images for Podman,
 * else in the runtime folder. Fresh memory; NULL on failure. */
char *cli_place_records(enum cli_place place, const struct cli_env *e, struct aw_err *err);

#endif
