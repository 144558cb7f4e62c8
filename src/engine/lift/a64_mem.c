/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads and stores of general and single vector registers (Arm ARM C4.1.96).
 *
 * Addresses go into the memory operation itself. Registers, the written-back base too, are put
 * behind the last access: a fault leaves the state before the instruction.
 */
#include "engine/lift/a64_lift.h"

/* How a load extends: aux of LD. */
enum { PLAIN = 0, TO64 = 8, TO32 = 16 };

struct access {
    bool load;      /* else store */
    bool vector;    /* a SIMD&FP register */
    uint8_t size;   /* bytes */
    uint8_t extend; /* PLAIN, TO64, TO32 */
};

static struct access general(uint32_t word, bool load, unsigned extend)
{
    return (struct access){load, false, (uint8_t)(1u << (word >> 30)), (uint8_t)extend};
}

static struct access vector(uint32_t word, bool load)
{
    unsigned scale = (word >> 30) | (word >> 23 & 1) << 2;
    return (struct access){load, true, (uint8_t)(1u << scale), PLAIN};
}

/* The access at a + (b << scale) + imm, for loads the value that is to be put. */
static ir_ref perform(struct lift *l, struct access x, ir_ref a, ir_ref b, unsigned scale,
                      int64_t imm, unsigned rt)
{
    if (x.load)
        return lift_opx(l, x.vector ? IR_LDV : IR_LD, x.size, a, b, IR_NONE, scale | x.extend,
                        (uint64_t)imm);
    ir_ref v = x.vector ? lift_v(l, rt) : lift_x(l, rt);
    lift_opx(l, x.vector ? IR_STV : IR_ST, x.size, a, b, v, scale, (uint64_t)imm);
    return IR_NONE;
}

static void put(struct lift *l, struct access x, unsigned rt, ir_ref v)
{
    if (v == IR_NONE)
        return;
    if (x.vector)
        lift_put_v(l, rt, v);
    else
        lift_put_x(l, rt, v);
}

static void at_offset(struct lift *l, uint32_t word, struct access x, int64_t imm)
{
    ir_ref v = perform(l, x, lift_xsp(l, a64_rn(word)), IR_NONE, 0, imm, a64_rt(word));
    put(l, x, a64_rt(word), v);
}

/* Pre- and post-indexed: the base is written last but for a load into it (unpredictable: then the
 * loaded value wins). */
static void indexed(struct lift *l, uint32_t word, struct access x, bool pre)
{
    int64_t imm = a64_signed(word, 12, 9);
    ir_ref base = lift_xsp(l, a64_rn(word));
    ir_ref v = perform(l, x, base, IR_NONE, 0, pre ? imm : 0, a64_rt(word));
    ir_ref moved = lift_op(l, IR_ADD, 8, base, lift_const(l, (uint64_t)imm));
    lift_put_xsp(l, a64_rn(word), moved);
    put(l, x, a64_rt(word), v);
}

static void by_register(struct lift *l, uint32_t word, struct access x)
{
    unsigned option = word >> 13 & 7, scale = word >> 12 & 1 ? (unsigned)__builtin_ctz(x.size) : 0;
    ir_ref base = lift_xsp(l, a64_rn(word)), index = IR_NONE;
    if (a64_rm(word) == 31)
        scale = 0; /* no index is shorter than a zero one */
    else
        index = lift_x(l, a64_rm(word));
    if (index != IR_NONE && (option & 3) != 3)
        index = lift_opx(l, option & 4 ? IR_SEXT : IR_ZEXT, 8, index, IR_NONE, IR_NONE, 0, 4);
    ir_ref v = perform(l, x, base, index, scale, 0, a64_rt(word));
    put(l, x, a64_rt(word), v);
}

static int64_t scaled(uint32_t word, struct access x)
{
    return (int64_t)(word >> 10 & 0xfff) * x.size;
}

static int64_t imm9(uint32_t word)
{
    return a64_signed(word, 12, 9);
}

