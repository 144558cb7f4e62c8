/* SPDX-License-Identifier: Apache-2.0
 *
 * Compare the engine with QEMU, instruction by instruction. `rowfuzz --help` tells the options.
 *
 * The idea: a slice is 512 codes or more with up to 128 starts each, made from (seed, mode, number
 * of the slice) alone: translating costs what running fifty times costs. The slice also draws how
 * the engine translates (--vary: passes off, registers at random). Both emulators run
 * tests/diff/runner on the same slice; their short answers are compared, and only where those
 * differ the whole states are asked for, judged and shrunk. A crash or a hang is found by running
 * again with every answer flushed, and the rest of the slice goes on without it.
 *
 * With --state, the next slice and the statistics live in a file, so a long run can be made in
 * pieces.
 */
#include "report.h"
#include "tally.h"

#include <err.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLICE_STARTS = 65536, SLICE_CODES_MAX = 1024, SHOWN = 2 };
enum mode { MODE_ROW, MODE_SEQ, MODE_LOOP };
static const char *const mode_names[] = {"row", "seq", "loop"};

struct fuzz {
    struct emulator emulator[2];   /* oracle, engine */
    struct accepted_list accepted; /* */
    struct tally t;                /* */
    unsigned states;               /* starts of a code */
    unsigned slice_codes;          /* */
    bool draw;                     /* configurations */
    char vary[32];                 /* the engine's option */
    enum a64_row *rows;            /* chosen ones */
    unsigned nrows;                /* */
    enum mode mode;                /* */
    uint64_t cases;                /* instances wanted for each row */
    double seconds;                /* stop after so long, 0: never */
    const char *state;             /* file, NULL: none */
    const char *folder;            /* where cases are kept */
    unsigned crashes, shown;       /* */
    unsigned show;                 /* most differences to print */
    double cpu[2];                 /* seconds used by each */
    uint64_t total;                /* instances in this run */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- slices ---- */
static uint64_t codes_wanted(const struct fuzz *f)
{
    return (f->cases * f->nrows + f->states - 1) / f->states;
}

/* The engine's last option but one; the runner is behind it. */
static void set_vary(struct fuzz *f, uint32_t vary)
{
    f->accepted.vary = vary;
    snprintf(f->vary, sizeof f->vary, "--vary=%u", vary);
}

/* row_of: of each code */
static void make_slice(struct fuzz *f, struct cases *c, enum a64_row *row_of)
{
    struct rng r = {f->t.seed * 0x9e3779b97f4a7c15u + f->t.slice * 0xd1342543de82ef95u +
                    (uint64_t)f->mode};
    uint64_t first = f->t.slice * f->slice_codes, end = codes_wanted(f);
    unsigned at;
    cases_clear(c);
    if (f->draw)
        set_vary(f, tally_vary(&r));
    for (uint64_t i = first; i < end && i < first + f->slice_codes; i++) {
        enum a64_row row = f->rows[i % f->nrows];
        struct row_code *code = cases_add_code(c);
        code->slot = (uint16_t)((c->ncodes - 1) % ROW_SLOTS);
        code->states = (uint16_t)f->states;
        if (f->mode != MODE_ROW) {
            sequence_code(&r, f->rows, f->nrows, f->mode == MODE_LOOP, code);
            row = a64_decode(code->words[0]);
        } else if (!code_single(&r, row, code, &at)) {
            errx(1, "no word found for row %s", a64_row_info[row].name);
        }
        row_of[c->ncodes - 1] = row;
        for (unsigned k = 0; k < f->states; k++) {
            struct row_start *s = cases_add_start(c);
            if (k)
                *s = s[-1];
            if (f->mode == MODE_ROW)
                code_single_start(&r, row, code, s, !k);
            else
                sequence_start(&r, code, s, !k);
        }
    }
}

static struct one alone(const struct fuzz *f, const struct cases *c, const enum a64_row *row_of,
                        unsigned start)
{
    unsigned code = start / f->states;
    struct one o = {.magic = ROW_MAGIC,
                    .row = (uint16_t)row_of[code],
                    .vary = f->accepted.vary,
                    .code = c->codes[code],
                    .start = c->starts[start]};
    o.code.states = 1;
    return o;
}

/* ---- findings ---- */
static void keep(const struct fuzz *f, const struct one *o, char path[256])
{
    struct rng r = {o->start.seed ^ o->code.words[0]};
    mkdir(f->folder, 0777);
    snprintf(path, 256, "%s/%s-%08x.case", f->folder, a64_row_info[o->row].name,
             (unsigned)rng_next(&r));
    FILE *out = fopen(path, "w");
    if (!out || fwrite(o, sizeof *o, 1, out) != 1 || fclose(out))
        err(1, "%s", path);
}

static void show(struct fuzz *f, struct one *o, struct row_full out[2])
{
    char path[256];
    report_shrink(f->emulator, &f->accepted, o, out);
    keep(f, o, path);
    report_print(stdout, f->emulator, o, out);
    printf("  again: rowfuzz --replay=%s\n\n", path);
    fflush(stdout);
}

static void crashed(struct fuzz *f, const struct one *o, const struct answers a[2])
{
    char path[256];
    keep(f, o, path);
    f->crashes++;
    f->t.rows[o->row].wrong++;
    printf("row %s: ", a64_row_info[o->row].name);
    for (int i = 0; i < 2; i++) {
        const struct answers *x = &a[i];
        if (x->status == -1)
            printf("%s hangs (%u s); ", f->emulator[i].name, f->emulator[i].seconds);
        else if (x->status && WIFSIGNALED(x->status))
            printf("%s dies of signal %d; ", f->emulator[i].name, WTERMSIG(x->status));
        else if (x->status)
            printf("%s exits with %d; ", f->emulator[i].name, WEXITSTATUS(x->status));
    }
    printf("again: rowfuzz --replay=%s\n", path);
    struct row_full none[2] = {{.pc = 0}};
    none[0].state = none[1].state = o->start.state;
    report_print(stdout, f->emulator, o, none);
    putchar('\n');
    fflush(stdout);
}

/* Ask for the whole states of these starts, alone; judge them. */
static void judge(struct fuzz *f, const struct cases *c, const enum a64_row *row_of,
                  const unsigned *which, unsigned n)
{
    struct cases again = {0};
    struct answers a[2];
    enum a64_row row;
    for (unsigned i = 0; i < n; i++) {
        struct one o = alone(f, c, row_of, which[i]);
        /* those of one code together: they are one translation again */
        if (i && which[i] / f->states == which[i - 1] / f->states)
            again.codes[again.ncodes - 1].states++;
        else
            *cases_add_code(&again) = o.code;
        *cases_add_start(&again) = o.start;
    }
    if (!run_pair(f->emulator, &again, ROW_FULL, a))
        printf("not all of %u differing cases ran a second time\n", n);
    for (unsigned i = 0; i < n && i < a[0].done && i < a[1].done; i++) {
        struct one o = alone(f, c, row_of, which[i]);
        struct row_full out[2] = {a[0].full[i], a[1].full[i]};
        switch (report_judge(&f->accepted, &o, out, &row)) {
        case VERDICT_SAME:
            printf("row %s: differed in its slice, not alone (seed %lu, slice %lu, start %u)\n",
                   a64_row_info[o.row].name, f->t.seed, f->t.slice, which[i]);
            f->t.rows[o.row].wrong++;
            break;
        case VERDICT_ACCEPTED:
            f->t.rows[row].accepted++;
            break;
        case VERDICT_NOT_LIFTED:
            f->t.rows[row].not_lifted++;
            break;
        case VERDICT_WRONG:
            if (f->t.rows[row].wrong++ < SHOWN && f->shown++ < f->show)
                show(f, &o, out);
        }
    }
    answers_free(&a[0]);
    answers_free(&a[1]);
    cases_free(&again);
}

/* Cases from the given code on. */
static struct cases tail_of(const struct fuzz *f, const struct cases *c, unsigned code)
{
    return (struct cases){.codes = c->codes + code,
                          .starts = c->starts + (size_t)code * f->states,
                          .ncodes = c->ncodes - code,
                          .nstarts = c->nstarts - code * f->states};
}

/* An emulator stopped at or behind start `done` of these: find the culprit, and tell its code. */
static unsigned find_crash(struct fuzz *f, const struct cases *c, const enum a64_row *row_of,
                           unsigned done)
{
    unsigned code = done / f->states;
    struct cases rest = tail_of(f, c, code);
    if (rest.ncodes > ROW_SLOTS)
        rest.ncodes = ROW_SLOTS;
    rest.nstarts = rest.ncodes * f->states;
    struct answers a[2];
    if (run_pair(f->emulator, &rest, ROW_FLUSH, a)) {
        printf("an emulator stopped in slice %lu near start %u, and does not when run again\n",
               f->t.slice, done);
        code += rest.ncodes - 1;
    } else {
        unsigned least = a[0].done < a[1].done ? a[0].done : a[1].done;
        if (least >= rest.nstarts)
            least = rest.nstarts - 1;
        struct one o = alone(f, c, row_of, code * f->states + least);
        crashed(f, &o, a);
        code += least / f->states;
    }
    answers_free(&a[0]);
    answers_free(&a[1]);
    return code;
}

/* A start of this code ran; at: the word with the signal */
static void count_run(struct fuzz *f, const struct row_code *c, const struct row_brief *b)
{
    enum a64_row met[ROW_WORDS];
    unsigned n = 0;
    for (unsigned i = 0; i < c->count; i++) {
        enum a64_row row = a64_decode(c->words[i]);
        unsigned k = 0;
        while (k < n && met[k] != row)
            k++;
        if (k == n)
            f->t.rows[met[n++] = row].instances++;
    }
    f->t.instances++;
    f->t.faults += b->sig != 0;
    if (b->sig && b->at < c->count)
        f->t.rows[a64_decode(c->words[b->at])].faults++;
}

static void compare(struct fuzz *f, const struct cases *c, const enum a64_row *row_of,
                    const struct answers a[2], unsigned done)
{
    unsigned *which = malloc((c->nstarts + 1) * sizeof *which), n = 0;
    if (!which)
        err(1, "memory");
    for (unsigned i = 0; i < done; i++) {
        const struct row_brief *b = &a[0].brief[i];
        if (f->mode == MODE_ROW) {
            f->t.instances++;
            f->t.faults += b->sig != 0;
            f->t.rows[row_of[i / f->states]].instances++;
            f->t.rows[row_of[i / f->states]].faults += b->sig != 0;
        } else {
            count_run(f, &c->codes[i / f->states], b);
        }
        if (memcmp(b, &a[1].brief[i], sizeof *b))
            which[n++] = i;
    }
    f->total += done;
    tally_add_varied(&f->t, f->accepted.vary, done);
    if (n)
        judge(f, c, row_of, which, n);
    free(which);
}

/* Nothing of the answers differed, but the arena did: a store went astray. */
static void compare_arenas(struct fuzz *f, const struct cases *c, const enum a64_row *row_of,
                           const struct answers a[2])
{
    bool same = true;
    for (unsigned i = 0; i < c->ncodes; i++)
        same = same && a[0].arena[i] == a[1].arena[i];
    for (unsigned i = 0; i < c->nstarts; i++)
        if (a[0].brief[i].hash != a[1].brief[i].hash)
            return;
    if (same)
        return;
    struct answers all[2];
    run_pair(f->emulator, c, ROW_ALL, all);
    for (unsigned i = 0; i < all[0].done && i < all[1].done; i++)
        if (all[0].brief[i].hash != all[1].brief[i].hash) {
            struct one o = alone(f, c, row_of, i);
            struct row_full none[2] = {{.pc = 0}};
            none[0].state = none[1].state = o.start.state;
            f->t.rows[o.row].wrong++;
            printf("memory outside of the window differs:\n");
            report_print(stdout, f->emulator, &o, none);
            break;
        }
    answers_free(&all[0]);
    answers_free(&all[1]);
}

static void run_slice(struct fuzz *f)
{
    static struct cases c;
    static enum a64_row row_of[SLICE_CODES_MAX];
    make_slice(f, &c, row_of);
    for (unsigned code = 0; code < c.ncodes && f->crashes < f->show / 2 + 1;) {
        struct cases rest = tail_of(f, &c, code);
        struct answers a[2];
        bool ok = run_pair(f->emulator, &rest, 0, a);
        unsigned done = a[0].done < a[1].done ? a[0].done : a[1].done;
        if (!ok)
            done -= done % f->states;
        f->cpu[0] += a[0].cpu;
        f->cpu[1] += a[1].cpu;
        compare(f, &rest, row_of + code, a, done);
        if (ok)
            compare_arenas(f, &rest, row_of + code, a);
        code = ok ? c.ncodes : find_crash(f, &c, row_of, code * f->states + done) + 1;
        answers_free(&a[0]);
        answers_free(&a[1]);
    }
    f->t.slice++;
}

/* ---- the end ---- */
static int summary(const struct fuzz *f, double seconds)
{
    for (unsigned i = 0; i < f->accepted.count; i++)
        if (f->accepted.items[i].instances)
            printf("accepted %lu times: %s: %s\n", f->accepted.items[i].instances,
                   f->accepted.items[i].row, f->accepted.items[i].why);
    bool good = tally_print(&f->t, stdout);
    struct rusage self;
    getrusage(RUSAGE_SELF, &self);
    double cpu = (double)self.ru_utime.tv_sec + (double)self.ru_stime.tv_sec +
                 (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec) / 1e6;
    printf("this run: %lu instances in %.1f s, %u stops; a second of %s runs %.0f, of %s %.0f, of "
           "rowfuzz %.0f\n",
           f->total, seconds, f->crashes, f->emulator[0].name,
           (double)f->total / (f->cpu[0] + 1e-9), f->emulator[1].name,
           (double)f->total / (f->cpu[1] + 1e-9), (double)f->total / cpu);
    return !good || f->crashes;
}

static int replay(struct fuzz *f, const char *path)
{
    struct one o;
    struct cases c = {0};
    struct answers a[2];
    FILE *in = fopen(path, "r");
    if (!in || fread(&o, sizeof o, 1, in) != 1 || o.magic != ROW_MAGIC || o.row >= A64_ROW_COUNT)
        errx(1, "%s: no case of rowfuzz", path);
    fclose(in);
    set_vary(f, o.vary);
    *cases_add_code(&c) = o.code;
    *cases_add_start(&c) = o.start;
    if (!run_pair(f->emulator, &c, ROW_FULL | ROW_FLUSH, a)) {
        crashed(f, &o, a);
        return 1;
    }
    struct row_full out[2] = {a[0].full[0], a[1].full[0]};
    report_print(stdout, f->emulator, &o, out);
    static const char *const verdicts[] = {"no difference", "accepted",
                                           "SIGILL of the engine's alone", "wrong"};
    enum a64_row row;
    enum verdict v = report_judge(&f->accepted, &o, out, &row);
    puts(verdicts[v]);
    return v == VERDICT_WRONG || v == VERDICT_NOT_LIFTED;
}

/* ---- options ---- */
static void choose_rows(struct fuzz *f, char *patterns)
{
    f->rows = calloc(A64_ROW_COUNT, sizeof *f->rows);
    if (!f->rows)
        err(1, "memory");
    bool take[A64_ROW_COUNT] = {false};
    for (char *p = strtok(patterns, ", "); p; p = strtok(NULL, ", ")) {
        bool drop = *p == '-', met = false;
        for (unsigned row = 1; row < A64_ROW_COUNT; row++) {
            const struct a64_row_info *i = &a64_row_info[row];
            if (fnmatch(p + drop, i->name, 0) && strcmp(p + drop, i->group))
                continue;
            met = true;
            take[row] = !drop && !code_excluded(row);
        }
        if (!met)
            errx(2, "no row matches %s", p + drop);
    }
    for (unsigned row = 1; row < A64_ROW_COUNT; row++)
        if (take[row])
            f->rows[f->nrows++] = row;
    if (!f->nrows)
        errx(2, "no row is left to run");
}

/* A command of words, an option, and the runner behind it. */
static char **command(char *words, char *option, char *runner)
{
    char **argv = calloc(strlen(words) + 4, sizeof *argv);
    unsigned n = 0;
    if (!argv)
        err(1, "memory");
    for (char *p = strtok(words, " "); p; p = strtok(NULL, " "))
        argv[n++] = p;
    if (option)
        argv[n++] = option;
    argv[n] = runner;
    return argv;
}

static const char help[] =
    "rowfuzz [OPTION]...: compare the engine with QEMU, instruction by instruction\n\n"
    "  --rows=LIST      rows, by patterns and groups (int branch sys mem simd fp); -PATTERN leaves "
    "out\n"
    "  --cases=N        instances of each row (1000)\n"
    "  --seed=N         1\n"
    "  --mode=MODE      row: one instruction; seq: 2 to 8; loop: with branches and loops\n"
    "  --state=FILE     go on where that run ended, and write there\n"
    "  --seconds=N      stop after so long\n"
    "  --vary=N|draw    how the engine translates; draw: each slice in another way (draw)\n"
    "                   none: the engine has no such option\n"
    "  --one            one emulator at a time\n"
    "  --oracle=COMMAND --engine=COMMAND --runner=PROGRAM --accepted=FILE --cases-in=FOLDER\n"
    "  --show=N         print so many differences at most (40)\n"
    "  --replay=FILE    run that case alone and print it\n"
    "  --excluded       print the rows of which no cases are made, and why\n\n"
    "The exit status is 1 when something differs that accepted.txt does not know.\n";

static int print_excluded(void)
{
    for (unsigned row = 1; row < A64_ROW_COUNT; row++)
        if (code_excluded(row))
            printf("%s: %s\n", a64_row_info[row].name, code_excluded(row));
    return 0;
}

enum option_name {
    ROWS = 1,
    CASES,
    SEED,
    MODE,
    STATE,
    SECONDS,
    ORACLE,
    ENGINE,
    RUNNER,
    ACCEPTED,
    FOLDER,
    REPLAY,
    SHOW,
    VARY,
    ONE,
    EXCLUDED,
    HELP
};

/* What the options say, by name; the status to end with in *status. */
static bool read_options(int argc, char **argv, char *value[], int *status)
{
    static const struct option options[] = {
        {"rows", 1, 0, ROWS},         {"cases", 1, 0, CASES},       {"seed", 1, 0, SEED},
        {"mode", 1, 0, MODE},         {"state", 1, 0, STATE},       {"seconds", 1, 0, SECONDS},
        {"oracle", 1, 0, ORACLE},     {"engine", 1, 0, ENGINE},     {"runner", 1, 0, RUNNER},
        {"accepted", 1, 0, ACCEPTED}, {"cases-in", 1, 0, FOLDER},   {"replay", 1, 0, REPLAY},
        {"show", 1, 0, SHOW},         {"excluded", 0, 0, EXCLUDED}, {"vary", 1, 0, VARY},
        {"one", 0, 0, ONE},           {"help", 0, 0, HELP},         {0}};
    int o;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        *status = o == HELP ? puts(help) < 0 : o == EXCLUDED ? print_excluded() : 2;
        if (o == HELP || o == EXCLUDED || o == '?')
            return false;
        value[o] = optarg ? optarg : argv[0];
    }
    if (optind < argc || !value[ORACLE] || !value[ENGINE] || !value[RUNNER] || !value[ACCEPTED])
        errx(2, "--oracle, --engine, --runner and --accepted are needed; see --help, or use make "
                "row-fuzz");
    return true;
}

