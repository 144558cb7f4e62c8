// SPDX-License-Identifier: Apache-2.0
// qemu: its fork ignores CLONE_VFORK
/* clone with CLONE_VFORK, but memory of its own: the caller waits for the child, the other threads
 * go on. With no other threads it really waits. */
#include "guest.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

static int to_child[2];

static void *other(void *arg)
{
    usleep(100000);
    void *m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(m, 4096);
    EQUAL(write(to_child[1], "x", 1), 1);
    return arg;
}

static pid_t clone_vfork(void)
{
    return (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
}

static void wait_for(pid_t pid, int wanted)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == wanted);
}

int main(void)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    pid_t pid = clone_vfork();
    if (pid == 0) {
        usleep(100000);
        _exit(3);
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 99);
    wait_for(pid, 3);

    EQUAL(pipe(to_child), 0);
    pthread_t t;
    EQUAL(pthread_create(&t, NULL, other, NULL), 0);
    pid = clone_vfork();
    if (pid == 0) {
        char c;
        alarm(20);
        _exit(read(to_child[0], &c, 1) == 1 ? 4 : 5);
    }
    wait_for(pid, 4);
    EQUAL(pthread_join(t, NULL), 0);
    return guest_done();
}
