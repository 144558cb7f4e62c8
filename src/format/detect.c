/* SPDX-License-Identifier: Apache-2.0
 *
 * Deciding what a file is: by its first bytes to one family, which then looks deeper.
 */
#include "format/scan.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

const uint8_t *scan_get(struct scan *s, uint64_t offset, size_t len)
{
    AW_BUG_ON(len == 0 || len > SCAN_WINDOW);
    if (!scan_within(s, offset, len))
        return NULL;
    if (s->have && offset >= s->at && offset - s->at <= s->have - len && len <= s->have)
        return s->buf + (offset - s->at);
    uint64_t left = s->size - offset;
    size_t want = left < SCAN_WINDOW ? (size_t)left : SCAN_WINDOW;
    s->have = 0;
    if (!s->f->read(s->f->user, offset, s->buf, want))
        return NULL;
    s->at = offset;
    s->have = want;
    return s->buf;
}

bool scan_is(struct scan *s, uint64_t offset, const void *bytes, size_t len)
{
    const uint8_t *p = scan_get(s, offset, len);
    return p && memcmp(p, bytes, len) == 0;
}

bool scan_copy(struct scan *s, uint64_t offset, void *data, size_t len)
{
    return scan_within(s, offset, len) && (len == 0 || s->f->read(s->f->user, offset, data, len));
}

void verdict_no(struct format_verdict *v, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(v->reason, sizeof(v->reason), fmt, ap);
    va_end(ap);
    v->kind = KIND_NONE;
}

static const struct family {
    uint8_t len, offset; /* len bytes at offset */
    const char *magic;   /* those bytes */
    void (*decide)(struct scan *s, struct format_verdict *v);
} families[] = {
    {4, 0,
     "\x7f"
     "ELF",
     decide_elf},
    {2, 0, "MZ", decide_mz},
    {8, 0, "jartsr='", decide_mz},
    {4, 0, "\xca\xfe\xba\xbe", decide_cafebabe},
    {4, 0, "\xce\xfa\xed\xfe", decide_macho},
    {4, 0, "\xcf\xfa\xed\xfe", decide_macho},
    {4, 0, "PK\3\4", decide_zip},
    {4, 0, "\0asm", decide_wasm},
    {4, 0,
     "\x1b"
     "Lua",
     decide_lua},
    {3, 0, "\x1bLJ", decide_lua},
    {4, 0, "BC\xc0\xde", decide_llvm},
    {4, 0, "\xde\xc0\x17\x0b", decide_llvm},
    {4, 0, ";ELC", decide_elc},
    {2, 2, "\r\n", decide_pyc},
};

static bool has_extension(const char *name, const char *extension)
{
    const char *dot = strrchr(name, '.');
    return dot && strcasecmp(dot + 1, extension) == 0;
}

static void decide(const struct format_file *f, struct format_verdict *ret)
{
    struct scan s = {.f = f, .size = f->size};
    if (f->size == 0) {
        verdict_no(ret, "an empty file");
        return;
    }
    if (scan_is(&s, 0, "#!", 2)) {
        ret->kind = KIND_SCRIPT;
        return;
    }
    for (size_t i = 0; i < AW_LEN(families); i++)
        if (scan_is(&s, families[i].offset, families[i].magic, families[i].len) &&
            /* \r\n is found in texts, too; a .com has no magic at all */
            (families[i].decide != decide_pyc || !has_extension(f->name, "com"))) {
            families[i].decide(&s, ret);
            return;
        }
    if (has_extension(f->name, "com"))
        decide_com(&s, ret);
}

void format_decide(const struct format_file *f, struct format_verdict *ret)
{
    memset(ret, 0, sizeof(*ret));
    verdict_no(ret, "no program that is known here");
    decide(f, ret);
    if (ret->kind != KIND_NONE)
        ret->reason[0] = 0;
}

static bool read_fd(void *user, uint64_t offset, void *data, size_t len)
{
    int fd = *(int *)user;
    size_t have = 0;
    while (have < len) {
        ssize_t n = pread(fd, (char *)data + have, len - have, (off_t)(offset + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return true;
}

bool format_decide_fd(int fd, const char *name, struct format_verdict *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return false;
    struct format_file f = {
        .name = name, .size = (uint64_t)st.st_size, .read = read_fd, .user = &fd};
    format_decide(&f, ret);
    return true;
}
