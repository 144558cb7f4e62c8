// SPDX-License-Identifier: Apache-2.0
// Copying and filling, from a few bytes to a megabyte.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    static unsigned char a[1 << 20], b[1 << 20];
    static const size_t sizes[] = {3, 16, 33, 64, 100, 250, 1000, 4096, 20000, 1 << 20};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof a; i++)
        a[i] = (unsigned char)(i * 31);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t size = sizes[s], rounds = 700000000 / (size + 60);
        for (size_t i = 0; i < rounds; i++) {
            size_t at = size < sizeof a / 2 ? i * 7 & 4095 : 0;
            memcpy(b + at, a + (at ^ 64), size);
            __asm__ volatile("" ::: "memory");
            if ((i & 7) == 0) {
                memmove(a + at, a + at + (size > 64 ? 1 : 0), size - 1);
                sum += b[at + size / 2];
            }
            if ((i & 15) == 0)
                memset(b + at, (int)i, size);
        }
    }
    printf("%lu\n", (unsigned long)sum);
    return 0;
}
