/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "image/source.h"

#include "base/util.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define D "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *text, *name;
    enum source_kind kind;
} good[] = {
    {"debian", "docker.io/library/debian:latest", SOURCE_REGISTRY},
    {"debian:trixie", "docker.io/library/debian:trixie", SOURCE_REGISTRY},
    {"docker://debian:trixie", "docker.io/library/debian:trixie", SOURCE_REGISTRY},
    {"docker.io/debian", "docker.io/library/debian:latest", SOURCE_REGISTRY},
    {"index.docker.io/library/debian", "docker.io/library/debian:latest", SOURCE_REGISTRY},
    {"user/app", "docker.io/user/app:latest", SOURCE_REGISTRY},
    {"user/app@" D, "docker.io/user/app@" D, SOURCE_REGISTRY},
    {"user/app:1.0@" D, "docker.io/user/app@" D, SOURCE_REGISTRY},
    {"localhost/x", "localhost/x:latest", SOURCE_REGISTRY},
    {"localhost:5000/x", "localhost:5000/x:latest", SOURCE_REGISTRY},
    {"localhost:5000/x/y:z", "localhost:5000/x/y:z", SOURCE_REGISTRY},
    {"[::1]:5000/x", "[::1]:5000/x:latest", SOURCE_REGISTRY},
    {"quay.io/x/y@" D, "quay.io/x/y@" D, SOURCE_REGISTRY},
    {"Host/x", "Host/x:latest", SOURCE_REGISTRY},
    {"a.b/c__d---e.f/g_h", "a.b/c__d---e.f/g_h:latest", SOURCE_REGISTRY},
    {"oci:/a/b", "oci:/a/b", SOURCE_OCI},
    {"oci:a//./b/:tag", "oci:a/b:tag", SOURCE_OCI},
    {"oci-archive:x.tar:v1", "oci-archive:x.tar:v1", SOURCE_OCI_ARCHIVE},
    {"docker-archive:x.tar:docker.io/library/a:1", "docker-archive:x.tar:docker.io/library/a:1",
     SOURCE_DOCKER_ARCHIVE},
    {"containers-storage:localhost/x:1", "containers-storage:localhost/x:1", SOURCE_STORAGE},
    {"docker-daemon:x:1", "docker-daemon:x:1", SOURCE_DAEMON},
    {"dir:/x:y", "dir:/x:y", SOURCE_DIR},
    {"./x", "./x", SOURCE_PATH},
    {".", "./.", SOURCE_PATH},
    {"/", "/", SOURCE_PATH},
    {"/a/../b/", "/a/../b", SOURCE_PATH},
    {"../x:y", "../x:y", SOURCE_PATH},
};

TEST(canonical_names_and_back)
{
    for (size_t i = 0; i < AW_LEN(good); i++) {
        struct source a, b;
        struct aw_err err = AW_ERR_INIT;
        CHECK_OK(source_parse(good[i].text, &a, &err), err);
        CHECK_STR(a.name, good[i].name);
        CHECK_INT(a.kind, good[i].kind);
        CHECK_OK(source_parse(a.name, &b, &err), err);
        CHECK_STR(b.name, a.name);
        source_fini(&a);
        source_fini(&b);
    }
}

static const struct {
    const char *text, *why;
    enum aw_code code;
} bad[] = {
    {"", "empty", AW_E_ARG},
    {"Debian", "lower case", AW_E_ARG},
    {"debian:", "tag", AW_E_ARG},
    {"debian:-x", "tag", AW_E_ARG},
    {"debian:a b", "tag", AW_E_ARG},
    {"debian@sha256:12", "64 hexadecimal", AW_E_ARG},
    {"debian@sha512:12", "other than sha256", AW_E_UNSUPPORTED},
    {"a/../../b", "between them", AW_E_ARG},
    {"a//b", "between them", AW_E_ARG},
    {"-rf", "between them", AW_E_ARG},
    {"a.b:x/c", "host name", AW_E_ARG},
    {"a..b/c", "host name", AW_E_ARG},
    {"/x\n", "control", AW_E_ARG},
    {"/x\xe4", "UTF-8", AW_E_ARG},
    {"/x\xc3\xa4\xed\xa0\x80", "UTF-8", AW_E_ARG},
    {"oci:", "no path", AW_E_ARG},
    {"oci:x:-t", "tag", AW_E_ARG},
    {"containers-storage:", "no name", AW_E_ARG},
    {"docker://", "no name", AW_E_ARG},
    {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "ID", AW_E_ARG},
};

