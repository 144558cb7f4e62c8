// SPDX-License-Identifier: Apache-2.0
/* Calls that are mostly wrong, and what each gives: its result (1 for all that is large) and errno.
 * wrongcalls.sh runs it natively and under the engine, on one kernel: both must say the same. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PAGE 4096l
#define BAD ((void *)8) /* nothing is mapped there */
#define CALL(x) (errno = 0, tell(#x, (long)(x)))

static void tell(const char *what, long result)
{
    int error = result < 0 ? errno : 0;
    printf("%s: %ld, errno %d\n", what, result > 65536 ? 1 : result, error);
}

static char *p, *s; /* pages of the process's own, and shared ones */
static char buf[4096];
static struct iovec iv = {buf, 4};
static const struct timespec bad = {-1, 0};
static sigset_t none;
static union {
    struct semid_ds sem;
    char bytes[256];
} ds;
static int sp[2], fd;
static volatile int got;

static void h(int sig)
{
    got = sig;
}

static void map(void)
{
    CALL(mremap(s, 0, 2 * 4096, MREMAP_MAYMOVE));
    CALL(mremap(p, 0, 2 * 4096, MREMAP_MAYMOVE));
    CALL(mremap(p, 4096, 4096, 8));
    CALL(mremap(p + 1, 4096, 4096, MREMAP_MAYMOVE));
    CALL(mremap(p, 4096, 0, MREMAP_MAYMOVE));
    CALL(mremap(p, 4096, 4096, MREMAP_FIXED, p + 8 * 4096));
    CALL(mremap(p, 2 * 4096, 4096, MREMAP_FIXED | MREMAP_MAYMOVE, p + 4096));
    CALL(mremap((void *)0x7f0000000000, 4096, 8192, MREMAP_MAYMOVE));
    CALL(mmap(0, 0, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CALL(mmap(0, 4096, 3, MAP_ANONYMOUS, -1, 0));
    CALL(mmap(0, 4096, 3, MAP_SHARED | MAP_PRIVATE, -1, 0));
    CALL(mmap(0, 4096, 3, MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CALL(mmap(0, 4096, 3, MAP_PRIVATE, -1, 0));
    CALL(mmap((void *)0x10001, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    CALL(mmap((void *)0xfffffffff000, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    CALL(mmap(0, 1ul << 62, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CALL(mmap(0, -1ul, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CALL(mmap(0, 4096, 3 | 8, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CALL(syscall(SYS_mmap, 0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1));
    CALL(mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, open("/dev/zero", O_RDONLY), 0));
}

static void protect(void)
{
    CALL(munmap(p, 0));
    CALL(munmap(p + 1, 4096));
    CALL(munmap((void *)-4096ul, 4096));
    CALL(munmap((void *)0x7f0000000000, 4096));
    CALL(munmap(p, -1ul));
    CALL(mprotect(p, 0, 3));
    CALL(mprotect(p + 1, 4096, 3));
    CALL(mprotect(p, 4096, 0x10));
    CALL(mprotect(p, 4096, 0x20));
    CALL(mprotect(p, 4096, 0x40));
    CALL(mprotect(p, 4096, 8));
    CALL(mprotect(p, 4096, PROT_GROWSDOWN | PROT_GROWSUP | 3));
    CALL(mprotect(p, 4096, PROT_GROWSDOWN | 3));
    CALL(mprotect(p, -1ul, 3));
    CALL(mprotect((void *)0x7f0000000000, 4096, 3));
    CALL(mprotect((void *)0x7f0000000000, 0, 3));
}

static void advise(void)
{
    CALL(madvise(p, 4096, 99));
    CALL(madvise(p + 1, 4096, 4));
    CALL(madvise(p, 0, 4));
    CALL(madvise(p, 0, 99));
    CALL(madvise(p, -1ul, 4));
    CALL(syscall(SYS_mlock2, p, 4096, 4));
    CALL(mlock(p, -1ul));
    CALL(mlockall(0));
    CALL(mlockall(8));
    CALL(mlockall(4));
    CALL(msync(p, 4096, 7));
    CALL(msync(p + 1, 4096, 4));
    CALL(msync((void *)0x7f0000000000, 4096, 4));
    unsigned char v[16];
    CALL(mincore(p, 4096, v));
    CALL(mincore(p + 1, 4096, v));
    CALL(mincore((void *)0x7f0000000000, 4096, v));
    CALL(mincore(p, 4096, (void *)8));
}

static void system_v(void)
{
    CALL(shmat(-1, 0, 0));
    int id = shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT);
    CALL(shmat(id, (void *)1, 0));
    CALL(shmat(id, 0, SHM_REMAP));
    CALL(shmat(id, p, 0));
    CALL(shmat(id, p, SHM_REMAP));
    CALL(shmdt((void *)8));
    CALL(shmdt(p));
    CALL(shmctl(id, IPC_RMID, 0));
    int sem = semget(IPC_PRIVATE, 3, 0600);
    CALL(semctl(sem, 0, IPC_STAT, &ds));
    CALL(semctl(sem, 0, IPC_STAT, 8L));
    CALL(semctl(sem, 9, GETVAL));
    CALL(semctl(sem, 0, SETVAL, 99999));
    CALL(semctl(sem, 0, 77));
    CALL(semctl(-1, 0, IPC_STAT, &ds));
    CALL(semctl(-1, 0, IPC_SET, 8L));
    CALL(semctl(sem, 0, IPC_RMID));
    CALL(semctl(sem, 0, GETPID));
    CALL(syscall(SYS_semctl, sem, 0, 0x100 | IPC_RMID));
}

static void epoll(void)
{
    int ep = epoll_create1(0);
    struct epoll_event ev = {1, {0}};
    CALL(epoll_ctl(ep, 1, ep, &ev));
    CALL(epoll_ctl(ep, 1, 99, &ev));
    CALL(epoll_ctl(99, 1, 0, (void *)8));
    CALL(epoll_ctl(ep, 3, 0, (void *)8));
    CALL(epoll_ctl(ep, 2, 0, (void *)8));
    CALL(epoll_ctl(ep, 77, 0, (void *)8));
    CALL(epoll_ctl(ep, 77, 0, &ev));
    CALL(epoll_wait(ep, (void *)8, 1, 0));
    CALL(epoll_wait(99, (void *)8, 1, 0));
    CALL(epoll_wait(ep, &ev, 0, 0));
    CALL(epoll_wait(ep, &ev, -1, 0));
    CALL(epoll_wait(0, &ev, 1, 0));
    CALL(epoll_wait(99, &ev, 0, 0));
    CALL(syscall(SYS_epoll_pwait, ep, &ev, 1, 0, BAD, 8));
    CALL(syscall(SYS_epoll_pwait, ep, &ev, 1, 0, &ev, 4L));
    CALL(syscall(SYS_epoll_pwait, ep, &ev, 1, 0, 0, 4L));
    CALL(syscall(SYS_epoll_pwait, ep, &ev, 0x7fffffff, 0, 0, 8L));
    CALL(syscall(SYS_epoll_pwait, 99, &ev, 1, 0, BAD, 8));
}

static void signals(void)
{
    CALL(syscall(SYS_rt_sigaction, 64, 0, 0, 8));
    CALL(syscall(SYS_rt_sigaction, 65, 0, 0, 8));
    CALL(syscall(SYS_rt_sigaction, 9, 0, &ds, 8));
    CALL(syscall(SYS_rt_sigaction, 9, &ds, 0, 8));
    CALL(syscall(SYS_rt_sigaction, 0, 8L, 0, 8));
    CALL(syscall(SYS_rt_sigaction, 1, 0, 8L, 8));
    CALL(syscall(SYS_rt_sigaction, 1, 0, 0, 4));
    CALL(syscall(SYS_rt_sigprocmask, 77, 0, &ds, 8));
    CALL(syscall(SYS_rt_sigprocmask, 77, &ds, 0, 8));
    CALL(syscall(SYS_rt_sigprocmask, 0, 8L, 0, 8));
    CALL(syscall(SYS_rt_sigprocmask, 0, 0, 8L, 8));
    CALL(syscall(SYS_rt_sigpending, 8L, 8));
    CALL(syscall(SYS_rt_sigpending, &ds, 16));
    CALL(syscall(SYS_rt_sigpending, &ds, 4));
    CALL(syscall(SYS_sigaltstack, 8L, 0));
    stack_t st = {p, 0, 100};
    CALL(sigaltstack(&st, 0));
    st.ss_flags = 77;
    CALL(sigaltstack(&st, 0));
    CALL(syscall(SYS_rt_sigtimedwait, 8L, 0, 0, 8));
    CALL(syscall(SYS_rt_sigtimedwait, &ds, 0, 8L, 8));
    sigemptyset(&none);
    CALL(syscall(SYS_rt_sigtimedwait, &none, 0, &bad, 8));
    CALL(syscall(SYS_rt_sigsuspend, 8L, 8));
    CALL(syscall(SYS_rt_sigsuspend, &none, 4));
}

static void waits(void)
{
    CALL(syscall(SYS_ppoll, 0, 0, &bad, 0, 0));
    CALL(syscall(SYS_ppoll, 8L, 1, 0, 0, 0));
    CALL(syscall(SYS_ppoll, 0, 0, 8L, 0, 0));
    CALL(syscall(SYS_pselect6, -1, 0, 0, 0, 0, 0));
    CALL(syscall(SYS_pselect6, 0, 0, 0, 0, &bad, 0));
    CALL(syscall(SYS_pselect6, 0, 0, 0, 0, 0, 8L));
    long pr[2] = {8, 4};
    struct timespec z = {0, 0};
    CALL(syscall(SYS_pselect6, 0, 0, 0, 0, &z, pr));
    pr[1] = 8;
    CALL(syscall(SYS_pselect6, 0, 0, 0, 0, &z, pr));
    pr[0] = 0;
    pr[1] = 77;
    CALL(syscall(SYS_pselect6, 0, 0, 0, 0, &z, pr));
    CALL(syscall(SYS_clone3, 8L, 88));
    CALL(syscall(SYS_clone3, &ds, 8));
    CALL(syscall(SYS_clone3, &ds, 9999));
    long ca[16] = {0};
    ca[0] = 1ul << 60;
    CALL(syscall(SYS_clone3, ca, 88));
    ca[0] = 0;
    ca[4] = 300;
    CALL(syscall(SYS_clone3, ca, 88));
    ca[4] = 0;
    ca[5] = 8;
    CALL(syscall(SYS_clone3, ca, 88));
}

static void opens(void)
{
    CALL(syscall(SYS_openat2, -100, "/", 8L, 24));
    CALL(syscall(SYS_openat2, -100, "/", &ds, 8));
    long oh[4] = {0, 0, 0x100, 0};
    CALL(syscall(SYS_openat2, -100, "/", oh, 24));
    oh[2] = 0;
    CALL(syscall(SYS_openat2, -100, "/", oh, 32));
    oh[3] = 1;
    CALL(syscall(SYS_openat2, -100, "/", oh, 32));
    CALL(syscall(SYS_openat2, -100, "/", oh, 5000));
    oh[0] = 1ul << 40;
    oh[3] = 0;
    CALL(syscall(SYS_openat2, -100, "/", oh, 24));
    oh[0] = 0;
    oh[1] = 0644;
    CALL(syscall(SYS_openat2, -100, "/", oh, 24));
    CALL(open("/", O_DIRECTORY));
    CALL(open("/etc/passwd", O_DIRECTORY));
    CALL(open("/proc/self/exe", O_NOFOLLOW));
    CALL(open("/etc", O_TMPFILE | O_RDONLY, 0600));
    CALL(open("/tmp", O_TMPFILE | O_RDWR, 0600));
    CALL(open("/tmp", O_RDWR));
    CALL((fd = open("/etc/passwd", O_RDONLY | O_NOFOLLOW | O_LARGEFILE)) >= 0);
    CALL(fcntl(fd, F_GETFL) & ~O_LARGEFILE & ~0400000 & ~0100000);
    CALL(syscall(SYS_pipe2, 8L, 0));
    int pp[2];
    CALL(syscall(SYS_pipe2, pp, 1));
    CALL(syscall(SYS_pipe2, pp, O_DIRECT));
    CALL(fcntl(pp[0], F_GETFL) == (O_DIRECT | O_RDONLY));
    CALL(syscall(SYS_dup3, 0, 0, 0));
    CALL(syscall(SYS_dup3, 0, 99, 1));
    CALL(fcntl(99, F_GETFL));
    CALL(fcntl(0, 9999));
    CALL(fcntl(0, F_SETLK, 8L));
    CALL(fcntl(99, F_SETLK, 8L));
}

static void self(void)
{
    CALL(syscall(SYS_personality, 0xffffffffL));
    CALL(prctl(PR_SET_NAME, 8L));
    CALL(prctl(9999));
    CALL(prctl(PR_SET_PDEATHSIG, 99));
    CALL(prctl(PR_SET_DUMPABLE, 7));
    CALL(prctl(PR_GET_DUMPABLE));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
    CALL(prctl(PR_GET_SECCOMP));
    CALL(prctl(PR_CAPBSET_READ, 99));
    CALL(prctl(PR_GET_TIMERSLACK) > 0);
    CALL(prctl(PR_MCE_KILL, 9, 0, 0, 0));
    CALL(prctl(PR_SET_THP_DISABLE, 0, 1, 0, 0));
    CALL(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    CALL(prctl(PR_SET_MM, 0, 0, 0, 0));
    CALL(prctl(PR_GET_SPECULATION_CTRL, 99, 0, 0, 0));
}

static void stats(void)
{
    CALL(syscall(SYS_newfstatat, -100, "", &ds, AT_EMPTY_PATH) == 0);
    CALL(syscall(SYS_newfstatat, -100, "/", 8L, 0));
    CALL(syscall(SYS_newfstatat, -100, 8L, &ds, 0));
    CALL(syscall(SYS_newfstatat, -100, "/", p, 0x8000));
    CALL(syscall(SYS_fstat, 99, 8L));
    CALL(syscall(SYS_statx, -100, "/", 0x8000, 0, p));
    CALL(syscall(SYS_statx, -100, "/", 0, 0x80000000u, p));
    CALL(syscall(SYS_statx, -100, "/", 0, 0, 8L));
    CALL(syscall(SYS_statx, 99, "", AT_EMPTY_PATH, 0, 8L));
    CALL(syscall(SYS_readlinkat, -100, "/", p, 10));
    CALL(syscall(SYS_readlinkat, -100, "/proc/self/exe", p, 0));
    CALL(syscall(SYS_readlinkat, -100, "/proc/self/exe", p, -1));
    CALL(syscall(SYS_readlinkat, -100, "/proc/self/exe", 8L, 10));
    CALL(syscall(SYS_readlinkat, -100, "", p, 10));
    CALL(syscall(SYS_readlinkat, fd, "", p, 10));
    CALL(syscall(SYS_signalfd4, -1, 8L, 8, 0));
    CALL(syscall(SYS_signalfd4, -1, &none, 4, 0));
    CALL(syscall(SYS_signalfd4, 0, &none, 8, 0));
    CALL(syscall(SYS_signalfd4, -1, &none, 8, 1));
}

static void others(void)
{
    CALL(syscall(SYS_kill, getpid(), 65));
    CALL(syscall(SYS_tkill, 0, 0));
    CALL(syscall(SYS_tgkill, -1, 1, 0));
    CALL(syscall(SYS_rt_sigqueueinfo, getpid(), 0, 8L));
    CALL(syscall(SYS_rt_sigqueueinfo, getpid(), 11, 8L));
    CALL(syscall(SYS_getcpu, 8L, 0, 0));
    CALL(syscall(SYS_uname, 8L));
    CALL(syscall(SYS_brk, 1L) > 0);
    CALL(syscall(9999));
    CALL(syscall(SYS_set_robust_list, p, 8));
    CALL(syscall(SYS_pkey_mprotect, p, 4096, 3, -1));
    CALL(syscall(SYS_io_submit, 0, 1, 8L));
    CALL(syscall(SYS_io_submit, 0, -1L, 8L));
    CALL(syscall(SYS_io_submit, 0, 0L, 8L));
    CALL(syscall(SYS_move_pages, 0, 1, 8L, 0, 0, 0));
    CALL(syscall(SYS_unshare, 0x100));
    CALL(syscall(SYS_setns, 99, 0));
    CALL(syscall(SYS_membarrier, 0, 0, 0) > 0);
    CALL(syscall(SYS_execve, "/nonexistent", 0, 0));
    CALL(syscall(SYS_execve, 8L, 0, 0));
    CALL(syscall(SYS_execve, "/", 0, 0));
    CALL(syscall(SYS_execve, "/etc/passwd", 0, 0));
    CALL(syscall(SYS_execveat, -100, "", 0, 0, 0));
    CALL(syscall(SYS_execveat, -100, "/bin/true", 0, 0, 0x8000));
    CALL(syscall(SYS_execve, "/bin/true", 8L, 0));
    CALL(syscall(SYS_execveat, 99, "x", 0, 0, 0));
}

static void messages(void)
{
    CALL(socketpair(1, 1 | SOCK_CLOEXEC, 0, sp));
    CALL(socket(1, 99, 0));
    CALL(socket(99, 1, 0));
    struct msghdr m = {0};
    m.msg_iov = &iv;
    m.msg_iovlen = 1;
    CALL(sendmsg(sp[0], &m, 0));
    CALL(recvmsg(sp[1], &m, 0));
    CALL(sendmsg(sp[0], BAD, 0));
    m.msg_iovlen = 2000;
    CALL(sendmsg(sp[0], &m, 0));
    m.msg_iovlen = 1;
    m.msg_iov = BAD;
    CALL(sendmsg(sp[0], &m, 0));
    m.msg_iov = &iv;
    m.msg_namelen = -1;
    m.msg_name = buf;
    CALL(sendmsg(sp[0], &m, 0));
    CALL(sendmsg(99, BAD, 0));
    struct mmsghdr mm[2] = {{0}};
    mm[0].msg_hdr.msg_iov = &iv;
    mm[0].msg_hdr.msg_iovlen = 1;
    mm[1].msg_hdr.msg_iov = BAD;
    mm[1].msg_hdr.msg_iovlen = 1;
    CALL(sendmmsg(sp[0], mm, 2, 0));
    CALL(mm[0].msg_len);
    CALL(recvmmsg(sp[1], mm, 1, MSG_DONTWAIT, 0));
    CALL(recvmmsg(sp[1], mm, 1, MSG_DONTWAIT, BAD));
    CALL(recvmmsg(sp[1], mm, 1, MSG_DONTWAIT, 0));
}

static void files(void)
{
    CALL(readv(sp[1], &iv, -1));
    CALL(readv(sp[1], &iv, 1025));
    CALL(readv(sp[1], BAD, 1));
    CALL(readv(99, BAD, 1));
    CALL(preadv(sp[1], &iv, 1, 0));
    CALL(pwritev2(sp[1], &iv, 1, -1, 0x8000));
    CALL(writev(1, &iv, 0));
    CALL(read(0, BAD, 0));
    CALL(read(0, buf, -1));
    CALL(write(1, BAD, 4));
    CALL(write(1, buf, 0));
    CALL(pread(0, buf, 1, -1));
    CALL(lseek(0, 0, 99));
    CALL(lseek(sp[0], 0, 0));
    CALL(close_range(100, 50, 0));
    CALL(close_range(5000, 6000, 8));
    CALL(ftruncate(0, -1));
    CALL(truncate("/", 0));
    CALL(fallocate(0, 0xff, 0, 1));
}

static void sockets(void)
{
    CALL(getsockopt(sp[0], 1, 9999, buf, BAD));
    socklen_t l = 4;
    CALL(getsockopt(sp[0], SOL_SOCKET, SO_TYPE, buf, &l));
    CALL(*(int *)buf);
    CALL(setsockopt(sp[0], SOL_SOCKET, SO_RCVTIMEO, buf, 1));
    struct timeval tv = {1, 2000000};
    CALL(setsockopt(sp[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    struct linger lg = {1, 5};
    CALL(setsockopt(sp[0], SOL_SOCKET, SO_LINGER, &lg, sizeof lg));
    struct ucred uc;
    l = sizeof uc;
    CALL(getsockopt(sp[0], SOL_SOCKET, SO_PEERCRED, &uc, &l));
    CALL(l);
}

static void clocks(void)
{
    CALL(nanosleep(BAD, 0));
    struct timespec ts = {0, 1000000000};
    CALL(nanosleep(&ts, 0));
    ts.tv_nsec = -1;
    CALL(syscall(SYS_clock_nanosleep, 1, 0, &ts, 0));
    CALL(syscall(SYS_clock_nanosleep, 99, 0, &ts, 0));
    CALL(clock_getres(99, 0));
    CALL(syscall(SYS_clock_getres, 1, 0));
    CALL(syscall(SYS_clock_gettime, 1, BAD));
    CALL(syscall(SYS_clock_settime, 1, &ts));
    CALL(syscall(SYS_gettimeofday, BAD, 0));
    CALL(syscall(SYS_times, 0) > 0);
    CALL(syscall(SYS_times, BAD));
    int tf = timerfd_create(1, TFD_NONBLOCK);
    CALL(tf > 0);
    struct itimerspec its = {{0, 0}, {-1, 0}};
    CALL(timerfd_settime(tf, 0, &its, 0));
    CALL(timerfd_settime(tf, 99, &its, 0));
    CALL(timerfd_gettime(99, &its));
    CALL(timerfd_create(1, 1));
    timer_t t;
    struct sigevent se = {.sigev_notify = 99};
    CALL(syscall(SYS_timer_create, 1, &se, &t));
    CALL(syscall(SYS_timer_create, 99, 0, &t));
    CALL(syscall(SYS_timer_delete, 99));
    CALL(syscall(SYS_setitimer, 9, &its, 0));
    CALL(syscall(SYS_setitimer, 0, 0, &its));
    CALL(syscall(SYS_getitimer, 0, BAD));
}

static void watches(void)
{
    CALL(eventfd(0, 1));
    CALL(inotify_init1(1));
    int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    CALL(inotify_add_watch(in, "/nonexist", 1));
    CALL(inotify_add_watch(in, "/", 0));
    CALL(inotify_rm_watch(in, 9));
    CALL(fanotify_init(0x8000, 0));
    CALL(fanotify_init(0, O_DIRECTORY));
    CALL(fanotify_init(0, O_RDONLY | O_LARGEFILE | O_CLOEXEC));
    CALL(fanotify_init(0, O_DIRECT));
}

static void queues(void)
{
    CALL(msgget(IPC_PRIVATE, 077777) >= 0);
    struct {
        long t;
        char x[8];
    } mb = {0};
    int q = msgget(IPC_PRIVATE, 0600);
    CALL(msgsnd(q, &mb, 8, IPC_NOWAIT));
    mb.t = 1;
    CALL(msgsnd(q, &mb, 8, IPC_NOWAIT));
    CALL(msgsnd(q, &mb, -1, IPC_NOWAIT));
    CALL(msgrcv(q, &mb, 4, 0, IPC_NOWAIT));
    CALL(msgrcv(q, &mb, 8, 0, IPC_NOWAIT));
    CALL(msgrcv(q, &mb, 8, 0, IPC_NOWAIT));
    struct msqid_ds md;
    CALL(msgctl(q, IPC_STAT, &md));
    CALL(md.msg_qbytes > 0);
    CALL(msgctl(q, 99, &md));
    CALL(msgctl(q, IPC_RMID, 0));
    struct mq_attr ma = {.mq_maxmsg = 2, .mq_msgsize = 8};
    int mq = syscall(SYS_mq_open, "gapsq", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &ma);
    CALL(mq >= 0);
    CALL(syscall(SYS_mq_getsetattr, mq, 0, &ma));
    CALL(ma.mq_flags == O_NONBLOCK);
    CALL(syscall(SYS_mq_timedreceive, mq, buf, 8, 0, 0));
    CALL(syscall(SYS_mq_timedsend, mq, buf, 9, 0, 0));
    CALL(syscall(SYS_mq_open, "/x", 0));
    CALL(syscall(SYS_mq_unlink, "gapsq"));
    CALL(syscall(SYS_mq_open, "gapsq", O_RDONLY | O_DIRECTORY));
}

static void processes(void)
{
    CALL(waitid(9, 0, 0, WEXITED));
    CALL(waitid(P_ALL, 0, 0, 0));
    CALL(waitid(P_ALL, 0, 0, WEXITED));
    CALL(wait4(-1, 0, 0, 0));
    CALL(wait4(-1, 0, 0x100, 0));
    CALL(syscall(SYS_waitid, P_PIDFD, 99, 0, 4, 0));
    struct rlimit rl;
    CALL(getrlimit(99, &rl));
    CALL(syscall(SYS_prlimit64, 0, 7, 0, BAD));
    rl.rlim_cur = 5;
    rl.rlim_max = 4;
    CALL(setrlimit(7, &rl));
    CALL(syscall(SYS_getrusage, 5, buf));
    CALL(syscall(SYS_getrusage, 0, BAD));
    CALL(getpriority(9, 0));
    CALL(syscall(SYS_getpriority, 0, 0));
    CALL(setpriority(0, 99999, 0));
    CALL(sched_setscheduler(0, 99, 0));
    struct sched_param spm = {50};
    CALL(sched_setscheduler(0, 0, &spm));
    CALL(sched_getscheduler(0));
    CALL(sched_get_priority_max(1));
    CALL(sched_get_priority_max(99));
    CALL(syscall(SYS_sched_getaffinity, 0, 3, buf));
    CALL(syscall(SYS_sched_getaffinity, 0, 1024, buf));
    CALL(syscall(SYS_sched_setaffinity, 0, 0, buf));
    CALL(syscall(SYS_sched_getattr, 0, buf, 8, 0));
    CALL(syscall(SYS_sched_getattr, 0, buf, 48, 0));
    CALL(syscall(SYS_sched_rr_get_interval, -1, buf));
    CALL(syscall(SYS_ioprio_get, 9, 0));
}

static void terminals(void)
{
    struct statfs sf;
    CALL(statfs("/proc", &sf));
    CALL(sf.f_type == 0x9fa0);
    CALL(sf.f_bsize);
    CALL(sf.f_namelen);
    CALL(fstatfs(99, &sf));
    CALL(statfs("/x/y", &sf));
    struct termios ti;
    CALL(tcgetattr(sp[0], &ti));
    int pt = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    CALL(pt > 0);
    CALL(tcgetattr(pt, &ti));
    CALL(ti.c_cflag);
    CALL(ti.c_lflag);
    CALL(ti.c_cc[VMIN]);
    CALL(ti.c_ispeed);
    struct winsize ws = {1, 2, 3, 4};
    CALL(ioctl(pt, TIOCSWINSZ, &ws));
    ws.ws_row = 0;
    CALL(ioctl(pt, TIOCGWINSZ, &ws));
    CALL(ws.ws_row);
    int n;
    CALL(ioctl(pt, TIOCGPTN, &n));
    CALL(ioctl(pt, FIONREAD, &n));
    CALL(ioctl(0, 0xdeadbeef, 0));
    CALL(ioctl(99, 0, 0));
    CALL(ioctl(pt, TIOCSPTLCK, BAD));
    struct termios2 {
        unsigned f[4];
        unsigned char l;
        unsigned char cc[19];
        unsigned s[2];
    } t2;
    CALL(ioctl(pt, 0x802c542a, &t2));
    CALL(t2.s[0]);
    CALL(ioctl(pt, FIOCLEX));
    CALL(fcntl(pt, F_GETFD));
}

static void folders(void)
{
    CALL(syscall(SYS_getdents64, sp[0], buf, 100));
    int d = open("/", O_DIRECTORY);
    CALL(syscall(SYS_getdents64, d, BAD, 4096));
    CALL(syscall(SYS_getdents64, d, buf, 4));
    CALL(syscall(SYS_getcwd, buf, 1));
    CALL(syscall(SYS_getcwd, BAD, 100));
    CALL(syscall(SYS_mkdirat, -100, BAD, 0));
    CALL(syscall(SYS_unlinkat, -100, "/x/y", 0x8000));
    CALL(syscall(SYS_faccessat, -100, "/", 8));
    CALL(syscall(SYS_faccessat2, -100, "/", 0, 0x8000));
    CALL(syscall(SYS_fchownat, -100, "", 0, 0, AT_EMPTY_PATH));
    CALL(syscall(SYS_utimensat, -100, "/x", buf, 0x8000));
    CALL(syscall(SYS_renameat2, -100, "/x", -100, "/y", 99));
    CALL(syscall(SYS_linkat, -100, "/x", -100, "/y", 0x8000));
    CALL(syscall(SYS_mknodat, -100, "/tmp/q", 0170000, 0));
    CALL(syscall(452, -100, "/x", 0, 0x8000));
}

static void various(void)
{
    CALL(syscall(SYS_setxattr, "/", "user.x", buf, 10, 99));
    CALL(syscall(SYS_getxattr, "/", "user.nonex", buf, 10));
    CALL(syscall(SYS_getxattr, "/", "", buf, 10));
    CALL(syscall(SYS_listxattr, "/x", buf, 10));
    CALL(syscall(SYS_splice, 0, 0, 1, 0, 1, 0x800));
    CALL(syscall(SYS_tee, 0, 1, 1, 0));
    CALL(syscall(SYS_copy_file_range, 0, 0, 1, 0, 1, 1));
    CALL(syscall(SYS_sendfile, 1, 0, BAD, 1));
    CALL(syscall(SYS_memfd_create, BAD, 0));
    CALL(syscall(SYS_memfd_create, "x", 0x8000));
    CALL(syscall(SYS_getrandom, buf, 10, 99));
    CALL(syscall(SYS_getrandom, BAD, 10, 0));
    CALL(syscall(SYS_futex, BAD, 0, 0, 0, 0, 0));
    CALL(syscall(SYS_futex, buf + 1, 0, 0, 0, 0, 0));
    CALL(syscall(SYS_futex, buf, 77, 0, 0, 0, 0));
    CALL(syscall(SYS_membarrier, 99, 0, 0));
    CALL(syscall(SYS_pidfd_open, -1, 0));
    CALL(syscall(SYS_pidfd_send_signal, 99, 0, 0, 0));
    CALL(syscall(SYS_kcmp, getpid(), getpid(), 99, 0, 0));
    CALL(syscall(SYS_process_vm_readv, getpid(), &iv, 1, &iv, 1, 0));
    CALL(syscall(SYS_process_vm_readv, getpid(), &iv, 1, &iv, 1, 1));
    CALL(syscall(SYS_process_vm_readv, -1, &iv, 1, &iv, 1, 0));
    CALL(syscall(SYS_process_vm_readv, getpid(), &iv, 1, BAD, 1, 0));
}

/* Each waits for a signal that comes again and again. */
static void interrupted(void)
{
    struct itimerval soon = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    struct timespec time = {2, 0}, left = {9, 9};
    signal(SIGALRM, h);
    setitimer(ITIMER_REAL, &soon, NULL);
    CALL(pause());
    CALL(got);
    siginterrupt(SIGALRM, 1);
    CALL(read(sp[1], buf, 1));
    CALL(nanosleep(&time, &left));
    CALL(left.tv_sec);
    CALL(sigtimedwait(&none, 0, &time));
    CALL(poll(NULL, 0, 5000));
    CALL(syscall(SYS_futex, buf, 0, 0, &time, 0, 0));
    setitimer(ITIMER_REAL, &never, NULL);
    CALL(wait4(-1, 0, 0, 0));
}

static void rights(void)
{
    CALL(syscall(SYS_capget, BAD, 0));
    CALL(syscall(SYS_mount, BAD, BAD, BAD, 0, 0));
    CALL(syscall(SYS_umount2, "/x", 99));
    CALL(syscall(SYS_pivot_root, "/x", "/y"));
    CALL(syscall(SYS_swapon, "/x", 0));
    CALL(syscall(SYS_acct, "/x/y"));
    CALL(syscall(SYS_quotactl, 0, 0, 0, 0));
    CALL(syscall(SYS_add_key, "x", "y", buf, 1, 0));
    CALL(syscall(SYS_keyctl, 999, 0, 0, 0, 0));
    CALL(syscall(SYS_bpf, 0, 0, 0) < 0);
    CALL(syscall(444, 0, 0, 1) > 0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGPIPE, SIG_IGN);
    p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    s = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    map();
    protect();
    advise();
    system_v();
    epoll();
    signals();
    waits();
    opens();
    self();
    stats();
    others();
    messages();
    files();
    sockets();
    clocks();
    watches();
    queues();
    processes();
    terminals();
    folders();
    various();
    interrupted();
    rights();
    return 0;
}
