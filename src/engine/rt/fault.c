/* SPDX-License-Identifier: Apache-2.0
 *
 * From a host fault back to the guest, and guest memory as C reads it.
 *
 * Runs in the host's signal handler, on the alternate stack, with any lock possibly held by the
 * interrupted code: takes none. Chunks and their arrays only grow while a thread is in translated
 * code (a flush waits); they are read as they were published.
 */
#include "engine/rt/state.h"

enum { GREG_RSP = 15, GREG_RIP = 16, GREG_EFL = 17, GUARD = 4096, SIGSEGV_ = 11 };
enum { SI_KERNEL_ = 0x80, SEGV_MAPERR_ = 1 };

/* The general registers of a host ucontext_t. */
static uint64_t *gregs(void *ucontext)
{
    return (uint64_t *)((uint8_t *)ucontext + 40);
}

struct block *code_at(uint64_t host, struct chunk **ret_chunk)
{
    uint32_t chunks = __atomic_load_n(&rt_state.chunk_count, __ATOMIC_ACQUIRE);
    for (uint32_t k = 0; k < chunks; k++) {
        struct chunk *c = &rt_state.chunks[k];
        uint64_t offset = host - (uint64_t)(uintptr_t)c->exec;
        if (offset >= CHUNK_CODE)
            continue;
        *ret_chunk = c;
        uint32_t low = 0, high = __atomic_load_n(&c->block_count, __ATOMIC_ACQUIRE);
        while (low < high) { /* the last block that begins at or before it */
            uint32_t middle = (low + high) / 2;
            if (c->blocks[middle].code <= offset)
                low = middle + 1;
            else
                high = middle;
        }
        if (!low || offset - c->blocks[low - 1].code >= c->blocks[low - 1].code_size)
            return NULL;
        return &c->blocks[low - 1];
    }
    *ret_chunk = NULL;
    return NULL;
}

bool rt_in_guest(uint64_t rip)
{
    struct chunk *c;
    code_at(rip, &c);
    return c ||
           (rip >= (uint64_t)(uintptr_t)rt_entry_start && rip < (uint64_t)(uintptr_t)rt_entry_end);
}

