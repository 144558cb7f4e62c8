/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory operands: what a word accesses, told from its row's name and its fields, and where a test
 * lets it: mostly in memory, aligned or not, at the edges of pages and of what is mapped, now and
 * then where nothing is.
 */
#include "gen.h"

#include <string.h>

static bool starts(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}
static bool ends(const char *s, const char *with)
{
    size_t n = strlen(s), m = strlen(with);
    return n >= m && strcmp(s + n - m, with) == 0;
}
static unsigned bits(uint32_t word, unsigned at, unsigned width)
{
    return word >> at & ((1u << width) - 1);
}
static int64_t sign(uint32_t v, unsigned width)
{
    return (int64_t)((uint64_t)v << (64 - width)) >> (64 - width);
}

/* st1_x4, ld3_multi, st2_b, ld4r: how many bytes in all */
static unsigned structure_size(const char *name, uint32_t word)
{
    unsigned registers = (unsigned)(name[2] - '0'), q = bits(word, 30, 1) ? 16 : 8;
    if (strstr(name, "_x"))
        return (unsigned)(strstr(name, "_x")[2] - '0') * q;
    if (strstr(name, "_multi"))
        return registers * q;
    if (name[3] == 'r')
        return registers << bits(word, 10, 2);
    return registers * (name[4] == 'b' ? 1 : name[4] == 'h' ? 2 : name[4] == 's' ? 4 : 8);
}

static bool is_atomic(const char *n)
{
    static const char *const names[] = {
        "stxr",   "stlxr",  "ldxr", "ldaxr", "stlr",  "ldar",   "stxp",      "stlxp",    "ldxp",
        "ldaxp",  "cas",    "casp", "ldadd", "ldclr", "ldeor",  "ldset",     "ldsmax",   "ldsmin",
        "ldumax", "ldumin", "swp",  "ldapr", "stlur", "ldapur", "ldapurs64", "ldapurs32"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(n, names[i]))
            return true;
    return false;
}

static struct gen_mem pair_of(const char *n, uint32_t word)
{
    struct gen_mem m = {.form = ends(n, "_post") ? FORM_BASE : FORM_PAIR};
    unsigned opc = bits(word, 30, 2);
    m.scale = strstr(n, "_fp") ? 2 + opc : opc == 2 ? 3 : 2;
    m.size = 2u << m.scale;
    return m;
}

static struct gen_mem single_of(const char *n, uint32_t word)
{
    struct gen_mem m = {.form = FORM_IMM9};
    /* opc<1> makes 16 bytes of a vector register with size 0 */
    m.scale = strstr(n, "_fp") && bits(word, 23, 1) ? 4 : bits(word, 30, 2);
    m.size = 1u << m.scale;
    if (ends(n, "_uimm"))
        m.form = FORM_UIMM;
    else if (ends(n, "_reg"))
        m.form = FORM_REG;
    else if (ends(n, "_post"))
        m.form = FORM_BASE;
    return m;
}

struct gen_mem mem_of(enum a64_row row, uint32_t word)
{
    const char *n = a64_row_info[row].name;
    struct gen_mem m = {.form = FORM_NONE};
    bool prefetch = starts(n, "prfm");
    if (!a64_row_info[row].mem && !prefetch)
        return m;
    if (strstr(n, "_lit"))
        return (struct gen_mem){.form = FORM_LIT, .size = 16};
    if (n[2] >= '1' && n[2] <= '4' && (starts(n, "ld") || starts(n, "st")))
        m = (struct gen_mem){.form = FORM_BASE, .size = structure_size(n, word)};
    else if (is_atomic(n)) {
        bool pair = !strcmp(n, "casp") || strchr(n, 'p') == n + strlen(n) - 1;
        m = (struct gen_mem){.form = FORM_BASE, .atomic = true, .size = 1u << bits(word, 30, 2)};
        if (pair && strcmp(n, "swp"))
            m.size = bits(word, 30, 1) ? 16 : 8;
        if (starts(n, "stlur") || starts(n, "ldapur"))
            m.form = FORM_IMM9;
    } else if (starts(n, "stp") || starts(n, "ldp") || starts(n, "stnp") || starts(n, "ldnp"))
        m = pair_of(n, word);
    else
        m = single_of(n, word);
    m.writeback = ends(n, "_post") || ends(n, "_pre");
    return m;
}

