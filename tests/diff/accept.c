/* SPDX-License-Identifier: Apache-2.0
 *
 * The accepted differences: the file, and the conditions that its lines name. A condition looks at
 * the word where the signal was and at what that word accesses, so that a line holds for the one
 * thing it was written for: the fields of a line may differ only as its condition says.
 */
#include "report.h"
#include "tally.h"

#include <err.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { BUS_ALIGNMENT = 1, UFC = 8, PAGE = 4096, STEPS = 64 };
#define LOW56 ((1ull << 56) - 1)

static const struct {
    const char *name;
    unsigned bit;
} fields[] = {{"x", DIFF_X},       {"nzcv", DIFF_NZCV}, {"fpcr", DIFF_FPCR},  {"fpsr", DIFF_FPSR},
              {"v", DIFF_V},       {"mem", DIFF_MEM},   {"sig", DIFF_SIGNAL}, {"code", DIFF_CODE},
              {"addr", DIFF_ADDR}, {"pc", DIFF_PC}};
enum { FIELDS = sizeof fields / sizeof *fields };

/* A difference, and what is known of it. */
struct finding {
    const struct accepted_list *list; /* */
    const struct one *c;              /* the case */
    const struct row_full *out;       /* [0] the oracle's, [1] the engine's */
    unsigned at;                      /* index of the word with the signal, in the code */
    enum a64_row row;                 /* its row */
    uint32_t word;                    /* and itself */
    bool accesses;                    /* it accesses memory: */
    uint64_t from;                    /* without the tag */
    unsigned size;                    /* bytes */
};

/* ---- what may differ ---- */
static bool loads_or_stores(const struct finding *f, unsigned kind)
{
    return f->accesses && a64_row_info[f->row].mem & kind;
}

static bool in_access(const struct finding *f, uint64_t address)
{
    return f->accesses && (address & LOW56) - f->from < f->size;
}

/* Memory differs in bytes of the access only. */
static bool memory_of_access(const struct finding *f)
{
    const char *a = (const char *)f->out[0].mem, *b = (const char *)f->out[1].mem;
    for (unsigned i = 0; i < ROW_WINDOW; i++)
        if (a[i] != b[i] && !in_access(f, f->c->start.window + i))
            return false;
    return true;
}

static uint32_t differing(const struct finding *f, bool vector)
{
    const struct row_state *a = &f->out[0].state, *b = &f->out[1].state;
    uint32_t set = vector ? 0 : (uint32_t)(a->sp != b->sp) << 31;
    for (unsigned i = 0; i < (vector ? 32 : 31); i++)
        if (vector ? memcmp(a->v[i], b->v[i], 16) != 0 : a->x[i] != b->x[i])
            set |= 1u << i;
    return set;
}

/* Registers that the word loads; never the base. */
static uint32_t loaded(const struct finding *f)
{
    const char *n = a64_row_info[f->row].name;
    uint32_t w = f->word, set = 1u << (w & 31);
    if (n[2] == 'p' || n[3] == 'p')
        set |= 1u << (w >> 10 & 31);
    if (n[2] >= '1' && n[2] <= '4')
        for (unsigned k = 1; k < 4; k++)
            set |= 1u << ((w + k) & 31);
    return set;
}

static bool same_fault(const struct finding *f)
{
    const struct row_full *o = f->out;
    return o[0].sig == SIGSEGV && o[1].sig == SIGSEGV && o[0].pc == o[1].pc &&
           o[0].code == o[1].code;
}

/* ---- conditions ---- */
/* The same fault of a store, and what it wrote before differs. */
static bool when_partial(const struct finding *f)
{
    return same_fault(f) && loads_or_stores(f, ISA_MEM_STORE) && memory_of_access(f) &&
           (f->from ^ (f->from + f->size - 1)) >= PAGE;
}

/* The same fault of a load of more than one register or byte: those that it loads differ, and the
 * engine's are as they were where the case tells what that was. */
static bool when_loading(const struct finding *f)
{
    const struct row_state *before = &f->c->start.state, *now = &f->out[1].state;
    const char *n = a64_row_info[f->row].name;
    bool vector = strstr(n, "_fp") || (n[2] >= '1' && n[2] <= '4');
    uint32_t x = differing(f, false), v = differing(f, true), base = 1u << (f->word >> 5 & 31);
    if (!same_fault(f) || !loads_or_stores(f, ISA_MEM_LOAD) || ((vector ? v : x) & ~loaded(f)) ||
        (vector ? x : v) || (!vector && x & base))
        return false;
    return f->c->code.count > 1 || (vector ? !memcmp(before->v, now->v, sizeof now->v)
                                           : !memcmp(before->x, now->x, sizeof now->x));
}

