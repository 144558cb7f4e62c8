// SPDX-License-Identifier: Apache-2.0
// Which error a call gives where several things are wrong: the kernel's order.
// qemu: its own order
#include "guest.h"

#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/syscall.h>

#define FAILS(call, error)                                                                         \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long result = (call);                                                                      \
        if (result != -1 || errno != (error))                                                      \
            printf("line %d: %s: %ld, errno %d, want %d\n", __LINE__, #call, result, errno,        \
                   error);                                                                         \
    } while (0)

int main(void)
{
    char buf[64];
    const uintptr_t bad = 8;
    /* the identifier, before the address */
    FAILS(syscall(SYS_semctl, -1, 0, IPC_SET, bad), EINVAL);
    FAILS(syscall(SYS_io_submit, 0ul, 1ul, bad), EINVAL);
    FAILS(syscall(SYS_io_submit, 0ul, -1l, bad), EINVAL);
    FAILS(syscall(SYS_epoll_pwait, 0, bad, 0, 0, 0, 8), EINVAL);
    /* sizes of 32 bits: what is above them does not count */
    FAILS(syscall(SYS_readlinkat, -100, "/proc/self/exe", buf, -1), EINVAL);
    FAILS(syscall(SYS_readlinkat, -100, "/proc/self/exe", buf, 1ul << 32), EINVAL);
    CHECK(syscall(SYS_readlinkat, -100, "/proc/self/exe", buf, (1ul << 60) + 5) == 5);
    FAILS(syscall(SYS_sethostname, buf, -1l), geteuid() ? EPERM : EINVAL);
    /* none of these there */
    FAILS(syscall(SYS_pkey_alloc, 1, 0), EINVAL);
    FAILS(syscall(SYS_pkey_alloc, 0, 4), EINVAL);
    FAILS(syscall(SYS_pkey_alloc, 0, 0), ENOSPC);
    FAILS(prctl(PR_SET_MM, 0, 0, 0, 0), EPERM);
    return guest_done();
}
