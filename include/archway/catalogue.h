/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalogue: every Linux architecture that QEMU's user mode knows, how its ELF files look, and
 * what the others call it. The magic and mask of a rule are computed from those facts.
 *
 * To run a foreign container: find the architecture by aw_arch_find_oci(), fill in a rule by
 * aw_arch_rule() for each of its machine numbers, register (see instance.h).
 */
#ifndef ARCHWAY_CATALOGUE_H
#define ARCHWAY_CATALOGUE_H

#include <archway/rule.h>

#define AW_ARCH_MACHINES 2 /* machine numbers of one architecture at most */

struct aw_arch {
    const char *name;     /* QEMU's: "aarch64", "ppc64le", "mipsn32el"; an entry is "qemu-<name>" */
    const char *uname;    /* what uname -m says: "aarch64", "armv7l", "mips64" */
    const char *oci_arch; /* OCI (Go) name: "arm64", "386"; where Go has none, name */
    const char *oci_variant;            /* default variant: "v8", "v7"; "" where there is none */
    uint16_t machine[AW_ARCH_MACHINES]; /* e_machine; the second one an older number, or 0 */
    bool is64;                          /* ELFCLASS64 */
    bool big;                           /* ELFDATA2MSB */
    uint32_t eflags_mask; /* bits of e_flags that tell it from others of its machine, or 0 */
    uint32_t eflags;      /* their value */
    bool qemu_has;        /* QEMU 10 still has the target (cris and nios2 are gone) */
};

/* The architectures, by index from 0; NULL after the last. The data is constant and lives for ever.
 */
const struct aw_arch *aw_arch_at(size_t index);

/* By QEMU's name ("ppc64le"), by what uname -m says ("armv7l", "i686"), or NULL. */
const struct aw_arch *aw_arch_find(const char *name);
/* By OCI architecture and variant ("arm", "v6"; variant may be NULL or ""), or NULL. Variants of an
 * architecture share one entry: every arm variant is "arm". */
const struct aw_arch *aw_arch_find_oci(const char *arch, const char *variant);
/* By the first bytes of an ELF file (40 are enough), or NULL: no ELF program of a known one. */
const struct aw_arch *aw_arch_find_elf(const void *head, size_t len);

/* How many rules the architecture needs: one a machine number. */
int aw_arch_rules(const struct aw_arch *arch);
/* Rule number index (0 .. aw_arch_rules() - 1), named "qemu-<name>" ("qemu-<name>-old" for the
 * second) with interpreter and flags. It matches what that architecture's own kernel would take:
 * executables and shared objects with OSABI 0 to 3 (System V, GNU/Linux), whatever stands in the
 * header's padding (AppImages have their mark there). False if interpreter is too long. */
bool aw_arch_rule(const struct aw_arch *arch, int index, const char *interpreter, unsigned flags,
                  struct aw_rule *ret, struct aw_err *err);

/* Does this machine run the architecture's programs without an emulator? By uname(2), and for
 * 32-bit ARM on arm64 by asking the kernel. */
bool aw_arch_native(const struct aw_arch *arch);
/* The same for a machine that calls itself uname_machine, as far as that alone can tell. */
bool aw_arch_native_on(const struct aw_arch *arch, const char *uname_machine);

/* Write an ELF header of the architecture, of an executable (ET_EXEC) or of a shared object; the
 * rest of it is zero. For tests and for finding rules that capture the host's own programs. */
#define AW_ARCH_HEADER 64
void aw_arch_header(const struct aw_arch *arch, int machine_index, bool shared,
                    uint8_t ret[AW_ARCH_HEADER]);

#endif
