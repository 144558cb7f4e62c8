/* SPDX-License-Identifier: Apache-2.0
 *
 * System registers and cache maintenance at EL0 (Arm ARM C5, D24).
 *
 * Everything that Linux lets a user program reach, and no more: the rest is undefined. The ID
 * registers tell the same features as HWCAP does (linux/a64_caps.def); a test compares the two.
 * What changes how code is translated (FPCR, FPSR, IC IVAU) ends the region by RESUME.
 */
#include "engine/lift/a64_lift.h"

#define REG(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define FIELD(value, at) ((uint64_t)(value) << (at))

enum {
    NZCV = REG(3, 3, 4, 2, 0),
    DIT = REG(3, 3, 4, 2, 5),
    FPCR = REG(3, 3, 4, 4, 0),
    FPSR = REG(3, 3, 4, 4, 1),
    CTR_EL0 = REG(3, 3, 0, 0, 1),
    DCZID_EL0 = REG(3, 3, 0, 0, 7),
    TPIDR_EL0 = REG(3, 3, 13, 0, 2),
    TPIDRRO_EL0 = REG(3, 3, 13, 0, 3),
    CNTFRQ_EL0 = REG(3, 3, 14, 0, 0),
    CNTVCT_EL0 = REG(3, 3, 14, 0, 2),
};

/* The ID registers that Linux lets user programs read (kernel: arm64/cpu-feature-registers): what
 * is not listed there reads as zero, and so does what this engine does not have. Fields that Linux
 * hides have its safe values. */
static bool id_register(unsigned reg, uint64_t *ret_value)
{
    if ((reg >> 11 & 7) != 0 || (reg >> 14) != 3 || (reg >> 7 & 15) != 0)
        return false;
    unsigned crm = reg >> 3 & 15, op2 = reg & 7;
    *ret_value = 0;
    if (crm == 0) { /* MIDR, MPIDR, REVIDR */
        if (op2 == 0)
            *ret_value = FIELD(0x41, 24) | FIELD(0xf, 16) | FIELD(0xd0c, 4) | 1;
        else if (op2 == 5)
            *ret_value = FIELD(1, 31);
        else if (op2 != 6)
            return false;
        return true;
    }
    if (crm < 4 || crm > 7)
        return false;
    switch (crm << 3 | op2) {
    case 4 << 3: /* ID_AA64PFR0: FP, AdvSIMD without half precision; DIT; hidden fields */
        *ret_value = FIELD(1, 48) | 0x11;
        break;
    case 5 << 3: /* ID_AA64DFR0: hidden field */
        *ret_value = 6;
        break;
    case 6 << 3: /* ID_AA64ISAR0: AES+PMULL SHA1 SHA256 CRC32 LSE RDM DP FLAGM2 */
        *ret_value = FIELD(2, 4) | FIELD(1, 8) | FIELD(1, 12) | FIELD(1, 16) | FIELD(2, 20) |
                     FIELD(1, 28) | FIELD(1, 44) | FIELD(2, 52);
        break;
    case 6 << 3 | 1: /* ID_AA64ISAR1: JSCVT FCMA LRCPC2 FRINTTS SB */
        *ret_value = FIELD(1, 12) | FIELD(1, 16) | FIELD(2, 20) | FIELD(1, 32) | FIELD(1, 36);
        break;
    case 7 << 3: /* ID_AA64MMFR0: hidden fields */
        *ret_value = 0xff000000;
        break;
    default: /* ID_AA64MMFR2 too: no LSE2, as a pair is loaded in two accesses */
        break;
    }
    return true;
}

static ir_ref get_cpu(struct lift *l, unsigned size, size_t offset)
{
    return lift_opx(l, IR_GETC, size, IR_NONE, IR_NONE, IR_NONE, 0, offset);
}

static void resume(struct lift *l)
{
    lift_opx(l, IR_RESUME, 0, IR_NONE, IR_NONE, IR_NONE, 0, l->next);
    l->end = true;
}

/* The first look at FPSR may change the mode that code is translated for. */
static void fpsr_used(struct lift *l)
{
    if (!(l->r->mode & (IR_MODE_UNDERFLOW | IR_MODE_COLD)))
        resume(l);
}

