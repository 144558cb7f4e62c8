/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON for everyone above: json-c with limits put in front of it, and with errors that name the
 * document and the member. Strangers' documents come through here, so:
 *
 * 1. Size, depth and encoding are checked before anything is built from the text.
 * 2. A string with a NUL inside is refused: C would see only its beginning.
 * 3. A missing member is no error, one of the wrong type is.
 */
#include "codec/js.h"

#include <json-c/json_tokener.h>
#include <limits.h>

struct json_object *js_parse(const char *text, size_t len, const char *what, struct aw_err *err)
{
    if (len > JS_MAX_BYTES) {
        aw_fail(err, AW_E_LIMIT, 0, "%s: %zu bytes of JSON, at most %u are accepted", what, len,
                JS_MAX_BYTES);
        return NULL;
    }
    struct json_tokener *tok = json_tokener_new_ex(JS_MAX_DEPTH);
    if (!tok) {
        aw_fail(err, AW_E_NOMEM, 0, "%s: out of memory", what);
        return NULL;
    }
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
                                    JSON_TOKENER_ALLOW_TRAILING_CHARS);
    struct json_object *o = json_tokener_parse_ex(tok, text, (int)len);
    enum json_tokener_error e = json_tokener_get_error(tok);
    size_t end = json_tokener_get_parse_end(tok);
    if (e == json_tokener_continue) {
        /* a bare number ends only at the end of the text, which json-c must be told */
        o = json_tokener_parse_ex(tok, "", 1);
        e = json_tokener_get_error(tok);
        end = len;
        if (e == json_tokener_continue || (e != json_tokener_success && !o)) {
            aw_fail(err, AW_E_PARSE, 0, "%s: the JSON text ends in the middle of a value", what);
            goto bad;
        }
    }
    if (e != json_tokener_success) {
        aw_fail(err, e == json_tokener_error_depth ? AW_E_LIMIT : AW_E_PARSE, 0, "%s: byte %zu: %s",
                what, end, json_tokener_error_desc(e));
        goto bad;
    }
    while (end < len && strchr(" \t\r\n", text[end]) && text[end])
        end++;
    if (end != len) {
        aw_fail(err, AW_E_PARSE, 0, "%s: byte %zu: more text after the JSON value", what, end);
        goto bad;
    }
    json_tokener_free(tok);
    if (!o)
        aw_fail(err, AW_E_PARSE, 0, "%s: the JSON value is null", what);
    return o;
bad:
    json_object_put(o);
    json_tokener_free(tok);
    return NULL;
}

/* The member of the wanted type, or NULL when missing or null; false when the type is wrong. */
static bool member(struct json_object *o, const char *key, enum json_type type,
                   const char *type_name, struct json_object **ret, struct aw_err *err)
{
    *ret = NULL;
    if (!json_object_is_type(o, json_type_object))
        return aw_fail(err, AW_E_PARSE, 0, "\"%s\": not inside a JSON object", key);
    struct json_object *m = NULL;
    if (!json_object_object_get_ex(o, key, &m) || !m)
        return true;
    if (!json_object_is_type(m, type))
        return aw_fail(err, AW_E_PARSE, 0, "\"%s\" is not %s", key, type_name);
    *ret = m;
    return true;
}

static const char *clean_string(struct json_object *s)
{
    const char *text = json_object_get_string(s);
    return strlen(text) == (size_t)json_object_get_string_len(s) ? text : NULL;
}

bool js_get_string(struct json_object *o, const char *key, const char **ret, struct aw_err *err)
{
    struct json_object *m;
    if (!member(o, key, json_type_string, "a string", &m, err))
        return false;
    if (!m)
        return true;
    const char *s = clean_string(m);
    if (!s)
        return aw_fail(err, AW_E_PARSE, 0, "\"%s\" holds a NUL character", key);
    *ret = s;
    return true;
}

bool js_get_u64(struct json_object *o, const char *key, uint64_t *ret, struct aw_err *err)
{
    struct json_object *m;
    if (!member(o, key, json_type_int, "a whole number", &m, err))
        return false;
    if (!m)
        return true;
    if (json_object_get_int64(m) < 0)
        return aw_fail(err, AW_E_PARSE, 0, "\"%s\" is negative", key);
    *ret = json_object_get_uint64(m);
    return true;
}

bool js_get_bool(struct json_object *o, const char *key, bool *ret, struct aw_err *err)
{
    struct json_object *m;
    if (!member(o, key, json_type_boolean, "true or false", &m, err))
        return false;
    if (m)
        *ret = json_object_get_boolean(m);
    return true;
}

bool js_get_object(struct json_object *o, const char *key, struct json_object **ret,
                   struct aw_err *err)
{
    struct json_object *m;
    if (!member(o, key, json_type_object, "an object", &m, err))
        return false;
    if (m)
        *ret = m;
    return true;
}

bool js_get_array(struct json_object *o, const char *key, struct json_object **ret,
                  struct aw_err *err)
{
    struct json_object *m;
    if (!member(o, key, json_type_array, "an array", &m, err))
        return false;
    if (m)
        *ret = m;
    return true;
}

bool js_get_strv(struct json_object *o, const char *key, struct strv *ret, struct aw_err *err)
{
    struct json_object *a = NULL;
    if (!js_get_array(o, key, &a, err))
        return false;
    for (size_t i = 0; a && i < json_object_array_length(a); i++) {
        struct json_object *m = json_object_array_get_idx(a, i);
        const char *s = json_object_is_type(m, json_type_string) ? clean_string(m) : NULL;
        if (!s)
            return aw_fail(err, AW_E_PARSE, 0, "\"%s\"[%zu] is not a string", key, i);
        if (!strv_add(ret, s))
            return aw_fail(err, AW_E_NOMEM, 0, "\"%s\": out of memory", key);
    }
    return true;
}

struct json_object *js_add(struct json_object *o, const char *key, struct json_object *value)
{
    AW_BUG_ON(!value);
    json_object_object_add(o, key, value);
    return value;
}

struct json_object *js_push(struct json_object *array, struct json_object *value)
{
    AW_BUG_ON(!value);
    json_object_array_add(array, value);
    return value;
}

void js_push_string(struct json_object *array, const char *value)
{
    js_push(array, json_object_new_string(value));
}

void js_add_string(struct json_object *o, const char *key, const char *value)
{
    if (value)
        js_add(o, key, json_object_new_string(value));
}

void js_add_u64(struct json_object *o, const char *key, uint64_t value)
{
    js_add(o, key, json_object_new_uint64(value));
}

void js_add_bool(struct json_object *o, const char *key, bool value)
{
    js_add(o, key, json_object_new_boolean(value));
}

void js_add_strv(struct json_object *o, const char *key, const struct strv *value)
{
    struct json_object *a = js_add(o, key, json_object_new_array());
    for (size_t i = 0; i < value->n; i++)
        js_push_string(a, value->v[i]);
}

const char *js_text(struct json_object *o)
{
    return json_object_to_json_string_ext(o,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

const char *js_text_pretty(struct json_object *o)
{
    return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                 JSON_C_TO_STRING_NOSLASHESCAPE);
}
