/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest side of rowfuzz: runs codes from standard input under whatever emulator runs this
 * program, and writes what became of the registers and the memory (rowcase.h). It has no libc and
 * asks little of its emulator: read, write, mmap, rt_sigaction, sigaltstack, and the instructions
 * that a compiler makes of the C below without vector registers. It ends with status 0 at the end
 * of its input, 2 when the input is malformed, 3 when a system call fails.
 */
#include "rowcase.h"

#include <linux/signal.h>
#include <linux/mman.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>

#include <stddef.h>

int runner_main(void);
void runner_enter(const struct row_state *start, uintptr_t slot);
extern const char runner_save[], runner_leave[];
extern struct row_state runner_after;
struct row_state runner_after;

enum { EDGE = 1024 };
static struct {
    uint64_t pc, addr;
    uint32_t sig, code;
} fault;
static struct row_code codes[ROW_SLOTS];
static uint64_t input[1 << 13];
static size_t input_at, input_end; /* in words: what is in input[] and not yet taken */
static struct row_start current;
static char output[1 << 16] __attribute__((aligned(16)));
static size_t filled;
static char signal_stack[65536] __attribute__((aligned(16)));

/* The compiler may call them. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *
memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((char *)to)[i] = ((const char *)from)[i];
    return to;
}
__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memset(void *to, int c,
                                                                           size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((char *)to)[i] = (char)c;
    return to;
}

static long call6(long n, long a, long b, long c, const long rest[3])
{
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = rest[0];
    register long x4 __asm__("x4") = rest[1];
    register long x5 __asm__("x5") = rest[2];
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
}
static long call(long n, long a, long b, long c)
{
    return call6(n, a, b, c, (const long[3]){0, 0, 0});
}
__attribute__((noreturn)) static void stop(int status)
{
    for (;;)
        call(__NR_exit_group, status, 0, 0);
}
static void must(long result)
{
    if (result < 0)
        stop(3);
}

static void map(uintptr_t at, size_t size, int prot)
{
    const long rest[3] = {MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0};
    if (call6(__NR_mmap, (long)at, (long)size, prot, rest) != (long)at)
        stop(3);
}

/* ---- signals ---- */
/* What the kernel takes; the header's struct is that of a libc. */
struct kernel_sigaction {
    void (*handler)(int, siginfo_t *, void *); /* with SA_SIGINFO */
    unsigned long flags;                       /* SA_... */
    void (*restorer)(void);                    /* not used on arm64 */
    uint64_t mask;                             /* blocked meanwhile */
};

static void take_vectors(const struct ucontext *uc)
{
    const struct _aarch64_ctx *c = (const void *)uc->uc_mcontext.__reserved;
    while (c->magic != FPSIMD_MAGIC && c->magic && c->size)
        c = (const void *)((const char *)c + c->size);
    const struct fpsimd_context *f = (const void *)c;
    if (c->magic != FPSIMD_MAGIC)
        return;
    runner_after.fpcr = f->fpcr;
    runner_after.fpsr = f->fpsr;
    memcpy(runner_after.v, f->vregs, sizeof runner_after.v);
}

static void on_signal(int sig, siginfo_t *si, void *context)
{
    struct ucontext *uc = context;
    fault.sig = (uint32_t)sig;
    fault.code = (uint32_t)si->si_code;
    fault.addr = (uint64_t)si->si_addr;
    fault.pc = uc->uc_mcontext.pc;
    memcpy(runner_after.x, uc->uc_mcontext.regs, sizeof runner_after.x);
    runner_after.sp = uc->uc_mcontext.sp;
    runner_after.nzcv = (uint32_t)uc->uc_mcontext.pstate;
    take_vectors(uc);
    uc->uc_mcontext.pc = (uintptr_t)runner_leave;
}

static void catch_signals(void)
{
    static const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    must(call(__NR_sigaltstack, (long)&stack, 0, 0));
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
        struct kernel_sigaction act = {.handler = on_signal, .flags = SA_SIGINFO | SA_ONSTACK};
        must(call6(__NR_rt_sigaction, sigs[i], (long)&act, 0, (const long[3]){8, 0, 0}));
    }
}

