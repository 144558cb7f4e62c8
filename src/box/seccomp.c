/* SPDX-License-Identifier: Apache-2.0
 *
 * From the table of the own profile, or from a file in Docker's format, to linux.seccomp of
 * config.json.
 *
 * Docker's format is the OCI one with conditions (includes, excludes: capabilities, architectures,
 * a kernel version) and with archMap in place of architectures; here the conditions are decided and
 * what remains is checked, so that a mistake is named here and not by a runtime that knows neither
 * the file nor the line.
 */
#include "box/seccomp.h"

#include "base/file.h"
#include "base/util.h"
#include "box/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/utsname.h>

/* One machine: how uname, Go and seccomp call it, and its 32-bit sibling in Go and in seccomp. */
static const struct arch {
    const char *machine, *go, *go32, *name, *other[2];
} arches[] = {
    {"x86_64", "amd64", "386", "SCMP_ARCH_X86_64", {"SCMP_ARCH_X86", "SCMP_ARCH_X32"}},
    {"aarch64", "arm64", "arm", "SCMP_ARCH_AARCH64", {"SCMP_ARCH_ARM", NULL}},
    {"riscv64", "riscv64", NULL, "SCMP_ARCH_RISCV64", {NULL, NULL}},
    {"ppc64le", "ppc64le", NULL, "SCMP_ARCH_PPC64LE", {NULL, NULL}},
    {"s390x", "s390x", NULL, "SCMP_ARCH_S390X", {"SCMP_ARCH_S390", NULL}},
    {"loongarch64", "loong64", NULL, "SCMP_ARCH_LOONGARCH64", {NULL, NULL}},
};

static const struct arch *find_arch(const struct seccomp_host *host)
{
    for (size_t i = 0; i < AW_LEN(arches); i++)
        if (str_eq(arches[i].machine, host->machine))
            return &arches[i];
    return NULL;
}

void seccomp_host(struct seccomp_host *ret)
{
    struct utsname u;
    *ret = (struct seccomp_host){0};
    if (uname(&u) < 0)
        return;
    /* under PER_LINUX32 uname calls an x86-64 machine i686, but its calls may be of either kind */
    snprintf(ret->machine, sizeof(ret->machine), "%s",
             str_eq(u.machine, "i686") ? "x86_64" : u.machine);
    if (sscanf(u.release, "%u.%u", &ret->major, &ret->minor) != 2)
        ret->major = ret->minor = 0;
}

bool seccomp_known(const struct seccomp_host *host)
{
    return find_arch(host) != NULL;
}

bool seccomp_native(const struct seccomp_host *host, const char *go)
{
    const struct arch *arch = find_arch(host);
    return arch && (str_eq(arch->go, go) || (arch->go32 && str_eq(arch->go32, go)));
}

/* ---- the own profile ---- */

static void add_names(struct json_object *list, const char *names)
{
    while (*names) {
        size_t n = strcspn(names, " ");
        js_push(list, json_object_new_string_len(names, (int)n));
        names += n + (names[n] == ' ');
    }
}

bool seccomp_row_holds(const struct seccomp_row *r, uint64_t caps)
{
    return r->caps == 0 || ((caps & r->caps) != 0) != r->not ;
}

static void add_row(struct json_object *rules, const struct seccomp_row *r, int arg)
{
    struct json_object *rule = js_push(rules, json_object_new_object());
    add_names(js_add(rule, "names", json_object_new_array()), r->names);
    js_add_string(rule, "action", r->error ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
    if (r->error)
        js_add_u64(rule, "errnoRet", (uint64_t)r->error);
    if (!r->op)
        return;
    struct json_object *cmp =
        js_push(js_add(rule, "args", json_object_new_array()), json_object_new_object());
    js_add_u64(cmp, "index", (uint64_t)arg);
    js_add_u64(cmp, "value", r->value);
    js_add_u64(cmp, "valueTwo", r->value_two);
    js_add_string(cmp, "op", r->op);
}

struct json_object *seccomp_own(const struct seccomp_host *host, uint64_t caps)
{
    const struct arch *arch = find_arch(host);
    struct json_object *o = json_object_new_object();
    js_add_string(o, "defaultAction", "SCMP_ACT_ERRNO");
    js_add_u64(o, "defaultErrnoRet", ENOSYS);
    if (arch) {
        struct json_object *list = js_add(o, "architectures", json_object_new_array());
        js_push_string(list, arch->name);
        for (size_t i = 0; !host->own_calls_only && i < AW_LEN(arch->other) && arch->other[i]; i++)
            js_push_string(list, arch->other[i]);
    }
    struct json_object *rules = js_add(o, "syscalls", json_object_new_array());
    for (unsigned i = 0; i < seccomp_n_rows; i++) {
        const struct seccomp_row *r = &seccomp_rows[i];
        bool exchanged = str_eq(host->machine, "s390x") && str_eq(r->names, "clone");
        /* what the default gives anyway is no rule of its own */
        if (seccomp_row_holds(r, caps) && r->error != ENOSYS)
            add_row(rules, r, exchanged ? 1 : r->arg);
    }
    return o;
}

/* ---- a profile in Docker's format ---- */

static bool one_of(const char *word, const char *const *known, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(word, known[i]))
            return true;
    return false;
}

