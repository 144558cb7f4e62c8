#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/gen-isa: what it makes of a small table, and what it says about faults in tables and lifters.
. "$(dirname "$0")/../lib/common.sh"

command -v python3 >/dev/null || skip_all "no python3"
mkdir "$T/lift"

# try TABLE-LINES [LIFTER]: make everything from a table; the messages go to $out
try() {
    printf 'group int\n%s\n' "$1" >"$T/toy.isa"
    printf '%s\n' 'pick q 30:1 = _ 2' 'form rr % <x:rd>, <x:rn>' >"$T/toy.asm"
    printf '%s\n' "${2:-LIFT(one)}" >"$T/lift/toy_int.c"
    out=$(cd "$T" && "$REPO/tools/gen-isa" toy.isa lift out 2>&1)
}

one='one 0101010101 000000 000000 rn rd | asm: rr'
if try "$one"; then ok "a table is made into C"; else not_ok "a table is made into C" "$out"; fi
like "the lifters that exist are in the table" "$(cat "$T/out/toy_lift_table.c")" 'TOY_ONE\] = toy_lift_one'
is "six files" "$(cd "$T/out" && echo *)" \
    "toy_asm.c toy_asm.h toy_decode.c toy_fields.c toy_lift_table.c toy_rows.h"
touch -d @1 "$T"/out/*
try "$one"
is "what did not change is not written" "$(stat -c %Y "$T/out/toy_rows.h")" 1

# refused NAME WANT TABLE-LINES [LIFTER]
refused() {
    if try "$3" "${4:-}"; then
        not_ok "refused: $1" "it was not"
    else
        like "refused: $1" "$out" "$2"
    fi
}
refused "a lifter of no row" 'toy_int.c: LIFT\(two\): no such row' "$one" 'LIFT(two)'
refused "a row twice" 'toy.isa:2: one: this row twice' "$one"$'\n'"$one"
refused "31 bits" 'toy.isa:2: one: 31 bits' 'one 010101010 000000 000000 rn rd | asm: rr'
refused "an unknown field" 'toy.isa:2: one: no field zz' 'one 0101010101 zz 000000 rn rd | asm: rr'
refused "a field twice" 'toy.isa:2: one: field rn twice' 'one 0101010101 000000 000000 rn rn | asm: rr'
refused "an unknown attribute" 'toy.isa:2: one: no attribute colour' "$one | colour: red"
refused "no text" 'toy.isa:2: one: no text' 'one 0101010101 000000 000000 rn rd'
refused "an operand that is not there" 'toy.isa:2: one: no field rm for <x>' \
    'one 0101010101 000000 000000 rn rd | asm: % <x:rm>'

macro='#define BOTH(n) LIFT(n##_a) { } LIFT(n##_b) { }'
if try 'one_a 0101010101 000000 000000 rn rd | asm: rr
one_b 0101010101 000000 000001 rn rd | asm: rr' "$macro"$'\n''BOTH(one)'; then
    like "lifters made by a macro" "$(cat "$T/out/toy_lift_table.c")" 'TOY_ONE_B\] = toy_lift_one_b'
else
    not_ok "lifters made by a macro" "$out"
fi

# rows_of FILE: the names in a table of rows
rows_of() {
    sed -n 's/^| \([a-z0-9_]*\) | [a-z]* | .* | yes | .*/\1/p' "$1" | sort
}
"$REPO/tools/gen-isa" --coverage "$REPO/src/engine/isa/a64.isa" "$REPO/src/engine/lift" >"$T/now"
is "docs/ISA.md has the rows that there are (else: make isa-table)" "$(rows_of "$REPO/docs/ISA.md")" "$(rows_of "$T/now")"
like "and there are some" "$(tail -n 1 "$T/now")" '^[6-9][0-9][0-9] rows'
