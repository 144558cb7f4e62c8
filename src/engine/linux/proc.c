/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guest sees of itself in /proc: its program instead of the engine, its mappings, its
 * machine.
 *
 * What the guest opened is looked at, not by which path: one statx tells most files from those of a
 * procfs and from the engine's own, and the true name of the few that remain is read back through
 * /proc/self/fd. So links from anywhere, other working directories and mounts of proc elsewhere all
 * work.
 *
 * PROC/exe is a link to the engine's file for every process that an engine runs. Who opened the
 * engine's file, or would execute or stat it, came by such a link or by the file's own path: that
 * the path's links tell. The guest's program is then the file that is mapped at the process's
 * AT_ENTRY, which the engine made true for the host (PR_SET_MM_MAP).
 *
 * PROC/maps and its kin of other processes that run under the same engine's file are written from
 * those processes' own tables (proc_text.c). PROC/map_files cannot be opened.
 *
 * Left out: mounts of single files of /proc; PROC/mem and PROC/pagemap, which show the engine to
 * who knows where it is.
 */
#include "engine/linux/proc.h"

#include "engine/linux/linux.h"
#include "engine/rt/fmt.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <asm/unistd.h>
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <linux/resource.h>
#include <linux/stat.h>

enum { PATH_LENGTH = 4096, PAGE = 4096 };

/* A path in /proc and what it is. */
struct proc_file {
    enum proc_kind kind;
    char pid[16];           /* digits of the process, "" for files of the system */
    char path[PATH_LENGTH]; /* true name, or the guest's text where that cannot be had */
};

static const struct {
    const char *name;
    enum proc_kind kind;
} names[] = {
    {"exe", PROC_EXE},         {"maps", PROC_MAPS},
    {"smaps", PROC_SMAPS},     {"numa_maps", PROC_NUMA_MAPS},
    {"syscall", PROC_SYSCALL}, {"map_files", PROC_MAP_FILES},
    {"auxv", PROC_AUXV},       {"cmdline", PROC_CMDLINE},
    {"environ", PROC_ENVIRON}, {"cpuinfo", PROC_CPUINFO},
    {"arch", PROC_ARCH},
};

/* ---- text ---- */
/* The guest's path: its length, -1 when it cannot be read or is too long (the host tells why). */
static long read_path(uint64_t at, char *buf)
{
    enum { STEP = 128 };
    for (size_t n = 0; n < PATH_LENGTH;) {
        size_t step = PAGE - (at + n) % PAGE;
        if (step > STEP)
            step = STEP;
        if (step > PATH_LENGTH - n)
            step = PATH_LENGTH - n;
        if (!rt_guest_read(buf + n, at + n, step))
            return -1;
        for (size_t k = 0; k < step; k++, n++)
            if (!buf[n])
                return (long)n;
    }
    return -1;
}

static const char *last_part(const char *path)
{
    const char *last = path;
    for (const char *c = path; *c; c++)
        if (*c == '/')
            last = c + 1;
    return last;
}

static enum proc_kind kind_of_name(const char *name)
{
    for (unsigned k = 0; k < sizeof(names) / sizeof(*names); k++)
        if (strcmp(name, names[k].name) == 0)
            return names[k].kind;
    return PROC_OTHER;
}

/* The part of path that ends at `end` (excluded): its start. */
static const char *part_before(const char *path, const char *end)
{
    while (end > path && end[-1] != '/')
        end--;
    return end;
}

static bool all_digits(const char *from, const char *to)
{
    if (from == to || to - from > 12)
        return false;
    for (; from < to; from++)
        if (*from < '0' || *from > '9')
            return false;
    return true;
}

/* .../PID/name or .../PID/task/TID/name */
static void take_pid(struct proc_file *f)
{
    const char *name = last_part(f->path);
    f->pid[0] = 0;
    if (name - f->path < 2)
        return;
    const char *end = name - 1, *start = part_before(f->path, end);
    if (!all_digits(start, end))
        return;
    if (start - f->path >= 6 && memcmp(start - 5, "task/", 5) == 0) {
        const char *owner_end = start - 6, *owner = part_before(f->path, owner_end);
        if (all_digits(owner, owner_end)) {
            start = owner;
            end = owner_end;
        }
    }
    memcpy(f->pid, start, (size_t)(end - start));
    f->pid[end - start] = 0;
}

