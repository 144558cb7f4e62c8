/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"
#include "tally.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOP 0xd503201fu

/* ---- judging ---- */
unsigned report_fields(const struct row_full out[2])
{
    const struct row_full *a = &out[0], *b = &out[1];
    unsigned bits = 0;
    if (memcmp(a->state.x, b->state.x, sizeof a->state.x) || a->state.sp != b->state.sp)
        bits |= DIFF_X;
    bits |= a->state.nzcv != b->state.nzcv ? DIFF_NZCV : 0;
    bits |= a->state.fpcr != b->state.fpcr ? DIFF_FPCR : 0;
    bits |= a->state.fpsr != b->state.fpsr ? DIFF_FPSR : 0;
    bits |= memcmp(a->state.v, b->state.v, sizeof a->state.v) ? DIFF_V : 0;
    bits |= memcmp(a->mem, b->mem, sizeof a->mem) ? DIFF_MEM : 0;
    bits |= a->sig != b->sig ? DIFF_SIGNAL : 0;
    bits |= a->code != b->code ? DIFF_CODE : 0;
    bits |= a->addr != b->addr ? DIFF_ADDR : 0;
    bits |= a->pc != b->pc ? DIFF_PC : 0;
    return bits;
}

enum verdict report_judge(struct accepted_list *l, const struct one *c,
                          const struct row_full out[2], enum a64_row *row)
{
    unsigned bits = report_fields(out), at = out[1].brief.at;
    *row = c->row;
    if (!bits)
        return VERDICT_SAME;
    if (out[1].sig == SIGILL && out[0].brief.at != at && at < c->code.count) {
        *row = a64_decode(c->code.words[at]);
        return VERDICT_NOT_LIFTED;
    }
    if (accepted_explains(l, c, out, bits))
        return VERDICT_ACCEPTED;
    return VERDICT_WRONG;
}

/* ---- shrinking ---- */
enum { SPOTS = ROW_WORDS + 31 + 32 + 4 };

/* Simplify one spot of the case; false: it is as simple as can be. */
static bool simplify(struct one *c, unsigned spot)
{
    struct row_state *s = &c->start.state;
    if (spot < ROW_WORDS) {
        uint32_t w = spot < c->code.count ? c->code.words[spot] : NOP;
        if (w == NOP || w == SEQUENCE_COUNT)
            return false;
        c->code.words[spot] = NOP;
        return true;
    }
    spot -= ROW_WORDS;
    if (spot < 31) {
        bool was = s->x[spot] != 0 && spot != SEQUENCE_COUNTER;
        s->x[spot] = was ? 0 : s->x[spot];
        return was;
    }
    spot -= 31;
    if (spot < 32) {
        bool was = s->v[spot][0] || s->v[spot][1];
        s->v[spot][0] = s->v[spot][1] = 0;
        return was;
    }
    uint32_t *word = (uint32_t *[]){&s->nzcv, &s->fpcr, &s->fpsr, &s->zero}[spot - 32];
    bool was = *word != 0;
    *word = 0;
    return was;
}

/* Run candidates together; wrong[i]: the i-th still is. Those behind a crash are not. */
static void try_all(const struct emulator e[2], struct accepted_list *l, const struct one *list,
                    unsigned n, struct row_full (*out)[2], bool *wrong)
{
    struct cases c = {0};
    struct answers a[2];
    enum a64_row row;
    for (unsigned i = 0; i < n; i++) {
        *cases_add_code(&c) = list[i].code;
        *cases_add_start(&c) = list[i].start;
    }
    run_pair(e, &c, ROW_FULL, a);
    for (unsigned i = 0; i < n; i++) {
        wrong[i] = false;
        if (i >= a[0].done || i >= a[1].done)
            continue;
        out[i][0] = a[0].full[i];
        out[i][1] = a[1].full[i];
        wrong[i] = report_judge(l, &list[i], out[i], &row) == VERDICT_WRONG;
    }
    answers_free(&a[0]);
    answers_free(&a[1]);
    cases_free(&c);
}

void report_shrink(const struct emulator e[2], struct accepted_list *l, struct one *c,
                   struct row_full out[2])
{
    static struct one list[SPOTS];
    static struct row_full outs[SPOTS][2];
    static bool wrong[SPOTS];
    struct accepted_list mute = {l->vary, calloc(l->count + 1, sizeof *l->items), l->count};
    if (!mute.items)
        err(1, "memory");
    memcpy(mute.items, l->items, l->count * sizeof *l->items);
    for (unsigned round = 0; round < 60; round++) {
        unsigned n = 0;
        for (unsigned spot = 0; spot < SPOTS; spot++) {
            list[n] = *c;
            n += simplify(&list[n], spot);
        }
        if (!n)
            break;
        try_all(e, &mute, list, n, outs, wrong);
        unsigned best = 0;
        while (best < n && !wrong[best])
            best++;
        if (best == n)
            break;
        /* all that can go one by one, together; or, if they need each other, the first alone */
        struct one all = *c;
        for (unsigned spot = 0, i = 0; spot < SPOTS && i < n; spot++) {
            struct one dummy = *c;
            if (simplify(&dummy, spot) && wrong[i++])
                simplify(&all, spot);
        }
        struct row_full both[1][2];
        bool still;
        try_all(e, &mute, &all, 1, both, &still);
        *c = still ? all : list[best];
        memcpy(out, still ? both[0] : outs[best], sizeof both[0]);
    }
    free(mute.items);
}

