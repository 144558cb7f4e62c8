/* SPDX-License-Identifier: Apache-2.0
 *
 * Which flags the kernel takes: by kernels that are functions here, and by the real one.
 */
#include "binfmt_ns.h"

#include "base/util.h"
#include "binfmt/probe.h"

#include <errno.h>

struct fake {
    int with, without; /* answers to the rule with T, and to the one without */
    int asked;         /* how often */
};

static int answer(void *user, const char *text, size_t len)
{
    struct fake *f = user;
    struct aw_rule rule;
    struct aw_err err = AW_ERR_INIT;
    f->asked++;
    CHECK_OK(aw_rule_parse(text, len, &rule, NULL, &err), err);
    CHECK_STR(rule.name, "archway-probe");
    CHECK(rule.type == AW_RULE_EXTENSION && strchr(rule.extension, '.'));
    return rule.flags & AW_RULE_T ? f->with : f->without;
}

TEST(kernels_of_all_kinds)
{
    static const struct {
        struct fake kernel;
        enum aw_answer want;
        int asked;
    } cases[] = {
        {{0, 0, 0}, AW_YES, 1},               /* 7.3 */
        {{EEXIST, 0, 0}, AW_YES, 1},          /* 7.3, and a probe was killed in the middle */
        {{EINVAL, 0, 0}, AW_NO, 2},           /* before */
        {{EINVAL, EEXIST, 0}, AW_NO, 2},      /* before, likewise */
        {{EINVAL, EINVAL, 0}, AW_UNKNOWN, 2}, /* it refuses whatever is written */
        {{EPERM, 0, 0}, AW_UNKNOWN, 1},       /* nobody may write */
        {{EACCES, 0, 0}, AW_UNKNOWN, 1},
        {{ENOSPC, 0, 0}, AW_UNKNOWN, 1},
    };
    for (size_t i = 0; i < AW_LEN(cases); i++) {
        struct fake f = cases[i].kernel;
        CHECK_INT(probe_flag(AW_RULE_T, answer, &f), cases[i].want);
        CHECK_INT(f.asked, cases[i].asked);
    }
}

TEST(this_kernel)
{
    ns_instance(); /* skips where there is none */
    CHECK_INT(aw_kernel_has_flag(AW_RULE_P), AW_YES);
    CHECK_INT(aw_kernel_has_flag(AW_RULE_F), AW_YES);
    CHECK(aw_kernel_has_flag(AW_RULE_T) != AW_UNKNOWN);
}

TEST(read_back)
{
    static const char text[] = "enabled\ninterpreter /x\nflags: OFT\noffset 0\nmagic 4142\n";
    struct aw_entry e;
    struct aw_err err = AW_ERR_INIT;
    char letters[8], format[AW_RULE_TEXT_MAX + 1];
    CHECK_OK(aw_entry_parse("t", text, strlen(text), &e, &err), err);
    CHECK_INT(e.rule.flags, AW_RULE_O | AW_RULE_F | AW_RULE_T);
    CHECK(e.known);
    CHECK_STR(e.odd_flags, "");
    aw_rule_flags_text(e.rule.flags, letters);
    CHECK_STR(letters, "OFT");
    /* what would register it again parses to the same */
    struct aw_rule again;
    size_t len = aw_rule_format(&e.rule, format, &err);
    CHECK_OK(len > 0, err);
    CHECK_OK(aw_rule_parse(format, len, &again, NULL, &err), err);
    CHECK(aw_rule_equal(&again, &e.rule));
    /* letters of a still later kernel are kept apart */
    static const char later[] = "enabled\ninterpreter /x\nflags: OTLD\noffset 0\nmagic 4142\n";
    CHECK_OK(aw_entry_parse("t", later, strlen(later), &e, &err), err);
    CHECK_STR(e.odd_flags, "LD");
}

TEST_MAIN()
