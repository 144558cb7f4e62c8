/* SPDX-License-Identifier: Apache-2.0
 *
 * Pieces of text that the parsers of box/options.h share.
 */
#ifndef BOX_OPTIONS_TEXT_H
#define BOX_OPTIONS_TEXT_H

#include "base/util.h"

#include <archway/err.h>

/* "TEXT: fault", AW_E_ARG; returns false. */
bool opt_bad(struct aw_err *err, const char *text, const char *fmt, ...) AW_PRINTF(3, 4);
bool opt_nomem(struct aw_err *err);
/* The parts of text between delimiters (one part when there is none; empty parts are kept). */
bool opt_split(const char *text, char delimiter, struct strv *ret, struct aw_err *err);
/* The same for one line of comma-separated values with "quoted" parts ("" is one quote). */
bool opt_split_csv(const char *text, struct strv *ret, struct aw_err *err);
/* The value of a yes-or-no word: true, false, 1, 0, t, f, yes, no. */
bool opt_bool(const char *value, bool *ret);
/* Make room for one more; the new item is zeroed. NULL: no memory. */
void *opt_grow(void *array, size_t n, size_t size);

#endif
