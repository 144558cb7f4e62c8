// SPDX-License-Identifier: Apache-2.0
// Threads: mutexes, conditions, barriers, thread-local storage, cancellation, joining, many of
// them; raw futexes; signals to one thread.
#include "guest.h"
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>

enum { THREADS = 8, ROUNDS = 20000 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long counter, atomic_counter;
static int turn;
static __thread long mine = 7;
static sem_t ready;

static void *count(void *arg)
{
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
        __atomic_fetch_add(&atomic_counter, 1, __ATOMIC_RELAXED);
        mine += (long)arg;
    }
    CHECK(mine == 7 + ROUNDS * (long)arg);
    return (void *)mine;
}

static void *pass_on(void *arg)
{
    int me = (int)(long)arg;
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&lock);
        while (turn % THREADS != me)
            pthread_cond_wait(&turn_changed, &lock);
        turn++;
        pthread_cond_broadcast(&turn_changed);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void *forever(void *arg)
{
    (void)arg;
    sem_post(&ready);
    for (;;)
        pause();
    return NULL;
}

static int word;
static void *wake(void *arg)
{
    (void)arg;
    usleep(20000);
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1);
    return NULL;
}

static volatile pid_t signalled;
static void on_signal(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    signalled = (pid_t)syscall(SYS_gettid);
}
static void *wait_signal(void *arg)
{
    *(pid_t *)arg = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    while (!signalled)
        usleep(1000);
    return NULL;
}

static void *nothing(void *arg)
{
    return arg;
}

int main(void)
{
    pthread_t t[THREADS];
    void *result;
    pthread_barrier_init(&barrier, NULL, THREADS);
    sem_init(&ready, 0, 0);
    for (long i = 0; i < THREADS; i++)
        CHECK(pthread_create(&t[i], NULL, count, (void *)i) == 0);
    for (long i = 0; i < THREADS; i++)
        CHECK(pthread_join(t[i], &result) == 0 && (long)result == 7 + ROUNDS * i);
    EQUAL(counter, THREADS * ROUNDS);
    EQUAL(atomic_counter, THREADS * ROUNDS);
    EQUAL(mine, 7);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, pass_on, (void *)i);
    for (long i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    EQUAL(turn, 200 * THREADS);
    pthread_create(&t[0], NULL, forever, NULL);
    sem_wait(&ready);
    CHECK(pthread_cancel(t[0]) == 0 && pthread_join(t[0], &result) == 0 &&
          result == PTHREAD_CANCELED);
    pthread_create(&t[0], NULL, wake, NULL);
    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL);
    pthread_join(t[0], NULL);
    struct timespec soon = {0, 1000000};
    CHECK(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &soon) == -1 && errno == ETIMEDOUT);
    CHECK(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &soon) == -1 && errno == EAGAIN);
    pid_t id = 0;
    guest_handle(SIGUSR1, on_signal, 0);
    pthread_create(&t[0], NULL, wait_signal, &id);
    sem_wait(&ready);
    CHECK(pthread_kill(t[0], SIGUSR1) == 0 && pthread_join(t[0], NULL) == 0);
    EQUAL(signalled, id);
    for (long i = 0; i < 500; i++)
        CHECK(pthread_create(&t[0], NULL, nothing, (void *)i) == 0 &&
              pthread_join(t[0], &result) == 0 && (long)result == i);
    return guest_done();
}
