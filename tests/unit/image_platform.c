/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "image/platform.h"

#include "base/util.h"

static const struct {
    const char *text, *want;
} good[] = {
    {"linux/arm64", "linux/arm64"},
    {"arm64", "linux/arm64"},
    {"aarch64", "linux/arm64"},
    {"linux/arm64/v8", "linux/arm64"},
    {"linux/arm64/8", "linux/arm64"},
    {"arm64/v9", "linux/arm64/v9"},
    {"armhf", "linux/arm/v7"},
    {"arm", "linux/arm/v7"},
    {"linux/arm/v6", "linux/arm/v6"},
    {"arm/v5", "linux/arm/v5"},
    {"armel", "linux/arm/v6"},
    {"x86_64", "linux/amd64"},
    {"linux/x86_64/v1", "linux/amd64"},
    {"amd64/v3", "linux/amd64/v3"},
    {"i686", "linux/386"},
    {"LINUX/ARM64", "linux/arm64"},
    {"ppc64el", "linux/ppc64le"},
    {"mips64el", "linux/mips64le"},
    {"loongarch64", "linux/loong64"},
    {"s390x", "linux/s390x"},
    {"linux/riscv64", "linux/riscv64"},
    {"windows/amd64", "windows/amd64"},
};

TEST(normal_forms)
{
    for (size_t i = 0; i < AW_LEN(good); i++) {
        struct platform p, q;
        struct aw_err err = AW_ERR_INIT;
        char text[PLATFORM_TEXT], again[PLATFORM_TEXT];
        CHECK_OK(platform_parse(good[i].text, &p, &err), err);
        platform_format(&p, text);
        CHECK_STR(text, good[i].want);
        CHECK_OK(platform_parse(text, &q, &err), err);
        platform_format(&q, again);
        CHECK_STR(again, text);
    }
}

TEST(refused_with_a_hint)
{
    static const char *const bad[] = {"",
                                      "/",
                                      "linux/",
                                      "/arm64",
                                      "linux//v7",
                                      "a/b/c/d",
                                      "linux/arm64/v8/x",
                                      "linux/arm 64",
                                      "linux/arm64\n",
                                      "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                      "plan8/arm64/v8"};
    for (size_t i = 0; i < AW_LEN(bad); i++) {
        struct platform p;
        struct aw_err err = AW_ERR_INIT;
        if (platform_parse(bad[i], &p, &err))
            TEST_FAIL("\"%s\" was accepted", bad[i]);
        CHECK_INT(err.code, AW_E_ARG);
    }
    struct platform p;
    struct aw_err err = AW_ERR_INIT;
    CHECK(!platform_parse("linux/arm644", &p, &err));
    CHECK_CONTAINS(err.message, "\"arm64\"");
    CHECK(!platform_parse("riscv644", &p, &err));
    CHECK_CONTAINS(err.message, "riscv64");
}

static int match(const char *want, const char *have)
{
    struct platform w, h;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(platform_parse(want, &w, &err), err);
    CHECK_OK(platform_parse(have, &h, &err), err);
    return platform_match(&w, &h);
}

TEST(variants_serve_downward)
{
    CHECK(match("arm/v7", "arm/v7") > match("arm/v7", "arm/v6"));
    CHECK(match("arm/v7", "arm/v6") > match("arm/v7", "arm/v5"));
    CHECK(match("arm/v7", "arm/v5") > 0);
    CHECK_INT(match("arm/v6", "arm/v7"), 0);
    CHECK(match("arm64/v9", "arm64") > 0);
    CHECK_INT(match("arm64", "arm64/v9"), 0);
    CHECK(match("amd64/v3", "amd64/v2") > match("amd64/v3", "amd64"));
    CHECK_INT(match("arm64", "arm"), 0);
    CHECK_INT(match("linux/amd64", "windows/amd64"), 0);
}

TEST(what_images_say_of_themselves)
{
    struct platform p;
    char text[PLATFORM_TEXT];
    platform_set(&p, "", "AArch64", NULL);
    platform_format(&p, text);
    CHECK_STR(text, "linux/arm64");
    platform_set(&p, "linux", "unheard-of", "x");
    platform_format(&p, text);
    CHECK_STR(text, "linux/unheard-of/x");
    platform_set(&p, "linux", "a-name-much-longer-than-the-field", "v1234567890123456789");
    CHECK_INT(strlen(p.arch), sizeof(p.arch) - 1);
    CHECK_INT(strlen(p.variant), sizeof(p.variant) - 1);
    platform_host(&p);
    CHECK(*p.arch);
}

TEST_MAIN()
