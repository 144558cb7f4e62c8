/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages between the command line's process and a container's holder: whole packets on a
 * SOCK_SEQPACKET socket, descriptors beside them.
 */
#ifndef BOX_CONTROL_H
#define BOX_CONTROL_H

#include "base/util.h"

#include <archway/err.h>

#include <stdint.h>

enum control_type {
    CONTROL_LOG = 1, /* holder: value = enum aw_level, text */
    CONTROL_ERROR,   /* holder: value = exit status for the command line, text = a struct aw_err */
    CONTROL_STARTED, /* holder: value = pid of the container's first process in the holder's pid
                        namespace; text = name of the emulator; one descriptor: its pidfd */
    CONTROL_TTY,     /* holder: one descriptor, the terminal's controlling side */
    CONTROL_EXIT,    /* holder: value = exit status */
    CONTROL_SIGNAL,  /* command line: value = signal for the program */
    CONTROL_EXEC,    /* command line, on the listening socket: text = JSON, three descriptors */
};

#define CONTROL_TEXT (96 * 1024) /* bytes of text at most */
#define CONTROL_FDS 3

struct control_msg {
    uint32_t type;        /* enum control_type */
    int32_t value;        /* see there */
    uint32_t len;         /* bytes of text */
    char *text;           /* received: fresh memory with a NUL appended, or NULL */
    int fds[CONTROL_FDS]; /* received: owned; sent: borrowed */
    int n_fds;
};

/* A connected pair; both close-on-exec. */
bool control_pair(int ret[2], struct aw_err *err);

/* Send one message. EPIPE and the like are false. Never raises SIGPIPE. */
bool control_send(int sock, const struct control_msg *m, struct aw_err *err);
bool control_send_value(int sock, enum control_type type, int value);
bool control_send_error(int sock, int exit_status, const struct aw_err *what);
void control_send_log(int sock, enum aw_level level, const char *text);

/* Receive one message: 1; 0 at the end of the stream; -1 and err on failure. */
int control_recv(int sock, struct control_msg *ret, struct aw_err *err);
void control_msg_fini(struct control_msg *m);
#define _cleanup_control_ __attribute__((cleanup(control_msg_fini)))

/* A listening socket dir_fd/name and a connection to one; the path may be longer than sun_path. */
int control_listen(int dir_fd, const char *name, struct aw_err *err);
int control_connect(int dir_fd, const char *name, struct aw_err *err);

#endif
