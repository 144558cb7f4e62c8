/* SPDX-License-Identifier: Apache-2.0
 *
 * update-binfmts' files: read, faults named with their line, written and read back.
 */
#include "test.h"

#include "binfmt/spec.h"

#include "base/util.h"

static bool parse(const char *text, struct spec *s, struct aw_err *err)
{
    return spec_parse(spec_kind(text, strlen(text)), "name", text, strlen(text), s, err);
}

static const struct spec *good(const char *text)
{
    static struct spec s;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(parse(text, &s, &err), err);
    return &s;
}

TEST(kinds)
{
    static const struct {
        const char *text;
        enum spec_kind kind;
    } cases[] = {
        {"", SPEC_RULES},
        {"# only\n\n", SPEC_RULES},
        {":a:M::AB::/x:\n", SPEC_RULES},
        {"# interpreter\n:package:M::AB::/x:\n", SPEC_RULES},
        {"package\n", SPEC_RULES},
        {"package p\n", SPEC_PACKAGE},
        {"\n# comment\n\n  magic\tAB\n", SPEC_PACKAGE},
        {"p\nmagic\n0\nAB\n\n/x\n\n\n\n\n", SPEC_DATABASE_ENTRY},
        {":\nextension\n0\nfoo\n\n/x\n\n\n\n\n", SPEC_DATABASE_ENTRY},
    };
    for (size_t i = 0; i < AW_LEN(cases); i++)
        if (spec_kind(cases[i].text, strlen(cases[i].text)) != cases[i].kind)
            TEST_FAIL("\"%s\": not %s", cases[i].text, spec_kind_name(cases[i].kind));
}

TEST(a_package)
{
    const struct spec *s = good("package qemu-user-static\n"
                                "interpreter /usr/bin/qemu-arm\n"
                                "magic \\x7fELF\\x01\n"
                                "offset 2\n"
                                "mask \\xff\\xff\\xff\\xff\\xfe\n"
                                "credentials no\nfix_binary yes\npreserve yes\n");
    CHECK_STR(s->rule.name, "name");
    CHECK_STR(s->package, "qemu-user-static");
    CHECK_STR(s->rule.interpreter, "/usr/bin/qemu-arm");
    CHECK(s->rule.type == AW_RULE_MAGIC && s->rule.offset == 2 && s->rule.magic_len == 5);
    CHECK(s->rule.has_mask && s->rule.mask[4] == 0xfe && s->rule.magic[0] == 0x7f);
    CHECK_INT(s->rule.flags, AW_RULE_P | AW_RULE_F);
    CHECK(!s->detector[0] && !s->unknown && !s->doubtful);
    /* the last one counts; unknown keys do not; tabs and blanks neither */
    s = good("package a\npackage\t b \ninterpreter /one two\nextension jar\ncolour red\n"
             "preserve perhaps\ncredentials yes\n");
    CHECK_STR(s->package, "b");
    CHECK_STR(s->rule.interpreter, "/one two");
    CHECK_STR(s->rule.extension, "jar");
    CHECK_INT(s->unknown, 5);
    CHECK_INT(s->doubtful, 6);
    CHECK_INT(s->rule.flags, AW_RULE_C | AW_RULE_O);
    s = good("package a\ninterpreter /x\nmagic A:B|C\ndetector /usr/bin/look\n");
    CHECK_INT(s->rule.magic_len, 5);
    CHECK_STR(s->detector, "/usr/bin/look");
}

TEST(the_database)
{
    const struct spec *s = good(":\nextension\n0\nfoo\n\n/bin/true\n\nyes\nyes\n\n");
    CHECK_STR(s->package, "");
    CHECK_STR(s->rule.extension, "foo");
    CHECK_INT(s->rule.flags, AW_RULE_C | AW_RULE_O | AW_RULE_P);
    s = good("mono\nmagic\n3\nMZ\n\\xff\\xdf\n/usr/bin/cli\n/usr/bin/detect\nno\nno\nno\n");
    CHECK_STR(s->package, "mono");
    CHECK_STR(s->detector, "/usr/bin/detect");
    CHECK(s->rule.offset == 3 && s->rule.has_mask && s->rule.mask[1] == 0xdf);
}

