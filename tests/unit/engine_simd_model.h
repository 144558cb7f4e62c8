/* SPDX-License-Identifier: Apache-2.0
 *
 * Vector instructions that the lifters make of many operations, in plain C: elements are read as
 * signed or unsigned 64-bit numbers, computed with in 128 bits, and written saturated (Arm ARM
 * C7.2).
 */
#ifndef ENGINE_SIMD_MODEL_H
#define ENGINE_SIMD_MODEL_H

#include "engine_machine.h"

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

static wide element(const union vec *v, unsigned size, unsigned k, bool is_unsigned)
{
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

/* ---- what the instructions do ---- */
static void add_sub(struct op *o, bool subtract)
{
    for (unsigned k = 0; k < o->count; k++) {
        wide a = element(o->n, o->size, k, o->u), b = element(o->m, o->size, k, o->u);
        set(&o->r, o->size, k, saturate(o, subtract ? a - b : a + b, o->size, o->u));
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
        wide v = element(o->n, o->size, k, o->u);
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

static wide doubled_high(wide a, wide b, unsigned size, bool round, wide sum)
{
    wide p = shift_up(sum, 8 * size) + 2 * a * b;
    if (round)
        p += (wide)1 << (8 * size - 1);
    return p >> (8 * size);
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

static void multiply_high(struct op *o, bool round, struct by_element e)
{
    for (unsigned k = 0; k < o->count; k++) {
        wide a = get_signed(o->n, o->size, k), b = get_signed(o->m, o->size, pick(e, k));
        set(&o->r, o->size, k, saturate(o, doubled_high(a, b, o->size, round, 0), o->size, false));
    }
}

/* SQDMULL, SQDMLAL, SQDMLSL: the product saturates, then the sum. */
static void multiply_long(struct op *o, int sum, struct by_element e)
{
    unsigned from = o->q && !o->scalar ? 8 / o->size : 0, wide_size = 2 * o->size;
    unsigned count = o->scalar ? 1 : 8 / o->size;
    for (unsigned k = 0; k < count; k++) {
        wide a = get_signed(o->n, o->size, from + k);
        wide b = get_signed(o->m, o->size, e.on ? e.index : from + k);
        wide p = (int64_t)saturate(o, 2 * a * b, wide_size, false);
        if (sum) {
            wide d = get_signed(o->d, wide_size, k);
            p = (int64_t)saturate(o, sum > 0 ? d + p : d - p, wide_size, false);
        }
        set(&o->r, wide_size, k, (uint64_t)p);
    }
}

static void dot(struct op *o, struct by_element e)
{
    for (unsigned k = 0; k < (o->q ? 4u : 2u); k++) {
        uint32_t sum = o->d->s[k];
        for (unsigned j = 0; j < 4; j++) {
            unsigned at = 4 * pick(e, k) + j;
            if (o->u)
                sum += (uint32_t)o->n->b[4 * k + j] * o->m->b[at];
            else
                sum += (uint32_t)((int8_t)o->n->b[4 * k + j] * (int8_t)o->m->b[at]);
        }
        o->r.s[k] = sum;
    }
}

static void count_leading(struct op *o, bool signs)
{
    for (unsigned k = 0; k < o->count; k++) {
        uint64_t v = get(o->n, o->size, k);
        unsigned bits = o->size * 8;
        if (signs) {
            int64_t s = get_signed(o->n, o->size, k);
            v = (uint64_t)(s ^ (int64_t)((uint64_t)s << 1)) &
                (bits == 64 ? ~0ull : (1ull << bits) - 1);
            v |= 1; /* the sign itself is not counted: bits - 1 at most */
        }
        unsigned n = v ? (unsigned)__builtin_clzll(v) - (64 - bits) : bits;
        set(&o->r, o->size, k, n);
    }
}

static void absolute(struct op *o, bool negate)
{
    for (unsigned k = 0; k < o->count; k++) {
        wide v = get_signed(o->n, o->size, k);
        if (negate || v < 0)
            v = -v;
        set(&o->r, o->size, k, saturate(o, v, o->size, false));
    }
}

/* Elements of twice the size to size, into the low or the high half. */
static void narrow(struct op *o, bool in_unsigned, bool out_unsigned, unsigned n, bool round)
{
    unsigned count = o->scalar ? 1 : 8 / o->size, at = o->q && !o->scalar ? count : 0;
    if (at)
        o->r.d[0] = o->d->d[0];
    for (unsigned k = 0; k < count; k++) {
        wide v = element(o->n, 2 * o->size, k, in_unsigned);
        if (n)
            v = shifted(v, -(int)n, round);
        set(&o->r, o->size, at + k, saturate(o, v, o->size, out_unsigned));
    }
}

static void shift_left_saturating(struct op *o, unsigned n, bool in_unsigned, bool out_unsigned)
{
    for (unsigned k = 0; k < o->count; k++) {
        wide v = element(o->n, o->size, k, in_unsigned);
        set(&o->r, o->size, k, saturate(o, shift_up(v, n), o->size, out_unsigned));
    }
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

static bool starts(const char *name, const char *start)
{
    return strncmp(name, start, strlen(start)) == 0;
}

/* Words of the row's name say what it is: uqrshrn_imm_scalar. */
static bool model_multiply(struct op *o, const char *name)
{
    struct by_element e = {false, 0};
    if (strstr(name, "_elem"))
        e = by_element(o);
    if (starts(name, "sqdmulh") || starts(name, "sqrdmulh"))
        multiply_high(o, name[2] == 'r', e);
    else if (starts(name, "sqdmull"))
        multiply_long(o, 0, e);
    else if (starts(name, "sqdmlal") || starts(name, "sqdmlsl"))
        multiply_long(o, name[5] == 'a' ? 1 : -1, e);
    else if (strstr(name, "dot_"))
        dot(o, e);
    else
        return false;
    return true;
}

static bool model_shift(struct op *o, const char *name)
{
    bool is_unsigned = name[0] == 'u', round = name[2] == 'r';
    if (strstr(name, "shl_vec") || strstr(name, "shl_scalar")) {
        shift_register(o, name[1] == 'r', false);
        return true;
    }
    unsigned immh = o->word >> 19 & 15, value = o->word >> 16 & 127;
    if (!strstr(name, "_imm") && !strstr(name, "shr"))
        return false;
    o->size = 1u << (31 - __builtin_clz(immh));
    o->count = o->scalar ? 1 : (o->q ? 16 : 8) / o->size;
    if (strstr(name, "shl"))
        shift_left_saturating(o, value - 8 * o->size, is_unsigned,
                              is_unsigned || starts(name, "sqshlu"));
    else
        narrow(o, is_unsigned, is_unsigned || strstr(name, "shrun"), 16 * o->size - value, round);
    return true;
}

static void model_simd(struct cpu *cpu, uint32_t word, const char *name)
{
    struct op o = {.n = &cpu->varg[0], .m = &cpu->varg[1], .d = &cpu->varg[2], .word = word};
    o.scalar = word >> 28 & 1;
    o.q = word >> 30 & 1;
    o.u = word >> 29 & 1;
    o.size = 1u << (word >> 22 & 3);
    o.count = o.scalar ? 1 : (o.q ? 16 : 8) / o.size;
    if (starts(name, "cls") || starts(name, "clz"))
        count_leading(&o, name[2] == 's');
    else if (strstr(name, "qadd") || strstr(name, "qsub"))
        add_sub(&o, strstr(name, "sub") != NULL);
    else if (starts(name, "sqabs") || starts(name, "sqneg"))
        absolute(&o, name[2] == 'n');
    else if (strstr(name, "qxt"))
        narrow(&o, o.u && name[0] == 'u', o.u, 0, false);
    else if (!model_multiply(&o, name) && !model_shift(&o, name))
        TEST_FAIL("no model of %s", name);
    if (o.sat)
        cpu->fpsr |= 1u << 27;
    cpu->vret = o.r;
}

#endif
