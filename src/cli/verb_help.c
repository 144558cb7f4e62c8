/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/doc.h"
#include "cli/parse.h"

int cli_verb_help(struct cli *c)
{
    if (c->args.operands.n == 0) {
        cli_doc_overview(stdout);
        return cli_done(c);
    }
    const char *name = c->args.operands.v[0];
    const struct cli_verb *verb = cli_find_verb(name);
    if (!verb) {
        struct aw_err err = AW_ERR_INIT;
        aw_fail(&err, AW_E_ARG, 0, "there is no archway %s", name);
        aw_mend(&err, "archway help");
        return cli_fail_usage(c, &err);
    }
    cli_doc_help(stdout, verb);
    return cli_done(c);
}
