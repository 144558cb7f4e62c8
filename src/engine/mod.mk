# SPDX-License-Identifier: Apache-2.0
# The engine, twice: hosted parts as a library for tests and tools ($(O)/lib/engine.a), and the
# freestanding program. Generated files: tools/gen-isa.
engine.deps :=
engine.libs :=
ENGINE_GEN := $(O)/gen/engine/isa
engine.gen := $(ENGINE_GEN)/a64_decode.c $(ENGINE_GEN)/a64_lift_table.c
engine.src := $(foreach d,isa lift ir fp x64,$(wildcard src/engine/$d/*.c)) $(engine.gen)

$(ENGINE_GEN)/a64_decode.c: src/engine/isa/a64.isa tools/gen-isa $(wildcard src/engine/lift/a64_*.c)
	@tools/gen-isa $< src/engine/lift $(ENGINE_GEN)
	@touch $@
$(ENGINE_GEN)/a64_lift_table.c $(ENGINE_GEN)/a64_rows.h: $(ENGINE_GEN)/a64_decode.c ;
