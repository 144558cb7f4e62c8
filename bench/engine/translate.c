/* SPDX-License-Identifier: Apache-2.0
 *
 * What translation costs: every region of a program's or library's code, lifted and compiled as the
 * runtime does it, without the runtime (block table, links, page faults of guest memory).
 *
 *   bench-translate [--rounds N] [--warm] FILE...
 *
 * Regions form as in a run that goes everywhere: from an entry along its exits, depth first; when
 * no exit is left, from the lowest instruction that is in no region yet. --warm translates each
 * region twice in a row and counts the second time: the difference is what cold caches and branches
 * cost. Of several rounds the best counts.
 *
 * Under `valgrind --tool=callgrind --toggle-collect=translate`, with --rounds 1, the host's
 * instructions a guest instruction repeat exactly.
 */
#include "engine/isa/a64.h"
#include "engine/lift/lift.h"
#include "engine/x64/compile.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* as rt/state.h has them */
enum { REGION_INSNS = 48, REGION_EXITS = 2, CHUNK_CODE = 1 << 20, SLOTS = 16384, FAULTS = 32768 };
enum { CODE_MIN = 32 << 10, SLOT_MIN = 512, FAULT_MIN = 2048 };
enum { INTERRUPTED = 1 << 20 }; /* ticks: something else ran */

/* One file's code. */
struct text {
    const uint32_t *words; /* the file's own pages */
    uint64_t pc;           /* guest address of the first */
    size_t count;          /* of words */
    uint8_t *state;        /* of each: enum state bits */
    uint32_t *stack;       /* entries still to be translated: indexes of words */
    size_t depth;          /* of stack */
};
enum state { ENTRY = 1 /* a region begins here */, PASSED = 2 /* in a region */ };

/* What came of it. */
struct sums {
    uint64_t regions, insns, bytes; /* translated */
    uint64_t ticks, timed;          /* time-stamp counter, and guest instructions in that time */
    uint32_t code;                  /* checksum of all code */
};

static struct ir_region region;
static struct x64_work *work;
static uint8_t *code;
static struct slot *slots;
static struct x64_fault *faults;
static uint32_t code_used, slots_used, faults_used;

static bool fetch(void *context, uint64_t pc, uint32_t *word)
{
    const struct text *t = context;
    uint64_t i = (pc - t->pc) / 4;
    if (i >= t->count)
        return false;
    *word = t->words[i];
    return true;
}

static bool known(void *context, uint64_t pc)
{
    const struct text *t = context;
    uint64_t i = (pc - t->pc) / 4;
    return i < t->count && t->state[i] & ENTRY;
}

static bool host_has(void *context, enum lift_host what)
{
    (void)context;
    (void)what;
    return true;
}

/* A fresh chunk, its pages as untouched as the runtime's; in one piece, so that distances in the
 * code are always the same. */
