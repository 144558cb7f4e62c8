// SPDX-License-Identifier: Apache-2.0
#include "engine/isa/a64.h"

/* log2 of the element's width, or -1. */
static int element(unsigned n, unsigned imms)
{
    unsigned v = n << 6 | (~imms & 63);
    return v ? 31 - __builtin_clz(v) : -1;
}

bool a64_bitmask_ok(unsigned sf, unsigned n, unsigned immr, unsigned imms)
{
    (void)immr;
    int len = element(n, imms);
    if (len < 1 || (!sf && n))
        return false;
    unsigned levels = (1u << len) - 1;
    return (imms & levels) != levels;
}

uint64_t a64_bitmask(unsigned sf, unsigned n, unsigned immr, unsigned imms)
{
    int len = element(n, imms);
    unsigned width = 1u << len, s = imms & (width - 1), r = immr & (width - 1);
    uint64_t ones = s == 63 ? ~0ull : (1ull << (s + 1)) - 1;
    if (r)
        ones = ones >> r | ones << (width - r);
    if (width < 64)
        ones &= (1ull << width) - 1;
    for (unsigned w = width; w < 64; w *= 2)
        ones |= ones << w;
    return sf ? ones : (uint32_t)ones;
}

static bool is_one_halfword(uint64_t value)
{
    for (unsigned shift = 0; shift < 64; shift += 16)
        if (!(value & ~(0xffffull << shift)))
            return true;
    return false;
}

bool a64_movw_alias(unsigned sf, uint64_t value)
{
    return is_one_halfword(value) || is_one_halfword(sf ? ~value : (uint32_t)~value);
}
