/* SPDX-License-Identifier: Apache-2.0
 *
 * Operands of vector and floating-point instructions that a64.asm's picks cannot express: lists of
 * registers, elements, shifts in immh:immb, sizes in imm5, expanded immediates.
 */
#include "engine/isa/a64_disasm.h"

static const char letters[4][2] = {"b", "h", "s", "d"};

static const char *arrangement(unsigned size, unsigned q)
{
    static const char names[5][2][4] = {
        {"8b", "16b"}, {"4h", "8h"}, {"2s", "4s"}, {"1d", "2d"}, {"", "1q"}};
    return names[size][q];
}

static void put_number(struct a64_text *t, unsigned v)
{
    a64_put(t, "#");
    a64_put_unsigned(t, v);
}

static void put_index(struct a64_text *t, unsigned index)
{
    a64_put(t, "[");
    a64_put_unsigned(t, index);
    a64_put(t, "]");
}

static unsigned q_of(const struct a64_text *t)
{
    return a64_bits(t, 30, 1);
}

/* ---- structure loads and stores, table look-up ---- */
/* kind: what each register is to hold, an arrangement or a letter */
static void put_list(struct a64_text *t, unsigned count, unsigned first, const char *kind)
{
    a64_put(t, "{ ");
    for (unsigned i = 0; i < count; i++) {
        a64_put(t, i ? ", v" : "v");
        a64_put_unsigned(t, (first + i) % 32);
        a64_put(t, ".");
        a64_put(t, kind);
    }
    a64_put(t, " }");
}

/* The lane is in Q:S:size, less the bits that the element's width takes (Arm ARM C7.2, LD1). */
static void put_lanes(struct a64_text *t, unsigned count, unsigned size)
{
    put_list(t, count, a64_bits(t, 0, 5), letters[size]);
    put_index(t, (q_of(t) << 3 | a64_bits(t, 10, 3)) >> size);
}

/* What is added to the base: a register, or the bytes moved. */
static void put_post(struct a64_text *t, unsigned bytes)
{
    unsigned m = a64_bits(t, 16, 5);
    if (m == 31)
        put_number(t, bytes);
    else
        a64_put_gpr(t, true, m);
}

/* ---- elements ---- */
static unsigned imm5_size(const struct a64_text *t)
{
    return (unsigned)__builtin_ctz(a64_bits(t, 16, 5));
}

static void put_imm5_element(struct a64_text *t, bool second)
{
    unsigned size = imm5_size(t);
    a64_put(t, letters[size]);
    put_index(t, second ? a64_bits(t, 11, 4) >> size : a64_bits(t, 16, 5) >> (size + 1));
}

/* v<m>.<letter>[index] */
static void put_element(struct a64_text *t, unsigned m, const char *letter, unsigned index)
{
    a64_put(t, "v");
    a64_put_unsigned(t, m);
    a64_put(t, ".");
    a64_put(t, letter);
    put_index(t, index);
}

/* The index is in H, H:L or H:L:M; M is the register's upper bit where it is not the index's. */
static void put_by_element(struct a64_text *t, enum a64_asm kind)
{
    unsigned h = a64_bits(t, 11, 1), l = a64_bits(t, 21, 1), m = a64_bits(t, 16, 5);
    if (kind == A64_ASM_DOTELEM)
        return put_element(t, m, "4b", h << 1 | l);
    if (kind == A64_ASM_CELEM)
        return put_element(t, m, "s", h);
    if (kind == A64_ASM_FELEM && a64_bits(t, 22, 1))
        return put_element(t, m, "d", h);
    if (kind == A64_ASM_ELEM && a64_bits(t, 22, 2) == 1)
        return put_element(t, m & 15, "h", h << 2 | l << 1 | m >> 4);
    put_element(t, m, "s", h << 1 | l);
}

/* ---- shifts: immh:immb holds the element's size and the amount (Arm ARM C4.1.97) ---- */
static unsigned immh_size(const struct a64_text *t)
{
    return 31 - (unsigned)__builtin_clz(a64_bits(t, 19, 4) | 1);
}

static void put_shift(struct a64_text *t, bool left)
{
    unsigned width = 8u << immh_size(t), immhb = a64_bits(t, 16, 7);
    put_number(t, left ? immhb - width : 2 * width - immhb);
}

