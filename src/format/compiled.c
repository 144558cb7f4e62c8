/* SPDX-License-Identifier: Apache-2.0
 *
 * What compilers of scripting languages write (Python, Lua, Emacs Lisp), LLVM's bitcode, and ELF
 * files, of which only AppImages are anybody's business here.
 */
#include "format/scan.h"

/* ---- Python -----------------------------------------------------------------------------------
 */

/* The version numbers that CPython's releases wrote, first and last, and the size of their header:
 * the rest of a file's makeup follows from it. */
static const struct {
    uint16_t first, last; /* the number in the file */
    uint8_t header;       /* bytes in front of the code */
    const char *version;  /* the interpreter's */
} pythons[] = {
    {3141, 3151, 8, "3.1"},   {3160, 3180, 8, "3.2"},   {3190, 3230, 12, "3.3"},
    {3250, 3310, 12, "3.4"},  {3320, 3351, 12, "3.5"},  {3360, 3379, 12, "3.6"},
    {3390, 3394, 16, "3.7"},  {3400, 3413, 16, "3.8"},  {3420, 3425, 16, "3.9"},
    {3430, 3439, 16, "3.10"}, {3450, 3495, 16, "3.11"}, {3500, 3531, 16, "3.12"},
    {3550, 3571, 16, "3.13"}, {3600, 3627, 16, "3.14"}, {3650, 3699, 16, "3.15"},
    {62171, 62211, 8, "2.7"},
};

void decide_pyc(struct scan *s, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, 0, 4);
    unsigned number = p ? get_le16(p) : 0;
    size_t i = 0;
    while (i < AW_LEN(pythons) && (number < pythons[i].first || number > pythons[i].last))
        i++;
    if (i == AW_LEN(pythons))
        return; /* two bytes of a magic are no reason to name it */
    p = scan_get(s, 0, pythons[i].header + 2u);
    if (!p)
        verdict_no(v, "compiled Python that is cut off");
    /* 0, 1 and 3: by time, by hash, by hash and to be checked (PEP 552) */
    else if (pythons[i].header == 16 && (get_le32(p + 4) > 3 || get_le32(p + 4) == 2))
        verdict_no(v, "compiled Python with flags that no Python knows");
    else if ((p[pythons[i].header] & 0x7f) != 'c')
        verdict_no(v, "compiled Python without code");
    else {
        v->kind = KIND_PYC;
        snprintf(v->version, sizeof(v->version), "%s", pythons[i].version);
    }
}

/* ---- Lua --------------------------------------------------------------------------------------
 */

/* Written into every file since Lua 5.2, to show what a transfer as text did to it. */
static const char lua_data[] = "\x19\x93\r\n\x1a\n";

void decide_lua(struct scan *s, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, 0, 5);
    if (p && memcmp(p, "\x1bLJ", 3) == 0) {
        if (p[3] == 1 || p[3] == 2)
            v->kind = KIND_LUAJIT;
        else
            verdict_no(v, "compiled code of a LuaJIT that is not known here");
        return;
    }
    p = scan_get(s, 0, 18);
    if (!p) {
        verdict_no(v, "compiled Lua that is cut off");
        return;
    }
    unsigned version = p[4];
    size_t data = version == 0x52 ? 12 : 6;
    if (version < 0x51 || version > 0x55 || p[5] != 0)
        verdict_no(v, "compiled Lua of a version that is not known here");
    else if (version > 0x51 && memcmp(p + data, lua_data, 6) != 0)
        verdict_no(v, "compiled Lua that a transfer as text has damaged");
    else {
        v->kind = KIND_LUA;
        snprintf(v->version, sizeof(v->version), "5.%u", version & 15);
    }
}

/* ---- others -----------------------------------------------------------------------------------
 */

void decide_llvm(struct scan *s, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, 0, 4);
    uint64_t at = 0, size = s->size;
    if (p && p[0] == 0xde) { /* a wrapper, with offset and size of what is in it */
        p = scan_get(s, 0, 20);
        at = p ? get_le32(p + 8) : 0;
        size = p ? get_le32(p + 12) : 0;
        if (at < 20 || !scan_within(s, at, size) || !scan_is(s, at, "BC\xc0\xde", 4)) {
            verdict_no(v, "LLVM bitcode that is cut off or damaged");
            return;
        }
    }
    if (size % 4 != 0 || size < 12)
        verdict_no(v, "LLVM bitcode that is cut off");
    else
        v->kind = KIND_LLVM;
}

void decide_elc(struct scan *s, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, 0, 8);
    if (p && p[4] >= 19 && p[5] == 0 && p[6] == 0 && p[7] == 0)
        v->kind = KIND_ELC;
    else
        verdict_no(v, "no compiled Emacs Lisp, though it begins like it");
}

/* Where an ELF file ends by its own account: its table of sections is the last thing in it. */
static uint64_t elf_end(struct scan *s)
{
    const uint8_t *p = scan_get(s, 0, 64);
    if (!p || p[5] != 1)
        return 0;
    if (p[4] == 2)
        return get_le64(p + 40) > s->size
                   ? 0
                   : get_le64(p + 40) + (uint64_t)get_le16(p + 58) * get_le16(p + 60);
    return get_le32(p + 32) + (uint64_t)get_le16(p + 46) * get_le16(p + 48);
}

void decide_elf(struct scan *s, struct format_verdict *v)
{
    if (!scan_is(s, 8, "AI\1", 3) && !scan_is(s, 8, "AI\2", 3)) {
        v->kind = KIND_ELF;
        return;
    }
    bool disc = scan_is(s, 8, "AI\1", 3) && scan_is(s, 32769, "CD001", 5);
    uint64_t end = elf_end(s);
    if (disc || (end >= 64 && (scan_is(s, end, "hsqs", 4) || scan_is(s, end, "DWARFS", 6))))
        v->kind = KIND_APPIMAGE;
    else
        verdict_no(v, "an AppImage that is cut off or damaged");
}
