// SPDX-License-Identifier: Apache-2.0
// Calls and returns without a libc: deeper than a return stack is long, a return that no call belongs to
// (by BR, by a RET to another address, through another register), and a tail call
// cc: -nostdlib
// status: 77
// out:
    .globl _start
_start:
    mov x19, #0
    ldr x0, =200000
    bl deep
    ldr x1, =200000
    cmp x0, x1
    b.ne bad
    add x19, x19, #7
    adr x30, back          // a RET without its BL
    ret
    b bad
back:
    adr x5, second
    ret x5
    b bad
second:
    add x19, x19, #10
    bl leaf_skips          // returns one instruction further
    b bad
    bl outer               // tail-calls a leaf
    bl via_br
    adr x9, leaf
    mov x10, #40
1:  blr x9
    subs x10, x10, #1
    b.ne 1b
    sub x0, x19, #46
    mov x8, #93
    svc #0
bad:
    mov x0, #1
    mov x8, #93
    svc #0
    b .
deep:
    cbz x0, 2f
    str x30, [sp, #-16]!
    sub x0, x0, #1
    bl deep
    add x0, x0, #1
    ldr x30, [sp], #16
2:  ret
leaf_skips:
    add x19, x19, #20
    add x30, x30, #4
    ret
outer:
    b leaf45
leaf45:
    add x19, x19, #45
    ret
via_br:
    add x19, x19, #1
    br x30
leaf:
    add x19, x19, #1
    ret
    .section .note.GNU-stack, "", %progbits
