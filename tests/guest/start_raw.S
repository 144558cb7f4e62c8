// SPDX-License-Identifier: Apache-2.0
// What the kernel puts on a new program's stack: argc, argv, environment, auxiliary vector; sp's
// alignment, and registers that are zero. The exit status is the number of the failed check.
// args: one two
// cc: -nostdlib
// status: 0
// out:
    .globl _start
_start:
    mov x20, #1
    orr x1, x1, x2
    orr x1, x1, x30
    orr x1, x1, x29
    cbnz x1, bad           // ELF_PLAT_INIT
    mov x20, #2
    mov x0, sp
    tst x0, #15
    b.ne bad
    mov x20, #3
    ldr x0, [sp]
    cmp x0, #3
    b.ne bad
    mov x20, #4
    ldr x1, [sp, #16]
    ldrb w2, [x1]
    cmp w2, #'o'
    b.ne bad
    mov x20, #5
    ldr x1, [sp, #24]
    ldrb w2, [x1]
    cmp w2, #'t'
    b.ne bad
    mov x20, #6
    ldr x1, [sp, #32]
    cbnz x1, bad
    add x1, sp, #40        // environment, then the vector
1:  ldr x2, [x1], #8
    cbnz x2, 1b
    mov x3, #0             // which of those wanted were seen
2:  ldp x2, x4, [x1], #16
    cbz x2, 3f
    cmp x2, #6             // AT_PAGESZ
    b.ne 4f
    mov x20, #7
    cmp x4, #4096
    b.ne bad
    orr x3, x3, #1
4:  cmp x2, #9             // AT_ENTRY
    b.ne 5f
    mov x20, #8
    adr x5, _start
    cmp x4, x5
    b.ne bad
    orr x3, x3, #2
5:  cmp x2, #25            // AT_RANDOM
    b.ne 6f
    mov x20, #9
    ldp x5, x6, [x4]
    orr x5, x5, x6
    cbz x5, bad
    orr x3, x3, #4
6:  cmp x2, #3             // AT_PHDR: within this program
    b.ne 7f
    mov x20, #10
    adr x5, _start
    sub x5, x5, x4
    tst x5, #0xffffffffffff0000
    b.ne bad
    orr x3, x3, #8
7:  cmp x2, #16            // AT_HWCAP has FP and ASIMD
    b.ne 8f
    mov x20, #11
    and x5, x4, #3
    cmp x5, #3
    b.ne bad
    orr x3, x3, #16
8:  cmp x2, #15            // AT_PLATFORM: "aarch64"
    b.ne 2b
    mov x20, #12
    ldr x5, [x4]
    ldr x6, =0x0034366863726161
    cmp x5, x6
    b.ne bad
    orr x3, x3, #32
    b 2b
3:  mov x20, #13
    cmp x3, #63
    b.ne bad
    mov x20, #0
bad:
    mov x0, x20
    mov x8, #93
    svc #0
    b .
    .section .note.GNU-stack, "", %progbits