/* ---- input and output ---- */
/* The next words of the input; NULL at its end. */
static const uint64_t *take_words(size_t count)
{
    enum { ROOM = sizeof input / 8 };
    if (input_end - input_at < count) {
        size_t have = 0;
        for (; input_at < input_end; input_at++)
            input[have++] = input[input_at];
        size_t bytes = 8 * have;
        while (bytes < 8 * count) {
            long n = call(__NR_read, 0, (long)((char *)input + bytes), (long)(8 * ROOM - bytes));
            must(n);
            if (n == 0 && bytes == 0)
                return NULL;
            if (n == 0)
                stop(2);
            bytes += (size_t)n;
        }
        if (bytes % 8)
            stop(2);
        input_at = 0;
        input_end = bytes / 8;
    }
    input_at += count;
    return input + input_at - count;
}
/* False at the end of the input. */
static int take(void *to, size_t size)
{
    row_word *d = to;
    for (size_t i = 0; i < size / 8; i++) {
        const uint64_t *w = take_words(1);
        if (!w && i == 0)
            return 0;
        if (!w)
            stop(2);
        d[i] = *w;
    }
    return 1;
}
static size_t bits_set(uint64_t v)
{
    v -= v >> 1 & 0x5555555555555555u;
    v = (v & 0x3333333333333333u) + (v >> 2 & 0x3333333333333333u);
    return ((v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56;
}
/* The next start: what is new in it. */
static void take_start(void)
{
    uint64_t mask[ROW_MASKS];
    row_word *words = (row_word *)&current;
    if (!take(mask, sizeof mask))
        stop(2);
    for (unsigned k = 0; k < ROW_MASKS; k++) {
        const uint64_t *w = take_words(bits_set(mask[k]));
        if (!w && mask[k])
            stop(2);
        for (uint64_t m = mask[k]; m; m &= m - 1) {
            unsigned i = 64 * k + (unsigned)__builtin_ctzll(m);
            if (i >= ROW_START_WORDS)
                stop(2);
            words[i] = *w++;
        }
    }
}
static void flush(void)
{
    for (size_t at = 0; at < filled;) {
        long n = call(__NR_write, 1, (long)(output + at), (long)(filled - at));
        must(n);
        at += (size_t)n;
    }
    filled = 0;
}
static void give(const void *from, size_t size)
{
    if (filled + size > sizeof output)
        flush();
    const row_word *s = from;
    row_word *d = (row_word *)(output + filled);
    for (size_t i = 0; i < size / 8; i++)
        d[i] = s[i];
    filled += size;
}

/* ---- codes ---- */
/* Make what was written at [from, to) be what is executed (Arm ARM B2.4.4). */
static void synchronise(uintptr_t from, uintptr_t to)
{
    uint64_t ctr;
    __asm__("mrs %0, ctr_el0" : "=r"(ctr));
    uintptr_t dline = 4ul << (ctr >> 16 & 15), iline = 4ul << (ctr & 15);
    for (uintptr_t p = from & ~(dline - 1); p < to; p += dline)
        __asm__ volatile("dc cvau, %0" ::"r"(p) : "memory");
    __asm__ volatile("dsb ish" ::: "memory");
    for (uintptr_t p = from & ~(iline - 1); p < to; p += iline)
        __asm__ volatile("ic ivau, %0" ::"r"(p) : "memory");
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
}

static void place(const struct row_code *c)
{
    uintptr_t at = ROW_CODE + (uintptr_t)c->slot * ROW_SLOT;
    volatile uint32_t *to = (uint32_t *)at;
    unsigned n = 0;
    to[n++] = 0xd53bd05e; /* mrs x30, tpidr_el0 */
    for (unsigned i = 0; i < c->count; i++)
        to[n++] = c->words[i];
    to[n++] = 0xd51bd05e; /* msr tpidr_el0, x30 */
    to[n] = 0x14000000 | (((uint32_t)((uintptr_t)runner_save - at - 4 * n) >> 2) & 0x03ffffff);
    for (n++; n < ROW_SLOT / 4; n++)
        to[n] = 0;
}

static uint64_t hash_memory(uint64_t h, uintptr_t from, uintptr_t to)
{
    for (; from < to; from += 32) {
        const volatile uint64_t *w = (uint64_t *)from;
        uint64_t a = w[0], b = w[1], c = w[2], d = w[3];
        h = row_hash(row_hash(row_hash(row_hash(h, a), b), c), d);
    }
    return row_hash_mix(h);
}

static uint64_t hash_state(uint64_t h, const struct row_state *s)
{
    for (unsigned i = 0; i < 28; i += 4)
        h = row_hash(row_hash(row_hash(row_hash(h, s->x[i]), s->x[i + 1]), s->x[i + 2]),
                     s->x[i + 3]);
    h = row_hash(row_hash(row_hash(row_hash(h, s->x[28]), s->x[29]), s->x[30]), s->sp);
    h = row_hash(h, (uint64_t)s->nzcv << 32 | s->fpcr);
    h = row_hash_mix(row_hash(h, s->fpsr));
    for (unsigned i = 0; i < 32; i += 2)
        h = row_hash(row_hash(row_hash(row_hash(h, s->v[i][0]), s->v[i][1]), s->v[i + 1][0]),
                     s->v[i + 1][1]);
    return row_hash_mix(h);
}

/* What memory has where no window was. */
static void lay_pattern(uintptr_t from, uintptr_t to)
{
    for (volatile uint64_t *p = (uint64_t *)from; p < (uint64_t *)to; p++)
        *p = (uintptr_t)p;
}

/* Run one start of a code that is in place, and answer. */
static void run(const struct row_code *c, const struct row_start *s, uint32_t mode)
{
    static struct row_full full;
    uintptr_t slot = ROW_CODE + (uintptr_t)c->slot * ROW_SLOT;
    volatile uint64_t *window = (uint64_t *)s->window;
    for (unsigned i = 0; i < ROW_WINDOW / 8; i++)
        window[i] = row_fill(s->seed, i);
    fault.sig = fault.code = 0;
    fault.pc = fault.addr = 0;
    runner_enter(&s->state, slot);
    __asm__ volatile("" ::: "memory");
    runner_after.nzcv &= 0xf0000000;
    runner_after.fpsr &= ROW_FPSR_BITS;
    struct row_brief b = {.sig = (uint8_t)fault.sig, .code = (uint8_t)fault.code};
    b.at = fault.pc - slot < ROW_SLOT ? (uint16_t)((fault.pc - slot) / 4 - 1) : 0xffff;
    uint64_t h = hash_state(row_hash(fault.sig, fault.code), &runner_after);
    h = row_hash(row_hash(h, fault.pc), fault.addr);
    b.hash = mode & ROW_ALL ? hash_memory(h, ROW_MEM, ROW_MEM_END)
                            : hash_memory(h, s->window, s->window + ROW_WINDOW);
    if (mode & ROW_FULL) {
        full.state = runner_after;
        full.pc = fault.pc;
        full.addr = fault.addr;
        full.sig = fault.sig;
        full.code = fault.code;
        full.brief = b;
        for (unsigned i = 0; i < ROW_WINDOW / 8; i++)
            full.mem[i] = window[i];
        give(&full, sizeof full);
    } else {
        give(&b, sizeof b);
    }
    if (mode & ROW_FLUSH)
        flush();
    if (fault.sig) { /* how much a faulting store wrote is open: later cases must not see it */
        lay_pattern(ROW_MEM, ROW_MEM + EDGE);
        lay_pattern(ROW_MEM_END - EDGE, ROW_MEM_END);
    }
}

/* So that what lies around a code is translated when its turn comes, alone as among others: it then
 * ends where its slot ends. In all modes that FPCR may choose. */
static void warm_up(void)
{
    static const struct row_code nop = {.words = {0xd503201f}, .count = 1, .slot = ROW_SLOTS};
    static struct row_state state;
    place(&nop);
    synchronise(ROW_CODE + ROW_SLOTS * ROW_SLOT, ROW_CODE + (ROW_SLOTS + 1) * ROW_SLOT);
    for (unsigned mode = 0; mode < 2; mode++) {
        state.fpcr = mode << 24;
        runner_enter(&state, ROW_CODE + ROW_SLOTS * ROW_SLOT);
    }
}

static void run_batch(const struct row_batch *b)
{
    unsigned sum = 0;
    lay_pattern(ROW_MEM, ROW_MEM_END);
    for (unsigned i = 0; i < b->codes; i++) {
        if (codes[i].count > ROW_WORDS || codes[i].slot >= ROW_SLOTS)
            stop(2);
        place(&codes[i]);
        sum += codes[i].states;
    }
    if (sum != b->starts)
        stop(2);
    synchronise(ROW_CODE, ROW_CODE + ROW_SLOTS * ROW_SLOT);
    warm_up();
    memset(&current, 0, sizeof current);
    for (unsigned i = 0; i < b->codes; i++)
        for (unsigned k = 0; k < codes[i].states; k++) {
            take_start();
            run(&codes[i], &current, b->mode);
        }
    struct row_brief end = {.hash = hash_memory(0, ROW_MEM, ROW_MEM_END)};
    give(&end, sizeof end);
    flush();
}

int runner_main(void)
{
    struct row_batch b;
    map(ROW_CODE, (ROW_SLOTS + 1) * ROW_SLOT, PROT_READ | PROT_WRITE | PROT_EXEC);
    map(ROW_ARENA, ROW_MEM - ROW_ARENA, PROT_NONE);
    map(ROW_MEM, ROW_MEM_END - ROW_MEM, PROT_READ | PROT_WRITE);
    map(ROW_MEM_END, ROW_RO - ROW_MEM_END, PROT_NONE);
    map(ROW_RO, ROW_RO_END - ROW_RO, PROT_READ);
    map(ROW_RO_END, ROW_NOTHING - ROW_RO_END, PROT_NONE);
    catch_signals();
    while (take(&b, sizeof b)) {
        if (b.magic != ROW_MAGIC || b.codes > ROW_SLOTS || b.starts > ROW_SLOTS * ROW_STATES)
            stop(2);
        if (!take(codes, b.codes * sizeof *codes))
            stop(2);
        run_batch(&b);
    }
    return 0;
}
