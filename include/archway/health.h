/* SPDX-License-Identifier: Apache-2.0
 *
 * Is all well with binfmt_misc here? Kernel, mount, user namespaces and rules, each finding with
 * what mends it. Nothing is changed.
 */
#ifndef ARCHWAY_HEALTH_H
#define ARCHWAY_HEALTH_H

#include <archway/survey.h>

enum aw_severity {
    AW_SEVERITY_OK,    /* looked at and good */
    AW_SEVERITY_NOTE,  /* good to know */
    AW_SEVERITY_WARN,  /* works less well than it could, or is unsafe */
    AW_SEVERITY_ERROR, /* something does not work */
};

struct aw_finding {
    const char *kind;          /* a stable lower-case word; constant */
    enum aw_severity severity; /* how bad */
    char message[512];         /* object and cause */
    char mend[384];            /* the command that mends it, or "" */
};

struct aw_findings {
    struct aw_finding *v; /* in the order found */
    size_t n;             /* in use */
    bool bad;             /* an addition failed: no memory */
};

/* Add one; mend may be NULL. */
void aw_findings_add(struct aw_findings *f, const char *kind, enum aw_severity severity,
                     const char *mend, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void aw_findings_fini(struct aw_findings *f);
/* "ok", "note", "warn", "error". */
const char *aw_severity_name(enum aw_severity severity);

/* Kernel version and what follows from it, binfmt_misc's mount and automount. */
void aw_health_kernel(struct aw_findings *f);
/* User namespaces: can the caller make one, and have rules in it? Forks a short-lived child. */
void aw_health_namespaces(struct aw_findings *f);
/* The rules of an instance (list and survey as aw_instance_list and aw_survey gave them). */
void aw_health_rules(struct aw_findings *f, const struct aw_entry *entries,
                     const struct aw_survey_row *rows, size_t n);

#endif
