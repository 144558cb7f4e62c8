/* SPDX-License-Identifier: Apache-2.0
 *
 * What is made of a difference: is it an accepted one, what is the smallest case that has it, and
 * the text for people.
 */
#ifndef TESTS_DIFF_REPORT_H
#define TESTS_DIFF_REPORT_H

#include "gen.h"
#include "run.h"

#include <stdio.h>

/* What differs: bits. */
enum {
    DIFF_X = 1,       /* general registers or sp */
    DIFF_NZCV = 2,    /* */
    DIFF_FPCR = 4,    /* */
    DIFF_FPSR = 8,    /* */
    DIFF_V = 16,      /* vector registers */
    DIFF_MEM = 32,    /* the window */
    DIFF_SIGNAL = 64, /* its number */
    DIFF_CODE = 128,  /* si_code */
    DIFF_ADDR = 256,  /* si_addr */
    DIFF_PC = 512     /* where */
};

/* A case alone: as it is kept in a file for replay. */
struct one {
    uint32_t magic;         /* ROW_MAGIC */
    uint16_t row;           /* of the word under test */
    uint16_t zero;          /* */
    uint32_t vary;          /* how the engine translated (--vary) */
    uint32_t zeros;         /* alignment */
    struct row_code code;   /* states is 1 */
    struct row_start start; /* */
};

/* A line of accepted.txt. */
struct accepted {
    char row[64];       /* pattern for the row's name */
    unsigned fields;    /* DIFF_... that may differ */
    unsigned condition; /* index of accept.c's conditions */
    char why[200];      /* the manual's section and the reason */
    uint64_t instances; /* met in this run */
};
struct accepted_list {
    uint32_t vary;          /* how the engine translates now */
    struct accepted *items; /* */
    unsigned count;         /* */
};
void accepted_read(struct accepted_list *l, const char *path);
/* Do the lines that apply explain all that differs (bits) together? */
bool accepted_explains(struct accepted_list *l, const struct one *c, const struct row_full out[2],
                       unsigned bits);

enum verdict { VERDICT_SAME, VERDICT_ACCEPTED, VERDICT_NOT_LIFTED, VERDICT_WRONG };
unsigned report_fields(const struct row_full out[2]);
/* out[0] is the oracle's. *row becomes that of the word at fault, where a signal tells it. */
enum verdict report_judge(struct accepted_list *l, const struct one *c,
                          const struct row_full out[2], enum a64_row *row);
/* Make the case smaller while it stays wrong. */
void report_shrink(const struct emulator e[2], struct accepted_list *l, struct one *c,
                   struct row_full out[2]);
void report_print(FILE *f, const struct emulator e[2], const struct one *c,
                  const struct row_full out[2]);

#endif
