/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"

#if defined(__x86_64__)

#include "base/util.h"

#include <cpuid.h>
#include <stdint.h>

#define OSXSAVE (1u << 27) /* of leaf 1's ecx: XGETBV may be executed */
#define XCR0_YMM 0x06u     /* the system saves SSE's and AVX's registers */
#define XCR0_ZMM 0xe6u     /* and AVX-512's */

enum reg { EBX_7, ECX_1 };

/* Intel SDM volume 2, CPUID: leaf 1, and leaf 7 subleaf 0. */
static const struct {
    unsigned feature; /* enum cpu_feature */
    enum reg reg;     /* where its bit is */
    unsigned bit;     /* and which */
    unsigned xcr0;    /* what must be saved */
} rows[] = {
    {CPU_SSSE3, ECX_1, 9, 0},
    {CPU_SSE4_2, ECX_1, 20, 0},
    {CPU_POPCNT, ECX_1, 23, 0},
    {CPU_AES, ECX_1, 25, 0},
    {CPU_PCLMUL, ECX_1, 1, 0},
    {CPU_BMI, EBX_7, 3, 0},
    {CPU_BMI2, EBX_7, 8, 0},
    {CPU_FMA, ECX_1, 12, XCR0_YMM},
    {CPU_AVX2, EBX_7, 5, XCR0_YMM},
    {CPU_AVX512BW, EBX_7, 30, XCR0_ZMM},
    {CPU_AVX512CD, EBX_7, 28, XCR0_ZMM},
    {CPU_AVX512DQ, EBX_7, 17, XCR0_ZMM},
    {CPU_AVX512VL, EBX_7, 31, XCR0_ZMM},
};

static unsigned read_xcr0(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

bool cpu_has(unsigned features)
{
    unsigned a, b, c, d, xcr0, have = 0, regs[2] = {0};
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        regs[EBX_7] = b;
    if (__get_cpuid(1, &a, &b, &c, &d))
        regs[ECX_1] = c;
    xcr0 = regs[ECX_1] & OSXSAVE ? read_xcr0() : 0;
    for (size_t i = 0; i < AW_LEN(rows); i++)
        if (regs[rows[i].reg] >> rows[i].bit & 1 && (xcr0 & rows[i].xcr0) == rows[i].xcr0)
            have |= rows[i].feature;
    return (features & ~have) == 0;
}

#else

bool cpu_has(unsigned features)
{
    return !features;
}

#endif
