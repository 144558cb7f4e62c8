/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans, records and the files that keep rules, against real instances where the kernel has them.
 */
#include "binfmt_ns.h"

#include "binfmt/guest.h"
#include "binfmt/persist.h"
#include "binfmt/plan.h"

#include <sys/stat.h>

static void made_up(struct aw_rule *ret, const char *name, const char *interpreter)
{
    char text[256];
    struct aw_err err = AW_ERR_INIT;
    snprintf(text, sizeof(text), ":%s:E::archwaytest::%s:F", name, interpreter);
    CHECK_OK(aw_rule_parse(text, strlen(text), ret, NULL, &err), err);
}

static void look(struct plan_now *now)
{
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(plan_look(now, &err), err);
}

static void apply(struct plan *p, struct plan_now *now)
{
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(plan_apply(p, now, NULL, &err), err);
    plan_fini(p);
    look(now);
}

/* The steps as one line: "register a.next, remove a". */
static const char *said(const struct plan *p, char ret[512])
{
    size_t at = 0;
    ret[0] = 0;
    for (size_t i = 0; i < p->n; i++)
        at += (size_t)snprintf(ret + at, 512 - at, "%s%s %s", i ? ", " : "",
                               plan_op_name(p->v[i].op), p->v[i].name);
    return ret;
}

static void install(struct plan *p, const struct plan_now *now, const struct aw_rule *rule,
                    bool force)
{
    struct aw_err err = AW_ERR_INIT;
    struct plan_want want = {.rule = rule, .platform = "", .force = force};
    CHECK_OK(plan_install(p, now, &want, &err), err);
}

