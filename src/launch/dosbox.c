/* SPDX-License-Identifier: Apache-2.0
 *
 * DOSBox as a filter: a DOS program's standard input and output are ours, its exit status too.
 *
 * The idea: DOSBox has a screen and no streams. So it gets no screen (SDL's dummy driver), a folder
 * of our own as drive D: with a batch file that redirects the program's input and output there and
 * writes its error level into a file. What appears in the output file is passed on while it grows.
 *
 *     C:   the program's folder        D:   our own folder        E:   the working folder, current
 *
 * Invariants:
 * 1. The folder is gone at the end, DOSBox with us (PR_SET_PDEATHSIG).
 * 2. A signal that ends us is passed on to DOSBox first, and then ends us.
 *
 * Left out: what a program writes to the screen itself, and its standard error: DOS has no way to
 * redirect that.
 */
#include "launch/launch.h"

#include "base/buf.h"
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TAIL_MAX 126 /* bytes of arguments that DOS passes */
#define TICK_MS 50

struct dos {
    const struct launch *l;
    char dir[64];                 /* D: */
    char name[24];                /* the program as DOS calls it: C:\HELLO.EXE */
    int out;                      /* D:\OUT, for reading */
    int signals;                  /* signalfd of those that end us */
    sigset_t before;              /* the signal mask as it came */
    struct sigaction pipe_before; /* and what SIGPIPE did */
};

/* ---- its folder -------------------------------------------------------------------------------
 */

static bool plain_83(const char *name)
{
    static const char allowed[] = "!#$&'()-@^_{}~";
    const char *dot = strchr(name, '.');
    size_t stem = dot ? (size_t)(dot - name) : strlen(name);
    if (!dot || stem < 1 || stem > 8 ||
        (strcasecmp(dot, ".exe") != 0 && strcasecmp(dot, ".com") != 0))
        return false;
    for (size_t i = 0; i < stem; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr(allowed, name[i]))
            return false;
    return true;
}

static bool link_at(const struct dos *d, const char *target, const char *name)
{
    _cleanup_free_ char *path = str_printf("%s/%s", d->dir, name);
    return path && symlink(target, path) == 0;
}

static bool write_at(const struct dos *d, const char *name, const struct buf *text)
{
    _cleanup_free_ char *path = str_printf("%s/%s", d->dir, name);
    _cleanup_close_ int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    return fd >= 0 && buf_ok(text) && file_write_full(fd, buf_str(text), text->len);
}

/* The program by a name that DOS has for it: its own, or a link from our folder. */
static bool place_program(struct dos *d)
{
    uint8_t head[2] = {0};
    _cleanup_free_ char *real = realpath(d->l->file, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;
    if (!slash)
        return false;
    bool mz = pread(d->l->fd, head, 2, 0) == 2 && memcmp(head, "MZ", 2) == 0;
    if (plain_83(slash + 1)) {
        snprintf(d->name, sizeof(d->name), "C:\\%s", slash + 1);
    } else {
        snprintf(d->name, sizeof(d->name), "D:\\PROGRAM.%s", mz ? "EXE" : "COM");
        if (!link_at(d, real, d->name + 3))
            return false;
    }
    slash[slash == real] = 0;
    _cleanup_free_ char *here = getcwd(NULL, 0);
    return link_at(d, real, "c") && link_at(d, here ? here : "/", "e");
}

/* Pipes and terminals are read by DOSBox itself as the program asks; what stands within a file, or
 * comes from a socket, is copied. */
static bool place_input(struct dos *d)
{
    struct stat st;
    if (fstat(0, &st) < 0)
        return false;
    if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
        _cleanup_free_ char *path = str_printf("/proc/%d/fd/0", (int)getpid());
        return path && link_at(d, path, "IN");
    }
    _cleanup_free_ char *path = str_printf("%s/IN", d->dir);
    _cleanup_close_ int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    char data[16384];
    ssize_t n = 1;
    while (fd >= 0 && (n = read(0, data, sizeof(data))) > 0)
        if (!file_write_full(fd, data, (size_t)n))
            return false;
    return fd >= 0 && n == 0;
}

/* Arguments as DOS has them; false: it cannot have these. */
static bool add_tail(struct buf *b, const struct strv *words)
{
    size_t before = b->len;
    for (size_t i = 2; i < words->n; i++) {
        const char *p = words->v[i];
        bool quote = !*p || strpbrk(p, " \t");
        buf_adds(b, quote ? " \"" : " ");
        for (; *p; p++) {
            if ((unsigned char)*p < ' ' || strchr("<>|\"", *p))
                return false;
            buf_addc(b, *p);
            if (*p == '%')
                buf_addc(b, '%');
        }
        if (quote)
            buf_addc(b, '"');
    }
    return b->len - before <= TAIL_MAX;
}

static bool place_batch(const struct dos *d, const struct strv *words)
{
    _cleanup_buf_ struct buf run = {0}, conf = {0};
    buf_addf(&run, "@echo off\r\nE:\r\n%s", d->name);
    if (!add_tail(&run, words))
        return false;
    buf_adds(&run, " < D:\\IN > D:\\OUT\r\nset S=0\r\n");
    for (int i = 1; i < 256; i++)
        buf_addf(&run, "if errorlevel %d set S=%d\r\n", i, i);
    buf_adds(&run, "echo %S%> D:\\STATUS\r\n");
    buf_addf(&conf,
             "[sdl]\noutput=surface\n[cpu]\ncycles=max\n[mixer]\nnosound=true\n[midi]\n"
             "mpu401=none\nmididevice=none\n[speaker]\npcspeaker=false\ntandy=off\ndisney=false\n"
             "[joystick]\njoysticktype=none\n[autoexec]\n@echo off\n"
             "mount c \"%s/c\"\nmount d \"%s\"\nmount e \"%s/e\"\ncall d:\\run.bat\nexit\n",
             d->dir, d->dir, d->dir);
    return write_at(d, "RUN.BAT", &run) && write_at(d, "conf", &conf);
}

