/* SPDX-License-Identifier: Apache-2.0
 *
 * Interpreters of the integer vector operations (ops_simd.def), element by element. What is for
 * cryptography is in interp_crypto.c.
 */
#include "engine/ir/interp_crypto.h"

/* ---- elements ---- */
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

static void set(union vec *v, unsigned size, unsigned k, uint64_t x)
{
    switch (size) {
    case 1:
        v->b[k] = (uint8_t)x;
        break;
    case 2:
        v->h[k] = (uint16_t)x;
        break;
    case 4:
        v->s[k] = (uint32_t)x;
        break;
    default:
        v->d[k] = x;
    }
}

static int64_t sign(unsigned size, uint64_t x)
{
    unsigned n = 64 - 8 * size;
    return (int64_t)(x << n) >> n;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* ---- element by element; size 1 or 2 where a saturates ---- */
static uint64_t saturate(const struct ir_ins *ins, uint64_t a, uint64_t b)
{
    unsigned size = ins->size;
    int64_t sa = sign(size, a), sb = sign(size, b), top = (int64_t)(1ull << (8 * size - 1));
    int64_t ua = (int64_t)a, ub = (int64_t)b;
    switch (ins->op) {
    case IR_VADDS:
        return (uint64_t)clamp(sa + sb, -top, top - 1);
    case IR_VSUBS:
        return (uint64_t)clamp(sa - sb, -top, top - 1);
    case IR_VADDU:
        return (uint64_t)clamp(ua + ub, 0, 2 * top - 1);
    default: /* VSUBU */
        return (uint64_t)clamp(ua - ub, 0, 2 * top - 1);
    }
}

static uint64_t element(const struct ir_ins *ins, uint64_t a, uint64_t b)
{
    unsigned size = ins->size, w = 8 * size;
    int64_t sa = sign(size, a), sb = sign(size, b);
    switch (ins->op) {
    case IR_VADD:
        return a + b;
    case IR_VSUB:
        return a - b;
    case IR_VMUL:
        return a * b;
    case IR_VAND:
        return a & b;
    case IR_VOR:
        return a | b;
    case IR_VXOR:
        return a ^ b;
    case IR_VANDN:
        return b & ~a;
    case IR_VEQ:
        return a == b ? ~0ull : 0;
    case IR_VGT:
        return sa > sb ? ~0ull : 0;
    case IR_VMAXS:
        return sa > sb ? a : b;
    case IR_VMAXU:
        return a > b ? a : b;
    case IR_VMINS:
        return sa < sb ? a : b;
    case IR_VMINU:
        return a < b ? a : b;
    case IR_VAVG:
        return (a + b + 1) / 2;
    case IR_VABS:
        return sa < 0 ? 0 - a : a;
    case IR_VSHL:
        return ins->imm < w ? a << ins->imm : 0;
    case IR_VSHR:
        return ins->imm < w ? a >> ins->imm : 0;
    case IR_VSAR:
        return (uint64_t)(sa >> (ins->imm < w ? ins->imm : w - 1));
    case IR_VSHLV:
        return b < w ? a << b : 0;
    case IR_VSHRV:
        return b < w ? a >> b : 0;
    case IR_VSARV:
        return (uint64_t)(sa >> (b < w ? b : w - 1));
    default:
        return saturate(ins, a, b);
    }
}

static void op_elements(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a);
    const union vec b = ins->b == IR_NONE ? (union vec){0} : *interp_v(m, ins->b);
    unsigned size = ins->size ? ins->size : 8;
    for (unsigned k = 0; k < 16 / size; k++)
        set(&m->value[i], size, k, element(ins, get(&a, size, k), get(&b, size, k)));
}

static void op_multiply_high(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a), b = *interp_v(m, ins->b);
    for (unsigned k = 0; k < 8; k++) {
        int32_t p = (int16_t)a.h[k] * (int16_t)b.h[k];
        m->value[i].h[k] = (uint16_t)(ins->op == IR_VMULHS ? p >> 16 : (p + 0x4000) >> 15);
    }
}

static void op_madd(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a), b = *interp_v(m, ins->b);
    for (unsigned k = 0; k < 4; k++) {
        int32_t even = (int16_t)a.h[2 * k] * (int16_t)b.h[2 * k];
        int32_t odd = (int16_t)a.h[2 * k + 1] * (int16_t)b.h[2 * k + 1];
        m->value[i].s[k] = (uint32_t)even + (uint32_t)odd;
    }
}

