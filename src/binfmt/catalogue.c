/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalogue of Linux architectures: one row each, and rules computed from the rows.
 *
 * Invariants:
 * 1. No two rows match the same header: class, data, machine and, for MIPS, the ABI bit of e_flags
 *    tell them apart (a test tries each against each).
 * 2. A rule looks at nothing that the architecture's own kernel ignores, but for OSABI: values over
 *    3 are other systems' files (FreeBSD is 9), and those must not end in a Linux emulator.
 *
 * Machine numbers are those of the ELF registry (EM_*); second numbers are what old tools wrote and
 * kernels still take.
 */
#include "base/util.h"

#include <archway/catalogue.h>

#include <elf.h>
#include <sys/personality.h>
#include <sys/utsname.h>

#define EM_ALPHA_LINUX 0x9026 /* what Linux uses; the registry's EM_ALPHA was never used */
#define EM_MICROBLAZE_OLD 0xbaab
#define EM_OPENRISC_OLD 0x8472
#define EM_XTENSA_OLD 0xabc7
#define EM_S390_OLD 0xa390
#define EM_HEXAGON_NO 164
#define EM_LOONGARCH_NO 258
#define EF_MIPS_N32 0x20

#define LE64 .is64 = true, .big = false
#define BE64 .is64 = true, .big = true
#define LE32 .is64 = false, .big = false
#define BE32 .is64 = false, .big = true

/* clang-format off */
static const struct aw_arch archs[] = {
    {"aarch64", "aarch64", "arm64", "v8", {EM_AARCH64}, LE64, .qemu_has = true},
    {"aarch64_be", "aarch64_be", "arm64be", "", {EM_AARCH64}, BE64, .qemu_has = true},
    {"alpha", "alpha", "alpha", "", {EM_ALPHA_LINUX}, LE64, .qemu_has = true},
    {"arm", "armv7l", "arm", "v7", {EM_ARM}, LE32, .qemu_has = true},
    {"armeb", "armv7b", "armbe", "", {EM_ARM}, BE32, .qemu_has = true},
    {"cris", "cris", "cris", "", {EM_CRIS}, LE32},
    {"hexagon", "hexagon", "hexagon", "", {EM_HEXAGON_NO}, LE32, .qemu_has = true},
    {"hppa", "parisc", "hppa", "", {EM_PARISC}, BE32, .qemu_has = true},
    {"i386", "i686", "386", "", {EM_386, 6 /* EM_486 */}, LE32, .qemu_has = true},
    {"loongarch64", "loongarch64", "loong64", "", {EM_LOONGARCH_NO}, LE64, .qemu_has = true},
    {"m68k", "m68k", "m68k", "", {EM_68K}, BE32, .qemu_has = true},
    {"microblaze", "microblaze", "microblaze", "", {EM_MICROBLAZE, EM_MICROBLAZE_OLD}, BE32,
     .qemu_has = true},
    {"microblazeel", "microblazeel", "microblazeel", "", {EM_MICROBLAZE, EM_MICROBLAZE_OLD}, LE32,
     .qemu_has = true},
    {"mips", "mips", "mips", "", {EM_MIPS}, BE32, EF_MIPS_N32, 0, true},
    {"mipsel", "mips", "mipsle", "", {EM_MIPS}, LE32, EF_MIPS_N32, 0, true},
    {"mips64", "mips64", "mips64", "", {EM_MIPS}, BE64, .qemu_has = true},
    {"mips64el", "mips64", "mips64le", "", {EM_MIPS}, LE64, .qemu_has = true},
    {"mipsn32", "mips64", "mips64p32", "", {EM_MIPS}, BE32, EF_MIPS_N32, EF_MIPS_N32, true},
    {"mipsn32el", "mips64", "mips64p32le", "", {EM_MIPS}, LE32, EF_MIPS_N32, EF_MIPS_N32, true},
    {"nios2", "nios2", "nios2", "", {EM_ALTERA_NIOS2}, LE32},
    {"or1k", "openrisc", "or1k", "", {EM_OPENRISC, EM_OPENRISC_OLD}, BE32, .qemu_has = true},
    {"ppc", "ppc", "ppc", "", {EM_PPC}, BE32, .qemu_has = true},
    {"ppc64", "ppc64", "ppc64", "", {EM_PPC64}, BE64, .qemu_has = true},
    {"ppc64le", "ppc64le", "ppc64le", "", {EM_PPC64}, LE64, .qemu_has = true},
    {"riscv32", "riscv32", "riscv", "", {EM_RISCV}, LE32, .qemu_has = true},
    {"riscv64", "riscv64", "riscv64", "", {EM_RISCV}, LE64, .qemu_has = true},
    {"s390x", "s390x", "s390x", "", {EM_S390, EM_S390_OLD}, BE64, .qemu_has = true},
    {"sh4", "sh4", "sh4", "", {EM_SH}, LE32, .qemu_has = true},
    {"sh4eb", "sh4eb", "sh4eb", "", {EM_SH}, BE32, .qemu_has = true},
    {"sparc", "sparc", "sparc", "", {EM_SPARC}, BE32, .qemu_has = true},
    {"sparc32plus", "sparc64", "sparc32plus", "", {EM_SPARC32PLUS}, BE32, .qemu_has = true},
    {"sparc64", "sparc64", "sparc64", "", {EM_SPARCV9}, BE64, .qemu_has = true},
    {"x86_64", "x86_64", "amd64", "", {EM_X86_64}, LE64, .qemu_has = true},
    {"xtensa", "xtensa", "xtensa", "", {EM_XTENSA, EM_XTENSA_OLD}, LE32, .qemu_has = true},
    {"xtensaeb", "xtensaeb", "xtensaeb", "", {EM_XTENSA, EM_XTENSA_OLD}, BE32, .qemu_has = true},
};

