/* SPDX-License-Identifier: Apache-2.0
 * What A64's lifters share. */
#ifndef ENGINE_LIFT_A64_LIFT_H
#define ENGINE_LIFT_A64_LIFT_H

#include "engine/isa/a64.h"
#include "engine/lift/lift.h"
#include "engine/rt/cpu.h"

/* aux of an exit to pc: IR_EXIT_FLAGS_DEAD where NZCV is written there before it is read. */
unsigned a64_exit_aux(struct lift *l, uint64_t target);

static inline unsigned a64_size(uint32_t word) /* of an instruction with sf */
{
    return word >> 31 ? 8 : 4;
}

static inline int64_t a64_signed(uint32_t word, unsigned at, unsigned width)
{
    return (int64_t)((uint64_t)word << (64 - at - width)) >> (64 - width);
}

#endif
