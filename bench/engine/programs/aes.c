// SPDX-License-Identifier: Apache-2.0
// AES-128 in counter mode and one CBC chain, with the processor's instructions. The round keys are
// made up: the same work, and the same on both machines.
// arm64: -march=armv8-a+crypto
// amd64: -maes -msse4.1
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint8_t keys[11][16] __attribute__((aligned(16)));

#ifdef __aarch64__
#include <arm_neon.h>
typedef uint8x16_t block;
#define LOAD(p) vld1q_u8(p)
#define STORE(p, b) vst1q_u8(p, b)
#define XOR(a, b) veorq_u8(a, b)
static inline block encrypt(block b)
{
    for (int i = 0; i < 9; i++)
        b = vaesmcq_u8(vaeseq_u8(b, LOAD(keys[i])));
    return XOR(vaeseq_u8(b, LOAD(keys[9])), LOAD(keys[10]));
}
#else
#include <immintrin.h>
typedef __m128i block;
#define LOAD(p) _mm_loadu_si128((const __m128i *)(p))
#define STORE(p, b) _mm_storeu_si128((__m128i *)(p), b)
#define XOR(a, b) _mm_xor_si128(a, b)
static inline block encrypt(block b)
{
    b = XOR(b, LOAD(keys[0]));
    for (int i = 1; i < 10; i++)
        b = _mm_aesenc_si128(b, LOAD(keys[i]));
    return _mm_aesenclast_si128(b, LOAD(keys[10]));
}
#endif

int main(void)
{
    static uint8_t data[1 << 16];
    uint8_t counter[16] = {0};
    for (int i = 0; i < 176; i++)
        ((uint8_t *)keys)[i] = (uint8_t)(i * 73 + 11);
    block chain = LOAD(counter);
    for (int round = 0; round < 2200; round++)
        for (size_t at = 0; at < sizeof data; at += 64) {
            block b[4];
            for (int i = 0; i < 4; i++) {
                uint64_t n = (uint64_t)round << 32 | (at + (size_t)i * 16);
                memcpy(counter, &n, 8);
                b[i] = LOAD(counter);
            }
            for (int i = 0; i < 4; i++)
                b[i] = encrypt(b[i]);
            for (int i = 0; i < 4; i++)
                STORE(data + at + (size_t)i * 16, XOR(LOAD(data + at + (size_t)i * 16), b[i]));
            if (at % 256 == 0)
                chain = encrypt(XOR(chain, b[0]));
        }
    STORE(counter, chain);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof data; i++)
        sum = sum * 31 + data[i];
    for (int i = 0; i < 16; i++)
        printf("%02x", counter[i]);
    printf(" %016" PRIx64 "\n", sum);
    return 0;
}
