/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages between the command line and the holder.
 */
#include "box/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

struct head {
    uint32_t type;
    int32_t value;
    uint32_t len;
};

bool control_pair(int ret[2], struct aw_err *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
        return aw_fail(err, AW_E_IO, errno, "socketpair");
    return true;
}

bool control_send(int sock, const struct control_msg *m, struct aw_err *err)
{
    struct head h = {.type = m->type, .value = m->value, .len = m->len};
    struct iovec io[2] = {{&h, sizeof(h)}, {m->text, m->len}};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * CONTROL_FDS)];
    } c = {0};
    struct msghdr msg = {.msg_iov = io, .msg_iovlen = m->len ? 2 : 1};
    if (m->len > CONTROL_TEXT)
        return aw_fail(err, AW_E_LIMIT, 0, "a message of %u bytes is too long", m->len);
    if (m->n_fds > 0) {
        msg.msg_control = c.room;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)m->n_fds);
        struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
        cm->cmsg_level = SOL_SOCKET;
        cm->cmsg_type = SCM_RIGHTS;
        cm->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)m->n_fds);
        memcpy(CMSG_DATA(cm), m->fds, sizeof(int) * (size_t)m->n_fds);
    }
    ssize_t n;
    do
        n = sendmsg(sock, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n >= 0 ? true : aw_fail(err, AW_E_IO, errno, "send to the other side");
}

bool control_send_value(int sock, enum control_type type, int value)
{
    struct control_msg m = {.type = type, .value = value};
    return control_send(sock, &m, NULL);
}

bool control_send_error(int sock, int exit_status, const struct aw_err *what)
{
    struct control_msg m = {
        .type = CONTROL_ERROR, .value = exit_status, .text = (char *)what, .len = sizeof(*what)};
    return control_send(sock, &m, NULL);
}

void control_send_log(int sock, enum aw_level level, const char *text)
{
    struct control_msg m = {.type = CONTROL_LOG,
                            .value = (int)level,
                            .text = (char *)text,
                            .len = (uint32_t)strnlen(text, 2048)};
    control_send(sock, &m, NULL);
}

/* Take over the descriptors that came along. */
static void take_fds(struct msghdr *msg, struct control_msg *ret)
{
    for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm; cm = CMSG_NXTHDR(msg, cm)) {
        if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(int));
            if (ret->n_fds < CONTROL_FDS)
                ret->fds[ret->n_fds++] = fd;
            else
                util_close(fd);
        }
    }
}

int control_recv(int sock, struct control_msg *ret, struct aw_err *err)
{
    struct head h;
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * CONTROL_FDS)];
    } c;
    memset(ret, 0, sizeof(*ret));
    _cleanup_free_ char *text = malloc(CONTROL_TEXT + 1);
    if (!text) {
        aw_fail(err, AW_E_NOMEM, 0, "receive: out of memory");
        return -1;
    }
    struct iovec io[2] = {{&h, sizeof(h)}, {text, CONTROL_TEXT}};
    struct msghdr msg = {
        .msg_iov = io, .msg_iovlen = 2, .msg_control = c.room, .msg_controllen = sizeof(c.room)};
    ssize_t n;
    do
        n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return 0;
    if (n < 0) {
        aw_fail(err, AW_E_IO, errno, "receive from the other side");
        return -1;
    }
    take_fds(&msg, ret);
    if ((size_t)n < sizeof(h) || (size_t)n != sizeof(h) + h.len || (msg.msg_flags & MSG_TRUNC)) {
        control_msg_fini(ret);
        aw_fail(err, AW_E_PARSE, 0, "a message of the other side is malformed");
        return -1;
    }
    ret->type = h.type;
    ret->value = h.value;
    ret->len = h.len;
    if (h.len) {
        text[h.len] = '\0';
        ret->text = AW_STEAL(text);
    }
    return 1;
}

void control_msg_fini(struct control_msg *m)
{
    free(m->text);
    m->text = NULL;
    for (int i = 0; i < m->n_fds; i++)
        util_close(m->fds[i]);
    m->n_fds = 0;
}

/* sun_path holds 108 bytes; a descriptor's magic link makes any folder short. */
static bool address(int dir_fd, const char *name, struct sockaddr_un *ret, struct aw_err *err)
{
    memset(ret, 0, sizeof(*ret));
    ret->sun_family = AF_UNIX;
    int n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
    if (n < 0 || (size_t)n >= sizeof(ret->sun_path))
        return aw_fail(err, AW_E_LIMIT, 0, "socket name %s is too long", name);
    return true;
}

int control_listen(int dir_fd, const char *name, struct aw_err *err)
{
    struct sockaddr_un a;
    if (!address(dir_fd, name, &a, err))
        return -1;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 16) < 0) {
        aw_fail(err, AW_E_IO, errno, "listen on socket %s", name);
        util_close(fd);
        return -1;
    }
    return fd;
}

int control_connect(int dir_fd, const char *name, struct aw_err *err)
{
    struct sockaddr_un a;
    if (!address(dir_fd, name, &a, err))
        return -1;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        aw_fail(err, AW_E_IO, errno, "connect to socket %s", name);
        util_close(fd);
        return -1;
    }
    return fd;
}
