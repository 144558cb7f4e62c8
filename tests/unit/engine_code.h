/* SPDX-License-Identifier: Apache-2.0
 *
 * A small runtime for compiled code in unit tests: it stands in for src/engine/rt. Every exit comes
 * back to C, which translates again. The return stack lives on between regions, so calls land where
 * they came from.
 */
#ifndef ENGINE_CODE_H
#define ENGINE_CODE_H

#include "engine_machine.h"

#include "engine/x64/compile.h"
#include "engine/x64/regs.h"

#include <sys/mman.h>

enum {
    CODE_ROOM = 1 << 20,
    SLOT_ROOM = 4096,
    FAULT_ROOM = 4096,
    AREA = CODE_ROOM + SLOT_ROOM * 16
};

enum stop { STOP_GO_ON, STOP_RAISE, STOP_SYSCALL };

static struct ir_region region;
static struct x64_fault faults[FAULT_ROOM];
static uint8_t return_stack[1 << 16] __attribute__((aligned(16)));
static uint8_t *area;
static uint32_t code_used, slot_used;

/* ---- between C and translated code ---- */
#define OFF(field) ((int)offsetof(struct cpu, field) - CPU_BIAS)
#define SAVE(guest, host, name) "mov %%" #name ", %c[x] + 8 * " #guest "(%%rbp)\n"
#define LOAD(guest, host, name) "mov %c[x] + 8 * " #guest "(%%rbp), %%" #name "\n"
#define SAVE_V(guest, host) "vmovdqu %%xmm" #host ", %c[v] + 16 * " #guest "(%%rbp)\n"
#define LOAD_V(guest, host) "vmovdqu %c[v] + 16 * " #guest "(%%rbp), %%xmm" #host "\n"
#define EACH_XMM(X)                                                                                \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define PUSH_XMM(n) "vmovdqu %%xmm" #n ", 16 * " #n "(%%rsp)\n"
#define POP_XMM(n) "vmovdqu 16 * " #n "(%%rsp), %%xmm" #n "\n"

/* saved[3] is the guest's rsp while C runs. */
__attribute__((naked, used)) static void border(void)
{
    __asm__ volatile(
        "test_enter:\n"
        "push %%rbp\n push %%rbx\n push %%r12\n push %%r13\n push %%r14\n push %%r15\n"
        "lea %c[bias](%%rdi), %%rbp\n"
        "mov %%rsi, %%rax\n"
        "mov %%rsp, %c[host_sp](%%rbp)\n"
        "mov %c[rsp](%%rbp), %%rsp\n" PINNED_V(LOAD_V) PINNED_X(
            LOAD) "jmp *%%rax\n"
                  "test_link: mov 8(%%rax), %%rax\n"
                  "test_jump: mov %%rax, %c[pc](%%rbp)\n"
                  "test_resume: mov %[go_on], %%eax\n"
                  "1: mov %%rsp, %c[rsp](%%rbp)\n" PINNED_X(SAVE) PINNED_V(
                      SAVE_V) "mov %c[host_sp](%%rbp), %%rsp\n"
                              "pop %%r15\n pop %%r14\n pop %%r13\n pop %%r12\n pop %%rbx\n pop "
                              "%%rbp\n"
                              "ret\n"
                              "test_ret_miss: mov %c[ret_top](%%rbp), %%rsp\n jmp test_jump\n"
                              "test_raise: mov %[raise], %%eax\n jmp 1b\n"
                              "test_syscall: mov %[syscall], %%eax\n jmp 1b\n"
                              "test_helper:\n"
                              "mov %%rax, %c[saved](%%rbp)\n mov %%rcx, %c[saved] + 8(%%rbp)\n"
                              "mov %%rdx, %c[saved] + 16(%%rbp)\n" PINNED_X(
                                  SAVE) "mov %%rsp, %%rcx\n"
                                        "mov %c[host_sp](%%rbp), %%rsp\n"
                                        "push %%rcx\n pushfq\n sub $256, %%rsp\n" EACH_XMM(
                                            PUSH_XMM) "lea -%c[bias](%%rbp), %%rsi\n"
                                                      "mov %c[helper](%%rbp), %%edx\n xor %%edi, "
                                                      "%%edi\n and $-16, %%rsp\n"
                                                      "call test_helper_c\n"
                                                      "mov %c[host_sp](%%rbp), %%rsp\n sub $272, "
                                                      "%%rsp\n" EACH_XMM(
                                                          POP_XMM) "add $256, %%rsp\n popfq\n pop "
                                                                   "%%rsp\n" PINNED_X(LOAD) "mov "
                                                                                            "%c["
                                                                                            "saved]"
                                                                                            "(%%"
                                                                                            "rbp), "
                                                                                            "%%"
                                                                                            "rax\n "
                                                                                            "mov "
                                                                                            "%c["
                                                                                            "saved]"
                                                                                            " + "
                                                                                            "8(%%"
                                                                                            "rbp), "
                                                                                            "%%"
                                                                                            "rcx\n"
                                                                                            "mov "
                                                                                            "%c["
                                                                                            "saved]"
                                                                                            " + "
                                                                                            "16(%%"
                                                                                            "rbp), "
                                                                                            "%%"
                                                                                            "rdx\n "
                                                                                            "ret\n"
        :
        : [x] "i"(OFF(x)), [v] "i"(OFF(v)), [pc] "i"(OFF(pc)), [host_sp] "i"(OFF(host_sp)),
          [ret_top] "i"(OFF(ret_top)), [helper] "i"(OFF(helper)), [saved] "i"(OFF(saved)),
          [rsp] "i"(OFF(saved[3])), [bias] "i"(CPU_BIAS), [go_on] "i"(STOP_GO_ON),
          [raise] "i"(STOP_RAISE), [syscall] "i"(STOP_SYSCALL));
}

