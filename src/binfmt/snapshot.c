/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading all entries of an instance.
 *
 * The idea: a thousand rules are three thousand system calls, some 4 ms, and as struct aw_entry
 * they are 5 MB, whose page faults take as long again. So the texts are kept as they are, in blocks
 * of memory, with only what the matcher compares taken out; and from a few hundred rules up a
 * second thread, where the caller lets us, halves the waiting. There is no way to read several
 * entries by one call.
 *
 * Invariants:
 * 1. Entries stand in the order of the folder's listing, whoever read them.
 * 2. Threads are gone when aw_instance_snapshot returns, and took no signal. (The kernel may see
 *    one for some microseconds longer: a caller that goes on to unshare(CLONE_NEWUSER), which a
 *    process with threads cannot, asks for none.)
 * 3. An entry that is removed meanwhile is left out; any other failure is the whole's.
 */
#include "binfmt/snapshot.h"

#include "base/util.h"
#include "binfmt/instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define ENTRY_MAX 16384 /* bytes of an entry's file; the kernel has always used one page */
#define BLOCK 65536     /* bytes of a block at least */
#define THREADS_MAX 4
#define TURN 16         /* entries that a thread takes at a time */
#define FOR_THREADS 200 /* entries from which a thread is worth its start */

struct block {
    struct block *next; /* or NULL */
    size_t used, size;  /* of data */
    char data[];        /* texts, names, magics */
};

struct aw_snapshot {
    struct brief *v;      /* n of them */
    size_t n;             /* in use */
    struct block *blocks; /* all memory that v points to */
};

