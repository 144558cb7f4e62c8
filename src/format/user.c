/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats that users describe in a file; format.h has its syntax.
 *
 * Invariants:
 * 1. Every fault is named with file and line, and refuses the whole file: half of it would run
 *    other programs than its author meant.
 * 2. What the kernel would refuse as a rule is refused here.
 */
#include "format/format.h"

#include "base/buf.h"
#include "base/file.h"

#include <ctype.h>
#include <fcntl.h>

#define FILE_MAX (64 << 10)
#define NAME_MAX_LEN 32
#define WINDOW 256 /* bytes that the kernel looks at */

static void user_fini(struct format_user *u)
{
    free(u->name);
    free(u->text);
    free(u->extension);
    free(u->detector);
    free(u->package);
    strv_fini(&u->commands);
    memset(u, 0, sizeof(*u));
}

void format_users_fini(struct format_users *u)
{
    for (size_t i = 0; i < u->n; i++)
        user_fini(&u->v[i]);
    free(u->v);
    memset(u, 0, sizeof(*u));
}

const struct format_user *format_users_find(const struct format_users *u, const char *name)
{
    for (size_t i = 0; i < u->n; i++)
        if (str_eq(u->v[i].name, name))
            return &u->v[i];
    return NULL;
}

/* ---- values -----------------------------------------------------------------------------------
 */

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0'
           : c >= 'a' && c <= 'f'    ? c - 'a' + 10
           : c >= 'A' && c <= 'F'    ? c - 'A' + 10
                                     : -1;
}

static bool take_bytes(const char *text, uint8_t *ret, unsigned *ret_len, struct aw_err *err)
{
    unsigned n = 0;
    for (const char *p = text; *p; p++) {
        uint8_t byte = (uint8_t)*p;
        if (p[0] == '\\' && p[1] == 'x') {
            if (hex(p[2]) < 0 || hex(p[3]) < 0)
                return aw_fail(err, AW_E_PARSE, 0, "\\x without two hexadecimal digits");
            byte = (uint8_t)(hex(p[2]) * 16 + hex(p[3]));
            p += 3;
        } else if (p[0] == '\\' && p[1] == '\\') {
            p++;
        } else if (p[0] == '\\') {
            return aw_fail(err, AW_E_PARSE, 0, "a \\ that is neither \\xNN nor \\\\");
        }
        if (n == FORMAT_MAGIC)
            return aw_fail(err, AW_E_LIMIT, 0, "more than %d bytes", FORMAT_MAGIC);
        ret[n++] = byte;
    }
    *ret_len = n;
    return n > 0 || aw_fail(err, AW_E_PARSE, 0, "no bytes");
}

static bool take_text(char **to, const char *value, struct aw_err *err)
{
    if (*to)
        return aw_fail(err, AW_E_PARSE, 0, "it stands here a second time");
    if (!*value)
        return aw_fail(err, AW_E_PARSE, 0, "it is empty");
    *to = strdup(value);
    return *to || aw_fail(err, AW_E_NOMEM, 0, "no memory");
}

static bool take_offset(struct format_user *u, const char *value, struct aw_err *err)
{
    unsigned long long n;
    if (!str_to_u64(value, 0, WINDOW - 1, &n))
        return aw_fail(err, AW_E_PARSE, 0, "\"%.40s\" is no number from 0 to %d", value,
                       WINDOW - 1);
    u->offset = (unsigned)n;
    return true;
}

static bool take_extension(struct format_user *u, const char *value, struct aw_err *err)
{
    for (const char *p = value; *p; p++)
        if (!isgraph((unsigned char)*p) || strchr("/.:", *p))
            return aw_fail(err, AW_E_PARSE, 0,
                           "\"%.40s\" is no extension: it stands without its dot", value);
    return take_text(&u->extension, value, err);
}

