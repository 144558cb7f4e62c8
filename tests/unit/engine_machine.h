/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest of one thread for unit tests: a few instructions, a struct cpu, the answers that lifters
 * ask for, and the helpers that one thread needs. Code ends when it returns to MACHINE_END.
 */
#ifndef ENGINE_MACHINE_H
#define ENGINE_MACHINE_H

#include "engine_lift.h"
#include "test.h"

#include "engine/ir/interp.h"
#include "engine/lift/a64_lift.h"

#define ARRAY(a) (sizeof(a) / sizeof(a)[0])

static const struct lift_case {
    const char *text;
    uint32_t words[10];
    const char *want[LIFT_SETS];
} lift_cases[] = {
#include "engine_lift_cases.inc"
#include "engine_lift_simd.inc"
};

void helper_simd(struct cpu *cpu); /* lift/simd_exact.c */

enum { CODE_WORDS = 16, MACHINE_END = 0x1000 };

struct machine {
    uint32_t code[CODE_WORDS];
    struct cpu cpu;
    struct lift_state state;
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
    case IR_HELPER_pack:
        cpu->vret.d[0] = cpu->arg[0];
        cpu->vret.d[1] = cpu->arg[1];
        break;
    case IR_HELPER_low:
        cpu->ret = cpu->varg[0].d[0];
        break;
    case IR_HELPER_high:
        cpu->ret = cpu->varg[0].d[1];
        break;
    case IR_HELPER_simd:
        helper_simd(cpu);
        break;
    default:
        printf("# helper %u is not for this test\n", index);
        abort();
    }
}

/* The case's state and code; the rest of cpu is left alone. */
static void machine_start(struct machine *m, const struct lift_case *c, unsigned set)
{
    unsigned count = 0;
    while (count < ARRAY(c->words) && c->words[count])
        count++;
    memset(m->code, 0, sizeof(m->code));
    memcpy(m->code, c->words, count * 4);
    m->code[count] = 0xd65f03c0; /* ret */
    lift_state_start(&m->state, set);
    memset(m->cpu.x, 0, sizeof(m->cpu.x));
    memset(m->cpu.v, 0, sizeof(m->cpu.v));
    memcpy(m->cpu.x, m->state.x, sizeof(m->state.x));
    memcpy(m->cpu.v, m->state.v, sizeof(m->state.v));
    m->cpu.nzcv = ir_nzcv_store((unsigned)(m->state.nzcv >> 28));
    m->cpu.x[30] = MACHINE_END;
    m->cpu.fpsr = 0;
    m->cpu.excl_addr = ~0ull;
    m->cpu.pc = (uint64_t)(uintptr_t)m->code;
}

static void machine_print_region(const struct ir_region *r)
{
    char line[160];
    for (uint32_t i = 0; i < r->count; i++) {
        ir_print(line, sizeof(line), r, (ir_ref)i);
        printf("#   %s\n", line);
    }
}

/* Did the case come out as recorded? Says so if not. wrong: NULL, or what stopped it. */
static bool machine_check(struct machine *m, const struct lift_case *c, unsigned set,
                          const char *wrong)
{
    struct lift_state *s = &m->state, before;
    char got[400];
    lift_state_start(&before, set);
    before.x[4] = (uint64_t)(uintptr_t)s->m + LIFT_BUFFER / 2;
    memcpy(s->x, m->cpu.x, sizeof(s->x));
    memcpy(s->v, m->cpu.v, sizeof(s->v));
    s->fpsr = m->cpu.fpsr;
    s->nzcv = (uint64_t)ir_nzcv_load(m->cpu.nzcv) << 28;
    lift_state_text(&before, s, got, sizeof(got));
    if (!wrong && !strcmp(got, c->want[set]))
        return true;
    printf("# %s, state %u: %s\n#   got  %s\n#   want %s\n", c->text, set, wrong ? wrong : "", got,
           c->want[set]);
    return false;
}

#endif
