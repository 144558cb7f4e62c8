#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The FP vectors: every floating-point row in all rounding modes, with and without FZ and DN (and AHP where
# there is half precision), against the results and flags in tests/diff/fp_vectors.bin. Needs no QEMU: the file
# was made with one (tests/diff/fp-vectors, which tells its format).
HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=${ARCHWAY_BUILD:-$HERE/../../build/rel}
# the program under test is the engine
ARCHWAY=$BUILD/archway-engine
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
need aarch64-linux-gnu-gcc
D=$REPO/tests/diff
aarch64-linux-gnu-gcc -O2 -static -Wall -Wextra -Werror -o "$T/fp_vectors" "$D/fp_vectors.c" || {
    not_ok "build the program"
    exit
}
# check NAME EXPECT FILE [OPTION]: EXPECT: what the line of counts ends with
check() {
    local out name=$1 expect=$2 file=$3
    shift 3
    out=$("$ARCHWAY" "$@" "$T/fp_vectors" check <"$file")
    case ${out##*$'\n'} in
        *" words, "*" cases, "$expect) ok "$name: ${out##*$'\n'}" ;;
        *) not_ok "$name" "$(head -n 40 <<<"$out")" "again: archway-engine $* fp_vectors check <${file##*/}" ;;
    esac
}
check "inline and exact" "0 differ" "$D/fp_vectors.bin"
check "exact functions only" "0 differ" "$D/fp_vectors.bin" --vary=4
check "scratch registers at random" "0 differ" "$D/fp_vectors.bin" --vary=79104
# that a wrong result is found: the last outcome of the last word
size=$(stat -c %s "$D/fp_vectors.bin")
head -c $((size - 2)) "$D/fp_vectors.bin" >"$T/wrong"
printf '\x55' >>"$T/wrong"
tail -c 1 "$D/fp_vectors.bin" >>"$T/wrong"
check "a wrong vector is found" "[1-9]* differ" "$T/wrong"
