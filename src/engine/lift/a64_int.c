/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer data processing (Arm ARM C4.1.93, C4.1.95).
 *
 * The IR is what gives good code, not what is shortest to write: a shifted addend is one ADDSH,
 * MOVK behind MOVZ one constant, CSET one SETC. Operations that only keep flags alive (ADC, SBC
 * without S) read the carry as a number.
 */
#include "engine/lift/a64_lift.h"

/* ---- addition and subtraction ---- */
static void add_sub_imm(struct lift *l, uint32_t word, enum ir_op op, bool flags)
{
    uint64_t imm = (uint64_t)(word >> 10 & 0xfff) << (word >> 22 & 1 ? 12 : 0);
    unsigned size = a64_size(word);
    ir_ref a = lift_xsp(l, a64_rn(word));
    ir_ref v = lift_op(l, op, size, a, lift_const(l, imm));
    if (flags)
        lift_put_flags(l, v);
    if (flags)
        lift_put_x(l, a64_rd(word), v);
    else
        lift_put_xsp(l, a64_rd(word), v);
}

LIFT(add_imm)
{
    add_sub_imm(l, word, IR_ADD, false);
}

LIFT(sub_imm)
{
    add_sub_imm(l, word, IR_SUB, false);
}

LIFT(adds_imm)
{
    add_sub_imm(l, word, IR_ADDS, true);
}

LIFT(subs_imm)
{
    add_sub_imm(l, word, IR_SUBS, true);
}

/* A register shifted by a constant (DecodeShift: LSL LSR ASR ROR). */
static ir_ref shifted(struct lift *l, uint32_t word)
{
    static const uint8_t ops[4] = {IR_SHL, IR_SHR, IR_SAR, IR_ROR};
    unsigned n = word >> 10 & 63;
    ir_ref v = lift_x(l, a64_rm(word));
    if (!n)
        return v;
    return lift_op(l, ops[word >> 22 & 3], a64_size(word), v, lift_const(l, n));
}

static void add_sub_reg(struct lift *l, uint32_t word, enum ir_op op, bool flags)
{
    unsigned size = a64_size(word), n = word >> 10 & 63;
    ir_ref a = lift_x(l, a64_rn(word));
    ir_ref v;
    if (op == IR_ADD && n && (word >> 22 & 3) == 0 && a64_rn(word) != 31)
        v = lift_opx(l, IR_ADDSH, size, a, lift_x(l, a64_rm(word)), IR_NONE, 0, n);
    else
        v = lift_op(l, op, size, a, shifted(l, word));
    if (flags)
        lift_put_flags(l, v);
    lift_put_x(l, a64_rd(word), v);
}

LIFT(add_reg)
{
    add_sub_reg(l, word, IR_ADD, false);
}

LIFT(sub_reg)
{
    add_sub_reg(l, word, IR_SUB, false);
}

LIFT(adds_reg)
{
    add_sub_reg(l, word, IR_ADDS, true);
}

LIFT(subs_reg)
{
    add_sub_reg(l, word, IR_SUBS, true);
}

/* ExtendReg: UXTB UXTH UXTW UXTX SXTB ... */
static ir_ref extended(struct lift *l, unsigned rm, unsigned option)
{
    static const uint8_t bytes[4] = {1, 2, 4, 8};
    ir_ref v = lift_x(l, rm);
    unsigned n = bytes[option & 3];
    if (n == 8)
        return v;
    return lift_opx(l, option & 4 ? IR_SEXT : IR_ZEXT, 8, v, IR_NONE, IR_NONE, 0, n);
}

static void add_sub_ext(struct lift *l, uint32_t word, enum ir_op op, bool flags)
{
    unsigned size = a64_size(word), n = word >> 10 & 7;
    ir_ref a = lift_xsp(l, a64_rn(word));
    ir_ref b = extended(l, a64_rm(word), word >> 13 & 7);
    ir_ref v;
    if (op == IR_ADD && n)
        v = lift_opx(l, IR_ADDSH, size, a, b, IR_NONE, 0, n);
    else
        v = lift_op(l, op, size, a, lift_op(l, IR_SHL, 8, b, lift_const(l, n)));
    if (flags) {
        lift_put_flags(l, v);
        lift_put_x(l, a64_rd(word), v);
    } else {
        lift_put_xsp(l, a64_rd(word), v);
    }
}

