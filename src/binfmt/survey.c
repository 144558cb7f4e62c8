/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing rules with each other.
 *
 * The idea: a rule fixes some bits of the first 256 bytes. It covers another when every bit that it
 * fixes is fixed there to the same value; the two overlap when no bit is fixed differently. A rule
 * with an extension fixes no bit, but also asks for the extension.
 *
 * Invariants:
 * 1. Rules are compared in words of 64 bits: a thousand rules are half a million pairs.
 * 2. Entries of a kind that is not known cover nothing and are covered by nothing.
 */
#include "base/util.h"

#include <archway/survey.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define WORDS (AW_RULE_WINDOW / 8)
#define HEADERS 4 /* of one architecture: two machine numbers, executable or shared object */

struct bits {
    const char *extension; /* that it asks for, or NULL */
    size_t first, end;     /* the words in which it fixes bits */
    uint64_t mask[WORDS];  /* the bits that are fixed */
    uint64_t value[WORDS]; /* and to what */
};

/* The last word in which a rule fixes bits: most rules differ from each other there (in the machine
 * number), and a small array of these stays in the nearest cache. */
struct last {
    size_t word;
    uint64_t mask, value;
};

static void take_bits(const struct aw_rule *r, struct bits *ret)
{
    uint8_t mask[AW_RULE_WINDOW] = {0}, value[AW_RULE_WINDOW] = {0};
    ret->extension = r->type == AW_RULE_EXTENSION ? r->extension : NULL;
    for (uint32_t i = 0; !ret->extension && i < r->magic_len; i++) {
        mask[r->offset + i] = r->has_mask ? r->mask[i] : 0xff;
        value[r->offset + i] = r->magic[i] & mask[r->offset + i];
    }
    memcpy(ret->mask, mask, sizeof(mask));
    memcpy(ret->value, value, sizeof(value));
    ret->first = 0;
    ret->end = WORDS;
    while (ret->end > 0 && !ret->mask[ret->end - 1])
        ret->end--;
    while (ret->first < ret->end && !ret->mask[ret->first])
        ret->first++;
}

static bool bits_cover(const struct bits *a, const struct bits *b)
{
    if (a->extension && !(b->extension && str_eq(a->extension, b->extension)))
        return false;
    for (size_t i = a->end; i-- > a->first;)
        if ((a->mask[i] & ~b->mask[i]) || ((a->value[i] ^ b->value[i]) & a->mask[i]))
            return false;
    return true;
}

static bool bits_overlap(const struct bits *a, const struct bits *b)
{
    if (a->extension && b->extension && !str_eq(a->extension, b->extension))
        return false;
    for (size_t i = a->first; i < a->end; i++)
        if ((a->value[i] ^ b->value[i]) & a->mask[i] & b->mask[i])
            return false;
    return true;
}

bool aw_rule_covers(const struct aw_rule *a, const struct aw_rule *b)
{
    struct bits x, y;
    take_bits(a, &x);
    take_bits(b, &y);
    return bits_cover(&x, &y);
}

bool aw_rule_overlaps(const struct aw_rule *a, const struct aw_rule *b)
{
    struct bits x, y;
    take_bits(a, &x);
    take_bits(b, &y);
    return bits_overlap(&x, &y);
}

static struct last take_last(const struct bits *b)
{
    size_t word = b->end ? b->end - 1 : 0;
    return (struct last){.word = word, .mask = b->mask[word], .value = b->value[word]};
}

/* The first entry before number i that covers it, or AW_SURVEY_NONE. */
static size_t find_shadow(const struct aw_entry *entries, const struct bits *bits,
                          const struct last *last, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if ((bits[i].value[last[k].word] ^ last[k].value) & last[k].mask)
            continue;
        if (entries[k].known && entries[k].enabled && bits_cover(&bits[k], &bits[i]))
            return k;
    }
    return AW_SURVEY_NONE;
}

