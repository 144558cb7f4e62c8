// SPDX-License-Identifier: Apache-2.0
/* The program's entry: relocate ourselves, then C. */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

extern const Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

__attribute__((noreturn)) void linux_main(uint64_t *stack);
__attribute__((noreturn, used)) void rt_start(uint64_t *stack);

/* Nothing here may need a relocation: no tables of pointers, no calls through them. */
void rt_start(uint64_t *stack)
{
    uint64_t base = (uint64_t)(uintptr_t)&__ehdr_start;
    const Elf64_Rela *rela = NULL;
    size_t size = 0;
    for (const Elf64_Dyn *d = _DYNAMIC; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_RELA)
            rela = (const Elf64_Rela *)(uintptr_t)(base + d->d_un.d_ptr);
        else if (d->d_tag == DT_RELASZ)
            size = d->d_un.d_val;
    }
    for (size_t k = 0; k < size / sizeof(*rela); k++)
        if (ELF64_R_TYPE(rela[k].r_info) == R_X86_64_RELATIVE)
            *(uint64_t *)(uintptr_t)(base + rela[k].r_offset) = base + (uint64_t)rela[k].r_addend;
    linux_main(stack);
}

__attribute__((naked, noreturn)) void _start(void);
void _start(void)
{
    __asm__ volatile("xor %ebp, %ebp\n"
                     "mov %rsp, %rdi\n"
                     "and $-16, %rsp\n"
                     "call rt_start\n");
}