LIFT(add_ext)
{
    add_sub_ext(l, word, IR_ADD, false);
}

LIFT(sub_ext)
{
    add_sub_ext(l, word, IR_SUB, false);
}

LIFT(adds_ext)
{
    add_sub_ext(l, word, IR_ADDS, true);
}

LIFT(subs_ext)
{
    add_sub_ext(l, word, IR_SUBS, true);
}

static void with_carry(struct lift *l, uint32_t word, enum ir_op op, bool flags)
{
    ir_ref f = lift_flags(l);
    ir_ref v = lift_op3(l, op, a64_size(word), lift_x(l, a64_rn(word)), lift_x(l, a64_rm(word)), f);
    if (flags)
        lift_put_flags(l, v);
    else
        l->flags = IR_NONE; /* EFLAGS hold the sum's now: the guest's are read again */
    lift_put_x(l, a64_rd(word), v);
}

LIFT(adcs)
{
    with_carry(l, word, IR_ADC, true);
}

LIFT(sbcs)
{
    with_carry(l, word, IR_SBC, true);
}

/* Without flags: the carry as a number. */
static void add_carry(struct lift *l, uint32_t word, bool subtract)
{
    unsigned size = a64_size(word);
    ir_ref a = lift_x(l, a64_rn(word)), b = lift_x(l, a64_rm(word));
    ir_ref c =
        lift_opx(l, IR_SETC, size, lift_flags(l), IR_NONE, IR_NONE, subtract ? IR_CC : IR_CS, 0);
    ir_ref v = lift_op(l, subtract ? IR_SUB : IR_ADD, size, a, b);
    lift_put_x(l, a64_rd(word), lift_op(l, subtract ? IR_SUB : IR_ADD, size, v, c));
}

LIFT(adc)
{
    add_carry(l, word, false);
}

LIFT(sbc)
{
    add_carry(l, word, true);
}

/* ---- logic ---- */
static void logic_imm(struct lift *l, uint32_t word, enum ir_op op)
{
    uint64_t imm = a64_bitmask(word >> 31, word >> 22 & 1, word >> 16 & 63, word >> 10 & 63);
    ir_ref v = lift_op(l, op, a64_size(word), lift_x(l, a64_rn(word)), lift_const(l, imm));
    if (op == IR_ANDS) {
        lift_put_flags(l, v);
        lift_put_x(l, a64_rd(word), v);
    } else {
        lift_put_xsp(l, a64_rd(word), v);
    }
}

LIFT(and_imm)
{
    logic_imm(l, word, IR_AND);
}

LIFT(orr_imm)
{
    logic_imm(l, word, IR_OR);
}

LIFT(eor_imm)
{
    logic_imm(l, word, IR_XOR);
}

LIFT(ands_imm)
{
    logic_imm(l, word, IR_ANDS);
}

static void logic_reg(struct lift *l, uint32_t word, enum ir_op op, bool invert)
{
    unsigned size = a64_size(word);
    ir_ref b = shifted(l, word), v;
    if (op == IR_OR && !invert && a64_rn(word) == 31) { /* mov */
        v = size == 8 ? b : lift_opx(l, IR_ZEXT, 8, b, IR_NONE, IR_NONE, 0, 4);
    } else if (op == IR_OR && invert && a64_rn(word) == 31) { /* mvn */
        v = lift_op(l, IR_NOT, size, b, IR_NONE);
    } else if (op == IR_AND && invert) {
        v = lift_op(l, IR_ANDN, size, lift_x(l, a64_rn(word)), b);
    } else {
        if (invert)
            b = lift_op(l, IR_NOT, size, b, IR_NONE);
        v = lift_op(l, op, size, lift_x(l, a64_rn(word)), b);
    }
    if (op == IR_ANDS)
        lift_put_flags(l, v);
    lift_put_x(l, a64_rd(word), v);
}