static void room(void)
{
    const size_t all = CHUNK_CODE + SLOTS * sizeof(struct slot) + FAULTS * sizeof(struct x64_fault);
    if (code && CHUNK_CODE - code_used >= CODE_MIN && SLOTS - slots_used >= SLOT_MIN &&
        FAULTS - faults_used >= FAULT_MIN)
        return;
    if (code)
        munmap(code, all);
    code = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    slots = (struct slot *)(code + CHUNK_CODE);
    faults = (struct x64_fault *)(slots + SLOTS);
    code_used = slots_used = faults_used = 0;
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((noinline)) static bool translate(struct text *t, uint64_t pc, struct x64_out *out)
{
    struct lift_env env = {.fetch = fetch,
                           .known = known,
                           .host = host_has,
                           .context = t,
                           .max_insns = REGION_INSNS,
                           .max_exits = REGION_EXITS};
    for (; env.max_insns; env.max_insns /= 2) {
        a64_lift_region(&region, pc, &env);
        *out = (struct x64_out){.code = code + code_used,
                                .code_addr = (uint64_t)(uintptr_t)(code + code_used),
                                .slots = slots + slots_used,
                                .faults = faults + faults_used,
                                .code_room = CHUNK_CODE - code_used,
                                .slot_room = SLOTS - slots_used,
                                .fault_room = FAULTS - faults_used};
        if (x64_compile(&region, out, work) == X64_OK)
            return true;
    }
    return false;
}

static void push(struct text *t, uint64_t pc)
{
    uint64_t i = (pc - t->pc) / 4;
    if (i < t->count && !(t->state[i] & ENTRY)) {
        t->state[i] |= ENTRY;
        t->stack[t->depth++] = (uint32_t)i;
    }
}

static void one_region(struct text *t, uint64_t pc, bool warm, struct sums *sums)
{
    struct x64_out out;
    room();
    if (warm)
        translate(t, pc, &out);
    uint64_t start = __builtin_ia32_rdtsc();
    if (!translate(t, pc, &out)) {
        fprintf(stderr, "%llx cannot be compiled\n", (unsigned long long)pc);
        exit(1);
    }
    uint64_t ticks = __builtin_ia32_rdtsc() - start;
    if (ticks < INTERRUPTED) {
        sums->ticks += ticks;
        sums->timed += region.insns;
    }
    sums->regions++;
    sums->insns += region.insns;
    sums->bytes += out.code_size;
    for (uint32_t k = 0; k < region.count; k++) {
        uint64_t i = (region.ins[k].imm - t->pc) / 4;
        if (region.ins[k].op == IR_INSN && i < t->count)
            t->state[i] |= PASSED;
    }
    for (uint32_t k = out.slot_count; k-- > 0;)
        push(t, out.slots[k].pc);
    for (uint32_t k = 0; k < out.code_size; k++) /* FNV-1a */
        sums->code = (sums->code ^ out.code[k]) * 16777619u;
    code_used = (code_used + out.code_size + 15) & ~15u;
    slots_used += out.slot_count;
    faults_used += out.fault_count;
}

static void whole(struct text *t, bool warm, struct sums *sums)
{
    memset(t->state, 0, t->count);
    t->depth = 0;
    for (size_t i = 0; i < t->count || t->depth;) {
        if (t->depth) {
            one_region(t, t->pc + 4ull * t->stack[--t->depth], warm, sums);
            continue;
        }
        /* data and padding between functions make no regions */
        if (!t->state[i] && a64_decode(t->words[i]) != A64_UNDEFINED)
            push(t, t->pc + 4 * i);
        i++;
    }
}

/* ---- the file ---- */
static bool find_text(const uint8_t *file, size_t size, struct text *t)
{
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)file;
    if (size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_machine != EM_AARCH64 ||
        h->e_shoff > size || h->e_shnum > (size - h->e_shoff) / sizeof(Elf64_Shdr) ||
        h->e_shstrndx >= h->e_shnum)
        return false;
    const Elf64_Shdr *s = (const Elf64_Shdr *)(file + h->e_shoff);
    const char *names = (const char *)file + s[h->e_shstrndx].sh_offset;
    for (unsigned k = 0; k < h->e_shnum; k++) {
        if (strcmp(names + s[k].sh_name, ".text") || s[k].sh_offset > size ||
            s[k].sh_size > size - s[k].sh_offset)
            continue;
        t->words = (const uint32_t *)(file + s[k].sh_offset);
        t->pc = s[k].sh_addr;
        t->count = s[k].sh_size / 4;
        t->state = calloc(t->count, 1);
        t->stack = calloc(t->count, sizeof(*t->stack));
        return t->state && t->stack;
    }
    return false;
}

static void bench(const char *path, unsigned rounds, bool warm)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        perror(path);
        exit(1);
    }
    uint8_t *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    struct text t = {0};
    if (file == MAP_FAILED || !find_text(file, (size_t)st.st_size, &t)) {
        fprintf(stderr, "%s: no .text of aarch64\n", path);
        exit(1);
    }
    struct sums sums = {0};
    double ns = 0;
    for (unsigned k = 0; k < rounds; k++) {
        uint64_t start = now(), ticks = __builtin_ia32_rdtsc();
        sums = (struct sums){0};
        whole(&t, warm, &sums);
        double tick = (double)(now() - start) / (double)(__builtin_ia32_rdtsc() - ticks);
        double each = (double)sums.ticks * tick / (double)sums.timed;
        if (!k || each < ns)
            ns = each;
    }
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    printf("%-24s %8llu regions %9llu guest instructions %6.1f host bytes each  sum %08x  %6.1f ns "
           "each\n",
           name, (unsigned long long)sums.regions, (unsigned long long)sums.insns,
           (double)sums.bytes / (double)sums.insns, sums.code, ns);
    free(t.state);
    free(t.stack);
    munmap(file, (size_t)st.st_size);
    close(fd);
}

int main(int argc, char **argv)
{
    unsigned rounds = 3;
    bool warm = false;
    int k = 1;
    for (; k < argc && !strncmp(argv[k], "--", 2); k++) {
        if (!strcmp(argv[k], "--warm")) {
            warm = true;
        } else if (!strcmp(argv[k], "--rounds") && k + 1 < argc) {
            rounds = (unsigned)atoi(argv[++k]);
        } else {
            fprintf(stderr, "usage: bench-translate [--rounds N] [--warm] FILE...\n");
            return 2;
        }
    }
    work = aligned_alloc(64, (x64_work_size + 63) & ~63u);
    if (!work)
        return 1;
    for (; k < argc; k++)
        bench(argv[k], rounds, warm);
    return 0;
}