/* ---- running ----------------------------------------------------------------------------------
 */

__attribute__((noreturn)) static void in_child(const struct dos *d, const char *dosbox,
                                               pid_t parent)
{
    char conf[80];
    struct strv env = {0};
    bool ok = true;
    snprintf(conf, sizeof(conf), "%s/conf", d->dir);
    const char *argv[] = {dosbox, "-conf", conf, "-noconsole", NULL};
    for (const char *const *p = d->l->env; *p; p++)
        if (!str_starts(*p, "SDL_VIDEODRIVER=") && !str_starts(*p, "SDL_AUDIODRIVER="))
            ok = ok && strv_add(&env, *p);
    ok = ok && strv_add(&env, "SDL_VIDEODRIVER=dummy") && strv_add(&env, "SDL_AUDIODRIVER=dummy");
    int log = openat(AT_FDCWD, "/dev/null", O_RDWR);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!ok || getppid() != parent || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(127);
    dup2(log, 0);
    sigaction(SIGPIPE, &d->pipe_before, NULL);
    sigprocmask(SIG_SETMASK, &d->before, NULL);
    execve(dosbox, (char *const *)argv, env.v);
    _exit(127);
}

/* What is new in D:\OUT goes to standard output. */
static bool pass_output(struct dos *d)
{
    char data[16384];
    ssize_t n;
    if (d->out < 0) {
        _cleanup_free_ char *path = str_printf("%s/OUT", d->dir);
        d->out = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    }
    while (d->out >= 0 && (n = read(d->out, data, sizeof(data))) > 0)
        if (!file_write_full(1, data, (size_t)n))
            return false;
    return true;
}

/* Until DOSBox ends; the signal that ended us, or 0. */
static int wait_child(struct dos *d, pid_t pid)
{
    struct signalfd_siginfo info;
    struct pollfd p = {.fd = d->signals, .events = POLLIN};
    int signal = 0, status;
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR))
            break;
        if (!pass_output(d) && !signal) {
            signal = SIGPIPE;
            kill(pid, SIGKILL);
        }
        if (poll(&p, 1, TICK_MS) > 0 && read(d->signals, &info, sizeof(info)) == sizeof(info) &&
            info.ssi_signo != SIGCHLD) {
            signal = (int)info.ssi_signo;
            kill(pid,
                 SIGKILL); /* it keeps nothing, and asks on its screen when it is told to end */
        }
    }
    pass_output(d);
    return signal;
}

static int read_status(const struct dos *d)
{
    unsigned long long n;
    _cleanup_free_ char *path = str_printf("%s/STATUS", d->dir);
    _cleanup_free_ char *text = path ? file_load(AT_FDCWD, path, 64, NULL, NULL) : NULL;
    if (!text)
        return -1;
    text[strcspn(text, " \r\n")] = 0;
    return str_to_u64(text, 0, 255, &n) ? (int)n : -1;
}

static int run(struct dos *d, const char *dosbox, int *ret_signal)
{
    sigset_t set;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, &d->pipe_before); /* the folder has to go first */
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &d->before);
    d->signals = signalfd(-1, &set, SFD_CLOEXEC);
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return launch_refuse(d->l, "start %s: %s", dosbox, strerror(errno));
    if (pid == 0)
        in_child(d, dosbox, parent);
    *ret_signal = wait_child(d, pid);
    int status = read_status(d);
    if (status < 0 && !*ret_signal)
        return launch_refuse(d->l, "%s ended without running it", dosbox);
    return status;
}

/* Closed ones would be taken by the next file that is opened; and without input a program would
 * wait for keys that nobody can press. */
static void fill_streams(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
        ;
    util_close(fd);
}

int launch_dosbox(const struct launch *l, const char *dosbox, const struct strv *words)
{
    struct dos d = {.l = l, .out = -1, .signals = -1};
    const char *tmp = getenv("TMPDIR");
    int status, signal = 0;
    fill_streams();
    if (!tmp || tmp[0] != '/' || strlen(tmp) > sizeof(d.dir) - 24 || strpbrk(tmp, " \"%<>|"))
        tmp = "/tmp";
    snprintf(d.dir, sizeof(d.dir), "%s/archway-dos.XXXXXX", tmp);
    if (!mkdtemp(d.dir))
        return launch_refuse(l, "make a folder in %s: %s", tmp, strerror(errno));
    if (!place_program(&d) || !place_input(&d))
        status = launch_refuse(l, "prepare it in %s: %s", d.dir, strerror(errno));
    else if (!place_batch(&d, words))
        status = launch_refuse(l, "DOS takes %d bytes of arguments at most, and none of < > | \"",
                               TAIL_MAX);
    else
        status = run(&d, dosbox, &signal);
    file_remove_tree(AT_FDCWD, d.dir, NULL);
    if (signal) {
        sigset_t none;
        struct sigaction end = {.sa_handler = SIG_DFL};
        sigaction(signal, &end, NULL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        kill(getpid(), signal);
        status = 128 + signal;
    }
    return status;
}
