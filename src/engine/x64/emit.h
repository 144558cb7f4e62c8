/* SPDX-License-Identifier: Apache-2.0
 *
 * Emission of one IR operation, and the register allocation that it asks.
 *
 * The compiler walks the region forward. For each operation it calls emit_<OP>(e, i, ins), which
 *   1. gets its operands: emit_i()/emit_v() give the register that holds a value (loading it when
 * it is in memory); emit_v_rm() gives a register or a memory operand, where the instruction can
 * take memory; all of them stay valid, and in their registers, until the function returns;
 *   2. gets its result register: emit_i_def()/emit_v_def(). That may be the register of an operand
 * that dies here, or the home of the guest register that will be written. Unless everything is one
 * host instruction that reads before it writes, use the _apart form: it is none of the operands';
 *      the home of a guest register may be written only when nothing after that can fault;
 *   3. emits through e->a.
 * Temporaries: emit_i_tmp(), emit_v_tmp(): valid until the function returns. There are three
 * integer scratch registers (rax rcx rdx) and four vectors (xmm0-3) for operands in memory, results
 * and temporaries together: an operation may have at most that many at once. A vector value's
 * register must never be written but by its definition.
 *
 * EFLAGS: operations marked CLOB in ops.def destroy them; the compiler saves NZCV before when it is
 * still needed. An operation not marked CLOB must leave EFLAGS as they are.
 *
 * Cold code: emit_cold() notes a function that emits at the region's end; it runs with the state of
 * registers of the place that asked.
 */
#ifndef ENGINE_X64_EMIT_H
#define ENGINE_X64_EMIT_H

#include "engine/ir/ir.h"
#include "engine/rt/cpu.h"
#include "engine/x64/asm.h"
#include "engine/x64/regs.h"

struct emit;

/* A register or memory operand. */
struct emit_rm {
    bool is_mem;      /* m counts, else reg */
    int8_t reg;       /* xmm or GPR */
    struct x64_mem m; /* where it is */
};

struct x64_asm *emit_asm(struct emit *e);
const struct ir_ins *emit_ins(struct emit *e, ir_ref i);
uint32_t emit_mode(struct emit *e); /* enum ir_mode */

int emit_i(struct emit *e, ir_ref v);
int emit_i_def(struct emit *e, ir_ref i);
int emit_i_def_apart(struct emit *e, ir_ref i);
int emit_i_tmp(struct emit *e);
int emit_i_fixed(struct emit *e,
                 int reg); /* take this very scratch register (rax, rcx, rdx) as temporary */
struct emit_rm emit_i_rm(struct emit *e, ir_ref v);
/* An operand has been read: its scratch register, if it has one, may be given away. */
void emit_i_unlock(struct emit *e, ir_ref v);

int emit_v(struct emit *e, ir_ref v);
int emit_v_def(struct emit *e, ir_ref i);
int emit_v_def_apart(struct emit *e, ir_ref i);
int emit_v_tmp(struct emit *e);
int emit_v_fixed(struct emit *e, int reg); /* this very scratch register (xmm0-3) as temporary */
struct emit_rm emit_v_rm(struct emit *e, ir_ref v);
void emit_v_unlock(struct emit *e, ir_ref v);
/* VEX with the last source in a register or memory */
void emit_vex(struct emit *e, uint32_t op, int dst, int src1, struct emit_rm src2);
void emit_vex_i(struct emit *e, uint32_t op, int dst, int src1, struct emit_rm src2, unsigned imm8);

/* A 16-byte constant in the region's pool, as an aligned memory operand. */
struct x64_mem emit_const16(struct emit *e, uint64_t lo, uint64_t hi);
/* A field of struct cpu. */
static inline struct x64_mem emit_cpu(uint32_t offset)
{
    return (struct x64_mem){HOST_RBP, -1, 0, (int32_t)offset - CPU_BIAS};
}

/* Cold code. context: up to four numbers, copied. Bind your own jumps: the function is called with
 * the cold place current. */
struct emit_cold {
    void (*fn)(struct emit *e,
               const struct emit_cold *c); /* emits, and jumps back by x64_jump_to */
    uint32_t from;                         /* jump to bind at the cold code's start (of x64_jump) */
    uint32_t back;                         /* offset to jump back to */
    int32_t n[6];                          /* free */
};
void emit_cold(struct emit *e, const struct emit_cold *c);

/* Call a helper: stores the index and calls the thunk; all registers and EFLAGS live on. */
void emit_helper(struct emit *e, unsigned index);

typedef void (*emit_fn)(struct emit *e, ir_ref i, const struct ir_ins *ins);

#endif
