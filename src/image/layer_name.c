/* SPDX-License-Identifier: Apache-2.0
 *
 * Names in a layer. What is not refused here is a list of ordinary components that can be handed to
 * the system one by one; nothing further on looks at slashes or dots again, except in the targets
 * of symlinks, which are data until something is put beneath them.
 */
#include "image/layer_name.h"

#include <errno.h>

#define WH ".wh."
#define WH_META ".wh..wh."
#define WH_OPAQUE ".wh..wh..opq"

static bool refuse(struct aw_err *err, const char *why)
{
    return aw_fail(err, AW_E_PARSE, 0, "refused: %s", why);
}

/* Append one component to ret->path. */
static bool add_component(struct layer_name *ret, const char *c, size_t n, struct aw_err *err)
{
    if (n > LAYER_NAME_MAX)
        return refuse(err, "a name is longer than 255 bytes");
    size_t at = ret->len ? ret->len + 1 : 0;
    if (at + n > LAYER_PATH_MAX)
        return refuse(err, "the path is longer than 4096 bytes");
    ret->parent_len = ret->len;
    if (at)
        ret->path[ret->len] = '/';
    memcpy(ret->path + at, c, n);
    ret->len = at + n;
    ret->path[ret->len] = '\0';
    ret->base = ret->path + at;
    return true;
}

/* What the last component makes of the name. */
static bool classify(struct layer_name *ret, struct aw_err *err)
{
    if (ret->kind == LAYER_NAME_META || !str_starts(ret->base, WH))
        return true;
    if (str_eq(ret->base, WH_OPAQUE)) {
        ret->kind = LAYER_NAME_OPAQUE;
        ret->len = ret->parent_len;
        ret->path[ret->len] = '\0';
        return true;
    }
    if (str_starts(ret->base, WH_META)) {
        ret->kind = LAYER_NAME_META;
        return true;
    }
    char *base = ret->path + (ret->base - ret->path);
    size_t n = strlen(base + strlen(WH));
    memmove(base, base + strlen(WH), n + 1);
    ret->len = (size_t)(base - ret->path) + n;
    ret->kind = LAYER_NAME_WHITEOUT;
    if (n == 0 || str_eq(base, ".") || str_eq(base, ".."))
        return refuse(err, "a whiteout that names no file");
    return true;
}

bool layer_name_parse(const char *text, struct layer_name *ret, struct aw_err *err)
{
    *ret = (struct layer_name){.kind = LAYER_NAME_ROOT};
    ret->base = ret->path;
    unsigned depth = 0;
    if (!*text)
        return refuse(err, "the name is empty");
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "/");
        const char *next = p[n] ? p + n + 1 : p + n;
        if (n == 2 && p[0] == '.' && p[1] == '.')
            return refuse(err, "\"..\" in a name");
        if (n > 0 && !(n == 1 && p[0] == '.')) {
            /* what was last so far turns out to be a parent */
            if (ret->len && ret->kind == LAYER_NAME_PLAIN && str_starts(ret->base, WH)) {
                if (!str_starts(ret->base, WH_META))
                    return refuse(err, "a whiteout is used as a folder");
                ret->kind = LAYER_NAME_META;
            }
            if (++depth > LAYER_DEPTH_MAX)
                return refuse(err, "more than 256 folders deep");
            if (!add_component(ret, p, n, err))
                return false;
            if (ret->kind == LAYER_NAME_ROOT)
                ret->kind = LAYER_NAME_PLAIN;
        }
        p = next;
    }
    return classify(ret, err);
}

/* Bytes of the UTF-8 sequence at s that is fit to be shown; 0 if there is none. */
static size_t shown_sequence(const unsigned char *s)
{
    if (s[0] < 0x80)
        return s[0] >= 0x20 && s[0] != 0x7f;
    size_t n = s[0] >= 0xf0 && s[0] <= 0xf4  ? 4
               : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
               : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* C1 controls, and the controls of writing direction, which make a name look like another */
    if (s[0] == 0xc2 && s[1] < 0xa0)
        return 0;
    if (s[0] == 0xe2 && ((s[1] == 0x80 && (s[2] & 0xfe) >= 0xa8 && s[2] <= 0xae) ||
                         (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)))
        return 0;
    return n;
}

/* Fill ret with the beginning of text; returns where it stopped. */
static const char *show_front(const char *text, char *ret, size_t size)
{
    size_t at = 0;
    while (*text) {
        size_t n = shown_sequence((const unsigned char *)text);
        size_t need = n ? n : 4;
        if (at + need >= size)
            break;
        if (n)
            memcpy(ret + at, text, n);
        else
            snprintf(ret + at, size - at, "\\x%02x", (unsigned char)*text);
        at += need;
        text += n ? n : 1;
    }
    ret[at] = '\0';
    return text;
}

const char *layer_show(const char *text, char ret[LAYER_SHOW])
{
    const char *rest = show_front(text, ret, LAYER_SHOW);
    if (*rest) {
        /* too long: the first part and the last bytes, which tell the most */
        char tail[LAYER_SHOW / 2];
        show_front(text, ret, LAYER_SHOW / 2 - 8);
        size_t len = strlen(text);
        const char *from = text + len - LAYER_SHOW / 8;
        while (from < text + len && ((unsigned char)*from & 0xc0) == 0x80)
            from++;
        show_front(from, tail, sizeof(tail));
        size_t at = strlen(ret);
        snprintf(ret + at, LAYER_SHOW - at, "...%s", tail);
    }
    return ret;
}

bool layer_fail_io(struct aw_err *err, const char *what)
{
    int e = errno;
    if (e != ENOSPC && e != EDQUOT)
        return aw_fail(err, AW_E_IO, e, "%s", what);
    aw_fail(err, AW_E_LIMIT, e, "%s: the file system of the store's folder is full", what);
    return aw_mend(err, "free some space (archway prune removes what is not used), or set "
                        "XDG_DATA_HOME to a folder on a larger file system");
}
