/* SPDX-License-Identifier: Apache-2.0
 *
 * Register allocation, local and greedy.
 *
 * Pinned guest registers have their host registers for good; other guest registers are memory. A
 * value read by GETR/GETV is an alias of its home until that is written: then it moves to a scratch
 * register, if it is still needed. A value that will be put into a pinned register is made there at
 * once where that cannot be seen (alloc_destination). A put into memory that is overwritten before
 * anybody can see it is not made: its value stays where it is. Everything else goes through three
 * integer and four vector scratch registers, spilled to struct cpu when they run out.
 *
 * Invariants
 *  1. A scratch register has an owner, or is locked by the current operation, or is free. With or
 *     without an owner it may mirror the home in memory of a guest register, until it is taken or
 *     that home is written: who reads the guest register reads the scratch register instead.
 *  2. LOC_HOME n is true only while the home of n holds the value.
 *  3. Nothing here changes EFLAGS.
 *  4. At an operation that may fault, leave or call, every home in memory holds what was put last.
 */
#include "engine/x64/work.h"

static const uint8_t pinned_x[32] = {
#define PIN(guest, host, name) [guest] = (host) + 1,
    PINNED_X(PIN)
#undef PIN
};
static const uint8_t pinned_v[32] = {
#define PIN(guest, host) [guest] = (host) + 1,
    PINNED_V(PIN)
#undef PIN
};

int x64_pin(bool vector, unsigned n)
{
    return (vector ? pinned_v[n] : pinned_x[n]) - 1;
}

/* In the order in which they are handed out: rax is wanted for flags. */
static const int8_t order_i[SCRATCH_I] = {HOST_RCX, HOST_RDX, HOST_RAX};
/* The other way round: rax, rcx and rdx are 0 to 2. */
static const uint8_t index_i[4] = {2, 0, 1, 3};

bool alloc_is_vector(const struct emit *e, ir_ref value)
{
    return ir_op_info[e->r->ins[value].op].result == 'V';
}

/* Tests let the allocator do what is not best: true in half of all calls then. */
static bool whim(struct emit *e)
{
    if (!e->random)
        return false;
    e->random ^= e->random << 13;
    e->random ^= e->random >> 17;
    e->random ^= e->random << 5;
    return e->random >> 15 & 1;
}

/* ---- analysis: who is needed until where
 * ---------------------------------------------------------
 */
void alloc_forget(struct emit *e)
{
    __builtin_memset(e->i.mirror, 0, sizeof(e->i.mirror));
    __builtin_memset(e->v.mirror, 0, sizeof(e->v.mirror));
}

/* Whole arrays at a time. */
static inline void fill(void *to, uint64_t value, unsigned size)
{
#pragma GCC unroll 8
    for (unsigned k = 0; k < size; k += 8)
        __builtin_memcpy((char *)to + k, &value, 8);
}

static void start_bank(struct bank *b)
{
    fill(b->alias, ~0ull, sizeof(b->alias));
    fill(b->alias_last, 0, sizeof(b->alias_last));
    fill(b->owner, ~0ull, sizeof(b->owner));
    b->locked = b->owned = 0;
    b->spill_used = 0;
}

/* NZCV as the analysis goes along. */
struct nzcv {
    ir_ref value; /* who made it */
    bool shown; /* an access may show it in a signal frame: it is made for that, though not kept */
};

/* The guest registers as the analysis goes along. */
struct puts {
    uint16_t last[64]; /* PUTR of x[n], PUTV of v[n - 32]; 0: none, or it was read */
    uint16_t seen;     /* the last operation that shows all of them */
};

enum { LONG_REGION = 12 }; /* guest instructions */

