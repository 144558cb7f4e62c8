// SPDX-License-Identifier: Apache-2.0
// Everything below /proc/self, /proc/thread-self, a thread's and a child's folder is read: nothing
// there tells where the engine is, or which file it is. qemu: it shows itself
#include "guest.h"

#include "hidden.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

static uintptr_t low, high;
static char engine[PATH_MAX]; /* tests/engine/guest.sh has it beside this program */
static unsigned seen;

static bool inside(uintptr_t v)
{
    return v > low && v < high;
}

static void look_for_name(const char *path, const char *text, size_t n)
{
    if (memmem(text, n, engine, strlen(engine)) || memmem(text, n, "archway-engine", 14))
        printf("%s names the engine: %.*s\n", path, (int)(n < 300 ? n : 300), text);
}

/* Every number of the text, in both bases. */
static void look_for_numbers(const char *path, const char *text)
{
    for (const char *p = text; *p;) {
        char *end;
        if (!isxdigit((unsigned char)*p)) {
            p++;
            continue;
        }
        uintptr_t hex = strtoul(p, &end, 16);
        if (inside(hex) || inside(strtoul(p, NULL, 10)))
            printf("%s: %.*s is the engine's\n", path, (int)(end - p), p);
        p = end == p ? p + 1 : end;
    }
}

static void look_at_file(const char *path)
{
    static char text[1 << 20];
    const char *name = strrchr(path, '/') + 1;
    if (strcmp(name, "pagemap") == 0 || strcmp(name, "mem") == 0)
        return; /* by address */
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return;
    ssize_t n = 0, got;
    while (n < (ssize_t)sizeof text - 1 &&
           (got = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0)
        n += got;
    close(fd);
    text[n] = 0;
    seen++;
    look_for_name(path, text, (size_t)n);
    if (strcmp(name, "auxv") == 0) {
        for (ssize_t k = 0; k + 8 <= n; k += 8) {
            uintptr_t v;
            memcpy(&v, text + k, sizeof v);
            if (inside(v))
                printf("%s: %#lx is the engine's\n", path, v);
        }
        return;
    }
    look_for_numbers(path, text);
}

static void walk(const char *folder, unsigned depth)
{
    char path[PATH_MAX], target[PATH_MAX];
    DIR *d = opendir(folder);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path ||
            lstat(path, &st) < 0)
            continue;
        look_for_name(path, e->d_name, strlen(e->d_name));
        look_for_numbers(path, e->d_name);
        if (S_ISLNK(st.st_mode)) {
            ssize_t n = readlink(path, target, sizeof target - 1);
            target[n < 0 ? 0 : n] = 0;
            look_for_name(path, target, strlen(target));
        } else if (S_ISREG(st.st_mode)) {
            look_at_file(path);
        } else if (S_ISDIR(st.st_mode) && depth < 4 && strcmp(e->d_name, "net") != 0) {
            walk(path, depth + 1);
        }
    }
    closedir(d);
}

static void *wait_for_end(void *arg)
{
    char c;
    int *ends = arg;
    (void)!read(ends[0], &c, 1);
    return NULL;
}

int main(int argc, char **argv)
{
    int ends[2];
    pthread_t t;
    char path[64];
    CHECK(argc == 1 && pipe(ends) == 0);
    snprintf(engine, sizeof engine, "%.*s/archway", (int)(strrchr(argv[0], '/') - argv[0]),
             argv[0]);
    if (!hidden_find(&low, &high))
        return guest_done(); /* no engine here */
    pid_t pid = fork();
    if (pid == 0) {
        pthread_create(&t, NULL, wait_for_end, ends);
        pthread_join(t, NULL);
        _exit(0);
    }
    pthread_create(&t, NULL, wait_for_end, ends);
    usleep(50000);
    walk("/proc/self", 0);
    walk("/proc/thread-self", 0);
    snprintf(path, sizeof path, "/proc/%d", pid);
    walk(path, 0);
    look_at_file("/proc/cpuinfo");
    CHECK(seen > 100);
    CHECK(write(ends[1], "xx", 2) == 2);
    pthread_join(t, NULL);
    CHECK(waitpid(pid, NULL, 0) == pid);
    return guest_done();
}
