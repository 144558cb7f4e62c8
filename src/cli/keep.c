/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over restarts.
 *
 * The idea: a system gets a binfmt.d file, which whoever reads it at boot registers from, and a
 * unit that repairs the rules after systemd-binfmt, which throws all away first. For a user of
 * rootless Podman a unit of his own goes into Podman's namespace at login and registers what the
 * records tell. Where there is no systemd the caller hears what to run at boot.
 *
 * Invariants:
 * 1. The system's unit never starts a program that others than root can change.
 * 2. Nothing is started here but systemctl.
 */
#include "cli/keep.h"

#include "base/spawn.h"
#include "binfmt/persist.h"

#include <limits.h>
#include <sys/stat.h>

static bool any_kept(const struct records *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->v[i].persist)
            return true;
    return false;
}

/* A systemd that runs has to be told of new unit files, and that a unit is no more; elsewhere there
 * is nobody to tell. */
static void tell_systemd(struct cli *c, bool kept)
{
    const char *const stop[] = {"systemctl", "stop", PERSIST_NAME, NULL};
    const char *const reload[] = {"systemctl", "daemon-reload", NULL};
    if (access("/run/systemd/system", F_OK) < 0)
        return;
    for (int i = kept; i < 2; i++) {
        struct spawn s = {.argv = i ? reload : stop, .timeout_ms = 20000};
        struct spawn_result result = {0};
        struct aw_err why = AW_ERR_INIT;
        /* a unit that systemd never read cannot be stopped, and need not be */
        if (!spawn_check(&s, &result, &why) && i > 0)
            aw_log(&c->log, AW_LOG_WARN, "systemctl daemon-reload: %s", why.message);
        spawn_result_fini(&result);
    }
}

static bool has_systemd(void)
{
    static const char *const signs[] = {"/run/systemd/system", "/usr/lib/systemd/systemd",
                                        "/lib/systemd/systemd"};
    for (size_t i = 0; i < AW_LEN(signs); i++)
        if (access(signs[i], F_OK) == 0)
            return true;
    return false;
}

#define OVERFLOW_ID 65534 /* stands for ids that are not mapped */

static bool root_only(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return false;
    /* nobody within a user namespace can write what belongs to the host's root outside */
    if (st.st_uid == OVERFLOW_ID && !aw_instance_in_initial_ns())
        st.st_uid = 0;
    /* in a sticky folder (/tmp) others make files, but leave root's alone */
    return st.st_uid == 0 &&
           (!(st.st_mode & 022) || (S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX)));
}

/* Can others than root change what this absolute path leads to? */
static bool others_write(const char *path)
{
    char part[PATH_MAX];
    snprintf(part, sizeof(part), "%s", path);
    bool safe = root_only("/") && root_only(part);
    for (char *slash = strrchr(part, '/'); safe && slash && slash != part;
         slash = strrchr(part, '/')) {
        *slash = 0;
        safe = root_only(part);
    }
    return !safe;
}

/* The unit's text in fresh memory; NULL: there shall be none, and the caller was told why. */
static char *system_unit(struct cli *c)
{
    _cleanup_free_ char *program = realpath("/proc/self/exe", NULL);
    if (!has_systemd()) {
        aw_log(&c->log, AW_LOG_NOTE,
               "there is no systemd here: have `%s refresh --force` run at boot "
               "(archway help install tells how)",
               program ? program : "archway");
        return NULL;
    }
    if (program && !others_write(program))
        return persist_unit_system(program);
    aw_log(&c->log, AW_LOG_WARN,
           "no systemd unit is written: others than root can change %s. systemd-binfmt registers "
           "the rules at boot all the same",
           program ? program : "this program");
    return NULL;
}

static bool sync_system(struct cli *c, const struct cli_change *r, bool kept, struct aw_err *err)
{
    static const char *const links[] = {PERSIST_WANTS, PERSIST_WANTS_BINFMT, NULL};
    _cleanup_free_ char *unit = kept ? system_unit(c) : NULL;
    struct persist p = {.rules = PERSIST_RULES, .unit = PERSIST_UNIT, .links = links, .text = unit};
    bool changed = false;
    if (!persist_sync(&r->now.records, &p, &changed, err))
        return false;
    if (changed)
        tell_systemd(c, kept);
    return true;
}

/* ---- Podman's ---------------------------------------------------------------------------------
 */

static char *user_units(const struct cli *c, struct aw_err *err)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    char *path = NULL;
    if (config && config[0] == '/')
        path = str_printf("%s/systemd/user", config);
    else if (c->env.home)
        path = str_printf("%s/.config/systemd/user", c->env.home);
    if (!path)
        aw_fail(err, AW_E_NOTFOUND, 0, "no home folder: where to keep the user's unit?");
    return path;
}

static char *user_unit(const struct cli *c, const struct cli_change *r, struct aw_err *err)
{
    _cleanup_free_ char *program = realpath("/proc/self/exe", NULL);
    _cleanup_free_ char *podman = spawn_find("podman", c->env.path);
    char *text = program && podman ? persist_unit_podman(podman, program, r->file) : NULL;
    if (!podman)
        aw_fail(err, AW_E_NOTFOUND, 0, "podman: not found on PATH");
    else if (!text)
        aw_fail(err, AW_E_NOMEM, 0, "the user's unit: no memory");
    return text;
}

static bool sync_podman(const struct cli *c, const struct cli_change *r, bool kept,
                        struct aw_err *err)
{
    _cleanup_free_ char *dir = user_units(c, err);
    if (!dir)
        return false;
    _cleanup_free_ char *text = kept ? user_unit(c, r, err) : NULL;
    if (kept && !text)
        return false;
    _cleanup_free_ char *unit = str_printf("%s/" PERSIST_NAME, dir);
    _cleanup_free_ char *link = str_printf("%s/default.target.wants/" PERSIST_NAME, dir);
    if (!unit || !link)
        return aw_fail(err, AW_E_NOMEM, 0, "path of the user's unit");
    const char *const links[] = {link, NULL};
    struct persist p = {.unit = unit, .links = links, .text = text};
    /* a systemd of the user reads it at his next login; in Podman's namespace it cannot be told */
    return persist_sync(&r->now.records, &p, NULL, err);
}

bool cli_keep_can(struct cli *c, enum cli_place place, struct aw_err *err)
{
    if (place != CLI_PLACE_NAMESPACE || c->args.persist != CLI_TRUE)
        return true;
    aw_fail(err, AW_E_ARG, 0,
            "--persist: this user namespace ends with its last process, and nobody makes it anew");
    return aw_mend(err, "podman unshare archway %s, or as root on the host", c->verb->name);
}

bool cli_keep_sync(struct cli *c, const struct cli_change *r, struct aw_err *err)
{
    bool kept = any_kept(&r->now.records), ok = true;
    if (r->place == CLI_PLACE_HOST || r->place == CLI_PLACE_SYSTEM)
        ok = sync_system(c, r, kept, err);
    else if (r->place == CLI_PLACE_PODMAN)
        ok = sync_podman(c, r, kept, err);
    return ok || aw_context(err, "keep rules over restarts");
}
