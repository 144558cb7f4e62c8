/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line's side of a running program: its streams or terminal, the signals, the end.
 */
#ifndef BOX_ATTACH_H
#define BOX_ATTACH_H

#include "box/box.h"
#include "box/control.h"
#include "box/relay.h"

#include <signal.h>
#include <sys/types.h>
#include <termios.h>

struct attach {
    int control;      /* socket to the holder */
    pid_t holder;     /* our child, or 0 (exec) */
    bool tty;         /* the program has a terminal of its own */
    bool interactive; /* standard input goes to it */
    const struct aw_log *log;
    void (*started)(void *user,
                    int pid); /* the program runs (pid in our namespace, 0: unknown); may be NULL */
    void *user;               /* passed to started */

    int signals;            /* signalfd */
    sigset_t old_mask;      /* to restore */
    struct relay relays[3]; /* stdin, stdout, stderr; with tty: in and out */
    int give[3];            /* streams for the program; some are pipes of the relays */
    int master;             /* terminal's controlling side */
    bool raw;               /* our terminal is in raw mode */
    struct termios old_termios;
    int pending;  /* a signal that came before the program ran */
    bool running; /* CONTROL_STARTED was seen */
};

/* Check that the streams fit the options, block the signals, and prepare give[]. */
bool attach_init(struct attach *a, struct aw_err *err);
/* After give[] was handed over: close what is not ours any more. */
void attach_given(struct attach *a);
/* In a child that does not serve: close the relays' ends, or no program would ever see the end of
 * its input. */
void attach_forget(struct attach *a);
/* Serve until the end; *ret_status is the program's exit status or, on failure, BOX_EXIT_*. */
bool attach_serve(struct attach *a, int *ret_status, struct aw_err *err);
void attach_fini(struct attach *a);
/* Rows and columns of our terminal; zeros where there is none. */
void attach_size(uint16_t *ret_rows, uint16_t *ret_cols);

#endif
