/* SPDX-License-Identifier: Apache-2.0
 *
 * archway-lift: what the engine makes of instructions. For each word its text and row, then the
 * region's IR and the host's code (as text where libLLVM-14 is installed).
 *
 *   archway-lift [--text|--ir|--code] a64 WORD...   words are hexadecimal; they stand one after
 * another archway-lift --cost a64 [ROW...]                what each row costs in host instructions
 *
 * The cost of words is the host instructions of their region, less those of a region with a NOP;
 * that of a row is one word's, the least, median and most of some, as some operands are dearer than
 * others. Helpers that the code calls do not count.
 */
#include "engine/isa/a64.h"
#include "engine/lift/lift.h"
#include "engine/x64/compile.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PC = 0x400000, WORDS_MAX = 256, CODE_ROOM = 1 << 16, FAULTS = 1024, SAMPLES = 25 };
enum { NOP = 0xd503201f };
enum show { SHOW_TEXT = 1, SHOW_IR = 2, SHOW_CODE = 4, SHOW_ALL = 7, COUNT = 8, COST = 16 };

struct code {
    uint32_t words[WORDS_MAX]; /* the guest's, from PC on */
    unsigned count;            /* of words */
};

static struct ir_region region;
static _Alignas(64) uint8_t host[CODE_ROOM];
static struct slot slots[256];
static struct x64_fault faults[FAULTS];

static bool fetch(void *context, uint64_t pc, uint32_t *word)
{
    const struct code *c = context;
    uint64_t i = (pc - PC) / 4;
    if (i >= c->count)
        return false;
    *word = c->words[i];
    return true;
}

/* What any host may have. */
static bool host_has(void *context, enum lift_host what)
{
    (void)context;
    (void)what;
    return true;
}

static bool known(void *context, uint64_t pc)
{
    (void)context;
    return pc != PC; /* so that the region stays on its one path */
}

/* Lift and compile; NULL, or what is wrong. */
static const char *translate(struct code *c, struct x64_out *out)
{
    static struct x64_work *work;
    if (!work)
        work = aligned_alloc(64, (x64_work_size + 63) & ~63u);
    if (!work)
        return "no memory";
    const struct lift_env env = {
        .fetch = fetch, .known = known, .host = host_has, .context = c, .max_insns = c->count};
    a64_lift_region(&region, PC, &env);
    const char *wrong = ir_verify(&region);
    if (wrong)
        return wrong;
    *out = (struct x64_out){.code = host,
                            .code_addr = (uint64_t)(uintptr_t)host,
                            .slots = slots,
                            .faults = faults,
                            .code_room = sizeof host,
                            .slot_room = sizeof slots / sizeof slots[0],
                            .fault_room = FAULTS};
    return x64_compile(&region, out, work) == X64_OK ? NULL : "the host's code does not fit";
}

/* ---- the host's text ---- */
struct llvm {
    void *context; /* NULL: there is no libLLVM */
    size_t (*disasm)(void *context, uint8_t *bytes, uint64_t size, uint64_t pc, char *out,
                     size_t room);
};

static void call_if_there(void *lib, const char *name)
{
    void (*fn)(void) = (void (*)(void))dlsym(lib, name);
    if (fn)
        fn();
}

static struct llvm llvm_open(void)
{
    struct llvm l = {0};
    void *lib = dlopen("libLLVM-14.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        return l;
    call_if_there(lib, "LLVMInitializeX86TargetInfo");
    call_if_there(lib, "LLVMInitializeX86TargetMC");
    call_if_there(lib, "LLVMInitializeX86Disassembler");
    void *(*create)(const char *, void *, int, void *, void *) =
        (void *(*)(const char *, void *, int, void *, void *))dlsym(lib, "LLVMCreateDisasm");
    int (*set)(void *, uint64_t) = (int (*)(void *, uint64_t))dlsym(lib, "LLVMSetDisasmOptions");
    l.disasm = (size_t(*)(void *, uint8_t *, uint64_t, uint64_t, char *, size_t))dlsym(
        lib, "LLVMDisasmInstruction");
    if (!create || !set || !l.disasm)
        return l;
    l.context = create("x86_64-linux-gnu", NULL, 0, NULL, NULL);
    if (l.context)
        set(l.context, 4); /* Intel's syntax */
    return l;
}

/* One host instruction's length and text; at least 1. */
static unsigned host_text(const struct llvm *l, uint32_t at, uint32_t end, char *text, size_t room)
{
    size_t n = l->disasm(l->context, host + at, end - at, at, text, room);
    if (!n)
        snprintf(text, room, "\t.byte\t0x%02x", host[at]);
    return n ? (unsigned)n : 1;
}

static void print_code(const struct llvm *l, const struct x64_out *out)
{
    printf("code: %u bytes, %u slots, %u may fault\n", out->code_size, out->slot_count,
           out->fault_count);
    for (uint32_t at = 0; at < out->code_size;) {
        char text[256] = "";
        bool data = at >= out->pool;
        unsigned n = data         ? 16 - at % 16
                     : l->context ? host_text(l, at, out->pool, text, sizeof text)
                                  : 8;
        char hex[40] = "";
        for (unsigned i = 0; i < n && at + i < out->code_size; i++)
            sprintf(hex + 2 * i, "%02x", host[at + i]);
        printf("  %4x  %-22s%s\n", at, hex, text);
        at += n;
    }
}

static void print_words(const struct code *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        char text[128];
        a64_disasm(text, sizeof text, c->words[i], PC + 4 * i);
        printf("%x  %08x  %-40s %s\n", PC + 4 * i, c->words[i], text,
               a64_row_info[a64_decode(c->words[i])].name);
    }
}

