// SPDX-License-Identifier: Apache-2.0
// A bytecode interpreter with computed goto.
#include <inttypes.h>
#include <stdio.h>

enum { PUSH, ADD, DEC, DUP, DROP, JNZ, SWAP, AND, XOR, OVER, END };

int main(void)
{
    static const void *const at[] = {&&push, &&add, &&dec, &&dup,  &&drop, &&jnz,
                                     &&swap, &&and, &&xor, &&over, &&end};
    /* sum n; do { sum = (sum ^ n) + (n & 7); n--; } while (n) */
    static const int code[] = {PUSH, 0,   PUSH, 9000000, SWAP, OVER, XOR, OVER, PUSH,
                               7,    AND, ADD,  SWAP,    DEC,  JNZ,  4,   END};
    uint64_t stack[16] = {0}, *sp = stack;
    const int *pc = code;
#define NEXT goto *at[*pc++]
    NEXT;
push:
    *++sp = (uint64_t)*pc++;
    NEXT;
add:
    sp[-1] += sp[0];
    sp--;
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
swap : {
    uint64_t t = sp[0];
    sp[0] = sp[-1];
    sp[-1] = t;
    NEXT;
}
    and : sp[-1] &= sp[0];
    sp--;
    NEXT;
    xor : sp[-1] ^= sp[0];
    sp--;
    NEXT;
over:
    sp[1] = sp[-1];
    sp++;
    NEXT;
end:
    printf("%" PRIu64 "\n", sp[-1]);
    return 0;
}
