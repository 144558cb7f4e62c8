/* SPDX-License-Identifier: Apache-2.0
 *
 * Which program interprets which architecture: the one place that decides.
 */
#ifndef BOX_EMULATOR_H
#define BOX_EMULATOR_H

#include "box/box.h"

#include <archway/catalogue.h>

struct emulator {
    const struct aw_arch *arch; /* what it runs */
    char *path;                 /* the program, static */
    int fd;                     /* it, opened (O_PATH) by emulators_open, or -1 */
};

struct emulators {
    struct emulator *v; /* the image's own architecture first */
    size_t n;
    bool native; /* the image's architecture needs none */
};

/* Choose interpreters for the platform and for other common architectures (a container may hold
 * programs of several). opt_emulator is --emulator: NULL or "auto", "engine", "qemu", or a path for
 * the image's own architecture. No interpreter for the image: an error that names what to install.
 */
bool emulators_choose(const struct platform *p, const char *opt_emulator,
                      const struct box_world *world, struct emulators *ret, struct aw_err *err);
/* Open each program (before anything covers its path; real root does it before
 * it enters the user namespace). */
bool emulators_open(struct emulators *e, struct aw_err *err);
void emulators_fini(struct emulators *e);

/* The program that emulators_choose takes for the architecture (fresh memory), or NULL with an
 * error that names what to install. */
char *emulator_find(const struct aw_arch *arch, const char *opt_emulator,
                    const struct box_world *world, struct aw_err *err);
/* What an explicitly named program must be: a static executable for the host. */
bool emulator_check(const char *path, struct aw_err *err);

/* Is this a static ELF executable for the host? Only such a one works through the F flag in a
 * container, where its dynamic linker and libraries cannot be found. */
bool emulator_is_static(int fd, const char *path, struct aw_err *err);

#endif
