/* SPDX-License-Identifier: Apache-2.0
 *
 * archway install: which rules are wanted, for platforms by an emulator and for other formats
 * (formats.h). What is wanted is checked before anything is mounted; the plan (binfmt/plan.h) does
 * the rest; then a built-in program of each platform shows whether it runs.
 */
#include "cli/formats.h"

#include "binfmt/guest.h"
#include "box/emulator.h"

#define PATIENCE_MS 10000 /* emulators on busy machines start within a second */

/* P and O: QEMU understands both, and looks at AT_FLAGS to tell whether P is set. C makes the
 * interpreter run with the rights of setuid programs, which a user namespace bounds. */
static unsigned flags_for(struct cli *c, const struct cli_change *r)
{
    bool credentials = !r->host || c->args.credentials;
    return (c->args.transparent ? AW_RULE_T : AW_RULE_P) | AW_RULE_O | AW_RULE_F |
           (credentials ? AW_RULE_C : 0);
}

static bool has_transparent(struct aw_err *err)
{
    if (aw_kernel_has_flag(AW_RULE_T) == AW_YES)
        return true;
    aw_fail(err, AW_E_UNSUPPORTED, 0, "--transparent: this kernel takes no rules with flag T");
    return aw_mend(err, "upgrade to Linux 7.3, or leave --transparent out");
}

/* False: a built-in program was tried and does not run; why says it. */
static bool runs(const struct aw_arch *arch, char *ret_why, size_t size)
{
    const struct guest *g = guest_find(arch);
    struct guest_result result;
    struct aw_err ignored = AW_ERR_INIT;
    if (!g || !guest_run(g, PATIENCE_MS, &result, &ignored) || result.why == GUEST_WORKS)
        return true;
    guest_explain(&result, ret_why, size);
    return false;
}

/* Someone else's rule is kept, for what that does: it has to do it. */
static bool kept_works(const struct cli_change *r, const struct aw_arch *arch,
                       const struct plan_want *want, struct aw_err *err)
{
    char why[128];
    const struct aw_entry *entry = plan_entry(&r->now, want->rule->name);
    if (!entry || want->force || plan_owns(&r->now, entry) || runs(arch, why, sizeof(why)))
        return true;
    aw_fail(err, AW_E_EXIST, 0,
            "rule %s is there already, is not Archway's, and a built-in program for %s does not "
            "run: %s (interpreter %s)",
            entry->rule.name, want->platform, why, entry->rule.interpreter);
    return aw_mend(err, "archway install --force %s", want->platform);
}

static bool prove(const struct cli_change *r, struct aw_err *err)
{
    char why[128];
    const struct aw_arch *arch;
    for (size_t i = 0; (arch = aw_arch_at(i)); i++) {
        if (!(r->archs >> i & 1) || runs(arch, why, sizeof(why)))
            continue;
        aw_fail(err, AW_E_CHILD, 0,
                "its rules are registered, but a built-in program for linux/%s does not run: %s",
                arch->oci_arch, why);
        return aw_mend(err,
                       "archway verify linux/%s; archway install linux/%s with another "
                       "--emulator",
                       arch->oci_arch, arch->oci_arch);
    }
    return true;
}

static void is_asked(struct cli_change *r, const struct aw_arch *arch)
{
    for (size_t i = 0; aw_arch_at(i); i++)
        r->archs |= (uint64_t)(aw_arch_at(i) == arch) << i;
    r->prove = prove;
}

static bool one_platform(struct cli *c, struct cli_change *r, const struct aw_arch *arch,
                         const char *path, struct aw_err *err)
{
    char platform[64];
    snprintf(platform, sizeof(platform), "linux/%s", arch->oci_arch);
    for (int i = aw_arch_rules(arch); i-- > 0;) {
        struct aw_rule rule;
        struct plan_want want = {
            .rule = &rule,
            .platform = platform,
            .persist = c->args.persist == CLI_UNSET ? r->place != CLI_PLACE_NAMESPACE
                                                    : c->args.persist == CLI_TRUE,
            .force = c->args.force,
            .own = c->args.persist == CLI_TRUE,
        };
        if (!aw_arch_rule(arch, i, path, flags_for(c, r), &rule, err) ||
            !plan_install(&r->plan, &r->now, &want, err) || !kept_works(r, arch, &want, err))
            return false;
    }
    is_asked(r, arch);
    return true;
}

