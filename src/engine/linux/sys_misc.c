/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls that tell what machine this is, or whose arguments hold addresses inside structures.
 */
#include "engine/linux/convert.h"
#include "engine/linux/linux.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/aio_abi.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/sem.h>
#include <linux/uio.h>
#include <linux/utsname.h>

/* ---- what machine ---- */
SYSCALL(uname)
{
    (void)cpu;
    struct new_utsname u;
    long r = sys(__NR_uname, &u);
    if (r < 0)
        return r;
    memset(u.machine, 0, sizeof(u.machine));
    memcpy(u.machine, A64_PLATFORM, sizeof(A64_PLATFORM));
    return rt_guest_write(a[0], &u, sizeof(u)) ? 0 : -EFAULT;
}

/* READ_IMPLIES_EXEC stays with the engine: on the host it would make guest pages executable. No
 * 32-bit programs here: the kernel refuses PER_LINUX32 on such a machine. */
SYSCALL(personality)
{
    (void)cpu;
    uint64_t old = linux_state.personality, want = (uint32_t)a[0];
    if (want == 0xffffffff)
        return (long)old;
    if ((want & PER_MASK) == PER_LINUX32)
        return -EINVAL;
    long r = sys(__NR_personality, want & ~(uint64_t)READ_IMPLIES_EXEC);
    if (r < 0)
        return r;
    linux_state.personality = want;
    return (long)old;
}

/* ---- prctl ---- */
/* Those of arg2 that point to memory. */
static bool prctl_points(int option)
{
    switch (option) {
    case PR_GET_PDEATHSIG:
    case PR_GET_TID_ADDRESS:
    case PR_GET_CHILD_SUBREAPER:
    case PR_SET_NAME:
    case PR_GET_NAME:
        return true;
    default:
        return false;
    }
}

enum { PR_GET_AUXV_ = 0x41555856 };
#ifndef PR_SET_MDWE
enum { PR_SET_MDWE = 65, PR_GET_MDWE = 66 };
#endif

/* The host's is the engine's where the host could not be told. */
static long get_auxv(const uint64_t *a)
{
    uint64_t n = linux_state.auxv_size;
    if (a[3] || a[4])
        return -EINVAL;
    uint64_t part = a[2] < n ? a[2] : n;
    for (uint64_t k = 0; k < part; k += 8) {
        uint64_t word, step = part - k < 8 ? part - k : 8;
        if (!rt_guest_read(&word, linux_state.auxv + k, sizeof(word)) ||
            !rt_guest_write(a[1] + k, &word, step))
            return -EFAULT;
    }
    return (long)n;
}

SYSCALL(prctl)
{
    int option = (int)a[0];
    if (prctl_points(option) && linux_hidden(a[1], 1))
        return -EFAULT;
    switch (option) {
    case PR_GET_UNALIGN: /* x86's, MIPS's and others' own, and what would lay traps for the engine
                          */
    case PR_SET_UNALIGN:
    case PR_GET_FPEMU:
    case PR_SET_FPEMU:
    case PR_GET_FPEXC:
    case PR_SET_FPEXC:
    case PR_GET_ENDIAN:
    case PR_SET_ENDIAN:
    case PR_GET_TSC:
    case PR_SET_TSC:
    case PR_MPX_ENABLE_MANAGEMENT:
    case PR_MPX_DISABLE_MANAGEMENT:
    case PR_SET_FP_MODE:
    case PR_GET_FP_MODE:
    case PR_SET_SECCOMP:
    case PR_SET_MDWE: /* no more executable pages: the engine could not translate */
    case PR_GET_MDWE:
    case PR_SET_SYSCALL_USER_DISPATCH: /* aarch64 has it not (no generic entry code) */
    /* features that HWCAP does not announce */
    case PR_SVE_SET_VL:
    case PR_SVE_GET_VL:
    case PR_SME_SET_VL:
    case PR_SME_GET_VL:
    case PR_PAC_RESET_KEYS:
    case PR_PAC_SET_ENABLED_KEYS:
    case PR_PAC_GET_ENABLED_KEYS:
    case PR_SET_TAGGED_ADDR_CTRL:
    case PR_GET_TAGGED_ADDR_CTRL:
        return -EINVAL;
    case PR_SET_MM: /* as to a process without CAP_SYS_RESOURCE */
        return -EPERM;
    case PR_GET_AUXV_:
        return get_auxv(a);
    case PR_SET_VMA:
        if (linux_hidden(a[2], a[3]))
            return -ENOMEM;
        break;
    }
    return linux_host_syscall(cpu, __NR_prctl, a);
}

/* ---- protection keys: none ---- */
SYSCALL(pkey_alloc)
{
    enum { RIGHTS = 3 }; /* PKEY_DISABLE_ACCESS, PKEY_DISABLE_WRITE */
    (void)cpu;
    return a[0] || a[1] & ~(uint64_t)RIGHTS ? -EINVAL : -ENOSPC;
}

SYSCALL(pkey_free)
{
    (void)cpu;
    (void)a;
    return -EINVAL;
}

