/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks of single options that box does not make itself: each takes the option's text, and
 * stores it or says what is wrong with it. An option that may stand once only lets the last one
 * win, as Docker does.
 */
#include "cli/table.h"

#include "codec/js.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>

void cli_args_init(struct cli_args *a)
{
    memset(a, 0, sizeof(*a));
    a->stop_seconds = 10;
}

void cli_args_fini(struct cli_args *a)
{
    free(a->storage);
    strv_fini(&a->operands);
    free(a->type);
    free(a->root);
    free(a->runtime);
    box_options_fini(&a->box);
}

static bool set_text(char **field, const char *text, struct aw_err *err)
{
    char *copy = strdup(text);
    if (!copy)
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    free(*field);
    *field = copy;
    return true;
}

static bool add_text(struct strv *list, const char *text, struct aw_err *err)
{
    return strv_add(list, text) || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

static bool is_address(const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

bool cli_opt_add_host(struct cli_args *a, const char *text, struct aw_err *err)
{
    /* Docker takes NAME=ADDRESS as well */
    const char *colon = strpbrk(text, ":=");
    if (!colon || colon == text || !colon[1])
        return aw_fail(err, AW_E_ARG, 0, "\"%s\" is not NAME:ADDRESS", text);
    for (const char *s = text; s < colon; s++)
        if (!isalnum((unsigned char)*s) && !strchr("-._", *s))
            return aw_fail(err, AW_E_ARG, 0, "\"%.*s\" is not a host name", (int)(colon - text),
                           text);
    /* Docker takes IPv6 addresses bare and in brackets */
    size_t n = strlen(colon + 1);
    bool brackets = colon[1] == '[' && colon[n] == ']';
    _cleanup_free_ char *address = brackets ? strndup(colon + 2, n - 2) : strdup(colon + 1);
    if (!address)
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    if (!is_address(address))
        return aw_fail(err, AW_E_ARG, 0, "\"%s\" is not an IP address", address);
    return strv_addf(&a->box.add_hosts, "%.*s:%s", (int)(colon - text), text, address) ||
           aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

bool cli_opt_cap_add(struct cli_args *a, const char *text, struct aw_err *err)
{
    return box_parse_cap(&a->box.cap_add, text, err);
}

bool cli_opt_cap_drop(struct cli_args *a, const char *text, struct aw_err *err)
{
    return box_parse_cap(&a->box.cap_drop, text, err);
}

bool cli_opt_dns(struct cli_args *a, const char *text, struct aw_err *err)
{
    if (!is_address(text))
        return aw_fail(err, AW_E_ARG, 0, "\"%s\" is not an IP address", text);
    return add_text(&a->box.dns, text, err);
}

/* A path on the host as an absolute one; it must exist. */
static bool set_path(char **field, const char *text, struct aw_err *err)
{
    char *full = realpath(text, NULL);
    if (!full)
        return aw_fail(err, errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno, "%s", text);
    free(*field);
    *field = full;
    return true;
}

bool cli_opt_emulator(struct cli_args *a, const char *text, struct aw_err *err)
{
    if (str_eq(text, "auto") || str_eq(text, "engine") || str_eq(text, "qemu"))
        return set_text(&a->box.emulator, text, err);
    if (!strchr(text, '/'))
        return aw_fail(err, AW_E_ARG, 0,
                       "\"%s\" is not auto, engine, qemu or a path (with a slash)", text);
    return set_path(&a->box.emulator, text, err);
}

bool cli_opt_runtime(struct cli_args *a, const char *text, struct aw_err *err)
{
    if (str_eq(text, "crun") || str_eq(text, "runc"))
        return set_text(&a->runtime, text, err);
    if (!strchr(text, '/'))
        return aw_fail(err, AW_E_ARG, 0, "\"%s\" is not crun, runc or a path (with a slash)", text);
    return set_path(&a->runtime, text, err);
}

bool cli_opt_entrypoint(struct cli_args *a, const char *text, struct aw_err *err)
{
    struct strv words = {0};
    if (text[0] == '[') {
        _cleanup_js_ struct json_object *list = js_parse(text, strlen(text), "entry point", err);
        if (!list)
            return false;
        _cleanup_js_ struct json_object *whole = json_object_new_object();
        js_add(whole, "entry point", AW_STEAL(list));
        if (!js_get_strv(whole, "entry point", &words, err)) {
            strv_fini(&words);
            return false;
        }
    } else if (*text && !strv_add(&words, text)) {
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    }
    strv_fini(&a->box.entrypoint);
    a->box.entrypoint = words;
    a->box.entrypoint_given = true;
    return true;
}

bool cli_opt_hostname(struct cli_args *a, const char *text, struct aw_err *err)
{
    if (!*text || strlen(text) > HOST_NAME_MAX)
        return aw_fail(err, AW_E_ARG, 0, "a host name has 1 to %d characters", HOST_NAME_MAX);
    for (const char *s = text; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("-._", *s))
            return aw_fail(err, AW_E_ARG, 0, "\"%s\" is not a host name", text);
    return set_text(&a->box.hostname, text, err);
}

bool cli_opt_name(struct cli_args *a, const char *text, struct aw_err *err)
{
    bool good = isalnum((unsigned char)text[0]) && strlen(text) <= 64;
    for (const char *s = text; *s; s++)
        good &= isalnum((unsigned char)*s) || strchr("-._", *s);
    if (!good)
        return aw_fail(err, AW_E_ARG, 0,
                       "\"%s\" is not a container's name: a letter or digit, then letters, digits, "
                       "- . _, 64 at most",
                       text);
    return set_text(&a->box.name, text, err);
}

bool cli_opt_pids_limit(struct cli_args *a, const char *text, struct aw_err *err)
{
    unsigned long long n = 0;
    if (!str_eq(text, "-1") && !str_to_u64(text, 0, 1u << 22, &n))
        return aw_fail(err, AW_E_ARG, 0, "\"%s\" is not a number from -1 to %u", text, 1u << 22);
    a->box.pids_limit = n;
    return true;
}

bool cli_opt_platform(struct cli_args *a, const char *text, struct aw_err *err)
{
    if (!platform_parse(text, &a->platform, err))
        return false;
    a->has_platform = true;
    return true;
}

bool cli_opt_pull(struct cli_args *a, const char *text, struct aw_err *err)
{
    if (str_eq(text, "missing"))
        a->pull = IMAGE_PULL_MISSING;
    else if (str_eq(text, "always"))
        a->pull = IMAGE_PULL_ALWAYS;
    else if (str_eq(text, "never"))
        a->pull = IMAGE_PULL_NEVER;
    else
        return aw_fail(err, AW_E_ARG, 0, "\"%s\" is not always, missing or never", text);
    return true;
}

bool cli_opt_persist(struct cli_args *a, const char *text, struct aw_err *err)
{
    (void)err;
    a->persist = str_eq(text, "true") ? CLI_TRUE : CLI_FALSE;
    return true;
}

bool cli_opt_rm(struct cli_args *a, const char *text, struct aw_err *err)
{
    (void)a;
    if (str_eq(text, "true"))
        return true;
    aw_fail(err, AW_E_UNSUPPORTED, 0, "a container always goes when its command ends");
    return aw_mend(err, "keep what it writes in a folder of the host: -v HOST:DIR");
}

static bool parse_signal(const char *text, int *ret, struct aw_err *err)
{
    unsigned long long n;
    if (str_to_u64(text, 1, (unsigned)SIGRTMAX, &n)) {
        *ret = (int)n;
        return true;
    }
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    for (int i = 1; i < SIGRTMIN; i++) {
        const char *known = sigabbrev_np(i);
        if (known && strcasecmp(known, name) == 0) {
            *ret = i;
            return true;
        }
    }
    return aw_fail(err, AW_E_ARG, 0, "\"%s\" is not a signal", text);
}

bool cli_opt_signal(struct cli_args *a, const char *text, struct aw_err *err)
{
    return parse_signal(text, &a->signal, err);
}

bool cli_opt_stop_signal(struct cli_args *a, const char *text, struct aw_err *err)
{
    int number;
    return parse_signal(text, &number, err) && set_text(&a->box.stop_signal, text, err);
}

bool cli_opt_time(struct cli_args *a, const char *text, struct aw_err *err)
{
    unsigned long long n;
    if (!str_to_u64(text, 0, 86400, &n))
        return aw_fail(err, AW_E_ARG, 0, "\"%s\" is not a number of seconds up to 86400", text);
    a->stop_seconds = (int)n;
    return true;
}

bool cli_opt_tls_verify(struct cli_args *a, const char *text, struct aw_err *err)
{
    (void)err;
    a->insecure = str_eq(text, "false");
    return true;
}

bool cli_opt_type(struct cli_args *a, const char *text, struct aw_err *err)
{
    if (!str_eq(text, "image") && !str_eq(text, "container"))
        return aw_fail(err, AW_E_ARG, 0, "\"%s\" is not image or container", text);
    return set_text(&a->type, text, err);
}

bool cli_opt_workdir(struct cli_args *a, const char *text, struct aw_err *err)
{
    if (text[0] != '/') {
        aw_fail(err, AW_E_ARG, 0, "\"%s\" is not an absolute path", text);
        return aw_mend(err, "name the folder from the container's root: -w /%s", text);
    }
    return set_text(&a->box.workdir, text, err);
}
