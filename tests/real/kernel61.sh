#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian 12's own kernel, 6.1, which has no binfmt_misc instance for a user namespace: native images
# run, foreign ones say what root has to do once, and run when he has done just that.
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/vm.sh"
need qemu-system-x86_64 debootstrap depmod cpio mke2fs
need_subids
debian_image arm64 || exit
as_user cp -- "$IMAGE" "$T/tmp/arm64.tar.zst"
tiny_tar "$T/tmp/tiny.tar"
vm_build "$T/tmp/arm64.tar.zst" "$T/tmp/tiny.tar" || exit

vm_run 500 '
    echo "kernel $(uname -r)"
    echo "== native"
    as_tester archway run --network none /payload/tiny.tar sh -c "echo native \$(uname -m); exit 3"; echo "status $?"
    echo "== foreign, no rule"
    as_tester archway run --network none /payload/arm64.tar.zst uname -m >/tmp/out 2>/tmp/err; echo "status $?"
    cat /tmp/out /tmp/err
    echo "== the command it names"
    # without the sudo that it begins with
    grep -o "sudo archway .*" /tmp/err | tail -n 1 | sed "s/^sudo //" >/tmp/mend
    cat /tmp/mend
    sh -x /tmp/mend; echo "status $?"
    cat /etc/binfmt.d/archway.conf
    ls /proc/sys/fs/binfmt_misc; cat /proc/sys/fs/binfmt_misc/*aarch64*
    echo "== foreign, with it"
    as_tester archway run --network none /payload/arm64.tar.zst sh -c "echo foreign \$(uname -m); ls -A /proc/sys/fs/binfmt_misc | wc -l; seq 3 | sort -r | head -n 1"; echo "status $?"
    echo "== repaired"
    echo -1 >/proc/sys/fs/binfmt_misc/status
    archway refresh; echo "status $?"
    as_tester archway run --network none /payload/arm64.tar.zst uname -m
    echo "== uninstalled"
    archway uninstall all; echo "status $?"
    ls -A /proc/sys/fs/binfmt_misc /etc/binfmt.d
    echo "== a rule without F"
    echo -1 >/proc/sys/fs/binfmt_misc/status
    printf "%s" ":qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64-static:" >/proc/sys/fs/binfmt_misc/register
    as_tester archway run --network none /payload/arm64.tar.zst uname -m; echo "status $?"
    echo "== left"
    ps -eo pid,user,comm | grep -E "archway|crun|qemu" ; grep -c archway /proc/self/mountinfo
'
note "the machine ran with $VM_ACCEL"
part() {
    sed -n "/^== $1\$/,/^== /p" <<<"$OUT" | sed '1d;/^== /d'
}
is "the machine came to its end" "$STATUS" "$([ "$STATUS" = 124 ] && echo 0 || echo "$STATUS")"
like "its kernel is Debian 12's" "$OUT" '^kernel 6\.1\.'
is "a native image runs" "$(part native)" "native x86_64
status 3"
missing=$(part "foreign, no rule")
like "a foreign one without a rule: 125" "$missing" '^status 125$'
like "it says why" "$missing" '6\.7|binfmt'
like "and names the command that mends it" "$missing" 'sudo archway install linux/arm64$'
is "that command works" "$(part 'the command it names' | grep '^status [0-9]')" "status 0"
like "a foreign one with the host's rule runs" "$(part 'foreign, with it')" '^foreign aarch64$'
like "and its status comes back" "$(part 'foreign, with it')" '^status 0$'
like "it is kept over restarts" "$(part 'the command it names')" '^:qemu-aarch64:M::.*:POF$'
like "and, where there is no systemd, it says what to run at boot" "$(part 'the command it names')" 'no systemd here'
like "rules that someone wiped come back" "$(part repaired)" '^registered qemu-aarch64.*someone removed it'
like "and work" "$(part repaired)" '^aarch64$'
like "uninstall ends well" "$(part uninstalled)" '^status 0$'
unlike "uninstall leaves nothing" "$(part uninstalled | grep -v '^removed')" 'qemu-aarch64|archway.conf'
noflag=$(part "a rule without F")
like "a rule without F, whose interpreter is not inside: works or says so" "$noflag" '^aarch64$|F flag|flag F|without F|fix-binary'
is "nothing is left" "$(part left | sed -n 1p)" 0
[ "${test_bad:-0}" -eq 0 ] || note "$OUT"
