/* SPDX-License-Identifier: Apache-2.0
 *
 * update-binfmts' files.
 *
 * The idea: both kinds of file are taken apart into the same fields, of which the register string
 * is made that update-binfmts would write; aw_rule_parse() then gives the kernel's verdict on it.
 *
 * Invariants:
 * 1. The last line of a key counts, unknown keys do not, and what is not "yes" is no: as
 *    update-binfmts reads them. Blanks and tabs around keys and values do not count here.
 * 2. Values are used as they stand: a value that has each possible delimiter in it cannot be
 *    registered, by update-binfmts neither.
 */
#include "binfmt/spec.h"

#include "base/buf.h"

enum field {
    PACKAGE,
    TYPE,
    OFFSET,
    MAGIC,
    MASK,
    INTERPRETER,
    DETECTOR,
    CREDENTIALS,
    PRESERVE,
    FIX_BINARY,
    EXTENSION,
    N_FIELDS,
};

/* In the order of the database's lines; TYPE is no key, and EXTENSION has no line of its own. */
static const char *const keys[N_FIELDS] = {"package",  "type",        "offset",   "magic",
                                           "mask",     "interpreter", "detector", "credentials",
                                           "preserve", "fix_binary",  "extension"};

struct fields {
    const char *v[N_FIELDS]; /* values; NULL: not there */
    size_t len[N_FIELDS];    /* their bytes */
    unsigned line[N_FIELDS]; /* where they stand, from 1 */
};

const char *spec_kind_name(enum spec_kind kind)
{
    static const char *const names[] = {"binfmt.d", "update-binfmts", "update-binfmts-database"};
    return names[kind];
}

const char *spec_fault_name(enum spec_fault fault)
{
    static const char *const names[] = {"none",         "missing-key", "magic-and-extension",
                                        "fix-detector", "short-entry", "too-long"};
    return names[fault];
}

static bool blank(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r';
}

struct lines {
    const char *rest; /* not read yet */
    size_t left;      /* bytes of it */
    unsigned line;    /* number of the one given last */
};

/* The next line without what is blank around it. */
static bool next_line(struct lines *l, const char **ret, size_t *ret_len)
{
    if (!l->left)
        return false;
    const char *start = l->rest, *end = memchr(start, '\n', l->left);
    size_t len = end ? (size_t)(end - start) : l->left, whole = end ? len + 1 : len;
    l->rest += whole;
    l->left -= whole;
    l->line++;
    for (; len && blank(start[len - 1]); len--)
        ;
    for (; len && blank(*start); len--)
        start++;
    *ret = start;
    *ret_len = len;
    return true;
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

static enum field find_key(const char *text, size_t len)
{
    for (enum field i = 0; i < N_FIELDS; i++)
        if (i != TYPE && is_word(text, len, keys[i]))
            return i;
    return N_FIELDS;
}

static size_t key_length(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && !blank(text[n]))
        n++;
    return n;
}

