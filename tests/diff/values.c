/* SPDX-License-Identifier: Apache-2.0
 *
 * Operands that find mistakes: the edges of integers, every class of FP numbers, and pairs of them
 * that cancel, round, overflow and underflow.
 */
#include "gen.h"

#include <string.h>

uint64_t value_integer(struct rng *r)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     ~0ull,
                                     ~1ull,
                                     0x7fffffffffffffff,
                                     0x8000000000000000,
                                     0x8000000000000001,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x100000000,
                                     0xffffffff80000000,
                                     0xffffffff7fffffff,
                                     0x7fff,
                                     0x8000,
                                     0xffff,
                                     0x7f,
                                     0x80,
                                     0xff,
                                     0x5555555555555555,
                                     0xaaaaaaaaaaaaaaaa,
                                     0x8080808080808080,
                                     0x7f7f7f7f7f7f7f7f,
                                     0x8000800080008000,
                                     0x7fff7fff7fff7fff,
                                     0x8000000080000000,
                                     0x7fffffff7fffffff,
                                     0x0000ffff0000ffff,
                                     31,
                                     32,
                                     63,
                                     64};
    uint64_t v = rng_next(r);
    switch (rng_below(r, 10)) {
    case 0:
    case 1:
        return edges[rng_below(r, sizeof edges / sizeof *edges)];
    case 2: /* near an edge */
        return edges[rng_below(r, sizeof edges / sizeof *edges)] + rng_below(r, 9) - 4;
    case 3: /* one bit, or all but one */
        return (v & 1 ? ~0ull : 0) ^ 1ull << (v >> 58);
    case 4: /* a run of ones */
        return ((~0ull >> (v & 63)) << (v >> 58)) ^ (v & 0x100 ? ~0ull : 0);
    case 5: /* small */
        return rng_below(r, 256);
    case 6: /* a signed 32-bit number */
        return (uint64_t)(int64_t)(int32_t)v;
    case 7: /* equal bytes */
        return (v & 0xff) * 0x0101010101010101u;
    default:
        return v;
    }
}

struct fp_shape {
    unsigned bits, fraction; /* width; width of the fraction */
    int bias;                /* of the exponent */
};
static struct fp_shape shape_of(unsigned bits)
{
    if (bits == 16)
        return (struct fp_shape){16, 10, 15};
    if (bits == 32)
        return (struct fp_shape){32, 23, 127};
    return (struct fp_shape){64, 52, 1023};
}

static uint64_t fraction_of(struct rng *r, const struct fp_shape *f)
{
    uint64_t all = (1ull << f->fraction) - 1, v = rng_next(r);
    switch (rng_below(r, 6)) {
    case 0:
        return 0;
    case 1:
        return all;
    case 2: /* few bits on top: products are exact, halves are ties */
        return v & all & ~(all >> (1 + rng_below(r, 8)));
    case 3: /* one bit, or all but the last ones */
        return (v & 1 ? 1ull << rng_below(r, f->fraction) : all ^ (rng_next(r) & 7)) & all;
    default:
        return v & all;
    }
}

static int exponent_of(struct rng *r, const struct fp_shape *f)
{
    switch (rng_below(r, 8)) {
    case 0: /* products near the smallest normal number */
        return -f->bias / 2 - 2 + (int)rng_below(r, 6);
    case 1: /* products near the largest */
        return f->bias / 2 - 2 + (int)rng_below(r, 6);
    case 2: /* near the smallest normal */
        return 1 - f->bias + (int)rng_below(r, 4);
    case 3: /* near the largest */
        return f->bias - (int)rng_below(r, 4);
    case 4: /* near the limits of integers and of other formats */
        return (int[]){
            7, 8, 15, 16, 31, 32, 63, 64, -14, -24, -126, -149, 127, 128, -15, -25}[rng_below(r,
                                                                                              16)];
    case 5: /* anything */
        return (int)rng_below(r, (unsigned)(2 * f->bias)) + 1 - f->bias;
    default: /* ordinary */
        return (int)rng_below(r, 12) - 6;
    }
}

