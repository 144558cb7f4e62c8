/* SPDX-License-Identifier: Apache-2.0
 *
 * LLVM's disassembler, loaded when there is one (libLLVM-14.so.1): no build dependency.
 */
#ifndef TESTS_ISA_LLVM_H
#define TESTS_ISA_LLVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct llvm {
    /* LLVMDisasmInstruction */
    size_t (*disasm)(void *context, uint8_t *bytes, uint64_t size, uint64_t pc, char *out,
                     size_t room);
    void *context; /* with the features that the engine has */
    void *hints;   /* knows the names of all hints, too */
};

/* false: why not is in *ret_why */
bool llvm_open(struct llvm *l, const char **ret_why);
/* LLVM's text in one line without comments and without the tabs; false: no instruction. */
bool llvm_text(struct llvm *l, uint32_t word, uint64_t pc, char *out, size_t room);

#endif
