/* SPDX-License-Identifier: Apache-2.0
 *
 * PK: a Java archive that can be started, a Python application, or any other zip.
 *
 * The idea: as those who run them, go by the directory at the end. A Java archive counts only with
 * a Main-Class in its manifest: without one `java -jar` starts nothing.
 *
 * Invariants:
 * 1. Offsets and sizes are checked against the file before anything is read; the walk ends after as
 *    many entries as fit into the directory.
 * 2. At most MANIFEST_MAX bytes of a manifest are looked at.
 */
#include "format/scan.h"

#define END_SIZE 22
#define COMMENT_MAX 65535
#define ENTRY_SIZE 46
#define MANIFEST_MAX 32768 /* either side of inflating */

struct zip {
    uint64_t start;   /* of the directory */
    uint64_t end;     /* behind it */
    uint64_t base;    /* what offsets count from: bytes in front of the archive */
    uint64_t entries; /* how many it says there are */
};

struct entry {
    uint64_t header;        /* offset of its local header */
    uint64_t packed;        /* bytes in the archive */
    unsigned method, flags; /* 0: stored, 8: deflated */
    const char *name;       /* not ended by a NUL; good until the next read */
    size_t name_len;        /* bytes */
};

/* The end record: the last one whose comment ends where the file does. */
static bool find_end(struct scan *s, uint64_t *ret)
{
    uint64_t lowest = s->size > END_SIZE + COMMENT_MAX ? s->size - END_SIZE - COMMENT_MAX : 0;
    if (s->size < END_SIZE)
        return false;
    uint64_t at = s->size - END_SIZE;
    for (;;) {
        /* read backwards in whole windows */
        uint64_t from = at > SCAN_WINDOW - END_SIZE ? at - (SCAN_WINDOW - END_SIZE) : 0;
        size_t len = (size_t)(at + END_SIZE - from);
        const uint8_t *p = scan_get(s, from, len);
        if (!p)
            return false;
        for (;; at--) {
            const uint8_t *q = p + (at - from);
            if (memcmp(q, "PK\5\6", 4) == 0 && at + END_SIZE + get_le16(q + 20) == s->size) {
                *ret = at;
                return true;
            }
            if (at == from)
                break;
        }
        if (from <= lowest)
            return false;
        at = from - 1;
    }
}

/* Archives with more than 65535 entries or 4 GiB have a second record in front. */
static bool find_end64(struct scan *s, uint64_t end, struct zip *z)
{
    const uint8_t *p = end >= 20 ? scan_get(s, end - 20, 20) : NULL;
    if (!p || memcmp(p, "PK\6\7", 4) != 0)
        return false;
    uint64_t at = get_le64(p + 8);
    p = scan_within(s, at, 56) ? scan_get(s, at, 56) : NULL;
    if (!p || memcmp(p, "PK\6\6", 4) != 0)
        return false;
    uint64_t size = get_le64(p + 40);
    z->entries = get_le64(p + 32);
    z->start = get_le64(p + 48);
    z->base = 0;
    if (z->start > at || size > at - z->start)
        return false;
    z->end = z->start + size;
    return true;
}

static bool open_zip(struct scan *s, struct zip *z)
{
    uint64_t end;
    if (!find_end(s, &end))
        return false;
    const uint8_t *p = scan_get(s, end, END_SIZE);
    if (!p)
        return false;
    uint64_t size = get_le32(p + 12), offset = get_le32(p + 16);
    z->entries = get_le16(p + 10);
    if (size == 0xffffffff || offset == 0xffffffff || z->entries == 0xffff)
        return find_end64(s, end, z);
    if (size > end || offset > end - size)
        return false;
    z->start = end - size;
    z->end = end;
    z->base = z->start - offset;
    return true;
}

/* The entry at *at, which moves behind it. The local offset of huge archives stands elsewhere:
 * such entries are passed over. */
