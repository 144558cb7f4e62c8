#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Floating point, three ways: the exact library (src/engine/fp), the engine's translated code, and QEMU. On
# random and adversarial operands, in all rounding modes, with and without FZ, DN and AHP:
#
#   library   scalar instructions: what the library says is what QEMU executes     (tests/diff/fp_guest.c)
#   engine    the same: what the engine executes is what the library says
#   words     every FP row with random registers and immediates, engine and QEMU   (tests/diff/fp_words.c)
#
#   tests/engine/fp.sh                            a slice: COUNT=500 cases an instruction, WORDS=6 a row
#   COUNT=100000 WORDS=500 SEED=$RANDOM tests/engine/fp.sh [NAME]
#                                                 NAME: an instruction of fp_ops.def, or a row
#
# QEMU is the newest one if tools/oracle-qemu has it, else the installed one. Known error of QEMU before
# 9.1: FJCVTZS of a flushed denormal sets Z; "FPToFixedJS" (Arm ARM J1.3) clears it when the fraction's
# bits are not all zero.
HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=${ARCHWAY_BUILD:-$HERE/../../build/rel}
# the program under test is the engine
ARCHWAY=$BUILD/archway-engine
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
need aarch64-linux-gnu-gcc
old='' qemu=()
if program=$("$REPO/tools/oracle-qemu" --cached -q 2>/dev/null); then
    qemu=("$program" -cpu max)
elif program=$(command -v qemu-aarch64-static); then
    qemu=("$program" -cpu max)
    old=1
fi
D=$REPO/tests/diff
mkdir -p "$T/fp"
cd "$T/fp" || exit
host() {
    ${CC:-cc} -O2 -Wall -Wextra -Werror -I"$REPO/src" -I"$BUILD/gen" "$@"
}
guest() {
    aarch64-linux-gnu-gcc -O2 -static -Wall -Wextra -Werror -march=armv8.5-a "$@"
}
# the decoder and disassembler without what leads to the lifters
mapfile -t isa < <(find "$REPO/src/engine/isa" "$BUILD/gen/engine/isa" -name '*.c' ! -name '*lift*')
guest -o guest "$D/fp_guest.c" && guest -o words "$D/fp_words.c" &&
    host -o check "$D/fp_check.c" "$REPO"/src/engine/fp/*.c &&
    host -o wordlist "$D/fp_wordlist.c" "${isa[@]}" || {
    not_ok "build the programs"
    exit
}

# tally NAME: TAP on stdin; one line for all that is well
tally() {
    local line good=0 bad=0
    while IFS= read -r line; do
        case $line in
            'ok - '*) good=$((good + 1)) ;;
            'not ok - fjcvtzs'*)
                if [ "$old" ]; then skip "$1: fjcvtzs" "QEMU's error with FZ"; else bad=1 && not_ok "$1: ${line#not ok - }"; fi
                ;;
            'not ok - '*) bad=1 && not_ok "$1: ${line#not ok - }" "again: SEED=$seed COUNT=$count WORDS=$words $0" ;;
            *) echo "$line" ;;
        esac
    done
    [ "$bad" = 1 ] || [ "$good" = 0 ] || ok "$1: $good instructions"
    [ "$bad$good" != 00 ] || [ "$only" ] || not_ok "$1: nothing was compared"
}

seed=${SEED:-1} count=${COUNT:-500} words=${WORDS:-6} only=${1:-}
if [ "${qemu[*]}" ]; then
    "${qemu[@]}" ./guest "$seed" "$count" "$@" >answers
    ./check "$seed" "$count" "$@" <answers >out
    tally library <out
else
    skip library "no QEMU to execute the instructions"
fi
"$ARCHWAY" ./guest "$seed" "$count" "$@" >answers
./check "$seed" "$count" "$@" <answers >out
was=$old old=''
tally engine <out
old=$was
if [ "${qemu[*]}" ]; then
    ./wordlist "$seed" "$words" "$@" >list
    "${qemu[@]}" ./words <list >want
    "$ARCHWAY" ./words <list >got
    ./wordlist "$seed" "$words" "$@" -- want got >out
    tally words <out
else
    skip words "no QEMU to execute the instructions"
fi