LIFT(and_reg)
{
    logic_reg(l, word, IR_AND, false);
}

LIFT(bic_reg)
{
    logic_reg(l, word, IR_AND, true);
}

LIFT(orr_reg)
{
    logic_reg(l, word, IR_OR, false);
}

LIFT(orn_reg)
{
    logic_reg(l, word, IR_OR, true);
}

LIFT(eor_reg)
{
    logic_reg(l, word, IR_XOR, false);
}

LIFT(eon_reg)
{
    logic_reg(l, word, IR_XOR, true);
}

LIFT(ands_reg)
{
    logic_reg(l, word, IR_ANDS, false);
}

LIFT(bics_reg)
{
    logic_reg(l, word, IR_ANDS, true);
}

/* ---- constants and addresses ---- */
LIFT(adr)
{
    uint64_t imm = (uint64_t)(a64_signed(word, 5, 19) * 4) | (word >> 29 & 3);
    lift_put_x(l, a64_rd(word), lift_const(l, l->pc + imm));
}

LIFT(adrp)
{
    uint64_t imm = (uint64_t)(a64_signed(word, 5, 19) * 4) | (word >> 29 & 3);
    lift_put_x(l, a64_rd(word), lift_const(l, (l->pc & ~0xfffull) + (imm << 12)));
}

LIFT(movz)
{
    uint64_t imm = (uint64_t)(word >> 5 & 0xffff) << (16 * (word >> 21 & 3));
    lift_put_x(l, a64_rd(word), lift_const(l, imm));
}

LIFT(movn)
{
    uint64_t imm = ~((uint64_t)(word >> 5 & 0xffff) << (16 * (word >> 21 & 3)));
    lift_put_x(l, a64_rd(word), lift_const(l, word >> 31 ? imm : (uint32_t)imm));
}

LIFT(movk)
{
    unsigned at = 16 * (word >> 21 & 3), size = a64_size(word);
    uint64_t imm = word >> 5 & 0xffff, v;
    ir_ref old = lift_x(l, a64_rd(word));
    if (lift_is_const(l, old, &v)) {
        v = (v & ~(0xffffull << at)) | imm << at;
        lift_put_x(l, a64_rd(word), lift_const(l, size == 8 ? v : (uint32_t)v));
        return;
    }
    ir_ref r = lift_opx(l, IR_BFI, size, old, lift_const(l, imm), IR_NONE, 0, at | 16 << 8);
    lift_put_x(l, a64_rd(word), r);
}

/* ---- bit fields ---- */
static void bitfield(struct lift *l, uint32_t word, bool sign)
{
    unsigned size = a64_size(word), bits = size * 8;
    unsigned r = word >> 16 & 63, s = word >> 10 & 63;
    ir_ref a = lift_x(l, a64_rn(word)), v;
    if (s >= r) {
        v = lift_opx(l, sign ? IR_SBFX : IR_UBFX, size, a, IR_NONE, IR_NONE, 0,
                     r | (uint64_t)(s - r + 1) << 8);
    } else if (!sign && s + 1 == r) {
        v = lift_op(l, IR_SHL, size, a, lift_const(l, bits - r));
    } else { /* the low s + 1 bits, moved up */
        v = lift_opx(l, sign ? IR_SBFX : IR_UBFX, size, a, IR_NONE, IR_NONE, 0,
                     (uint64_t)(s + 1) << 8);
        v = lift_op(l, IR_SHL, size, v, lift_const(l, bits - r));
    }
    lift_put_x(l, a64_rd(word), v);
}

LIFT(sbfm)
{
    bitfield(l, word, true);
}

LIFT(ubfm)
{
    bitfield(l, word, false);
}

