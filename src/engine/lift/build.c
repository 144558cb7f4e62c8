/* SPDX-License-Identifier: Apache-2.0
 *
 * Appending to a region, with the foldings that make lifters simple: constants, zeros, double
 * moves. What is folded must be what the operation would give, size and all.
 */
#include "engine/lift/lift.h"

/* With one operand and a number. */
static inline ir_ref append(struct lift *l, enum ir_op op, unsigned size, ir_ref a, uint64_t imm)
{
    return ir_append(l->r, (struct ir_ins){.op = (uint8_t)op,
                                           .size = (uint8_t)size,
                                           .a = a,
                                           .b = IR_NONE,
                                           .c = IR_NONE,
                                           .imm = imm});
}

ir_ref lift_const(struct lift *l, uint64_t value)
{
    return append(l, IR_CONST, 8, IR_NONE, value);
}

bool lift_is_const(const struct lift *l, ir_ref v, uint64_t *ret_value)
{
    if (v == IR_NONE || l->r->ins[v].op != IR_CONST)
        return false;
    *ret_value = l->r->ins[v].imm;
    return true;
}

static uint64_t cut(unsigned size, uint64_t v)
{
    return size == 4 ? (uint32_t)v : v;
}

/* Both operands constant. */
static bool fold_constants(enum ir_op op, unsigned size, uint64_t a, uint64_t b,
                           uint64_t *ret_value)
{
    unsigned n = (unsigned)b & (size * 8 - 1);
    switch (op) {
    case IR_ADD:
        *ret_value = cut(size, a + b);
        return true;
    case IR_SUB:
        *ret_value = cut(size, a - b);
        return true;
    case IR_AND:
        *ret_value = cut(size, a & b);
        return true;
    case IR_OR:
        *ret_value = cut(size, a | b);
        return true;
    case IR_XOR:
        *ret_value = cut(size, a ^ b);
        return true;
    case IR_ANDN:
        *ret_value = cut(size, a & ~b);
        return true;
    case IR_SHL:
        *ret_value = cut(size, a << n);
        return true;
    case IR_SHR:
        *ret_value = cut(size, a) >> n;
        return true;
    default:
        return false;
    }
}

/* a op b is a, for a constant b. A 4-byte operation still clears the upper half: only for size 8.
 */
static bool is_identity(enum ir_op op, unsigned size, uint64_t b)
{
    if (size != 8)
        return false;
    switch (op) {
    case IR_ADD:
    case IR_SUB:
    case IR_OR:
    case IR_XOR:
        return b == 0;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROR:
        return (b & 63) == 0;
    case IR_AND:
        return b == ~0ull;
    default:
        return false;
    }
}

ir_ref lift_op(struct lift *l, enum ir_op op, unsigned size, ir_ref a, ir_ref b)
{
    uint64_t x = 0, y, result;
    bool xc = lift_is_const(l, a, &x);
    if (lift_is_const(l, b, &y)) {
        if (xc && fold_constants(op, size, x, y, &result))
            return lift_const(l, result);
        if (is_identity(op, size, y))
            return a;
        if (op == IR_ANDN)
            return lift_op(l, IR_AND, size, a, lift_const(l, cut(size, ~y)));
    } else if (xc &&
               (op == IR_ADD || op == IR_AND || op == IR_OR || op == IR_XOR || op == IR_MUL)) {
        return lift_op(l, op, size, b, a); /* constants to the right */
    }
    if (op == IR_ZEXT || op == IR_SEXT || op == IR_RBIT)
        return ir_add(l->r, op, size, a, b);
    if (op == IR_CLZ && l->r->ins[a].op == IR_RBIT && l->r->ins[a].size == size)
        return ir_add(l->r, IR_CTZ, size, l->r->ins[a].a, IR_NONE);
    return ir_add(l->r, op, size, a, b);
}

ir_ref lift_op3(struct lift *l, enum ir_op op, unsigned size, ir_ref a, ir_ref b, ir_ref c)
{
    return ir_append(
        l->r, (struct ir_ins){.op = (uint8_t)op, .size = (uint8_t)size, .a = a, .b = b, .c = c});
}

