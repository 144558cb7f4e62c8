// SPDX-License-Identifier: Apache-2.0
/* Known answers of src/engine/fp, each from the text of the Arm ARM's pseudocode. The bulk is
 * compared with executed instructions by tests/engine/fp.sh. */
#include "engine/fp/fp.h"
#include "test.h"

#define RP (1u << 22)
#define RM (2u << 22)
#define RZ (3u << 22)
#define FZ FPCR_FZ
#define DN FPCR_DN
#define AHP FPCR_AHP
#define IOC FPSR_IOC
#define DZC FPSR_DZC
#define OFC FPSR_OFC
#define UFC FPSR_UFC
#define IXC FPSR_IXC
#define IDC FPSR_IDC

#define ONE 0x3ff0000000000000
#define TWO 0x4000000000000000
#define INF 0x7ff0000000000000
#define MAX 0x7fefffffffffffff
#define NAN_DEFAULT 0x7ff8000000000000
#define QNAN 0xfff8000000000123
#define SNAN 0x7ff0000000000321
#define SNAN_QUIET 0x7ff8000000000321
#define MIN_NORMAL 0x0010000000000000
#define MINUS 0x8000000000000000

/* want and flags of an expression that uses E */
#define GIVES(fpcr_value, expression, want, flags)                                                 \
    do {                                                                                           \
        struct fp_env env_ = {(fpcr_value), 0}, *E = &env_;                                        \
        unsigned long long got_ = (expression), want_ = (want);                                    \
        if (got_ != want_ || env_.fpsr != (flags))                                                 \
            TEST_FAIL("%s, fpcr %#x: got %#llx flags %#x, want %#llx flags %#x", #expression,      \
                      (unsigned)(fpcr_value), got_, (unsigned)env_.fpsr, want_,                    \
                      (unsigned)(flags));                                                          \
    } while (0)

TEST(sum)
{
    GIVES(0, fp64_add(E, ONE, ONE), TWO, 0);
    GIVES(0, fp64_add(E, ONE, 1), ONE, IXC);
    GIVES(RP, fp64_add(E, ONE, 1), ONE + 1, IXC);
    GIVES(RM, fp64_add(E, ONE, 1), ONE, IXC);
    GIVES(RM, fp64_sub(E, ONE, 1), ONE - 1, IXC);
    GIVES(RZ, fp64_sub(E, ONE, 1), ONE - 1, IXC);
    GIVES(0, fp64_sub(E, ONE, ONE), 0, 0);
    GIVES(RM, fp64_sub(E, ONE, ONE), MINUS, 0);
    GIVES(0, fp64_add(E, MINUS, MINUS), MINUS, 0);
    GIVES(0, fp64_add(E, MAX, MAX), INF, OFC | IXC);
    GIVES(RZ, fp64_add(E, MAX, MAX), MAX, OFC | IXC);
    GIVES(RM, fp64_add(E, MAX, MAX), MAX, OFC | IXC);
    GIVES(RM, fp64_add(E, MINUS | MAX, MINUS | MAX), MINUS | INF, OFC | IXC);
    GIVES(0, fp64_sub(E, INF, INF), NAN_DEFAULT, IOC);
    GIVES(0, fp64_add(E, MIN_NORMAL, MINUS | (MIN_NORMAL + 1)), MINUS | 1, 0);
    GIVES(FZ, fp64_add(E, MIN_NORMAL, MINUS | (MIN_NORMAL + 1)), MINUS, UFC);
    GIVES(FZ, fp64_add(E, 1, ONE), ONE, IDC);
    GIVES(0, fp32_add(E, 0x3f800000, 0x33800000), 0x3f800000, IXC);
    GIVES(0, fp32_add(E, 0x3f800001, 0x33800000), 0x3f800002, IXC);
    GIVES(0, fp32_abd(E, 0x3f800000, 0x40000000), 0x3f800000, 0);
    GIVES(0, fp64_abd(E, QNAN, ONE), QNAN & ~MINUS, 0);
}

