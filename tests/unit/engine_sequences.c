/* SPDX-License-Identifier: Apache-2.0
 *
 * Random instructions in sequence: what compiled code makes of all registers, flags and memory must
 * be what the IR's interpreter makes of them.
 *
 * x4, x10 and sp point into a buffer, and x6 is small, as long as no instruction changes that. What
 * does not work in the interpreter (an access beside the buffer, an undefined word) becomes a NOP.
 * A sequence that fails is made smaller, then shown.
 */
#include "engine_code.h"

enum { LENGTH = 24, BUFFER = 1 << 14, SEQUENCES = 2500, STEPS = 200 };
#define NOP 0xd503201fu
#define SVC 0xd4000001u

static uint8_t buffer[BUFFER] __attribute__((aligned(64)));
static struct machine machine;
static struct ir_region interpreted;

struct outcome {
    struct cpu cpu;         /* x, v, nzcv, fpsr, pc count */
    uint8_t buffer[BUFFER]; /* memory behind */
};
static struct outcome want, got;

static uint64_t rng;

static uint32_t draw(uint32_t below)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((rng >> 33) * below) >> 31);
}

static uint64_t draw64(void)
{
    static const uint64_t corners[] = {0,
                                       1,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0x80,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       ~0ull,
                                       0xffffff00,
                                       0x3f,
                                       0x8000};
    if (draw(3) == 0)
        return corners[draw(ARRAY(corners))];
    uint64_t v = (uint64_t)draw(1u << 31) << 33 ^ (uint64_t)draw(1u << 31) << 16 ^ draw(1u << 31);
    return draw(4) ? v : v >> draw(64);
}

/* ---- words ---- */
static bool is(enum a64_row row, const char *name)
{
    return strcmp(a64_row_info[row].name, name) == 0;
}

static enum a64_row draw_row(void)
{
    static const char *const others[] = {"b_cond",   "cbz",  "cbnz", "tbz",      "tbnz",
                                         "cfinv",    "rmif", "mrs",  "msr",      "csel",
                                         "ccmp_imm", "adcs", "sbc",  "subs_imm", "b_cond"};
    for (;;) {
        enum a64_row row = 1 + draw(A64_ROW_COUNT - 1);
        if (draw(4) == 0) {
            const char *name = others[draw(ARRAY(others))];
            for (row = 1; !is(row, name);)
                row++;
            return row;
        }
        const char *group = a64_row_info[row].group;
        bool rare = !strcmp(group, "simd") || !strcmp(group, "fp");
        if (!strcmp(group, "int") || !strcmp(group, "mem") || (rare && !draw(3)))
            return row;
    }
}

static uint32_t put_bits(uint32_t word, unsigned at, unsigned width, uint32_t v)
{
    uint32_t mask = ((1u << width) - 1) << at;
    return (word & ~mask) | (v << at & mask);
}

static uint32_t draw_word(void)
{
    static const uint8_t bases[] = {4, 10, 31};
    enum a64_row row = draw_row();
    const struct a64_row_info *info = &a64_row_info[row];
    uint32_t word = a64_random(row, &rng);
    if (is(row, "b_cond") || is(row, "cbz") || is(row, "cbnz"))
        return put_bits(word, 5, 19, 1 + draw(5));
    if (is(row, "tbz") || is(row, "tbnz"))
        return put_bits(word, 5, 14, 1 + draw(5));
    if (is(row, "mrs") || is(row, "msr"))
        return put_bits(word, 5, 15, 0x5a10); /* NZCV */
    if (info->mem) {
        word = put_bits(word, 5, 5, bases[draw(3)]);
        if (strstr(info->name, "_reg"))
            word = put_bits(word, 16, 5, 6);
        if (strstr(info->name, "uimm"))
            word = put_bits(word, 16, 6, 0);
    }
    return word;
}

/* ---- running ---- */
static bool access_ok(void *context, uint64_t address, unsigned size, bool write)
{
    (void)context;
    (void)write;
    uint64_t at = address - (uint64_t)(uintptr_t)buffer;
    return at < BUFFER && at + size <= BUFFER;
}

struct start {
    struct cpu cpu;
    uint32_t code[CODE_WORDS];
};
static struct start start_state;

static uint64_t draw_double(void)
{
    static const uint64_t corners[] = {
        0,          0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000001, 0xfff0000000000001,
        0x00000001, 0x0010000000000000, 0x7fefffffffffffff, 0x3f8000003f800000, 0x7f8000007fc00001,
        0x00800000, 0x4330000000000001, 0x4f0000004b000001, 0x0000000080000001};
    uint64_t v = draw(2) ? corners[draw(ARRAY(corners))] : draw64();
    if (draw(2)) /* of a size that sums and products are exact in, or nearly */
        v = (v & 0x800fffffffffffff) | (uint64_t)(0x3f0 + draw(32)) << 52;
    return v ^ (uint64_t)draw(2) << 63;
}