/* A put that another follows before anybody sees it is of no use. */
static inline void put_use(struct use *use, struct puts *p, uint32_t i, const struct ir_ins *ins)
{
    unsigned kind = ins->op - IR_GETR;
    uint16_t *last = &p->last[(kind & 2) * 16 + (ins->imm & 31)];
    unsigned puts = 0u - (kind & 1), before = *last & puts;
    use[before > p->seen ? before : NOBODY].flast = 1;
    *last = (uint16_t)(i & puts);
}
_Static_assert(IR_PUTR == IR_GETR + 1 && IR_GETV == IR_GETR + 2 && IR_PUTV == IR_GETR + 3, "state");

static void flags_end(struct emit *e, const struct nzcv *f)
{
    uint16_t *last = &e->use[f->value & NOBODY].flast;
    *last = (uint16_t)(*last + (f->shown & !*last));
}

/* Operation i reads or sets NZCV, or is an exit, which needs it kept where the target may read it.
 */
static void flags_use(struct emit *e, ir_ref i, const struct ir_ins *ins, struct nzcv *f)
{
    unsigned traits = x64_traits[ins->op];
    if (ins->op == IR_PUTF) {
        flags_end(e, f);
        *f = (struct nzcv){ins->a, false};
    } else if (traits & OP_FLAGS_A) {
        e->use[ins->a].flast = i;
    }
    if (traits & OP_FLAGS_C)
        e->use[ins->c].flast = i;
    if (traits & OP_EXIT && !(ins->aux & IR_EXIT_FLAGS_DEAD))
        e->use[f->value & NOBODY].flast = i;
}

/* Without branches for what differs from one operation to the next, as they would be mispredicted.
 */
void alloc_analyse(struct emit *e)
{
    const struct ir_ins *ins = e->r->ins;
    struct use *use = e->use;
    uint32_t count = e->r->count;
    struct nzcv flags = {IR_NONE, false};
    struct puts puts;
    /* short regions are many, and have few puts that nobody sees: not worth their translation */
    unsigned wanted = e->r->insns >= LONG_REGION ? 15 : 3;
    if (wanted & 8)
        puts = (struct puts){.seen = 0};
    for (uint32_t i = 0; i < count; i++, ins++) {
        const struct x64_operands *o = &x64_operands[ins->op];
        use[i] = (struct use){0, 0, 0, {0}};
        use[(ins->a | o->not_a) & NOBODY].last = (ir_ref)i;
        use[(ins->b | o->not_b) & NOBODY].last = (ir_ref)i;
        use[(ins->c | o->not_c) & NOBODY].last = (ir_ref)i;
        unsigned facts = o->facts & wanted;
        if (!facts)
            continue;
        flags.shown |= facts & 1;
        if (facts & 8)
            put_use(use, &puts, i, ins);
        else if (facts & 4)
            puts.seen = (uint16_t)i;
        if (facts & 2)
            flags_use(e, (ir_ref)i, ins, &flags);
    }
    flags_end(e, &flags);
    start_bank(&e->i);
    start_bank(&e->v);
    alloc_forget(e);
}

/* Is guest register n free to take a value from operation i on, which PUTR or PUTV at p names? Then
 * nobody may look at the old one after i: no alias made before, none made between, no other put. */
static bool may_be_early(const struct emit *e, bool vector, unsigned n, ir_ref i, uint32_t p)
{
    const struct bank *b = vector ? &e->v : &e->i;
    unsigned get = vector ? IR_GETV : IR_GETR, put = vector ? IR_PUTV : IR_PUTR;
    if (b->alias_last[n] > i)
        return false;
    for (uint32_t k = i + 1u; k < p; k++) {
        const struct ir_ins *ins = &e->r->ins[k];
        if ((ins->op == get || ins->op == put) && (ins->imm & 31) == n)
            return false;
    }
    return true;
}

