// SPDX-License-Identifier: Apache-2.0
// exit with a status, nothing else: four instructions
// cc: -nostdlib
// status: 42
// out:
    .globl _start
_start:
    mov x0, #42
    mov x8, #93
    svc #0
    b .
    .section .note.GNU-stack, "", %progbits