TEST(nans)
{
    GIVES(0, fp64_add(E, QNAN, SNAN), SNAN_QUIET, IOC);
    GIVES(0, fp64_add(E, QNAN, QNAN + 1), QNAN, 0);
    GIVES(0, fp64_sub(E, ONE, QNAN), QNAN, 0);
    GIVES(DN, fp64_sub(E, ONE, QNAN), NAN_DEFAULT, 0);
    GIVES(DN, fp64_sub(E, SNAN, QNAN), NAN_DEFAULT, IOC);
    GIVES(FZ, fp64_add(E, QNAN, 1), QNAN, IDC);
    GIVES(0, fp64_nmul(E, ONE, QNAN), QNAN & ~MINUS, 0);
    GIVES(0, fp64_sqrt(E, SNAN), SNAN_QUIET, IOC);
    GIVES(0, fp64_madd(E, QNAN, SNAN, ONE), SNAN_QUIET, IOC);
    GIVES(0, fp64_madd(E, QNAN, QNAN + 1, ONE), QNAN, 0);
    GIVES(0, fp64_madd(E, ONE, ONE, QNAN + 1), QNAN + 1, 0);
    GIVES(0, fp64_msub(E, ONE, QNAN, ONE), QNAN & ~MINUS, 0);
    GIVES(0, fp64_nmadd(E, QNAN, ONE, ONE), QNAN & ~MINUS, 0);
    GIVES(0, fp64_madd(E, QNAN, INF, 0), NAN_DEFAULT, IOC);
    GIVES(0, fp64_madd(E, SNAN, INF, 0), SNAN_QUIET, IOC);
    GIVES(0, fp64_recps(E, QNAN, ONE), QNAN & ~MINUS, 0);
    GIVES(0, fp32_max(E, 0x7fc00001, 0x3f800000), 0x7fc00001, 0);
}

TEST(product)
{
    GIVES(0, fp64_mul(E, 0x4008000000000000, MINUS | TWO), 0xc018000000000000, 0);
    GIVES(0, fp64_mul(E, INF, MINUS), NAN_DEFAULT, IOC);
    GIVES(0, fp64_mulx(E, INF, MINUS), 0xc000000000000000, 0);
    GIVES(0, fp32_mulx(E, 0x7f800000, 0), 0x40000000, 0);
    GIVES(0, fp64_mul(E, MIN_NORMAL, 0x3fe0000000000000), MIN_NORMAL / 2, 0);
    GIVES(FZ, fp64_mul(E, MIN_NORMAL, 0x3fe0000000000000), 0, UFC);
    GIVES(0, fp64_mul(E, MIN_NORMAL + 1, 0x3fe0000000000000), MIN_NORMAL / 2, UFC | IXC);
    /* tiny before rounding, normal after: still an underflow */
    GIVES(0, fp64_mul(E, MIN_NORMAL, ONE - 1), MIN_NORMAL, UFC | IXC);
    GIVES(FZ, fp64_mul(E, MIN_NORMAL, ONE - 1), 0, UFC);
    GIVES(RP, fp64_mul(E, 1, 1), 1, UFC | IXC);
    GIVES(0, fp64_nmul(E, TWO, ONE), MINUS | TWO, 0);
    GIVES(0, fp64_nmul(E, INF, 0), MINUS | NAN_DEFAULT, IOC);
}

TEST(quotient_and_root)
{
    GIVES(0, fp64_div(E, ONE, 0x4008000000000000), 0x3fd5555555555555, IXC);
    GIVES(RP, fp64_div(E, ONE, 0x4008000000000000), 0x3fd5555555555556, IXC);
    GIVES(0, fp32_div(E, 0x3f800000, 0x40400000), 0x3eaaaaab, IXC);
    GIVES(0, fp64_div(E, ONE, MINUS), MINUS | INF, DZC);
    GIVES(0, fp64_div(E, 0, 0), NAN_DEFAULT, IOC);
    GIVES(0, fp64_div(E, INF, INF), NAN_DEFAULT, IOC);
    GIVES(0, fp64_div(E, INF, 0), INF, 0);
    GIVES(FZ, fp64_div(E, ONE, 1), INF, DZC | IDC);
    GIVES(0, fp64_sqrt(E, TWO), 0x3ff6a09e667f3bcd, IXC);
    GIVES(RM, fp64_sqrt(E, TWO), 0x3ff6a09e667f3bcc, IXC);
    GIVES(0, fp64_sqrt(E, 0x4010000000000000), TWO, 0);
    GIVES(0, fp64_sqrt(E, MINUS), MINUS, 0);
    GIVES(0, fp64_sqrt(E, MINUS | ONE), NAN_DEFAULT, IOC);
    GIVES(0, fp64_sqrt(E, 1), 0x1e60000000000000, 0);
    GIVES(0, fp32_sqrt(E, 0x40000000), 0x3fb504f3, IXC);
}