int alloc_destination(struct emit *e, ir_ref i)
{
    enum { FAR = 8 };
    const struct ir_ins *ins = e->r->ins;
    bool vector = ir_op_info[ins[i].op].result == 'V';
    unsigned put = vector ? IR_PUTV : IR_PUTR;
    uint32_t end = e->use[i].last < i + FAR ? e->use[i].last : i + FAR;
    for (uint32_t p = i + 1u; p <= end; p++) {
        unsigned op = ins[p].op;
        if (op == put && ins[p].a == i) {
            unsigned n = ins[p].imm & 31;
            bool may = x64_pin(vector, n) >= 0 && may_be_early(e, vector, n, i, p) && !whim(e);
            return may ? (int)n : -1;
        }
        if (op == IR_INSN || x64_traits[op] & OP_LEAVES)
            return -1;
    }
    return -1;
}

/* ---- places ------------------------------------------------------------------------------------
 */
static struct x64_mem home_x(unsigned n)
{
    return emit_cpu((uint32_t)offsetof(struct cpu, x) + 8 * n);
}

static struct x64_mem home_v(unsigned n)
{
    return emit_cpu((uint32_t)offsetof(struct cpu, v) + 16 * n);
}

static struct x64_mem spill_mem(bool vector, unsigned n)
{
    return vector ? emit_cpu((uint32_t)offsetof(struct cpu, vspill) + 16 * n)
                  : emit_cpu((uint32_t)offsetof(struct cpu, spill) + 8 * n);
}

#define V_LOAD VEX_OP(1, 1, 0, 0x6f)  /* vmovdqa xmm, m */
#define V_STORE VEX_OP(1, 1, 0, 0x7f) /* vmovdqa m, xmm */
#define V_COPY VEX_OP(0, 1, 0, 0x28)  /* vmovaps */
#define V_ZERO VEX_OP(1, 1, 0, 0xef)  /* vpxor */
#define V_ONES VEX_OP(1, 1, 0, 0x76)  /* vpcmpeqd */

static void load(struct emit *e, bool vector, int reg, struct x64_mem m)
{
    if (vector)
        x64_vex_m(&e->a, V_LOAD, reg, 0, m);
    else
        x64_rm(&e->a, 0x8b, 8, reg, m);
}

static void store(struct emit *e, bool vector, int reg, struct x64_mem m)
{
    if (vector)
        x64_vex_m(&e->a, V_STORE, reg, 0, m);
    else
        x64_rm(&e->a, 0x89, 8, reg, m);
}

static void copy(struct emit *e, bool vector, int dst, int src)
{
    if (dst == src)
        return;
    if (vector)
        x64_vex(&e->a, V_COPY, dst, 0, src);
    else
        x64_mov(&e->a, 8, dst, src);
}

/* ---- constants: made where they are used, in whatever way is shortest ---- */
static uint64_t high_half(const struct emit *e, const struct ir_ins *ins)
{
    return ins->op == IR_VMOVI ? ins->imm : e->r->ins[ins->a].imm;
}

static struct x64_mem constant_mem(struct emit *e, const struct ir_ins *ins)
{
    return emit_const16(e, ins->imm, high_half(e, ins));
}

void alloc_constant(struct emit *e, int reg, const struct ir_ins *ins)
{
    if (ins->op == IR_CONST)
        x64_mov_imm(&e->a, reg, ins->imm);
    else if (ins->op == IR_VMOVI && !ins->imm)
        x64_vex(&e->a, V_ZERO, reg, reg, reg);
    else if (ins->op == IR_VMOVI && !~ins->imm)
        x64_vex(&e->a, V_ONES, reg, reg, reg);
    else
        load(e, true, reg, constant_mem(e, ins));
}

static bool is_constant(const struct ir_ins *ins)
{
    return ins->op == IR_CONST || ins->op == IR_VMOVI || ins->op == IR_VCONST;
}

/* A constant that is cheaper to have from memory. */
static bool is_long(const struct ir_ins *ins)
{
    return ins->op == IR_CONST && ins->imm >> 32 && !fits32((int64_t)ins->imm);
}

static struct bank *bank_of(struct emit *e, bool vector)
{
    return vector ? &e->v : &e->i;
}

/* Index in owner[] of a scratch register, and back. */
static int scratch_reg(bool vector, unsigned k)
{
    return vector ? (int)k : order_i[k];
}

