/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"

/* The records are JSON and the binfmt.d file is read by others: plain text only. */
static bool plain(const char *text, struct aw_err *err)
{
    for (size_t i = 0; text[i]; i++) {
        if (text[i] >= ' ' && text[i] <= '~')
            continue;
        aw_fail(err, AW_E_ARG, 0, "column %zu: byte \\x%02x", i + 1, (unsigned char)text[i]);
        return aw_mend(err, "write bytes of the magic as \\xNN, and names in ASCII");
    }
    return true;
}

/* What the kernel takes and people regret; what is refused, plan_install() refuses. */
static void warn(const struct cli *c, const struct aw_rule *rule)
{
    struct aw_lint found[AW_LINT_MAX];
    size_t n = aw_rule_lint(rule, true, found);
    for (size_t i = 0; i < n; i++)
        if (found[i].severity == AW_LINT_WARN)
            aw_log(&c->log, AW_LOG_WARN, "rule %s (%s): %s", rule->name,
                   aw_lint_name(found[i].kind), found[i].message);
}

int cli_verb_register(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    const char *text = c->args.operands.v[0];
    struct aw_rule rule;
    _cleanup_change_ struct cli_change r = {.lock = -1};
    if (!plain(text, &err) || !aw_rule_parse(text, strlen(text), &rule, NULL, &err))
        return cli_fail_usage(c, &err);
    cli_interrupt_catch();
    if (!cli_change_open(c, CLI_CHANGE_READY, &r, &err) || !cli_change_effective(&r, &err))
        return cli_fail(c, &err);
    struct plan_want want = {.rule = &rule,
                             .platform = "",
                             .persist = c->args.persist == CLI_TRUE,
                             .force = c->args.force};
    if (plan_entry(&r.now, rule.name) && !c->args.force) {
        aw_fail(&err, AW_E_EXIST, 0, "rule %s: an entry of that name exists", rule.name);
        aw_mend(&err, "archway register --force STRING replaces it");
        return cli_fail(c, &err);
    }
    if (!plan_install(&r.plan, &r.now, &want, &err))
        return cli_fail(c, &err);
    warn(c, &rule);
    return cli_change_finish(c, &r, &err);
}
