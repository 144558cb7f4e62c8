/* SPDX-License-Identifier: Apache-2.0
 *
 * Who could misuse the rules, and what forbids their use.
 *
 * The idea: only settings are read here, nothing is tried. Each of them is one file below a root
 * folder, so that tests can have machines that this one is not.
 *
 * Invariants:
 * 1. Nothing is said about a setting that is not there.
 * 2. In a user namespace its root owns `register`: that others of the namespace could write to it
 *    gives them nothing but that namespace's ids, a warning instead of an error.
 */
#include "binfmt/health_security.h"

#include "base/file.h"
#include "base/util.h"

#include <archway/health.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define USUAL_PATH "/proc/sys/fs/binfmt_misc"

/* ---- who may register -------------------------------------------------------------------------
 */

static void check_writers(struct aw_findings *f, const struct aw_instance *inst, const char *file,
                          bool host)
{
    struct stat st;
    if (fstatat(aw_instance_fd(inst), file, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    /* an outer namespace's files belong to ids that are not mapped here: nothing to tell */
    bool foreign = host && st.st_uid != 0;
    if (!(st.st_mode & 022) && !foreign)
        return;
    char mend[384];
    snprintf(mend, sizeof(mend), "%schmod go-w " USUAL_PATH "/%.200s",
             foreign ? "chown root:root " USUAL_PATH "/* && " : "", file);
    aw_findings_add(f, "register-writable", host ? AW_SEVERITY_ERROR : AW_SEVERITY_WARN, mend,
                    "%.200s of binfmt_misc can be written by others than root (mode %04o, owner "
                    "%u): who writes there decides what runs for any program%s",
                    file, st.st_mode & 07777, st.st_uid,
                    host ? ", also for root's and for setuid ones" : "");
    if (!foreign)
        aw_findings_safe(f, AW_FIX_REGISTER);
}

/* ---- SELinux ----------------------------------------------------------------------------------
 */

/* The type in "user:role:type:level", and whether the level has categories. */
static bool take_context(const char *context, char type[64], bool *ret_categories)
{
    const char *level = NULL;
    char copy[256];
    snprintf(copy, sizeof(copy), "%s", context);
    char *save = NULL, *word = strtok_r(copy, ":", &save);
    for (int i = 0; word && i < 3; i++, word = strtok_r(NULL, ":", &save))
        if (i == 2)
            snprintf(type, 64, "%s", word);
    for (; word; word = strtok_r(NULL, ":", &save))
        level = word; /* "s0", or with categories "s0", "c1,c2" */
    *ret_categories = level && level[0] == 'c';
    return type[0] != 0;
}

bool health_context_runs(const char *context)
{
    static const char *const types[] = {"bin_t", "lib_t", "usr_t", "textrel_shlib_t"};
    char type[64] = "";
    bool categories, good = false;
    if (!take_context(context, type, &categories))
        return true;
    for (size_t i = 0; i < AW_LEN(types); i++)
        good |= str_eq(type, types[i]);
    return (good || str_ends(type, "_exec_t")) && !categories;
}

static void check_context(struct aw_findings *f, const char *root, const struct aw_rule *rule,
                          bool enforcing)
{
    char context[256];
    _cleanup_free_ char *path = str_printf("%s%s", root, rule->interpreter);
    ssize_t n = path ? getxattr(path, "security.selinux", context, sizeof(context) - 1) : -1;
    if (n <= 0)
        return;
    context[n] = 0;
    if (health_context_runs(context))
        return;
    char mend[384];
    snprintf(mend, sizeof(mend),
             "semanage fcontext -a -t bin_t '%.120s' && restorecon -v '%.120s' && archway refresh",
             rule->interpreter, rule->interpreter);
    aw_findings_add(
        f, "selinux-context", enforcing ? AW_SEVERITY_WARN : AW_SEVERITY_NOTE, mend,
        "rule %.100s: SELinux knows its interpreter %.150s as %.80s: containers may not "
        "execute it%s",
        rule->name, rule->interpreter, context,
        enforcing ? "" : " once SELinux enforces its rules");
}

static void check_selinux(struct aw_findings *f, const char *root, const struct aw_entry *entries,
                          size_t n)
{
    _cleanup_free_ char *path = str_printf("%s/sys/fs/selinux/enforce", root);
    _cleanup_free_ char *text = path ? file_load(AT_FDCWD, path, 16, NULL, NULL) : NULL;
    if (!text)
        return;
    bool enforcing = text[0] == '1';
    size_t before = f->n;
    for (size_t i = 0; i < n; i++)
        if (entries[i].known && entries[i].enabled && entries[i].rule.interpreter[0] == '/')
            check_context(f, root, &entries[i].rule, enforcing);
    if (f->n == before)
        aw_findings_add(f, "selinux", AW_SEVERITY_OK, NULL,
                        "SELinux %s, and no interpreter has a label that containers may not "
                        "execute",
                        enforcing ? "enforces its rules" : "is permissive");
}

/* ---- what restricts user namespaces -----------------------------------------------------------
 */

static bool setting(const char *root, const char *name, long *ret)
{
    _cleanup_free_ char *path = str_printf("%s/proc/sys/%s", root, name);
    _cleanup_free_ char *text = path ? file_load(AT_FDCWD, path, 64, NULL, NULL) : NULL;
    char *end = text;
    if (text)
        *ret = strtol(text, &end, 10);
    return text && end != text;
}

/* That the caller could make one does not say that others can: root may, and a profile may allow
 * this program what it forbids podman. */
static void check_restrictions(struct aw_findings *f, const char *root)
{
    static const char kind[] = "userns-restricted";
    long v;
    if (setting(root, "kernel/apparmor_restrict_unprivileged_userns", &v) && v == 1)
        aw_findings_add(f, kind, AW_SEVERITY_WARN,
                        "an AppArmor profile with the rule userns for the programs that need it, "
                        "or: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
                        "AppArmor lets only programs with a profile make user namespaces with "
                        "rights: rootless engines without one fail");
    if (setting(root, "kernel/unprivileged_userns_clone", &v) && v == 0)
        aw_findings_add(f, kind, AW_SEVERITY_WARN, "sysctl -w kernel.unprivileged_userns_clone=1",
                        "only root may make user namespaces: kernel.unprivileged_userns_clone is "
                        "0");
    if (setting(root, "user/max_user_namespaces", &v) && v < 100)
        aw_findings_add(f, kind, v == 0 ? AW_SEVERITY_ERROR : AW_SEVERITY_WARN,
                        "sysctl -w user.max_user_namespaces=15000",
                        v == 0 ? "nobody may make user namespaces: user.max_user_namespaces is 0"
                               : "a user may make %ld user namespaces only: "
                                 "user.max_user_namespaces (a container takes two)",
                        v);
    if (setting(root, "kernel/apparmor_restrict_unprivileged_unconfined", &v) && v == 1)
        aw_findings_add(f, kind, AW_SEVERITY_NOTE, NULL,
                        "AppArmor: kernel.apparmor_restrict_unprivileged_unconfined is 1: a "
                        "program cannot take another one's profile to make user namespaces");
}

static void check_limit(struct aw_findings *f, const char *root, const struct aw_entry *entries,
                        size_t n)
{
    long limit, held = 0;
    if (!setting(root, "user/max_binfmt_misc_interpreters", &limit))
        return;
    for (size_t i = 0; i < n; i++)
        held += (entries[i].rule.flags & AW_RULE_F) != 0;
    if (held + 2 > limit)
        aw_findings_add(f, "interpreter-limit", AW_SEVERITY_WARN,
                        "sysctl -w user.max_binfmt_misc_interpreters=1024",
                        "%ld interpreters are held (flag F), %ld may be: new rules and refresh "
                        "fail",
                        held, limit);
}

void aw_health_security(struct aw_findings *f, const char *root, const struct aw_instance *inst,
                        const struct aw_entry *entries, size_t n)
{
    bool host = aw_instance_in_initial_ns();
    if (inst) {
        check_writers(f, inst, "register", host);
        check_writers(f, inst, "status", host);
    }
    check_selinux(f, root, entries, n);
    check_restrictions(f, root);
    check_limit(f, root, entries, n);
}