LIFT(bfm)
{
    unsigned size = a64_size(word), bits = size * 8;
    unsigned r = word >> 16 & 63, s = word >> 10 & 63;
    ir_ref b = lift_x(l, a64_rn(word)), a = lift_x(l, a64_rd(word));
    unsigned at = 0, width = s + 1;
    if (s >= r) {
        width = s - r + 1;
        b = lift_op(l, IR_SHR, size, b, lift_const(l, r));
    } else {
        at = bits - r;
    }
    ir_ref v = lift_opx(l, IR_BFI, size, a, b, IR_NONE, 0, at | (uint64_t)width << 8);
    lift_put_x(l, a64_rd(word), v);
}

LIFT(extr)
{
    ir_ref a = lift_x(l, a64_rn(word)),
           b = a64_rn(word) == a64_rm(word) ? a : lift_x(l, a64_rm(word));
    unsigned n = word >> 10 & 63;
    lift_put_x(l, a64_rd(word), lift_opx(l, IR_EXTR, a64_size(word), a, b, IR_NONE, 0, n));
}

/* ---- conditional ---- */
static ir_ref select(struct lift *l, uint32_t word, ir_ref a, ir_ref b)
{
    return lift_opx(l, IR_SELECT, a64_size(word), lift_flags(l), a, b, word >> 12 & 15, 0);
}

/* csel, csinc, csinv, csneg: the second operand through op. */
static void conditional_select(struct lift *l, uint32_t word, enum ir_op op)
{
    unsigned size = a64_size(word), n = a64_rn(word), m = a64_rm(word), cond = word >> 12 & 15;
    if (op == IR_ADD && n == 31 && m == 31 && cond < IR_AL) { /* cset */
        lift_put_x(l, a64_rd(word),
                   lift_opx(l, IR_SETC, size, lift_flags(l), IR_NONE, IR_NONE, cond ^ 1, 0));
        return;
    }
    ir_ref f = lift_flags(l), b = lift_x(l, m);
    (void)f;
    if (op == IR_ADD)
        b = lift_op(l, op, size, b, lift_const(l, 1));
    else if (op != IR_NOP)
        b = lift_op(l, op, size, b, IR_NONE);
    lift_put_x(l, a64_rd(word), select(l, word, lift_x(l, n), b));
}

LIFT(csel)
{
    conditional_select(l, word, IR_NOP);
}

LIFT(csinc)
{
    conditional_select(l, word, IR_ADD);
}

LIFT(csinv)
{
    conditional_select(l, word, IR_NOT);
}

LIFT(csneg)
{
    conditional_select(l, word, IR_NEG);
}

static void compare_if(struct lift *l, uint32_t word, enum ir_op op, ir_ref b)
{
    ir_ref a = lift_x(l, a64_rn(word));
    ir_ref f = lift_opx(l, op, a64_size(word), a, b, lift_flags(l), word >> 12 & 15, word & 15);
    lift_put_flags(l, f);
}

LIFT(ccmp_reg)
{
    compare_if(l, word, IR_CCMP, lift_x(l, a64_rm(word)));
}

LIFT(ccmn_reg)
{
    compare_if(l, word, IR_CCMN, lift_x(l, a64_rm(word)));
}

LIFT(ccmp_imm)
{
    compare_if(l, word, IR_CCMP, lift_const(l, word >> 16 & 31));
}

LIFT(ccmn_imm)
{
    compare_if(l, word, IR_CCMN, lift_const(l, word >> 16 & 31));
}

/* ---- two sources, one source, three sources ---- */
static void two(struct lift *l, uint32_t word, enum ir_op op)
{
    ir_ref a = lift_x(l, a64_rn(word)), b = lift_x(l, a64_rm(word));
    lift_put_x(l, a64_rd(word), lift_op(l, op, a64_size(word), a, b));
}

LIFT(udiv)
{
    two(l, word, IR_UDIV);
}

LIFT(sdiv)
{
    two(l, word, IR_SDIV);
}

LIFT(lslv)
{
    two(l, word, IR_SHL);
}

LIFT(lsrv)
{
    two(l, word, IR_SHR);
}

