/* SPDX-License-Identifier: Apache-2.0
 *
 * The matcher in a root folder made for it; what needs the kernel is in binfmt_kernelmatch.c.
 */
#include "test.h"

#include "base/file.h"
#include "base/util.h"

#include <archway/match.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static char folder[] = "/tmp/archway-binfmt-XXXXXX";
static int root;
static struct aw_entry entries[4];
static struct aw_match match;

static void put(const char *path, const char *text, size_t len, mode_t mode)
{
    int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    CHECK(fd >= 0 && file_write_full(fd, text, len) && fchmod(fd, mode) == 0);
    close(fd);
}

static void put_arch(const char *path, const char *arch)
{
    uint8_t head[AW_ARCH_HEADER];
    aw_arch_header(aw_arch_find(arch), 0, false, head);
    put(path, (const char *)head, sizeof(head), 0755);
}

static void entry(int i, const char *text)
{
    struct aw_err err = AW_ERR_INIT;
    memset(&entries[i], 0, sizeof(entries[i]));
    entries[i].known = entries[i].enabled = true;
    CHECK_OK(aw_rule_parse(text, strlen(text), &entries[i].rule, NULL, &err), err);
}

static int held_fd(void *user, const struct aw_entry *e)
{
    CHECK_STR(e->rule.name, user);
    return openat(root, "bin/other", O_PATH | O_CLOEXEC);
}

static struct aw_match_request request;

static void run(const char *path, size_t n)
{
    struct aw_err err = AW_ERR_INIT;
    if (mkdirat(root, "bin", 0755) == 0) {
        CHECK(symlinkat("/bin/guest", root, "link") == 0);
        put_arch("bin/guest", "s390x");
        put_arch("bin/other", "alpha");
        put("bin/script", "#!/bin/guest -x\n", 16, 0755);
        put("bin/plain", "text", 4, 0755);
    }
    aw_match_fini(&match);
    request.entries = entries;
    request.n_entries = n;
    request.rootfd = root;
    request.path = path;
    CHECK_OK(aw_match(&request, &match, &err), err);
}

#define S390 ":s390:M:16:\\x00\\x02\\x00\\x16::/held:PF"

TEST(chain_in_a_root)
{
    request = (struct aw_match_request){.enabled = true};
    entry(0, ":off:M:16:\\x00\\x02\\x00\\x16::/x:");
    entries[0].enabled = false;
    entry(1, S390);
    entry(2, ":also:M::\\x7fELF::/y:");
    entry(3, ":no:M::zzzz::/y:");
    run("/bin/script", 4);
    CHECK_INT(match.why, AW_WHY_RUNS);
    CHECK_INT(match.n_steps, 3);
    CHECK_INT(match.steps[0].kind, AW_STEP_SCRIPT);
    CHECK_STR(match.steps[0].argument, "-x");
    CHECK_STR(match.steps[0].next, "/bin/guest");
    CHECK_INT(match.steps[1].kind, AW_STEP_RULE);
    CHECK_INT(match.steps[1].rule, 1);
    CHECK_INT(match.steps[1].n_shadowed, 1);
    CHECK_INT(match.steps[1].shadowed[0], 2);
    CHECK(match.steps[2].kind == AW_STEP_NATIVE && match.steps[2].assumed);
    static const char *const want[] = {"/held", "/bin/guest", "/bin/guest", "-x", "/bin/script"};
    for (size_t i = 0; i < AW_LEN(want); i++)
        CHECK_STR(match.argv[i], want[i]);
    CHECK(match.argv[AW_LEN(want)] == NULL);
    CHECK_INT(match.flags, AW_RULE_P | AW_RULE_F);
    /* absolute links stay inside, and so do dots; relative names begin in cwd */
    run("/link", 4);
    CHECK_INT(match.why, AW_WHY_RUNS);
    run("/../../bin/guest", 4);
    CHECK_INT(match.why, AW_WHY_RUNS);
    request.cwd = "/bin";
    run("guest", 4);
    CHECK_INT(match.why, AW_WHY_RUNS);
    run("nothing", 4);
    CHECK_INT(match.why, AW_WHY_MISSING);
    CHECK_INT(match.sys_errno, ENOENT);
    CHECK_STR(aw_match_why_name(match.why), "missing");
}

TEST(reasons)
{
    request = (struct aw_match_request){.enabled = true};
    entry(0, S390);
    run("/bin/guest", 0);
    CHECK_INT(match.why, AW_WHY_NO_RULE);
    CHECK_STR(match.arch->name, "s390x");
    CHECK_CONTAINS(match.reason, "s390x");
    entries[0].enabled = false;
    run("/bin/guest", 1);
    CHECK_INT(match.why, AW_WHY_DISABLED);
    entries[0].enabled = true;
    request.enabled = false;
    run("/bin/guest", 1);
    CHECK_INT(match.why, AW_WHY_SWITCHED_OFF);
    run("/bin/plain", 1);
    CHECK_INT(match.why, AW_WHY_NO_FORMAT);
    run("/bin", 1);
    CHECK_INT(match.why, AW_WHY_NOT_REGULAR);
    CHECK_INT(match.sys_errno, EACCES);
    request.enabled = true;
    entry(0, ":s390:M:16:\\x00\\x02\\x00\\x16::/lib/missing:");
    run("/bin/guest", 1);
    CHECK_INT(match.why, AW_WHY_INTERPRETER);
    CHECK_CONTAINS(match.reason, "rule s390: interpreter /lib/missing");
}

TEST(flags)
{
    request = (struct aw_match_request){.enabled = true};
    entry(0, ":s390:M:16:\\x00\\x02\\x00\\x16::/held:T");
    const char *argv[] = {"own", "arg", NULL};
    request.argv = argv;
    entries[0].rule.flags |= AW_RULE_F;
    run("/bin/guest", 1);
    CHECK_INT(match.why, AW_WHY_RUNS);
    CHECK_STR(match.argv[0], "own");
    CHECK_STR(match.argv[1], "arg");
    CHECK(match.argv[2] == NULL);
    /* the interpreter that the kernel holds is foreign itself, and nothing runs that */
    char name[] = "s390";
    request.open_interpreter = held_fd;
    request.user = name;
    run("/bin/guest", 1);
    CHECK_INT(match.why, AW_WHY_NO_RULE);
    CHECK_STR(match.arch->name, "alpha");
    /* a rule of a kind that we do not know is passed over */
    entries[0].known = false;
    run("/bin/guest", 1);
    CHECK_INT(match.why, AW_WHY_NO_RULE);
    CHECK_STR(match.arch->name, "s390x");
}

TEST(own_root)
{
    struct aw_err err = AW_ERR_INIT;
    aw_match_fini(&match);
    struct aw_match_request own = {.rootfd = -1, .path = "/proc/self/exe"};
    CHECK_OK(aw_match(&own, &match, &err), err);
    CHECK_INT(match.why, AW_WHY_RUNS);
    CHECK(match.arch && aw_arch_native(match.arch));
    CHECK_STR(match.argv[0], "/proc/self/exe");
}

int main(int argc, char **argv)
{
    if (!mkdtemp(folder) || (root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return 1;
    int bad = test_main(argc, argv);
    aw_match_fini(&match);
    close(root);
    file_remove_tree(AT_FDCWD, folder, NULL);
    return bad;
}
