/* SPDX-License-Identifier: Apache-2.0
 *
 * archway-format: started by the kernel for a file that one of Archway's rules matches; looks
 * deeper and becomes the interpreter.
 */
#ifndef LAUNCH_LAUNCH_H
#define LAUNCH_LAUNCH_H

#include "format/format.h"

#define STATUS_NO 126 /* what shells give for ENOEXEC */

struct launch {
    const char *set;         /* the formats that the rule is for: "dos+wine"; NULL: all */
    const char *file;        /* the program */
    const char *argv0;       /* its argv[0] */
    const char *const *args; /* the rest of its arguments; NULL at the end */
    const char *const *env;  /* its environment */
    const char *path;        /* PATH, or NULL */
    const char
        *config_home; /* XDG_CONFIG_HOME's or HOME's folder for files of the user's; or NULL */
    int fd;           /* the program, open */
};

/* One line on standard error; returns STATUS_NO. */
int launch_refuse(const struct launch *l, const char *fmt, ...) AW_PRINTF(2, 3);

/* A script or ELF program whose name a rule by extension has caught: as if there were no such rule.
 * Returns only if that fails. */
int launch_script(const struct launch *l);
int launch_elf(const struct launch *l);

/* Run a DOS program in DOSBox, with standard input and output in place of its screen; the program's
 * exit status. words: dosbox, the file, its arguments. */
int launch_dosbox(const struct launch *l, const char *dosbox, const struct strv *words);

#endif
