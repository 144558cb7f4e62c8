#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Wrong command lines: status, message on standard error only, and how to mend it.
. "$(dirname "$0")/../lib/common.sh"

# wrong NAME STATUS ERR-REGEX ARGUMENT...
wrong() {
    local name=$1 status=$2 regex=$3
    shift 3
    run aw "$@"
    if [ "$STATUS" != "$status" ]; then
        not_ok "$name" "status: got $STATUS, want $status" "err: $ERR"
    elif [ -n "$OUT" ]; then
        not_ok "$name" "standard output should be empty: $OUT"
    elif [ "$(grep -c '^archway: ' <<<"$ERR")" != 1 ] || ! grep -Eqe "$regex" <<<"$ERR"; then
        not_ok "$name" "err:  $ERR" "want one message like: $regex"
    else
        ok "$name"
    fi
}

wrong "unknown verb" 2 'no archway frobnicate' frobnicate
wrong "verb with a slip" 2 'did you mean archway images' imagse
wrong "Docker's verb" 2 'to mend it: credentials are skopeo' login
wrong "unknown option" 125 'unknown option --platfrom; did you mean --platform' run --platfrom x image
wrong "unknown option of another verb" 2 'unknown option --jsn; did you mean --json' images --jsn
wrong "option of another verb" 2 'belongs to archway run' pull --cap-add ALL image
wrong "unknown letter" 125 'unknown option -X' run -X image
wrong "missing image" 125 'IMAGE is missing' run
wrong "missing value" 125 'needs a value: DIR' run -w
wrong "missing command" 125 'archway exec \[OPTIONS\]' exec some
wrong "missing operand" 2 'IMAGE... is missing|IMAGE is missing' rmi
wrong "too many operands" 2 'one argument too many: "b"' pull a b
wrong "privileged" 125 'to mend it: .*--cap-add' run --privileged image
wrong "detach" 125 'to mend it: .*systemd-run' run -d image
wrong "rm false" 125 'always goes' run --rm=false image
wrong "no boolean" 125 'neither true nor false' run --tty=perhaps image
wrong "platform with a slip" 125 'nearest' run --platform linux/amd46 image
wrong "volume" 125 'run: -v:' run -v a:b:c:d image
wrong "relative working directory" 125 'absolute' run -w there image
wrong "size" 125 '--shm-size' run --shm-size lots image
wrong "environment file that is not there" 125 '/nowhere/env' run --env-file /nowhere/env image
wrong "no image and no network wanted" 125 '.' run --pull never no/such:image

# what an option says is printed, but cannot drive the terminal
run aw run --name $'x\e[31m\nboo' image
is "control characters do not reach the terminal" "$(tr -d '[:print:]\n' <<<"$ERR")" ""
is "nor forge a line" "$(grep -c . <<<"$ERR")" 1

# a full disk, a closed standard output
run bash -c "'$AW' --storage '$T/tmp/s' help >/dev/full"
is "standard output on a full disk: status" "$STATUS" 1
like "standard output on a full disk: message" "$ERR" 'write to standard output: No space left'
run bash -c "'$AW' version >&-"
is "closed standard output is no crash" "$((STATUS < 126))" 1

# nothing that is printed into a pipe is coloured, whatever the environment says
run env TERM=xterm-256color "$AW" frobnicate
unlike "no colours in a pipe" "$ERR" $'\e'
if command -v script >/dev/null; then
    # on_terminal COMMAND: what it prints on a terminal
    on_terminal() {
        script -qec "$1" /dev/null </dev/null 2>&1
    }
    like "colours on a terminal" "$(TERM=xterm NO_COLOR='' on_terminal "$AW frobnicate")" $'\e\\['
    unlike "NO_COLOR" "$(TERM=xterm NO_COLOR=1 on_terminal "$AW frobnicate")" $'\e'
    unlike "TERM=dumb" "$(TERM=dumb NO_COLOR='' on_terminal "$AW frobnicate")" $'\e'
else
    skip "colours on a terminal" "script is not installed"
fi
