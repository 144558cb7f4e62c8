#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The verbs that change rules, by a user who may not: nothing is changed, and every message says what to do.
# What they do where they may is in tests/box/rules.sh.
. "$(dirname "$0")/../lib/common.sh"

if [ "$(as_user stat -Lc %i /proc/self/ns/user)" = 4026531837 ]; then
    before=$(ls -A /proc/sys/fs/binfmt_misc 2>&1)
    run aw install linux/arm64
    right_run "install by a user" 1
    like "names both ways" "$ERR" 'sudo archway install linux/arm64 .*podman unshare archway install linux/arm64'
    for verb in refresh "uninstall all" "register :archway-test:E::archwaytest::/bin/true:"; do
        # shellcheck disable=SC2086 # words
        run aw $verb
        is "${verb%% *} by a user" "$STATUS$OUT" 1
        like "${verb%% *} says why" "$ERR" "rules belong to root"
    done
    run aw register --force ':archway-test:M::\x7fAB::/bin/true:'
    like "the command is whole, and can be pasted" "$ERR" "sudo archway register --force ':archway-test:M::.x7fAB::/bin/true:' "
    run aw disable --instance
    like "with its options" "$ERR" 'sudo archway disable --instance '
    run aw install --user-namespace arm64
    is "--user-namespace outside of one" "$STATUS" 1
    like "says how to get into one" "$ERR" 'podman unshare archway install'
    is "nothing was changed" "$(ls -A /proc/sys/fs/binfmt_misc 2>&1)" "$before"
else
    skip "what is refused on the host" "this is not the first user namespace"
fi
# usage NAME REGEX ARGUMENT...
usage() {
    local name=$1 want=$2
    shift 2
    run aw "$@"
    is "$name: status" "$STATUS$OUT" 2
    like "$name: says why" "$ERR" "$want"
}
usage "an unknown platform" 'vax' install linux/vax
usage "another system" 'Linux' install windows/amd64
usage "--emulator for what" 'for which platform' install --emulator /bin/true
usage "--emulator for all" 'for which platform' install --emulator /bin/true all
usage "enable what" 'name rules' enable
usage "disable both" 'name rules' disable --instance all
usage "uninstall what" 'uninstall' uninstall
usage "register: a fault" 'column 15' register ':archway-test:Q::archwaytest::/bin/true:'
usage "register: bytes" 'column 2: byte .xc3' register ':ä:E::archwaytest::/bin/true:'
run aw install --transparent linux/arm64
if [ "$STATUS" != 0 ]; then
    like "--transparent where the kernel has no flag T" "$ERR" 'this kernel takes no rules with flag T|rules belong to root'
fi
usage "verify: an unknown platform" 'vax' verify linux/vax
usage "verify: no program for it" 'no built-in program' verify sh4
run aw verify --json "$(uname -m)"
right_run "verify this machine" 0 '"works": true'
run aw verify "$(uname -m)" "$(uname -m)"
right_run "verify it once" 0 'works, [0-9.]+ ms, without an emulator$'
is "in one line" "$(wc -l <<<"$OUT")" 1
