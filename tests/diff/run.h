/* SPDX-License-Identifier: Apache-2.0
 *
 * Running cases under two emulators.
 */
#ifndef TESTS_DIFF_RUN_H
#define TESTS_DIFF_RUN_H

#include "rowcase.h"

#include <stdbool.h>
#include <stddef.h>

/* Cases: codes with their starts, in order. */
struct cases {
    struct row_code *codes;   /* ncodes of them */
    struct row_start *starts; /* nstarts */
    unsigned ncodes, nstarts; /* used */
    unsigned code_room, start_room;
};
struct row_code *cases_add_code(struct cases *c);
struct row_start *cases_add_start(struct cases *c);
void cases_clear(struct cases *c);
void cases_free(struct cases *c);

struct emulator {
    const char *name; /* for people */
    char **argv;      /* command, NULL-terminated; the runner is its last word */
    char **env;       /* environment */
    unsigned seconds; /* longest run */
    bool alone;       /* not while the other one runs */
};

/* What came of a run. */
struct answers {
    struct row_brief *brief; /* one a start, unless full was asked for */
    struct row_full *full;   /* the same, with ROW_FULL */
    uint64_t *arena;         /* hash of the whole arena after each batch */
    unsigned done;           /* how many starts have their answer */
    int status;              /* wait status; -1: it took too long */
    double cpu;              /* seconds of processor time */
};
void answers_free(struct answers *a);

/* Cases in a file as the runner reads it. mode: ROW_FULL, ... Returns a file descriptor. */
int run_write(const struct cases *c, unsigned mode);
/* Start the emulators, wait for both. false: one did not do its work (see done and status). */
bool run_pair(const struct emulator e[2], const struct cases *c, unsigned mode,
              struct answers a[2]);

#endif
