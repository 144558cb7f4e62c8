#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `archway run` as a process: exit statuses, signals, kill -9, long pipes, terminals. For a native
# container and a foreign one. After each case nothing may be left: no process, mount or file.
. "$(dirname "$0")/../lib/common.sh"
need skopeo crun newuidmap script
need_subids
debian_image arm64 || exit
FOREIGN=$IMAGE
tiny_tar "$T/tmp/tiny.tar"
NATIVE=$T/tmp/tiny.tar

# running IMAGE-OPTIONS...: start in the background; PID is archway's own
running() {
    background_as_user "$AW" run "$@" >"$T/bg.out" 2>"$T/bg.err" </dev/null
    PID=$JOB
}
says() {
    grep -q "$1" "$T/bg.out"
}
ended_with() {
    local name=$1 want=$2
    { wait "$PID"; } 2>/dev/null
    is "$name" $? "$want"
}

cases() {
    local kind=$1 image=$2 before
    run aw run "$image" true
    right_run "$kind: warm" 0 || return
    before=$(user_files)

    # ---- exit statuses, as Docker's ----------------------------------------------------------------
    local status
    for status in 0 1 7 125 126 127 255; do
        run aw run "$image" sh -c "exit $status"
        is "$kind: exit $status" "$STATUS" "$status"
    done
    if [ "$kind" = native ]; then
        run aw run "$image" sh -c 'kill -TERM $$; sleep 1; exit 1'
        is "$kind: PID 1 is not ended by a signal it does not handle" "$STATUS" 1
    else
        # it gives itself the default action and waits for an end that the kernel keeps from a PID 1
        skip "$kind: PID 1 is not ended by a signal it does not handle" "QEMU as PID 1 hangs there for ever"
    fi
    run aw run --init "$image" sh -c 'kill -TERM $$'
    is "$kind: ended by SIGTERM below an init" "$STATUS" 143
    run aw run --init "$image" sh -c 'kill -KILL $$'
    is "$kind: ended by SIGKILL below an init" "$STATUS" 137
    run aw run --no-such-option "$image" true
    is "$kind: an unknown option is 125" "$STATUS" 125
    run aw run "$image" /etc/passwd
    is "$kind: what cannot be executed is 126" "$STATUS" 126
    like "$kind: and is named" "$ERR" '/etc/passwd'
    run aw run "$image" no-such-program
    is "$kind: what is not found is 127" "$STATUS" 127
    like "$kind: and is named" "$ERR" 'no-such-program'
    run aw run "$image" /no/such/program
    is "$kind: nor a path" "$STATUS" 127
    run aw run -w /etc/passwd/x "$image" true
    is "$kind: an impossible working directory is 125 to 127" "$((STATUS >= 125 && STATUS <= 127))" 1
    no_leftovers "$kind: after these, nothing is left" "$before"

    # ---- signals -----------------------------------------------------------------------------------
    local sig number
    for sig in TERM INT HUP QUIT USR1 USR2; do
        number=$(kill -l $sig)
        running "$image" sh -c "trap 'echo got-$sig; exit $((number + 40))' $sig; echo ready; while :; do sleep 0.1; done"
        wait_for 20 says ready || not_ok "$kind: the container starts" "$(cat "$T/bg.err")"
        kill -$sig $PID
        ended_with "$kind: SIG$sig reaches the program, whose status comes back" $((number + 40))
        like "$kind: SIG$sig was handled inside" "$(cat "$T/bg.out")" "got-$sig"
    done
    running --init "$image" sleep 100
    sleep 1.5
    kill -TERM $PID
    ended_with "$kind: SIGTERM ends a program below an init" 143
    no_leftovers "$kind: after signals, nothing is left" "$before"

    # ---- kill -9 -----------------------------------------------------------------------------------
    running "$image" sh -c 'sleep 1000 & echo ready; sleep 1000'
    wait_for 20 says ready || not_ok "$kind: the container starts" "$(cat "$T/bg.err")"
    kill -KILL $PID
    ended_with "$kind: kill -9" 137
    no_leftovers "$kind: after kill -9 of archway no process and no mount is left"
    run aw run "$image" true
    right_run "$kind: the next run" 0
    no_leftovers "$kind: has cleaned up what the killed one left" "$before"
    # at random moments of the start, which is where half-done things are
    local i
    for i in 01 02 04 06 08 12 16 24 32; do
        running "$image" sleep 1000
        sleep "0.$i"
        kill -KILL $PID
        { wait $PID; } 2>/dev/null
    done
    no_leftovers "$kind: killed at nine moments of its start, no process and no mount is left"
    run aw run "$image" true
    right_run "$kind: the next run" 0
    no_leftovers "$kind: has cleaned up after all of them" "$before"

    # ---- pipes -------------------------------------------------------------------------------------
    local got
    got=$(head -c 1073741824 /dev/zero | aw run -i "$image" sh -c 'wc -c' 2>&1)
    is "$kind: 1 GiB through standard input" "$got" 1073741824
    got=$(aw run "$image" sh -c 'head -c 268435456 /dev/zero' 2>"$T/.err" | wc -c)
    is "$kind: 256 MiB through standard output" "$got" 268435456
    got=$(echo text | aw run "$image" sh -c 'cat; echo end' 2>&1)
    is "$kind: without -i standard input is empty" "$got" end
    got=$(printf 'a\0b\377' | aw run -i "$image" cat | od -An -tx1)
    is "$kind: bytes are left as they are" "$got" " 61 00 62 ff"
    run aw run "$image" sh -c 'echo to-out; echo to-err >&2'
    is "$kind: the outputs are kept apart" "$OUT/$ERR" "to-out/to-err"
    aw run "$image" sh -c 'yes 2>/dev/null' 2>"$T/.err" | head -n 1 >"$T/.out"
    is "$kind: a reader that goes away" "$(cat "$T/.out")" y
    run as_user sh -c 'exec "$@" <&-' sh "$AW" run "$image" echo fine
    right_run "$kind: with standard input closed" 0 '^fine$'
    no_leftovers "$kind: after pipes, nothing is left" "$before"

    # ---- terminals ---------------------------------------------------------------------------------
    run as_user script -qec "$AW run -it $image sh -c 'test -t 0 && test -t 1 && test -t 2 && tty; exit 5'" /dev/null
    is "$kind: -t under script(1): the status" "$STATUS" 5
    like "$kind: -t: it has a terminal" "$OUT" '/dev/(pts/|console)'
    # no `read` here: a signal that comes just before it blocks stays unseen until there is input
    run "$LIB/pty" 33x101 'expect:ready' size:44x122 'expect:winch' 'expect:44 122' -- \
        "${AS_USER[@]}" "$AW" run -it "$image" sh -c 'stty size; trap "echo winch; stty size; exit 6" WINCH; echo ready; while :; do sleep 0.1; done'
    is "$kind: SIGWINCH: what pty saw" "$STATUS" 6
    like "$kind: the size at the start" "$OUT" '33 101'
    run "$LIB/pty" 'expect:ready' 'send:\x03' 'expect:interrupted' -- \
        "${AS_USER[@]}" "$AW" run -it "$image" sh -c 'trap "echo interrupted; exit 8" INT; echo ready; while :; do sleep 0.1; done'
    is "$kind: Ctrl-C on the terminal" "$STATUS" 8
    run "$LIB/pty" 'expect:ready' 'send:one\x04' 'send:\x04' 'expect:done' -- \
        "${AS_USER[@]}" "$AW" run -it "$image" sh -c 'echo ready; cat >/dev/null; echo done'
    is "$kind: Ctrl-D ends the input" "$STATUS" 0
    run aw run -t "$image" sh -c 'test -t 1 && echo terminal'
    like "$kind: -t without a terminal outside is as Docker's: a terminal inside, or a refusal" "$OUT$ERR" 'terminal|TTY|tty'
    no_leftovers "$kind: after terminals, nothing is left" "$before"
}

cases native "$NATIVE"
cases foreign "$FOREIGN"
