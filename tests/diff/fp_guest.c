// SPDX-License-Identifier: Apache-2.0
/* Executes the instructions of fp_ops.def, on an Arm processor or under an emulator:
 *     fp_guest SEED COUNT [OP]     COUNT cases of each instruction (or of one); results to stdout
 */
#include <stdio.h>
#include <stdlib.h>

#include "fp_cases.h"

#define OP(name, kind, text, ...)                                                                  \
    static void run_##name(const struct fp_case *c, struct fp_result *r)                           \
    {                                                                                              \
        register uint64_t v asm("d3") = 0, x asm("x3") = 0;                                        \
        register uint64_t a asm("d0") = c->a, b asm("d1") = c->b, m asm("d2") = c->c;              \
        register uint64_t i asm("x0") = c->a;                                                      \
        uint64_t flags, fpsr;                                                                      \
        asm volatile("msr fpcr, %[fpcr]\n msr fpsr, xzr\n msr nzcv, xzr\n" text                    \
                     "\n mrs %[fpsr], fpsr\n mrs %[flags], nzcv\n msr fpcr, xzr\n"                 \
                     : "+w"(v), "+r"(x), [fpsr] "=&r"(fpsr), [flags] "=&r"(flags)                  \
                     : "w"(a), "w"(b), "w"(m), "r"(i), [fpcr] "r"((uint64_t)c->fpcr)               \
                     : "cc");                                                                      \
        r->v = v;                                                                                  \
        r->x = x;                                                                                  \
        r->nzcv = (uint32_t)flags >> 28;                                                           \
        r->fpsr = (uint32_t)fpsr;                                                                  \
    }
#include "fp_ops.def"
#undef OP

static const struct {
    const char *name;
    void (*run)(const struct fp_case *c, struct fp_result *r);
    enum fp_operands kind;
} ops[] = {
#define OP(name, kind, ...) {#name, run_##name, FP_##kind},
#include "fp_ops.def"
#undef OP
};

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    unsigned long count = strtoul(argv[2], NULL, 0);
    for (unsigned n = 0; n < FP_OPS; n++) {
        uint64_t state = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15u + n + 1;
        if (argc > 3 && strcmp(argv[3], ops[n].name) != 0)
            continue;
        for (unsigned long k = 0; k < count; k++) {
            struct fp_case c;
            struct fp_result r;
            fp_case_make(&state, ops[n].kind, &c);
            ops[n].run(&c, &r);
            if (fwrite(&r, sizeof(r), 1, stdout) != 1)
                return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
