/* SPDX-License-Identifier: Apache-2.0
 *
 * What is made from the table for people and shells to read.
 */
#ifndef CLI_DOC_H
#define CLI_DOC_H

#include "cli/table.h"

#include <stdio.h>

struct cli;

/* `archway help` and `archway help VERB`: 79 columns at most. */
void cli_doc_overview(FILE *out);
void cli_doc_help(FILE *out, const struct cli_verb *verb);

/* Manual page: archway(1) for NULL, else archway-VERB(1). */
void cli_doc_man(FILE *out, const struct cli_verb *verb);

/* A completion script; false: no such shell. */
bool cli_doc_completion(FILE *out, const char *shell);

/* The hidden verbs: `__doc man [VERB]`, `__doc completion SHELL`, `__doc verbs`, `__doc options`,
 * `__doc json` for the build and the tests; `__complete images|containers` for the shells. */
int cli_doc_hidden(struct cli *c, int argc, char **argv);

/* The group headings of the options that verb has, in order; *i is the position (start with 0);
 * NULL at the end. */
const char *cli_doc_next_group(const struct cli_verb *verb, size_t *i);
/* "-e, --env NAME[=VALUE]" into ret. */
#define CLI_SYNTAX_TEXT 96
void cli_doc_syntax(const struct cli_option *o, char ret[CLI_SYNTAX_TEXT]);

#endif
