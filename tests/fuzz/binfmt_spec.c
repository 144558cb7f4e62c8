/* SPDX-License-Identifier: Apache-2.0
 *
 * update-binfmts' files: any bytes are refused with a reason or give a rule that can be printed and
 * read back to the same.
 */
#include "binfmt/spec.h"

#include "base/util.h"

static void check_rule(const struct spec *s)
{
    struct spec again;
    struct aw_err err = AW_ERR_INIT;
    char *text = spec_print(&s->rule, "p", &err);
    if (!text)
        return;
    /* a path with blanks at its ends cannot stand in a line */
    const char *p = s->rule.interpreter, *e = s->rule.extension;
    size_t n = strlen(p), m = strlen(e);
    bool plain = !strchr(" \t\r", p[0]) && !strchr(" \t\r", p[n - 1]) && !strchr(p, '\n') &&
                 (!m || (!strchr(" \t\r", e[0]) && !strchr(" \t\r", e[m - 1])));
    if (plain) {
        AW_BUG_ON(spec_kind(text, strlen(text)) != SPEC_PACKAGE);
        AW_BUG_ON(!spec_parse(SPEC_PACKAGE, s->rule.name, text, strlen(text), &again, &err));
        AW_BUG_ON(!aw_rule_equal(&again.rule, &s->rule));
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spec s;
    struct aw_err err = AW_ERR_INIT;
    enum spec_kind kind = spec_kind((const char *)data, size);
    if (kind == SPEC_RULES)
        kind = size & 1 ? SPEC_PACKAGE : SPEC_DATABASE_ENTRY;
    if (spec_parse(kind, "name", (const char *)data, size, &s, &err))
        check_rule(&s);
    else
        AW_BUG_ON(!err.message[0]);
    return 0;
}
