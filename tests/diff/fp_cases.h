/* SPDX-License-Identifier: Apache-2.0
 *
 * The cases of the floating-point comparison: the guest program and the checker make the same ones
 * from a seed. Operands are drawn from all classes of numbers and from what lies near the edges of
 * formats and conversions.
 */
#ifndef TESTS_DIFF_FP_CASES_H
#define TESTS_DIFF_FP_CASES_H

#include <stdint.h>
#include <string.h>

struct fp_case {
    uint64_t a, b, c; /* operands; narrow ones have rubbish above */
    uint32_t fpcr;    /* rounding mode, FZ, DN, AHP */
};

struct fp_result {
    uint64_t v, x; /* v3 (low half), x3 */
    uint32_t nzcv; /* bits 0-3: N is bit 3 */
    uint32_t fpsr; /* flags raised */
};

enum fp_op_number {
#define OP(name, ...) FP_OP_##name,
#include "fp_ops.def"
#undef OP
    FP_OPS
};

enum fp_operands { FP_H, FP_S, FP_D, FP_W, FP_X };

/* xorshift64* */
static inline uint64_t fp_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

static inline uint64_t fp_random_mantissa(uint64_t *s, unsigned mbits)
{
    uint64_t r = fp_random(s), mask = (1ull << mbits) - 1;
    unsigned at = (unsigned)(fp_random(s) % mbits);
    switch (fp_random(s) % 8) {
    case 0:
        return 0;
    case 1:
        return mask;
    case 2:
        return 1ull << at;
    case 3:
        return mask & ~(1ull << at);
    case 4:
        return mask & (mask << at);
    case 5:
        return mask >> at;
    default:
        return r & mask;
    }
}

static inline uint64_t fp_random_exponent(uint64_t *s, unsigned top, unsigned bias, unsigned mbits)
{
    uint64_t r = fp_random(s);
    switch (fp_random(s) % 12) {
    case 0:
        return 0;
    case 1:
        return top;
    case 2:
        return 1 + r % 3;
    case 3:
        return top - 1 - r % 3;
    case 4:
    case 5:
        return bias - 2 + r % 5;
    case 6:
        return bias + r % (mbits + 3) < top ? bias + r % (mbits + 3) : top;
    case 7: { /* edges of other formats and of integers */
        static const int edges[] = {-1074, -1024, -1022, -150, -149, -128, -126, -25, -24, -15,
                                    -14,   15,    16,    31,   32,   63,   64,   127, 128};
        int e = edges[r % (sizeof(edges) / sizeof(edges[0]))] - 1 + (int)(r >> 32) % 3 + (int)bias;
        return e < 0 ? 0 : e > (int)top ? top : (uint64_t)e;
    }
    case 8:
        return (bias - mbits + r % (2 * mbits)) & top;
    default:
        return r % (top + 1);
    }
}

static inline uint64_t fp_random_float(uint64_t *s, unsigned width)
{
    unsigned mbits = width == 64 ? 52 : width == 32 ? 23 : 10;
    unsigned top = width == 64 ? 2047 : width == 32 ? 255 : 31;
    uint64_t m = fp_random_mantissa(s, mbits);
    uint64_t e = fp_random_exponent(s, top, top / 2, mbits);
    uint64_t v = m | e << mbits | (fp_random(s) & 1) << (width - 1);
    return width == 64 ? v : v | fp_random(s) << width;
}

static inline uint64_t fp_random_int(uint64_t *s)
{
    uint64_t r = fp_random(s);
    unsigned at = (unsigned)(fp_random(s) % 64);
    switch (fp_random(s) % 6) {
    case 0:
        return r >> at;
    case 1:
        return (1ull << at) - 1 + r % 3;
    case 2:
        return 0 - (1ull << at) - 1 + r % 3;
    case 3:
        return (uint64_t)((int64_t)r >> at);
    case 4:
        return (r >> at) & ~((1ull << (at / 2)) - 1);
    default:
        return r;
    }
}

static inline void fp_case_make(uint64_t *s, enum fp_operands kind, struct fp_case *ret)
{
    static const uint8_t widths[] = {16, 32, 64};
    if (kind >= FP_W) {
        ret->a = fp_random_int(s);
        ret->b = ret->c = 0;
    } else {
        ret->a = fp_random_float(s, widths[kind]);
        ret->b = fp_random_float(s, widths[kind]);
        ret->c = fp_random_float(s, widths[kind]);
    }
    uint64_t r = fp_random(s);
    if (r % 8 == 0) /* neighbours: cancellation, equality */
        ret->b = ret->a + (r >> 8) % 5 - 2;
    if (r % 16 == 1)
        ret->b = (ret->a + (r >> 8) % 3 - 1) ^ 1ull << (widths[kind < FP_W ? kind : 2] - 1);
    r >>= 32;
    ret->fpcr = (uint32_t)(r & 3) << 22 | (r >> 2 & 3 ? 0 : 1u << 24) |
                (r >> 4 & 3 ? 0 : 1u << 25) | (r >> 6 & 3 ? 0 : 1u << 26);
}

#endif
