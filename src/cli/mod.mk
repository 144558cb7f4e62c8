# SPDX-License-Identifier: Apache-2.0
cli.deps := box image binfmt format ns codec base
cli.libs := $(shell tools/codec-libs $(CC))
