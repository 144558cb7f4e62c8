#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --cosim: machine code beside the IR's interpreter. The programs of tests/guest pass under it, and code
# that is wrong on purpose (--cosim-spoil) is found.
#
#   COSIM_ALL=1 tests/engine/cosim.sh      the long programs, too
HERE=$(cd "$(dirname "$0")" && pwd)
ARCHWAY=${ENGINE:-${ARCHWAY_BUILD:-$HERE/../../build/rel}/archway-engine}
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
ENGINE=$T/bin/archway
need aarch64-linux-gnu-gcc
make -s -j2 -C "$REPO" guests >&2 || { not_ok "build the guest programs"; exit; }
guest() { # OPTIONS... NAME: into OUT, ERR, STATUS
    local name=${*: -1}
    cp -- "$REPO/build/guest/$name" "$T/bin/"
    run "${AS_USER[@]}" timeout -s KILL 60 "$ENGINE" "${@:1:$#-1}" "$T/bin/$name"
}

# ---- programs: what guest.sh wants of them; a difference would be a status and a report
long=' cgoto recursion strings longjmp pipes manycode intloop sigasync spawnload floatloop clocks '
names=()
for file in "$REPO"/tests/guest/*.[cS]; do
    name=$(basename "${file%.*}")
    if [[ $long == *" $name "* && ! ${COSIM_ALL:-} ]]; then
        skip "$name" "seconds; COSIM_ALL=1 runs it"
    else
        names+=("$name")
    fi
done
while IFS= read -r line; do
    case $line in
        'ok '*) ok "${line#ok * - }" ;;
        'not ok '*) not_ok "${line#not ok * - }" "again: ENGINE_OPTIONS=--cosim $HERE/guest.sh ${line#not ok * - }" ;;
        '#'*) echo "$line" ;;
    esac
done < <(ENGINE=$ARCHWAY ENGINE_OPTIONS=--cosim GUEST_TIMEOUT=200 "$HERE/guest.sh" "${names[@]}" 2>&1)
for name in hello fault sigctx intloop; do
    guest --cosim --stats "$name"
    like "$name: everything was compared" "$ERR" 'cosim: [1-9][0-9]{3,} regions compared, 0 not$'
done
guest --cosim --stats threads
like "with several threads nothing is" "$ERR" 'cosim: [1-9][0-9]* regions compared, [1-9][0-9]* not$'

# ---- wrong code: another operation than the region's, or of another size
spoil() { # FROM:TO PROGRAM WHAT
    guest --cosim "--cosim-spoil=$1" "$2"
    is "spoilt $1 in $2: status" "$STATUS" 70
    like "spoilt $1 in $2: report" "$ERR" "^archway-engine: cosim: $3 differs, instructions 0x[0-9a-f]+ to 0x[0-9a-f]+ of region"
}
spoil ADD:SUB hello '(x[0-9]+|sp)'
spoil LD:4 hello 'x[0-9]+'
spoil ST:NOP hello 'memory at 0x[0-9a-f]+'
spoil ST:8 hello 'memory at 0x[0-9a-f]+'
spoil PUTF:NOP hello 'nzcv'
spoil PUTV:NOP hello 'v[0-9]+'
spoil JZ:JNZ hello 'way out'
spoil FADD:FSUB floatloop '[xv][0-9]+'
spoil FMUL:FDIV fenv '(fpsr|[xv][0-9]+)'
like "report: the code" "$ERR" '^    v[0-9]+ = FMUL'
like "report: both states" "$ERR" '^. v31 high'
like "report: differences are marked" "$ERR" '^\* '

# ---- options
guest --cosim="$T/tmp/report" --cosim-spoil=ADD:SUB hello
is "--cosim=FILE: nothing on standard error" "$STATUS $ERR" "70 "
like "--cosim=FILE: the report" "$(cat "$T/tmp/report")" '^archway-engine: cosim: '
guest --cosim-spoil=ADD:SUB hello
is "--cosim-spoil without --cosim does nothing" "$STATUS $OUT" "0 hello, world"
guest --cosim --cosim-spoil=ADD:NOTHING hello
is "--cosim-spoil with no operation" "$STATUS" 2
