/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules compared with each other, and rule files read line by line.
 */
#include "test.h"

#include "base/util.h"
#include "binfmt/rule_file.h"

#include <archway/survey.h>

static struct aw_rule parse(const char *text)
{
    struct aw_err err = AW_ERR_INIT;
    struct aw_rule rule;
    CHECK_OK(aw_rule_parse(text, strlen(text), &rule, NULL, &err), err);
    return rule;
}

static bool covers(const char *a, const char *b)
{
    struct aw_rule x = parse(a), y = parse(b);
    return aw_rule_covers(&x, &y);
}

static bool overlaps(const char *a, const char *b)
{
    struct aw_rule x = parse(a), y = parse(b);
    bool there = aw_rule_overlaps(&x, &y);
    CHECK(aw_rule_overlaps(&y, &x) == there);
    return there;
}

TEST(covering)
{
    CHECK(covers(":a:M::AB::/bin/x:", ":b:M::ABC::/bin/x:"));
    CHECK(!covers(":b:M::ABC::/bin/x:", ":a:M::AB::/bin/x:"));
    CHECK(covers(":a:M:1:B::/bin/x:", ":b:M::ABC::/bin/x:"));
    CHECK(!covers(":a:M:2:B::/bin/x:", ":b:M::ABC::/bin/x:"));
    CHECK(covers(":a:M::A:\\xf0:/bin/x:", ":b:M::B::/bin/x:"));
    CHECK(!covers(":a:M::A:\\xff:/bin/x:", ":b:M::A:\\xf0:/bin/x:"));
    CHECK(covers(":a:M:255:A::/bin/x:", ":b:M:254:BA::/bin/x:"));
    CHECK(covers(":a:E::jar::/bin/x:", ":b:E::jar::/bin/y:"));
    CHECK(!covers(":a:E::jar::/bin/x:", ":b:E::JAR::/bin/y:"));
    CHECK(!covers(":a:E::jar::/bin/x:", ":b:M::jar::/bin/y:"));
    CHECK(!covers(":a:M::jar::/bin/x:", ":b:E::jar::/bin/y:"));
    /* a mask without any bit matches all there is */
    CHECK(covers(":a:M::jar:\\x00\\x00\\x00:/bin/x:", ":b:E::jar::/bin/y:"));
}

TEST(overlapping)
{
    CHECK(overlaps(":a:M::AB::/bin/x:", ":b:M:2:C::/bin/x:"));
    CHECK(!overlaps(":a:M::AB::/bin/x:", ":b:M:1:C::/bin/x:"));
    CHECK(overlaps(":a:M::A:\\xf0:/bin/x:", ":b:M::A:\\x0f:/bin/x:"));
    CHECK(overlaps(":a:M::AB::/bin/x:", ":b:E::jar::/bin/x:"));
    CHECK(!overlaps(":a:E::war::/bin/x:", ":b:E::jar::/bin/x:"));
}

/* The catalogue's rules serve one platform each, and none shadows another. */
TEST(catalogue)
{
    struct aw_err err = AW_ERR_INIT;
    struct aw_survey_row *rows;
    static struct aw_entry entries[100];
    size_t n = 0, arch_of[100];
    const struct aw_arch *arch;
    for (size_t i = 0; (arch = aw_arch_at(i)); i++)
        for (int k = 0; k < aw_arch_rules(arch); k++, n++) {
            CHECK_OK(aw_arch_rule(arch, k, "/x", AW_RULE_F, &entries[n].rule, &err), err);
            entries[n].enabled = entries[n].known = true;
            arch_of[n] = i;
        }
    CHECK_OK(aw_survey(entries, n, true, &rows, &err), err);
    for (size_t i = 0; i < n; i++) {
        CHECK(rows[i].archs == UINT64_C(1) << arch_of[i]);
        CHECK(rows[i].native == aw_arch_native(aw_arch_at(arch_of[i])));
        CHECK(rows[i].shadowed_by == AW_SURVEY_NONE);
        CHECK(rows[i].held);
        CHECK_INT(rows[i].file_errno, 2);
    }
    free(rows);
}

TEST(shadowing)
{
    struct aw_err err = AW_ERR_INIT;
    struct aw_survey_row *rows;
    struct aw_entry entries[] = {
        {.rule = parse(":off:M::A::/bin/x:"), .known = true},
        {.rule = parse(":odd:M::A::/bin/x:"), .enabled = true},
        {.rule = parse(":ab:M::AB::/bin/x:"), .enabled = true, .known = true},
        {.rule = parse(":a:M::A::/bin/sh:"), .enabled = true, .known = true},
        {.rule = parse(":abc:M::ABC::/bin:"), .enabled = true, .known = true},
        {.rule = parse(":elf:M::\\x7fELF::/bin/x:F"), .enabled = true, .known = true},
        {.rule = parse(":far:M:100:A::/bin/sh:"), .enabled = true, .known = true},
        {.rule = parse(":farther:M:99:BAB::/bin/sh:"), .enabled = true, .known = true},
        {.rule = parse(":e:E::x::/bin/sh:"), .enabled = true, .known = true},
        {.rule = parse(":zero:M:100:\\x00::/bin/sh:"), .enabled = true, .known = true},
        {.rule = parse(":all:M::A:\\x00:/bin/sh:"), .enabled = true, .known = true},
        {.rule = parse(":ee:E::x::/bin/sh:"), .enabled = true, .known = true},
    };
    CHECK_OK(aw_survey(entries, AW_LEN(entries), true, &rows, &err), err);
    CHECK(rows[2].shadowed_by == AW_SURVEY_NONE);
    CHECK(rows[3].shadowed_by == AW_SURVEY_NONE);
    CHECK(rows[4].shadowed_by == 2);
    CHECK_INT(rows[3].file_errno, 0);
    CHECK_INT(rows[4].file_errno, 13);
    CHECK(rows[5].native && __builtin_popcountll(rows[5].archs) > 20);
    CHECK(!rows[6].archs && rows[6].shadowed_by == AW_SURVEY_NONE);
    CHECK(rows[7].shadowed_by == 6);
    CHECK(!rows[8].archs && rows[8].shadowed_by == AW_SURVEY_NONE);
    CHECK(rows[9].archs == rows[5].archs && rows[9].shadowed_by == AW_SURVEY_NONE);
    CHECK(rows[10].archs == rows[5].archs && rows[10].shadowed_by == AW_SURVEY_NONE);
    CHECK(rows[11].shadowed_by == 8);
    CHECK_INT(rows[11].file_errno, 0);
    free(rows);
}

TEST(rule_files)
{
    static const char text[] = "# one\n\n  :a:b \r\n;x\n :c\0d\n:last";
    struct rule_file f = {.rest = text, .left = sizeof(text) - 1};
    const char *line;
    size_t len;
    CHECK(rule_file_next(&f, &line, &len) && f.line == 3 && len == 4 && !memcmp(line, ":a:b", 4));
    CHECK(rule_file_next(&f, &line, &len) && f.line == 5 && len == 4 && !memcmp(line, ":c\0d", 4));
    CHECK(rule_file_next(&f, &line, &len) && f.line == 6 && len == 5);
    CHECK(!rule_file_next(&f, &line, &len));
}

TEST_MAIN()