static const struct x64_fault *find_fault(const struct chunk *c, const struct block *b,
                                          uint64_t host)
{
    uint32_t offset = (uint32_t)(host - (uint64_t)(uintptr_t)c->exec) - b->code;
    const struct x64_fault *f = c->faults + b->faults;
    uint32_t low = 0, high = b->fault_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (f[middle].host == offset)
            return &f[middle];
        if (f[middle].host < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

enum { EFL_CF = 1, EFL_PF = 4, EFL_ZF = 0x40, EFL_SF = 0x80, EFL_OF = 0x800 };

/* NZCV in the stored layout from EFLAGS. */
static uint32_t stored_flags(uint64_t efl, unsigned kind)
{
    if (kind == X64_FLAGS_FCMP) {
        if (efl & EFL_PF)
            return NZCV_V;
        return (efl & EFL_CF ? NZCV_N | NZCV_NC : 0) | (efl & EFL_ZF ? NZCV_Z : 0);
    }
    bool carry = efl & EFL_CF;
    if (kind == X64_FLAGS_ADD)
        carry = !carry;
    else if (kind == X64_FLAGS_LOGIC)
        carry = true;
    return (efl & EFL_SF ? NZCV_N : 0) | (efl & EFL_ZF ? NZCV_Z : 0) | (carry ? NZCV_NC : 0) |
           (efl & EFL_OF ? NZCV_V : 0);
}

/* ---- guest memory from C ---- */
extern const char rt_copy_start[], rt_copy_end[], rt_copy_failed[];

/* Bytes not copied. */
__attribute__((naked, noinline)) static size_t copy(void *to __attribute__((unused)),
                                                    const void *from __attribute__((unused)),
                                                    size_t n __attribute__((unused)))
{
    __asm__ volatile("mov %rdx, %rcx\n"
                     ".globl rt_copy_start, rt_copy_end, rt_copy_failed\n"
                     ".hidden rt_copy_start, rt_copy_end, rt_copy_failed\n"
                     "rt_copy_start:\n"
                     "rep movsb\n"
                     "rt_copy_end:\n"
                     "rt_copy_failed:\n"
                     "mov %rcx, %rax\n"
                     "ret\n");
}

extern const char rt_word_start[], rt_word_end[], rt_word_failed[];

__attribute__((naked, noinline)) bool fault_read_word(uint64_t at __attribute__((unused)),
                                                      uint32_t *ret_word __attribute__((unused)))
{
    __asm__ volatile(".globl rt_word_start, rt_word_end, rt_word_failed\n"
                     ".hidden rt_word_start, rt_word_end, rt_word_failed\n"
                     "rt_word_start:\n"
                     "mov (%rdi), %ecx\n"
                     "rt_word_end:\n"
                     "mov %ecx, (%rsi)\n"
                     "mov $1, %eax\n"
                     "ret\n"
                     "rt_word_failed:\n"
                     "xor %eax, %eax\n"
                     "ret\n");
}

extern const char rt_probe_start[], rt_probe_end[], rt_probe_failed[];

__attribute__((naked, noinline)) bool fault_probe_write(uint64_t at __attribute__((unused)))
{
    __asm__ volatile(".globl rt_probe_start, rt_probe_end, rt_probe_failed\n"
                     ".hidden rt_probe_start, rt_probe_end, rt_probe_failed\n"
                     "rt_probe_start:\n"
                     "lock orb $0, (%rdi)\n"
                     "rt_probe_end:\n"
                     "mov $1, %eax\n"
                     "ret\n"
                     "rt_probe_failed:\n"
                     "xor %eax, %eax\n"
                     "ret\n");
}

bool rt_guest_read(void *to, uint64_t from, size_t length)
{
    if (rt_window_has(from, length))
        return false;
    return copy(to, (const void *)(uintptr_t)from, length) == 0;
}

bool rt_guest_write(uint64_t to, const void *from, size_t length)
{
    if (rt_window_has(to, length))
        return false;
    return copy((void *)(uintptr_t)to, from, length) == 0;
}

int64_t rt_guest_strlen(uint64_t from, size_t max)
{
    for (size_t n = 0; n < max; n++) {
        char c;
        if (!rt_guest_read(&c, from + n, 1))
            return -1;
        if (!c)
            return (int64_t)n;
    }
    return (int64_t)max;
}

/* ---- the handler's question ---- */
static bool within(uint64_t rip, const char *start, const char *end)
{
    return rip >= (uint64_t)(uintptr_t)start && rip < (uint64_t)(uintptr_t)end;
}

/* An access that C made and that may fail: go on where it says so. */
static bool own_access(uint64_t *g)
{
    const char *to = NULL;
    if (within(g[GREG_RIP], rt_copy_start, rt_copy_end))
        to = rt_copy_failed;
    else if (within(g[GREG_RIP], rt_word_start, rt_word_end))
        to = rt_word_failed;
    else if (within(g[GREG_RIP], rt_probe_start, rt_probe_end))
        to = rt_probe_failed;
    if (to)
        g[GREG_RIP] = (uint64_t)(uintptr_t)to;
    return to;
}

bool rt_host_fault(void *ucontext, int signal, int code, uint64_t address)
{
    uint64_t *g = gregs(ucontext);
    uint64_t rip = g[GREG_RIP];
    if (own_access(g))
        return true;
    struct cpu *cpu = rt_cpu();
    struct chunk *c;
    struct block *b = code_at(rip, &c);
    if (!b)
        return false;
    if (signal == SIGSEGV_ && address < cpu->ret_limit && address >= cpu->ret_limit - GUARD) {
        g[GREG_RSP] = cpu->ret_top; /* the return stack is full: forget it, push again */
        return true;
    }
    const struct x64_fault *f = find_fault(c, b, rip);
    if (!f)
        return false;
    cpu->pc = b->pc + (uint64_t)(int64_t)f->guest;
    if (f->flags != X64_FLAGS_HOME && f->flags != X64_FLAGS_DEAD)
        cpu->nzcv = stored_flags(g[GREG_EFL], f->flags);
    if (code == SI_KERNEL_ &&
        f->masked) { /* no canonical address even so: a fault like any other */
        address = cpu->fault_address;
        code = SEGV_MAPERR_;
    }
    cpu->arg[0] = address;
    cpu->arg[1] = (uint64_t)(int64_t)signal;
    cpu->arg[2] = (uint64_t)(int64_t)code;
    cpu->arg[3] = f->flags;
    g[GREG_RIP] = (uint64_t)(uintptr_t)rt_fault_entry;
    return true;
}