/* sp is a multiple of 16, so the word decides whether the address is one of the size. Within 16
 * bytes it depends on LSE2, which QEMU has and the engine does not tell of. */
static bool sp_unaligned(enum a64_row row, uint32_t word)
{
    struct gen_mem m = mem_of(row, word);
    return m.atomic && m.form == FORM_IMM9 && bits(word, 5, 5) == 31 &&
           (bits(word, 12, 9) & (m.size - 1));
}

bool mem_unpredictable(enum a64_row row, uint32_t word)
{
    const char *n = a64_row_info[row].name;
    unsigned rt = word & 31, rn = bits(word, 5, 5), rt2 = bits(word, 10, 5), rs = bits(word, 16, 5);
    if (!a64_row_info[row].mem)
        return false;
    if (sp_unaligned(row, word))
        return true;
    bool pair = n[2] == 'p' || n[3] == 'p', fp = strstr(n, "_fp") != NULL;
    /* Arm ARM K1.1: a loaded register twice, a base that is also loaded or stored */
    if (starts(n, "ldp") || starts(n, "ldnp") || !strcmp(n, "ldxp") || !strcmp(n, "ldaxp"))
        if (rt == rt2)
            return true;
    if (starts(n, "stx") || starts(n, "stlx")) {
        bool two = ends(n, "xp");
        if (rs == rt || (two && rs == rt2) || (rs == rn && rn != 31))
            return true;
    }
    if ((ends(n, "_post") || ends(n, "_pre")) && !fp && rn != 31 && a64_row_info[row].mem &&
        !(n[2] >= '1' && n[2] <= '4'))
        return rt == rn || (pair && rt2 == rn);
    return false;
}

static uint64_t extended(uint64_t v, unsigned option)
{
    switch (option) {
    case 2:
        return (uint32_t)v;
    case 6:
        return (uint64_t)(int64_t)(int32_t)v;
    default:
        return v;
    }
}

static uint64_t offset_of(const struct gen_mem *m, uint32_t word, const struct row_state *s)
{
    switch (m->form) {
    case FORM_UIMM:
        return (uint64_t)bits(word, 10, 12) << m->scale;
    case FORM_IMM9:
        return (uint64_t)sign(bits(word, 12, 9), 9);
    case FORM_PAIR:
        return (uint64_t)sign(bits(word, 15, 7), 7) << m->scale;
    case FORM_REG: {
        unsigned rm = bits(word, 16, 5);
        uint64_t v = rm == 31 ? 0 : s->x[rm];
        return extended(v, bits(word, 13, 3)) << (bits(word, 12, 1) ? m->scale : 0);
    }
    default:
        return 0;
    }
}

bool mem_access(enum a64_row row, uint32_t word, const struct row_state *s, uint64_t *ret_from,
                unsigned *ret_size)
{
    struct gen_mem m = mem_of(row, word);
    unsigned rn = bits(word, 5, 5);
    if (m.form == FORM_NONE || m.form == FORM_LIT)
        return false;
    *ret_from = (rn == 31 ? s->sp : s->x[rn]) + offset_of(&m, word, s);
    *ret_size = m.size;
    return true;
}

