/* SPDX-License-Identifier: Apache-2.0
 *
 * All about one rule, with the string that would register it again.
 */
#include "cli/rules.h"

static size_t find(struct cli_rules *r, const char *name)
{
    size_t i = 0;
    while (i < r->n && !str_eq(cli_rules_name(r, i), name))
        i++;
    return i;
}

/* The rules of the same type that can match the same file (any magic can stand in a file with any
 * extension). */
static void list_overlaps(struct cli_rules *r, size_t i, const struct aw_entry *e, struct strv *ret)
{
    for (size_t k = 0; k < r->n; k++) {
        const struct aw_entry *other = cli_rules_entry(r, k);
        if (k != i && other->known && e->known && other->enabled &&
            other->rule.type == e->rule.type && aw_rule_overlaps(&other->rule, &e->rule))
            strv_addf(ret, "%s", other->rule.name);
    }
}

static struct json_object *to_json(struct cli_rules *r, size_t i)
{
    struct json_object *o = cli_rules_json(r, i);
    const struct aw_entry own = *cli_rules_entry(r, i), *e = &own;
    char text[AW_RULE_TEXT_MAX + 1];
    _cleanup_strv_ struct strv overlaps = {0};
    struct aw_lint lint[AW_LINT_MAX];
    if (!e->known)
        return o;
    if (aw_rule_format(&e->rule, text, NULL))
        js_add_string(o, "register", text);
    list_overlaps(r, i, e, &overlaps);
    js_add_strv(o, "overlaps", &overlaps);
    struct json_object *findings = js_add(o, "findings", json_object_new_array());
    size_t n = aw_rule_lint(&e->rule, true, lint);
    for (size_t k = 0; k < n; k++)
        js_push(findings, cli_lint_json(&lint[k]));
    return o;
}

static void line(const char *label, const char *text)
{
    _cleanup_buf_ struct buf safe = {0};
    cli_out_safe(&safe, text);
    printf("%-12s %s\n", label, buf_str(&safe));
}

static void print_flags(const struct aw_entry *e)
{
    const char *label = "flags";
    for (unsigned flag = 1; flag <= AW_RULE_T; flag <<= 1)
        if (e->rule.flags & flag) {
            line(label, cli_rules_flag_text(flag));
            label = "";
        }
    for (const char *s = e->odd_flags; *s; s++) {
        printf("%-12s %c: of a later kernel, not known to this version\n", label, *s);
        label = "";
    }
    if (*label)
        line(label, "none");
}

static void print_bytes(const char *label, const uint8_t *bytes, size_t n)
{
    printf("%-12s", label);
    for (size_t i = 0; i < n; i++)
        printf("%s%02x", i && i % 24 == 0 ? "\n              " : " ", bytes[i]);
    putchar('\n');
}

static void print_findings(const struct aw_rule *rule)
{
    struct aw_lint lint[AW_LINT_MAX];
    size_t n = aw_rule_lint(rule, true, lint);
    for (size_t k = 0; k < n; k++) {
        _cleanup_free_ char *text = str_printf("%s: %s [%s]", cli_lint_severity(lint[k].severity),
                                               lint[k].message, aw_lint_name(lint[k].kind));
        line(k ? "" : "findings", text ? text : "");
    }
}

static void print_text(struct cli_rules *r, size_t i)
{
    const struct aw_entry own = *cli_rules_entry(r, i), *e = &own;
    const struct aw_survey_row *row = &r->rows[i];
    char text[AW_RULE_TEXT_MAX + 1];
    _cleanup_buf_ struct buf target = {0};
    _cleanup_strv_ struct strv overlaps = {0};
    cli_rules_target(r, i, &target);
    line("name", e->rule.name);
    line("matches", buf_str(&target));
    line("state", cli_rules_state(r, i));
    line("interpreter", e->rule.interpreter);
    line("file", cli_rules_file(r, i));
    line("owner", cli_rules_mine(r, i) ? "archway" : "other");
    if (cli_rules_digest(r, i))
        line("contents", cli_rules_digest(r, i));
    print_flags(e);
    if (!e->known)
        return;
    if (e->rule.type == AW_RULE_MAGIC) {
        if (e->rule.offset)
            printf("%-12s %u\n", "offset", e->rule.offset);
        print_bytes("magic", e->rule.magic, e->rule.magic_len);
        if (e->rule.has_mask)
            print_bytes("mask", e->rule.mask, e->rule.magic_len);
    }
    if (row->shadowed_by != AW_SURVEY_NONE)
        line("shadowed by", cli_rules_name(r, row->shadowed_by));
    list_overlaps(r, i, e, &overlaps);
    for (size_t k = 0; k < overlaps.n; k++)
        line(k ? "" : "overlaps", overlaps.v[k]);
    if (aw_rule_format(&e->rule, text, NULL))
        line("register", text);
    print_findings(&e->rule);
}

int cli_verb_show(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    _cleanup_rules_ struct cli_rules r;
    int status = 0;
    if (!cli_rules_load(c, &r, CLI_RULES_ROWS, &err))
        return cli_fail(c, &err);
    struct json_object *array = json_object_new_array();
    for (size_t k = 0, shown = 0; k < c->args.operands.n; k++) {
        size_t i = find(&r, c->args.operands.v[k]);
        if (i == r.n) {
            aw_fail(&err, AW_E_NOTFOUND, 0, "there is no rule \"%s\"", c->args.operands.v[k]);
            aw_mend(&err, "archway ls");
            status = cli_fail(c, &err);
        } else if (c->args.json) {
            js_push(array, to_json(&r, i));
        } else {
            if (shown++)
                putchar('\n');
            print_text(&r, i);
        }
    }
    int done;
    if (c->args.json) {
        done = cli_print_json(c, array);
    } else {
        json_object_put(array);
        done = cli_done(c);
    }
    return status ? status : done;
}
