/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that keep rules over restarts.
 *
 * The idea: they are computed from the records as a whole, compared with what is there, and written
 * only where they differ, so that the caller knows whether systemd has to be told.
 *
 * Invariants:
 * 1. A file is replaced or removed only if its first line is ours, a link only if it leads to our
 *    unit.
 * 2. Text from outside (paths) is escaped for where it stands.
 *
 * Left out: which paths, and whether there is a systemd: cli's part.
 */
#include "binfmt/persist.h"

#include "base/buf.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

/* The first line of every file that is ours: what lacks it is never touched. */
#define MARK "# Written by archway install; removed by archway uninstall. Changes are lost.\n"

static size_t count(const struct records *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += r->v[i].persist;
    return n;
}

char *persist_rules_text(const struct records *r)
{
    struct buf b = {0};
    buf_adds(&b, MARK);
    for (size_t i = 0; i < r->n; i++)
        if (r->v[i].persist)
            buf_addf(&b, "%s\n", r->v[i].text);
    char *text = buf_steal(&b);
    buf_fini(&b);
    return text;
}

/* Text for a unit file, with these characters doubled (% begins a specifier everywhere, $ a
 * variable in commands) and in quotes if quote. Fresh memory, or NULL. */
static char *escaped(const char *text, const char *doubled, bool quote)
{
    struct buf b = {0};
    if (quote)
        buf_addc(&b, '"');
    for (; *text; text++) {
        if (strchr(doubled, *text))
            buf_addc(&b, *text);
        else if (quote && (*text == '"' || *text == '\\'))
            buf_addc(&b, '\\');
        buf_addc(&b, *text);
    }
    if (quote)
        buf_addc(&b, '"');
    char *copy = buf_steal(&b);
    buf_fini(&b);
    return copy;
}

/* It follows restarts of systemd-binfmt, which throws all rules away and registers what it finds;
 * --force, since that made the rules anew and nobody knows from which file. */
char *persist_unit_system(const char *program)
{
    _cleanup_free_ char *word = escaped(program, "%$", true);
    return !word ? NULL
                 : str_printf(MARK "[Unit]\n"
                                   "Description=Register the interpreters of foreign programs\n"
                                   "Documentation=man:archway-install(1) man:archway-refresh(1)\n"
                                   "DefaultDependencies=no\n"
                                   "After=local-fs.target proc-sys-fs-binfmt_misc.automount "
                                   "proc-sys-fs-binfmt_misc.mount systemd-binfmt.service\n"
                                   "PartOf=systemd-binfmt.service\n"
                                   "Conflicts=shutdown.target\n"
                                   "Before=shutdown.target\n"
                                   "ConditionPathExists=" RECORD_HOST_FILE "\n"
                                   "\n[Service]\n"
                                   "Type=oneshot\n"
                                   "RemainAfterExit=yes\n"
                                   "ExecStart=%s refresh --force\n"
                                   "\n[Install]\n"
                                   "WantedBy=multi-user.target systemd-binfmt.service\n",
                              word);
}

/* Podman's pause process, which keeps the namespace, stays in the unit's control group where Podman
 * could not give it one of its own: hence RemainAfterExit. */
char *persist_unit_podman(const char *podman, const char *program, const char *file)
{
    const char *slash = strrchr(file, '/');
    _cleanup_free_ char *by = escaped(podman, "%$", true);
    _cleanup_free_ char *word = escaped(program, "%$", true);
    _cleanup_free_ char *condition = escaped(file, "%", false);
    _cleanup_free_ char *storage = strndup(file, slash ? (size_t)(slash - file) : 0);
    _cleanup_free_ char *variable = storage ? str_printf("ARCHWAY_STORAGE=%s", storage) : NULL;
    _cleanup_free_ char *setting = variable ? escaped(variable, "%", true) : NULL;
    return !by || !word || !setting || !condition
               ? NULL
               : str_printf(MARK "[Unit]\n"
                                 "Description=Register the interpreters of foreign programs for "
                                 "rootless Podman\n"
                                 "Documentation=man:archway-install(1) man:archway-refresh(1)\n"
                                 "ConditionPathExists=%s\n"
                                 "\n[Service]\n"
                                 "Type=oneshot\n"
                                 "RemainAfterExit=yes\n"
                                 "Environment=%s\n"
                                 "ExecStart=%s unshare %s refresh\n"
                                 "\n[Install]\n"
                                 "WantedBy=default.target\n",
                            condition, setting, by, word);
}

