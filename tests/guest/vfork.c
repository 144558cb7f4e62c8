// SPDX-License-Identifier: Apache-2.0
// vfork: the child has the parent's memory, and the parent waits until it is gone; clone with
// CLONE_VM | CLONE_VFORK on a stack of its own, as posix_spawn does it.
// qemu: its vfork is a fork
// cc: -Wno-deprecated-declarations
#include "guest.h"
#include <sched.h>
#include <spawn.h>

static volatile int from_child;
static char stack[65536] __attribute__((aligned(16)));

static int child(void *arg)
{
    from_child = *(int *)arg;
    usleep(20000);
    from_child++;
    _exit(21);
}

int main(void)
{
    int status, value = 100;
    for (int i = 1; i < 100; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            from_child = i;
            _exit(i);
        }
        EQUAL(from_child, i);
        CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == i);
    }
    pid_t pid = vfork();
    if (pid == 0) {
        raise(SIGKILL);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    pid = clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &value);
    EQUAL(from_child, 101);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 21);
    return guest_done();
}
