/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of /proc: maps, smaps and numa_maps from the host's and the guest's table, cpuinfo of the
 * guest's machine, and auxv, cmdline, environ for hosts that could not be told (PR_SET_MM_MAP).
 *
 * The host's maps have names, offsets and inodes; the table has the guest's permissions. A line is
 * written for each part of a host line that the table knows. The rest is the engine's.
 *
 * The table of another process is read from its memory: its engine is the same file, so that its
 * linux_state is as far from its image's start as ours. Where that is not allowed, only mappings of
 * files (not of the engine's) are shown.
 */
#include "engine/linux/proc.h"

#include "engine/linux/a64.h"
#include "engine/linux/linux.h"
#include "engine/rt/fmt.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/fcntl.h>

enum { BUFFER = 4096, LINE = 4096 + 128, NAME_COLUMN = 73 };

/* ---- reading lines, writing text ---- */
struct reader {
    long fd;          /* file */
    size_t at, n;     /* next byte, bytes in buf */
    char buf[BUFFER]; /* what was read */
    char line[LINE];  /* the current line, without its end */
};

static bool next_line(struct reader *r)
{
    size_t n = 0;
    for (;;) {
        if (r->at == r->n) {
            long got = sys(__NR_read, r->fd, r->buf, BUFFER);
            if (got <= 0) {
                r->line[n] = 0;
                return n > 0;
            }
            r->at = 0;
            r->n = (size_t)got;
        }
        char c = r->buf[r->at++];
        if (c == '\n') {
            r->line[n] = 0;
            return true;
        }
        if (n < LINE - 1)
            r->line[n++] = c;
    }
}

struct writer {
    long fd;          /* file */
    size_t n;         /* bytes in buf */
    bool failed;      /* a write did not succeed */
    char buf[BUFFER]; /* not yet written */
};

static void flush(struct writer *w)
{
    for (size_t at = 0; at < w->n;) {
        long r = sys(__NR_write, w->fd, w->buf + at, w->n - at);
        if (r <= 0) {
            w->failed = true;
            break;
        }
        at += (size_t)r;
    }
    w->n = 0;
}

static void put(struct writer *w, const char *text, size_t n)
{
    while (n) {
        if (w->n == BUFFER)
            flush(w);
        size_t step = BUFFER - w->n < n ? BUFFER - w->n : n;
        memcpy(w->buf + w->n, text, step);
        w->n += step;
        text += step;
        n -= step;
    }
}

static void put_text(struct writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_guest(struct writer *w, uint64_t from, uint64_t to)
{
    char c;
    for (; from < to && rt_guest_read(&c, from, 1); from++)
        put(w, &c, 1);
}

/* ---- maps ---- */
static const char *parse_hex(const char *s, uint64_t *ret)
{
    uint64_t v = 0;
    for (;; s++) {
        if (*s >= '0' && *s <= '9')
            v = v << 4 | (uint64_t)(*s - '0');
        else if (*s >= 'a' && *s <= 'f')
            v = v << 4 | (uint64_t)(*s - 'a' + 10);
        else
            break;
    }
    *ret = v;
    return s;
}

/* start-end perms offset rest */
struct map_line {
    uint64_t start, end, offset;
    char shared;      /* 'p' or 's' */
    const char *rest; /* " device inode path" */
};

static bool parse_map(const char *line, struct map_line *m)
{
    const char *s = parse_hex(line, &m->start);
    if (*s != '-')
        return false;
    s = parse_hex(s + 1, &m->end);
    if (s[0] != ' ' || !s[1] || !s[2] || !s[3] || !s[4] || s[5] != ' ')
        return false;
    m->shared = s[4];
    s = parse_hex(s + 6, &m->offset);
    m->rest = s;
    return *s == ' ';
}

/* The path's place in a line, "" when there is none. */
static const char *map_path(const char *rest)
{
    for (unsigned fields = 0; *rest && fields < 2; fields++) {
        while (*rest == ' ')
            rest++;
        while (*rest && *rest != ' ')
            rest++;
    }
    while (*rest == ' ')
        rest++;
    return rest;
}

/* ---- whose mappings ---- */
struct mappings {
    const struct linux_state *state; /* the break, the vDSO; NULL: not to be had */
    struct vma_table table;          /* may be read */
    void *copy;                      /* memory of the table, or NULL: it is ours */
    size_t size;                     /* bytes of it */
};

extern const char __ehdr_start[];

static uint64_t inode_of(const char *rest)
{
    uint64_t n = 0;
    while (*rest == ' ')
        rest++;
    while (*rest && *rest != ' ') /* the device */
        rest++;
    for (; *rest == ' '; rest++)
        ;
    for (; *rest >= '0' && *rest <= '9'; rest++)
        n = n * 10 + (uint64_t)(*rest - '0');
    return n;
}

static bool engine_line(const struct map_line *m)
{
    return *map_path(m->rest) == '/' && inode_of(m->rest) == linux_state.engine_ino;
}

static uint64_t image_of(const char *pid)
{
    struct reader r = {.at = 0};
    struct map_line m;
    char path[40];
    uint64_t image = 0;
    fmt(path, sizeof(path), "/proc/%s/maps", pid);
    r.fd = sys(__NR_open, path, O_RDONLY | O_CLOEXEC);
    while (r.fd >= 0 && !image && next_line(&r))
        if (parse_map(r.line, &m) && engine_line(&m) && m.offset == 0)
            image = m.start;
    if (r.fd >= 0)
        sys(__NR_close, r.fd);
    return image;
}

static bool read_entries(long mem, const struct vma_table *t, uint32_t from, uint32_t to,
                         struct vma *ret)
{
    size_t size = (to - from) * sizeof(*ret);
    return !size || sys(__NR_pread64, mem, ret, size, vma_entry(t, from)) == (long)size;
}

static bool read_table(long mem, uint64_t image, struct linux_state *state, struct mappings *ret)
{
    uint64_t at = image + (uint64_t)((const char *)&linux_state - __ehdr_start);
    const struct vma_table *t = &state->mm.table;
    if (!image || sys(__NR_pread64, mem, state, sizeof(*state), at) != sizeof(*state) ||
        t->room != linux_state.mm.table.room || t->count > t->room || t->gap > t->count)
        return false;
    size_t size = (t->count + 1) * sizeof(struct vma);
    struct vma *copy = rt_pages_get(size);
    if (!copy)
        return false;
    *ret = (struct mappings){.state = state, .copy = copy, .size = size};
    /* without its gap */
    ret->table = (struct vma_table){.count = t->count, .room = t->count, .at = copy};
    return read_entries(mem, t, 0, t->gap, copy) &&
           read_entries(mem, t, t->gap, t->count, copy + t->gap);
}

static void mappings_free(struct mappings *m)
{
    if (m->copy)
        rt_pages_put(m->copy, m->size);
    *m = (struct mappings){.state = NULL};
}

/* pid NULL: our own. The copy of the other's state goes to `state`. */
static void mappings_get(const char *pid, struct linux_state *state, struct mappings *ret)
{
    char path[40];
    *ret = (struct mappings){.state = &linux_state, .table = linux_state.mm.table};
    if (!pid)
        return;
    *ret = (struct mappings){.state = NULL};
    fmt(path, sizeof(path), "/proc/%s/mem", pid);
    long mem = sys(__NR_open, path, O_RDONLY | O_CLOEXEC);
    if (mem < 0)
        return;
    if (!read_table(mem, image_of(pid), state, ret))
        mappings_free(ret);
    sys(__NR_close, mem);
}

/* At least eight digits, as the kernel writes addresses and offsets; how many. */
static size_t put_hex(struct writer *w, uint64_t v)
{
    char text[24];
    size_t n = fmt(text, sizeof(text), "%X", v), zeros = n < 8 ? 8 - n : 0;
    put(w, "00000000", zeros);
    put(w, text, n);
    return zeros + n;
}

static void put_map(struct writer *w, const struct linux_state *s, const struct map_line *m,
                    const struct vma *v)
{
    char text[128];
    uint64_t start = m->start > v->start ? m->start : v->start;
    uint64_t end = m->end < v->end ? m->end : v->end, offset = m->offset;
    if (*map_path(m->rest) == '/')
        offset += start - m->start;
    const char *name = NULL;
    if (v->start >= s->mm.brk_start && v->end <= s->mm.brk + 4095)
        name = "[heap]";
    if (v->start == s->vdso_at)
        name = "[vdso]";
    size_t n = put_hex(w, start);
    put(w, "-", 1);
    n += put_hex(w, end) + fmt(text, sizeof(text), " %c%c%c%c ", v->prot & VMA_READ ? 'r' : '-',
                               v->prot & VMA_WRITE ? 'w' : '-', v->prot & VMA_EXEC ? 'x' : '-',
                               m->shared);
    put_text(w, text);
    n += 1 + put_hex(w, offset);
    if (name) {
        put_text(w, " 00:00 0 ");
        for (n += sizeof(" 00:00 0 ") - 1; n < NAME_COLUMN; n++)
            put(w, " ", 1);
    }
    put_text(w, name ? name : m->rest);
    put(w, "\n", 1);
}

/* All parts of the host's mapping that are the guest's; how many. */
static unsigned put_maps(struct writer *w, const struct mappings *of, const struct map_line *m)
{
    const struct vma_table *t = &of->table;
    unsigned parts = 0;
    for (uint32_t k = vma_find(t, m->start); k < t->count && vma_entry(t, k)->start < m->end;
         k++, parts++)
        put_map(w, of->state, m, vma_entry(t, k));
    return parts;
}

static void put_line(struct writer *w, const char *line)
{
    put_text(w, line);
    put(w, "\n", 1);
}

static void write_maps(struct reader *r, struct writer *w, const struct mappings *of, bool details)
{
    bool shown = false;
    struct map_line m;
    while (next_line(r)) {
        if (!parse_map(r->line, &m)) {
            if (details && shown)
                put_line(w, r->line);
        } else if (of->state) {
            shown = put_maps(w, of, &m) > 0;
        } else {
            shown = *map_path(m.rest) == '/' && !engine_line(&m);
            if (shown)
                put_line(w, r->line);
        }
    }
}

static void write_numa_maps(struct reader *r, struct writer *w, const struct mappings *of)
{
    uint64_t start;
    while (next_line(r)) {
        parse_hex(r->line, &start);
        uint32_t k = vma_find(&of->table, start);
        if (k < of->table.count && vma_entry(&of->table, k)->start <= start)
            put_line(w, r->line);
    }
}

size_t proc_mapped_file(const char *pid, uint64_t address, char *buf, size_t size)
{
    struct reader r = {.at = 0};
    struct map_line m;
    char path[40];
    fmt(path, sizeof(path), "/proc/%s/maps", pid);
    r.fd = sys(__NR_open, path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    while (r.fd >= 0 && next_line(&r)) {
        if (!parse_map(r.line, &m) || address < m.start || address >= m.end)
            continue;
        const char *file = map_path(m.rest);
        n = *file == '/' ? strlen(file) : 0;
        if (n >= size)
            n = 0;
        memcpy(buf, file, n);
        buf[n] = 0;
        break;
    }
    if (r.fd >= 0)
        sys(__NR_close, r.fd);
    return n;
}

/* ---- cpuinfo ---- */
static void put_features(struct writer *w)
{
    put_text(w, "BogoMIPS\t: 2000.00\nFeatures\t:");
#define CAP(bit, name) put_text(w, " " name);
#define CAP2(bit, name) put_text(w, " " name);
#include "engine/linux/a64_caps.def"
#undef CAP
#undef CAP2
    /* MIDR_EL1 as the lifter gives it */
    put_text(w, "\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\n"
                "CPU part\t: 0xd0c\nCPU revision\t: 1\n\n");
}

static void write_cpuinfo(struct reader *r, struct writer *w)
{
    while (next_line(r)) {
        if (strncmp(r->line, "processor\t:", 11) != 0)
            continue;
        put_text(w, r->line);
        put(w, "\n", 1);
        put_features(w);
    }
}

static void write_mappings(enum proc_kind kind, const char *pid, struct reader *r, struct writer *w)
{
    struct linux_state state;
    struct mappings of;
    mappings_get(pid, &state, &of);
    if (kind == PROC_NUMA_MAPS)
        write_numa_maps(r, w, &of);
    else
        write_maps(r, w, &of, kind == PROC_SMAPS);
    mappings_free(&of);
}

bool proc_text(enum proc_kind kind, const char *pid, long from, long fd)
{
    const struct linux_state *s = &linux_state;
    struct reader r = {.fd = from};
    struct writer w = {.fd = fd};
    switch (kind) {
    case PROC_MAPS:
    case PROC_SMAPS:
    case PROC_NUMA_MAPS:
        write_mappings(kind, pid, &r, &w);
        break;
    case PROC_SYSCALL: /* what the host says are the engine's call and stack */
        put_text(&w, "running\n");
        break;
    case PROC_CPUINFO:
        write_cpuinfo(&r, &w);
        break;
    case PROC_ARCH:
        put_text(&w, A64_PLATFORM "\n");
        break;
    case PROC_AUXV:
        put_guest(&w, s->auxv, s->auxv + s->auxv_size);
        break;
    case PROC_CMDLINE:
        put_guest(&w, s->arg_start, s->arg_end);
        break;
    case PROC_ENVIRON:
        put_guest(&w, s->env_start, s->env_end);
        break;
    default:
        return false;
    }
    flush(&w);
    return !w.failed;
}
