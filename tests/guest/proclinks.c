// SPDX-License-Identifier: Apache-2.0
// What is read does not depend on the name it is opened by: links from outside /proc, links to
// links, descriptors of paths, openat2 with its restrictions. qemu: its maps and its program are
// its own
#include "guest.h"

#include "hidden.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static uintptr_t low, high;
static char text[1 << 16];

static void clean(int line, int fd)
{
    ssize_t n, all = 0;
    if (fd < 0) {
        printf("line %d: errno %d\n", line, errno);
        return;
    }
    while ((n = read(fd, text + all, sizeof text - 1 - (size_t)all)) > 0)
        all += n;
    text[all] = 0;
    close(fd);
    if (!strstr(text, "[stack]"))
        printf("line %d: no maps\n", line);
    for (char *p = text; *p; p++) {
        char *end;
        uintptr_t v = strtoul(p, &end, 16);
        if (end - p >= 9 && v > low && v < high)
            printf("line %d: %#lx is the engine's\n", line, v);
        p = end == p ? p : end - 1;
    }
}
#define CLEAN(fd) clean(__LINE__, fd)

static int open2(int dir, const char *path, uint64_t resolve)
{
    struct open_how how = {.flags = O_RDONLY, .resolve = resolve};
    return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static void maps(void)
{
    char path[64];
    CHECK(symlink("/proc/self/maps", "m") == 0 && symlink("m", "mm") == 0);
    CHECK(symlink("/proc/self", "folder") == 0 && symlink("/proc/thread-self/maps", "t") == 0);
    CHECK(symlink("/proc/self/map_files", "files") == 0);
    CLEAN(open("m", O_RDONLY));
    CLEAN(open("mm", O_RDONLY));
    CLEAN(open("t", O_RDONLY));
    CLEAN(open("folder/maps", O_RDONLY));
    CLEAN(open2(AT_FDCWD, "m", RESOLVE_NO_MAGICLINKS));
    int dir = open("folder", O_RDONLY | O_DIRECTORY);
    CHECK(dir >= 0);
    CLEAN(openat(dir, "maps", O_RDONLY));
    CLEAN(open2(dir, "maps", RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH));
    CLEAN(open2(dir, "task/../maps", RESOLVE_IN_ROOT));
    CHECK(open("files", O_RDONLY | O_DIRECTORY) == -1);
    close(dir);
    int name = open("m", O_PATH);
    snprintf(path, sizeof path, "/proc/self/fd/%d", name);
    CLEAN(open(path, O_RDONLY));
    snprintf(path, sizeof path, "/dev/fd/%d", name);
    CLEAN(open(path, O_RDONLY));
    close(name);
    /* the descriptor is the lowest one that is free, and as it was asked for */
    int fd = open("m", O_RDONLY | O_CLOEXEC);
    EQUAL(fd, name);
    EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    fd = open("m", O_RDONLY);
    EQUAL(fcntl(fd, F_GETFD), 0);
    close(fd);
}

static void exe(const char *self)
{
    struct stat own, st;
    struct statx stx;
    char target[PATH_MAX];
    CHECK(stat(self, &own) == 0);
    CHECK(symlink("/proc/self/exe", "e") == 0 && symlink("e", "ee") == 0);
    static const char *const names[] = {"e", "ee", "folder/exe", "/proc/thread-self/exe"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        CHECK(stat(names[k], &st) == 0 && st.st_ino == own.st_ino && st.st_dev == own.st_dev);
        CHECK(statx(AT_FDCWD, names[k], 0, STATX_BASIC_STATS, &stx) == 0 &&
              stx.stx_ino == own.st_ino);
        int fd = open(names[k], O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == own.st_ino);
        EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
        close(fd);
        fd = open(names[k], O_PATH);
        CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == own.st_ino);
        close(fd);
    }
    int link = open("/proc/self/exe", O_PATH | O_NOFOLLOW);
    ssize_t n = readlinkat(link, "", target, sizeof target - 1);
    CHECK(n > 0);
    target[n < 0 ? 0 : n] = 0;
    CHECK(strcmp(target, self) == 0);
    close(link);
    CHECK(lstat("e", &st) == 0 && S_ISLNK(st.st_mode));
    n = readlink("e", target, sizeof target);
    CHECK(n == 14 && memcmp(target, "/proc/self/exe", 14) == 0);
}

static void machine(void)
{
    int fd = open("/proc/sys/kernel/arch", O_RDONLY);
    if (fd < 0)
        return; /* before Linux 6.1 */
    ssize_t n = read(fd, text, 64);
    CHECK(n == 8 && memcmp(text, "aarch64\n", 8) == 0);
    close(fd);
}

int main(int argc, char **argv)
{
    char self[PATH_MAX], folder[] = "proclinks.XXXXXX";
    CHECK(argc >= 1 && realpath("/proc/self/exe", self));
    if (argc == 2) { /* executed through a link */
        CHECK(strcmp(argv[1], self) == 0);
        return guest_done();
    }
    CHECK(mkdtemp(folder) && chdir(folder) == 0);
    hidden_find(&low, &high);
    maps();
    exe(self);
    machine();
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(freopen("/dev/null", "w", stdout));
        execl("ee", "ee", self, NULL);
        _exit(1);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    static const char *const made[] = {"m", "mm", "folder", "t", "files", "e", "ee"};
    for (size_t k = 0; k < sizeof made / sizeof *made; k++)
        unlink(made[k]);
    CHECK(chdir("..") == 0 && rmdir(folder) == 0);
    return guest_done();
}
