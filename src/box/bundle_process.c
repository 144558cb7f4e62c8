/* SPDX-License-Identifier: Apache-2.0
 *
 * The process object of config.json: arguments, environment, user, capabilities and limits; and
 * the one for a further process in a living container.
 */
#include "box/bundle_parts.h"
#include "base/file.h"
#include "box/caps.h"

#include <ctype.h>
#include <sys/resource.h>

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define INIT_TARGET "/dev/init" /* on the container's own tmpfs: nothing is left in the image */
#define CONFIG_LIMIT JS_MAX_BYTES

static bool nomem(struct aw_err *err)
{
    return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

static size_t env_name(const char *item)
{
    return strcspn(item, "=");
}

bool bundle_env_set(struct strv *env, const char *item)
{
    size_t n = env_name(item), at = 0;
    while (at < env->n && (env_name(env->v[at]) != n || strncmp(env->v[at], item, n) != 0))
        at++;
    if (item[n] == 0) {
        if (at == env->n)
            return true;
        free(env->v[at]);
        memmove(env->v + at, env->v + at + 1, (env->n - at) * sizeof(*env->v));
        env->n--;
        return true;
    }
    if (at == env->n)
        return strv_add(env, item);
    char *copy = strdup(item);
    if (!copy)
        return false;
    free(env->v[at]);
    env->v[at] = copy;
    return true;
}

const char *bundle_env_get(const struct strv *env, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=')
            return env->v[i] + n + 1;
    return NULL;
}

static bool env_set_pair(struct strv *env, const char *name, const char *value)
{
    _cleanup_free_ char *item = str_printf("%s=%s", name, value);
    return item && bundle_env_set(env, item);
}

static bool build_env(const struct bundle *b, struct strv *env)
{
    const struct box_options *o = b->in->options;
    if (!strv_add(env, DEFAULT_PATH) || !env_set_pair(env, "HOSTNAME", b->in->hostname))
        return false;
    if (o->tty && !env_set_pair(env, "TERM", b->in->term ? b->in->term : "xterm"))
        return false;
    for (size_t i = 0; i < b->in->image->env.n; i++)
        if (strchr(b->in->image->env.v[i], '=') && !bundle_env_set(env, b->in->image->env.v[i]))
            return false;
    for (size_t i = 0; i < o->env.n; i++)
        if (!bundle_env_set(env, o->env.v[i]))
            return false;
    return bundle_env_get(env, "HOME") || env_set_pair(env, "HOME", b->user.home);
}

/* Docker's rules: an --entrypoint takes the image's command away, too. */
static bool build_args(const struct bundle *b, struct strv *args, struct aw_err *err)
{
    const struct box_options *o = b->in->options;
    const struct image_config *image = b->in->image;
    const struct strv *entry = o->entrypoint_given ? &o->entrypoint : &image->entrypoint;
    const struct strv *rest = o->command.n || o->entrypoint_given ? &o->command : &image->cmd;
    if (entry->n + rest->n == 0) {
        aw_fail(err, AW_E_ARG, 0, "no command specified, and the image names none");
        return aw_mend(err, "name one after the image, for example: /bin/sh");
    }
    if (b->in->init_path && (!strv_add(args, INIT_TARGET) || !strv_add(args, "--")))
        return nomem(err);
    return (strv_copy(args, entry) && strv_copy(args, rest)) || nomem(err);
}

struct json_object *bundle_user(const struct user *u)
{
    struct json_object *user = json_object_new_object();
    js_add_u64(user, "uid", u->uid);
    js_add_u64(user, "gid", u->gid);
    js_add_u64(user, "umask", 022);
    if (u->n_groups > 0) {
        struct json_object *list = js_add(user, "additionalGids", json_object_new_array());
        for (size_t i = 0; i < u->n_groups; i++)
            js_push(list, json_object_new_int64(u->groups[i]));
    }
    return user;
}

static void add_cap_list(struct json_object *o, const char *key, uint64_t set)
{
    struct json_object *list = js_add(o, key, json_object_new_array());
    for (unsigned i = 0; i < CAPS_COUNT; i++)
        if (set >> i & 1) {
            char name[40];
            snprintf(name, sizeof(name), "CAP_%s", caps_name(i));
            js_push_string(list, name);
        }
}

struct json_object *bundle_caps(uint64_t set, bool root)
{
    struct json_object *caps = json_object_new_object();
    add_cap_list(caps, "bounding", set);
    add_cap_list(caps, "effective", root ? set : 0);
    add_cap_list(caps, "permitted", root ? set : 0);
    /* none are inherited or ambient: CVE-2022-24769 */
    add_cap_list(caps, "inheritable", 0);
    add_cap_list(caps, "ambient", 0);
    return caps;
}

static bool limit_number(const char *name, int *ret)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {
        {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},     {"cpu", RLIMIT_CPU},
        {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},   {"locks", RLIMIT_LOCKS},
        {"memlock", RLIMIT_MEMLOCK}, {"nice", RLIMIT_NICE},     {"msgqueue", RLIMIT_MSGQUEUE},
        {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},   {"rss", RLIMIT_RSS},
        {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME}, {"sigpending", RLIMIT_SIGPENDING},
        {"stack", RLIMIT_STACK},
    };
    for (size_t i = 0; i < AW_LEN(known); i++)
        if (str_eq(name, known[i].name)) {
            *ret = known[i].number;
            return true;
        }
    return false;
}

