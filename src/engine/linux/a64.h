/* SPDX-License-Identifier: Apache-2.0
 *
 * What an aarch64 Linux process sees that differs from the host's: capabilities, constants,
 * structures. Taken from both architectures' headers; tests/guest/abi.c compares them with
 * aarch64's.
 */
#ifndef ENGINE_LINUX_A64_H
#define ENGINE_LINUX_A64_H

#include <stdint.h>

#define A64_PLATFORM "aarch64"
#define A64_MINSIGSTKSZ 4720 /* rt_sigframe 4688, frame record 16, alignment 16 */

/* HWCAP bits and their names in /proc/cpuinfo, in its order: exactly what is lifted. */
#define A64_HWCAPS(CAP)                                                                            \
    CAP(0, "fp")                                                                                   \
    CAP(1, "asimd") CAP(3, "aes") CAP(4, "pmull") CAP(5, "sha1") CAP(6, "sha2") CAP(7, "crc32")    \
        CAP(8, "atomics") CAP(11, "cpuid") CAP(12, "asimdrdm") CAP(13, "jscvt") CAP(14, "fcma")    \
            CAP(15, "lrcpc") CAP(20, "asimddp") CAP(24, "dit") CAP(26, "ilrcpc") CAP(27, "flagm")  \
                CAP(29, "sb")
#define A64_HWCAPS2(CAP) CAP(7, "flagm2") CAP(8, "frint")
#define A64_CAP_BIT(bit, name) +(1ull << bit)
#define A64_HWCAP (0 A64_HWCAPS(A64_CAP_BIT))
#define A64_HWCAP2 (0 A64_HWCAPS2(A64_CAP_BIT))

/* Open flags: four bits are others than the host's, in two pairs that change places. */
enum {
    A64_O_DIRECTORY = 0x4000,
    A64_O_NOFOLLOW = 0x8000,
    A64_O_DIRECT = 0x10000,
    A64_O_LARGEFILE = 0x20000
};

struct a64_stat {
    uint64_t st_dev;
    uint64_t st_ino;
    uint32_t st_mode;
    uint32_t st_nlink;
    uint32_t st_uid;
    uint32_t st_gid;
    uint64_t st_rdev;
    uint64_t pad1;
    int64_t st_size;
    int32_t st_blksize;
    int32_t pad2;
    int64_t st_blocks;
    int64_t st_atime_sec;
    uint64_t st_atime_nsec;
    int64_t st_mtime_sec;
    uint64_t st_mtime_nsec;
    int64_t st_ctime_sec;
    uint64_t st_ctime_nsec;
    uint32_t unused[2];
};

struct a64_epoll_event {
    uint32_t events;
    uint32_t pad;
    uint64_t data;
};

struct a64_semid_ds {
    uint8_t perm[48]; /* ipc64_perm: the same */
    int64_t sem_otime;
    int64_t sem_ctime;
    uint64_t sem_nsems;
    uint64_t unused[2];
};

_Static_assert(sizeof(struct a64_stat) == 128 && sizeof(struct a64_epoll_event) == 16 &&
                   sizeof(struct a64_semid_ds) == 88,
               "as asm-generic has them");

#endif
