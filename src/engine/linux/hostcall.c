// SPDX-License-Identifier: Apache-2.0
/* System calls that may block, without losing a signal that comes just before.
 *
 * Between hostcall_start and hostcall_end it is asked whether a signal waits, then the call is
 * made. The handler that interrupts this moves rip to hostcall_interrupted. That is right before
 * the call as well as when the kernel set rip back to the syscall instruction to make the call
 * again: either way the guest's own call is made again after its handler. The host's handlers have
 * SA_RESTART as the guest's have it, so the kernel itself decides between this and EINTR. */
#include "engine/linux/thread.h"

__attribute__((naked, noinline)) static long call(const uint32_t *attention __attribute__((unused)),
                                                  long nr __attribute__((unused)),
                                                  const uint64_t *args __attribute__((unused)))
{
    __asm__ volatile("push %%rbx\n"
                     "mov %%rdi, %%rbx\n"
                     "mov %%rsi, %%rax\n"
                     "mov %%rdx, %%rcx\n"
                     "mov 0(%%rcx), %%rdi\n"
                     "mov 8(%%rcx), %%rsi\n"
                     "mov 16(%%rcx), %%rdx\n"
                     "mov 24(%%rcx), %%r10\n"
                     "mov 32(%%rcx), %%r8\n"
                     "mov 40(%%rcx), %%r9\n"
                     ".globl hostcall_start, hostcall_end, hostcall_interrupted\n"
                     ".hidden hostcall_start, hostcall_end, hostcall_interrupted\n"
                     "hostcall_start:\n"
                     "cmpl $0, (%%rbx)\n"
                     "jne hostcall_interrupted\n"
                     "syscall\n"
                     "hostcall_end:\n"
                     "pop %%rbx\n"
                     "ret\n"
                     "hostcall_interrupted:\n"
                     "mov %[again], %%rax\n"
                     "pop %%rbx\n"
                     "ret\n"
                     :
                     : [again] "i"(HOSTCALL_AGAIN));
}

long linux_host_syscall(struct cpu *cpu, long nr, const uint64_t *args)
{
    struct thread *t = thread_of(cpu);
    uint64_t lent = signal_lend(t);
    long r = call(&t->attention, nr, args);
    signal_take_back(lent);
    return r;
}
