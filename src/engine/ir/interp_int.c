/* SPDX-License-Identifier: Apache-2.0
 *
 * Interpreters of the operations in ops.def itself: state, integers, flags, memory, control, helper
 * calls. Written for being obviously right; speed does not count.
 *
 * A 4-byte operation reads the low halves of its operands and leaves zeros above its result.
 * Accesses to guest memory are single instructions of the host (volatile, or compare-and-swap), so
 * that the interpreter may run beside other guest threads.
 */
#include "engine/ir/interp.h"

#include <stddef.h>

/* ---- state ---- */
static void op_nop(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)m;
    (void)i;
    (void)ins;
}

static void op_insn(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    m->pc = ins->imm;
    m->masked = ins->aux & 1;
}

static void op_const(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i].d[0] = ins->imm;
}

static void op_getr(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i].d[0] = m->cpu->x[ins->imm & 31];
}

static void op_putr(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    m->cpu->x[ins->imm & 31] = interp_i(m, ins->a);
}

static void op_getv(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i] = m->cpu->v[ins->imm & 31];
}

static void op_putv(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    m->cpu->v[ins->imm & 31] = *interp_v(m, ins->a);
}

static void op_getf(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)ins;
    m->flags[i] = (uint8_t)ir_nzcv_load(m->cpu->nzcv);
}

static void op_putf(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    m->cpu->nzcv = ir_nzcv_store(m->flags[ins->a]);
}

static void op_getc(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i].d[0] = 0;
    __builtin_memcpy(&m->value[i], (const char *)m->cpu + ins->imm, ins->size);
}

static void op_putc(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    uint64_t v = interp_i(m, ins->a);
    __builtin_memcpy((char *)m->cpu + ins->imm, &v, ins->size);
}

/* ---- integers ---- */
static uint64_t cut(unsigned bits, uint64_t v)
{
    return bits < 64 ? v & ((1ull << bits) - 1) : v;
}

static uint64_t extend(unsigned bits, uint64_t v)
{
    return bits < 64 ? (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits)) : v;
}

static uint64_t reverse_bits(unsigned bits, uint64_t v)
{
    uint64_t r = 0;
    for (unsigned k = 0; k < bits; k++)
        r |= (v >> k & 1) << (bits - 1 - k);
    return r;
}

/* Bytes reversed in each unit of that many bytes. */
static uint64_t reverse_bytes(unsigned unit, uint64_t v)
{
    uint64_t r = 0;
    for (unsigned k = 0; k < 8; k++)
        r |= (v >> (8 * k) & 0xff) << (8 * (k - k % unit + unit - 1 - k % unit));
    return r;
}

static uint64_t zeros_above(unsigned bits, uint64_t v)
{
    unsigned n = 0;
    while (n < bits && !(v >> (bits - 1 - n) & 1))
        n++;
    return n;
}

static uint64_t zeros_below(unsigned bits, uint64_t v)
{
    unsigned n = 0;
    while (n < bits && !(v >> n & 1))
        n++;
    return n;
}

static uint64_t divide(unsigned bits, uint64_t a, uint64_t b)
{
    int64_t x = (int64_t)extend(bits, a), y = (int64_t)extend(bits, b);
    if (!y)
        return 0;
    return y == -1 ? 0 - (uint64_t)x : (uint64_t)(x / y); /* the host traps on minimum / -1 */
}

static uint64_t crc(unsigned bytes, uint64_t a, uint64_t b, uint32_t polynomial)
{
    uint32_t v = (uint32_t)a;
    for (unsigned k = 0; k < bytes; k++) {
        v ^= b >> (8 * k) & 0xff;
        for (unsigned n = 0; n < 8; n++)
            v = v >> 1 ^ (v & 1 ? polynomial : 0);
    }
    return v;
}

static uint64_t insert(uint64_t imm, uint64_t a, uint64_t b)
{
    unsigned at = imm & 63, width = (unsigned)(imm >> 8);
    uint64_t mask = cut(width, ~0ull) << at;
    return (a & ~mask) | (b << at & mask);
}

static uint64_t extract(unsigned bits, uint64_t imm, uint64_t a, uint64_t b)
{
    unsigned n = (unsigned)imm & (bits - 1);
    return n ? b >> n | a << (bits - n) : b;
}