static void free_blocks(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

void aw_snapshot_free(struct aw_snapshot *s)
{
    if (!s)
        return;
    free_blocks(s->blocks);
    free(s->v);
    free(s);
}

static void snapshot_free_ptr(struct aw_snapshot **s)
{
    aw_snapshot_free(*s);
}
#define _cleanup_snapshot_ __attribute__((cleanup(snapshot_free_ptr)))

/* A copy of len bytes with a NUL behind them, or NULL. */
static char *keep(struct block **list, const void *data, size_t len)
{
    struct block *b = *list;
    if (!b || b->size - b->used <= len) {
        size_t size = len + 1 > BLOCK ? len + 1 : BLOCK;
        b = malloc(sizeof(*b) + size);
        if (!b)
            return NULL;
        *b = (struct block){.next = *list, .size = size};
        *list = b;
    }
    char *copy = b->data + b->used;
    memcpy(copy, data, len);
    copy[len] = 0;
    b->used += len + 1;
    return copy;
}

/* ---- one entry --------------------------------------------------------------------------------
 */

struct worker {
    struct aw_snapshot *s;  /* whose entries are read */
    int fd;                 /* the instance's root */
    size_t *next;           /* the first entry that nobody has taken; shared */
    struct block *blocks;   /* of this worker's entries */
    struct aw_entry *taken; /* room for one */
    pthread_t thread;       /* its own; not that of the caller's */
};

static int fill(struct worker *w, struct brief *b, char *text, size_t len)
{
    struct aw_entry *e = w->taken;
    b->text = keep(&w->blocks, text, len);
    b->len = len;
    if (!b->text)
        return ENOMEM;
    if (!entry_take(b->name, text, e))
        return EBADMSG;
    b->enabled = e->enabled;
    b->known = e->known;
    if (!e->known)
        return 0;
    if (e->rule.type == AW_RULE_EXTENSION) {
        b->extension = keep(&w->blocks, e->rule.extension, strlen(e->rule.extension));
        return b->extension ? 0 : ENOMEM;
    }
    b->offset = e->rule.offset;
    b->size = e->rule.magic_len;
    b->magic = (uint8_t *)keep(&w->blocks, e->rule.magic, b->size);
    if (e->rule.has_mask)
        b->mask = (uint8_t *)keep(&w->blocks, e->rule.mask, b->size);
    return b->magic && (b->mask || !e->rule.has_mask) ? 0 : ENOMEM;
}

static int read_one(struct worker *w, struct brief *b)
{
    char text[ENTRY_MAX];
    int fd = openat(w->fd, b->name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    /* the kernel gives all of an entry at once, so a second read would find nothing: it is saved */
    ssize_t len = read(fd, text, sizeof(text));
    int how = len < 0 ? errno : len == (ssize_t)sizeof(text) ? EFBIG : 0;
    close(fd);
    if (how)
        return how;
    text[len] = 0;
    return fill(w, b, text, (size_t)len);
}

static void work(struct worker *w)
{
    for (;;) {
        size_t i = __atomic_fetch_add(w->next, TURN, __ATOMIC_RELAXED), end = i + TURN;
        for (; i < end && i < w->s->n; i++)
            w->s->v[i].failed = read_one(w, &w->s->v[i]);
        if (i < end)
            return;
    }
}

/* With descriptors of its own a thread does not wait for the others' at every open and close. They
 * are copies of all: closed here, since pthread_join does not wait for the kernel to do so. */
static void *work_aside(void *arg)
{
#ifdef __SANITIZE_THREAD__
    bool own = false; /* it takes all descriptors for the process's, and sees races */
#else
    bool own = unshare(CLONE_FILES) == 0;
#endif
    work(arg);
    if (own)
        close_range(0, ~0U, 0);
    return NULL;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static bool add_name(struct aw_snapshot *s, size_t *cap, const char *name)
{
    if (s->n == *cap) {
        size_t more = *cap ? *cap * 2 : 64;
        struct brief *bigger = reallocarray(s->v, more, sizeof(*bigger));
        if (!bigger)
            return false;
        s->v = bigger;
        *cap = more;
    }
    char *copy = keep(&s->blocks, name, strlen(name));
    if (copy)
        s->v[s->n++] = (struct brief){.name = copy};
    return copy != NULL;
}

static bool list_names(struct aw_snapshot *s, int root, struct aw_err *err)
{
    struct dirent *d;
    size_t cap = 0;
    bool memory = true;
    int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        aw_fail(err, instance_code(errno), errno, "list binfmt_misc");
        util_close(fd);
        return false;
    }
    while (memory && (errno = 0, d = readdir(dir))) {
        const char *name = d->d_name;
        if (!str_eq(name, ".") && !str_eq(name, "..") && !str_eq(name, "register") &&
            !str_eq(name, "status"))
            memory = add_name(s, &cap, name);
    }
    int how = errno;
    closedir(dir);
    if (!memory)
        return aw_fail(err, AW_E_NOMEM, 0, "list binfmt_misc: no memory");
    return how == 0 || aw_fail(err, AW_E_IO, how, "list binfmt_misc");
}

/* Start threads for all workers but the first; how many run then, the caller's with them. */
static size_t start(struct worker *w, size_t n)
{
    sigset_t all, old;
    size_t running = 1;
    sigfillset(&all);
    /* what is blocked here is blocked in the new ones: handlers are the caller's */
    pthread_sigmask(SIG_BLOCK, &all, &old);
    while (running < n && pthread_create(&w[running].thread, NULL, work_aside, &w[running]) == 0)
        running++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return running;
}

static bool read_entries(struct aw_snapshot *s, int root, size_t threads, struct aw_err *err)
{
    size_t next = 0, running = 1;
    struct worker w[THREADS_MAX] = {{.s = s}};
    _cleanup_free_ struct aw_entry *taken = malloc(sizeof(*taken) * threads);
    if (!taken)
        return aw_fail(err, AW_E_NOMEM, 0, "read binfmt_misc: no memory");
    for (size_t i = 0; i < threads; i++)
        w[i] = (struct worker){.s = s, .fd = root, .next = &next, .taken = &taken[i]};
    if (threads > 1)
        running = start(w, threads);
    work(&w[0]);
    for (size_t i = 0; i < threads; i++) {
        if (i > 0 && i < running)
            pthread_join(w[i].thread, NULL);
        for (struct block *b = w[i].blocks, *after; b; b = after) {
            after = b->next;
            b->next = s->blocks;
            s->blocks = b;
        }
    }
    return true;
}

static bool explain(const struct brief *b, struct aw_err *err)
{
    if (b->failed == EBADMSG)
        return aw_fail(err, AW_E_PARSE, 0, "entry %s: this is not what binfmt_misc prints",
                       b->name);
    if (b->failed == EFBIG)
        return aw_fail(err, AW_E_LIMIT, 0, "rule %s: its entry is longer than any kernel's",
                       b->name);
    return aw_fail(err, instance_code(b->failed), b->failed, "rule %s: read its entry", b->name);
}

struct aw_snapshot *aw_instance_snapshot(struct aw_instance *inst, unsigned threads,
                                         struct aw_err *err)
{
    _cleanup_snapshot_ struct aw_snapshot *s = calloc(1, sizeof(*s));
    if (!s) {
        aw_fail(err, AW_E_NOMEM, 0, "read binfmt_misc: no memory");
        return NULL;
    }
    if (!list_names(s, inst->fd, err))
        return NULL;
    if (threads < 1 || s->n < FOR_THREADS)
        threads = 1;
    if (!read_entries(s, inst->fd, threads < THREADS_MAX ? threads : THREADS_MAX, err))
        return NULL;
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->v[i].failed == ENOENT)
            continue; /* it was removed just now */
        if (s->v[i].failed) {
            explain(&s->v[i], err);
            return NULL;
        }
        s->v[kept++] = s->v[i];
    }
    s->n = kept;
    return AW_STEAL(s);
}

