/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of a container's options, its user files, and system call profiles. The first byte chooses.
 */
#include "box/options.h"
#include "box/seccomp.h"
#include "box/user.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

typedef bool parse_fn(struct box_options *o, const char *text, struct aw_err *err);

static void options(parse_fn *fn, const char *text)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    fn(&o, text, &err);
    /* again: a second one joins the first, or replaces it */
    fn(&o, text, &err);
    box_options_fini(&o);
}

static void user(const char *text)
{
    struct user u;
    struct aw_err err = AW_ERR_INIT;
    const char *cut = strchr(text, '|'), *second = cut ? strchr(cut + 1, '|') : NULL;
    if (!second)
        return;
    _cleanup_free_ char *name = strndup(text, (size_t)(cut - text));
    _cleanup_free_ char *passwd = strndup(cut + 1, (size_t)(second - cut - 1));
    if (name && passwd && user_resolve_text(passwd, second + 1, name, &u, &err))
        user_fini(&u);
}

static void profile(const char *text, size_t size)
{
    static const struct seccomp_host host = {.machine = "x86_64", .major = 6, .minor = 1};
    struct aw_err err = AW_ERR_INIT;
    struct json_object *o = NULL;
    _cleanup_js_ struct json_object *in = js_parse(text, size, "fuzz", &err);
    if (in && seccomp_translate(in, &host, 0xa80425fb, &o, &err))
        json_object_put(o);
}

static bool size_text(struct box_options *o, const char *text, struct aw_err *err)
{
    return box_parse_size(text, &o->memory, err);
}

static bool cap_text(struct box_options *o, const char *text, struct aw_err *err)
{
    return box_parse_cap(&o->cap_add, text, err);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static parse_fn *const parsers[] = {
        box_parse_volume,       box_parse_mount,   box_parse_tmpfs, box_parse_device,
        box_parse_ulimit,       box_parse_publish, box_parse_env,   box_parse_network,
        box_parse_security_opt, box_parse_userns,  size_text,       cap_text,
    };
    if (size == 0)
        return 0;
    _cleanup_free_ char *text = strndup((const char *)data + 1, size - 1);
    if (!text)
        return 0;
    size_t which = data[0] % (AW_LEN(parsers) + 2);
    if (which < AW_LEN(parsers))
        options(parsers[which], text);
    else if (which == AW_LEN(parsers))
        user(text);
    else
        profile(text, strlen(text));
    return 0;
}
