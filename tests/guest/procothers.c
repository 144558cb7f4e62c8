// SPDX-License-Identifier: Apache-2.0
// /proc of this and of other processes shows the guest's mappings, and never where the engine is: a
// child of a fork has its engine where its parent has it.
#include "guest.h"

#include "hidden.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static uintptr_t low, high;
static char text[1 << 18];

static long slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    long n = 0, got;
    while ((got = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0)
        n += got;
    close(fd);
    text[n] = 0;
    return n;
}

/* Every hexadecimal number of the text. */
static void clean(const char *path)
{
    long n = slurp(path);
    if (n < 0)
        return; /* not there, or not for us */
    for (char *p = text; *p;) {
        char *end;
        if (!strchr("0123456789abcdef", *p)) {
            p++;
            continue;
        }
        uintptr_t v = strtoul(p, &end, 16);
        if (end - p >= 9 && v > low && v < high)
            printf("%s: %#lx is the engine's\n", path, v);
        p = end == p ? p + 1 : end;
    }
}

static void all_files(const char *process)
{
    static const char *const names[] = {"maps", "smaps", "numa_maps", "smaps_rollup", "syscall",
                                        "stat", "auxv",  "status",    "wchan",        "stack"};
    char path[64];
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        snprintf(path, sizeof path, "/proc/%s/%s", process, names[k]);
        clean(path);
    }
    static const char *const folders[] = {"map_files", "map_files/", "map_files/."};
    for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
        snprintf(path, sizeof path, "/proc/%s/%s", process, folders[k]);
        CHECK(open(path, O_RDONLY | O_DIRECTORY) == -1);
    }
}

static void *sleeper(void *fd)
{
    char c;
    (void)!read((int)(intptr_t)fd, &c, 1);
    return NULL;
}

int main(void)
{
    char path[64], maps[1 << 16], line[128];
    int to[2], from[2];
    if (!hidden_find(&low, &high))
        return guest_done(); /* no engine here */
    char *mark = guest_pages(5 * 4096, PROT_READ | PROT_WRITE);
    mprotect(mark + 4096, 4096, PROT_READ | PROT_EXEC);
    mprotect(mark + 3 * 4096, 4096, PROT_NONE);
    CHECK(pipe(to) == 0 && pipe(from) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t t;
        pthread_create(&t, NULL, sleeper, (void *)(intptr_t)to[0]);
        long n = slurp("/proc/self/maps");
        CHECK(write(from[1], &n, sizeof n) == sizeof n && write(from[1], text, (size_t)n) == n);
        pthread_join(t, NULL);
        _exit(0);
    }
    long n;
    CHECK(read(from[0], &n, sizeof n) == sizeof n && n > 0 && n < (long)sizeof maps);
    for (long got = 0; got < n;)
        got += read(from[0], maps + got, (size_t)(n - got));
    maps[n] = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    CHECK(slurp(path) > 0);
    snprintf(line, sizeof line, "%lx-%lx r-xp", (uintptr_t)mark + 4096, (uintptr_t)mark + 8192);
    CHECK(strstr(text, line) && strstr(maps, line)); /* as the guest made them, in another's eyes */
    snprintf(line, sizeof line, "%lx-%lx ---p", (uintptr_t)mark + 12288, (uintptr_t)mark + 16384);
    CHECK(strstr(text, line) && strstr(maps, line));
    for (int tries = 0; tries < 100; tries++) { /* until its thread sleeps */
        snprintf(path, sizeof path, "/proc/%d/task/%d/wchan", pid, pid + 1);
        if (slurp(path) > 1)
            break;
        usleep(10000);
    }
    snprintf(path, sizeof path, "%d", pid);
    all_files(path);
    snprintf(path, sizeof path, "%d/task/%d", pid, pid + 1);
    all_files(path);
    all_files("self");
    all_files("thread-self");
    snprintf(path, sizeof path, "/proc/%d", pid);
    CHECK(chdir(path) == 0);
    clean("maps");
    clean("./task/../syscall");
    CHECK(open("map_files", O_RDONLY) == -1);
    CHECK(write(to[1], "x", 1) == 1);
    CHECK(waitpid(pid, NULL, 0) == pid);
    return guest_done();
}
