/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing the kernel's register string.
 *
 * The idea: one cursor walks the bytes, a field at a time, and the first fault ends it. The kernel
 * pads its copy with delimiters and finds out at the very end that the string was too short; since
 * no such string is ever accepted, the end of the text inside a field is a fault at once here.
 *
 * Invariants:
 * 1. The verdict is the kernel's, oddities included: a raw NUL ends magic and mask silently but
 *    spoils every other field; "\\x41" is checked as an escape but is taken literally; an offset
 * may have a plus sign or end in a newline; a newline delimiter needs one more newline at the end.
 * 2. Every fault has the column of the byte that shows it.
 * 3. *ret is written on success only.
 *
 * Left out: what needs the file system (existing names, F's interpreter): instance.c.
 */
#include "binfmt/rule.h"

#include "base/util.h"

#include <archway/rule.h>

#include <errno.h>
#include <limits.h>

struct cursor {
    const char *text; /* the whole string */
    size_t len;       /* its bytes */
    size_t pos;       /* next byte to look at */
    char del;         /* the delimiter */
};

struct fault_at {
    enum aw_rule_fault_kind kind; /* AW_FAULT_NONE: all well */
    size_t pos;                   /* byte that shows it, from 0 */
    const char *what;             /* field or text for the message */
};

#define OK_SO_FAR ((struct fault_at){AW_FAULT_NONE, 0, NULL})
#define FAULT(kind, pos, what) ((struct fault_at){(kind), (pos), (what)})

static const struct {
    enum aw_rule_fault_kind kind;
    const char *name; /* for --json */
    const char *text; /* for people; %s is the field where one is named */
} fault_table[] = {
    {AW_FAULT_NONE, "none", "no fault"},
    {AW_FAULT_TOO_SHORT, "too-short", "the string is shorter than the 11 bytes that a rule needs"},
    {AW_FAULT_TOO_LONG, "too-long", "the string is longer than 1920 bytes"},
    {AW_FAULT_DELIMITER, "delimiter",
     "the first byte is the delimiter and cannot be a flag letter"},
    {AW_FAULT_UNENDED, "unended", "the string ends in its %s field"},
    {AW_FAULT_NUL, "nul", "a NUL byte in the %s field"},
    {AW_FAULT_NAME_EMPTY, "name-empty", "the name is empty"},
    {AW_FAULT_NAME_DOTS, "name-dots", "the name is \".\" or \"..\""},
    {AW_FAULT_NAME_SLASH, "name-slash", "the name has a slash"},
    {AW_FAULT_NAME_LONG, "name-long", "the name is longer than 255 bytes"},
    {AW_FAULT_NAME_RESERVED, "name-reserved", "the name is one of the kernel's own files"},
    {AW_FAULT_TYPE, "type", "the type is neither M (magic) nor E (extension)"},
    {AW_FAULT_OFFSET, "offset", "the offset is no decimal number"},
    {AW_FAULT_OFFSET_NEGATIVE, "offset-negative", "the offset is negative"},
    {AW_FAULT_OFFSET_RANGE, "offset-range", "the offset is too large"},
    {AW_FAULT_MAGIC_EMPTY, "magic-empty", "the magic is empty"},
    {AW_FAULT_ESCAPE, "escape", "\\x in the %s field needs two hexadecimal digits"},
    {AW_FAULT_MASK_LENGTH, "mask-length", "magic and mask differ in length"},
    {AW_FAULT_WINDOW, "window", "offset and magic reach beyond the first 256 bytes of a file"},
    {AW_FAULT_EXTENSION_EMPTY, "extension-empty", "the extension is empty"},
    {AW_FAULT_EXTENSION_SLASH, "extension-slash", "the extension has a slash"},
    {AW_FAULT_INTERPRETER, "interpreter-empty", "the interpreter is empty"},
    {AW_FAULT_FLAG, "flag", "%s"},
    {AW_FAULT_FLAG_CONFLICT, "flag-conflict", "the flags T and P exclude each other"},
};

const char *aw_rule_fault_name(enum aw_rule_fault_kind kind)
{
    for (size_t i = 0; i < AW_LEN(fault_table); i++)
        if (fault_table[i].kind == kind)
            return fault_table[i].name;
    return "unknown";
}

unsigned rule_flag_bit(char letter)
{
    switch (letter) {
    case 'P':
        return AW_RULE_P;
    case 'O':
        return AW_RULE_O;
    case 'C':
        return AW_RULE_C | AW_RULE_O;
    case 'F':
        return AW_RULE_F;
    case 'T':
        return AW_RULE_T | AW_RULE_O;
    default:
        return 0;
    }
}

/* The next field, up to the delimiter, which is passed. A NUL in it is a fault. */
static struct fault_at take_field(struct cursor *c, const char *what, size_t *ret_start,
                                  size_t *ret_len)
{
    size_t start = c->pos;
    for (size_t i = start; i < c->len; i++) {
        if (c->text[i] == c->del) {
            *ret_start = start;
            *ret_len = i - start;
            c->pos = i + 1;
            return OK_SO_FAR;
        }
        if (!c->text[i])
            return FAULT(AW_FAULT_NUL, i, what);
    }
    return FAULT(AW_FAULT_UNENDED, c->len, what);
}

static bool is_hex(char ch)
{
    return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f') || (ch >= 'A' && ch <= 'F');
}

/* The next field where \xNN may stand: digits of an escape do not end it, even when one of them is
 * the delimiter. Not checked for NUL. */
static struct fault_at take_escaped(struct cursor *c, const char *what, size_t *ret_start,
                                    size_t *ret_len)
{
    size_t i = c->pos;
    while (i < c->len && c->text[i] != c->del) {
        if (c->text[i] == '\\' && i + 1 < c->len && c->text[i + 1] == 'x') {
            for (size_t d = i + 2; d < i + 4; d++) {
                if (d >= c->len)
                    return FAULT(AW_FAULT_UNENDED, c->len, what);
                if (!is_hex(c->text[d]))
                    return FAULT(AW_FAULT_ESCAPE, i, what);
            }
            i += 4;
        } else {
            i++;
        }
    }
    if (i >= c->len)
        return FAULT(AW_FAULT_UNENDED, c->len, what);
    *ret_start = c->pos;
    *ret_len = i - c->pos;
    c->pos = i + 1;
    return OK_SO_FAR;
}

static int hex_value(char ch)
{
    return ch <= '9' ? ch - '0' : (ch | 0x20) - 'a' + 10;
}

/* Decode as the kernel does: up to a raw NUL; a backslash that begins no escape is literal, and so
 * is the byte after it. Returns the full length; no more than AW_RULE_WINDOW bytes are stored. */
static size_t decode(const char *text, size_t len, uint8_t ret[AW_RULE_WINDOW])
{
    size_t n = 0, i = 0;
    uint8_t pair[2];
    while (i < len && text[i]) {
        size_t add = 1;
        pair[0] = (uint8_t)text[i];
        if (text[i] != '\\' || i + 1 >= len || !text[i + 1]) {
            i++;
        } else if (text[i + 1] == 'x' && i + 3 < len) {
            pair[0] = (uint8_t)(hex_value(text[i + 2]) << 4 | hex_value(text[i + 3]));
            i += 4;
        } else {
            pair[1] = (uint8_t)text[i + 1];
            add = 2;
            i += 2;
        }
        for (size_t k = 0; k < add; k++, n++)
            if (n < AW_RULE_WINDOW)
                ret[n] = pair[k];
    }
    return n;
}

static struct fault_at parse_name(struct cursor *c, struct aw_rule *r)
{
    size_t start, len;
    struct fault_at f = take_field(c, "name", &start, &len);
    if (f.kind)
        return f;
    const char *name = c->text + start;
    if (len == 0)
        return FAULT(AW_FAULT_NAME_EMPTY, start, NULL);
    if ((len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
        return FAULT(AW_FAULT_NAME_DOTS, start, NULL);
    const char *slash = memchr(name, '/', len);
    if (slash)
        return FAULT(AW_FAULT_NAME_SLASH, (size_t)(slash - c->text), NULL);
    /* The kernel notices these two when all the rest is right: the caller asks name_fault(). */
    size_t keep = len < AW_RULE_NAME_MAX ? len : AW_RULE_NAME_MAX;
    memcpy(r->name, name, keep);
    r->name[keep] = 0;
    return OK_SO_FAR;
}

static struct fault_at name_fault(const struct cursor *c, const struct aw_rule *r)
{
    const char *end = memchr(c->text + 1, c->del, c->len - 1);
    if (end - (c->text + 1) > AW_RULE_NAME_MAX)
        return FAULT(AW_FAULT_NAME_LONG, 1 + AW_RULE_NAME_MAX, NULL);
    if (str_eq(r->name, "register") || str_eq(r->name, "status"))
        return FAULT(AW_FAULT_NAME_RESERVED, 1, NULL);
    return OK_SO_FAR;
}

static struct fault_at parse_type(struct cursor *c, struct aw_rule *r)
{
    if (c->pos >= c->len)
        return FAULT(AW_FAULT_UNENDED, c->len, "type");
    char type = c->text[c->pos];
    if (type != AW_RULE_MAGIC && type != AW_RULE_EXTENSION)
        return FAULT(AW_FAULT_TYPE, c->pos, NULL);
    if (c->pos + 1 >= c->len)
        return FAULT(AW_FAULT_UNENDED, c->len, "type");
    if (c->text[c->pos + 1] != c->del)
        return FAULT(AW_FAULT_TYPE, c->pos + 1, NULL);
    r->type = (enum aw_rule_type)type;
    c->pos += 2;
    return OK_SO_FAR;
}

/* [+-]digits[\n], within an int; empty is 0, and so is -0. */
static struct fault_at parse_offset(struct cursor *c, struct aw_rule *r)
{
    size_t start, len;
    struct fault_at f = take_field(c, "offset", &start, &len);
    if (f.kind)
        return f;
    const char *s = c->text + start;
    bool negative = len > 0 && s[0] == '-';
    size_t i = len > 0 && (s[0] == '+' || s[0] == '-'), first = i;
    uint64_t value = 0;
    for (; i < len && s[i] >= '0' && s[i] <= '9'; i++)
        if (value <= INT_MAX)
            value = value * 10 + (uint64_t)(s[i] - '0');
    size_t digits = i - first;
    if (i + 1 == len && s[i] == '\n' && digits)
        i++;
    if (i != len || (len && !digits))
        return FAULT(AW_FAULT_OFFSET, start + (digits ? i : 0), NULL);
    if (value > INT_MAX)
        return FAULT(AW_FAULT_OFFSET_RANGE, start, NULL);
    if (negative && value)
        return FAULT(AW_FAULT_OFFSET_NEGATIVE, start, NULL);
    r->offset = (uint32_t)value;
    return OK_SO_FAR;
}

static struct fault_at parse_magic(struct cursor *c, struct aw_rule *r)
{
    size_t start, len, mask_start, mask_len;
    struct fault_at f = take_escaped(c, "magic", &start, &len);
    if (f.kind)
        return f;
    if (len == 0)
        return FAULT(AW_FAULT_MAGIC_EMPTY, start, NULL);
    if (!c->text[start])
        return FAULT(AW_FAULT_NUL, start, "magic");
    f = take_escaped(c, "mask", &mask_start, &mask_len);
    if (f.kind)
        return f;
    size_t size = decode(c->text + start, len, r->magic);
    r->has_mask = mask_len > 0 && c->text[mask_start];
    if (r->has_mask && decode(c->text + mask_start, mask_len, r->mask) != size)
        return FAULT(AW_FAULT_MASK_LENGTH, mask_start, NULL);
    if (size > AW_RULE_WINDOW || r->offset > AW_RULE_WINDOW - size)
        return FAULT(AW_FAULT_WINDOW, start, NULL);
    r->magic_len = (uint32_t)size;
    return OK_SO_FAR;
}

static struct fault_at parse_extension(struct cursor *c, struct aw_rule *r)
{
    size_t start, len, skip_start, skip_len;
    struct fault_at f = take_field(c, "offset", &skip_start, &skip_len);
    if (f.kind)
        return f;
    f = take_field(c, "extension", &start, &len);
    if (f.kind)
        return f;
    if (len == 0)
        return FAULT(AW_FAULT_EXTENSION_EMPTY, start, NULL);
    const char *slash = memchr(c->text + start, '/', len);
    if (slash)
        return FAULT(AW_FAULT_EXTENSION_SLASH, (size_t)(slash - c->text), NULL);
    memcpy(r->extension, c->text + start, len);
    r->extension[len] = 0;
    return take_field(c, "mask", &skip_start, &skip_len);
}

static struct fault_at parse_flags(struct cursor *c, struct aw_rule *r)
{
    size_t start = c->pos;
    unsigned bit;
    /* where T may delimit it is no flag yet, so no kernel takes it as both */
    while (c->pos < c->len && c->text[c->pos] != c->del &&
           (bit = rule_flag_bit(c->text[c->pos])) != 0) {
        r->flags |= bit;
        c->pos++;
    }
    if (c->pos < c->len && c->text[c->pos] == '\n')
        c->pos++;
    else if (c->pos == c->len && c->del == '\n')
        return FAULT(AW_FAULT_FLAG, c->len,
                     "with a newline as delimiter the flags need one more newline after them");
    if (c->pos != c->len)
        return FAULT(AW_FAULT_FLAG, c->pos,
                     c->pos > start && c->text[c->pos - 1] == '\n'
                         ? "something follows the newline at the end"
                         : "not a flag letter (P, O, C, F, or T from Linux 7.3)");
    if ((r->flags & AW_RULE_T) && (r->flags & AW_RULE_P))
        return FAULT(AW_FAULT_FLAG_CONFLICT, start, NULL);
    return OK_SO_FAR;
}

static struct fault_at parse_all(struct cursor *c, struct aw_rule *r)
{
    if (c->len < AW_RULE_TEXT_MIN)
        return FAULT(AW_FAULT_TOO_SHORT, c->len, NULL);
    if (c->len > AW_RULE_TEXT_MAX)
        return FAULT(AW_FAULT_TOO_LONG, AW_RULE_TEXT_MAX, NULL);
    c->del = c->text[0];
    c->pos = 1;
    /* T delimits well before Linux 7.3, so it is no fault here. */
    if (rule_flag_bit(c->del) && c->del != 'T')
        return FAULT(AW_FAULT_DELIMITER, 0, NULL);
    struct fault_at f = parse_name(c, r);
    if (!f.kind)
        f = parse_type(c, r);
    if (!f.kind && r->type == AW_RULE_EXTENSION)
        f = parse_extension(c, r);
    if (!f.kind && r->type == AW_RULE_MAGIC) {
        f = parse_offset(c, r);
        if (!f.kind)
            f = parse_magic(c, r);
    }
    if (f.kind)
        return f;
    size_t start, len;
    f = take_field(c, "interpreter", &start, &len);
    if (f.kind)
        return f;
    if (len == 0)
        return FAULT(AW_FAULT_INTERPRETER, start, NULL);
    memcpy(r->interpreter, c->text + start, len);
    r->interpreter[len] = 0;
    f = parse_flags(c, r);
    return f.kind ? f : name_fault(c, r);
}

static bool report(const struct fault_at *f, struct aw_rule_fault *fault, struct aw_err *err)
{
    int how = f->kind == AW_FAULT_NAME_LONG       ? ENAMETOOLONG
              : f->kind == AW_FAULT_NAME_RESERVED ? EEXIST
                                                  : EINVAL;
    if (fault)
        *fault =
            (struct aw_rule_fault){.kind = f->kind, .column = (int)f->pos + 1, .sys_errno = how};
    char text[160] = "";
    for (size_t i = 0; i < AW_LEN(fault_table); i++)
        if (fault_table[i].kind == f->kind)
            snprintf(text, sizeof(text), fault_table[i].text, f->what ? f->what : "");
    aw_fail(err, AW_E_PARSE, 0, "rule, column %zu: %s", f->pos + 1, text);
    if (err)
        err->sys_errno = how;
    return false;
}

bool aw_rule_parse(const void *text, size_t len, struct aw_rule *ret, struct aw_rule_fault *fault,
                   struct aw_err *err)
{
    struct cursor c = {.text = text, .len = len};
    struct aw_rule r;
    memset(&r, 0, sizeof(r));
    struct fault_at f = parse_all(&c, &r);
    if (f.kind)
        return report(&f, fault, err);
    if (fault)
        *fault = (struct aw_rule_fault){0};
    *ret = r;
    return true;
}

bool aw_rule_equal(const struct aw_rule *a, const struct aw_rule *b)
{
    if (a->type != b->type || a->flags != b->flags || !str_eq(a->name, b->name) ||
        !str_eq(a->interpreter, b->interpreter))
        return false;
    if (a->type == AW_RULE_EXTENSION)
        return str_eq(a->extension, b->extension);
    return a->offset == b->offset && a->magic_len == b->magic_len && a->has_mask == b->has_mask &&
           memcmp(a->magic, b->magic, a->magic_len) == 0 &&
           (!a->has_mask || memcmp(a->mask, b->mask, a->magic_len) == 0);
}

bool aw_rule_matches(const struct aw_rule *rule, const void *head, size_t len, const char *path)
{
    if (rule->type == AW_RULE_EXTENSION) {
        const char *dot = path ? strrchr(path, '.') : NULL;
        return dot && str_eq(dot + 1, rule->extension);
    }
    if (!head)
        return false;
    const uint8_t *bytes = head;
    for (uint32_t i = 0; i < rule->magic_len; i++) {
        size_t at = rule->offset + i;
        uint8_t have = at < len ? bytes[at] : 0;
        if ((have ^ rule->magic[i]) & (rule->has_mask ? rule->mask[i] : 0xff))
            return false;
    }
    return true;
}