/* ---- what is meant ---- */
static bool on_proc(long fd)
{
    struct statfs st;
    return sys(__NR_fstatfs, fd, &st) == 0 && st.f_type == PROC_SUPER_MAGIC;
}

static bool name_of(long fd, struct proc_file *f)
{
    char link[32];
    fmt(link, sizeof(link), "/proc/self/fd/%d", (int)fd);
    long n = sys(__NR_readlink, link, f->path, PATH_LENGTH - 1);
    if (n <= 0)
        return false;
    f->path[n] = 0;
    return true;
}

/* A descriptor of a file of a procfs: what is it? false: nothing special. */
static bool identify(long fd, struct proc_file *f)
{
    enum { ARCH_LENGTH = sizeof("/sys/kernel/arch") - 1 };
    if (!on_proc(fd) || !name_of(fd, f))
        return false;
    f->kind = kind_of_name(last_part(f->path));
    take_pid(f);
    size_t n = strlen(f->path);
    switch (f->kind) {
    case PROC_OTHER:
        return false;
    case PROC_CPUINFO:
        return !f->pid[0];
    case PROC_ARCH:
        return n >= ARCH_LENGTH && strcmp(f->path + n - ARCH_LENGTH, "/sys/kernel/arch") == 0;
    default:
        return f->pid[0];
    }
}

/* This process, as the procfs numbers it: it may be that of another PID namespace. */
static bool own(const struct proc_file *f)
{
    char pid[16];
    long n = sys(__NR_readlink, "/proc/self", pid, sizeof(pid) - 1);
    if (n <= 0)
        return false;
    pid[n] = 0;
    return strcmp(pid, f->pid) == 0;
}

/* One link of a path's: what it leads to goes into f->path; false: it is no link. */
static bool follow(long fd, struct proc_file *f)
{
    char target[PATH_LENGTH];
    long n = sys(__NR_readlinkat, fd, "", target, PATH_LENGTH - 1);
    if (n <= 0)
        return false;
    size_t base = 0;
    if (target[0] != '/') {
        if (!name_of(fd, f))
            return false;
        base = (size_t)(last_part(f->path) - f->path);
    }
    if (base + (size_t)n >= PATH_LENGTH)
        return false;
    memcpy(f->path + base, target, (size_t)n);
    f->path[base + (size_t)n] = 0;
    return true;
}

/* f->path leads to the engine's file: by which PROC/exe? false: by none. */
static bool find_exe(long dirfd, struct proc_file *f)
{
    enum { LINKS_MAX = 40 };
    for (unsigned k = 0; k < LINKS_MAX; k++) {
        long fd = sys(__NR_openat, dirfd, f->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) /* no descriptor left? then at least the usual text */
            return strcmp(f->path, "/proc/self/exe") == 0 && memcpy(f->pid, "self", 5);
        bool found = identify(fd, f) && f->kind == PROC_EXE, link = !found && follow(fd, f);
        sys(__NR_close, fd);
        if (!link)
            return found;
        dirfd = AT_FDCWD;
    }
    return false;
}

/* ---- the program's file ---- */
bool linux_proc_engine(uint32_t mode, uint64_t dev, uint64_t ino)
{
    struct linux_state *s = &linux_state;
    if ((mode & S_IFMT) != S_IFREG || !(mode & 0111))
        return false;
    if (!s->engine_ino) {
        struct stat own_file;
        if (sys(__NR_stat, "/proc/self/exe", &own_file) < 0)
            return false;
        s->engine_dev = own_file.st_dev;
        s->engine_ino = own_file.st_ino;
    }
    return dev == s->engine_dev && ino == s->engine_ino;
}

