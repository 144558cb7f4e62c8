// SPDX-License-Identifier: Apache-2.0
#include "engine/isa/a64.h"

static uint64_t next(uint64_t *rng) /* splitmix64 */
{
    uint64_t z = *rng += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t immediate(uint64_t *rng, unsigned width)
{
    uint32_t ones = (uint32_t)((1ull << width) - 1);
    uint64_t r = next(rng);
    uint32_t any = (uint32_t)(r >> 32);
    if (width <= 3)
        return any & ones;
    switch (r & 15) {
    case 0:
        return 0;
    case 1:
        return ones;
    case 2: /* the sign alone, or the largest positive number */
        return (ones >> 1) + (any & 1);
    case 3:
        return 1u << any % width;
    case 4:
        return ones & ~(1u << any % width);
    case 5:
        return any & 15 & ones;
    default:
        return any & ones;
    }
}

/* seen: the register numbers chosen so far in this word */
static uint32_t choose_register(uint64_t *rng, unsigned width, uint32_t seen)
{
    uint64_t r = next(rng);
    uint32_t any = (uint32_t)(r >> 32);
    if ((r & 3) == 0 && seen)
        any = (uint32_t)__builtin_ctz(seen);
    else if ((r & 15) == 1)
        any = 31;
    return any & ((1u << width) - 1);
}

static uint32_t random_word(enum a64_row row, uint64_t *rng)
{
    uint32_t word = a64_row_info[row].value, seen = 0;
    for (unsigned i = a64_row_fields[row]; i < a64_row_fields[row + 1]; i++) {
        const struct isa_field *f = &a64_fields[i];
        uint32_t v = f->reg ? choose_register(rng, f->width, seen) : immediate(rng, f->width);
        if (f->reg)
            seen |= 1u << v;
        word |= v << f->at;
    }
    return word;
}

uint32_t a64_random(enum a64_row row, uint64_t *rng)
{
    if (row == A64_UNDEFINED || row >= A64_ROW_COUNT)
        return 0;
    for (;;) { /* every row has words, and most of these are some */
        uint32_t word = random_word(row, rng);
        if (a64_decode(word) == row)
            return word;
    }
}
