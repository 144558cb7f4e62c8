/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking for what is wrong with binfmt_misc on this machine.
 *
 * The idea: one function a subject, each adds what it finds to one list: also what is good, so that
 * silence never has to be interpreted. What can be tried is tried (a user namespace is made); the
 * settings that are known to forbid it are only read to tell why.
 *
 * Invariants:
 * 1. Nothing is changed: the tries happen in a child that ends.
 * 2. A command that mends uses no program where programs may not start any more: echo is the
 *    shell's own.
 * 3. In a user namespace flag C is bounded by its id map, and files of outer users seem to belong
 * to nobody: what lint says about credentials counts on the host only.
 */
#include "binfmt/probe.h"

#include "base/file.h"
#include "base/util.h"

#include <archway/health.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define USUAL_PATH "/proc/sys/fs/binfmt_misc"

void aw_findings_add(struct aw_findings *f, const char *kind, enum aw_severity severity,
                     const char *mend, const char *fmt, ...)
{
    struct aw_finding *more = reallocarray(f->v, f->n + 1, sizeof(*more));
    f->bad |= !more;
    if (!more)
        return;
    f->v = more;
    struct aw_finding *x = &f->v[f->n++];
    x->kind = kind;
    x->fix = AW_FIX_NONE;
    x->severity = severity;
    snprintf(x->mend, sizeof(x->mend), "%s", mend ? mend : "");
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(x->message, sizeof(x->message), fmt, ap);
    va_end(ap);
}

void aw_findings_safe(struct aw_findings *f, enum aw_fix fix)
{
    if (f->n && !f->bad)
        f->v[f->n - 1].fix = fix;
}

void aw_findings_fini(struct aw_findings *f)
{
    free(f->v);
    memset(f, 0, sizeof(*f));
}

const char *aw_severity_name(enum aw_severity severity)
{
    static const char *const names[] = {"ok", "note", "warn", "error"};
    return (size_t)severity < AW_LEN(names) ? names[severity] : "error";
}

/* ---- kernel -----------------------------------------------------------------------------------
 */

static void check_version(struct aw_findings *f)
{
    struct utsname u;
    int major = 0, minor = 0;
    if (uname(&u) != 0 || sscanf(u.release, "%d.%d", &major, &minor) != 2)
        return;
    int version = major * 1000 + minor;
    if (version < 4008)
        aw_findings_add(f, "kernel", AW_SEVERITY_ERROR, "upgrade the kernel",
                        "Linux %s: no flag F (Linux 4.8): every container needs the interpreter",
                        u.release);
    else if (version < 6007)
        aw_findings_add(f, "kernel", AW_SEVERITY_WARN,
                        "upgrade to Linux 6.7, or have root run: archway install",
                        "Linux %s: user namespaces cannot have rules of their own (Linux 6.7): "
                        "containers depend on the host's",
                        u.release);
    else
        aw_findings_add(
            f, "kernel", AW_SEVERITY_OK, NULL, "Linux %s: rules for each user namespace%s",
            u.release,
            aw_kernel_has_flag(AW_RULE_T) == AW_YES ? ", transparent interpreters (flag T)" : "");
}

/* The file system that is mounted at the usual place, topmost last; "" if none. *ret_ro: its mount
 * is read-only. */
static void find_mount(char ret[32], bool *ret_ro)
{
    size_t size = 0;
    _cleanup_free_ char *line = NULL;
    _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
    ret[0] = 0;
    *ret_ro = false;
    while (f && getline(&line, &size, f) > 0) {
        char point[256], options[256], kind[32];
        const char *tail = strstr(line, " - ");
        if (!tail || sscanf(line, "%*s %*s %*s %*s %255s %255s", point, options) != 2 ||
            !str_eq(point, USUAL_PATH) || sscanf(tail, " - %31s", kind) != 1)
            continue;
        snprintf(ret, 32, "%s", kind);
        *ret_ro = str_eq(options, "ro") || str_starts(options, "ro,");
    }
}

/* Perhaps somebody switched all off because of a rule that takes every program. */
static bool captures_native(struct aw_instance *inst)
{
    struct aw_entry *entries = NULL;
    struct aw_survey_row *rows = NULL;
    size_t n = 0;
    bool found =
        !aw_instance_list(inst, &entries, &n, NULL) || !aw_survey(entries, n, false, &rows, NULL);
    for (size_t i = 0; i < n && !found; i++)
        found = entries[i].enabled && (rows[i].native || !entries[i].known);
    free(entries);
    free(rows);
    return found;
}

