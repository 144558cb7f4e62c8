/* SPDX-License-Identifier: Apache-2.0
 *
 * What a container starts, and whether it is there at all.
 */
#ifndef BOX_PROGRAM_H
#define BOX_PROGRAM_H

#include "box/emulator.h"
#include "box/options.h"
#include "image/image.h"

#include <archway/err.h>

/* The word that names the program: of the entrypoint, else of the command; "" when there is none.
 */
const char *program_name(const struct box_options *opt, const struct image_config *image);

struct program_world {
    const char *name;              /* the program, or NULL: that of opt and image */
    const struct box_options *opt; /* bind mounts' sources as they can be opened here */
    const struct image_config *image;
    const struct emulators *emulators; /* what is registered */
    bool only_emulators; /* no other rules exist: a foreign program without one fails */
};

/* Look for the program beneath the container's root before the OCI runtime does, whose complaint
 * would go to the program's own standard error. 0: it is there, or this cannot be told from here
 * (volumes); else 126 or 127 and err. */
int program_check(int root_fd, const struct program_world *world, struct aw_err *err);

#endif
