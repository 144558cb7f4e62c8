// SPDX-License-Identifier: Apache-2.0
/* Vector instructions that are made of many operations, compiled and run, against a plain model;
 * SHA by the host's instructions against the exact function. */
#include "engine_simd_model.h"

#include "engine_code.h"

enum { TRIES = 1500 };
#define SVC 0xd4000001u

static const char *const rows[] = {
    "sqadd_vec",     "sqadd_scalar",     "uqadd_vec",      "uqadd_scalar",
    "sqsub_vec",     "sqsub_scalar",     "uqsub_vec",      "uqsub_scalar",
    "sqabs_vec",     "sqabs_scalar",     "sqneg_vec",      "sqneg_scalar",
    "sqxtn_vec",     "sqxtn_scalar",     "uqxtn_vec",      "uqxtn_scalar",
    "sqxtun_vec",    "sqxtun_scalar",    "sqshl_imm_vec",  "sqshl_imm_scalar",
    "uqshl_imm_vec", "uqshl_imm_scalar", "sqshlu_imm_vec", "sqshlu_imm_scalar",
    "sqshrn_vec",    "sqshrn_scalar",    "uqshrn_vec",     "uqshrn_scalar",
    "sqrshrn_vec",   "sqrshrn_scalar",   "uqrshrn_vec",    "uqrshrn_scalar",
    "sqshrun_vec",   "sqshrun_scalar",   "sqrshrun_vec",   "sqrshrun_scalar",
    "sqdmulh_vec",   "sqdmulh_scalar",   "sqdmulh_elem",   "sqdmulh_elem_scalar",
    "sqrdmulh_vec",  "sqrdmulh_scalar",  "sqrdmulh_elem",  "sqrdmulh_elem_scalar",
    "sqdmull_vec",   "sqdmull_scalar",   "sqdmull_elem",   "sqdmull_elem_scalar",
    "sqdmlal_vec",   "sqdmlal_scalar",   "sqdmlal_elem",   "sqdmlal_elem_scalar",
    "sqdmlsl_vec",   "sqdmlsl_scalar",   "sqdmlsl_elem",   "sqdmlsl_elem_scalar",
    "sdot_vec",      "udot_vec",         "sdot_elem",      "udot_elem",
    "sshl_vec",      "sshl_scalar",      "ushl_vec",       "ushl_scalar",
    "srshl_vec",     "srshl_scalar",     "urshl_vec",      "urshl_scalar",
    "clz_vec",       "cls_vec",
};
static const char *const sha[] = {"sha1c",    "sha1p",     "sha1m",    "sha256h",
                                  "sha256h2", "sha256su0", "sha256su1"};

static struct machine machine;
static uint64_t rng = 1;

static uint64_t draw(void)
{
    static const uint64_t corners[] = {0,
                                       0x80,
                                       0x7fff,
                                       0x8000800080008000,
                                       0x7fffffff80000000,
                                       0x8000000000000000,
                                       0x7fffffffffffffff,
                                       ~0ull,
                                       0x00ff00ff80808080,
                                       0x0101010101010101,
                                       0xf8f0e0c080402010};
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    uint64_t v = rng >> 33;
    if (v % 3 == 0)
        return corners[v / 3 % ARRAY(corners)];
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return v << 33 ^ rng >> 20;
}

static enum a64_row find(const char *name)
{
    enum a64_row row = 1;
    while (row < A64_ROW_COUNT && strcmp(a64_row_info[row].name, name))
        row++;
    return row;
}

/* Start of one case; m is what by-element forms of halfwords have. */
static void start(uint32_t word, const char *name)
{
    struct cpu *cpu = &machine.cpu;
    unsigned m = word >> 16 & 31;
    if (strstr(name, "_elem") && !strstr(name, "dot") && (word >> 22 & 3) == 1)
        m &= 15;
    set_thunks(cpu);
    cpu->pc = (uint64_t)(uintptr_t)machine.code;
    cpu->fpsr = 0;
    machine.code[0] = word;
    machine.code[1] = SVC;
    for (unsigned k = 0; k < 32; k++)
        cpu->v[k] = (union vec){.d = {draw(), draw()}};
    cpu->varg[0] = cpu->v[word >> 5 & 31];
    cpu->varg[1] = cpu->v[m];
    cpu->varg[2] = cpu->v[word & 31];
    cpu->arg[3] = word;
}

/* Run what start() prepared; want: what the model made of it. */
static bool agrees(uint32_t word, const char *name, const struct cpu *want)
{
    const struct cpu before = machine.cpu;
    const char *wrong;
    void *code = translate(&machine, &wrong);
    if (!wrong && test_enter(&machine.cpu, code) != STOP_SYSCALL)
        wrong = "it stopped";
    const union vec *d = &machine.cpu.v[word & 31];
    if (!wrong && !memcmp(d, &want->vret, 16) && machine.cpu.fpsr == want->fpsr)
        return true;
    printf("# %08x %s: %s\n", word, name, wrong ? wrong : "");
    for (unsigned k = 0; k < 3; k++)
        printf("#   operand %016llx:%016llx\n", (unsigned long long)before.varg[k].d[1],
               (unsigned long long)before.varg[k].d[0]);
    printf("#   got %016llx:%016llx fpsr %x\n", (unsigned long long)d->d[1],
           (unsigned long long)d->d[0], machine.cpu.fpsr);
    printf("#   want %016llx:%016llx fpsr %x\n", (unsigned long long)want->vret.d[1],
           (unsigned long long)want->vret.d[0], want->fpsr);
    machine_print_region(&region);
    return false;
}

static unsigned run(const char *name, void (*model)(struct cpu *, uint32_t, const char *))
{
    enum a64_row row = find(name);
    if (row == A64_ROW_COUNT)
        TEST_FAIL("no row %s", name);
    for (unsigned k = 0; k < TRIES; k++) {
        uint32_t word = a64_random(row, &rng);
        start(word, name);
        struct cpu want = machine.cpu;
        model(&want, word, name);
        if (!agrees(word, name, &want))
            return 1;
    }
    return 0;
}

TEST(as_the_model)
{
    unsigned bad = 0;
    for (size_t k = 0; k < ARRAY(rows); k++)
        bad += run(rows[k], model_simd);
    CHECK_INT(bad, 0);
}

static void exact(struct cpu *cpu, uint32_t word, const char *name)
{
    (void)word;
    (void)name;
    helper_simd(cpu);
}

TEST(sha_by_the_host)
{
    unsigned bad = 0;
    if (!machine_host(NULL, LIFT_HOST_SHA))
        TEST_SKIP("this machine has no SHA instructions");
    for (size_t k = 0; k < ARRAY(sha); k++)
        bad += run(sha[k], exact);
    CHECK_INT(bad, 0);
}

TEST_MAIN()
