#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whole containers without a network: statuses, streams, volumes, exec, stop, the terminal, a foreign
# program, the end without a trace. The image is a static busybox.
. "$(dirname "$0")/../lib/common.sh"
need crun
need_subids
tiny_tar "$T/tmp/tiny.tar"
img=$T/tmp/tiny.tar
r() { run aw run --network none "$@"; }
r "$img" true
right_run "a first run imports the image" 0

# ---- statuses and messages ------------------------------------------------------------------------
r "$img" sh -c 'exit 7'
is "the program's status" "$STATUS" 7
r "$img" no-such-program
is "127" "$STATUS" 127
is "with one line" "$(wc -l <<<"$ERR")" 1
r "$img" /bin
is "126" "$STATUS" 126
as_user sh -c 'printf "\177ELF\002\001\001damaged program header text beyond repair........" >"$1"; chmod 755 "$1"' sh "$T/tmp/bad"
r -v "$T/tmp/bad:/bad" "$img" /bad
is "a damaged ELF is 126" "$STATUS" 126
like "and is named" "$ERR" '/bad .*ELF'
r -v "$T/tmp/nothing-there/x:/x:ro" "$img" ls -d /x
right_run "-v makes a missing folder" 0 /x
r --mount "type=bind,source=$T/tmp/not-there,target=/x" "$img" true
refused "--mount does not" 'not-there'

r --emulator /bin/true "$img" true
right_run "an emulator for a native image is not used" 0
like "which is said" "$ERR" 'not used'

# ---- identity and what is inside --------------------------------------------------------------------
r -e A=1 --hostname inside -w /tmp "$img" sh -c 'echo "$A $(hostname) $(pwd) $(id -u)"'
right_run "environment, hostname, folder, user" 0 '^1 inside /tmp 0$'
r -u 1000:1000 "$img" id -u
right_run "-u" 0 '^1000$'
r --read-only "$img" touch /x
refused "--read-only" 'ead-only'
r "$img" sh -c 'cat /proc/self/mountinfo; tr "\0" "\n" </proc/1/environ; cat /proc/1/cmdline'
unlike "no path of the host" "$OUT" "$T|$TEST_HOME|share/archway"
like "a short overlay" "$OUT" 'lowerdir=0,upperdir=u,workdir=w'
r "$img" ls -A /proc/sys/fs/binfmt_misc
is "no rule to be seen" "$OUT" ""
r --cap-add ALL "$img" sh -c 'chmod 777 /proc/sys/kernel/core_pattern; echo x >/proc/sys/kernel/core_pattern'
refused "no sysctl of the host" 'ead-only|denied|permitted'
exec 5</etc/passwd 9<"$T"
r "$img" ls /proc/self/fd
is "no descriptor of the caller" "$(tr '\n' ' ' <<<"$OUT")" "0 1 2 3 "
exec 5<&- 9<&-

# ---- streams ----------------------------------------------------------------------------------------
is "100 MB through standard input" \
    "$(head -c 100000000 /dev/zero | as_user "$AW" run -i --network none "$img" wc -c)" 100000000
is "a closed standard input" "$(as_user "$AW" run --network none "$img" cat <&- | wc -c)" 0
is "a reader that goes" "$(as_user "$AW" run --network none "$img" yes | head -n 1)" y

# ---- a living container -------------------------------------------------------------------------------
background as_user "$AW" run --name tester --network none "$img" sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done'
up() { aw ps -q | grep -q . && aw exec tester true; }
wait_for 20 up || not_ok "the container starts"
run aw exec -e B=2 -w /tmp tester sh -c 'echo "$B $(pwd)"; exit 3'
right_run "exec" 3 '^2 /tmp$'
run aw exec tester no-such-program
is "exec: 127" "$STATUS" 127
run aw run --name tester --network none "$img" true
refused "its name is taken" 'in use'
run aw stop tester
right_run "stop" 0
wait "$JOB"
is "its status after stop" "$?" 9
run aw exec tester true
refused "exec into none" 'tester'

# shellcheck disable=SC2046 # as many words
background as_user "$AW" run --name many --network none "$img" sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done' x $(seq 100000)
holds "a container with 100,000 words is found by its name" wait_for 20 aw exec many true
like "and ps shows how its command begins" "$(aw ps | cut -c 1-300)" 'many .* sh -c trap'
aw stop many >/dev/null
wait "$JOB"

# ---- signals that the caller ignores -------------------------------------------------------------------
# a caller that wants nothing of its children hands that on: wait(2) would then find none
run as_user env --ignore-signal=CHLD "$AW" run --network none "$img" sh -c 'exit 3'
right_run "SIGCHLD ignored by the caller" 3
background_as_user env --ignore-signal=HUP "$AW" run --name nohup --network none "$img" \
    sh -c 'trap "exit 9" HUP; while [ ! -e /end ]; do sleep 0.1; done; exit 6'
wait_for 20 aw exec nohup true || not_ok "the container starts"
kill -HUP "$JOB"
wait_for 20 aw exec nohup touch /end
wait "$JOB"
is "nohup: a hangup does not end the container" "$?" 6

# ---- kill -9 --------------------------------------------------------------------------------------------
background as_user sh -c 'echo $$ >"$1"; exec "$2" run --network none "$3" sleep 1000' sh "$T/tmp/pid" "$AW" "$img"
running() { aw ps -q | grep -q .; }
wait_for 20 running || not_ok "the container starts"
kill -KILL "$(cat "$T/tmp/pid")"
gone() { ! pgrep -f '^sleep 1000' >/dev/null; }
holds "kill -9 of archway ends the container" wait_for 5 gone
r "$img" true
is "the next run removes its folder" "$(as_user ls "$T/home/.local/share/archway/containers" | wc -l)" 0

# ---- foreign ----------------------------------------------------------------------------------------------
if command -v qemu-aarch64-static >/dev/null || command -v qemu-aarch64 >/dev/null; then
    as_user mkdir "$T/tmp/arm"
    as_user "$T/bin/mkelf" aarch64 "$T/tmp/arm/hello" "I am aarch64" 5
    run aw run --network none --platform linux/arm64 "$T/tmp/arm" /hello
    right_run "an aarch64 program as the whole image" 5 '^I am aarch64$'
    r -v "$T/tmp/arm:/arm" "$img" sh -c '/arm/hello; echo $?'
    right_run "an aarch64 program in a native container" 0 '^5$'
else
    skip "a foreign program" "no static qemu-aarch64 (tools/install-deps run)"
fi
no_leftovers "nothing is left"
