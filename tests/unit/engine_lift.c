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

TEST(every_operation_has_an_interpreter)
{
    for (unsigned op = 0; op < IR_OP_COUNT; op++)
        if (!ir_interp_of(op))
            TEST_FAIL("%s has none", ir_op_info[op].name);
}

/* Lift and run one word; x0 is the result. */
static enum ir_end run_word(uint32_t word)
{
    static const struct lift_case empty = {.words = {0}};
    const struct lift_env env = {
        .fetch = machine_fetch, .known = machine_known, .context = &machine, .max_insns = 1};
    case_start(&machine, &state, &empty, 0);
    machine.code[0] = word;
    a64_lift_region(&regions[0], machine.cpu.pc, &env);
    return ir_interp_run(&interp, &regions[0]);
}

static uint64_t read_id(unsigned crm, unsigned op2)
{
    CHECK_INT(run_word(0xd5380000u | crm << 8 | op2 << 5), IR_END_JUMP);
    return machine.cpu.x[0];
}

/* Where a capability shows in the ID registers (kernel: arm64/elf_hwcaps). */
TEST(id_registers_tell_what_hwcap_tells)
{
    static const struct {
        uint8_t second, bit; /* of HWCAP, or of HWCAP2 */
        uint8_t crm, op2, at, least;
    } fields[] = {
        {0, 3, 6, 0, 4, 1},   {0, 4, 6, 0, 4, 2},   {0, 5, 6, 0, 8, 1},   {0, 6, 6, 0, 12, 1},
        {0, 21, 6, 0, 12, 2}, {0, 7, 6, 0, 16, 1},  {0, 8, 6, 0, 20, 2},  {0, 12, 6, 0, 28, 1},
        {0, 17, 6, 0, 32, 1}, {0, 18, 6, 0, 36, 1}, {0, 19, 6, 0, 40, 1}, {0, 20, 6, 0, 44, 1},
        {0, 23, 6, 0, 48, 1}, {0, 27, 6, 0, 52, 1}, {1, 7, 6, 0, 52, 2},  {1, 16, 6, 0, 60, 1},
        {0, 16, 6, 1, 0, 1},  {0, 13, 6, 1, 12, 1}, {0, 14, 6, 1, 16, 1}, {0, 15, 6, 1, 20, 1},
        {0, 26, 6, 1, 20, 2}, {1, 8, 6, 1, 32, 1},  {0, 29, 6, 1, 36, 1}, {1, 14, 6, 1, 44, 1},
        {1, 13, 6, 1, 52, 1}, {0, 24, 4, 0, 48, 1}, {0, 22, 4, 0, 32, 1}, {0, 28, 4, 1, 4, 2},
        {0, 25, 7, 2, 32, 1},
    };
    uint64_t caps[2] = {0, 0};
#define CAP(n, name) caps[0] |= 1ull << (n);
#define CAP2(n, name) caps[1] |= 1ull << (n);
#include "engine/linux/a64_caps.def"
#undef CAP
#undef CAP2
    for (size_t k = 0; k < ARRAY(fields); k++) {
        bool told = caps[fields[k].second] >> fields[k].bit & 1;
        uint64_t value = read_id(fields[k].crm, fields[k].op2) >> fields[k].at & 15;
        if (told != (value >= fields[k].least))
            TEST_FAIL("HWCAP%s bit %u is %d, its field is %d", fields[k].second ? "2" : "",
                      fields[k].bit, told, (int)value);
    }
    CHECK_INT(read_id(4, 0) & 0xff, 0x11);
    CHECK_INT(read_id(7, 0), 0xff000000);
}

TEST(system_registers)
{
    CHECK_INT(run_word(0xd53b0020), IR_END_JUMP); /* mrs x0, ctr_el0 */
    CHECK_INT(machine.cpu.x[0] >> 29 & 1, 0);     /* DIC: code that changes needs IC IVAU */
    CHECK_INT(run_word(0xd53b00e0), IR_END_JUMP); /* mrs x0, dczid_el0 */
    CHECK_INT(machine.cpu.x[0], 4);
    CHECK_INT(run_word(0xd5384100), IR_END_RAISE); /* mrs x0, sp_el0 */
    CHECK_INT(interp.kind, RAISE_UNDEFINED);
    CHECK_INT(run_word(0xd51bd060), IR_END_RAISE); /* msr tpidrro_el0, x0 */
    CHECK_INT(run_word(0xd4200020), IR_END_RAISE); /* brk #1 */
    CHECK_INT(interp.kind, RAISE_BREAKPOINT);
    CHECK_INT(interp.detail, 1);
    CHECK_INT(run_word(0xd5033fdf), IR_END_RESUME); /* isb */
}

TEST(dc_zva_clears_its_line)
{
    static const struct lift_case empty = {.words = {0}};
    uint64_t line = (uint64_t)(uintptr_t)state.m + LIFT_BUFFER / 2;
    const struct lift_env env = {
        .fetch = machine_fetch, .known = machine_known, .context = &machine, .max_insns = 1};
    case_start(&machine, &state, &empty, 0);
    machine.code[0] = 0xd50b7424; /* dc zva, x4 */
    machine.cpu.x[4] = line + 21;
    a64_lift_region(&regions[0], machine.cpu.pc, &env);
    CHECK_INT(ir_interp_run(&interp, &regions[0]), IR_END_JUMP);
    for (unsigned k = 0; k < LIFT_BUFFER / 8; k++) {
        bool inside = k >= LIFT_BUFFER / 16 && k < LIFT_BUFFER / 16 + 8;
        CHECK_INT(state.m[k] == 0, inside);
    }
}

TEST_MAIN()
