/* SPDX-License-Identifier: Apache-2.0
 *
 * Vector instructions in plain C: those that are rare and would be long inline, and SHA for hosts
 * that have it not. One instruction at a time, from its word: varg[0] = vn, varg[1] = vm,
 * varg[2] = vd before; vret = vd behind.
 *
 * The idea: elements are read as signed or unsigned 64-bit numbers, computed with in 128 bits, and
 * written saturated. Sections are the Arm ARM's C7.2.
 */
#include "engine/isa/a64.h"
#include "engine/rt/cpu.h"

#include <stdbool.h>

enum { FPSR_QC = 1 << 27 };

typedef __int128 wide;

struct op {
    const union vec *n, *m, *d; /* operands */
    union vec r;                /* result */
    uint32_t word;              /* the instruction */
    unsigned size;              /* bytes an element of the result or, where they differ, of n */
    unsigned count;             /* elements */
    bool q;                     /* 128 bits */
    bool scalar;                /* one element */
    bool u;                     /* bit 29 */
    bool sat;                   /* something was saturated */
};

static uint64_t get(const union vec *v, unsigned size, unsigned k)
{
    switch (size) {
    case 1:
        return v->b[k];
    case 2:
        return v->h[k];
    case 4:
        return v->s[k];
    default:
        return v->d[k];
    }
}

static int64_t get_signed(const union vec *v, unsigned size, unsigned k)
{
    unsigned up = 64 - 8 * size;
    return (int64_t)(get(v, size, k) << up) >> up;
}

static wide element(const struct op *o, const union vec *v, unsigned size, unsigned k,
                    bool is_unsigned)
{
    (void)o;
    return is_unsigned ? (wide)get(v, size, k) : (wide)get_signed(v, size, k);
}

static void set(union vec *v, unsigned size, unsigned k, uint64_t value)
{
    switch (size) {
    case 1:
        v->b[k] = (uint8_t)value;
        break;
    case 2:
        v->h[k] = (uint16_t)value;
        break;
    case 4:
        v->s[k] = (uint32_t)value;
        break;
    default:
        v->d[k] = value;
    }
}

/* SatQ */
static uint64_t saturate(struct op *o, wide v, unsigned size, bool is_unsigned)
{
    wide max = is_unsigned ? ((wide)1 << (8 * size)) - 1 : ((wide)1 << (8 * size - 1)) - 1;
    wide min = is_unsigned ? 0 : -((wide)1 << (8 * size - 1));
    if (v > max || v < min) {
        o->sat = true;
        v = v > max ? max : min;
    }
    return (uint64_t)v;
}

/* SUQADD, USQADD: d of one sign, n of the other. */
static void add_mixed(struct op *o)
{
    for (unsigned k = 0; k < o->count; k++) {
        wide a = element(o, o->n, o->size, k, !o->u), d = element(o, o->d, o->size, k, o->u);
        set(&o->r, o->size, k, saturate(o, a + d, o->size, o->u));
    }
}

/* A shift of a negative number is not defined in C. */
static wide shift_up(wide v, unsigned n)
{
    return (wide)((unsigned __int128)v << n);
}

/* v << n, or v >> -n, rounded or not; what is shifted out far above does not matter but saturates.
 */
static wide shifted(wide v, int n, bool round)
{
    if (n >= 0)
        return shift_up(v, (unsigned)(n > 63 ? 63 : n));
    n = -n;
    if (n > 100)
        n = 100;
    if (round)
        v += (wide)1 << (n - 1);
    return v >> n;
}

static void shift_register(struct op *o, bool round, bool sat)
{
    for (unsigned k = 0; k < o->count; k++) {
        wide v = element(o, o->n, o->size, k, o->u);
        int n = (int8_t)get(o->m, o->size, k);
        wide r = shifted(v, n, round);
        /* beyond the width nothing of v is left */
        if (n >= (int)o->size * 8 && !sat)
            r = 0;
        if (n > 63 && sat && v)
            r = v < 0 ? -((wide)1 << 100) : (wide)1 << 100;
        set(&o->r, o->size, k, sat ? saturate(o, r, o->size, o->u) : (uint64_t)r);
    }
}

