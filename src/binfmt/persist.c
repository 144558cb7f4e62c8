/* SPDX-License-Identifier: Apache-2.0 */
#include "binfmt/persist.h"

#include "base/buf.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
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

/* It follows restarts of systemd-binfmt, which throws all rules away and registers what it finds;
 * --force, since that made the rules anew and nobody knows from which file. */
static char *unit_text(const char *program)
{
    return str_printf(MARK "[Unit]\n"
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
                           "ExecStart=\"%s\" refresh --force\n"
                           "\n[Install]\n"
                           "WantedBy=multi-user.target\n",
                      program);
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
    return file_mkdirs(AT_FDCWD, dir, 0755, err) &&
           file_replace(AT_FDCWD, path, text, strlen(text), 0644, err);
}

static bool drop(const char *path, bool *changed, struct aw_err *err)
{
    bool same;
    if (whose(path, NULL, &same) != 1)
        return true;
    *changed = true;
    return unlink(path) == 0 || errno == ENOENT || aw_fail(err, AW_E_IO, errno, "remove %s", path);
}

/* What `systemctl enable` does, without a systemd that runs. */
static bool put_link(bool *changed, struct aw_err *err)
{
    char at[256], dir[] = PERSIST_WANTS;
    ssize_t n = readlink(PERSIST_WANTS, at, sizeof(at) - 1);
    if (n > 0 && (at[n] = 0, str_eq(at, PERSIST_UNIT)))
        return true;
    *strrchr(dir, '/') = 0;
    *changed = true;
    if (!file_mkdirs(AT_FDCWD, dir, 0755, err))
        return false;
    unlink(PERSIST_WANTS);
    return symlink(PERSIST_UNIT, PERSIST_WANTS) == 0 ||
           aw_fail(err, AW_E_IO, errno, "link %s", PERSIST_WANTS);
}

static bool drop_link(bool *changed, struct aw_err *err)
{
    char at[256];
    ssize_t n = readlink(PERSIST_WANTS, at, sizeof(at) - 1);
    if (n < 0)
        return true;
    at[n] = 0;
    if (!str_eq(at, PERSIST_UNIT))
        return true;
    *changed = true;
    return unlink(PERSIST_WANTS) == 0 || aw_fail(err, AW_E_IO, errno, "remove %s", PERSIST_WANTS);
}

bool persist_sync(const struct records *r, const char *program, bool *ret_changed,
                  struct aw_err *err)
{
    bool changed = false, ok;
    if (count(r) == 0) {
        ok = drop(PERSIST_RULES, &changed, err) && drop_link(&changed, err) &&
             drop(PERSIST_UNIT, &changed, err);
    } else {
        _cleanup_free_ char *rules = persist_rules_text(r);
        _cleanup_free_ char *unit = program ? unit_text(program) : NULL;
        ok = put(PERSIST_RULES, rules, &changed, err) &&
             (program ? put(PERSIST_UNIT, unit, &changed, err) && put_link(&changed, err)
                      : drop_link(&changed, err) && drop(PERSIST_UNIT, &changed, err));
    }
    if (ret_changed)
        *ret_changed = changed;
    return ok;
}
