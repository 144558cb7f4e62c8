// SPDX-License-Identifier: Apache-2.0
/* Tagged addresses in a register-offset access while NZCV is still to be read: cutting the address
 * saves the flags, and must not lose the index on the way. */
#include "guest.h"

static uint8_t place[256] __attribute__((aligned(64)));

/* Flags, then an access to base + a multiple of index, then the flags. */
#define RUN(access, base, index, ret_flags)                                                        \
    asm volatile("mov x26, %1\n mov x27, %2\n movi v19.16b, #0x5a\n mov x9, #0x77\n"               \
                 "subs w4, w27, wzr, uxtb #1\n" access "\n cset %w0, gt\n mrs x9, nzcv\n"          \
                 "orr %0, %0, x9, lsr #24\n"                                                       \
                 : "=&r"(ret_flags)                                                                \
                 : "r"(base), "r"(index)                                                           \
                 : "x4", "x9", "x26", "x27", "v19", "cc", "memory")

int main(void)
{
    uint64_t base = (uint64_t)place, tagged = base | 0x5aull << 56, flags[4], index = 3;
    /* the first access tells the engine that there are tags */
    for (volatile uint64_t k = 0; k < 2; k++) {
        RUN("str q19, [x26, w27, sxtw #4]", tagged, index + k, flags[k]);
        RUN("str x9, [x26, x27, lsl #3]", tagged, index + k - 2, flags[2 + k]);
    }
    EQUAL(place[48], 0x5a);
    EQUAL(place[79], 0x5a);
    EQUAL(place[80], 0);
    EQUAL(place[47], 0);
    EQUAL(place[8], 0x77);
    EQUAL(place[16], 0x77);
    for (unsigned k = 0; k < 4; k++)
        EQUAL(flags[k], 0x21);
    return guest_done();
}
