/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"

static bool asked(const struct cli *c, const char *name)
{
    for (size_t i = 0; i < c->args.operands.n; i++)
        if (str_eq(c->args.operands.v[i], "all") || cli_change_means(c->args.operands.v[i], name))
            return true;
    return c->args.operands.n == 0;
}

int cli_verb_refresh(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT, first = AW_ERR_INIT;
    _cleanup_change_ struct cli_change r = {.lock = -1};
    size_t found = 0;
    cli_interrupt_catch();
    if (!cli_change_open(c, CLI_CHANGE_RECORDED, &r, &err))
        return cli_fail(c, &err);
    for (size_t i = 0; i < r.now.records.n; i++) {
        const struct record *rec = &r.now.records.v[i];
        if (!asked(c, rec->name))
            continue;
        found++;
        if (!plan_refresh(&r.plan, &r.now, rec, c->args.force, &err) && first.code == AW_OK)
            first = err;
    }
    if (!found && c->args.operands.n) {
        aw_fail(&first, AW_E_NOTFOUND, 0, "no rule of Archway's is meant by %s",
                c->args.operands.v[0]);
        cli_mend_word(&first, "archway install ", c->args.operands.v[0], "");
    }
    if (r.now.records.n == 0)
        aw_log(&c->log, AW_LOG_NOTE, "archway has registered nothing here");
    if (first.code == AW_OK && r.now.records.n > 0)
        cli_change_effective(&r, &first);
    return cli_change_finish(c, &r, &first);
}
