/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules seen together: which platforms each serves, and which of them never get their turn.
 */
#ifndef ARCHWAY_SURVEY_H
#define ARCHWAY_SURVEY_H

#include <archway/catalogue.h>
#include <archway/instance.h>

#define AW_SURVEY_NONE ((size_t)-1)

struct aw_survey_row {
    uint64_t archs;     /* bit i: it matches programs of aw_arch_at(i) */
    bool native;        /* one of them is this machine's own: a rule that breaks every exec */
    size_t shadowed_by; /* index of the first enabled entry before it that matches whatever this one
                           matches, or AW_SURVEY_NONE */
    bool held;      /* flag F: the kernel has the interpreter open, whatever the path names now */
    int file_errno; /* what executing the interpreter's path in the caller's root gives: 0,
                       ENOENT, EACCES, ... */
    int64_t
        file_ctime_ns; /* when that file was changed last (ns since 1970), in any way; 0: none */
    bool stale;        /* held, and the file was changed after the rule was registered: the
                          kernel may hold an older one. Set by aw_survey_held() */
};

/* One row for each of the entries (the kernel's order, newest first) into *ret; free() it.
 * look: look at the interpreters' files. False only for want of memory. */
bool aw_survey(const struct aw_entry *entries, size_t n, bool look, struct aw_survey_row **ret,
               struct aw_err *err);

/* The same of a snapshot's. */
bool aw_survey_snapshot(const struct aw_snapshot *snapshot, bool look, struct aw_survey_row **ret,
                        struct aw_err *err);

/* Set stale in all rows, by the times at which the entries came into being. */
void aw_survey_held(const struct aw_instance *inst, const struct aw_entry *entries,
                    struct aw_survey_row *rows, size_t n);
void aw_survey_held_snapshot(const struct aw_instance *inst, const struct aw_snapshot *snapshot,
                             struct aw_survey_row *rows);

/* Does a match whatever b matches? What several rules cover together does not count. */
bool aw_rule_covers(const struct aw_rule *a, const struct aw_rule *b);
/* Can one file match both? */
bool aw_rule_overlaps(const struct aw_rule *a, const struct aw_rule *b);

#endif