ir_ref lift_opx(struct lift *l, enum ir_op op, unsigned size, ir_ref a, ir_ref b, ir_ref c,
                unsigned aux, uint64_t imm)
{
    return ir_append(l->r, (struct ir_ins){.op = (uint8_t)op,
                                           .size = (uint8_t)size,
                                           .aux = (uint16_t)aux,
                                           .a = a,
                                           .b = b,
                                           .c = c,
                                           .imm = imm});
}

/* ---- registers: a value that was read or put in this region is not read again ---- */
void lift_forget(struct lift *l)
{
    __builtin_memset(l->x, 0xff, sizeof(l->x));
    __builtin_memset(l->v, 0xff, sizeof(l->v));
}

/* What is known of a register that `value` was put into. What another register has, too, is read
 * anew: so it is found where it stays longest, however the registers are written. */
static ir_ref known(const struct lift *l, ir_ref value)
{
    const struct ir_ins *ins = &l->r->ins[value];
    bool own = value > l->begin && ins->op != IR_GETR && ins->op != IR_GETV;
    return own || ins->op == IR_CONST ? value : IR_NONE;
}

ir_ref lift_xsp(struct lift *l, unsigned n)
{
    if (l->x[n] == IR_NONE)
        l->x[n] = append(l, IR_GETR, 8, IR_NONE, n);
    return l->x[n];
}

ir_ref lift_x(struct lift *l, unsigned n)
{
    return n == 31 ? lift_const(l, 0) : lift_xsp(l, n);
}

void lift_put_xsp(struct lift *l, unsigned n, ir_ref value)
{
    append(l, IR_PUTR, 8, value, n);
    l->x[n] = known(l, value);
}

void lift_put_x(struct lift *l, unsigned n, ir_ref value)
{
    if (n != 31)
        lift_put_xsp(l, n, value);
}

ir_ref lift_v(struct lift *l, unsigned n)
{
    if (l->v[n] == IR_NONE)
        l->v[n] = append(l, IR_GETV, 16, IR_NONE, n);
    return l->v[n];
}

void lift_put_v(struct lift *l, unsigned n, ir_ref value)
{
    append(l, IR_PUTV, 16, value, n);
    l->v[n] = known(l, value);
}

ir_ref lift_flags(struct lift *l)
{
    if (l->flags == IR_NONE)
        l->flags = ir_add(l->r, IR_GETF, 0, IR_NONE, IR_NONE);
    return l->flags;
}

void lift_put_flags(struct lift *l, ir_ref flags)
{
    ir_add(l->r, IR_PUTF, 0, flags, IR_NONE);
    l->flags = flags;
}

/* ---- memory ---- */
ir_ref lift_load(struct lift *l, unsigned size, ir_ref base, int64_t offset)
{
    return lift_opx(l, IR_LD, size, base, IR_NONE, IR_NONE, 0, (uint64_t)offset);
}

void lift_store(struct lift *l, unsigned size, ir_ref base, int64_t offset, ir_ref value)
{
    lift_opx(l, IR_ST, size, base, IR_NONE, value, 0, (uint64_t)offset);
}

ir_ref lift_load_v(struct lift *l, unsigned size, ir_ref base, int64_t offset)
{
    return lift_opx(l, IR_LDV, size, base, IR_NONE, IR_NONE, 0, (uint64_t)offset);
}

void lift_store_v(struct lift *l, unsigned size, ir_ref base, int64_t offset, ir_ref value)
{
    lift_opx(l, IR_STV, size, base, IR_NONE, value, 0, (uint64_t)offset);
}

/* ---- ends ---- */
void lift_raise(struct lift *l, unsigned kind, uint64_t detail)
{
    lift_opx(l, IR_RAISE, 0, IR_NONE, IR_NONE, IR_NONE, kind, detail);
    l->end = true;
}

void lift_undefined(struct lift *l)
{
    lift_raise(l, 0, 0);
}