/* Operands cut to the width; what is above it in the result is dropped by the caller. */
static uint64_t compute(const struct ir_ins *ins, unsigned w, uint64_t a, uint64_t b)
{
    unsigned n = (unsigned)b & (w - 1), field = (unsigned)ins->imm & 63,
             width = (unsigned)(ins->imm >> 8);
    switch (ins->op) {
    case IR_ADD:
        return a + b;
    case IR_SUB:
        return a - b;
    case IR_AND:
        return a & b;
    case IR_OR:
        return a | b;
    case IR_XOR:
        return a ^ b;
    case IR_ANDN:
        return a & ~b;
    case IR_NOT:
        return ~a;
    case IR_NEG:
        return 0 - a;
    case IR_SHL:
        return a << n;
    case IR_SHR:
        return a >> n;
    case IR_SAR:
        return (uint64_t)((int64_t)extend(w, a) >> n);
    case IR_ROR:
        return n ? a >> n | a << (w - n) : a;
    case IR_ADDSH:
        return a + (b << field);
    case IR_MUL:
        return a * b;
    case IR_UMULH:
        return (uint64_t)((unsigned __int128)a * b >> 64);
    case IR_SMULH:
        return (uint64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
    case IR_UDIV:
        return b ? a / b : 0;
    case IR_SDIV:
        return divide(w, a, b);
    case IR_CLZ:
        return zeros_above(w, a);
    case IR_CTZ:
        return zeros_below(w, a);
    case IR_RBIT:
        return reverse_bits(w, a);
    case IR_REV:
        return reverse_bytes(w / 8, a);
    case IR_REV16:
        return reverse_bytes(2, a);
    case IR_REV32:
        return reverse_bytes(4, a);
    case IR_ZEXT:
        return cut((unsigned)ins->imm * 8, a);
    case IR_SEXT:
        return extend((unsigned)ins->imm * 8, a);
    case IR_UBFX:
        return cut(width, a >> field);
    case IR_SBFX:
        return extend(width, a >> field);
    case IR_BFI:
        return insert(ins->imm, a, b);
    default: /* EXTR */
        return extract(w, ins->imm, a, b);
    }
}

static void op_compute(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    unsigned w = ins->size * 8u;
    uint64_t a = cut(w, interp_i(m, ins->a)), b = cut(w, interp_i(m, ins->b));
    m->value[i].d[0] = cut(w, compute(ins, w, a, b));
}

/* Its size is that of the data, not of the operation. */
static void op_crc32(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i].d[0] = crc(ins->size, interp_i(m, ins->a), interp_i(m, ins->b),
                           ins->imm ? 0x82f63b78u : 0xedb88320u);
}

static void op_select(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    bool holds = ir_cond_holds(ins->aux, m->flags[ins->a]);
    m->value[i].d[0] = cut(ins->size * 8u, interp_i(m, holds ? ins->b : ins->c));
}

static void op_setc(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i].d[0] = ir_cond_holds(ins->aux, m->flags[ins->a]);
}

/* ---- flags ---- */
/* a + b + carry in width w (Arm ARM, AddWithCarry). */
static uint64_t add_carry(unsigned w, uint64_t a, uint64_t b, unsigned carry, uint8_t *ret_nzcv)
{
    a = cut(w, a);
    b = cut(w, b);
    unsigned __int128 sum = (unsigned __int128)a + b + carry;
    uint64_t v = cut(w, (uint64_t)sum);
    bool n = v >> (w - 1) & 1, over = ((a ^ v) & (b ^ v)) >> (w - 1) & 1;
    *ret_nzcv = (uint8_t)(n << 3 | (v == 0) << 2 | (unsigned)(sum >> w & 1) << 1 | over);
    return v;
}

static void op_adds(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t a = interp_i(m, ins->a), b = interp_i(m, ins->b);
    bool sub = ins->op == IR_SUBS || ins->op == IR_SBC;
    unsigned carry = sub;
    if (ins->op == IR_ADC || ins->op == IR_SBC)
        carry = m->flags[ins->c] >> 1 & 1;
    m->value[i].d[0] = add_carry(ins->size * 8u, a, sub ? ~b : b, carry, &m->flags[i]);
}