#define FORMS(name, how)                                                                           \
    LIFT(name##_uimm)                                                                              \
    {                                                                                              \
        struct access x = how;                                                                     \
        at_offset(l, word, x, scaled(word, x));                                                    \
    }                                                                                              \
    LIFT(name##_unscaled)                                                                          \
    {                                                                                              \
        at_offset(l, word, how, imm9(word));                                                       \
    }                                                                                              \
    LIFT(name##_post)                                                                              \
    {                                                                                              \
        indexed(l, word, how, false);                                                              \
    }                                                                                              \
    LIFT(name##_pre)                                                                               \
    {                                                                                              \
        indexed(l, word, how, true);                                                               \
    }                                                                                              \
    LIFT(name##_reg)                                                                               \
    {                                                                                              \
        by_register(l, word, how);                                                                 \
    }

FORMS(str, general(word, false, PLAIN))
FORMS(ldr, general(word, true, PLAIN))
FORMS(ldrs64, general(word, true, TO64))
FORMS(ldrs32, general(word, true, TO32))
FORMS(str_fp, vector(word, false))
FORMS(ldr_fp, vector(word, true))

LIFT(str_unpriv)
{
    at_offset(l, word, general(word, false, PLAIN), imm9(word));
}

LIFT(ldr_unpriv)
{
    at_offset(l, word, general(word, true, PLAIN), imm9(word));
}

LIFT(ldrs64_unpriv)
{
    at_offset(l, word, general(word, true, TO64), imm9(word));
}

LIFT(ldrs32_unpriv)
{
    at_offset(l, word, general(word, true, TO32), imm9(word));
}

/* ---- prefetch: nothing ---- */
LIFT(prfm_uimm)
{
    (void)l;
    (void)word;
}

LIFT(prfm_unscaled)
{
    (void)l;
    (void)word;
}

LIFT(prfm_reg)
{
    (void)l;
    (void)word;
}

LIFT(prfm_lit)
{
    (void)l;
    (void)word;
}

/* ---- literals ---- */
LIFT(ldr_lit)
{
    static const struct access forms[3] = {
        {true, false, 4, PLAIN}, {true, false, 8, PLAIN}, {true, false, 4, TO64}};
    struct access x = forms[word >> 30];
    ir_ref a = lift_const(l, l->pc + (uint64_t)(a64_signed(word, 5, 19) * 4));
    put(l, x, a64_rt(word), perform(l, x, a, IR_NONE, 0, 0, a64_rt(word)));
}

LIFT(ldr_lit_fp)
{
    struct access x = {true, true, (uint8_t)(4u << (word >> 30)), PLAIN};
    ir_ref a = lift_const(l, l->pc + (uint64_t)(a64_signed(word, 5, 19) * 4));
    put(l, x, a64_rt(word), perform(l, x, a, IR_NONE, 0, 0, a64_rt(word)));
}

/* ---- pairs ---- */
enum pair_mode { OFFSET, POST, PRE };

static void pair(struct lift *l, uint32_t word, bool load, enum pair_mode mode)
{
    bool vec = word >> 26 & 1;
    unsigned opc = word >> 30, rt = a64_rt(word), rt2 = a64_rt2(word);
    struct access x = {load, vec, 0, PLAIN};
    if (vec)
        x.size = (uint8_t)(4u << opc);
    else
        x.size = opc == 2 ? 8 : 4;
    if (!vec && opc == 1)
        x.extend = TO64;
    int64_t imm = a64_signed(word, 15, 7) * x.size;
    ir_ref base = lift_xsp(l, a64_rn(word));
    int64_t at = mode == POST ? 0 : imm;
    ir_ref v = perform(l, x, base, IR_NONE, 0, at, rt);
    ir_ref v2 = perform(l, x, base, IR_NONE, 0, at + x.size, rt2);
    if (mode != OFFSET) {
        ir_ref moved = lift_op(l, IR_ADD, 8, base, lift_const(l, (uint64_t)imm));
        lift_put_xsp(l, a64_rn(word), moved);
    }
    put(l, x, rt, v);
    put(l, x, rt2, v2);
}

#define PAIRS(name, load)                                                                          \
    LIFT(name##np)                                                                                 \
    {                                                                                              \
        pair(l, word, load, OFFSET);                                                               \
    }                                                                                              \
    LIFT(name##np_fp)                                                                              \
    {                                                                                              \
        pair(l, word, load, OFFSET);                                                               \
    }                                                                                              \
    LIFT(name##p_off)                                                                              \
    {                                                                                              \
        pair(l, word, load, OFFSET);                                                               \
    }                                                                                              \
    LIFT(name##p_post)                                                                             \
    {                                                                                              \
        pair(l, word, load, POST);                                                                 \
    }                                                                                              \
    LIFT(name##p_pre)                                                                              \
    {                                                                                              \
        pair(l, word, load, PRE);                                                                  \
    }                                                                                              \
    LIFT(name##p_fp_off)                                                                           \
    {                                                                                              \
        pair(l, word, load, OFFSET);                                                               \
    }                                                                                              \
    LIFT(name##p_fp_post)                                                                          \
    {                                                                                              \
        pair(l, word, load, POST);                                                                 \
    }                                                                                              \
    LIFT(name##p_fp_pre)                                                                           \
    {                                                                                              \
        pair(l, word, load, PRE);                                                                  \
    }

PAIRS(st, false)
PAIRS(ld, true)