static unsigned scratch_number(bool vector, int reg)
{
    return vector ? (unsigned)reg & 3 : index_i[reg & 3];
}

/* The same of any register: -1 if it is none. */
static int scratch_index(bool vector, int reg)
{
    return reg < (vector ? SCRATCH_V : SCRATCH_I) ? (int)scratch_number(vector, reg) : -1;
}

static void set_owner(struct bank *b, unsigned k, ir_ref v)
{
    b->owner[k] = v;
    b->owned |= (uint8_t)(1u << k);
}

static void clear_owner(struct bank *b, unsigned k)
{
    b->owner[k] = IR_NONE;
    b->owned &= (uint8_t) ~(1u << k);
}

/* ---- mirrors ---- */
static int mirror_of(const struct bank *b, unsigned n)
{
    for (int k = 0; k < 4; k++)
        if (b->mirror[k] == n + 1)
            return k;
    return -1;
}

static void mirror_drop(struct bank *b, unsigned n)
{
    int k = mirror_of(b, n);
    if (k >= 0)
        b->mirror[k] = 0;
}

void alloc_clobbered(struct emit *e, int reg)
{
    e->i.mirror[scratch_number(false, reg)] = 0;
}

static void spill(struct emit *e, bool vector, unsigned k)
{
    struct bank *b = bank_of(e, vector);
    ir_ref v = b->owner[k];
    clear_owner(b, k);
    if (e->use[v].last < e->now)
        return;
    if (is_constant(&e->r->ins[v])) {
        e->loc[v].kind = LOC_CONST;
        return;
    }
    unsigned n = (unsigned)__builtin_ctz(~(uint32_t)b->spill_used);
    if (n >= SPILLS) {
        e->a.full = true;
        return;
    }
    b->spill_used |= (uint16_t)(1u << n);
    store(e, vector, scratch_reg(vector, k), spill_mem(vector, n));
    e->loc[v] = (struct loc){LOC_SPILL, 0, (uint16_t)n};
}

void alloc_evict(struct emit *e)
{
    alloc_forget(e);
    for (unsigned k = 0; k < 4; k++) {
        if (e->i.owner[k] != IR_NONE)
            spill(e, false, k);
        if (e->v.owner[k] != IR_NONE)
            spill(e, true, k);
    }
}

/* No value that is in scratch register k's mirrored home is needed any more. */
static bool mirrors_nothing(const struct emit *e, const struct bank *b, unsigned k)
{
    unsigned n = b->mirror[k] - 1u;
    return !b->mirror[k] || b->alias[n] == IR_NONE || b->alias_last[n] <= e->now;
}

/* Which scratch register to hand out: a free one, else a free one that mirrors, else the one that
 * is needed last. */
static int best_unlocked(const struct emit *e, const struct bank *b, unsigned count)
{
    int best = -1, mirror = -1;
    for (unsigned k = 0; k < count; k++) {
        if (b->locked >> k & 1)
            continue;
        if (b->owner[k] == IR_NONE && !b->mirror[k])
            return (int)k;
        if (b->owner[k] == IR_NONE)
            mirror = mirror < 0 || mirrors_nothing(e, b, k) ? (int)k : mirror;
        else if (best < 0 || e->use[b->owner[k]].last > e->use[b->owner[best]].last)
            best = (int)k;
    }
    return mirror >= 0 ? mirror : best;
}

static int any_unlocked(const struct emit *e, const struct bank *b, unsigned count)
{
    for (unsigned k = 0; k < count; k++)
        if (!(b->locked >> (e->random + k) % count & 1))
            return (int)((e->random + k) % count);
    return -1;
}

