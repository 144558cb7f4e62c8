/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/util.h"

#include <archway/rule.h>

#include <errno.h>
#include <sys/stat.h>

static struct aw_rule rule;
static struct aw_rule_fault fault;

static bool parse(const char *text, size_t len)
{
    struct aw_err err = AW_ERR_INIT;
    fault = (struct aw_rule_fault){0};
    bool ok = aw_rule_parse(text, len, &rule, &fault, &err);
    if (!ok && (err.code != AW_E_PARSE || err.sys_errno != fault.sys_errno || !err.message[0]))
        TEST_FAIL("the error and the fault differ for %s", text);
    return ok;
}
#define PARSE(literal) parse((literal), sizeof(literal) - 1)

#define REFUSED(literal, want_kind, want_column)                                                   \
    do {                                                                                           \
        if (PARSE(literal))                                                                        \
            TEST_FAIL("accepted: %s", literal);                                                    \
        CHECK_STR(aw_rule_fault_name(fault.kind), aw_rule_fault_name(want_kind));                  \
        CHECK_INT(fault.column, want_column);                                                      \
    } while (0)

TEST(whole_rule)
{
    CHECK(PARSE(":qemu-x:M:4:\\x7fE\\\\F:\\xff\\xfF\\x00a\\x01:/usr/bin/x y:FPOC\n"));
    CHECK_STR(rule.name, "qemu-x");
    CHECK_INT(rule.type, AW_RULE_MAGIC);
    CHECK_INT(rule.offset, 4);
    CHECK_INT(rule.magic_len, 5);
    CHECK(memcmp(rule.magic,
                 "\x7f"
                 "E\\\\F",
                 5) == 0);
    CHECK(rule.has_mask && memcmp(rule.mask,
                                  "\xff\xff\x00"
                                  "a\x01",
                                  5) == 0);
    CHECK_STR(rule.interpreter, "/usr/bin/x y");
    CHECK_INT(rule.flags, AW_RULE_F | AW_RULE_P | AW_RULE_O | AW_RULE_C);
    CHECK(PARSE(",j,E,junk,jar,junk,/bin/j,C"));
    CHECK_INT(rule.type, AW_RULE_EXTENSION);
    CHECK_STR(rule.extension, "jar");
    CHECK_INT(rule.flags, AW_RULE_C | AW_RULE_O);
}

TEST(oddities_that_the_kernel_accepts)
{
    CHECK(PARSE(":n:M:+5:abc::/i:"));
    CHECK_INT(rule.offset, 5);
    CHECK(PARSE(":n:M:007:abc::/i:"));
    CHECK_INT(rule.offset, 7);
    CHECK(PARSE(":n:M:-0:abc::/i:PPPP"));
    CHECK(PARSE(":n:M:5\n:abc::/i:"));
    CHECK(PARSE(":n:M::a\0junk:\xff:/i:"));
    CHECK_INT(rule.magic_len, 1);
    CHECK(PARSE(":n:M::abc:\0junk:/i:"));
    CHECK(!rule.has_mask);
    CHECK(PARSE(":n:M::\\\\x41::/i:"));
    CHECK_INT(rule.magic_len, 5);
    CHECK(memcmp(rule.magic, "\\\\x41", 5) == 0);
    CHECK(PARSE("xn12xMxx\\x41xx/binx"));
    CHECK_INT(rule.magic[0], 0x41);
    CHECK(PARSE("4n4M44\\x4144/bin4"));
    CHECK_INT(rule.magic_len, 1);
    CHECK(PARSE("\0n\0M\0\0abc\0\0/i\0"));
    CHECK(PARSE("\nname2\nM\n\nabc\n\n/i\n\n"));
    CHECK(PARSE(": *\n:M::abc::/i:"));
    CHECK_STR(rule.name, " *\n");
    CHECK(PARSE(":n:E::.tar.gz::i:T"));
    CHECK_INT(rule.flags, AW_RULE_T | AW_RULE_O);
    CHECK(PARSE("TnTMTTabcTT/iT"));
}

