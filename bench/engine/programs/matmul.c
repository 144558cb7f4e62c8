// SPDX-License-Identifier: Apache-2.0
// Float matrices, in the order that vectorises.
#include <stdio.h>

enum { N = 512 };
static float a[N][N], b[N][N], c[N][N];

int main(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (float)((i * 7 + j) % 13) - 6;
            b[i][j] = (float)((i + j * 5) % 11) - 5;
        }
    for (int round = 0; round < 8; round++)
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                float f = a[i][k];
                for (int j = 0; j < N; j++)
                    c[i][j] += f * b[k][j];
            }
    double sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            sum += (double)c[i][j] * ((i ^ j) & 7);
    printf("%.0f\n", sum);
    return 0;
}
