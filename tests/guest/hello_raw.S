// SPDX-License-Identifier: Apache-2.0
// write and exit without a libc
// cc: -nostdlib
// out: hello from aarch64
    .globl _start
_start:
    mov x0, #1
    adrp x1, text
    add x1, x1, :lo12:text
    mov x2, #(end - text)
    mov x8, #64
    svc #0
    cmp x0, #(end - text)
    cset x0, ne
    mov x8, #93
    svc #0
    b .
    .section .rodata
text:
    .ascii "hello from aarch64\n"
end:
    .section .note.GNU-stack, "", %progbits
