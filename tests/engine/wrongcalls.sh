#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Some 400 calls, most of them wrong: results and errors are those of the same calls made natively on this kernel.
HERE=$(cd "$(dirname "$0")" && pwd)
ARCHWAY=${ENGINE:-${ARCHWAY_BUILD:-$HERE/../../build/rel}/archway-engine}
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
need aarch64-linux-gnu-gcc gcc
for compiler in gcc 'aarch64-linux-gnu-gcc -static'; do # -w: that they are wrong is the point
    # shellcheck disable=SC2086
    $compiler -D_GNU_SOURCE -O1 -w -o "$T/bin/wrongcalls.${compiler%%[ -]*}" "$HERE/wrongcalls.c" || not_ok "compile it"
done
run "${AS_USER[@]}" timeout -s KILL 60 "$T/bin/wrongcalls.gcc"
is "natively: status" "$STATUS" 0
natively=$OUT
run "${AS_USER[@]}" timeout -s KILL 60 "$T/bin/archway" "$T/bin/wrongcalls.aarch64"
is "under the engine: status" "$STATUS" 0
is "errors and results" "$(diff <(echo "$natively") <(echo "$OUT"))" ""
