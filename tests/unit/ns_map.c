/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/util.h"
#include "ns/ns.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

TEST(subid_lines)
{
    struct idmap_line l[4];
    const char *text = "a:100000:65536\n#x\nb:1:\nbroken\n1000:5:6\nb:200000:65536\nb:9:0\nb:7:8";
    CHECK_INT(idmap_parse_subid(text, "a", 1, l, 4), 1);
    CHECK_INT(l[0].outside, 100000);
    CHECK_INT(idmap_parse_subid(text, "b", 1000, l, 4), 3);
    CHECK_INT(l[0].outside, 5);
    CHECK_INT(l[2].count, 8);
    CHECK_INT(idmap_parse_subid(text, NULL, 77, l, 4), 0);
    CHECK_INT(idmap_parse_subid("x:4294967295:1\nx:1:4294967295\n", "x", 1, l, 4), 0);
}

TEST(plan_is_contiguous_and_has_a_key)
{
    struct idmap m, s;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(idmap_plan(false, &m, &err), err);
    CHECK_OK(idmap_plan(true, &s, &err), err);
    uint32_t next = 0;
    for (int i = 0; i < m.n_uid; i++) {
        CHECK_INT(m.uid[i].inside, next);
        next += m.uid[i].count;
    }
    CHECK_INT(idmap_uids(&m), next);
    CHECK_INT(idmap_uid_inside(&m, idmap_root_uid(&m)), 0);
    CHECK_INT(s.kind, IDMAP_SINGLE);
    CHECK_INT(idmap_uids(&s), 1);
    CHECK(strlen(m.key) == 18 && strcmp(m.key, s.key) != 0);
    if (geteuid() == 0)
        CHECK(idmap_root_uid(&m) != 0 || m.kind == IDMAP_SINGLE || m.n_uid > 0);
}

static bool in_ns(void *arg, const struct aw_log *log, struct aw_err *err)
{
    aw_log(log, AW_LOG_NOTE, "uid %d", (int)getuid());
    if (*(int *)arg == 1)
        return aw_fail(err, AW_E_CORRUPT, ENOENT, "broken on purpose");
    if (*(int *)arg == 2)
        abort();
    return getuid() == 0 && getgid() == 0 ? true : aw_fail(err, AW_E_IO, 0, "not root inside");
}

static void keep(void *user, enum aw_level level, const char *message)
{
    if (level == AW_LOG_NOTE)
        snprintf(user, 64, "%s", message);
}

static bool at_once(void *user)
{
    (void)user;
    return true;
}

static bool sleeper(void *arg, const struct aw_log *log, struct aw_err *err)
{
    (void)arg, (void)log, (void)err;
    sleep(60);
    return true;
}

TEST(run_in_a_namespace)
{
    struct idmap m;
    struct aw_err err = AW_ERR_INIT;
    char note[64] = "";
    struct aw_log log = {.fn = keep, .user = note};
    int how = 0;
    CHECK_OK(idmap_plan(geteuid() != 0, &m, &err), err);
    if (!ns_run(&m, CLONE_NEWNS, in_ns, &how, &log, NULL, NULL, &err)) {
        if (err.code == AW_E_UNSUPPORTED)
            TEST_SKIP("no user namespaces here");
        TEST_FAIL("ns_run: %s", err.message);
    }
    CHECK_STR(note, "uid 0");
    how = 1;
    CHECK(!ns_run(&m, 0, in_ns, &how, &log, NULL, NULL, &err));
    CHECK_INT(err.code, AW_E_CORRUPT);
    CHECK_CONTAINS(err.message, "broken on purpose: No such file");
    how = 2;
    CHECK(!ns_run(&m, 0, in_ns, &how, &log, NULL, NULL, &err));
    CHECK_INT(err.code, AW_E_CHILD);
    CHECK_CONTAINS(err.message, "signal 6");
    CHECK(!ns_run(&m, 0, sleeper, NULL, &log, at_once, NULL, &err));
    CHECK_INT(err.code, AW_E_CANCELLED);
}

TEST(explains)
{
    struct aw_err err = AW_ERR_INIT;
    CHECK(!ns_explain(EPERM, &err));
    CHECK_INT(err.code, AW_E_UNSUPPORTED);
    CHECK(err.mend[0]);
}

TEST_MAIN()