static bool add_limits(const struct box_options *o, struct json_object *process, struct aw_err *err)
{
    struct json_object *list = json_object_new_array();
    js_add(process, "rlimits", list);
    for (size_t i = 0; i < o->n_ulimits; i++) {
        const struct box_ulimit *u = &o->ulimits[i];
        struct rlimit own;
        int number;
        char type[32] = "RLIMIT_";
        size_t n = strlen(type);
        if (!limit_number(u->name, &number))
            return aw_fail(err, AW_E_ARG, 0, "unknown limit \"%s\"", u->name);
        if (getrlimit(number, &own) == 0 && own.rlim_max != RLIM_INFINITY && u->hard > own.rlim_max)
            return aw_fail(err, AW_E_PERM, 0,
                           "--ulimit %s: without root it cannot be above your own hard limit, %llu",
                           u->name, (unsigned long long)own.rlim_max);
        for (const char *c = u->name; *c && n < sizeof(type) - 1; c++)
            type[n++] = (char)toupper((unsigned char)*c);
        struct json_object *item = js_push(list, json_object_new_object());
        js_add_string(item, "type", type);
        js_add_u64(item, "hard", u->hard);
        js_add_u64(item, "soft", u->soft);
    }
    return true;
}

bool bundle_process(struct bundle *b, struct aw_err *err)
{
    const struct box_options *o = b->in->options;
    _cleanup_strv_ struct strv args = {0}, env = {0};
    struct json_object *p = js_add(b->config, "process", json_object_new_object());
    if (!build_args(b, &args, err))
        return false;
    if (!build_env(b, &env))
        return nomem(err);
    js_add_bool(p, "terminal", o->tty);
    js_add(p, "user", bundle_user(&b->user));
    js_add_strv(p, "args", &args);
    js_add_strv(p, "env", &env);
    js_add_string(p, "cwd", b->workdir);
    js_add(p, "capabilities",
           bundle_caps(caps_compute(&o->cap_add, &o->cap_drop), b->user.uid == 0));
    js_add_bool(p, "noNewPrivileges", o->no_new_privileges);
    return add_limits(o, p, err);
}

/* ---- exec ---- */

static bool read_map(struct json_object *linux_part, const char *key, struct idmap_line *ret,
                     int *ret_n, struct aw_err *err)
{
    struct json_object *list = NULL;
    if (!js_get_array(linux_part, key, &list, err))
        return false;
    for (size_t i = 0; list && i < json_object_array_length(list) && *ret_n < USER_MAP_LINES; i++) {
        struct json_object *line = json_object_array_get_idx(list, i);
        uint64_t inside = 0, outside = 0, count = 0;
        if (!js_get_u64(line, "containerID", &inside, err) ||
            !js_get_u64(line, "hostID", &outside, err) || !js_get_u64(line, "size", &count, err))
            return false;
        ret[(*ret_n)++] = (struct idmap_line){(uint32_t)inside, (uint32_t)outside, (uint32_t)count};
    }
    return true;
}

