// SPDX-License-Identifier: Apache-2.0
/* The engine's locks, when their owner ends: with nobody waiting, and with somebody asleep. lock.c
 * is compiled into this test, as the runtime is no part of the hosted library. */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "engine/rt/lock.c"

static uint32_t lock;
static volatile int taken;

static char *new_stack(void)
{
    enum { SIZE = 1 << 16 };
    char *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        abort();
    return stack + SIZE;
}

__attribute__((noreturn)) static int hold_and_wait(void *nothing)
{
    (void)nothing;
    lock_take(&lock);
    taken = 1;
    for (;;)
        pause();
}

__attribute__((noreturn)) static int hold_and_end(void *nothing)
{
    (void)nothing;
    lock_take(&lock);
    _exit(0);
}

static void *waiter(void *nothing)
{
    lock_take(&lock);
    taken = 2;
    lock_give(&lock);
    return nothing;
}

TEST(taken_and_given)
{
    lock_take(&lock);
    CHECK(lock == (uint32_t)gettid());
    lock_give(&lock);
    CHECK(lock == 0);
}

TEST(an_owner_that_ended_unwaited_for)
{
    int status;
    pid_t pid = clone(hold_and_end, new_stack(), CLONE_VM | SIGCHLD, NULL);
    CHECK(pid > 0);
    while (kill(pid, 0) == 0 && waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT) != 0)
        ;
    CHECK(lock == (uint32_t)pid); /* a zombie has it */
    lock_take(&lock);
    CHECK(lock == (uint32_t)gettid());
    lock_give(&lock);
    CHECK(waitpid(pid, &status, 0) == pid);
    pid = clone(hold_and_end, new_stack(), CLONE_VM | SIGCHLD, NULL);
    CHECK(waitpid(pid, &status, 0) == pid);
    lock_take(&lock); /* and now nobody */
    lock_give(&lock);
    CHECK(lock == 0);
}

TEST(an_owner_that_is_killed_while_somebody_waits)
{
    int status;
    pthread_t t;
    taken = 0;
    pid_t pid = clone(hold_and_wait, new_stack(), CLONE_VM | SIGCHLD, NULL);
    while (!taken)
        sched_yield();
    CHECK(pthread_create(&t, NULL, waiter, NULL) == 0);
    while (!(__atomic_load_n(&lock, __ATOMIC_RELAXED) & FUTEX_WAITERS))
        sched_yield();
    CHECK(taken == 1);
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(pthread_join(t, NULL) == 0 && taken == 2);
    CHECK(lock == 0);
}

TEST_MAIN()
