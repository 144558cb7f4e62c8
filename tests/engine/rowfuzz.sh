#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A slice of the row fuzzer (tests/diff): the engine against QEMU, single instructions, sequences, loops.
# The long runs are `make row-fuzz`.
HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=${ARCHWAY_BUILD:-$HERE/../../build/rel}
ENGINE=${ENGINE:-$BUILD/archway-engine}
# the program under test is the engine, and it is what the common part copies
ARCHWAY=$ENGINE
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
need aarch64-linux-gnu-gcc
oracle=$("$REPO/tools/oracle-qemu" --cached 2>/dev/null) || skip_all "no QEMU to compare with: run tools/oracle-qemu once"
[ -x "$BUILD/rowfuzz" ] || skip_all "no rowfuzz in $BUILD: make tests"

# slice MODE CASES: some of every row
slice() {
    run "$BUILD/rowfuzz" --oracle="$oracle" --engine="$ENGINE" --runner="$REPO/build/guest/runner" \
        --accepted="$REPO/tests/diff/accepted.txt" --cases-in="$BUILD/row-cases" --seconds=8 --show=6 \
        --mode="$1" --cases="$2" --seed="${SEED:-1}"
    note "$(grep -E '^(row|seq|loop|this|SIGILL|accepted)' <<<"$OUT" | grep -v ': (before)')"
    if [ "$STATUS" = 0 ]; then
        ok "$1: no difference"
    else
        not_ok "$1: no difference" "$(head -c 8000 <<<"$OUT")" "$ERR" "again: make row-fuzz FUZZ_MODE=$1 CASES=$2 SEED=${SEED:-1}"
    fi
}
slice row 256
slice seq 64
slice loop 64

# that it finds what is wrong: the distribution's 7.2 sets Z for FJCVTZS of -0, and no later one does
old=$(command -v qemu-aarch64-static) && "$old" --version | grep -q 'version 7\.2' &&
    run "$BUILD/rowfuzz" --oracle="$oracle" --engine="$old" --runner="$REPO/build/guest/runner" \
        --accepted="$REPO/tests/diff/accepted.txt" --cases-in="$T" --vary=none --rows=fjcvtzs --cases=2000 &&
    right_run "a known mistake of QEMU 7.2 is found" 1 '^  nzcv .*<<<$'
true
