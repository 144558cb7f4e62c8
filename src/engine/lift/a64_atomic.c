/* SPDX-License-Identifier: Apache-2.0
 *
 * Ordered accesses, exclusives, and the LSE atomics (Arm ARM C3.2.6 ff., C4.1.96).
 *
 * The host's loads are acquires and its stores releases. A store-release that a later load-acquire
 * must not pass needs a fence behind it.
 *
 * Exclusives: a load remembers address, value and the version of the address' cell in a table of
 * versions; a store succeeds when the version is still that and a compare-and-swap finds the value
 * (the comparison alone cannot tell that a value came back: ABA). Each success makes a new version.
 */
#include "engine/lift/a64_lift.h"

static unsigned bytes(uint32_t word)
{
    return 1u << (word >> 30);
}

LIFT(ldar)
{
    lift_put_x(l, a64_rt(word), lift_load(l, bytes(word), lift_xsp(l, a64_rn(word)), 0));
}

LIFT(ldapr)
{
    lift_put_x(l, a64_rt(word), lift_load(l, bytes(word), lift_xsp(l, a64_rn(word)), 0));
}

static void store_release(struct lift *l, uint32_t word, int64_t offset)
{
    lift_store(l, bytes(word), lift_xsp(l, a64_rn(word)), offset, lift_x(l, a64_rt(word)));
}

LIFT(stlr)
{
    store_release(l, word, 0);
    lift_op(l, IR_FENCE, 0, IR_NONE, IR_NONE);
}

LIFT(stlur)
{
    store_release(l, word, a64_signed(word, 12, 9));
    lift_op(l, IR_FENCE, 0, IR_NONE, IR_NONE);
}

static void load_unscaled(struct lift *l, uint32_t word, unsigned extend)
{
    ir_ref v = lift_opx(l, IR_LD, bytes(word), lift_xsp(l, a64_rn(word)), IR_NONE, IR_NONE, extend,
                        (uint64_t)a64_signed(word, 12, 9));
    lift_put_x(l, a64_rt(word), v);
}

LIFT(ldapur)
{
    load_unscaled(l, word, 0);
}

LIFT(ldapurs64)
{
    load_unscaled(l, word, 8);
}

LIFT(ldapurs32)
{
    load_unscaled(l, word, 16);
}

/* ---- exclusives ---- */
static void put_cpu(struct lift *l, unsigned size, size_t offset, ir_ref v)
{
    lift_opx(l, IR_PUTC, size, v, IR_NONE, IR_NONE, 0, offset);
}

static ir_ref get_cpu(struct lift *l, size_t offset)
{
    return lift_opx(l, IR_GETC, 8, IR_NONE, IR_NONE, IR_NONE, 0, offset);
}

static void load_exclusive(struct lift *l, uint32_t word)
{
    ir_ref a = lift_xsp(l, a64_rn(word));
    /* the version first: a store in between makes the pair old, never new */
    lift_opx(l, IR_HELPI, 8, a, IR_NONE, IR_NONE, IR_HELPER_excl_load, bytes(word));
    ir_ref v = lift_load(l, bytes(word), a, 0);
    put_cpu(l, 8, offsetof(struct cpu, excl_value[0]), v);
    lift_put_x(l, a64_rt(word), v);
}

LIFT(ldxr)
{
    load_exclusive(l, word);
}

LIFT(ldaxr)
{
    load_exclusive(l, word);
}

/* A pair of 4 is one access of 8. A pair of 8 is read in two: whether both are of one time, the
 * store's comparison of 16 bytes finds out (Arm ARM B2.12 asks no more of a load alone). */
