// SPDX-License-Identifier: Apache-2.0
/* Instructions through lifter and IR interpreter, against what an aarch64 did
 * (engine_lift_*.inc, made by tools/gen-lift-cases). */
#include "engine_cases.h"

enum { STEPS = 2000, DEPTH = 4 };

static struct machine machine;
static struct lift_state state;
static struct ir_region regions[DEPTH];
static struct ir_interp interp = {.cpu = &machine.cpu, .helper = machine_helper};

/* Behind a call the same region goes on, as translated code does. NULL, or what went wrong. */
static const char *run(unsigned depth, uint64_t until)
{
    const struct lift_env env = {.fetch = machine_fetch,
                                 .known = machine_known,
                                 .host = machine_host,
                                 .context = &machine,
                                 .max_insns = 64};
    struct ir_region *r = &regions[depth];
    for (unsigned k = 0; k < STEPS && machine.cpu.pc != until; k++) {
        a64_lift_region(r, machine.cpu.pc, &env);
        const char *wrong = ir_verify(r);
        if (wrong)
            return wrong;
        enum ir_end end = ir_interp_run(&interp, r);
        while (end == IR_END_CALL && interp.at < r->count && depth + 1 < DEPTH) {
            uint32_t at = interp.at;
            wrong = run(depth + 1, r->ins[at].imm);
            if (wrong)
                return wrong;
            end = ir_interp_resume(&interp, r, at);
        }
        if (end != IR_END_JUMP && end != IR_END_CALL && end != IR_END_RET && end != IR_END_RESUME)
            return "it stopped";
    }
    return machine.cpu.pc == until ? NULL : "it ran on and on";
}

TEST(as_recorded)
{
    unsigned bad = 0;
    for (size_t k = 0; k < ARRAY(lift_cases); k++) {
        for (unsigned set = 0; set < LIFT_SETS; set++) {
            case_start(&machine, &state, &lift_cases[k], set);
            if (case_check(&machine, &state, &lift_cases[k], set, run(0, CASE_END)))
                continue;
            machine_print_region(&regions[0]);
            bad++;
        }
    }
    CHECK_INT(bad, 0);
}

TEST_MAIN()
