/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating-point instructions in plain C: what translated code calls when its own fast path does
 * not hold, or has none. One instruction at a time: arg[3] = row << 32 | word; varg[0] = vn,
 * varg[1] = vm (of a by-element instruction: the element in every place), varg[2] = va or vd
 * before; arg[0] = xn of a conversion from an integer. Results: vret = vd behind, ret = a general
 * register, or NZCV in bits 28 to 31 (FJCVTZS: NZCV from bit 60).
 *
 * The idea: a row names a kind (how operands and lanes are taken) and the functions of fp/fp.h for
 * one lane. Sections are the Arm ARM's C7.2.
 */
#include "engine/fp/fp.h"
#include "engine/isa/a64.h"
#include "engine/rt/cpu.h"

typedef uint32_t one_s(struct fp_env *, uint32_t);
typedef uint64_t one_d(struct fp_env *, uint64_t);
typedef uint32_t two_s(struct fp_env *, uint32_t, uint32_t);
typedef uint64_t two_d(struct fp_env *, uint64_t, uint64_t);
typedef uint32_t three_s(struct fp_env *, uint32_t, uint32_t, uint32_t);
typedef uint64_t three_d(struct fp_env *, uint64_t, uint64_t, uint64_t);

enum kind {
    NOTHING,
    ONE,      /* f(n) */
    TWO,      /* f(n, m) */
    ZERO,     /* f(n, 0) */
    ZERO_REV, /* f(0, n) */
    THREE,    /* f(a, n, m) */
    PAIRS,    /* f of neighbours in m:n */
    PAIR,     /* f of n's two elements */
    ACROSS,   /* f over four elements, as a tree */
    COMPARE,
    RINT,     /* x = enum fp_rounding, FROM_FPCR, EXACT */
    RINT_FIT, /* x the same, and bits */
    TO_INT,   /* scalar to a general register: x = rounding */
    TO_FIXED,
    FROM_INT, /* from a general register */
    FROM_FIXED,
    V_TO_INT, /* elements: x = rounding */
    V_TO_FIXED,
    V_FROM_INT,
    V_FROM_FIXED,
    FORMAT, /* FCVT */
    LONG,
    NARROW,
    NARROW_ODD, /* x: scalar */
    JS,
    ESTIMATE_U, /* URECPE, URSQRTE */
    CADD,
    CMLA
};

enum { FROM_FPCR = 8, EXACT = 16, FIT32 = 32, FIT64 = 64 };

struct spec {
    enum kind kind; /* how */
    unsigned x;     /* as the kind says */
    union {         /* single precision */
        one_s *one;
        two_s *two;
        three_s *three;
    } s;
    union { /* double precision */
        one_d *one;
        two_d *two;
        three_d *three;
    } d;
};

struct run {
    struct fp_env env;          /* flags gather here */
    const union vec *n, *m, *a; /* operands */
    union vec r;                /* result */
    uint64_t x;                 /* integer operand, then result */
    uint32_t word;              /* the instruction */
    unsigned size;              /* bytes an element */
    unsigned count;             /* elements */
    struct spec spec;           /* of its row */
};

static uint64_t get(const union vec *v, unsigned size, unsigned k)
{
    return size == 8 ? v->d[k] : size == 4 ? v->s[k] : v->h[k];
}

static void set(union vec *v, unsigned size, unsigned k, uint64_t value)
{
    if (size == 8)
        v->d[k] = value;
    else if (size == 4)
        v->s[k] = (uint32_t)value;
    else
        v->h[k] = (uint16_t)value;
}