/* Other words for the same: what uname -m may say, and Debian's and Rust's names. */
static const struct {
    const char *word; /* as found */
    const char *name; /* the row's name */
} aliases[] = {
    {"arm64", "aarch64"}, {"armv8l", "arm"}, {"armv6l", "arm"}, {"armv5tel", "arm"},
    {"armhf", "arm"}, {"armel", "arm"}, {"i486", "i386"}, {"i586", "i386"}, {"i686", "i386"},
    {"amd64", "x86_64"}, {"loong64", "loongarch64"}, {"parisc64", "hppa"}, {"powerpc", "ppc"},
    {"powerpc64", "ppc64"}, {"powerpc64le", "ppc64le"}, {"ppc64el", "ppc64le"},
    {"openrisc", "or1k"}, {"sh4a", "sh4"}, {"s390", "s390x"},
};

/* What a machine's kernel runs besides its own kind, where hardware and kernel build allow. */
static const struct {
    const char *host; /* uname -m */
    const char *name; /* the row's name */
} also_native[] = {
    {"x86_64", "i386"}, {"aarch64", "arm"}, {"aarch64_be", "armeb"}, {"ppc64", "ppc"},
    {"sparc64", "sparc"}, {"sparc64", "sparc32plus"},
};
/* clang-format on */

const struct aw_arch *aw_arch_at(size_t index)
{
    return index < AW_LEN(archs) ? &archs[index] : NULL;
}

static const struct aw_arch *find_name(const char *name)
{
    for (size_t i = 0; i < AW_LEN(archs); i++)
        if (str_eq(archs[i].name, name))
            return &archs[i];
    return NULL;
}

const struct aw_arch *aw_arch_find(const char *name)
{
    const struct aw_arch *arch = find_name(name);
    for (size_t i = 0; !arch && i < AW_LEN(archs); i++)
        if (str_eq(archs[i].uname, name))
            arch = &archs[i];
    for (size_t i = 0; !arch && i < AW_LEN(aliases); i++)
        if (str_eq(aliases[i].word, name))
            arch = find_name(aliases[i].name);
    return arch;
}

const struct aw_arch *aw_arch_find_oci(const char *arch, const char *variant)
{
    (void)variant; /* no architecture has variants that look different in their ELF header */
    for (size_t i = 0; i < AW_LEN(archs); i++)
        if (str_eq(archs[i].oci_arch, arch))
            return &archs[i];
    return NULL;
}

