/* SPDX-License-Identifier: Apache-2.0 */
#include "box/relay.h"

#include "base/file.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>

bool relay_init(struct relay *r, int from, int to)
{
    memset(r, 0, sizeof(*r));
    r->from = from;
    r->to = to;
    r->data = malloc(RELAY_SIZE);
    if (!r->data)
        r->from = r->to = -1;
    return r->data != NULL;
}

void relay_poll(const struct relay *r, struct pollfd p[2])
{
    bool waiting = r->end > r->at;
    p[0] = (struct pollfd){.fd = waiting || r->eof ? -1 : r->from, .events = POLLIN};
    p[1] = (struct pollfd){.fd = waiting ? r->to : -1, .events = POLLOUT};
}

static void finish(struct relay *r)
{
    if (r->own_from)
        util_close(r->from);
    if (r->own_to)
        util_close(r->to);
    r->from = r->to = -1;
    r->at = r->end = 0;
}

static bool fill(struct relay *r)
{
    ssize_t n = read(r->from, r->data, RELAY_SIZE);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    /* a terminal whose other side is gone says EIO */
    if (n <= 0) {
        r->eof = true;
        return false;
    }
    r->at = 0;
    r->end = (size_t)n;
    return true;
}

static void flush(struct relay *r)
{
    while (r->at < r->end) {
        ssize_t n = write(r->to, r->data + r->at, r->end - r->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            /* nobody reads any more: go on emptying, so that the writer does not block */
            r->at = r->end;
            return;
        }
        r->at += (size_t)n;
    }
}

bool relay_step(struct relay *r, const struct pollfd p[2])
{
    if (r->from < 0)
        return true;
    if (p[0].revents && r->end == r->at && !r->eof && fill(r))
        flush(r);
    else if (p[1].revents)
        flush(r);
    if (!r->eof || r->end > r->at)
        return true;
    finish(r);
    return false;
}

void relay_drain(struct relay *r)
{
    if (r->from < 0)
        return;
    int flags = fcntl(r->from, F_GETFL);
    fcntl(r->from, F_SETFL, flags | O_NONBLOCK);
    for (;;) {
        if (r->end > r->at && !file_write_full(r->to, r->data + r->at, r->end - r->at))
            break;
        r->at = r->end;
        ssize_t n = read(r->from, r->data, RELAY_SIZE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        r->at = 0;
        r->end = (size_t)n;
    }
    fcntl(r->from, F_SETFL, flags);
}

void relay_fini(struct relay *r)
{
    if (r->from >= 0)
        finish(r);
    free(r->data);
    memset(r, 0, sizeof(*r));
    r->from = r->to = -1;
}
