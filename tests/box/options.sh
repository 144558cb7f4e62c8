#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the options of `archway run` make of a container, seen from inside: under crun and runc.
. "$(dirname "$0")/../lib/common.sh"
need_subids
image=$T/tmp/tiny.tar
tiny_tar "$image"
run aw run --network none "$image" /bin/true
[ "$STATUS" = 0 ] || skip_all "no container runs here: $ERR"
W=$T/tmp/w
as_user mkdir -p "$W/sub"
as_user sh -c 'echo from-host >"$1/file"; printf "# c\nFILE=1\nHOME_OF_CALLER\nUSER\n" >"$1/env"' sh "$W"

narrow() {
    (umask 077 && "$@")
}

for rt in crun runc; do
    command -v "$rt" >/dev/null || { skip "$rt" "not installed"; continue; }
    box() {
        run aw run --runtime "$rt" --network none "$@"
    }
    box -e USER -e X=a=b -e NOT_SET_ANYWHERE --env-file "$W/env" "$image" /bin/sh -c 'env; echo end'
    right_run "$rt: -e NAME takes the caller's value" 0 "^USER=$TEST_USER\$"
    like "$rt: -e NAME=VALUE" "$OUT" '^X=a=b$'
    like "$rt: --env-file" "$OUT" '^FILE=1$'
    unlike "$rt: a variable that is not set is not passed on" "$OUT" '^(NOT_SET_ANYWHERE|HOME_OF_CALLER)'

    box -u 33:44 -w /made/here "$image" /bin/sh -c 'id -u; id -g; pwd; stat -c %u:%g:%a .'
    right_run "$rt: -u and -w" 0
    is "$rt: the working directory is made and is the user's" "$OUT" $'33\n44\n/made/here\n33:44:755'

    as_user sh -c '"$1" run --runtime "$2" --network none -u 33:44 "$3" sh -c "echo x >/dev/stdout; stat -L -c %u /dev/stdout" >"$4/out"' \
        sh "$AW" "$rt" "$image" "$W"
    is "$rt: a file that takes the output can be opened as /dev/stdout" "$(tail -n 1 "$W/out")" 33
    is "$rt: and belongs to the caller afterwards" "$(stat -c %u:%g "$W/out")" "$TEST_UID:$(id -g "$TEST_USER")"
    rm -f "$W/out"

    box --userns keep-id "$image" /bin/sh -c 'id -u; id -g'
    right_run "$rt: --userns keep-id" 0
    is "$rt: keep-id gives the caller's ids" "$OUT" "$TEST_UID"$'\n'"$(id -g "$TEST_USER")"

    box -v "$W:/w" -v "$W:/ro:ro" -v "$W/new:/new" --mount "type=bind,src=$W/sub,dst=/w/deep" --tmpfs /t:size=1m,mode=0700 \
        "$image" /bin/sh -c 'cat /w/file; echo x >/w/made; echo y >/ro/no || echo ro; echo z >/new/z; echo d >/w/deep/d
            grep " /t " /proc/mounts; stat -c %a /t'
    right_run "$rt: mounts" 0 '^from-host$'
    like "$rt: ro is read-only" "$OUT" '^ro$'
    like "$rt: a tmpfs has its options" "$OUT" '/t tmpfs rw,nosuid,nodev,noexec.*size=1024k'
    like "$rt: a tmpfs has its mode" "$OUT" '^700$'
    is "$rt: what is written belongs to the caller" "$(stat -c %u "$W/made" "$W/new/z" "$W/sub/d" | sort -u)" "$TEST_UID"
    rm -f "$W"/made "$W"/sub/d; rm -rf "$W/new"
    box -v "$W/file:/one:ro" -v "$W/file:/bin/../two" --mount "type=bind,src=$W/file,dst=/three,ro" "$image" \
        /bin/sh -c 'cat /one /two /three; echo y 2>/dev/null >/one || echo y 2>/dev/null >/three || echo ro'
    right_run "$rt: single files, read-only too" 0
    is "$rt: single files can be read, and read-only ones not written" "$OUT" $'from-host\nfrom-host\nfrom-host\nro'
    box --device /dev/null:/dev/one:r --device /dev/null:/dev/two "$image" /bin/sh -c 'echo >/dev/one && echo wrote'
    right_run "$rt: devices" 0
    is "$rt: it says that a device cannot be made read-only" "$(grep -c '/dev/null:r.*no effect' <<<"$ERR") $OUT" "1 wrote"
    box -v data:/x "$image" /bin/true
    refused "$rt: a named volume is refused, with the way out" 'named volume'
    box --mount "type=bind,src=$W/nowhere,dst=/x" "$image" /bin/true
    refused "$rt: --mount of what is not there" "$W/nowhere"

    box --read-only --tmpfs /tmp -v /vol "$image" /bin/sh -c 'echo >/x 2>/dev/null || echo ro; echo >/tmp/x && echo >/vol/x && echo rw'
    right_run "$rt: --read-only" 0
    is "$rt: only what is mounted can be written" "$OUT" $'ro\nrw'

    box --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges --ulimit nofile=99 "$image" \
        /bin/sh -c 'grep -E "CapEff|CapBnd|NoNew|Seccomp:" /proc/self/status; grep "open files" /proc/self/limits'
    right_run "$rt: capabilities" 0 '^CapEff:.0000000000000001$'
    like "$rt: no-new-privileges" "$OUT" '^NoNewPrivs:.1$'
    like "$rt: the filter is there" "$OUT" '^Seccomp:.2$'
    like "$rt: --ulimit" "$OUT" 'open files +99 +99'
    box --security-opt seccomp=unconfined "$image" /bin/grep Seccomp: /proc/self/status
    right_run "$rt: seccomp=unconfined" 0 '^Seccomp:.0$'

    box --hostname boxy --add-host db:192.0.2.1 --dns 192.0.2.53 "$image" /bin/sh -c 'cat /etc/hostname /etc/hosts; cat /proc/sys/kernel/hostname'
    right_run "$rt: --hostname" 0 '^127.0.1.1.boxy$'
    like "$rt: --add-host" "$OUT" '^192.0.2.1.db$'
    is "$rt: the kernel's host name" "$(tail -1 <<<"$OUT")" boxy

    box --entrypoint /bin/echo "$image" one two
    right_run "$rt: --entrypoint" 0 '^one two$'
    box "$image" /bin/nothing
    right_run "$rt: no such program" 127
    box "$image" /etc
    right_run "$rt: a folder is no program" 126
    # the caller's umask is not the container's
    run narrow aw run --runtime "$rt" --network none -u 33 -w /a/b "$image" /bin/sh -c 'umask; cat /etc/hostname >/dev/null && echo readable'
    is "$rt: the caller's umask stays outside" "$OUT" $'0022\nreadable'
done
