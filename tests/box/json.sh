#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What ps and inspect print of a running container has the documented keys (tests/cli/json.sh has all others).
. "$(dirname "$0")/../lib/common.sh"
need python3
need_subids
tiny_rootfs "$T/tmp/root"
"$AW" __doc json >"$T/table"
background_as_user "$AW" run --network none --name json-test "$T/tmp/root" /bin/sleep 60
shown() { aw ps --json | grep -Eq '"pid": *[1-9]'; }
wait_for 20 shown || { not_ok "a container runs" "$(aw ps)"; exit; }
for words in "ps --json" "inspect json-test"; do
    # shellcheck disable=SC2086 # words
    run aw $words
    is "$words" "$(python3 "$LIB/check-json" "$T/table" "${words%% *}" "$T/seen" <"$T/.out")" ""
done
is "all keys of a container are there" "$(sort -u "$T/seen" | grep -c '^ps \[\]\.')" 8
aw stop -t 0 json-test >/dev/null