/* A scratch register for the current operation; locked. */
static int take(struct emit *e, bool vector)
{
    struct bank *b = bank_of(e, vector);
    unsigned count = vector ? SCRATCH_V : SCRATCH_I;
    int best = whim(e) ? any_unlocked(e, b, count) : best_unlocked(e, b, count);
    if (best < 0) { /* an emitter asks for more than there are */
        e->starved = e->a.full = true;
        return scratch_reg(vector, 0);
    }
    if (b->owner[best] != IR_NONE)
        spill(e, vector, (unsigned)best);
    b->mirror[best] = 0;
    b->locked |= (uint8_t)(1u << best);
    return scratch_reg(vector, (unsigned)best);
}

static void own(struct emit *e, bool vector, int reg, ir_ref v)
{
    struct bank *b = bank_of(e, vector);
    set_owner(b, scratch_number(vector, reg), v);
    e->loc[v] = (struct loc){LOC_REG, (uint8_t)reg, 0};
}

static int get_elsewhere(struct emit *e, bool vector, ir_ref v)
{
    struct bank *b = bank_of(e, vector);
    struct loc l = e->loc[v];
    int reg, k;
    switch (l.kind) {
    case LOC_REG:
        b->locked |= (uint8_t)(1u << scratch_number(vector, l.reg));
        return l.reg;
    case LOC_HOME:
        reg = x64_pin(vector, l.n);
        if (reg >= 0)
            return reg;
        k = mirror_of(b, l.n);
        if (k >= 0) {
            b->locked |= (uint8_t)(1u << k);
            return scratch_reg(vector, (unsigned)k);
        }
        reg = take(e, vector);
        load(e, vector, reg, vector ? home_v(l.n) : home_x(l.n));
        if (e->use[v].last <= e->now) /* else it stays at home: no spill where it must go */
            own(e, vector, reg, v);
        if (!e->a.jumped) /* else the load may be jumped over */
            b->mirror[scratch_number(vector, reg)] = (uint8_t)(l.n + 1);
        return reg;
    case LOC_SPILL:
        reg = take(e, vector);
        load(e, vector, reg, spill_mem(vector, l.n));
        b->spill_used &= (uint16_t) ~(1u << l.n);
        own(e, vector, reg, v);
        return reg;
    case LOC_CONST:
        reg = take(e, vector);
        alloc_constant(e, reg, &e->r->ins[v]);
        if (vector)
            own(e, vector, reg, v);
        return reg;
    default: /* a use of what was never made: ir_verify refuses such a region */
        e->a.full = true;
        return scratch_reg(vector, 0);
    }
}

/* The register that holds v, loaded if need be, locked if it is a scratch one. */
static inline int get(struct emit *e, bool vector, ir_ref v)
{
    struct loc l = e->loc[v];
    if (l.kind == LOC_HOME && x64_pin(vector, l.n) >= 0)
        return x64_pin(vector, l.n);
    return get_elsewhere(e, vector, v);
}

static struct emit_rm get_rm(struct emit *e, bool vector, ir_ref v)
{
    struct loc l = e->loc[v];
    if (l.kind == LOC_HOME && x64_pin(vector, l.n) < 0 && mirror_of(bank_of(e, vector), l.n) < 0)
        return (struct emit_rm){true, 0, vector ? home_v(l.n) : home_x(l.n)};
    if (l.kind == LOC_SPILL)
        return (struct emit_rm){true, 0, spill_mem(vector, l.n)};
    if (l.kind == LOC_CONST && vector)
        return (struct emit_rm){true, 0, constant_mem(e, &e->r->ins[v])};
    return (struct emit_rm){.is_mem = false, .reg = (int8_t)get(e, vector, v)};
}

/* May the result of i take over the scratch register of its operand v, which dies here? */
static bool takes_from(struct emit *e, bool vector, ir_ref i, ir_ref v, int *ret_reg)
{
    if (v == IR_NONE || e->use[v].last > i || alloc_is_vector(e, v) != vector)
        return false;
    struct loc l = e->loc[v];
    if (l.kind == LOC_HOME && x64_pin(vector, l.n) < 0) { /* as a mirror that only v wants */
        struct bank *b = bank_of(e, vector);
        int k = mirror_of(b, l.n);
        if (k < 0 || b->owner[k] != IR_NONE || !mirrors_nothing(e, b, (unsigned)k))
            return false;
        e->loc[v] = l = (struct loc){LOC_REG, (uint8_t)scratch_reg(vector, (unsigned)k), 0};
    }
    *ret_reg = l.reg;
    return l.kind == LOC_REG;
}

