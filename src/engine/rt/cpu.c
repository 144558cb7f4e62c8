/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads' cpus: their areas in the window; and the helpers that belong to no instruction group.
 */
#include "engine/rt/cosim.h"
#include "engine/rt/mem.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/time.h>

/* One area a thread: guard, C stack, guard, return stack, alternate stack, struct cpu. */
enum {
    PAGE = 4096,
    C_STACK = 128 << 10,
    RET_STACK = 64 << 10,
    ALT_STACK = 64 << 10,
    CPU_SIZE = (sizeof(struct cpu) + PAGE - 1) & ~(PAGE - 1),
    AT_C_STACK = PAGE,
    AT_RET = AT_C_STACK + C_STACK + PAGE,
    AT_ALT = AT_RET + RET_STACK,
    AT_CPU = AT_ALT + ALT_STACK,
    AREA = AT_CPU + CPU_SIZE,
    RET_SLACK = 512 /* readable above the empty return stack: sentinels */
};

struct cpu *rt_cpu_new(void)
{
    uint8_t *area = rt_pages_get(AREA);
    if (!area)
        return NULL;
    sys(__NR_mprotect, area, PAGE, PROT_NONE);
    sys(__NR_mprotect, area + AT_RET - PAGE, PAGE, PROT_NONE);
    struct cpu *cpu = (struct cpu *)(area + AT_CPU);
    cpu->area = area;
    cpu->self = cpu;
    cpu->host_sp = (uint64_t)(uintptr_t)(area + AT_C_STACK + C_STACK);
    cpu->ret_limit = (uint64_t)(uintptr_t)(area + AT_RET);
    cpu->ret_top = cpu->ret_limit + RET_STACK - RET_SLACK;
    for (uint64_t *p = (uint64_t *)cpu->ret_top; p < (uint64_t *)(cpu->ret_top + RET_SLACK);
         p += 2) {
        p[0] = (uint64_t)(uintptr_t)rt_return_empty;
        p[1] = ~0ull;
    }
    cpu->fuel = FUEL;
    cpu->excl_addr = ~0ull;
    rt_set_thunks(cpu);
    rt_mode_changed(cpu);
    rt_lock(cpu);
    cpu->next = rt_state.cpus;
    rt_state.cpus = cpu;
    rt_state.cpu_count++;
    rt_unlock();
    return cpu;
}

void rt_cpu_free(struct cpu *cpu)
{
    rt_excl_clear(cpu);
    rt_lock_forget(cpu);
    rt_lock(rt_cpu());
    struct cpu **at = &rt_state.cpus;
    while (*at && *at != cpu)
        at = &(*at)->next;
    if (*at) {
        *at = cpu->next;
        rt_state.cpu_count--;
    }
    rt_unlock();
    rt_pages_put(cpu->area, AREA);
}

struct cpu *rt_cpu(void)
{
    struct cpu *cpu;
    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(cpu) : "i"(offsetof(struct cpu, self)));
    return cpu;
}

void rt_cpu_set(struct cpu *cpu)
{
    sys(__NR_arch_prctl, ARCH_SET_GS, cpu);
}

void rt_cpu_altstack(struct cpu *cpu, void **ret_base, size_t *ret_size)
{
    *ret_base = (uint8_t *)cpu->area + AT_ALT;
    *ret_size = ALT_STACK;
}

/* ---- helpers ---- */
#define HELPER(name) void helper_##name(struct cpu *cpu);
#include "engine/ir/helper.def"
#undef HELPER

static uint32_t *version_of(uint64_t address)
{
    return &rt_state.versions[(address >> 4) * 0x9e3779b1u >> 20 & 4095];
}

/* A store-exclusive that faulted left its cell behind. */
static void release_cell(struct cpu *cpu)
{
    if (cpu->excl_cell)
        __atomic_add_fetch(cpu->excl_cell, 1, __ATOMIC_RELEASE);
    cpu->excl_cell = NULL;
}

void helper_excl_load(struct cpu *cpu)
{
    release_cell(cpu);
    cpu->excl_addr = cpu->arg[0];
    cpu->excl_size = (uint32_t)cpu->arg[3];
    cpu->excl_version = __atomic_load_n(version_of(cpu->arg[0]), __ATOMIC_ACQUIRE);
}

/* Takes the cell, by making its version odd, if the version is that of the load. Other stores to it
 * fail until helper_excl_done; else the value could come back unseen between check and store. */
