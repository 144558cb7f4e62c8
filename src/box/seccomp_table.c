/* SPDX-License-Identifier: Apache-2.0
 *
 * Archway's own system call profile, as data.
 *
 * The idea: what a program in a container may ask the kernel for, listed by purpose. A call that no
 * row names gives ENOSYS, as on a kernel that lacks it, so that programs fall back to what they did
 * before. A call that is known and dangerous gives EPERM, as without the privilege, unless the
 * container has the capability that the kernel itself asks for. The kernel checks capabilities too
 * (in the container's user namespace); the filter is there so that a bug in code that containers
 * rarely need cannot be reached at all.
 *
 * Invariants:
 * 1. Rows of one call never overlap: for each set of capabilities and each value of the argument at
 * most one row holds. libseccomp does not promise which of two would win.
 * 2. Names are of all architectures together: a call that an architecture lacks is skipped there.
 * 3. What QEMU's user mode and run-time compilers need stays allowed: the foreign programs' calls
 *    arrive here as the host's, made by the emulator.
 */
#include "box/seccomp.h"

#include "base/util.h"
#include "box/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)
#define CAP_(number) (UINT64_C(1) << (number))
#define CAP_NUMBER_PERFMON 38
#define CAP_NUMBER_BPF 39
#define CAP_NUMBER_CHECKPOINT 40
#define NS_FLAGS                                                                                   \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

/* needs a capability: with it allowed, without it EPERM */
#define NEEDS(capabilities, list)                                                                  \
    {.caps = (capabilities), .names = list},                                                       \
    {                                                                                              \
        .caps = (capabilities), .not = true, .error = EPERM, .names = list                         \
    }
/* clone(2) with one namespace flag, for containers without CAP_SYS_ADMIN */
#define NO_CLONE(flag)                                                                             \
    {                                                                                              \
        .caps = CAP(SYS_ADMIN), .not = true, .error = EPERM, .names = "clone",                     \
        .op = "SCMP_CMP_MASKED_EQ", .value = (flag), .value_two = (flag)                           \
    }
#define PERSONALITY(number)                                                                        \
    {                                                                                              \
        .names = "personality", .op = "SCMP_CMP_EQ", .value = (number)                             \
    }