static bool takes_over(struct emit *e, bool vector, ir_ref i, int *ret_reg)
{
    const struct ir_ins *ins = &e->r->ins[i];
    unsigned traits = x64_traits[ins->op];
    return (traits & OP_A && takes_from(e, vector, i, ins->a, ret_reg)) ||
           (traits & OP_COMMUTES && takes_from(e, vector, i, ins->b, ret_reg));
}

/* Is an operand of i in the home of guest register n? */
static bool is_operand(const struct emit *e, bool vector, ir_ref i, unsigned n)
{
    const struct ir_ins *ins = &e->r->ins[i];
    const ir_ref ops[3] = {ins->a, ins->b, ins->c};
    const char kinds[3] = {ir_op_info[ins->op].a, ir_op_info[ins->op].b, ir_op_info[ins->op].c};
    for (unsigned k = 0; k < 3; k++)
        if (kinds[k] == (vector ? 'V' : 'I') && ops[k] != IR_NONE &&
            e->loc[ops[k]].kind == LOC_HOME && e->loc[ops[k]].n == n)
            return true;
    return false;
}

static int define(struct emit *e, bool vector, ir_ref i, bool apart)
{
    struct bank *b = bank_of(e, vector);
    int n = alloc_destination(e, i), reg;
    if (n >= 0 && !(apart && is_operand(e, vector, i, (unsigned)n))) {
        /* the value is the home's before its PUT says so; its aliases are dead */
        alloc_alias(e, b, i, (unsigned)n);
        return x64_pin(vector, (unsigned)n);
    }
    if (!apart && takes_over(e, vector, i, &reg)) {
        b->locked |= (uint8_t)(1u << scratch_number(vector, reg));
        b->mirror[scratch_number(vector, reg)] = 0;
        own(e, vector, reg, i);
        return reg;
    }
    reg = take(e, vector);
    own(e, vector, reg, i);
    return reg;
}

void alloc_release(struct emit *e, ir_ref v)
{
    struct loc l = e->loc[v];
    bool vector = alloc_is_vector(e, v);
    struct bank *b = bank_of(e, vector);
    if (l.kind == LOC_REG) {
        unsigned k = scratch_number(vector, l.reg);
        if (b->owner[k] == v)
            clear_owner(b, k);
    } else if (l.kind == LOC_SPILL) {
        b->spill_used &= (uint16_t) ~(1u << l.n);
    }
    e->loc[v].kind = LOC_NONE;
}

/* Values that are aliases of guest register n get a place of their own. */
static void save_aliases(struct emit *e, bool vector, unsigned n, ir_ref but)
{
    struct bank *b = bank_of(e, vector);
    for (ir_ref v = b->alias[n]; v != IR_NONE; v = e->next_alias[v]) {
        if (v == but || e->loc[v].kind != LOC_HOME || e->loc[v].n != n || e->use[v].last <= e->now)
            continue;
        if (is_constant(&e->r->ins[v])) {
            e->loc[v].kind = LOC_CONST;
            continue;
        }
        int home = x64_pin(vector, n), k = mirror_of(b, n);
        if (k >= 0 && b->owner[k] == IR_NONE && !(b->locked >> k & 1)) {
            own(e, vector, scratch_reg(vector, (unsigned)k), v);
            continue;
        }
        int reg = take(e, vector);
        if (home >= 0)
            copy(e, vector, reg, home);
        else
            load(e, vector, reg, vector ? home_v(n) : home_x(n));
        own(e, vector, reg, v);
        b->locked &= (uint8_t) ~(1u << scratch_number(vector, reg));
    }
}

