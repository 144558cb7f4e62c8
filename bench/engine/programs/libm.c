// SPDX-License-Identifier: Apache-2.0
// The C library's mathematics.
#include <math.h>
#include <stdio.h>

int main(void)
{
    double sum = 0;
    float fsum = 0;
    for (int i = 1; i < 1500000; i++) {
        double x = i * 1e-4;
        sum += sin(x) + exp(-x * 0.01) + log(x) + pow(x, 0.3) + atan2(x, 2) + cos(3 * x) * floor(x);
        fsum += sinf((float)x) * expf(-(float)x * 0.01f);
    }
    printf("%.3f %.2f\n", sum, (double)fsum);
    return 0;
}