/* The conditions al and nv hold whatever NZCV is. */
static bool reads_flags(enum a64_row row, uint32_t word)
{
    const struct isa_field *f = &a64_fields[a64_row_fields[row]],
                           *end = &a64_fields[a64_row_fields[row + 1]];
    for (; f < end; f++)
        if (!strcmp(f->name, "cond"))
            return (word >> f->at & 15) < 14;
    return a64_row_info[row].flags & ISA_FLAGS_READ;
}

/* How many words on a direct branch goes, 0: it is none that a code has. */
static int branch_offset(enum a64_row row, uint32_t w)
{
    switch (row) {
    case A64_TBZ:
    case A64_TBNZ:
        return (int32_t)(w << 13) >> 18;
    case A64_B:
    case A64_BL:
        return (int32_t)(w << 6) >> 6;
    case A64_CBZ:
    case A64_CBNZ:
    case A64_B_COND:
        return (int32_t)(w << 8) >> 13;
    default:
        return 0;
    }
}

/* NZCV is written before it is read, whatever way the code goes from word k on. */
static bool flags_die(const struct row_code *c, unsigned k, unsigned *steps)
{
    for (; k < c->count && (*steps)++ < STEPS; k++) {
        uint32_t w = c->words[k];
        enum a64_row row = a64_decode(w);
        int offset = branch_offset(row, w);
        if (row == A64_UNDEFINED || row == A64_RET || reads_flags(row, w))
            return false;
        if (a64_row_info[row].flags & ISA_FLAGS_WRITE)
            return true;
        if (!offset)
            continue;
        bool dies = (int)k + offset >= 0 && flags_die(c, (unsigned)((int)k + offset), steps);
        if (!dies || row == A64_B || row == A64_BL || row == A64_B_COND) /* al, nv: goes there */
            return dies;
    }
    return false;
}

static bool when_stale(const struct finding *f)
{
    unsigned steps = 0;
    return same_fault(f) && flags_die(&f->c->code, f->at + 1, &steps);
}

/* The same but for the tag. */
static bool when_tag(const struct finding *f)
{
    const struct row_full *o = f->out;
    return o[0].sig == SIGBUS && o[1].sig == SIGBUS && !((o[0].addr ^ o[1].addr) & LOW56);
}

/* The host's #GP, which has no address: the engine knows it. */
static bool when_noaddr(const struct finding *f)
{
    return same_fault(f) && f->out[0].addr == 0 && in_access(f, f->out[1].addr) &&
           (f->from + f->size - 1) >> 47;
}

/* The engine has a fault of an access at a word where the oracle went on. Behind that word all may
 * differ; where it is the last one, only what it says itself: that a store-exclusive failed. */
static bool when_extra(const struct finding *f)
{
    const struct row_full *o = f->out;
    if ((o[1].sig != SIGSEGV && o[1].sig != SIGBUS) || (o[0].sig && o[0].brief.at == f->at))
        return false;
    bool address = (o[1].addr & LOW56) - f->from < f->size;
    if (f->at + 1u < f->c->code.count)
        return address;
    unsigned status = f->word >> 16 & 31;
    uint32_t x = differing(f, false);
    return address && !differing(f, true) && memory_of_access(f) &&
           o[0].state.fpsr == o[1].state.fpsr &&
           (!x || (f->accesses && x == 1u << status && o[0].state.x[status] == 1));
}

/* An access over the edge of 16 aligned bytes is SIGBUS for the oracle; the engine made it, or
 * found one of its bytes not there. */
static bool when_edge(const struct finding *f)
{
    const struct row_full *o = f->out;
    uint32_t named = 1u << (f->word & 31) | 1u << (f->word >> 10 & 31) | 1u << (f->word >> 16 & 31);
    if (!strcmp(a64_row_info[f->row].name, "casp"))
        named |= 1u << ((f->word >> 16 & 31) + 1);
    return o[0].sig == SIGBUS && o[0].code == BUS_ALIGNMENT && f->accesses &&
           (f->from & 15) + f->size > 16 && f->at + 1u == f->c->code.count &&
           (!o[1].sig || (o[1].sig == SIGSEGV && in_access(f, o[1].addr))) &&
           !(differing(f, false) & ~named) && memory_of_access(f);
}