static void op_ands(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    unsigned w = ins->size * 8u;
    uint64_t v = cut(w, interp_i(m, ins->a) & interp_i(m, ins->b));
    m->value[i].d[0] = v;
    m->flags[i] = (uint8_t)((v >> (w - 1) & 1) << 3 | (v == 0) << 2);
}

static void op_ccmp(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t a = interp_i(m, ins->a), b = interp_i(m, ins->b);
    bool sub = ins->op == IR_CCMP;
    if (ir_cond_holds(ins->aux, m->flags[ins->c]))
        add_carry(ins->size * 8u, a, sub ? ~b : b, sub, &m->flags[i]);
    else
        m->flags[i] = ins->imm & 15;
}

static void op_setf(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->flags[i] = interp_i(m, ins->a) >> 28 & 15;
}

static void op_flags(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    m->value[i].d[0] = (uint64_t)m->flags[ins->a] << 28;
}

/* ---- memory ---- */
typedef uint16_t __attribute__((aligned(1), may_alias)) u16;
typedef uint32_t __attribute__((aligned(1), may_alias)) u32;
typedef uint64_t __attribute__((aligned(1), may_alias)) u64;

static uint64_t load(struct ir_interp *m, uint64_t address, unsigned size)
{
    if (m->read)
        return m->read(m->context, address, size);
    const volatile void *p = (const volatile void *)(uintptr_t)address;
    switch (size) {
    case 1:
        return *(const volatile uint8_t *)p;
    case 2:
        return *(const volatile u16 *)p;
    case 4:
        return *(const volatile u32 *)p;
    default:
        return *(const volatile u64 *)p;
    }
}

static void store(struct ir_interp *m, uint64_t address, unsigned size, uint64_t v)
{
    if (m->write) {
        m->write(m->context, address, size, v);
        return;
    }
    volatile void *p = (volatile void *)(uintptr_t)address;
    switch (size) {
    case 1:
        *(volatile uint8_t *)p = (uint8_t)v;
        break;
    case 2:
        *(volatile u16 *)p = (uint16_t)v;
        break;
    case 4:
        *(volatile u32 *)p = (uint32_t)v;
        break;
    default:
        *(volatile u64 *)p = v;
    }
}

static void op_ld(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t address;
    if (!interp_address(m, ins, false, &address))
        return;
    uint64_t v = load(m, address, ins->size);
    if (ins->aux & 8)
        v = extend(ins->size * 8u, v);
    else if (ins->aux & 16)
        v = cut(32, extend(ins->size * 8u, v));
    m->value[i].d[0] = v;
}

static void op_st(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t address;
    (void)i;
    if (interp_address(m, ins, true, &address))
        store(m, address, ins->size, interp_i(m, ins->c));
}

static void op_ldv(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t address;
    if (!interp_address(m, ins, false, &address))
        return;
    m->value[i].d[0] = load(m, address, ins->size < 8 ? ins->size : 8);
    m->value[i].d[1] = ins->size == 16 ? load(m, address + 8, 8) : 0;
}

static void op_ldvs(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t address;
    if (!interp_address(m, ins, false, &address))
        return;
    for (unsigned k = 0; k < 16; k += ins->size) {
        uint64_t x = load(m, address, ins->size);
        __builtin_memcpy(&m->value[i].b[k], &x, ins->size);
    }
}

static void op_stv(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t address;
    (void)i;
    if (!interp_address(m, ins, true, &address))
        return;
    store(m, address, ins->size < 8 ? ins->size : 8, interp_v(m, ins->c)->d[0]);
    if (ins->size == 16)
        store(m, address + 8, 8, interp_v(m, ins->c)->d[1]);
}

static void op_fence(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)m;
    (void)i;
    (void)ins;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void op_probe(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t address;
    (void)i;
    interp_address(m, ins, true, &address);
}

