/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment, read once, in one place: where files are kept, where programs are found, what
 * the terminal can do.
 */
#ifndef CLI_ENV_H
#define CLI_ENV_H

#include "base/util.h"

#include <archway/err.h>

struct cli_env {
    const char *path;   /* PATH or NULL; the environment's own */
    const char *term;   /* TERM or NULL; likewise */
    char *const *all;   /* every variable, for -e NAME; likewise */
    bool no_color;      /* NO_COLOR is set and not empty */
    char *home;         /* HOME if it is the user's own, else from the user database; or NULL */
    char *emulator_dir; /* Archway's own emulators beside the program, or NULL */
    char *engine;       /* archway-engine, installed or in the build folder, or NULL */
    char *format;       /* archway-format, likewise */
};

void cli_env_init(struct cli_env *e);
void cli_env_fini(struct cli_env *e);

/* The store's folder: option (--storage) or NULL, then ARCHWAY_STORAGE, XDG_DATA_HOME, home.
 * An absolute path in fresh memory; NULL on failure. */
char *cli_env_storage(const struct cli_env *e, const char *option, struct aw_err *err);

/* The file that records the rules of the present user namespace's own instance: below
 * XDG_RUNTIME_DIR, else beside the images. Fresh memory; NULL on failure. */
char *cli_env_rules(const struct cli_env *e, struct aw_err *err);

#endif