static void op_select(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a), b = *interp_v(m, ins->b), c = *interp_v(m, ins->c);
    for (unsigned k = 0; k < 16u / ins->size; k++) {
        bool yes = sign(ins->size, get(&a, ins->size, k)) < 0;
        set(&m->value[i], ins->size, k, get(yes ? &b : &c, ins->size, k));
    }
}

static void op_mix(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a), b = *interp_v(m, ins->b);
    for (unsigned k = 0; k < 16u / ins->size; k++)
        set(&m->value[i], ins->size, k, get(ins->imm >> k & 1 ? &b : &a, ins->size, k));
}

static void op_perm2(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a), b = *interp_v(m, ins->b);
    for (unsigned k = 0; k < 4; k++)
        m->value[i].s[k] = (k < 2 ? a : b).s[ins->imm >> (2 * k) & 3];
}

static void op_ins(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t x = get(interp_v(m, ins->b), ins->size, (unsigned)ins->imm >> 4);
    m->value[i] = *interp_v(m, ins->a);
    set(&m->value[i], ins->size, ins->imm & 15, x);
}

static void op_least(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a);
    unsigned at = 0;
    for (unsigned k = 1; k < 8; k++)
        if (a.h[k] < a.h[at])
            at = k;
    m->value[i] = (union vec){.h = {a.h[at], (uint16_t)at}};
}

static void op_vqc(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    const union vec *a = interp_v(m, ins->a), *b = interp_v(m, ins->b);
    if (a->d[0] != b->d[0] || a->d[1] != b->d[1])
        m->cpu->fpsr |= (uint32_t)ins->imm;
}

static void op_widen(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a);
    for (unsigned k = 0; k < 8u / ins->size; k++) {
        uint64_t x = get(&a, ins->size, k);
        set(&m->value[i], 2u * ins->size, k, ins->op == IR_VSX ? (uint64_t)sign(ins->size, x) : x);
    }
}

static void op_mulw(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a), b = *interp_v(m, ins->b);
    for (unsigned k = 0; k < 2; k++) {
        if (ins->op == IR_VMULWU)
            m->value[i].d[k] = (uint64_t)a.s[2 * k] * b.s[2 * k];
        else
            m->value[i].d[k] = (uint64_t)(sign(4, a.s[2 * k]) * sign(4, b.s[2 * k]));
    }
}

/* ---- constants, and between integers and vectors ---- */
static void op_vmovi(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i].d[0] = ins->imm;
    m->value[i].d[1] = ins->op == IR_VCONST ? interp_i(m, ins->a) : ins->imm;
}

static void op_vzext(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t low = get(interp_v(m, ins->a), ins->size, 0);
    m->value[i] = (union vec){.d = {low, 0}};
}

static void op_vsplat(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t x = ins->op == IR_VSPLAT ? interp_i(m, ins->a)
                                      : get(interp_v(m, ins->a), ins->size, (unsigned)ins->imm);
    for (unsigned k = 0; k < 16u / ins->size; k++)
        set(&m->value[i], ins->size, k, x);
}

static void op_vget(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i].d[0] = get(interp_v(m, ins->a), ins->size, (unsigned)ins->imm);
}

static void op_vset(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i] = *interp_v(m, ins->a);
    set(&m->value[i], ins->size, (unsigned)ins->imm, interp_i(m, ins->b));
}

static void op_vtest(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t bits = 0;
    for (unsigned k = 0; k < 16; k++)
        bits |= (uint64_t)(interp_v(m, ins->a)->b[k] >> 7) << k;
    m->value[i].d[0] = bits;
}

/* ---- moving elements and bytes ---- */
static void op_zip(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a), b = *interp_v(m, ins->b);
    unsigned half = 8u / ins->size, from = ins->op == IR_VZIPH ? half : 0;
    for (unsigned k = 0; k < half; k++) {
        set(&m->value[i], ins->size, 2 * k, get(&a, ins->size, from + k));
        set(&m->value[i], ins->size, 2 * k + 1, get(&b, ins->size, from + k));
    }
}

static void op_shuf(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a), b = *interp_v(m, ins->b);
    for (unsigned k = 0; k < 16; k++)
        m->value[i].b[k] = b.b[k] & 0x80 ? 0 : a.b[b.b[k] & 15];
}

