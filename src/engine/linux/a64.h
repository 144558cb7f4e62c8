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

/* HWCAP and HWCAP2 are the sums of caps.def's bits. */
#define CAP(bit, name) +(1ull << (bit))
#define CAP2(bit, name)
static inline uint64_t a64_hwcap(void)
{
    return 0
#include "engine/linux/a64_caps.def"
        ;
}
#undef CAP
#undef CAP2
#define CAP(bit, name)
#define CAP2(bit, name) +(1ull << (bit))
static inline uint64_t a64_hwcap2(void)
{
    return 0
#include "engine/linux/a64_caps.def"
        ;
}
#undef CAP
#undef CAP2

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