static void put(uint8_t *at, uint64_t value, int bytes, bool big)
{
    for (int i = 0; i < bytes; i++)
        at[big ? bytes - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

static size_t eflags_offset(const struct aw_arch *arch)
{
    return arch->is64 ? offsetof(Elf64_Ehdr, e_flags) : offsetof(Elf32_Ehdr, e_flags);
}

void aw_arch_header(const struct aw_arch *arch, int machine_index, bool shared,
                    uint8_t ret[AW_ARCH_HEADER])
{
    memset(ret, 0, AW_ARCH_HEADER);
    memcpy(ret, ELFMAG, SELFMAG);
    ret[EI_CLASS] = arch->is64 ? ELFCLASS64 : ELFCLASS32;
    ret[EI_DATA] = arch->big ? ELFDATA2MSB : ELFDATA2LSB;
    ret[EI_VERSION] = EV_CURRENT;
    put(ret + offsetof(Elf64_Ehdr, e_type), shared ? ET_DYN : ET_EXEC, 2, arch->big);
    put(ret + offsetof(Elf64_Ehdr, e_machine), arch->machine[machine_index], 2, arch->big);
    put(ret + eflags_offset(arch), arch->eflags, 4, arch->big);
}

int aw_arch_rules(const struct aw_arch *arch)
{
    return arch->machine[1] ? 2 : 1;
}

bool aw_arch_rule(const struct aw_arch *arch, int index, const char *interpreter, unsigned flags,
                  struct aw_rule *ret, struct aw_err *err)
{
    if (index < 0 || index >= aw_arch_rules(arch) || strlen(interpreter) >= AW_RULE_TEXT_MAX)
        return aw_fail(err, AW_E_ARG, 0,
                       "rule for %s: no rule number %d, or the interpreter is too long", arch->name,
                       index);
    struct aw_rule r;
    memset(&r, 0, sizeof(r));
    snprintf(r.name, sizeof(r.name), "qemu-%s%s", arch->name, index ? "-old" : "");
    r.type = AW_RULE_MAGIC;
    r.flags = flags | (flags & (AW_RULE_C | AW_RULE_T) ? AW_RULE_O : 0);
    snprintf(r.interpreter, sizeof(r.interpreter), "%s", interpreter);
    r.has_mask = true;
    r.magic_len = offsetof(Elf64_Ehdr, e_machine) + 2;

    uint8_t *mask = r.mask;
    memset(mask, 0xff, EI_OSABI);
    mask[EI_OSABI] = 0xfc;
    /* e_type 2 or 3, executable or shared object: the lowest bit of its low byte does not count */
    put(mask + offsetof(Elf64_Ehdr, e_type), 0xfffe, 2, arch->big);
    put(mask + offsetof(Elf64_Ehdr, e_machine), 0xffff, 2, arch->big);
    uint8_t header[AW_ARCH_HEADER];
    aw_arch_header(arch, index, false, header);
    if (arch->eflags_mask) {
        put(mask + eflags_offset(arch), arch->eflags_mask, 4, arch->big);
        for (size_t i = eflags_offset(arch); i < eflags_offset(arch) + 4; i++)
            if (mask[i])
                r.magic_len = (uint32_t)i + 1;
    }
    for (uint32_t i = 0; i < r.magic_len; i++)
        r.magic[i] = header[i] & mask[i];
    *ret = r;
    return true;
}

const struct aw_arch *aw_arch_find_elf(const void *head, size_t len)
{
    if (len < 20 || memcmp(head, ELFMAG, SELFMAG) != 0)
        return NULL;
    for (size_t i = 0; i < AW_LEN(archs); i++) {
        struct aw_rule r;
        for (int k = 0; k < aw_arch_rules(&archs[i]); k++)
            if (aw_arch_rule(&archs[i], k, "/", 0, &r, NULL) &&
                aw_rule_matches(&r, head, len, NULL))
                return &archs[i];
    }
    return NULL;
}

bool aw_arch_native_on(const struct aw_arch *arch, const char *uname_machine)
{
    const struct aw_arch *host = aw_arch_find(uname_machine);
    /* mips and mipsel, mips64 and mips64el call themselves the same: only the byte order of this
     * very build tells them apart */
    bool this_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    if (host && str_starts(host->uname, "mips"))
        return str_eq(arch->uname, host->uname) && arch->big == this_big;
    if (host == arch)
        return true;
    for (size_t i = 0; host && i < AW_LEN(also_native); i++)
        if (str_eq(also_native[i].host, uname_machine) && str_eq(also_native[i].name, arch->name))
            return true;
    return false;
}

/* arm64 machines without 32-bit user mode refuse this personality. */
static bool runs_32_bit(void)
{
    int before = personality(0xffffffff);
    bool ok = before >= 0 && personality(PER_LINUX32) >= 0;
    if (ok)
        personality((unsigned long)before);
    return ok;
}

bool aw_arch_native(const struct aw_arch *arch)
{
    struct utsname u;
    if (uname(&u) != 0)
        return false;
        /* under a 32-bit personality uname says so, but the kernel runs its own kind all the same
         */
#if defined(__x86_64__)
    const char *machine = "x86_64";
#elif defined(__aarch64__)
    const char *machine = "aarch64";
#else
    const char *machine = u.machine;
#endif
    if (!aw_arch_native_on(arch, machine))
        return false;
    return !(str_eq(machine, "aarch64") && str_eq(arch->name, "arm")) || runs_32_bit();
}
