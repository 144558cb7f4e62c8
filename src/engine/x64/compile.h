/* SPDX-License-Identifier: Apache-2.0
 *
 * A region of IR to machine code.
 */
#ifndef ENGINE_X64_COMPILE_H
#define ENGINE_X64_COMPILE_H

#include "engine/ir/ir.h"
#include "engine/rt/cpu.h"

/* One host instruction that may fault: where it is and what the guest's state is there. */
struct x64_fault {
    uint32_t host;  /* offset of the host instruction from the region's code */
    int32_t guest;  /* guest pc - region pc */
    uint8_t flags;  /* enum x64_fault_flags: where NZCV is */
    uint8_t masked; /* the address was cut to 56 bits, and is in cpu->fault_address */
    uint8_t pad[2]; /* zero */
};
enum x64_fault_flags {
    X64_FLAGS_HOME,  /* cpu->nzcv */
    X64_FLAGS_SUB,   /* EFLAGS, carry inverted (the stored polarity) */
    X64_FLAGS_ADD,   /* EFLAGS, carry as the guest's */
    X64_FLAGS_LOGIC, /* EFLAGS, C = V = 0 */
    X64_FLAGS_FCMP,  /* EFLAGS of ucomisd */
    X64_FLAGS_DEAD   /* nobody reads NZCV before it is written: cpu->nzcv is stale */
};

/* Where the code goes and what came of it. Caller's arrays. */
struct x64_out {
    uint8_t *code;            /* write view, 16-byte aligned, rooms below */
    uint64_t code_addr;       /* the same place in the executable view */
    struct slot *slots;       /* private slots; their address is their place for the code too */
    struct x64_fault *faults; /* ascending by host */
    uint32_t code_room;       /* bytes */
    uint32_t slot_room;       /* slots */
    uint32_t fault_room;      /* entries */
    uint32_t random;          /* seed to allocate registers at random with, 0: the usual way */
    uint32_t code_size;       /* result */
    uint32_t pool;            /* result: where code ends and constants begin */
    uint32_t slot_count;      /* result */
    uint32_t fault_count;     /* result */
};

/* How the last call ended. */
enum x64_result { X64_OK, X64_NO_ROOM /* of code, slots or faults: give more */ };

/* Working memory for one compilation (about 100 KiB); the caller's, no state between calls. */
struct x64_work;
extern const uint32_t x64_work_size;
enum x64_result x64_compile(const struct ir_region *r, struct x64_out *out, struct x64_work *work);

#endif
