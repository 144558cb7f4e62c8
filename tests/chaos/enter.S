// SPDX-License-Identifier: Apache-2.0
// chaos_enter(regs, target): load x0 to x30, sp and the vectors from regs[0..31], jump to target (in
// regs[16]), and come back at chaos_back from wherever the code, or a handler that sets the pc, ends.
// chaos_after has the registers then.

    .text
    .globl chaos_enter, chaos_back
chaos_enter:
    adrp x2, keep
    add x2, x2, :lo12:keep
    stp x19, x20, [x2]
    stp x21, x22, [x2, #16]
    stp x23, x24, [x2, #32]
    stp x25, x26, [x2, #48]
    stp x27, x28, [x2, #64]
    stp x29, x30, [x2, #80]
    mov x3, sp
    str x3, [x2, #96]
    mrs x3, tpidr_el0
    str x3, [x2, #104]
    ldr x3, [x0, #248]
    mov sp, x3
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 30, 31
    ldr q\n, [x0, #(16 * (\n % 12))]
    .endr
    ldp x2, x3, [x0, #16]
    ldp x4, x5, [x0, #32]
    ldp x6, x7, [x0, #48]
    ldp x8, x9, [x0, #64]
    ldp x10, x11, [x0, #80]
    ldp x12, x13, [x0, #96]
    ldp x14, x15, [x0, #112]
    ldp x16, x17, [x0, #128]
    ldp x18, x19, [x0, #144]
    ldp x20, x21, [x0, #160]
    ldp x22, x23, [x0, #176]
    ldp x24, x25, [x0, #192]
    ldp x26, x27, [x0, #208]
    ldp x28, x29, [x0, #224]
    ldr x30, [x0, #240]
    ldp x0, x1, [x0]
    br x16
chaos_back:
    // x0 is needed for an address: it goes to the stack of nobody, so it is lost; all others are kept
    adrp x0, chaos_after
    add x0, x0, :lo12:chaos_after
    stp x1, x2, [x0, #8]
    stp x3, x4, [x0, #24]
    stp x5, x6, [x0, #40]
    stp x7, x8, [x0, #56]
    stp x9, x10, [x0, #72]
    stp x11, x12, [x0, #88]
    stp x13, x14, [x0, #104]
    stp x15, x16, [x0, #120]
    stp x17, x18, [x0, #136]
    stp x19, x20, [x0, #152]
    stp x21, x22, [x0, #168]
    stp x23, x24, [x0, #184]
    stp x25, x26, [x0, #200]
    stp x27, x28, [x0, #216]
    stp x29, x30, [x0, #232]
    mov x1, sp
    str x1, [x0, #248]
    adrp x2, keep
    add x2, x2, :lo12:keep
    ldp x19, x20, [x2]
    ldp x21, x22, [x2, #16]
    ldp x23, x24, [x2, #32]
    ldp x25, x26, [x2, #48]
    ldp x27, x28, [x2, #64]
    ldp x29, x30, [x2, #80]
    ldr x3, [x2, #96]
    mov sp, x3
    ldr x3, [x2, #104]
    msr tpidr_el0, x3
    msr fpcr, xzr
    ret

    .globl chaos_keep_tls
chaos_keep_tls: // the thread's own TLS register, for a handler that cannot trust its
    adrp x0, keep
    ldr x0, [x0, :lo12:keep + 104]
    msr tpidr_el0, x0
    ret

    .bss
    .balign 16
keep:
    .skip 128
    .globl chaos_after
chaos_after:
    .skip 256
    .section .note.GNU-stack,"",%progbits
