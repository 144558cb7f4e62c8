/* SPDX-License-Identifier: Apache-2.0
 *
 * The deciders on every file of tests/lib/mkformats' corpus, and on each of them cut off anywhere.
 */
#include "format/format.h"

#include "base/file.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

#define MAKER "tests/lib/mkformats"

static char folder[] = "/tmp/archway-formats.XXXXXX";

static bool make_corpus(void)
{
    char command[512];
    if (access(MAKER, R_OK) < 0 || system("python3 -c '' 2>/dev/null") != 0 || !mkdtemp(folder))
        return false;
    snprintf(command, sizeof(command), "python3 %s corpus %s", MAKER, folder);
    return system(command) == 0;
}

static void decide_file(const char *name, struct format_verdict *v)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(format_decide_fd(fd, path, v));
}

/* The reason is there exactly if there is one to give. */
static bool whole(const struct format_verdict *v)
{
    return (v->kind == KIND_NONE) == (v->reason[0] != 0) &&
           (v->kind == KIND_JAVA_CLASS) == (v->main_class[0] != 0) &&
           (v->kind == KIND_PYC || v->kind == KIND_LUA) == (v->version[0] != 0);
}

TEST(the_corpus)
{
    char list[64];
    size_t n = 0, bad = 0;
    if (!make_corpus())
        TEST_SKIP("no python3, or not started in the repository");
    snprintf(list, sizeof(list), "%s/expected", folder);
    char *text = file_load(AT_FDCWD, list, 1 << 20, NULL, NULL);
    CHECK(text != NULL);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        struct format_verdict v;
        char *want = strchr(line, '\t');
        CHECK(want != NULL);
        *want++ = 0;
        decide_file(line, &v);
        n++;
        if (str_eq(format_kind_at(v.kind)->word, want) && whole(&v))
            continue;
        printf("# %s: got %s (%s), want %s\n", line, format_kind_at(v.kind)->word, v.reason, want);
        bad++;
    }
    free(text);
    printf("# %zu files\n", n);
    file_remove_tree(AT_FDCWD, folder, NULL);
    CHECK_INT(bad, 0);
    CHECK(n >= 200);
}

/* ---- what the file at hand cannot tell --------------------------------------------------------
 */

struct broken {
    uint64_t limit; /* reads beyond it fail */
};

static bool read_broken(void *user, uint64_t offset, void *data, size_t len)
{
    const struct broken *b = user;
    if (offset + len > b->limit)
        return false;
    memset(data, 0, len);
    memcpy(data, "MZ", len < 2 ? len : 2);
    return true;
}

TEST(a_disk_that_fails)
{
    struct broken b = {.limit = 10};
    struct format_file f = {.name = "x.com", .size = 100000, .read = read_broken, .user = &b};
    struct format_verdict v;
    format_decide(&f, &v);
    CHECK_INT(v.kind, KIND_NONE);
    CHECK(v.reason[0]);
}

static bool read_huge(void *user, uint64_t offset, void *data, size_t len)
{
    (void)user;
    (void)offset;
    memset(data, 'P', len);
    if (offset == 0)
        memcpy(data, "PK\3\4", 4);
    return true;
}

TEST(a_huge_file_is_not_read_through)
{
    struct format_file f = {.name = "x", .size = UINT64_MAX / 2, .read = read_huge};
    struct format_verdict v;
    format_decide(&f, &v);
    CHECK_INT(v.kind, KIND_NONE);
}

TEST_MAIN()