/* The value now lives in the home too: free its scratch register. */
static void settle(struct emit *e, bool vector, unsigned n, ir_ref value)
{
    struct bank *b = bank_of(e, vector);
    struct loc l = e->loc[value];
    if (e->use[value].last <= e->now || (l.kind == LOC_HOME && l.n != n))
        return;
    if (l.kind == LOC_CONST && x64_pin(vector, n) < 0 && !is_long(&e->r->ins[value]))
        return;
    if (l.kind == LOC_REG || l.kind == LOC_SPILL)
        alloc_release(e, value);
    alloc_alias(e, b, value, n);
}

/* So many that what can go home had better go: the upper slots are for those that cannot. */
enum { MANY_SPILLS = 1 << (SPILLS - 4) };

static void put(struct emit *e, bool vector, unsigned n, ir_ref value)
{
    int home = x64_pin(vector, n);
    struct loc l = e->loc[value];
    bool there = !((l.kind ^ LOC_HOME) | (l.n ^ n));
    struct bank *b = bank_of(e, vector);
    if (e->use[e->now].flast && (home < 0 || l.kind == LOC_CONST) && b->spill_used < MANY_SPILLS &&
        !whim(e))
        return;
    if (b->alias_last[n] > e->now)
        save_aliases(e, vector, n, there ? value : IR_NONE);
    b->alias[n] = IR_NONE;
    b->alias_last[n] = 0;
    if (there) {
        if (e->use[value].last > e->now)
            alloc_alias(e, b, value, n);
        return;
    }
    if (home >= 0) {
        if (l.kind == LOC_CONST) {
            alloc_constant(e, home, &e->r->ins[value]);
        } else {
            struct emit_rm rm = get_rm(e, vector, value);
            if (rm.is_mem)
                load(e, vector, home, rm.m);
            else
                copy(e, vector, home, rm.reg);
        }
    } else if (l.kind == LOC_CONST && !vector && fits32((int64_t)e->r->ins[value].imm)) {
        x64_rm_imm(&e->a, 0xc7, 8, 0, home_x(n), 4, (int32_t)e->r->ins[value].imm);
        mirror_drop(b, n);
    } else {
        int reg = get(e, vector, value), k = scratch_index(vector, reg);
        store(e, vector, reg, vector ? home_v(n) : home_x(n));
        mirror_drop(b, n);
        if (k >= 0)
            b->mirror[k] = (uint8_t)(n + 1);
    }
    settle(e, vector, n, value);
}

void alloc_put_x(struct emit *e, unsigned n, ir_ref value)
{
    put(e, false, n, value);
}

void alloc_put_v(struct emit *e, unsigned n, ir_ref value)
{
    put(e, true, n, value);
}

/* ---- what emitters call
 * -------------------------------------------------------------------------- */
int emit_i(struct emit *e, ir_ref v)
{
    return get(e, false, v);
}

int emit_v(struct emit *e, ir_ref v)
{
    return get(e, true, v);
}

struct emit_rm emit_i_rm(struct emit *e, ir_ref v)
{
    return get_rm(e, false, v);
}

/* Is guest register n an operand of the current operation by another value than v, too? */
static bool is_shared(const struct emit *e, ir_ref v, unsigned n)
{
    const struct ir_ins *ins = &e->r->ins[e->now];
    const ir_ref ops[3] = {ins->a, ins->b, ins->c};
    const unsigned is_value[3] = {OP_A, OP_B, OP_C};
    for (unsigned k = 0; k < 3; k++)
        if (x64_traits[ins->op] & is_value[k] && ops[k] != IR_NONE && ops[k] != v &&
            e->loc[ops[k]].kind == LOC_HOME && e->loc[ops[k]].n == n)
            return true;
    return false;
}

