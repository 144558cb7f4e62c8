/* SPDX-License-Identifier: Apache-2.0
 *
 * What aw_health_files and aw_health_security say of machines that are folders here.
 */
#include "test.h"

#include "base/buf.h"
#include "base/file.h"
#include "binfmt/health_security.h"

#include <archway/health.h>

#include <fcntl.h>
#include <sys/xattr.h>

static char root[64];

static void make_root(void)
{
    strcpy(root, "/tmp/archway-health-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
}

static void drop_root(void)
{
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(file_remove_tree(AT_FDCWD, root, &err), err);
}

static void put(const char *name, const char *text)
{
    struct aw_err err = AW_ERR_INIT;
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    CHECK_OK(file_mkdirs(AT_FDCWD, path, 0755, &err), err);
    *slash = '/';
    CHECK_OK(file_swap(AT_FDCWD, path, text, strlen(text), 0644, &err), err);
}

static const struct aw_finding *find(const struct aw_findings *f, const char *kind)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->v[i].kind, kind))
            return &f->v[i];
    return NULL;
}

/* Of that kind, in that severity, with these words; the others are printed. */
static void want(const struct aw_findings *f, const char *kind, enum aw_severity severity,
                 const char *words, const char *mend)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->v[i].kind, kind) && strstr(f->v[i].message, words) &&
            strstr(f->v[i].mend, mend)) {
            CHECK_INT(f->v[i].severity, severity);
            return;
        }
    for (size_t i = 0; i < f->n; i++)
        printf("# have %s: %s (%s)\n", f->v[i].kind, f->v[i].message, f->v[i].mend);
    TEST_FAIL("no %s with \"%s\" and \"%s\"", kind, words, mend);
}

static void files(struct aw_findings *f, const char *registered)
{
    struct aw_entry e = {.known = true, .enabled = true};
    struct aw_err err = AW_ERR_INIT;
    aw_findings_fini(f);
    if (registered)
        CHECK_OK(aw_rule_parse(registered, strlen(registered), &e.rule, NULL, &err), err);
    aw_health_files(f, root, &e, registered ? 1 : 0);
    CHECK(!f->bad);
}

TEST(files_in_order)
{
    struct aw_findings f = {0};
    make_root();
    files(&f, NULL);
    want(&f, "binfmt.d", AW_SEVERITY_OK, "0 rules", "");
    put("usr/lib/binfmt.d/a.conf", "# none\n:a:M::AAB::/x/a:\n");
    put("etc/binfmt.d/b.conf", ":b:M::BB::/x/b:\n");
    files(&f, ":a:M::AAB::/x/a:");
    CHECK_INT(f.n, 1);
    want(&f, "binfmt.d", AW_SEVERITY_OK, "2 rules", "");
    drop_root();
    aw_findings_fini(&f);
}

TEST(files_that_contradict)
{
    struct aw_findings f = {0};
    make_root();
    put("usr/lib/binfmt.d/a.conf", ":a:M::AAB::/x/a:\n");
    put("usr/lib/binfmt.d/b.conf", "\n:wide:M::AA::/x/b:F\n:short:M::A:\n");
    put("run/binfmt.d/c.conf", ":a:M::AAC::/x/c:\n");
    put("usr/lib/binfmt.d/c.conf", ":other:M::ZZ::/x/z:\n");
    put("etc/binfmt.d/elf.conf", ":elf:M::\\x7fELF::/x/z:\n");
    files(&f, ":a:M::AAB::/elsewhere:P");
    want(&f, "binfmt.d-invalid", AW_SEVERITY_WARN, "/usr/lib/binfmt.d/b.conf:3: rule, column",
         "archway lint");
    want(&f, "binfmt.d-twice", AW_SEVERITY_WARN, "/run/binfmt.d/c.conf:1",
         "ln -s /dev/null /etc/binfmt.d/c.conf");
    want(&f, "binfmt.d-shadows", AW_SEVERITY_NOTE, "rule wide matches all that a ", "");
    want(&f, "binfmt.d-masked", AW_SEVERITY_NOTE, "/usr/lib/binfmt.d/c.conf", "");
    want(&f, "binfmt.d-host-elf", AW_SEVERITY_ERROR, "rule elf", "before the machine restarts");
    want(&f, "binfmt.d-differs", AW_SEVERITY_NOTE, "interpreter /elsewhere", "archway import");
    for (size_t i = 0; i < f.n; i++) /* once: who comes second is not what will count */
        CHECK(!str_eq(f.v[i].kind, "binfmt.d-differs") || !strstr(f.v[i].message, "c.conf"));
    drop_root();
    aw_findings_fini(&f);
}

TEST(a_file_masked_by_nothing)
{
    struct aw_findings f = {0};
    char link[128];
    make_root();
    put("usr/lib/binfmt.d/a.conf", ":a:M::AAB::/x/a:\n");
    put("etc/binfmt.d/z.conf", ":a:M::AAB::/x/z:\n");
    snprintf(link, sizeof(link), "%s/etc/binfmt.d/a.conf", root);
    CHECK(symlink("/dev/null", link) == 0);
    files(&f, NULL);
    CHECK(!find(&f, "binfmt.d-twice"));
    want(&f, "binfmt.d-masked", AW_SEVERITY_NOTE, "/usr/lib/binfmt.d/a.conf", "");
    drop_root();
    aw_findings_fini(&f);
}

