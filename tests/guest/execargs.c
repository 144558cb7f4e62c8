// SPDX-License-Identifier: Apache-2.0
// What a program started by exec sees of how it was started: any argv[0], none, dashes, scripts of
// scripts with one argument, a descriptor without a path; /proc/self/cmdline and AT_EXECFN tell the
// same. qemu: starts no program without a binfmt_misc rule
#include "guest.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char self[PATH_MAX], dir[] = "/tmp/guest-execargs.XXXXXX";

/* argv and execfn as one line, into the descriptor of the test. */
static int tell(int argc, char **argv)
{
    char line[4096], cmdline[4096];
    size_t n = 0;
    int fd = open("/proc/self/cmdline", O_RDONLY);
    ssize_t got = read(fd, cmdline, sizeof cmdline), at = 0;
    for (int i = 0; i < argc; i++) {
        ssize_t length = (ssize_t)strlen(argv[i]) + 1;
        bool same = at + length <= got && memcmp(cmdline + at, argv[i], (size_t)length) == 0;
        at += length;
        n += (size_t)snprintf(line + n, sizeof line - n, "%s[%s]", same ? "" : "!", argv[i]);
    }
    n += (size_t)snprintf(line + n, sizeof line - n, "%s %s", at == got ? "" : "!",
                          (char *)getauxval(AT_EXECFN));
    CHECK(write(99, line, n) == (ssize_t)n);
    return 0;
}

static void expect(int fd, const char *path, char *const *argv, const char *want)
{
    int ends[2], status;
    char got[4096] = "";
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 99);
        if (fd >= 0)
            syscall(SYS_execveat, fd, path, argv, environ, AT_EMPTY_PATH);
        else
            execve(path, argv, environ);
        dprintf(99, "errno %d", errno);
        _exit(1);
    }
    close(ends[1]);
    for (ssize_t n, at = 0; (n = read(ends[0], got + at, sizeof got - 1 - (size_t)at)) > 0;)
        at += n;
    close(ends[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    if (strcmp(got, want) != 0)
        printf("got:  %s\nwant: %s\n", got, want);
}

static void script(const char *name, const char *head)
{
    FILE *f = fopen(name, "w");
    fputs(head, f);
    fclose(f);
    chmod(name, 0700);
}

int main(int argc, char **argv)
{
    if (fcntl(99, F_GETFD) == 0)
        return tell(argc, argv);
    char head[PATH_MAX + 100], want[PATH_MAX * 3];
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    CHECK(mkdtemp(dir) && chdir(dir) == 0);
    snprintf(want, sizeof want, "[any name][--strace][-0][--] %s", self);
    expect(-1, self, (char *[]){"any name", "--strace", "-0", "--", NULL}, want);
    snprintf(want, sizeof want, "[] %s", self);
    expect(-1, self, (char *[]){"", NULL}, want);
    expect(-1, self, (char *[]){NULL}, want);
    snprintf(head, sizeof head, "#! %s  one two \t\n", self);
    script("s1", head);
    script("s2", "#!./s1");
    script("s3", "#! \n");
    script("s4", "#!/nowhere/at/all\n");
    script("s5", "#!./s5\n");
    snprintf(want, sizeof want, "[%s][one two][./s1][x] ./s1", self);
    expect(-1, "./s1", (char *[]){"lost", "x", NULL}, want);
    snprintf(want, sizeof want, "[%s][one two][./s1][./s2][x] ./s2", self);
    expect(-1, "./s2", (char *[]){"lost", "x", NULL}, want);
    expect(-1, "./s3", (char *[]){"s3", NULL}, "errno 8");
    expect(-1, "./s4", (char *[]){"s4", NULL}, "errno 2");
    expect(-1, "./s5", (char *[]){"s5", NULL}, "errno 40");
    int fd = open(self, O_PATH | O_CLOEXEC);
    snprintf(want, sizeof want, "[by fd] /dev/fd/%d", fd);
    expect(fd, "", (char *[]){"by fd", NULL}, want);
    fd = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(symlink(self, "link") == 0);
    snprintf(want, sizeof want, "[at] /dev/fd/%d/link", fd);
    expect(fd, "link", (char *[]){"at", NULL}, want);
    for (const char *const *f = (const char *const[]){"s1", "s2", "s3", "s4", "s5", "link", NULL};
         *f; f++)
        unlink(*f);
    CHECK(rmdir(dir) == 0);
    return guest_done();
}
