/* SPDX-License-Identifier: Apache-2.0
 *
 * Branches, exceptions, hints, barriers, and flags as numbers (Arm ARM C4.1.94).
 *
 * A direct jump forward is followed in the region; one that goes back ends it, so that its exit
 * polls. Calls go on behind, where the callee comes back to; nothing is known of the flags there.
 */
#include "engine/lift/a64_lift.h"

static void conditional(struct lift *l, enum ir_op op, ir_ref a, unsigned aux, int64_t offset)
{
    uint64_t target = l->pc + (uint64_t)offset;
    lift_opx(l, op, 8, a, IR_NONE, IR_NONE, aux | a64_exit_aux(l, target), target);
}

/* Always taken: forward in the same region; a backward one ends it, and polls. */
static void jump(struct lift *l, int64_t offset)
{
    uint64_t target = l->pc + (uint64_t)offset;
    if (target > l->pc) {
        l->follow = target;
        return;
    }
    lift_opx(l, IR_GOTO, 0, IR_NONE, IR_NONE, IR_NONE, a64_exit_aux(l, target), target);
    l->end = true;
}

LIFT(b)
{
    jump(l, a64_signed(word, 0, 26) * 4);
}

LIFT(b_cond)
{
    int64_t offset = a64_signed(word, 5, 19) * 4;
    if ((word & 15) >= IR_AL)
        jump(l, offset);
    else
        conditional(l, IR_JCC, lift_flags(l), word & 15, offset);
}

static void compare_branch(struct lift *l, uint32_t word, enum ir_op op)
{
    ir_ref a = lift_x(l, a64_rt(word));
    conditional(l, op, a, 0, a64_signed(word, 5, 19) * 4);
    ir_last(l->r)->size = (uint8_t)a64_size(word);
}

LIFT(cbz)
{
    compare_branch(l, word, IR_JZ);
}

LIFT(cbnz)
{
    compare_branch(l, word, IR_JNZ);
}

static void test_branch(struct lift *l, uint32_t word, enum ir_op op)
{
    unsigned bit = (word >> 31) << 5 | (word >> 19 & 31);
    conditional(l, op, lift_x(l, a64_rt(word)), bit, a64_signed(word, 5, 14) * 4);
}

LIFT(tbz)
{
    test_branch(l, word, IR_JBZ);
}

LIFT(tbnz)
{
    test_branch(l, word, IR_JBNZ);
}

/* Other code runs before the region goes on. */
static void elsewhere(struct lift *l)
{
    l->flags = IR_NONE;
    lift_forget(l);
}

LIFT(bl)
{
    uint64_t target = l->pc + (uint64_t)(a64_signed(word, 0, 26) * 4);
    lift_put_x(l, 30, lift_const(l, l->next));
    lift_opx(l, IR_CALL, 0, IR_NONE, IR_NONE, IR_NONE, a64_exit_aux(l, target), target);
    elsewhere(l);
}

LIFT(blr)
{
    ir_ref target = lift_x(l, a64_rn(word));
    lift_put_x(l, 30, lift_const(l, l->next));
    lift_op(l, IR_CALLR, 0, target, IR_NONE);
    elsewhere(l);
}

LIFT(br)
{
    lift_op(l, IR_JUMP, 0, lift_x(l, a64_rn(word)), IR_NONE);
    l->end = true;
}

LIFT(ret)
{
    lift_op(l, IR_RET, 0, lift_x(l, a64_rn(word)), IR_NONE);
    l->end = true;
}

LIFT(svc)
{
    (void)word;
    lift_opx(l, IR_SYSCALL, 0, IR_NONE, IR_NONE, IR_NONE, 0, l->next);
    elsewhere(l);
}

LIFT(brk)
{
    lift_raise(l, RAISE_BREAKPOINT, word >> 5 & 0xffff);
}

/* NOP, YIELD, BTI, PAC hints and what is not allocated: all do nothing here. */
LIFT(hint)
{
    (void)l;
    (void)word;
}

LIFT(clrex)
{
    (void)word;
    lift_opx(l, IR_PUTC, 8, lift_const(l, ~0ull), IR_NONE, IR_NONE, 0,
             offsetof(struct cpu, excl_addr));
}

/* Loads are ordered by the host; only barriers that hold a load behind a store cost anything. */
static void barrier(struct lift *l, uint32_t word)
{
    if ((word >> 8 & 3) == 3 || (word >> 8 & 3) == 0)
        lift_op(l, IR_FENCE, 0, IR_NONE, IR_NONE);
}

LIFT(dsb)
{
    barrier(l, word);
}

LIFT(dmb)
{
    barrier(l, word);
}

