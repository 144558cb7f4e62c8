/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the user's streams and a program in a container.
 *
 * The idea: where the program has no terminal of its own, it gets our streams themselves (no
 * copying), except those that are terminals: these are relayed through pipes, because a container
 * that held our terminal could read the keys meant for the shell; and an input file, which it could
 * open for writing. With -t the runtime makes a
 * terminal inside and we relay between it and ours in raw mode.
 *
 * Invariants:
 * 1. The user's descriptors keep their flags: none is made non-blocking.
 * 2. The terminal's mode is restored on every way out but SIGKILL.
 * 3. Signals are taken by signalfd, so none is lost between check and wait.
 */
#include "box/attach.h"

#include "base/file.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT};

void attach_size(uint16_t *ret_rows, uint16_t *ret_cols)
{
    struct winsize w = {0};
    for (int fd = 0; fd < 3; fd++)
        if (ioctl(fd, TIOCGWINSZ, &w) == 0)
            break;
    *ret_rows = w.ws_row;
    *ret_cols = w.ws_col;
}

/* ---- preparing --------------------------------------------------------------------------------
 */

/* A pipe between stream i of ours (a terminal) and the program. */
static bool relay_stream(struct attach *a, int i, struct aw_err *err)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0)
        return aw_fail(err, AW_E_IO, errno, "pipe");
    bool in = i == 0;
    a->give[i] = in ? p[0] : p[1];
    if (!relay_init(&a->relays[i], in ? 0 : p[0], in ? p[1] : i))
        return aw_fail(err, AW_E_NOMEM, 0, "relay: out of memory");
    *(in ? &a->relays[i].own_to : &a->relays[i].own_from) = true;
    if (in)
        fcntl(p[1], F_SETFL, O_NONBLOCK);
    return true;
}

/* What the program must not get itself. A terminal: see above. A folder leads to all that is around
 * it (/proc/self/fd/0/..). A file opened for reading only can be opened for writing through
 * /proc/self/fd/0, since the container's root may be its owner. */
enum stream_kind { STREAM_GIVEN, STREAM_RELAYED, STREAM_REFUSED };

static enum stream_kind stream_kind(int i)
{
    struct stat st;
    if (fstat(i, &st) < 0)
        return STREAM_GIVEN;
    if (S_ISDIR(st.st_mode))
        return STREAM_REFUSED;
    bool file = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode);
    if (file && i == 0 && (fcntl(i, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return STREAM_RELAYED;
    return isatty(i) ? STREAM_RELAYED : STREAM_GIVEN;
}

static bool prepare_streams(struct attach *a, struct aw_err *err)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return aw_fail(err, AW_E_IO, errno, "open /dev/null");
    for (int i = 0; i < 3; i++) {
        bool used = !a->tty && (i > 0 || a->interactive);
        enum stream_kind kind = used ? stream_kind(i) : STREAM_GIVEN;
        if (kind == STREAM_REFUSED) {
            util_close(null);
            return aw_fail(err, AW_E_ARG, 0, "standard %s is a folder",
                           i == 0 ? "input" : "output");
        }
        if (kind == STREAM_RELAYED) {
            if (!relay_stream(a, i, err)) {
                util_close(null);
                return false;
            }
            continue;
        }
        /* a stream that the caller has closed is /dev/null to the program */
        a->give[i] = used && fcntl(i, F_GETFD) >= 0 ? fcntl(i, F_DUPFD_CLOEXEC, 10)
                                                    : fcntl(null, F_DUPFD_CLOEXEC, 10);
    }
    util_close(null);
    return true;
}

/* What the caller ignores (nohup) stays ignored, here and for the container. */
static bool is_ignored(int sig)
{
    struct sigaction now;
    return sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

bool attach_init(struct attach *a, struct aw_err *err)
{
    sigset_t set;
    a->master = a->signals = -1;
    for (int i = 0; i < 3; i++) {
        a->give[i] = -1;
        a->relays[i].from = a->relays[i].to = -1;
    }
    if (a->tty && a->interactive && !isatty(0)) {
        aw_fail(err, AW_E_ARG, 0, "-t with -i needs a terminal, and standard input is none");
        return aw_mend(err, "leave -t out");
    }
    sigemptyset(&set);
    for (size_t i = 0; i < AW_LEN(passed_on); i++)
        if (!is_ignored(passed_on[i]))
            sigaddset(&set, passed_on[i]);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_BLOCK, &set, &a->old_mask);
    a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (a->signals < 0)
        return aw_fail(err, AW_E_IO, errno, "signalfd");
    return prepare_streams(a, err);
}

void attach_given(struct attach *a)
{
    for (int i = 0; i < 3; i++) {
        util_close(a->give[i]);
        a->give[i] = -1;
    }
}

void attach_forget(struct attach *a)
{
    for (int i = 0; i < 3; i++)
        relay_fini(&a->relays[i]);
}

/* ---- the terminal -----------------------------------------------------------------------------
 */

static void pass_size(struct attach *a)
{
    struct winsize w = {0};
    attach_size(&w.ws_row, &w.ws_col);
    if (a->master >= 0 && w.ws_row)
        ioctl(a->master, TIOCSWINSZ, &w);
}

static void take_terminal(struct attach *a, int master)
{
    a->master = master;
    fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
    pass_size(a);
    relay_init(&a->relays[1], master, 1);
    if (!a->interactive || !relay_init(&a->relays[0], 0, master))
        return;
    if (tcgetattr(0, &a->old_termios) == 0) {
        struct termios raw = a->old_termios;
        cfmakeraw(&raw);
        a->raw = tcsetattr(0, TCSADRAIN, &raw) == 0;
    }
}

static void restore_terminal(struct attach *a)
{
    if (a->raw)
        tcsetattr(0, TCSADRAIN, &a->old_termios);
    a->raw = false;
}

/* ---- serving ----------------------------------------------------------------------------------
 */

static void take_signals(struct attach *a)
{
    struct signalfd_siginfo si;
    while (read(a->signals, &si, sizeof(si)) == sizeof(si)) {
        int sig = (int)si.ssi_signo;
        if (sig == SIGWINCH)
            pass_size(a);
        else if (sig != SIGPIPE && a->running)
            control_send_value(a->control, CONTROL_SIGNAL, sig);
        else if (sig != SIGPIPE && sig != SIGCONT)
            a->pending = sig;
    }
}

/* The process that the holder has sent a pidfd of, as our /proc numbers it; 0: unknown. */
static int pid_of(int pidfd)
{
    char path[40];
    int pid = 0;
    struct aw_err ignored = AW_ERR_INIT;
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, 4096, NULL, &ignored);
    const char *line = text ? strstr(text, "\nPid:") : NULL;
    return line && sscanf(line + 5, "%d", &pid) == 1 && pid > 0 ? pid : 0;
}

