// SPDX-License-Identifier: Apache-2.0
// Sorting: a quicksort of integers, and the C library's of strings.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void sort(uint32_t *a, long n)
{
    while (n > 16) {
        uint32_t pivot = a[n / 2];
        long i = 0, j = n - 1;
        while (i <= j) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i <= j) {
                uint32_t t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        sort(a, j + 1);
        a += i;
        n -= i;
    }
    for (long i = 1; i < n; i++)
        for (long j = i; j > 0 && a[j - 1] > a[j]; j--) {
            uint32_t t = a[j];
            a[j] = a[j - 1];
            a[j - 1] = t;
        }
}
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void)
{
    enum { N = 800000, S = 80000 };
    static uint32_t a[N];
    static char text[S][12], *p[S];
    uint32_t x = 1, sum = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++)
            a[i] = x = x * 1664525 + 1013904223;
        sort(a, N);
        for (int i = 0; i < N; i += 1000)
            sum = sum * 31 + a[i];
    }
    for (int i = 0; i < S; i++) {
        x = x * 1664525 + 1013904223;
        snprintf(text[i], sizeof text[i], "%x", x);
        p[i] = text[i];
    }
    qsort(p, S, sizeof *p, by_text);
    printf("%u %s %s\n", sum, p[0], p[S / 2]);
    return 0;
}
