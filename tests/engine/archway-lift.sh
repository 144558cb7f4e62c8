#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# archway-lift: texts, IR and host code of words from the command line.
. "$(dirname "$0")/../lib/common.sh"

lift=${ARCHWAY_BUILD:-$REPO/build/rel}/archway-lift
[ -x "$lift" ] || skip_all "no $lift"

is "a word's text and row" "$("$lift" --text a64 8b020420 | tr -s ' ')" \
    "400000 8b020420 add x0, x1, x2, lsl #1 add_reg"
is "words stand one after another" "$("$lift" --text a64 d503201f 17ffffff | tail -1 | tr -s ' ')" \
    "400004 17ffffff b 0x400000 b"
like "its IR" "$("$lift" --ir a64 8b020420)" 'ADDSH\.8 .* imm=0x1$'
code=$("$lift" --code a64 8b020420)
like "its code" "$code" '^code: [0-9]+ bytes, 1 slots, 0 may fault$'
if grep -q qword <<<"$code"; then
    like "the code as text" "$code" 'lea.*\[.* \+ 2\*.*\]'
else
    skip "the code as text" "no libLLVM-14"
fi
# what instructions cost: cost.txt
while IFS= read -r line; do
    [[ $line = \#* ]] && continue
    read -r pinned _ <<<"$line"
    words=$(grep -oE ' [0-9a-f]{8}\b' <<<"$line" | tr -d '\n')
    # shellcheck disable=SC2086 # words
    if ! cost=$("$lift" --count a64 $words 2>/dev/null); then
        skip "what instructions cost" "no libLLVM-14 to count with"
        break
    fi
    [ "$cost" -ge "$pinned" ] || note "cheaper than pinned: $cost for$words"
    if [ "$cost" -le "$pinned" ]; then
        ok "at most $pinned host instructions:$words"
    else
        not_ok "at most $pinned host instructions:$words" "got: $cost"
        "$lift" --code a64 $words | sed 's/^/#   /'
    fi
done <"$(dirname "$0")/cost.txt"
like "an undefined word" "$("$lift" a64 00000000)" 'udf #0 .*undefined'
like "it raises" "$("$lift" --ir a64 00000000)" 'RAISE'
for bad in "" "a64" "a64 xyz" "a64 123456789" "mips 0" "--colour a64 0"; do
    # shellcheck disable=SC2086 # words
    "$lift" $bad >/dev/null 2>"$T/err"
    is "refused: archway-lift $bad" "$? $(grep -c usage "$T/err")" "2 1"
done
