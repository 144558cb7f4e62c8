/* SPDX-License-Identifier: Apache-2.0
 *
 * From argv to struct cli_args, by the table.
 */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "cli/table.h"

/* Fill in *a and the verb (NULL: none was given) from argv[1..]. On failure *ret_verb may be set
 * (the fault is then in that verb's arguments) and a may be half filled in: free it in any case. */
bool cli_parse(int argc, char **argv, struct cli_args *a, const struct cli_verb **ret_verb,
               struct aw_err *err);

/* The verb of that name, or NULL. */
const struct cli_verb *cli_find_verb(const char *name);
/* Does option o belong to verb (NULL: to Archway itself)? */
bool cli_has_option(const struct cli_verb *verb, const struct cli_option *o);

/* How many insertions, deletions, replacements and swaps of neighbours lead from a to b. Words
 * over 63 characters are infinitely far. */
unsigned cli_distance(const char *a, const char *b);

#endif
