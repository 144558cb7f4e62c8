// SPDX-License-Identifier: Apache-2.0
/* The guest program of the FP vectors (tests/diff/fp-vectors makes them, and tells their format):
 *
 *     fp_vectors run <REQUEST     execute; a struct answer for each case to stdout
 *     fp_vectors check <VECTORS   execute and compare; what differs to stdout, and a line of counts
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { POOLS = 5, MAX_CONFIGURATIONS = 32, SHOWN = 20 };
enum result { RESULT_V, RESULT_X, RESULT_NZCV, RESULT_JS /* 4 bytes of x3, and NZCV */ };

/* Registers before and after; run_vector's assembly knows the offsets. */
struct state {
    uint64_t v[4][2]; /* v0 first, v1 second, v2 third operand, v3 accumulator and result */
    uint64_t x[4];    /* x0 operand, x3 result */
    uint64_t nzcv, fpcr, fpsr;
};

struct answer {
    uint64_t v[2], x;
    uint32_t nzcv, fpsr;
};

struct pool {
    uint8_t width, count; /* bytes of a value, values */
    uint64_t values[256];
};
struct word {
    uint32_t word;
    uint8_t pool, result, length; /* of operands; enum result; bytes of it that are kept */
    uint8_t configurations, sets;
};
static struct pool pools[POOLS];

void run_vector(struct state *s, void *code);
asm(".text\n"
    ".global run_vector\n"
    "run_vector:\n"
    "stp x29, x30, [sp, #-16]!\n"
    "mov x9, x0\n"
    "mov x10, x1\n"
    "ldp q0, q1, [x9]\n"
    "ldp q2, q3, [x9, #32]\n"
    "ldp x11, x12, [x9, #96]\n"
    "msr fpcr, x12\n"
    "msr fpsr, xzr\n"
    "msr nzcv, x11\n"
    "ldp x0, x1, [x9, #64]\n"
    "ldp x2, x3, [x9, #80]\n"
    "blr x10\n"
    "mrs x11, nzcv\n"
    "mrs x12, fpsr\n"
    "msr fpcr, xzr\n"
    "str q3, [x9, #48]\n"
    "str x3, [x9, #88]\n"
    "str x11, [x9, #96]\n"
    "str x12, [x9, #112]\n"
    "ldp x29, x30, [sp], #16\n"
    "ret\n");

static void get(void *to, size_t size)
{
    if (fread(to, 1, size, stdin) != size) {
        printf("the input ends early\n");
        exit(2);
    }
}

static void get_pools(void)
{
    char magic[4];
    get(magic, 4);
    if (memcmp(magic, "fpv1", 4) != 0) {
        printf("no FP vectors\n");
        exit(2);
    }
    for (unsigned k = 0; k < POOLS; k++) {
        get(&pools[k].width, 1);
        get(&pools[k].count, 1);
        for (unsigned i = 0; i < pools[k].count; i++)
            get(&pools[k].values[i], pools[k].width);
    }
}

/* Element e of an operand is pool value start + e * step. */
static uint64_t value(const struct pool *p, unsigned start, unsigned step, unsigned e)
{
    return p->values[(start + e * step) % p->count];
}

/* operands: first, second, third, accumulator, step */
static void fill(struct state *s, const struct pool *p, const uint8_t operands[5], unsigned set,
                 unsigned configuration)
{
    memset(s, 0, sizeof *s);
    for (unsigned k = 0; k < 4; k++)
        for (unsigned e = 0; e < 16u / p->width; e++) {
            uint64_t v = value(p, operands[k], operands[4], e);
            memcpy((char *)s->v[k] + e * p->width, &v, p->width);
        }
    s->x[0] = value(p, operands[0], 0, 0);
    s->x[3] = 0x5a5a5a5a5a5a5a5a;
    s->nzcv = (uint64_t)(set & 15) << 28;
    s->fpcr = (uint64_t)(configuration & 3) << 22 | (uint64_t)(configuration >> 2 & 7) << 24;
}

static void execute(struct state *s, uint32_t *code, struct answer *ret)
{
    run_vector(s, code);
    *ret = (struct answer){
        {s->v[3][0], s->v[3][1]}, s->x[3], (uint32_t)(s->nzcv >> 28), (uint32_t)s->fpsr};
}

