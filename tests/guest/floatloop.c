// SPDX-License-Identifier: Apache-2.0
// Double and float arithmetic, conversions and printf: as on any IEEE machine without contraction.
// cc: -ffp-contract=off
// out: df236ec5a0071d16 -1.3840939298935739 1.03503206e+10 0x1.19f887bf85833p-1
// out: inf 5.55112e-17 1 2 3
#include "guest.h"
#include <math.h>

static uint64_t bits(double d)
{
    uint64_t u;
    memcpy(&u, &d, sizeof u);
    return u;
}

int main(void)
{
    double x = 0.5, sum = 0;
    float f = 1, fs = 0;
    uint64_t h = 0;
    for (int i = 1; i < 200000; i++) {
        x = 3.9 * x * (1 - x);
        sum += sqrt(x) / i - floor(x * 10) * 1e-5;
        f = f * 1.0001f + 1e-3f;
        if (f > 1e6f)
            f = -f / 3e5f;
        fs += f;
        int64_t n = (int64_t)(sum * 1e9);
        h = (h << 3 | h >> 61) ^ (uint64_t)n ^ bits((double)f) ^ (uint64_t)(uint32_t)(x * 4e9);
        h += (uint64_t)(x < 0.5) + (uint64_t)(f >= fs) * 2 + (uint64_t)isnan(x);
    }
    printf("%016" PRIx64 " %.17g %.9g %a\n", h, sum, (double)fs, x);
    printf("%g %g %g %d %d\n", 1.0 / 0.0 * (double)(h != 0), fma(0.1, 10, -1), nextafter(1, 2),
           (int)lrint(2.5), (int)lround(2.5));
    return 0;
}
