// SPDX-License-Identifier: Apache-2.0
/* Random floating-point instructions of every row of the decoder's table:
 *     fp_wordlist SEED COUNT [ROW]                  COUNT words a row to stdout, for fp_words
 *     fp_wordlist SEED COUNT [ROW] -- WANT GOT      compare two files of answers: TAP, one line a
 * row */
#include "engine/isa/a64.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fp_words.h"

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* Instructions with a general register: only x0 to x3 are loaded. */
static uint32_t restrict_general(const char *name, uint32_t word)
{
    bool to = has(name, "fcvt_int") || has(name, "fcvta_int") || has(name, "fcvt_fixed") ||
              has(name, "to_gen") || has(name, "fjcvtzs");
    bool from = has(name, "cvtf_int") || (has(name, "cvtf_fixed") && name[0] == 'c') ||
                has(name, "from_gen");
    if (to)
        return word & ~28u;
    return from ? word & ~(28u << 5) : word;
}

static enum fp_operands kind_of(const char *name, uint32_t word)
{
    bool wide = word >> 22 & 1;
    if (has(name, "cvtf_") || strncmp(name, "ur", 2) == 0)
        return wide ? FP_X : FP_W;
    if (strcmp(name, "fcvt") == 0)
        return (word >> 22 & 3) == 3 ? FP_H : wide ? FP_D : FP_S;
    if (has(name, "fcvtl"))
        return wide ? FP_S : FP_H;
    return wide ? FP_D : FP_S;
}

static struct word make(enum a64_row row, uint64_t *rng)
{
    const char *name = a64_row_info[row].name;
    struct word w;
    w.word = restrict_general(name, a64_random(row, rng));
    w.kind = kind_of(name, w.word);
    w.seed = fp_random(rng) | 1;
    return w;
}

static bool same(const struct answer *a, const struct answer *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void show(const struct word *w, uint64_t seed, const struct answer *want,
                 const struct answer *got)
{
    struct state s;
    char text[100];
    word_state(w, &seed, &s);
    a64_disasm(text, sizeof(text), w->word, 0);
    uint64_t *n = s.v[w->word >> 5 & 31], *m = s.v[w->word >> 16 & 31], *d = s.v[w->word & 31];
    printf("# %08x %s, fpcr %08x, nzcv %x\n", (unsigned)w->word, text, (unsigned)s.fpcr,
           (unsigned)(s.nzcv >> 28));
    printf("#   n %016" PRIx64 "%016" PRIx64 " m %016" PRIx64 "%016" PRIx64 " d %016" PRIx64
           "%016" PRIx64 " x %016" PRIx64 "\n",
           n[1], n[0], m[1], m[0], d[1], d[0], s.x[w->word >> 5 & 3]);
    const struct answer *both[2] = {want, got};
    for (unsigned k = 0; k < 2; k++)
        printf("#   %s d %016" PRIx64 "%016" PRIx64 " x %016" PRIx64 " nzcv %x fpsr %02x\n",
               k ? "got " : "want", both[k]->v[1], both[k]->v[0], both[k]->x,
               (unsigned)both[k]->nzcv, (unsigned)both[k]->fpsr);
}

/* Number of differing cases of one word; -1: a file ended. */
static int compare_word(const struct word *w, FILE *want, FILE *got, bool shown)
{
    uint64_t seed = w->seed;
    int bad = 0;
    for (unsigned k = 0; k < CASES; k++) {
        struct answer a, b;
        struct state s;
        uint64_t before = seed;
        if (fread(&a, sizeof(a), 1, want) != 1 || fread(&b, sizeof(b), 1, got) != 1)
            return -1;
        word_state(w, &seed, &s);
        if (!same(&a, &b) && !bad++ && !shown)
            show(w, before, &a, &b);
    }
    return bad;
}

static int compare_row(enum a64_row row, uint64_t rng, unsigned long count, FILE *const files[2])
{
    const char *name = a64_row_info[row].name;
    unsigned long bad = 0, shown = 0;
    for (unsigned long k = 0; k < count; k++) {
        struct word w = make(row, &rng);
        int n = compare_word(&w, files[0], files[1], shown >= 3);
        if (n < 0) {
            printf("not ok - %s: the answers end early\n", name);
            return 2;
        }
        bad += (unsigned long)n;
        shown += n != 0;
    }
    if (bad)
        printf("not ok - %s: %lu of %lu cases differ\n", name, bad, count * CASES);
    else
        printf("ok - %s: %lu cases\n", name, count * CASES);
    return bad != 0;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    unsigned long count = strtoul(argv[2], NULL, 0);
    const char *only = argc > 3 && strcmp(argv[3], "--") != 0 ? argv[3] : NULL;
    FILE *files[2] = {NULL, NULL};
    bool comparing = argc > 3 && strcmp(argv[argc - 3], "--") == 0;
    for (unsigned k = 0; comparing && k < 2; k++)
        if (!(files[k] = fopen(argv[argc - 2 + (int)k], "rb")))
            return 2;
    int status = 0;
    for (unsigned row = 0; row < A64_ROW_COUNT && status < 2; row++) {
        const struct a64_row_info *info = &a64_row_info[row];
        if (strcmp(info->group, "fp") != 0 || (only && strcmp(only, info->name) != 0))
            continue;
        uint64_t rng = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15u + row + 1;
        if (comparing) {
            int bad = compare_row((enum a64_row)row, rng, count, files);
            status = bad > status ? bad : status;
            continue;
        }
        for (unsigned long k = 0; k < count; k++) {
            struct word w = make((enum a64_row)row, &rng);
            if (fwrite(&w, sizeof(w), 1, stdout) != 1)
                return 1;
        }
    }
    return status ? 1 : 0;
}
