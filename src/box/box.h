/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers: run one, run a further program in one, list them. docs/ARCHITECTURE.md tells how the
 * processes fit together ("one archway run").
 */
#ifndef BOX_BOX_H
#define BOX_BOX_H

#include "box/options.h"
#include "image/image.h"
#include "ns/idmap.h"

#include <archway/err.h>

#include <stdint.h>

#define BOX_ID 16 /* characters of a container's id */

/* Exit statuses that are Archway's own, as Docker's. */
#define BOX_EXIT_FAILED 125    /* the container could not be made or started */
#define BOX_EXIT_NOT_EXEC 126  /* the command was found and cannot be executed */
#define BOX_EXIT_NOT_FOUND 127 /* the command was not found */

struct store;

/* How the world outside is: filled in by the command line, so that no library reads the
 * environment. */
struct box_world {
    const char *path;         /* PATH for finding programs, or NULL */
    const char *runtime;      /* --runtime: "crun", "runc", a path, or NULL: crun, else runc */
    const char *emulator_dir; /* where Archway's own emulators are installed, or NULL */
    const char *engine;       /* the path of archway-engine, or NULL */
    const char *term;         /* TERM, or NULL */
    const struct aw_log *log; /* notes, warnings; may be NULL */
    bool verbose;             /* AW_LOG_DEBUG lines are wanted */
};

struct box_run_args {
    const struct box_options *opt; /* what was asked for */
    const struct box_world *world; /* where it was asked */
    int *ret_status;               /* see above */
};

/* Run opt's command in a container made from img (unpacked for map), wired to the caller's standard
 * streams or terminal, and wait. True when the container ran: *ret_status is the program's exit
 * status, or 128 + the signal that ended it. False: *ret_status is one of BOX_EXIT_* and err says
 * why. Handles SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH of the process while it
 * runs, but for those that were ignored. Nothing of the container is left behind when it returns.
 */
bool box_run(struct store *s, const struct image *img, const struct idmap *map,
             const struct box_run_args *args, struct aw_err *err);

/* One container that lives. */
struct box_info {
    char id[BOX_ID + 1];
    char *name;      /* --name, or made up */
    char *image;     /* as the image is shown */
    char *platform;  /* "linux/arm64" */
    char *command;   /* its words, joined by blanks */
    char *emulator;  /* path of the interpreter in use, or "" where it runs natively */
    int pid;         /* of the container's first process, as seen by the caller; 0 while starting */
    int64_t started; /* seconds since 1970 */
};

/* The living containers, oldest first; *ret and its strings are freed by box_list_free. Dead ones
 * are skipped (store_reap_dead removes them). */
bool box_list(struct store *s, struct box_info **ret, size_t *ret_n, struct aw_err *err);
void box_list_free(struct box_info *list, size_t n);

struct box_exec {
    const char *container; /* name, id, or the beginning of an id that fits one only */
    struct strv command;   /* at least one word */
    struct strv env;       /* NAME=value on top of the container's own */
    const char *user;      /* -u or NULL: the container's */
    const char *workdir;   /* -w or NULL: the container's */
    bool tty, interactive; /* -t, -i */
};

/* Run a further program in a living container; results as box_run's. */
bool box_exec(struct store *s, const struct box_exec *x, const struct box_world *world,
              int *ret_status, struct aw_err *err);

/* End a living container: the signal (0: its stop signal), then SIGKILL after timeout_ms. */
bool box_stop(struct store *s, const char *container, int signal, int timeout_ms,
              struct aw_err *err);

#endif
