/* SPDX-License-Identifier: Apache-2.0
 * What fp_wordlist writes, and fp_words reads and answers. */
#ifndef TESTS_DIFF_FP_WORDS_H
#define TESTS_DIFF_FP_WORDS_H

#include "fp_cases.h"

enum { CASES = 16 /* operand sets a word */ };

/* Registers before and behind an instruction; fp_words.c's assembly knows the offsets. */
struct state {
    uint64_t v[32][2]; /* vector registers */
    uint64_t x[4];     /* x0 to x3 */
    uint64_t nzcv;     /* bits 28 to 31 */
    uint64_t fpcr;     /* before */
    uint64_t fpsr;     /* behind */
};

struct word {
    uint32_t word; /* the instruction */
    uint32_t kind; /* enum fp_operands of its elements */
    uint64_t seed; /* of its cases */
};

/* What came of one case: the destination, and all else as one number. */
struct answer {
    uint64_t v[2]; /* vector register rd */
    uint64_t x;    /* x register rd, if there is one */
    uint64_t rest; /* hash of all registers */
    uint32_t nzcv; /* bits 0 to 3 */
    uint32_t fpsr; /* flags */
};

static inline uint64_t word_element(uint64_t *seed, enum fp_operands kind)
{
    static const uint8_t widths[] = {16, 32, 64};
    if (kind >= FP_W)
        return fp_random_int(seed);
    return fp_random_float(seed, widths[kind]);
}

/* Registers of one case; some elements are another's neighbours. */
static inline void word_state(const struct word *w, uint64_t *seed, struct state *ret)
{
    unsigned width = w->kind == FP_H ? 16 : w->kind == FP_S || w->kind == FP_W ? 32 : 64;
    for (unsigned n = 0; n < 64; n++) {
        uint64_t v = 0, mask = width == 64 ? ~0ull : (1ull << width) - 1;
        for (unsigned at = 0; at < 64; at += width)
            v |= (word_element(seed, (enum fp_operands)w->kind) & mask) << at;
        uint64_t r = fp_random(seed);
        if (n > 1 && r % 6 == 0)
            v = ret->v[(r >> 8) % n / 2][n & 1] + (r >> 32) % 3 - 1;
        ret->v[n / 2][n & 1] = v;
    }
    for (unsigned n = 0; n < 4; n++)
        ret->x[n] = fp_random_int(seed);
    uint64_t r = fp_random(seed);
    ret->nzcv = (r >> 32 & 15) << 28;
    ret->fpcr = (r & 3) << 22 | (r >> 2 & 7 ? 0 : 1u << 24) | (r >> 5 & 7 ? 0 : 1u << 25) |
                (r >> 8 & 7 ? 0 : 1u << 26);
    ret->fpsr = 0;
}

#endif