/* ---- looking into it --------------------------------------------------------------------------
 */

size_t aw_snapshot_count(const struct aw_snapshot *s)
{
    return s->n;
}

const struct brief *snapshot_brief(const struct aw_snapshot *s, size_t i)
{
    AW_BUG_ON(i >= s->n);
    return &s->v[i];
}

bool aw_snapshot_entry(const struct aw_snapshot *s, size_t i, struct aw_entry *ret,
                       struct aw_err *err)
{
    const struct brief *b = snapshot_brief(s, i);
    return aw_entry_parse(b->name, b->text, b->len, ret, err);
}

bool aw_snapshot_entries(const struct aw_snapshot *s, struct aw_entry **ret, size_t *ret_n,
                         struct aw_err *err)
{
    /* much of it is never touched, and calloc's large pieces are zero without being written */
    _cleanup_free_ struct aw_entry *list = calloc(s->n ? s->n : 1, sizeof(*list));
    char text[ENTRY_MAX];
    if (!list)
        return aw_fail(err, AW_E_NOMEM, 0, "list binfmt_misc: no memory");
    for (size_t i = 0; i < s->n; i++) {
        const struct brief *b = &s->v[i];
        memcpy(text, b->text, b->len + 1);
        AW_BUG_ON(!entry_take(b->name, text, &list[i]));
    }
    *ret = AW_STEAL(list);
    *ret_n = s->n;
    return true;
}

bool aw_instance_list(struct aw_instance *inst, struct aw_entry **ret, size_t *ret_n,
                      struct aw_err *err)
{
    _cleanup_snapshot_ struct aw_snapshot *s = aw_instance_snapshot(inst, 1, err);
    return s && aw_snapshot_entries(s, ret, ret_n, err);
}

bool brief_matches(const struct brief *b, const uint8_t head[AW_RULE_WINDOW], const char *path)
{
    if (!b->known)
        return false;
    if (b->extension) {
        const char *dot = strrchr(path, '.');
        return dot && str_eq(dot + 1, b->extension);
    }
    /* a complete rule ends within the window */
    for (uint32_t i = 0; i < b->size; i++)
        if ((head[b->offset + i] ^ b->magic[i]) & (b->mask ? b->mask[i] : 0xff))
            return false;
    return true;
}