TEST(muladd)
{
    GIVES(0, fp64_madd(E, ONE, TWO, TWO), 0x4014000000000000, 0);
    GIVES(0, fp64_nmadd(E, ONE, TWO, TWO), 0xc014000000000000, 0);
    GIVES(0, fp64_msub(E, ONE, TWO, TWO), 0xc008000000000000, 0);
    GIVES(0, fp64_nmsub(E, ONE, TWO, TWO), 0x4008000000000000, 0);
    /* (1 + u)^2 - (1 + 2u) = u^2, exact only when fused */
    GIVES(0, fp64_nmsub(E, ONE + 2, ONE + 1, ONE + 1), 0x3970000000000000, 0);
    GIVES(0, fp64_madd(E, MINUS | INF, INF, ONE), NAN_DEFAULT, IOC);
    GIVES(0, fp64_madd(E, MINUS, 0, MINUS | ONE), MINUS, 0);
    GIVES(0, fp64_madd(E, 0, 0, MINUS | ONE), 0, 0);
    GIVES(RM, fp64_madd(E, 0, 0, MINUS | ONE), MINUS, 0);
    GIVES(0, fp64_recps(E, INF, 0), TWO, 0);
    GIVES(0, fp64_recps(E, ONE, ONE), ONE, 0);
    GIVES(0, fp64_rsqrts(E, INF, 0), 0x3ff8000000000000, 0);
    GIVES(0, fp64_rsqrts(E, ONE, ONE), ONE, 0);
    GIVES(0, fp32_rsqrts(E, 0x7f800000, 0x3f800000), 0xff800000, 0);
}

TEST(compare)
{
    GIVES(0, fp64_compare(E, ONE, TWO, false), FP_NZCV_LESS, 0);
    GIVES(0, fp64_compare(E, MINUS | ONE, MINUS | TWO, false), FP_NZCV_GREATER, 0);
    GIVES(0, fp64_compare(E, 0, MINUS, false), FP_NZCV_EQUAL, 0);
    GIVES(0, fp64_compare(E, QNAN, ONE, false), FP_NZCV_UNORDERED, 0);
    GIVES(0, fp64_compare(E, QNAN, ONE, true), FP_NZCV_UNORDERED, IOC);
    GIVES(0, fp64_compare(E, SNAN, ONE, false), FP_NZCV_UNORDERED, IOC);
    GIVES(FZ, fp64_compare(E, 1, MINUS | 1, false), FP_NZCV_EQUAL, IDC);
    GIVES(0, fp32_compare(E, 1, 0, false), FP_NZCV_GREATER, 0);
    GIVES(0, fp32_cmeq(E, 0, 0x80000000), 0xffffffff, 0);
    GIVES(0, fp64_cmeq(E, QNAN, QNAN), 0, 0);
    GIVES(0, fp64_cmge(E, QNAN, QNAN), 0, IOC);
    GIVES(0, fp64_cmgt(E, TWO, ONE), ~0ull, 0);
    GIVES(0, fp64_acge(E, MINUS | TWO, ONE), ~0ull, 0);
    GIVES(0, fp64_acgt(E, MINUS | TWO, TWO), 0, 0);
    GIVES(0, fp64_max(E, MINUS, 0), 0, 0);
    GIVES(0, fp64_min(E, 0, MINUS), MINUS, 0);
    GIVES(0, fp64_max(E, MINUS | TWO, MINUS | ONE), MINUS | ONE, 0);
    GIVES(0, fp64_maxnm(E, QNAN, ONE), ONE, 0);
    GIVES(0, fp64_minnm(E, MINUS | ONE, QNAN), MINUS | ONE, 0);
    GIVES(0, fp64_maxnm(E, QNAN, QNAN + 1), QNAN, 0);
    GIVES(0, fp64_maxnm(E, SNAN, ONE), SNAN_QUIET, IOC);
    GIVES(0, fp64_maxnm(E, QNAN, SNAN), SNAN_QUIET, IOC);
    GIVES(FZ, fp64_max(E, 1, MINUS | ONE), 0, IDC);
}

