// SPDX-License-Identifier: Apache-2.0
// Where the engine lies is unmapped for the guest: to calls, jumps, and loads as far as nothing of
// the engine's is there; it cannot be mapped, unmapped or moved, and shows nowhere.
#include "guest.h"

#include "hidden.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

static int zero, null, sockets[2];
static uintptr_t low, high;

#define FAULTS(call) fails(__LINE__, #call, (call), EFAULT)
#define FAILS(call, error) fails(__LINE__, #call, (call), error)
static void fails(int line, const char *what, long r, int error)
{
    if (r != -1 || errno != error)
        printf("line %d: %s: %ld, errno %d, want errno %d\n", line, what, r, errno, error);
}

/* Calls that read or write there. */
static void calls(void *p)
{
    struct iovec own = {p, 8}, iov = {&own, 1};
    struct msghdr message = {.msg_iov = &own, .msg_iovlen = 1},
                  name = {.msg_name = p, .msg_namelen = 16};
    struct timespec zero_time = {0, 0};
    iov.iov_base = p;
    FAULTS(read(zero, p, 8));
    FAULTS(write(sockets[0], p, 8));
    FAULTS(readv(zero, &own, 1));
    FAULTS(writev(sockets[0], p, 1));
    FAULTS(pread(zero, p, 8, 0));
    FAULTS(open(p, O_RDONLY));
    FAULTS(stat(p, &(struct stat){0}));
    FAULTS(syscall(SYS_newfstatat, AT_FDCWD, "/", p, 0));
    FAULTS(syscall(SYS_statx, AT_FDCWD, "/", 0, 0x7ff, p));
    FAULTS(readlink("/proc/self/exe", p, 64));
    FAULTS(readlink("/proc/self/cwd", p, 64));
    FAULTS(syscall(SYS_getcwd, p, 4096));
    FAULTS(syscall(SYS_clock_gettime, CLOCK_REALTIME, p));
    FAULTS(syscall(SYS_nanosleep, p, NULL));
    FAULTS(syscall(SYS_uname, p));
    FAULTS(syscall(SYS_pipe2, p, 0));
    FAULTS(syscall(SYS_getrandom, p, 8, 0));
    FAULTS(syscall(SYS_rt_sigaction, SIGUSR1, p, NULL, 8));
    FAULTS(syscall(SYS_rt_sigprocmask, SIG_SETMASK, p, NULL, 8));
    FAULTS(syscall(SYS_rt_sigpending, p, 8));
    FAULTS(syscall(SYS_sigaltstack, p, NULL));
    FAULTS(syscall(SYS_futex, p, 1 /* wake */, 1, NULL, NULL, 0));
    FAULTS(syscall(SYS_ppoll, p, 1, &zero_time, NULL, 0));
    FAULTS(sendmsg(sockets[0], p, 0));
    FAULTS(sendmsg(sockets[0], &message, 0));
    FAULTS(sendmsg(sockets[0], &name, 0));
    FAULTS(recvmsg(sockets[0], &message, MSG_DONTWAIT));
    FAULTS(getsockopt(sockets[0], SOL_SOCKET, SO_TYPE, p, &(socklen_t){4}));
    FAULTS(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, p));
    FAULTS(syscall(SYS_getrusage, 0, p));
    FAULTS(syscall(SYS_clone3, p, 64));
    FAULTS(syscall(SYS_execve, p, NULL, NULL));
    FAULTS(syscall(SYS_execve, "/bin/true", p, NULL));
    FAULTS(syscall(SYS_get_mempolicy, NULL, NULL, 0, p, 2 /* MPOL_F_ADDR */));
    FAULTS(syscall(SYS_process_vm_readv, getpid(), &(struct iovec){&own, 8}, 1, &iov, 1, 0));
    FAULTS(syscall(SYS_keyctl, 6 /* describe */, -3, p, 64));
    FAULTS(syscall(SYS_sched_getaffinity, 0, 8, p));
    aio_context_t context = 0;
    if (syscall(SYS_io_setup, 1, &context) == 0) {
        struct iocb request = {.aio_lio_opcode = IOCB_CMD_PREAD,
                               .aio_fildes = (uint32_t)zero,
                               .aio_buf = (uintptr_t)p,
                               .aio_nbytes = 8},
                    *list[1] = {&request};
        FAULTS(syscall(SYS_io_submit, context, 1, list));
        syscall(SYS_io_destroy, context);
    }
    int node = 77;
    if (syscall(SYS_move_pages, 0, 1, &p, NULL, &node, 0) == 0)
        EQUAL(node, -EFAULT);
}