int test_enter(struct cpu *cpu, const void *code);
void test_helper_c(void *context, struct cpu *cpu, unsigned index);
void test_helper_c(void *context, struct cpu *cpu, unsigned index)
{
    machine_helper(context, cpu, index);
}

extern const char test_link[], test_jump[], test_resume[], test_ret_miss[], test_raise[],
    test_syscall[], test_helper[];

static void set_thunks(struct cpu *cpu)
{
    const char *const entries[THUNK_COUNT] = {
        [THUNK_LINK] = test_link,       [THUNK_JUMP] = test_jump,
        [THUNK_JUMP_IC] = test_jump,    [THUNK_RET_MISS] = test_ret_miss,
        [THUNK_SYSCALL] = test_syscall, [THUNK_POLL] = test_jump,
        [THUNK_RAISE] = test_raise,     [THUNK_HELPER] = test_helper,
        [THUNK_RESUME] = test_resume,
    };
    for (unsigned k = 0; k < THUNK_COUNT; k++)
        cpu->thunk[k] = (void *)(uintptr_t)entries[k];
    cpu->fuel = 1 << 30;
    cpu->ret_top = (uint64_t)(uintptr_t)(return_stack + sizeof(return_stack) - 512);
    cpu->saved[3] = cpu->ret_top;
}

/* ---- translation ---- */
/* The code for m's pc, in region too. */
static void *translate(struct machine *m, const char **ret_wrong)
{
    static struct x64_work *work;
    if (!work)
        work = aligned_alloc(64, (x64_work_size + 63) & ~63u);
    if (!area) {
        area = mmap(NULL, AREA, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0);
    }
    if (code_used > CODE_ROOM / 2 || slot_used > SLOT_ROOM / 2)
        code_used = slot_used = 0;
    const struct lift_env env = {.fetch = machine_fetch,
                                 .known = machine_known,
                                 .host = machine_host,
                                 .context = m,
                                 .mode = m->mode,
                                 .max_insns = 64};
    a64_lift_region(&region, m->cpu.pc, &env);
    *ret_wrong = ir_verify(&region);
    if (*ret_wrong)
        return NULL;
    struct x64_out out = {.code = area + code_used,
                          .code_addr = (uint64_t)(uintptr_t)(area + code_used),
                          .slots = (struct slot *)(area + CODE_ROOM) + slot_used,
                          .faults = faults,
                          .code_room = CODE_ROOM - code_used,
                          .slot_room = SLOT_ROOM - slot_used,
                          .fault_room = FAULT_ROOM};
    if (x64_compile(&region, &out, work) != X64_OK) {
        *ret_wrong = "the compiler has no room";
        return NULL;
    }
    code_used = (code_used + out.code_size + 15) & ~15u;
    slot_used += out.slot_count;
    return out.code;
}

#endif