static bool next_entry(struct scan *s, const struct zip *z, uint64_t *at, struct entry *ret)
{
    if (z->end - *at < ENTRY_SIZE)
        return false;
    const uint8_t *p = scan_get(s, *at, ENTRY_SIZE);
    if (!p || memcmp(p, "PK\1\2", 4) != 0)
        return false;
    *ret = (struct entry){
        .flags = get_le16(p + 8),
        .method = get_le16(p + 10),
        .packed = get_le32(p + 20),
        .header = z->base + get_le32(p + 42),
        .name_len = get_le16(p + 28),
    };
    uint64_t whole = ENTRY_SIZE + (uint64_t)ret->name_len + get_le16(p + 30) + get_le16(p + 32);
    if (whole > z->end - *at)
        return false;
    size_t look = ret->name_len < 64 ? ret->name_len : 64;
    p = look ? scan_get(s, *at + ENTRY_SIZE, look) : s->buf;
    if (!p)
        return false;
    ret->name = (const char *)p;
    *at += whole;
    return true;
}

static bool named(const struct entry *e, const char *name)
{
    return e->name_len == strlen(name) && strncasecmp(e->name, name, e->name_len) == 0;
}

struct manifest {
    uint8_t packed[MANIFEST_MAX];
    uint8_t text[MANIFEST_MAX];
};

/* Is there a Main-Class, before the first empty line? Or the part that is seen ends before. */
static bool has_main(const uint8_t *text, size_t len)
{
    static const char key[] = "main-class:";
    bool cut = len == MANIFEST_MAX;
    for (size_t i = 0; i < len;) {
        size_t k = i;
        while (k < len && text[k] != '\n' && text[k] != '\r')
            k++;
        if (k == i)
            return false;
        if (k - i > sizeof(key) - 1 &&
            strncasecmp((const char *)text + i, key, sizeof(key) - 1) == 0)
            return true;
        i = k + (k + 1 < len && text[k] == '\r' && text[k + 1] == '\n' ? 2 : 1);
    }
    return cut;
}

static void decide_manifest(struct scan *s, const struct entry *e, struct format_verdict *v)
{
    const uint8_t *p = scan_within(s, e->header, 30) ? scan_get(s, e->header, 30) : NULL;
    if (!p || memcmp(p, "PK\3\4", 4) != 0) {
        verdict_no(v, "a Java archive that is damaged");
        return;
    }
    uint64_t at = e->header + 30 + get_le16(p + 26) + get_le16(p + 28);
    size_t n = e->packed < MANIFEST_MAX ? (size_t)e->packed : MANIFEST_MAX, len = n;
    struct manifest *m = malloc(sizeof(*m));
    bool cut = n < e->packed, ok = m && scan_within(s, at, e->packed);
    if (!m)
        verdict_no(v, "no memory to look into a Java archive");
    else if (e->flags & 1)
        verdict_no(v, "a zip archive with a password");
    else if (!ok || !scan_copy(s, at, m->packed, n) || (e->method != 0 && e->method != 8) ||
             (e->method == 8 && !inflate_head(m->packed, n, m->text, sizeof(m->text), &len) &&
              !cut))
        verdict_no(v, "a Java archive with a damaged manifest");
    else if (cut || has_main(e->method ? m->text : m->packed, len))
        v->kind = KIND_JAR;
    else
        verdict_no(v, "a Java archive without Main-Class in its manifest, which is no program");
    free(m);
}

static const struct {
    const char *name; /* an entry that tells */
    const char *what; /* this kind of file */
} others[] = {
    {"AndroidManifest.xml", "an Android application, which nothing here runs"},
    {"[Content_Types].xml", "an office document, no program"},
    {"mimetype", "an office document or electronic book, no program"},
};

void decide_zip(struct scan *s, struct format_verdict *v)
{
    struct zip z;
    struct entry e, manifest = {0};
    bool zipapp = false;
    const char *other = NULL;
    if (!open_zip(s, &z)) {
        verdict_no(v, "a zip archive that is cut off or damaged");
        return;
    }
    uint64_t at = z.start, n = 0;
    for (; n < z.entries && next_entry(s, &z, &at, &e); n++) {
        if (named(&e, "META-INF/MANIFEST.MF") && !manifest.name_len)
            manifest = e;
        zipapp |= named(&e, "__main__.py");
        for (size_t i = 0; i < AW_LEN(others); i++)
            if (named(&e, others[i].name))
                other = others[i].what;
    }
    if (n < z.entries)
        verdict_no(v, "a zip archive with a damaged directory");
    else if (other)
        verdict_no(v, "%s", other);
    else if (manifest.name_len)
        decide_manifest(s, &manifest, v);
    else
        verdict_no(v, "a zip archive, no program");
    if (!other && n == z.entries && zipapp && v->kind == KIND_NONE)
        v->kind = KIND_ZIPAPP;
}
