/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's vDSO: an ELF image of one page, made here by the compiler as one constant structure.
 *
 * What is in it is what C libraries, Go and unwinders look for: a dynamic symbol table with SysV
 * hashes, symbols of version LINUX_2.6.39, CFI for the functions. The time functions use two
 * instructions of the engine's own, which exist in this page only (lift/a64_sys.c): seconds to x2,
 * nanoseconds to x3, x4 not 0 where the clock wants a system call.
 *
 * The trampoline of signals has no CFI, as in the kernel's: unwinders know it by its instructions,
 * and then restore all registers from the frame. CFI that says less stops them from doing so; the
 * nop in front is for those that look one byte back, and belongs to no function either.
 *
 * Left out: section headers, the kernel's version note, hashes of GNU's kind.
 */
#include "engine/linux/thread.h"

#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <elf.h>
#include <linux/mman.h>

enum { PAGE = 4096, SYMBOLS = 6, VERSION = 2 };

struct strings {
    char none[1];           /* index 0 */
    char soname[16];        /* of the image */
    char version[13];       /* of the functions */
    char clock_gettime[23]; /* the functions */
    char gettimeofday[22];
    char clock_getres[22];
    char rt_sigreturn[22];
};

struct text {
    uint32_t clock_gettime[8];
    uint32_t gettimeofday[15];
    uint32_t clock_getres[9];
    uint32_t nop; /* see above */
    uint32_t rt_sigreturn[2];
};

struct version {
    Elf64_Verdef def;  /* a version, */
    Elf64_Verdaux aux; /* its name */
};

/* DWARF call frame information: a CIE and one FDE for the three functions, neither of which moves
 * sp; and the table that finds it. */
struct frames {
    uint32_t cie_size, cie_id; /* size without itself; 0 */
    uint8_t cie[12];           /* the rest, padded */
    uint32_t fde_size;         /* the same */
    uint32_t to_cie;           /* distance back to it */
    int32_t start;             /* relative to its own place */
    uint32_t length;           /* bytes of code */
    uint8_t nothing[4];        /* no augmentation; padding */
    uint32_t end;              /* 0: no more */
};

struct frame_table {
    uint8_t kind[4]; /* version, encodings */
    int32_t frames;  /* relative to its own place */
    uint32_t count;  /* entries */
    int32_t start;   /* code and FDE, relative to the table */
    int32_t fde;
};

struct image {
    Elf64_Ehdr header;
    Elf64_Phdr segments[3];
    Elf64_Dyn dynamic[10];
    Elf64_Sym symbols[SYMBOLS];
    struct version versions[2];
    uint32_t hash[2 + 1 + SYMBOLS]; /* one bucket: a chain of all */
    uint16_t symbol_versions[SYMBOLS];
    struct strings strings;
    struct frame_table frame_table __attribute__((aligned(4)));
    struct frames frames __attribute__((aligned(8)));
    struct text text __attribute__((aligned(16)));
};
_Static_assert(sizeof(struct image) <= PAGE, "one page");

#define AT(field) offsetof(struct image, field)
#define STRING(field) offsetof(struct strings, field)
#define CODE_SIZE(field) sizeof(((struct text *)NULL)->field)
#define FUNCTION(field)                                                                            \
    {                                                                                              \
        .st_name = STRING(field), .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1,   \
        .st_value = AT(text.field), .st_size = CODE_SIZE(field)                                    \
    }
#define RELATIVE(to, from) ((int32_t)AT(to) - (int32_t)AT(from))