LIFT(asrv)
{
    two(l, word, IR_SAR);
}

LIFT(rorv)
{
    two(l, word, IR_ROR);
}

LIFT(crc32)
{
    ir_ref a = lift_x(l, a64_rn(word)), b = lift_x(l, a64_rm(word));
    unsigned size = 1u << (word >> 10 & 3);
    ir_ref v;
    if (word >> 12 & 1)
        v = lift_opx(l, IR_CRC32, size, a, b, IR_NONE, 0, 1);
    else
        v = lift_opx(l, IR_HELPI, 8, a, b, IR_NONE, IR_HELPER_crc32, size);
    lift_put_x(l, a64_rd(word), v);
}

static void one(struct lift *l, uint32_t word, enum ir_op op)
{
    lift_put_x(l, a64_rd(word), lift_op(l, op, a64_size(word), lift_x(l, a64_rn(word)), IR_NONE));
}

LIFT(rbit)
{
    one(l, word, IR_RBIT);
}

LIFT(rev16)
{
    one(l, word, IR_REV16);
}

LIFT(rev32)
{
    one(l, word, word >> 31 ? IR_REV32 : IR_REV);
}

LIFT(rev64)
{
    one(l, word, IR_REV);
}

LIFT(clz)
{
    one(l, word, IR_CLZ);
}

/* Bits behind the sign that equal it: the leading zeros of x ^ (x << 1), with a one below. */
LIFT(cls)
{
    unsigned size = a64_size(word);
    ir_ref a = lift_x(l, a64_rn(word));
    ir_ref d = lift_op(l, IR_XOR, size, a, lift_op(l, IR_SHL, size, a, lift_const(l, 1)));
    d = lift_op(l, IR_OR, size, d, lift_const(l, 1));
    lift_put_x(l, a64_rd(word), lift_op(l, IR_CLZ, size, d, IR_NONE));
}

static void multiply_add(struct lift *l, uint32_t word, enum ir_op op)
{
    unsigned size = a64_size(word), ra = word >> 10 & 31;
    ir_ref p = lift_op(l, IR_MUL, size, lift_x(l, a64_rn(word)), lift_x(l, a64_rm(word)));
    if (ra == 31 && op == IR_SUB)
        p = lift_op(l, IR_NEG, size, p, IR_NONE);
    else if (ra != 31)
        p = lift_op(l, op, size, lift_x(l, ra), p);
    lift_put_x(l, a64_rd(word), p);
}

LIFT(madd)
{
    multiply_add(l, word, IR_ADD);
}

LIFT(msub)
{
    multiply_add(l, word, IR_SUB);
}

static void multiply_long(struct lift *l, uint32_t word, enum ir_op extend, enum ir_op op)
{
    unsigned ra = word >> 10 & 31;
    ir_ref a = lift_opx(l, extend, 8, lift_x(l, a64_rn(word)), IR_NONE, IR_NONE, 0, 4);
    ir_ref b = lift_opx(l, extend, 8, lift_x(l, a64_rm(word)), IR_NONE, IR_NONE, 0, 4);
    ir_ref p = lift_op(l, IR_MUL, 8, a, b);
    if (ra == 31 && op == IR_SUB)
        p = lift_op(l, IR_NEG, 8, p, IR_NONE);
    else if (ra != 31)
        p = lift_op(l, op, 8, lift_x(l, ra), p);
    lift_put_x(l, a64_rd(word), p);
}

LIFT(smaddl)
{
    multiply_long(l, word, IR_SEXT, IR_ADD);
}

LIFT(smsubl)
{
    multiply_long(l, word, IR_SEXT, IR_SUB);
}

LIFT(umaddl)
{
    multiply_long(l, word, IR_ZEXT, IR_ADD);
}

LIFT(umsubl)
{
    multiply_long(l, word, IR_ZEXT, IR_SUB);
}

LIFT(smulh)
{
    two(l, word, IR_SMULH);
}

LIFT(umulh)
{
    two(l, word, IR_UMULH);
}