TEST(faults)
{
    static const struct {
        const char *text;
        enum spec_fault fault;
        enum aw_rule_fault_kind rule;
        unsigned line;
        const char *says;
    } cases[] = {
        {"interpreter /x\nmagic A\n", SPEC_FAULT_MISSING, 0, 0, "package"},
        {"package p\nmagic A\n", SPEC_FAULT_MISSING, 0, 0, "interpreter"},
        {"package p\ninterpreter /x\n", SPEC_FAULT_MISSING, 0, 0, "neither a magic"},
        {"package p\ninterpreter /x\nmagic A\nextension b\n", SPEC_FAULT_BOTH, 0, 4, "extension"},
        {"package p\ninterpreter /x\nmagic A\nfix_binary yes\ndetector /y\n", SPEC_FAULT_DETECTOR,
         0, 4, "detector"},
        {"p\nmagic\n0\nA\n", SPEC_FAULT_SHORT, 0, 0, "ten lines"},
        {"package p\ninterpreter /x\nmagic A\noffset 0x2\n", SPEC_FAULT_NONE, AW_FAULT_OFFSET, 4,
         "offset"},
        {"package p\ninterpreter /x\nmagic AB\nmask A\n", SPEC_FAULT_NONE, AW_FAULT_MASK_LENGTH, 4,
         "mask"},
        {"package p\ninterpreter /x\nmagic \\x4\n", SPEC_FAULT_NONE, AW_FAULT_ESCAPE, 3, "\\x"},
        {"package p\nextension a/b\ninterpreter /x\n", SPEC_FAULT_NONE, AW_FAULT_EXTENSION_SLASH, 2,
         "extension"},
    };
    for (size_t i = 0; i < AW_LEN(cases); i++) {
        struct spec s;
        struct aw_err err = AW_ERR_INIT;
        CHECK(!parse(cases[i].text, &s, &err));
        CHECK_INT(s.fault, cases[i].fault);
        CHECK_INT(s.line, cases[i].line);
        CHECK_CONTAINS(err.message, cases[i].says);
        if (cases[i].rule)
            CHECK_INT(s.rule_fault.kind, cases[i].rule);
    }
}

TEST(written_and_read_back)
{
    static const char *const texts[] = {
        ":name:M:4:\\x00\\x3aA\\:\\xff\\xff\\xff\\xf0:/usr/bin/x y:PF",
        ":name:E::jar::/usr/bin/jexec:OC",
        ":name:M::MZ::/usr/bin/wine:",
    };
    for (size_t i = 0; i < AW_LEN(texts); i++) {
        struct aw_rule rule;
        struct aw_err err = AW_ERR_INIT;
        CHECK_OK(aw_rule_parse(texts[i], strlen(texts[i]), &rule, NULL, &err), err);
        char *text = spec_print(&rule, "p", &err);
        CHECK(text != NULL);
        CHECK(aw_rule_equal(&good(text)->rule, &rule));
        free(text);
    }
    struct aw_rule t;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(aw_rule_parse(":name:E::jar::/x:T", 18, &t, NULL, &err), err);
    CHECK(!spec_print(&t, "p", &err));
    CHECK_CONTAINS(err.message, "flag T");
}

/* Raw it fits the kernel's limit, escaped it does not: refused, not written. */
TEST(too_long_when_escaped)
{
    char text[1024];
    struct aw_rule rule;
    struct aw_err err = AW_ERR_INIT;
    int n = snprintf(text, sizeof(text), ":name:M::%0250d:%0250d:/%0200d:", 1, 1, 1);
    CHECK_OK(aw_rule_parse(text, (size_t)n, &rule, NULL, &err), err);
    CHECK(spec_print(&rule, "p", &err) == NULL);
    CHECK_CONTAINS(err.message, "longer than");
}

TEST_MAIN()
