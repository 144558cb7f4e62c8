#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The programs in tests/guest, each alone, under the engine: output and exit status.
#
#   tests/engine/guest.sh [NAME]...            those, else all
#   ENGINE=qemu tests/engine/guest.sh          the same under tools/oracle-qemu: are the tests right? Its
#                                              vectors are not restored from a signal's context with SVE.
#   ENGINE=native tests/engine/guest.sh        without an emulator (on arm64)
#   ENGINE_OPTIONS=--cosim tests/engine/guest.sh   options for the engine
HERE=$(cd "$(dirname "$0")" && pwd)
ENGINE=${ENGINE:-${ARCHWAY_BUILD:-$HERE/../../build/rel}/archway-engine}
emulator='' qemu=''
read -ra options <<<"${ENGINE_OPTIONS:-}"
case $ENGINE in
    qemu) ENGINE=$("$HERE/../../tools/oracle-qemu") && qemu=1 || exit ;;
    native) ENGINE=/usr/bin/env ;;
esac
[ "$ENGINE" = /usr/bin/env ] || emulator=1
# the program under test is the engine, and it is what the common part copies
ARCHWAY=$ENGINE
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
[ ! "$emulator" ] || ENGINE=$T/bin/archway
need aarch64-linux-gnu-gcc
make -s -j2 -C "$REPO" guests >&2 || { not_ok "build the guest programs"; exit; }

# directive NAME: the text of the head's `// NAME: text` lines
directive() {
    sed -n "s,^// $1: \{0\,1\},,p" "$source"
}
one() {
    local name=$1 args want status extra
    source=$(echo "$REPO/tests/guest/$name".[cS])
    cp -- "$REPO/build/guest/$name" "$T/bin/"
    if [ "$qemu" ] && [ "$(directive qemu)" ]; then
        skip "$name" "QEMU: $(directive qemu)"
        return
    fi
    read -ra args < <(directive args)
    mapfile -t extra < <(directive env)
    [ ! "$qemu" ] || extra+=(QEMU_CPU="max,sve=off,sme=off")
    want=$(directive out)
    [ "$(grep -c '^// out:' "$source")" != 0 ] || want='done'
    status=$(directive status)
    (cd "$T/tmp" && timeout -s KILL "${GUEST_TIMEOUT:-20}" "${AS_USER[@]}" "${extra[@]}" "$ENGINE" "${options[@]}" "$T/bin/$name" "${args[@]}") \
        >"$T/.out" 2>"$T/.err" </dev/null
    STATUS=$?
    OUT=$(tr -d '\0' <"$T/.out")
    ERR=$(tr -d '\0' <"$T/.err")
    # what a program prints of its own place is told apart from the rest
    OUT=${OUT//"$T/bin/"/@/}
    if [ "$STATUS" = "${status:-0}" ] && [ "$OUT" = "$want" ] && [ -z "$ERR" ]; then
        ok "$name"
    else
        not_ok "$name" "status: got $STATUS, want ${status:-0}" "got:  ${OUT:0:2000}" "want: $want" "err:  ${ERR:0:1500}" \
            "again: ENGINE=$ARCHWAY $0 $name"
    fi
}
[ $# -gt 0 ] || mapfile -t all < <(cd "$REPO/tests/guest" && ls -- *.[cS] | sed 's/\.[cS]$//')
for name in "${@:-${all[@]}}"; do one "$name"; done