/* Calls about the mapping that is not there. */
static void mappings(char *p)
{
    unsigned char there[1];
    FAILS(mincore(p, 4096, there), ENOMEM);
    FAILS(msync(p, 4096, MS_ASYNC), ENOMEM);
    FAILS(mlock(p, 4096), ENOMEM);
    FAILS(madvise(p, 4096, MADV_DONTNEED), ENOMEM);
    FAILS(mprotect(p, 4096, PROT_READ), ENOMEM);
    FAULTS((long)mremap(p, 4096, 8192, MREMAP_MAYMOVE));
    FAULTS((long)mremap(p, 0, 4096, MREMAP_MAYMOVE));
    void *own = guest_pages(4096, PROT_READ);
    FAILS((long)mremap(own, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, p), EINVAL);
    FAILS((long)mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
    FAILS((long)mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
          EEXIST);
    char *hint = mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(hint != MAP_FAILED && ((uintptr_t)hint < low || (uintptr_t)hint >= high));
    munmap(hint, 4096);
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    if (id >= 0) {
        FAILS((long)shmat(id, p, 0), EINVAL);
        FAILS((long)shmat(id, p, SHM_REMAP), EINVAL);
        shmctl(id, IPC_RMID, NULL);
    }
    EQUAL(munmap(p, 4096), 0);
    EQUAL(munmap(p - 4096, 3 * 4096), 0);
}

static sigjmp_buf back;
static siginfo_t seen;
static uint64_t seen_pc;

static void handler(int sig, siginfo_t *si, void *context)
{
    (void)sig;
    seen = *si;
    seen_pc = ((ucontext_t *)context)->uc_mcontext.pc;
    siglongjmp(back, 1);
}

static void fault_is(int line, uintptr_t address, uint64_t pc)
{
    if (seen.si_signo != SIGSEGV || seen.si_code != SEGV_MAPERR ||
        (uintptr_t)seen.si_addr != address || (pc && seen_pc != pc))
        printf("line %d: signal %d code %d addr %p pc %#" PRIx64 ", want address %#" PRIxPTR "\n",
               line, seen.si_signo, seen.si_code, seen.si_addr, seen_pc, address);
}

static void instructions(uintptr_t p, bool empty)
{
    if (sigsetjmp(back, 1) == 0)
        ((void (*)(void))p)();
    fault_is(__LINE__, p, p);
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("mov x16, %0\n\tbr x16" : : "r"(p) : "x16");
    fault_is(__LINE__, p, p);
    if (!empty)
        return;
    if (sigsetjmp(back, 1) == 0)
        (void)*(volatile char *)p;
    fault_is(__LINE__, p, 0);
    if (sigsetjmp(back, 1) == 0)
        *(volatile uint64_t *)p = 1;
    fault_is(__LINE__, p, 0);
}

static pid_t child(void)
{
    pid_t pid = fork();
    if (pid == 0)
        signal(SIGSEGV, SIG_DFL);
    return pid;
}

/* A signal, a stack, a list of futexes there. */
static void handed_over(uintptr_t p)
{
    pid_t pid = child();
    if (pid == 0) {
        stack_t ss = {.ss_sp = (void *)p, .ss_size = 65536};
        CHECK(sigaltstack(&ss, NULL) == 0);
        guest_handle(SIGUSR1, handler, SA_ONSTACK);
        raise(SIGUSR1); /* no frame can be made: SIGSEGV, on the same stack */
        _exit(1);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    if ((pid = child()) == 0) {
        __asm__ volatile(
            "mov sp, %0\n\tmov x8, #172\n\tsvc #0\n\tmov x1, #10\n\tmov x8, #129\n\tsvc #0"
            :
            : "r"(p + 4096)
            : "x0", "x1", "x8");
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    if ((pid = child()) == 0) {
        guest_handle(SIGUSR1, (void (*)(int, siginfo_t *, void *))p, 0);
        raise(SIGUSR1);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    if ((pid = child()) == 0) {
        syscall(SYS_set_robust_list, p, 24);
        _exit(7);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
}

/* What a call writes from the guest's last page on ends where the engine begins. */
static void over_the_edge(void)
{
    char *last = (char *)low - 4096;
    if (mmap(last, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
             -1, 0) == MAP_FAILED &&
        mprotect(last, 4096, PROT_READ | PROT_WRITE) != 0)
        return;
    memset(last, 'x', 4096);
    long r = syscall(SYS_getrandom, last + 4000, 4096, 0);
    CHECK(r == 96 || (r == -1 && errno == EFAULT));
    memset(last, 'x', 4096); /* no end of the text */
    FAULTS(open(last + 4090, O_RDONLY));
    FAULTS(syscall(SYS_clock_gettime, 0, last + 4088));
    munmap(last, 4096);
}

int main(void)
{
    if (!hidden_find(&low, &high))
        return guest_done(); /* no engine here */
    zero = open("/dev/zero", O_RDWR);
    null = open("/dev/null", O_RDWR);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets) == 0);
    guest_handle(SIGSEGV, handler, 0);
    guest_handle(SIGBUS, handler, 0);
    const uintptr_t middle = (low + (high - low) / 2) & ~4095ul,
                    places[] = {low, low + 8192, middle, high - 65536, high - 4096};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        calls((void *)(places[k] + 64));
        mappings((char *)places[k]);
        /* the first page and the middle have nothing in them */
        instructions(places[k] + 64, places[k] == low || places[k] == middle);
    }
    handed_over(low);
    handed_over(middle);
    over_the_edge();
    /* everything around it, too: what is left is the engine */
    EQUAL(munmap((void *)(low - 4096), high - low + 8192), 0);
    uintptr_t again_low, again_high;
    CHECK(hidden_find(&again_low, &again_high) && again_low == low && again_high == high);
    return guest_done();
}
