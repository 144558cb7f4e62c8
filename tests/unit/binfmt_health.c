/* SPDX-License-Identifier: Apache-2.0
 *
 * What aw_health_rules says about rules that are made up here, and that looking at the machine
 * always comes to an answer.
 */
#include "test.h"

#include "base/util.h"

#include <archway/health.h>

static const struct aw_finding *find(const struct aw_findings *f, const char *kind)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->v[i].kind, kind))
            return &f->v[i];
    return NULL;
}

static void look(struct aw_findings *f, const char *const *texts, size_t n)
{
    static struct aw_entry entries[4];
    struct aw_survey_row *rows;
    struct aw_err err = AW_ERR_INIT;
    aw_findings_fini(f);
    CHECK(n <= AW_LEN(entries));
    memset(entries, 0, sizeof(entries));
    for (size_t i = 0; i < n; i++) {
        CHECK_OK(aw_rule_parse(texts[i], strlen(texts[i]), &entries[i].rule, NULL, &err), err);
        entries[i].known = entries[i].enabled = true;
    }
    CHECK_OK(aw_survey(entries, n, true, &rows, &err), err);
    aw_health_rules(f, entries, rows, n);
    free(rows);
}

TEST(rules)
{
    struct aw_findings f = {0};
    look(&f, (const char *const[]){":all:M::\\x7fELF::/proc/self/exe:F"}, 1);
    const struct aw_finding *x = find(&f, "host-elf");
    CHECK(x && x->severity == AW_SEVERITY_ERROR);
    CHECK_STR(x->mend, "echo -1 > /proc/sys/fs/binfmt_misc/all");

    look(&f, (const char *const[]){":new:M::AB::/nowhere/x:", ":old:M::ABC::/nowhere/y:F"}, 2);
    x = find(&f, "interpreter-not-found");
    CHECK(x && x->severity == AW_SEVERITY_WARN && strstr(x->message, "rule new: "));
    x = find(&f, "shadowed");
    CHECK(x && x->severity == AW_SEVERITY_NOTE && strstr(x->message, "rule old "));
    CHECK(!find(&f, "rules"));
    for (size_t i = 0; i < f.n; i++) /* the kernel holds old's interpreter */
        CHECK(!strstr(f.v[i].message, "rule old: interpreter"));

    look(&f, NULL, 0);
    CHECK_INT(f.n, 1);
    x = find(&f, "rules");
    CHECK(x && x->severity == AW_SEVERITY_NOTE);
    aw_findings_fini(&f);
}

TEST(machine)
{
    struct aw_findings f = {0};
    aw_health_kernel(&f);
    aw_health_namespaces(&f);
    CHECK(!f.bad);
    CHECK(find(&f, "kernel") && find(&f, "mount") && find(&f, "user-namespaces"));
    for (size_t i = 0; i < f.n; i++)
        CHECK(f.v[i].message[0]);
    aw_findings_fini(&f);
}

TEST_MAIN()