static bool check_action(const char *action, struct aw_err *err)
{
    static const char *const known[] = {
        "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO",       "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
        "SCMP_ACT_LOG",   "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_TRACE",
    };
    return one_of(action, known, AW_LEN(known)) ||
           aw_fail(err, AW_E_PARSE, 0, "the action \"%s\" is unknown or not supported", action);
}

/* Only these two actions carry an errno; crun refuses it beside the others. */
static bool takes_errno(const char *action)
{
    return str_eq(action, "SCMP_ACT_ERRNO") || str_eq(action, "SCMP_ACT_TRACE");
}

static bool copy_errno(struct json_object *from, const char *key, const char *action,
                       struct json_object *to, struct aw_err *err)
{
    uint64_t v = UINT64_MAX;
    if (!js_get_u64(from, key, &v, err))
        return false;
    if (v != UINT64_MAX && takes_errno(action))
        js_add_u64(to, key, v);
    return true;
}

/* A condition's capabilities as a mask; unknown ones set *ret_unknown. */
static bool cond_caps(struct json_object *cond, uint64_t *ret, bool *ret_unknown,
                      struct aw_err *err)
{
    _cleanup_strv_ struct strv names = {0};
    if (!js_get_strv(cond, "caps", &names, err))
        return false;
    for (size_t i = 0; i < names.n; i++) {
        int n = caps_number(names.v[i]);
        if (n < 0)
            *ret_unknown = true;
        else
            *ret |= UINT64_C(1) << n;
    }
    return true;
}

static bool cond_kernel(struct json_object *cond, const struct seccomp_host *host, bool *ret_new,
                        bool *ret_given, struct aw_err *err)
{
    const char *text = NULL;
    unsigned major, minor;
    char rest;
    if (!js_get_string(cond, "minKernel", &text, err))
        return false;
    if (!text || !*text)
        return true;
    if (sscanf(text, "%5u.%5u%c", &major, &minor, &rest) != 2)
        return aw_fail(err, AW_E_PARSE, 0, "minKernel \"%s\" is no version", text);
    *ret_given = true;
    *ret_new = host->major > major || (host->major == major && host->minor >= minor);
    return true;
}

/* Do the rule's conditions hold here? Docker's rules: all of includes, none of excludes. */
static bool applies(struct json_object *rule, const struct seccomp_host *host, uint64_t caps,
                    bool *ret, struct aw_err *err)
{
    const struct arch *arch = find_arch(host);
    const char *go = arch ? arch->go : host->machine;
    for (int turn = 0; turn < 2; turn++) {
        _cleanup_strv_ struct strv on = {0};
        struct json_object *cond = NULL;
        uint64_t mask = 0;
        bool unknown = false, newer = true, given = false;
        if (!js_get_object(rule, turn ? "excludes" : "includes", &cond, err))
            return false;
        if (!cond)
            continue;
        if (!js_get_strv(cond, "arches", &on, err) || !cond_caps(cond, &mask, &unknown, err) ||
            !cond_kernel(cond, host, &newer, &given, err))
            return false;
        *ret = turn == 0
                   ? (on.n == 0 || strv_has(&on, go)) && !unknown && (caps & mask) == mask && newer
                   : !(on.n > 0 && strv_has(&on, go)) && (caps & mask) == 0 && !(given && newer);
        if (!*ret)
            return true;
    }
    *ret = true;
    return true;
}

static bool copy_args(struct json_object *rule, struct json_object *to, struct aw_err *err)
{
    static const char *const ops[] = {"SCMP_CMP_NE",       "SCMP_CMP_LT", "SCMP_CMP_LE",
                                      "SCMP_CMP_EQ",       "SCMP_CMP_GE", "SCMP_CMP_GT",
                                      "SCMP_CMP_MASKED_EQ"};
    struct json_object *args = NULL;
    if (!js_get_array(rule, "args", &args, err))
        return false;
    if (!args || json_object_array_length(args) == 0)
        return true;
    struct json_object *list = js_add(to, "args", json_object_new_array());
    for (size_t i = 0; i < json_object_array_length(args); i++) {
        struct json_object *arg = json_object_array_get_idx(args, i);
        uint64_t index = 6, value = 0, two = 0;
        const char *op = "";
        if (!json_object_is_type(arg, json_type_object))
            return aw_fail(err, AW_E_PARSE, 0, "args: an object is expected");
        if (!js_get_u64(arg, "index", &index, err) || !js_get_u64(arg, "value", &value, err) ||
            !js_get_u64(arg, "valueTwo", &two, err) || !js_get_string(arg, "op", &op, err))
            return false;
        if (index > 5 || !one_of(op, ops, AW_LEN(ops)))
            return aw_fail(err, AW_E_PARSE, 0, "args: index 0-5 and a known op are needed");
        struct json_object *copy = js_push(list, json_object_new_object());
        js_add_u64(copy, "index", index);
        js_add_u64(copy, "value", value);
        js_add_u64(copy, "valueTwo", two);
        js_add_string(copy, "op", op);
    }
    return true;
}

