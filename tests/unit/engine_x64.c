// SPDX-License-Identifier: Apache-2.0
/* Instructions through lifter, compiler and this machine, against what an aarch64 did
 * (engine_lift_*.inc, made by tools/gen-lift-cases). */
#include "engine_cases.h"
#include "engine_code.h"

enum { STEPS = 500 };

static struct machine machine;
static struct lift_state state;

static const char *run(void)
{
    for (unsigned k = 0; k < STEPS && machine.cpu.pc != CASE_END; k++) {
        const char *wrong;
        void *code = translate(&machine, &wrong);
        if (wrong)
            return wrong;
        if (test_enter(&machine.cpu, code) != STOP_GO_ON)
            return "it stopped";
    }
    return machine.cpu.pc != CASE_END ? "it ran on and on" : NULL;
}

TEST(as_recorded)
{
    unsigned bad = 0;
    for (size_t k = 0; k < ARRAY(lift_cases); k++) {
        for (unsigned set = 0; set < LIFT_SETS; set++) {
            set_thunks(&machine.cpu);
            case_start(&machine, &state, &lift_cases[k], set);
            if (case_check(&machine, &state, &lift_cases[k], set, run()))
                continue;
            machine_print_region(&region);
            bad++;
        }
    }
    CHECK_INT(bad, 0);
}

TEST_MAIN()
