/* SPDX-License-Identifier: Apache-2.0
 *
 * The little that binfmt needs to know of ELF files: would a kernel load it, and by which loader.
 */
#ifndef BINFMT_ELF_H
#define BINFMT_ELF_H

#include <elf.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum elf_kind {
    ELF_NONE,    /* no ELF file, or none that can be executed */
    ELF_BROKEN,  /* program headers that a kernel would refuse (ENOEXEC) */
    ELF_STATIC,  /* a program without PT_INTERP */
    ELF_DYNAMIC, /* a program with PT_INTERP */
};

struct elf_info {
    enum elf_kind kind;    /* what it is */
    bool is64;             /* by the size of its program headers */
    uint16_t machine;      /* e_machine */
    char loader[PATH_MAX]; /* ELF_DYNAMIC: the path in PT_INTERP */
};

struct elf_head {
    uint8_t bytes[sizeof(Elf64_Ehdr)]; /* of the file, zeros behind its end */
};

/* Read an open file's head; false: no ELF file. */
bool elf_head_read(int fd, struct elf_head *ret);
/* The machine that a loader of that byte order sees; 0: none, or nothing that can be executed. */
uint16_t elf_head_machine(const struct elf_head *head, bool big);

/* Look at an open file (O_RDONLY), with class and byte order from its identification. */
void elf_look(int fd, struct elf_info *ret);
/* Look at it as a loader of that class and byte order does. Linux's own look at neither byte. */
void elf_look_as(int fd, bool is64, bool big, struct elf_info *ret);

#endif
