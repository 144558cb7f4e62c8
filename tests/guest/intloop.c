// SPDX-License-Identifier: Apache-2.0
// Integer arithmetic of all widths in loops; the sums are those of any machine.
// out: e36730e57baa16bd e2598435 fda33b5ce5ffa695
#include "guest.h"

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static uint64_t mix64(void)
{
    uint64_t s = 88172645463325252u, sum = 0;
    for (int i = 0; i < 200000; i++) {
        uint64_t a = next(&s), b = next(&s) | 1;
        sum += a / b + a % b + (a * b ^ (uint64_t)((unsigned __int128)a * b >> 64));
        sum ^= (a << (b & 63)) + (a >> (b & 63)) + (uint64_t)((int64_t)a >> (b & 63));
        sum += (uint64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
        sum = sum << 7 | sum >> 57;
        sum += (a < b) + 2 * ((int64_t)a < (int64_t)b) + (a & 0xff00ff00ff00ff00u) + (a | ~b);
        sum ^=
            (uint64_t)__builtin_clzll(b) + (uint64_t)__builtin_ctzll(a | 1) + __builtin_bswap64(a);
    }
    return sum;
}

static uint32_t mix32(void)
{
    uint64_t s = 1234567;
    uint32_t sum = 0;
    for (int i = 0; i < 200000; i++) {
        uint32_t a = (uint32_t)next(&s), b = (uint32_t)(next(&s) >> 32) | 1;
        int32_t c = (int32_t)a, d = (int32_t)(b & 0x7fffffff);
        sum += a / b + a % b + (uint32_t)(c / d) + (uint32_t)(c % d) + a * b;
        sum ^= (a << (b & 31)) + (a >> (b & 31)) + (uint32_t)(c >> (b & 31));
        sum = sum << 5 | sum >> 27;
        sum += (uint32_t)(uint8_t)a + (uint32_t)(int8_t)b + (uint32_t)(int16_t)a + (uint16_t)b;
        sum += (uint32_t)__builtin_clz(b) + __builtin_bswap32(a) + (uint32_t)__builtin_popcount(a);
        if (c < 0 && d > 1000 && (sum & 3) != 2)
            sum ^= 0x55555555;
    }
    return sum;
}

static uint64_t carries(void)
{
    uint64_t s = 42, words[16] = {0}, sum = 0;
    for (int i = 0; i < 20000; i++) {
        unsigned char carry = 0;
        for (int k = 0; k < 16; k++) {
            uint64_t add = next(&s), t;
            unsigned char c1 = __builtin_add_overflow(words[k], add, &t);
            unsigned char c2 = __builtin_add_overflow(t, carry, &words[k]);
            carry = c1 | c2;
        }
        int64_t v;
        sum +=
            carry + (uint64_t)__builtin_sub_overflow((int64_t)words[3], (int64_t)words[9], &v) * 3;
        sum +=
            (uint64_t)__builtin_mul_overflow((int64_t)words[1], (int64_t)(words[2] >> 40), &v) * 5;
        sum ^= (uint64_t)v;
    }
    return sum ^ words[15];
}

int main(void)
{
    printf("%016" PRIx64 " %08" PRIx32 " %016" PRIx64 "\n", mix64(), mix32(), carries());
    return 0;
}
