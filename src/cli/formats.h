/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats beyond foreign ELF (src/format) as the verbs see them.
 */
#ifndef CLI_FORMATS_H
#define CLI_FORMATS_H

#include "cli/change.h"

#include "format/format.h"

/* The user's own formats: XDG_CONFIG_HOME's file, then the machine's. A bad file is an error. */
bool cli_formats_load(struct cli *c, struct format_users *ret, struct aw_err *err);

/* Is it the name of a format, built in or the user's, or "formats": all that something runs? */
bool cli_formats_known(const struct format_users *users, const char *word);
/* Does the operand name a format that the rule of that name is for? */
bool cli_formats_mean(const char *operand, const char *rule);

/* Plan rules for the formats of these names, and tell what runs them, what is missing, and whose
 * rules stand behind. */
bool cli_formats_install(struct cli *c, struct cli_change *r, const struct format_users *users,
                         const struct strv *names, struct aw_err *err);
/* Plan that the formats of these names are served no more. *ret_found: one of them was. */
bool cli_formats_uninstall(struct cli *c, struct cli_change *r, const struct strv *names,
                           bool *ret_found, struct aw_err *err);
/* After the plan: remove links to archway-format that no rule has any more. */
void cli_formats_tidy(struct cli *c, const struct cli_change *r);

/* The interpreter of a kind that is here, by the user's commands or the catalogue's; fresh memory
 * or NULL. */
char *cli_formats_find(struct cli *c, const struct format_users *users,
                       const struct format_kind_row *kind);
/* Could the kernel hold that program open for containers (flag F)? Only what is static. */
bool cli_formats_held(const char *path);

/* Is the rule's interpreter archway-format? *ret_set: the formats that it is registered for. */
bool cli_formats_ours(const struct aw_rule *rule, const char **ret_set);

/* What archway-format would do with a file. */
struct cli_formats_answer {
    const struct format_kind_row *kind; /* what it is; NULL: nothing known, see reason */
    const struct format_user *user;     /* or a format of the user's */
    struct format_verdict verdict;      /* as decided */
    char *program;                      /* its interpreter's path, or NULL: none is there */
    struct strv argv;                   /* the interpreter's arguments, if there is one */
    char *tried;                        /* the programs that were looked for */
    const char *package;                /* what to install, or NULL */
    char reason[512];                   /* why it would not run, or "" */
};
/* set: formats that are registered, NULL for all; root: where programs are looked up, or -1. False:
 * no memory. Free with cli_formats_answer_fini. */
bool cli_formats_ask(struct cli *c, const struct format_users *users, const char *set,
                     const char *path, int root, struct cli_formats_answer *ret);
void cli_formats_answer_fini(struct cli_formats_answer *a);

/* ---- verify -----------------------------------------------------------------------------------
 */

struct cli_formats_tally {
    size_t done; /* programs that were tried */
    size_t bad;  /* those that did not work */
};

/* The formats among the names; one that there is no built-in program for is an error. */
bool cli_formats_verify_names(const struct strv *names, unsigned *ret_set, struct aw_err *err);
/* The formats that rules of ours are there for. */
unsigned cli_formats_registered(const struct plan_now *now);
/* Try those of the set, print or add to the list, count. */
bool cli_formats_verify(struct cli *c, const struct plan_now *now, unsigned set,
                        struct json_object *list, struct cli_formats_tally *tally,
                        struct aw_err *err);

#endif