static uint64_t read_bounding(struct json_object *process)
{
    _cleanup_strv_ struct strv names = {0};
    struct json_object *caps = NULL;
    uint64_t set = 0;
    if (!js_get_object(process, "capabilities", &caps, NULL) || !caps ||
        !js_get_strv(caps, "bounding", &names, NULL))
        return 0;
    for (size_t i = 0; i < names.n; i++) {
        int n = caps_number(names.v[i]);
        if (n >= 0)
            set |= UINT64_C(1) << n;
    }
    return set;
}

/* HOME follows the user, unless the image or the caller gave another one than the user's. */
static bool move_home(struct json_object *process, struct strv *env, int root_fd,
                      const struct user *to, struct aw_err *err)
{
    uint64_t uid = 0;
    char text[24];
    _cleanup_user_ struct user from = {0};
    struct json_object *user = NULL;
    const char *home = bundle_env_get(env, "HOME");
    if (!js_get_object(process, "user", &user, err) || !user || !js_get_u64(user, "uid", &uid, err))
        return false;
    snprintf(text, sizeof(text), "%u", (unsigned)uid);
    if (!user_resolve(root_fd, text, &from, err))
        return false;
    return (home && !str_eq(home, from.home)) || env_set_pair(env, "HOME", to->home) || nomem(err);
}

static bool change_user(struct json_object *config, struct json_object *process, const char *text,
                        struct strv *env, const struct idmap *m, int root_fd, struct aw_err *err)
{
    struct user_map map = {0};
    _cleanup_user_ struct user u = {0};
    struct json_object *linux_part = NULL;
    if (!js_get_object(config, "linux", &linux_part, err) || !linux_part ||
        !read_map(linux_part, "uidMappings", map.uid, &map.n_uid, err) ||
        !read_map(linux_part, "gidMappings", map.gid, &map.n_gid, err) ||
        !user_resolve(root_fd, text, &u, err) || !user_check_mapped(&u, &map, m, err) ||
        !move_home(process, env, root_fd, &u, err))
        return false;
    user_drop_unmapped_groups(&u, &map, m);
    js_add(process, "user", bundle_user(&u));
    js_add(process, "capabilities", bundle_caps(read_bounding(process), u.uid == 0));
    return true;
}

static bool change_env(const struct bundle_exec *x, struct strv *env)
{
    if (x->tty && !bundle_env_get(env, "TERM") && !strv_add(env, "TERM=xterm"))
        return false;
    for (size_t i = 0; i < x->env.n; i++)
        if (!bundle_env_set(env, x->env.v[i]))
            return false;
    return true;
}

bool bundle_write_exec(const struct bundle_exec *x, const struct idmap *map, int root_fd,
                       int bundle_fd, const char *name, struct aw_err *err)
{
    size_t len;
    _cleanup_strv_ struct strv env = {0};
    struct json_object *process = NULL;
    _cleanup_free_ char *text = file_load(bundle_fd, "config.json", CONFIG_LIMIT, &len, err);
    _cleanup_js_ struct json_object *config = text ? js_parse(text, len, "config.json", err) : NULL;
    if (!config || !js_get_object(config, "process", &process, err))
        return false;
    if (!process)
        return aw_fail(err, AW_E_PARSE, 0, "config.json: it has no process");
    if (x->command.n == 0)
        return aw_fail(err, AW_E_ARG, 0, "no command specified");
    if (x->workdir && x->workdir[0] != '/')
        return aw_fail(err, AW_E_ARG, 0, "the working directory \"%s\" must be absolute",
                       x->workdir);
    if (!js_get_strv(process, "env", &env, err))
        return false;
    if (x->user && !change_user(config, process, x->user, &env, map, root_fd, err))
        return false;
    if (!change_env(x, &env))
        return nomem(err);
    js_add_strv(process, "args", &x->command);
    js_add_strv(process, "env", &env);
    js_add_bool(process, "terminal", x->tty);
    if (x->workdir)
        js_add_string(process, "cwd", x->workdir);
    if (x->tty && x->rows && x->cols) {
        struct json_object *size = js_add(process, "consoleSize", json_object_new_object());
        js_add_u64(size, "height", x->rows);
        js_add_u64(size, "width", x->cols);
    }
    return bundle_save(process, bundle_fd, name, err);
}
