// SPDX-License-Identifier: Apache-2.0
// cc: -march=armv8-a -mno-outline-atomics
/* fork while other threads are within store-exclusives: the child, where they are not, makes
 * threads and store-exclusives of its own. Once, burying them there took a cell for ever. */
#include "guest.h"

#include <pthread.h>

enum { CHILDREN = 40 };

static uint64_t word[2] __attribute__((aligned(64)));

static void add(void)
{
    uint64_t v;
    uint32_t failed;
    do {
        __asm__ volatile("ldaxr %0, [%2]\n"
                         "add %0, %0, #1\n"
                         "stlxr %w1, %0, [%2]"
                         : "=&r"(v), "=&r"(failed)
                         : "r"(word)
                         : "memory");
    } while (failed);
}

static void *spin(void *arg)
{
    for (;;)
        add();
    return arg;
}

static void *nothing(void *arg)
{
    return arg;
}

int main(void)
{
    pthread_t t;
    for (int k = 0; k < 2; k++)
        EQUAL(pthread_create(&t, NULL, spin, NULL), 0);
    for (int n = 0; n < CHILDREN; n++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(20);
            EQUAL(pthread_create(&t, NULL, nothing, NULL), 0);
            EQUAL(pthread_join(t, NULL), 0);
            add();
            _exit(7);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
    return guest_done();
}
