/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading all entries of an instance.
 *
 * The idea: a thousand rules are a thousand files to open, read and close, some 4 ms, and as struct
 * aw_entry they are 5 MB, whose page faults take a millisecond more. So the texts are kept as they
 * are, in blocks of memory, with only what the matcher compares taken out; files are closed several
 * at a time; and from a few hundred rules up a second thread, where the caller lets us, halves the
 * waiting. There is no way to open or read several entries by one call (io_uring hands reading them
 * to a thread of its own, one by one).
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
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define ENTRY_MAX 16384 /* bytes of an entry's file; the kernel has always used one page */
#define BLOCK 65536     /* bytes of a block at least */
#define USUAL_SIZE 280  /* of an entry's text, magic and mask in a block: it is more at times */
#define THREADS_MAX 4
#define TURN 16         /* entries that a thread takes, and has open, at a time */
#define FOR_THREADS 200 /* entries from which a thread is worth its start */

/* ThreadSanitizer takes all descriptors for the process's, and close_range(2) for nothing: it sees
 * races where threads have their own. */
#ifdef __SANITIZE_THREAD__
static const bool watched = true;
#else
static const bool watched = false;
#endif

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

/* Put a block of at least len bytes before the others; NULL: no memory. */
static struct block *add_block(struct block **list, size_t len)
{
    size_t size = len > BLOCK ? len : BLOCK;
    struct block *b = malloc(sizeof(*b) + size);
    if (!b)
        return NULL;
    *b = (struct block){.next = *list, .size = size};
    return *list = b;
}

