/* SPDX-License-Identifier: Apache-2.0
 *
 * The states that the cases of engine_lift_cases.inc start from, and the text of what came out.
 * Shared by the recorder (tests/unit/engine_lift_record.c.in, an aarch64 program) and the unit
 * test.
 *
 * x4 points to the middle of a buffer, x5 is 8 below a dirty upper half, x6 is 8, x7 holds sp.
 */
#ifndef ENGINE_LIFT_H
#define ENGINE_LIFT_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LIFT_SETS = 3, LIFT_BUFFER = 512 };

struct lift_state {
    uint64_t x[8];                                            /* x0-x7 */
    uint64_t v[4][2];                                         /* v0-v3 */
    uint64_t nzcv;                                            /* bits 31-28 */
    uint64_t fpsr;                                            /* QC alone */
    uint64_t m[LIFT_BUFFER / 8] __attribute__((aligned(64))); /* the buffer */
};

static const uint64_t lift_sets[LIFT_SETS][4] = {
    {0x1111111122222222, 0xfedcba9876543210, 0x0123456789abcdef, 0x55aa00ff13579bdf},
    {0xffffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0x0000000080000001},
    {0x0000000000000000, 0x000000007fffffff, 0x0000000000000021, 0x0000000000000000},
};

static void lift_state_start(struct lift_state *s, unsigned set)
{
    memcpy(s->x, lift_sets[set], sizeof(lift_sets[set]));
    s->x[4] = (uint64_t)(uintptr_t)s->m + LIFT_BUFFER / 2;
    s->x[5] = 0xdeadbeef00000008;
    s->x[6] = 8;
    s->x[7] = 0x7777777777777777;
    for (unsigned k = 0; k < 4; k++)
        for (unsigned h = 0; h < 2; h++)
            s->v[k][h] = 0xf0e1d2c3b4a59687 * (2 * k + h + set + 1);
    if (set == 1) { /* extremes */
        s->v[0][0] = 0x807f800080000000;
        s->v[0][1] = 0xff00ffff00010080;
        s->v[1][0] = 0x8000000000000000;
        s->v[1][1] = 0x7f017fff7fffffff;
        s->v[2][1] = 0xffffffffffffffff;
        s->v[3][0] = 0x00ff0f00ff010303;
    }
    s->fpsr = 0;
    s->nzcv = (uint64_t)(set * 5 + 2) % 16 << 28;
    for (unsigned k = 0; k < LIFT_BUFFER / 8; k++)
        s->m[k] = (set == 2 ? 0x0102030405060708 : 0x8a9bacbdcedfe0f1) * (k + 1);
    if (set == 1)
        s->m[LIFT_BUFFER / 16] = s->x[1];
}

/* What differs between before and now, as "x0=1 nzcv=4 m8=2": addresses relative to x4. */
static void lift_state_text(const struct lift_state *before, const struct lift_state *now,
                            char *buf, size_t n)
{
    size_t p = 0;
    buf[0] = 0;
#define PUT(...) p += (size_t)snprintf(buf + p, p < n ? n - p : 0, __VA_ARGS__)
    for (unsigned k = 0; k < 8; k++) {
        if (now->x[k] == before->x[k])
            continue;
        int64_t moved = (int64_t)(now->x[k] - before->x[4]);
        if (moved >= -512 && moved <= 512)
            PUT("x%u=x4%+d ", k, (int)moved);
        else
            PUT("x%u=%llx ", k, (unsigned long long)now->x[k]);
    }
    for (unsigned k = 0; k < 4; k++)
        if (memcmp(now->v[k], before->v[k], 16))
            PUT("v%u=%llx:%llx ", k, (unsigned long long)now->v[k][1],
                (unsigned long long)now->v[k][0]);
    if (now->nzcv != before->nzcv)
        PUT("nzcv=%x ", (unsigned)(now->nzcv >> 28));
    if (now->fpsr != before->fpsr)
        PUT("fpsr=%x ", (unsigned)now->fpsr);
    for (unsigned k = 0; k < LIFT_BUFFER / 8; k++)
        if (now->m[k] != before->m[k])
            PUT("m%d=%llx ", (int)k * 8 - LIFT_BUFFER / 2, (unsigned long long)now->m[k]);
#undef PUT
    if (p && p < n)
        buf[p - 1] = 0;
}

#endif
