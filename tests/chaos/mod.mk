# SPDX-License-Identifier: Apache-2.0
# The chaos fuzzer: a guest that does everything wrong (tests/chaos), and what drives it (tools/engine-chaos).
#
#   make engine-chaos [SECONDS=N] [SEED=N]    goes on where it was broken off (build/MODE/chaos)
CHAOS_SRC := $(wildcard tests/chaos/*.c tests/chaos/*.S)
CHAOS_ISA := src/engine/isa/a64_random.c src/engine/isa/a64_bitmask.c $(ENGINE_GEN)/a64_decode.c $(ENGINE_GEN)/a64_fields.c
build/guest/chaos: $(CHAOS_SRC) $(CHAOS_ISA) tests/chaos/chaos.h tests/guest/hidden.h tests/chaos/mod.mk
	@mkdir -p $(@D)
	@echo "  GUEST-CC $<"
	@$(GUEST_CC) $(GUEST_FLAGS) -Isrc -I$(O)/gen -o $@ $(filter %.c %.S,$^)
ifneq ($(GUEST_CC),)
tests: build/guest/chaos
endif

SECONDS ?= 60
engine-chaos: $(O)/archway-engine build/guest/chaos
	@tools/engine-chaos --engine=$(O)/archway-engine --guest=build/guest/chaos --state=$(O)/chaos \
	  --seconds=$(SECONDS) $(if $(filter command line environment,$(origin SEED)),--seed=$(SEED))
.PHONY: engine-chaos
