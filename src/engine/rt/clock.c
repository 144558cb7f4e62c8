/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's clocks without a system call: by the clock_gettime of the host's vDSO.
 *
 * The host's vDSO and its data are mappings among the guest's, which may unmap them or map over
 * them. So they are moved into the window, where nothing of the guest's reaches, together, because
 * the code addresses the data relative to itself. Only /proc/self/maps tells where the data begins;
 * without /proc, or where the kernel does not let them be moved, system calls are made.
 *
 * Invariants
 *  1. Host vectors are the guest's, and the vDSO may be compiled to use them: all are saved over a
 *     call.
 *  2. Moving costs more than a few system calls: the first calls are made that way.
 *  3. The move is made once, with the lock of mappings held (linux/mm.c), so that nothing is mapped
 *     or unmapped between the reading of maps and the move, and no fork sees half of it. Whoever
 *     reads clocks until then makes system calls.
 *
 * Context: helpers of translated code: no lock. They make their thread poll soon, and the poll
 * moves. A signal handler may interrupt the vDSO's code; it does not care.
 */
#include "engine/rt/state.h"

#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <elf.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/time.h>

enum { PAGE = 4096, CALLS_BEFORE = 16, LARGEST = 64 * PAGE, RANGES = 8 };
enum { NOT_YET, WANTED, READY, NONE };

static struct {
    uint64_t vdso;  /* where the kernel mapped it, 0: nowhere */
    void *call;     /* its clock_gettime, moved */
    uint32_t state; /* NOT_YET ... */
    uint32_t calls; /* made by system calls so far */
} host;

struct range {
    uint64_t start, end;
};

void rt_clock_init(uint64_t vdso)
{
    host.vdso = vdso;
}

/* ---- where it is ---- */
static uint64_t hex(const char **p)
{
    uint64_t v = 0;
    for (;; ++*p) {
        unsigned digit = (unsigned)**p - '0';
        if (digit > 9)
            digit = (unsigned)**p - 'a' + 10;
        if (digit > 15 || (digit > 9 && **p < 'a'))
            return v;
        v = v << 4 | digit;
    }
}

/* A line of maps: of the vDSO or of its data? */
static bool read_line(const char *line, size_t n, struct range *ret_range)
{
    size_t name = n;
    while (name && line[name - 1] != ' ')
        name--;
    if (n - name < 6 ||
        (memcmp(line + name, "[vdso]", 6) != 0 && memcmp(line + name, "[vvar", 5) != 0))
        return false;
    const char *p = line;
    ret_range->start = hex(&p);
    p++;
    ret_range->end = hex(&p);
    return true;
}

/* Is it the kernel's /proc, and not a file that looks like it? */
static bool is_proc(long fd)
{
    struct {
        long type, rest[14];
    } s = {0};
    return sys(__NR_fstatfs, fd, &s) == 0 && s.type == PROC_SUPER_MAGIC;
}

/* The ranges in /proc/self/maps, ascending; lines longer than the buffer are no such. */
static unsigned find_ranges(long fd, struct range ranges[RANGES])
{
    char buf[1024];
    size_t have = 0;
    unsigned count = 0;
    for (;;) {
        long got = sys(__NR_read, fd, buf + have, sizeof(buf) - have);
        if (got <= 0)
            return count;
        have += (size_t)got;
        size_t from = 0;
        for (size_t k = 0; k < have; k++) {
            if (buf[k] != '\n')
                continue;
            count += count < RANGES && read_line(buf + from, k - from, &ranges[count]);
            from = k + 1;
        }
        if (!from && have == sizeof(buf)) /* its end alone is no such line either */
            from = have;
        memmove(buf, buf + from, have - from);
        have -= from;
    }
}

