/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/place.h"

#include "base/file.h"
#include "binfmt/record.h"

#include <archway/instance.h>

#include <fcntl.h>
#include <sys/stat.h>

#define PODMAN_RECORDS "podman-rules.json"

/* Is that process in our user namespace? Those of others cannot even be looked at. */
static bool same_namespace(const char *pid)
{
    struct stat own, its;
    _cleanup_free_ char *path = str_printf("/proc/%s/ns/user", pid);
    return path && stat("/proc/self/ns/user", &own) == 0 && stat(path, &its) == 0 &&
           own.st_ino == its.st_ino && own.st_dev == its.st_dev;
}

/* Rootless Podman's pause process keeps the namespace of all its containers; its number stands in
 * a file of the runtime folder. */
static bool is_podmans(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *uid = getenv("_CONTAINERS_ROOTLESS_UID");
    _cleanup_free_ char *path =
        runtime && runtime[0] == '/' ? str_printf("%s/libpod/tmp/pause.pid", runtime)
        : uid && uid[0]              ? str_printf("/tmp/podman-run-%s/libpod/tmp/pause.pid", uid)
                                     : NULL;
    _cleanup_free_ char *pid = path ? file_load(AT_FDCWD, path, 32, NULL, NULL) : NULL;
    unsigned long long n;
    if (!pid)
        return false;
    pid[strcspn(pid, "\n")] = 0;
    return str_to_u64(pid, 2, 1 << 30, &n) && same_namespace(pid);
}

enum cli_place cli_place_find(void)
{
    if (aw_instance_in_initial_ns())
        return CLI_PLACE_HOST;
    if (is_podmans())
        return CLI_PLACE_PODMAN;
    return geteuid() == 0 && same_namespace("1") ? CLI_PLACE_SYSTEM : CLI_PLACE_NAMESPACE;
}

char *cli_place_records(enum cli_place place, const struct cli_env *e, struct aw_err *err)
{
    if (place == CLI_PLACE_NAMESPACE)
        return cli_env_rules(e, err);
    _cleanup_free_ char *dir = place == CLI_PLACE_PODMAN ? cli_env_storage(e, NULL, err) : NULL;
    if (place == CLI_PLACE_PODMAN && !dir)
        return NULL;
    char *path = dir ? str_printf("%s/" PODMAN_RECORDS, dir) : strdup(RECORD_HOST_FILE);
    if (!path)
        aw_fail(err, AW_E_NOMEM, 0, "path of the records");
    return path;
}
