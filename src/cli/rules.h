/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs about rules share: the instance with its entries, and how these are shown.
 */
#ifndef CLI_RULES_H
#define CLI_RULES_H

#include "cli/cli.h"

#include "codec/js.h"

#include "binfmt/record.h"

#include <archway/survey.h>

/* How much of an instance is wanted. */
enum cli_rules_want {
    CLI_RULES_SNAPSHOT, /* what its entries are */
    CLI_RULES_ROWS,     /* and how they stand to each other, to files and to the records */
    CLI_RULES_ENTRIES,  /* and all of them taken apart: of a thousand rules 5 MB */
};

struct cli_rules {
    struct aw_instance *inst;     /* the one that counts here */
    bool enabled;                 /* its status */
    struct aw_snapshot *snapshot; /* its entries, newest first */
    size_t n;                     /* how many */
    struct aw_survey_row *rows;   /* ROWS: one for each, else NULL */
    struct records records;       /* ROWS: what archway registered here, else none */
    struct aw_entry *entries;     /* ENTRIES: all taken apart, else NULL */
    struct aw_entry *taken;       /* ROWS: the one taken apart last */
    size_t taken_at;              /* ROWS: its number */
};

/* Open the instance that counts for programs started here and read it all. */
bool cli_rules_load(struct cli *c, struct cli_rules *r, enum cli_rules_want want,
                    struct aw_err *err);
/* Entry number i, of ROWS and ENTRIES; good until another one's is asked for. */
const struct aw_entry *cli_rules_entry(struct cli_rules *r, size_t i);
/* Its name. */
const char *cli_rules_name(const struct cli_rules *r, size_t i);
/* Is entry number i Archway's: registered by it, or the very rule put back by others (from
 * binfmt.d)? */
bool cli_rules_mine(struct cli_rules *r, size_t i);
/* The digest of the file that the kernel holds for it, where archway registered it; or NULL. */
const char *cli_rules_digest(const struct cli_rules *r, size_t i);
void cli_rules_fini(struct cli_rules *r);
#define _cleanup_rules_ __attribute__((cleanup(cli_rules_fini)))

/* "linux/arm64", "*.jar", "MZ...": what entry number i is for. */
void cli_rules_target(struct cli_rules *r, size_t i, struct buf *ret);
/* "enabled", "disabled", "off" (the whole instance is), "unknown" (a kind of a later kernel). */
const char *cli_rules_state(const struct cli_rules *r, size_t i);
/* What is wrong with entry number i, in a few words; "" if nothing is. */
void cli_rules_remarks(const struct cli_rules *r, size_t i, struct buf *ret);
/* The flag letters, also those that this version does not know. */
#define CLI_FLAGS_TEXT 24
void cli_rules_flags(const struct aw_entry *e, char ret[CLI_FLAGS_TEXT]);
/* What one flag (AW_RULE_P, ...) does: "P: ...". */
const char *cli_rules_flag_text(unsigned flag);
/* "found", "missing", "not-executable", "held", "stale", "held-gone": the interpreter's file. */
const char *cli_rules_file(const struct cli_rules *r, size_t i);
/* The object that ls and show print. */
struct json_object *cli_rules_json(struct cli_rules *r, size_t i);
/* The instance's: enabled, and whose it is. */
struct json_object *cli_rules_instance_json(const struct cli_rules *r);
/* "host", "own" (it belongs to this user namespace's root, who may change it), "outer". */
const char *cli_rules_whose(const struct aw_instance *inst);

/* Findings of aw_rule_lint(): "refuse", "warn", "note"; and the object for one. */
const char *cli_lint_severity(enum aw_lint_severity severity);
struct json_object *cli_lint_json(const struct aw_lint *lint);

#endif
