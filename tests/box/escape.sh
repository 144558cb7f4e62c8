#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a container with every right must not reach through what it was given: a read-only volume, an
# input file, a folder as standard input. And the pid that ps shows.
. "$(dirname "$0")/../lib/common.sh"
need crun
need_subids
tiny_tar "$T/tmp/tiny.tar"
img=$T/tmp/tiny.tar
r() { run aw run --network none "$@"; }
as_user mkdir -p "$T/tmp/vol"
as_user sh -c 'echo kept >"$1/f"' sh "$T/tmp/vol"

for runtime in crun runc; do
    command -v $runtime >/dev/null || continue
    r --runtime $runtime --cap-add ALL --security-opt seccomp=unconfined -v "$T/tmp/vol:/vol:ro" "$img" \
        sh -c 'mount -o remount,bind,rw /vol; echo changed >/vol/f; exit 0'
    right_run "$runtime: a read-only volume is remounted" 0
    is "$runtime: its file is as it was" "$(cat "$T/tmp/vol/f")" kept
done
run as_user sh -c '"$1" run --network none -i "$2" sh -c "echo changed >/proc/self/fd/0; cat" <"$3"' sh "$AW" "$img" "$T/tmp/vol/f"
like "an input file arrives" "$OUT" kept
is "and cannot be written" "$(cat "$T/tmp/vol/f")" kept
run as_user sh -c '"$1" run --network none -i "$2" ls /proc/self/fd/0/.. <"$3"' sh "$AW" "$img" "$T/tmp/vol"
is "a folder as standard input is refused" "$STATUS" 125
run timeout 20 "$LIB/pty" 'expect:ready' 'send:one\n' 'send:\x04' 'expect:done' -- \
    "${AS_USER[@]}" "$AW" run --network none -i "$img" sh -c 'echo ready; cat >/dev/null; echo done'
is "-i without -t: Ctrl-D on the terminal ends the input" "$STATUS" 0

as_user "$AW" run --network none --name pids "$img" sleep 1234 >/dev/null 2>&1 </dev/null &
test_jobs+=($!)
shown() { aw ps --json | grep -Eq '"pid": *[1-9]'; }
wait_for 10 shown || not_ok "the container starts"
pid=$(aw ps --json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
is "ps shows the program's pid outside" "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "sleep 1234 "
run aw stop -t 0 pids