void helper_excl_check(struct cpu *cpu)
{
    uint32_t version = cpu->excl_version, *cell = version_of(cpu->arg[0]);
    bool same = cpu->excl_addr == cpu->arg[0] && cpu->excl_size == cpu->arg[3] && !(version & 1);
    cpu->excl_addr = ~0ull;
    release_cell(cpu);
    cpu->ret = same && __atomic_compare_exchange_n(cell, &version, version + 1, false,
                                                   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    if (cpu->ret)
        cpu->excl_cell = cell;
}

/* arg[1] is not 0 when the store did not happen. */
void helper_excl_done(struct cpu *cpu)
{
    cpu->ret = cpu->arg[1] != 0;
    release_cell(cpu);
}

void rt_excl_clear(struct cpu *cpu)
{
    cpu->excl_addr = ~0ull;
    release_cell(cpu);
}

/* In the child of a fork: stores of threads that are not there any more. Their cpus are buried
 * later: they hold no cell then. */
void rt_excl_forget(void)
{
    for (unsigned k = 0; k < sizeof(rt_state.versions) / sizeof(rt_state.versions[0]); k++)
        if (rt_state.versions[k] & 1)
            rt_state.versions[k]++;
    for (struct cpu *c = rt_state.cpus; c; c = c->next)
        c->excl_cell = NULL;
}

/* Forgetting takes the lock, which no helper may (state.h): THUNK_RESUME does it, which follows. */
void helper_ic_ivau(struct cpu *cpu)
{
    uint64_t line = cpu->arg[0] & ~63ull;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!code_none(line, 64))
        cpu->changed_line = line | 1;
}

static long read_clock(struct cpu *cpu, int clock)
{
    if (rt_options.cosim && cosim_clock(cpu->clock))
        return 0;
    return rt_clock(cpu, clock, cpu->clock);
}

void helper_cntvct(struct cpu *cpu)
{
    read_clock(cpu, CLOCK_MONOTONIC_RAW);
    cpu->ret = cpu->clock[0] * 1000000000u + cpu->clock[1];
}

/* Clocks of processes and threads, and of devices, are the Linux layer's. */
void helper_clock(struct cpu *cpu)
{
    enum {
        FAST = 1 << CLOCK_REALTIME | 1 << CLOCK_MONOTONIC | 1 << CLOCK_MONOTONIC_RAW |
               1 << CLOCK_REALTIME_COARSE | 1 << CLOCK_MONOTONIC_COARSE | 1 << CLOCK_BOOTTIME |
               1 << CLOCK_TAI
    };
    uint32_t clock = (uint32_t)cpu->arg[0];
    bool known = clock < 32 && FAST >> clock & 1, resolution = cpu->arg[1];
    if (!known)
        cpu->ret = 1;
    else if (resolution)
        cpu->ret = !rt_clock_resolution(clock, cpu->clock);
    else
        cpu->ret = read_clock(cpu, (int)clock) < 0;
}

void helper_crc32(struct cpu *cpu)
{
    uint32_t crc = (uint32_t)cpu->arg[0];
    for (unsigned k = 0; k < cpu->arg[3]; k++) {
        crc ^= cpu->arg[1] >> (8 * k) & 0xff;
        for (int b = 0; b < 8; b++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    cpu->ret = crc;
}

/* ---- FPCR and FPSR; MXCSR's sticky bits IE DE ZE OE UE PE are FPSR's IOC - DZC OFC UFC IXC ----
 */
enum { FPSR_BITS = 0x0800009f, FPCR_BITS = 0x07c00000 };

static uint32_t get_mxcsr(void)
{
    uint32_t v;
    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}

static void set_mxcsr(uint32_t v)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(v));
}

uint32_t rt_fpsr_get(const struct cpu *cpu)
{
    uint32_t m = get_mxcsr();
    return cpu->fpsr | (m & 1) | (m >> 1 & 0x1e);
}

void rt_fpsr_set(struct cpu *cpu, uint32_t value)
{
    cpu->fpsr = value & FPSR_BITS;
    set_mxcsr(get_mxcsr() & ~0x3fu);
}

/* Rounding: ARM's RN RP RM RZ are the host's 0 2 1 3. */
void rt_fpcr_set(struct cpu *cpu, uint32_t value)
{
    static const uint8_t host[4] = {0, 2, 1, 3};
    cpu->fpcr = value & FPCR_BITS;
    set_mxcsr((get_mxcsr() & 0x3f) | 0x1f80 | (uint32_t)host[value >> 22 & 3] << 13);
    rt_mode_changed(cpu);
}

/* From now on underflows are exact (ir.h); translated code goes on by RESUME. */
static void use_fpsr(struct cpu *cpu)
{
    if (!cpu->fpsr_used) {
        cpu->fpsr_used = 1;
        rt_mode_changed(cpu);
    }
}

void helper_get_fpsr(struct cpu *cpu)
{
    use_fpsr(cpu);
    cpu->ret = rt_fpsr_get(cpu);
}

void helper_set_fpsr(struct cpu *cpu)
{
    use_fpsr(cpu);
    rt_fpsr_set(cpu, (uint32_t)cpu->arg[0]);
}

void helper_set_fpcr(struct cpu *cpu)
{
    rt_fpcr_set(cpu, (uint32_t)cpu->arg[0]);
}
