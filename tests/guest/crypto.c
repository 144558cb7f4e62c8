// SPDX-License-Identifier: Apache-2.0
// The optional instructions that HWCAP tells of, with published results: AES (FIPS 197), SHA-1 and
// SHA-256 (FIPS 180-4), CRC-32, carry-less multiplication, dot products, complex numbers, FJCVTZS.
// cc: -march=armv8.4-a+crypto+sha2+aes+dotprod
#include "guest.h"
#include <arm_acle.h>
#include <arm_neon.h>
#include <sys/auxv.h>

static void aes(void)
{
    /* FIPS 197, appendix B: the state after the first round, from its start of round and key */
    static const uint8_t start[16] = {0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b,
                                      0x9a, 0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08};
    static const uint8_t mixed[16] = {0x04, 0x66, 0x81, 0xe5, 0xe0, 0xcb, 0x19, 0x9a,
                                      0x48, 0xf8, 0xd3, 0x7a, 0x28, 0x06, 0x26, 0x4c};
    uint8_t out[16];
    uint8x16_t zero = vdupq_n_u8(0);
    vst1q_u8(out, vaesmcq_u8(vaeseq_u8(vld1q_u8(start), zero)));
    CHECK(memcmp(out, mixed, 16) == 0);
    vst1q_u8(out, vaesdq_u8(vaesimcq_u8(vld1q_u8(mixed)), zero));
    CHECK(memcmp(out, start, 16) == 0);
}

static void sha(void)
{
    /* one block, "abc" padded */
    static const uint32_t want256[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                        0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    static const uint32_t want1[5] = {0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c, 0x9cd0d89d};
    static const uint32_t k256[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2};
    static const uint32_t k1[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t block[16] = {0x61626380, [15] = 24}, h[8];
    uint32x4_t m[4], a = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a},
                     b = {0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}, a0 = a, b0 = b;
    for (int i = 0; i < 4; i++)
        m[i] = vld1q_u32(block + 4 * i);
    for (int i = 0; i < 16; i++) {
        uint32x4_t w = vaddq_u32(m[i & 3], vld1q_u32(k256 + 4 * i)), t = a;
        m[i & 3] = vsha256su1q_u32(vsha256su0q_u32(m[i & 3], m[(i + 1) & 3]), m[(i + 2) & 3],
                                   m[(i + 3) & 3]);
        a = vsha256hq_u32(a, b, w);
        b = vsha256h2q_u32(b, t, w);
    }
    vst1q_u32(h, vaddq_u32(a, a0));
    vst1q_u32(h + 4, vaddq_u32(b, b0));
    CHECK(memcmp(h, want256, 32) == 0);
    uint32x4_t abcd = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, abcd0 = abcd;
    uint32_t e = 0xc3d2e1f0;
    for (int i = 0; i < 4; i++)
        m[i] = vld1q_u32(block + 4 * i);
    for (int i = 0; i < 20; i++) {
        uint32x4_t w = vaddq_u32(m[i & 3], vdupq_n_u32(k1[i / 5]));
        uint32_t next = vsha1h_u32(vgetq_lane_u32(abcd, 0));
        m[i & 3] =
            vsha1su1q_u32(vsha1su0q_u32(m[i & 3], m[(i + 1) & 3], m[(i + 2) & 3]), m[(i + 3) & 3]);
        abcd = i < 5               ? vsha1cq_u32(abcd, e, w)
               : i >= 10 && i < 15 ? vsha1mq_u32(abcd, e, w)
                                   : vsha1pq_u32(abcd, e, w);
        e = next;
    }
    vst1q_u32(h, vaddq_u32(abcd, abcd0));
    h[4] = e + 0xc3d2e1f0;
    CHECK(memcmp(h, want1, 20) == 0);
}

static void others(void)
{
    /* the check values of both polynomials: over "123456789" */
    uint32_t c = ~0u, k = ~0u;
    uint64_t eight;
    memcpy(&eight, "12345678", 8);
    EQUAL(~__crc32b(__crc32d(c, eight), '9'), 0xcbf43926);
    EQUAL(~__crc32cb(__crc32cd(k, eight), '9'), 0xe3069283);
    poly128_t p = vmull_p64(0xffffffffffffffff, 0x3);
    EQUAL((uint64_t)p, 0x0000000000000001);
    EQUAL((uint64_t)(p >> 64), 1);
    int8x16_t a = vdupq_n_s8(-3), b = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    EQUAL(vgetq_lane_s32(vdotq_s32(vdupq_n_s32(100), a, b), 1), 100 - 3 * (5 + 6 + 7 + 8));
    float32x4_t x = {1, 2, 3, 4}, y = {5, 6, 7, 8}, z = vdupq_n_f32(0);
    z = vcmlaq_rot90_f32(vcmlaq_f32(z, x, y), x, y);
    CHECK(z[0] == 1 * 5 - 2 * 6 && z[1] == 1 * 6 + 2 * 5 && z[2] == 3 * 7 - 4 * 8 &&
          z[3] == 3 * 8 + 4 * 7);
    EQUAL(__jcvt(4294967301.75), 5);
    EQUAL(__jcvt(-1.5), -1);
}

int main(void)
{
    unsigned long have = getauxval(AT_HWCAP),
                  want = HWCAP_FP | HWCAP_ASIMD | HWCAP_AES | HWCAP_PMULL | HWCAP_SHA1 |
                         HWCAP_SHA2 | HWCAP_CRC32 | HWCAP_ATOMICS | HWCAP_ASIMDRDM | HWCAP_ASIMDDP |
                         HWCAP_FCMA | HWCAP_JSCVT | HWCAP_LRCPC | HWCAP_ILRCPC | HWCAP_FLAGM |
                         HWCAP_DIT | HWCAP_SB;
    EQUAL(have & want, want);
    aes();
    sha();
    others();
    return guest_done();
}