static const struct image image = {
    .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
               .e_type = ET_DYN,
               .e_machine = EM_AARCH64,
               .e_version = EV_CURRENT,
               .e_phoff = AT(segments),
               .e_ehsize = sizeof(Elf64_Ehdr),
               .e_phentsize = sizeof(Elf64_Phdr),
               .e_phnum = 3},
    .segments = {{.p_type = PT_LOAD,
                  .p_flags = PF_R | PF_X,
                  .p_filesz = sizeof(struct image),
                  .p_memsz = sizeof(struct image),
                  .p_align = PAGE},
                 {.p_type = PT_DYNAMIC,
                  .p_flags = PF_R,
                  .p_offset = AT(dynamic),
                  .p_vaddr = AT(dynamic),
                  .p_paddr = AT(dynamic),
                  .p_filesz = sizeof(image.dynamic),
                  .p_memsz = sizeof(image.dynamic),
                  .p_align = 8},
                 {.p_type = PT_GNU_EH_FRAME,
                  .p_flags = PF_R,
                  .p_offset = AT(frame_table),
                  .p_vaddr = AT(frame_table),
                  .p_paddr = AT(frame_table),
                  .p_filesz = sizeof(struct frame_table),
                  .p_memsz = sizeof(struct frame_table),
                  .p_align = 4}},
    .dynamic = {{DT_SONAME, {STRING(soname)}},
                {DT_HASH, {AT(hash)}},
                {DT_STRTAB, {AT(strings)}},
                {DT_SYMTAB, {AT(symbols)}},
                {DT_STRSZ, {sizeof(struct strings)}},
                {DT_SYMENT, {sizeof(Elf64_Sym)}},
                {DT_VERSYM, {AT(symbol_versions)}},
                {DT_VERDEF, {AT(versions)}},
                {DT_VERDEFNUM, {2}},
                {DT_NULL, {0}}},
    .symbols = {{0},
                FUNCTION(clock_gettime),
                FUNCTION(gettimeofday),
                FUNCTION(clock_getres),
                FUNCTION(rt_sigreturn),
                {.st_name = STRING(version),
                 .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
                 .st_shndx = SHN_ABS}},
    .versions = {{{.vd_version = VER_DEF_CURRENT,
                   .vd_flags = VER_FLG_BASE,
                   .vd_ndx = 1,
                   .vd_cnt = 1,
                   .vd_hash = 0xdeebfa1,
                   .vd_aux = sizeof(Elf64_Verdef),
                   .vd_next = sizeof(struct version)},
                  {STRING(soname), 0}},
                 {{.vd_version = VER_DEF_CURRENT,
                   .vd_ndx = VERSION,
                   .vd_cnt = 1,
                   .vd_hash = 0x75fcb89,
                   .vd_aux = sizeof(Elf64_Verdef)},
                  {STRING(version), 0}}},
    .hash = {1, SYMBOLS, 1, 0, 2, 3, 4, 5, 0},
    .symbol_versions = {0, VERSION, VERSION, VERSION, VERSION, VERSION},
    .strings = {.soname = "linux-vdso.so.1",
                .version = "LINUX_2.6.39",
                .clock_gettime = "__kernel_clock_gettime",
                .gettimeofday = "__kernel_gettimeofday",
                .clock_getres = "__kernel_clock_getres",
                .rt_sigreturn = "__kernel_rt_sigreturn"},
    /* version 1; pointers relative to themselves, the table's to itself, all of 4 bytes */
    .frame_table = {{1, 0x1b, 0x03, 0x3b},
                    RELATIVE(frames, frame_table.frames),
                    1,
                    RELATIVE(text, frame_table),
                    RELATIVE(frames.fde_size, frame_table)},
    .frames = {.cie_size = sizeof(uint32_t) + sizeof(image.frames.cie),
               /* version 1, "zR"; code 4, data -8, return address x30; pointers relative to
                * themselves; CFA = sp */
               .cie = {1, 'z', 'R', 0, 4, 0x78, 30, 1, 0x1b, 0x0c, 31, 0},
               .fde_size = 16,
               .to_cie = RELATIVE(frames.to_cie, frames),
               .start = RELATIVE(text, frames.start),
               .length = offsetof(struct text, nop)},
    .text = {.clock_gettime = {0xd50bf000,  /* sys #3, c15, c0, #0, x0: the engine's own */
                               0x35000084,  /* cbnz w4, to the system call */
                               0xa9000c22,  /* stp x2, x3, [x1] */
                               0x52800000,  /* mov w0, #0 */
                               0xd65f03c0,  /* ret */
                               0xd2800e28,  /* mov x8, #113 */
                               0xd4000001,  /* svc #0 */
                               0xd65f03c0}, /* ret */
             .gettimeofday = {0xb5000181,   /* cbnz x1, to the system call */
                              0xb4000100,   /* cbz x0, to mov w0, #0 */
                              0xaa0003e5,   /* mov x5, x0 */
                              0x52800000,   /* mov w0, #0: CLOCK_REALTIME */
                              0xd50bf000,   /* sys #3, c15, c0, #0, x0 */
                              0x350000c4,   /* cbnz w4, to mov x0, x5 */
                              0x52807d06,   /* mov w6, #1000 */
                              0x9ac60863,   /* udiv x3, x3, x6 */
                              0xa9000ca2,   /* stp x2, x3, [x5] */
                              0x52800000,   /* mov w0, #0 */
                              0xd65f03c0,   /* ret */
                              0xaa0503e0,   /* mov x0, x5 */
                              0xd2801528,   /* mov x8, #169 */
                              0xd4000001,   /* svc #0 */
                              0xd65f03c0},  /* ret */
             .clock_getres = {0xd50bf020,   /* sys #3, c15, c0, #1, x0: the engine's own */
                              0x350000a4,   /* cbnz w4, to the system call */
                              0xb4000041,   /* cbz x1, to mov w0, #0 */
                              0xa9000c22,   /* stp x2, x3, [x1] */
                              0x52800000,   /* mov w0, #0 */
                              0xd65f03c0,   /* ret */
                              0xd2800e48,   /* mov x8, #114 */
                              0xd4000001,   /* svc #0 */
                              0xd65f03c0},  /* ret */
             .nop = 0xd503201f,
             .rt_sigreturn = {0xd2801168,   /* mov x8, #139 */
                              0xd4000001}}, /* svc #0 */
};

bool a64_vdso_map(void)
{
    long at = linux_mm_map(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at < 0)
        return false;
    memcpy((void *)at, &image, sizeof(image));
    sys(__NR_mprotect, at, PAGE, PROT_READ);
    const struct vma v = {
        .start = (uint64_t)at, .end = (uint64_t)at + PAGE, .prot = VMA_READ | VMA_EXEC};
    linux_mm_note(&v);
    linux_state.vdso_at = (uint64_t)at;
    return true;
}

uint64_t a64_vdso_sigreturn(void)
{
    return linux_state.vdso_at + AT(text.rt_sigreturn);
}

bool linux_own_code(uint64_t pc)
{
    return pc - linux_state.vdso_at < PAGE;
}
