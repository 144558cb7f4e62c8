/* SPDX-License-Identifier: Apache-2.0
 *
 * Codes of one instruction. Rows that branch get places to go to, inside their slot: the word under
 * test is then the fourth of six,
 *
 *     0: b 3    1: eor x16, x16, #1    2: b end    3: the word    4: eor x17, x17, #1    5: nop
 * end:
 *
 * and goes to 1, 5 or the end; what x16 and x17 became tells where. Rows whose effect is the
 * system's and not the instruction's are not made, each for a reason that code_excluded() gives.
 */
#include "gen.h"

#include <string.h>

enum { TESTED = 3, BRANCH_WORDS = 6 };
#define NOP 0xd503201fu

static bool is(enum a64_row row, const char *name)
{
    return strcmp(a64_row_info[row].name, name) == 0;
}
static bool starts(enum a64_row row, const char *with)
{
    return strncmp(a64_row_info[row].name, with, strlen(with)) == 0;
}
static bool is_direct(enum a64_row row)
{
    return is(row, "b") || is(row, "bl") || is(row, "cbz") || is(row, "cbnz") || is(row, "tbz") ||
           is(row, "tbnz") || is(row, "b_cond");
}
static bool is_indirect(enum a64_row row)
{
    return is(row, "br") || is(row, "blr") || is(row, "ret");
}

const char *code_excluded(enum a64_row row)
{
    if (row == A64_UNDEFINED)
        return "no instruction";
    if (is(row, "svc"))
        return "a system call's effect is not the instruction's; tests/guest has them";
    return NULL;
}

static uint32_t sysreg(unsigned op1, unsigned crn, unsigned crm, unsigned op2)
{
    return 1u << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5;
}

/* The operands of rows that reach the system: only those whose outcome the architecture gives. */
static uint32_t system_word(struct rng *r, enum a64_row row, uint32_t w)
{
    const uint32_t registers[] = {sysreg(3, 4, 2, 0),  sysreg(3, 4, 4, 0), sysreg(3, 4, 4, 1),
                                  sysreg(3, 13, 0, 2), sysreg(3, 4, 2, 0), sysreg(3, 4, 4, 1)};
    /* DC CVAC, CVAU, CIVAC; IC IVAU: op1 3, CRn 7. DC ZVA's block has 512 bytes under QEMU, the
     * engine's 64: tests/guest/cache.c has it. */
    static const uint8_t caches[][2] = {{10, 1}, {11, 1}, {14, 1}, {5, 1}};
    if (is(row, "mrs"))
        return 0xd5300000 | registers[rng_below(r, 6)] | (w & 31);
    if (is(row, "msr"))
        return 0xd5100000 | registers[rng_below(r, 6)] | (w & 31);
    if (is(row, "sys")) {
        unsigned k = rng_below(r, 4);
        return 0xd5080000 | 3u << 16 | 7u << 12 | (unsigned)caches[k][0] << 8 |
               (unsigned)caches[k][1] << 5 | (w & 31);
    }
    return w;
}

static uint32_t field(struct rng *r, uint32_t w, unsigned at, unsigned from)
{
    static const uint8_t edges[] = {31, 30, 0};
    uint32_t v = from < 32 ? w >> from & 31 : edges[rng_below(r, 3)];
    return (w & ~(31u << at)) | v << at;
}

/* Fields that make trouble: equal registers, 31, immediates at their ends. */
static uint32_t bend(struct rng *r, uint32_t w)
{
    switch (rng_below(r, 16)) {
    case 0:
        return field(r, w, 0, 5);
    case 1:
        return field(r, w, 0, 16);
    case 2:
        return field(r, w, 16, 5);
    case 3:
        return field(r, field(r, w, 0, 5), 16, 5);
    case 4:
        return field(r, w, 0, 10);
    case 5:
        return field(r, w, 0, 32);
    case 6:
        return field(r, w, 5, 32);
    case 7:
        return field(r, w, 16, 32);
    case 8:
        return w & ~(0xfffu << 10);
    case 9:
        return w | 0xfffu << 10;
    case 10:
        return field(r, w, 10, 32);
    default:
        return w;
    }
}

/* Fields that should be ones: what happens otherwise is CONSTRAINED UNPREDICTABLE (Arm ARM K1.1).
 */
static uint32_t should_be_one(enum a64_row row)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } rows[] = {{"smulh", 31u << 10},
                {"umulh", 31u << 10},
                {"stxr", 31u << 10},
                {"stlxr", 31u << 10},
                {"ldxp", 31u << 16},
                {"ldaxp", 31u << 16},
                {"ldxr", 31u << 16 | 31u << 10},
                {"ldaxr", 31u << 16 | 31u << 10},
                {"ldar", 31u << 16 | 31u << 10},
                {"stlr", 31u << 16 | 31u << 10},
                {"ldapr", 31u << 16}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (is(row, rows[i].name))
            return rows[i].bits;
    return 0;
}

/* The same with zeros. */
static uint32_t should_be_zero(enum a64_row row)
{
    return is(row, "cfinv") || is(row, "xaflag") || is(row, "axflag") ? 15u << 8 : 0;
}

uint32_t code_word(struct rng *r, enum a64_row row)
{
    const struct a64_row_info *info = &a64_row_info[row];
    for (unsigned tries = 0; tries < 2000; tries++) {
        uint32_t w = bend(r, (uint32_t)rng_next(r));
        w = system_word(r, row, (w & ~info->mask) | info->value);
        w = (w & ~info->mask) | info->value | should_be_one(row);
        w &= ~should_be_zero(row);
        if (a64_decode(w) == row && !mem_unpredictable(row, w))
            return w;
    }
    return 0;
}

