/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/formats.h"

static bool nothing_found(const struct cli_change *r, const char *operand, struct aw_err *err)
{
    for (size_t i = 0; i < r->now.n; i++) {
        const char *name = r->now.entries[i].rule.name;
        if (!cli_change_means(operand, name))
            continue;
        aw_fail(err, AW_E_PERM, 0, "rule %s is not Archway's: someone else registered it", name);
        return cli_mend_word(err, "echo -1 > /proc/sys/fs/binfmt_misc/", name,
                             ", if nobody needs it");
    }
    return aw_fail(err, AW_E_NOTFOUND, 0, "no rule of Archway's is called %s, or is for it",
                   operand);
}

static bool one(struct cli_change *r, bool *done, const char *operand, struct aw_err *err)
{
    bool every = str_eq(operand, "all"), found = every;
    for (size_t i = 0; i < r->now.records.n; i++) {
        const struct record *rec = &r->now.records.v[i];
        if (!every && !cli_change_means(operand, rec->name))
            continue;
        found = true;
        if (!done[i])
            plan_uninstall(&r->plan, &r->now, rec);
        done[i] = true;
    }
    return found || nothing_found(r, operand, err);
}

int cli_verb_uninstall(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT, first = AW_ERR_INIT;
    _cleanup_change_ struct cli_change r = {.lock = -1};
    cli_interrupt_catch();
    if (!cli_change_open(c, CLI_CHANGE_REMOVE, &r, &err))
        return cli_fail(c, &err);
    _cleanup_free_ bool *done = calloc(r.now.records.n + 1, sizeof(*done));
    if (!done) {
        aw_fail(&err, AW_E_NOMEM, 0, "uninstall: no memory");
        return cli_fail(c, &err);
    }
    /* a rule may be for several formats, and stays while one is left */
    _cleanup_strv_ struct strv formats = {0};
    bool had = false;
    for (size_t i = 0; i < c->args.operands.n; i++)
        if (format_find(c->args.operands.v[i]) != FORMAT_N &&
            !strv_add(&formats, c->args.operands.v[i]))
            return cli_fail(c, &err);
    if (!cli_formats_uninstall(c, &r, &formats, &had, &err))
        return cli_fail(c, &err);
    for (size_t i = 0; i < c->args.operands.n; i++)
        if ((!had || format_find(c->args.operands.v[i]) == FORMAT_N) &&
            !one(&r, done, c->args.operands.v[i], &err) && first.code == AW_OK)
            first = err;
    int status = cli_change_finish(c, &r, &first);
    cli_formats_tidy(c, &r);
    return status;
}
