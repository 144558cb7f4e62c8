// SPDX-License-Identifier: Apache-2.0
/* Compares what fp_guest printed with src/engine/fp:
 *     fp_guest SEED COUNT [OP] | fp_check SEED COUNT [OP]
 * One TAP line an instruction, with the first differences. */
#include "engine/fp/fp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fp_cases.h"

static uint32_t fp_js(struct fp_env *env, uint64_t a, uint32_t *ret_nzcv)
{
    bool exact;
    uint32_t x = fp64_to_js(env, a, &exact);
    *ret_nzcv = exact ? 4 : 0;
    return x;
}

#define OP(name, kind, text, ...)                                                                  \
    static void want_##name(const struct fp_case *c, struct fp_result *r)                          \
    {                                                                                              \
        struct fp_env env = {c->fpcr, 0}, *E = &env;                                               \
        uint64_t V = 0, X = 0;                                                                     \
        uint32_t N = 0;                                                                            \
        OPERANDS_##kind;                                                                           \
        __VA_ARGS__;                                                                               \
        (void)B;                                                                                   \
        (void)C;                                                                                   \
        *r = (struct fp_result){V, X, N, env.fpsr};                                                \
    }
#define OPERANDS(type) type A = (type)c->a, B = (type)c->b, C = (type)c->c
#define OPERANDS_H OPERANDS(uint16_t)
#define OPERANDS_S OPERANDS(uint32_t)
#define OPERANDS_D OPERANDS(uint64_t)
#define OPERANDS_W OPERANDS(uint32_t)
#define OPERANDS_X OPERANDS(uint64_t)
#include "fp_ops.def"
#undef OP

static const struct {
    const char *name, *text;
    void (*want)(const struct fp_case *c, struct fp_result *r);
    enum fp_operands kind;
} ops[] = {
#define OP(name, kind, text, ...) {#name, text, want_##name, FP_##kind},
#include "fp_ops.def"
#undef OP
};

enum { SHOWN = 5 };

static void show(unsigned n, const struct fp_case *c, const struct fp_result *got,
                 const struct fp_result *want)
{
    printf("# %s: a %016" PRIx64 " b %016" PRIx64 " c %016" PRIx64 " fpcr %08x\n", ops[n].text,
           c->a, c->b, c->c, (unsigned)c->fpcr);
    printf("#   got  v %016" PRIx64 " x %016" PRIx64 " nzcv %x fpsr %02x\n", got->v, got->x,
           (unsigned)got->nzcv, (unsigned)got->fpsr);
    printf("#   want v %016" PRIx64 " x %016" PRIx64 " nzcv %x fpsr %02x\n", want->v, want->x,
           (unsigned)want->nzcv, (unsigned)want->fpsr);
}

/* Number of cases that differ; -1: the input ended. */
static long check(unsigned n, uint64_t state, unsigned long count)
{
    long bad = 0;
    for (unsigned long k = 0; k < count; k++) {
        struct fp_case c;
        struct fp_result got, want;
        fp_case_make(&state, ops[n].kind, &c);
        if (fread(&got, sizeof(got), 1, stdin) != 1)
            return -1;
        ops[n].want(&c, &want);
        if (memcmp(&got, &want, sizeof(got)) != 0 && bad++ < SHOWN)
            show(n, &c, &got, &want);
    }
    return bad;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    unsigned long count = strtoul(argv[2], NULL, 0);
    int status = 0;
    for (unsigned n = 0; n < FP_OPS; n++) {
        if (argc > 3 && strcmp(argv[3], ops[n].name) != 0)
            continue;
        uint64_t state = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15u + n + 1;
        long bad = check(n, state, count);
        if (bad < 0)
            printf("not ok - %s: the guest program ended early\n", ops[n].name);
        else if (bad)
            printf("not ok - %s: %ld of %lu cases differ\n", ops[n].name, bad, count);
        else
            printf("ok - %s: %lu cases\n", ops[n].name, count);
        status |= bad != 0;
        if (bad < 0)
            break;
    }
    return status;
}