enum spec_kind spec_kind(const char *text, size_t len)
{
    struct lines l = {.rest = text, .left = len};
    const char *line;
    size_t n;
    for (bool first = true; next_line(&l, &line, &n);) {
        if (l.line == 2 && (is_word(line, n, "magic") || is_word(line, n, "extension")))
            return SPEC_DATABASE_ENTRY;
        if (first && n && *line != '#' && *line != ';') {
            size_t key = key_length(line, n);
            if (key < n && find_key(line, key) != N_FIELDS)
                return SPEC_PACKAGE;
            first = false;
        }
        if (l.line >= 2 && !first)
            break;
    }
    return SPEC_RULES;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static void read_package(const char *text, size_t len, struct fields *f, struct spec *s)
{
    struct lines l = {.rest = text, .left = len};
    const char *line;
    size_t n;
    while (next_line(&l, &line, &n)) {
        size_t key = key_length(line, n), value = key;
        enum field i = find_key(line, key);
        if (i == N_FIELDS) {
            s->unknown = n && *line != '#' ? l.line : s->unknown;
            continue;
        }
        while (value < n && blank(line[value]))
            value++;
        f->v[i] = line + value;
        f->len[i] = n - value;
        f->line[i] = l.line;
    }
}

static bool read_database(const char *text, size_t len, struct fields *f)
{
    struct lines l = {.rest = text, .left = len};
    enum field i = 0;
    for (; i < EXTENSION && next_line(&l, &f->v[i], &f->len[i]); i++)
        f->line[i] = l.line;
    if (i < EXTENSION)
        return false;
    if (is_word(f->v[TYPE], f->len[TYPE], "extension")) {
        f->v[EXTENSION] = f->v[MAGIC];
        f->len[EXTENSION] = f->len[MAGIC];
        f->line[EXTENSION] = f->line[MAGIC];
        f->v[MAGIC] = NULL;
    }
    if (is_word(f->v[PACKAGE], f->len[PACKAGE], ":"))
        f->len[PACKAGE] = 0;
    return true;
}

static bool has(const struct fields *f, enum field i)
{
    return f->v[i] && f->len[i];
}

static bool yes(const struct fields *f, enum field i, struct spec *s)
{
    if (has(f, i) && !is_word(f->v[i], f->len[i], "yes") && !is_word(f->v[i], f->len[i], "no"))
        s->doubtful = f->line[i];
    return has(f, i) && is_word(f->v[i], f->len[i], "yes");
}

static void add(struct buf *b, char delimiter, const struct fields *f, enum field i)
{
    buf_addc(b, delimiter);
    if (f->v[i])
        buf_add(b, f->v[i], f->len[i]);
}

/* A byte that no field has and that is no flag; 0: there is none. */
static char find_delimiter(const char *name, const struct fields *f)
{
    for (const char *d = ":|!,;@%^&~\001\002\003"; *d; d++) {
        bool used = strchr(name, *d) != NULL;
        for (enum field i = 0; i < N_FIELDS && !used; i++)
            used = f->v[i] && memchr(f->v[i], *d, f->len[i]);
        if (!used)
            return *d;
    }
    return 0;
}

static bool complain(struct spec *s, enum spec_fault fault, unsigned line, struct aw_err *err,
                     const char *fmt, const char *what)
{
    s->fault = fault;
    s->line = line;
    return aw_fail(err, AW_E_PARSE, 0, fmt, what);
}

static bool check(enum spec_kind kind, const struct fields *f, struct spec *s, struct aw_err *err)
{
    if (kind == SPEC_PACKAGE && !has(f, PACKAGE))
        return complain(s, SPEC_FAULT_MISSING, 0, err, "there is no line \"%s\"", keys[PACKAGE]);
    if (has(f, MAGIC) && has(f, EXTENSION))
        return complain(s, SPEC_FAULT_BOTH, f->line[EXTENSION], err,
                        "%s, where there is a magic already", keys[EXTENSION]);
    if (!has(f, MAGIC) && !has(f, EXTENSION))
        return complain(s, SPEC_FAULT_MISSING, 0, err, "there is neither a magic nor an %s",
                        keys[EXTENSION]);
    if (!has(f, INTERPRETER))
        return complain(s, SPEC_FAULT_MISSING, 0, err, "there is no line \"%s\"",
                        keys[INTERPRETER]);
    if (has(f, DETECTOR) && yes(f, FIX_BINARY, s))
        return complain(s, SPEC_FAULT_DETECTOR, f->line[FIX_BINARY], err,
                        "%s together with a detector: the kernel would hold one interpreter open, "
                        "and the detector is to choose it",
                        keys[FIX_BINARY]);
    return true;
}

static enum field field_of(enum aw_rule_fault_kind kind, const struct fields *f)
{
    switch (kind) {
    case AW_FAULT_OFFSET:
    case AW_FAULT_OFFSET_NEGATIVE:
    case AW_FAULT_OFFSET_RANGE:
        return OFFSET;
    case AW_FAULT_MASK_LENGTH:
        return MASK;
    case AW_FAULT_INTERPRETER:
        return INTERPRETER;
    default:
        return has(f, MAGIC) ? MAGIC : EXTENSION;
    }
}

static bool make_rule(const char *name, const struct fields *f, struct spec *s, struct aw_err *err)
{
    _cleanup_buf_ struct buf b = {0};
    char d = find_delimiter(name, f);
    if (!d)
        return complain(s, SPEC_FAULT_LONG, 0, err, "%s", "no delimiter is left for it");
    buf_addf(&b, "%c%s%c%c", d, name, d, has(f, MAGIC) ? 'M' : 'E');
    add(&b, d, f, OFFSET);
    add(&b, d, f, has(f, MAGIC) ? MAGIC : EXTENSION);
    add(&b, d, f, MASK);
    add(&b, d, f, INTERPRETER);
    buf_addf(&b, "%c%s%s%s", d, yes(f, PRESERVE, s) ? "P" : "", yes(f, CREDENTIALS, s) ? "C" : "",
             yes(f, FIX_BINARY, s) ? "F" : "");
    if (!buf_ok(&b))
        return aw_fail(err, AW_E_NOMEM, 0, "%s: no memory", name);
    if (aw_rule_parse(buf_str(&b), b.len, &s->rule, &s->rule_fault, err))
        return true;
    s->line = f->line[field_of(s->rule_fault.kind, f)];
    return false;
}

bool spec_parse(enum spec_kind kind, const char *name, const char *text, size_t len,
                struct spec *ret, struct aw_err *err)
{
    struct fields f;
    memset(&f, 0, sizeof(f));
    memset(ret, 0, sizeof(*ret));
    if (kind == SPEC_PACKAGE)
        read_package(text, len, &f, ret);
    else if (!read_database(text, len, &f))
        return complain(ret, SPEC_FAULT_SHORT, 0, err, "%s", "ten lines are needed");
    if (f.len[PACKAGE] >= SPEC_WORD || f.len[DETECTOR] >= SPEC_WORD)
        return complain(ret, SPEC_FAULT_LONG, f.line[PACKAGE], err, "%s", "a name is too long");
    if (f.v[PACKAGE])
        memcpy(ret->package, f.v[PACKAGE], f.len[PACKAGE]);
    if (f.v[DETECTOR])
        memcpy(ret->detector, f.v[DETECTOR], f.len[DETECTOR]);
    return check(kind, &f, ret, err) && make_rule(name, &f, ret, err);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static void add_bytes(struct buf *b, const char *key, const uint8_t *bytes, size_t n)
{
    buf_addf(b, "%s ", key);
    for (size_t i = 0; i < n; i++)
        buf_addf(b, "\\x%02x", bytes[i]);
    buf_addc(b, '\n');
}

/* Escaped, a rule that just fits the kernel's limit does no longer. */
static bool is_too_long(const struct aw_rule *r, const char *text)
{
    struct spec again;
    struct aw_err err = AW_ERR_INIT;
    return !spec_parse(SPEC_PACKAGE, r->name, text, strlen(text), &again, &err) &&
           again.rule_fault.kind == AW_FAULT_TOO_LONG;
}

char *spec_print(const struct aw_rule *r, const char *package, struct aw_err *err)
{
    if ((r->flags & AW_RULE_T) || strchr(r->interpreter, '\n') || strchr(r->extension, '\n')) {
        aw_fail(err, AW_E_UNSUPPORTED, 0, "rule %s: update-binfmts has no word for %s", r->name,
                r->flags & AW_RULE_T ? "flag T" : "a path with a newline");
        return NULL;
    }
    struct buf b = {0};
    buf_addf(&b, "package %s\ninterpreter %s\n", package, r->interpreter);
    if (r->type == AW_RULE_EXTENSION) {
        buf_addf(&b, "extension %s\n", r->extension);
    } else {
        add_bytes(&b, "magic", r->magic, r->magic_len);
        if (r->offset)
            buf_addf(&b, "offset %u\n", r->offset);
        if (r->has_mask)
            add_bytes(&b, "mask", r->mask, r->magic_len);
    }
    buf_addf(&b, "credentials %s\npreserve %s\nfix_binary %s\n",
             r->flags & AW_RULE_C ? "yes" : "no", r->flags & AW_RULE_P ? "yes" : "no",
             r->flags & AW_RULE_F ? "yes" : "no");
    char *text = buf_steal(&b);
    buf_fini(&b);
    if (!text) {
        aw_fail(err, AW_E_NOMEM, 0, "rule %s: no memory", r->name);
        return NULL;
    }
    if (is_too_long(r, text)) {
        aw_fail(err, AW_E_UNSUPPORTED, 0,
                "rule %s: as update-binfmts writes it, it is longer than the %d bytes that the "
                "kernel takes",
                r->name, AW_RULE_TEXT_MAX);
        free(text);
        return NULL;
    }
    return text;
}
