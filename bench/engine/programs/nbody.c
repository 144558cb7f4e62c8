// SPDX-License-Identifier: Apache-2.0
// Five bodies and their gravity, in double.
#include <math.h>
#include <stdio.h>

enum { BODIES = 5 };
static struct {
    double x[3], v[3], m;
} s[BODIES] = {{{0, 0, 0}, {0, 0, 0}, 39.47},
               {{4.84, -1.16, -0.10}, {0.6, 2.8, -0.02}, 0.037},
               {{8.34, 4.12, -0.4}, {-1.01, 1.82, 0.008}, 0.011},
               {{12.89, -15.11, -0.22}, {1.08, 0.86, -0.01}, 0.0017},
               {{15.37, -25.9, 0.179}, {0.97, 0.59, -0.03}, 0.002}};

static void step(double dt)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double d[3], r = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = s[i].x[k] - s[j].x[k];
                r += d[k] * d[k];
            }
            double f = dt / (r * sqrt(r));
            for (int k = 0; k < 3; k++) {
                s[i].v[k] -= d[k] * s[j].m * f;
                s[j].v[k] += d[k] * s[i].m * f;
            }
        }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            s[i].x[k] += dt * s[i].v[k];
}

int main(void)
{
    for (int i = 0; i < 1500000; i++)
        step(0.001);
    double e = 0;
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            e += 0.5 * s[i].m * s[i].v[k] * s[i].v[k];
    printf("%.6f\n", e);
    return 0;
}