static uint64_t choose(struct rng *r, const struct gen_mem *m)
{
    uint64_t in = ROW_MEM + 0x1000 + (rng_next(r) & 0x1fff0), size = m->size ? m->size : 1;
    if (m->atomic && rng_percent(r, 4) && size > 1) /* over a 16-byte line: faults with LSE2, too */
        return in + 16 - 1 - rng_below(r, (unsigned)size - 1);
    if (m->atomic && rng_percent(r, 8)) /* not aligned, within such a line: no fault with it */
        return in + rng_below(r, 17 - (unsigned)size);
    if (m->atomic)
        in += rng_below(r, 16) & ~(uint32_t)(size - 1);
    unsigned kind = rng_below(r, 200);
    if (kind >= 100) /* faults less often: a signal costs what ten other instances cost */
        kind = kind < 180 ? kind - 100 : 0;
    if (m->atomic && kind >= 55 && kind < 80)
        kind = 0;
    if (kind < 55)
        return in;
    if (kind < 70)
        return in + rng_below(r, 16);
    if (kind < 78) /* over a page's edge */
        return (in & ~0xffful) - 1 - rng_below(r, (unsigned)size);
    if (kind < 80) /* over a line's edge */
        return (in & ~63ul) - 1 - rng_below(r, (unsigned)size);
    uint64_t step = m->atomic ? size : 1;
    if (kind < 85) /* the end of memory */
        return ROW_MEM_END - (rng_below(r, 2 * (unsigned)size) & ~(step - 1));
    if (kind < 88) /* and its start */
        return ROW_MEM - (rng_below(r, 2 * (unsigned)size) & ~(step - 1));
    uint64_t away = rng_next(r) & 0xff0;
    switch (rng_below(r, 6)) {
    case 0:
        return ROW_MEM_END + away;
    case 1:
        return ROW_NOTHING + away;
    case 2:
    case 3:
        return ROW_RO + away;
    case 4:
        return away;
    default: /* nothing is mapped between here and there: not canonical on the host */
        return 0x0000800000000000 + away;
    }
}

static void place_window(struct row_start *s, uint64_t target)
{
    uint64_t w = (target & ~7ull) - ROW_WINDOW / 4;
    if (w < ROW_MEM || w > ROW_MEM_END)
        w = target >= ROW_MEM - ROW_WINDOW && target < ROW_MEM + ROW_WINDOW
                ? ROW_MEM
                : ROW_MEM_END - ROW_WINDOW;
    if (w > ROW_MEM_END - ROW_WINDOW)
        w = ROW_MEM_END - ROW_WINDOW;
    s->window = w;
}

void mem_aim(struct rng *r, enum a64_row row, uint32_t word, struct row_start *s)
{
    struct gen_mem m = mem_of(row, word);
    s->seed = rng_next(r);
    s->window = ROW_MEM + 0x2000;
    if (m.form == FORM_NONE || m.form == FORM_LIT)
        return;
    unsigned rn = bits(word, 5, 5);
    uint64_t target = choose(r, &m), tag = rng_percent(r, 3) ? rng_next(r) << 56 : 0;
    if (m.form == FORM_REG && rng_percent(r, 60) && bits(word, 16, 5) != 31)
        s->state.x[bits(word, 16, 5)] = rng_below(r, 4096) - 2048ull;
    uint64_t base = target - offset_of(&m, word, &s->state);
    if (rn ==
        31) { /* a stack pointer that is not aligned is another fault, which QEMU does not have */
        base &= ~15ull;
        s->state.sp = base;
    } else {
        s->state.x[rn] = base | tag;
    }
    place_window(s, base + offset_of(&m, word, &s->state));
}

void mem_match(enum a64_row row, uint32_t word, struct row_start *s)
{
    const char *n = a64_row_info[row].name;
    bool pair = !strcmp(n, "casp");
    if (!pair && strcmp(n, "cas"))
        return;
    unsigned rs = bits(word, 16, 5), rn = bits(word, 5, 5);
    uint64_t at = rn == 31 ? s->state.sp : s->state.x[rn];
    if (at < s->window || at + 16 > s->window + ROW_WINDOW || at & 7)
        return;
    uint64_t first = row_fill(s->seed, (unsigned)(at - s->window) / 8);
    uint64_t second = row_fill(s->seed, (unsigned)(at - s->window) / 8 + 1);
    if (pair && !bits(word, 30, 1))
        second = first >> 32;
    if (rs != 31 && rs != rn)
        s->state.x[rs] = first;
    if (pair && rs + 1 != 31 && rs + 1 != rn)
        s->state.x[rs + 1] = second;
}
