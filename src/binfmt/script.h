/* SPDX-License-Identifier: Apache-2.0
 *
 * The first line of a #! script, as Linux (5.1 and later) reads it.
 */
#ifndef BINFMT_SCRIPT_H
#define BINFMT_SCRIPT_H

#include <archway/rule.h>

enum script_kind {
    SCRIPT_NONE,  /* does not begin with #! */
    SCRIPT_EMPTY, /* no interpreter: ENOEXEC */
    SCRIPT_LONG,  /* the line is longer than the window, and so may be the interpreter: ENOEXEC */
    SCRIPT_OK,    /* */
};

struct script {
    enum script_kind kind;         /* */
    char name[AW_RULE_WINDOW];     /* the interpreter; may be "" (a NUL stands there) */
    bool has_argument;             /* there is one */
    char argument[AW_RULE_WINDOW]; /* all that follows the blanks behind the name; may be "" */
};

/* head: the file's first AW_RULE_WINDOW bytes, zeros where the file is shorter. */
void script_parse(const char head[AW_RULE_WINDOW], struct script *ret);

#endif
