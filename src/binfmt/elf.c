/* SPDX-License-Identifier: Apache-2.0 */
#include "binfmt/elf.h"

#include "base/util.h"

#include <elf.h>

#define PHDRS_MAX 65536 /* bytes of program headers that Linux reads at most */

struct reader {
    int fd;    /* the file */
    bool big;  /* its byte order */
    bool is64; /* its class */
};

static uint64_t get(const struct reader *r, const uint8_t *at, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | at[r->big ? i : bytes - 1 - i];
    return v;
}

#define GET(r, at, type32, type64, field)                                                          \
    ((r)->is64 ? get((r), (at) + offsetof(type64, field), sizeof(((type64 *)0)->field))            \
               : get((r), (at) + offsetof(type32, field), sizeof(((type32 *)0)->field)))

/* PT_INTERP's text; false where a kernel would refuse it. */
static bool read_loader(const struct reader *r, const uint8_t *ph, char ret[PATH_MAX])
{
    uint64_t size = GET(r, ph, Elf32_Phdr, Elf64_Phdr, p_filesz);
    uint64_t at = GET(r, ph, Elf32_Phdr, Elf64_Phdr, p_offset);
    if (size < 2 || size > PATH_MAX || at > INT64_MAX)
        return false;
    return pread(r->fd, ret, size, (off_t)at) == (ssize_t)size && ret[size - 1] == 0;
}

static enum elf_kind read_phdrs(const struct reader *r, const uint8_t *head, char loader[PATH_MAX])
{
    size_t one = r->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    size_t n = GET(r, head, Elf32_Ehdr, Elf64_Ehdr, e_phnum);
    uint64_t at = GET(r, head, Elf32_Ehdr, Elf64_Ehdr, e_phoff);
    if (GET(r, head, Elf32_Ehdr, Elf64_Ehdr, e_phentsize) != one || n == 0 || n * one > PHDRS_MAX ||
        at > INT64_MAX)
        return ELF_BROKEN;
    _cleanup_free_ uint8_t *table = malloc(n * one);
    if (!table || pread(r->fd, table, n * one, (off_t)at) != (ssize_t)(n * one))
        return ELF_BROKEN;
    for (size_t i = 0; i < n; i++)
        if (GET(r, table + i * one, Elf32_Phdr, Elf64_Phdr, p_type) == PT_INTERP)
            return read_loader(r, table + i * one, loader) ? ELF_DYNAMIC : ELF_BROKEN;
    return ELF_STATIC;
}

bool elf_head_read(int fd, struct elf_head *ret)
{
    memset(ret, 0, sizeof(*ret));
    return pread(fd, ret->bytes, sizeof(ret->bytes), 0) >= EI_NIDENT &&
           memcmp(ret->bytes, ELFMAG, SELFMAG) == 0;
}

uint16_t elf_head_machine(const struct elf_head *head, bool big)
{
    struct reader r = {.fd = -1, .big = big};
    uint64_t type = get(&r, head->bytes + offsetof(Elf64_Ehdr, e_type), 2);
    if (type != ET_EXEC && type != ET_DYN)
        return 0;
    return (uint16_t)get(&r, head->bytes + offsetof(Elf64_Ehdr, e_machine), 2);
}

void elf_look_as(int fd, bool is64, bool big, struct elf_info *ret)
{
    struct elf_head head;
    struct reader r = {.fd = fd, .big = big, .is64 = is64};
    memset(ret, 0, sizeof(*ret));
    if (!elf_head_read(fd, &head))
        return;
    uint64_t type = get(&r, head.bytes + offsetof(Elf64_Ehdr, e_type), 2);
    if (type != ET_EXEC && type != ET_DYN)
        return;
    ret->machine = elf_head_machine(&head, big);
    ret->is64 = is64;
    ret->kind = read_phdrs(&r, head.bytes, ret->loader);
}

void elf_look(int fd, struct elf_info *ret)
{
    uint8_t ident[EI_NIDENT] = {0};
    bool whole = pread(fd, ident, sizeof(ident), 0) == (ssize_t)sizeof(ident);
    elf_look_as(fd, whole && ident[EI_CLASS] == ELFCLASS64, whole && ident[EI_DATA] == ELFDATA2MSB,
                ret);
}