static void unlock(struct emit *e, bool vector, ir_ref v)
{
    struct bank *b = bank_of(e, vector);
    struct loc l = e->loc[v];
    int k = -1;
    if (l.kind == LOC_REG)
        k = (int)scratch_number(vector, l.reg);
    else if (l.kind == LOC_HOME && !is_shared(e, v, l.n))
        k = mirror_of(b, l.n);
    if (k >= 0)
        b->locked &= (uint8_t) ~(1u << k);
}

void emit_i_unlock(struct emit *e, ir_ref v)
{
    unlock(e, false, v);
}

void emit_v_unlock(struct emit *e, ir_ref v)
{
    unlock(e, true, v);
}

struct emit_rm emit_v_rm(struct emit *e, ir_ref v)
{
    return get_rm(e, true, v);
}

int emit_i_def(struct emit *e, ir_ref i)
{
    return define(e, false, i, false);
}

int emit_i_def_apart(struct emit *e, ir_ref i)
{
    return define(e, false, i, true);
}

int emit_v_def(struct emit *e, ir_ref i)
{
    return define(e, true, i, false);
}

int emit_v_def_apart(struct emit *e, ir_ref i)
{
    return define(e, true, i, true);
}

int emit_i_tmp(struct emit *e)
{
    return take(e, false);
}

int emit_v_tmp(struct emit *e)
{
    return take(e, true);
}

/* Take this very scratch register, before any operand is asked for. Its owner moves out of the way,
 * into another that is free or to memory. */
static int take_fixed(struct emit *e, bool vector, int reg)
{
    unsigned k = scratch_number(vector, reg), count = vector ? SCRATCH_V : SCRATCH_I;
    struct bank *b = bank_of(e, vector);
    ir_ref v = b->owner[k];
    b->locked |= (uint8_t)(1u << k);
    b->mirror[k] = 0;
    if (v == IR_NONE)
        return reg;
    for (unsigned other = 0; other < count && e->use[v].last >= e->now; other++) {
        if (b->owner[other] != IR_NONE || b->locked >> other & 1)
            continue;
        clear_owner(b, k);
        b->mirror[other] = 0;
        copy(e, vector, scratch_reg(vector, other), reg);
        own(e, vector, scratch_reg(vector, other), v);
        return reg;
    }
    spill(e, vector, k);
    return reg;
}

int emit_i_fixed(struct emit *e, int reg)
{
    return take_fixed(e, false, reg);
}

int emit_v_fixed(struct emit *e, int reg)
{
    return take_fixed(e, true, reg);
}

void emit_vex(struct emit *e, uint32_t op, int dst, int src1, struct emit_rm src2)
{
    if (src2.is_mem)
        x64_vex_m(&e->a, op, dst, src1, src2.m);
    else
        x64_vex(&e->a, op, dst, src1, src2.reg);
}

void emit_vex_i(struct emit *e, uint32_t op, int dst, int src1, struct emit_rm src2, unsigned imm8)
{
    if (src2.is_mem)
        x64_vex_mi(&e->a, op, dst, src1, src2.m, imm8);
    else
        x64_vex_i(&e->a, op, dst, src1, src2.reg, imm8);
}

struct x64_mem emit_const16(struct emit *e, uint64_t lo, uint64_t hi)
{
    uint32_t k = 0;
    while (k < e->pool_count && (e->pool[k][0] != lo || e->pool[k][1] != hi))
        k++;
    if (k == POOL_MAX) {
        e->a.full = true;
        k = 0;
    } else if (k == e->pool_count) {
        e->pool[k][0] = lo;
        e->pool[k][1] = hi;
        e->pool_count++;
    }
    return (struct x64_mem){X64_RIP, -1, 0, (int32_t)(X64_POOL + 16 * k)};
}

struct x64_asm *emit_asm(struct emit *e)
{
    return &e->a;
}

const struct ir_ins *emit_ins(struct emit *e, ir_ref i)
{
    return &e->r->ins[i];
}

uint32_t emit_mode(struct emit *e)
{
    return e->r->mode;
}
