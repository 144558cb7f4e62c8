// SPDX-License-Identifier: Apache-2.0
// What a program sees of itself in /proc is itself, not what runs it.
// args: one two
// qemu: its maps and auxv are its own
#include "guest.h"
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static char buffer[1 << 16];
static ssize_t slurp(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n, all = 0;
    CHECK(fd >= 0);
    while ((n = read(fd, buffer + all, sizeof buffer - 1 - (size_t)all)) > 0)
        all += n;
    buffer[all < 0 ? 0 : all] = 0;
    close(fd);
    return all;
}
static const char *base(const char *path)
{
    return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static void maps(const char *exe)
{
    int local;
    bool code = false, heap = false, stack = false;
    free(malloc(1 << 16));
    slurp("/proc/self/maps");
    unsigned long last = 0;
    for (char *line = strtok(buffer, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned long from, to;
        char perms[8], path[PATH_MAX] = "";
        CHECK(sscanf(line, "%lx-%lx %7s %*x %*x:%*x %*u %s", &from, &to, perms, path) >= 3);
        CHECK(from >= last && to > from);
        last = to;
        CHECK(strcspn(line, "-") >= 8 && (!*path || strstr(line, path) - line == 73));
        if ((uintptr_t)maps >= from && (uintptr_t)maps < to) {
            code = strcmp(path, exe) == 0 && strcmp(perms, "r-xp") == 0;
            if (!code)
                puts(line);
        }
        if ((uintptr_t)&local >= from && (uintptr_t)&local < to)
            stack = strcmp(path, "[stack]") == 0 && perms[1] == 'w';
        if (strcmp(path, "[heap]") == 0)
            heap = (uintptr_t)sbrk(0) == to;
        if (strstr(line, "engine") || strstr(path, "qemu"))
            printf("shown: %s\n", line);
    }
    CHECK(code);
    CHECK(heap);
    CHECK(stack);
}

int main(int argc, char **argv)
{
    char exe[PATH_MAX] = "", again[PATH_MAX] = "", name[32];
    struct stat a, b;
    CHECK(argc == 3 && readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
    CHECK(strcmp(base(exe), base(argv[0])) == 0);
    CHECK(stat("/proc/self/exe", &a) == 0 && stat(exe, &b) == 0 && a.st_ino == b.st_ino &&
          a.st_dev == b.st_dev);
    snprintf(again, sizeof again, "/proc/%d/exe", getpid());
    char other[PATH_MAX] = "";
    CHECK(readlink(again, other, sizeof other - 1) > 0 && strcmp(exe, other) == 0);
    int fd = open("/proc/self/exe", O_RDONLY);
    CHECK(fd >= 0 && fstat(fd, &b) == 0 && a.st_ino == b.st_ino);
    ElfW(Ehdr) e;
    CHECK(read(fd, &e, sizeof e) == sizeof e && e.e_machine == EM_AARCH64);
    ssize_t n = slurp("/proc/self/cmdline");
    size_t want = strlen(argv[0]) + 1;
    CHECK(n == (ssize_t)want + 8 && strcmp(buffer, argv[0]) == 0 &&
          memcmp(buffer + want, "one\0two", 8) == 0);
    n = slurp("/proc/self/comm");
    CHECK(n > 1 && strncmp(buffer, base(argv[0]), (size_t)n - 1) == 0);
    CHECK(prctl(PR_SET_NAME, "renamed") == 0 && prctl(PR_GET_NAME, name) == 0 &&
          strcmp(name, "renamed") == 0);
    n = slurp("/proc/self/comm");
    CHECK(strcmp(buffer, "renamed\n") == 0);
    n = slurp("/proc/self/auxv");
    bool entry = false;
    for (uint64_t *v = (uint64_t *)buffer; v < (uint64_t *)(buffer + n) && v[0]; v += 2) {
        if (v[0] == AT_ENTRY)
            entry = true;
        if (v[0] != AT_SYSINFO_EHDR)
            EQUAL(v[1], getauxval(v[0]));
    }
    CHECK(entry);
    n = slurp("/proc/self/environ");
    CHECK(n > 0 && memmem(buffer, (size_t)n, "LC_ALL=", 7));
    n = slurp("/proc/cpuinfo");
    CHECK(strstr(buffer, "CPU implementer") && strstr(buffer, "Features") &&
          !strstr(buffer, "GenuineIntel"));
    maps(exe);
    /* nothing is held open beside what was inherited */
    close(fd);
    EQUAL(dup(0), 3);
    return guest_done();
}
