/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel would do with execve(path): the whole chain of rules and #! lines, down to the
 * program that runs and its arguments, or the reason why none does. Nothing is executed.
 */
#ifndef ARCHWAY_MATCH_H
#define ARCHWAY_MATCH_H

#include <archway/catalogue.h>
#include <archway/instance.h>

/* Linux starts a program after at most 5 replacements of one file by the next. */
#define AW_MATCH_STEPS 7

enum aw_match_why {
    AW_WHY_RUNS,               /* it runs */
    AW_WHY_MISSING,            /* the file is not there: ENOENT, ENOTDIR, ELOOP, ... */
    AW_WHY_NOT_REGULAR,        /* EACCES */
    AW_WHY_NOT_EXECUTABLE,     /* EACCES: no x bit for the caller */
    AW_WHY_NOEXEC,             /* EACCES: on a mount without exec */
    AW_WHY_UNREADABLE,         /* the caller may execute but not read it: it cannot be told */
    AW_WHY_INTERPRETER,        /* a rule's interpreter cannot be started */
    AW_WHY_SCRIPT_INTERPRETER, /* a script's interpreter cannot be started */
    AW_WHY_SCRIPT_EMPTY,       /* ENOEXEC: #! without an interpreter */
    AW_WHY_SCRIPT_LONG,        /* ENOEXEC: the #! line is cut within the interpreter's path */
    AW_WHY_DEPTH,              /* ELOOP: too many replacements */
    AW_WHY_TWICE,        /* ENOEXEC: after a rule with O (or C) no further replacement can be */
    AW_WHY_NO_RULE,      /* ENOEXEC: a program of another architecture, and no rule for it */
    AW_WHY_DISABLED,     /* ENOEXEC: the rule that matches is switched off */
    AW_WHY_SWITCHED_OFF, /* ENOEXEC: a rule matches, but the whole instance is switched off */
    AW_WHY_NO_FORMAT,    /* ENOEXEC: neither program nor script */
    AW_WHY_BAD_ELF,      /* ENOEXEC: a program of this machine with bad headers */
    AW_WHY_LOADER,       /* the program's loader (PT_INTERP) cannot be started */
};

/* A stable lower-case word ("not-executable"), for --json. Never NULL. */
const char *aw_match_why_name(enum aw_match_why why);

enum aw_match_step_kind {
    AW_STEP_RULE,   /* a rule matches: its interpreter is next */
    AW_STEP_SCRIPT, /* #!: its interpreter is next */
    AW_STEP_NATIVE, /* this machine runs it: the end */
};

struct aw_match_step {
    enum aw_match_step_kind kind;
    char *path;        /* the file of this step, by the name the kernel has for it */
    char *next;        /* its interpreter's path; NULL at the end */
    char *argument;    /* SCRIPT: the line's one argument; NULL if there is none */
    size_t rule;       /* RULE: index in request.entries, or its number in request.snapshot */
    size_t *shadowed;  /* RULE: indices of the enabled rules that match too, but stand later */
    size_t n_shadowed; /* how many */
    bool assumed;      /* the file was not seen (an interpreter that only the kernel holds): it is
                          taken to be a program of this machine */
};

struct aw_match_request {
    const struct aw_entry *entries;     /* in the kernel's order, newest first; may be NULL */
    size_t n_entries;                   /* how many */
    const struct aw_snapshot *snapshot; /* or these, if not NULL: entries are not looked at */
    bool enabled;                       /* the instance's status */
    int rootfd;              /* root folder that paths are looked up in; -1: the caller's own */
    const char *cwd;         /* folder within rootfd for relative paths; NULL: "/". With
                                rootfd -1 the caller's own is taken */
    const char *path;        /* what is executed */
    const char *const *argv; /* its arguments with argv[0], NULL at the end; NULL: {path} */
    /* Opens the interpreter that the kernel holds for an entry with F, O_PATH; -1: not known, and
     * the registered path is tried in the caller's own root. May be NULL. */
    int (*open_interpreter)(void *user, const struct aw_entry *entry);
    void *user; /* passed to open_interpreter */
};

struct aw_match {
    enum aw_match_why why; /* AW_WHY_RUNS, or what stops it */
    int sys_errno;         /* what execve(2) gives; 0 if it runs, or if nobody can tell */
    char reason[512];      /* the same in words; "" if it runs */
    struct aw_match_step steps[AW_MATCH_STEPS]; /* in the kernel's order */
    size_t n_steps;                             /* in use; what stops it comes after the last */
    char **argv;                /* of the program that runs in the end; NULL at the end */
    unsigned flags;             /* of all rules on the way: P, O, C, T have effects on
                                   the program that runs */
    const struct aw_arch *arch; /* of the file where the chain ended; NULL: no program */
    size_t off;                 /* AW_WHY_DISABLED: index of the rule that is switched off */
};

/* Walk the chain. False only for want of memory; a file that would not run is a result. Free with
 * aw_match_fini(). */
bool aw_match(const struct aw_match_request *request, struct aw_match *ret, struct aw_err *err);
void aw_match_fini(struct aw_match *match);

#endif
