/* SPDX-License-Identifier: Apache-2.0
 *
 * Driving the OCI runtime (crun or runc) from the holder. docs/decisions/0004-runtime.md has the
 * facts.
 */
#ifndef BOX_RUNTIME_H
#define BOX_RUNTIME_H

#include "box/box.h"
#include "box/bundle.h"

#include <sys/types.h>

struct runtime {
    char *path;               /* the program */
    enum bundle_runtime kind; /* whose ways it has */
};

/* crun, else runc, or what world->runtime says. */
bool runtime_find(const struct box_world *world, struct runtime *ret, struct aw_err *err);
void runtime_fini(struct runtime *rt);

/* One `create` or `exec`. */
struct runtime_call {
    const char *stage;   /* the stage's folder: <stage>/state, <stage>/bundle */
    const char *id;      /* of the container */
    const char *program; /* what is started, for messages */
    int io[3];           /* its standard streams */
    const char *process; /* exec: path of the process object; NULL: create */
    bool at_once; /* create: also let the program run (no runtime_start); saves a start of the
                     runtime, some 6 ms */
    bool tty;     /* it gets a terminal: the controlling side arrives in *ret_tty */
};

/* A stream that is a file of the caller's, and whose it was. */
struct runtime_lent {
    int fd;
    uid_t uid;
    gid_t gid;
};

struct runtime_started {
    pid_t pid;       /* the process; its parent is the nearest subreaper above the caller */
    int tty;         /* the terminal's controlling side, or -1 */
    int exit_status; /* on failure: 125, 126 or 127 */
    char log[64]; /* path of the runtime's log of this call: an exec format error shows there only
                     after the start */
    struct runtime_lent lent[3];
    int n_lent;
};

/* Make the container (stopped before its program), or start a further program in it. */
bool runtime_launch(const struct runtime *rt, const struct runtime_call *c,
                    struct runtime_started *ret, struct aw_err *err);
/* Let the created container's program run. */
bool runtime_start(const struct runtime *rt, const char *stage, const char *id, struct aw_err *err);

/* Runtimes give the standard streams to the program's user, so that it may open /dev/stdout. When
 * it has ended: files among them are the caller's again. */
void runtime_give_back(struct runtime_started *started);

/* After a program ended with status 1: was that the runtime, which could not execute it? Then its
 * exit status is 126 or so and err says why; else 0. */
int runtime_why(const struct runtime_started *started, const char *program, struct aw_err *err);

#endif
