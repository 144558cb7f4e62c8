// SPDX-License-Identifier: Apache-2.0
// fork: a tree of processes, memory of each its own, statuses, waiting in all its ways.
#include "guest.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static int *shared, private = 5;

static int tree(int depth)
{
    int sum = 1;
    pid_t kids[2];
    if (depth == 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        kids[i] = fork();
        if (kids[i] == 0)
            _exit(tree(depth - 1));
    }
    for (int i = 0; i < 2; i++) {
        int status;
        CHECK(waitpid(kids[i], &status, 0) == kids[i] && WIFEXITED(status));
        sum += WEXITSTATUS(status);
    }
    return sum;
}

static void waiting(void)
{
    siginfo_t si;
    struct rusage use;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(12);
    CHECK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == 0);
    CHECK(si.si_pid == pid && si.si_code == CLD_EXITED && si.si_status == 12);
    CHECK(wait4(-1, &status, WNOHANG, &use) == pid && WEXITSTATUS(status) == 12);
    CHECK(wait(&status) == -1 && errno == ECHILD);
    int fds[2];
    char c;
    CHECK(pipe(fds) == 0);
    pid = fork();
    if (pid == 0) {
        close(fds[1]);
        _exit(read(fds[0], &c, 1) == 0 ? 3 : 4);
    }
    close(fds[0]);
    CHECK(waitpid(pid, &status, WNOHANG) == 0);
    close(fds[1]);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    CHECK(pidfd >= 0 && waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &si, WEXITED) == 0);
    CHECK(si.si_pid == pid && si.si_status == 3);
    close(pidfd);
}

int main(void)
{
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t me = getpid(), pid = fork();
    if (pid == 0) {
        CHECK(getppid() == me && getpid() != me && syscall(SYS_gettid) == getpid());
        private = 6;
        __atomic_fetch_add(shared, 7, __ATOMIC_SEQ_CST);
        fflush(stdout);
        _exit(private);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 6);
    CHECK(private == 5 && *shared == 7);
    EQUAL(tree(4), 31);
    waiting();
    for (int i = 0; i < 30; i++) {
        pid = fork();
        if (pid == 0) {
            __atomic_fetch_add(shared, 1, __ATOMIC_SEQ_CST);
            _exit(i);
        }
        CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == i);
    }
    EQUAL(*shared, 37);
    return guest_done();
}
