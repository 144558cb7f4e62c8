# SPDX-License-Identifier: Apache-2.0
# What programs beyond ELF look like and who runs them; libc only.
format.deps := base
format.libs :=