TEST(estimates)
{
    GIVES(0, fp64_recpe(E, ONE), 0x3feff00000000000, 0);
    GIVES(0, fp32_recpe(E, 0x3f800000), 0x3f7f8000, 0);
    GIVES(0, fp32_recpe(E, 0x00200000), 0x7f7f8000, 0);
    GIVES(0, fp32_recpe(E, 0x001fffff), 0x7f800000, OFC | IXC);
    GIVES(RZ, fp32_recpe(E, 0x801fffff), 0xff7fffff, OFC | IXC);
    GIVES(0, fp32_recpe(E, 0x7f000000), 0x003fe000, 0);
    GIVES(FZ, fp32_recpe(E, 0x7e800000), 0, UFC);
    GIVES(0, fp32_recpe(E, 0x80000000), 0xff800000, DZC);
    GIVES(0, fp32_rsqrte(E, 0x3f800000), 0x3f7f8000, 0);
    GIVES(0, fp32_rsqrte(E, 0x40800000), 0x3eff8000, 0);
    GIVES(0, fp64_rsqrte(E, MINUS), MINUS | INF, DZC);
    GIVES(0, fp64_rsqrte(E, MINUS | ONE), NAN_DEFAULT, IOC);
    GIVES(0, fp64_rsqrte(E, INF), 0, 0);
    GIVES(0, fp32_recpx(E, 0x3fc00000), 0x40000000, 0);
    GIVES(0, fp32_recpx(E, 0x80000001), 0xff000000, 0);
    GIVES(0, fp32_recpx(E, 0x7f800000), 0, 0);
}

TEST(integral)
{
    const uint64_t half = 0x3fe0000000000000, three_halves = 0x3ff8000000000000;
    GIVES(0, fp64_rint(E, half, FP_TIEEVEN, false), 0, 0);
    GIVES(0, fp64_rint(E, three_halves, FP_TIEEVEN, true), TWO, IXC);
    GIVES(0, fp64_rint(E, half, FP_TIEAWAY, false), ONE, 0);
    GIVES(0, fp64_rint(E, MINUS | half, FP_ZERO, false), MINUS, 0);
    GIVES(0, fp64_rint(E, MINUS | half, FP_NEGINF, false), MINUS | ONE, 0);
    GIVES(0, fp64_rint(E, 1, FP_POSINF, true), ONE, IXC);
    GIVES(FZ, fp64_rint(E, 1, FP_POSINF, true), 0, IDC);
    GIVES(0, fp64_rint(E, MAX, FP_ZERO, true), MAX, 0);
    GIVES(0, fp64_rint(E, MINUS | INF, FP_ZERO, true), MINUS | INF, 0);
    GIVES(0, fp64_rint_fit(E, 0x41dfffffffe00000, FP_TIEEVEN, 32), 0xc1e0000000000000, IOC);
    GIVES(0, fp64_rint_fit(E, 0x41dfffffffe00000, FP_ZERO, 32), 0x41dfffffffc00000, IXC);
    GIVES(0, fp64_rint_fit(E, 0xc1e0000000000000, FP_ZERO, 32), 0xc1e0000000000000, 0);
    GIVES(0, fp32_rint_fit(E, 0x7fc00000, FP_ZERO, 64), 0xdf000000, IOC);
    GIVES(0, fp32_rint_fit(E, 0x5effffff, FP_ZERO, 64), 0x5effffff, 0);
}

