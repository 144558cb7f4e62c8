/* SPDX-License-Identifier: Apache-2.0
 *
 * Printing the kernel's register string.
 *
 * Every byte of magic and mask is written as \xNN, which is how people know them; where that
 * exceeds the kernel's 1920 bytes, only bytes that would be misread are.
 */
#include "base/buf.h"
#include "binfmt/rule.h"

#include <archway/rule.h>

void aw_rule_flags_text(unsigned flags, char ret[8])
{
    static const char letters[] = "POCFT";
    static const unsigned bits[] = {AW_RULE_P, AW_RULE_O, AW_RULE_C, AW_RULE_F, AW_RULE_T};
    size_t n = 0;
    for (size_t i = 0; i < AW_LEN(bits); i++)
        if (flags & bits[i])
            ret[n++] = letters[i];
    ret[n] = 0;
}

static bool check_name(const struct aw_rule *r, struct aw_err *err)
{
    if (!r->name[0] || strchr(r->name, '/') || str_eq(r->name, ".") || str_eq(r->name, ".."))
        return aw_fail(err, AW_E_ARG, 0, "rule name \"%s\": empty, a dot name, or with a slash",
                       r->name);
    if (str_eq(r->name, "register") || str_eq(r->name, "status"))
        return aw_fail(err, AW_E_ARG, 0, "rule name \"%s\": the kernel uses it itself", r->name);
    return true;
}

static bool check(const struct aw_rule *r, struct aw_err *err)
{
    if (!check_name(r, err))
        return false;
    if (!r->interpreter[0])
        return aw_fail(err, AW_E_ARG, 0, "rule %s: the interpreter is empty", r->name);
    if ((r->flags & AW_RULE_T) && (r->flags & AW_RULE_P))
        return aw_fail(err, AW_E_ARG, 0, "rule %s: the flags T and P exclude each other", r->name);
    if (r->type == AW_RULE_EXTENSION) {
        if (!r->extension[0] || strchr(r->extension, '/'))
            return aw_fail(err, AW_E_ARG, 0, "rule %s: extension \"%s\" is empty or has a slash",
                           r->name, r->extension);
        return true;
    }
    if (r->type != AW_RULE_MAGIC)
        return aw_fail(err, AW_E_ARG, 0, "rule %s: the type is neither M nor E", r->name);
    if (r->magic_len == 0 || r->magic_len > AW_RULE_WINDOW ||
        r->offset > AW_RULE_WINDOW - r->magic_len)
        return aw_fail(err, AW_E_ARG, 0,
                       "rule %s: offset %u and magic of %u bytes do not lie in a file's first %d",
                       r->name, r->offset, r->magic_len, AW_RULE_WINDOW);
    return true;
}

/* Is every use of ch in the string as a delimiter only? */
static bool delimits(const struct aw_rule *r, char ch)
{
    return !strchr(r->name, ch) && !strchr(r->interpreter, ch) &&
           (r->type != AW_RULE_EXTENSION || !strchr(r->extension, ch));
}

/* A delimiter that no field has: ':' if it can be, then other punctuation, then any byte that is
 * neither a digit nor a letter (flags, types, escapes), nor newline, backslash or NUL. */
static char choose_delimiter(const struct aw_rule *r)
{
    static const char best[] = ":|;,#%@!~^=_?&$*<>()[]{}'\"` \t";
    for (size_t i = 0; best[i]; i++)
        if (delimits(r, best[i]))
            return best[i];
    for (int ch = 1; ch < 256; ch++) {
        bool alnum = (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z');
        if (!alnum && ch != '\n' && ch != '\\' && ch != '+' && ch != '-' && delimits(r, (char)ch))
            return (char)ch;
    }
    return 0;
}

static void add_bytes(struct buf *b, const uint8_t *bytes, size_t len, char del_if_compact)
{
    for (size_t i = 0; i < len; i++) {
        char ch = (char)bytes[i];
        if (del_if_compact && ch && ch != '\\' && ch != del_if_compact)
            buf_addc(b, ch);
        else
            buf_addf(b, "\\x%02x", bytes[i]);
    }
}

static void print(const struct aw_rule *r, char del, bool compact, struct buf *b)
{
    char flags[8];
    aw_rule_flags_text(r->flags, flags);
    buf_addf(b, "%c%s%c%c%c", del, r->name, del, (char)r->type, del);
    if (r->type == AW_RULE_EXTENSION) {
        buf_addf(b, "%c%s%c", del, r->extension, del);
    } else {
        if (r->offset)
            buf_addf(b, "%u", r->offset);
        buf_addc(b, del);
        add_bytes(b, r->magic, r->magic_len, compact ? del : 0);
        buf_addc(b, del);
        if (r->has_mask)
            add_bytes(b, r->mask, r->magic_len, compact ? del : 0);
    }
    buf_addf(b, "%c%s%c%s", del, r->interpreter, del, flags);
}

size_t aw_rule_format(const struct aw_rule *rule, char ret[AW_RULE_TEXT_MAX + 1],
                      struct aw_err *err)
{
    if (!check(rule, err))
        return 0;
    char del = choose_delimiter(rule);
    if (!del) {
        aw_fail(err, AW_E_LIMIT, 0, "rule %s: its fields leave no byte for a delimiter",
                rule->name);
        return 0;
    }
    _cleanup_buf_ struct buf b = {0};
    print(rule, del, false, &b);
    if (b.len > AW_RULE_TEXT_MAX && rule->type == AW_RULE_MAGIC) {
        buf_fini(&b);
        b = (struct buf){0};
        print(rule, del, true, &b);
    }
    if (!buf_ok(&b)) {
        aw_fail(err, AW_E_NOMEM, 0, "rule %s: no memory", rule->name);
        return 0;
    }
    if (b.len > AW_RULE_TEXT_MAX) {
        aw_fail(err, AW_E_LIMIT, 0, "rule %s: its string has %zu bytes, the kernel takes %d",
                rule->name, b.len, AW_RULE_TEXT_MAX);
        return 0;
    }
    memcpy(ret, buf_str(&b), b.len + 1);
    return b.len;
}
