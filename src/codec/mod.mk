# SPDX-License-Identifier: Apache-2.0
codec.deps := base
codec.libs := $(shell pkg-config --libs json-c libcrypto)
CPPFLAGS += $(shell pkg-config --cflags json-c libcrypto)
