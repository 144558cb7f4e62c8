/* SPDX-License-Identifier: Apache-2.0
 *
 * The border between C and translated code: rt_run, the thunks, the way in from a fault.
 *
 * Written as one piece of assembly whose offsets the compiler fills in. In translated code rbp =
 * cpu + CPU_BIAS and rsp is the return stack; C runs on the stack whose top is cpu->host_sp. A
 * thunk saves the pinned registers (x64/regs.h), changes stacks, calls C, changes back, loads them
 * again.
 *
 * Invariants
 *  1. Vectors and MXCSR are the guest's all the time: C code is compiled without them.
 *  2. Every thunk but HELPER may use rax, rcx, rdx and EFLAGS freely.
 *  3. The C stack is empty whenever translated code runs: each thunk starts at its top.
 *  4. cpu->in_code (state.h) is 0 from TO_C on, and 1 again before anything of the code is used.
 */
#include "engine/rt/state.h"
#include "engine/x64/regs.h"

#define OFF(field) ((int)offsetof(struct cpu, field) - CPU_BIAS)

#define SAVE(guest, host, name) "mov %%" #name ", %c[x] + 8 * " #guest "(%%rbp)\n"
#define LOAD(guest, host, name) "mov %c[x] + 8 * " #guest "(%%rbp), %%" #name "\n"
#define SAVE_V(guest, host) "vmovdqa %%xmm" #host ", 16 * " #guest "(%%rdi)\n"
#define LOAD_V(guest, host) "vmovdqa 16 * " #guest "(%%rdi), %%xmm" #host "\n"

#define SAVE_ALL PINNED_X(SAVE)
#define LOAD_ALL PINNED_X(LOAD)

/* Out of translated code and onto the C stack, whose top keeps the guest's rsp (rt_empty_returns
 * changes it) and, for system calls, pc; 16-byte aligned. */
#define TO_C                                                                                       \
    "movl $0, %c[in_code](%%rbp)\n"                                                                \
    "mov %%rsp, %%rcx\n"                                                                           \
    "mov %c[host_sp](%%rbp), %%rsp\n"                                                              \
    "push %%rcx\n"                                                                                 \
    "push %c[pc](%%rbp)\n"                                                                         \
    "lea %c[minus_bias](%%rbp), %%rdi\n"
/* Back; the C function has set in_code and returned where to go. */
#define FROM_C                                                                                     \
    "pop %%rcx\n"                                                                                  \
    "pop %%rsp\n" LOAD_ALL "jmp *%%rax\n"
#define EPOCH "rt_state + %c[state_epoch](%%rip)"

