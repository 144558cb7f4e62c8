/* SPDX-License-Identifier: Apache-2.0
 *
 * Plan, then apply.
 *
 * The idea: an instance takes no second entry of a name and has no way to change one, but it tries
 * the newest entry first. So a rule is replaced in four steps, and at every moment one rule for its
 * programs stands:
 *     register NAME.next      the new rule counts from here
 *     remove NAME
 *     register NAME           the same rule again, in front
 *     remove NAME.next
 * An exec that runs meanwhile holds the entry that it found.
 *
 * Invariants:
 * 1. Making a plan changes nothing; all that changes is a step, so a dry run shows everything.
 * 2. Entries without a record of ours are not removed unless the user insists.
 * 3. Records follow the steps one by one: after a failure they tell what is really there.
 * 4. NAME.next left behind by a process that died is removed by the next plan about NAME.
 * 5. What plan_announce() gives, written down before plan_apply(), holds wherever that ends: a rule
 *    registered by a process that died is known for ours.
 */
#include "binfmt/plan.h"

#include <errno.h>
#include <fcntl.h>

#define NEXT ".next"

const char *plan_op_name(enum plan_op op)
{
    static const char *const names[] = {"keep",   "register", "remove",
                                        "enable", "disable",  "forget"};
    return names[op];
}

void plan_fini(struct plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].name);
        free(p->v[i].text);
        free(p->v[i].path);
        free(p->v[i].platform);
    }
    free(p->v);
    memset(p, 0, sizeof(*p));
}

static struct plan_step *add(struct plan *p, enum plan_op op, const char *name, const char *why)
{
    struct plan_step *more = realloc(p->v, (p->n + 1) * sizeof(*more));
    if (more)
        p->v = more;
    char *copy = more ? strdup(name) : NULL;
    if (!copy) {
        p->bad = true;
        return NULL;
    }
    p->v[p->n] = (struct plan_step){.op = op, .name = copy, .why = why};
    return &p->v[p->n++];
}

static void add_register(struct plan *p, const struct record *rec, const char *name,
                         const char *text, const char *why)
{
    struct plan_step *s = add(p, PLAN_REGISTER, name, why);
    if (!s)
        return;
    s->text = strdup(text);
    s->path = strdup(rec->path);
    s->platform = strdup(rec->platform);
    s->final = str_eq(name, rec->name);
    s->persist = rec->persist;
    if (!s->text || !s->path || !s->platform)
        p->bad = true;
}

void plan_keep(struct plan *p, const char *name, const char *why)
{
    add(p, PLAN_KEEP, name, why);
}

bool plan_changes(const struct plan *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->v[i].op != PLAN_KEEP)
            return true;
    return false;
}

/* ---- the present ------------------------------------------------------------------------------
 */

bool plan_look(struct plan_now *now, struct aw_err *err)
{
    free(now->entries);
    now->entries = NULL;
    now->n = 0;
    return !now->inst || aw_instance_list(now->inst, &now->entries, &now->n, err);
}

void plan_now_fini(struct plan_now *now)
{
    free(now->entries);
    records_fini(&now->records);
    now->entries = NULL;
}

const struct aw_entry *plan_entry(const struct plan_now *now, const char *name)
{
    for (size_t i = 0; i < now->n; i++)
        if (str_eq(now->entries[i].rule.name, name))
            return &now->entries[i];
    return NULL;
}

static bool is_ours(const struct plan_now *now, const struct record *rec,
                    const struct aw_entry *entry)
{
    return record_owns(rec, record_state(rec, now->inst), entry);
}

bool plan_owns(const struct plan_now *now, const struct aw_entry *entry)
{
    const struct record *rec = records_find(&now->records, entry->rule.name);
    return rec && is_ours(now, rec, entry);
}

/* An enabled entry of someone else that stands in front of entry and takes its programs. */
static const struct aw_entry *shadows(const struct plan_now *now, const struct aw_entry *entry)
{
    for (const struct aw_entry *e = now->entries; e < entry; e++)
        if (e->enabled && e->known && !records_find(&now->records, e->rule.name) &&
            entry->rule.type == AW_RULE_MAGIC && entry->rule.offset == 0 &&
            aw_rule_matches(&e->rule, entry->rule.magic, entry->rule.magic_len, NULL))
            return e;
    return NULL;
}

/* ---- one rule in place of another -------------------------------------------------------------
 */

static bool next_name(const char *name, char ret[AW_RULE_NAME_MAX + 1])
{
    return snprintf(ret, AW_RULE_NAME_MAX + 1, "%s" NEXT, name) <= AW_RULE_NAME_MAX;
}