static void check_mount(struct aw_findings *f)
{
    char kind[32];
    bool read_only, enabled = true;
    find_mount(kind, &read_only);
    struct aw_err err = AW_ERR_INIT;
    /* opening it triggers an automount */
    struct aw_instance *inst = aw_instance_open_host(&err);
    if (!inst) {
        /* archway run makes its own instance, so this is bad only where it cannot */
        bool own = aw_instance_kernel_has_own();
        aw_findings_add(f, "mount", own ? AW_SEVERITY_NOTE : AW_SEVERITY_ERROR, err.mend,
                        "%s%s: programs of other platforms run in archway's containers only",
                        err.message,
                        str_eq(kind, "autofs") ? ", although there is an automount" : "");
        /* in a user namespace it would hide the outer rules, for good */
        if (err.code == AW_E_NOTFOUND && aw_instance_in_initial_ns())
            aw_findings_safe(f, AW_FIX_MOUNT);
        return;
    }
    bool told = aw_instance_status(inst, &enabled, &err);
    if (told && !enabled) {
        aw_findings_add(f, "switched-off", AW_SEVERITY_ERROR, "echo 1 > " USUAL_PATH "/status",
                        "binfmt_misc is switched off: no rule counts");
        if (!captures_native(inst))
            aw_findings_safe(f, AW_FIX_SWITCH);
    }
    aw_instance_close(inst);
    if (read_only)
        aw_findings_add(f, "mount", AW_SEVERITY_NOTE, "mount -o remount,rw " USUAL_PATH,
                        "binfmt_misc is mounted read-only: rules count, but cannot be changed");
    else
        aw_findings_add(f, "mount", AW_SEVERITY_OK, NULL, "binfmt_misc is mounted%s",
                        str_eq(kind, "autofs") ? " (by an automount, just now)" : "");
}

void aw_health_kernel(struct aw_findings *f)
{
    check_version(f);
    check_mount(f);
}

/* ---- user namespaces --------------------------------------------------------------------------
 */

/* A number from a file of /proc/sys; -1: there is none. */
static long setting(const char *path)
{
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, 64, NULL, NULL);
    return text ? strtol(text, NULL, 10) : -1;
}

enum try { TRY_GOOD, TRY_NO_NAMESPACE, TRY_NO_MAP, TRY_NO_INSTANCE };

static enum try try_here(uid_t uid, gid_t gid)
{
    struct aw_err err = AW_ERR_INIT;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return TRY_NO_NAMESPACE;
    if (!probe_map_root(uid, gid))
        return TRY_NO_MAP;
    struct aw_instance *inst = aw_instance_open_new(&err);
    aw_instance_close(inst);
    return inst ? TRY_GOOD : TRY_NO_INSTANCE;
}

static enum try try_namespace(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(try_here(uid, gid));
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) ? (enum try)WEXITSTATUS(status) : TRY_NO_NAMESPACE;
}

static void explain_no_namespace(struct aw_findings *f)
{
    const char *kind = "user-namespaces";
    if (setting("/proc/sys/user/max_user_namespaces") == 0)
        aw_findings_add(f, kind, AW_SEVERITY_ERROR, "sysctl -w user.max_user_namespaces=15000",
                        "user namespaces are forbidden: user.max_user_namespaces is 0");
    else if (setting("/proc/sys/kernel/unprivileged_userns_clone") == 0)
        aw_findings_add(f, kind, AW_SEVERITY_ERROR, "sysctl -w kernel.unprivileged_userns_clone=1",
                        "only root may make user namespaces: kernel.unprivileged_userns_clone is "
                        "0");
    else if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
        aw_findings_add(f, kind, AW_SEVERITY_ERROR,
                        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor "
                        "profile with the rule userns",
                        "AppArmor restricts user namespaces: "
                        "kernel.apparmor_restrict_unprivileged_userns is 1");
    else
        aw_findings_add(f, kind, AW_SEVERITY_ERROR, NULL,
                        "user namespaces cannot be made here: a system call filter, a limit or a "
                        "kernel without them");
}

