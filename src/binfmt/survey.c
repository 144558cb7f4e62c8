/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing rules with each other.
 *
 * The idea: a rule fixes some bits of the first 256 bytes. It covers another when every bit that it
 * fixes is fixed there to the same value; the two overlap when no bit is fixed differently. A rule
 * with an extension fixes no bit, but also asks for the extension.
 *
 * Invariants:
 * 1. Rules are compared in words of 64 bits: a thousand rules are half a million pairs. For those
 *    only the words that a rule fixes are kept, side by side: whole windows were 130 pages.
 * 2. Entries of a kind that is not known cover nothing and are covered by nothing.
 * 3. A snapshot's entry is taken apart for its own row, and is gone at the next.
 */
#include "base/util.h"
#include "binfmt/snapshot.h"

#include <archway/survey.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define WORDS (AW_RULE_WINDOW / 8)
#define LOOKED 256 /* interpreters that are remembered at most */
#define HEADERS 4  /* of one architecture: two machine numbers, executable or shared object */

struct bits {
    const char *extension; /* that it asks for, or NULL */
    size_t first, end;     /* the words in which it fixes bits */
    const uint64_t *mask;  /* the bits that are fixed, in the words before end */
    const uint64_t *value; /* and to what */
};

/* Room for the words of one rule. */
struct window {
    uint64_t mask[WORDS], value[WORDS];
};

/* An enabled rule that is known. The last word in which it fixes bits stands here as well: most
 * rules differ from each other there (in the machine number), and an array of these stays in the
 * nearest cache. */
struct shadow {
    uint64_t mask, value; /* of the last word */
    uint32_t word;        /* its number */
    uint32_t entry;       /* whose rule it is */
};

static void take_bits(const struct aw_rule *r, struct window *w, struct bits *ret)
{
    uint8_t mask[AW_RULE_WINDOW] = {0}, value[AW_RULE_WINDOW] = {0};
    bool by_extension = r->type == AW_RULE_EXTENSION;
    for (uint32_t i = 0; !by_extension && i < r->magic_len; i++) {
        mask[r->offset + i] = r->has_mask ? r->mask[i] : 0xff;
        value[r->offset + i] = r->magic[i] & mask[r->offset + i];
    }
    memcpy(w->mask, mask, sizeof(mask));
    memcpy(w->value, value, sizeof(value));
    *ret = (struct bits){.extension = by_extension ? r->extension : NULL,
                         .end = WORDS,
                         .mask = w->mask,
                         .value = w->value};
    while (ret->end > 0 && !ret->mask[ret->end - 1])
        ret->end--;
    while (ret->first < ret->end && !ret->mask[ret->first])
        ret->first++;
}

static bool bits_cover(const struct bits *a, const struct bits *b)
{
    if (a->extension && !(b->extension && str_eq(a->extension, b->extension)))
        return false;
    if (a->end > b->end)
        return false; /* its last word has a bit */
    for (size_t i = a->end; i-- > a->first;)
        if ((a->mask[i] & ~b->mask[i]) || ((a->value[i] ^ b->value[i]) & a->mask[i]))
            return false;
    return true;
}

static bool bits_overlap(const struct bits *a, const struct bits *b)
{
    if (a->extension && b->extension && !str_eq(a->extension, b->extension))
        return false;
    for (size_t i = a->first; i < a->end && i < b->end; i++)
        if ((a->value[i] ^ b->value[i]) & a->mask[i] & b->mask[i])
            return false;
    return true;
}

bool aw_rule_covers(const struct aw_rule *a, const struct aw_rule *b)
{
    struct window v, w;
    struct bits x, y;
    take_bits(a, &v, &x);
    take_bits(b, &w, &y);
    return bits_cover(&x, &y);
}

bool aw_rule_overlaps(const struct aw_rule *a, const struct aw_rule *b)
{
    struct window v, w;
    struct bits x, y;
    take_bits(a, &v, &x);
    take_bits(b, &w, &y);
    return bits_overlap(&x, &y);
}

/* The headers of every architecture, made once for all rules. */
struct headers {
    size_t n_archs;                                 /* in use */
    uint64_t native;                                /* bit i: this machine runs architecture i */
    uint64_t head[64][HEADERS][AW_ARCH_HEADER / 8]; /* by architecture; the second half may repeat
                                                       the first */
};

