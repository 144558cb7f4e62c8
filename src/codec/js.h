/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing JSON on json-c, with limits and with errors that name the place.
 * Values are json-c's own (struct json_object, reference counted): build with json_object_new_*,
 * free with json_object_put or _cleanup_js_.
 */
#ifndef CODEC_JS_H
#define CODEC_JS_H

#include "base/util.h"

#include <archway/err.h>

#include <json-c/json_object.h>
#include <stdint.h>

#define JS_MAX_BYTES (4u << 20) /* the OCI distribution specification's limit for a manifest */
#define JS_MAX_DEPTH 32

static inline void js_put_ptr(struct json_object **o)
{
    json_object_put(*o);
}
#define _cleanup_js_ __attribute__((cleanup(js_put_ptr)))

/* Parse len bytes that must be exactly one JSON value (white space around it is fine). At most
 * JS_MAX_BYTES and JS_MAX_DEPTH levels; valid UTF-8 only. NULL on failure. */
struct json_object *js_parse(const char *text, size_t len, const char *what, struct aw_err *err);

/* Members of an object. A missing (or null) member leaves *ret as it was and is no error; the wrong
 * type is AW_E_PARSE with the member's name. Strings with a NUL inside are refused. Borrowed. */
bool js_get_string(struct json_object *o, const char *key, const char **ret, struct aw_err *err);
bool js_get_u64(struct json_object *o, const char *key, uint64_t *ret, struct aw_err *err);
bool js_get_bool(struct json_object *o, const char *key, bool *ret, struct aw_err *err);
bool js_get_object(struct json_object *o, const char *key, struct json_object **ret,
                   struct aw_err *err);
bool js_get_array(struct json_object *o, const char *key, struct json_object **ret,
                  struct aw_err *err);
/* An array of strings (or null), appended to *ret. */
bool js_get_strv(struct json_object *o, const char *key, struct strv *ret, struct aw_err *err);

/* Writing; o must be an object (js_add_*) or an array (js_push*). A NULL string adds nothing. */
void js_add_string(struct json_object *o, const char *key, const char *value);
void js_add_u64(struct json_object *o, const char *key, uint64_t value);
void js_add_bool(struct json_object *o, const char *key, bool value);
void js_add_strv(struct json_object *o, const char *key, const struct strv *value);
/* Takes value over; returns it, for building downward. */
struct json_object *js_add(struct json_object *o, const char *key, struct json_object *value);
struct json_object *js_push(struct json_object *array, struct json_object *value);
void js_push_string(struct json_object *array, const char *value);

/* The text: compact, or indented with a newline at its end. Valid until o changes or is freed. */
const char *js_text(struct json_object *o);
const char *js_text_pretty(struct json_object *o);

#endif
