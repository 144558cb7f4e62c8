/* SPDX-License-Identifier: Apache-2.0
 *
 * The recorded cases, and how one begins and ends. Their code ends by a return to CASE_END.
 */
#ifndef ENGINE_CASES_H
#define ENGINE_CASES_H

#include "engine_lift.h"
#include "engine_machine.h"

enum { CASE_END = 0x1000 };

static const struct lift_case {
    const char *text;
    uint32_t words[10];
    const char *want[LIFT_SETS];
} lift_cases[] = {
#include "engine_lift_cases.inc"
#include "engine_lift_simd.inc"
};

/* The case's state and code; the rest of cpu is left alone. */
static void case_start(struct machine *m, struct lift_state *s, const struct lift_case *c,
                       unsigned set)
{
    unsigned count = 0;
    while (count < ARRAY(c->words) && c->words[count])
        count++;
    memset(m->code, 0, sizeof(m->code));
    memcpy(m->code, c->words, count * 4);
    m->code[count] = 0xd65f03c0; /* ret */
    lift_state_start(s, set);
    memset(m->cpu.x, 0, sizeof(m->cpu.x));
    memset(m->cpu.v, 0, sizeof(m->cpu.v));
    memcpy(m->cpu.x, s->x, sizeof(s->x));
    memcpy(m->cpu.v, s->v, sizeof(s->v));
    m->cpu.nzcv = ir_nzcv_store((unsigned)(s->nzcv >> 28));
    m->cpu.x[30] = CASE_END;
    m->cpu.fpsr = 0;
    m->cpu.excl_addr = ~0ull;
    m->cpu.pc = (uint64_t)(uintptr_t)m->code;
}

/* Did the case come out as recorded? Says so if not. wrong: NULL, or what stopped it. */
static bool case_check(const struct machine *m, struct lift_state *s, const struct lift_case *c,
                       unsigned set, const char *wrong)
{
    struct lift_state before;
    char got[400];
    lift_state_start(&before, set);
    before.x[4] = (uint64_t)(uintptr_t)s->m + LIFT_BUFFER / 2;
    memcpy(s->x, m->cpu.x, sizeof(s->x));
    memcpy(s->v, m->cpu.v, sizeof(s->v));
    s->fpsr = m->cpu.fpsr & 1u << 27; /* as recorded */
    s->nzcv = (uint64_t)ir_nzcv_load(m->cpu.nzcv) << 28;
    lift_state_text(&before, s, got, sizeof(got));
    if (!wrong && !strcmp(got, c->want[set]))
        return true;
    printf("# %s, state %u: %s\n#   got  %s\n#   want %s\n", c->text, set, wrong ? wrong : "", got,
           c->want[set]);
    return false;
}

#endif