static void load_exclusive_pair(struct lift *l, uint32_t word)
{
    bool wide = word >> 30 & 1;
    ir_ref a = lift_xsp(l, a64_rn(word)), lo, hi;
    lift_opx(l, IR_HELPI, 8, a, IR_NONE, IR_NONE, IR_HELPER_excl_load, wide ? 16 : 8);
    if (!wide) {
        ir_ref v = lift_load(l, 8, a, 0);
        put_cpu(l, 8, offsetof(struct cpu, excl_value[0]), v);
        lo = lift_opx(l, IR_ZEXT, 8, v, IR_NONE, IR_NONE, 0, 4);
        hi = lift_op(l, IR_SHR, 8, v, lift_const(l, 32));
    } else {
        lo = lift_load(l, 8, a, 0);
        hi = lift_load(l, 8, a, 8);
        put_cpu(l, 8, offsetof(struct cpu, excl_value[0]), lo);
        put_cpu(l, 8, offsetof(struct cpu, excl_value[1]), hi);
    }
    lift_put_x(l, a64_rt(word), lo);
    lift_put_x(l, a64_rt2(word), hi);
}

LIFT(ldxp)
{
    load_exclusive_pair(l, word);
}

LIFT(ldaxp)
{
    load_exclusive_pair(l, word);
}

/* The new value where the monitor holds (go = 1), else the old one: by a mask, no flags. */
static ir_ref choose(struct lift *l, ir_ref go, ir_ref new, ir_ref old)
{
    ir_ref mask = lift_op(l, IR_NEG, 8, go, IR_NONE);
    ir_ref d = lift_op(l, IR_AND, 8, lift_op(l, IR_XOR, 8, old, new), mask);
    return lift_op(l, IR_XOR, 8, old, d);
}

/* Status: 0 if `same` (zero: memory was as loaded) and go. */
static void finish(struct lift *l, uint32_t word, ir_ref a, ir_ref same, ir_ref go)
{
    ir_ref fail = lift_op(l, IR_OR, 8, same, lift_op(l, IR_XOR, 8, go, lift_const(l, 1)));
    lift_put_x(l, a64_rs(word), lift_opx(l, IR_HELPI, 8, a, fail, IR_NONE, IR_HELPER_excl_done, 0));
}

/* Where the monitor is lost, memory is compared with an old value and at most written as it is. */
static void store_exclusive_value(struct lift *l, uint32_t word, unsigned size, ir_ref new)
{
    ir_ref a = lift_xsp(l, a64_rn(word));
    ir_ref go = lift_opx(l, IR_HELPI, 8, a, IR_NONE, IR_NONE, IR_HELPER_excl_check, size);
    ir_ref old = get_cpu(l, offsetof(struct cpu, excl_value[0]));
    ir_ref seen = lift_op3(l, IR_CAS, size, a, old, choose(l, go, new, old));
    finish(l, word, a, lift_op(l, IR_XOR, 8, seen, old), go);
}

LIFT(stxr)
{
    store_exclusive_value(l, word, bytes(word), lift_x(l, a64_rt(word)));
}

LIFT(stlxr)
{
    store_exclusive_value(l, word, bytes(word), lift_x(l, a64_rt(word)));
}

static ir_ref pack(struct lift *l, ir_ref lo, ir_ref hi)
{
    return lift_opx(l, IR_VSET, 8, lift_op(l, IR_FMOVI, 8, lo, IR_NONE), hi, IR_NONE, 0, 1);
}

static ir_ref half(struct lift *l, ir_ref v, bool high)
{
    return lift_opx(l, IR_VGET, 8, v, IR_NONE, IR_NONE, 0, high);
}