__attribute__((naked, used)) static void entry(void)
{
    __asm__ volatile(
        ".globl rt_entry_start, rt_entry_end, rt_fault_entry, rt_thunk_jump, rt_return_empty, "
        "rt_jump_unknown\n"
        ".hidden rt_entry_start, rt_entry_end, rt_fault_entry, rt_thunk_jump, rt_return_empty, "
        "rt_jump_unknown\n"
        ".globl rt_run\n"
        ".hidden rt_run\n"
        "rt_run:\n"
        "lea %c[bias](%%rdi), %%rbp\n"
        "mov %c[ret_top](%%rbp), %%rsp\n" TO_C "mov %c[pc](%%rbp), %%rsi\n"
        "call rt_lookup\n"
        "lea %c[v](%%rbp), %%rdi\n" PINNED_V(
            LOAD_V) "rt_entry_start:\n" FROM_C

                    "rt_thunk_link:\n"
                    "mov 8(%%rax), %%rdx\n" SAVE_ALL TO_C "mov %%rax, %%rsi\n"
                    "call rt_link\n" FROM_C

                    "rt_thunk_jump_ic:\n"
                    "cmpq $0, 8(%%rdx)\n"
                    "jne rt_thunk_jump\n" SAVE_ALL TO_C "mov %%rax, %%rsi\n"
                    "call rt_fill\n" FROM_C

                    /* Deeper calls than their returns were left by longjmp or the like; no match at
                     * all: code that returns without having been called may loop, so it polls. */
                    "rt_thunk_ret_miss:\n"
                    "mov %%rsp, %%rdx\n"
                    "mov $8, %%ecx\n"
                    "1: cmp %%rax, 8(%%rdx)\n"
                    "je 2f\n"
                    "lea 16(%%rdx), %%rdx\n"
                    "dec %%ecx\n"
                    "jne 1b\n"
                    "mov %c[ret_top](%%rbp), %%rsp\n"
                    "subl $1, %c[fuel](%%rbp)\n"
                    "jns rt_thunk_jump\n"
                    "jmp rt_thunk_poll\n"
                    "2: mov %%rdx, %%rsp\n"
                    "ret\n"

                    /* Where an empty return stack leads: its key matches what no code can be at. */
                    "rt_return_empty:\n"
                    "mov $-1, %%rax\n"
                    "mov %c[ret_top](%%rbp), %%rsp\n"

                    /* Where it went before, unless code has died since (a negative fuel that tells
                     * so may be lost in a decrement); else the block table, and it is noted. */
                    "rt_thunk_jump:\n"
                    "mov " EPOCH ", %%rdx\n"
                    "cmp %%rdx, %c[epoch](%%rbp)\n"
                    "jne 4f\n"
                    "mov %%eax, %%ecx\n"
                    "and %[jumps_mask], %%ecx\n"
                    "cmp %%rax, %c[jumps_pc](%%rbp, %%rcx, 4)\n"
                    "jne 8f\n"
                    "jmp *%c[jumps](%%rbp, %%rcx, 4)\n"
                    "8:\n"
                    "mov %c[table](%%rbp), %%rdx\n"
                    "mov %%eax, %%ecx\n"
                    "shr $2, %%ecx\n"
                    "and %[mask], %%ecx\n"
                    "mov (%%rdx, %%rcx, 8), %%rcx\n"
                    "test %%rcx, %%rcx\n"
                    "je 4f\n"
                    "3: cmp %%rax, %c[block_pc](%%rcx)\n"
                    "jne 5f\n"
                    "mov %c[block_host](%%rcx), %%rcx\n"
                    "mov %%eax, %%edx\n"
                    "and %[jumps_mask], %%edx\n"
                    "mov %%rax, %c[jumps_pc](%%rbp, %%rdx, 4)\n"
                    "mov %%rcx, %c[jumps](%%rbp, %%rdx, 4)\n"
                    "jmp *%%rcx\n"
                    "5: mov %c[block_next](%%rcx), %%rcx\n"
                    "test %%rcx, %%rcx\n"
                    "jne 3b\n"
                    "rt_jump_unknown:\n"
                    "4:\n" SAVE_ALL TO_C "mov %%rax, %%rsi\n"
                    "call rt_lookup\n" FROM_C

                    /* Behind the call the thread is in code again as soon as in_code says so: only
                     * then is the epoch looked at. */
                    "rt_thunk_syscall:\n" SAVE_ALL TO_C "call linux_syscall\n"
                    "mov $1, %%eax\n"
                    "xchg %%eax, %c[in_code](%%rbp)\n"
                    "mov " EPOCH ", %%rax\n"
                    "cmp %%rax, %c[epoch](%%rbp)\n"
                    "jne 6f\n"
                    "pop %%rcx\n"
                    "cmp %%rcx, %c[pc](%%rbp)\n"
                    "jne 6f\n"
                    "pop %%rsp\n" LOAD_ALL "ret\n"
                    "6: mov %c[ret_top](%%rbp), %%rsp\n" TO_C "mov %c[pc](%%rbp), %%rsi\n"
                    "call rt_lookup\n" FROM_C

                    "rt_thunk_poll:\n"
                    "mov %%rax, %c[pc](%%rbp)\n" SAVE_ALL TO_C "call rt_poll\n" FROM_C

                    "rt_thunk_resume:\n"
                    "cmpq $0, %c[changed_line](%%rbp)\n"
                    "jne 7f\n"
                    "mov " EPOCH ", %%rax\n"
                    "cmp %%rax, %c[epoch](%%rbp)\n"
                    "mov %c[pc](%%rbp), %%rax\n"
                    "je rt_thunk_jump\n"
                    "7:\n" SAVE_ALL TO_C "call rt_resume\n" FROM_C

                    "rt_thunk_raise:\n" SAVE_ALL TO_C "mov %%eax, %%esi\n"
                    "call linux_raise\n"
                    "ud2\n"

                    "rt_fault_entry:\n" SAVE_ALL TO_C "call rt_fault_deliver\n"
                    "ud2\n"

                    "rt_thunk_helper:\n"
                    "mov %%rax, %c[saved](%%rbp)\n"
                    "mov %%rcx, %c[saved] + 8(%%rbp)\n"
                    "mov %%rdx, %c[saved] + 16(%%rbp)\n" SAVE_ALL "mov %%rsp, %%rcx\n"
                    "mov %c[host_sp](%%rbp), %%rsp\n"
                    "push %%rcx\n"
                    "pushfq\n"
                    "lea %c[minus_bias](%%rbp), %%rdi\n"
                    "mov %c[helper](%%rbp), %%rax\n"
                    "lea rt_helpers(%%rip), %%rcx\n"
                    "call *(%%rcx, %%rax, 8)\n"
                    "popfq\n"
                    "pop %%rsp\n" LOAD_ALL "mov %c[saved](%%rbp), %%rax\n"
                    "mov %c[saved] + 8(%%rbp), %%rcx\n"
                    "mov %c[saved] + 16(%%rbp), %%rdx\n"
                    "ret\n"
                    "rt_entry_end:\n"

                    ".globl rt_vectors_save, rt_vectors_load\n"
                    ".hidden rt_vectors_save, rt_vectors_load\n"
                    "rt_vectors_save:\n"
                    "lea %c[v] + %c[bias](%%rdi), %%rdi\n" PINNED_V(
                        SAVE_V) "ret\n"
                                "rt_vectors_load:\n"
                                "lea %c[v] + %c[bias](%%rdi), %%rdi\n" PINNED_V(LOAD_V) "ret\n"
        :
        : [x] "i"(OFF(x)), [v] "i"(OFF(v)), [pc] "i"(OFF(pc)), [host_sp] "i"(OFF(host_sp)),
          [ret_top] "i"(OFF(ret_top)), [table] "i"(OFF(table)), [helper] "i"(OFF(helper)),
          [saved] "i"(OFF(saved)), [fuel] "i"(OFF(fuel)), [in_code] "i"(OFF(in_code)),
          [epoch] "i"(OFF(epoch)), [changed_line] "i"(OFF(changed_line)), [bias] "i"(CPU_BIAS),
          [minus_bias] "i"(-CPU_BIAS), [mask] "i"((1 << TABLE_BITS) - 1), [jumps] "i"(OFF(jumps)),
          [jumps_pc] "i"(OFF(jumps[0].pc)), [jumps_mask] "i"(((1 << JUMPS_BITS) - 1) << 2),
          [block_pc] "i"(offsetof(struct block, pc)),
          [block_host] "i"(offsetof(struct block, host)),
          [block_next] "i"(offsetof(struct block, next)),
          [state_epoch] "i"(offsetof(struct rt_state, epoch)));
}