/* ---- expanded immediates ---- */
static unsigned imm8_of(const struct a64_text *t)
{
    return a64_bits(t, 16, 3) << 5 | a64_bits(t, 5, 5);
}

static void put_lsl8(struct a64_text *t)
{
    unsigned shift = a64_bits(t, 13, 2) * 8;
    if (shift) {
        a64_put(t, ", lsl #");
        a64_put_unsigned(t, shift);
    }
}

static void put_imm64(struct a64_text *t)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v |= imm8_of(t) >> i & 1 ? 0xffull << 8 * i : 0;
    a64_put(t, "#");
    a64_put_hex(t, v, 16);
}

/* VFPExpandImm: (16 + mantissa) / 16 times 2 to the -3 to 4; every such number is a multiple of
 * 1/128. */
static void put_float(struct a64_text *t, unsigned imm8)
{
    unsigned e = imm8 >> 4 & 7, power = e < 4 ? e + 4 : e - 4;
    unsigned v = (16 + (imm8 & 15)) << power;
    a64_put(t, imm8 >> 7 ? "#-" : "#");
    a64_put_unsigned(t, v / 128);
    a64_put(t, ".");
    unsigned fraction = v % 128 * 781250; /* of 100,000,000 */
    for (unsigned digit = 10000000; digit; digit /= 10)
        a64_put_unsigned(t, fraction / digit % 10);
}

void a64_put_simd(struct a64_text *t, enum a64_asm kind, unsigned argument)
{
    switch (kind) {
    case A64_ASM_LIST:
        return put_list(t, argument, a64_bits(t, 0, 5), arrangement(a64_bits(t, 10, 2), q_of(t)));
    case A64_ASM_LANESB:
        return put_lanes(t, argument, 0);
    case A64_ASM_LANESH:
        return put_lanes(t, argument, 1);
    case A64_ASM_LANESS:
        return put_lanes(t, argument, 2);
    case A64_ASM_LANESD:
        return put_lanes(t, argument, 3);
    case A64_ASM_TBL:
        return put_list(t, a64_bits(t, 13, 2) + 1, a64_bits(t, 5, 5), "16b");
    case A64_ASM_POST:
        return put_post(t, argument);
    case A64_ASM_POSTQ:
        return put_post(t, argument * (8u << q_of(t)));
    case A64_ASM_POSTR:
        return put_post(t, argument << a64_bits(t, 10, 2));
    case A64_ASM_IT:
        return a64_put(t, arrangement(imm5_size(t), q_of(t)));
    case A64_ASM_IX:
        return put_imm5_element(t, false);
    case A64_ASM_IX2:
        return put_imm5_element(t, true);
    case A64_ASM_ISIZE:
        return a64_put(t, letters[imm5_size(t)]);
    case A64_ASM_IR:
        return a64_put_gpr(t, imm5_size(t) == 3, a64_bits(t, argument, 5));
    case A64_ASM_ELEM:
    case A64_ASM_FELEM:
    case A64_ASM_DOTELEM:
    case A64_ASM_CELEM:
        return put_by_element(t, kind);
    case A64_ASM_HT:
        return a64_put(t, arrangement(immh_size(t), q_of(t)));
    case A64_ASM_HTW:
        return a64_put(t, arrangement(immh_size(t) + 1, 1));
    case A64_ASM_HSIZE:
        return a64_put(t, letters[immh_size(t)]);
    case A64_ASM_HWSIZE:
        return a64_put(t, letters[immh_size(t) + 1]);
    case A64_ASM_SHR:
        return put_shift(t, false);
    case A64_ASM_SHL:
        return put_shift(t, true);
    case A64_ASM_IMM8:
        return put_number(t, imm8_of(t));
    case A64_ASM_LSL8:
        return put_lsl8(t);
    case A64_ASM_IMM64:
        return put_imm64(t);
    case A64_ASM_VFIMM:
        return put_float(t, imm8_of(t));
    case A64_ASM_FIMM:
        return put_float(t, a64_bits(t, 13, 8));
    case A64_ASM_FBITS:
        return put_number(t, 64 - a64_bits(t, 10, 6));
    default:
        return;
    }
}