TEST(update_binfmts_database)
{
    struct aw_findings f = {0};
    make_root();
    put("usr/lib/binfmt.d/a.conf", ":a:M::AAB::/x/a:\n:c:M::CC::/x/c:\n");
    put("var/lib/binfmts/a", "p\nmagic\n0\nAAB\n\n/x/other\n\n\n\n\n");
    put("var/lib/binfmts/c", "p\nmagic\n0\nCC\n\n/x/other\n/x/detector\n\n\n\n");
    files(&f, ":c:M::CC::/usr/lib/binfmt-support/run-detectors:");
    want(&f, "binfmt.d-contradicts", AW_SEVERITY_NOTE, "rule a:", "update-binfmts --remove a ");
    for (size_t i = 0; i < f.n; i++)
        CHECK(!str_eq(f.v[i].kind, "binfmt.d-contradicts") || !strstr(f.v[i].message, "rule c:"));
    drop_root();
    aw_findings_fini(&f);
}

TEST(selinux_contexts)
{
    static const char *const good[] = {"system_u:object_r:bin_t:s0", "system_u:object_r:lib_t",
                                       "unconfined_u:object_r:qemu_exec_t:s0", "strange"};
    static const char *const bad[] = {
        "system_u:object_r:container_file_t:s0:c12,c34", "unconfined_u:object_r:user_home_t:s0",
        "system_u:object_r:bin_t:s0:c1,c2", "system_u:object_r:default_t:s0",
        "system_u:object_r:unlabeled_t:s0"};
    for (size_t i = 0; i < AW_LEN(good); i++)
        if (!health_context_runs(good[i]))
            TEST_FAIL("%s is fine", good[i]);
    for (size_t i = 0; i < AW_LEN(bad); i++)
        if (health_context_runs(bad[i]))
            TEST_FAIL("%s is not", bad[i]);
}

static void security(struct aw_findings *f, const struct aw_entry *e, size_t n)
{
    aw_findings_fini(f);
    aw_health_security(f, root, NULL, e, n);
    CHECK(!f->bad);
}

TEST(restrictions)
{
    struct aw_findings f = {0};
    static struct aw_entry e[3];
    make_root();
    security(&f, NULL, 0);
    CHECK_INT(f.n, 0);
    put("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
    put("proc/sys/kernel/unprivileged_userns_clone", "0\n");
    put("proc/sys/user/max_user_namespaces", "7\n");
    security(&f, NULL, 0);
    want(&f, "userns-restricted", AW_SEVERITY_WARN, "AppArmor lets only", "profile");
    want(&f, "userns-restricted", AW_SEVERITY_WARN, "only root", "userns_clone=1");
    want(&f, "userns-restricted", AW_SEVERITY_WARN, "7 user namespaces", "max_user_namespaces=");
    put("proc/sys/user/max_user_namespaces", "0\n");
    security(&f, NULL, 0);
    want(&f, "userns-restricted", AW_SEVERITY_ERROR, "nobody", "max_user_namespaces=");
    put("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0\n");
    put("proc/sys/kernel/unprivileged_userns_clone", "1\n");
    put("proc/sys/user/max_user_namespaces", "60000\n");
    put("proc/sys/user/max_binfmt_misc_interpreters", "4\n");
    for (size_t i = 0; i < AW_LEN(e); i++)
        e[i].rule.flags = AW_RULE_F;
    security(&f, e, 2);
    CHECK_INT(f.n, 0);
    security(&f, e, 3);
    want(&f, "interpreter-limit", AW_SEVERITY_WARN, "3 interpreters are held", "sysctl");
    drop_root();
    aw_findings_fini(&f);
}

TEST(selinux)
{
    struct aw_findings f = {0};
    static struct aw_entry e = {.known = true, .enabled = true};
    static const char context[] = "system_u:object_r:container_file_t:s0:c1,c2";
    char path[128];
    make_root();
    put("sys/fs/selinux/enforce", "1");
    put("usr/bin/emulator", "x");
    strcpy(e.rule.name, "rule");
    strcpy(e.rule.interpreter, "/usr/bin/emulator");
    security(&f, &e, 1);
    want(&f, "selinux", AW_SEVERITY_OK, "enforces", "");
    snprintf(path, sizeof(path), "%s/usr/bin/emulator", root);
    bool labelled = setxattr(path, "security.selinux", context, sizeof(context), 0) == 0;
    security(&f, &e, 1);
    if (labelled) {
        want(&f, "selinux-context", AW_SEVERITY_WARN, "container_file_t:s0:c1,c2", "restorecon");
        put("sys/fs/selinux/enforce", "0");
        security(&f, &e, 1);
        want(&f, "selinux-context", AW_SEVERITY_NOTE, "once SELinux", "bin_t");
    }
    drop_root();
    aw_findings_fini(&f);
    if (!labelled)
        TEST_SKIP("no labels without root");
}

TEST_MAIN()
