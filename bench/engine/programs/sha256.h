/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SHA256_H
#define BENCH_SHA256_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The first 32 bits of the fractions of the first 64 primes' cube roots (FIPS 180-4, 4.2.2): made
 * in run(). */
static uint32_t k[64];

/* The whole part and 32 bits of n's root of the given degree, by bisection. */
static inline uint64_t root(uint64_t n, int degree)
{
    uint64_t low = 0, high = 1ull << 36;
    while (high - low > 1) {
        uint64_t mid = (low + high) / 2;
        unsigned __int128 square = (unsigned __int128)mid * mid;
        /* mid has 32 bits of fraction; compare mid^degree with n */
        int above = degree == 2 ? square > (unsigned __int128)n << 64
                                : (square >> 32) * mid > (unsigned __int128)n << 64;
        if (above)
            high = mid;
        else
            low = mid;
    }
    return low;
}

/* The digest of a zero-filled megabyte, so many times over. */
static inline int run(void (*blocks)(uint32_t h[8], const uint8_t *p, size_t count), int rounds)
{
    static uint8_t data[1 << 20];
    uint32_t h[8];
    for (int n = 2, found = 0; found < 64; n++) {
        int prime = 1;
        for (int d = 2; d * d <= n; d++)
            prime &= n % d != 0;
        if (!prime)
            continue;
        k[found] = (uint32_t)root((uint64_t)n, 3);
        if (found < 8)
            h[found] = (uint32_t)root((uint64_t)n, 2);
        found++;
    }
    for (int i = 0; i < rounds; i++)
        blocks(h, data, sizeof data / 64);
    for (int i = 0; i < 8; i++)
        printf("%08" PRIx32, h[i]);
    puts("");
    return 0;
}

#endif