const struct seccomp_row seccomp_rows[] = {
    /* files: open, read, write, seek, lock, wait for them */
    {.names =
         "open openat openat2 creat close close_range read write readv writev pread64 pwrite64 "
         "preadv pwritev preadv2 pwritev2 lseek _llseek sendfile sendfile64 splice tee vmsplice "
         "copy_file_range dup dup2 dup3 fcntl fcntl64 flock ioctl fsync fdatasync sync syncfs "
         "sync_file_range sync_file_range2 arm_sync_file_range fadvise64 fadvise64_64 "
         "arm_fadvise64_64 readahead ftruncate ftruncate64 truncate truncate64 fallocate pipe "
         "pipe2 select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create "
         "epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait "
         "epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_gettime "
         "timerfd_gettime64 timerfd_settime timerfd_settime64 inotify_init inotify_init1 "
         "inotify_add_watch inotify_rm_watch fanotify_mark memfd_create memfd_secret "
         "cachestat"},
    /* names, attributes and folders */
    {.names =
         "access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64 fstatat64 "
         "newfstatat oldstat oldlstat oldfstat statx statfs statfs64 fstatfs fstatfs64 ustat "
         "chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown "
         "lchown32 utime utimes futimesat utimensat utimensat_time64 umask link linkat symlink "
         "symlinkat readlink readlinkat unlink unlinkat rename renameat renameat2 mkdir mkdirat "
         "rmdir mknod mknodat getdents getdents64 readdir chdir fchdir getcwd name_to_handle_at "
         "getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat "
         "listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr "
         "removexattrat file_getattr file_setattr"},
    /* asynchronous input and output of the old kind */
    {.names = "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents "
              "io_pgetevents_time64"},
    /* memory; mmap of executable pages is what run-time compilers live by */
    {.names = "brk mmap mmap2 munmap mprotect mremap madvise mincore msync mlock mlock2 munlock "
              "mlockall munlockall remap_file_pages pkey_alloc pkey_free pkey_mprotect membarrier "
              "mseal map_shadow_stack process_madvise process_mrelease"},
    /* processes and threads */
    {.names =
         "fork vfork execve execveat exit exit_group wait4 waitpid waitid set_tid_address gettid "
         "getpid getppid getpgid getpgrp setpgid getsid setsid kill tkill tgkill pidfd_open "
         "pidfd_send_signal prctl arch_prctl set_thread_area get_thread_area set_robust_list "
         "get_robust_list rseq futex futex_time64 futex_waitv futex_wake futex_wait "
         "futex_requeue restart_syscall capget capset seccomp nice getpriority setpriority "
         "ioprio_get ioprio_set getrlimit ugetrlimit setrlimit prlimit64 getrusage times "
         "modify_ldt cacheflush set_tls get_tls breakpoint usr26 usr32 riscv_flush_icache "
         "riscv_hwprobe s390_runtime_instr s390_pci_mmio_read s390_pci_mmio_write "
         "s390_guarded_storage s390_sthyi swapcontext sys_debug_setcontext subpage_prot rtas "
         "uretprobe uprobe"},
    /* a debugger and what it traces have the same owner; the kernel checks that */
    {.names = "ptrace process_vm_readv process_vm_writev"},
    /* clone without a new namespace; s390 has the first two arguments exchanged */
    {.caps = CAP(SYS_ADMIN),
     .not = true,
     .names = "clone",
     .op = "SCMP_CMP_MASKED_EQ",
     .value = NS_FLAGS,
     .value_two = 0},
    NO_CLONE(CLONE_NEWNS),
    NO_CLONE(CLONE_NEWCGROUP),
    NO_CLONE(CLONE_NEWUTS),
    NO_CLONE(CLONE_NEWIPC),
    NO_CLONE(CLONE_NEWUSER),
    NO_CLONE(CLONE_NEWPID),
    NO_CLONE(CLONE_NEWNET),
    {.caps = CAP(SYS_ADMIN), .names = "clone"},
    /* clone3's flags are in memory, where no filter sees them; without it the C libraries use clone
     */
    {.caps = CAP(SYS_ADMIN), .names = "clone3"},
    /* identity */
    {.names = "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid "
              "getresuid32 getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid "
              "setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid "
              "setresgid32 setgroups setgroups32 setfsuid setfsuid32 setfsgid setfsgid32"},
    /* signals */
    {.names = "signal sigaction rt_sigaction sigprocmask rt_sigprocmask sigpending rt_sigpending "
              "sigsuspend rt_sigsuspend sigreturn rt_sigreturn rt_sigqueueinfo rt_tgsigqueueinfo "
              "rt_sigtimedwait rt_sigtimedwait_time64 sigaltstack sgetmask ssetmask pause alarm"},
    /* time */
    {.names = "time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 "
              "clock_nanosleep clock_nanosleep_time64 nanosleep getitimer setitimer timer_create "
              "timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
              "timer_settime64"},
    /* adjtimex and clock_adjtime may be read by anybody; the kernel guards setting */
    {.names = "adjtimex clock_adjtime clock_adjtime64"},
    /* scheduling */
    {.names = "sched_yield sched_getparam sched_setparam sched_getscheduler sched_setscheduler "
              "sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
              "sched_rr_get_interval_time64 sched_getaffinity sched_setaffinity sched_getattr "
              "sched_setattr getcpu"},
    /* network; virtio sockets would reach the host's hypervisor past every network namespace.
       They give ENOSYS, because libseccomp 2.5 takes no rule for EQ beside the one for NE. */
    {.names = "socket", .op = "SCMP_CMP_NE", .value = AF_VSOCK},
    {.names = "socketcall socketpair bind connect listen accept accept4 getsockname getpeername "
              "getsockopt setsockopt shutdown send sendto sendmsg sendmmsg recv recvfrom recvmsg "
              "recvmmsg recvmmsg_time64"},
    /* System V and POSIX communication, which the container has a namespace of its own for */
    {.names = "ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 "
              "shmat shmctl shmdt shmget mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend "
              "mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64"},
    /* about the machine */
    {.names = "uname olduname oldolduname sysinfo getrandom"},
    /* restricting oneself */
    {.names = "landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr "
              "lsm_set_self_attr lsm_list_modules"},
    /* PER_LINUX, PER_LINUX32, both with UNAME26, and asking; no READ_IMPLIES_EXEC, no
       ADDR_NO_RANDOMIZE */
    PERSONALITY(0x0),
    PERSONALITY(0x8),
    PERSONALITY(0x20000),
    PERSONALITY(0x20008),
    PERSONALITY(0xffffffff),

    /* a capability opens these */
    NEEDS(CAP(SYS_ADMIN),
          "mount umount umount2 pivot_root unshare setns fsopen fsconfig fsmount fspick "
          "open_tree open_tree_attr move_mount mount_setattr statmount listmount fanotify_init "
          "quotactl quotactl_fd sethostname setdomainname lookup_dcookie"),
    NEEDS(CAP(SYS_ADMIN) | CAP_(CAP_NUMBER_BPF), "bpf"),
    NEEDS(CAP(SYS_ADMIN) | CAP_(CAP_NUMBER_PERFMON), "perf_event_open"),
    NEEDS(CAP(SYS_ADMIN) | CAP(SYSLOG), "syslog"),
    NEEDS(CAP(SYS_CHROOT), "chroot"),
    NEEDS(CAP(DAC_READ_SEARCH), "open_by_handle_at"),
    NEEDS(CAP(SYS_PTRACE) | CAP_(CAP_NUMBER_CHECKPOINT), "kcmp"),
    NEEDS(CAP(SYS_PTRACE), "pidfd_getfd"),
    NEEDS(CAP(SYS_NICE), "get_mempolicy set_mempolicy set_mempolicy_home_node mbind migrate_pages "
                         "move_pages"),
    NEEDS(CAP(SYS_TIME), "settimeofday stime clock_settime clock_settime64"),
    NEEDS(CAP(SYS_BOOT), "reboot"),
    NEEDS(CAP(SYS_MODULE), "init_module finit_module delete_module"),
    NEEDS(CAP(SYS_PACCT), "acct"),
    NEEDS(CAP(SYS_RAWIO), "iopl ioperm"),
    NEEDS(CAP(SYS_TTY_CONFIG), "vhangup"),

    /* nothing opens these: keys are not namespaced, the rest is the machine's own */
    {.error = EPERM,
     .names = "add_key request_key keyctl kexec_load kexec_file_load swapon swapoff "
              "userfaultfd nfsservctl vm86 vm86old"},
    /* programs that know io_uring know how to do without: ENOSYS, not EPERM */
    {.error = ENOSYS, .names = "io_uring_setup io_uring_enter io_uring_register"},
};
const unsigned seccomp_n_rows = AW_LEN(seccomp_rows);
