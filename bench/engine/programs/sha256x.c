// SPDX-License-Identifier: Apache-2.0
// SHA-256 with the processor's instructions.
// arm64: -march=armv8-a+crypto
// amd64: -msha -mssse3 -msse4.1
#include "sha256.h"

#ifdef __aarch64__
#include <arm_neon.h>
static void blocks(uint32_t h[8], const uint8_t *p, size_t count)
{
    uint32x4_t a = vld1q_u32(h), b = vld1q_u32(h + 4);
    for (; count; count--, p += 64) {
        uint32x4_t m[4], was_a = a, was_b = b;
        for (int i = 0; i < 4; i++)
            m[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p + 16 * i)));
        for (int i = 0; i < 16; i++) {
            uint32x4_t w = vaddq_u32(m[i & 3], vld1q_u32(k + 4 * i)), t = a;
            if (i < 12)
                m[i & 3] = vsha256su1q_u32(vsha256su0q_u32(m[i & 3], m[(i + 1) & 3]),
                                           m[(i + 2) & 3], m[(i + 3) & 3]);
            a = vsha256hq_u32(a, b, w);
            b = vsha256h2q_u32(b, t, w);
        }
        a = vaddq_u32(a, was_a);
        b = vaddq_u32(b, was_b);
    }
    vst1q_u32(h, a);
    vst1q_u32(h + 4, b);
}
#else
#include <immintrin.h>
static void blocks(uint32_t h[8], const uint8_t *p, size_t count)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    /* the instructions want a b e f and c d g h */
    __m128i x = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)h), 0xb1);
    __m128i y = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(h + 4)), 0x1b);
    __m128i a = _mm_alignr_epi8(x, y, 8), b = _mm_blend_epi16(y, x, 0xf0);
    for (; count; count--, p += 64) {
        __m128i m[4], was_a = a, was_b = b;
        for (int i = 0; i < 4; i++)
            m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(p + 16 * i)), swap);
        for (int i = 0; i < 16; i++) {
            __m128i w = _mm_add_epi32(m[i & 3], _mm_loadu_si128((const __m128i *)(k + 4 * i)));
            if (i < 12) {
                __m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]),
                                          _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4));
                m[i & 3] = _mm_sha256msg2_epu32(t, m[(i + 3) & 3]);
            }
            b = _mm_sha256rnds2_epu32(b, a, w);
            a = _mm_sha256rnds2_epu32(a, b, _mm_shuffle_epi32(w, 0x0e));
        }
        a = _mm_add_epi32(a, was_a);
        b = _mm_add_epi32(b, was_b);
    }
    x = _mm_shuffle_epi32(a, 0x1b);
    y = _mm_shuffle_epi32(b, 0xb1);
    _mm_storeu_si128((__m128i *)h, _mm_blend_epi16(x, y, 0xf0));
    _mm_storeu_si128((__m128i *)(h + 4), _mm_alignr_epi8(y, x, 8));
}
#endif

int main(void)
{
    return run(blocks, 250);
}
