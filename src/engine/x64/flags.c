/* SPDX-License-Identifier: Apache-2.0
 *
 * Where NZCV is: in EFLAGS, in one of several layouts, in cpu->nzcv, or both.
 *
 * The guest has one NZCV; the IR names each value of it by the instruction that made it. Only the
 * newest one is ever needed. It stays in EFLAGS while nothing destroys them, and is saved to
 * cpu->nzcv (stored layout, rt/cpu.h) when somebody still wants it: a condition, or an exit behind
 * which it may be read. Loading it back gives the layout of a subtraction.
 */
#include "engine/x64/work.h"

#define NZCV_MEM emit_cpu((uint32_t)offsetof(struct cpu, nzcv))

void flags_made(struct emit *e, ir_ref i, enum x64_fault_flags kind)
{
    e->flags_host = i;
    e->flags_kind = (uint8_t)kind;
    e->flags = i;
    e->flags_home = false;
}

void flags_lost(struct emit *e)
{
    e->flags_host = IR_NONE;
}

bool flags_busy(const struct emit *e)
{
    return e->flags_host != IR_NONE && !e->flags_home && e->use[e->flags_host].flast > e->now;
}

/* Unordered, less, equal, greater: PF CF ZF to V, N and !C, Z. */
static void save_fcmp(struct x64_asm *a)
{
    uint32_t unordered = x64_jump_short(a, CC_P);
    x64_rr(a, 0x0f90 | CC_B, 1, 0, HOST_RCX); /* setb cl */
    x64_byte(a, 0x9f);                        /* lahf */
    x64_rr(a, 0xc0, 1, 4, HOST_RCX);          /* shl cl, 7 */
    x64_byte(a, 7);
    x64_byte(a, 0x0a); /* or ah, cl */
    x64_byte(a, 0xe1);
    x64_byte(a, 0xb0); /* mov al, 0 */
    x64_byte(a, 0);
    uint32_t done = x64_jump_short(a, -1);
    x64_bind_short(a, unordered);
    x64_mov_imm(a, HOST_RAX, NZCV_V);
    x64_bind_short(a, done);
    x64_rm(a, 0x89, 2, HOST_RAX, NZCV_MEM);
}

void flags_save_code(struct x64_asm *a, enum x64_fault_flags kind)
{
    if (kind == X64_FLAGS_FCMP) {
        save_fcmp(a);
        return;
    }
    if (kind == X64_FLAGS_ADD)
        x64_byte(a, 0xf5); /* cmc */
    else if (kind == X64_FLAGS_LOGIC)
        x64_byte(a, 0xf9);                    /* stc: C = 0 */
    x64_byte(a, 0x9f);                        /* lahf */
    x64_rr(a, 0x0f90 | CC_O, 1, 0, HOST_RAX); /* seto al */
    x64_rm(a, 0x89, 2, HOST_RAX, NZCV_MEM);
}

/* Save EFLAGS to cpu->nzcv in the middle of a region: rax (and rcx) may hold values. */
static void save(struct emit *e)
{
    static const int8_t regs[2] = {HOST_RAX, HOST_RCX};
    bool fcmp = e->flags_kind == X64_FLAGS_FCMP;
    for (int k = 0; k < (fcmp ? 2 : 1); k++)
        x64_rm(&e->a, 0x89, 8, regs[k],
               emit_cpu((uint32_t)offsetof(struct cpu, arg) + 8u * (unsigned)k));
    flags_save_code(&e->a, e->flags_kind);
    for (int k = 0; k < (fcmp ? 2 : 1); k++)
        x64_rm(&e->a, 0x8b, 8, regs[k],
               emit_cpu((uint32_t)offsetof(struct cpu, arg) + 8u * (unsigned)k));
    e->flags_home = true;
    if (fcmp)
        flags_lost(e);
    else
        e->flags_kind = X64_FLAGS_SUB;
}

