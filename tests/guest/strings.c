// SPDX-License-Identifier: Apache-2.0
// The C library's string functions at every alignment and length, with their text at the very end
// or start of what is mapped: they read in big pieces, and must not be seen to go too far.
#include "guest.h"

int main(void)
{
    char *map = guest_pages(6 * 4096, PROT_READ | PROT_WRITE);
    munmap(map, 4096);
    munmap(map + 5 * 4096, 4096);
    char *start = map + 4096, *end = map + 5 * 4096,
         *other = guest_pages(4096, PROT_READ | PROT_WRITE);
    memset(start, 'x', (size_t)(end - start));
    for (size_t n = 0; n < 300; n++) {
        char *s = end - n - 1;
        memset(s, 'a', n);
        s[n] = 0;
        EQUAL(strlen(s), n);
        EQUAL(strnlen(s, n), n);
        CHECK(memchr(s, 'b', n + 1) == NULL && memchr(s, 0, n + 1) == s + n &&
              rawmemchr(s, 0) == s + n);
        CHECK(strchr(s, 'q') == NULL && strchrnul(s, 'q') == s + n && strrchr(s, 0) == s + n);
        for (size_t k = 0; k < 40; k++) {
            char *o = other + k;
            strcpy(o, s);
            CHECK(strcmp(o, s) == 0 && strcmp(s, o) == 0 && memcmp(o, s, n + 1) == 0);
            if (n) {
                o[n - 1] = 'b';
                CHECK(strcmp(o, s) > 0 && memcmp(s, o, n) < 0 && strncmp(o, s, n - 1) == 0);
                CHECK(strchr(o, 'b') == o + n - 1 && strrchr(o, 'b') == o + n - 1 &&
                      memrchr(o, 'b', n) == o + n - 1);
                CHECK(strspn(o, "a") == n - 1 && strcspn(o, "b") == n - 1 &&
                      strstr(o, "b") == o + n - 1);
            }
            memcpy(o, s, n + 1);
            CHECK(memcmp(o, s, n + 1) == 0 && o[n + 1] != 'x');
            memmove(o + 1, o, n);
            CHECK(n == 0 || (o[1] == 'a' && o[n] == 'a'));
            memset(o, k % 3 ? 7 : 0, n + 2);
        }
        char *f = start;
        memset(f, 'a', n);
        CHECK(memrchr(f, 'z', n) == NULL && memmove(f, f + 1, n) == f);
        memset(s, 'x', n + 1);
    }
    return guest_done();
}