/* The host's instruction, as misaligned atomics are no C. Old value. */
static uint64_t compare_swap(struct ir_interp *m, uint64_t address, unsigned size, uint64_t old,
                             uint64_t new)
{
    if (m->write) {
        uint64_t is = load(m, address, size);
        if (is == cut(size * 8, old))
            store(m, address, size, new);
        return is;
    }
    volatile void *p = (volatile void *)(uintptr_t)address;
    switch (size) {
    case 1:
        __asm__ volatile("lock cmpxchgb %b2, (%1)" : "+a"(old) : "r"(p), "q"(new) : "memory", "cc");
        break;
    case 2:
        __asm__ volatile("lock cmpxchgw %w2, (%1)" : "+a"(old) : "r"(p), "r"(new) : "memory", "cc");
        break;
    case 4:
        __asm__ volatile("lock cmpxchgl %k2, (%1)" : "+a"(old) : "r"(p), "r"(new) : "memory", "cc");
        break;
    default:
        __asm__ volatile("lock cmpxchgq %2, (%1)" : "+a"(old) : "r"(p), "r"(new) : "memory", "cc");
    }
    return cut(size * 8, old);
}

static bool compare_swap16(struct ir_interp *m, uint64_t address, union vec *old, union vec new)
{
    if (m->write) {
        union vec is = {.d = {load(m, address, 8), load(m, address + 8, 8)}};
        bool same = is.d[0] == old->d[0] && is.d[1] == old->d[1];
        for (unsigned k = 0; same && k < 2; k++)
            store(m, address + 8 * k, 8, new.d[k]);
        *old = is;
        return same;
    }
    bool done;
    __asm__ volatile("lock cmpxchg16b (%3)"
                     : "=@ccz"(done), "+a"(old->d[0]), "+d"(old->d[1])
                     : "r"(address), "b"(new.d[0]), "c"(new.d[1])
                     : "memory");
    return done;
}

static uint64_t modify(const struct ir_ins *ins, uint64_t old, uint64_t b)
{
    unsigned w = ins->size * 8u;
    int64_t so = (int64_t)extend(w, old), sb = (int64_t)extend(w, b);
    if (ins->op == IR_XCHG)
        return b;
    if (ins->op == IR_XADD)
        return old + b;
    b = cut(w, b);
    switch (ins->aux) {
    case IR_RMW_AND:
        return old & b;
    case IR_RMW_ANDN:
        return old & ~b;
    case IR_RMW_OR:
        return old | b;
    case IR_RMW_XOR:
        return old ^ b;
    case IR_RMW_SMAX:
        return so > sb ? old : b;
    case IR_RMW_SMIN:
        return so < sb ? old : b;
    case IR_RMW_UMAX:
        return old > b ? old : b;
    default: /* UMIN */
        return old < b ? old : b;
    }
}

static void op_rmw(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t address, old, b = interp_i(m, ins->b);
    if (!interp_address(m, ins, true, &address))
        return;
    do
        old = load(m, address, ins->size);
    while (compare_swap(m, address, ins->size, old, modify(ins, old, b)) != old);
    m->value[i].d[0] = old;
}

static void op_cas(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t address;
    if (interp_address(m, ins, true, &address))
        m->value[i].d[0] =
            compare_swap(m, address, ins->size, interp_i(m, ins->b), interp_i(m, ins->c));
}

static void raise(struct ir_interp *m, unsigned kind, uint64_t detail)
{
    m->end = IR_END_RAISE;
    m->kind = (uint8_t)kind;
    m->detail = detail;
    m->cpu->pc = m->pc;
}

static void op_cas16(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    uint64_t address;
    if (interp_i(m, ins->a) & 15) {
        raise(m, RAISE_ALIGN, interp_i(m, ins->a));
        return;
    }
    if (!interp_address(m, ins, true, &address))
        return;
    union vec old = *interp_v(m, ins->b);
    compare_swap16(m, address, &old, *interp_v(m, ins->c));
    m->value[i] = old;
}

/* ---- control ---- */
static void leave(struct ir_interp *m, enum ir_end how, uint64_t pc)
{
    m->end = (uint8_t)how;
    m->cpu->pc = pc;
}

static bool taken(const struct ir_interp *m, const struct ir_ins *ins)
{
    uint64_t a = ins->op == IR_JCC ? 0 : cut(ins->size * 8u, interp_i(m, ins->a));
    unsigned aux = ins->aux & 0xff;
    switch (ins->op) {
    case IR_JCC:
        return ir_cond_holds(aux, m->flags[ins->a]);
    case IR_JZ:
        return a == 0;
    case IR_JNZ:
        return a != 0;
    case IR_JBZ:
        return !(a >> (aux & 63) & 1);
    default: /* JBNZ */
        return a >> (aux & 63) & 1;
    }
}

