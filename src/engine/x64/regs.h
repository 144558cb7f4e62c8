/* SPDX-License-Identifier: Apache-2.0
 *
 * The register map at region borders: which guest registers live in which host registers.
 * rbp = cpu + CPU_BIAS, rsp = return stack, rax rcx rdx and xmm0-3 are scratch.
 * rt/entry.c saves and loads by the same lists.
 */
#ifndef ENGINE_X64_REGS_H
#define ENGINE_X64_REGS_H

/* Host general registers by number. */
#define HOST_RAX 0
#define HOST_RCX 1
#define HOST_RDX 2
#define HOST_RBX 3
#define HOST_RSP 4
#define HOST_RBP 5
#define HOST_RSI 6
#define HOST_RDI 7

/* The pinned link register: CALL pushes it. */
#define HOST_LINK 14

/* clang-format off */
/* PIN(guest x, host number, host name): eleven. rsi rdi r8-r11 are lost over C calls. */
#define PINNED_X(PIN) \
    PIN(0, 3, rbx) PIN(1, 6, rsi) PIN(2, 7, rdi) PIN(3, 8, r8) PIN(4, 9, r9) PIN(5, 10, r10) \
    PIN(19, 11, r11) PIN(20, 12, r12) PIN(21, 13, r13) PIN(30, 14, r14) PIN(31, 15, r15)

/* PIN(guest v, host xmm): twelve. */
#define PINNED_V(PIN) \
    PIN(0, 4) PIN(1, 5) PIN(2, 6) PIN(3, 7) PIN(4, 8) PIN(5, 9) PIN(6, 10) PIN(7, 11) \
    PIN(16, 12) PIN(17, 13) PIN(30, 14) PIN(31, 15)
/* clang-format on */

#endif
