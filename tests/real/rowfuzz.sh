#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A piece of the row fuzzer's campaign (make row-campaign) that no earlier day had: each day is another seed.
HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=${ARCHWAY_BUILD:-$HERE/../../build/rel}
# the program under test is the engine
ARCHWAY=$BUILD/archway-engine
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
need aarch64-linux-gnu-gcc
"$REPO/tools/oracle-qemu" -q >/dev/null || skip_all "no QEMU to compare with, see tools/oracle-qemu"
[ -x "$BUILD/rowfuzz" ] || skip_all "no rowfuzz in $BUILD: make tests"
seed=${SEED:-$(date +%Y%m%d)}
run "$REPO/tests/diff/campaign" --build="$BUILD" --folder="$T/campaign" --record="$T/campaign.tsv" --seed="$seed" \
    --piece="${PIECE:-20}" --seconds=1
note "$OUT"
found=$(grep -hE '^(wrong|row .*:|memory)' "$T"/campaign/*.log)
if [ "$STATUS" = 0 ] && [ ! "$found" ] && grep -q '^# row: [1-9].* 0 differences' "$T/campaign.tsv"; then
    ok "no difference, seed $seed"
else
    not_ok "no difference, seed $seed" "$(grep -v ^accepted "$T"/campaign/*.log | head -c 8000)" "$ERR" \
        "again: make row-campaign CAMPAIGN='--seed=$seed --seconds=1 --piece=20'"
fi
