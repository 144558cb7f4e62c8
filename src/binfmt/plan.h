/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of an instance's rules: computed first, shown by --dry-run, then applied.
 */
#ifndef BINFMT_PLAN_H
#define BINFMT_PLAN_H

#include "binfmt/record.h"

enum plan_op {
    PLAN_KEEP,     /* nothing to do, and why */
    PLAN_REGISTER, /* register text */
    PLAN_REMOVE,   /* remove the entry; one that is not there is fine */
    PLAN_ENABLE,   /* switch the entry on */
    PLAN_DISABLE,  /* switch it off */
    PLAN_FORGET,   /* drop the record */
};

struct plan_step {
    enum plan_op op; /* what */
    char *name;      /* of the entry */
    char *text;      /* REGISTER: register string */
    char *path;      /* REGISTER: interpreter on disk */
    char *platform;  /* REGISTER, final: for the record */
    bool final;      /* REGISTER: a record is made; else it bridges a gap and goes again */
    bool persist;    /* REGISTER, final: for the record */
    const char *why; /* constant text, or "" */
    bool done;       /* plan_apply did it */
};

struct plan {
    struct plan_step *v; /* in this order */
    size_t n;            /* in use */
    bool bad;            /* an addition failed: no memory */
};

/* The present state that plans are made from. */
struct plan_now {
    struct aw_instance *inst; /* NULL: it is still to be mounted */
    struct aw_entry *entries; /* in the kernel's order; owned */
    size_t n;                 /* how many */
    struct records records;   /* owned */
    bool bounded;             /* a user namespace's: credentials are bounded by its ids, and the
                                 owner of the host's files is not mapped */
};

bool plan_look(struct plan_now *now, struct aw_err *err); /* fill in entries from inst */
void plan_now_fini(struct plan_now *now);                 /* not inst */
const struct aw_entry *plan_entry(const struct plan_now *now, const char *name);

/* Is the entry Archway's: recorded, and still the rule of the record? */
bool plan_owns(const struct plan_now *now, const struct aw_entry *entry);

struct plan_want {
    const struct aw_rule *rule; /* what shall be registered */
    const char *platform;       /* for the record */
    bool persist;               /* for the record */
    bool force;                 /* also where a rule is good as it is, or is someone else's */
    bool exact;                 /* someone else's has to be this rule, not one that does the same */
    bool own;                   /* someone else's does not do: they may take it away */
};

/* Have the rule. One that is there already and good is kept, someone else's too; someone else's
 * that does not do is AW_E_EXIST unless forced. A rule that must never be registered (it captures
 * the host's own programs, say) is AW_E_ARG. */
bool plan_install(struct plan *p, const struct plan_now *now, const struct plan_want *want,
                  struct aw_err *err);
/* Remove an own rule and its record. */
void plan_uninstall(struct plan *p, const struct plan_now *now, const struct record *rec);
/* Repair an own rule: bring it back, or have the kernel open the interpreter anew. An error is
 * about this rule only. */
bool plan_refresh(struct plan *p, const struct plan_now *now, const struct record *rec, bool force,
                  struct aw_err *err);
void plan_switch(struct plan *p, const struct aw_entry *entry, bool on);

/* Say of something that nothing needs to be done; why is constant text. */
void plan_keep(struct plan *p, const char *name, const char *why);

/* Is there a step that changes something? */
bool plan_changes(const struct plan *p);
/* The records to write down before plan_apply(): wherever it is killed, they know its rules. */
bool plan_announce(const struct plan *p, const struct records *now, struct records *ret,
                   struct aw_err *err);

/* Do the steps in order, up to the first failure; records follow what was done. */
bool plan_apply(struct plan *p, struct plan_now *now, bool (*cancelled)(void *user),
                struct aw_err *err);
void plan_fini(struct plan *p);
#define _cleanup_plan_ __attribute__((cleanup(plan_fini)))

/* "register", "remove", ... */
const char *plan_op_name(enum plan_op op);

#endif
