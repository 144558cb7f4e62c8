// SPDX-License-Identifier: Apache-2.0
/* What thunks call: look up, translate, link. Locks, bugs, statistics and dumps. */
#include "engine/isa/a64.h"
#include "engine/rt/fmt.h"
#include "engine/rt/mem.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/futex.h>

/* ---- the lock: a futex of three states ---- */
void rt_lock(void)
{
    uint32_t seen = 0;
    if (__atomic_compare_exchange_n(&rt_state.lock, &seen, 1, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&rt_state.lock, 2, __ATOMIC_ACQUIRE))
        sys(__NR_futex, &rt_state.lock, FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
}

void rt_unlock(void)
{
    if (__atomic_exchange_n(&rt_state.lock, 0, __ATOMIC_RELEASE) == 2)
        sys(__NR_futex, &rt_state.lock, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

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

/* ---- FP mode ---- */
enum { FPCR_AHP = 1 << 26, FPCR_DN = 1 << 25, FPCR_FZ = 1 << 24 };

unsigned rt_mode(const struct cpu *cpu)
{
    if (cpu->fpcr & (FPCR_AHP | FPCR_DN | FPCR_FZ))
        return IR_MODE_COLD;
    return cpu->fpsr_used ? IR_MODE_UNDERFLOW : 0;
}

void rt_mode_changed(struct cpu *cpu)
{
    unsigned mode = rt_mode(cpu);
    rt_lock();
    code_find(0, mode); /* makes the table */
    cpu->table = rt_state.tables[mode];
    rt_unlock();
}

/* ---- look-ups ---- */
static struct block *find(struct cpu *cpu, uint64_t pc)
{
    unsigned mode = rt_mode(cpu);
    struct block *b = code_find(pc, mode);
    return b ? b : code_translate(pc, mode);
}

/* A branch target's tag does not count (Arm ARM D8.8.1): bits 63-56 become copies of bit 55. */
static uint64_t untagged(uint64_t pc)
{
    return (uint64_t)((int64_t)(pc << 8) >> 8);
}

void *rt_lookup(struct cpu *cpu, uint64_t pc)
{
    pc = untagged(pc);
    cpu->pc = pc;
    rt_lock();
    rt_state.stats.lookups++;
    void *host = find(cpu, pc)->host;
    rt_unlock();
    return host;
}

void *rt_link(struct cpu *cpu, struct slot *slot)
{
    uint64_t flushes = rt_state.stats.flushes;
    cpu->pc = slot->pc;
    rt_lock();
    struct block *b = find(cpu, slot->pc);
    if (flushes == rt_state.stats.flushes) /* else the slot is no more */
        code_link(slot, b);
    rt_unlock();
    return b->host;
}

void *rt_fill(struct cpu *cpu, uint64_t pc, struct slot *slot)
{
    uint64_t flushes = rt_state.stats.flushes;
    bool plain = pc == untagged(pc);
    pc = untagged(pc);
    cpu->pc = pc;
    rt_lock();
    struct block *b = find(cpu, pc);
    if (plain && flushes == rt_state.stats.flushes && !slot->pc) {
        code_link(slot, b);
        __atomic_store_n(&slot->pc, pc, __ATOMIC_RELEASE);
    }
    rt_unlock();
    return b->host;
}

/* Behind a system call: was code invalidated? Then the return stack is not to be trusted. */
int rt_epoch_check(struct cpu *cpu);
int rt_epoch_check(struct cpu *cpu)
{
    uint64_t epoch = __atomic_load_n(&rt_state.epoch, __ATOMIC_ACQUIRE);
    if (cpu->epoch == epoch)
        return 0;
    cpu->epoch = epoch;
    return 1;
}

void rt_poll(struct cpu *cpu)
{
    rt_state.stats.polls++;
    __atomic_store_n(&cpu->fuel, FUEL, __ATOMIC_RELEASE);
    linux_poll(cpu);
}

/* ---- statistics, dumps ---- */
void rt_stats_print(void)
{
    const struct rt_stats *s = &rt_state.stats;
    if (!rt_options.stats)
        return;
    fmt_err("archway-engine: %u regions, %u guest instructions, %u host bytes, %u us in translation"
            " (%u ns an instruction)\n"
            "archway-engine: %u slow look-ups, %u links, %u polls, %u invalidated, %u flushes, %u"
            " chunks\n",
            s->regions, s->insns, s->code_bytes, s->ns / 1000, s->insns ? s->ns / s->insns : 0,
            s->lookups, s->links, s->polls, s->invalidated, s->flushes,
            (uint64_t)rt_state.chunk_count);
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
