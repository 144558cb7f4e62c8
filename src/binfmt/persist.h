/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over restarts, as files: a binfmt.d file with them, and a systemd unit that repairs them
 * after whoever reads binfmt.d has done so.
 */
#ifndef BINFMT_PERSIST_H
#define BINFMT_PERSIST_H

#include "binfmt/record.h"

#define PERSIST_NAME "archway-binfmt.service"
#define PERSIST_RULES "/etc/binfmt.d/archway.conf"
#define PERSIST_UNIT "/etc/systemd/system/" PERSIST_NAME
#define PERSIST_WANTS "/etc/systemd/system/multi-user.target.wants/" PERSIST_NAME
/* who stops systemd-binfmt and starts it later, rather than restarting it, gets the unit too */
#define PERSIST_WANTS_BINFMT "/etc/systemd/system/systemd-binfmt.service.wants/" PERSIST_NAME

struct persist {
    const char *rules;        /* binfmt.d file, or NULL */
    const char *unit;         /* the unit's file */
    const char *const *links; /* what leads to it from units that start it; NULL at the end */
    const char *text;         /* of the unit; NULL: there shall be none */
};

/* Make the files tell of the records that are to persist; no such record: remove them. Writes only
 * what differs; *ret_changed (may be NULL) tells whether anything did. Files of these names that
 * Archway did not write are AW_E_EXIST. */
bool persist_sync(const struct records *r, const struct persist *p, bool *ret_changed,
                  struct aw_err *err);

/* A unit for the system: program is an absolute path. Fresh memory, or NULL. */
char *persist_unit_system(const char *program);
/* One for a user who has rootless Podman, whose records are in file (an absolute path). */
char *persist_unit_podman(const char *podman, const char *program, const char *file);
/* The text that would be written to rules; NULL: out of memory. Fresh memory. */
char *persist_rules_text(const struct records *r);

#endif
