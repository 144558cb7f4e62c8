/* SPDX-License-Identifier: Apache-2.0
 *
 * archway export: what is registered, in the words of those who register at boot.
 */
#include "cli/change.h"
#include "cli/rules.h"

#include "binfmt/spec.h"

static bool asked(const struct cli *c, const char *name, bool *used)
{
    bool found = c->args.operands.n == 0;
    for (size_t i = 0; i < c->args.operands.n; i++)
        if (str_eq(c->args.operands.v[i], "all") || cli_change_means(c->args.operands.v[i], name))
            found = used[i] = true;
    return found;
}

static void print_one(const struct aw_rule *rule, const char *text, struct json_object *array)
{
    if (!array) {
        puts(text);
        return;
    }
    struct json_object *o = js_push(array, json_object_new_object());
    js_add_string(o, "name", rule->name);
    js_add_string(o, "text", text);
}

static bool one(const struct cli *c, const struct aw_entry *e, struct json_object *array,
                struct aw_err *err)
{
    char text[AW_RULE_TEXT_MAX + 1];
    if (!e->known)
        return aw_fail(err, AW_E_UNSUPPORTED, 0,
                       "rule %s is of a kind that this version does not know", e->rule.name);
    if (c->args.update_binfmts) {
        _cleanup_free_ char *spec = spec_print(&e->rule, "archway", err);
        if (!spec)
            return false;
        spec[strlen(spec) - 1] = 0; /* puts ends the line */
        print_one(&e->rule, spec, array);
        return true;
    }
    if (strchr(e->rule.interpreter, '\n') || strchr(e->rule.name, '\n') ||
        !aw_rule_format(&e->rule, text, err))
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "rule %s cannot stand in one line", e->rule.name);
    print_one(&e->rule, text, array);
    return true;
}

static int refuse_many(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    aw_fail(&err, AW_E_ARG, 0, "--update-binfmts: a file has one rule only");
    aw_mend(&err, "archway export --update-binfmts NAME");
    return cli_fail_usage(c, &err);
}

/* Oldest first: whoever registers them in this order has them asked in the same order as now. */
static int run(struct cli *c, const struct cli_rules *r)
{
    struct aw_err err = AW_ERR_INIT;
    _cleanup_free_ bool *used = calloc(c->args.operands.n + 1, sizeof(*used));
    int status = 0;
    if (!used) {
        aw_fail(&err, AW_E_NOMEM, 0, "export: no memory");
        return cli_fail(c, &err);
    }
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += asked(c, r->entries[i].rule.name, used);
    if (c->args.update_binfmts && !c->args.json && n > 1)
        return refuse_many(c);
    struct json_object *array = c->args.json ? json_object_new_array() : NULL;
    for (size_t i = r->n; i-- > 0;)
        if (asked(c, r->entries[i].rule.name, used) && !one(c, &r->entries[i], array, &err))
            status = cli_fail(c, &err);
    for (size_t i = 0; i < c->args.operands.n; i++) {
        if (used[i] || str_eq(c->args.operands.v[i], "all"))
            continue;
        aw_fail(&err, AW_E_NOTFOUND, 0, "no rule is called %s, or is for it",
                c->args.operands.v[i]);
        aw_mend(&err, "archway ls");
        status = cli_fail(c, &err);
    }
    int done = array ? cli_print_json(c, array) : cli_done(c);
    return status ? status : done;
}

int cli_verb_export(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    _cleanup_rules_ struct cli_rules r;
    if (!cli_rules_load(c, &r, CLI_RULES_ENTRIES, &err))
        return cli_fail(c, &err);
    return run(c, &r);
}
