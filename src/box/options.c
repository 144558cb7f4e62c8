/* SPDX-License-Identifier: Apache-2.0
 *
 * Text forms of the options that are no mounts, ports or limits, and the helpers that all share.
 */
#include "box/options.h"
#include "base/file.h"
#include "box/caps.h"
#include "box/options_text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <strings.h>

#define ENV_FILE_LIMIT (1u << 20)

bool opt_bad(struct aw_err *err, const char *text, const char *fmt, ...)
{
    char fault[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(fault, sizeof(fault), fmt, ap);
    va_end(ap);
    return aw_fail(err, AW_E_ARG, 0, "%s: %s", text, fault);
}

bool opt_nomem(struct aw_err *err)
{
    return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

bool opt_split(const char *text, char delimiter, struct strv *ret, struct aw_err *err)
{
    for (;;) {
        const char *end = strchrnul(text, delimiter);
        if (!strv_take(ret, strndup(text, (size_t)(end - text))))
            return opt_nomem(err);
        if (!*end)
            return true;
        text = end + 1;
    }
}

/* One field at *p into ret; *p is left on the comma or the end. */
static bool csv_field(const char **p, char *ret)
{
    bool quoted = **p == '"';
    if (quoted)
        (*p)++;
    for (; **p; (*p)++) {
        if (quoted && **p == '"') {
            if ((*p)[1] != '"')
                break;
            (*p)++;
        } else if (!quoted && **p == ',') {
            break;
        } else if (!quoted && **p == '"') {
            return false;
        }
        *ret++ = **p;
    }
    *ret = 0;
    if (!quoted)
        return true;
    if (**p != '"')
        return false;
    (*p)++;
    return !**p || **p == ',';
}

bool opt_split_csv(const char *text, struct strv *ret, struct aw_err *err)
{
    for (const char *p = text;; p++) {
        char *field = malloc(strlen(p) + 1);
        if (!field)
            return opt_nomem(err);
        if (!csv_field(&p, field)) {
            free(field);
            return opt_bad(err, text, "a quotation mark is out of place");
        }
        if (!strv_take(ret, field))
            return opt_nomem(err);
        if (!*p)
            return true;
    }
}

bool opt_bool(const char *value, bool *ret)
{
    static const char *const words[2][4] = {{"0", "f", "false", "no"}, {"1", "t", "true", "yes"}};
    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < AW_LEN(words[v]); i++)
            if (strcasecmp(value, words[v][i]) == 0) {
                *ret = v;
                return true;
            }
    return false;
}

void *opt_grow(void *array, size_t n, size_t size)
{
    char *more = realloc(array, (n + 1) * size);
    if (more)
        memset(more + n * size, 0, size);
    return more;
}

bool box_parse_size(const char *text, uint64_t *ret, struct aw_err *err)
{
    static const char units[] = "bkmgtp";
    char *end;
    if (!isdigit((unsigned char)*text))
        return opt_bad(err, text, "a size is a number with an optional unit: 64m, 1.5g, 4096");
    if (strspn(text, "0123456789.") > 20)
        return opt_bad(err, text, "this size is too large");
    long double value = strtold(text, &end);
    if (end != text + strspn(text, "0123456789."))
        return opt_bad(err, text, "a size is a number with an optional unit: 64m, 1.5g, 4096");
    while (*end == ' ')
        end++;
    if (*end) {
        const char *unit = strchr(units, tolower((unsigned char)*end));
        const char *rest = end + 1;
        if (!unit)
            return opt_bad(err, text, "unknown unit \"%s\"; use b, k, m, g, t or p", end);
        for (const char *u = units; u < unit; u++)
            value *= 1024;
        if (unit > units && (*rest == 'i' || *rest == 'I') && (rest[1] == 'b' || rest[1] == 'B'))
            rest++;
        if (unit > units && (*rest == 'b' || *rest == 'B'))
            rest++;
        if (*rest)
            return opt_bad(err, text, "unknown unit \"%s\"; use b, k, m, g, t or p", end);
    }
    if (value >= (long double)INT64_MAX)
        return opt_bad(err, text, "this size is too large");
    *ret = (uint64_t)value;
    return true;
}

bool box_parse_cap(struct strv *list, const char *text, struct aw_err *err)
{
    const char *name = "ALL";
    if (strcasecmp(text, "ALL") != 0 && strcasecmp(text, "CAP_ALL") != 0) {
        int number = caps_number(text);
        if (number < 0) {
            opt_bad(err, text, "no such capability");
            return aw_mend(err, "see capabilities(7) for their names; ALL means all of them");
        }
        name = caps_name((unsigned)number);
    }
    return strv_has(list, name) || strv_add(list, name) || opt_nomem(err);
}

static bool set_seccomp(struct box_options *o, const char *value, const char *text,
                        struct aw_err *err)
{
    char cwd[PATH_MAX];
    char *path = NULL;
    if (!*value)
        return opt_bad(err, text, "name a profile's file, or unconfined");
    if (str_eq(value, "builtin") || str_eq(value, "default")) {
        free(o->seccomp);
        o->seccomp = NULL;
        return true;
    }
    if (str_eq(value, "unconfined") || value[0] == '/')
        path = strdup(value);
    else if (!getcwd(cwd, sizeof(cwd)))
        return aw_fail(err, AW_E_IO, errno, "%s: current folder", text);
    else
        path = str_printf("%s/%s", cwd, value);
    if (!path)
        return opt_nomem(err);
    free(o->seccomp);
    o->seccomp = path;
    return true;
}

/* Docker takes "key=value" and the older "key:value". */
bool box_parse_security_opt(struct box_options *o, const char *text, struct aw_err *err)
{
    size_t n = strcspn(text, "=:");
    const char *value = text[n] ? text + n + 1 : "";
    _cleanup_free_ char *key = strndup(text, n);
    if (!key)
        return opt_nomem(err);
    if (str_eq(key, "no-new-privileges")) {
        bool on = true;
        if (text[n] && !opt_bool(value, &on))
            return opt_bad(err, text, "\"%s\" is neither true nor false", value);
        o->no_new_privileges = on;
        return true;
    }
    if (str_eq(key, "seccomp"))
        return set_seccomp(o, value, text, err);
    if ((str_eq(key, "systempaths") && str_eq(value, "unconfined")) ||
        (str_eq(key, "unmask") && strcasecmp(value, "all") == 0)) {
        o->unmask = true;
        return true;
    }
    /* no profile or label is put on a container here, so asking for none is granted */
    if ((str_eq(key, "apparmor") && str_eq(value, "unconfined")) ||
        (str_eq(key, "label") && str_eq(value, "disable")))
        return true;
    if (str_eq(key, "apparmor") || str_eq(key, "label"))
        return opt_bad(err, text,
                       "a user without root cannot put a container under an AppArmor profile or an "
                       "SELinux label");
    return opt_bad(err, text,
                   "unknown; there are no-new-privileges, seccomp=FILE, seccomp=unconfined and "
                   "systempaths=unconfined");
}

bool box_parse_network(struct box_options *o, const char *text, struct aw_err *err)
{
    static const struct {
        const char *word;
        enum box_network network;
    } known[] = {
        {"auto", BOX_NET_AUTO},    {"bridge", BOX_NET_AUTO}, {"default", BOX_NET_AUTO},
        {"private", BOX_NET_AUTO}, {"none", BOX_NET_NONE},   {"host", BOX_NET_HOST},
        {"pasta", BOX_NET_PASTA},
    };
    for (size_t i = 0; i < AW_LEN(known); i++)
        if (str_eq(text, known[i].word)) {
            o->network = known[i].network;
            return true;
        }
    if (str_starts(text, "container:"))
        return opt_bad(err, text, "a container cannot join another one's network");
    if (str_starts(text, "slirp4netns"))
        return opt_bad(err, text, "slirp4netns is not used; take pasta");
    return opt_bad(err, text, "unknown network; there are pasta, host and none");
}

bool box_parse_userns(struct box_options *o, const char *text, struct aw_err *err)
{
    if (str_eq(text, "keep-id")) {
        o->keep_id = true;
        return true;
    }
    if (str_eq(text, "single")) {
        o->single_id = true;
        return true;
    }
    /* Podman's words for what is the default here */
    if (!*text || str_eq(text, "host") || str_eq(text, "private"))
        return true;
    return opt_bad(err, text, "unknown user namespace; there are keep-id and single");
}

/* Borrowed NAME=value of the caller, or NULL. */
static const char *caller_value(const struct box_options *o, const char *name)
{
    size_t n = strlen(name);
    for (char *const *e = o->caller_env; e && *e; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e;
    return NULL;
}

bool box_parse_env(struct box_options *o, const char *text, struct aw_err *err)
{
    if (!*text || *text == '=')
        return opt_bad(err, text, "a variable needs a name: NAME=value");
    const char *found = strchr(text, '=') ? text : caller_value(o, text);
    return strv_add(&o->env, found ? found : text) || opt_nomem(err);
}

/* One line of an --env-file, as Docker reads it. Nothing is unquoted. */
static bool env_line(const struct box_options *o, const char *line, struct strv *ret,
                     struct aw_err *err)
{
    while (isspace((unsigned char)*line))
        line++;
    if (!*line || *line == '#')
        return true;
    size_t name = strcspn(line, "=");
    if (name == 0)
        return aw_fail(err, AW_E_PARSE, 0, "no variable name on \"%s\"", line);
    for (size_t i = 0; i < name; i++)
        if (isspace((unsigned char)line[i]))
            return aw_fail(err, AW_E_PARSE, 0, "the variable \"%.*s\" has a blank in its name",
                           (int)name, line);
    if (!line[name])
        line = caller_value(o, line);
    return !line || strv_add(ret, line) || opt_nomem(err);
}

bool box_parse_env_file(struct box_options *o, const char *path, struct aw_err *err)
{
    size_t len;
    unsigned number = 0;
    _cleanup_strv_ struct strv found = {0};
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, ENV_FILE_LIMIT, &len, err);
    if (!text)
        return false;
    if (strlen(text) != len)
        return aw_fail(err, AW_E_PARSE, 0, "%s: a NUL byte", path);
    char *rest = text + (str_starts(text, "\xef\xbb\xbf") ? 3 : 0);
    for (char *line; (line = strsep(&rest, "\n"));) {
        size_t n = strlen(line);
        number++;
        if (n > 0 && line[n - 1] == '\r')
            line[n - 1] = 0;
        if (!env_line(o, line, &found, err))
            return aw_context(err, "%s, line %u", path, number);
    }
    return strv_copy(&o->env, &found) || opt_nomem(err);
}

void box_options_fini(struct box_options *o)
{
    struct strv *const lists[] = {&o->command, &o->entrypoint, &o->env,     &o->add_hosts,
                                  &o->dns,     &o->dns_search, &o->cap_add, &o->cap_drop};
    char *const strings[] = {o->name,    o->workdir,  o->user,       o->hostname,
                             o->seccomp, o->emulator, o->stop_signal};
    for (size_t i = 0; i < AW_LEN(lists); i++)
        strv_fini(lists[i]);
    for (size_t i = 0; i < AW_LEN(strings); i++)
        free(strings[i]);
    for (size_t i = 0; i < o->n_mounts; i++) {
        free(o->mounts[i].source);
        free(o->mounts[i].target);
        free(o->mounts[i].propagation);
    }
    for (size_t i = 0; i < o->n_devices; i++) {
        free(o->devices[i].source);
        free(o->devices[i].target);
    }
    for (size_t i = 0; i < o->n_ulimits; i++)
        free(o->ulimits[i].name);
    for (size_t i = 0; i < o->n_ports; i++)
        free(o->ports[i].host_ip);
    free(o->mounts);
    free(o->devices);
    free(o->ulimits);
    free(o->ports);
    memset(o, 0, sizeof(*o));
}
