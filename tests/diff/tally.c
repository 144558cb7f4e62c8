/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[VARY_NAMES] = {"keep-flags", "tagged", "exact",  "lazy",
                                              "plain-host", "short",  "random", "usual"};

uint32_t tally_vary(struct rng *r)
{
    static const uint8_t percent[VARY_BITS] = {25, 15, 8, 35, 25, 15};
    uint32_t vary = 0;
    if (rng_percent(r, 25))
        return 0;
    for (unsigned i = 0; i < VARY_BITS; i++)
        vary |= (uint32_t)rng_percent(r, percent[i]) << i;
    if (rng_percent(r, 60))
        vary |= (1 + rng_below(r, 9999)) << VARY_SEED_SHIFT;
    return vary;
}

void tally_add_varied(struct tally *t, uint32_t vary, uint64_t instances)
{
    for (unsigned i = 0; i < VARY_BITS; i++)
        t->varied[i] += vary >> i & 1 ? instances : 0;
    t->varied[VARY_BITS] += vary >> VARY_SEED_SHIFT ? instances : 0;
    t->varied[VARY_BITS + 1] += vary ? 0 : instances;
}

static void read_line(struct tally *t, const char *line, const char *path)
{
    char name[64];
    unsigned long v[5];
    if (sscanf(line, "row %63s %lu %lu %lu %lu %lu", name, &v[0], &v[1], &v[2], &v[3], &v[4]) ==
        6) {
        for (unsigned row = 0; row < A64_ROW_COUNT; row++)
            if (!strcmp(name, a64_row_info[row].name))
                t->rows[row] = (struct count){v[0], v[1], v[2], v[3], v[4]};
    } else if (sscanf(line, "vary %63s %lu", name, &v[0]) == 2) {
        for (unsigned i = 0; i < VARY_NAMES; i++)
            if (!strcmp(name, names[i]))
                t->varied[i] = v[0];
    } else {
        errx(1, "%s: not a state of rowfuzz: %s", path, line);
    }
}

void tally_read(struct tally *t, const char *path)
{
    char line[256], mode[16];
    unsigned long v[4];
    FILE *in = path ? fopen(path, "r") : NULL;
    if (!in)
        return;
    if (!fgets(line, sizeof line, in) ||
        sscanf(line, "seed %lu mode %15s slice %lu instances %lu faults %lu", &v[0], mode, &v[1],
               &v[2], &v[3]) != 5)
        errx(1, "%s: not a state of rowfuzz", path);
    if (v[0] != t->seed || strcmp(mode, t->mode))
        errx(1, "%s: is of another seed or mode", path);
    t->slice = v[1];
    t->instances = v[2];
    t->faults = v[3];
    while (fgets(line, sizeof line, in))
        read_line(t, line, path);
    fclose(in);
}

void tally_write(const struct tally *t, const char *path)
{
    char new[256];
    if (!path)
        return;
    snprintf(new, sizeof new, "%s.new", path);
    FILE *out = fopen(new, "w");
    if (!out)
        err(1, "%s", new);
    fprintf(out, "seed %lu mode %s slice %lu instances %lu faults %lu\n", t->seed, t->mode,
            t->slice, t->instances, t->faults);
    for (unsigned i = 0; i < VARY_NAMES; i++)
        fprintf(out, "vary %s %lu\n", names[i], t->varied[i]);
    for (unsigned row = 1; row < A64_ROW_COUNT; row++) {
        const struct count *c = &t->rows[row];
        if (c->instances || c->not_lifted || c->wrong)
            fprintf(out, "row %s %lu %lu %lu %lu %lu\n", a64_row_info[row].name, c->instances,
                    c->faults, c->wrong, c->accepted, c->not_lifted);
    }
    if (fclose(out) || rename(new, path))
        err(1, "%s", path);
}

bool tally_print(const struct tally *t, FILE *out)
{
    struct count sum = {0};
    unsigned rows = 0, unlifted = 0;
    for (unsigned row = 1; row < A64_ROW_COUNT; row++) {
        const struct count *c = &t->rows[row];
        sum.wrong += c->wrong;
        sum.accepted += c->accepted;
        rows += c->instances != 0;
        unlifted += c->not_lifted != 0;
        if (c->wrong)
            fprintf(out, "wrong: %-20s %lu of %lu\n", a64_row_info[row].name, c->wrong,
                    c->instances);
        if (c->not_lifted)
            fprintf(out, "SIGILL under the engine alone: %s\n", a64_row_info[row].name);
    }
    fprintf(out,
            "%s: %lu instances of %u rows, %lu faulting, %lu wrong, %lu accepted, "
            "%u rows not lifted\n",
            t->mode, t->instances, rows, t->faults, sum.wrong, sum.accepted, unlifted);
    return !sum.wrong;
}