static void op_branch(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    if (taken(m, ins))
        leave(m, IR_END_JUMP, ins->imm);
}

static void op_leave(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    static const uint8_t how[] = {
        [IR_GOTO - IR_GOTO] = IR_END_JUMP,     [IR_CALL - IR_GOTO] = IR_END_CALL,
        [IR_CALLR - IR_GOTO] = IR_END_CALL,    [IR_JUMP - IR_GOTO] = IR_END_JUMP,
        [IR_RET - IR_GOTO] = IR_END_RET,       [IR_SYSCALL - IR_GOTO] = IR_END_SYSCALL,
        [IR_RESUME - IR_GOTO] = IR_END_RESUME,
    };
    (void)i;
    bool indirect = ir_op_info[ins->op].a == 'I';
    leave(m, how[ins->op - IR_GOTO], indirect ? interp_i(m, ins->a) : ins->imm);
}

static void op_raise(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    (void)i;
    raise(m, ins->aux & 0xff, ins->imm);
}

/* ---- helpers ---- */
static void op_help(struct ir_interp *m, ir_ref i, const struct ir_ins *ins)
{
    const ir_ref v[3] = {ins->a, ins->b, ins->c};
    bool vectors = ins->op == IR_HELPV || ins->op == IR_HELPIV;
    for (unsigned k = 0; k < 3; k++) {
        if (v[k] == IR_NONE)
            continue;
        if (vectors)
            m->cpu->varg[k] = m->value[v[k]];
        else
            m->cpu->arg[k] = m->value[v[k]].d[0];
    }
    m->cpu->arg[3] = ins->imm;
    m->helper(m->context, m->cpu, ins->aux);
    if (ins->op == IR_HELPV || ins->op == IR_HELPVI)
        m->value[i] = m->cpu->vret;
    else
        m->value[i].d[0] = m->cpu->ret;
}

const ir_interp_fn ir_interp_int[IR_OP_COUNT] = {
    [IR_NOP] = op_nop,       [IR_INSN] = op_insn,     [IR_CONST] = op_const,
    [IR_GETR] = op_getr,     [IR_PUTR] = op_putr,     [IR_GETV] = op_getv,
    [IR_PUTV] = op_putv,     [IR_GETF] = op_getf,     [IR_PUTF] = op_putf,
    [IR_GETC] = op_getc,     [IR_PUTC] = op_putc,     [IR_ADD... IR_EXTR] = op_compute,
    [IR_SELECT] = op_select, [IR_SETC] = op_setc,     [IR_CRC32] = op_crc32,
    [IR_ADDS] = op_adds,     [IR_SUBS] = op_adds,     [IR_ADC] = op_adds,
    [IR_SBC] = op_adds,      [IR_ANDS] = op_ands,     [IR_CCMP] = op_ccmp,
    [IR_CCMN] = op_ccmp,     [IR_SETF] = op_setf,     [IR_FLAGS] = op_flags,
    [IR_LD] = op_ld,         [IR_ST] = op_st,         [IR_LDV] = op_ldv,
    [IR_LDVS] = op_ldvs,     [IR_STV] = op_stv,       [IR_FENCE] = op_fence,
    [IR_PROBE] = op_probe,   [IR_XCHG] = op_rmw,      [IR_XADD] = op_rmw,
    [IR_RMW] = op_rmw,       [IR_CAS] = op_cas,       [IR_CAS16] = op_cas16,
    [IR_JCC] = op_branch,    [IR_JZ] = op_branch,     [IR_JNZ] = op_branch,
    [IR_JBZ] = op_branch,    [IR_JBNZ] = op_branch,   [IR_GOTO] = op_leave,
    [IR_CALL] = op_leave,    [IR_CALLR] = op_leave,   [IR_JUMP] = op_leave,
    [IR_RET] = op_leave,     [IR_SYSCALL] = op_leave, [IR_RAISE] = op_raise,
    [IR_RESUME] = op_leave,  [IR_HELPI] = op_help,    [IR_HELPV] = op_help,
    [IR_HELPVI] = op_help,   [IR_HELPIV] = op_help,
};
