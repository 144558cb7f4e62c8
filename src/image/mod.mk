# SPDX-License-Identifier: Apache-2.0
image.deps := ns codec base
image.libs := $(shell pkg-config --libs libarchive)
CPPFLAGS += $(shell pkg-config --cflags libarchive)