static bool set_key(struct format_user *u, const char *key, const char *value, struct aw_err *err)
{
    if (str_eq(key, "command"))
        return format_command_check(value, err) &&
               (strv_add(&u->commands, value) || aw_fail(err, AW_E_NOMEM, 0, "no memory"));
    if (str_eq(key, "package"))
        return take_text(&u->package, value, err);
    if (str_eq(key, "description"))
        return take_text(&u->text, value, err);
    bool known = str_eq(key, "magic") || str_eq(key, "mask") || str_eq(key, "offset") ||
                 str_eq(key, "extension") || str_eq(key, "detector");
    if (!known)
        return aw_fail(
            err, AW_E_PARSE, 0,
            "no such key; there are description, magic, offset, mask, extension, command, "
            "detector, package");
    if (u->built_in)
        return aw_fail(err, AW_E_PARSE, 0,
                       "%s is built in, so it can have command and package only", u->name);
    if (str_eq(key, "magic"))
        return take_bytes(value, u->magic, &u->magic_len, err);
    if (str_eq(key, "mask"))
        return take_bytes(value, u->mask, &u->mask_len, err);
    if (str_eq(key, "offset"))
        return take_offset(u, value, err);
    if (str_eq(key, "extension"))
        return take_extension(u, value, err);
    return format_command_check(value, err) && take_text(&u->detector, value, err);
}

/* ---- sections ---------------------------------------------------------------------------------
 */

static bool names_built_in(const char *name)
{
    bool found = format_find(name) != FORMAT_N;
    for (enum format_kind k = KIND_NONE + 1; k < KIND_N && !found; k++)
        found = str_eq(format_kind_at(k)->word, name);
    return found;
}

static bool good_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && !name[n] && n <= NAME_MAX_LEN && name[0] != '-';
}

static bool is_ones(const uint8_t *mask, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (mask[i] != 0xff)
            return false;
    return true;
}

/* A rule of one or two bytes, or over the start of ELF or #!, would take everybody's programs. */
static bool check_magic(const struct format_user *u, struct aw_err *err)
{
    static const char *const common[] = {"\x7f"
                                         "ELF",
                                         "#!/b"};
    if (u->mask_len && u->mask_len != u->magic_len)
        return aw_fail(err, AW_E_PARSE, 0, "%s: magic has %u bytes and mask %u", u->name,
                       u->magic_len, u->mask_len);
    if (u->offset + u->magic_len > WINDOW)
        return aw_fail(err, AW_E_PARSE, 0, "%s: magic ends behind the first %d bytes", u->name,
                       WINDOW);
    bool bits = u->mask_len == 0;
    for (unsigned i = 0; i < u->mask_len; i++)
        bits |= u->mask[i] != 0;
    if (!bits)
        return aw_fail(err, AW_E_PARSE, 0, "%s: a mask without a bit matches every file", u->name);
    for (size_t k = 0; k < AW_LEN(common) && u->offset + u->magic_len <= 4; k++) {
        bool hit = true;
        for (unsigned i = 0; i < u->magic_len; i++)
            hit &= !(((uint8_t)common[k][u->offset + i] ^ u->magic[i]) &
                     (u->mask_len ? u->mask[i] : 0xff));
        if (hit)
            return aw_fail(err, AW_E_PARSE, 0, "%s: it would take every %s of this machine",
                           u->name, k ? "script" : "program");
    }
    return true;
}

static bool finish(struct format_user *u, struct aw_err *err)
{
    if (u->commands.n == 0)
        return aw_fail(err, AW_E_PARSE, 0, "%s has no command", u->name);
    if (u->built_in)
        return true;
    if (!u->magic_len && !u->extension)
        return aw_fail(err, AW_E_PARSE, 0, "%s has neither magic nor extension", u->name);
    if (u->magic_len && u->extension)
        return aw_fail(
            err, AW_E_PARSE, 0,
            "%s has magic and extension: the kernel takes one of them; use a detector for "
            "the other",
            u->name);
    if (!u->magic_len && (u->mask_len || u->offset))
        return aw_fail(err, AW_E_PARSE, 0, "%s has mask or offset, but no magic", u->name);
    if (u->magic_len && !check_magic(u, err))
        return false;
    if (is_ones(u->mask, u->mask_len))
        u->mask_len = 0;
    return true;
}

static bool begin(struct format_users *all, char *line, struct aw_err *err)
{
    char *end = strchr(line, ']');
    if (!end || end[1 + strspn(end + 1, " \t")])
        return aw_fail(err, AW_E_PARSE, 0, "a section is one name in [ ]");
    *end = 0;
    const char *name = line + 1;
    if (!good_name(name))
        return aw_fail(err, AW_E_PARSE, 0,
                       "[%.40s]: a name has 1 to %d lower case letters, digits and -", name,
                       NAME_MAX_LEN);
    if (format_users_find(all, name))
        return aw_fail(err, AW_E_PARSE, 0, "[%s]: it stands here a second time", name);
    struct format_user *more = realloc(all->v, (all->n + 1) * sizeof(*more));
    if (!more)
        return aw_fail(err, AW_E_NOMEM, 0, "no memory");
    all->v = more;
    all->v[all->n] = (struct format_user){.name = strdup(name), .built_in = names_built_in(name)};
    if (!all->v[all->n].name)
        return aw_fail(err, AW_E_NOMEM, 0, "no memory");
    all->n++;
    return true;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\r", text[n - 1]))
        text[--n] = 0;
    return text;
}

