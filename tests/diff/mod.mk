# SPDX-License-Identifier: Apache-2.0
# The row fuzzer: tests/diff/rowfuzz on the host, and its runner, a guest program.
#
#   make row-fuzz [ROWS=LIST] [CASES=N] [SEED=N] [FUZZ_MODE=row|seq|loop] [ENGINE=COMMAND]
#
#   make row-campaign [CAMPAIGN="--seconds=N --row=N --seq=N --loop=N"]
#
# Each (SEED, FUZZ_MODE) goes on where it was broken off; ROW_STATE= (empty) starts anew.
DIFF_SRC := $(patsubst %,tests/diff/%.c,rowfuzz report accept tally run code memory sequence values)
DIFF_ISA := $(filter-out %/a64_lift_table.o,$(filter $(O)/src/engine/isa/% $(O)/gen/engine/isa/%,$(engine.obj)))
$(O)/rowfuzz: $(patsubst %.c,$(O)/%.o,$(DIFF_SRC)) $(DIFF_ISA)
	@echo "  LD $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $^
$(patsubst %.c,$(O)/%.o,$(DIFF_SRC)): | $(engine.gen)

build/guest/runner: tests/diff/runner.c tests/diff/runner_enter.S tests/diff/rowcase.h tests/diff/mod.mk
	@mkdir -p $(@D)
	@echo "  GUEST-CC $<"
	@$(GUEST_CC) $(filter-out -pthread,$(GUEST_FLAGS)) -nostdlib -ffreestanding -fno-stack-protector \
	  -mgeneral-regs-only -o $@ $(filter %.c %.S,$^)
ifneq ($(GUEST_CC),)
tests: $(O)/rowfuzz build/guest/runner
endif

ROWS ?= *
CASES ?= 10000
SEED ?= 1
FUZZ_MODE ?= row
ROW_STATE ?= $(O)/row-fuzz.$(FUZZ_MODE).$(SEED)
ENGINE ?= $(O)/archway-engine
ROWFUZZ = $(O)/rowfuzz --oracle="$$(tools/oracle-qemu)" --engine="$(ENGINE)" --runner=build/guest/runner \
          --accepted=tests/diff/accepted.txt --cases-in=$(O)/row-cases
row-fuzz: $(O)/rowfuzz build/guest/runner
	@$(ROWFUZZ) --rows='$(ROWS)' --cases=$(CASES) --seed=$(SEED) --mode=$(FUZZ_MODE) $(if $(ROW_STATE),--state=$(ROW_STATE))
# make row-replay CASE=FILE
row-replay: $(O)/rowfuzz build/guest/runner
	@$(ROWFUZZ) --replay=$(CASE)
# 100 million instances, in pieces: stop it and start it at will. The record is tests/diff/campaign.tsv.
row-campaign: $(O)/rowfuzz $(O)/archway-engine build/guest/runner
	@tests/diff/campaign --build=$(O) $(CAMPAIGN)
build/guest/fp_vectors: tests/diff/fp_vectors.c tests/diff/mod.mk
	@mkdir -p $(@D)
	@echo "  GUEST-CC $<"
	@$(GUEST_CC) $(GUEST_FLAGS) -o $@ $<
# tests/diff/fp_vectors.bin, for tests/engine/fpvectors.sh
fp-vectors: build/guest/fp_vectors
	@tests/diff/fp-vectors --program=$<
.PHONY: row-fuzz row-replay row-campaign fp-vectors