static void op_perm(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a);
    for (unsigned k = 0; k < 4; k++)
        m->value[i].s[k] = a.s[ins->imm >> (2 * k) & 3];
}

/* VBSHR: 0:a, VALIGN: b:a, both from byte imm up; VBSHL: a:0 from byte 16 - imm up. */
static void op_bytes(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    union vec both[3] = {{{0}}};
    unsigned from = (unsigned)ins->imm;
    both[0] = *interp_v(m, ins->a);
    if (ins->op == IR_VALIGN) {
        both[1] = *interp_v(m, ins->b);
    } else if (ins->op == IR_VBSHL) {
        both[1] = both[0];
        both[0] = (union vec){0};
        from = 16 - from;
    }
    for (unsigned k = 0; k < 16; k++)
        m->value[i].b[k] = both[(from + k) / 16].b[(from + k) % 16];
}

static void op_sad(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const union vec a = *interp_v(m, ins->a);
    for (unsigned h = 0; h < 2; h++) {
        m->value[i].d[h] = 0;
        for (unsigned k = 0; k < 8; k++)
            m->value[i].d[h] += a.b[8 * h + k];
    }
}

const ir_interp_fn ir_interp_simd[IR_OP_COUNT] = {
    [IR_VMOVI] = op_vmovi,
    [IR_VCONST] = op_vmovi,
    [IR_VZEXT] = op_vzext,
    [IR_VADD] = op_elements,
    [IR_VSUB] = op_elements,
    [IR_VADDS] = op_elements,
    [IR_VADDU] = op_elements,
    [IR_VSUBS] = op_elements,
    [IR_VSUBU] = op_elements,
    [IR_VMUL] = op_elements,
    [IR_VMULWU] = op_mulw,
    [IR_VMULWS] = op_mulw,
    [IR_VAND] = op_elements,
    [IR_VOR] = op_elements,
    [IR_VXOR] = op_elements,
    [IR_VANDN] = op_elements,
    [IR_VEQ] = op_elements,
    [IR_VGT] = op_elements,
    [IR_VMAXS] = op_elements,
    [IR_VMAXU] = op_elements,
    [IR_VMINS] = op_elements,
    [IR_VMINU] = op_elements,
    [IR_VAVG] = op_elements,
    [IR_VABS] = op_elements,
    [IR_VSHL] = op_elements,
    [IR_VSHR] = op_elements,
    [IR_VSAR] = op_elements,
    [IR_VSHLV] = op_elements,
    [IR_VSHRV] = op_elements,
    [IR_VZIPL] = op_zip,
    [IR_VZIPH] = op_zip,
    [IR_VSHUF] = op_shuf,
    [IR_VZX] = op_widen,
    [IR_VSX] = op_widen,
    [IR_VPERM] = op_perm,
    [IR_VBSHR] = op_bytes,
    [IR_VBSHL] = op_bytes,
    [IR_VALIGN] = op_bytes,
    [IR_VSPLAT] = op_vsplat,
    [IR_VSPLATE] = op_vsplat,
    [IR_VGET] = op_vget,
    [IR_VSET] = op_vset,
    [IR_VTEST] = op_vtest,
    [IR_VSAD] = op_sad,
    [IR_VCLMUL] = interp_clmul,
    [IR_VAESE] = interp_aes_rows,
    [IR_VAESD] = interp_aes_rows,
    [IR_VAESMC] = interp_aes_columns,
    [IR_VAESIMC] = interp_aes_columns,
    [IR_VAESEM] = interp_aes_round,
    [IR_VAESDM] = interp_aes_round,
    [IR_VSHA1] = interp_sha1,
    [IR_VSHA2] = interp_sha2,
    [IR_VSHA2A] = interp_sha2_schedule,
    [IR_VSHA2B] = interp_sha2_schedule,
    [IR_VPERM2] = op_perm2,
    [IR_VINS] = op_ins,
    [IR_VLEAST] = op_least,
    [IR_VMULHS] = op_multiply_high,
    [IR_VMULHR] = op_multiply_high,
    [IR_VMADD] = op_madd,
    [IR_VSEL] = op_select,
    [IR_VMIX] = op_mix,
    [IR_VQC] = op_vqc,
    [IR_VSARV] = op_elements,
};