/* Index of the element in by-element forms; for whole vectors, k. */
struct by_element {
    bool on;        /* by element */
    unsigned index; /* which */
};

static unsigned pick(struct by_element e, unsigned k)
{
    return e.on ? e.index : k;
}

/* SQRDMLAH, SQRDMLSH: the sum is rounded and saturated once. */
static void multiply_high_add(struct op *o, bool subtract, struct by_element e)
{
    unsigned bits = 8 * o->size;
    for (unsigned k = 0; k < o->count; k++) {
        wide a = get_signed(o->n, o->size, k), b = get_signed(o->m, o->size, pick(e, k));
        wide d = get_signed(o->d, o->size, k);
        wide sum = shift_up(d, bits) + 2 * (subtract ? -a : a) * b + ((wide)1 << (bits - 1));
        set(&o->r, o->size, k, saturate(o, sum >> bits, o->size, false));
    }
}

static uint64_t carryless(uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    for (unsigned k = 0; k < 8; k++)
        if (b >> k & 1)
            r ^= a << k;
    return r;
}

static void multiply_polynomial(struct op *o, bool is_long)
{
    unsigned from = is_long && o->q ? 8 : 0, count = is_long ? 8 : o->count;
    for (unsigned k = 0; k < count; k++)
        set(&o->r, is_long ? 2 : 1, k, carryless(o->n->b[from + k], o->m->b[from + k]));
}

