/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading entries back.
 *
 * An entry's file begins with "enabled" or "disabled", then come lines of a word and a value. The
 * kernel prints interpreters and extensions as they are, so that one with a newline in it can look
 * like several lines: the interpreter is taken up to "\nflags: ", the extension up to the end.
 */
#include "binfmt/instance.h"
#include "binfmt/rule.h"
#include "binfmt/snapshot.h"

#include "base/util.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>

#define ENTRY_MAX 16384 /* bytes of an entry's file; the kernel has always used one page */

/* str_starts, without a call where already the first byte differs: a thousand entries have some ten
 * thousand lines. */
#define BEGINS(text, prefix) ((text)[0] == (prefix)[0] && str_starts(text, prefix))

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight lower-case hexadecimal digits to four bytes, all at once; false: they are none. */
static bool parse_eight(const char *s, uint8_t ret[4])
{
    uint64_t text;
    memcpy(&text, s, sizeof(text));
    text = le64toh(text);
    /* bit 6 is set in letters; no sum below leaves its byte */
    uint64_t v = (text & EACH(0x0f)) + (text >> 6 & EACH(1)) * 9;
    uint64_t above_nine = (v + EACH(0x76)) >> 7 & EACH(1);
    if ((v & EACH(0xf0)) || v + EACH('0') + above_nine * ('a' - '0' - 10) != text)
        return false;
    v = (v << 4 | v >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v >> 8) & UINT64_C(0x0000ffff0000ffff);
    uint32_t bytes = htole32((uint32_t)(v | v >> 16));
    memcpy(ret, &bytes, sizeof(bytes));
    return true;
}

/* Decode hexadecimal digits; the number of bytes, or 0 when that is no hexadecimal or too long. */
static uint32_t parse_hex(const char *s, uint8_t ret[AW_RULE_WINDOW])
{
    size_t i = 0, len = strlen(s);
    if (len % 2 || len / 2 > AW_RULE_WINDOW)
        return 0;
    for (; i + 8 <= len; i += 8)
        if (!parse_eight(s + i, ret + i / 2))
            return 0;
    if (i < len) {
        char last[8] = {'0', '0', '0', '0', '0', '0', '0', '0'};
        uint8_t bytes[4];
        memcpy(last, s + i, len - i);
        if (!parse_eight(last, bytes))
            return 0;
        memcpy(ret + i / 2, bytes, (len - i) / 2);
    }
    return (uint32_t)(len / 2);
}

static void parse_flag_letters(const char *s, struct aw_entry *e)
{
    size_t odd = 0;
    for (; *s; s++) {
        unsigned bit = rule_flag_bit(*s);
        e->rule.flags |= bit;
        if (!bit && odd + 1 < sizeof(e->odd_flags))
            e->odd_flags[odd++] = *s;
    }
}

/* A line after the interpreter's; false: not one that is known, or its value makes no sense. */
static bool parse_line(const char *line, struct aw_entry *e)
{
    struct aw_rule *r = &e->rule;
    unsigned long long offset;
    if (BEGINS(line, "flags: ")) {
        parse_flag_letters(line + strlen("flags: "), e);
    } else if (BEGINS(line, "offset ")) {
        if (!str_to_u64(line + strlen("offset "), 0, AW_RULE_WINDOW, &offset))
            return false;
        r->offset = (uint32_t)offset;
    } else if (BEGINS(line, "magic ")) {
        r->type = AW_RULE_MAGIC;
        r->magic_len = parse_hex(line + strlen("magic "), r->magic);
        return r->magic_len > 0;
    } else if (BEGINS(line, "mask ")) {
        r->has_mask = r->magic_len && parse_hex(line + strlen("mask "), r->mask) == r->magic_len;
        return r->has_mask;
    } else {
        return false;
    }
    return true;
}

