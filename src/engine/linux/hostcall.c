/* SPDX-License-Identifier: Apache-2.0
 *
 * System calls that may block, without losing a signal that comes just before.
 *
 * The code between hostcall_start and hostcall_end looks whether a signal waits and then makes the call. A
 * handler that interrupts it there moves rip to hostcall_interrupted: the call is not made, and the
 * guest's system call is done again after its handler.
 */
#include "engine/linux/thread.h"

__attribute__((naked, noinline)) static long call(const volatile uint32_t *pending, long nr,
                                                  const uint64_t *args)
{
    (void)pending;
    (void)nr;
    (void)args;
    __asm__ volatile("push %rbx\n"
                     "mov %rdi, %rbx\n"
                     "mov %rsi, %rax\n"
                     "mov %rdx, %rcx\n"
                     "mov 0(%rcx), %rdi\n"
                     "mov 8(%rcx), %rsi\n"
                     "mov 16(%rcx), %rdx\n"
                     "mov 24(%rcx), %r10\n"
                     "mov 32(%rcx), %r8\n"
                     "mov 40(%rcx), %r9\n"
                     ".globl hostcall_start, hostcall_end, hostcall_interrupted\n"
                     ".hidden hostcall_start, hostcall_end, hostcall_interrupted\n"
                     "hostcall_start:\n"
                     "cmpl $0, (%rbx)\n"
                     "jne hostcall_interrupted\n"
                     "syscall\n"
                     "hostcall_end:\n"
                     "pop %rbx\n"
                     "ret\n"
                     "hostcall_interrupted:\n"
                     "mov $-512, %rax\n"
                     "pop %rbx\n"
                     "ret\n");
}

long linux_host_syscall(struct cpu *cpu, long nr, const uint64_t *args)
{
    return call(&thread_of(cpu)->pending, nr, args);
}