TEST(refused_and_told_why)
{
    for (size_t i = 0; i < AW_LEN(bad); i++) {
        struct source s;
        struct aw_err err = AW_ERR_INIT;
        if (source_parse(bad[i].text, &s, &err))
            TEST_FAIL("\"%s\" was accepted as %s", bad[i].text, s.name);
        CHECK_CONTAINS(err.message, bad[i].why);
        CHECK_INT(err.code, bad[i].code);
    }
    struct source s;
    struct aw_err err = AW_ERR_INIT;
    CHECK(!source_parse("quay.io/Me/App", &s, &err));
    CHECK_CONTAINS(err.mend, "me/app");
    char text[5000];
    memset(text, 'a', sizeof(text) - 1);
    text[4999] = '\0';
    CHECK(!source_parse(text, &s, &err));
    text[300] = '\0';
    CHECK(!source_parse(text, &s, &err));
    CHECK_CONTAINS(err.message, "255");
}

TEST(files_are_found)
{
    char dir[] = "/tmp/image_source.XXXXXX", old[PATH_MAX], want[PATH_MAX];
    CHECK(mkdtemp(dir) && getcwd(old, sizeof(old)) && chdir(dir) == 0);
    FILE *f = fopen("rootfs.tar.xz", "w");
    CHECK(f && fclose(f) == 0 && mkdir("debian", 0700) == 0);
    struct source s;
    struct aw_err err = AW_ERR_INIT;

    CHECK_OK(source_find("rootfs.tar.xz", &s, &err), err);
    CHECK_INT(s.kind, SOURCE_PATH);
    snprintf(want, sizeof(want), "%s/rootfs.tar.xz", dir);
    CHECK_STR(s.name, want);
    source_fini(&s);
    /* a folder's bare name is no path: Docker's users mean the image */
    CHECK_OK(source_find("debian", &s, &err), err);
    CHECK_INT(s.kind, SOURCE_REGISTRY);
    source_fini(&s);
    CHECK_OK(source_find("other.tar.xz", &s, &err), err);
    CHECK_INT(s.kind, SOURCE_REGISTRY);
    source_fini(&s);
    CHECK_OK(source_find("oci:debian:t", &s, &err), err);
    snprintf(want, sizeof(want), "oci:%s/debian:t", dir);
    CHECK_STR(s.name, want);
    source_fini(&s);
    CHECK_OK(source_find(".", &s, &err), err);
    CHECK_STR(s.name, dir);
    source_fini(&s);
    CHECK(!source_find("./missing", &s, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    /* what stands before it on its real path must be sayable, too */
    CHECK(mkdir("a\nb", 0700) == 0 && symlink("a\nb", "way") == 0);
    CHECK(!source_find("./way", &s, &err));
    CHECK_CONTAINS(err.message, "./way");
    CHECK_CONTAINS(err.message, "control");
    CHECK(rename("a\nb", "\xe4") == 0 && chdir("\xe4") == 0);
    CHECK(!source_find(".", &s, &err));
    CHECK_CONTAINS(err.message, "UTF-8");
    CHECK(chdir(dir) == 0 && unlink("way") == 0 && rmdir("\xe4") == 0);
    CHECK(chdir(old) == 0);
    unlink(want);
    char cmd[PATH_MAX];
    snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
    CHECK_INT(system(cmd), 0);
}

TEST(skopeo_names)
{
    struct source s;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(source_parse("debian", &s, &err), err);
    char *a = source_skopeo(&s, NULL), *b = source_skopeo(&s, D), *r = source_repository(&s);
    CHECK_STR(a, "docker://docker.io/library/debian:latest");
    CHECK_STR(b, "docker://docker.io/library/debian@" D);
    CHECK_STR(r, "docker.io/library/debian");
    free(a);
    free(b);
    free(r);
    source_fini(&s);
}

TEST_MAIN()
