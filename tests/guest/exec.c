// SPDX-License-Identifier: Apache-2.0
// exec in its ways, each of this program again: arguments, environment, descriptors, ignored
// signals and the mask go over; handlers do not. posix_spawn with actions; what cannot be executed.
// out: child execve: a b | VAR=1
// out: child fexecve: c | VAR=2
// out: child posix_spawn: d | VAR=3
// out: child ./script: script x
// out: done
// qemu: starts no program without a binfmt_misc rule
#include "guest.h"
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <sys/stat.h>

static char self[PATH_MAX];

static int in_child(int argc, char **argv)
{
    struct sigaction act;
    sigset_t mask;
    printf("child %s:", argv[2]);
    for (int i = 3; i < argc; i++)
        printf(" %s", argv[i]);
    if (getenv("VAR"))
        printf(" | VAR=%s", getenv("VAR"));
    puts("");
    sigaction(SIGUSR1, NULL, &act);
    CHECK(act.sa_handler == SIG_DFL);
    sigaction(SIGUSR2, NULL, &act);
    CHECK(act.sa_handler == SIG_IGN);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    CHECK(sigismember(&mask, SIGHUP) && !sigismember(&mask, SIGTERM));
    CHECK(fcntl(100, F_GETFD) == 0 && fcntl(101, F_GETFD) == -1);
    fflush(stdout);
    return 17;
}

static void handler(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
}

static void ended(pid_t pid, int want)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    EQUAL(WEXITSTATUS(status), want);
}

static void failing(void)
{
    char *argv[] = {self, NULL}, *env[] = {NULL}, path[] = "/tmp/guest-exec.XXXXXX";
    CHECK(execve("/nowhere", argv, env) == -1 && errno == ENOENT);
    CHECK(execve("/tmp", argv, env) == -1 && errno == EACCES);
    int fd = mkstemp(path);
    CHECK(write(fd, "no program", 10) == 10);
    CHECK(execve(path, argv, env) == -1 && (errno == EACCES || errno == ETXTBSY));
    CHECK(fchmod(fd, 0700) == 0 && close(fd) == 0);
    CHECK(execve(path, argv, env) == -1 && errno == ENOEXEC);
    pid_t pid;
    CHECK(posix_spawn(&pid, "/nowhere", NULL, NULL, argv, env) == ENOENT);
    unlink(path);
}

static void script(char **env)
{
    char path[] = "./guest-exec.XXXXXX", text[PATH_MAX + 32];
    int fd = mkstemp(path), n = snprintf(text, sizeof text, "#!%s child\n", self);
    CHECK(write(fd, text, (size_t)n) == n && fchmod(fd, 0700) == 0 && close(fd) == 0);
    /* argv of a script: interpreter, its argument, the path, the rest */
    char *argv[] = {path, "script", "x", NULL};
    pid_t pid;
    CHECK(rename(path, "./script") == 0);
    CHECK(posix_spawn(&pid, "./script", NULL, NULL, argv, env) == 0);
    ended(pid, 17);
    unlink("./script");
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "child") == 0)
        return in_child(argc, argv);
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    guest_handle(SIGUSR1, handler, 0);
    signal(SIGUSR2, SIG_IGN);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGHUP);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    dup2(1, 100);
    dup3(1, 101, O_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0) {
        execve(self, (char *[]){self, "child", "execve", "a", "b", NULL},
               (char *[]){"VAR=1", NULL});
        _exit(1);
    }
    ended(pid, 17);
    pid = vfork();
    if (pid == 0) {
        int fd = open(self, O_RDONLY | O_CLOEXEC);
        fexecve(fd, (char *[]){self, "child", "fexecve", "c", NULL}, (char *[]){"VAR=2", NULL});
        _exit(1);
    }
    ended(pid, 17);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    char *spawned[] = {self, "child", "posix_spawn", "d", NULL}, *env[] = {"VAR=3", NULL};
    CHECK(posix_spawn(&pid, self, &actions, NULL, spawned, env) == 0);
    ended(pid, 17);
    failing();
    script((char *[]){NULL});
    return guest_done();
}
