# SPDX-License-Identifier: Apache-2.0
ns.deps := base
ns.libs :=
