/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of operations (from ops.def), their text, and the check of a region's invariants.
 *
 * Text is for --dump and archway-lift; the check is for tests, which run it on every region.
 */
#include "engine/ir/ir.h"

#include <stddef.h>

#define FAULT IR_A_FAULT
#define EXIT IR_A_EXIT
#define CLOB IR_A_CLOB
#define SIDE IR_A_SIDE
const struct ir_op_info ir_op_info[IR_OP_COUNT] = {
#define OP(name, result, a, b, c, attributes, text)                                                \
    {#name, #result[0], #a[0], #b[0], #c[0], attributes},
#include "engine/ir/ops.def"
#undef OP
};

/* ---- printing: "v12 = ADD.8 v3 v4 aux=1 imm=0x10" ---- */
struct out {
    char *buf;  /* caller's */
    unsigned n; /* its size */
    unsigned p; /* characters so far, also those that did not fit */
};

static void put_char(struct out *o, char c)
{
    if (o->p + 1 < o->n)
        o->buf[o->p] = c;
    o->p++;
}

static void put_text(struct out *o, const char *s)
{
    while (*s)
        put_char(o, *s++);
}

static void put_number(struct out *o, uint64_t v, unsigned base)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (n)
        put_char(o, digits[--n]);
}

static void put_ref(struct out *o, char kind, ir_ref v)
{
    if (kind == '-')
        return;
    if (v == IR_NONE) {
        put_text(o, " _");
        return;
    }
    put_text(o, kind == 'F' ? " f" : " v");
    put_number(o, v, 10);
}

unsigned ir_print(char *buf, unsigned n, const struct ir_region *r, ir_ref i)
{
    struct out o = {buf, n, 0};
    const struct ir_ins *ins = &r->ins[i];
    const struct ir_op_info *info = &ir_op_info[ins->op];
    if (info->result != '-') {
        put_char(&o, info->result == 'F' ? 'f' : 'v');
        put_number(&o, i, 10);
        put_text(&o, " = ");
    }
    put_text(&o, info->name);
    if (ins->size) {
        put_char(&o, '.');
        put_number(&o, ins->size, 10);
    }
    put_ref(&o, info->a, ins->a);
    put_ref(&o, info->b, ins->b);
    put_ref(&o, info->c, ins->c);
    if (ins->aux) {
        put_text(&o, " aux=");
        put_number(&o, ins->aux, 10);
    }
    if (ins->imm) {
        put_text(&o, " imm=0x");
        put_number(&o, ins->imm, 16);
    }
    if (n)
        buf[o.p < n ? o.p : n - 1] = 0;
    return o.p;
}

/* ---- verification ---- */
/* May the result of op serve as an operand of this kind? Integer operations with flags serve as
 * both. */
static bool serves(const struct ir_region *r, ir_ref v, char kind)
{
    char result = ir_op_info[r->ins[v].op].result;
    if (kind != 'F' || result == 'F')
        return result == kind;
    unsigned op = r->ins[v].op;
    return op == IR_ADDS || op == IR_SUBS || op == IR_ANDS || op == IR_ADC || op == IR_SBC;
}

static const char *check_operand(const struct ir_region *r, ir_ref i, char kind, ir_ref v)
{
    if (kind == '-' || v == IR_NONE)
        return NULL;
    if (v >= i)
        return "an operand is not made before its use";
    return serves(r, v, kind) ? NULL : "an operand is of another kind";
}

static bool leaves(const struct ir_ins *ins)
{
    switch (ins->op) {
    case IR_GOTO:
    case IR_JUMP:
    case IR_RET:
    case IR_RAISE:
    case IR_RESUME:
        return true;
    default:
        return false;
    }
}

const char *ir_verify(const struct ir_region *r)
{
    bool put = false;
    if (!r->count || r->count > IR_MAX)
        return "no instructions, or too many";
    for (uint32_t i = 0; i < r->count; i++) {
        const struct ir_ins *ins = &r->ins[i];
        if (ins->op >= IR_OP_COUNT)
            return "an unknown operation";
        const struct ir_op_info *info = &ir_op_info[ins->op];
        const char *wrong = check_operand(r, (ir_ref)i, info->a, ins->a);
        if (!wrong)
            wrong = check_operand(r, (ir_ref)i, info->b, ins->b);
        if (!wrong)
            wrong = check_operand(r, (ir_ref)i, info->c, ins->c);
        if (wrong)
            return wrong;
        if (ins->op == IR_INSN)
            put = false;
        else if (ins->op == IR_PUTR || ins->op == IR_PUTV)
            put = true;
        else if (put && info->attributes & IR_A_FAULT)
            return "a register is written before the instruction's last memory access";
        if (leaves(ins) != (i + 1 == r->count))
            return "the region does not end where it leaves";
    }
    return NULL;
}