TEST(faults)
{
    REFUSED(":n:M::a::/", AW_FAULT_TOO_SHORT, 11);
    REFUSED("PnPMPPabcPP/iP", AW_FAULT_DELIMITER, 1);
    REFUSED(":name-without-end", AW_FAULT_UNENDED, 18);
    REFUSED("::M::abc::/i:", AW_FAULT_NAME_EMPTY, 2);
    REFUSED(":..:M::abc::/i:", AW_FAULT_NAME_DOTS, 2);
    REFUSED(":a/b:M::abc::/i:", AW_FAULT_NAME_SLASH, 3);
    REFUSED(":register:M::abc::/i:", AW_FAULT_NAME_RESERVED, 2);
    CHECK_INT(fault.sys_errno, EEXIST);
    REFUSED(":a\0b:M::abc::/i:", AW_FAULT_NUL, 3);
    REFUSED(":n:m::abc::/i:", AW_FAULT_TYPE, 4);
    REFUSED(":n:MM::abc::/i:", AW_FAULT_TYPE, 5);
    REFUSED(":n:M:-1:abc::/i:", AW_FAULT_OFFSET_NEGATIVE, 6);
    REFUSED(":n:M:0x10:abc::/i:", AW_FAULT_OFFSET, 7);
    REFUSED(":n:M: 1:abc::/i:", AW_FAULT_OFFSET, 6);
    REFUSED(":n:M:+:abc::/i:", AW_FAULT_OFFSET, 6);
    REFUSED(":n:M:+-0:abc::/i:", AW_FAULT_OFFSET, 6);
    REFUSED(":n:M:99999999999999999999:abc::/i:", AW_FAULT_OFFSET_RANGE, 6);
    REFUSED(":n:M:254:abc::/i:", AW_FAULT_WINDOW, 10);
    REFUSED(":n:M::::/interp:", AW_FAULT_MAGIC_EMPTY, 7);
    REFUSED(":n:M::\0abc::/i:", AW_FAULT_NUL, 7);
    REFUSED(":n:M::ab\\x1g::/i:", AW_FAULT_ESCAPE, 9);
    REFUSED(":n:M::abc:\\xff:/i:", AW_FAULT_MASK_LENGTH, 11);
    REFUSED(":n:E::::/interp:", AW_FAULT_EXTENSION_EMPTY, 7);
    REFUSED(":n:E::a/b::/i:", AW_FAULT_EXTENSION_SLASH, 8);
    REFUSED(":n:M::abc:::F", AW_FAULT_INTERPRETER, 12);
    REFUSED(":n:M::abc::/i", AW_FAULT_UNENDED, 14);
    REFUSED(":n:M::abc::/i:FX", AW_FAULT_FLAG, 16);
    REFUSED(":n:M::abc::/i:F\n\n", AW_FAULT_FLAG, 17);
    REFUSED(":n:M::abc::/i:F ", AW_FAULT_FLAG, 16);
    REFUSED(":n:M::abc::/i:PT", AW_FAULT_FLAG_CONFLICT, 15);
    REFUSED("\nname\nM\n\nabc\n\n/i\n", AW_FAULT_FLAG, 18);
}

TEST(lengths)
{
    char text[AW_RULE_TEXT_MAX + 2];
    const char *head = ":n:M::abc::/";
    memset(text, 'i', sizeof(text));
    memcpy(text, head, strlen(head));
    text[AW_RULE_TEXT_MAX - 1] = ':';
    CHECK(parse(text, AW_RULE_TEXT_MAX));
    CHECK_INT(strlen(rule.interpreter), AW_RULE_TEXT_MAX - 12);
    text[AW_RULE_TEXT_MAX] = '\n';
    CHECK(!parse(text, AW_RULE_TEXT_MAX + 1));
    CHECK_INT(fault.kind, AW_FAULT_TOO_LONG);
    CHECK_INT(fault.column, AW_RULE_TEXT_MAX + 1);
    for (int n = 255; n <= 256; n++) {
        int len = snprintf(text, sizeof(text), ":%0*d:M::abc::/i:", n, 7);
        CHECK_INT(parse(text, (size_t)len), n == 255);
    }
    CHECK_INT(fault.kind, AW_FAULT_NAME_LONG);
    CHECK_INT(fault.sys_errno, ENAMETOOLONG);
    for (int n = 256; n <= 257; n++) {
        int len = snprintf(text, sizeof(text), ":n:M::%0*d::/i:", n, 7);
        CHECK_INT(parse(text, (size_t)len), n == 256);
    }
    CHECK_INT(fault.kind, AW_FAULT_WINDOW);
}

static void round_trip(const struct aw_rule *r)
{
    char text[AW_RULE_TEXT_MAX + 1];
    struct aw_err err = AW_ERR_INIT;
    struct aw_rule back;
    size_t len = aw_rule_format(r, text, &err);
    if (!len)
        TEST_FAIL("%s", err.message);
    CHECK_OK(aw_rule_parse(text, len, &back, NULL, &err), err);
    CHECK(aw_rule_equal(r, &back));
}