static char *copy_of_true(void)
{
    static char path[] = "/tmp/archway-plan-XXXXXX";
    strcpy(path, "/tmp/archway-plan-XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0)
        TEST_FAIL("no temporary file");
    close(fd);
    char command[128];
    snprintf(command, sizeof(command), "cp /bin/true %s && chmod 755 %s", path, path);
    CHECK(system(command) == 0);
    return path;
}

TEST(install_keep_replace_remove)
{
    struct plan_now now = {.inst = ns_instance(), .bounded = true};
    struct plan p = {0};
    struct aw_rule rule;
    struct aw_err err = AW_ERR_INIT;
    char text[512];
    made_up(&rule, "plan-a", "/bin/true");
    look(&now);
    install(&p, &now, &rule, false);
    CHECK_STR(said(&p, text), "register plan-a");
    apply(&p, &now);
    CHECK(plan_entry(&now, "plan-a") && plan_owns(&now, plan_entry(&now, "plan-a")));
    install(&p, &now, &rule, false);
    CHECK_STR(said(&p, text), "keep plan-a");
    CHECK(!plan_changes(&p));
    plan_fini(&p);
    install(&p, &now, &rule, true);
    CHECK_STR(said(&p, text), "register plan-a.next, remove plan-a, register plan-a, remove "
                              "plan-a.next");
    apply(&p, &now);
    CHECK_INT(now.n, 1);
    CHECK_INT(record_state(records_find(&now.records, "plan-a"), now.inst), RECORD_FRESH);
    plan_uninstall(&p, &now, records_find(&now.records, "plan-a"));
    apply(&p, &now);
    CHECK_INT(now.n, 0);
    CHECK_INT(now.records.n, 0);
    CHECK(!plan_entry(&now, "plan-a"));
    (void)err;
    plan_now_fini(&now);
}

TEST(what_others_did)
{
    struct plan_now now = {.inst = ns_instance(), .bounded = true};
    struct plan p = {0};
    struct aw_rule rule, other;
    struct aw_err err = AW_ERR_INIT;
    char text[512];
    made_up(&rule, "plan-b", "/bin/true");
    look(&now);
    install(&p, &now, &rule, false);
    apply(&p, &now);
    const struct record *rec = records_find(&now.records, "plan-b");

    /* the same rule, registered by someone else: still ours, but nobody knows what is held */
    CHECK_OK(aw_instance_remove(now.inst, "plan-b", &err), err);
    CHECK_INT(record_state(rec, now.inst), RECORD_ABSENT);
    CHECK_OK(aw_instance_register(now.inst, &rule, &err), err);
    look(&now);
    CHECK_INT(record_state(rec, now.inst), RECORD_REPLACED);
    CHECK(plan_owns(&now, plan_entry(&now, "plan-b")));

    /* another one: theirs */
    made_up(&other, "plan-b", "/bin/false");
    CHECK_OK(aw_instance_remove(now.inst, "plan-b", &err), err);
    CHECK_OK(aw_instance_register(now.inst, &other, &err), err);
    look(&now);
    CHECK(!plan_owns(&now, plan_entry(&now, "plan-b")));
    CHECK(!plan_refresh(&p, &now, rec, false, &err));
    CHECK_INT(err.code, AW_E_EXIST);
    CHECK_INT(p.n, 0);
    plan_uninstall(&p, &now, rec);
    CHECK_STR(said(&p, text), "forget plan-b");
    apply(&p, &now);
    CHECK_INT(now.n, 1);
    CHECK_INT(now.records.n, 0);

    /* it serves, so it is kept; taken over when forced */
    install(&p, &now, &rule, false);
    CHECK_STR(said(&p, text), "keep plan-b");
    plan_fini(&p);
    install(&p, &now, &rule, true);
    apply(&p, &now);
    CHECK_STR(plan_entry(&now, "plan-b")->rule.interpreter, "/bin/true");
    CHECK(plan_owns(&now, plan_entry(&now, "plan-b")));
    plan_now_fini(&now);
}

TEST(stale_and_gone)
{
    struct plan_now now = {.inst = ns_instance(), .bounded = true};
    struct plan p = {0};
    struct aw_rule rule;
    struct aw_err err = AW_ERR_INIT;
    char other[64], text[512];
    char *path = copy_of_true();
    snprintf(other, sizeof(other), "%s.new", path);
    made_up(&rule, "plan-c", path);
    look(&now);
    install(&p, &now, &rule, false);
    apply(&p, &now);
    const struct record *rec = records_find(&now.records, "plan-c");
    CHECK_INT(record_state(rec, now.inst), RECORD_FRESH);
    CHECK(rename(path, other) == 0);
    CHECK_INT(record_state(rec, now.inst), RECORD_GONE);
    CHECK(!plan_refresh(&p, &now, rec, true, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    CHECK(strstr(err.message, path) != NULL);
    CHECK(strstr(err.mend, "plan-c") != NULL);
    char command[160];
    snprintf(command, sizeof(command), "cp %s %s && echo >>%s", other, path, path);
    CHECK(system(command) == 0);
    CHECK_INT(record_state(rec, now.inst), RECORD_STALE);
    CHECK_OK(plan_refresh(&p, &now, rec, false, &err), err);
    CHECK_STR(said(&p, text), "register plan-c.next, remove plan-c, register plan-c, remove "
                              "plan-c.next");
    apply(&p, &now);
    CHECK_INT(record_state(records_find(&now.records, "plan-c"), now.inst), RECORD_FRESH);
    unlink(path);
    unlink(other);
    plan_now_fini(&now);
}

static void shell(const char *format, const char *a, const char *b)
{
    char command[256];
    snprintf(command, sizeof(command), format, a, b);
    if (system(command) != 0)
        TEST_FAIL("%s", command);
}

TEST(contents_tell_not_inodes)
{
    struct plan_now now = {.inst = ns_instance(), .bounded = true};
    struct plan p = {0};
    struct aw_rule rule;
    struct aw_err err = AW_ERR_INIT;
    struct record_file now_file;
    char other[64], text[512];
    char *path = copy_of_true();
    snprintf(other, sizeof(other), "%s.new", path);
    made_up(&rule, "plan-h", path);
    look(&now);
    install(&p, &now, &rule, false);
    apply(&p, &now);
    struct record *rec = records_find(&now.records, "plan-h");
    CHECK(digest_valid(rec->digest));
    /* another inode with the same contents, as a reinstalled package has */
    shell("cp %s %s", path, other);
    shell("mv %s %s", other, path);
    CHECK_INT(record_state(rec, now.inst), RECORD_FRESH);
    /* which a refresh notes, so that it is not read again */
    CHECK_OK(plan_refresh(&p, &now, rec, false, &err), err);
    CHECK_STR(said(&p, text), "keep plan-h");
    apply(&p, &now);
    rec = records_find(&now.records, "plan-h");
    int fd = open(path, O_PATH);
    record_file_of(fd, &now_file);
    close(fd);
    CHECK(record_file_same(&now_file, &rec->file));
    /* the same size and modification time, other contents */
    shell("cp -p %s %s", path, other);
    shell("printf x | dd if=/dev/stdin of=%s%s bs=1 seek=1000 conv=notrunc status=none", other, "");
    shell("touch -r %s %s", path, other);
    shell("mv %s %s", other, path);
    CHECK_INT(record_state(rec, now.inst), RECORD_STALE);
    /* records of before there were digests go by stat(2) alone */
    rec->digest[0] = 0;
    CHECK_INT(record_state(rec, now.inst), RECORD_STALE);
    unlink(path);
    plan_now_fini(&now);
}

/* Someone else's rule that would do is no help where another stands before it that does not. */
TEST(someone_elses_that_never_gets_its_turn)
{
    struct plan_now now = {.inst = ns_instance(), .bounded = true};
    struct plan p = {0};
    struct aw_rule rule;
    struct aw_err err = AW_ERR_INIT;
    char text[512];
    const char *theirs = ":plan-m:M::PLANM::/bin/false:F",
               *front = ":front:M::PLAN::/bin/true:", *ours = ":plan-m:M::PLANM::/bin/true:F";
    CHECK_OK(aw_rule_parse(ours, strlen(ours), &rule, NULL, &err), err);
    CHECK_OK(aw_instance_register_text(now.inst, theirs, strlen(theirs), &err), err);
    look(&now);
    install(&p, &now, &rule, false);
    CHECK_STR(said(&p, text), "keep plan-m");
    plan_fini(&p);
    CHECK_OK(aw_instance_register_text(now.inst, front, strlen(front), &err), err);
    look(&now);
    struct plan_want want = {.rule = &rule, .platform = "linux/some"};
    CHECK(!plan_install(&p, &now, &want, &err));
    CHECK_INT(err.code, AW_E_EXIST);
    CHECK_CONTAINS(err.message, "behind rule front");
    CHECK_INT(p.n, 0);
    /* one in front that does the same is as good */
    CHECK_OK(aw_instance_remove(now.inst, "front", &err), err);
    const char *same = ":front:M::PLANM::/bin/true:F";
    CHECK_OK(aw_instance_register_text(now.inst, same, strlen(same), &err), err);
    look(&now);
    install(&p, &now, &rule, false);
    CHECK_STR(said(&p, text), "keep plan-m");
    plan_fini(&p);
    /* but not where it has to be this rule, or ours */
    want.exact = true;
    CHECK(!plan_install(&p, &now, &want, &err));
    CHECK_CONTAINS(err.message, "is another rule");
    want = (struct plan_want){.rule = &rule, .platform = "linux/some", .own = true};
    CHECK(!plan_install(&p, &now, &want, &err));
    CHECK_CONTAINS(err.message, "may go with");
    plan_now_fini(&now);
}

TEST(after_a_failure_records_tell_what_is_there)
{
    struct plan_now now = {.inst = ns_instance(), .bounded = true};
    struct plan p = {0};
    struct aw_rule a, b;
    struct aw_err err = AW_ERR_INIT;
    made_up(&a, "plan-d", "/bin/true");
    const char *path = copy_of_true();
    made_up(&b, "plan-e", path);
    look(&now);
    install(&p, &now, &a, false);
    install(&p, &now, &b, false);
    CHECK(unlink(path) == 0);
    CHECK(!plan_apply(&p, &now, NULL, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    CHECK(p.v[0].done && !p.v[1].done);
    CHECK_INT(now.records.n, 1);
    CHECK_STR(now.records.v[0].name, "plan-d");
    plan_fini(&p);
    /* what a process that died in the middle left */
    struct aw_rule next;
    made_up(&next, "plan-d.next", "/bin/true");
    CHECK_OK(aw_instance_register(now.inst, &next, &err), err);
    look(&now);
    char text[512];
    CHECK_OK(plan_refresh(&p, &now, &now.records.v[0], false, &err), err);
    CHECK(strstr(said(&p, text), "remove plan-d.next") != NULL);
    apply(&p, &now);
    CHECK_INT(now.n, 1);
    plan_now_fini(&now);
}

TEST(a_rule_that_breaks_the_machine)
{
    struct plan_now now = {0};
    struct plan p = {0};
    struct aw_rule rule;
    struct aw_err err = AW_ERR_INIT;
    const char *text = ":bad:M::\\x7fELF::/bin/true:F";
    CHECK_OK(aw_rule_parse(text, strlen(text), &rule, NULL, &err), err);
    struct plan_want want = {.rule = &rule, .platform = "", .force = true};
    CHECK(!plan_install(&p, &now, &want, &err));
    CHECK(strstr(err.message, "host-elf") != NULL);
    CHECK_INT(p.n, 0);
    made_up(&rule, "gone", "/nowhere/at/all");
    CHECK(!plan_install(&p, &now, &want, &err));
    CHECK(strstr(err.message, "interpreter-not-found") != NULL);
    CHECK_INT(p.n, 0);
}

TEST(records_survive_a_file)
{
    struct records r = {0}, back = {0};
    struct aw_err err = AW_ERR_INIT;
    char path[] = "/tmp/archway-records-XXXXXX", file[64];
    CHECK(mkdtemp(path) != NULL);
    snprintf(file, sizeof(file), "%s/deep/rules.json", path);
    struct record rec = {
        .name = strdup("a \"quoted\" one"),
        .platform = strdup("linux/arm64"),
        .text = strdup(":a:M::\\x7f\\\\::/x:"),
        .path = strdup("/x"),
        .file = {.dev = 1, .ino = UINT64_MAX / 4, .size = 3, .mtime_ns = 4, .ctime_ns = 5},
        .digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .entry_ino = 6,
        .entry_ctime_ns = INT64_MAX,
        .persist = true,
    };
    struct record want = rec;
    CHECK_OK(records_put(&r, &rec, &err), err);
    CHECK(rec.name == NULL);
    CHECK_OK(records_save(file, &r, &err), err);
    CHECK_OK(records_load(file, &back, &err), err);
    CHECK_INT(back.n, 1);
    CHECK_STR(back.v[0].name, want.name);
    CHECK_STR(back.v[0].text, want.text);
    CHECK(record_file_same(&back.v[0].file, &want.file));
    CHECK(back.v[0].entry_ctime_ns == INT64_MAX && back.v[0].persist);
    CHECK_STR(back.v[0].digest, want.digest);
    records_drop(&back, want.name);
    CHECK_OK(records_save(file, &back, &err), err);
    CHECK(access(file, F_OK) < 0);
    records_fini(&back);
    CHECK_OK(records_load(file, &back, &err), err);
    CHECK_INT(back.n, 0);

    FILE *f = fopen(file, "w");
    CHECK(f != NULL);
    fputs("{\"format\": 99, \"rules\": []}", f);
    fclose(f);
    CHECK(!records_load(file, &back, &err));
    CHECK_INT(err.code, AW_E_UNSUPPORTED);
    unlink(file);
    strrchr(file, '/')[0] = 0;
    rmdir(file);
    rmdir(path);
    records_fini(&r);
}

TEST(binfmt_d_text_is_what_parses)
{
    struct records r = {0};
    struct aw_err err = AW_ERR_INIT;
    const char *rules[] = {":a:E::aa::/x:", ":b:E::bb::/y:F"};
    for (size_t i = 0; i < 2; i++) {
        struct record rec = {.name = strdup(i ? "b" : "a"),
                             .platform = strdup(""),
                             .text = strdup(rules[i]),
                             .path = strdup("/x"),
                             .persist = i == 1};
        CHECK_OK(records_put(&r, &rec, &err), err);
    }
    char *text = persist_rules_text(&r);
    CHECK(text && text[0] == '#');
    CHECK_STR(strchr(text, '\n') + 1, ":b:E::bb::/y:F\n");
    free(text);
    records_fini(&r);
}

static bool there(const char *path)
{
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Links, unit and rules come and go together; files of others stay. */
TEST(files_that_keep_rules)
{
    char dir[] = "/tmp/archway-plan-XXXXXX", at[4][64];
    struct records r = {0};
    struct aw_err err = AW_ERR_INIT;
    bool changed = false;
    CHECK(mkdtemp(dir));
    static const char *const names[] = {"rules.conf", "some.service", "a.wants/s", "b.wants/s"};
    for (size_t i = 0; i < 4; i++)
        snprintf(at[i], sizeof(at[i]), "%s/%s", dir, names[i]);
    const char *const links[] = {at[2], at[3], NULL};
    char *text = persist_unit_system("/opt/100%/a \"b\" $c/archway");
    CHECK_CONTAINS(text, "\nExecStart=\"/opt/100%%/a \\\"b\\\" $$c/archway\" refresh --force\n");
    struct persist p = {.rules = at[0], .unit = at[1], .links = links, .text = text};
    struct record rec = {.name = strdup("a"),
                         .platform = strdup(""),
                         .text = strdup(":a:E::aa::/x:"),
                         .path = strdup("/x"),
                         .persist = true};
    CHECK_OK(records_put(&r, &rec, &err), err);
    CHECK_OK(persist_sync(&r, &p, &changed, &err), err);
    CHECK(changed && there(at[0]) && there(at[1]) && there(at[2]) && there(at[3]));
    CHECK_OK(persist_sync(&r, &p, &changed, &err), err);
    CHECK(!changed);
    p.text = NULL; /* no unit any more, the rules stay */
    CHECK_OK(persist_sync(&r, &p, &changed, &err), err);
    CHECK(changed && there(at[0]) && !there(at[1]) && !there(at[2]) && !there(at[3]));
    r.v[0].persist = false;
    CHECK_OK(persist_sync(&r, &p, &changed, &err), err);
    CHECK(changed && !there(at[0]));
    /* someone else's file of that name is neither replaced nor removed */
    FILE *f = fopen(at[0], "w");
    fputs(":b:E::bb::/y:\n", f);
    fclose(f);
    CHECK_OK(persist_sync(&r, &p, &changed, &err), err);
    CHECK(!changed && there(at[0]));
    r.v[0].persist = true;
    CHECK(!persist_sync(&r, &p, &changed, &err));
    CHECK_INT(err.code, AW_E_EXIST);
    unlink(at[0]);
    CHECK(rmdir(dir) == 0);
    free(text);
    records_fini(&r);
}

TEST(unit_of_a_podman_user)
{
    char *text = persist_unit_podman("/usr/bin/podman", "/opt/archway", "/home/a b/$x%/rules.json");
    CHECK_CONTAINS(text, "\nConditionPathExists=/home/a b/$x%%/rules.json\n");
    CHECK_CONTAINS(text, "\nEnvironment=\"ARCHWAY_STORAGE=/home/a b/$x%%\"\n");
    CHECK_CONTAINS(text, "\nExecStart=\"/usr/bin/podman\" unshare \"/opt/archway\" refresh\n");
    free(text);
}

TEST(the_host_runs_its_own_guest)
{
    struct aw_err err = AW_ERR_INIT;
    size_t own = 0;
    for (const struct guest *g = guest_table; g->arch; g++) {
        const struct aw_arch *arch = aw_arch_find(g->arch);
        CHECK(arch && guest_find(arch) == g);
        CHECK(aw_arch_find_elf(g->data, g->size) == arch);
        if (!aw_arch_native(arch))
            continue;
        struct guest_result r;
        CHECK_OK(guest_run(g, 10000, &r, &err), err);
        CHECK_INT(r.why, GUEST_WORKS);
        CHECK(r.ran_by.ino != 0 && r.start_us > 0);
        CHECK(digest_valid(r.digest));
        own++;
    }
    CHECK(own > 0);
}

TEST(a_guest_that_does_not_work)
{
    /* exits at once, with 1, without a word */
    static const uint8_t script[] = "#!/bin/false\n";
    static const uint8_t nothing[] = "\177ELF nothing like it";
    static const uint8_t hangs[] = "#!/bin/sh\nexec sleep 5\n";
    const struct guest bad[] = {{"x", script, sizeof(script) - 1},
                                {"x", nothing, sizeof(nothing) - 1},
                                {"x", hangs, sizeof(hangs) - 1}};
    struct guest_result r;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(guest_run(&bad[0], 10000, &r, &err), err);
    CHECK_INT(r.why, GUEST_STATUS);
    CHECK_INT(r.detail, 1);
    CHECK_OK(guest_run(&bad[1], 10000, &r, &err), err);
    CHECK_INT(r.why, GUEST_NOT_EXEC);
    CHECK_INT(r.sys_errno, ENOEXEC);
    CHECK_OK(guest_run(&bad[2], 300, &r, &err), err);
    CHECK(r.why == GUEST_TIMEOUT);
}

TEST_MAIN()