/* ---- text ---- */
static void disassemble(FILE *f, const struct one *c)
{
    char path[] = "/tmp/rowfuzz.XXXXXX", command[256], line[256];
    int fd = mkstemp(path);
    if (fd < 0)
        return;
    ssize_t put = write(fd, c->code.words, c->code.count * sizeof *c->code.words);
    close(fd);
    snprintf(command, sizeof command,
             "aarch64-linux-gnu-objdump -D -b binary -m aarch64 --adjust-vma=%#lx %s 2>/dev/null",
             ROW_CODE + (unsigned long)c->code.slot * ROW_SLOT + 4, path);
    FILE *p = put > 0 ? popen(command, "r") : NULL;
    unsigned n = 0;
    while (p && fgets(line, sizeof line, p)) {
        char *text = strchr(line, ':');
        if (text && text[1] == '\t' && n < c->code.count) {
            if (c->code.words[n] != NOP || c->code.count == 1)
                fprintf(f, "  %2u%s", n, text);
            n++;
        }
    }
    if (p)
        pclose(p);
    for (; n < c->code.count; n++)
        fprintf(f, "  %2u: %08x\n", n, c->code.words[n]);
    unlink(path);
}

/* "what: before -> oracle | engine", where the two differ, or the word names that register */
static void line64(FILE *f, const char *what, const uint64_t v[3], bool differs)
{
    fprintf(f, "  %-5s %016lx -> %016lx", what, v[0], v[1]);
    if (differs)
        fprintf(f, " | %016lx  <<<", v[2]);
    fputc('\n', f);
}

static bool named(const struct one *c, unsigned n)
{
    for (unsigned i = 0; i < c->code.count; i++) {
        uint32_t w = c->code.words[i];
        if (w != NOP &&
            ((w & 31) == n || (w >> 5 & 31) == n || (w >> 16 & 31) == n || (w >> 10 & 31) == n))
            return true;
    }
    return false;
}

static void registers(FILE *f, const struct one *c, const struct row_full out[2])
{
    const struct row_state *s = &c->start.state, *a = &out[0].state, *b = &out[1].state;
    char name[8];
    for (unsigned i = 0; i < 31; i++) {
        snprintf(name, sizeof name, "x%u", i);
        if (a->x[i] != b->x[i] || named(c, i))
            line64(f, name, (uint64_t[]){s->x[i], a->x[i], b->x[i]}, a->x[i] != b->x[i]);
    }
    if (a->sp != b->sp || named(c, 31))
        line64(f, "sp", (uint64_t[]){s->sp, a->sp, b->sp}, a->sp != b->sp);
    for (unsigned i = 0; i < 32; i++) {
        bool differs = memcmp(a->v[i], b->v[i], 16) != 0;
        if (!differs && (!named(c, i) || !(s->v[i][0] | s->v[i][1] | a->v[i][0] | a->v[i][1])))
            continue;
        snprintf(name, sizeof name, "v%u", i);
        fprintf(f, "  %-5s %016lx:%016lx -> %016lx:%016lx", name, s->v[i][1], s->v[i][0],
                a->v[i][1], a->v[i][0]);
        if (differs)
            fprintf(f, " | %016lx:%016lx  <<<", b->v[i][1], b->v[i][0]);
        fputc('\n', f);
    }
    line64(f, "nzcv", (uint64_t[]){s->nzcv, a->nzcv, b->nzcv}, a->nzcv != b->nzcv);
    line64(f, "fpcr", (uint64_t[]){s->fpcr, a->fpcr, b->fpcr}, a->fpcr != b->fpcr);
    line64(f, "fpsr", (uint64_t[]){s->fpsr, a->fpsr, b->fpsr}, a->fpsr != b->fpsr);
}

void report_print(FILE *f, const struct emulator e[2], const struct one *c,
                  const struct row_full out[2])
{
    char name[16];
    fprintf(f, "row %s: (before) -> (%s) | (%s)\n", a64_row_info[c->row].name, e[0].name,
            e[1].name);
    if (c->vary)
        fprintf(f, "  the engine with --vary=%u\n", c->vary);
    disassemble(f, c);
    registers(f, c, out);
    for (unsigned i = 0; i < ROW_WINDOW / 8; i++)
        if (out[0].mem[i] != out[1].mem[i]) {
            snprintf(name, sizeof name, "+%#x", 8 * i);
            line64(f, name, (uint64_t[]){row_fill(c->start.seed, i), out[0].mem[i], out[1].mem[i]},
                   true);
        }
    for (int i = 0; i < 2; i++) {
        if (out[i].sig)
            fprintf(f, "  %s: signal %u, code %u, address %#lx, at word %d (pc %#lx)\n", e[i].name,
                    out[i].sig, out[i].code, out[i].addr, (int16_t)out[i].brief.at, out[i].pc);
        else if (out[1 - i].sig)
            fprintf(f, "  %s: no signal\n", e[i].name);
    }
}