bool linux_proc_engine_x(const struct statx *st)
{
    uint64_t major = st->stx_dev_major, minor = st->stx_dev_minor; /* to be as in struct stat */
    uint64_t dev = (minor & 0xff) | major << 8 | (minor & ~0xffull) << 12;
    return linux_proc_engine(st->stx_mode, dev, st->stx_ino);
}

static uint64_t entry_of(const char *pid)
{
    char path[40];
    uint64_t aux[128];
    fmt(path, sizeof(path), "/proc/%s/auxv", pid);
    long fd = sys(__NR_open, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    long n = sys(__NR_read, fd, aux, sizeof(aux));
    sys(__NR_close, fd);
    for (long k = 0; k + 1 < n / 8; k += 2)
        if (aux[k] == AT_ENTRY)
            return aux[k + 1];
    return 0;
}

static bool leads_to_engine(const char *path)
{
    struct stat st;
    return sys(__NR_stat, path, &st) == 0 && linux_proc_engine(st.st_mode, st.st_dev, st.st_ino);
}

/* The guest's program of a PROC/exe that leads to the engine: its path's length; -ENOENT. */
static long program_of(const struct proc_file *f, char *buf, size_t size)
{
    bool self = strcmp(f->pid, "self") == 0 || own(f);
    uint64_t entry = self ? linux_state.program.entry : entry_of(f->pid);
    size_t n = entry ? proc_mapped_file(f->pid, entry, buf, size) : 0;
    if (!n && self && (n = strlen(linux_state.program_path)) > 0 && n < size)
        memcpy(buf, linux_state.program_path, n + 1); /* no descriptor left to look */
    return n ? (long)n : -ENOENT;
}

long linux_proc_target(long dirfd, uint64_t path, char *buf, size_t size)
{
    struct proc_file f;
    if (read_path(path, f.path) <= 0 || !find_exe(dirfd, &f))
        return LINUX_PROC_PLAIN;
    return program_of(&f, buf, size);
}

long linux_proc_readlink(long dirfd, uint64_t path, uint64_t buf, uint64_t size)
{
    struct proc_file f;
    char target[PATH_LENGTH];
    long n = read_path(path, f.path), fd = dirfd;
    if (n < 0 || (n > 0 && strcmp(last_part(f.path), "exe") != 0))
        return LINUX_PROC_PLAIN;
    if (n > 0) /* else: a link that was opened */
        fd = sys(__NR_openat, dirfd, f.path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool known = fd >= 0 ? identify(fd, &f) && f.kind == PROC_EXE
                         : strcmp(f.path, "/proc/self/exe") == 0 && memcpy(f.pid, "self", 5);
    if (n > 0 && fd >= 0)
        sys(__NR_close, fd);
    if (!known || !leads_to_engine(f.path))
        return LINUX_PROC_PLAIN;
    n = program_of(&f, target, sizeof(target));
    if (n < 0)
        return n;
    int most = (int)size;
    if (most <= 0)
        return -EINVAL;
    if (n > most)
        n = most;
    return rt_guest_write(buf, target, (size_t)n) ? n : -EFAULT;
}

/* ---- open ---- */
static bool runs_engine(const struct proc_file *f)
{
    char path[32];
    fmt(path, sizeof(path), "/proc/%s/exe", f->pid);
    return leads_to_engine(path);
}

/* Is the guest to read something else than the host's file? */
static bool replaced(const struct proc_file *f)
{
    switch (f->kind) {
    case PROC_EXE: /* the link itself was opened */
        return false;
    case PROC_CPUINFO:
    case PROC_ARCH:
        return true;
    case PROC_AUXV:
    case PROC_CMDLINE:
    case PROC_ENVIRON: /* of this process, where the host could not be told */
        return !linux_state.named && own(f);
    default:
        return own(f) || runs_engine(f);
    }
}

/* No file may be written (RLIMIT_FSIZE; a signal would tell): as much as a pipe holds. */
static long piped_text(const struct proc_file *f, long from, uint64_t cloexec)
{
    enum { MOST = 1 << 20 };
    int ends[2];
    long r = sys(__NR_pipe2, ends, cloexec | O_NONBLOCK);
    if (r < 0)
        return r;
    sys(__NR_fcntl, ends[1], F_SETPIPE_SZ, MOST);
    bool done = proc_text(f->kind, own(f) ? NULL : f->pid, from, ends[1]);
    sys(__NR_close, ends[1]);
    if (done)
        return ends[0];
    sys(__NR_close, ends[0]);
    return -EIO;
}

static long written_text(const struct proc_file *f, long from, uint64_t cloexec)
{
    struct rlimit64 size;
    if (sys(__NR_prlimit64, 0, RLIMIT_FSIZE, 0, &size) == 0 && size.rlim_cur != RLIM64_INFINITY)
        return piped_text(f, from, cloexec);
    long fd = sys(__NR_memfd_create, last_part(f->path), cloexec ? MFD_CLOEXEC : 0);
    if (fd < 0)
        return fd;
    if (proc_text(f->kind, own(f) ? NULL : f->pid, from, fd)) {
        sys(__NR_lseek, fd, 0, 0);
        return fd;
    }
    sys(__NR_close, fd);
    return -EIO;
}

/* A descriptor that takes the place and number of `fd`, and of what it was opened with. */
static long instead(long fd, long other, uint64_t flags)
{
    long r = other < 0 ? other : sys(__NR_dup3, other, fd, flags & O_CLOEXEC);
    if (other >= 0)
        sys(__NR_close, other);
    if (r < 0)
        sys(__NR_close, fd);
    return r;
}

static long opened_engine(long dirfd, uint64_t path, long fd, uint64_t flags)
{
    char target[PATH_LENGTH];
    long n = linux_proc_target(dirfd, path, target, sizeof(target));
    if (n == LINUX_PROC_PLAIN)
        return fd;
    flags &= ~(uint64_t)(O_CREAT | O_EXCL);
    return instead(fd, n < 0 ? n : sys(__NR_openat, AT_FDCWD, target, flags, 0), flags);
}

/* What a statx of a descriptor says of all files that are replaced. */
static bool candidate(const struct statx *st)
{
    if (st->stx_dev_major != 0 || st->stx_size != 0)
        return false;
    switch (st->stx_mode) {
    case S_IFREG | 0444:
    case S_IFREG | 0400:
    case S_IFDIR | 0500: /* map_files */
        return true;
    default:
        return false;
    }
}

/* The file's name is the path's last part, and none of ours: cheaper to see than the true name. */
static bool other_name(long dirfd, uint64_t path, const struct statx *st)
{
    char text[PATH_LENGTH];
    struct statx named;
    return (st->stx_mode & S_IFMT) == S_IFREG && read_path(path, text) > 0 &&
           kind_of_name(last_part(text)) == PROC_OTHER &&
           sys(__NR_statx, dirfd, text, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_INO,
               &named) == 0 &&
           named.stx_ino == st->stx_ino && named.stx_dev_minor == st->stx_dev_minor &&
           named.stx_dev_major == 0;
}

static long opened_candidate(long fd, uint64_t flags)
{
    struct proc_file f;
    if (!identify(fd, &f) || !replaced(&f))
        return fd;
    long other = f.kind == PROC_MAP_FILES ? -EACCES : written_text(&f, fd, flags & O_CLOEXEC);
    return instead(fd, other, flags);
}

long linux_proc_opened(long dirfd, uint64_t path, long fd, uint64_t flags)
{
    struct statx st;
    if (fd < 0 || ((flags & O_ACCMODE) == O_WRONLY && !(flags & O_PATH)))
        return fd;
    /* what is at hand: servers of remote files are not asked */
    if (sys(__NR_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st) <
        0)
        return fd;
    if (linux_proc_engine_x(&st))
        return opened_engine(dirfd, path, fd, flags);
    if (flags & O_PATH || !candidate(&st) || other_name(dirfd, path, &st))
        return fd;
    return opened_candidate(fd, flags);
}
