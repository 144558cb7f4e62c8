/* SPDX-License-Identifier: Apache-2.0
 *
 * A64's decoder and disassembler against LLVM 14's: verdict and text, word by word.
 *
 *   a64_llvm                    every row's field corners, all system instructions with one
 * register, 300,000 random words (for make check) a64_llvm --random N [SEED]  N random words
 *   a64_llvm --sweep FILE [N]   all 2^32 words; goes on where FILE says the last run stopped, and
 *                               stops after N pieces of 2^24 words
 *
 * 1. A difference that differences.def does not explain is printed and fails the run.
 * 2. Texts are compared as they are but for: LLVM's offsets become addresses, and the zeros at the
 *    head of MOVI's 64-bit immediate do not count.
 * Not compared: what instructions do (tests/diff).
 */
#include "llvm.h"

#include "engine/isa/a64.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PC = 0x7f1234567000, PIECE = 1 << 24, SHOWN = 40 };
enum kind { OURS, THEIRS, TEXT };

#define DIFFERENCE(name, ...) DIFFERENCE_##name,
enum difference {
#include "differences.def"
    DIFFERENCES,
    UNEXPLAINED = DIFFERENCES
};
#undef DIFFERENCE

struct run {
    struct llvm llvm;                /* the other side */
    uint64_t words;                  /* compared */
    uint64_t valid;                  /* of these, instructions to both */
    uint64_t count[DIFFERENCES + 1]; /* differences by explanation */
};

/* ---- for differences.def ---- */
static bool starts(enum a64_row row, const char *with)
{
    return !strncmp(a64_row_info[row].name, with, strlen(with));
}
static bool ends(enum a64_row row, const char *with)
{
    size_t n = strlen(a64_row_info[row].name), m = strlen(with);
    return n >= m && !strcmp(a64_row_info[row].name + n - m, with);
}
static bool is_exclusive(enum a64_row row)
{
    return row == A64_LDXR || row == A64_LDAXR || row == A64_STLR || row == A64_LDAR ||
           row == A64_LDXP || row == A64_LDAXP;
}
static bool is_load_pair(enum a64_row row)
{
    return starts(row, "ldp_") || starts(row, "ldnp") || row == A64_LDXP || row == A64_LDAXP;
}
static bool is_pair_writeback(enum a64_row row)
{
    return (starts(row, "ldp_") || starts(row, "stp_")) && !starts(row, "ldp_fp") &&
           !starts(row, "stp_fp") && (ends(row, "_pre") || ends(row, "_post"));
}
static bool is_load_writeback(enum a64_row row)
{
    return starts(row, "ldr") && !starts(row, "ldr_fp") &&
           (ends(row, "_pre") || ends(row, "_post"));
}
static bool is_load_unprivileged(enum a64_row row)
{
    return starts(row, "ldr") && ends(row, "_unpriv");
}
static bool is_flag_change(enum a64_row row)
{
    return row == A64_CFINV || row == A64_XAFLAG || row == A64_AXFLAG;
}

static bool is_svc_or_brk(uint32_t word)
{
    return (word & 0xffe0001f) == 0xd4000001 || (word & 0xffe0001f) == 0xd4200000;
}

static enum difference explain(enum kind found, uint32_t word, const char *ours, const char *theirs)
{
    enum a64_row row = a64_decode(word);
#define DIFFERENCE(name, kind, condition, section, why)                                            \
    if (found == kind && (condition))                                                              \
        return DIFFERENCE_##name;
#include "differences.def"
#undef DIFFERENCE
    return UNEXPLAINED;
}

static const struct {
    const char *name, *section, *why;
} explanations[] = {
#define DIFFERENCE(name, kind, condition, section, why) {#name, section, why},
#include "differences.def"
#undef DIFFERENCE
};

/* ---- comparison ---- */
static bool is_relative(enum a64_row row)
{
    switch (row) {
    case A64_ADR:
    case A64_ADRP:
    case A64_B:
    case A64_BL:
    case A64_B_COND:
    case A64_CBZ:
    case A64_CBNZ:
    case A64_TBZ:
    case A64_TBNZ:
    case A64_LDR_LIT:
    case A64_LDR_LIT_FP:
    case A64_PRFM_LIT:
        return true;
    default:
        return false;
    }
}