static void make_headers(struct headers *h)
{
    const struct aw_arch *arch;
    uint8_t bytes[AW_ARCH_HEADER];
    h->native = 0;
    for (h->n_archs = 0; (arch = aw_arch_at(h->n_archs)); h->n_archs++) {
        AW_BUG_ON(h->n_archs >= AW_LEN(h->head));
        if (aw_arch_native(arch))
            h->native |= UINT64_C(1) << h->n_archs;
        for (int form = 0; form < HEADERS; form++) {
            aw_arch_header(arch, form / 2 < aw_arch_rules(arch) ? form / 2 : 0, form & 1, bytes);
            memcpy(h->head[h->n_archs][form], bytes, sizeof(bytes));
        }
    }
}

/* Does the rule match a file of this header and zeros? */
static bool matches_header(const struct bits *b, const uint64_t head[AW_ARCH_HEADER / 8])
{
    for (size_t i = b->end; i-- > b->first;)
        if (((i < AW_ARCH_HEADER / 8 ? head[i] : 0) ^ b->value[i]) & b->mask[i])
            return false;
    return true;
}

static uint64_t find_archs(const struct headers *h, const struct bits *b)
{
    uint64_t found = 0;
    for (size_t i = 0; !b->extension && i < h->n_archs; i++)
        for (int form = 0; form < HEADERS; form++)
            if (matches_header(b, h->head[i][form]))
                found |= UINT64_C(1) << i;
    return found;
}

