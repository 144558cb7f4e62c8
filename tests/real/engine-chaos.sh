#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A slice of the chaos fuzzer (tools/engine-chaos), from a fresh seed: a guest that runs random bytes and makes
# random system calls must not crash or hang the engine, nor see where it is.
#
#   CHAOS_SEED=N CHAOS_SECONDS=N tests/real/engine-chaos.sh
HERE=$(cd "$(dirname "$0")" && pwd)
ENGINE=${ENGINE:-${ARCHWAY_BUILD:-$HERE/../../build/rel}/archway-engine}
# the program under test is the engine, and it is what the common part copies
ARCHWAY=$ENGINE
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
need aarch64-linux-gnu-gcc
need_subids
make -s -j2 -C "$REPO" build/guest/chaos >&2 || { not_ok "build the guest"; exit; }
seed=${CHAOS_SEED:-$((RANDOM * 32768 + RANDOM))}
note "again: CHAOS_SEED=$seed $0"
run env ARCHWAY_TEST_USER="$TEST_USER" "$REPO/tools/engine-chaos" --engine="$ENGINE" --guest="$REPO/build/guest/chaos" \
    --seed="$seed" --seconds="${CHAOS_SECONDS:-60}"
right_run "random bytes and system calls for ${CHAOS_SECONDS:-60} s" 0 '0 findings'
unlike "and children were run" "$OUT" 'children up to 0,'
note "$(tail -n 1 <<<"$OUT")"
