/* SPDX-License-Identifier: Apache-2.0
 *
 * Arm's floating point (Armv8.0-A, with FRINTTS and JSCVT), bit-exact, in integers: no function
 * touches the host's floating-point unit. Values are bit patterns. Arm ARM A1.5, and the shared
 * functions of J1.3 ("FPAdd", "FPRound", ...), whose order of checks decides which NaN comes out
 * and which flags are raised.
 *
 * Flags are ORed into env->fpsr; env->fpcr is read only. FPCR's trap enables read as zero in this
 * engine, and are ignored.
 */
#ifndef ENGINE_FP_FP_H
#define ENGINE_FP_FP_H

#include <stdbool.h>
#include <stdint.h>

struct fp_env {
    uint32_t fpcr; /* FPCR_* */
    uint32_t fpsr; /* FPSR_*, sticky */
};

#define FPCR_FZ (1u << 24)
#define FPCR_DN (1u << 25)
#define FPCR_AHP (1u << 26)

#define FPSR_IOC (1u << 0)
#define FPSR_DZC (1u << 1)
#define FPSR_OFC (1u << 2)
#define FPSR_UFC (1u << 3)
#define FPSR_IXC (1u << 4)
#define FPSR_IDC (1u << 7)

/* The first four are FPCR.RMode's numbers. */
enum fp_rounding { FP_TIEEVEN, FP_POSINF, FP_NEGINF, FP_ZERO, FP_TIEAWAY, FP_ODD };

static inline enum fp_rounding fp_mode(const struct fp_env *env)
{
    return (enum fp_rounding)(env->fpcr >> 22 & 3);
}

/* Integer types of conversions. */
enum fp_int { FP_S32, FP_U32, FP_S64, FP_U64 };

/* NZCV as fp_compare gives it. */
enum { FP_NZCV_LESS = 8, FP_NZCV_EQUAL = 6, FP_NZCV_GREATER = 2, FP_NZCV_UNORDERED = 3 };

#define FP_UNARY(name)                                                                             \
    uint32_t fp32_##name(struct fp_env *env, uint32_t a);                                          \
    uint64_t fp64_##name(struct fp_env *env, uint64_t a);
#define FP_BINARY(name)                                                                            \
    uint32_t fp32_##name(struct fp_env *env, uint32_t a, uint32_t b);                              \
    uint64_t fp64_##name(struct fp_env *env, uint64_t a, uint64_t b);
/* addend, n, m */
#define FP_TERNARY(name)                                                                           \
    uint32_t fp32_##name(struct fp_env *env, uint32_t addend, uint32_t n, uint32_t m);             \
    uint64_t fp64_##name(struct fp_env *env, uint64_t addend, uint64_t n, uint64_t m);

/* arith.c */
FP_BINARY(add)
FP_BINARY(sub)
FP_BINARY(abd)
FP_BINARY(mul)
FP_BINARY(nmul) /* -(a * b), of a NaN too */
FP_BINARY(mulx) /* infinity * 0 is 2 */
FP_BINARY(div)
FP_UNARY(sqrt)

/* muladd.c: negated operands are negated before anything else looks at them, NaNs too */
FP_TERNARY(madd)  /* addend + n * m */
FP_TERNARY(msub)  /* addend - n * m */
FP_TERNARY(nmadd) /* -addend - n * m */
FP_TERNARY(nmsub) /* -addend + n * m */
FP_BINARY(recps)  /* 2 - a * b */
FP_BINARY(rsqrts) /* (3 - a * b) / 2 */

/* compare.c */
FP_BINARY(max)
FP_BINARY(min)
FP_BINARY(maxnm)
FP_BINARY(minnm)
FP_BINARY(cmeq) /* predicates: all ones or zero */
FP_BINARY(cmge)
FP_BINARY(cmgt)
FP_BINARY(acge)
FP_BINARY(acgt)
/* FP_NZCV_*; signalling: any NaN is an invalid operation (FCMPE) */
unsigned fp32_compare(struct fp_env *env, uint32_t a, uint32_t b, bool signalling);
unsigned fp64_compare(struct fp_env *env, uint64_t a, uint64_t b, bool signalling);

/* estimate.c */
FP_UNARY(recpe)
FP_UNARY(recpx)
FP_UNARY(rsqrte)
uint32_t fp_urecpe(uint32_t a); /* of fixed-point numbers: no flags */
uint32_t fp_ursqrte(uint32_t a);

/* round.c: to an integral value; exact: raise inexact (FRINTX) */
uint32_t fp32_rint(struct fp_env *env, uint32_t a, enum fp_rounding rounding, bool exact);
uint64_t fp64_rint(struct fp_env *env, uint64_t a, enum fp_rounding rounding, bool exact);
/* FRINT32, FRINT64: bits is 32 or 64 */
uint32_t fp32_rint_fit(struct fp_env *env, uint32_t a, enum fp_rounding rounding, unsigned bits);
uint64_t fp64_rint_fit(struct fp_env *env, uint64_t a, enum fp_rounding rounding, unsigned bits);

/* convert.c. To integers: saturating; a 32-bit result is zero-extended. fbits: fraction bits of the
 * fixed-point number, 0 to 64. From integers: the type's low bits count; rounds by FPCR. */
uint64_t fp32_to_int(struct fp_env *env, uint32_t a, enum fp_rounding rounding, enum fp_int type,
                     unsigned fbits);
uint64_t fp64_to_int(struct fp_env *env, uint64_t a, enum fp_rounding rounding, enum fp_int type,
                     unsigned fbits);
uint32_t fp32_from_int(struct fp_env *env, uint64_t a, enum fp_int type, unsigned fbits);
uint64_t fp64_from_int(struct fp_env *env, uint64_t a, enum fp_int type, unsigned fbits);
/* FJCVTZS: low 32 bits of the integer part; ret_exact: PSTATE.Z */
uint32_t fp64_to_js(struct fp_env *env, uint64_t a, bool *ret_exact);

uint32_t fp16_to_32(struct fp_env *env, uint16_t a);
uint64_t fp16_to_64(struct fp_env *env, uint16_t a);
uint64_t fp32_to_64(struct fp_env *env, uint32_t a);
uint16_t fp32_to_16(struct fp_env *env, uint32_t a);
uint16_t fp64_to_16(struct fp_env *env, uint64_t a);
uint32_t fp64_to_32(struct fp_env *env, uint64_t a);
uint32_t fp64_to_32_odd(struct fp_env *env, uint64_t a); /* FCVTXN */

#undef FP_UNARY
#undef FP_BINARY
#undef FP_TERNARY

#endif