/* LLVM's offset to the address that Archway prints */
static void make_absolute(enum a64_row row, char *theirs)
{
    char *offset = strrchr(theirs, '#');
    if (!offset)
        return;
    uint64_t base = row == A64_ADRP ? PC & ~UINT64_C(0xfff) : PC;
    sprintf(offset, "0x%" PRIx64, base + (uint64_t)strtoll(offset + 1, NULL, 10));
}

/* Both end in the same number, if it is written in hexadecimal with leading zeros or not? */
static bool same_hex_end(const char *ours, const char *theirs)
{
    const char *a = strrchr(ours, '#'), *b = strrchr(theirs, '#');
    return a && b && a - ours == b - theirs && !strncmp(ours, theirs, (size_t)(a - ours)) &&
           strtoull(a + 1, NULL, 16) == strtoull(b + 1, NULL, 16);
}

static void compare(struct run *r, uint32_t word)
{
    char ours[128], theirs[256];
    enum a64_row row = a64_decode(word);
    bool valid = llvm_text(&r->llvm, word, PC, theirs, sizeof theirs);
    enum difference d;
    r->words++;
    a64_disasm(ours, sizeof ours, word, PC);
    if (!row && !valid)
        return;
    if (row && valid) {
        r->valid++;
        if (is_relative(row))
            make_absolute(row, theirs);
        if (!strcmp(ours, theirs) || (row == A64_SIMD_IMM && same_hex_end(ours, theirs)))
            return;
        d = explain(TEXT, word, ours, theirs);
    } else {
        d = explain(row ? OURS : THEIRS, word, ours, theirs);
    }
    if (r->count[d]++ < SHOWN && d == UNEXPLAINED)
        printf("# %08x: %s: got \"%s\", want \"%s\"\n", word, a64_row_info[row].name, ours,
               valid ? theirs : "(invalid)");
}

/* ---- what to compare ---- */
static uint64_t random_next(uint64_t *s) /* splitmix64 */
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Half of them over all words, half over the rows. */
static void compare_random(struct run *r, uint64_t n, uint64_t seed)
{
    for (uint64_t i = 0; i < n; i += 2) {
        compare(r, (uint32_t)random_next(&seed));
        compare(r, a64_random(1 + random_next(&seed) % (A64_ROW_COUNT - 1), &seed));
    }
}

/* The i-th corner of a field, *ret_value; false: there are no more. */
static bool corner(const struct isa_field *f, unsigned bits, unsigned i, uint32_t *ret_value)
{
    uint32_t ones = (uint32_t)((1ull << f->width) - 1);
    const uint32_t few[] = {0, 1, ones >> 1, (ones >> 1) + 1, ones - 1, ones};
    bool all = bits <= 10 || f->width <= 2; /* of all fields but the registers */
    if (i >= (all ? ones + 1 : 6))
        return false;
    *ret_value = all ? i : few[i];
    return true;
}

/* All combinations of corners of the fields from f on; registers are random, equal or 31. */
static void compare_corners(struct run *r, const struct isa_field *f, const struct isa_field *end,
                            uint32_t word, unsigned bits)
{
    while (f < end && f->reg)
        f++;
    if (f == end)
        return compare(r, word);
    uint32_t v;
    for (unsigned i = 0; corner(f, bits, i, &v); i++)
        compare_corners(r, f + 1, end, word | v << f->at, bits);
}

static void compare_row(struct run *r, enum a64_row row, uint64_t *seed)
{
    const struct isa_field *first = &a64_fields[a64_row_fields[row]],
                           *end = &a64_fields[a64_row_fields[row + 1]];
    unsigned bits = 0;
    for (const struct isa_field *f = first; f < end; f++)
        bits += f->reg ? 0 : f->width;
    for (int k = 0; k < 3; k++) {
        uint32_t word = a64_row_info[row].value, same = (uint32_t)random_next(seed);
        for (const struct isa_field *f = first; f < end; f++)
            if (f->reg) {
                uint32_t v = k == 0 ? (uint32_t)random_next(seed) : k == 1 ? same : 31;
                word |= (v & ((1u << f->width) - 1)) << f->at;
            }
        compare_corners(r, first, end, word, bits);
    }
    for (unsigned bit = 0; bit < 32; bit++) /* and its neighbours */
        if (a64_row_info[row].mask >> bit & 1)
            for (int k = 0; k < 4; k++)
                compare(r, a64_random(row, seed) ^ 1u << bit);
}

