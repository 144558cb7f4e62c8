# SPDX-License-Identifier: Apache-2.0
# Archway's build. `make help` lists the targets; docs/HACKING.md explains the layout.

MODE ?= rel
MODES := rel dbg asan ubsan tsan cov fuzz
ifeq ($(filter $(MODE),$(MODES)),)
$(error MODE=$(MODE) is unknown; use one of: $(MODES))
endif
ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(MODE)),clang,gcc)
endif
AR ?= ar
PYTHON ?= python3
O ?= build/$(MODE)$(if $(findstring clang,$(CC)),-clang)
VERSION := 0.1.0

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
        -Wpointer-arith -Wformat=2 -Wno-format-nonliteral $(if $(findstring clang,$(CC)),,-Wno-format-truncation) -Werror
CPPFLAGS += -Iinclude -Isrc -I$(O)/gen -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
            -DARCHWAY_VERSION='"$(VERSION)"'
CFLAGS_BASE := -std=gnu11 -g -fvisibility=hidden -ffunction-sections -fdata-sections -fPIC $(WARN)
CFLAGS_rel := -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2
CFLAGS_dbg := -O0 -DAW_DEBUG=1
CFLAGS_asan := -O1 -fsanitize=address -fno-omit-frame-pointer -DAW_DEBUG=1
CFLAGS_ubsan := -O1 -fsanitize=undefined -fno-sanitize-recover=all -DAW_DEBUG=1
CFLAGS_tsan := -O1 -fsanitize=thread -DAW_DEBUG=1
CFLAGS_cov := -O0 --coverage -DAW_DEBUG=1
CFLAGS_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DAW_DEBUG=1
ALL_CFLAGS := $(CFLAGS_BASE) $(CFLAGS_$(MODE)) $(CFLAGS)
LDFLAGS_rel := -Wl,-z,relro,-z,now -Wl,--gc-sections
LDFLAGS_asan := -fsanitize=address
LDFLAGS_ubsan := -fsanitize=undefined
LDFLAGS_tsan := -fsanitize=thread
LDFLAGS_cov := --coverage
LDFLAGS_fuzz := -fsanitize=address,undefined
ALL_LDFLAGS := -pie $(LDFLAGS_$(MODE)) $(LDFLAGS)

all: # filled by the folders' mod.mk

# One mod.mk a folder; lower modules first (tools/lint checks the include direction).
MODULES := base codec ns format binfmt image box cli launch engine
include $(patsubst %,src/%/mod.mk,$(MODULES))

