/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run of rowfuzz has done so far, by row and in all; in a file, so that it can go on.
 */
#ifndef TESTS_DIFF_TALLY_H
#define TESTS_DIFF_TALLY_H

#include "gen.h"

#include <stdio.h>

struct count {
    uint64_t instances;  /* starts of codes that have the row */
    uint64_t faults;     /* signals at such a word */
    uint64_t wrong;      /* differences that accepted.txt does not know */
    uint64_t accepted;   /* those that it knows */
    uint64_t not_lifted; /* SIGILL under the engine alone */
};

/* How the engine translates: the bits of --vary, as src/engine/rt/state.h has them. */
enum {
    VARY_LAZY = 8,       /* never looks for FPSR's UFC */
    VARY_BITS = 6,       /* switches */
    VARY_SEED_SHIFT = 8, /* above: a seed for register allocation at random */
    VARY_NAMES = VARY_BITS + 2
};

struct tally {
    struct count rows[A64_ROW_COUNT];
    uint64_t instances, faults;  /* in all */
    uint64_t varied[VARY_NAMES]; /* instances under each switch; at random; with none of these */
    uint64_t slice;              /* the next one */
    uint64_t seed;               /* whose slices these are */
    const char *mode;            /* and of which mode */
};
/* A configuration, drawn. */
uint32_t tally_vary(struct rng *r);
void tally_add_varied(struct tally *t, uint32_t vary, uint64_t instances);
/* Nothing is read where there is no file, or path is NULL. */
void tally_read(struct tally *t, const char *path);
void tally_write(const struct tally *t, const char *path);
/* false: something was wrong */
bool tally_print(const struct tally *t, FILE *out);

#endif