/* Code that IC IVAU announced is forgotten at that instruction; nothing is left to wait for. */
LIFT(isb)
{
    (void)word;
    lift_opx(l, IR_RESUME, 0, IR_NONE, IR_NONE, IR_NONE, 0, l->next);
    l->end = true;
}

LIFT(sb)
{
    (void)l;
    (void)word;
}

LIFT(msr_dit)
{
    (void)l;
    (void)word; /* all translated code takes the time that the host's instructions take */
}

/* ---- flags as numbers: bit 31 N, 30 Z, 29 C, 28 V ---- */
static ir_ref get_nzcv(struct lift *l)
{
    return lift_op(l, IR_FLAGS, 4, lift_flags(l), IR_NONE);
}

static void put_nzcv(struct lift *l, ir_ref v)
{
    lift_put_flags(l, lift_op(l, IR_SETF, 4, v, IR_NONE));
}

static ir_ref bit(struct lift *l, ir_ref v, unsigned n)
{
    return lift_opx(l, IR_UBFX, 4, v, IR_NONE, IR_NONE, 0, n | 1 << 8);
}

static ir_ref at(struct lift *l, ir_ref v, unsigned n)
{
    return lift_op(l, IR_SHL, 4, v, lift_const(l, n));
}

LIFT(cfinv)
{
    (void)word;
    put_nzcv(l, lift_op(l, IR_XOR, 4, get_nzcv(l), lift_const(l, 1u << 29)));
}

/* N = !C & !Z, Z = Z & C, C = C | Z, V = !C & Z */
LIFT(xaflag)
{
    (void)word;
    ir_ref f = get_nzcv(l), z = bit(l, f, 30), c = bit(l, f, 29);
    ir_ref or = lift_op(l, IR_OR, 4, z, c);
    ir_ref r = at(l, lift_op(l, IR_XOR, 4, or, lift_const(l, 1)), 31);
    r = lift_op(l, IR_OR, 4, r, at(l, lift_op(l, IR_AND, 4, z, c), 30));
    r = lift_op(l, IR_OR, 4, r, at(l, or, 29));
    ir_ref v = lift_op(l, IR_AND, 4, z, lift_op(l, IR_XOR, 4, c, lift_const(l, 1)));
    put_nzcv(l, lift_op(l, IR_OR, 4, r, at(l, v, 28)));
}

/* N = 0, Z = Z | V, C = C & !V, V = 0 */
LIFT(axflag)
{
    (void)word;
    ir_ref f = get_nzcv(l), z = bit(l, f, 30), c = bit(l, f, 29), v = bit(l, f, 28);
    ir_ref r = at(l, lift_op(l, IR_OR, 4, z, v), 30);
    ir_ref nv = lift_op(l, IR_XOR, 4, v, lift_const(l, 1));
    put_nzcv(l, lift_op(l, IR_OR, 4, r, at(l, lift_op(l, IR_AND, 4, c, nv), 29)));
}

LIFT(rmif)
{
    ir_ref v = lift_op(l, IR_ROR, 8, lift_x(l, a64_rn(word)), lift_const(l, word >> 15 & 63));
    uint64_t mask = (uint64_t)(word & 15) << 28;
    v = lift_op(l, IR_AND, 4, at(l, v, 28), lift_const(l, mask));
    ir_ref old = lift_op(l, IR_AND, 4, get_nzcv(l), lift_const(l, (uint32_t)~mask));
    put_nzcv(l, lift_op(l, IR_OR, 4, old, v));
}

/* N and Z of the low bits; V: the bit above differs from the top one; C stays. */
static void set_flags(struct lift *l, uint32_t word, unsigned bits)
{
    ir_ref x = lift_x(l, a64_rn(word));
    ir_ref c = lift_op(l, IR_AND, 4, get_nzcv(l), lift_const(l, 1u << 29));
    ir_ref low = lift_opx(l, IR_ZEXT, 4, x, IR_NONE, IR_NONE, 0, bits / 8);
    ir_ref n = at(l, bit(l, x, bits - 1), 31);
    ir_ref over = lift_op(l, IR_XOR, 4, bit(l, x, bits), bit(l, x, bits - 1));
    /* zero: bit 32 of low - 1 */
    ir_ref z = lift_op(l, IR_SUB, 8, low, lift_const(l, 1));
    z = lift_op(l, IR_SHR, 8, z, lift_const(l, 63));
    ir_ref r = lift_op(l, IR_OR, 4, lift_op(l, IR_OR, 4, n, at(l, z, 30)), c);
    put_nzcv(l, lift_op(l, IR_OR, 4, r, at(l, over, 28)));
}

LIFT(setf8)
{
    set_flags(l, word, 8);
}

LIFT(setf16)
{
    set_flags(l, word, 16);
}