static bool rax_free(const struct emit *e)
{
    if (e->i.locked & 4)
        return false;
    for (unsigned k = 0; k < SCRATCH_I; k++) {
        ir_ref v = e->i.owner[k];
        if (v != IR_NONE && e->loc[v].kind == LOC_REG && e->loc[v].reg == HOST_RAX &&
            e->use[v].last >= e->now)
            return false;
    }
    return true;
}

static void save_now(struct emit *e)
{
    if (e->flags_kind == X64_FLAGS_FCMP || !rax_free(e)) {
        save(e);
        return;
    }
    flags_save_code(&e->a, e->flags_kind);
    alloc_clobbered(e, HOST_RAX);
    e->flags_home = true;
    e->flags_kind = X64_FLAGS_SUB;
}

/* Before an operation is emitted that destroys EFLAGS: if they are still needed, save them. */
void flags_before(struct emit *e)
{
    if (flags_busy(e))
        save_now(e);
}

void flags_home(struct emit *e)
{
    if (e->flags != IR_NONE && !e->flags_home && e->flags_host == e->flags)
        save_now(e);
}

void flags_load(struct emit *e, ir_ref f)
{
    if (e->flags_host == f)
        return;
    /* f is then the guest's NZCV, and at home */
    int rax = emit_i_fixed(e, HOST_RAX);
    x64_rm(&e->a, 0x0fb7, 4, rax, NZCV_MEM); /* movzx */
    x64_byte(&e->a, 0x04);                   /* add al, 0x7f: OF = V */
    x64_byte(&e->a, 0x7f);
    x64_byte(&e->a, 0x9e); /* sahf */
    e->i.locked &= (uint8_t)~4u;
    e->flags_host = f;
    e->flags_kind = X64_FLAGS_SUB;
    e->flags = f;
    e->flags_home = true;
}

void flags_load_sub(struct emit *e, ir_ref f)
{
    flags_load(e, f);
    if (e->flags_kind == X64_FLAGS_FCMP) {
        save(e);
        flags_load(e, f);
    } else if (e->flags_kind == X64_FLAGS_ADD) {
        x64_byte(&e->a, 0xf5);
    } else if (e->flags_kind == X64_FLAGS_LOGIC) {
        x64_byte(&e->a, 0xf9);
    }
    e->flags_kind = X64_FLAGS_SUB;
}

static const int8_t cc_sub[14] = {CC_E,  CC_NE, CC_AE, CC_B,  CC_S, CC_NS, CC_O,
                                  CC_NO, CC_A,  CC_BE, CC_GE, CC_L, CC_G,  CC_LE};

/* Conditions on EFLAGS of ucomisd: with the parity that tells unordered. */
static const struct flags_test cc_fcmp[14] = {
    {CC_E, -1}, {CC_NE, 1}, {CC_AE, 1},  {CC_B, -1}, {CC_B, -1}, {CC_AE, 1}, {CC_P, 0},
    {CC_NP, 0}, {CC_A, 1},  {CC_BE, -1}, {CC_AE, 0}, {CC_B, 0},  {CC_A, 0},  {CC_BE, 0}};

struct flags_test flags_condition(struct emit *e, ir_ref f, unsigned cond)
{
    flags_load(e, f);
    if (e->flags_kind == X64_FLAGS_FCMP)
        return cc_fcmp[cond];
    bool carry = cond == IR_CS || cond == IR_CC || cond == IR_HI || cond == IR_LS;
    if (e->flags_kind == X64_FLAGS_ADD && carry) {
        if (cond == IR_CS)
            return (struct flags_test){CC_B, 0};
        if (cond == IR_CC)
            return (struct flags_test){CC_AE, 0};
        flags_load_sub(e, f);
    } else if (e->flags_kind == X64_FLAGS_LOGIC && carry) {
        flags_load_sub(e, f);
    }
    return (struct flags_test){cc_sub[cond], 0};
}