/* ---- SHA (C7.2, Arm ARM J1 "SHA hash functions") ---- */
static uint32_t rotate(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static uint32_t rotate_right(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static void sha1_hash(struct op *o, unsigned kind)
{
    uint32_t x[4], y = o->n->s[0];
    for (unsigned k = 0; k < 4; k++)
        x[k] = o->d->s[k];
    for (unsigned k = 0; k < 4; k++) {
        uint32_t t;
        if (kind == 0)
            t = ((x[2] ^ x[3]) & x[1]) ^ x[3];
        else if (kind == 1)
            t = x[1] ^ x[2] ^ x[3];
        else
            t = (x[1] & x[2]) | ((x[1] | x[2]) & x[3]);
        y += rotate(x[0], 5) + t + o->m->s[k];
        uint32_t b = rotate(x[1], 30), out = y;
        y = x[3];
        x[3] = x[2];
        x[2] = b;
        x[1] = x[0];
        x[0] = out;
    }
    for (unsigned k = 0; k < 4; k++)
        o->r.s[k] = x[k];
}

/* part 1: SHA256H, d = abcd, n = efgh; else SHA256H2, d = efgh, n = abcd */
static void sha256_hash(struct op *o, bool part1)
{
    uint32_t x[4], y[4];
    for (unsigned k = 0; k < 4; k++) {
        x[k] = part1 ? o->d->s[k] : o->n->s[k];
        y[k] = part1 ? o->n->s[k] : o->d->s[k];
    }
    for (unsigned k = 0; k < 4; k++) {
        uint32_t choose = ((y[1] ^ y[2]) & y[0]) ^ y[2];
        uint32_t majority = (x[0] & x[1]) | ((x[0] | x[1]) & x[2]);
        uint32_t s1 = rotate_right(y[0], 6) ^ rotate_right(y[0], 11) ^ rotate_right(y[0], 25);
        uint32_t s0 = rotate_right(x[0], 2) ^ rotate_right(x[0], 13) ^ rotate_right(x[0], 22);
        uint32_t t = y[3] + s1 + choose + o->m->s[k];
        uint32_t last = x[3];
        x[3] = x[2];
        x[2] = x[1];
        x[1] = x[0];
        y[3] = y[2];
        y[2] = y[1];
        y[1] = y[0];
        y[0] = last + t;
        x[0] = t + s0 + majority;
    }
    for (unsigned k = 0; k < 4; k++)
        o->r.s[k] = part1 ? x[k] : y[k];
}

static void sha256_schedule(struct op *o, bool first)
{
    const uint32_t *d = o->d->s, *n = o->n->s, *m = o->m->s;
    if (first) {
        for (unsigned k = 0; k < 4; k++) {
            uint32_t t = k < 3 ? d[k + 1] : n[0];
            o->r.s[k] = d[k] + (rotate_right(t, 7) ^ rotate_right(t, 18) ^ t >> 3);
        }
        return;
    }
    const uint32_t t0[4] = {n[1], n[2], n[3], m[0]};
    uint32_t r[4];
    for (unsigned k = 0; k < 4; k++) {
        uint32_t t = k < 2 ? m[k + 2] : r[k - 2];
        r[k] = d[k] + t0[k] + (rotate_right(t, 17) ^ rotate_right(t, 19) ^ t >> 10);
    }
    for (unsigned k = 0; k < 4; k++)
        o->r.s[k] = r[k];
}

/* ---- which instruction ---- */
static struct by_element by_element(const struct op *o)
{
    uint32_t w = o->word;
    struct by_element e = {true, 0};
    if (o->size == 2)
        e.index = (w >> 11 & 1) << 2 | (w >> 21 & 1) << 1 | (w >> 20 & 1);
    else
        e.index = (w >> 11 & 1) << 1 | (w >> 21 & 1);
    return e;
}

static bool shifts(struct op *o, enum a64_row row)
{
    switch (row) {
    case A64_SSHL_VEC:
    case A64_USHL_VEC:
        shift_register(o, false, false);
        return true;
    case A64_SRSHL_VEC:
    case A64_URSHL_VEC:
        shift_register(o, true, false);
        return true;
    case A64_SQSHL_VEC:
    case A64_SQSHL_SCALAR:
    case A64_UQSHL_VEC:
    case A64_UQSHL_SCALAR:
        shift_register(o, false, true);
        return true;
    case A64_SQRSHL_VEC:
    case A64_SQRSHL_SCALAR:
    case A64_UQRSHL_VEC:
    case A64_UQRSHL_SCALAR:
        shift_register(o, true, true);
        return true;
    default:
        return false;
    }
}

static bool multiplies(struct op *o, enum a64_row row)
{
    struct by_element none = {false, 0};
    switch (row) {
    case A64_SQRDMLAH_VEC:
    case A64_SQRDMLAH_SCALAR:
        multiply_high_add(o, false, none);
        return true;
    case A64_SQRDMLSH_VEC:
    case A64_SQRDMLSH_SCALAR:
        multiply_high_add(o, true, none);
        return true;
    case A64_SQRDMLAH_ELEM:
    case A64_SQRDMLAH_ELEM_SCALAR:
        multiply_high_add(o, false, by_element(o));
        return true;
    case A64_SQRDMLSH_ELEM:
    case A64_SQRDMLSH_ELEM_SCALAR:
        multiply_high_add(o, true, by_element(o));
        return true;
    case A64_PMUL_VEC:
        multiply_polynomial(o, false);
        return true;
    case A64_PMULL_VEC:
        multiply_polynomial(o, true);
        return true;
    default:
        return false;
    }
}

static bool sha(struct op *o, enum a64_row row)
{
    switch (row) {
    case A64_SHA1C:
    case A64_SHA1P:
    case A64_SHA1M:
        sha1_hash(o, row == A64_SHA1C ? 0 : row == A64_SHA1P ? 1 : 2);
        return true;
    case A64_SHA256H:
    case A64_SHA256H2:
        sha256_hash(o, row == A64_SHA256H);
        return true;
    case A64_SHA256SU0:
    case A64_SHA256SU1:
        sha256_schedule(o, row == A64_SHA256SU0);
        return true;
    default:
        return false;
    }
}

void helper_simd(struct cpu *cpu);
void helper_simd(struct cpu *cpu)
{
    uint32_t word = (uint32_t)cpu->arg[3];
    enum a64_row row = a64_decode(word);
    struct op o = {.n = &cpu->varg[0], .m = &cpu->varg[1], .d = &cpu->varg[2], .word = word};
    o.scalar = word >> 28 & 1;
    o.q = word >> 30 & 1;
    o.u = word >> 29 & 1;
    o.size = 1u << (word >> 22 & 3);
    o.count = o.scalar ? 1 : (o.q ? 16 : 8) / o.size;
    if (!shifts(&o, row) && !multiplies(&o, row) && !sha(&o, row))
        add_mixed(&o);
    if (o.sat)
        cpu->fpsr |= FPSR_QC;
    cpu->vret = o.r;
}
