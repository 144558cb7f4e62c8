// SPDX-License-Identifier: Apache-2.0
// While one thread begins to read clocks, another maps over the place where the host's kernel put
// its vDSO: that mapping is the program's, and stays. Children of forks at that time read clocks,
// too.
#include "guest.h"

#include "hidden.h"

#include <pthread.h>
#include <time.h>

static uintptr_t low, high;
static uint32_t delay;
static pthread_barrier_t start;

static void *reader(void *arg)
{
    struct timespec t;
    pthread_barrier_wait(&start);
    for (int k = 0; k < 2000; k++)
        if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
            return NULL;
    return arg;
}

/* As the first thread of a process that has not read a clock. */
static int one(void)
{
    pthread_t t;
    void *done;
    pthread_barrier_init(&start, NULL, 2);
    pthread_create(&t, NULL, reader, &start);
    pthread_barrier_wait(&start);
    for (volatile uint32_t k = 0; k < delay; k++)
        ;
    char *p = mmap((void *)low, high - low, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (p == MAP_FAILED)
        return 0;
    memset(p, 0x5a, high - low);
    if (pthread_join(t, &done) != 0 || !done)
        return 2;
    for (uintptr_t k = 0; k < high - low; k++)
        if (p[k] != 0x5a)
            return 3;
    return 0;
}

int main(void)
{
    char line[512];
    uintptr_t from, to;
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof line, f))
        if (strstr(line, "[stack]") && sscanf(line, "%lx-%lx", &from, &to) == 2)
            low = to;
    if (f)
        fclose(f);
    high = HIDDEN_LAST;
    if (!low || !hidden_narrow(&low, &high) || high - low > 1 << 20)
        return guest_done(); /* it is elsewhere, or there is none */
    for (int k = 0; k < 300; k++) {
        int status;
        delay = (uint32_t)(rand() % 30000);
        pid_t pid = fork();
        if (pid == 0)
            _exit(one());
        CHECK(waitpid(pid, &status, 0) == pid);
        if (status) {
            printf("child %d: status %#x\n", k, status);
            break;
        }
    }
    return guest_done();
}
