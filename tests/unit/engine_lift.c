/* SPDX-License-Identifier: Apache-2.0
 *
 * A64's base instructions through lifter and IR interpreter, against what an aarch64 did
 * (engine_lift_cases.inc, made by tools/gen-lift-cases).
 */
#include "engine_lift.h"
#include "test.h"

#include "engine/ir/interp.h"
#include "engine/lift/a64_lift.h"

#define ARRAY(a) (sizeof(a) / sizeof(a)[0])

static const struct lift_case {
    const char *text;
    uint32_t words[10];
    const char *want[LIFT_SETS];
} cases[] = {
#include "engine_lift_cases.inc"
#include "engine_lift_simd.inc"
};

void helper_simd(struct cpu *cpu); /* lift/simd_exact.c */

enum { CODE_WORDS = 16, STEPS = 2000, DEPTH = 4 };

struct machine {
    uint32_t code[CODE_WORDS];
    struct cpu cpu;
    struct lift_state state;
    struct ir_region region[DEPTH];
    struct ir_interp interp;
};

static bool fetch(void *context, uint64_t pc, uint32_t *word)
{
    struct machine *m = context;
    uint64_t at = pc - (uint64_t)(uintptr_t)m->code;
    if (at >= sizeof(m->code))
        return false;
    memcpy(word, (const char *)m->code + at, 4);
    return true;
}

static bool known(void *context, uint64_t pc)
{
    (void)context;
    (void)pc;
    return false;
}

static uint64_t crc32(uint32_t crc, uint64_t data, unsigned bytes)
{
    for (unsigned k = 0; k < 8 * bytes; k++) {
        crc ^= data >> k & 1;
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return crc;
}

/* One guest thread only: the monitor is its address. */
static void helper(void *context, struct cpu *cpu, unsigned index)
{
    (void)context;
    switch (index) {
    case IR_HELPER_crc32:
        cpu->ret = crc32((uint32_t)cpu->arg[0], cpu->arg[1], (unsigned)cpu->arg[3]);
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
        TEST_FAIL("helper %u is not for this test", index);
    }
}

static void state_to_cpu(const struct lift_state *s, struct cpu *cpu)
{
    memset(cpu, 0, sizeof(*cpu));
    memcpy(cpu->x, s->x, sizeof(s->x));
    memcpy(cpu->v, s->v, sizeof(s->v));
    cpu->nzcv = ir_nzcv_store((unsigned)(s->nzcv >> 28));
    cpu->excl_addr = ~0ull;
}

static void cpu_to_state(const struct cpu *cpu, struct lift_state *s)
{
    memcpy(s->x, cpu->x, sizeof(s->x));
    memcpy(s->v, cpu->v, sizeof(s->v));
    s->fpsr = cpu->fpsr;
    s->nzcv = (uint64_t)ir_nzcv_load(cpu->nzcv) << 28;
}

static void print_region(const struct ir_region *r)
{
    char line[160];
    for (uint32_t i = 0; i < r->count; i++) {
        ir_print(line, sizeof(line), r, (ir_ref)i);
        printf("#   %s\n", line);
    }
}

/* Behind a call the same region goes on, as translated code does. NULL, or what went wrong. */
static const char *run(struct machine *m, unsigned depth, uint64_t until)
{
    const struct lift_env env = {fetch, known, m, 0, 64};
    struct ir_region *r = &m->region[depth];
    for (unsigned k = 0; k < STEPS && m->cpu.pc != until; k++) {
        a64_lift_region(r, m->cpu.pc, &env);
        const char *wrong = ir_verify(r);
        if (wrong)
            return wrong;
        enum ir_end end = ir_interp_run(&m->interp, r);
        while (end == IR_END_CALL && m->interp.at < r->count && depth + 1 < DEPTH) {
            uint32_t at = m->interp.at;
            wrong = run(m, depth + 1, r->ins[at].imm);
            if (wrong)
                return wrong;
            end = ir_interp_resume(&m->interp, r, at);
        }
        if (end != IR_END_JUMP && end != IR_END_CALL && end != IR_END_RET && end != IR_END_RESUME)
            return "it stopped";
    }
    return m->cpu.pc == until ? NULL : "it ran on and on";
}

static void start(struct machine *m, const uint32_t *words, unsigned count)
{
    memset(m->code, 0, sizeof(m->code));
    memcpy(m->code, words, count * 4);
    m->code[count] = 0xd65f03c0; /* ret */
    m->interp.cpu = &m->cpu;
    m->interp.helper = helper;
    m->interp.access = NULL;
    m->interp.context = m;
    m->cpu.pc = (uint64_t)(uintptr_t)m->code;
}

static struct machine machine;

static bool one_case(const struct lift_case *c, unsigned set)
{
    struct machine *m = &machine;
    struct lift_state before;
    char got[400];
    unsigned count = 0;
    while (count < ARRAY(c->words) && c->words[count])
        count++;
    lift_state_start(&m->state, set);
    before = m->state;
    state_to_cpu(&m->state, &m->cpu);
    start(m, c->words, count);
    const char *wrong = run(m, 0, 0);
    cpu_to_state(&m->cpu, &m->state);
    before.x[4] = (uint64_t)(uintptr_t)m->state.m + LIFT_BUFFER / 2;
    lift_state_text(&before, &m->state, got, sizeof(got));
    if (!wrong && !strcmp(got, c->want[set]))
        return true;
    printf("# %s, state %u: %s\n#   got  %s\n#   want %s\n", c->text, set, wrong ? wrong : "", got,
           c->want[set]);
    print_region(m->region);
    return false;
}

TEST(as_recorded)
{
    unsigned bad = 0;
    for (size_t k = 0; k < ARRAY(cases); k++)
        for (unsigned set = 0; set < LIFT_SETS; set++)
            bad += !one_case(&cases[k], set);
    CHECK_INT(bad, 0);
}

TEST_MAIN()