static bool named(struct cli *c, struct cli_change *r, const char *text, struct aw_err *err)
{
    const struct aw_arch *arch = cli_change_arch(text, err);
    const char *given = c->args.box.emulator;
    struct box_world world = cli_box_world(c);
    if (!arch)
        return false;
    if (given && given[0] == '/') {
        return emulator_check(given, err) && one_platform(c, r, arch, given, err);
    }
    if (aw_arch_native(arch)) {
        plan_keep(&r->plan, text, "this machine runs it without an emulator");
        return true;
    }
    _cleanup_free_ char *path = emulator_find(arch, given, &world, err);
    return path && one_platform(c, r, arch, path, err);
}

/* Every architecture that an emulator is there for. */
static bool all(struct cli *c, struct cli_change *r, struct aw_err *err)
{
    struct box_world world = cli_box_world(c);
    struct aw_err why = AW_ERR_INIT;
    size_t found = 0;
    const struct aw_arch *arch;
    for (size_t i = 0; (arch = aw_arch_at(i)); i++) {
        if (aw_arch_native(arch))
            continue;
        _cleanup_free_ char *path = emulator_find(arch, c->args.box.emulator, &world, &why);
        if (path && !one_platform(c, r, arch, path, err))
            return false;
        found += path != NULL;
    }
    if (found)
        return true;
    if (err)
        *err = why;
    return aw_context(err, "install all");
}

/* The formats among the operands: one rule may be for several. */
struct wanted {
    struct format_users users; /* that the user describes */
    struct strv names;         /* asked for */
};

static void wanted_fini(struct wanted *w)
{
    format_users_fini(&w->users);
    strv_fini(&w->names);
}

/* "linux/arm64,riscv64", "java,dos" */
static bool operand(struct cli *c, struct cli_change *r, struct wanted *wanted, const char *text,
                    struct aw_err *err)
{
    _cleanup_free_ char *words = strdup(text);
    char *save = NULL;
    bool ok = words != NULL;
    char *w = ok ? strtok_r(words, ",", &save) : NULL;
    if (ok && !w)
        return aw_fail(err, AW_E_ARG, 0, "\"%s\" names no platform", text);
    for (; w && ok; w = strtok_r(NULL, ",", &save))
        ok = str_eq(w, "all")                       ? all(c, r, err)
             : cli_formats_known(&wanted->users, w) ? strv_add(&wanted->names, w)
                                                    : named(c, r, w, err);
    return ok;
}

int cli_verb_install(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    const struct strv *ops = &c->args.operands;
    _cleanup_change_ struct cli_change r = {.lock = -1};
    __attribute__((cleanup(wanted_fini))) struct wanted wanted = {0};
    if (c->args.box.emulator && c->args.box.emulator[0] == '/' &&
        (ops->n != 1 || str_eq(ops->v[0], "all") || strchr(ops->v[0], ','))) {
        aw_fail(&err, AW_E_ARG, 0, "--emulator %s: for which platform?", c->args.box.emulator);
        aw_mend(&err, "archway install --emulator PATH PLATFORM");
        return cli_fail_usage(c, &err);
    }
    if (!cli_formats_load(c, &wanted.users, &err))
        return cli_fail(c, &err);
    for (size_t i = 0; i < ops->n; i++) /* before anything is mounted */
        if (!str_eq(ops->v[i], "all") && !strchr(ops->v[i], ',') &&
            !cli_formats_known(&wanted.users, ops->v[i]) && !cli_change_arch(ops->v[i], &err))
            return cli_fail_usage(c, &err);
    if (c->args.transparent && !has_transparent(&err))
        return cli_fail(c, &err);
    cli_interrupt_catch();
    if (!cli_change_open(c, CLI_CHANGE_READY, &r, &err) || !cli_change_effective(&r, &err))
        return cli_fail(c, &err);
    bool ok = ops->n > 0 || all(c, &r, &err);
    for (size_t i = 0; i < ops->n && ok; i++)
        ok = operand(c, &r, &wanted, ops->v[i], &err);
    if (!ok || !cli_formats_install(c, &r, &wanted.users, &wanted.names, &err))
        return cli_fail(c, &err);
    int status = cli_change_finish(c, &r, &err);
    cli_formats_tidy(c, &r);
    return status;
}
