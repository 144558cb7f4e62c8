/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest of one thread for unit tests: a few instructions, a struct cpu, the answers that lifters
 * ask for, and the helpers that one thread needs.
 */
#ifndef ENGINE_MACHINE_H
#define ENGINE_MACHINE_H

#include "test.h"

#include "engine/ir/interp.h"
#include "engine/lift/a64_lift.h"

#include <cpuid.h>

#define ARRAY(a) (sizeof(a) / sizeof(a)[0])

void helper_simd(struct cpu *cpu); /* lift/simd_exact.c */
void helper_fp(struct cpu *cpu);   /* lift/fp_exact.c */

enum { CODE_WORDS = 30 };

struct machine {
    uint32_t code[CODE_WORDS];
    struct cpu cpu;
    uint32_t mode; /* enum ir_mode of its regions */
};

static bool machine_fetch(void *context, uint64_t pc, uint32_t *word)
{
    struct machine *m = context;
    uint64_t at = pc - (uint64_t)(uintptr_t)m->code;
    if (at >= sizeof(m->code))
        return false;
    memcpy(word, (const char *)m->code + at, 4);
    return true;
}

static bool machine_known(void *context, uint64_t pc)
{
    (void)context;
    (void)pc;
    return false;
}

static bool machine_host(void *context, enum lift_host what)
{
    unsigned a, b = 0, c, d;
    (void)context;
    return what == LIFT_HOST_SHA && __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 29 & 1;
}

static uint64_t machine_crc32(uint32_t crc, uint64_t data, unsigned bytes)
{
    for (unsigned k = 0; k < 8 * bytes; k++) {
        crc ^= data >> k & 1;
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return crc;
}

/* The monitor of one thread is its address. */
static void machine_helper(void *context, struct cpu *cpu, unsigned index)
{
    (void)context;
    switch (index) {
    case IR_HELPER_crc32:
        cpu->ret = machine_crc32((uint32_t)cpu->arg[0], cpu->arg[1], (unsigned)cpu->arg[3]);
        break;
    case IR_HELPER_excl_load:
        cpu->excl_addr = cpu->arg[0];
        cpu->excl_size = (uint32_t)cpu->arg[3];
        break;
    case IR_HELPER_excl_check:
        cpu->ret = cpu->excl_addr == cpu->arg[0] && cpu->excl_size == cpu->arg[3];
        cpu->excl_addr = ~0ull;
        break;
    case IR_HELPER_excl_done:
        cpu->ret = cpu->arg[1] != 0;
        break;
    case IR_HELPER_simd:
        helper_simd(cpu);
        break;
    case IR_HELPER_fp:
        helper_fp(cpu);
        break;
    default:
        printf("# helper %u is not for this test\n", index);
        abort();
    }
}

static void machine_print_region(const struct ir_region *r)
{
    char line[160];
    for (uint32_t i = 0; i < r->count; i++) {
        ir_print(line, sizeof(line), r, (ir_ref)i);
        printf("#   %s\n", line);
    }
}

#endif