/* What a whole section lacks is a fault of the line where it begins. */
static bool finish_last(const struct format_users *mine, int *line, struct aw_err *err)
{
    struct format_user *last = mine->n ? &mine->v[mine->n - 1] : NULL;
    if (!last || finish(last, err))
        return true;
    *line = last->line;
    return false;
}

/* mine is this file's sections; *line is where text stands, and where a fault is. */
static bool take_line(struct format_users *mine, char *text, int *line, struct aw_err *err)
{
    if (!*text || *text == '#' || *text == ';')
        return true;
    if (*text == '[') {
        if (!finish_last(mine, line, err) || !begin(mine, text, err))
            return false;
        mine->v[mine->n - 1].line = *line;
        return true;
    }
    char *equals = strchr(text, '=');
    if (!equals)
        return aw_fail(err, AW_E_PARSE, 0, "neither [name] nor key = value: \"%.40s\"", text);
    if (mine->n == 0)
        return aw_fail(err, AW_E_PARSE, 0, "a key in front of the first [name]");
    *equals = 0;
    const char *key = trim(text);
    return set_key(&mine->v[mine->n - 1], key, trim(equals + 1), err) ||
           aw_context(err, "%.40s", key);
}

static bool append(struct format_users *to, struct format_users *from, struct aw_err *err)
{
    struct format_user *more = realloc(to->v, (to->n + from->n + 1) * sizeof(*more));
    if (!more)
        return aw_fail(err, AW_E_NOMEM, 0, "no memory");
    to->v = more;
    for (size_t i = 0; i < from->n; i++) {
        /* the file that was read first wins */
        if (format_users_find(to, from->v[i].name))
            user_fini(&from->v[i]);
        else
            to->v[to->n++] = from->v[i];
    }
    free(from->v);
    memset(from, 0, sizeof(*from));
    return true;
}

bool format_users_parse(const char *text, const char *path, struct format_users *ret,
                        struct aw_err *err)
{
    struct format_users mine = {0};
    _cleanup_free_ char *copy = strdup(text);
    bool ok = copy || aw_fail(err, AW_E_NOMEM, 0, "no memory");
    int line = 0;
    for (char *p = copy, *next; ok && p; p = next) {
        next = strchr(p, '\n');
        if (next)
            *next++ = 0;
        line++;
        ok = take_line(&mine, trim(p), &line, err);
    }
    ok = ok && finish_last(&mine, &line, err) && append(ret, &mine, err);
    if (!ok)
        aw_context(err, "%s:%d", path, line);
    format_users_fini(&mine);
    return ok;
}

bool format_users_load(const char *path, struct format_users *ret, struct aw_err *err)
{
    struct aw_err why = AW_ERR_INIT;
    size_t len = 0;
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, FILE_MAX, &len, &why);
    if (!text) {
        if (why.code == AW_E_NOTFOUND)
            return true;
        if (err)
            *err = why;
        return false;
    }
    if (strlen(text) != len)
        return aw_fail(err, AW_E_PARSE, 0, "%s: a NUL byte", path);
    return format_users_parse(text, path, ret, err);
}

bool format_user_matches(const struct format_user *u, const struct format_file *f)
{
    uint8_t have[FORMAT_MAGIC];
    if (u->built_in)
        return false;
    if (u->extension) {
        const char *base = strrchr(f->name, '/');
        const char *dot = strrchr(base ? base : f->name, '.');
        return dot && str_eq(dot + 1, u->extension);
    }
    if (u->offset + u->magic_len > f->size || !f->read(f->user, u->offset, have, u->magic_len))
        return false;
    for (unsigned i = 0; i < u->magic_len; i++)
        if ((have[i] ^ u->magic[i]) & (u->mask_len ? u->mask[i] : 0xff))
            return false;
    return true;
}