#define SPEC1(kind, f)                                                                             \
    (struct spec)                                                                                  \
    {                                                                                              \
        kind, 0, {.one = fp32_##f},                                                                \
        {                                                                                          \
            .one = fp64_##f                                                                        \
        }                                                                                          \
    }
#define SPEC2(kind, f)                                                                             \
    (struct spec)                                                                                  \
    {                                                                                              \
        kind, 0, {.two = fp32_##f},                                                                \
        {                                                                                          \
            .two = fp64_##f                                                                        \
        }                                                                                          \
    }
#define SPEC3(kind, f)                                                                             \
    (struct spec)                                                                                  \
    {                                                                                              \
        kind, 0, {.three = fp32_##f},                                                              \
        {                                                                                          \
            .three = fp64_##f                                                                      \
        }                                                                                          \
    }
#define SPECX(kind, x)                                                                             \
    (struct spec)                                                                                  \
    {                                                                                              \
        kind, x, {0},                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static struct spec spec_arithmetic(enum a64_row row)
{
    switch (row) {
    case A64_FADD_SCALAR:
    case A64_FADD_VEC:
        return SPEC2(TWO, add);
    case A64_FSUB_SCALAR:
    case A64_FSUB_VEC:
        return SPEC2(TWO, sub);
    case A64_FMUL_SCALAR:
    case A64_FMUL_VEC:
    case A64_FMUL_ELEM:
    case A64_FMUL_ELEM_SCALAR:
        return SPEC2(TWO, mul);
    case A64_FNMUL_SCALAR:
        return SPEC2(TWO, nmul);
    case A64_FMULX_VEC:
    case A64_FMULX_SCALAR3:
    case A64_FMULX_ELEM:
    case A64_FMULX_ELEM_SCALAR:
        return SPEC2(TWO, mulx);
    case A64_FDIV_SCALAR:
    case A64_FDIV_VEC:
        return SPEC2(TWO, div);
    case A64_FABD_VEC:
    case A64_FABD_SCALAR3:
        return SPEC2(TWO, abd);
    case A64_FRECPS_VEC:
    case A64_FRECPS_SCALAR3:
        return SPEC2(TWO, recps);
    case A64_FRSQRTS_VEC:
    case A64_FRSQRTS_SCALAR3:
        return SPEC2(TWO, rsqrts);
    case A64_FSQRT_SCALAR:
    case A64_FSQRT_VEC:
        return SPEC1(ONE, sqrt);
    case A64_FRECPE_VEC:
    case A64_FRECPE_SCALAR2:
        return SPEC1(ONE, recpe);
    case A64_FRECPX_SCALAR2:
        return SPEC1(ONE, recpx);
    case A64_FRSQRTE_VEC:
    case A64_FRSQRTE_SCALAR2:
        return SPEC1(ONE, rsqrte);
    case A64_FMADD:
    case A64_FMLA_VEC:
    case A64_FMLA_ELEM:
    case A64_FMLA_ELEM_SCALAR:
        return SPEC3(THREE, madd);
    case A64_FMSUB:
    case A64_FMLS_VEC:
    case A64_FMLS_ELEM:
    case A64_FMLS_ELEM_SCALAR:
        return SPEC3(THREE, msub);
    case A64_FNMADD:
        return SPEC3(THREE, nmadd);
    case A64_FNMSUB:
        return SPEC3(THREE, nmsub);
    case A64_FADDP_VEC:
        return SPEC2(PAIRS, add);
    case A64_FADDP_PAIR:
        return SPEC2(PAIR, add);
    default:
        return SPECX(NOTHING, 0);
    }
}

static struct spec spec_compare(enum a64_row row)
{
    switch (row) {
    case A64_FMAX_SCALAR:
    case A64_FMAX_VEC:
        return SPEC2(TWO, max);
    case A64_FMIN_SCALAR:
    case A64_FMIN_VEC:
        return SPEC2(TWO, min);
    case A64_FMAXNM_SCALAR:
    case A64_FMAXNM_VEC:
        return SPEC2(TWO, maxnm);
    case A64_FMINNM_SCALAR:
    case A64_FMINNM_VEC:
        return SPEC2(TWO, minnm);
    case A64_FMAXP_VEC:
        return SPEC2(PAIRS, max);
    case A64_FMINP_VEC:
        return SPEC2(PAIRS, min);
    case A64_FMAXNMP_VEC:
        return SPEC2(PAIRS, maxnm);
    case A64_FMINNMP_VEC:
        return SPEC2(PAIRS, minnm);
    case A64_FMAXP_PAIR:
        return SPEC2(PAIR, max);
    case A64_FMINP_PAIR:
        return SPEC2(PAIR, min);
    case A64_FMAXNMP_PAIR:
        return SPEC2(PAIR, maxnm);
    case A64_FMINNMP_PAIR:
        return SPEC2(PAIR, minnm);
    case A64_FMAXV:
        return SPEC2(ACROSS, max);
    case A64_FMINV:
        return SPEC2(ACROSS, min);
    case A64_FMAXNMV:
        return SPEC2(ACROSS, maxnm);
    case A64_FMINNMV:
        return SPEC2(ACROSS, minnm);
    case A64_FCMEQ_VEC:
    case A64_FCMEQ_SCALAR3:
        return SPEC2(TWO, cmeq);
    case A64_FCMGE_VEC:
    case A64_FCMGE_SCALAR3:
        return SPEC2(TWO, cmge);
    case A64_FCMGT_VEC:
    case A64_FCMGT_SCALAR3:
        return SPEC2(TWO, cmgt);
    case A64_FACGE_VEC:
    case A64_FACGE_SCALAR3:
        return SPEC2(TWO, acge);
    case A64_FACGT_VEC:
    case A64_FACGT_SCALAR3:
        return SPEC2(TWO, acgt);
    case A64_FCMEQ_ZERO_VEC:
    case A64_FCMEQ_ZERO_SCALAR2:
        return SPEC2(ZERO, cmeq);
    case A64_FCMGE_ZERO_VEC:
    case A64_FCMGE_ZERO_SCALAR2:
        return SPEC2(ZERO, cmge);
    case A64_FCMGT_ZERO_VEC:
    case A64_FCMGT_ZERO_SCALAR2:
        return SPEC2(ZERO, cmgt);
    case A64_FCMLE_ZERO_VEC:
    case A64_FCMLE_ZERO_SCALAR2:
        return SPEC2(ZERO_REV, cmge);
    case A64_FCMLT_ZERO_VEC:
    case A64_FCMLT_ZERO_SCALAR2:
        return SPEC2(ZERO_REV, cmgt);
    case A64_FCMP:
    case A64_FCCMP:
        return SPECX(COMPARE, 0);
    default:
        return SPECX(NOTHING, 0);
    }
}

static struct spec spec_round(enum a64_row row)
{
    switch (row) {
    case A64_FRINTN_SCALAR:
    case A64_FRINTN_VEC:
        return SPECX(RINT, FP_TIEEVEN);
    case A64_FRINTP_SCALAR:
    case A64_FRINTP_VEC:
        return SPECX(RINT, FP_POSINF);
    case A64_FRINTM_SCALAR:
    case A64_FRINTM_VEC:
        return SPECX(RINT, FP_NEGINF);
    case A64_FRINTZ_SCALAR:
    case A64_FRINTZ_VEC:
        return SPECX(RINT, FP_ZERO);
    case A64_FRINTA_SCALAR:
    case A64_FRINTA_VEC:
        return SPECX(RINT, FP_TIEAWAY);
    case A64_FRINTX_SCALAR:
    case A64_FRINTX_VEC:
        return SPECX(RINT, FROM_FPCR | EXACT);
    case A64_FRINTI_SCALAR:
    case A64_FRINTI_VEC:
        return SPECX(RINT, FROM_FPCR);
    case A64_FRINT32Z_SCALAR:
    case A64_FRINT32Z_VEC:
        return SPECX(RINT_FIT, FP_ZERO | FIT32);
    case A64_FRINT32X_SCALAR:
    case A64_FRINT32X_VEC:
        return SPECX(RINT_FIT, FROM_FPCR | FIT32);
    case A64_FRINT64Z_SCALAR:
    case A64_FRINT64Z_VEC:
        return SPECX(RINT_FIT, FP_ZERO | FIT64);
    case A64_FRINT64X_SCALAR:
    case A64_FRINT64X_VEC:
        return SPECX(RINT_FIT, FROM_FPCR | FIT64);
    default:
        return SPECX(NOTHING, 0);
    }
}

static struct spec spec_convert(enum a64_row row)
{
    switch (row) {
    case A64_FCVT_INT: /* RMode as in FPCR */
        return SPECX(TO_INT, FROM_FPCR);
    case A64_FCVTA_INT:
        return SPECX(TO_INT, FP_TIEAWAY);
    case A64_FCVT_FIXED:
        return SPECX(TO_FIXED, FP_ZERO);
    case A64_CVTF_INT:
        return SPECX(FROM_INT, 0);
    case A64_CVTF_FIXED:
        return SPECX(FROM_FIXED, 0);
    case A64_FCVTNS_VEC:
    case A64_FCVTNS_SCALAR2:
    case A64_FCVTNU_VEC:
    case A64_FCVTNU_SCALAR2:
        return SPECX(V_TO_INT, FP_TIEEVEN);
    case A64_FCVTPS_VEC:
    case A64_FCVTPS_SCALAR2:
    case A64_FCVTPU_VEC:
    case A64_FCVTPU_SCALAR2:
        return SPECX(V_TO_INT, FP_POSINF);
    case A64_FCVTMS_VEC:
    case A64_FCVTMS_SCALAR2:
    case A64_FCVTMU_VEC:
    case A64_FCVTMU_SCALAR2:
        return SPECX(V_TO_INT, FP_NEGINF);
    case A64_FCVTZS_VEC:
    case A64_FCVTZS_SCALAR2:
    case A64_FCVTZU_VEC:
    case A64_FCVTZU_SCALAR2:
        return SPECX(V_TO_INT, FP_ZERO);
    case A64_FCVTAS_VEC:
    case A64_FCVTAS_SCALAR2:
    case A64_FCVTAU_VEC:
    case A64_FCVTAU_SCALAR2:
        return SPECX(V_TO_INT, FP_TIEAWAY);
    case A64_FCVTZS_FIXED_VEC:
    case A64_FCVTZS_FIXED_SCALAR:
    case A64_FCVTZU_FIXED_VEC:
    case A64_FCVTZU_FIXED_SCALAR:
        return SPECX(V_TO_FIXED, FP_ZERO);
    case A64_SCVTF_VEC:
    case A64_SCVTF_SCALAR2:
    case A64_UCVTF_VEC:
    case A64_UCVTF_SCALAR2:
        return SPECX(V_FROM_INT, 0);
    case A64_SCVTF_FIXED_VEC:
    case A64_SCVTF_FIXED_SCALAR:
    case A64_UCVTF_FIXED_VEC:
    case A64_UCVTF_FIXED_SCALAR:
        return SPECX(V_FROM_FIXED, 0);
    case A64_FCVT:
        return SPECX(FORMAT, 0);
    case A64_FCVTL_VEC:
        return SPECX(LONG, 0);
    case A64_FCVTN_VEC:
        return SPECX(NARROW, 0);
    case A64_FCVTXN_VEC:
        return SPECX(NARROW_ODD, 0);
    case A64_FCVTXN_SCALAR:
        return SPECX(NARROW_ODD, 1);
    case A64_FJCVTZS:
        return SPECX(JS, 0);
    case A64_URECPE_VEC:
        return SPECX(ESTIMATE_U, 0);
    case A64_URSQRTE_VEC:
        return SPECX(ESTIMATE_U, 1);
    case A64_FCADD_VEC:
        return SPECX(CADD, 0);
    case A64_FCMLA_VEC:
    case A64_FCMLA_ELEM:
        return SPECX(CMLA, 0);
    default:
        return SPECX(NOTHING, 0);
    }
}

static struct spec spec_of(enum a64_row row)
{
    struct spec s = spec_arithmetic(row);
    if (s.kind == NOTHING)
        s = spec_compare(row);
    if (s.kind == NOTHING)
        s = spec_round(row);
    return s.kind == NOTHING ? spec_convert(row) : s;
}

/* ---- one lane ---- */
static uint64_t one(struct run *o, uint64_t n)
{
    return o->size == 8 ? o->spec.d.one(&o->env, n) : o->spec.s.one(&o->env, (uint32_t)n);
}

static uint64_t two(struct run *o, uint64_t n, uint64_t m)
{
    return o->size == 8 ? o->spec.d.two(&o->env, n, m)
                        : o->spec.s.two(&o->env, (uint32_t)n, (uint32_t)m);
}

static uint64_t three(struct run *o, uint64_t a, uint64_t n, uint64_t m)
{
    return o->size == 8 ? o->spec.d.three(&o->env, a, n, m)
                        : o->spec.s.three(&o->env, (uint32_t)a, (uint32_t)n, (uint32_t)m);
}

static enum fp_rounding rounding(const struct run *o)
{
    return o->spec.x & FROM_FPCR ? fp_mode(&o->env) : (enum fp_rounding)(o->spec.x & 7);
}

static uint64_t integral(struct run *o, uint64_t n)
{
    enum fp_rounding r = rounding(o);
    unsigned bits = o->spec.x & (FIT32 | FIT64);
    if (bits)
        return o->size == 8 ? fp64_rint_fit(&o->env, n, r, bits)
                            : fp32_rint_fit(&o->env, (uint32_t)n, r, bits);
    bool exact = o->spec.x & EXACT;
    return o->size == 8 ? fp64_rint(&o->env, n, r, exact)
                        : fp32_rint(&o->env, (uint32_t)n, r, exact);
}

static uint64_t to_int(struct run *o, uint64_t n, enum fp_int type, unsigned fbits)
{
    enum fp_rounding r = o->spec.x == FROM_FPCR ? (enum fp_rounding)(o->word >> 19 & 3)
                                                : (enum fp_rounding)o->spec.x;
    return o->size == 8 ? fp64_to_int(&o->env, n, r, type, fbits)
                        : fp32_to_int(&o->env, (uint32_t)n, r, type, fbits);
}

static uint64_t from_int(struct run *o, uint64_t n, enum fp_int type, unsigned fbits)
{
    return o->size == 8 ? fp64_from_int(&o->env, n, type, fbits)
                        : fp32_from_int(&o->env, n, type, fbits);
}

/* Integer type of an element-wise conversion (U is bit 29), and of one with a general register. */
static enum fp_int element_type(const struct run *o)
{
    bool u = o->word >> 29 & 1;
    if (o->size == 8)
        return u ? FP_U64 : FP_S64;
    return u ? FP_U32 : FP_S32;
}

static enum fp_int general_type(const struct run *o)
{
    bool u = o->word >> 16 & 1;
    if (o->word >> 31)
        return u ? FP_U64 : FP_S64;
    return u ? FP_U32 : FP_S32;
}

static uint64_t lane(struct run *o, unsigned k)
{
    uint64_t n = get(o->n, o->size, k), m = get(o->m, o->size, k);
    unsigned fbits = 2 * o->size * 8 - (o->word >> 16 & 127);
    switch (o->spec.kind) {
    case ONE:
        return one(o, n);
    case TWO:
        return two(o, n, m);
    case ZERO:
        return two(o, n, 0);
    case ZERO_REV:
        return two(o, 0, n);
    case THREE:
        return three(o, get(o->a, o->size, k), n, m);
    case RINT:
    case RINT_FIT:
        return integral(o, n);
    case V_TO_INT:
        return to_int(o, n, element_type(o), 0);
    case V_TO_FIXED:
        return to_int(o, n, element_type(o), fbits);
    case V_FROM_INT:
        return from_int(o, n, element_type(o), 0);
    case V_FROM_FIXED:
        return from_int(o, n, element_type(o), fbits);
    default:
        return o->spec.x ? fp_ursqrte((uint32_t)n) : fp_urecpe((uint32_t)n);
    }
}

/* ---- several lanes together ---- */
static void pairs(struct run *o)
{
    for (unsigned k = 0; k < o->count; k++) {
        const union vec *v = 2 * k < o->count ? o->n : o->m;
        unsigned at = 2 * k % o->count;
        set(&o->r, o->size, k, two(o, get(v, o->size, at), get(v, o->size, at + 1)));
    }
}

static void across(struct run *o)
{
    uint64_t low = two(o, o->n->s[0], o->n->s[1]), high = two(o, o->n->s[2], o->n->s[3]);
    o->r.s[0] = (uint32_t)two(o, low, high);
}

static void compare(struct run *o)
{
    bool signalling = o->word >> 4 & 1;
    /* FCMP with zero: bit 3; FCCMP has its NZCV there */
    bool zero = (o->word >> 10 & 3) == 0 && o->word >> 3 & 1;
    uint64_t n = get(o->n, o->size, 0), m = zero ? 0 : get(o->m, o->size, 0);
    unsigned nzcv = o->size == 8 ? fp64_compare(&o->env, n, m, signalling)
                                 : fp32_compare(&o->env, (uint32_t)n, (uint32_t)m, signalling);
    o->x = (uint64_t)nzcv << 28;
}

/* FCVT: ftype to opc, 0 single, 1 double, 3 half. */
static void format(struct run *o)
{
    struct fp_env *env = &o->env;
    const union vec *n = o->n;
    switch ((o->word >> 22 & 3) << 2 | (o->word >> 15 & 3)) {
    case 0 << 2 | 1:
        o->r.d[0] = fp32_to_64(env, n->s[0]);
        break;
    case 0 << 2 | 3:
        o->r.h[0] = fp32_to_16(env, n->s[0]);
        break;
    case 1 << 2 | 0:
        o->r.s[0] = fp64_to_32(env, n->d[0]);
        break;
    case 1 << 2 | 3:
        o->r.h[0] = fp64_to_16(env, n->d[0]);
        break;
    case 3 << 2 | 0:
        o->r.s[0] = fp16_to_32(env, n->h[0]);
        break;
    default:
        o->r.d[0] = fp16_to_64(env, n->h[0]);
    }
}

/* FCVTL, FCVTN and FCVTXN: q is the upper half of the narrow side; sz: double on the wide one. */
static void convert_long(struct run *o)
{
    unsigned half = o->word >> 30 & 1;
    bool is_double = o->word >> 22 & 1;
    for (unsigned k = 0; k < (is_double ? 2 : 4); k++) {
        if (is_double)
            o->r.d[k] = fp32_to_64(&o->env, o->n->s[2 * half + k]);
        else
            o->r.s[k] = fp16_to_32(&o->env, o->n->h[4 * half + k]);
    }
}

static void convert_narrow(struct run *o)
{
    unsigned half = o->word >> 30 & 1;
    bool is_double = o->word >> 22 & 1, odd = o->spec.kind == NARROW_ODD;
    if (odd && o->spec.x) {
        o->r.s[0] = fp64_to_32_odd(&o->env, o->n->d[0]);
        return;
    }
    if (half)
        o->r.d[0] = o->a->d[0];
    for (unsigned k = 0; k < (is_double ? 2 : 4); k++) {
        if (odd)
            o->r.s[2 * half + k] = fp64_to_32_odd(&o->env, o->n->d[k]);
        else if (is_double)
            o->r.s[2 * half + k] = fp64_to_32(&o->env, o->n->d[k]);
        else
            o->r.h[4 * half + k] = fp32_to_16(&o->env, o->n->s[k]);
    }
}

static void javascript(struct run *o)
{
    bool exact;
    o->x = fp64_to_js(&o->env, o->n->d[0], &exact);
    o->x |= exact ? 1ull << 62 : 0;
}

/* ---- complex numbers (FCMA) ---- */
static uint64_t minus(const struct run *o, uint64_t v)
{
    return v ^ 1ull << (o->size * 8 - 1);
}

static void complex_add(struct run *o)
{
    o->spec = SPEC2(TWO, add);
    bool rotate270 = o->word >> 12 & 1;
    for (unsigned k = 0; k < o->count; k += 2) {
        uint64_t re = get(o->m, o->size, k + 1), im = get(o->m, o->size, k);
        if (rotate270)
            im = minus(o, im);
        else
            re = minus(o, re);
        set(&o->r, o->size, k, two(o, get(o->n, o->size, k), re));
        set(&o->r, o->size, k + 1, two(o, get(o->n, o->size, k + 1), im));
    }
}

/* By rotation: 0 and 180 degrees use the real part of n, 90 and 270 the imaginary one. */
static void complex_mla(struct run *o)
{
    bool by_element = o->word >> 24 & 1;
    unsigned rot = o->word >> (by_element ? 13 : 11) & 3;
    o->spec = SPEC3(THREE, madd);
    for (unsigned k = 0; k < o->count; k += 2) {
        uint64_t n = get(o->n, o->size, k + (rot & 1));
        uint64_t re = get(o->m, o->size, k + (rot & 1)), im = get(o->m, o->size, k + !(rot & 1));
        if (rot == 1 || rot == 2)
            re = minus(o, re);
        if (rot >= 2)
            im = minus(o, im);
        set(&o->r, o->size, k, three(o, get(o->a, o->size, k), n, re));
        set(&o->r, o->size, k + 1, three(o, get(o->a, o->size, k + 1), n, im));
    }
}

static void run(struct run *o)
{
    unsigned fbits = 64 - (o->word >> 10 & 63);
    switch (o->spec.kind) {
    case PAIRS:
        pairs(o);
        break;
    case PAIR:
        set(&o->r, o->size, 0, two(o, get(o->n, o->size, 0), get(o->n, o->size, 1)));
        break;
    case ACROSS:
        across(o);
        break;
    case COMPARE:
        compare(o);
        break;
    case TO_INT:
        o->x = to_int(o, get(o->n, o->size, 0), general_type(o), 0);
        break;
    case TO_FIXED:
        o->x = to_int(o, get(o->n, o->size, 0), general_type(o), fbits);
        break;
    case FROM_INT:
        set(&o->r, o->size, 0, from_int(o, o->x, general_type(o), 0));
        break;
    case FROM_FIXED:
        set(&o->r, o->size, 0, from_int(o, o->x, general_type(o), fbits));
        break;
    case FORMAT:
        format(o);
        break;
    case LONG:
        convert_long(o);
        break;
    case NARROW:
    case NARROW_ODD:
        convert_narrow(o);
        break;
    case JS:
        javascript(o);
        break;
    case CADD:
        complex_add(o);
        break;
    case CMLA:
        complex_mla(o);
        break;
    default:
        for (unsigned k = 0; k < o->count; k++)
            set(&o->r, o->size, k, lane(o, k));
    }
}

void helper_fp(struct cpu *cpu);
void helper_fp(struct cpu *cpu)
{
    uint32_t word = (uint32_t)cpu->arg[3];
    struct run o = {.env = {cpu->fpcr, cpu->fpsr},
                    .n = &cpu->varg[0],
                    .m = &cpu->varg[1],
                    .a = &cpu->varg[2],
                    .x = cpu->arg[0],
                    .word = word,
                    .spec = spec_of((enum a64_row)(cpu->arg[3] >> 32))};
    bool scalar = word >> 28 & 1, q = word >> 30 & 1;
    o.size = word >> 22 & 1 ? 8 : 4; /* ftype, sz, size or immh: bit 22 tells in all of them */
    o.count = scalar ? 1 : (q ? 16 : 8) / o.size;
    run(&o);
    cpu->fpsr = o.env.fpsr;
    cpu->vret = o.r;
    cpu->ret = o.x;
}
