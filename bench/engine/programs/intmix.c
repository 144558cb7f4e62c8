// SPDX-License-Identifier: Apache-2.0
// Integers of all kinds: shifts, multiplication, division, branches on data, small tables.
#include <inttypes.h>
#include <stdio.h>

static uint8_t table[256];

int main(void)
{
    uint64_t a = 1, b = 2, sum = 0;
    uint32_t c = 12345;
    for (int i = 0; i < 256; i++)
        table[i] = (uint8_t)(i * 167 + 13);
    for (int i = 0; i < 24000000; i++) {
        a = a * 6364136223846793005u + 1442695040888963407u;
        b ^= a >> 29;
        b += (b << 7) ^ table[b >> 56];
        c = c * 1664525 + (uint32_t)b;
        if (c & 0x800)
            sum += a % ((b & 0xffff) + 1);
        else if ((int32_t)c < 0)
            sum ^= (uint64_t)table[c & 0xff] << (a & 31);
        else
            sum += (uint64_t)((int64_t)b >> 13) - c;
        sum = sum << 5 | sum >> 59;
    }
    printf("%016" PRIx64 "\n", sum);
    return 0;
}
