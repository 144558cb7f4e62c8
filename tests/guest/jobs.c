// SPDX-License-Identifier: Apache-2.0
// Job control, as a shell does it, on a terminal of its own: stopped from the keyboard, by reading
// and by setting the terminal from the background, by a handler that stops itself; continued;
// interrupted.
#include "guest.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>

static int keyboard; /* the terminal's other end */
static int ready[2]; /* a job tells the shell that its handlers are set */
static volatile int handled;

static void tell(void)
{
    CHECK(write(ready[1], "", 1) == 1);
}
static void wait_for_job(void)
{
    char c;
    CHECK(read(ready[0], &c, 1) == 1);
}
static void nothing(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    handled++;
}
static void stops_itself(int sig, siginfo_t *si, void *context)
{
    (void)si, (void)context;
    sigset_t set;
    handled++;
    signal(sig, SIG_DFL);
    raise(sig);
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(SIG_UNBLOCK, &set, NULL); /* here it stops */
    sigprocmask(SIG_BLOCK, &set, NULL);
    guest_handle(sig, stops_itself, 0);
    tell();
}
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- what the jobs do ---- */
static void spin(void)
{
    for (volatile unsigned i = 0;; i++)
        ;
}
static void sleep_on(void)
{
    double start = now();
    struct timespec t = {0, 400000000};
    CHECK(nanosleep(&t, NULL) == 0); /* stopping does not end it */
    CHECK(now() - start >= 0.4);
    _exit(5);
}
static void read_terminal(void)
{
    char c[2] = {0};
    CHECK(read(0, c, 2) == 2);
    _exit(c[0]);
}
static void take_terminal(void)
{
    CHECK(tcsetpgrp(0, getpgrp()) == 0);
    _exit(6);
}
static void own_handler(void)
{
    handled = 0;
    guest_handle(SIGTSTP, stops_itself, 0);
    tell();
    char c = 0;
    while (read(0, &c, 1) == -1 && errno == EINTR)
        ;
    _exit(handled * 10 + (c == 'y'));
}

/* ---- the shell ---- */
static pid_t job(void (*what)(void), bool foreground)
{
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        if (foreground)
            tcsetpgrp(0, getpid());
        signal(SIGTTOU, SIG_DFL);
        signal(SIGTTIN, SIG_DFL);
        signal(SIGTSTP, SIG_DFL);
        tell();
        what();
    }
    setpgid(pid, pid);
    if (foreground)
        tcsetpgrp(0, pid);
    wait_for_job();
    return pid;
}
static void type(const char *keys)
{
    usleep(50000);
    CHECK(write(keyboard, keys, strlen(keys)) == (ssize_t)strlen(keys));
}
static int status_of(pid_t pid, int options)
{
    int status = -1;
    CHECK(waitpid(pid, &status, options) == pid);
    tcsetpgrp(0, getpgrp());
    return status;
}
static void go_on(pid_t pid, bool foreground)
{
    if (foreground)
        tcsetpgrp(0, pid);
    kill(-pid, SIGCONT);
}
static void stopped(pid_t pid, int sig)
{
    int status = status_of(pid, WUNTRACED);
    CHECK(WIFSTOPPED(status));
    EQUAL(WSTOPSIG(status), sig);
}

static int shell(void)
{
    signal(SIGTTOU, SIG_IGN);
    signal(SIGTTIN, SIG_IGN);
    signal(SIGTSTP, SIG_IGN);
    guest_handle(SIGCHLD, nothing, SA_RESTART);
    pid_t pid = job(spin, true);
    type("\032"); /* ^Z */
    stopped(pid, SIGTSTP);
    go_on(pid, true);
    type("\003"); /* ^C */
    int status = status_of(pid, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);

    pid = job(sleep_on, true);
    type("\032");
    stopped(pid, SIGTSTP);
    go_on(pid, true);
    EQUAL(status_of(pid, 0), 5 << 8);

    pid = job(read_terminal, false);
    stopped(pid, SIGTTIN);
    go_on(pid, true);
    type("A\n");
    EQUAL(status_of(pid, 0), 'A' << 8);

    pid = job(take_terminal, false);
    stopped(pid, SIGTTOU);
    go_on(pid, true);
    EQUAL(status_of(pid, 0), 6 << 8);

    pid = job(own_handler, true);
    wait_for_job();
    type("\032");
    stopped(pid, SIGTSTP);
    go_on(pid, true);
    wait_for_job();
    type("\032");
    stopped(pid, SIGTSTP);
    go_on(pid, true);
    wait_for_job();
    type("y\n");
    EQUAL(status_of(pid, 0), 21 << 8);
    CHECK(handled > 0);
    return 44;
}

int main(void)
{
    int status;
    keyboard = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(keyboard >= 0 && grantpt(keyboard) == 0 && unlockpt(keyboard) == 0);
    CHECK(pipe(ready) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        int terminal = open(ptsname(keyboard), O_RDWR);
        CHECK(terminal >= 0 && dup2(terminal, 0) == 0);
        CHECK(ioctl(0, TIOCSCTTY, 0) == 0);
        status = shell();
        fflush(stdout);
        _exit(status);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    EQUAL(status, 44 << 8);
    return guest_done();
}
