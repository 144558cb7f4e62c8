/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rules.h"

static int print_json(struct cli *c, struct cli_rules *r)
{
    struct json_object *o = json_object_new_object();
    js_add(o, "instance", cli_rules_instance_json(r));
    struct json_object *list = js_add(o, "rules", json_object_new_array());
    for (size_t i = 0; i < r->n; i++)
        js_push(list, cli_rules_json(r, i));
    return cli_print_json(c, o);
}

static bool add_row(struct strv *cells, struct cli_rules *r, size_t i)
{
    const struct aw_entry *e = cli_rules_entry(r, i);
    char flags[CLI_FLAGS_TEXT];
    _cleanup_buf_ struct buf target = {0}, remarks = {0};
    cli_rules_flags(e, flags);
    cli_rules_target(r, i, &target);
    cli_rules_remarks(r, i, &remarks);
    return strv_add(cells, e->rule.name) && strv_add(cells, buf_str(&target)) &&
           strv_add(cells, cli_rules_state(r, i)) && strv_add(cells, *flags ? flags : "-") &&
           strv_add(cells, e->rule.interpreter) &&
           strv_add(cells, remarks.len ? buf_str(&remarks) : "-");
}

static bool print_table(struct cli_rules *r)
{
    static const char *const heading[] = {"NAME",  "MATCHES",     "STATE",
                                          "FLAGS", "INTERPRETER", "REMARKS"};
    _cleanup_strv_ struct strv cells = {0};
    for (size_t i = 0; i < AW_LEN(heading); i++)
        if (!strv_add(&cells, heading[i]))
            return false;
    for (size_t i = 0; i < r->n; i++)
        if (!add_row(&cells, r, i))
            return false;
    cli_out_table(&cells, AW_LEN(heading));
    return true;
}

int cli_verb_ls(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    _cleanup_rules_ struct cli_rules r;
    if (!cli_rules_load(c, &r, CLI_RULES_ROWS, &err))
        return cli_fail(c, &err);
    if (c->args.json)
        return print_json(c, &r);
    if (c->args.quiet) {
        for (size_t i = 0; i < r.n; i++) {
            _cleanup_buf_ struct buf name = {0};
            cli_out_safe(&name, cli_rules_name(&r, i));
            puts(buf_str(&name));
        }
    } else if (!print_table(&r)) {
        aw_fail(&err, AW_E_NOMEM, 0, "out of memory");
        return cli_fail(c, &err);
    }
    if (!r.enabled && !c->args.quiet)
        aw_log(&c->log, AW_LOG_WARN,
               "binfmt_misc is switched off: no rule counts (echo 1 > its file \"status\")");
    for (size_t i = 0; i < r.records.n && !c->args.quiet; i++)
        if (record_state(&r.records.v[i], r.inst) == RECORD_ABSENT)
            aw_log(&c->log, AW_LOG_WARN, "rule %s was registered and is lost: archway refresh",
                   r.records.v[i].name);
    return cli_done(c);
}