# $(1) = module. Defines its objects and its archive; <module>.src, .deps and .libs come from mod.mk.
define module_rules
$(1).src ?= $$(wildcard src/$(1)/*.c)
$(1).obj := $$(patsubst %.c,$(O)/%.o,$$(patsubst $(O)/%,%,$$($(1).src)))
$(O)/lib/$(1).a: $$($(1).obj)
	@mkdir -p $$(@D); rm -f $$@
	@$(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rules,$m)))

# A module with everything below it, in link order.
closure = $(1) $(foreach d,$($(1).deps),$(call closure,$d))
# last occurrence of each word wins: what is lower must stand later on the linker's line
uniq_last = $(if $(1),$(if $(filter $(firstword $(1)),$(wordlist 2,$(words $(1)),$(1))),,$(firstword $(1))) \
            $(call uniq_last,$(wordlist 2,$(words $(1)),$(1))))
mods_of = $(strip $(call uniq_last,$(call closure,$(1))))
archives_of = $(patsubst %,$(O)/lib/%.a,$(call mods_of,$(1)))
libs_of = $(foreach m,$(call mods_of,$(1)),$($m.libs))

$(engine.obj): | $(engine.gen)
$(O)/%.o: $(O)/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@
$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# ---- the program and the library --------------------------------------------------------------
$(O)/archway: $(call archives_of,cli)
	@echo "  LD $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $(O)/lib/cli.a $(filter-out $(O)/lib/cli.a,$^) $(call libs_of,cli)
$(O)/libarchway.a: $(base.obj) $(codec.obj) $(binfmt.obj)
	@rm -f $@; $(AR) rcs $@ $^
all: $(O)/archway $(O)/libarchway.a

# ---- tests: found by wildcard; tests/unit/<module>_<what>.c links that module and those below ---
UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(O)/unit/%,$(UNIT_SRC))
test_module = $(firstword $(subst _, ,$(1)))
.SECONDEXPANSION:
$(O)/unit/%: $(O)/tests/unit/%.o $$(call archives_of,$$(call test_module,$$*))
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call libs_of,$(call test_module,$*))
tests: $(UNIT_BIN)
include tests/guest/mod.mk
include tests/isa/mod.mk
include tests/diff/mod.mk
include tests/suites/mod.mk
include tests/chaos/mod.mk

FUZZ_SRC := $(wildcard tests/fuzz/*.c)
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(O)/fuzzers/%,$(FUZZ_SRC))
$(O)/fuzzers/%: $(O)/tests/fuzz/%.o $$(call archives_of,$$(call test_module,$$*))
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(call libs_of,$(call test_module,$*))

TEST_ENV := ARCHWAY=$(abspath $(O)/archway) ARCHWAY_MODE=$(MODE) ARCHWAY_BUILD=$(abspath $(O))
# as many at once as there are processors; the longest first, so that they do not end alone
JOBS ?= $(shell nproc)
check: all tests
	@$(TEST_ENV) $(PYTHON) tools/run-tests --jobs $(JOBS) tests/engine tests/box tests/cli $(O)/isa $(O)/unit $(TESTS)
check-all: all tests
	@$(TEST_ENV) $(PYTHON) tools/run-tests --timeout 1800 $(O)/unit $(O)/isa tests/cli tests/box tests/engine tests/real
# REAL="tests/real/a.sh tests/real/b.sh" runs only these
REAL ?= tests/real
check-real: all tests
	@$(TEST_ENV) $(PYTHON) tools/run-tests --timeout 900 $(REAL)
asan ubsan:
	@$(MAKE) --no-print-directory MODE=$@ check-unit
check-unit: all tests
	@$(TEST_ENV) $(PYTHON) tools/run-tests --jobs $(JOBS) $(O)/unit
# every fuzzer for FUZZ_SECONDS each
FUZZ_SECONDS ?= 300
fuzz:
	@$(MAKE) --no-print-directory MODE=fuzz run-fuzzers
run-fuzzers: $(FUZZ_BIN)
	@for f in $(FUZZ_BIN); do $(PYTHON) tools/run-fuzzer --seconds $(FUZZ_SECONDS) $$f || exit 1; done

lint:
	@$(PYTHON) tools/lint
fmt:
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r clang-format -i
ready: fmt lint check asan ubsan
bench: all
	@$(TEST_ENV) bench/run
bench-engine: $(O)/archway-engine
	@bench/engine/run --engine $(O)/archway-engine $(BENCH)
include packaging/install.mk
deps:
	@tools/install-deps build
run:
	@tools/tour
clean:
	rm -rf build

help:
	@echo "make [MODE=$(subst  ,|,$(MODES))] [CC=gcc|clang]   build build/<mode>/archway and libarchway.a"
	@echo "make run         install what is missing, build, and run a tour in an arm64 Debian container"
	@echo "make check       the tests that need no network and no root (under 2 minutes)"
	@echo "make check-all   adds the real ones: other architectures, real images, root, Debian packages"
	@echo "make asan|ubsan  the unit tests under a sanitizer"
	@echo "make fuzz        every fuzzer for FUZZ_SECONDS (300) seconds"
	@echo "make isa-random isa-sweep   A64's decoder and texts against LLVM: N random words, all 2^32"
	@echo "make isa-coverage   A64's rows: lifted or not, fuzzed how often, their cost; isa-table keeps it in docs/ISA.md"
	@echo "make row-campaign   100 million instances of it, in pieces: stop and start it at will"
	@echo "make row-fuzz    the engine against QEMU, instruction by instruction (ROWS= CASES= SEED= FUZZ_MODE=)"
	@echo "make suite-python suite-perl   their own test suites, native and under the engine (UNITS= SUITE_OPTIONS=)"
	@echo "make engine-chaos   random code and system calls under the engine for SECONDS (60), in slices"
	@echo "make lint fmt    check, or make, the house style"
	@echo "make ready       fmt + lint + check + sanitizers: before each commit"
	@echo "make bench       the benchmarks; bench-engine compares the engine with QEMU and native (BENCH=)"
	@echo "make deps        install what the build needs (Debian)"
	@echo "make docs        manual pages and shell completions (build/<mode>/doc)"
	@echo "make install     install into DESTDIR=$(DESTDIR) PREFIX=$(PREFIX); make uninstall"

.PHONY: all tests check check-all check-real check-unit asan ubsan fuzz run-fuzzers lint fmt ready bench bench-engine deps run clean help install
-include $(shell find $(O) -name '*.d' 2>/dev/null)
