// SPDX-License-Identifier: Apache-2.0
// Processes made in loops from several threads at once, by posix_spawn, vfork and fork, while
// signals come and other threads begin, end and map memory: statuses are right, handlers of the
// parent stay, nothing runs out. cc: -Wno-deprecated-declarations
#include "guest.h"
#include <pthread.h>
#include <spawn.h>
#include <sys/time.h>

enum { THREADS = 4, ROUNDS = 60 };
static char *self;
static volatile int ticks, stop;
extern char **environ;

static void tick(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    ticks++;
}
static void ended(pid_t pid, int want)
{
    int status = -1;
    pid_t got;
    while ((got = waitpid(pid, &status, 0)) == -1 && errno == EINTR)
        ;
    CHECK(got == pid && WIFEXITED(status));
    EQUAL(WEXITSTATUS(status), want);
}
static void spawned(int n)
{
    char text[16];
    snprintf(text, sizeof text, "%d", n);
    char *argv[] = {self, text, NULL};
    posix_spawnattr_t attr;
    sigset_t all;
    pid_t pid;
    posix_spawnattr_init(&attr);
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attr, &all); /* the child's handlers, not ours */
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(&pid, self, NULL, &attr, argv, environ);
    EQUAL(error, 0);
    if (!error)
        ended(pid, n);
    posix_spawnattr_destroy(&attr);
    EQUAL(posix_spawn(&pid, "/nowhere", NULL, NULL, argv, environ), ENOENT);
}
static void vforked(int n)
{
    pid_t pid = vfork();
    if (pid == 0)
        _exit(n);
    CHECK(pid > 0);
    ended(pid, n);
}
static void forked(int n)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(n);
    CHECK(pid > 0);
    ended(pid, n);
}
static void *work(void *arg)
{
    int which = (int)(intptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        int n = (which * ROUNDS + i) & 127;
        (i % 4 == 0 ? spawned : i % 4 == 1 ? vforked : forked)(n);
    }
    return NULL;
}
static void *nothing(void *arg)
{
    return arg;
}
static void *unrest(void *arg)
{
    while (!stop) {
        pthread_t t;
        void *got, *p = guest_pages(65536, PROT_READ | PROT_WRITE);
        memset(p, 1, 65536);
        munmap(p, 65536);
        if (pthread_create(&t, NULL, nothing, p) == 0) {
            pthread_join(t, &got);
            CHECK(got == p);
        } else {
            CHECK(!"a thread");
        }
    }
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS], restless;
    if (argc > 1)
        return atoi(argv[1]);
    self = argv[0];
    guest_handle(SIGALRM, tick, 0);
    struct itimerval t = {.it_value.tv_usec = 3000, .it_interval.tv_usec = 3000};
    setitimer(ITIMER_REAL, &t, NULL);
    pthread_create(&restless, NULL, unrest, NULL);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    stop = 1;
    pthread_join(restless, NULL);
    memset(&t, 0, sizeof t);
    setitimer(ITIMER_REAL, &t, NULL);
    CHECK(ticks > 3);
    return guest_done();
}