/* The word with its offset, in words, replaced. */
static uint32_t aim_branch(enum a64_row row, uint32_t w, int words)
{
    if (is(row, "b") || is(row, "bl"))
        return (w & 0xfc000000) | ((uint32_t)words & 0x03ffffff);
    if (is(row, "tbz") || is(row, "tbnz"))
        return (w & ~(0x3fffu << 5)) | ((uint32_t)words & 0x3fff) << 5;
    return (w & ~(0x7ffffu << 5)) | ((uint32_t)words & 0x7ffff) << 5;
}

bool code_single(struct rng *r, enum a64_row row, struct row_code *c, unsigned *at)
{
    uint32_t w = code_word(r, row);
    if (w == 0)
        return false;
    *at = 0;
    c->count = 1;
    if (is_direct(row) || is_indirect(row)) {
        static const int8_t to[] = {1, 5, 6, 4};
        const uint32_t frame[] = {0x14000003, 0xd2400210, 0x14000004, 0, 0xd2400231, NOP};
        memcpy(c->words, frame, sizeof frame);
        *at = TESTED;
        c->count = BRANCH_WORDS;
        if (is_direct(row))
            w = aim_branch(row, w, to[rng_below(r, 4)] - TESTED);
    } else if (mem_of(row, w).form == FORM_LIT) {
        /* any word of the slot; the word itself is its second */
        w = aim_branch(row, w, (int)rng_below(r, ROW_SLOT / 4 - 4) - 1);
    }
    c->words[*at] = w;
    return true;
}

static void aim_indirect(struct rng *r, const struct row_code *c, struct row_start *s)
{
    static const uint8_t to[] = {1, 5, 6, 4};
    unsigned rn = c->words[TESTED] >> 5 & 31;
    uint64_t target = ROW_CODE + (uint64_t)c->slot * ROW_SLOT + 4 * (1 + to[rng_below(r, 4)]);
    switch (rng_below(r, 25)) {
    case 0:
        target += 1 + rng_below(r, 3);
        break;
    case 1:
        target = ROW_NOTHING + (target & 0xffc);
        break;
    case 2:
        target = ROW_ARENA + (target & 0xffc);
        break;
    case 3:
        target = ROW_MEM + (target & 0xffc);
        break;
    }
    if (rn != 31)
        s->state.x[rn] = target;
}

/* What the first word is about decides which width of FP numbers is the useful one. */
static unsigned fp_bits(struct rng *r, enum a64_row row, uint32_t w)
{
    if (rng_percent(r, 8))
        return 16u << rng_below(r, 3);
    if (starts(row, "fcvt") && (w >> 22 & 3) == 3)
        return 16;
    if (starts(row, "fcvtl_vec"))
        return w >> 22 & 1 ? 32 : 16;
    return w >> 22 & 1 ? 64 : 32;
}

/* How many registers in a row a word names at most: lists of structures and tables, pairs. */
static unsigned list_length(enum a64_row row)
{
    const char *n = a64_row_info[row].name;
    if (starts(row, "tb") ||
        (n[2] >= '1' && n[2] <= '4' && (starts(row, "ld") || starts(row, "st"))))
        return 4;
    return is(row, "casp") ? 2 : 1;
}

struct value_registers code_registers(enum a64_row row, uint32_t word)
{
    const struct isa_field *f = &a64_fields[a64_row_fields[row]],
                           *end = &a64_fields[a64_row_fields[row + 1]];
    const struct a64_row_info *info = &a64_row_info[row];
    unsigned length = list_length(row);
    bool memory = strcmp(info->group, "mem") == 0;
    bool vector = strcmp(info->group, "simd") == 0 || strcmp(info->group, "fp") == 0;
    uint64_t named = 0;
    for (; f < end; f++) {
        if (!f->reg)
            continue;
        named |= ((1ull << length) - 1) << (word >> f->at & ((1u << f->width) - 1));
        if (f->width == 4) /* an element's: the fifth bit may be another field */
            named |= 1ull << (word >> f->at & 31);
    }
    uint32_t set = (uint32_t)(named | named >> 32);
    if (memory && (strstr(info->name, "_fp") || length == 4))
        vector = true;
    return (struct value_registers){set, vector ? set : 0};
}

void code_single_start(struct rng *r, enum a64_row row, const struct row_code *c,
                       struct row_start *s, bool first)
{
    static const struct value_registers all = {~0u, ~0u};
    unsigned at = is_direct(row) || is_indirect(row) ? TESTED : 0;
    uint32_t w = c->words[at];
    unsigned rt = w & 31;
    struct value_registers named = code_registers(row, w);
    value_registers(r, &s->state, fp_bits(r, row, w), first ? &all : &named);
    mem_aim(r, row, w, s);
    mem_match(row, w, s);
    if (is_indirect(row))
        aim_indirect(r, c, s);
    if ((is(row, "cbz") || is(row, "cbnz")) && rng_percent(r, 40) && rt != 31)
        s->state.x[rt] &= rng_percent(r, 50) ? 0 : 0xffffffff00000000;
    if (is(row, "msr") && (w >> 5 & 0x7fff) == (sysreg(3, 4, 4, 0) >> 5 & 0x7fff) && rt != 31)
        s->state.x[rt] = value_fpcr(r);
    if (is(row, "msr") && (w >> 5 & 0x7fff) == (sysreg(3, 4, 4, 1) >> 5 & 0x7fff) && rt != 31)
        s->state.x[rt] &= ROW_FPSR_BITS;
    if (is(row, "sys") && rt != 31) {
        /* cache maintenance takes an address as a store does */
        uint32_t store = 0xf9000000 | rt << 5 | ((rt + 1) & 31);
        mem_aim(r, a64_decode(store), store, s);
    }
}
