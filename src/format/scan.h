/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a file here and there through one small buffer; and the deciders, one for each family.
 */
#ifndef FORMAT_SCAN_H
#define FORMAT_SCAN_H

#include "format/format.h"

#define SCAN_WINDOW 4096

struct scan {
    const struct format_file *f;
    uint64_t size;            /* of the file */
    uint64_t at;              /* where the buffer's bytes stand in the file */
    size_t have;              /* how many */
    uint8_t buf[SCAN_WINDOW]; /* the bytes */
};

/* len (1 .. SCAN_WINDOW) bytes at offset; good until the next call. NULL: not within the file, or
 * not readable. */
const uint8_t *scan_get(struct scan *s, uint64_t offset, size_t len);
/* Are the bytes there these? */
bool scan_is(struct scan *s, uint64_t offset, const void *bytes, size_t len);
/* Any number of bytes into data. */
bool scan_copy(struct scan *s, uint64_t offset, void *data, size_t len);
/* Do len bytes at offset lie within the file? Without overflow. */
static inline bool scan_within(const struct scan *s, uint64_t offset, uint64_t len)
{
    return offset <= s->size && len <= s->size - offset;
}

static inline uint16_t get_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t get_le32(const uint8_t *p)
{
    return get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}
static inline uint64_t get_le64(const uint8_t *p)
{
    return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}
static inline uint16_t get_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

/* KIND_NONE with this reason. */
void verdict_no(struct format_verdict *v, const char *fmt, ...) AW_PRINTF(2, 3);

/* Each is called for a file that begins as its family does. */
void decide_mz(struct scan *s, struct format_verdict *v);
void decide_cafebabe(struct scan *s, struct format_verdict *v);
void decide_macho(struct scan *s, struct format_verdict *v);
void decide_zip(struct scan *s, struct format_verdict *v);
void decide_wasm(struct scan *s, struct format_verdict *v);
void decide_pyc(struct scan *s, struct format_verdict *v);
void decide_lua(struct scan *s, struct format_verdict *v);
void decide_llvm(struct scan *s, struct format_verdict *v);
void decide_elf(struct scan *s, struct format_verdict *v);
void decide_elc(struct scan *s, struct format_verdict *v);
void decide_com(struct scan *s, struct format_verdict *v);

/* Inflate (RFC 1951) at most out_size bytes; false: damaged. *ret_len bytes were made; what is
 * longer is cut without a word. */
bool inflate_head(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_size, size_t *ret_len);

#endif
