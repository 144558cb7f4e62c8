/* SPDX-License-Identifier: Apache-2.0
 *
 * --cosim: what differs between interpreter and machine code, and the report of it.
 *
 * Not compared, because the engine says that it may differ: NZCV where nobody reads it any more
 * (an exit that says so, a fault that says so), and FPSR's UFC until the guest has looked at FPSR
 * (docs/QUIRKS.md).
 */
#include "engine/isa/a64.h"
#include "engine/rt/cosim.h"
#include "engine/rt/fmt.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/fcntl.h>

enum { STATUS = 70 };

/* ---- how the two ended ---- */
static struct cosim_end interpreted(const struct cosim *c)
{
    const struct ir_interp *m = &c->interp;
    struct cosim_end e = {.end = m->end, .pc = c->shadow.pc};
    if (m->end == IR_END_CALL || m->end == IR_END_RET || m->end == IR_END_RESUME)
        e.end = IR_END_JUMP;
    else if (m->end == IR_END_RAISE)
        e.kind = m->kind;
    else if (m->end == IR_END_FAULT)
        e.address = m->detail;
    return e;
}

/* A branch target's tag does not count. */
static uint64_t plain(uint64_t pc)
{
    return (uint64_t)((int64_t)(pc << 8) >> 8);
}

static bool same_end(const struct cosim_end *a, const struct cosim_end *b)
{
    return a->end == b->end && a->kind == b->kind && plain(a->pc) == plain(b->pc);
}

/* NZCV is in both cpus. */
static bool flags_count(const struct cosim *c, const struct cpu *cpu)
{
    const struct ir_ins *last = &c->region->ins[c->interp.at - 1];
    if (ir_op_info[last->op].attributes & IR_A_EXIT)
        return !(last->aux & IR_EXIT_FLAGS_DEAD);
    return cpu->arg[3] != X64_FLAGS_DEAD;
}

static uint32_t fpsr_counts(const struct cosim *c)
{
    return c->region->mode & (IR_MODE_COLD | IR_MODE_UNDERFLOW) ? ~0u : ~(uint32_t)COSIM_UFC;
}

/* ---- memory ---- */
static uint8_t expected(const struct cosim *c, uint64_t at, uint8_t before)
{
    for (uint32_t n = 0; n < c->write_count; n++)
        if (at - c->writes[n].at < c->writes[n].size)
            before = c->writes[n].bytes[at - c->writes[n].at];
    return before;
}

static bool memory_differs(const struct cosim *c, struct cosim_difference *d)
{
    for (uint32_t n = 0; n < c->write_count; n++) {
        const struct cosim_write *w = &c->writes[n];
        uint8_t now[sizeof(w->around)];
        if (!rt_guest_read(now, w->low, w->length))
            continue;
        for (unsigned k = 0; k < w->length; k++) {
            if (now[k] == expected(c, w->low + k, w->around[k]))
                continue;
            fmt(d->name, sizeof(d->name), "memory at 0x%X", w->low + k);
            d->pc = w->pc;
            return true;
        }
    }
    return false;
}

/* ---- all of it ---- */
static bool differs(struct cosim_difference *d, const char *format, unsigned op, unsigned number)
{
    fmt(d->name, sizeof(d->name), format, (int)number);
    d->op = (uint8_t)op;
    d->number = number;
    return true;
}

static bool registers_differ(const struct cosim *c, const struct cpu *cpu,
                             struct cosim_difference *d)
{
    const struct cpu *want = &c->shadow;
    for (unsigned n = 0; n < 32; n++)
        if (cpu->x[n] != want->x[n])
            return differs(d, n == CPU_SP ? "sp" : "x%d", IR_PUTR, n);
    if (flags_count(c, cpu) && ir_nzcv_load(cpu->nzcv) != ir_nzcv_load(want->nzcv))
        return differs(d, "nzcv", IR_PUTF, 0);
    for (unsigned n = 0; n < 32; n++)
        if (memcmp(&cpu->v[n], &want->v[n], sizeof(cpu->v[n])) != 0)
            return differs(d, "v%d", IR_PUTV, n);
    if ((rt_fpsr_get(cpu) ^ want->fpsr) & fpsr_counts(c))
        return differs(d, "fpsr", IR_NOP, 0);
    if (cpu->fpcr != want->fpcr)
        return differs(d, "fpcr", IR_NOP, 0);
    if (cpu->tpidr != want->tpidr)
        return differs(d, "tpidr", IR_PUTC, offsetof(struct cpu, tpidr));
    if (cpu->excl_addr != want->excl_addr || cpu->excl_size != want->excl_size ||
        memcmp(cpu->excl_value, want->excl_value, sizeof(want->excl_value)) != 0)
        return differs(d, "exclusive monitor", IR_NOP, 0);
    return false;
}

