/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

int cli_verb_stop(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    int status = 0;
    _cleanup_store_ struct store *s = cli_open_store(c, NULL, &err);
    if (!s)
        return cli_fail(c, &err);
    for (size_t i = 0; i < c->args.operands.n; i++) {
        const char *name = c->args.operands.v[i];
        if (!box_stop(s, name, c->args.signal, c->args.stop_seconds * 1000, &err))
            status = cli_fail(c, &err);
        else if (!c->args.quiet)
            puts(name);
    }
    int done = cli_done(c);
    return status ? status : done;
}