uint64_t value_float(struct rng *r, unsigned bits)
{
    struct fp_shape f = shape_of(bits);
    uint64_t all = (1ull << f.fraction) - 1, quiet = 1ull << (f.fraction - 1);
    uint64_t special = ((uint64_t)(2 * f.bias + 1)) << f.fraction;
    uint64_t sign = rng_next(r) >> 63 << (bits - 1), v = rng_next(r);
    int e;
    switch (rng_below(r, 16)) {
    case 0:
        return sign;
    case 1: /* denormal */
        return sign | (v & 1 ? (v >> 8) & all : 1ull << rng_below(r, f.fraction));
    case 2:
        return sign | (v & 1 ? all : v & 2 ? 1 : all - (v >> 40 & 7));
    case 3:
        return sign | special;
    case 4:
        return sign | special | quiet | (v & 1 ? 0 : (v >> 8) & all);
    case 5: /* signalling: the payload is not 0 */
        return sign | special | ((v >> 8) & (quiet - 1)) | 1;
    case 6: /* smallest normal, largest, and their neighbours */
        return sign | ((v & 1 ? 1ull << f.fraction : special) + (v >> 60) - 8);
    case 7: /* an integer, or one and a half */
        e = (int)rng_below(r, 5);
        return sign | (uint64_t)(e + f.bias) << f.fraction | (v & (7ull << (f.fraction - 3)));
    default:
        e = exponent_of(r, &f);
        if (e < 1 - f.bias || e > f.bias)
            e = 0;
        return sign | (uint64_t)(e + f.bias) << f.fraction | fraction_of(r, &f);
    }
}

static void put(uint64_t v[2], unsigned bits, unsigned i, uint64_t value)
{
    memcpy((char *)v + i * bits / 8, &value, bits / 8);
}

void value_vector(struct rng *r, bool fp, unsigned bits, uint64_t v[2])
{
    unsigned n = 128 / bits;
    for (unsigned i = 0; i < n; i++)
        put(v, bits, i, fp ? value_float(r, bits) : value_integer(r));
}

uint32_t value_fpcr(struct rng *r)
{
    uint32_t v = 0;
    if (rng_percent(r, 50))
        v |= rng_below(r, 4) << 22;
    if (rng_percent(r, 15))
        v |= 1u << 24; /* FZ */
    if (rng_percent(r, 15))
        v |= 1u << 25; /* DN */
    if (rng_percent(r, 5))
        v |= 1u << 26; /* AHP */
    return v;
}

/* The k-th register of a set. */
static unsigned member(uint32_t set, unsigned k)
{
    while (k--)
        set &= set - 1;
    return (unsigned)__builtin_ctz(set);
}

/* An operand that meets another one: equal, opposite, or next to it. */
static void relate(struct rng *r, uint32_t vs, struct row_state *s, unsigned bits)
{
    unsigned many = (unsigned)__builtin_popcount(vs), n = 128 / bits;
    unsigned a = member(vs, rng_below(r, many)), b = member(vs, rng_below(r, many));
    uint64_t top = 1ull << (bits - 1);
    for (unsigned i = 0; i < n; i++) {
        uint64_t value = 0;
        memcpy(&value, (char *)s->v[a] + i * bits / 8, bits / 8);
        switch (rng_below(r, 4)) {
        case 0:
            break;
        case 1:
            value ^= top;
            break;
        case 2:
            value += rng_below(r, 5) - 2;
            break;
        default:
            value = (value ^ top) + rng_below(r, 5) - 2;
        }
        put(s->v[b], bits, i, value);
    }
}

static void vector(struct rng *r, unsigned bits, uint64_t v[2])
{
    unsigned kind = rng_below(r, 8);
    if (kind < 5)
        value_vector(r, true, bits, v);
    else if (kind == 5)
        value_vector(r, true, 16u << rng_below(r, 3), v);
    else
        value_vector(r, false, 8u << rng_below(r, 4), v);
}

void value_registers(struct rng *r, struct row_state *s, unsigned bits,
                     const struct value_registers *which)
{
    for (uint32_t m = which->x & 0x7fffffff; m; m &= m - 1)
        s->x[__builtin_ctz(m)] = rng_percent(r, 5) ? s->x[rng_below(r, 31)] : value_integer(r);
    s->sp = value_integer(r);
    s->nzcv = (uint32_t)rng_next(r) & 0xf0000000;
    s->fpcr = rng_percent(r, 40) ? 0 : value_fpcr(r);
    s->fpsr = rng_percent(r, 50) ? 0 : (uint32_t)rng_next(r) & ROW_FPSR_BITS;
    s->zero = 0;
    for (uint32_t m = which->v; m; m &= m - 1)
        vector(r, bits, s->v[__builtin_ctz(m)]);
    for (unsigned i = __builtin_popcount(which->v) > 8 ? 8 : 1; which->v && i; i--)
        relate(r, which->v, s, bits);
}