/* ---- the move ---- */
static uint64_t move(const struct range *r, unsigned count)
{
    size_t length = r[count - 1].end - r[0].start;
    uint8_t *to = rt_pages_get(length);
    if (!to)
        return 0;
    /* the code first: if the kernel has sealed it, nothing is torn apart */
    for (unsigned k = count; k-- > 0;) {
        size_t n = r[k].end - r[k].start;
        if (sys(__NR_mremap, r[k].start, n, n, MREMAP_MAYMOVE | MREMAP_FIXED,
                to + (r[k].start - r[0].start)) < 0)
            return 0;
        /* between image and window the place stays the engine's: all that lies there is hidden */
        if (rt_window_has(r[k].start, n))
            sys(__NR_mmap, r[k].start, n, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    }
    return (uint64_t)(uintptr_t)to + (r[count - 1].start - r[0].start);
}

static bool in_one_piece(const struct range *r, unsigned count)
{
    if (!count || r[count - 1].start != host.vdso || r[count - 1].end - r[0].start > LARGEST)
        return false;
    for (unsigned k = 1; k < count; k++)
        if (r[k].start != r[k - 1].end)
            return false;
    return true;
}

/* ---- its symbols: the dynamic section's, of an image that is linked to address 0 ---- */
static void *find_symbol(uint64_t base, const char *name)
{
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *p = (const Elf64_Phdr *)(base + e->e_phoff);
    const Elf64_Dyn *d = NULL;
    for (unsigned k = 0; k < e->e_phnum; k++)
        if (p[k].p_type == PT_DYNAMIC)
            d = (const Elf64_Dyn *)(base + p[k].p_offset);
    uint64_t symbols = 0, strings = 0;
    for (; d && d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_SYMTAB)
            symbols = base + d->d_un.d_ptr;
        else if (d->d_tag == DT_STRTAB)
            strings = base + d->d_un.d_ptr;
    }
    /* the strings follow the symbols: their number is nowhere else in both kinds of hash tables */
    for (const Elf64_Sym *s = (const Elf64_Sym *)symbols; symbols && (uint64_t)(s + 1) <= strings;
         s++)
        if (s->st_shndx && strcmp((const char *)strings + s->st_name, name) == 0)
            return (void *)(base + s->st_value);
    return NULL;
}

static void *prepare(void)
{
    struct range ranges[RANGES];
    long fd = host.vdso ? sys(__NR_open, "/proc/self/maps", O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return NULL;
    unsigned count = is_proc(fd) ? find_ranges(fd, ranges) : 0;
    sys(__NR_close, fd);
    uint64_t base = in_one_piece(ranges, count) ? move(ranges, count) : 0;
    return base ? find_symbol(base, "__vdso_clock_gettime") : NULL;
}

bool rt_clock_wanted(void)
{
    return __atomic_load_n(&host.state, __ATOMIC_RELAXED) == WANTED;
}

void rt_clock_move(void)
{
    if (!rt_clock_wanted())
        return;
    host.call = prepare();
    __atomic_store_n(&host.state, host.call ? READY : NONE, __ATOMIC_RELEASE);
}

static bool ready(struct cpu *cpu)
{
    uint32_t state = __atomic_load_n(&host.state, __ATOMIC_ACQUIRE);
    if (state == READY)
        return true;
    if (state == NOT_YET && __atomic_add_fetch(&host.calls, 1, __ATOMIC_RELAXED) >= CALLS_BEFORE)
        __atomic_compare_exchange_n(&host.state, &state, WANTED, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
    if (rt_clock_wanted())
        __atomic_store_n(&cpu->fuel, -1, __ATOMIC_RELAXED);
    return false;
}

/* ---- the call ---- */
#define VECTORS(V)                                                                                 \
    V(0) V(1) V(2) V(3) V(4) V(5) V(6) V(7) V(8) V(9) V(10) V(11) V(12) V(13) V(14) V(15)
#define SAVE(n) "vmovdqa %xmm" #n ", 16*" #n "(%rsp)\n"
#define LOAD(n) "vmovdqa 16*" #n "(%rsp), %xmm" #n "\n"

__attribute__((naked, noinline)) static long call(void *function __attribute__((unused)),
                                                  long clock __attribute__((unused)),
                                                  struct timespec *ret __attribute__((unused)))
{
    __asm__ volatile("push %rbp\n"
                     "mov %rsp, %rbp\n"
                     "and $-16, %rsp\n"
                     "sub $256, %rsp\n" VECTORS(SAVE) "mov %rdi, %rax\n"
                                                      "mov %rsi, %rdi\n"
                                                      "mov %rdx, %rsi\n"
                                                      "call *%rax\n" VECTORS(LOAD) "leave\n"
                                                                                   "ret\n");
}

long rt_clock(struct cpu *cpu, long clock, uint64_t ret[2])
{
    struct timespec t;
    long r = ready(cpu) ? call(host.call, clock, &t) : sys(__NR_clock_gettime, clock, &t);
    if (r < 0)
        return r;
    ret[0] = (uint64_t)t.tv_sec;
    ret[1] = (uint64_t)t.tv_nsec;
    return 0;
}

bool rt_clock_resolution(uint32_t clock, uint64_t ret[2])
{
    static uint32_t known[32]; /* nanoseconds: they stay as they are; 0: not asked yet */
    struct timespec t;
    uint32_t n = __atomic_load_n(&known[clock], __ATOMIC_RELAXED);
    if (!n) {
        if (sys(__NR_clock_getres, clock, &t) < 0 || t.tv_sec)
            return false;
        n = (uint32_t)t.tv_nsec;
        __atomic_store_n(&known[clock], n, __ATOMIC_RELAXED);
    }
    ret[0] = 0;
    ret[1] = n;
    return true;
}
