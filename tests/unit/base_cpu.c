/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/cpu.h"

#if defined(__x86_64__)
/* The compiler's own answers. */
TEST(as_the_compiler_says)
{
    CHECK(cpu_has(CPU_SSSE3) == !!__builtin_cpu_supports("ssse3"));
    CHECK(cpu_has(CPU_SSE4_2) == !!__builtin_cpu_supports("sse4.2"));
    CHECK(cpu_has(CPU_POPCNT) == !!__builtin_cpu_supports("popcnt"));
    CHECK(cpu_has(CPU_AES) == !!__builtin_cpu_supports("aes"));
    CHECK(cpu_has(CPU_PCLMUL) == !!__builtin_cpu_supports("pclmul"));
    CHECK(cpu_has(CPU_BMI) == !!__builtin_cpu_supports("bmi"));
    CHECK(cpu_has(CPU_BMI2) == !!__builtin_cpu_supports("bmi2"));
    CHECK(cpu_has(CPU_FMA) == !!__builtin_cpu_supports("fma"));
    CHECK(cpu_has(CPU_AVX2) == !!__builtin_cpu_supports("avx2"));
    CHECK(cpu_has(CPU_AVX512BW) == !!__builtin_cpu_supports("avx512bw"));
    CHECK(cpu_has(CPU_AVX512CD) == !!__builtin_cpu_supports("avx512cd"));
    CHECK(cpu_has(CPU_AVX512DQ) == !!__builtin_cpu_supports("avx512dq"));
    CHECK(cpu_has(CPU_AVX512VL) == !!__builtin_cpu_supports("avx512vl"));
}
#endif

TEST(several)
{
    CHECK(cpu_has(0));
    CHECK(!cpu_has(~0u));
}

TEST_MAIN()