static void set_start(void)
{
    struct cpu *cpu = &start_state.cpu;
    uint64_t middle = (uint64_t)(uintptr_t)buffer + BUFFER / 2;
    for (unsigned k = 0; k < 32; k++) {
        cpu->x[k] = draw64();
        cpu->v[k].d[0] = draw(2) ? draw_double() : draw64();
        cpu->v[k].d[1] = draw(2) ? draw_double() : draw64();
    }
    cpu->x[4] = middle + draw(16);
    cpu->x[6] = draw(64);
    cpu->x[10] = middle + 16 * draw(16);
    cpu->x[31] = middle + 8 * draw(4);
    cpu->nzcv = ir_nzcv_store(draw(16));
    cpu->fpcr = draw(4) << 22;
    machine.mode = draw(3) ? 0 : IR_MODE_UNDERFLOW;
    if (draw(5) == 0) { /* FZ, DN */
        cpu->fpcr |= (1 + draw(3)) << 24;
        machine.mode |= IR_MODE_COLD;
    }
    cpu->excl_addr = ~0ull;
    cpu->pc = (uint64_t)(uintptr_t)machine.code;
}

static void begin(void)
{
    for (unsigned k = 0; k < BUFFER; k++)
        buffer[k] = (uint8_t)(k * 37 + (k >> 8));
    memcpy(machine.code, start_state.code, sizeof(machine.code));
    machine.cpu = start_state.cpu;
    set_thunks(&machine.cpu);
}

static void keep(struct outcome *o)
{
    o->cpu = machine.cpu;
    memcpy(o->buffer, buffer, BUFFER);
}

/* Up to the SVC; what does not work is made a NOP and everything begins again. */
static const char *interpret(void)
{
    static struct ir_interp interp = {
        .cpu = &machine.cpu, .helper = machine_helper, .access = access_ok};
    const struct lift_env env = {.fetch = machine_fetch,
                                 .known = machine_known,
                                 .host = machine_host,
                                 .context = &machine,
                                 .mode = machine.mode,
                                 .max_insns = 64};
    begin();
    for (unsigned k = 0; k < STEPS; k++) {
        a64_lift_region(&interpreted, machine.cpu.pc, &env);
        const char *wrong = ir_verify(&interpreted);
        if (wrong)
            return wrong;
        switch (ir_interp_run(&interp, &interpreted)) {
        case IR_END_SYSCALL:
            keep(&want);
            return NULL;
        case IR_END_FAULT:
        case IR_END_RAISE:
        case IR_END_MISSING:
            start_state.code[(machine.cpu.pc - start_state.cpu.pc) / 4] = NOP;
            begin();
            break;
        default:
            break;
        }
    }
    return "the interpreter does not come to the end";
}

/* MXCSR's rounding for FPCR's, and what its sticky flags are in FPSR (as rt/cpu.c does it). */
static void set_mxcsr(uint32_t fpcr)
{
    static const uint8_t rounding[4] = {0, 2, 1, 3};
    uint32_t v = 0x1f80u | (uint32_t)rounding[fpcr >> 22 & 3] << 13;
    __asm__ volatile("ldmxcsr %0" : : "m"(v));
}

static uint32_t sticky_flags(void)
{
    uint32_t v;
    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return (v & 1) | (v >> 1 & 0x1e);
}

static const char *run_code(void)
{
    begin();
    uint32_t fpsr = 0;
    for (unsigned k = 0; k < STEPS; k++) {
        const char *wrong;
        void *code = translate(&machine, &wrong);
        if (wrong)
            return wrong;
        set_mxcsr(machine.cpu.fpcr);
        int how = test_enter(&machine.cpu, code);
        fpsr |= sticky_flags();
        set_mxcsr(0);
        switch (how) {
        case STOP_SYSCALL:
            machine.cpu.fpsr |= fpsr;
            keep(&got);
            return NULL;
        case STOP_RAISE:
            return "the code raises";
        }
    }
    return "the code does not come to the end";
}

static const char *compare(void)
{
    static char text[200];
    for (unsigned k = 0; k < 32; k++) {
        if (want.cpu.x[k] != got.cpu.x[k]) {
            snprintf(text, sizeof(text), "x%u: got %llx, want %llx", k,
                     (unsigned long long)got.cpu.x[k], (unsigned long long)want.cpu.x[k]);
            return text;
        }
        if (memcmp(&want.cpu.v[k], &got.cpu.v[k], 16)) {
            snprintf(text, sizeof(text), "v%u: got %llx:%llx, want %llx:%llx", k,
                     (unsigned long long)got.cpu.v[k].d[1], (unsigned long long)got.cpu.v[k].d[0],
                     (unsigned long long)want.cpu.v[k].d[1],
                     (unsigned long long)want.cpu.v[k].d[0]);
            return text;
        }
    }
    if (ir_nzcv_load(want.cpu.nzcv) != ir_nzcv_load(got.cpu.nzcv)) {
        snprintf(text, sizeof(text), "nzcv: got %x, want %x", ir_nzcv_load(got.cpu.nzcv),
                 ir_nzcv_load(want.cpu.nzcv));
        return text;
    }
    /* without its mode, underflow is not exact */
    uint32_t looked_at = machine.mode & (IR_MODE_UNDERFLOW | IR_MODE_COLD) ? ~0u : ~8u;
    if ((want.cpu.fpsr ^ got.cpu.fpsr) & looked_at) {
        snprintf(text, sizeof(text), "fpsr: got %x, want %x", got.cpu.fpsr, want.cpu.fpsr);
        return text;
    }
    return memcmp(want.buffer, got.buffer, BUFFER) ? "memory differs" : NULL;
}

