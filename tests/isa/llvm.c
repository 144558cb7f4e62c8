// SPDX-License-Identifier: Apache-2.0
#include "llvm.h"

#include <dlfcn.h>
#include <string.h>

#define FEATURES                                                                                   \
    "+fp-armv8,+neon,+crc,+lse,+rdm,+aes,+sha2,+dotprod,+complxnum,+jsconv,+rcpc,+rcpc-immo,"      \
    "+flagm,+altnzcv,+fptoint,+dit,+sb,+ccpp,+bti"
#define HINT_FEATURES FEATURES ",+pauth,+ras,+spe,+tracev8.4"

bool llvm_open(struct llvm *l, const char **ret_why)
{
    void *lib = dlopen("libLLVM-14.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        *ret_why = "no libLLVM-14.so.1 (package libllvm14)";
        return false;
    }
    static const char *const init[] = {"LLVMInitializeAArch64TargetInfo",
                                       "LLVMInitializeAArch64TargetMC",
                                       "LLVMInitializeAArch64Disassembler"};
    for (int i = 0; i < 3; i++) {
        void (*fn)(void) = (void (*)(void))dlsym(lib, init[i]);
        if (!fn) {
            *ret_why = "this libLLVM has no AArch64";
            return false;
        }
        fn();
    }
    void *(*create)(const char *triple, const char *cpu, const char *features, void *, int, void *,
                    void *) = (void *(*)(const char *, const char *, const char *, void *, int,
                                         void *, void *))dlsym(lib, "LLVMCreateDisasmCPUFeatures");
    l->disasm = (size_t(*)(void *, uint8_t *, uint64_t, uint64_t, char *, size_t))dlsym(
        lib, "LLVMDisasmInstruction");
    *ret_why = "this libLLVM has no disassembler";
    if (!create || !l->disasm)
        return false;
    l->context = create("aarch64-linux-gnu", "generic", FEATURES, NULL, 0, NULL, NULL);
    l->hints = create("aarch64-linux-gnu", "generic", HINT_FEATURES, NULL, 0, NULL, NULL);
    return l->context && l->hints;
}

bool llvm_text(struct llvm *l, uint32_t word, uint64_t pc, char *out, size_t room)
{
    uint8_t bytes[4];
    memcpy(bytes, &word, 4);
    bool hint = (word & 0xfffff01f) == 0xd503201f;
    char text[256];
    if (!l->disasm(hint ? l->hints : l->context, bytes, 4, pc, text, sizeof text))
        return false;
    char *comment = strstr(text, " // ");
    if (comment)
        *comment = 0;
    const char *from = text + strspn(text, "\t ");
    size_t n = 0;
    for (; *from && n + 1 < room; from++)
        out[n++] = *from == '\t' ? ' ' : *from;
    out[n] = 0;
    return true;
}