TEST(format)
{
    char text[AW_RULE_TEXT_MAX + 1];
    CHECK(PARSE(",a:b,M,3,a\\x00\\x5c,,/i,FC"));
    CHECK(aw_rule_format(&rule, text, NULL) > 0);
    CHECK_STR(text, "|a:b|M|3|\\x61\\x00\\x5c||/i|OCF");
    round_trip(&rule);
    CHECK(PARSE(":j:E::jar::/usr/bin/j:P"));
    CHECK(aw_rule_format(&rule, text, NULL) > 0);
    CHECK_STR(text, ":j:E::jar::/usr/bin/j:P");
    /* all 256 byte values, twice: only fits when bytes stand as they are */
    rule.type = AW_RULE_MAGIC;
    rule.magic_len = 256;
    rule.has_mask = true;
    for (int i = 0; i < 256; i++)
        rule.magic[i] = rule.mask[255 - i] = (uint8_t)i;
    round_trip(&rule);
    rule.flags = AW_RULE_T | AW_RULE_O;
    round_trip(&rule);
}

TEST(format_refuses)
{
    char text[AW_RULE_TEXT_MAX + 1];
    struct aw_err err = AW_ERR_INIT;
    struct aw_rule r;
    CHECK(PARSE(":j:M::jar::/usr/bin/j:P"));
    r = rule;
    r.magic_len = 0;
    CHECK_INT(aw_rule_format(&r, text, &err), 0);
    r = rule;
    r.offset = 254;
    CHECK_INT(aw_rule_format(&r, text, &err), 0);
    r = rule;
    strcpy(r.name, "a/b");
    CHECK_INT(aw_rule_format(&r, text, &err), 0);
    r = rule;
    strcpy(r.name, "status");
    CHECK_INT(aw_rule_format(&r, text, &err), 0);
    r = rule;
    r.interpreter[0] = 0;
    CHECK_INT(aw_rule_format(&r, text, &err), 0);
    r = rule;
    r.flags |= AW_RULE_T;
    CHECK_INT(aw_rule_format(&r, text, &err), 0);
    r = rule;
    memset(r.interpreter, 'i', sizeof(r.interpreter) - 1);
    r.interpreter[sizeof(r.interpreter) - 1] = 0;
    CHECK_INT(aw_rule_format(&r, text, &err), 0);
    CHECK_INT(err.code, AW_E_LIMIT);
    r = rule;
    r.type = AW_RULE_EXTENSION;
    strcpy(r.extension, "a/b");
    CHECK_INT(aw_rule_format(&r, text, &err), 0);
}

TEST(matches)
{
    CHECK(PARSE(":n:M:1:\\x0fb:\\x0f\\xff:/i:"));
    CHECK(aw_rule_matches(&rule,
                          "?\x1f"
                          "b",
                          3, NULL));
    CHECK(!aw_rule_matches(&rule, "?\x1f", 2, NULL));
    CHECK(PARSE(":n:M::a\\x00\\x00::/i:"));
    CHECK(aw_rule_matches(&rule, "a", 1, NULL));
    CHECK(PARSE(":n:E::jar::/i:"));
    CHECK(aw_rule_matches(&rule, NULL, 0, "/a/b.jar"));
    CHECK(!aw_rule_matches(&rule, NULL, 0, "/a/b.JAR"));
    CHECK(!aw_rule_matches(&rule, NULL, 0, "jar"));
}

static struct aw_lint found[AW_LINT_MAX];
static size_t n_found;

/* The worst severity of a kind among the findings for the rule, or -1. */
static int lint(const char *text, bool look, enum aw_lint_kind kind)
{
    if (!parse(text, strlen(text)))
        TEST_FAIL("refused: %s", text);
    n_found = aw_rule_lint(&rule, look, found);
    for (size_t i = 1; i < n_found; i++)
        CHECK(found[i - 1].severity >= found[i].severity);
    for (size_t i = 0; i < n_found; i++)
        if (found[i].kind == kind)
            return (int)found[i].severity;
    return -1;
}

