/* SPDX-License-Identifier: Apache-2.0
 *
 * MZ: DOS, 16-bit Windows and OS/2 (NE), DOS extenders and drivers (LE), OS/2 (LX), Windows, .NET
 * and EFI (PE), and programs for all systems at once (APE).
 *
 * The idea: the word at 0x3c leads to a newer header, if there is one. DOS itself never looked at
 * it, so where it leads nowhere the file is a DOS program, and is judged as DOS would.
 */
#include "format/scan.h"

#define PE_SECTIONS_MAX 96 /* as Windows has it */
#define METADATA_MAX (16 << 20)

/* ---- .NET -------------------------------------------------------------------------------------
 */

struct pe {
    uint64_t sections; /* where the section table stands */
    unsigned n;        /* rows in it */
};

/* Where an address of the loaded program stands in the file. */
static bool locate(struct scan *s, const struct pe *pe, uint32_t rva, uint64_t *ret)
{
    for (unsigned i = 0; i < pe->n; i++) {
        const uint8_t *p = scan_get(s, pe->sections + 40 * (uint64_t)i, 40);
        if (!p)
            return false;
        uint32_t start = get_le32(p + 12), size = get_le32(p + 16);
        if (rva >= start && rva - start < size) {
            *ret = (uint64_t)get_le32(p + 20) + (rva - start);
            return true;
        }
    }
    return false;
}

/* Is word, with a NUL on both sides, within these bytes of the file? */
static bool contains(struct scan *s, uint64_t at, uint64_t len, const char *word)
{
    size_t n = strlen(word) + 2;
    uint64_t end = at + len;
    while (at + n <= end) {
        uint64_t left = end - at;
        size_t take = left < SCAN_WINDOW ? (size_t)left : SCAN_WINDOW;
        const uint8_t *p = scan_get(s, at, take);
        if (!p)
            return false;
        for (size_t i = 0; i + n <= take; i++)
            if (p[i] == 0 && memcmp(p + i + 1, word, n - 1) == 0)
                return true;
        at += take - (n - 1);
    }
    return false;
}

/* The heap of names (ECMA-335, II.24.2): *ret_at and *ret_len. */
static bool find_strings(struct scan *s, uint64_t root, uint64_t *ret_at, uint64_t *ret_len)
{
    const uint8_t *p = scan_get(s, root, 16);
    if (!p || memcmp(p, "BSJB", 4) != 0 || get_le32(p + 12) > 255)
        return false;
    uint64_t at = root + 16 + get_le32(p + 12);
    p = scan_get(s, at, 4);
    unsigned streams = p ? get_le16(p + 2) : 0;
    at += 4;
    for (unsigned i = 0; i < streams && i < 16; i++) {
        p = scan_get(s, at, 8 + 12);
        if (!p)
            return false;
        size_t name = strnlen((const char *)p + 8, 12);
        if (name == 8 && memcmp(p + 8, "#Strings", 8) == 0) {
            *ret_at = root + get_le32(p);
            *ret_len = get_le32(p + 4);
            return *ret_len <= METADATA_MAX && scan_within(s, *ret_at, *ret_len);
        }
        at += 8 + (name / 4 + 1) * 4;
    }
    return false;
}

#define COMIMAGE_ILONLY 1

/* rva: of the CLI header. */
static void decide_cli(struct scan *s, const struct pe *pe, uint32_t rva, struct format_verdict *v)
{
    uint64_t header, root, names, len;
    const uint8_t *p;
    if (!locate(s, pe, rva, &header) || !(p = scan_get(s, header, 72)) || get_le32(p) < 72) {
        verdict_no(v, "a .NET program with a damaged header");
        return;
    }
    bool pure = get_le32(p + 16) & COMIMAGE_ILONLY;
    if (!locate(s, pe, get_le32(p + 8), &root) || !find_strings(s, root, &names, &len)) {
        verdict_no(v, "a .NET program with damaged metadata");
        return;
    }
    if (!pure)
        return; /* with machine code in it: Windows's business, as it was */
    /* .NET Core's programs refer to this one, those of the .NET Framework to mscorlib */
    v->kind = contains(s, names, len, "System.Runtime") ? KIND_DOTNET_CORE : KIND_DOTNET_FRAMEWORK;
}

/* ---- PE ---------------------------------------------------------------------------------------
 */

#define PE_EXECUTABLE 0x0002
#define PE_DLL 0x2000
#define SUBSYSTEM_NATIVE 1
#define SUBSYSTEM_GUI 2
#define SUBSYSTEM_CONSOLE 3
#define SUBSYSTEM_EFI 10 /* to 13 */
#define DIRECTORY_CLI 14

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case 0x014c:
        return "i386";
    case 0x8664:
        return "x86-64";
    case 0xaa64:
        return "arm64";
    case 0x01c0:
    case 0x01c2:
    case 0x01c4:
        return "arm";
    default:
        return NULL;
    }
}

static bool sections_within(struct scan *s, const struct pe *pe)
{
    for (unsigned i = 0; i < pe->n; i++) {
        const uint8_t *p = scan_get(s, pe->sections + 40 * (uint64_t)i, 40);
        if (!p || (get_le32(p + 16) && !scan_within(s, get_le32(p + 20), get_le32(p + 16))))
            return false;
    }
    return true;
}

