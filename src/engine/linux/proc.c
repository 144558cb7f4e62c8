// SPDX-License-Identifier: Apache-2.0
#include "engine/linux/linux.h"

long linux_proc_open(long dirfd, uint64_t path, uint64_t flags)
{
    (void)dirfd;
    (void)path;
    (void)flags;
    return LINUX_PROC_PLAIN;
}

long linux_proc_readlink(long dirfd, uint64_t path, uint64_t buf, uint64_t size)
{
    (void)dirfd;
    (void)path;
    (void)buf;
    (void)size;
    return LINUX_PROC_PLAIN;
}

long linux_proc_target(long dirfd, uint64_t path, char *buf, size_t size)
{
    (void)dirfd;
    (void)path;
    (void)buf;
    (void)size;
    return LINUX_PROC_PLAIN;
}
