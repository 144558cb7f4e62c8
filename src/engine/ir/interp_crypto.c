/* SPDX-License-Identifier: Apache-2.0
 *
 * Interpreters of the operations for cryptography (ops_simd.def).
 *
 * AES's substitution is computed from the field GF(2^8) itself (FIPS 197), SHA follows FIPS 180-4
 * word by word: it is the oracle for code that uses the host's instructions.
 */
#include "engine/ir/interp_crypto.h"

void interp_clmul(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t a = interp_v(m, ins->a)->d[ins->imm & 1],
             b = interp_v(m, ins->b)->d[ins->imm >> 4 & 1];
    union vec r = {0};
    for (unsigned k = 0; k < 64; k++) {
        if (!(b >> k & 1))
            continue;
        r.d[0] ^= a << k;
        r.d[1] ^= k ? a >> (64 - k) : 0;
    }
    m->value[i] = r;
}

/* Product in GF(2^8) with AES's polynomial. */
static uint8_t gf_multiply(unsigned a, unsigned b)
{
    unsigned r = 0;
    for (; b; b >>= 1) {
        if (b & 1)
            r ^= a;
        a = a << 1 ^ (a & 0x80 ? 0x11b : 0);
    }
    return (uint8_t)r;
}

/* FIPS 197, 5.1.1: the inverse (a to the 254th), then an affine map. */
static uint8_t substitute(uint8_t a)
{
    uint8_t inverse = 1;
    for (unsigned k = 0; k < 254; k++)
        inverse = gf_multiply(inverse, a);
    unsigned r = inverse;
    for (unsigned k = 1; k < 5; k++)
        r ^= (unsigned)inverse << k | (unsigned)inverse >> (8 - k);
    return (uint8_t)(r ^ 0x63);
}

static uint8_t substitute_back(uint8_t a)
{
    unsigned k = 0;
    while (substitute((uint8_t)k) != a)
        k++;
    return (uint8_t)k;
}

static union vec rows(const union vec a, bool back)
{
    union vec r;
    for (unsigned k = 0; k < 16; k++) {
        unsigned row = k % 4, column = k / 4;
        if (back)
            r.b[k] = substitute_back(a.b[4 * ((column + 4 - row) % 4) + row]);
        else
            r.b[k] = substitute(a.b[4 * ((column + row) % 4) + row]);
    }
    return r;
}

static union vec columns(const union vec a, bool back)
{
    static const uint8_t factors[2][4] = {{2, 3, 1, 1}, {14, 11, 13, 9}};
    union vec r;
    for (unsigned k = 0; k < 16; k++) {
        unsigned sum = 0;
        for (unsigned n = 0; n < 4; n++)
            sum ^= gf_multiply(a.b[k / 4 * 4 + n], factors[back][(n + 4 - k % 4) % 4]);
        r.b[k] = (uint8_t)sum;
    }
    return r;
}

void interp_aes_rows(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i] = rows(*interp_v(m, ins->a), ins->op == IR_VAESD);
}

void interp_aes_columns(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i] = columns(*interp_v(m, ins->a), ins->op == IR_VAESIMC);
}

void interp_aes_round(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    bool back = ins->op == IR_VAESDM;
    m->value[i] = columns(rows(*interp_v(m, ins->a), back), back);
}

/* ---- SHA ---- */
static uint32_t left(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static uint32_t right(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) ^ (~x & z);
}

static uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) ^ (x & z) ^ (y & z);
}

/* The operation's constants are those of FIPS 180-4, 4.2.1. */
void interp_sha1(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    static const uint32_t constants[3] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc};
    const uint32_t *s = interp_v(m, ins->a)->s, *w = interp_v(m, ins->b)->s;
    uint32_t a = s[3], b = s[2], c = s[1], d = s[0], e = 0;
    for (unsigned k = 0; k < 4; k++) {
        uint32_t f = ins->imm == 0   ? choose(b, c, d)
                     : ins->imm == 1 ? b ^ c ^ d
                                     : majority(b, c, d);
        uint32_t t = left(a, 5) + f + e + w[3 - k] + constants[ins->imm];
        e = d;
        d = c;
        c = left(b, 30);
        b = a;
        a = t;
    }
    m->value[i] = (union vec){.s = {d, c, b, a}};
}

void interp_sha2(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const uint32_t *x = interp_v(m, ins->a)->s, *y = interp_v(m, ins->b)->s;
    const uint32_t *w = interp_v(m, ins->c)->s;
    uint32_t a = y[3], b = y[2], c = x[3], d = x[2], e = y[1], f = y[0], g = x[1], h = x[0];
    for (unsigned k = 0; k < 2; k++) {
        uint32_t t1 = h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + choose(e, f, g) + w[k];
        uint32_t t2 = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + majority(a, b, c);
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    m->value[i] = (union vec){.s = {f, e, b, a}};
}

void interp_sha2_schedule(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a), b = *interp_v(m, ins->b);
    union vec r;
    for (unsigned k = 0; k < 4; k++) {
        if (ins->op == IR_VSHA2A) {
            uint32_t t = k < 3 ? a.s[k + 1] : b.s[0];
            r.s[k] = a.s[k] + (right(t, 7) ^ right(t, 18) ^ t >> 3);
        } else {
            uint32_t t = k < 2 ? b.s[k + 2] : r.s[k - 2];
            r.s[k] = a.s[k] + (right(t, 17) ^ right(t, 19) ^ t >> 10);
        }
    }
    m->value[i] = r;
}
