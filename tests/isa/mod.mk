# SPDX-License-Identifier: Apache-2.0
# The decoder against LLVM's (loaded at run time). isa-random and isa-sweep are the long runs.
$(O)/isa/a64_llvm: $(O)/tests/isa/a64_llvm.o $(O)/tests/isa/llvm.o $(O)/lib/engine.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ -ldl
$(O)/tests/isa/a64_llvm.o: tests/isa/differences.def | $(engine.gen)
tests: $(O)/isa/a64_llvm

N ?= 10000000
isa-random: $(O)/isa/a64_llvm
	@$< --random $(N)
# goes on where it was stopped; half an hour of one core
isa-sweep: $(O)/isa/a64_llvm
	@$< --sweep $(O)/isa/sweep.state
.PHONY: isa-random isa-sweep
