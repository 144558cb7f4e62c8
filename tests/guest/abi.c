// SPDX-License-Identifier: Apache-2.0
/* The engine's idea of aarch64's kernel interface (src/engine/linux/a64.h) against the headers of
 * aarch64 itself; nothing to run but the auxiliary vector. */
// cc: -I../../src -Isrc -D_GNU_SOURCE
#include "engine/linux/a64.h"
#include "guest.h"

#include <asm/fcntl.h>
#include <asm/hwcap.h>
#include <asm/stat.h>
#include <linux/eventpoll.h>
#include <linux/sem.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#define SAME(type, field, guest_type, guest_field)                                                 \
    _Static_assert(offsetof(struct type, field) == offsetof(struct guest_type, guest_field) &&     \
                       sizeof(((struct type *)0)->field) ==                                        \
                           sizeof(((struct guest_type *)0)->guest_field),                          \
                   #type "." #field)

_Static_assert(sizeof(struct stat) == sizeof(struct a64_stat), "stat");
SAME(stat, st_dev, a64_stat, st_dev);
SAME(stat, st_ino, a64_stat, st_ino);
SAME(stat, st_mode, a64_stat, st_mode);
SAME(stat, st_nlink, a64_stat, st_nlink);
SAME(stat, st_uid, a64_stat, st_uid);
SAME(stat, st_gid, a64_stat, st_gid);
SAME(stat, st_rdev, a64_stat, st_rdev);
SAME(stat, st_size, a64_stat, st_size);
SAME(stat, st_blksize, a64_stat, st_blksize);
SAME(stat, st_blocks, a64_stat, st_blocks);
SAME(stat, st_atime, a64_stat, st_atime_sec);
SAME(stat, st_atime_nsec, a64_stat, st_atime_nsec);
SAME(stat, st_mtime, a64_stat, st_mtime_sec);
SAME(stat, st_mtime_nsec, a64_stat, st_mtime_nsec);
SAME(stat, st_ctime, a64_stat, st_ctime_sec);
SAME(stat, st_ctime_nsec, a64_stat, st_ctime_nsec);

_Static_assert(sizeof(struct epoll_event) == sizeof(struct a64_epoll_event), "epoll_event");
SAME(epoll_event, events, a64_epoll_event, events);
SAME(epoll_event, data, a64_epoll_event, data);

_Static_assert(sizeof(struct semid64_ds) == sizeof(struct a64_semid_ds), "semid_ds");
SAME(semid64_ds, sem_perm, a64_semid_ds, perm);
SAME(semid64_ds, sem_otime, a64_semid_ds, sem_otime);
SAME(semid64_ds, sem_ctime, a64_semid_ds, sem_ctime);
SAME(semid64_ds, sem_nsems, a64_semid_ds, sem_nsems);

_Static_assert(O_DIRECTORY == A64_O_DIRECTORY && O_NOFOLLOW == A64_O_NOFOLLOW &&
                   O_DIRECT == A64_O_DIRECT && O_LARGEFILE == A64_O_LARGEFILE,
               "open flags");

int main(void)
{
    const unsigned long want = HWCAP_FP | HWCAP_ASIMD | HWCAP_AES | HWCAP_PMULL | HWCAP_SHA1 |
                               HWCAP_SHA2 | HWCAP_CRC32 | HWCAP_ATOMICS | HWCAP_CPUID |
                               HWCAP_ASIMDRDM | HWCAP_JSCVT | HWCAP_FCMA | HWCAP_LRCPC |
                               HWCAP_ASIMDDP | HWCAP_DIT | HWCAP_ILRCPC | HWCAP_FLAGM | HWCAP_SB;
    EQUAL(a64_hwcap(), want);
    EQUAL(a64_hwcap2(), HWCAP2_FLAGM2 | HWCAP2_FRINT);
    EQUAL(getauxval(AT_HWCAP) & want, want);
    CHECK(strcmp((const char *)getauxval(AT_PLATFORM), A64_PLATFORM) == 0);
    CHECK(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_CLKTCK) == 100);
    /* prctl tells the same vector */
    unsigned long aux[128] = {0}, given = 0;
    long n = prctl(0x41555856 /* PR_GET_AUXV */, aux, sizeof(aux), 0, 0);
    CHECK(n > 64 && n < (long)sizeof(aux));
    for (long k = 0; k < n / 8; k += 2)
        if (aux[k] == AT_PHDR || aux[k] == AT_ENTRY || aux[k] == AT_HWCAP)
            given += aux[k + 1] == getauxval(aux[k]);
    EQUAL(given, 3);
    EQUAL(prctl(0x41555856, aux, 8, 0, 0), n);
    puts("done");
    return 0;
}
