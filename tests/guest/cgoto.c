// SPDX-License-Identifier: Apache-2.0
// An interpreter with computed goto: indirect jumps with many targets from many places.
// out: 9000003 5 3500000
#include "guest.h"

enum { PUSH, ACC, DEC, DUP, DROP, JNZ, SWAP, MOD, XOR, END };

static uint64_t interpret(const int *pc, uint64_t *steps, uint64_t *mix)
{
    static const void *const at[] = {&&push, &&acc,  &&dec, &&dup, &&drop,
                                     &&jnz,  &&swap, &&mod, &&xor, &&end};
    uint64_t stack[8] = {0}, *sp = stack, sum = 0;
    const int *code = pc;
#define NEXT                                                                                       \
    do {                                                                                           \
        ++*steps;                                                                                  \
        goto *at[*pc++];                                                                           \
    } while (0)
    NEXT;
push:
    *++sp = (uint64_t)*pc++;
    NEXT;
acc:
    sum += *sp;
    NEXT;
dec:
    --*sp;
    NEXT;
dup:
    sp[1] = sp[0];
    sp++;
    NEXT;
drop:
    sp--;
    NEXT;
jnz:
    pc = *sp ? code + *pc : pc + 1;
    NEXT;
swap:
    *mix = sp[0];
    sp[0] = sp[-1];
    sp[-1] = *mix;
    NEXT;
mod:
    *sp %= (uint64_t)*pc++;
    NEXT;
    xor : *mix ^= *sp;
    NEXT;
end:
    return sum;
}

int main(void)
{
    /* n = 1000000; do { sum += n % 8; n--; } while (n), the long way */
    static const int code[] = {PUSH, 5,   PUSH, 1000000, DUP,  MOD, 8, ACC,
                               DROP, DEC, SWAP, XOR,     SWAP, JNZ, 4, END};
    uint64_t steps = 0, mix = 0;
    uint64_t sum = interpret(code, &steps, &mix);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", steps, mix, sum);
    return 0;
}