static bool translate_rule(struct json_object *rule, const struct seccomp_host *host, uint64_t caps,
                           struct json_object *rules, struct aw_err *err)
{
    bool on;
    const char *action = NULL, *name = NULL;
    _cleanup_strv_ struct strv names = {0};
    if (!json_object_is_type(rule, json_type_object))
        return aw_fail(err, AW_E_PARSE, 0, "an object is expected");
    if (!applies(rule, host, caps, &on, err) || !js_get_strv(rule, "names", &names, err) ||
        !js_get_string(rule, "name", &name, err) || !js_get_string(rule, "action", &action, err))
        return false;
    if (name && *name && !strv_add(&names, name))
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    if (!action)
        return aw_fail(err, AW_E_PARSE, 0, "action is missing");
    if (names.n == 0)
        return aw_fail(err, AW_E_PARSE, 0, "names is missing");
    if (!check_action(action, err))
        return false;
    _cleanup_js_ struct json_object *copy = json_object_new_object();
    js_add_strv(copy, "names", &names);
    js_add_string(copy, "action", action);
    if (!copy_errno(rule, "errnoRet", action, copy, err) || !copy_args(rule, copy, err))
        return false;
    if (on)
        js_push(rules, AW_STEAL(copy));
    return true;
}

/* The architectures: as given, or those of archMap that go with the host's. */
static bool translate_arches(struct json_object *docker, const struct seccomp_host *host,
                             struct json_object *to, struct aw_err *err)
{
    const struct arch *arch = find_arch(host);
    _cleanup_strv_ struct strv given = {0};
    struct json_object *map = NULL;
    if (!js_get_strv(docker, "architectures", &given, err) ||
        !js_get_array(docker, "archMap", &map, err))
        return false;
    if (given.n > 0 && map && json_object_array_length(map) > 0)
        return aw_fail(err, AW_E_PARSE, 0, "architectures and archMap exclude each other");
    for (size_t i = 0; map && arch && i < json_object_array_length(map); i++) {
        struct json_object *entry = json_object_array_get_idx(map, i);
        const char *name = "";
        if (!json_object_is_type(entry, json_type_object))
            return aw_fail(err, AW_E_PARSE, 0, "archMap: an object is expected");
        if (!js_get_string(entry, "architecture", &name, err))
            return false;
        if (str_eq(name, arch->name) &&
            (!strv_add(&given, name) || !js_get_strv(entry, "subArchitectures", &given, err)))
            return false;
    }
    if (given.n > 0)
        js_add_strv(to, "architectures", &given);
    return true;
}

static bool translate_head(struct json_object *docker, const struct seccomp_host *host,
                           struct json_object *to, struct aw_err *err)
{
    const char *action = NULL, *listener = NULL;
    _cleanup_strv_ struct strv flags = {0};
    if (!js_get_string(docker, "defaultAction", &action, err) ||
        !js_get_string(docker, "listenerPath", &listener, err) ||
        !js_get_strv(docker, "flags", &flags, err))
        return false;
    if (!action)
        return aw_fail(err, AW_E_PARSE, 0, "defaultAction is missing");
    if (listener && *listener)
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "listenerPath (a supervisor) is not supported");
    if (!check_action(action, err))
        return false;
    js_add_string(to, "defaultAction", action);
    if (flags.n > 0)
        js_add_strv(to, "flags", &flags);
    return copy_errno(docker, "defaultErrnoRet", action, to, err) &&
           translate_arches(docker, host, to, err);
}

bool seccomp_translate(struct json_object *docker, const struct seccomp_host *host, uint64_t caps,
                       struct json_object **ret, struct aw_err *err)
{
    struct json_object *list = NULL;
    _cleanup_js_ struct json_object *o = json_object_new_object();
    if (!json_object_is_type(docker, json_type_object))
        return aw_fail(err, AW_E_PARSE, 0, "an object is expected");
    if (!translate_head(docker, host, o, err) || !js_get_array(docker, "syscalls", &list, err))
        return false;
    struct json_object *rules = js_add(o, "syscalls", json_object_new_array());
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        if (!translate_rule(json_object_array_get_idx(list, i), host, caps, rules, err))
            return aw_context(err, "syscalls[%zu]", i);
    *ret = AW_STEAL(o);
    return true;
}

bool seccomp_build(const char *profile, const struct seccomp_host *host, uint64_t caps,
                   struct json_object **ret, struct aw_err *err)
{
    size_t len;
    if (profile && str_eq(profile, "unconfined")) {
        *ret = NULL;
        return true;
    }
    if (!profile) {
        *ret = seccomp_own(host, caps);
        return *ret || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    }
    _cleanup_free_ char *text = file_load(AT_FDCWD, profile, JS_MAX_BYTES, &len, err);
    if (!text)
        return aw_context(err, "seccomp profile");
    _cleanup_js_ struct json_object *docker = js_parse(text, len, profile, err);
    if (!docker)
        return aw_context(err, "seccomp profile");
    return seccomp_translate(docker, host, caps, ret, err) ||
           aw_context(err, "seccomp profile %s", profile);
}