static void drop_next(struct plan *p, const struct plan_now *now, const char *name)
{
    char next[AW_RULE_NAME_MAX + 1];
    if (next_name(name, next) && plan_entry(now, next))
        add(p, PLAN_REMOVE, next, "left over from an interrupted change");
}

static bool replace(struct plan *p, const struct plan_now *now, const struct record *rec,
                    const char *why, struct aw_err *err)
{
    struct aw_rule rule;
    char text[AW_RULE_TEXT_MAX + 1], next[AW_RULE_NAME_MAX + 1];
    const struct aw_entry *old = plan_entry(now, rec->name);
    if (!old) {
        add_register(p, rec, rec->name, rec->text, why);
        drop_next(p, now, rec->name); /* it may be all that there is until then */
        return true;
    }
    drop_next(p, now, rec->name);
    bool bridge = old->enabled && next_name(rec->name, next);
    if (bridge) {
        if (!aw_rule_parse(rec->text, strlen(rec->text), &rule, NULL, err))
            return false;
        memcpy(rule.name, next, sizeof(next));
        if (!aw_rule_format(&rule, text, err))
            return false;
        add_register(p, rec, next, text, why);
    }
    add(p, PLAN_REMOVE, rec->name, bridge ? "" : why);
    add_register(p, rec, rec->name, rec->text, why);
    if (bridge)
        add(p, PLAN_REMOVE, next, "");
    return true;
}

static bool refused(const struct plan_now *now, const struct aw_rule *rule, struct aw_err *err)
{
    struct aw_lint found[AW_LINT_MAX];
    size_t n = aw_rule_lint(rule, true, found);
    for (size_t i = 0; i < n; i++)
        if (found[i].severity == AW_LINT_REFUSE &&
            !(now->bounded && found[i].kind == AW_LINT_CREDENTIALS_OWNER))
            return !aw_fail(err, AW_E_ARG, 0, "rule %s (%s): %s", rule->name,
                            aw_lint_name(found[i].kind), found[i].message);
    return false;
}

/* Does someone else's rule do what the wanted one would? */
static bool serves(const struct aw_entry *entry, const struct plan_want *wanted)
{
    const struct aw_rule *want = wanted->rule;
    if (wanted->exact && str_eq(entry->rule.name, want->name))
        return entry->enabled && entry->known && aw_rule_equal(&entry->rule, want);
    return entry->enabled && entry->known && entry->rule.type == want->type &&
           (entry->rule.flags & AW_RULE_F) &&
           (want->type == AW_RULE_EXTENSION
                ? str_eq(entry->rule.extension, want->extension)
                : aw_rule_matches(&entry->rule, want->magic, want->magic_len, NULL));
}

/* front: the rule that takes entry's programs before it does, or NULL. */
static bool someone_elses(const struct aw_entry *entry, const struct aw_entry *front,
                          const struct plan_want *want, struct aw_err *err)
{
    if (front && serves(entry, want) && !serves(front, want)) {
        aw_fail(err, AW_E_EXIST, 0,
                "rule %s is there already, is not Archway's, and stands behind rule %s, which "
                "takes its programs",
                entry->rule.name, front->rule.name);
        return aw_mend(err, "archway install --force %s", want->platform);
    }
    const char *why = !entry->enabled                    ? "is switched off"
                      : serves(entry, want)              ? "may go with whoever registered it"
                      : want->exact                      ? "is another rule"
                      : !(entry->rule.flags & AW_RULE_F) ? "has no F flag, so it does not work in "
                                                           "containers"
                                                         : "is for other programs";
    aw_fail(err, AW_E_EXIST, 0, "rule %s is there already, is not Archway's, and %s",
            entry->rule.name, why);
    return aw_mend(err, "archway install --force %s", want->platform);
}

