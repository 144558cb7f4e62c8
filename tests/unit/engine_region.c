// SPDX-License-Identifier: Apache-2.0
/* Where regions of A64 code go, end, and leave; what they call dead flags. */
#include "test.h"

#include "engine/lift/a64_lift.h"

enum { WORDS = 128, BASE = 0x10000 };

#define NOP 0xd503201fu
#define RET 0xd65f03c0u
#define CMP 0xeb01001fu  /* cmp x0, x1 */
#define CSET 0x9a9f17e0u /* cset x0, eq */
#define LDR 0xf9400000u  /* ldr x0, [x0] */
#define SVC 0xd4000001u
#define ADDS_X1 0xb1000421u /* adds x1, x1, #1 */
#define B(words) (0x14000000u | ((words)&0x3ffffff))
#define BL(words) (0x94000000u | ((words)&0x3ffffff))
#define B_EQ(words) (0x54000000u | ((words)&0x7ffff) << 5)
#define CBZ(words) (0xb4000000u | ((words)&0x7ffff) << 5)

struct code {
    uint32_t words[WORDS];
    uint32_t count; /* executable words */
    uint64_t known; /* has a translation already */
};

static struct code code;
static struct ir_region region;

static bool fetch(void *context, uint64_t pc, uint32_t *word)
{
    struct code *c = context;
    uint64_t n = (pc - BASE) / 4;
    if (pc < BASE || n >= c->count)
        return false;
    *word = c->words[n];
    return true;
}

static bool known(void *context, uint64_t pc)
{
    return ((struct code *)context)->known == pc;
}

static uint64_t at(unsigned n)
{
    return BASE + 4 * (uint64_t)n;
}

/* NOPs but for what the test put there. */
static void start(void)
{
    for (unsigned k = 0; k < WORDS; k++)
        code.words[k] = NOP;
    code.count = WORDS;
    code.known = 0;
}

static void lift_at(uint64_t pc, uint32_t max_insns)
{
    const struct lift_env env = {
        .fetch = fetch, .known = known, .context = &code, .max_insns = max_insns};
    a64_lift_region(&region, pc, &env);
    const char *wrong = ir_verify(&region);
    if (wrong)
        TEST_FAIL("%s", wrong);
}

static const struct ir_ins *last(void)
{
    return &region.ins[region.count - 1];
}

static const struct ir_ins *find(enum ir_op op)
{
    for (uint32_t i = 0; i < region.count; i++)
        if (region.ins[i].op == op)
            return &region.ins[i];
    TEST_FAIL("no %s in the region", ir_op_info[op].name);
}

static bool holds(uint64_t pc)
{
    for (uint32_t i = 0; i < region.count; i++)
        if (region.ins[i].op == IR_INSN && region.ins[i].imm == pc)
            return true;
    return false;
}

static void check_last(enum ir_op op, uint64_t imm)
{
    CHECK_STR(ir_op_info[last()->op].name, ir_op_info[op].name);
    CHECK_INT(last()->imm, imm);
}

TEST(a_taken_branch_leaves_and_the_path_goes_on)
{
    start();
    code.words[0] = CBZ(20);
    code.words[1] = RET;
    lift_at(at(0), 64);
    CHECK_INT(find(IR_JZ)->imm, at(20));
    CHECK_INT(region.insns, 2);
    check_last(IR_RET, 0);
}

TEST(jumps_forward_are_followed_and_jumps_back_end_it)
{
    start();
    code.words[0] = B(10);
    code.words[11] = B(-11);
    lift_at(at(0), 64);
    CHECK(holds(at(10)) && !holds(at(1)));
    check_last(IR_GOTO, at(0));
    start();
    code.words[5] = 0x5400000eu | (-3 & 0x7ffff) << 5; /* b.al back */
    lift_at(at(4), 64);
    check_last(IR_GOTO, at(2));
    CHECK_INT(region.insns, 2);
}

TEST(calls_and_system_calls_go_on_behind)
{
    start();
    code.words[0] = BL(50);
    code.words[1] = SVC;
    code.words[2] = RET;
    lift_at(at(0), 64);
    CHECK_INT(find(IR_CALL)->imm, at(50));
    CHECK_INT(find(IR_SYSCALL)->imm, at(2));
    CHECK_INT(region.insns, 3);
    check_last(IR_RET, 0);
}

TEST(length_is_bounded)
{
    start();
    lift_at(at(3), 16);
    CHECK_INT(region.insns, 16);
    check_last(IR_GOTO, at(19));
}

