/* SPDX-License-Identifier: Apache-2.0
 *
 * Small programs of several formats: they print one line and end with status 42.
 */
#ifndef FORMAT_SAMPLE_H
#define FORMAT_SAMPLE_H

#include "format/format.h"

#define FORMAT_SAMPLE_STATUS 42

struct format_sample {
    enum format_kind kind; /* KIND_NONE ends the table */
    const char *name;      /* what its file must be called */
    const char *prints;    /* a line of its output begins so */
    const uint8_t *data;   /* the file */
    size_t size;           /* bytes */
};

extern const struct format_sample format_sample_table[];

#endif