static void store_exclusive_pair(struct lift *l, uint32_t word)
{
    if (!(word >> 30 & 1)) {
        ir_ref lo = lift_opx(l, IR_ZEXT, 8, lift_x(l, a64_rt(word)), IR_NONE, IR_NONE, 0, 4);
        ir_ref hi = lift_op(l, IR_SHL, 8, lift_x(l, a64_rt2(word)), lift_const(l, 32));
        store_exclusive_value(l, word, 8, lift_op(l, IR_OR, 8, lo, hi));
        return;
    }
    ir_ref a = lift_xsp(l, a64_rn(word));
    ir_ref go = lift_opx(l, IR_HELPI, 8, a, IR_NONE, IR_NONE, IR_HELPER_excl_check, 16);
    ir_ref o0 = get_cpu(l, offsetof(struct cpu, excl_value[0]));
    ir_ref o1 = get_cpu(l, offsetof(struct cpu, excl_value[1]));
    ir_ref new = pack(l, choose(l, go, lift_x(l, a64_rt(word)), o0),
                      choose(l, go, lift_x(l, a64_rt2(word)), o1));
    ir_ref seen = lift_op3(l, IR_CAS16, 16, a, pack(l, o0, o1), new);
    ir_ref same = lift_op(l, IR_XOR, 8, half(l, seen, false), o0);
    same = lift_op(l, IR_OR, 8, same, lift_op(l, IR_XOR, 8, half(l, seen, true), o1));
    finish(l, word, a, same, go);
}

LIFT(stxp)
{
    store_exclusive_pair(l, word);
}

LIFT(stlxp)
{
    store_exclusive_pair(l, word);
}

/* ---- LSE ---- */
static ir_ref rmw(struct lift *l, uint32_t word, enum ir_op op, unsigned kind)
{
    return lift_opx(l, op, bytes(word), lift_xsp(l, a64_rn(word)), lift_x(l, a64_rs(word)), IR_NONE,
                    kind, 0);
}

#define ATOMIC(name, op, kind)                                                                     \
    LIFT(name)                                                                                     \
    {                                                                                              \
        lift_put_x(l, a64_rt(word), rmw(l, word, op, kind));                                       \
    }

ATOMIC(ldadd, IR_XADD, 0)
ATOMIC(swp, IR_XCHG, 0)
ATOMIC(ldclr, IR_RMW, IR_RMW_ANDN)
ATOMIC(ldeor, IR_RMW, IR_RMW_XOR)
ATOMIC(ldset, IR_RMW, IR_RMW_OR)
ATOMIC(ldsmax, IR_RMW, IR_RMW_SMAX)
ATOMIC(ldsmin, IR_RMW, IR_RMW_SMIN)
ATOMIC(ldumax, IR_RMW, IR_RMW_UMAX)
ATOMIC(ldumin, IR_RMW, IR_RMW_UMIN)

LIFT(cas)
{
    ir_ref v = lift_op3(l, IR_CAS, bytes(word), lift_xsp(l, a64_rn(word)), lift_x(l, a64_rs(word)),
                        lift_x(l, a64_rt(word)));
    lift_put_x(l, a64_rs(word), v);
}

static ir_ref join32(struct lift *l, unsigned n)
{
    ir_ref lo = lift_opx(l, IR_ZEXT, 8, lift_x(l, n), IR_NONE, IR_NONE, 0, 4);
    ir_ref hi = lift_op(l, IR_SHL, 8, lift_x(l, n + 1), lift_const(l, 32));
    return lift_op(l, IR_OR, 8, lo, hi);
}

LIFT(casp)
{
    unsigned s = a64_rs(word), t = a64_rt(word);
    if (!(word >> 30 & 1)) {
        ir_ref v = lift_op3(l, IR_CAS, 8, lift_xsp(l, a64_rn(word)), join32(l, s), join32(l, t));
        ir_ref lo = lift_opx(l, IR_ZEXT, 8, v, IR_NONE, IR_NONE, 0, 4);
        ir_ref hi = lift_op(l, IR_SHR, 8, v, lift_const(l, 32));
        lift_put_x(l, s, lo);
        lift_put_x(l, s + 1, hi);
        return;
    }
    ir_ref old = pack(l, lift_x(l, s), lift_x(l, s + 1));
    ir_ref new = pack(l, lift_x(l, t), lift_x(l, t + 1));
    ir_ref v = lift_op3(l, IR_CAS16, 16, lift_xsp(l, a64_rn(word)), old, new);
    ir_ref lo = half(l, v, false), hi = half(l, v, true);
    lift_put_x(l, s, lo);
    lift_put_x(l, s + 1, hi);
}