/* ld4 and st4 have the most IR. */
TEST(ir_that_does_not_fit_ends_it_before)
{
    start();
    for (unsigned k = 0; k < WORDS; k++)
        code.words[k] = k % 2 ? 0x4c400000u : 0x4c000000u;
    lift_at(at(0), WORDS);
    CHECK(!region.full);
    CHECK(region.insns < WORDS && region.insns > 4);
    check_last(IR_GOTO, at(region.insns));
}

TEST(pages_without_execution_end_it)
{
    start();
    code.count = 5;
    lift_at(at(3), 64);
    CHECK_INT(region.insns, 2);
    check_last(IR_GOTO, at(5));
    lift_at(at(5), 64);
    CHECK_INT(region.insns, 0);
    check_last(IR_RAISE, 0);
    CHECK_INT(last()->aux, RAISE_FETCH);
}

TEST(an_address_out_of_line_raises)
{
    start();
    lift_at(at(3) + 2, 64);
    check_last(IR_RAISE, 0);
    CHECK_INT(last()->aux, RAISE_PC_ALIGN);
    CHECK_INT(find(IR_INSN)->imm, at(3) + 2);
}

TEST(what_is_translated_already_is_jumped_to_behind_branches_only)
{
    start();
    code.words[2] = CBZ(20);
    code.known = at(3);
    lift_at(at(0), 64);
    CHECK_INT(region.insns, 3);
    check_last(IR_GOTO, at(3));
    code.known = at(2); /* not behind a branch */
    lift_at(at(0), 16);
    CHECK(holds(at(2)));
    code.known = at(0); /* never its own start */
    lift_at(at(0), 16);
    CHECK(holds(at(0)));
    code.words[0] = B(10);
    code.known = at(10);
    lift_at(at(0), 64);
    CHECK_INT(region.insns, 1);
    check_last(IR_GOTO, at(10));
}

static bool dead_at_exit(uint32_t first, uint32_t second)
{
    start();
    code.words[0] = CMP;
    code.words[1] = B_EQ(19);
    code.words[20] = first;
    code.words[21] = second;
    code.words[22] = RET;
    lift_at(at(0), 64);
    return find(IR_JCC)->aux & IR_EXIT_FLAGS_DEAD;
}

TEST(flags_are_dead_where_they_are_written_before_read)
{
    CHECK(dead_at_exit(CMP, CSET));
    CHECK(dead_at_exit(LDR, ADDS_X1));
    CHECK(!dead_at_exit(CSET, CMP));
    CHECK(!dead_at_exit(NOP, NOP)); /* a return: the caller may read them */
    CHECK(!dead_at_exit(SVC, CMP)); /* the kernel shows them to a tracer or in a frame */
    CHECK(!dead_at_exit(CBZ(5), CMP));
    CHECK(!dead_at_exit(0, CMP)); /* undefined: in its signal's frame */
    CHECK(dead_at_exit(B(1), CMP));
    CHECK(dead_at_exit(NOP, B(-21))); /* the loop's own compare */
}

TEST(a_return_keeps_flags)
{
    start();
    code.words[0] = CMP;
    code.words[1] = RET;
    lift_at(at(0), 64);
    CHECK_INT(last()->aux & IR_EXIT_FLAGS_DEAD, 0);
}

/* MOVZ and MOVK make one constant, but not over a call. */
TEST(constants_are_joined)
{
    start();
    code.words[0] = 0xd2824680; /* mov x0, #0x1234 */
    code.words[1] = 0xf2aacf00; /* movk x0, #0x5678, lsl #16 */
    code.words[2] = RET;
    lift_at(at(0), 64);
    for (uint32_t i = 0; i < region.count; i++)
        CHECK(region.ins[i].op != IR_BFI);
    code.words[1] = BL(10);
    code.words[2] = 0xf2aacf00;
    code.words[3] = RET;
    lift_at(at(0), 64);
    find(IR_BFI);
}

TEST(any_words_give_a_valid_region)
{
    uint64_t rng = 7;
    start();
    for (unsigned n = 0; n < 3000; n++) {
        for (unsigned k = 0; k < WORDS; k++) {
            enum a64_row row = 1 + (rng >> 33) % (A64_ROW_COUNT - 1);
            code.words[k] = a64_random(row, &rng);
            rng = rng * 6364136223846793005u + 1442695040888963407u;
            if ((rng >> 60) == 0)
                code.words[k] = (uint32_t)(rng >> 16);
        }
        lift_at(at((rng >> 40) % 100), 64);
    }
}

TEST_MAIN()
