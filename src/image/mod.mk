# SPDX-License-Identifier: Apache-2.0
image.deps := ns codec base
image.libs := $(shell tools/libarchive-libs $(CC))
CPPFLAGS += $(shell pkg-config --cflags libarchive)