/* One message. 0: go on; 1: the program ended, or failed (*ret_ok false). */
static int take_message(struct attach *a, int *ret_status, bool *ret_ok, struct aw_err *err)
{
    _cleanup_control_ struct control_msg m;
    int got = control_recv(a->control, &m, err);
    if (got <= 0) {
        *ret_ok = false;
        *ret_status = a->running ? 128 + SIGKILL : BOX_EXIT_FAILED;
        if (got == 0)
            aw_fail(err, AW_E_CHILD, 0, "the container was killed from outside");
        return 1;
    }
    switch (m.type) {
    case CONTROL_LOG:
        aw_log(a->log, (enum aw_level)m.value, "%s", m.text ? m.text : "");
        return 0;
    case CONTROL_TTY:
        if (m.n_fds > 0)
            take_terminal(a, util_steal_fd(&m.fds[0]));
        return 0;
    case CONTROL_STARTED:
        a->running = true;
        if (a->started)
            a->started(a->user, m.n_fds > 0 ? pid_of(m.fds[0]) : 0);
        return 0;
    case CONTROL_EXIT:
        *ret_ok = true;
        *ret_status = m.value;
        return 1;
    case CONTROL_ERROR:
        *ret_ok = false;
        *ret_status = m.value;
        if (m.len == sizeof(*err) && err)
            memcpy(err, m.text, sizeof(*err));
        return 1;
    default:
        return 0;
    }
}

/* A signal before the program runs ends all of it. */
static bool cancelled(struct attach *a, int *ret_status, struct aw_err *err)
{
    if (!a->pending || a->running)
        return false;
    *ret_status = 128 + a->pending;
    if (a->holder)
        kill(a->holder, SIGKILL);
    aw_fail(err, AW_E_CANCELLED, 0, "interrupted before the program was started");
    return true;
}

bool attach_serve(struct attach *a, int *ret_status, struct aw_err *err)
{
    bool ok = false;
    for (;;) {
        struct pollfd p[8] = {{.fd = a->control, .events = POLLIN},
                              {.fd = a->signals, .events = POLLIN}};
        for (int i = 0; i < 3; i++)
            relay_poll(&a->relays[i], p + 2 + 2 * i);
        if (poll(p, 8, -1) < 0)
            continue;
        if (p[1].revents)
            take_signals(a);
        if (cancelled(a, ret_status, err))
            break;
        for (int i = 0; i < 3; i++)
            relay_step(&a->relays[i], p + 2 + 2 * i);
        if (p[0].revents && take_message(a, ret_status, &ok, err))
            break;
    }
    /* what the program has written before its end is still in the pipes */
    for (int i = 1; i < 3; i++)
        relay_drain(&a->relays[i]);
    restore_terminal(a);
    return ok;
}

void attach_fini(struct attach *a)
{
    restore_terminal(a);
    attach_given(a);
    for (int i = 0; i < 3; i++)
        relay_fini(&a->relays[i]);
    util_close(a->master);
    util_close(a->signals);
    /* a SIGPIPE of ours that is still pending must not kill us now */
    struct timespec zero = {0};
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    while (sigtimedwait(&pipe, NULL, &zero) > 0)
        ;
    sigprocmask(SIG_SETMASK, &a->old_mask, NULL);
}