bool plan_install(struct plan *p, const struct plan_now *now, const struct plan_want *want,
                  struct aw_err *err)
{
    char text[AW_RULE_TEXT_MAX + 1];
    const struct aw_rule *rule = want->rule;
    if (refused(now, rule, err) || !aw_rule_format(rule, text, err))
        return false;
    const struct aw_entry *entry = plan_entry(now, rule->name);
    const struct record *old = records_find(&now->records, rule->name);
    struct record rec = {
        .name = (char *)rule->name,
        .platform = (char *)want->platform,
        .text = text,
        .path = (char *)rule->interpreter,
        .persist = want->persist,
    };
    if (!entry)
        return replace(p, now, &rec, "", err);
    if (!old || !is_ours(now, old, entry)) {
        if (want->force)
            return replace(p, now, &rec, "in place of someone else's", err);
        const struct aw_entry *front = shadows(now, entry);
        if (want->own || !serves(entry, want) || (front && !serves(front, want)))
            return someone_elses(entry, front, want, err);
        add(p, PLAN_KEEP, rule->name, "someone else's rule serves it");
        return true;
    }
    enum record_state state = record_state(old, now->inst);
    const char *why = want->force ? "forced"
                      : !str_eq(old->text, text) || !record_same_rule(old, entry)
                          ? "the rule changes"
                      : state == RECORD_STALE ? "its interpreter was replaced"
                      : state != RECORD_FRESH ? "someone registered it anew"
                      : !entry->enabled       ? "it was switched off"
                      : shadows(now, entry)   ? "another rule stood before it"
                      : old->persist != want->persist && rec.persist ? "to be kept over restarts"
                                                                     : NULL;
    if (why)
        return replace(p, now, &rec, why, err);
    drop_next(p, now, rule->name);
    add(p, PLAN_KEEP, rule->name, "good as it is");
    return true;
}

void plan_uninstall(struct plan *p, const struct plan_now *now, const struct record *rec)
{
    const struct aw_entry *entry = plan_entry(now, rec->name);
    drop_next(p, now, rec->name);
    if (entry && is_ours(now, rec, entry))
        add(p, PLAN_REMOVE, rec->name, "");
    add(p, PLAN_FORGET, rec->name, !entry ? "the rule is not there any more" : "");
}

bool plan_refresh(struct plan *p, const struct plan_now *now, const struct record *rec, bool force,
                  struct aw_err *err)
{
    const struct aw_entry *entry = plan_entry(now, rec->name);
    enum record_state state = record_state(rec, now->inst);
    bool there = access(rec->path, F_OK) == 0;
    if (entry && !is_ours(now, rec, entry) && !force) {
        aw_fail(err, AW_E_EXIST, 0, "rule %s: someone else registered another rule of that name",
                rec->name);
        return aw_mend(err, "archway refresh --force, or archway uninstall %s", rec->name);
    }
    if (!there && rec->file.ino) {
        aw_fail(err, AW_E_NOTFOUND, 0, "rule %s: its interpreter %s is not there any more%s",
                rec->name, rec->path,
                state == RECORD_GONE ? "; programs still run by the file that the kernel holds"
                                     : "");
        return rec->platform[0] ? aw_mend(err, "archway install %s", rec->platform)
                                : aw_mend(err, "archway uninstall %s", rec->name);
    }
    const char *why = state == RECORD_ABSENT                   ? "someone removed it"
                      : state == RECORD_REPLACED               ? "someone registered it anew"
                      : state == RECORD_STALE                  ? "its interpreter was replaced"
                      : entry && !record_same_rule(rec, entry) ? "a change of it was interrupted"
                      : entry && shadows(now, entry)           ? "another rule stood before it"
                      : force                                  ? "forced"
                                                               : NULL;
    if (!why) {
        drop_next(p, now, rec->name);
        add(p, PLAN_KEEP, rec->name, "good as it is");
        return true;
    }
    if (!replace(p, now, rec, why, err))
        return false;
    if (entry && !entry->enabled)
        add(p, PLAN_DISABLE, rec->name, "as it was");
    return true;
}

void plan_switch(struct plan *p, const struct aw_entry *entry, bool on)
{
    if (entry->enabled == on)
        add(p, PLAN_KEEP, entry->rule.name, on ? "it is on already" : "it is off already");
    else
        add(p, on ? PLAN_ENABLE : PLAN_DISABLE, entry->rule.name, "");
}

/* ---- applying ---------------------------------------------------------------------------------
 */

static bool put_copy(const struct record *rec, struct records *ret, struct aw_err *err)
{
    struct record copy = *rec;
    copy.name = strdup(rec->name);
    copy.platform = strdup(rec->platform);
    copy.text = strdup(rec->text);
    copy.path = strdup(rec->path);
    return records_put(ret, &copy, err);
}

/* What the step will register, with the entry and the file of what is recorded now: until it is
 * done these tell that the rule is ours, and afterwards the text does. */
static bool announce_one(const struct plan_step *s, const struct record *old, struct records *ret,
                         struct aw_err *err)
{
    struct record next = old ? *old : (struct record){.file = {0}};
    next.name = s->name;
    next.platform = s->platform;
    next.text = s->text;
    next.path = s->path;
    next.persist = s->persist;
    return put_copy(&next, ret, err);
}