TEST(lint_of_the_rule)
{
    CHECK_INT(lint(":n:M::\\x7fELF::/i:F", false, AW_LINT_HOST_ELF), AW_LINT_REFUSE);
    CHECK_INT(lint(":n:M::abc:\\x00\\x00\\x00:/i:F", false, AW_LINT_HOST_ELF), AW_LINT_REFUSE);
    CHECK_INT(lint(":n:M::abc::/i:F", false, AW_LINT_HOST_ELF), -1);
    CHECK_INT(n_found, 0);
    CHECK_INT(lint(":n:M::#!::/i/long:F", false, AW_LINT_SCRIPTS), AW_LINT_WARN);
    CHECK_INT(lint(":n:E::tar.gz::/i:F", false, AW_LINT_EXTENSION_DOT), AW_LINT_REFUSE);
    CHECK_CONTAINS(found[0].message, "\"gz\"");
    CHECK_INT(lint(":n:E::jar::/i.jar:F", false, AW_LINT_SELF), AW_LINT_REFUSE);
    CHECK_INT(lint(":n:E::jar::i:", false, AW_LINT_RELATIVE), AW_LINT_WARN);
    CHECK_INT(lint(":n:E::jar::/i:", false, AW_LINT_NO_F), AW_LINT_NOTE);
    CHECK_INT(lint(":n:E::jar::/i:C", false, AW_LINT_CREDENTIALS), AW_LINT_WARN);
    CHECK_INT(lint(":n:E::jar::/i:T", false, AW_LINT_NEEDS_7_3), AW_LINT_NOTE);
    CHECK_INT(lint(":n m:E::jar::/i:", false, AW_LINT_NAME_ODD), AW_LINT_NOTE);
    CHECK_INT(lint(":n:M::abc:a\\xffc:/i:", false, AW_LINT_MASKED_MAGIC), -1);
    CHECK_INT(lint(":n:M::abc:\\x0fbc:/i:", false, AW_LINT_MASKED_MAGIC), AW_LINT_NOTE);
    CHECK_INT(lint(":n:M::ab:\\xff\\xff:/i:", false, AW_LINT_MASK_REDUNDANT), AW_LINT_NOTE);
    CHECK_INT(lint(":n:M::ab:\\xff\\x00:/i:", false, AW_LINT_MASK_REDUNDANT), AW_LINT_NOTE);
    CHECK_INT(lint(":n:M:126:abc::/i:", false, AW_LINT_WINDOW_128), AW_LINT_NOTE);
    CHECK_STR(aw_lint_name(AW_LINT_NAME_ODD), "name-odd");
}

TEST(lint_of_the_interpreter)
{
    CHECK_INT(lint(":n:E::jar::/missing/x:F", true, AW_LINT_NOT_FOUND), AW_LINT_REFUSE);
    CHECK_INT(lint(":n:E::jar::/etc:F", true, AW_LINT_NOT_EXECUTABLE), AW_LINT_REFUSE);
    CHECK_INT(lint(":n:E::jar::/etc/passwd:F", true, AW_LINT_NOT_EXECUTABLE), AW_LINT_REFUSE);
    /* without F the kernel takes it, and programs fail later */
    CHECK_INT(lint(":n:E::jar::/missing/x:", true, AW_LINT_NOT_FOUND), AW_LINT_WARN);
    CHECK_INT(lint(":n:E::jar::/etc/passwd:", true, AW_LINT_NOT_EXECUTABLE), AW_LINT_WARN);
    CHECK_INT(lint(":n:E::jar::/bin/sh:F", true, AW_LINT_DYNAMIC), AW_LINT_WARN);
    CHECK_INT(lint(":n:M::\\x7fELF::/bin/sh:F", true, AW_LINT_SELF), AW_LINT_REFUSE);
    char dir[] = "/tmp/archway-binfmt-XXXXXX", path[64], text[128];
    CHECK(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/i", dir);
    FILE *f = fopen(path, "w");
    fputs("#!/bin/sh\n", f);
    fclose(f);
    chmod(path, 0777);
    snprintf(text, sizeof(text), ":n:E::jar::%s:FC", path);
    int script = lint(text, true, AW_LINT_SCRIPT_INTERPRETER);
    int owner = lint(text, true, AW_LINT_CREDENTIALS_OWNER);
    /* nobody but root can write the file, in the second case nor its folder; /tmp is sticky */
    chmod(path, 0755);
    chmod(dir, 0777);
    int folder = lint(text, true, AW_LINT_CREDENTIALS_OWNER);
    chmod(dir, 0755);
    int safe = lint(text, true, AW_LINT_CREDENTIALS_OWNER);
    unlink(path);
    rmdir(dir);
    CHECK_INT(script, AW_LINT_WARN);
    CHECK_INT(owner, AW_LINT_REFUSE);
    CHECK_INT(folder, AW_LINT_REFUSE);
    CHECK_INT(safe, geteuid() == 0 ? -1 : AW_LINT_REFUSE);
}

TEST_MAIN()
