// SPDX-License-Identifier: Apache-2.0
// Into a code and back. runner_enter(start, slot) loads every register from a row_state and jumps to the
// slot; its end jumps to runner_save, which stores every register in runner_after. runner_leave returns
// from runner_enter, whatever the registers are: the signal handler goes on there.

    .text
    .globl _start, runner_enter, runner_save, runner_leave
_start:
    mov x29, #0
    bl runner_main
    mov x8, #94
    svc #0
    b .

runner_enter:
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
    ldr x2, [x0, #248]
    mov sp, x2
    ldr w2, [x0, #256]
    msr nzcv, x2
    ldr w2, [x0, #260]
    msr fpcr, x2
    ldr w2, [x0, #264]
    msr fpsr, x2
    add x2, x0, #272
    .irp n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
    ldr q\n, [x2, #(16 * \n)]
    .endr
    .irp n, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
    ldr q\n, [x2, #(16 * \n)]
    .endr
    ldr x30, [x0, #240]
    msr tpidr_el0, x30
    mov x30, x1
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    ldr x\n, [x0, #(8 * \n)]
    .endr
    ldr x0, [x0]
    clrex
    br x30

runner_save:
    adrp x30, runner_after
    add x30, x30, :lo12:runner_after
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    str x\n, [x30, #(8 * \n)]
    .endr
    mrs x0, tpidr_el0
    mov x1, sp
    stp x0, x1, [x30, #240]
    mrs x0, nzcv
    mrs x1, fpcr
    mrs x2, fpsr
    str w0, [x30, #256]
    str w1, [x30, #260]
    str w2, [x30, #264]
    add x30, x30, #272
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    str q\n, [x30, #(16 * \n)]
    .endr

runner_leave:
    msr fpcr, xzr
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
    ret

    .bss
    .balign 16
keep:
    .skip 112
    .section .note.GNU-stack, "", %progbits
