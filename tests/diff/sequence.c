/* SPDX-License-Identifier: Apache-2.0
 *
 * Codes of several instructions: what one instruction leaves in registers and flags is what the
 * next ones take, in straight lines, and over forward branches and small loops. Three registers
 * keep their meaning, so that memory operands stay in memory and loops end: no word writes them but
 * by writeback.
 */
#include "gen.h"

#include <string.h>

enum { COUNTER = SEQUENCE_COUNTER, BASE = 26, INDEX = 27 };
enum { SEQUENCE_MAX = 8 };
#define KEPT (1u << COUNTER | 1u << BASE | 1u << INDEX)

static bool kept(uint32_t word, unsigned at)
{
    return KEPT >> (word >> at & 31) & 1;
}

/* What holds for all words of a code. */
struct choice {
    bool atomics;       /* atomic accesses, and none that moves the base; or the other way round */
    unsigned exclusive; /* exclusive_kind() of its exclusives, 0: none yet */
};

/* Size and number of a load- or store-exclusive; 0: it is none. One that stores another size than
 * was loaded may pass or fail (Arm ARM B2.17). */
static unsigned exclusive_kind(enum a64_row row, uint32_t word)
{
    const char *n = a64_row_info[row].name;
    size_t length = strlen(n);
    if (length < 4 || n[length - 2] != 'x' || !mem_of(row, word).atomic)
        return 0;
    return 1 + (word >> 30) * 2 + (n[length - 1] == 'p');
}

/* Does the word leave the three registers alone, and everything else to be compared? Without LSE2
 * an atomic access must be aligned, so those and words that move the base are not in one code. */
static bool suits(enum a64_row row, uint32_t word, const struct choice *choice)
{
    struct gen_mem m = mem_of(row, word);
    bool msr_nzcv = (word & ~31u) == 0xd51b4200;
    if ((a64_row_info[row].branch && !msr_nzcv) || m.form == FORM_LIT)
        return false;
    if (choice->atomics ? m.writeback : m.atomic)
        return false;
    unsigned exclusive = exclusive_kind(row, word);
    if (exclusive && choice->exclusive && exclusive != choice->exclusive)
        return false;
    /* CASP writes the register behind its first, too */
    bool casp = strcmp(a64_row_info[row].name, "casp") == 0;
    if (casp && kept(word + (1u << 16), 16))
        return false;
    return !kept(word, 0) && !kept(word, 10) && !kept(word, 16);
}

/* Let a memory operand be near the base. */
static uint32_t near_base(enum a64_row row, uint32_t w)
{
    struct gen_mem m = mem_of(row, w);
    if (m.form == FORM_NONE || m.form == FORM_LIT)
        return w;
    w = (w & ~(31u << 5)) | BASE << 5;
    if (m.form == FORM_UIMM)
        w &= ~(0xfffu << 10) | (0x3fu >> m.scale) << 10;
    if (m.form == FORM_IMM9 && m.atomic)
        w &= ~(15u << 12);
    if (m.form == FORM_REG)
        w = (w & ~(31u << 16)) | INDEX << 16;
    /* post-index by a register, of the structure loads: 31 is the size */
    const char *n = a64_row_info[row].name;
    if (n[2] >= '1' && n[2] <= '4' && m.writeback)
        w |= 31u << 16;
    return w;
}

static uint32_t sequence_word(struct rng *r, const enum a64_row *rows, unsigned count,
                              struct choice *choice)
{
    for (unsigned tries = 0; tries < 1000; tries++) {
        enum a64_row row = rows[rng_below(r, count)];
        /* flags that live on are what goes wrong */
        if (!a64_row_info[row].flags && rng_percent(r, 40))
            row = rows[rng_below(r, count)];
        if (code_excluded(row))
            continue;
        uint32_t w = code_word(r, row);
        if (w == 0 || !suits(row, w, choice))
            continue;
        w = near_base(row, w);
        if (a64_decode(w) != row || mem_unpredictable(row, w))
            continue;
        if (!choice->exclusive)
            choice->exclusive = exclusive_kind(row, w);
        return w;
    }
    return 0xd503201f;
}

