/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a further program in a living container: the holder's side.
 */
#ifndef BOX_EXEC_H
#define BOX_EXEC_H

#include "box/program.h"
#include "box/runtime.h"
#include "box/stage.h"

struct exec_server {
    const struct runtime *runtime;
    const struct idmap *map;
    const struct stage *stage;
    const char *id;             /* of the container */
    pid_t init;                 /* its first process */
    struct program_world world; /* what can be executed in it */
    int stop_signal;            /* what a client's signal 0 stands for */
};

/* Accept one client on listener and serve it in a child process (which the caller reaps): a program
 * to run, or signals for the container. */
void exec_accept(const struct exec_server *x, int listener);

#endif