static int64_t ctime_ns(const struct stat *st)
{
    return (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
}

static int file_errno(const char *path, int64_t *ret_ctime_ns)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno;
    *ret_ctime_ns = ctime_ns(&st);
    if (!S_ISREG(st.st_mode))
        return EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* ---- all rules of an instance -----------------------------------------------------------------
 */

/* An interpreter that was looked at. */
struct looked {
    char *path;       /* or NULL: nothing is here */
    int how;          /* what file_errno said */
    int64_t ctime_ns; /* and found */
};

/* What aw_survey() is about, and what it has seen so far. */
struct survey {
    const struct aw_entry *entries;     /* n of them */
    const struct aw_snapshot *snapshot; /* or these, if not NULL */
    size_t n;                           /* how many */
    struct aw_survey_row *rows;         /* being filled, one for each */
    struct bits *bits;                  /* one for each; none of an unknown kind */
    uint64_t *words;                    /* what bits point to, and room for the rest */
    size_t n_words;                     /* in use */
    struct shadow *shadows;             /* of the entries so far */
    size_t n_shadows;                   /* in use */
    struct headers *headers;            /* of the architectures */
    struct looked looked[LOOKED];       /* by hash_path() */
    struct aw_entry taken;              /* the entry at hand, if it is a snapshot's */
};

static size_t hash_path(const char *path)
{
    uint32_t hash = 5381;
    while (*path)
        hash = hash * 33 ^ (uint8_t)*path++;
    return (hash ^ hash >> 16) % LOOKED;
}

/* A thousand rules often share a few interpreters: look once. */
static void look_at_file(struct survey *s, const char *path, struct aw_survey_row *row)
{
    struct looked *l = &s->looked[hash_path(path)];
    if (!l->path || !str_eq(l->path, path)) {
        free(l->path);
        l->path = strdup(path); /* without memory it is looked at again */
        l->ctime_ns = 0;
        l->how = file_errno(path, &l->ctime_ns);
    }
    row->file_errno = l->how;
    row->file_ctime_ns = l->ctime_ns;
}

/* The first entry so far that covers this one, or AW_SURVEY_NONE. w is the whole window of b. */
static size_t find_shadow(const struct survey *s, const struct bits *b, const struct window *w)
{
    for (const struct shadow *x = s->shadows, *end = x + s->n_shadows; x < end; x++)
        if (!((w->value[x->word] ^ x->value) & x->mask) && bits_cover(&s->bits[x->entry], b))
            return x->entry;
    return AW_SURVEY_NONE;
}

/* Keep the words of entry number i, and let it cover those that follow. */
static void keep_bits(struct survey *s, size_t i, const struct bits *b, const char *extension)
{
    uint64_t *room = s->words + s->n_words;
    size_t word = b->end ? b->end - 1 : 0;
    s->n_words += 2 * b->end;
    s->bits[i] = *b;
    s->bits[i].extension = b->extension ? extension : NULL;
    s->bits[i].mask = memcpy(room, b->mask, b->end * sizeof(*room));
    s->bits[i].value = memcpy(room + b->end, b->value, b->end * sizeof(*room));
    s->shadows[s->n_shadows++] = (struct shadow){.mask = b->mask[word],
                                                 .value = b->value[word],
                                                 .word = (uint32_t)word,
                                                 .entry = (uint32_t)i};
}

static void survey_one(struct survey *s, size_t i, const struct aw_entry *e, bool look)
{
    struct aw_survey_row *row = &s->rows[i];
    struct window w;
    struct bits b;
    row->shadowed_by = AW_SURVEY_NONE;
    row->held = (e->rule.flags & AW_RULE_F) != 0;
    if (look)
        look_at_file(s, e->rule.interpreter, row);
    if (!e->known)
        return;
    take_bits(&e->rule, &w, &b);
    row->archs = find_archs(s->headers, &b);
    row->native = (row->archs & s->headers->native) != 0;
    row->shadowed_by = find_shadow(s, &b, &w);
    if (e->enabled)
        keep_bits(s, i, &b,
                  s->snapshot ? snapshot_brief(s->snapshot, i)->extension : e->rule.extension);
}

static bool run_survey(struct survey *s, bool look, struct aw_survey_row **ret, struct aw_err *err)
{
    size_t n = s->n ? s->n : 1;
    struct aw_survey_row *rows = calloc(n, sizeof(*rows));
    _cleanup_free_ struct bits *bits = calloc(n, sizeof(*bits));
    /* a large piece, of which what is never written takes no memory */
    _cleanup_free_ uint64_t *words = calloc(n, sizeof(struct window));
    _cleanup_free_ struct shadow *shadows = calloc(n, sizeof(*shadows));
    _cleanup_free_ struct headers *headers = malloc(sizeof(*headers));
    if (!rows || !bits || !words || !shadows || !headers) {
        free(rows);
        return aw_fail(err, AW_E_NOMEM, 0, "compare rules: no memory");
    }
    make_headers(headers);
    s->rows = rows;
    s->bits = bits;
    s->words = words;
    s->shadows = shadows;
    s->headers = headers;
    for (size_t i = 0; i < s->n; i++) {
        if (s->snapshot)
            snapshot_take(s->snapshot, i, &s->taken);
        survey_one(s, i, s->snapshot ? &s->taken : &s->entries[i], look);
    }
    for (size_t i = 0; i < LOOKED; i++)
        free(s->looked[i].path);
    *ret = rows;
    return true;
}

bool aw_survey(const struct aw_entry *entries, size_t n, bool look, struct aw_survey_row **ret,
               struct aw_err *err)
{
    struct survey s = {.entries = entries, .n = n};
    return run_survey(&s, look, ret, err);
}

bool aw_survey_snapshot(const struct aw_snapshot *snapshot, bool look, struct aw_survey_row **ret,
                        struct aw_err *err)
{
    struct survey s = {.snapshot = snapshot, .n = aw_snapshot_count(snapshot)};
    return run_survey(&s, look, ret, err);
}

/* No entry is older than the instance: what was not changed since that began needs no closer look.
 */
static void find_stale(int fd, int64_t began, const char *name, struct aw_survey_row *row)
{
    struct stat st;
    if (row->held && row->file_ctime_ns > began && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        row->stale = row->file_ctime_ns > ctime_ns(&st);
}

static int64_t instance_began(int fd)
{
    struct stat st;
    return fstatat(fd, "status", &st, 0) == 0 ? ctime_ns(&st) : 0;
}

void aw_survey_held(const struct aw_instance *inst, const struct aw_entry *entries,
                    struct aw_survey_row *rows, size_t n)
{
    int fd = aw_instance_fd(inst);
    int64_t began = instance_began(fd);
    for (size_t i = 0; i < n; i++)
        find_stale(fd, began, entries[i].rule.name, &rows[i]);
}

void aw_survey_held_snapshot(const struct aw_instance *inst, const struct aw_snapshot *snapshot,
                             struct aw_survey_row *rows)
{
    int fd = aw_instance_fd(inst);
    int64_t began = instance_began(fd);
    for (size_t i = 0; i < aw_snapshot_count(snapshot); i++)
        find_stale(fd, began, snapshot_brief(snapshot, i)->name, &rows[i]);
}
