#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian containers of seven architectures, run by an ordinary user with nothing set up: each is what
# it should be, runs programs, pipelines and scripts, and shows nothing of what makes it run.
. "$(dirname "$0")/../lib/common.sh"
need debootstrap skopeo crun newuidmap
need_subids

# What a curious guest can read about where it runs. Printed whole and judged outside, since a
# pattern inside would be found in the searching program's own command line.
LOOK='
    cat /proc/self/mountinfo /proc/mounts
    for p in /proc/[0-9]*; do
        tr "\0" "\n" <$p/cmdline; tr "\0" "\n" <$p/environ
        readlink $p/exe $p/cwd $p/root
        cat $p/maps
    done'

one_platform() {
    local arch=$1 machine=$2
    debian_image "$arch" || return
    run aw run --network none "$IMAGE" uname -m
    right_run "$arch: uname -m" 0 "^$machine\$"
    # where nothing runs, the rest would only repeat the message
    [ "$STATUS" = 0 ] || return
    is "$arch: and nothing else on either output" "$OUT$ERR" "$machine"

    run aw run --network none "$IMAGE" sh -c 'i=0; while [ $i -lt 3 ]; do i=$((i + 1)); echo "round $i"; done; exit 9'
    right_run "$arch: a shell script, and its exit status" 9 '^round 3$'
    run aw run --network none "$IMAGE" sh -c 'seq 1 1000 | grep 7 | sort -rn | head -n 1 | tr 0-9 a-j | cat'
    right_run "$arch: a pipeline of foreign programs" 0 '^jjh$'
    run aw run --network none "$IMAGE" sh -c 'printf "#!/usr/bin/perl\nprint \"perl says \$ARGV[0]\\\\n\";" >/tmp/s; chmod +x /tmp/s; exec /tmp/s hello'
    right_run "$arch: a script with #!" 0 '^perl says hello$'
    run aw run --network none "$IMAGE" sh -c 'printf "#!/tmp/s1 first\n" >/tmp/s2; printf "#!/bin/echo second\n" >/tmp/s1; chmod +x /tmp/s?; /tmp/s2 third'
    right_run "$arch: a script whose interpreter is a script" 0 '^second /tmp/s1 first /tmp/s2 third$'
    run aw run --network none "$IMAGE" apt-get --version
    right_run "$arch: apt" 0 '^apt [0-9.]+ \('

    run aw run --network none "$IMAGE" sh -c 'find / -xdev \( -iname "*qemu*" -o -iname "*archway*" -o -iname "*binfmt*" \) | grep -v "^/proc\|^/usr/share/bash-completion\|^/usr/share/doc"'
    is "$arch: no file of an emulator inside" "$OUT" ""
    run aw run --network none "$IMAGE" ls -A /proc/sys/fs/binfmt_misc
    is "$arch: binfmt_misc is empty" "$OUT" ""
    run aw run --network none "$IMAGE" sh -c "$LOOK"
    right_run "$arch: mounts, command lines, maps and environments can be read" 0 ' /proc '
    local where
    for where in "$T" "$TEST_HOME" .local/share .cache/archway "$TEST_USER"; do
        unlike "$arch: nothing there tells of $where" "$OUT" "${where//./\\.}"
    done
}

while read -r arch machine; do
    one_platform "$arch" "$machine"
done <<'X'
arm64 aarch64
riscv64 riscv64
armhf armv7l
ppc64el ppc64le
s390x s390x
i386 i686
amd64 x86_64
X
no_leftovers "nothing is left running or mounted"
