// SPDX-License-Identifier: Apache-2.0
// The C library's string functions, on short and long strings.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    static char text[1 << 16], word[64], copy[1 << 16];
    unsigned long sum = 0;
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = i % 61 == 0 ? ' ' : (char)('a' + i * 7 % 26);
    for (int round = 0; round < 2200; round++) {
        char *volatile p = text;
        sum += strlen(p + round % 64);
        sum += (size_t)((char *)memchr(p, 0, sizeof text) - p);
        for (char *w = p; w && w - p < 60000;) {
            char *end = strchr(w + 1, ' ');
            if (!end)
                break;
            size_t n = (size_t)(end - w - 1);
            memcpy(word, w + 1, n);
            word[n] = 0;
            sum += strcmp(word, "cjqxels") > 0;
            sum += strspn(word, "abcdefgh") + (strrchr(word, 'q') != NULL);
            w = end;
        }
        strcpy(copy, p + round % 31);
        sum += strstr(copy, "zzzz") == NULL;
        sum += memcmp(copy, p + round % 31, 60000) == 0;
        memset(copy, round, 4096);
    }
    char number[32];
    for (int i = 0; i < 300000; i++) {
        snprintf(number, sizeof number, "%d", i * 6131);
        sum += (unsigned long)strtol(number, NULL, 10) & 0xff;
    }
    printf("%lu\n", sum);
    return 0;
}
