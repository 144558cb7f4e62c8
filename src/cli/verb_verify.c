/* SPDX-License-Identifier: Apache-2.0
 *
 * archway verify: does it work? By doing it.
 */
#include "cli/formats.h"

#include "binfmt/guest.h"
#include "codec/js.h"

#include <errno.h>

#define PATIENCE_MS 10000 /* emulators on busy machines start within a second */

struct check {
    const struct aw_arch *arch;
    const struct aw_entry *entry; /* the enabled rule that takes its programs, or NULL */
    const struct aw_entry *off;   /* a disabled one, or NULL */
    struct guest_result result;
    char why[512];  /* "" if it works */
    char mend[128]; /* or "" */
};

static void find_rules(struct check *k, const struct plan_now *now)
{
    uint8_t head[AW_ARCH_HEADER];
    aw_arch_header(k->arch, 0, false, head);
    for (size_t i = 0; i < now->n; i++) {
        const struct aw_entry *e = &now->entries[i];
        if (!e->known || !aw_rule_matches(&e->rule, head, sizeof(head), NULL))
            continue;
        if (e->enabled && !k->entry)
            k->entry = e;
        else if (!e->enabled && !k->off)
            k->off = e;
    }
}

static void explain_exec(struct check *k, bool on)
{
    const char *oci = k->arch->oci_arch;
    int how = k->result.sys_errno;
    if (how == ENOEXEC && (k->entry || k->off) && !on) {
        snprintf(k->why, sizeof(k->why), "binfmt_misc is switched off as a whole");
        snprintf(k->mend, sizeof(k->mend), "archway enable --instance");
    } else if (how == ENOEXEC && !k->entry && k->off) {
        snprintf(k->why, sizeof(k->why), "rule %s is switched off", k->off->rule.name);
        snprintf(k->mend, sizeof(k->mend), "archway enable linux/%s", oci);
    } else if (how == ENOEXEC && !k->entry) {
        snprintf(k->why, sizeof(k->why), "there is no rule for its programs");
        snprintf(k->mend, sizeof(k->mend), "archway install linux/%s", oci);
    } else if (k->entry) {
        snprintf(k->why, sizeof(k->why), "rule %s, interpreter %s: %s", k->entry->rule.name,
                 k->entry->rule.interpreter, strerror(how));
        snprintf(k->mend, sizeof(k->mend), "archway install --force linux/%s", oci);
    } else {
        snprintf(k->why, sizeof(k->why), "execute the built-in program: %s", strerror(how));
    }
}

static void explain(struct check *k, bool on)
{
    const struct guest_result *r = &k->result;
    char by[320] = "";
    if (k->entry)
        snprintf(by, sizeof(by), " (rule %s, interpreter %.200s)", k->entry->rule.name,
                 k->entry->rule.interpreter);
    switch (r->why) {
    case GUEST_WORKS:
        break;
    case GUEST_NOT_EXEC:
        explain_exec(k, on);
        break;
    case GUEST_KILLED:
        snprintf(k->why, sizeof(k->why), "the built-in program died of signal %d%s", r->detail, by);
        break;
    case GUEST_STATUS:
        snprintf(k->why, sizeof(k->why), "the built-in program ended with status %d, not 42%s",
                 r->detail, by);
        break;
    case GUEST_OUTPUT:
        snprintf(k->why, sizeof(k->why), "the built-in program printed something else%s", by);
        break;
    case GUEST_TIMEOUT:
        snprintf(k->why, sizeof(k->why), "the built-in program said nothing in %d s%s",
                 PATIENCE_MS / 1000, by);
        break;
    }
}

/* Does what ran differ from what is on disk? Told by contents, so also of others' rules; where
 * these cannot be read, by the record. */
static const char *freshness(const struct check *k, const struct plan_now *now)
{
    const struct record *rec = k->entry ? records_find(&now->records, k->entry->rule.name) : NULL;
    char disk[DIGEST_SIZE] = "";
    if (rec && record_state(rec, now->inst) == RECORD_REPLACED)
        return record_state_name(RECORD_REPLACED);
    if (k->entry && k->result.digest[0])
        record_digest_path(k->entry->rule.interpreter, disk);
    if (disk[0])
        return record_state_name(str_eq(disk, k->result.digest) ? RECORD_FRESH : RECORD_STALE);
    return rec ? record_state_name(record_state(rec, now->inst)) : NULL;
}

static void print_text(const struct check *k, const struct plan_now *now)
{
    printf("linux/%s: ", k->arch->oci_arch);
    if (k->why[0]) {
        printf("does not work: %s\n", k->why);
        if (k->mend[0])
            printf("  to mend it: %s\n", k->mend);
        return;
    }
    printf("works, %.1f ms", (double)k->result.start_us / 1000);
    if (k->entry) {
        _cleanup_buf_ struct buf b = {0};
        cli_out_safe(&b, k->entry->rule.interpreter);
        printf(", %s", buf_str(&b));
        const char *fresh = freshness(k, now);
        if (fresh && !str_eq(fresh, "fresh"))
            printf(str_eq(fresh, "gone") ? " (its file is gone: archway install linux/%s)"
                                         : " (%s: archway refresh)",
                   str_eq(fresh, "gone") ? k->arch->oci_arch : fresh);
    } else {
        printf(", without an emulator");
    }
    putchar('\n');
}