/* ---- the sweep: FILE holds the next piece and the counts ---- */
static bool sweep_load(struct run *r, const char *path, unsigned *ret_piece)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return true; /* the first run */
    bool ok = fscanf(f, "%u %" SCNu64 " %" SCNu64, ret_piece, &r->words, &r->valid) == 3;
    for (int i = 0; i <= DIFFERENCES; i++)
        ok = ok && fscanf(f, "%" SCNu64, &r->count[i]) == 1;
    fclose(f);
    return ok;
}

static bool sweep_save(const struct run *r, const char *path, unsigned piece)
{
    char new[4096];
    snprintf(new, sizeof new, "%s.new", path);
    FILE *f = fopen(new, "w");
    if (!f)
        return false;
    fprintf(f, "%u %" PRIu64 " %" PRIu64 "\n", piece, r->words, r->valid);
    for (int i = 0; i <= DIFFERENCES; i++)
        fprintf(f, "%" PRIu64 "\n", r->count[i]);
    return fclose(f) == 0 && rename(new, path) == 0;
}

static bool sweep(struct run *r, const char *path, unsigned pieces)
{
    unsigned piece = 0;
    if (!sweep_load(r, path, &piece)) {
        printf("# %s is not a sweep's state\n", path);
        return false;
    }
    for (; piece < 256 && pieces; pieces--) {
        for (uint32_t i = 0; i < PIECE; i++)
            compare(r, piece << 24 | i);
        if (!sweep_save(r, path, ++piece)) {
            perror(path);
            return false;
        }
        printf("# %u of 256 pieces\n", piece);
        fflush(stdout);
    }
    bool ok = true;
    for (int i = 0; piece == 256 && i < DIFFERENCES; i++)
        if (!r->count[i]) {
            printf("# %s explains no difference\n", explanations[i].name);
            ok = false;
        }
    return ok;
}

static bool report(const struct run *r)
{
    for (int i = 0; i < DIFFERENCES; i++)
        if (r->count[i])
            printf("# %10" PRIu64 " %-14s %s (%s)\n", r->count[i], explanations[i].name,
                   explanations[i].why, explanations[i].section);
    printf("# %" PRIu64 " words, %" PRIu64 " instructions to both, %" PRIu64
           " differences unexplained\n",
           r->words, r->valid, r->count[UNEXPLAINED]);
    return !r->count[UNEXPLAINED];
}

int main(int argc, char **argv)
{
    static struct run r;
    const char *why, *mode = argc > 2 ? argv[1] : "";
    if (!llvm_open(&r.llvm, &why)) {
        printf("ok 1 - A64 as LLVM reads it # SKIP %s\n1..1\n", why);
        return 0;
    }
    bool ok = true;
    if (!strcmp(mode, "--random")) {
        compare_random(&r, strtoull(argv[2], NULL, 0), argc > 3 ? strtoull(argv[3], NULL, 0) : 1);
    } else if (!strcmp(mode, "--sweep")) {
        ok = sweep(&r, argv[2], argc > 3 ? (unsigned)atoi(argv[3]) : 256);
    } else if (argc > 1) {
        fprintf(stderr, "usage: a64_llvm [--random N [SEED] | --sweep FILE [PIECES]]\n");
        return 2;
    } else {
        uint64_t seed = 3;
        for (enum a64_row row = 1; row < A64_ROW_COUNT; row++)
            compare_row(&r, row, &seed);
        for (uint32_t i = 0; i < 1 << 17; i++) /* all of op0 to op2 and L */
            compare(&r, 0xd5000000 | i << 5);
        compare_random(&r, 300000, 1);
    }
    ok = report(&r) && ok;
    printf("%sok 1 - A64 as LLVM reads it\n1..1\n", ok ? "" : "not ");
    return !ok;
}
