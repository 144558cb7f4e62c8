/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules as Debian's update-binfmts(8) keeps them, one a file, named after the rule.
 *
 * Packages have a format file in /usr/share/binfmts: lines of a key and a value. What is installed
 * stands in the database /var/lib/binfmts: ten values in fixed order, one a line.
 */
#ifndef BINFMT_SPEC_H
#define BINFMT_SPEC_H

#include <archway/rule.h>

#define SPEC_PACKAGES "/usr/share/binfmts"
#define SPEC_DATABASE "/var/lib/binfmts"
#define SPEC_WORD 256 /* bytes of a package's name or a detector's path that are kept, with NUL */

enum spec_kind {
    SPEC_RULES,          /* neither: register strings, as in binfmt.d */
    SPEC_PACKAGE,        /* a package's format file */
    SPEC_DATABASE_ENTRY, /* an entry of update-binfmts' database */
};

/* Which of them a file is, by what is in it. */
enum spec_kind spec_kind(const char *text, size_t len);
/* A stable word: "binfmt.d", "update-binfmts", "update-binfmts-database". */
const char *spec_kind_name(enum spec_kind kind);

/* What a file can have wrong that a register string cannot. */
enum spec_fault {
    SPEC_FAULT_NONE,     /* all is well, or the rule's own fault says what is not */
    SPEC_FAULT_MISSING,  /* a key that must be there is not, or has no value */
    SPEC_FAULT_BOTH,     /* magic and extension */
    SPEC_FAULT_DETECTOR, /* fix_binary together with a detector */
    SPEC_FAULT_SHORT,    /* the database entry has too few lines */
    SPEC_FAULT_LONG,     /* a value that does not fit a register string */
};
const char *spec_fault_name(enum spec_fault fault); /* "missing-key", ... */

struct spec {
    struct aw_rule rule;      /* what update-binfmts would tell the kernel, but for a detector */
    char package[SPEC_WORD];  /* "" for rules of the administrator's own */
    char detector[SPEC_WORD]; /* program that has the last word on each file, or "" */
    unsigned unknown;         /* line of the last key that means nothing, or 0 */
    unsigned doubtful;        /* line of the last yes-or-no that is neither, or 0 */
    unsigned line;            /* of the fault, or 0 */
    enum spec_fault fault;    /* after a failure */
    struct aw_rule_fault rule_fault; /* after a failure, if fault is NONE */
};

/* Parse a file of kind PACKAGE or DATABASE_ENTRY with the rule's name. On failure ret's fault and
 * line tell what and where; the rest of it is worth nothing. */
bool spec_parse(enum spec_kind kind, const char *name, const char *text, size_t len,
                struct spec *ret, struct aw_err *err);

/* The format file that describes a rule, in fresh memory; NULL: no memory, or update-binfmts has no
 * word for it (flag T; a byte that would end the line). */
char *spec_print(const struct aw_rule *rule, const char *package, struct aw_err *err);

#endif
