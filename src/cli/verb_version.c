/* SPDX-License-Identifier: Apache-2.0
 *
 * What containers are made with on this machine. Helpers that are not installed are shown as such:
 * this is what a bug report should begin with.
 */
#include "cli/cli.h"

#include "base/spawn.h"
#include "codec/js.h"

#include <dirent.h>
#include <json-c/linkhash.h>
#include <sys/utsname.h>

/* The first line that the helper prints for --version, or NULL. */
static char *helper_version(const char *path)
{
    const char *argv[] = {path, "--version", NULL};
    struct spawn s = {.argv = argv, .timeout_ms = 5000, .limit = 4096};
    struct spawn_result r = {0};
    struct aw_err err = AW_ERR_INIT;
    char *line = NULL;
    if (spawn_run(&s, &r, &err) && r.status == 0)
        line = strndup(buf_str(&r.out), strcspn(buf_str(&r.out), "\n"));
    spawn_result_fini(&r);
    return line;
}

static struct json_object *helpers(struct cli *c)
{
    static const struct {
        const char *name;
        bool ask; /* it knows --version */
    } known[] = {{"crun", true},  {"runc", true},       {"skopeo", true},
                 {"pasta", true}, {"newuidmap", false}, {"newgidmap", false}};
    struct json_object *list = json_object_new_object();
    for (size_t i = 0; i < AW_LEN(known); i++) {
        struct json_object *o = js_add(list, known[i].name, json_object_new_object());
        _cleanup_free_ char *path = spawn_find(known[i].name, c->env.path);
        js_add_bool(o, "found", path != NULL);
        js_add_string(o, "path", path);
        _cleanup_free_ char *version = path && known[i].ask ? helper_version(path) : NULL;
        js_add_string(o, "version", version);
    }
    return list;
}

static void add_emulators(struct json_object *list, const char *where, const char *prefix,
                          const char *suffix)
{
    /* where /bin is a link to /usr/bin both stand on PATH */
    _cleanup_free_ char *dir = realpath(where, NULL);
    DIR *d = dir ? opendir(dir) : NULL;
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (str_starts(e->d_name, prefix) && str_ends(e->d_name, suffix) && e->d_name[0] != '.') {
            _cleanup_free_ char *path = str_printf("%s/%s", dir, e->d_name);
            if (path && access(path, X_OK) == 0)
                js_push_string(list, path);
        }
    closedir(d);
}

static const char *text_at(struct json_object *list, size_t i)
{
    return json_object_get_string(json_object_array_get_idx(list, i));
}

static int by_text(const void *a, const void *b)
{
    struct json_object *const *x = a, *const *y = b;
    return strcmp(json_object_get_string(*x), json_object_get_string(*y));
}

static struct json_object *emulators(struct cli *c)
{
    struct json_object *list = json_object_new_array();
    _cleanup_free_ char *path = strdup(c->env.path ? c->env.path : "/usr/local/bin:/usr/bin");
    if (c->env.emulator_dir)
        add_emulators(list, c->env.emulator_dir, "", "");
    else if (c->env.engine)
        js_push_string(list, c->env.engine);
    char *save = NULL;
    for (char *dir = path ? strtok_r(path, ":", &save) : NULL; dir;
         dir = strtok_r(NULL, ":", &save))
        add_emulators(list, dir, "qemu-", "-static");
    json_object_array_sort(list, by_text);
    for (size_t i = json_object_array_length(list); i-- > 1;)
        if (str_eq(text_at(list, i), text_at(list, i - 1)))
            json_object_array_del_idx(list, i, 1);
    return list;
}

/* How many ids containers have here, and why not more. */
static struct json_object *ids(void)
{
    struct json_object *o = json_object_new_object();
    struct idmap map;
    struct aw_err err = AW_ERR_INIT;
    bool planned = idmap_plan(false, &map, &err);
    js_add_u64(o, "users", planned ? idmap_uids(&map) : 0);
    js_add_u64(o, "groups", planned ? idmap_gids(&map) : 0);
    if (!planned)
        js_add_string(o, "why", err.message);
    else if (map.kind == IDMAP_SINGLE)
        js_add_string(o, "why", map.why_single);
    return o;
}

static struct json_object *collect(struct cli *c)
{
    struct utsname kernel;
    struct platform host;
    char platform[PLATFORM_TEXT];
    uname(&kernel);
    platform_host(&host);
    platform_format(&host, platform);
    struct json_object *o = json_object_new_object();
    js_add_string(o, "version", ARCHWAY_VERSION);
    js_add_string(o, "kernel", kernel.release);
    js_add_string(o, "platform", platform);
    js_add(o, "ids", ids());
    js_add(o, "helpers", helpers(c));
    js_add(o, "emulators", emulators(c));
    return o;
}

static const char *text_of(struct json_object *o, const char *key)
{
    struct json_object *v;
    return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : "";
}

/* One line a folder: "/usr/bin/qemu-*-static: aarch64 arm ...", wrapped. */
static void print_emulators(struct json_object *list)
{
    size_t column = 0, dir_length = 0, n = json_object_array_length(list);
    const char *dir = "";
    for (size_t i = 0; i < n; i++) {
        const char *path = text_at(list, i), *name = strrchr(path, '/') + 1;
        if (dir_length != (size_t)(name - path) || strncmp(dir, path, dir_length) != 0) {
            dir = path;
            dir_length = (size_t)(name - path);
            printf("%s%-10s %.*s", i ? "\n" : "", i ? "" : "emulators", (int)dir_length, path);
            column = 80;
        }
        size_t length = strlen(name);
        if (str_starts(name, "qemu-") && str_ends(name, "-static")) {
            name += strlen("qemu-");
            length -= strlen("qemu--static");
        }
        if (column + 1 + length > 79)
            column = (size_t)printf("\n%-12s", "") - 1;
        column += (size_t)printf(" %.*s", (int)length, name);
    }
    puts(n ? "" : "emulators  none found (Debian: apt install qemu-user-static)");
}

static int print_text(struct cli *c, struct json_object *o)
{
    struct json_object *list;
    printf("archway    %s\nkernel     %s\nplatform   %s\n", text_of(o, "version"),
           text_of(o, "kernel"), text_of(o, "platform"));
    if (json_object_object_get_ex(o, "ids", &list)) {
        const char *why = text_of(list, "why");
        printf("ids        %s users, %s groups%s%s\n", text_of(list, "users"),
               text_of(list, "groups"), *why ? ": " : "", why);
    }
    if (json_object_object_get_ex(o, "helpers", &list)) {
        json_object_object_foreach(list, name, helper)
        {
            const char *path = text_of(helper, "path"), *version = text_of(helper, "version");
            printf("%-10s %s%s%s%s\n", name, *path ? path : "not found", *version ? " (" : "",
                   version, *version ? ")" : "");
        }
    }
    if (json_object_object_get_ex(o, "emulators", &list))
        print_emulators(list);
    return cli_done(c);
}

int cli_verb_version(struct cli *c)
{
    struct json_object *o = collect(c);
    if (c->args.json)
        return cli_print_json(c, o);
    int status = print_text(c, o);
    json_object_put(o);
    return status;
}