extern const char rt_thunk_link[], rt_thunk_jump_ic[], rt_thunk_ret_miss[], rt_thunk_syscall[],
    rt_thunk_poll[], rt_thunk_raise[], rt_thunk_helper[], rt_thunk_resume[];

void rt_set_thunks(struct cpu *cpu)
{
    const char *const entries[THUNK_COUNT] = {
        [THUNK_LINK] = rt_thunk_link,       [THUNK_JUMP] = rt_thunk_jump,
        [THUNK_JUMP_IC] = rt_thunk_jump_ic, [THUNK_RET_MISS] = rt_thunk_ret_miss,
        [THUNK_SYSCALL] = rt_thunk_syscall, [THUNK_POLL] = rt_thunk_poll,
        [THUNK_RAISE] = rt_thunk_raise,     [THUNK_HELPER] = rt_thunk_helper,
        [THUNK_RESUME] = rt_thunk_resume,
    };
    for (unsigned k = 0; k < THUNK_COUNT; k++)
        cpu->thunk[k] = (void *)(uintptr_t)entries[k];
}

/* ---- helpers of translated code ---- */
#define HELPER(name) void helper_##name(struct cpu *cpu);
#include "engine/ir/helper.def"
#undef HELPER

__attribute__((used)) void (*const rt_helpers[IR_HELPER_COUNT])(struct cpu *) = {
#define HELPER(name) helper_##name,
#include "engine/ir/helper.def"
#undef HELPER
};
