# SPDX-License-Identifier: Apache-2.0
binfmt.deps := codec base
binfmt.libs := -pthread
