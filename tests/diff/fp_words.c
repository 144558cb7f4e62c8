// SPDX-License-Identifier: Apache-2.0
/* Executes the instructions that fp_wordlist chose, on an Arm processor or under an emulator: words
 * on stdin, answers on stdout. */
#include <stdio.h>
#include <sys/mman.h>

#include "fp_words.h"

/* void run_word(struct state *s, void *code): code is the instruction and `br x30`. */
void run_word(struct state *s, void *code);
asm(".text\n"
    ".global run_word\n"
    "run_word:\n"
    "stp x29, x30, [sp, #-80]!\n"
    "stp d8, d9, [sp, #16]\n"
    "stp d10, d11, [sp, #32]\n"
    "stp d12, d13, [sp, #48]\n"
    "stp d14, d15, [sp, #64]\n"
    "mov x9, x0\n"
    "mov x10, x1\n"
    "add x13, x9, #512\n"
    ".irp n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28\n"
    "ldr q\\n, [x9, #16 * \\n]\n"
    ".endr\n"
    ".irp n, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 30, 31\n"
    "ldr q\\n, [x9, #16 * \\n]\n"
    ".endr\n"
    "ldp x11, x12, [x13, #32]\n"
    "msr fpcr, x12\n"
    "msr fpsr, xzr\n"
    "msr nzcv, x11\n"
    "ldp x0, x1, [x13, #0]\n"
    "ldp x2, x3, [x13, #16]\n"
    "blr x10\n"
    "stp x0, x1, [x13, #0]\n"
    "stp x2, x3, [x13, #16]\n"
    "mrs x11, nzcv\n"
    "str x11, [x9, #544]\n"
    "mrs x11, fpsr\n"
    "str x11, [x9, #560]\n"
    "msr fpcr, xzr\n"
    ".irp n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28\n"
    "str q\\n, [x9, #16 * \\n]\n"
    ".endr\n"
    ".irp n, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 30, 31\n"
    "str q\\n, [x9, #16 * \\n]\n"
    ".endr\n"
    "ldp d8, d9, [sp, #16]\n"
    "ldp d10, d11, [sp, #32]\n"
    "ldp d12, d13, [sp, #48]\n"
    "ldp d14, d15, [sp, #64]\n"
    "ldp x29, x30, [sp], #80\n"
    "ret\n");

static uint64_t hash(const struct state *s)
{
    const uint64_t *p = (const uint64_t *)s;
    uint64_t h = 0;
    for (unsigned k = 0; k < sizeof(*s) / 8; k++)
        h = (h ^ p[k]) * 0x9e3779b97f4a7c15u + (h >> 29);
    return h;
}

int main(void)
{
    static struct state s;
    uint32_t *code =
        mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct word w;
    unsigned at = 0;
    if (code == MAP_FAILED)
        return 1;
    while (fread(&w, sizeof(w), 1, stdin) == 1) {
        uint32_t *here = code + at;
        at = (at + 16) % (1 << 18);
        here[0] = w.word;
        here[1] = 0xd65f03c0; /* ret */
        __builtin___clear_cache((char *)here, (char *)(here + 2));
        for (unsigned k = 0; k < CASES; k++) {
            word_state(&w, &w.seed, &s);
            run_word(&s, here);
            struct answer a = {{s.v[w.word & 31][0], s.v[w.word & 31][1]},
                               s.x[w.word & 3],
                               hash(&s),
                               (uint32_t)(s.nzcv >> 28),
                               (uint32_t)s.fpsr};
            if (fwrite(&a, sizeof(a), 1, stdout) != 1)
                return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