static void decide_pe(struct scan *s, uint64_t at, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, at, 24 + 70);
    if (!p) {
        verdict_no(v, "a Windows program that is cut off in its header");
        return;
    }
    unsigned machine = get_le16(p + 4), optional = get_le16(p + 20), flags = get_le16(p + 22);
    unsigned magic = get_le16(p + 24), subsystem = get_le16(p + 24 + 68);
    struct pe pe = {.sections = at + 24 + optional, .n = get_le16(p + 6)};
    unsigned directories = magic == 0x20b ? 108 : 92; /* where their count stands */
    if (optional < 70 || (magic != 0x10b && magic != 0x20b) || pe.n > PE_SECTIONS_MAX)
        verdict_no(v, "a Windows program with a damaged header");
    else if (subsystem >= SUBSYSTEM_EFI && subsystem < SUBSYSTEM_EFI + 4)
        verdict_no(v,
                   "a program for EFI firmware (or a Linux kernel), which runs before any system");
    else if (flags & PE_DLL)
        verdict_no(v, "a Windows or .NET library (DLL), which is no program");
    else if (!(flags & PE_EXECUTABLE))
        verdict_no(v, "a Windows program that its linker marked as faulty");
    else if (!machine_name(machine))
        verdict_no(v, "a Windows program for a processor (0x%x) that nothing here runs", machine);
    else if (subsystem == SUBSYSTEM_NATIVE)
        verdict_no(v, "a Windows driver, which is no program");
    else if (!sections_within(s, &pe))
        verdict_no(v, "a Windows program that is cut off");
    else
        v->kind = subsystem == SUBSYSTEM_GUI ? KIND_PE_GUI : KIND_PE_CONSOLE;
    if (v->kind == KIND_NONE)
        return;
    p = scan_get(s, at + 24, optional < SCAN_WINDOW ? optional : SCAN_WINDOW);
    size_t cli = directories + 4 + 8 * (size_t)DIRECTORY_CLI;
    if (p && optional >= cli + 8 && get_le32(p + directories) > DIRECTORY_CLI && get_le32(p + cli))
        decide_cli(s, &pe, get_le32(p + cli), v);
}

/* ---- older ones -------------------------------------------------------------------------------
 */

static void decide_ne(struct scan *s, uint64_t at, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, at, 64);
    if (!p)
        verdict_no(v, "a 16-bit program that is cut off in its header");
    else if (get_le16(p + 12) & 0x8000)
        verdict_no(v, "a 16-bit library, which is no program");
    else if (p[0x36] == 2 || p[0x36] == 4 || p[0x36] == 0)
        v->kind = KIND_WIN16;
    else
        verdict_no(v, "a 16-bit program for OS/2 or another system that nothing here runs");
}

/* The header of DOS itself. e_cp pages of 512 bytes are loaded, e_cblp of them from the last one.
 */
static void decide_dos(struct scan *s, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, 0, 28);
    if (!p) {
        verdict_no(v, "a DOS program that is cut off in its header");
        return;
    }
    uint32_t last = get_le16(p + 2), pages = get_le16(p + 4), header = get_le16(p + 8) * 16u;
    uint32_t relocations = get_le16(p + 6), table = get_le16(p + 24);
    if (pages == 0 || last > 512) {
        verdict_no(v, "no DOS program, though it begins like one");
        return;
    }
    uint64_t image = pages * 512u - (last ? 512 - last : 0);
    if (image < header || header < 28)
        verdict_no(v, "no DOS program, though it begins like one");
    else if (!scan_within(s, 0, image))
        verdict_no(v, "a DOS program that is cut off");
    else if (relocations && table + 4 * relocations > header)
        verdict_no(v, "a DOS program with a damaged header");
    else
        v->kind = KIND_DOS_EXE;
}

void decide_mz(struct scan *s, struct format_verdict *v)
{
    if (scan_is(s, 0, "MZqFpD='", 8) || scan_is(s, 0, "jartsr='", 8)) {
        v->kind = KIND_APE;
        return;
    }
    const uint8_t *p = scan_get(s, 0, 64);
    uint64_t at = p ? get_le32(p + 60) : 0;
    p = at >= 4 && scan_within(s, at, 4) ? scan_get(s, at, 4) : NULL;
    if (!p) {
        decide_dos(s, v);
    } else if (memcmp(p, "PE\0\0", 4) == 0) {
        decide_pe(s, at, v);
    } else if (memcmp(p, "NE", 2) == 0) {
        decide_ne(s, at, v);
    } else if (memcmp(p, "LX", 2) == 0) {
        verdict_no(v, "a program for OS/2, which nothing here runs");
    } else if (memcmp(p, "LE", 2) == 0) {
        p = scan_get(s, at, 12);
        /* a DOS extender's programs say OS/2, and have a DOS program in front that loads them */
        if (p && get_le16(p + 10) == 4)
            verdict_no(v, "a driver (VxD) of Windows 3 or 9x, which is no program");
        else
            decide_dos(s, v);
    } else {
        decide_dos(s, v);
    }
}

/* ---- without a header -------------------------------------------------------------------------
 */

#define COM_MAX 65280 /* a segment less the 256 bytes in front of the program */

/* Text: printable, with a line's end in it. */
static bool is_text(const uint8_t *p, size_t n)
{
    bool line = false;
    for (size_t i = 0; i < n; i++) {
        line |= p[i] == '\n';
        if ((p[i] < 32 && !strchr("\t\n\r\f", p[i])) || p[i] == 127 || p[i] == 0)
            return false;
    }
    return line;
}

void decide_com(struct scan *s, struct format_verdict *v)
{
    size_t n = s->size < SCAN_WINDOW ? (size_t)s->size : SCAN_WINDOW;
    const uint8_t *p = scan_get(s, 0, n);
    if (!p)
        verdict_no(v, "a file that cannot be read");
    else if (s->size > COM_MAX)
        verdict_no(v, "too long for a DOS program without a header");
    else if (is_text(p, n))
        verdict_no(v, "a text, no DOS program");
    else
        v->kind = KIND_DOS_COM;
}
