/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/file.h"
#include "base/util.h"

#include <archway/catalogue.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/utsname.h>

TEST(finds)
{
    CHECK_STR(aw_arch_find("ppc64le")->oci_arch, "ppc64le");
    CHECK_STR(aw_arch_find("armv7l")->name, "arm");
    CHECK_STR(aw_arch_find("i586")->name, "i386");
    CHECK(aw_arch_find("vax") == NULL);
    CHECK_STR(aw_arch_find_oci("arm64", "")->name, "aarch64");
    CHECK_STR(aw_arch_find_oci("arm", "v6")->name, "arm");
    CHECK_STR(aw_arch_find_oci("386", NULL)->name, "i386");
    CHECK_STR(aw_arch_find_oci("mips64le", NULL)->name, "mips64el");
    CHECK_STR(aw_arch_find_oci("amd64", "v3")->name, "x86_64");
    CHECK(aw_arch_find_oci("vax", NULL) == NULL);
}

TEST(every_rule_matches_its_own_kind_only)
{
    uint8_t head[AW_ARCH_HEADER];
    struct aw_err err = AW_ERR_INIT;
    struct aw_rule r;
    const struct aw_arch *a, *b;
    for (size_t i = 0; (a = aw_arch_at(i)); i++)
        for (int ai = 0; ai < aw_arch_rules(a); ai++)
            for (int form = 0; form < 4; form++) {
                aw_arch_header(a, ai, form & 1, head);
                head[7] = form & 2 ? 3 : 0;
                if (aw_arch_find_elf(head, sizeof(head)) != a)
                    TEST_FAIL("%s is not found by its own header", a->name);
                int hits = 0;
                for (size_t k = 0; (b = aw_arch_at(k)); k++)
                    for (int bi = 0; bi < aw_arch_rules(b); bi++) {
                        CHECK_OK(aw_arch_rule(b, bi, "/i", 0, &r, &err), err);
                        hits += aw_rule_matches(&r, head, sizeof(head), NULL);
                    }
                CHECK_INT(hits, 1);
                head[7] = 9; /* FreeBSD */
                CHECK(aw_arch_find_elf(head, sizeof(head)) == NULL);
                head[7] = 0;
                memcpy(head + 8, "AI\2", 3); /* AppImage */
                CHECK(aw_arch_find_elf(head, sizeof(head)) == a);
                head[16] = head[17] = 1; /* a relocatable object's type, in both orders */
                CHECK(aw_arch_find_elf(head, sizeof(head)) == NULL);
            }
}

TEST(rules_are_printable)
{
    struct aw_err err = AW_ERR_INIT;
    struct aw_rule r;
    char text[AW_RULE_TEXT_MAX + 1];
    CHECK_OK(aw_arch_rule(aw_arch_find("mipsn32el"), 0, "/i", AW_RULE_C | AW_RULE_F, &r, &err),
             err);
    CHECK_INT(r.magic_len, 37);
    CHECK_INT(r.flags, AW_RULE_C | AW_RULE_O | AW_RULE_F);
    CHECK(aw_rule_format(&r, text, &err) > 0);
    CHECK_OK(aw_arch_rule(aw_arch_find("aarch64"), 0, "/i", 0, &r, &err), err);
    CHECK(aw_rule_format(&r, text, &err) > 0);
    CHECK_STR(text, ":qemu-aarch64:M::\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00"
                    "\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff"
                    "\\xfc\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xfe\\xff\\xff\\xff:/i:");
    CHECK(!aw_arch_rule(aw_arch_find("aarch64"), 1, "/i", 0, &r, &err));
}

TEST(native)
{
    CHECK(aw_arch_native_on(aw_arch_find("x86_64"), "x86_64"));
    CHECK(aw_arch_native_on(aw_arch_find("i386"), "x86_64"));
    CHECK(!aw_arch_native_on(aw_arch_find("x86_64"), "i686"));
    CHECK(aw_arch_native_on(aw_arch_find("arm"), "aarch64"));
    CHECK(!aw_arch_native_on(aw_arch_find("aarch64"), "x86_64"));
    CHECK(!aw_arch_native_on(aw_arch_find("ppc64le"), "ppc64"));
    /* the file that this very test runs from is native */
    uint8_t head[64];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && file_read_full(fd, head, sizeof(head)) == (ssize_t)sizeof(head));
    close(fd);
    const struct aw_arch *own = aw_arch_find_elf(head, sizeof(head));
    CHECK(own && aw_arch_native(own));
    struct utsname u;
    CHECK(uname(&u) == 0);
    CHECK_INT(aw_arch_native(aw_arch_find("s390x")), strcmp(u.machine, "s390x") == 0);
}

/* One rule of the distribution's qemu-user-static against ours of the same name: every header that
 * either takes within OSABI 0 and 3 and zero padding is taken by the other. */
static void compare_with(const char *name, const struct aw_rule *theirs)
{
    const struct aw_arch *a = aw_arch_find(name);
    if (!a)
        TEST_FAIL("the catalogue lacks %s", name);
    struct aw_rule ours;
    uint8_t head[AW_ARCH_HEADER];
    const struct aw_arch *b;
    for (size_t i = 0; (b = aw_arch_at(i)); i++)
        for (int form = 0; form < 4 * aw_arch_rules(b); form++) {
            aw_arch_header(b, form / 4, form & 1, head);
            head[7] = form & 2 ? 3 : 0;
            bool we = false, they = aw_rule_matches(theirs, head, sizeof(head), NULL);
            for (int k = 0; k < aw_arch_rules(a); k++)
                we |= aw_arch_rule(a, k, "/i", 0, &ours, NULL) &&
                      aw_rule_matches(&ours, head, sizeof(head), NULL);
            /* theirs know one machine number each */
            if (we != they && !(we && b == a && aw_arch_rules(a) > 1))
                TEST_FAIL("%s: a header of %s, form %d: ours %d, theirs %d", name, b->name, form,
                          we, they);
        }
}

TEST(agrees_with_the_distribution)
{
    DIR *d = opendir("/usr/lib/binfmt.d");
    struct dirent *e;
    int n = 0;
    while (d && (e = readdir(d))) {
        char name[64];
        if (sscanf(e->d_name, "qemu-%60[a-z0-9_]", name) != 1)
            continue;
        size_t len;
        struct aw_err err = AW_ERR_INIT;
        struct aw_rule theirs;
        char *text = file_load(dirfd(d), e->d_name, 4096, &len, &err);
        if (!text)
            TEST_FAIL("%s", err.message);
        bool ok = aw_rule_parse(text, len, &theirs, NULL, &err);
        free(text);
        CHECK_OK(ok, err);
        compare_with(name, &theirs);
        n++;
    }
    if (d)
        closedir(d);
    if (!n)
        TEST_SKIP("no /usr/lib/binfmt.d/qemu-*.conf: install qemu-user-static");
    CHECK(n > 20);
}

TEST_MAIN()
