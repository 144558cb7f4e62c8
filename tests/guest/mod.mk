# SPDX-License-Identifier: Apache-2.0
# Guest programs: each tests/guest/NAME.c or .S becomes build/guest/NAME, a static program for aarch64.
# `// cc: FLAGS` lines in it add flags. They are the same in every MODE. Without a cross compiler none
# are made, and the tests that want them say so.
GUEST_CC ?= $(firstword $(shell command -v aarch64-linux-gnu-gcc))
GUEST_FLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -static -pthread -Wall -Wextra -Wshadow -Werror
GUEST_SRC := $(wildcard tests/guest/*.c tests/guest/*.S)
GUEST_BIN := $(if $(GUEST_CC),$(patsubst tests/guest/%,build/guest/%,$(basename $(GUEST_SRC))))
define guest_link
	@mkdir -p $(@D)
	@echo "  GUEST-CC $<"
	@$(GUEST_CC) $(GUEST_FLAGS) -o $@ $< $$(sed -n 's,^// cc: ,,p' $<) -lm
endef
build/guest/%: tests/guest/%.c tests/guest/guest.h tests/guest/hidden.h tests/guest/mod.mk
	$(guest_link)
build/guest/%: tests/guest/%.S tests/guest/mod.mk
	$(guest_link)
guests: $(GUEST_BIN)
tests: guests
.PHONY: guests
