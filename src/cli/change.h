/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs that change rules share: which instance, its records, the plan, its printing.
 */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

#include "cli/cli.h"
#include "cli/place.h"

#include "binfmt/plan.h"

#include <archway/catalogue.h>

struct cli_change {
    enum cli_place place;       /* whose rules */
    bool host;                  /* the machine's own instance; else the one of a user namespace */
    bool passing;               /* its only mount is ours, in a mount namespace that will end */
    struct plan_now now;        /* instance, entries, records; inst is closed by cli_change_close */
    struct plan plan;           /* filled in by the verb */
    char *file;                 /* of the records */
    int lock;                   /* held on it while they may change, or -1 */
    struct json_object *before; /* array: what was done, or is to be done, ahead of the plan */
    /* After all was done: is it what was asked? NULL: nothing to prove. */
    bool (*prove)(const struct cli_change *r, struct aw_err *err);
    uint64_t archs; /* for prove: those asked for, bits by aw_arch_at's index */
};

enum cli_change_how {
    CLI_CHANGE_LOOK,     /* it must be there */
    CLI_CHANGE_REMOVE,   /* if it is not there now.inst is NULL: its rules are gone */
    CLI_CHANGE_READY,    /* it is made ready: loaded, mounted, outer rules copied */
    CLI_CHANGE_RECORDED, /* made ready if there are records; else now.inst may be NULL */
};

/* Take the instance and its records. With --dry-run nothing is changed. */
bool cli_change_open(struct cli *c, enum cli_change_how how, struct cli_change *ret,
                     struct aw_err *err);
/* Does the instance as a whole work? An error if it is switched off. */
bool cli_change_effective(const struct cli_change *r, struct aw_err *err);
/* Apply the plan (print it only with --dry-run), write records and what keeps rules over restarts,
 * report. first is an error that the verb met before (code AW_OK: none): it makes the exit status
 * even where the rest succeeds. Returns the exit status. */
int cli_change_finish(struct cli *c, struct cli_change *r, const struct aw_err *first);
void cli_change_close(struct cli_change *r);
#define _cleanup_change_ __attribute__((cleanup(cli_change_close)))

/* The architecture that an operand names ("linux/arm64", "riscv64", "sh4"), or NULL. */
const struct aw_arch *cli_change_arch(const char *text, struct aw_err *err);
/* Does an operand mean this entry: its name, a glob, or its platform? */
bool cli_change_means(const char *operand, const char *name);

#endif
