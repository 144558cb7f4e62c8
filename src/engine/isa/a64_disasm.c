/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of an instruction word: chooses the row's template and prints its operands.
 *
 * Templates, strings chosen by bits (picks) and preferred aliases stand in a64.isa and a64.asm;
 * here are the operands that have to be computed, those of vectors in a64_disasm_simd.c. The text
 * is LLVM's (mnemonic, blank, operands), except that targets of branches are addresses.
 *
 * 1. No libc: the freestanding engine prints dumps with it.
 * 2. What does not fit is cut off; the text always ends with a NUL when there is room for one.
 */
#include "engine/isa/a64_disasm.h"

static void put_char(struct a64_text *t, char c)
{
    if (t->length + 1 < t->room) {
        t->to[t->length++] = c;
        t->to[t->length] = 0;
    }
}

void a64_put(struct a64_text *t, const char *s)
{
    while (*s)
        put_char(t, *s++);
}

void a64_put_unsigned(struct a64_text *t, uint64_t v)
{
    if (v > 9)
        a64_put_unsigned(t, v / 10);
    put_char(t, (char)('0' + v % 10));
}

void a64_put_signed(struct a64_text *t, int64_t v)
{
    if (v < 0)
        put_char(t, '-');
    a64_put_unsigned(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void a64_put_hex(struct a64_text *t, uint64_t v, unsigned digits)
{
    a64_put(t, "0x");
    unsigned n = v ? (67u - (unsigned)__builtin_clzll(v)) / 4 : 1;
    for (n = n < digits ? digits : n; n--;)
        put_char(t, "0123456789abcdef"[v >> n * 4 & 15]);
}

static void put_imm(struct a64_text *t, int64_t v)
{
    put_char(t, '#');
    a64_put_signed(t, v);
}

/* ", #v", nothing for 0 */
static void put_offset(struct a64_text *t, int64_t v)
{
    if (v) {
        a64_put(t, ", ");
        put_imm(t, v);
    }
}

void a64_put_gpr(struct a64_text *t, bool wide, unsigned number)
{
    put_char(t, wide ? 'x' : 'w');
    if (number == 31)
        a64_put(t, "zr");
    else
        a64_put_unsigned(t, number);
}

static void put_gpr_sp(struct a64_text *t, bool wide, unsigned number)
{
    if (number == 31)
        a64_put(t, wide ? "sp" : "wsp");
    else
        a64_put_gpr(t, wide, number);
}

static int64_t sign_extended(uint64_t v, unsigned width)
{
    return (int64_t)(v << (64 - width)) >> (64 - width);
}

static bool is_wide(const struct a64_text *t)
{
    return t->word >> 31;
}

static void put_cond(struct a64_text *t, unsigned cond)
{
    static const char names[16][3] = {"eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc",
                                      "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"};
    a64_put(t, names[cond]);
}

/* ---- immediates ---- */
static void put_shift(struct a64_text *t)
{
    static const char names[4][4] = {"lsl", "lsr", "asr", "ror"};
    unsigned type = a64_bits(t, 22, 2), amount = a64_bits(t, 10, 6);
    if (!type && !amount)
        return;
    a64_put(t, ", ");
    a64_put(t, names[type]);
    a64_put(t, " #");
    a64_put_unsigned(t, amount);
}

/* An immediate with its left shift. */
static void put_imm_lsl(struct a64_text *t, unsigned imm, unsigned shift)
{
    put_imm(t, imm);
    if (shift) {
        a64_put(t, ", lsl #");
        a64_put_unsigned(t, shift);
    }
}

static uint64_t bitmask(const struct a64_text *t)
{
    return a64_bitmask(is_wide(t), a64_bits(t, 22, 1), a64_bits(t, 16, 6), a64_bits(t, 10, 6));
}

static void put_imm_hex(struct a64_text *t, uint64_t v)
{
    put_char(t, '#');
    if (v)
        a64_put_hex(t, v, 1);
    else
        put_char(t, '0');
}

static void put_moved(struct a64_text *t, uint64_t v)
{
    put_imm(t, is_wide(t) ? (int64_t)v : (int32_t)v);
}

static uint64_t movz_value(const struct a64_text *t)
{
    return (uint64_t)a64_bits(t, 5, 16) << a64_bits(t, 21, 2) * 16;
}

/* The bit field instructions' operands: width - immr, imms + 1, imms - immr + 1. */
static void put_bf(struct a64_text *t, enum a64_asm kind)
{
    unsigned immr = a64_bits(t, 16, 6), imms = a64_bits(t, 10, 6);
    if (kind == A64_ASM_BFLSB)
        put_imm(t, (0 - immr) & (is_wide(t) ? 63 : 31));
    else
        put_imm(t, kind == A64_ASM_BFWID ? imms + 1 : imms - immr + 1);
}

/* ---- extended registers ---- */
/* plain: this instruction's UXTW or UXTX is written as LSL, because sp takes part. */
static void put_ext(struct a64_text *t, bool plain)
{
    static const char names[8][5] = {"uxtb", "uxth", "uxtw", "uxtx",
                                     "sxtb", "sxth", "sxtw", "sxtx"};
    unsigned option = a64_bits(t, 13, 3), amount = a64_bits(t, 10, 3);
    a64_put_gpr(t, is_wide(t) && (option & 3) == 3, a64_bits(t, 16, 5));
    if (plain && option == (is_wide(t) ? 3 : 2)) {
        if (amount) {
            a64_put(t, ", lsl #");
            a64_put_unsigned(t, amount);
        }
        return;
    }
    a64_put(t, ", ");
    a64_put(t, names[option]);
    if (amount) {
        a64_put(t, " #");
        a64_put_unsigned(t, amount);
    }
}

static void put_mem_ext(struct a64_text *t, unsigned size)
{
    unsigned option = a64_bits(t, 13, 3), scaled = a64_bits(t, 12, 1);
    a64_put_gpr(t, option & 1, a64_bits(t, 16, 5));
    if (option == 3 && !scaled)
        return;
    a64_put(t, option == 3 ? ", lsl" : option == 2 ? ", uxtw" : option == 6 ? ", sxtw" : ", sxtx");
    if (scaled) {
        a64_put(t, " #");
        a64_put_unsigned(t, size);
    }
}

/* ---- addresses ---- */
static unsigned mem_size(const struct a64_text *t) /* log2 */
{
    return a64_bits(t, 30, 2);
}

static unsigned mem_vsize(const struct a64_text *t)
{
    return a64_bits(t, 30, 2) | a64_bits(t, 23, 1) << 2;
}

static int64_t pair_offset(const struct a64_text *t, bool fp)
{
    unsigned opc = a64_bits(t, 30, 2), scale = fp ? 4u << opc : opc == 2 ? 8 : 4;
    return sign_extended(a64_bits(t, 15, 7), 7) * (int)scale;
}

static int64_t offset9(const struct a64_text *t)
{
    return sign_extended(a64_bits(t, 12, 9), 9);
}

static void put_adr(struct a64_text *t, bool page)
{
    int64_t imm = sign_extended(a64_bits(t, 5, 19) << 2 | a64_bits(t, 29, 2), 21);
    a64_put_hex(t, page ? (t->pc & ~0xfffull) + (uint64_t)imm * 4096 : t->pc + (uint64_t)imm, 1);
}

static void put_target(struct a64_text *t, unsigned at, unsigned width)
{
    a64_put_hex(t, t->pc + (uint64_t)sign_extended(a64_bits(t, at, width), width) * 4, 1);
}

static void put_sysreg(struct a64_text *t)
{
    unsigned place = 0x8000 | a64_bits(t, 5, 15);
    for (const struct a64_sysreg *s = a64_sysregs; s->name; s++)
        if (s->place == place)
            return a64_put(t, s->name);
    const unsigned parts[5] = {place >> 14, place >> 11 & 7, place >> 7 & 15, place >> 3 & 15,
                               place & 7};
    static const char before[5][3] = {"S", "_", "_C", "_C", "_"};
    for (int i = 0; i < 5; i++) {
        a64_put(t, before[i]);
        a64_put_unsigned(t, parts[i]);
    }
}

static void put_pick(struct a64_text *t, const struct a64_pick *p)
{
    a64_put(t,
            p->what[a64_bits(t, p->at0, p->width0) << p->width1 | a64_bits(t, p->at1, p->width1)]);
}

static void put_name(struct a64_text *t)
{
    for (const char *s = a64_row_info[t->row].name; *s && *s != '_'; s++)
        put_char(t, *s);
}

/* a, w: the place and width of a field, or a is a number */
static void put_operand(struct a64_text *t, enum a64_asm kind, unsigned a, unsigned w)
{
    switch (kind) {
    case A64_ASM_PICK:
        return put_pick(t, &a64_picks[a]);
    case A64_ASM_NAME:
        return put_name(t);
    case A64_ASM_N:
        return a64_put_unsigned(t, a64_bits(t, a, w));
    case A64_ASM_U:
        return put_imm(t, a64_bits(t, a, w));
    case A64_ASM_HEX:
        return put_imm_hex(t, a64_bits(t, a, w));
    case A64_ASM_X:
        return a64_put_gpr(t, true, a64_bits(t, a, w));
    case A64_ASM_W:
        return a64_put_gpr(t, false, a64_bits(t, a, w));
    case A64_ASM_R:
        return a64_put_gpr(t, is_wide(t), a64_bits(t, a, w));
    case A64_ASM_RZ:
        return a64_put_gpr(t, mem_size(t) == 3, a64_bits(t, a, w));
    case A64_ASM_P:
        return a64_put_gpr(t, a64_bits(t, 30, 1), a64_bits(t, a, w));
    case A64_ASM_P1: /* the second of two registers; the first is even */
        return a64_put_gpr(t, a64_bits(t, 30, 1), a64_bits(t, a, w) + 1);
    case A64_ASM_XSP:
        return put_gpr_sp(t, true, a64_bits(t, a, w));
    case A64_ASM_RSP:
        return put_gpr_sp(t, is_wide(t), a64_bits(t, a, w));
    case A64_ASM_COND:
        return put_cond(t, a64_bits(t, a, w));
    case A64_ASM_ICOND:
        return put_cond(t, a64_bits(t, a, w) ^ 1);
    case A64_ASM_SHIFT:
        return put_shift(t);
    case A64_ASM_IMM12:
        return put_imm_lsl(t, a64_bits(t, 10, 12), a64_bits(t, 22, 1) * 12);
    case A64_ASM_IMM16:
        return put_imm_lsl(t, a64_bits(t, 5, 16), a64_bits(t, 21, 2) * 16);
    case A64_ASM_MOVZ:
        return put_moved(t, movz_value(t));
    case A64_ASM_MOVN:
        return put_moved(t, ~movz_value(t));
    case A64_ASM_BITMASK:
        return put_imm_hex(t, bitmask(t));
    case A64_ASM_SBITMASK:
        return put_moved(t, bitmask(t));
    case A64_ASM_BFLSB:
    case A64_ASM_BFWID:
    case A64_ASM_BFXWID:
        return put_bf(t, kind);
    case A64_ASM_TBBIT:
        return put_imm(t, a64_bits(t, 31, 1) << 5 | a64_bits(t, 19, 5));
    case A64_ASM_HINTNO:
        return put_imm(t, a64_bits(t, 5, 7));
    case A64_ASM_EXT:
        return put_ext(t, a64_bits(t, 0, 5) == 31 || a64_bits(t, 5, 5) == 31);
    case A64_ASM_EXTS:
        return put_ext(t, a64_bits(t, 5, 5) == 31);
    case A64_ASM_MEXT:
        return put_mem_ext(t, mem_size(t));
    case A64_ASM_VMEXT:
        return put_mem_ext(t, mem_vsize(t));
    case A64_ASM_UOFF:
        return put_offset(t, (int64_t)a64_bits(t, 10, 12) << mem_size(t));
    case A64_ASM_VUOFF:
        return put_offset(t, (int64_t)a64_bits(t, 10, 12) << mem_vsize(t));
    case A64_ASM_SOFF:
        return put_offset(t, offset9(t));
    case A64_ASM_SIMM:
        return put_imm(t, offset9(t));
    case A64_ASM_POFF:
        return put_offset(t, pair_offset(t, false));
    case A64_ASM_PFOFF:
        return put_offset(t, pair_offset(t, true));
    case A64_ASM_PIMM:
        return put_imm(t, pair_offset(t, false));
    case A64_ASM_PFIMM:
        return put_imm(t, pair_offset(t, true));
    case A64_ASM_ADR:
        return put_adr(t, false);
    case A64_ASM_ADRP:
        return put_adr(t, true);
    case A64_ASM_REL:
        return put_target(t, a, w);
    case A64_ASM_SYSREG:
        return put_sysreg(t);
    default:
        return a64_put_simd(t, kind, a);
    }
}

void a64_disasm(char *buf, size_t n, uint32_t word, uint64_t pc)
{
    struct a64_text t = {buf, n, 0, word, pc, a64_decode(word)};
    if (n)
        buf[0] = 0;
    if (t.row == A64_UNDEFINED) {
        if (word >> 16) {
            a64_put(&t, ".inst ");
            a64_put_hex(&t, word, 8);
        } else {
            a64_put(&t, "udf #");
            a64_put_unsigned(&t, word);
        }
        return;
    }
    for (const char *s = a64_templates[a64_template(t.row, word)]; *s;) {
        unsigned char c = (unsigned char)*s;
        if (c < 128) {
            put_char(&t, *s++);
        } else {
            put_operand(&t, c, (unsigned char)s[1] - 1u, (unsigned char)s[2] - 1u);
            s += 3;
        }
    }
}
