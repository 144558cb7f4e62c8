/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying between descriptors in a poll loop, with a bounded buffer for each direction.
 */
#ifndef BOX_RELAY_H
#define BOX_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

struct relay {
    int from, to;   /* -1: this relay is not in use, or is finished */
    bool own_from;  /* close from at its end */
    bool own_to;    /* close to at the end of from */
    char *data;     /* RELAY_SIZE bytes */
    size_t at, end; /* what waits to be written: data[at..end) */
    bool eof;       /* from is exhausted */
};

#define RELAY_SIZE 65536

bool relay_init(struct relay *r, int from, int to);
/* Fill in two entries: what to wait for on from and on to. */
void relay_poll(const struct relay *r, struct pollfd p[2]);
/* Copy what poll said is possible. False when the relay has finished with this call. */
bool relay_step(struct relay *r, const struct pollfd p[2]);
/* Copy until from is exhausted or nothing more comes at once (from is made non-blocking). */
void relay_drain(struct relay *r);
void relay_fini(struct relay *r);

#endif