LIFT(mrs)
{
    unsigned reg = (word >> 5 & 0x7fff) | 2 << 14, rt = a64_rt(word);
    uint64_t id;
    switch (reg) {
    case NZCV:
        lift_put_x(l, rt, lift_op(l, IR_FLAGS, 4, lift_flags(l), IR_NONE));
        break;
    case FPCR:
        lift_put_x(l, rt, get_cpu(l, 4, offsetof(struct cpu, fpcr)));
        break;
    case FPSR:
        lift_put_x(l, rt,
                   lift_opx(l, IR_HELPI, 8, IR_NONE, IR_NONE, IR_NONE, IR_HELPER_get_fpsr, 0));
        fpsr_used(l);
        break;
    case TPIDR_EL0:
        lift_put_x(l, rt, get_cpu(l, 8, offsetof(struct cpu, tpidr)));
        break;
    case DIT:
    case TPIDRRO_EL0:
        lift_put_x(l, rt, lift_const(l, 0));
        break;
    case CTR_EL0: /* DIC 0, IDC 1; 64-byte lines; PIPT */
        lift_put_x(l, rt,
                   lift_const(l, FIELD(1, 31) | FIELD(1, 28) | FIELD(4, 24) | FIELD(4, 20) |
                                     FIELD(4, 16) | FIELD(3, 14) | 4));
        break;
    case DCZID_EL0: /* 64 bytes */
        lift_put_x(l, rt, lift_const(l, 4));
        break;
    case CNTFRQ_EL0:
        lift_put_x(l, rt, lift_const(l, 1000000000));
        break;
    case CNTVCT_EL0:
        lift_put_x(l, rt, lift_opx(l, IR_HELPI, 8, IR_NONE, IR_NONE, IR_NONE, IR_HELPER_cntvct, 0));
        break;
    default:
        if (id_register(reg, &id))
            lift_put_x(l, rt, lift_const(l, id));
        else
            lift_undefined(l);
    }
}

LIFT(msr)
{
    unsigned reg = (word >> 5 & 0x7fff) | 2 << 14;
    ir_ref v = lift_x(l, a64_rt(word));
    switch (reg) {
    case NZCV:
        lift_put_flags(l, lift_op(l, IR_SETF, 4, v, IR_NONE));
        break;
    case FPCR:
        lift_opx(l, IR_HELPI, 8, v, IR_NONE, IR_NONE, IR_HELPER_set_fpcr, 0);
        resume(l);
        break;
    case FPSR:
        lift_opx(l, IR_HELPI, 8, v, IR_NONE, IR_NONE, IR_HELPER_set_fpsr, 0);
        fpsr_used(l);
        break;
    case TPIDR_EL0:
        lift_opx(l, IR_PUTC, 8, v, IR_NONE, IR_NONE, 0, offsetof(struct cpu, tpidr));
        break;
    case DIT:
        break;
    default:
        lift_undefined(l);
    }
}

#define SYS(op1, crn, crm, op2) ((op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* The engine's own instructions: the time of clock Rt, or its resolution, to x2 and x3; x4 = 0, or
 * 1: not this way. In the engine's own code only (linux/a64_vdso.c), undefined elsewhere. */
static void own_clock(struct lift *l, ir_ref clock, bool resolution)
{
    if (!l->env->own || !l->env->own(l->env->context, l->pc)) {
        lift_undefined(l);
        return;
    }
    ir_ref which = lift_const(l, resolution);
    ir_ref r = lift_opx(l, IR_HELPI, 8, clock, which, IR_NONE, IR_HELPER_clock, 0);
    lift_put_x(l, 2, get_cpu(l, 8, offsetof(struct cpu, clock[0])));
    lift_put_x(l, 3, get_cpu(l, 8, offsetof(struct cpu, clock[1])));
    lift_put_x(l, 4, r);
}

LIFT(sys)
{
    ir_ref a = lift_x(l, a64_rt(word));
    switch (word >> 5 & 0x3fff) {
    case SYS(3, 15, 0, 0):
    case SYS(3, 15, 0, 1):
        own_clock(l, a, word >> 5 & 1);
        break;
    case SYS(3, 7, 4, 1): { /* DC ZVA */
        ir_ref line = lift_op(l, IR_AND, 8, a, lift_const(l, ~63ull));
        ir_ref zero = lift_const(l, 0);
        for (unsigned k = 0; k < 64; k += 8)
            lift_store(l, 8, line, k, zero);
        break;
    }
    case SYS(3, 7, 10, 1): /* DC CVAC */
    case SYS(3, 7, 11, 1): /* DC CVAU */
    case SYS(3, 7, 14, 1): /* DC CIVAC */
        /* faults where a load would (Arm ARM C5.3) */
        lift_load(l, 1, a, 0);
        break;
    case SYS(3, 7, 5, 1): /* IC IVAU */
        lift_load(l, 1, a, 0);
        lift_opx(l, IR_HELPI, 8, a, IR_NONE, IR_NONE, IR_HELPER_ic_ivau, 0);
        resume(l);
        break;
    default:
        lift_undefined(l);
    }
}
