/* SPDX-License-Identifier: Apache-2.0
 *
 * The little that binfmt needs to know of ELF files: would a kernel load it, and by which loader.
 */
#ifndef BINFMT_ELF_H
#define BINFMT_ELF_H

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

/* Look at an open file (O_RDONLY), with class and byte order from its identification. */
void elf_look(int fd, struct elf_info *ret);
/* Look at it as a loader of that class and byte order does. Linux's own look at neither byte. */
void elf_look_as(int fd, bool is64, bool big, struct elf_info *ret);

#endif