/* FPSR's UFC is all that the engine lacks, if anything, and it was told not to look for it. */
static bool when_lazy(const struct finding *f)
{
    uint32_t oracle = f->out[0].state.fpsr, engine = f->out[1].state.fpsr;
    return f->list->vary & VARY_LAZY && !((oracle ^ engine) & ~(uint32_t)UFC) &&
           !(engine & ~oracle);
}

static const struct {
    const char *name;
    bool (*holds)(const struct finding *f);
} conditions[] = {{"partial", when_partial}, {"loading", when_loading}, {"stale", when_stale},
                  {"tag", when_tag},         {"noaddr", when_noaddr},   {"extra", when_extra},
                  {"edge", when_edge},       {"lazy", when_lazy}};
enum { CONDITIONS = sizeof conditions / sizeof *conditions };

/* ---- the file ---- */
static unsigned field_bits(char *list, const char *path)
{
    unsigned bits = 0;
    for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
        unsigned i = 0;
        while (i < FIELDS && strcmp(word, fields[i].name))
            i++;
        if (i == FIELDS)
            errx(1, "%s: no field %s", path, word);
        bits |= fields[i].bit;
    }
    return bits;
}

void accepted_read(struct accepted_list *l, const char *path)
{
    char line[512], list[64], when[16];
    FILE *f = fopen(path, "r");
    memset(l, 0, sizeof *l);
    if (!f)
        err(1, "%s", path);
    while (fgets(line, sizeof line, f)) {
        struct accepted a = {.instances = 0};
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (sscanf(line, "%63s %63s %15s %199[^\n]", a.row, list, when, a.why) != 4)
            errx(1, "%s: not ROWS FIELDS WHEN WHY: %s", path, line);
        while (a.condition < CONDITIONS && strcmp(when, conditions[a.condition].name))
            a.condition++;
        if (a.condition == CONDITIONS)
            errx(1, "%s: no condition %s", path, when);
        a.fields = field_bits(list, path);
        l->items = realloc(l->items, (l->count + 1) * sizeof a);
        if (!l->items)
            err(1, "memory");
        l->items[l->count++] = a;
    }
    fclose(f);
}

/* ---- judging ---- */
/* The word with the signal: where the two stopped at different words, the earlier one. */
static struct finding look(const struct accepted_list *l, const struct one *c,
                           const struct row_full out[2])
{
    struct finding f = {.list = l, .c = c, .out = out, .at = 0xffff};
    unsigned who = !out[0].sig || (out[1].sig && out[1].brief.at < out[0].brief.at);
    if (out[who].sig)
        f.at = out[who].brief.at;
    if (f.at >= c->code.count)
        return f;
    f.word = c->code.words[f.at];
    f.row = a64_decode(f.word);
    if (!strcmp(a64_row_info[f.row].name, "sys")) { /* cache maintenance, of the byte at Xt */
        f.from = (f.word & 31) == 31 ? 0 : out[who].state.x[f.word & 31] & LOW56;
        f.size = 1;
        return f;
    }
    f.accesses = mem_access(f.row, f.word, &out[who].state, &f.from, &f.size);
    f.from &= LOW56;
    return f;
}

/* The pattern is for the word with the signal, where there is one, else for any of the code. */
static bool applies(const struct accepted *a, const struct finding *f)
{
    bool named = false;
    if (f->at < f->c->code.count)
        named = fnmatch(a->row, a64_row_info[f->row].name, 0) == 0;
    else if (!f->out[0].sig && !f->out[1].sig)
        for (unsigned k = 0; k < f->c->code.count && !named; k++)
            named = !fnmatch(a->row, a64_row_info[a64_decode(f->c->code.words[k])].name, 0);
    return named && conditions[a->condition].holds(f);
}

bool accepted_explains(struct accepted_list *l, const struct one *c, const struct row_full out[2],
                       unsigned bits)
{
    struct finding f = look(l, c, out);
    unsigned explained = 0;
    for (unsigned i = 0; i < l->count; i++)
        if (applies(&l->items[i], &f))
            explained |= l->items[i].fields;
    if (bits & ~explained)
        return false;
    for (unsigned i = 0; i < l->count; i++)
        if ((bits & l->items[i].fields) && applies(&l->items[i], &f))
            l->items[i].instances++;
    return true;
}
