/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of /proc that would show the host's machine or the engine: proc.c finds out what a path
 * means, proc_text.c writes what the guest is to read.
 */
#ifndef ENGINE_LINUX_PROC_H
#define ENGINE_LINUX_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum proc_kind {
    PROC_OTHER, /* as it is */
    PROC_EXE,   /* link to the program */
    PROC_MAPS,  /* of any process that the engine runs */
    PROC_SMAPS,
    PROC_NUMA_MAPS,
    PROC_SYSCALL,
    PROC_MAP_FILES,
    PROC_AUXV, /* these three: of this process only */
    PROC_CMDLINE,
    PROC_ENVIRON,
    PROC_CPUINFO, /* of the system */
    PROC_ARCH     /* sys/kernel/arch */
};

/* Write into fd what the guest reads there. from: the host's own file, opened. pid: another process
 * that the engine runs, whose mappings are asked for; NULL: this one. */
bool proc_text(enum proc_kind kind, const char *pid, long from, long fd);
/* Path of the mapping of process `pid` (digits, or "self") that holds address; 0: none. */
size_t proc_mapped_file(const char *pid, uint64_t address, char *buf, size_t size);

#endif
