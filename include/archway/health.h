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

/* Mends that nobody can regret: they take nothing away and let nobody do more than before. */
enum aw_fix {
    AW_FIX_NONE,   /* a person has to decide */
    AW_FIX_MOUNT,  /* mount binfmt_misc at its usual place */
    AW_FIX_SWITCH, /* switch binfmt_misc as a whole on; no rule that breaks the machine is there */
    AW_FIX_REGISTER, /* take others' right to write to `register` */
    AW_FIX_REFRESH,  /* repair Archway's own rules and the files that keep them */
    AW_FIX_TUN,      /* load the module tun */
    AW_N_FIXES,
};

struct aw_finding {
    const char *kind;          /* a stable lower-case word; constant */
    enum aw_severity severity; /* how bad */
    enum aw_fix fix;           /* which safe mend does what `mend` says, or AW_FIX_NONE */
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
/* What was added last is mended by fix. */
void aw_findings_safe(struct aw_findings *f, enum aw_fix fix);
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

/* ---- with the machine's files below root ("" for this machine) --------------------------------
 */

/* Who may write to `register`, and what the settings of the kernel, AppArmor and SELinux forbid.
 * inst may be NULL. */
void aw_health_security(struct aw_findings *f, const char *root, const struct aw_instance *inst,
                        const struct aw_entry *entries, size_t n);
/* What will be registered at the next start: binfmt.d files and update-binfmts' database, against
 * each other and against the rules that stand now. */
void aw_health_files(struct aw_findings *f, const char *root, const struct aw_entry *entries,
                     size_t n);

/* Execute a built-in program of each platform that an enabled rule is for: does it run, and by the
 * contents that the interpreter's file has now? ret_same (n of them, or NULL) is set where that was
 * seen to be so, whatever the file's times say. Forks. */
void aw_health_run(struct aw_findings *f, const struct aw_entry *entries, size_t n, bool *ret_same);

#endif