/* The value of "interpreter ..." at *text, which is moved behind it; it may have newlines. */
static bool take_interpreter(char **text, struct aw_entry *e)
{
    char *value = *text + strlen("interpreter ");
    char *end = strstr(value, "\nflags: ");
    if (!end)
        end = strchrnul(value, '\n');
    size_t len = (size_t)(end - value);
    if (len >= sizeof(e->rule.interpreter))
        return false;
    memcpy(e->rule.interpreter, value, len);
    e->rule.interpreter[len] = 0;
    *text = *end ? end + 1 : end;
    return true;
}

static bool take_extension(char **text, struct aw_entry *e)
{
    char *value = *text + strlen("extension .");
    size_t len = strlen(value);
    if (len && value[len - 1] == '\n')
        len--;
    if (len >= sizeof(e->rule.extension))
        return false;
    e->rule.type = AW_RULE_EXTENSION;
    memcpy(e->rule.extension, value, len);
    e->rule.extension[len] = 0;
    *text = value + strlen(value);
    return true;
}

static bool parse_lines(char *text, struct aw_entry *e)
{
    while (*text) {
        if (BEGINS(text, "interpreter ")) {
            if (!take_interpreter(&text, e))
                return false;
            continue;
        }
        if (BEGINS(text, "extension .")) {
            if (!take_extension(&text, e))
                return false;
            continue;
        }
        char *end = strchrnul(text, '\n');
        char *next = *end ? end + 1 : end;
        *end = 0;
        if (*text && !parse_line(text, e))
            e->odd_lines++;
        text = next;
    }
    return true;
}

/* Only what entry_take fills in bit by bit, or may leave out: a thousand rules are 5 MB. */
static void blank(struct aw_entry *e)
{
    e->rule.name[0] = e->rule.extension[0] = e->rule.interpreter[0] = 0;
    e->rule.type = 0;
    e->rule.offset = e->rule.magic_len = 0;
    e->rule.has_mask = false;
    e->rule.flags = 0;
    memset(e->odd_flags, 0, sizeof(e->odd_flags));
    e->odd_lines = 0;
}

bool entry_take(const char *name, char *text, struct aw_entry *ret)
{
    size_t len = strlen(name);
    char *rest = strchrnul(text, '\n');
    blank(ret);
    if (*rest)
        *rest++ = 0;
    ret->enabled = str_eq(text, "enabled");
    if ((!ret->enabled && !str_eq(text, "disabled")) || len > AW_RULE_NAME_MAX ||
        !parse_lines(rest, ret))
        return false;
    memcpy(ret->rule.name, name, len + 1);
    const struct aw_rule *r = &ret->rule;
    ret->known = r->interpreter[0] && r->type &&
                 (r->type == AW_RULE_EXTENSION
                      ? r->extension[0] != 0
                      : r->magic_len > 0 && r->offset + r->magic_len <= AW_RULE_WINDOW);
    return true;
}

bool aw_entry_parse(const char *name, const char *text, size_t len, struct aw_entry *ret,
                    struct aw_err *err)
{
    struct aw_entry e;
    memset(&e, 0, sizeof(e));
    _cleanup_free_ char *copy = strndup(text, len);
    if (!copy)
        return aw_fail(err, AW_E_NOMEM, 0, "entry %s: no memory", name);
    if (!entry_take(name, copy, &e))
        return aw_fail(err, AW_E_PARSE, 0, "entry %s: this is not what binfmt_misc prints", name);
    *ret = e;
    return true;
}

bool aw_instance_read(struct aw_instance *inst, const char *name, struct aw_entry *ret,
                      struct aw_err *err)
{
    if (!name[0] || strchr(name, '/') || str_eq(name, "register") || str_eq(name, "status"))
        return aw_fail(err, AW_E_ARG, 0, "rule \"%s\": no name of an entry", name);
    char text[ENTRY_MAX];
    _cleanup_close_ int fd = openat(inst->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return aw_fail(err, AW_E_NOTFOUND, 0, "rule %s: there is no such entry", name);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (len < 0)
        return aw_fail(err, instance_code(errno), errno, "rule %s: read its entry", name);
    if (len == sizeof(text))
        return aw_fail(err, AW_E_LIMIT, 0, "rule %s: its entry is longer than any kernel's", name);
    return aw_entry_parse(name, text, (size_t)len, ret, err);
}
