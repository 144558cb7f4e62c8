/* SPDX-License-Identifier: Apache-2.0
 *
 * archway enable and archway disable.
 */
#include "cli/change.h"

static bool one(struct cli_change *r, bool *done, const char *operand, bool on, struct aw_err *err)
{
    bool own = str_eq(operand, "all"), found = own;
    for (size_t i = 0; i < r->now.n; i++) {
        const struct aw_entry *e = &r->now.entries[i];
        if (own ? !plan_owns(&r->now, e) : !cli_change_means(operand, e->rule.name))
            continue;
        found = true;
        if (!done[i])
            plan_switch(&r->plan, e, on);
        done[i] = true;
    }
    if (found)
        return true;
    aw_fail(err, AW_E_NOTFOUND, 0, "no rule is called %s, or is for it", operand);
    return on ? cli_mend_word(err, "archway install ", operand, "") : false;
}

/* The switch of the whole instance. */
static int whole(struct cli *c, struct cli_change *r, bool on)
{
    struct aw_err err = AW_ERR_INIT;
    const char *words = on ? "binfmt_misc as a whole is on" : "binfmt_misc as a whole is off";
    if (!c->args.dry_run && !aw_instance_set_status(r->now.inst, on, &err))
        return cli_fail(c, &err);
    if (c->args.dry_run)
        plan_keep(&r->plan, "status", on ? "to be switched on" : "to be switched off");
    else
        plan_keep(&r->plan, "status", words);
    return cli_change_finish(c, r, &err);
}

static int run(struct cli *c, bool on)
{
    struct aw_err err = AW_ERR_INIT, first = AW_ERR_INIT;
    _cleanup_change_ struct cli_change r = {.lock = -1};
    if (c->args.instance == (c->args.operands.n > 0)) {
        aw_fail(&err, AW_E_ARG, 0, "%s: name rules, or give --instance alone", c->verb->name);
        aw_mend(&err, "archway %s all", c->verb->name);
        return cli_fail_usage(c, &err);
    }
    if (!cli_change_open(c, CLI_CHANGE_LOOK, &r, &err))
        return cli_fail(c, &err);
    if (c->args.instance)
        return whole(c, &r, on);
    _cleanup_free_ bool *done = calloc(r.now.n + 1, sizeof(*done));
    if (!done) {
        aw_fail(&err, AW_E_NOMEM, 0, "%s: no memory", c->verb->name);
        return cli_fail(c, &err);
    }
    for (size_t i = 0; i < c->args.operands.n; i++)
        if (!one(&r, done, c->args.operands.v[i], on, &err) && first.code == AW_OK)
            first = err;
    if (on && first.code == AW_OK)
        cli_change_effective(&r, &first);
    return cli_change_finish(c, &r, &first);
}

int cli_verb_enable(struct cli *c)
{
    return run(c, true);
}

int cli_verb_disable(struct cli *c)
{
    return run(c, false);
}
