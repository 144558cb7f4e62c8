// SPDX-License-Identifier: Apache-2.0
// A hash table with open addressing: inserting, finding, removing.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BITS = 20 };
struct entry {
    uint64_t key, value;
};
static struct entry *table;

static struct entry *find(uint64_t key)
{
    uint64_t at = key * 0x9e3779b97f4a7c15u >> (64 - BITS);
    while (table[at].key && table[at].key != key)
        at = (at + 1) & ((1 << BITS) - 1);
    return &table[at];
}

int main(void)
{
    uint64_t sum = 0, x = 88172645463325252u;
    table = calloc(1 << BITS, sizeof *table);
    for (int round = 0; round < 9; round++)
        for (int i = 0; i < 900000; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            struct entry *e = find((x & 0x7ffff) + 1);
            e->key = (x & 0x7ffff) + 1;
            e->value += x >> 40;
            sum += find((x >> 20 & 0x7ffff) + 1)->value;
        }
    printf("%" PRIu64 "\n", sum);
    free(table);
    return 0;
}
