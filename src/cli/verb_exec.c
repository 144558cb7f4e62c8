/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

int cli_verb_exec(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    struct box_options *opt = &c->args.box;
    int status = c->verb->fail_status;
    if (opt->command.n == 0) {
        aw_fail(&err, AW_E_ARG, 0, "exec: which command? archway exec [OPTIONS] %s",
                c->verb->operands);
        aw_mend(&err, "archway exec %s sh", c->args.operands.v[0]);
        return cli_fail_usage(c, &err);
    }
    _cleanup_store_ struct store *s = cli_open_store(c, NULL, &err);
    if (!s)
        return cli_fail(c, &err);
    struct box_exec x = {
        .container = c->args.operands.v[0],
        .command = opt->command, /* lent */
        .env = opt->env,
        .user = opt->user,
        .workdir = opt->workdir,
        .tty = opt->tty,
        .interactive = opt->interactive,
    };
    struct box_world world = cli_box_world(c);
    cli_out_clear(&c->out);
    if (box_exec(s, &x, &world, &status, &err))
        return status;
    cli_fail(c, &err);
    return status;
}
