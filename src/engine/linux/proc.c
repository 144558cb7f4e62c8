/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guest sees of itself in /proc: its program instead of the engine, its mappings, its
 * machine.
 *
 * Only a path whose last part is one of a few names is looked at. What it means is not guessed from
 * its text: it is opened with O_PATH, must lie on a procfs, and its true name is read back through
 * /proc/self/fd. So links to it, other working directories and mounts of proc elsewhere all work.
 *
 * PROC/exe is a link to the engine's file for every process that an engine runs. The guest's
 * program is then the file that is mapped at the process's AT_ENTRY, which the engine made true for
 * the host (PR_SET_MM_MAP).
 *
 * PROC/maps and its kin of other processes that run under the same engine's file are written from
 * those processes' own tables (proc_text.c). PROC/map_files cannot be opened.
 *
 * Left out: links from outside /proc to these under other names; PROC/mem, which shows the engine
 * to who knows where it is.
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

/* ---- what a path means ---- */
static bool true_name(long dirfd, struct proc_file *f)
{
    struct statfs st;
    char link[32];
    long fd = sys(__NR_openat, dirfd, f->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    fmt(link, sizeof(link), "/proc/self/fd/%d", (int)fd);
    long n = -ENOENT;
    if (sys(__NR_fstatfs, fd, &st) == 0 && st.f_type == PROC_SUPER_MAGIC)
        n = sys(__NR_readlink, link, f->path, PATH_LENGTH - 1);
    sys(__NR_close, fd);
    if (n <= 0)
        return false;
    f->path[n] = 0;
    return true;
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

static bool own_file(enum proc_kind kind) /* only that of this process differs from the host's */
{
    return kind == PROC_AUXV || kind == PROC_CMDLINE || kind == PROC_ENVIRON;
}

/* A folder may be named by what it has in it, too. */
static bool names_folder(const char *last)
{
    return !*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

/* false: nothing special, or not there. */
static bool look_up(long dirfd, uint64_t at, struct proc_file *f)
{
    long n = read_path(at, f->path);
    if (n <= 0)
        return false;
    f->kind = kind_of_name(last_part(f->path));
    bool folder = f->kind == PROC_OTHER && names_folder(last_part(f->path));
    if (f->kind == PROC_OTHER && !folder)
        return false;
    if (!true_name(dirfd, f)) /* no descriptor left? then at least the usual text */
        return f->kind == PROC_EXE && strcmp(f->path, "/proc/self/exe") == 0 &&
               memcpy(f->pid, "self", 5);
    enum proc_kind kind = kind_of_name(last_part(f->path));
    if (folder && kind == PROC_MAP_FILES)
        f->kind = kind;
    if (kind == PROC_OTHER || kind != f->kind)
        return false;
    take_pid(f);
    if (kind == PROC_CPUINFO)
        return !f->pid[0];
    return f->pid[0] && (!own_file(kind) || own(f));
}

/* ---- the program's file ---- */
static bool engine_file(struct stat *st)
{
    struct linux_state *s = &linux_state;
    if (!s->engine_ino) {
        struct stat own_file;
        if (sys(__NR_stat, "/proc/self/exe", &own_file) < 0)
            return false;
        s->engine_dev = own_file.st_dev;
        s->engine_ino = own_file.st_ino;
    }
    return st->st_dev == s->engine_dev && st->st_ino == s->engine_ino;
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

/* The guest's program of a PROC/exe that leads to the engine: its path's length; LINUX_PROC_PLAIN
 * for all other links. */
static long program_of(const struct proc_file *f, char *buf, size_t size)
{
    struct stat st;
    long r = sys(__NR_stat, f->path, &st);
    if (r < 0 || !engine_file(&st))
        return LINUX_PROC_PLAIN;
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
    if (!look_up(dirfd, path, &f) || f.kind != PROC_EXE)
        return LINUX_PROC_PLAIN;
    return program_of(&f, buf, size);
}

long linux_proc_readlink(long dirfd, uint64_t path, uint64_t buf, uint64_t size)
{
    char target[PATH_LENGTH];
    long n = linux_proc_target(dirfd, path, target, sizeof(target));
    if (n < 0)
        return n;
    if ((int)size <= 0)
        return -EINVAL;
    if ((uint64_t)n > size)
        n = (long)size;
    return rt_guest_write(buf, target, (size_t)n) ? n : -EFAULT;
}

/* ---- open ---- */
static bool runs_engine(const struct proc_file *f)
{
    struct stat st;
    char path[32];
    fmt(path, sizeof(path), "/proc/%s/exe", f->pid);
    return sys(__NR_stat, path, &st) == 0 && engine_file(&st);
}

/* Is the guest to read something else than the host's file? */
static bool replaced(const struct proc_file *f)
{
    if (own_file(f->kind))
        return !linux_state.named; /* else the host's are true */
    return f->kind == PROC_EXE || f->kind == PROC_CPUINFO || own(f) || runs_engine(f);
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

long linux_proc_open(long dirfd, uint64_t path, uint64_t flags)
{
    struct proc_file f;
    char target[PATH_LENGTH];
    if (!look_up(dirfd, path, &f) || !replaced(&f))
        return LINUX_PROC_PLAIN;
    if (f.kind == PROC_MAP_FILES)
        return flags & O_PATH ? LINUX_PROC_PLAIN : -EACCES;
    if (f.kind == PROC_EXE) {
        if (flags & O_NOFOLLOW)
            return LINUX_PROC_PLAIN;
        long n = program_of(&f, target, sizeof(target));
        return n < 0 ? n : sys(__NR_openat, AT_FDCWD, target, flags, 0);
    }
    long from = sys(__NR_openat, AT_FDCWD, f.path, flags | O_CLOEXEC, 0);
    if (from < 0 || flags & O_PATH)
        return from;
    long fd = written_text(&f, from, flags & O_CLOEXEC);
    if (fd < 0) {
        sys(__NR_close, from);
        return fd;
    }
    long r = sys(__NR_dup3, fd, from, flags & O_CLOEXEC); /* the lowest number, as open gives */
    sys(__NR_close, fd);
    return r;
}