/* A branch that skips so many words: b.cond, cbz, tbz, b, or a bl whose return never comes. */
static uint32_t skip(struct rng *r, unsigned words)
{
    uint32_t v = (uint32_t)rng_next(r), to = words + 1;
    switch (rng_below(r, 7)) {
    case 0:
    case 1:
        return 0x54000000 | to << 5 | (v & 15);
    case 2:
        return 0x14000000 | (v & 0x80000000) | to;
    case 3:
    case 4:
        return 0x34000000 | (v & 0x81000000) | to << 5 | (v & 31);
    default:
        return 0x36000000 | (v & 0x81f80000) | to << 5 | (v & 31);
    }
}

enum { CALL = 4 }; /* words of one */

/* A call of one word: bl 2; b 4; the word; ret. */
static void call(struct rng *r, const enum a64_row *rows, unsigned count, struct choice *choice,
                 uint32_t words[CALL])
{
    enum { LINK = 30 };
    struct choice before = *choice;
    words[0] = 0x94000002;
    words[1] = 0x14000003;
    words[3] = 0xd65f03c0;
    for (;; *choice = before) {
        uint32_t w = words[2] = sequence_word(r, rows, count, choice);
        bool casp = strcmp(a64_row_info[a64_decode(w)].name, "casp") == 0;
        if ((w & 31) != LINK && (w >> 10 & 31) != LINK && (w >> 16 & 31) != LINK && !casp)
            return;
    }
}

void sequence_code(struct rng *r, const enum a64_row *rows, unsigned count, bool loops,
                   struct row_code *c)
{
    unsigned n = 2 + rng_below(r, SEQUENCE_MAX - 1), at = 0;
    struct choice choice = {.atomics = rng_percent(r, 20)};
    if (!loops) {
        while (at < n)
            c->words[at++] = sequence_word(r, rows, count, &choice);
        c->count = (uint16_t)at;
        return;
    }
    unsigned head = rng_below(r, 2);
    for (unsigned i = 0; i < head; i++)
        c->words[at++] = sequence_word(r, rows, count, &choice);
    unsigned top = at;
    for (unsigned i = 0; i < n; i++) {
        unsigned over = rng_percent(r, 30) ? 1 + rng_below(r, 3) : 0;
        if (over && at + over + 4 < ROW_WORDS) {
            c->words[at++] = skip(r, over);
            for (unsigned k = 0; k < over; k++)
                c->words[at++] = sequence_word(r, rows, count, &choice);
        } else if (at + CALL + 4 < ROW_WORDS && rng_percent(r, 10)) {
            call(r, rows, count, &choice, c->words + at);
            at += CALL;
        } else if (at + 4 < ROW_WORDS) {
            c->words[at++] = sequence_word(r, rows, count, &choice);
        }
    }
    c->words[at++] = SEQUENCE_COUNT;
    c->words[at] = 0xb5000000 | ((top - at) & 0x7ffff) << 5 | COUNTER; /* cbnz x25, top */
    c->count = (uint16_t)(at + 1);
}

static bool has_atomic(const struct row_code *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (mem_of(a64_decode(c->words[i]), c->words[i]).atomic)
            return true;
    return false;
}

void sequence_start(struct rng *r, const struct row_code *c, struct row_start *s, bool first)
{
    struct value_registers which = {~0u, ~0u};
    if (!first) {
        which = (struct value_registers){0, 0};
        for (unsigned i = 0; i < c->count; i++) {
            struct value_registers named = code_registers(a64_decode(c->words[i]), c->words[i]);
            which.x |= named.x;
            which.v |= named.v;
        }
        uint64_t half = rng_next(r); /* each time others: what else is new would cost most of all */
        which.x &= (uint32_t)half;
        which.v &= (uint32_t)(half >> 32);
    }
    value_registers(r, &s->state, 32u << rng_below(r, 2), &which);
    s->seed = rng_next(r);
    s->window = ROW_MEM + 0x1000 + (rng_next(r) & 0x1fff0);
    unsigned align = has_atomic(c) ? ~15u : ~0u;
    uint64_t base = s->window + ROW_WINDOW / 2;
    if (rng_percent(r, 6)) /* at the end of memory: some words fault, in the middle */
        base = (s->window = ROW_MEM_END - ROW_WINDOW) + ROW_WINDOW - (rng_below(r, 64) & align);
    else if (rng_percent(r, 15))
        base += rng_below(r, 16) & align;
    s->state.x[BASE] = base;
    s->state.x[INDEX] = rng_below(r, 8) - 4ull;
    s->state.x[COUNTER] = 1 + rng_below(r, 4);
    s->state.sp &= ~15ull;
}