static void add_json(struct json_object *list, const struct check *k, const struct plan_now *now)
{
    struct json_object *o = js_push(list, json_object_new_object());
    char platform[64];
    snprintf(platform, sizeof(platform), "linux/%s", k->arch->oci_arch);
    js_add_string(o, "platform", platform);
    js_add_bool(o, "works", !k->why[0]);
    if (k->why[0]) {
        js_add_string(o, "why", k->why);
        if (k->mend[0])
            js_add_string(o, "mend", k->mend);
    } else {
        js_add_u64(o, "start_us", k->result.start_us);
    }
    if (!k->entry)
        return;
    js_add_string(o, "rule", k->entry->rule.name);
    js_add_string(o, "interpreter", k->entry->rule.interpreter);
    js_add_string(o, "state", freshness(k, now));
    if (k->result.ran_by.ino) {
        js_add_u64(o, "dev", k->result.ran_by.dev);
        js_add_u64(o, "ino", k->result.ran_by.ino);
    }
    js_add_string(o, "digest", k->result.digest[0] ? k->result.digest : NULL);
}

/* Those named, or every one that a rule is there for. */
static bool choose(struct cli *c, const struct plan_now *now, bool *chosen, struct aw_err *err)
{
    const struct strv *ops = &c->args.operands;
    const struct aw_arch *arch;
    for (size_t i = 0; i < ops->n; i++) {
        bool all = str_eq(ops->v[i], "all");
        if (format_find(ops->v[i]) != FORMAT_N)
            continue;
        const struct aw_arch *one = all ? NULL : cli_change_arch(ops->v[i], err);
        if (!all && !one)
            return false;
        if (one && !guest_find(one))
            return aw_fail(err, AW_E_UNSUPPORTED, 0, "%s: there is no built-in program for it",
                           ops->v[i]);
        for (size_t k = 0; (arch = aw_arch_at(k)); k++)
            chosen[k] |= arch == one || (all && guest_find(arch));
    }
    for (size_t k = 0; ops->n == 0 && (arch = aw_arch_at(k)); k++) {
        struct check probe = {.arch = arch};
        find_rules(&probe, now);
        chosen[k] = (probe.entry || probe.off) && guest_find(arch);
    }
    return true;
}

static bool look(struct plan_now *now, bool *ret_on, struct aw_err *err)
{
    struct aw_err ignored = AW_ERR_INIT;
    /* no binfmt_misc, no rules: that is what will be seen */
    now->inst = aw_instance_open_host(&ignored);
    return !now->inst || (plan_look(now, err) && aw_instance_status(now->inst, ret_on, err));
}

static int run(struct cli *c, struct plan_now *now, bool on, const bool *chosen, unsigned formats)
{
    struct aw_err err = AW_ERR_INIT;
    struct json_object *list = json_object_new_array();
    const struct aw_arch *arch;
    int status = 0;
    size_t done = 0;
    for (size_t i = 0; (arch = aw_arch_at(i)) && !cli_interrupted(NULL); i++) {
        struct check k = {.arch = arch};
        if (!chosen[i])
            continue;
        find_rules(&k, now);
        if (!guest_run(guest_find(arch), PATIENCE_MS, &k.result, &err)) {
            json_object_put(list);
            return cli_fail(c, &err);
        }
        explain(&k, on);
        done++;
        if (k.why[0])
            status = 1;
        if (c->args.json)
            add_json(list, &k, now);
        else
            print_text(&k, now);
    }
    struct cli_formats_tally tally = {0};
    if (!cli_formats_verify(c, now, formats, list, &tally, &err)) {
        json_object_put(list);
        return cli_fail(c, &err);
    }
    status = tally.bad ? 1 : status;
    if (done + tally.done == 0) {
        json_object_put(list);
        aw_fail(&err, AW_E_NOTFOUND, 0, "verify: there is no rule for any platform");
        aw_mend(&err, "archway install");
        return cli_fail(c, &err);
    }
    int printed = c->args.json ? cli_print_json(c, list) : cli_done(c);
    if (!c->args.json)
        json_object_put(list);
    return status ? status : printed;
}

int cli_verb_verify(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    struct plan_now now = {0};
    bool on = true, chosen[64] = {false};
    unsigned formats;
    AW_BUG_ON(aw_arch_at(AW_LEN(chosen)) != NULL);
    cli_interrupt_catch();
    _cleanup_free_ char *file = cli_place_records(cli_place_find(), &c->env, &err);
    int status;
    if (!file || !records_load(file, &now.records, &err) || !look(&now, &on, &err))
        status = cli_fail(c, &err);
    else if (!choose(c, &now, chosen, &err) ||
             !cli_formats_verify_names(&c->args.operands, &formats, &err))
        status = cli_fail_usage(c, &err);
    else
        status =
            run(c, &now, on, chosen, c->args.operands.n ? formats : cli_formats_registered(&now));
    plan_now_fini(&now);
    aw_instance_close(now.inst);
    return status;
}
