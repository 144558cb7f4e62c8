// SPDX-License-Identifier: Apache-2.0
// Each synchronous fault: signal, si_code, si_addr, pc, and registers as they were before the
// instruction; then on, at the next one.
// out: read unmapped: sig 11 code 1 addr ok pc ok regs ok
// out: write unmapped: sig 11 code 1 addr ok pc ok regs ok
// out: write read-only: sig 11 code 2 addr ok pc ok regs ok
// out: read no-access: sig 11 code 2 addr ok pc ok regs ok
// out: pair across pages: sig 11 code 2 addr ok pc ok regs ok
// out: vector load: sig 11 code 2 addr ok pc ok regs ok
// out: pre-index store: sig 11 code 2 addr ok pc ok regs ok
// out: post-index load: sig 11 code 2 addr ok pc ok regs ok
// out: atomic add: sig 11 code 2 addr ok pc ok regs ok
// out: exclusive: sig 11 code 2 addr ok pc ok regs ok
// out: zero line: sig 11 code 2 addr ok pc ok regs ok
// out: undefined: sig 4 code 1 addr ok pc ok regs ok
// out: breakpoint: sig 5 code 1 addr ok pc ok regs ok
// out: beyond the file: sig 7 code 2 addr ok pc ok regs ok
// out: jump unmapped: sig 11 code 1 addr ok pc ok regs ok
// out: jump no-exec: sig 11 code 2 addr ok pc ok regs ok
// out: jump misaligned: sig 7 code 1 addr ok pc ok regs ok
// cc: -march=armv8.1-a
#include "guest.h"
#include <fcntl.h>

/* What the handler is to find. */
static struct {
    uintptr_t addr; /* si_addr; 0: the instruction itself */
    uintptr_t pc;   /* where; 0: at the label of the case */
    uintptr_t back; /* where to go on */
} want;
static const char *name;

static void handler(int sig, siginfo_t *si, void *context)
{
    ucontext_t *uc = context;
    mcontext_t *m = &uc->uc_mcontext;
    bool regs = m->regs[1] == 0x1111 && m->regs[2] == 0x2222 && m->regs[9] == want.addr;
    /* x3 becomes 0x3333 in the instruction before the faulting one, and x4 in the one behind it */
    regs = regs && m->regs[3] == 0x3333 && m->regs[4] != 0x4444 && (m->pstate >> 28) == 6;
    uintptr_t addr = (uintptr_t)si->si_addr, pc = want.pc;
    printf("%s: sig %d code %d addr %s pc %s regs %s\n", name, sig, si->si_code,
           addr == (want.addr ? want.addr : pc) ? "ok" : "wrong", m->pc == pc ? "ok" : "wrong",
           regs ? "ok" : "wrong");
    if (addr != (want.addr ? want.addr : pc) || m->pc != pc)
        printf("  addr %#lx want %#lx, pc %#llx want %#lx\n", addr, want.addr, m->pc, pc);
    m->pc = want.back;
}

/* x9 = address; the label f is where the fault is to be. NZCV is 0110 before, and read behind:
 * flags that nobody reads need not be in the frame (docs/QUIRKS.md). */
#define CASE(text, address, instruction)                                                           \
    do {                                                                                           \
        name = text;                                                                               \
        want.addr = (uintptr_t)(address);                                                          \
        __asm__ volatile("adr x0, 1f\n\t"                                                          \
                         "str x0, [%1]\n\t"                                                        \
                         "adr x0, 2f\n\t"                                                          \
                         "str x0, [%2]\n\t"                                                        \
                         "mov x9, %0\n\t"                                                          \
                         "mov x1, #0x1111\n\t"                                                     \
                         "mov x2, #0x2222\n\t"                                                     \
                         "mov x4, #0\n\t"                                                          \
                         "mov x10, x9\n\t"                                                         \
                         "cmp x1, x1\n\t"                                                          \
                         "mov x3, #0x3333\n"                                                       \
                         "1:\t" instruction "\n\t"                                                 \
                         "mov x4, #0x4444\n"                                                       \
                         "2:\tcset x11, eq"                                                        \
                         :                                                                         \
                         : "r"(want.addr), "r"(&want.pc), "r"(&want.back)                          \
                         : "x0", "x1", "x2", "x3", "x4", "x9", "x10", "x11", "v0", "cc",           \
                           "memory");                                                              \
    } while (0)
/* The same for jumps: the fault is at the target. */
#define JUMP(text, address)                                                                        \
    do {                                                                                           \
        name = text;                                                                               \
        want.addr = want.pc = (uintptr_t)(address);                                                \
        __asm__ volatile("adr x0, 2f\n\t"                                                          \
                         "str x0, [%1]\n\t"                                                        \
                         "mov x9, %0\n\t"                                                          \
                         "mov x1, #0x1111\n\t"                                                     \
                         "mov x2, #0x2222\n\t"                                                     \
                         "mov x4, #0\n\t"                                                          \
                         "cmp x1, x1\n\t"                                                          \
                         "mov x3, #0x3333\n\t"                                                     \
                         "br x9\n"                                                                 \
                         "2:"                                                                      \
                         :                                                                         \
                         : "r"(want.addr), "r"(&want.back)                                         \
                         : "x0", "x1", "x2", "x3", "x4", "x9", "cc", "memory");                    \
    } while (0)

int main(void)
{
    static const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++)
        guest_handle(sigs[i], handler, 0);
    char *p = guest_pages(4 * 4096, PROT_READ | PROT_WRITE);
    char *none = p + 4096, *gone = p + 3 * 4096;
    mprotect(none, 4096, PROT_NONE);
    mprotect(p + 2 * 4096, 4096, PROT_READ);
    munmap(gone, 4096);
    CASE("read unmapped", gone + 8, "ldr x1, [x9]");
    CASE("write unmapped", gone + 5, "strb w1, [x9]");
    CASE("write read-only", none + 4096, "str x2, [x9]");
    CASE("read no-access", none + 1, "ldrsh x1, [x9]");
    CASE("pair across pages", none, "ldp x1, x2, [x10, #-8]");
    CASE("vector load", none + 16, "ldr q0, [x9]");
    CASE("pre-index store", none, "str x1, [x10, #0]!");
    CASE("post-index load", none, "ldr x1, [x10], #8");
    CASE("atomic add", none, "ldadd x1, x2, [x10]");
    CASE("exclusive", none, "ldxr x1, [x10]");
    CASE("zero line", none, "dc zva, x9");
    CASE("undefined", 0, "udf #7");
    CASE("breakpoint", 0, "brk #9");
    char path[] = "/tmp/guest-fault.XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && unlink(path) == 0 && ftruncate(fd, 100) == 0);
    char *file = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    CASE("beyond the file", file + 4096, "ldr w1, [x9]");
    JUMP("jump unmapped", gone);
    JUMP("jump no-exec", p);
    JUMP("jump misaligned", (uintptr_t)main + 2);
    return 0;
}
