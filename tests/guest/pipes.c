// SPDX-License-Identifier: Apache-2.0
// Pipes, sockets and polling between two processes; more bytes than a pipe holds.
#include "guest.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { SIZE = 1 << 20 };

static void transfer(void)
{
    int to[2], from[2], status;
    CHECK(pipe2(to, O_CLOEXEC) == 0 && pipe(from) == 0);
    pid_t pid = fork();
    static unsigned char buffer[SIZE];
    if (pid == 0) {
        close(to[1]);
        close(from[0]);
        unsigned sum = 0;
        ssize_t n;
        while ((n = read(to[0], buffer, sizeof buffer)) > 0)
            for (ssize_t i = 0; i < n; i++)
                sum = sum * 31 + buffer[i];
        _exit(write(from[1], &sum, sizeof sum) != sizeof sum);
    }
    close(to[0]);
    close(from[1]);
    unsigned want = 0, got = 0;
    for (int i = 0; i < SIZE; i++) {
        buffer[i] = (unsigned char)(i * 7 + i / 1000);
        want = want * 31 + buffer[i];
    }
    for (size_t at = 0; at < SIZE;) {
        struct iovec v[2] = {{buffer + at, (SIZE - at) / 2},
                             {buffer + at + (SIZE - at) / 2, SIZE - at - (SIZE - at) / 2}};
        ssize_t n = writev(to[1], v, 2);
        CHECK(n > 0);
        at += (size_t)n;
    }
    close(to[1]);
    CHECK(read(from[0], &got, sizeof got) == sizeof got);
    EQUAL(got, want);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void polling(void)
{
    int p[2], left;
    char c = 'x';
    struct timeval soon = {0, 1000};
    fd_set set;
    CHECK(pipe2(p, O_NONBLOCK) == 0);
    CHECK(read(p[0], &c, 1) == -1 && errno == EAGAIN);
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    EQUAL(select(p[0] + 1, &set, NULL, NULL, &soon), 0);
    int ep = epoll_create1(0);
    struct epoll_event in = {.events = EPOLLIN, .data.u64 = 0x123456789abcdef0}, out[4];
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &in) == 0);
    EQUAL(epoll_wait(ep, out, 4, 1), 0);
    CHECK(write(p[1], "abc", 3) == 3);
    EQUAL(epoll_wait(ep, out, 4, 1000), 1);
    CHECK(out[0].events == EPOLLIN && out[0].data.u64 == 0x123456789abcdef0);
    CHECK(ioctl(p[0], FIONREAD, &left) == 0 && left == 3);
    struct pollfd fds[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
    EQUAL(poll(fds, 2, 0), 2);
    CHECK(fds[0].revents == POLLIN && fds[1].revents == POLLOUT);
    close(p[1]);
    EQUAL(poll(fds, 1, 0), 1);
    CHECK(fds[0].revents == (POLLIN | POLLHUP));
}

static void special(void)
{
    uint64_t n = 0;
    int fd = eventfd(5, EFD_NONBLOCK);
    CHECK(eventfd_write(fd, 3) == 0 && read(fd, &n, 8) == 8 && n == 8);
    CHECK(read(fd, &n, 8) == -1 && errno == EAGAIN);
    fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec t = {.it_value.tv_nsec = 1000000};
    CHECK(timerfd_settime(fd, 0, &t, NULL) == 0 && read(fd, &n, 8) == 8 && n == 1);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, 0);
    raise(SIGUSR1);
    struct signalfd_siginfo si;
    CHECK(read(fd, &si, sizeof si) == sizeof si && si.ssi_signo == SIGUSR1);
}

static void sockets(void)
{
    int s[2], got = -1;
    char text[8] = "";
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
    /* a descriptor goes over it */
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec v = {"hello", 5};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &(int){1}, sizeof(int));
    CHECK(sendmsg(s[0], &m, 0) == 5);
    v = (struct iovec){text, sizeof text};
    CHECK(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC) == 5 && strcmp(text, "hello") == 0);
    c = CMSG_FIRSTHDR(&m);
    CHECK(c && c->cmsg_type == SCM_RIGHTS);
    memcpy(&got, CMSG_DATA(c), sizeof got);
    CHECK(got > 2 && fcntl(got, F_GETFD) == FD_CLOEXEC);
    struct ucred cred;
    socklen_t size = sizeof cred;
    CHECK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &cred, &size) == 0 && cred.pid == getpid());
}

int main(void)
{
    transfer();
    polling();
    special();
    sockets();
    return guest_done();
}