bool cosim_compare(const struct cosim *c, const struct cpu *cpu, const struct cosim_end *machine,
                   struct cosim_difference *d)
{
    struct cosim_end want = interpreted(c);
    *d = (struct cosim_difference){.op = IR_NOP};
    if (!same_end(&want, machine))
        return differs(d, "way out", IR_NOP, 0);
    return registers_differ(c, cpu, d) || memory_differs(c, d);
}

/* ---- the report ---- */
/* The instruction that put it last. */
static uint64_t culprit(const struct cosim *c, const struct cosim_difference *d)
{
    const struct ir_region *r = c->region;
    uint64_t pc = r->pc, found = d->pc;
    for (uint32_t i = 0; i < c->interp.at; i++) {
        const struct ir_ins *ins = &r->ins[i];
        if (ins->op == IR_INSN)
            pc = ins->imm;
        else if (!d->pc && d->op != IR_NOP && ins->op == d->op &&
                 (d->op == IR_PUTF || ins->imm == d->number))
            found = pc;
    }
    return found ? found : r->pc;
}

static void print_code(const struct cosim *c)
{
    char line[160];
    const struct ir_region *r = c->region;
    for (uint32_t i = 0; i < c->interp.at; i++) {
        if (r->ins[i].op == IR_INSN) {
            uint32_t word = 0;
            rt_guest_read(&word, r->ins[i].imm, sizeof(word));
            fmt_err("%X: %x %s\n", r->ins[i].imm, word, a64_row_info[a64_decode(word)].name);
        }
        ir_print(line, sizeof(line), r, (ir_ref)i);
        fmt_err("    %s\n", line);
    }
}

static void print_row(const char *name, unsigned n, const uint64_t v[3])
{
    char text[32];
    fmt(text, sizeof(text), name, (int)n);
    fmt_err("%s %s\t%X\t%X\t%X\n", v[1] != v[2] ? "*" : " ", text, v[0], v[1], v[2]);
}

static void print_end(const char *who, const struct cosim_end *e)
{
    static const char *const names[] = {[IR_END_JUMP] = "jumped to",
                                        [IR_END_SYSCALL] = "made a system call before",
                                        [IR_END_RAISE] = "raised a signal at",
                                        [IR_END_FAULT] = "faulted at"};
    fmt_err("%s %s 0x%X (kind %u, address 0x%X)\n", who, names[e->end], e->pc, (uint64_t)e->kind,
            e->address);
}

static void print_states(const struct cosim *c, const struct cpu *cpu)
{
    const struct cpu *a = &c->before, *b = &c->shadow;
    fmt_err("  \tbefore\tinterpreter\tmachine code\n");
    for (unsigned n = 0; n < 32; n++)
        print_row(n == CPU_SP ? "sp" : "x%d", n, (uint64_t[3]){a->x[n], b->x[n], cpu->x[n]});
    print_row("nzcv", 0,
              (uint64_t[3]){ir_nzcv_load(a->nzcv), ir_nzcv_load(b->nzcv), ir_nzcv_load(cpu->nzcv)});
    print_row("fpcr", 0, (uint64_t[3]){a->fpcr, b->fpcr, cpu->fpcr});
    print_row("fpsr", 0, (uint64_t[3]){c->before_fpsr, b->fpsr, rt_fpsr_get(cpu)});
    for (unsigned n = 0; n < 64; n++)
        print_row(
            n & 1 ? "v%d high" : "v%d low", n / 2,
            (uint64_t[3]){a->v[n / 2].d[n & 1], b->v[n / 2].d[n & 1], cpu->v[n / 2].d[n & 1]});
}

static void print_writes(const struct cosim *c)
{
    for (uint32_t n = 0; n < c->write_count; n++) {
        const struct cosim_write *w = &c->writes[n];
        uint64_t want = 0, now = 0;
        memcpy(&want, w->bytes, w->size);
        rt_guest_read(&now, w->at, w->size);
        fmt_err("  0x%X: %u bytes at 0x%X: %X, now %X\n", w->pc, (uint64_t)w->size, w->at, want,
                now);
    }
}

void cosim_report(const struct cosim *c, const struct cpu *cpu, const struct cosim_end *machine,
                  const struct cosim_difference *d)
{
    if (rt_options.cosim_file) {
        long fd = sys(__NR_open, rt_options.cosim_file, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (fd >= 0)
            sys(__NR_dup2, fd, 2);
    }
    const struct ir_region *r = c->region;
    struct cosim_end want = interpreted(c);
    fmt_err("archway-engine: cosim: %s differs, instructions 0x%X to 0x%X of region 0x%X (%u guest"
            " instructions)\n",
            d->name, culprit(c, d), c->interp.pc, r->pc, (uint64_t)r->insns);
    print_end("the interpreter", &want);
    print_end("machine code", machine);
    print_code(c);
    print_states(c, cpu);
    fmt_err("  the interpreter's stores:\n");
    print_writes(c);
    for (;;)
        sys(__NR_exit_group, STATUS);
}
