/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over restarts: a binfmt.d file with them, and a systemd unit that repairs them after
 * whoever reads binfmt.d has done so. Other init systems run `archway refresh --force` at boot.
 */
#ifndef BINFMT_PERSIST_H
#define BINFMT_PERSIST_H

#include "binfmt/record.h"

#define PERSIST_RULES "/etc/binfmt.d/archway.conf"
#define PERSIST_UNIT "/etc/systemd/system/archway-binfmt.service"
#define PERSIST_WANTS "/etc/systemd/system/multi-user.target.wants/archway-binfmt.service"

/* Make the files tell of the records that are to persist, with program as the one that repairs
 * them (an absolute path; NULL: no unit); no such record: remove the files. Writes only what
 * differs; *ret_changed (may be NULL) tells whether anything did. Files of these names that Archway
 * did not write are AW_E_EXIST. */
bool persist_sync(const struct records *r, const char *program, bool *ret_changed,
                  struct aw_err *err);
/* The text that would be written to PERSIST_RULES; NULL: out of memory. Fresh memory. */
char *persist_rules_text(const struct records *r);

#endif
