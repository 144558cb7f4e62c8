# SPDX-License-Identifier: Apache-2.0
# archway-format: registered for the formats of src/format; static, so that it runs in any container.
launch.deps := format base
launch.libs :=
LAUNCH_LDFLAGS := $(if $(filter rel dbg,$(MODE)),-static-pie,-pie) $(LDFLAGS_$(MODE)) $(LDFLAGS)
$(O)/archway-format: $(O)/lib/launch.a $(O)/lib/format.a $(O)/lib/base.a
	@echo "  LD $@"
	@$(CC) $(LAUNCH_LDFLAGS) -o $@ $^
all: $(O)/archway-format