/* 1: it is ours, 0: not there, -1: someone else's (or unreadable). *ret_same: it has that text. */
static int whose(const char *path, const char *text, bool *ret_same)
{
    struct aw_err why = AW_ERR_INIT;
    _cleanup_free_ char *old = file_load(AT_FDCWD, path, 1 << 20, NULL, &why);
    *ret_same = old && text && str_eq(old, text);
    if (!old)
        return why.code == AW_E_NOTFOUND ? 0 : -1;
    return str_starts(old, MARK) ? 1 : -1;
}

static bool put(const char *path, const char *text, bool *changed, struct aw_err *err)
{
    bool same;
    if (!text)
        return aw_fail(err, AW_E_NOMEM, 0, "%s: no memory", path);
    if (whose(path, text, &same) < 0) {
        aw_fail(err, AW_E_EXIST, 0, "%s is there already and is not Archway's", path);
        return aw_mend(err, "move it away, or archway install --persist=false");
    }
    if (same)
        return true;
    *changed = true;
    _cleanup_free_ char *dir = strdup(path);
    if (!dir)
        return aw_fail(err, AW_E_NOMEM, 0, "%s: no memory", path);
    *strrchr(dir, '/') = 0;
    return file_mkdirs(AT_FDCWD, dir, 0755, err) && file_replace_alone(path, text, 0644, err);
}

static bool drop(const char *path, bool *changed, struct aw_err *err)
{
    bool same;
    int owner = whose(path, NULL, &same);
    if (owner < 0)
        return true;
    *changed |= owner > 0;
    return file_remove_alone(path, err);
}

/* What `systemctl enable` does, without a systemd that runs. */
static bool put_link(const char *path, const char *unit, bool *changed, struct aw_err *err)
{
    char at[PATH_MAX];
    ssize_t n = readlink(path, at, sizeof(at) - 1);
    if (n > 0 && (at[n] = 0, str_eq(at, unit)))
        return true;
    _cleanup_free_ char *dir = strdup(path);
    if (!dir)
        return aw_fail(err, AW_E_NOMEM, 0, "%s: no memory", path);
    *strrchr(dir, '/') = 0;
    *changed = true;
    if (!file_mkdirs(AT_FDCWD, dir, 0755, err))
        return false;
    unlink(path);
    return symlink(unit, path) == 0 || aw_fail(err, AW_E_IO, errno, "link %s", path);
}

static bool drop_link(const char *path, const char *unit, bool *changed, struct aw_err *err)
{
    char at[PATH_MAX];
    ssize_t n = readlink(path, at, sizeof(at) - 1);
    if (n < 0)
        return true;
    at[n] = 0;
    if (!str_eq(at, unit))
        return true;
    *changed = true;
    if (unlink(path) < 0)
        return aw_fail(err, AW_E_IO, errno, "remove %s", path);
    /* a folder of links has no other use; one that is not empty stays */
    _cleanup_free_ char *dir = strdup(path);
    if (dir) {
        *strrchr(dir, '/') = 0;
        rmdir(dir);
    }
    return true;
}

static bool sync_unit(const struct persist *p, bool wanted, bool *changed, struct aw_err *err)
{
    wanted = wanted && p->text;
    if (wanted && !put(p->unit, p->text, changed, err))
        return false;
    for (const char *const *l = p->links; *l; l++)
        if (!(wanted ? put_link(*l, p->unit, changed, err) : drop_link(*l, p->unit, changed, err)))
            return false;
    return wanted || drop(p->unit, changed, err);
}

bool persist_sync(const struct records *r, const struct persist *p, bool *ret_changed,
                  struct aw_err *err)
{
    bool changed = false, wanted = count(r) > 0, ok = true;
    if (p->rules && wanted) {
        _cleanup_free_ char *rules = persist_rules_text(r);
        ok = put(p->rules, rules, &changed, err);
    } else if (p->rules) {
        ok = drop(p->rules, &changed, err);
    }
    ok = ok && sync_unit(p, wanted, &changed, err);
    if (ret_changed)
        *ret_changed = changed;
    return ok;
}
