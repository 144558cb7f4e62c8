/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of a binfmt.d file (binfmt.d(5)): one register string a line; blank lines and lines
 * that begin with # or ; do not count, nor do blanks around a line.
 */
#ifndef BINFMT_RULE_FILE_H
#define BINFMT_RULE_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct rule_file {
    const char *rest; /* not read yet */
    size_t left;      /* bytes of it */
    unsigned line;    /* number of the line that was given last, from 1; start with 0 */
};

/* The next register string, not NUL-terminated; false: no more. */
bool rule_file_next(struct rule_file *f, const char **ret, size_t *ret_len);

#endif