/* ---- System V semaphores: semid_ds differs ---- */
SYSCALL(semctl)
{
    enum { COMMAND = 0xff }; /* glibc sets IPC_64 as well */
    struct a64_semid_ds guest;
    struct semid64_ds host_ds;
    uint64_t host[6] = {a[0], a[1], a[2], a[3], 0, 0};
    if ((int)a[0] < 0)
        return -EINVAL;
    switch ((int)a[2] & COMMAND) {
    case IPC_SET:
        if (!rt_guest_read(&guest, a[3], sizeof(guest)))
            return -EFAULT;
        convert_semid_to_host(&host_ds, &guest);
        host[3] = (uint64_t)(uintptr_t)&host_ds;
        return linux_host_syscall(cpu, __NR_semctl, host);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY: {
        host[3] = (uint64_t)(uintptr_t)&host_ds;
        long r = linux_host_syscall(cpu, __NR_semctl, host);
        if (r < 0)
            return r;
        convert_semid_to_guest(&guest, &host_ds);
        return rt_guest_write(a[3], &guest, sizeof(guest)) ? r : -EFAULT;
    }
    case GETALL:
    case SETALL:
    case IPC_INFO:
    case SEM_INFO:
        if (linux_hidden(a[3], 1))
            return -EFAULT;
        break;
    }
    return linux_host_syscall(cpu, __NR_semctl, host);
}

/* ---- addresses inside messages ---- */
static long message(struct cpu *cpu, long nr, const uint64_t *a)
{
    return linux_message_ok(a[1]) ? linux_host_syscall(cpu, nr, a) : -EFAULT;
}

SYSCALL(sendmsg)
{
    return message(cpu, __NR_sendmsg, a);
}

SYSCALL(recvmsg)
{
    return message(cpu, __NR_recvmsg, a);
}

static long messages(struct cpu *cpu, long nr, const uint64_t *a)
{
    enum { MMSGHDR = 64, MESSAGES_MAX = 1024 };
    for (uint64_t k = 0; k < (uint32_t)a[2] && k < MESSAGES_MAX; k++)
        if (!linux_message_ok(a[1] + k * MMSGHDR))
            return -EFAULT;
    return linux_host_syscall(cpu, nr, a);
}

SYSCALL(sendmmsg)
{
    return messages(cpu, __NR_sendmmsg, a);
}

SYSCALL(recvmmsg)
{
    return linux_hidden(a[4], 1) ? -EFAULT : messages(cpu, __NR_recvmmsg, a);
}

/* The other process has an engine of its own at an address that this one cannot know; in this
 * process the window is a hole. */
static long other_memory(struct cpu *cpu, long nr, const uint64_t *a)
{
    enum { VECTOR_MAX = 1024 };
    for (uint64_t k = 0; k < a[4] && k < VECTOR_MAX; k++) {
        struct iovec v;
        if (!rt_guest_read(&v, a[3] + k * sizeof(v), sizeof(v)))
            break;
        if (v.iov_len && linux_hidden((uint64_t)(uintptr_t)v.iov_base, v.iov_len))
            return -EFAULT;
    }
    return linux_host_syscall(cpu, nr, a);
}

SYSCALL(process_vm_readv)
{
    return other_memory(cpu, __NR_process_vm_readv, a);
}

SYSCALL(process_vm_writev)
{
    return other_memory(cpu, __NR_process_vm_writev, a);
}

/* Requests name their memory. Those before the first bad one are made, as the kernel does. */
SYSCALL(io_submit)
{
    struct iocb request;
    uint64_t host[6] = {a[0], 0, a[2], 0, 0, 0}, at;
    if ((int64_t)a[1] < 0)
        return -EINVAL;
    for (; host[1] < a[1]; host[1]++) {
        if (!rt_guest_read(&at, a[2] + 8 * host[1], sizeof(at)) ||
            !rt_guest_read(&request, at, sizeof(request)))
            break;
        bool vector =
            request.aio_lio_opcode == IOCB_CMD_PREADV || request.aio_lio_opcode == IOCB_CMD_PWRITEV;
        if (vector ? !linux_vector_ok(request.aio_buf, request.aio_nbytes)
                   : linux_hidden(request.aio_buf, request.aio_nbytes))
            break;
    }
    long r =
        linux_host_syscall(cpu, __NR_io_submit, host); /* of no request: is the context right? */
    return r == 0 && a[1] ? -EFAULT : r;
}

/* It tells which addresses have pages. */
SYSCALL(move_pages)
{
    const int32_t hole = -EFAULT;
    uint64_t at;
    long r = linux_host_syscall(cpu, __NR_move_pages, a);
    bool own = !(int)a[0] || (int)a[0] == (int)sys(__NR_getpid);
    for (uint64_t k = 0; r >= 0 && own && k < a[1]; k++) {
        if (!rt_guest_read(&at, a[2] + 8 * k, sizeof(at)))
            break;
        if (linux_hidden(at, 1) && !rt_guest_write(a[4] + 4 * k, &hole, sizeof(hole)))
            break;
    }
    return r;
}
