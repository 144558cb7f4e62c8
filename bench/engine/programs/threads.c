// SPDX-License-Identifier: Apache-2.0
// Four threads: a shared mutex, atomic counters, a producer and a consumer.
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 4, ROUNDS = 4000000, ITEMS = 100000 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counter, atomic_counter, queue[64], head, tail, consumed;

static void *count(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 4 == 0) {
            pthread_mutex_lock(&lock);
            counter++;
            pthread_mutex_unlock(&lock);
        }
        __atomic_fetch_add(&atomic_counter, 1, __ATOMIC_SEQ_CST);
    }
    return arg;
}
static void *produce(void *arg)
{
    for (long i = 0; i < ITEMS; i++) {
        pthread_mutex_lock(&queue_lock);
        while (head - tail == 64)
            pthread_cond_wait(&changed, &queue_lock);
        queue[head++ % 64] = i;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&queue_lock);
    }
    return arg;
}
static void *consume(void *arg)
{
    for (long i = 0; i < ITEMS; i++) {
        pthread_mutex_lock(&queue_lock);
        while (head == tail)
            pthread_cond_wait(&changed, &queue_lock);
        consumed += queue[tail++ % 64];
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&queue_lock);
    }
    return arg;
}

int main(void)
{
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, count, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    pthread_create(&t[0], NULL, produce, NULL);
    pthread_create(&t[1], NULL, consume, NULL);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    printf("%ld %ld %ld\n", counter, atomic_counter, consumed);
    return 0;
}