static void place(uint32_t *code, uint32_t word)
{
    code[0] = word;
    code[1] = 0xd65f03c0; /* ret */
    __builtin___clear_cache((char *)code, (char *)(code + 2));
}

static void get_word(struct word *w)
{
    get(&w->word, 4);
    get(&w->pool, 5);
    if (w->pool >= POOLS || w->configurations > MAX_CONFIGURATIONS)
        exit(2);
}

/* ---- checking ---- */
static unsigned long cases, bad;

static void show(const struct word *w, const struct state *before, const struct answer *want,
                 const struct answer *got)
{
    if (bad++ >= SHOWN)
        return;
    printf("%08" PRIx32 ", fpcr %08x, nzcv %x:\n", w->word, (unsigned)before->fpcr,
           (unsigned)(before->nzcv >> 28));
    for (unsigned k = 0; k < 4; k++)
        printf("  v%u %016" PRIx64 ":%016" PRIx64 "\n", k, before->v[k][1], before->v[k][0]);
    printf("  x0 %016" PRIx64 "\n", before->x[0]);
    for (unsigned k = 0; k < 2; k++) {
        const struct answer *a = k ? got : want;
        printf("  %s v3 %016" PRIx64 ":%016" PRIx64 " x3 %016" PRIx64 " nzcv %x fpsr %02x\n",
               k ? "got " : "want", a->v[1], a->v[0], a->x, (unsigned)a->nzcv, (unsigned)a->fpsr);
    }
}

/* The outcome that the file has, in a state that is otherwise as before. */
static void expect(const struct word *w, const struct state *before, const uint8_t *outcome,
                   struct answer *ret)
{
    *ret = (struct answer){{before->v[3][0], before->v[3][1]},
                           before->x[3],
                           (uint32_t)(before->nzcv >> 28),
                           outcome[w->length]};
    if (w->result == RESULT_V) {
        ret->v[0] = ret->v[1] = 0;
        memcpy(ret->v, outcome, w->length);
    } else if (w->result == RESULT_X) {
        ret->x = 0;
        memcpy(&ret->x, outcome, w->length);
    } else if (w->result == RESULT_NZCV) {
        ret->nzcv = outcome[0];
    } else {
        ret->x = 0;
        memcpy(&ret->x, outcome, 4);
        ret->nzcv = outcome[4];
    }
}

static void check_set(const struct word *w, uint32_t *code, unsigned set)
{
    uint8_t operands[5], count, map[MAX_CONFIGURATIONS / 2] = {0}, outcomes[16][17];
    get(operands, 5);
    get(&count, 1);
    if (!count || count > 16 || w->length > 16)
        exit(2);
    if (count > 1)
        get(map, w->configurations / 2u);
    for (unsigned k = 0; k < count; k++)
        get(outcomes[k], w->length + 1u);
    for (unsigned c = 0; c < w->configurations; c++) {
        struct state s, before;
        struct answer want, got;
        fill(&s, &pools[w->pool], operands, set, c);
        before = s;
        expect(w, &before, outcomes[(map[c / 2] >> c % 2 * 4 & 15) % count], &want);
        execute(&s, code, &got);
        cases++;
        if (memcmp(&want, &got, sizeof want) != 0)
            show(w, &before, &want, &got);
    }
}

int main(int argc, char **argv)
{
    uint32_t *code =
        mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint16_t words;
    if (argc != 2 || code == MAP_FAILED)
        return 2;
    bool checking = strcmp(argv[1], "check") == 0;
    get_pools();
    get(&words, 2);
    for (unsigned n = 0; n < words; n++) {
        struct word w;
        uint32_t *here = code + 16 * (n % 1024);
        get_word(&w);
        place(here, w.word);
        for (unsigned set = 0; set < w.sets; set++) {
            if (checking) {
                check_set(&w, here, set);
                continue;
            }
            uint8_t operands[5];
            get(operands, 5);
            for (unsigned c = 0; c < w.configurations; c++) {
                struct state s;
                struct answer a;
                fill(&s, &pools[w.pool], operands, set, c);
                execute(&s, here, &a);
                if (fwrite(&a, sizeof a, 1, stdout) != 1)
                    return 1;
            }
        }
    }
    if (checking)
        printf("%u words, %lu cases, %lu differ\n", words, cases, bad);
    return fflush(stdout) != 0 || bad;
}