TEST(integers)
{
    GIVES(0, fp64_to_int(E, 0x41dfffffffc00000, FP_ZERO, FP_S32, 0), 0x7fffffff, 0);
    GIVES(0, fp64_to_int(E, 0x41e0000000000000, FP_ZERO, FP_S32, 0), 0x7fffffff, IOC);
    GIVES(0, fp64_to_int(E, 0xc1e0000000000000, FP_ZERO, FP_S32, 0), 0x80000000, 0);
    GIVES(0, fp64_to_int(E, 0xbfe0000000000000, FP_ZERO, FP_U64, 0), 0, IXC);
    GIVES(0, fp64_to_int(E, MINUS | ONE, FP_ZERO, FP_U64, 0), 0, IOC);
    GIVES(0, fp64_to_int(E, QNAN, FP_ZERO, FP_S64, 0), 0, IOC);
    GIVES(0, fp64_to_int(E, INF, FP_ZERO, FP_U64, 0), ~0ull, IOC);
    GIVES(0, fp64_to_int(E, 0x3ff8000000000000, FP_ZERO, FP_S64, 1), 3, 0);
    GIVES(0, fp64_to_int(E, 0x4004000000000000, FP_TIEEVEN, FP_S64, 0), 2, IXC);
    GIVES(0, fp64_to_int(E, 0x4004000000000000, FP_TIEAWAY, FP_S64, 0), 3, IXC);
    GIVES(0, fp32_to_int(E, 0x4f800000, FP_ZERO, FP_U32, 0), 0xffffffff, IOC);
    GIVES(0, fp32_from_int(E, ~0ull, FP_U64, 0), 0x5f800000, IXC);
    GIVES(RZ, fp32_from_int(E, ~0ull, FP_U64, 0), 0x5f7fffff, IXC);
    GIVES(0, fp64_from_int(E, 0x80000000, FP_S32, 0), 0xc1e0000000000000, 0);
    GIVES(0, fp64_from_int(E, 1, FP_S64, 64), 0x3bf0000000000000, 0);
    GIVES(RM, fp64_from_int(E, 0, FP_S64, 3), 0, 0);
    bool exact;
    GIVES(0, fp64_to_js(E, 0x41f0000000100000, &exact), 1, IOC);
    CHECK(!exact);
    GIVES(0, fp64_to_js(E, 0xc000000000000000, &exact), 0xfffffffe, 0);
    CHECK(exact);
    GIVES(0, fp64_to_js(E, 0x43f0000000000001, &exact), 0x1000, IOC);
    GIVES(0, fp64_to_js(E, MINUS, &exact), 0, 0);
    CHECK(!exact);
    GIVES(FZ, fp64_to_js(E, 1, &exact), 0, IDC);
    CHECK(!exact);
    GIVES(0, fp64_to_js(E, 0, &exact), 0, 0);
    CHECK(exact);
}

TEST(formats)
{
    GIVES(0, fp16_to_32(E, 0x3c00), 0x3f800000, 0);
    GIVES(0, fp16_to_32(E, 0x0001), 0x33800000, 0);
    GIVES(FZ, fp16_to_32(E, 0x0001), 0x33800000, 0);
    GIVES(0, fp16_to_64(E, 0x7c01), 0x7ff8040000000000, IOC);
    GIVES(AHP, fp16_to_64(E, 0x7c01), 0x40f0040000000000, 0);
    GIVES(0, fp32_to_16(E, 0x477ff000), 0x7c00, OFC | IXC);
    GIVES(0, fp32_to_16(E, 0x477fefff), 0x7bff, IXC);
    GIVES(AHP, fp32_to_16(E, 0x47ffe000), 0x7fff, 0);
    GIVES(AHP, fp32_to_16(E, 0x48000000), 0x7fff, IOC);
    GIVES(AHP, fp32_to_16(E, 0xff800000), 0xffff, IOC);
    GIVES(AHP, fp32_to_16(E, 0xffc00000), 0x8000, IOC);
    GIVES(0, fp32_to_16(E, 0x33000000), 0x0000, UFC | IXC);
    GIVES(0, fp64_to_16(E, 0x3e70000000000000), 0x0001, 0);
    GIVES(0, fp64_to_32(E, 0x7ff0000000000001), 0x7fc00000, IOC);
    GIVES(0, fp64_to_32(E, 0xfffc000020000000), 0xffe00001, 0);
    GIVES(DN, fp64_to_32(E, 0xfffc000020000000), 0x7fc00000, 0);
    GIVES(0, fp64_to_32(E, ONE + 1), 0x3f800000, IXC);
    GIVES(0, fp64_to_32_odd(E, ONE + 1), 0x3f800001, IXC);
    GIVES(0, fp64_to_32_odd(E, MAX), 0x7f7fffff, OFC | IXC);
    GIVES(0, fp32_to_64(E, 1), 0x36a0000000000000, 0);
    GIVES(FZ, fp32_to_64(E, 1), 0, IDC);
    GIVES(0, fp32_to_64(E, 0xff800001), 0xfff8000020000000, IOC);
}

/* Flags are sticky: nothing clears them. */
TEST(sticky)
{
    struct fp_env env = {0, IDC | DZC};
    fp64_add(&env, MAX, MAX);
    CHECK_INT(env.fpsr, IDC | DZC | OFC | IXC);
    fp64_add(&env, ONE, ONE);
    CHECK_INT(env.fpsr, IDC | DZC | OFC | IXC);
}

TEST_MAIN()