/* The headers of every architecture, made once for all rules. */
struct headers {
    size_t n_archs;                            /* in use */
    uint64_t native;                           /* bit i: this machine runs architecture i */
    uint8_t head[64][HEADERS][AW_ARCH_HEADER]; /* by architecture; the second half may repeat the
                                                 first */
};

static void make_headers(struct headers *h)
{
    const struct aw_arch *arch;
    h->native = 0;
    for (h->n_archs = 0; (arch = aw_arch_at(h->n_archs)); h->n_archs++) {
        AW_BUG_ON(h->n_archs >= AW_LEN(h->head));
        if (aw_arch_native(arch))
            h->native |= UINT64_C(1) << h->n_archs;
        for (int form = 0; form < HEADERS; form++)
            aw_arch_header(arch, form / 2 < aw_arch_rules(arch) ? form / 2 : 0, form & 1,
                           h->head[h->n_archs][form]);
    }
}

static uint64_t find_archs(const struct headers *h, const struct aw_rule *r)
{
    uint64_t found = 0;
    if (r->type != AW_RULE_MAGIC)
        return 0;
    for (size_t i = 0; i < h->n_archs; i++)
        for (int form = 0; form < HEADERS; form++)
            if (aw_rule_matches(r, h->head[i][form], AW_ARCH_HEADER, NULL))
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

/* Neighbours often share their interpreter: look once. */
static void look_at_file(const struct aw_entry *entries, struct aw_survey_row *rows, size_t i)
{
    const char *path = entries[i].rule.interpreter;
    if (i > 0 && str_eq(path, entries[i - 1].rule.interpreter)) {
        rows[i].file_errno = rows[i - 1].file_errno;
        rows[i].file_ctime_ns = rows[i - 1].file_ctime_ns;
    } else {
        rows[i].file_errno = file_errno(path, &rows[i].file_ctime_ns);
    }
}

void aw_survey_held(const struct aw_instance *inst, const struct aw_entry *entries,
                    struct aw_survey_row *rows, size_t n)
{
    struct stat st;
    int fd = aw_instance_fd(inst);
    /* no entry is older than the instance: what was not changed since needs no closer look */
    int64_t began = fstatat(fd, "status", &st, 0) == 0 ? ctime_ns(&st) : 0;
    for (size_t i = 0; i < n; i++)
        if (rows[i].held && rows[i].file_ctime_ns > began &&
            fstatat(fd, entries[i].rule.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            rows[i].stale = rows[i].file_ctime_ns > ctime_ns(&st);
}

bool aw_survey(const struct aw_entry *entries, size_t n, bool look, struct aw_survey_row **ret,
               struct aw_err *err)
{
    struct aw_survey_row *rows = calloc(n ? n : 1, sizeof(*rows));
    _cleanup_free_ struct bits *bits = calloc(n ? n : 1, sizeof(*bits));
    _cleanup_free_ struct last *last = calloc(n ? n : 1, sizeof(*last));
    _cleanup_free_ struct headers *headers = malloc(sizeof(*headers));
    if (!rows || !bits || !last || !headers) {
        free(rows);
        return aw_fail(err, AW_E_NOMEM, 0, "compare rules: no memory");
    }
    make_headers(headers);
    for (size_t i = 0; i < n; i++) {
        const struct aw_entry *e = &entries[i];
        rows[i].shadowed_by = AW_SURVEY_NONE;
        rows[i].held = (e->rule.flags & AW_RULE_F) != 0;
        if (look)
            look_at_file(entries, rows, i);
        if (!e->known)
            continue;
        take_bits(&e->rule, &bits[i]);
        rows[i].archs = find_archs(headers, &e->rule);
        rows[i].native = (rows[i].archs & headers->native) != 0;
        last[i] = take_last(&bits[i]);
        rows[i].shadowed_by = find_shadow(entries, bits, last, i);
    }
    *ret = rows;
    return true;
}
