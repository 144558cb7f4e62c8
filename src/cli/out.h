/* SPDX-License-Identifier: Apache-2.0
 *
 * All that the user reads goes through here: messages and progress on standard error, tables on
 * standard output.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "base/buf.h"
#include "base/util.h"

#include <archway/err.h>

#include <stdint.h>

struct cli_out {
    bool live;       /* a progress line may be shown (terminal, not quiet, not dumb) */
    bool notes;      /* notes are wanted (terminal, not quiet) */
    bool debug;      /* --debug */
    bool color;      /* standard error understands colours */
    bool line_shown; /* a progress line stands on the terminal now */
    uint64_t drawn;  /* when it was drawn last (ms) */
};

/* Look at standard error and decide. */
void cli_out_init(struct cli_out *o, bool quiet, bool debug, bool color);
/* The aw_log function; user is the struct cli_out. */
void cli_out_log(void *user, enum aw_level level, const char *message);
/* Take the progress line away, before anything else is printed or the terminal is handed over. */
void cli_out_clear(struct cli_out *o);
/* "archway: MESSAGE", and how to mend it. */
void cli_out_error(struct cli_out *o, const struct aw_err *err);

/* text with control characters replaced by "?": names in images are strangers' words. */
void cli_out_safe(struct buf *b, const char *text);

/* text in width (at least 10) columns: of a longer one the middle is left out. */
void cli_out_fit(struct buf *b, const char *text, size_t width);

/* A table on standard output: cells in rows of n columns, the first row is the heading; blanks
 * between columns, none at the ends of lines. */
void cli_out_table(const struct strv *cells, size_t n);

/* "12.3MB" (powers of 1000, as Docker); "3 hours ago". */
#define CLI_SIZE_TEXT 16
void cli_out_size(uint64_t bytes, char ret[CLI_SIZE_TEXT]);
#define CLI_AGO_TEXT 32
void cli_out_ago(int64_t seconds, char ret[CLI_AGO_TEXT]);

#endif