/* Room for len bytes, or NULL. */
static char *take_room(struct block **list, size_t len)
{
    struct block *b = *list;
    if (!b || b->size - b->used < len)
        b = add_block(list, len);
    if (!b)
        return NULL;
    b->used += len;
    return b->data + b->used - len;
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

/* text has len bytes, a NUL behind them, and is changed. */
static int fill(struct worker *w, struct brief *b, char *text, size_t len)
{
    struct aw_entry *e = w->taken;
    const struct aw_rule *r = &e->rule;
    char *room = take_room(&w->blocks, len + 1);
    if (!room)
        return ENOMEM;
    b->text = memcpy(room, text, len + 1);
    b->len = len;
    if (!entry_take(b->name, text, e))
        return EBADMSG;
    b->enabled = e->enabled;
    b->known = e->known;
    if (!e->known)
        return 0;
    if (r->type == AW_RULE_EXTENSION) {
        size_t size = strlen(r->extension) + 1;
        room = take_room(&w->blocks, size);
        b->extension = room ? memcpy(room, r->extension, size) : NULL;
        return room ? 0 : ENOMEM;
    }
    size_t padded = ((size_t)r->magic_len + 7) / 8 * 8;
    room = take_room(&w->blocks, 2 * padded);
    if (!room)
        return ENOMEM;
    memset(room, 0, 2 * padded);
    b->offset = r->offset;
    b->size = r->magic_len;
    b->magic = memcpy(room, r->magic, b->size);
    b->mask = r->has_mask ? memcpy(room + padded, r->mask, b->size)
                          : memset(room + padded, 0xff, b->size);
    return 0;
}

static int read_one(struct worker *w, struct brief *b, int fd)
{
    char text[ENTRY_MAX];
    /* the kernel gives all of an entry at once, so a second read would find nothing: it is saved */
    ssize_t len = read(fd, text, sizeof(text));
    if (len < 0)
        return errno;
    if (len == sizeof(text))
        return EFBIG;
    text[len] = 0;
    return fill(w, b, text, (size_t)len);
}

/* Close descriptors, by one call where they follow each other: then no other is among them. */
static void close_turn(const int *fds, size_t n)
{
    size_t open = 0;
    int first = INT_MAX, last = -1;
    for (size_t i = 0; i < n; i++) {
        if (fds[i] < 0)
            continue;
        open++;
        first = fds[i] < first ? fds[i] : first;
        last = fds[i] > last ? fds[i] : last;
    }
    if (!watched && open > 1 && (size_t)(last - first) + 1 == open &&
        close_range((unsigned)first, (unsigned)last, 0) == 0)
        return;
    for (size_t i = 0; i < n; i++)
        util_close(fds[i]);
}

/* Read n entries at most; how many it were. */
static size_t read_turn(struct worker *w, struct brief *b, size_t n)
{
    int fds[TURN];
    size_t done = 0, open = 0;
    for (; done < n; done++) {
        fds[done] = openat(w->fd, b[done].name, O_RDONLY | O_CLOEXEC);
        if (fds[done] < 0 && (errno == EMFILE || errno == ENFILE) && open)
            break; /* there are enough for fewer at a time */
        b[done].failed = fds[done] < 0 ? errno : 0;
        open += fds[done] >= 0;
    }
    for (size_t i = 0; i < done; i++)
        if (fds[i] >= 0)
            b[i].failed = read_one(w, &b[i], fds[i]);
    close_turn(fds, done);
    return done;
}

static void work(struct worker *w)
{
    for (;;) {
        size_t i = __atomic_fetch_add(w->next, TURN, __ATOMIC_RELAXED), end = i + TURN;
        if (i >= w->s->n)
            return;
        end = end < w->s->n ? end : w->s->n;
        while (i < end)
            i += read_turn(w, &w->s->v[i], end - i);
    }
}

/* With descriptors of its own a thread does not wait for the others' at every open and close. At
 * first they are copies of all, among them what the caller's thread has open at this moment: these
 * would count against the limit, and pthread_join does not wait for the kernel to close them. */
static void *work_aside(void *arg)
{
    struct worker *w = arg;
    if (watched) {
        work(w);
        return NULL;
    }
    /* what is opened gets the numbers behind, and so is closed by one call */
    if (unshare(CLONE_FILES) < 0 || dup2(w->fd, 0) < 0)
        return NULL; /* the caller's thread does it all */
    w->fd = 0;
    close_range(1, ~0U, 0);
    work(w);
    close(w->fd);
    return NULL;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static bool is_entry(const char *name)
{
    return !str_eq(name, ".") && !str_eq(name, "..") && !str_eq(name, "register") &&
           !str_eq(name, "status");
}

/* The names in a piece of the listing, where they stay. */
static bool add_names(struct aw_snapshot *s, const struct block *list)
{
    size_t n = s->n;
    const struct dirent *d;
    for (size_t at = 0; at < list->used; at += d->d_reclen) {
        d = (const struct dirent *)(list->data + at);
        n += is_entry(d->d_name);
    }
    struct brief *bigger = reallocarray(s->v, n ? n : 1, sizeof(*bigger));
    if (!bigger)
        return false;
    s->v = bigger;
    for (size_t at = 0; at < list->used; at += d->d_reclen) {
        d = (const struct dirent *)(list->data + at);
        if (is_entry(d->d_name))
            s->v[s->n++] = (struct brief){.name = d->d_name};
    }
    return true;
}

static bool list_names(struct aw_snapshot *s, int root, struct aw_err *err)
{
    _cleanup_close_ int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return aw_fail(err, instance_code(errno), errno, "list binfmt_misc");
    for (;;) {
        struct block *list = add_block(&s->blocks, BLOCK);
        if (!list)
            return aw_fail(err, AW_E_NOMEM, 0, "list binfmt_misc: no memory");
        ssize_t len = getdents64(fd, list->data, list->size);
        if (len < 0)
            return aw_fail(err, AW_E_IO, errno, "list binfmt_misc");
        if (len == 0)
            return true;
        list->used = (size_t)len;
        if (!add_names(s, list))
            return aw_fail(err, AW_E_NOMEM, 0, "list binfmt_misc: no memory");
    }
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
    for (size_t i = 0; i < threads; i++) {
        w[i] = (struct worker){.s = s, .fd = root, .next = &next, .taken = &taken[i]};
        /* a thread's first own malloc(3) costs it six system calls */
        if (threads > 1)
            add_block(&w[i].blocks, s->n / threads * USUAL_SIZE);
    }
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

void snapshot_take(const struct aw_snapshot *s, size_t i, struct aw_entry *ret)
{
    const struct brief *b = snapshot_brief(s, i);
    char text[ENTRY_MAX];
    memcpy(text, b->text, b->len + 1);
    AW_BUG_ON(!entry_take(b->name, text, ret)); /* it could be taken apart when it was read */
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
    if (!list)
        return aw_fail(err, AW_E_NOMEM, 0, "list binfmt_misc: no memory");
    for (size_t i = 0; i < s->n; i++)
        snapshot_take(s, i, &list[i]);
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

bool brief_matches(const struct brief *b, const uint8_t head[BRIEF_HEAD], const char *path)
{
    if (!b->known)
        return false;
    if (b->extension) {
        const char *dot = strrchr(path, '.');
        return dot && str_eq(dot + 1, b->extension);
    }
    /* a complete rule ends within the window */
    for (uint32_t i = 0; i < b->size; i += 8) {
        uint64_t have, magic, mask;
        memcpy(&have, head + b->offset + i, 8);
        memcpy(&magic, b->magic + i, 8);
        memcpy(&mask, b->mask + i, 8);
        if ((have ^ magic) & mask)
            return false;
    }
    return true;
}