void aw_health_namespaces(struct aw_findings *f)
{
    switch (try_namespace()) {
    case TRY_GOOD:
        aw_findings_add(f, "user-namespaces", AW_SEVERITY_OK, NULL,
                        "user namespaces can be made, with rules of their own");
        break;
    case TRY_NO_INSTANCE:
        aw_findings_add(f, "user-namespaces", AW_SEVERITY_WARN,
                        "have root run: archway install (and modprobe binfmt_misc)",
                        "user namespaces can be made, but have no rules of their own: containers "
                        "depend on the host's");
        break;
    case TRY_NO_NAMESPACE:
    case TRY_NO_MAP:
        explain_no_namespace(f);
        break;
    }
}

/* ---- rules ------------------------------------------------------------------------------------
 */

/* Does this finding of lint count here? */
static bool counts(const struct aw_lint *l, const struct aw_survey_row *row)
{
    switch (l->kind) {
    case AW_LINT_NOT_FOUND:
    case AW_LINT_NOT_EXECUTABLE:
        return !row->held;
    default:
        return l->severity >= AW_LINT_WARN;
    }
}

static void mend_rule(const struct aw_rule *r, enum aw_lint_kind kind, char *ret, size_t size)
{
    switch (kind) {
    case AW_LINT_CREDENTIALS_OWNER:
        snprintf(ret, size,
                 "chown root:root %.120s; chmod go-w %.120s; and so the folders on the "
                 "way to it",
                 r->interpreter, r->interpreter);
        break;
    case AW_LINT_DYNAMIC:
    case AW_LINT_SCRIPT_INTERPRETER:
        snprintf(ret, size, "register a statically linked interpreter (Debian: qemu-user-static)");
        break;
    case AW_LINT_CREDENTIALS:
        snprintf(ret, size, "register rule %.100s again without C, if no setuid program needs it",
                 r->name);
        break;
    case AW_LINT_NOT_FOUND:
        snprintf(ret, size, "install %.150s, or: echo -1 > " USUAL_PATH "/%.100s", r->interpreter,
                 r->name);
        break;
    case AW_LINT_NOT_EXECUTABLE:
        snprintf(ret, size, "chmod +x %.200s", r->interpreter);
        break;
    case AW_LINT_RELATIVE:
        snprintf(ret, size, "register rule %.100s again with an absolute path", r->name);
        break;
    default:
        snprintf(ret, size, "echo -1 > " USUAL_PATH "/%.200s", r->name);
    }
}

static void check_rule(struct aw_findings *f, const struct aw_rule *r,
                       const struct aw_survey_row *row)
{
    struct aw_lint lint[AW_LINT_MAX];
    size_t n = aw_rule_lint(r, true, lint);
    for (size_t i = 0; i < n; i++) {
        char mend[384];
        if (!counts(&lint[i], row))
            continue;
        mend_rule(r, lint[i].kind, mend, sizeof(mend));
        aw_findings_add(f, aw_lint_name(lint[i].kind),
                        lint[i].severity == AW_LINT_REFUSE ? AW_SEVERITY_ERROR : AW_SEVERITY_WARN,
                        mend, "rule %.150s: %s", r->name, lint[i].message);
    }
}

/* The same fault of many rules (a dynamic interpreter for thirty platforms) is told once a rule;
 * what is good is told in one line for all. */
void aw_health_rules(struct aw_findings *f, const struct aw_entry *entries,
                     const struct aw_survey_row *rows, size_t n)
{
    size_t before = f->n, foreign = 0;
    for (size_t i = 0; i < n; i++) {
        const struct aw_entry *e = &entries[i];
        if (!e->known)
            aw_findings_add(f, "rule-unknown", AW_SEVERITY_NOTE, NULL,
                            "rule %.150s is of a kind that this version does not know",
                            e->rule.name);
        if (!e->known || !e->enabled)
            continue;
        foreign += rows[i].archs != 0 && !rows[i].native;
        check_rule(f, &e->rule, &rows[i]);
        if (rows[i].shadowed_by != AW_SURVEY_NONE) {
            char mend[384];
            snprintf(mend, sizeof(mend), "echo -1 > " USUAL_PATH "/%.200s", e->rule.name);
            aw_findings_add(f, "shadowed", AW_SEVERITY_NOTE, mend,
                            "rule %.150s never gets its turn: %.150s matches all that it does",
                            e->rule.name, entries[rows[i].shadowed_by].rule.name);
        }
    }
    if (f->n == before)
        aw_findings_add(f, "rules", foreign ? AW_SEVERITY_OK : AW_SEVERITY_NOTE, NULL,
                        "%zu rule%s, %zu of them for programs of other platforms", n,
                        n == 1 ? "" : "s", foreign);
}
