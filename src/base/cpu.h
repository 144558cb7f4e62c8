/* SPDX-License-Identifier: Apache-2.0
 *
 * What an x86-64 processor can do. The compiler's __builtin_cpu_supports() asks the processor at
 * each start of the program, needed or not: a dozen CPUIDs, of which each leaves a virtual machine,
 * for 2 to 4 us.
 */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include <stdbool.h>

/* Bits of cpu_features(): what programs may use, so the vector ones only where the system saves
 * their registers. */
enum cpu_feature {
    CPU_SSSE3 = 1 << 0,
    CPU_SSE4_2 = 1 << 1,
    CPU_POPCNT = 1 << 2,
    CPU_AES = 1 << 3,
    CPU_PCLMUL = 1 << 4,
    CPU_BMI = 1 << 5,
    CPU_BMI2 = 1 << 6,
    CPU_FMA = 1 << 7,
    CPU_AVX2 = 1 << 8,
    CPU_AVX512BW = 1 << 9,
    CPU_AVX512CD = 1 << 10,
    CPU_AVX512DQ = 1 << 11,
    CPU_AVX512VL = 1 << 12,
};

/* Does it have all of these? Never on another architecture. */
bool cpu_has(unsigned features);

#endif
