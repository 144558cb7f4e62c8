// SPDX-License-Identifier: Apache-2.0
/* Guest's and host's flags and structures: convert.h. */
#include "engine/linux/convert.h"

#include "engine/rt/mem.h"

#include <asm/fcntl.h>
#include <asm/stat.h>
#include <linux/eventpoll.h>
#include <linux/sem.h>

_Static_assert(O_DIRECTORY == A64_O_DIRECT && O_DIRECT == A64_O_DIRECTORY &&
                   O_NOFOLLOW == A64_O_LARGEFILE && O_LARGEFILE == A64_O_NOFOLLOW,
               "the four bits change places in pairs");

uint64_t convert_open_flags(uint64_t flags)
{
    const uint64_t low = A64_O_DIRECTORY | A64_O_NOFOLLOW, high = A64_O_DIRECT | A64_O_LARGEFILE;
    return (flags & ~(low | high)) | (flags & low) << 2 | (flags & high) >> 2;
}

void convert_stat(struct a64_stat *to, const struct stat *from)
{
    memset(to, 0, sizeof(*to));
    to->st_dev = from->st_dev;
    to->st_ino = from->st_ino;
    to->st_mode = from->st_mode;
    to->st_nlink = (uint32_t)from->st_nlink;
    to->st_uid = from->st_uid;
    to->st_gid = from->st_gid;
    to->st_rdev = from->st_rdev;
    to->st_size = from->st_size;
    to->st_blksize = (int32_t)from->st_blksize;
    to->st_blocks = from->st_blocks;
    to->st_atime_sec = (int64_t)from->st_atime;
    to->st_atime_nsec = from->st_atime_nsec;
    to->st_mtime_sec = (int64_t)from->st_mtime;
    to->st_mtime_nsec = from->st_mtime_nsec;
    to->st_ctime_sec = (int64_t)from->st_ctime;
    to->st_ctime_nsec = from->st_ctime_nsec;
}

void convert_epoll_to_host(struct epoll_event *to, const struct a64_epoll_event *from)
{
    to->events = from->events;
    to->data = from->data;
}

void convert_epoll_to_guest(struct a64_epoll_event *to, const struct epoll_event *from)
{
    *to = (struct a64_epoll_event){.events = from->events, .data = from->data};
}

_Static_assert(sizeof(struct ipc64_perm) == sizeof(((struct a64_semid_ds *)0)->perm),
               "ipc64_perm is the same");

void convert_semid_to_host(struct semid64_ds *to, const struct a64_semid_ds *from)
{
    memset(to, 0, sizeof(*to));
    memcpy(&to->sem_perm, from->perm, sizeof(from->perm));
    to->sem_otime = from->sem_otime;
    to->sem_ctime = from->sem_ctime;
    to->sem_nsems = from->sem_nsems;
}

void convert_semid_to_guest(struct a64_semid_ds *to, const struct semid64_ds *from)
{
    memset(to, 0, sizeof(*to));
    memcpy(to->perm, &from->sem_perm, sizeof(to->perm));
    to->sem_otime = from->sem_otime;
    to->sem_ctime = from->sem_ctime;
    to->sem_nsems = from->sem_nsems;
}