static const char *try(void)
{
    const char *wrong = interpret();
    if (!wrong)
        wrong = run_code();
    return wrong ? wrong : compare();
}

static void show(const char *wrong)
{
    for (unsigned k = 0; k < LENGTH; k++) {
        uint32_t word = start_state.code[k];
        start_state.code[k] = NOP;
        if (word != NOP && !try())
            start_state.code[k] = word;
    }
    wrong = try();
    printf("# %s; fpcr %x, mode %u\n", wrong ? wrong : "(it does not fail again)",
           start_state.cpu.fpcr, machine.mode);
    for (unsigned k = 0; k < LENGTH; k++) {
        uint32_t word = start_state.code[k];
        if (word != NOP)
            printf("#   %u: %08x %s\n", k, word, a64_row_info[a64_decode(word)].name);
    }
    machine_print_region(&region);
}

TEST(as_interpreted)
{
    unsigned bad = 0;
    rng = 1;
    for (unsigned n = 0; n < SEQUENCES && bad < 10; n++) {
        unsigned length = 2 + draw(LENGTH - 1);
        for (unsigned k = 0; k < CODE_WORDS; k++)
            start_state.code[k] = k < length ? draw_word() : k < LENGTH ? NOP : SVC;
        set_start();
        const char *wrong = try();
        if (wrong) {
            show(wrong);
            bad++;
        }
    }
    CHECK_INT(bad, 0);
}

/* Sequences that once went wrong. */
TEST(known_sequences)
{
    static const uint32_t sequences[][4] = {
        /* two operands in one mirror: letting one go let go the other
         * (mov v10.b[1], w1; mov v11.b[13], w1; fmls v11.2s, v11.2s, v4.2s) */
        {0x4e031c2a, 0x4e1b1c2b, 0x0ea4cd6b, NOP},
        /* ldr w9, [x4]; add x9, x9, x9, ror 0; rbit x12, x9; rev16 x13, x9 */
        {0xb9400089, 0x8b090129, 0xdac0012c, 0xdac0052d},
        /* a constant as an operand that the cold place looks at
         * (fmov v14.4s, #-0.9375; fmadd s14, s2, s9, s14; fcsel s0, s14, s1, eq) */
        {0x4f07f5ce, 0x1f09384e, 0x1e210dc0, NOP},
        /* an operand that is the base, too (mov v11.b[13], w1; fmls v11.2s, v4.2s, v11.2s), and a
         * base that was never put (frecps v25.4s, v28.4s, v15.4s; fmla v25.2s, v22.2s, v26.2s) */
        {0x4e1b1c2b, 0x0eabcc8b, 0x4e2fff99, 0x0e3aced9},
    };
    for (unsigned n = 0; n < ARRAY(sequences); n++) {
        rng = n + 1;
        for (unsigned k = 0; k < CODE_WORDS; k++)
            start_state.code[k] = k < 4 ? sequences[n][k] : k < LENGTH ? NOP : SVC;
        set_start();
        start_state.cpu.fpcr = machine.mode = 0;
        for (unsigned k = 0; k < 32; k++) /* NaNs: the cold places look at the operands again */
            start_state.cpu.v[k].d[0] = start_state.cpu.v[k].d[1] = 0x3f800000ffff0000 + k;
        const char *wrong = try();
        if (wrong)
            show(wrong);
        CHECK(!wrong);
    }
}

/* A region of one instruction that the compiler refuses would be the engine's end. */
TEST(any_instruction_can_be_compiled_alone)
{
    static const uint32_t modes[] = {0, IR_MODE_UNDERFLOW, IR_MODE_COLD};
    rng = 3;
    for (unsigned row = 1; row < A64_ROW_COUNT; row++) {
        for (unsigned n = 0; n < 30; n++) {
            const char *wrong;
            machine.code[0] = a64_random(row, &rng);
            machine.code[1] = SVC;
            machine.mode = modes[n % ARRAY(modes)];
            machine.cpu.pc = (uint64_t)(uintptr_t)machine.code;
            translate(&machine, &wrong);
            if (wrong)
                TEST_FAIL("%s %08x, mode %u: %s", a64_row_info[row].name, machine.code[0],
                          machine.mode, wrong);
        }
    }
}

TEST_MAIN()
