/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static bool remove_one(struct cli *c, struct store *s, const char *name, struct aw_err *err)
{
    struct store_remove_request req = {
        .name = name,
        .platform = c->args.has_platform ? &c->args.platform : NULL,
        .force = c->args.force,
    };
    _cleanup_strv_ struct strv removed = {0};
    if (!store_remove(s, &req, &removed, err))
        return false;
    for (size_t i = 0; i < removed.n && !c->args.quiet; i++)
        puts(removed.v[i]);
    return true;
}

int cli_verb_rmi(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    int status = 0;
    cli_interrupt_catch();
    _cleanup_store_ struct store *s = cli_open_store(c, NULL, &err);
    if (!s)
        return cli_fail(c, &err);
    for (size_t i = 0; i < c->args.operands.n && !cli_interrupted(NULL); i++)
        if (!remove_one(c, s, c->args.operands.v[i], &err))
            status = cli_fail(c, &err);
    int done = cli_done(c);
    return status ? status : done;
}