/* Short runs have more codes, long ones more starts of each. */
static unsigned starts_of_code(enum mode mode, uint64_t cases)
{
    unsigned most = mode == MODE_ROW && cases >= 4096 ? ROW_STATES : 32;
    return cases < 8 * 32 ? 8 : cases < most * 32 ? (unsigned)cases / 32 : most;
}

int main(int argc, char **argv)
{
    /* what is not in the table of rows would only make other contexts and other results of hints */
    static char cpu[] = "QEMU_CPU=max,sve=off,sme=off,pauth=off";
    static char *oracle_env[] = {cpu, NULL}, *engine_env[] = {NULL};
    char *value[HELP + 1] = {
        [ROWS] = strdup("*"), [CASES] = "1000", [SEED] = "1",  [MODE] = "row",
        [SECONDS] = "0",      [FOLDER] = ".",   [SHOW] = "40", [VARY] = "draw"};
    int status;
    if (!read_options(argc, argv, value, &status))
        return status;
    static struct fuzz f;
    f = (struct fuzz){.t.seed = strtoull(value[SEED], NULL, 0),
                      .cases = strtoull(value[CASES], NULL, 0),
                      .seconds = strtod(value[SECONDS], NULL),
                      .show = (unsigned)strtoul(value[SHOW], NULL, 0),
                      .state = value[STATE],
                      .folder = value[FOLDER],
                      .draw = !strcmp(value[VARY], "draw")};
    while (f.mode <= MODE_LOOP && strcmp(value[MODE], mode_names[f.mode]))
        f.mode++;
    if (f.mode > MODE_LOOP)
        errx(2, "no mode %s", value[MODE]);
    f.t.mode = mode_names[f.mode];
    f.states = starts_of_code(f.mode, f.cases);
    f.slice_codes = SLICE_STARTS / (f.states < 64 ? 64 : f.states);
    f.emulator[0] = (struct emulator){"oracle", command(value[ORACLE], NULL, value[RUNNER]),
                                      oracle_env, 120, value[ONE]};
    f.emulator[1] = (struct emulator){
        "engine",
        command(value[ENGINE], strcmp(value[VARY], "none") ? f.vary : NULL, value[RUNNER]),
        engine_env, 120, value[ONE]};
    choose_rows(&f, value[ROWS]);
    accepted_read(&f.accepted, value[ACCEPTED]);
    set_vary(&f, f.draw ? 0 : (uint32_t)strtoul(value[VARY], NULL, 0));
    if (value[REPLAY])
        return replay(&f, value[REPLAY]);
    tally_read(&f.t, f.state);
    double start = now();
    while (f.t.slice * f.slice_codes < codes_wanted(&f) && f.crashes < f.show / 2 + 1 &&
           (f.seconds <= 0 || now() - start < f.seconds)) {
        run_slice(&f);
        tally_write(&f.t, f.state);
    }
    return summary(&f, now() - start);
}
