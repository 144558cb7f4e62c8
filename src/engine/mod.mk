# SPDX-License-Identifier: Apache-2.0
# The engine, twice: hosted parts as a library for tests and tools ($(O)/lib/engine.a), and the
# freestanding program. Generated files: tools/gen-isa.
engine.deps :=
engine.libs :=
ENGINE_GEN := $(O)/gen/engine/isa
engine.gen := $(patsubst %,$(ENGINE_GEN)/a64_%.c,decode asm lift_table fields)
engine.src := $(foreach d,isa lift ir fp x64,$(wildcard src/engine/$d/*.c)) src/engine/linux/vma.c \
              src/engine/linux/convert.c $(engine.gen)
engine.hosted_only := src/engine/isa/a64_random.c $(ENGINE_GEN)/a64_fields.c

$(ENGINE_GEN)/a64_decode.c: src/engine/isa/a64.isa $(wildcard src/engine/isa/a64_*.isa src/engine/isa/a64.asm) \
                            tools/gen-isa $(wildcard src/engine/lift/a64_*.c)
	@tools/gen-isa $< src/engine/lift $(ENGINE_GEN)
	@touch $@
$(filter-out $(ENGINE_GEN)/a64_decode.c,$(engine.gen)) $(ENGINE_GEN)/a64_rows.h $(ENGINE_GEN)/a64_asm.h: $(ENGINE_GEN)/a64_decode.c ;

# ---- the freestanding program -------------------------------------------------------------------
ENGINE_O := $(O)/engine
ENGINE_CFLAGS := -std=gnu11 -g -O2 -ffreestanding -mgeneral-regs-only -mno-red-zone -fPIE -fvisibility=hidden \
                 -fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing $(WARN)
# What translates is compiled as one (small functions of the assembler and the lifters called from everywhere).
# Not rt and linux: their assembly and C name each other, which link-time optimisation does not see.
ENGINE_LTO := $(if $(findstring clang,$(CC)),,-flto=auto -fno-fat-lto-objects -O3)
ENGINE_ONE := isa lift ir fp x64
engine.all := $(filter-out $(engine.hosted_only),$(engine.src)) $(wildcard src/engine/rt/*.c src/engine/linux/*.c)
engine.freestanding := $(patsubst %.c,$(ENGINE_O)/%.o,$(patsubst $(O)/%,%,$(engine.all)))
$(engine.freestanding): | $(engine.gen)
$(ENGINE_O)/gen/%.o: $(O)/gen/%.c Makefile src/engine/mod.mk
	@mkdir -p $(@D)
	@$(CC) -Isrc -I$(O)/gen $(ENGINE_CFLAGS) $(ENGINE_LTO) -MMD -MP -c $< -o $@
$(ENGINE_O)/%.o: %.c Makefile src/engine/mod.mk
	@mkdir -p $(@D)
	@echo "  CC $< (freestanding)"
	@$(CC) -Isrc -I$(O)/gen $(ENGINE_CFLAGS) $(if $(filter $(addprefix src/engine/,$(addsuffix /%,$(ENGINE_ONE))),$<),$(ENGINE_LTO)) \
	    -MMD -MP -c $< -o $@
$(O)/archway-engine: $(engine.freestanding)
	@echo "  LD $@"
	@$(CC) $(ENGINE_CFLAGS) $(ENGINE_LTO) -static-pie -nostdlib -nostartfiles -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--build-id=sha1 -o $@ $^
# the program needs every emitter
ifneq ($(and $(wildcard src/engine/linux/main.c),$(wildcard src/engine/x64/emit_fp*.c)),)
all: $(O)/archway-engine
endif

# tests that name rows
$(patsubst %.c,$(O)/%.o,$(wildcard tests/unit/engine_*.c)): | $(engine.gen)

# ---- looking inside -----------------------------------------------------------------------------
$(O)/tools/archway-lift.o: | $(engine.gen)
$(O)/archway-lift: $(O)/tools/archway-lift.o $(O)/lib/engine.a
	@echo "  LD $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ -ldl
all: $(O)/archway-lift
# what translation costs (bench/engine/translate), with the very objects of the program
$(O)/bench/engine/translate.o: | $(engine.gen)
$(O)/bench-translate: $(O)/bench/engine/translate.o \
                      $(filter-out $(ENGINE_O)/src/engine/rt/% $(ENGINE_O)/src/engine/linux/%,$(engine.freestanding))
	@echo "  LD $@"
	@$(CC) $(ENGINE_CFLAGS) $(ENGINE_LTO) $(ALL_LDFLAGS) -o $@ $^
bench-translate: $(O)/bench-translate $(O)/archway-engine
	@bench/engine/translate $(TREE)
.PHONY: bench-translate
# a table of the rows: lifted or not, fuzzed how often, and the median of host instructions; isa-table keeps it
isa-coverage: $(O)/archway-lift
	@$< --cost a64 >$(O)/a64-cost.txt
	@tools/gen-isa --coverage src/engine/isa/a64.isa src/engine/lift $(O)/a64-cost.txt tests/diff/campaign.tsv
isa-table: $(O)/archway-lift
	@$(MAKE) --no-print-directory -s isa-coverage >docs/ISA.md.new && mv docs/ISA.md.new docs/ISA.md
.PHONY: isa-coverage isa-table
