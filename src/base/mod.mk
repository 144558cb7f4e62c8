# SPDX-License-Identifier: Apache-2.0
# libc only
base.deps :=
base.libs :=
