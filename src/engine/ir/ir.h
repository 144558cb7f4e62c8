/* SPDX-License-Identifier: Apache-2.0
 *
 * The intermediate representation: one region of guest code, a straight list of operations in SSA
 * form (an operand is the index of the instruction that made it).
 *
 * Invariants (ir_verify() checks them)
 *  1. Operands come before their use. A region has one entry, exits anywhere, no joins.
 *  2. INSN opens each guest instruction. All PUTs of an instruction come after its last operation
 *     that may fault, so at a fault the homes hold the state before the instruction.
 *  3. Values do not live across EXIT operations that run the runtime (CALL, CALLR, SYSCALL); flags
 * and other values may live across guest instructions else.
 *  4. The last instruction leaves: GOTO, JUMP, RET, RAISE or RESUME.
 *
 * Building never fails for want of room: a sticky `full` ends the region before the instruction
 * that did not fit.
 */
#ifndef ENGINE_IR_IR_H
#define ENGINE_IR_IR_H

#include <stdbool.h>
#include <stdint.h>

enum ir_op {
#define OP(name, ...) IR_##name,
#include "engine/ir/ops.def"
#undef OP
    IR_OP_COUNT
};

enum ir_helper {
#define HELPER(name) IR_HELPER_##name,
#include "engine/ir/helper.def"
#undef HELPER
    IR_HELPER_COUNT
};

enum ir_attribute { IR_A_FAULT = 1, IR_A_EXIT = 2, IR_A_CLOB = 4, IR_A_SIDE = 8 };

/* A64's condition numbers; riscv64 uses those of integer comparison. */
enum ir_cond {
    IR_EQ,
    IR_NE,
    IR_CS,
    IR_CC,
    IR_MI,
    IR_PL,
    IR_VS,
    IR_VC,
    IR_HI,
    IR_LS,
    IR_GE,
    IR_LT,
    IR_GT,
    IR_LE,
    IR_AL
};

enum ir_rmw {
    IR_RMW_AND,
    IR_RMW_ANDN,
    IR_RMW_OR,
    IR_RMW_XOR,
    IR_RMW_SMAX,
    IR_RMW_SMIN,
    IR_RMW_UMAX,
    IR_RMW_UMIN
};

enum { IR_NONE = 0xffff, IR_MAX = 2048 };

/* A value: the index of an instruction in the region. */
typedef uint16_t ir_ref;

struct ir_ins {
    uint8_t op;     /* enum ir_op */
    uint8_t size;   /* bytes: width of the operation or of an element */
    uint16_t aux;   /* as the operation says: condition, scale, helper index, ... */
    ir_ref a, b, c; /* operands, IR_NONE where there is none */
    uint16_t pad;   /* zero */
    uint64_t imm;   /* as the operation says */
};

/* Form and variant of a floating-point operation: aux bits 8-9 and 12-15 (ops_fp.def). */
enum ir_fp_form { IR_FP_SCALAR, IR_FP_HALF /* the low 64 bits */, IR_FP_FULL };
enum ir_fp_variant {
    IR_FP_CURRENT = 4,  /* with roundps's immediate: as MXCSR says */
    IR_FP_SILENT = 8,   /* with roundps's immediate: no inexact flag */
    IR_FP_WIDE = 4,     /* of FTOI, ITOF: a 64-bit integer */
    IR_FP_UNSIGNED = 8, /* of FTOI, ITOF, VITOF */
};
static inline unsigned ir_fp_aux(unsigned helper, enum ir_fp_form form, unsigned variant)
{
    return helper | (unsigned)form << 8 | variant << 12;
}

/* FP mode bits that select another translation of the same guest code (guest-neutral). */
enum ir_mode {
    IR_MODE_COLD = 1,     /* FZ, DN, AHP or the like: every FP operation by its exact function */
    IR_MODE_UNDERFLOW = 2 /* the guest reads FPSR: exact underflow flag */
};

/* Attribute bits of a JCC/JZ/.../GOTO's `size`-independent exit facts, in aux's high byte. */
enum { IR_EXIT_FLAGS_DEAD = 0x100 }; /* NZCV is not read at the target before it is written */

struct ir_region {
    uint64_t pc;               /* guest address of the first instruction */
    uint32_t count;            /* instructions in ins[] */
    uint32_t insns;            /* guest instructions */
    uint32_t mode;             /* enum ir_mode bits that the code depends on */
    bool full;                 /* sticky: an instruction did not fit */
    bool straight;             /* each guest instruction lies behind the one before */
    struct ir_ins ins[IR_MAX]; /* the list */
};

struct ir_op_info {
    const char *name;     /* "ADD" */
    char result, a, b, c; /* 'I', 'V', 'F' or '-' */
    uint8_t attributes;   /* enum ir_attribute */
};
extern const struct ir_op_info ir_op_info[IR_OP_COUNT];

/* Append; returns the new value's index. The last place takes whatever does not fit. */
static inline ir_ref ir_append(struct ir_region *r, struct ir_ins ins)
{
    if (r->count >= IR_MAX - 1) {
        r->full = true;
        r->count = IR_MAX - 1;
    }
    r->ins[r->count] = ins;
    return (ir_ref)r->count++;
}

static inline ir_ref ir_add(struct ir_region *r, enum ir_op op, unsigned size, ir_ref a, ir_ref b)
{
    return ir_append(
        r, (struct ir_ins){.op = (uint8_t)op, .size = (uint8_t)size, .a = a, .b = b, .c = IR_NONE});
}

static inline struct ir_ins *ir_last(struct ir_region *r)
{
    return &r->ins[r->count - 1];
}

/* Text of one instruction, and a check of the invariants: NULL or what is wrong (static text). */
unsigned ir_print(char *buf, unsigned n, const struct ir_region *r, ir_ref i);
const char *ir_verify(const struct ir_region *r);

#endif
