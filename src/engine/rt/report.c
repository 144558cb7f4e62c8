// SPDX-License-Identifier: Apache-2.0
/* What the engine tells of itself: statistics, dumps, bugs. */
#include "engine/isa/a64.h"
#include "engine/rt/cosim.h"
#include "engine/rt/fmt.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/time.h>

struct rt_options rt_options;

void rt_bug(const char *what, const char *file, int line)
{
    struct cpu *cpu = rt_cpu();
    fmt_err("archway-engine: bug: %s (%s:%d), guest pc 0x%X\n", what, file, line,
            cpu ? cpu->pc : 0ul);
    sys(__NR_rt_sigprocmask, 1, &(uint64_t){1ull << 5}, 0, 8);
    sys(__NR_rt_sigaction, 6, &(uint64_t[4]){0}, 0, 8);
    sys(__NR_kill, sys(__NR_getpid), 6);
    for (;;)
        sys(__NR_exit_group, 134);
}

void rt_no_memory(void)
{
    enum { KILL = 9, KILLED = 128 + KILL };
    sys(__NR_kill, sys(__NR_getpid), KILL);
    for (;;) /* init of a namespace is not killed by itself */
        sys(__NR_exit_group, KILLED);
}

/* ---- statistics, dumps ---- */
static uint64_t now_ns(void)
{
    struct timespec t;
    sys(__NR_clock_gettime, CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void rt_stats_start(void)
{
    rt_state.stats.start_ns = now_ns();
    rt_state.stats.start_ticks = rt_ticks();
}

/* Picoseconds that the translation of an instruction takes. */
static uint64_t translation_ps(const struct rt_stats *s)
{
    uint64_t ns = now_ns() - s->start_ns, ticks = rt_ticks() - s->start_ticks;
    return s->timed && ticks >> 10 ? s->ticks * 1000 / s->timed * (ns >> 10) / (ticks >> 10) : 0;
}

void rt_stats_print(void)
{
    const struct rt_stats *s = &rt_state.stats;
    if (!rt_options.stats)
        return;
    if (rt_options.cosim)
        cosim_stats();
    uint64_t ps = translation_ps(s);
    fmt_err("archway-engine: %u regions, %u guest instructions, %u host bytes, %u us in translation"
            " (%u ns an instruction)\n"
            "archway-engine: %u slow look-ups, %u links, %u polls, %u invalidated, %u flushes, %u"
            " chunks\n",
            s->regions, s->insns, s->code_bytes, s->insns * ps / 1000000, ps / 1000, s->lookups,
            s->links, s->polls, s->invalidated, rt_state.flushes, (uint64_t)rt_state.chunk_count);
}

static void dump_ir(const struct ir_region *r)
{
    char line[160];
    for (uint32_t i = 0; i < r->count; i++) {
        const struct ir_ins *ins = &r->ins[i];
        if (ins->op == IR_INSN && rt_options.dump_insn) {
            uint32_t word = 0;
            rt_guest_read(&word, ins->imm, 4);
            fmt_err("%X: %x %s\n", ins->imm, word, a64_row_info[a64_decode(word)].name);
        }
        if (!rt_options.dump_ir)
            continue;
        ir_print(line, sizeof(line), r, (ir_ref)i);
        fmt_err("    %s\n", line);
    }
}

static void dump_code(const uint8_t *p, uint32_t n)
{
    char line[100];
    for (uint32_t at = 0; at < n; at += 32) {
        size_t k = 0;
        for (uint32_t i = at; i < n && i < at + 32; i++) {
            line[k++] = "0123456789abcdef"[p[i] >> 4];
            line[k++] = "0123456789abcdef"[p[i] & 15];
        }
        line[k] = 0;
        fmt_err("    code %s\n", line);
    }
}

static void perf_map(const struct block *b)
{
    char path[40], line[80];
    fmt(path, sizeof(path), "/tmp/perf-%d.map", (int)sys(__NR_getpid));
    long fd = sys(__NR_open, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    size_t n = fmt(line, sizeof(line), "%X %x guest_%X\n", (uint64_t)(uintptr_t)b->host,
                   b->code_size, b->pc);
    sys(__NR_write, fd, line, n);
    sys(__NR_close, fd);
}

void rt_dump(const struct block *block, const struct chunk *chunk)
{
    if (rt_options.dump_insn || rt_options.dump_ir || rt_options.dump_code)
        fmt_err("region %X, %u guest instructions, %u host bytes at %X\n", block->pc,
                (uint64_t)rt_state.region->insns, (uint64_t)block->code_size,
                (uint64_t)(uintptr_t)block->host);
    if (rt_options.dump_insn || rt_options.dump_ir)
        dump_ir(rt_state.region);
    if (rt_options.dump_code)
        dump_code(chunk->write + block->code, block->code_size);
    if (rt_options.perf_map)
        perf_map(block);
}
