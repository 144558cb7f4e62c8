#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The exact floating-point library against executed instructions (tests/diff/fp_*): every scalar FP
# instruction on random and adversarial operands, all rounding modes, FZ, DN, AHP.
#
#   tests/engine/fp.sh                         a slice: COUNT=2000 cases an instruction, SEED=1
#   COUNT=100000 SEED=$RANDOM tests/engine/fp.sh [OP]
#   ENGINE=PROGRAM tests/engine/fp.sh          run the instructions by PROGRAM (an engine; on arm64 `env`)
#
# Without ENGINE, QEMU executes them: the newest one if tools/oracle-qemu has it, else the installed one.
# Known error of QEMU before 9.1: FJCVTZS of a flushed denormal sets Z; "FPToFixedJS" (Arm ARM J1.3)
# clears it when the fraction's bits are not all zero.
HERE=$(cd "$(dirname "$0")" && pwd)
# the program under test is not archway
ARCHWAY=/usr/bin/env
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
need aarch64-linux-gnu-gcc
old=''
if [ "${ENGINE:-}" ]; then
    emulator=("$ENGINE")
elif qemu=$("$REPO/tools/oracle-qemu" --cached -q 2>/dev/null); then
    emulator=("$qemu" -cpu max)
elif qemu=$(command -v qemu-aarch64-static); then
    emulator=("$qemu" -cpu max)
    old=1
else
    skip_all "no QEMU to execute the instructions"
fi
mkdir -p "$T/fp"
aarch64-linux-gnu-gcc -O2 -static -Wall -Wextra -Werror -march=armv8.5-a -o "$T/fp/guest" "$REPO/tests/diff/fp_guest.c" &&
    ${CC:-cc} -O2 -Wall -Wextra -Werror -I"$REPO/src" -o "$T/fp/check" "$REPO/tests/diff/fp_check.c" \
        "$REPO"/src/engine/fp/{arith,compare,convert,estimate,muladd,round}.c || {
    not_ok "build the two programs"
    exit
}
seed=${SEED:-1} count=${COUNT:-2000}
"${emulator[@]}" "$T/fp/guest" "$seed" "$count" "$@" | "$T/fp/check" "$seed" "$count" "$@" >"$T/out"
while IFS= read -r line; do
    case $line in
        'ok - '*) ok "${line#ok - }" ;;
        'not ok - fjcvtzs:'*)
            if [ "$old" ]; then skip fjcvtzs "QEMU's error with FZ"; else not_ok "${line#not ok - }"; fi
            ;;
        'not ok - '*) not_ok "${line#not ok - }" "again: SEED=$seed COUNT=$count $0" ;;
        *) echo "$line" ;;
    esac
done <"$T/out"
[ "$test_n" -gt 0 ] || not_ok "some instruction was compared"