static void print_ir(void)
{
    printf("ir: %u of %u words\n", region.insns, region.count);
    for (uint32_t i = 0; i < region.count; i++) {
        char text[256];
        ir_print(text, sizeof text, &region, (ir_ref)i);
        printf("  %s\n", text);
    }
}

/* ---- costs ---- */
/* -1: refused */
static int count_host(const struct llvm *l, struct code *c)
{
    struct x64_out out;
    if (translate(c, &out))
        return -1;
    int n = 0;
    for (uint32_t at = 0; at < out.pool; n++) {
        char text[256];
        at += host_text(l, at, out.pool, text, sizeof text);
    }
    return n;
}

static int count_word(const struct llvm *l, uint32_t word)
{
    struct code c = {{word}, 1};
    return count_host(l, &c);
}

static int compare_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void print_cost(const struct llvm *l, enum a64_row row)
{
    int costs[SAMPLES], nop = count_word(l, NOP);
    uint64_t rng = 1;
    for (int i = 0; i < SAMPLES; i++)
        costs[i] = count_word(l, a64_random(row, &rng)) - nop;
    qsort(costs, SAMPLES, sizeof costs[0], compare_int);
    printf("%-24s %4d %4d %4d\n", a64_row_info[row].name, costs[0], costs[SAMPLES / 2],
           costs[SAMPLES - 1]);
}

extern const a64_lift_fn a64_lift_table[A64_ROW_COUNT];

static bool llvm_wanted(const struct llvm *l)
{
    if (!l->context)
        fprintf(stderr, "archway-lift: no libLLVM-14.so.1 to count host instructions with\n");
    return l->context;
}

static int costs(int count, char **names)
{
    struct llvm l = llvm_open();
    if (!llvm_wanted(&l))
        return 1;
    printf("%-24s %4s %4s %4s\n", "row", "min", "med", "max");
    for (enum a64_row row = 1; row < A64_ROW_COUNT; row++) {
        bool wanted = !count;
        for (int i = 0; i < count; i++)
            wanted |= !strcmp(names[i], a64_row_info[row].name);
        if (wanted && a64_lift_table[row])
            print_cost(&l, row);
    }
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: archway-lift [--text|--ir|--code|--count] a64 WORD...\n"
                    "       archway-lift --cost a64 [ROW...]\n");
    return 2;
}

/* The words from the command line; false: one is not hexadecimal, or there are too many. */
static bool read_words(struct code *c, char **words)
{
    for (; *words; words++) {
        char *end;
        unsigned long v = strtoul(*words, &end, 16);
        if (*end || end == *words || v > 0xffffffff || c->count == WORDS_MAX)
            return false;
        c->words[c->count++] = (uint32_t)v;
    }
    return c->count;
}

static int show_words(struct code *c, unsigned show)
{
    struct x64_out out;
    struct llvm l = {0};
    if (show & COUNT) {
        l = llvm_open();
        if (!llvm_wanted(&l))
            return 1;
        printf("%d\n", count_host(&l, c) - count_word(&l, NOP));
        return 0;
    }
    print_words(c);
    if (show == SHOW_TEXT)
        return 0;
    const char *wrong = translate(c, &out);
    if (show & SHOW_IR)
        print_ir();
    if (wrong) {
        fprintf(stderr, "archway-lift: %s\n", wrong);
        return 1;
    }
    l = llvm_open();
    if (show & SHOW_CODE)
        print_code(&l, &out);
    return 0;
}

static const struct {
    const char *name;
    unsigned show;
} options[] = {
    {"--text", SHOW_TEXT},
    {"--ir", SHOW_TEXT | SHOW_IR},
    {"--code", SHOW_TEXT | SHOW_CODE},
    {"--count", COUNT},
    {"--cost", COST},
};

int main(int argc, char **argv)
{
    unsigned show = SHOW_ALL;
    int at = 1;
    if (at < argc && argv[at][0] == '-') {
        show = 0;
        for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++)
            if (!strcmp(argv[at], options[i].name))
                show = options[i].show;
        at++;
    }
    if (!show || at >= argc || strcmp(argv[at], "a64") != 0)
        return usage();
    if (show == COST)
        return costs(argc - at - 1, argv + at + 1);
    static struct code c;
    return read_words(&c, argv + at + 1) ? show_words(&c, show) : usage();
}
