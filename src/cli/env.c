/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/env.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>

/* HOME is believed when the folder is ours: under `sudo -E` it is another user's, and what root
 * wrote there that user could not remove. */
static char *find_home(void)
{
    const char *home = getenv("HOME");
    struct stat st;
    if (home && home[0] == '/' && stat(home, &st) == 0 && st.st_uid == geteuid())
        return strdup(home);
    struct passwd entry, *found = NULL;
    char text[4096];
    if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 && found &&
        found->pw_dir[0] == '/')
        return strdup(found->pw_dir);
    return home && home[0] == '/' ? strdup(home) : NULL;
}

/* The folder of this program, or "". */
static void find_folder(char ret[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);
    ret[n > 0 ? n : 0] = 0;
    char *slash = strrchr(ret, '/');
    *(slash ? slash : ret) = 0;
}

/* What is at `relative` from a folder, or NULL. */
static char *find_beside(const char *folder, const char *relative)
{
    _cleanup_free_ char *path = *folder ? str_printf("%s/%s", folder, relative) : NULL;
    /* that most are not there is known sooner so than by realpath(3) */
    return path && access(path, F_OK) == 0 ? realpath(path, NULL) : NULL;
}

/* Installed, or in the build folder. */
static char *find_own(const char *folder, const char *installed, const char *built)
{
    char *path = find_beside(folder, installed);
    return path ? path : find_beside(folder, built);
}

void cli_env_init(struct cli_env *e)
{
    const char *no_color = getenv("NO_COLOR");
    char folder[PATH_MAX];
    find_folder(folder);
    *e = (struct cli_env){
        .path = getenv("PATH"),
        .term = getenv("TERM"),
        .all = environ,
        .no_color = no_color && *no_color,
        .home = find_home(),
        .emulator_dir = find_beside(folder, "../libexec/archway"),
        .engine = find_own(folder, "../libexec/archway/archway-engine", "archway-engine"),
        .format = find_own(folder, "../libexec/archway/archway-format", "archway-format"),
    };
}

void cli_env_fini(struct cli_env *e)
{
    free(e->home);
    free(e->emulator_dir);
    free(e->engine);
    free(e->format);
}

char *cli_env_storage(const struct cli_env *e, const char *option, struct aw_err *err)
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *chosen = option ? option : getenv("ARCHWAY_STORAGE");
    char *path = NULL;
    if (chosen && *chosen) {
        _cleanup_free_ char *here = chosen[0] == '/' ? strdup("") : getcwd(NULL, 0);
        path = here ? str_printf("%s%s%s", here, *here ? "/" : "", chosen) : NULL;
    } else if (data && data[0] == '/') { /* the specification says to ignore relative ones */
        path = str_printf("%s/archway", data);
    } else if (e->home) {
        path = str_printf("%s/.local/share/archway", e->home);
    } else {
        aw_fail(err, AW_E_NOTFOUND, 0, "no home folder for user %u: where to keep images?",
                (unsigned)geteuid());
        aw_mend(err, "archway --storage DIR ..., or set ARCHWAY_STORAGE");
        return NULL;
    }
    if (!path)
        aw_fail(err, AW_E_NOMEM, errno, "path of the store");
    return path;
}

char *cli_env_rules(const struct cli_env *e, struct aw_err *err)
{
    struct stat ns, dir;
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    bool usable = runtime && runtime[0] == '/' && stat(runtime, &dir) == 0 &&
                  dir.st_uid == geteuid() && access(runtime, W_OK) == 0;
    if (stat("/proc/self/ns/user", &ns) < 0) {
        aw_fail(err, AW_E_IO, errno, "look at /proc/self/ns/user");
        return NULL;
    }
    _cleanup_free_ char *base =
        usable ? str_printf("%s/archway", runtime) : cli_env_storage(e, NULL, err);
    char *path = base ? str_printf("%s/rules-%lu.json", base, (unsigned long)ns.st_ino) : NULL;
    if (base && !path)
        aw_fail(err, AW_E_NOMEM, 0, "path of the records");
    return path;
}
