# SPDX-License-Identifier: Apache-2.0
box.deps := image binfmt ns codec base
box.libs :=
