// SPDX-License-Identifier: Apache-2.0
// DC ZVA zeroes the block that DCZID_EL0 tells of, wherever in it the address is, and nothing else;
// a fault in it leaves everything as it was. Cache lines are those that CTR_EL0 tells of.
#include "guest.h"

static char *page, *gone;
static volatile int faults;

static void on_fault(int sig, siginfo_t *si, void *context)
{
    ucontext_t *uc = context;
    EQUAL(sig, SIGSEGV);
    /* the operand; or, as emulators have it, the start of its block */
    CHECK((char *)si->si_addr == gone + 17 || (char *)si->si_addr == gone);
    uc->uc_mcontext.pc += 4;
    faults++;
}

int main(void)
{
    uint64_t dczid, ctr;
    __asm__("mrs %0, dczid_el0\n\tmrs %1, ctr_el0" : "=r"(dczid), "=r"(ctr));
    CHECK(!(dczid & 16));
    /* JIT compilers skip IC IVAU where DIC is set, and the engine needs it */
    CHECK(!(ctr >> 29 & 1) && (ctr & 15) <= 9 && (ctr >> 16 & 15) <= 9);
    size_t block = 4u << (dczid & 15);
    page = guest_pages(8192, PROT_READ | PROT_WRITE);
    gone = page + 4096;
    for (size_t at = 0; at < 4096; at += 37) {
        memset(page, 0xa5, 4096);
        __asm__ volatile("dc zva, %0" ::"r"(page + at) : "memory");
        size_t first = at & ~(block - 1), wrong = 0;
        for (size_t i = 0; i < 4096; i++)
            wrong += page[i] != (i >= first && i < first + block ? 0 : (char)0xa5);
        EQUAL(wrong, 0);
    }
    munmap(gone, 4096);
    guest_handle(SIGSEGV, on_fault, 0);
    __asm__ volatile("dc zva, %0" ::"r"(gone + 17) : "memory");
    EQUAL(faults, 1);
    return guest_done();
}