bool plan_announce(const struct plan *p, const struct records *now, struct records *ret,
                   struct aw_err *err)
{
    struct records r = {0};
    bool ok = true;
    for (size_t i = 0; i < now->n && ok; i++)
        ok = put_copy(&now->v[i], &r, err);
    for (size_t i = 0; i < p->n && ok; i++)
        if (p->v[i].op == PLAN_REGISTER && p->v[i].final)
            ok = announce_one(&p->v[i], records_find(now, p->v[i].name), &r, err);
    if (!ok) {
        records_fini(&r);
        return false;
    }
    *ret = r;
    return true;
}

/* Register by descriptor: the file is then out of the programs' reach (see instance.h). Kernels and
 * namespaces that do not let us have the plain way. */
static bool register_rule(struct aw_instance *inst, const struct aw_rule *rule, int fd,
                          struct aw_err *err)
{
    struct aw_err why = AW_ERR_INIT;
    if (fd < 0)
        return aw_instance_register(inst, rule, err);
    if (aw_instance_register_interpreter(inst, rule, fd, &why))
        return true;
    if (why.code != AW_E_UNSUPPORTED && why.code != AW_E_PERM && why.code != AW_E_ARG) {
        if (err)
            *err = why;
        return false;
    }
    return aw_instance_register(inst, rule, err);
}

static bool apply_register(struct plan_step *s, struct plan_now *now, struct aw_err *err)
{
    struct aw_rule rule;
    if (!aw_rule_parse(s->text, strlen(s->text), &rule, NULL, err))
        return false;
    _cleanup_close_ int fd = rule.flags & AW_RULE_F ? open(s->path, O_PATH | O_CLOEXEC) : -1;
    if ((rule.flags & AW_RULE_F) && fd < 0)
        return aw_fail(err, errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno,
                       "rule %s: open interpreter %s", s->name, s->path);
    if (!register_rule(now->inst, &rule, fd, err))
        return false;
    if (!s->final)
        return true;
    struct record rec = {
        .name = strdup(s->name),
        .platform = strdup(s->platform),
        .text = strdup(s->text),
        .path = strdup(s->path),
        .persist = s->persist,
    };
    if (fd >= 0) { /* from here on nobody can write to it */
        record_file_of(fd, &rec.file);
        record_digest_fd(fd, rec.digest);
    }
    record_entry_of(now->inst, s->name, &rec.entry_ino, &rec.entry_ctime_ns);
    return records_put(&now->records, &rec, err);
}

static bool apply_remove(const struct plan_step *s, struct plan_now *now, struct aw_err *err)
{
    struct aw_err why = AW_ERR_INIT;
    if (aw_instance_remove(now->inst, s->name, &why) || why.code == AW_E_NOTFOUND)
        return true;
    if (err)
        *err = why;
    return false;
}

static void renew(const char *name, struct plan_now *now)
{
    struct record *rec = records_find(&now->records, name);
    if (rec)
        record_renew(rec, now->inst);
}

static bool apply_one(struct plan_step *s, struct plan_now *now, struct aw_err *err)
{
    switch (s->op) {
    case PLAN_KEEP:
        renew(s->name, now);
        return true;
    case PLAN_REGISTER:
        return apply_register(s, now, err);
    case PLAN_REMOVE:
        return apply_remove(s, now, err);
    case PLAN_ENABLE:
    case PLAN_DISABLE:
        return aw_instance_enable(now->inst, s->name, s->op == PLAN_ENABLE, err);
    case PLAN_FORGET:
        records_drop(&now->records, s->name);
        return true;
    }
    return aw_fail(err, AW_E_ARG, 0, "plan: no such step");
}

bool plan_apply(struct plan *p, struct plan_now *now, bool (*cancelled)(void *user),
                struct aw_err *err)
{
    bool bridging = false;
    if (p->bad)
        return aw_fail(err, AW_E_NOMEM, 0, "plan: no memory");
    for (size_t i = 0; i < p->n; i++) {
        struct plan_step *s = &p->v[i];
        /* never in the middle of a replacement */
        if (!bridging && cancelled && cancelled(NULL))
            return aw_fail(err, AW_E_CANCELLED, 0, "interrupted before rule %s", s->name);
        if (!apply_one(s, now, err))
            return false;
        s->done = true;
        bridging =
            s->op == PLAN_REGISTER ? !s->final || bridging : bridging && !str_ends(s->name, NEXT);
    }
    return true;
}
