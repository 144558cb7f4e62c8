/* SPDX-License-Identifier: Apache-2.0
 *
 * From a guest address to a block: the runtime's lock, translation, and what thunks call.
 *
 * A thunk has saved the guest's registers, cleared cpu->in_code and moved to the C stack. All that
 * was known of code may be void by the time the lock is had: rt_state.flushes tells.
 */
#include "engine/lift/lift.h"
#include "engine/rt/cosim.h"
#include "engine/rt/state.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/futex.h>

/* ---- the lock ---- */
enum { WAITED = 1u << 31 };

static uint32_t lock_id(const struct cpu *cpu)
{
    return (uint32_t)((uintptr_t)cpu >> 12) & ~(uint32_t)WAITED;
}

void rt_lock(struct cpu *cpu)
{
    uint32_t id = lock_id(cpu), seen = 0;
    if (__atomic_compare_exchange_n(&rt_state.lock, &seen, id, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
        return;
    for (;;) {
        if (!seen) { /* there may be more who wait */
            if (__atomic_compare_exchange_n(&rt_state.lock, &seen, id | WAITED, false,
                                            __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                return;
        } else if (seen & WAITED ||
                   __atomic_compare_exchange_n(&rt_state.lock, &seen, seen | WAITED, false,
                                               __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            sys(__NR_futex, &rt_state.lock, FUTEX_WAIT_PRIVATE, seen | WAITED, 0, 0, 0);
            seen = __atomic_load_n(&rt_state.lock, __ATOMIC_RELAXED);
        }
    }
}

void rt_unlock(void)
{
    if (__atomic_exchange_n(&rt_state.lock, 0, __ATOMIC_RELEASE) & WAITED)
        sys(__NR_futex, &rt_state.lock, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

void rt_lock_forget(struct cpu *cpu)
{
    if ((__atomic_load_n(&rt_state.lock, __ATOMIC_RELAXED) & ~(uint32_t)WAITED) == lock_id(cpu))
        rt_unlock();
}

/* ---- FP mode ---- */
enum { FPCR_AHP = 1 << 26, FPCR_DN = 1 << 25, FPCR_FZ = 1 << 24 };

unsigned rt_mode(const struct cpu *cpu)
{
    if (cpu->fpcr & (FPCR_AHP | FPCR_DN | FPCR_FZ) || rt_options.vary & VARY_EXACT)
        return IR_MODE_COLD;
    return cpu->fpsr_used && !(rt_options.vary & VARY_LAZY) ? IR_MODE_UNDERFLOW : 0;
}

void rt_mode_changed(struct cpu *cpu)
{
    struct block **table = rt_state.tables + ((size_t)rt_mode(cpu) << TABLE_BITS);
    if (cpu->table == table || rt_options.cosim) /* cosim_enter() gives an empty one */
        return;
    cpu->table = table;
    cpu->epoch = 0; /* returns lead to code of the other mode */
}

/* ---- tagged addresses: the top byte counts for the host, not for the guest (TBI). Code is made
 * without a thought of them; an instruction that meets one is translated again, cutting its
 * addresses. ---- */
static uint64_t *tagged_place(uint64_t pc)
{
    uint32_t k = (uint32_t)(pc >> 2) * 0x9e3779b1u >> 19;
    while (rt_state.tagged[k] && rt_state.tagged[k] != pc)
        k = (k + 1) % TAGGED_MAX;
    return &rt_state.tagged[k];
}

static bool any_tagged(void)
{
    return rt_state.tagged || rt_options.vary & VARY_TAGGED;
}

static bool tagged(void *context, uint64_t pc)
{
    (void)context;
    if (rt_options.vary & VARY_TAGGED)
        return true;
    /* so many that the table is nearly full: all of them */
    return rt_state.tagged_count > TAGGED_MAX / 2 || *tagged_place(pc) == pc;
}

static void note_tagged(struct cpu *cpu, uint64_t pc)
{
    rt_lock(cpu);
    if (!rt_state.tagged)
        rt_state.tagged = rt_pages_get(TAGGED_MAX * sizeof(uint64_t));
    if (rt_state.tagged && rt_state.tagged_count <= TAGGED_MAX / 2 && *tagged_place(pc) != pc) {
        *tagged_place(pc) = pc;
        rt_state.tagged_count++;
    }
    rt_unlock();
    rt_invalidate(pc, 4);
}

/* A branch target's tag does not count (Arm ARM D8.8.1): bits 63-56 become copies of bit 55. */
static uint64_t untagged(uint64_t pc)
{
    return (uint64_t)((int64_t)(pc << 8) >> 8);
}

/* ---- translation ---- */
struct source {
    uint64_t page; /* number of the last page that may be executed, ~0: none yet */
    unsigned mode; /* enum ir_mode */
};

/* Who takes a page's permission away waits for the lock afterwards, and forgets what is made here.
 */
static bool fetch(void *context, uint64_t pc, uint32_t *ret_word)
{
    struct source *s = context;
    if (pc >> 12 != s->page) {
        if (!linux_may_execute(pc))
            return false;
        s->page = pc >> 12;
    }
    return fault_read_word(pc, ret_word);
}

static bool known(void *context, uint64_t pc)
{
    const struct source *s = context;
    return code_find(pc, s->mode) != NULL;
}

static bool own(void *context, uint64_t pc)
{
    (void)context;
    return linux_own_code(pc);
}

/* CPUID may cost much in a virtual machine: asked when somebody wants to know. */
static bool host(void *context, enum lift_host what)
{
    (void)context;
    if (!rt_state.host) {
        uint32_t a = 7, b, c = 0, d;
        __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        if (rt_options.vary & VARY_PLAIN_HOST)
            b = 0;
        rt_state.host = 1u | (b >> 29 & 1u) << (LIFT_HOST_SHA + 1);
    }
    return rt_state.host >> (what + 1) & 1;
}

static struct x64_out out_in(struct chunk *c)
{
    return (struct x64_out){.code = c->write + c->code_used,
                            .code_addr = (uint64_t)(uintptr_t)(c->exec + c->code_used),
                            .random = rt_options.vary >> VARY_SEED_SHIFT,
                            .slots = c->slots + c->slots_used,
                            .faults = c->faults + c->faults_used,
                            .code_room = CHUNK_CODE - c->code_used,
                            .slot_room = CHUNK_SLOTS - c->slots_used,
                            .fault_room = CHUNK_FAULTS - c->faults_used};
}

enum { INTERRUPTED = 1 << 20 }; /* ticks: the thread did not run all the time */

static void count(const struct ir_region *r, const struct x64_out *o, uint64_t start)
{
    rt_state.stats.regions++;
    rt_state.stats.insns += r->insns;
    rt_state.stats.code_bytes += o->code_size;
    uint64_t ticks = rt_options.stats ? rt_ticks() - start : INTERRUPTED;
    if (ticks < INTERRUPTED) {
        rt_state.stats.ticks += ticks;
        rt_state.stats.timed += r->insns;
    }
}

static struct block *translate(struct cpu *cpu, uint64_t pc, unsigned mode)
{
    if (!rt_state.region)
        rt_state.region = rt_pages_get(sizeof(struct ir_region));
    if (!rt_state.work)
        rt_state.work = rt_pages_get(x64_work_size);
    if (!rt_state.region || !rt_state.work)
        rt_no_memory();
    uint64_t start = rt_options.stats ? rt_ticks() : 0;
    code_expect(pc, mode);
    struct source source = {~0ull, mode};
    struct lift_env env = {.fetch = fetch,
                           .known = known,
                           .tagged = any_tagged() ? tagged : NULL,
                           .host = host,
                           .own = own,
                           .context = &source,
                           .mode = mode,
                           .keep_flags = rt_options.vary & VARY_KEEP_FLAGS,
                           .max_insns = rt_options.vary & VARY_SHORT ? 1 : REGION_INSNS,
                           .max_exits = REGION_EXITS};
    /* a chunk nearly full, or a region too rich for the compiler's tables: less at a time */
    for (;; env.max_insns /= 2) {
        if (!env.max_insns)
            rt_bug("an instruction that cannot be compiled", __FILE__, __LINE__);
        struct chunk *c = chunk_with_room(cpu);
        a64_lift_region(rt_state.region, pc, &env);
        if (rt_options.cosim)
            cosim_lifted(rt_state.region);
        struct x64_out o = out_in(c);
        if (x64_compile(rt_state.region, &o, rt_state.work) != X64_OK)
            continue;
        struct block *b = code_publish(c, rt_state.region, &o);
        if (rt_options.cosim)
            cosim_published(b);
        count(rt_state.region, &o, start);
        rt_dump(b, c);
        return b;
    }
}

/* ---- what thunks call ---- */
static struct block *find(struct cpu *cpu, uint64_t pc)
{
    unsigned mode = rt_mode(cpu);
    struct block *b = code_find(pc, mode);
    return b ? b : translate(cpu, pc, mode);
}

/* Into translated code: nothing that is known now changes before the thread says it is in. */
static void *enter(struct cpu *cpu, const struct block *b)
{
    void *host = b->host;
    if (rt_options.cosim)
        cosim_enter(cpu, b);
    if (cpu->epoch != rt_state.epoch) {
        cpu->epoch = rt_state.epoch;
        rt_empty_returns(cpu);
        if (!rt_options.cosim) /* nothing is ever noted there */
            rt_empty_jumps(cpu);
    }
    cpu->flushes = rt_state.flushes;
    __atomic_store_n(&cpu->in_code, 1, __ATOMIC_RELEASE);
    rt_unlock();
    return host;
}

/* Out of code by a jump; nothing if it was left already. */
static void left_code(struct cpu *cpu, uint64_t pc)
{
    if (rt_options.cosim)
        cosim_leave(cpu, IR_END_JUMP, pc, 0);
}

void *rt_lookup(struct cpu *cpu, uint64_t pc)
{
    left_code(cpu, pc);
    pc = untagged(pc);
    cpu->pc = pc;
    rt_lock(cpu);
    rt_state.stats.lookups++;
    return enter(cpu, find(cpu, pc));
}

void *rt_link(struct cpu *cpu, struct slot *slot, uint64_t pc)
{
    left_code(cpu, pc);
    cpu->pc = pc;
    rt_lock(cpu);
    struct block *b = find(cpu, pc);
    if (cpu->flushes == rt_state.flushes && !rt_options.cosim) /* else the slot is no more */
        code_link(slot, b);
    return enter(cpu, b);
}

void *rt_fill(struct cpu *cpu, uint64_t pc, struct slot *slot)
{
    left_code(cpu, pc);
    bool plain = pc == untagged(pc) && !rt_options.cosim;
    pc = untagged(pc);
    cpu->pc = pc;
    rt_lock(cpu);
    struct block *b = find(cpu, pc);
    if (plain && cpu->flushes == rt_state.flushes && !slot->pc) {
        code_link(slot, b);
        __atomic_store_n(&slot->pc, pc, __ATOMIC_RELEASE);
    }
    return enter(cpu, b);
}

void *rt_poll(struct cpu *cpu)
{
    left_code(cpu, cpu->pc);
    rt_state.stats.polls++;
    __atomic_store_n(&cpu->fuel, FUEL, __ATOMIC_RELEASE);
    linux_poll(cpu);
    return rt_lookup(cpu, cpu->pc);
}

void *rt_resume(struct cpu *cpu)
{
    left_code(cpu, cpu->pc);
    if (cpu->changed_line) {
        rt_invalidate(cpu->changed_line & ~63ull, 64);
        cpu->changed_line = 0;
    }
    return rt_lookup(cpu, cpu->pc);
}

/* ---- code that changes ---- */
void rt_invalidate(uint64_t start, uint64_t length)
{
    if (!length)
        return;
    rt_lock(rt_cpu());
    uint64_t before = rt_state.stats.invalidated;
    code_kill(start, length);
    if (before != rt_state.stats.invalidated) {
        __atomic_add_fetch(&rt_state.epoch, 1, __ATOMIC_SEQ_CST);
        for (struct cpu *c = rt_state.cpus; c; c = c->next)
            __atomic_store_n(&c->fuel, -1, __ATOMIC_RELEASE);
    }
    rt_unlock();
}

void rt_fault_deliver(struct cpu *cpu)
{
    enum { SIGSEGV_ = 11, SI_KERNEL_ = 0x80 };
    if (rt_options.cosim)
        cosim_leave(cpu, IR_END_FAULT, cpu->pc, cpu->arg[0]);
    if (cpu->arg[1] == SIGSEGV_ && cpu->arg[2] == SI_KERNEL_) {
        rt_vectors_save(cpu);
        note_tagged(cpu, cpu->pc);
        rt_run(cpu);
    }
    linux_fault(cpu, (int)cpu->arg[1], (int)cpu->arg[2], cpu->arg[0]);
}
