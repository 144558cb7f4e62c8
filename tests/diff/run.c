/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *grow(void *p, unsigned used, unsigned *room, size_t size)
{
    if (used < *room)
        return p;
    *room = *room ? 2 * *room : 1024;
    p = realloc(p, *room * size);
    if (!p)
        err(1, "memory");
    return p;
}
struct row_code *cases_add_code(struct cases *c)
{
    c->codes = grow(c->codes, c->ncodes, &c->code_room, sizeof *c->codes);
    struct row_code *new = &c->codes[c->ncodes++];
    memset(new, 0, sizeof *new);
    return new;
}
struct row_start *cases_add_start(struct cases *c)
{
    c->starts = grow(c->starts, c->nstarts, &c->start_room, sizeof *c->starts);
    struct row_start *new = &c->starts[c->nstarts++];
    memset(new, 0, sizeof *new);
    return new;
}
void cases_clear(struct cases *c)
{
    c->ncodes = c->nstarts = 0;
}
void cases_free(struct cases *c)
{
    free(c->codes);
    free(c->starts);
    memset(c, 0, sizeof *c);
}
void answers_free(struct answers *a)
{
    free(a->brief);
    free(a->full);
    free(a->arena);
    memset(a, 0, sizeof *a);
}

static void put(FILE *f, const void *data, size_t size)
{
    if (fwrite_unlocked(data, 1, size, f) != size)
        err(1, "write cases");
}

/* Only what changed since the start before. */
static void put_start(FILE *f, const struct row_start *s, const struct row_start *before)
{
    uint64_t out[ROW_MASKS + ROW_START_WORDS] = {0};
    const row_word *new = (const row_word *)s, *old = (const row_word *)before;
    unsigned n = ROW_MASKS;
    for (unsigned i = 0; i < ROW_START_WORDS; i++)
        if (new[i] != old[i]) {
            out[i / 64] |= 1ull << i % 64;
            out[n++] = new[i];
        }
    put(f, out, n * sizeof *out);
}

/* Codes [*at, ...) of one batch: no slot twice. */
static struct row_batch next_batch(const struct cases *c, unsigned at, unsigned mode)
{
    char used[ROW_SLOTS] = {0};
    struct row_batch b = {.magic = ROW_MAGIC, .mode = mode};
    while (at < c->ncodes && !used[c->codes[at].slot] && b.codes < ROW_SLOTS) {
        used[c->codes[at].slot] = 1;
        b.codes++;
        b.starts += c->codes[at++].states;
    }
    return b;
}

int run_write(const struct cases *c, unsigned mode)
{
    int fd = memfd_create("cases", MFD_CLOEXEC);
    if (fd < 0)
        err(1, "memfd_create");
    FILE *f = fdopen(dup(fd), "w");
    unsigned start = 0;
    for (unsigned at = 0; at < c->ncodes;) {
        struct row_batch b = next_batch(c, at, mode);
        put(f, &b, sizeof b);
        put(f, &c->codes[at], b.codes * sizeof *c->codes);
        static const struct row_start zeros;
        const struct row_start *before = &zeros;
        for (unsigned end = start + b.starts; start < end; before = &c->starts[start++])
            put_start(f, &c->starts[start], before);
        at += b.codes;
    }
    if (fclose(f) != 0)
        err(1, "write cases");
    return fd;
}

struct job {
    pid_t pid;
    int pidfd, out;
};

static struct job job_start(const struct emulator *e, int in)
{
    struct job j = {.out = memfd_create("answers", MFD_CLOEXEC)};
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", in);
    posix_spawn_file_actions_t fa;
    posix_spawn_file_actions_init(&fa);
    /* opened again: both emulators read from the beginning */
    posix_spawn_file_actions_addopen(&fa, 0, name, O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&fa, j.out, 1);
    int error = posix_spawnp(&j.pid, e->argv[0], &fa, NULL, e->argv, e->env);
    if (error)
        errx(1, "start %s: %s", e->argv[0], strerror(error));
    posix_spawn_file_actions_destroy(&fa);
    j.pidfd = (int)syscall(SYS_pidfd_open, j.pid, 0);
    return j;
}

static void job_wait(struct job *j, unsigned seconds, struct answers *a)
{
    struct pollfd p = {.fd = j->pidfd, .events = POLLIN};
    struct rusage use;
    int n = poll(&p, 1, (int)seconds * 1000);
    if (n == 0)
        kill(j->pid, SIGKILL);
    while (wait4(j->pid, &a->status, 0, &use) < 0 && errno == EINTR)
        ;
    if (n == 0)
        a->status = -1;
    a->cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
             (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    close(j->pidfd);
}

static void read_answers(int out, const struct cases *c, unsigned mode, struct answers *a)
{
    struct stat st;
    fstat(out, &st);
    size_t size = (size_t)st.st_size, at = 0,
           one = mode & ROW_FULL ? sizeof *a->full : sizeof *a->brief;
    char *map = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, out, 0) : NULL;
    a->brief = calloc(c->nstarts + 1, sizeof *a->brief);
    a->full = mode & ROW_FULL ? calloc(c->nstarts + 1, sizeof *a->full) : NULL;
    a->arena = calloc(c->ncodes + 1, sizeof *a->arena);
    unsigned batch = 0;
    for (unsigned code = 0; code < c->ncodes; batch++) {
        struct row_batch b = next_batch(c, code, mode);
        unsigned i = 0;
        for (; i < b.starts && at + one <= size; i++, at += one) {
            if (a->full) {
                memcpy(&a->full[a->done], map + at, one);
                a->brief[a->done] = a->full[a->done].brief;
                a->done++;
            } else {
                memcpy(&a->brief[a->done++], map + at, one);
            }
        }
        if (i < b.starts || at + sizeof(struct row_brief) > size)
            break;
        a->arena[batch] = ((struct row_brief *)(map + at))->hash;
        at += sizeof(struct row_brief);
        code += b.codes;
    }
    if (map)
        munmap(map, size);
}

bool run_pair(const struct emulator e[2], const struct cases *c, unsigned mode, struct answers a[2])
{
    int in = run_write(c, mode);
    struct job j[2];
    for (int i = 0; i < 2; i++)
        if (!e[i].alone)
            j[i] = job_start(&e[i], in);
    bool ok = true;
    for (int i = 0; i < 2; i++) {
        memset(&a[i], 0, sizeof a[i]);
        if (e[i].alone)
            j[i] = job_start(&e[i], in);
        job_wait(&j[i], e[i].seconds, &a[i]);
        read_answers(j[i].out, c, mode, &a[i]);
        close(j[i].out);
        ok = ok && a[i].done == c->nstarts && a[i].status == 0;
    }
    close(in);
    return ok;
}
