/* SPDX-License-Identifier: Apache-2.0
 *
 * The holder: PID 1 of a pid namespace in the outer user namespace. It owns everything that a
 * running container needs outside itself (the binfmt_misc instance, the mounts, the runtime's
 * state, pasta); when it dies, the kernel takes all of it away.
 */
#ifndef BOX_HOLDER_H
#define BOX_HOLDER_H

#include "box/box.h"
#include "box/container.h"
#include "box/emulator.h"
#include "box/network.h"
#include "box/runtime.h"
#include "box/stage.h"

struct holder_input {
    struct store *store;
    const struct image *img;
    const struct idmap *map;
    const struct box_options *opt;
    const struct box_world *world;
    const struct container *container;
    const struct runtime *runtime;
    struct emulators *emulators; /* interpreters to register */
    struct stage_sources
        *sources;       /* opened already (real root), or NULL: open them in the holder */
    struct network net; /* as planned */
    int control;        /* to the command line */
    int listener;       /* for exec */
    int io[3];          /* the program's standard streams */
    uid_t caller_uid;   /* outside, for keep-id */
    gid_t caller_gid;
    const char *caller_name; /* or NULL */
};

/* The child's whole life; returns its exit status. */
int holder_main(struct holder_input *in);

#endif
