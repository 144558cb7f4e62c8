#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Changes of rules that end in the middle: killed at each system call that changes something, a disk that is full,
# folders that cannot be written. What is registered is known for Archway's, the next install makes it good,
# and uninstall then leaves nothing.
. "$(dirname "$0")/../lib/common.sh"
need unshare strace python3
as_user unshare -Urm --pid --fork --mount-proc true 2>/dev/null || skip_all "no user namespaces here"
IFS=.- read -r major minor _ < <(uname -r)
[ $((major * 1000 + minor)) -ge 6007 ] || skip_all "this kernel has no binfmt_misc for user namespaces"
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip_all "no static QEMU for aarch64"
W=$T/tmp/w
as_user mkdir -p "$W/bin" "$W/etc" "$W/run"
as_user cp "$qemu" "$W/bin/qemu-aarch64-static"
as_user python3 "$T/bin/mkelf" aarch64 "$W/hello" hello 3 || skip_all "mkelf does not work"

# The first process of a pid namespace and root of the user namespace: rules are kept as on a host.
user_file "$W/inner" <<'X'
W=$1 A=$2 M=/proc/sys/fs/binfmt_misc
export PATH=$W/bin:$PATH XDG_RUNTIME_DIR=$W/run
cp /etc/passwd /etc/group "$W/etc/" && mount --bind "$W/etc" /etc && mount -t tmpfs none /var/lib
mount -t binfmt_misc none $M || exit 99
install() { "$A" "$@" install --emulator qemu linux/arm64; }
left() {
    find /etc/binfmt.d /etc/systemd /var/lib/archway ! -type d -printf '%p ' 2>/dev/null
    ls $M | grep -vx -e register -e status | tr '\n' ' '
}
hello() { [ "$("$W/hello")" = hello ]; }
# after WHAT: install and uninstall do what they should
after() {
    local bad=
    "$A" install -q --emulator qemu linux/arm64 || bad="$bad, install gives $?"
    "$W/hello" >"$W/said"
    [ $? = 3 ] || bad="$bad, it does not run"
    [ -s /etc/binfmt.d/archway.conf ] || bad="$bad, it is not kept"
    "$A" ls --json | grep -q '"owner": "archway"' || bad="$bad, it is not Archway's"
    "$A" uninstall -q all || bad="$bad, uninstall gives $?"
    [ -z "$(left)" ] || bad="$bad, left: $(left)"
    echo "$1:${bad:- good}"
    echo -1 >$M/status
    rm -rf /var/lib/archway /etc/systemd /etc/binfmt.d
}
CHANGES=write,renameat,rename,unlink,unlinkat,symlink,rmdir,fsync,mkdir,mkdirat,openat,move_mount,mount_setattr
# killed NAME COMMAND...: at each of its changes; CLEAN is for what is there before
killed() {
    local name=$1 n=0 calls
    shift
    eval "$CLEAN"
    strace -f -o "$W/trace" -e "trace=$CHANGES" "$A" "$@" >"$W/said" 2>&1
    # opening counts where it makes a file
    calls=$(grep -n -v -e openat -e '+++' -e '---' -e 'write([12],' "$W/trace" | wc -l)
    after "$name, not killed"
    for call in write renameat unlink unlinkat symlink rmdir fsync mkdirat move_mount; do
        n=$(grep -c -e "^[0-9]* *$call(" "$W/trace")
        for i in $(seq "$n"); do
            eval "$CLEAN"
            strace -f -o "$W/trace2" -e "trace=$call" -e "inject=$call:signal=KILL:when=$i" "$A" "$@" >"$W/said" 2>&1
            after "$name, killed at $call $i"
        done
    done
    echo "$name: $((calls > 9)) that change something"
}
CLEAN=:
killed install install --emulator qemu linux/arm64
CLEAN='"$A" install -q --emulator qemu linux/arm64'
killed uninstall uninstall all
killed refresh refresh --force
CLEAN='"$A" install -q --emulator qemu linux/arm64; cp "$W/bin/qemu-aarch64-static" "$W/bin/other"'
killed change install --emulator "$W/bin/other" linux/arm64

# ---- folders that cannot be written ---------------------------------------------------------------
t() {
    echo "== $1"
    shift
    "$@" 2>&1
    echo "status $?"
}
umount /var/lib
mount -t tmpfs -o size=4k none /var/lib && mkdir /var/lib/archway && touch /var/lib/archway/rules.json.lock && cat /dev/zero >/var/lib/full 2>/dev/null
t "install on a full disk" "$A" install --emulator qemu linux/arm64
t "left then" left
umount /var/lib
mount -t tmpfs none /var/lib
"$A" install -q --emulator qemu linux/arm64
mount -o remount,bind,ro /etc
t "uninstall, and files that stay" "$A" uninstall all
mount -o remount,bind,rw /etc
t "uninstall once more" "$A" uninstall all
t "left after it" left
echo "== at once"
for i in 1 2 3 4 5 6 7 8; do
    "$A" install -q --emulator qemu linux/arm64 &
    "$A" uninstall -q all &
    "$A" refresh -q --force &
done 2>&1
wait
"$A" install -q --emulator qemu linux/arm64
t "at the end" "$A" uninstall all
t "left at the end" left
"$A" install -q --emulator qemu linux/arm64
rm -r /var/lib/archway
echo -1 >$M/qemu-aarch64
t "uninstall without records" "$A" uninstall all
t "left without records" left
X
as_user env T_DIR="$W" unshare -Urm --pid --fork --mount-proc bash "$W/inner" "$W" "$AW" >"$T/log" 2>&1
[ $? != 99 ] || skip_all "binfmt_misc cannot be mounted here"

# section NAME: what stands behind "== NAME"
section() {
    awk -v want="== $1" '/^== / {on = $0 == want; next} on' "$T/log"
}
for what in install uninstall refresh change; do
    is "$what, killed anywhere" "$(grep "^$what, " "$T/log" | grep -v ': good$')" ""
    like "$what was killed" "$(cat "$T/log")" "^$what: 1 that change"
done
like "a full disk is told" "$(section "install on a full disk")" "No space left on device"
like "and is a failure" "$(section "install on a full disk")" "^status 1"
is "and nothing was registered" "$(section "left then" | grep -v '^status' | tr -d ' ' | grep qemu)" ""
like "files that stay are told" "$(section "uninstall, and files that stay")" "Read-only file system"
like "and are a failure" "$(section "uninstall, and files that stay")" "^status 1"
is "the next uninstall removes them" "$(section "uninstall once more")$(section "left after it")" "removed qemu-aarch64 (the rule is not there any more)
status 0status 0"
is "install, uninstall and refresh at once: none fails" "$(section "at once")" ""
is "and uninstall finds all of it" "$(section "at the end")$(section "left at the end")" "removed qemu-aarch64
status 0status 0"
is "also without records" "$(section "uninstall without records")$(section "left without records")" "status 0status 0"

# ---- a mount that ends with its mount namespace ------------------------------------------------------
# is the host's instance mounted in some mount namespace?
mounted() {
    local p
    for p in $(grep -ls -e ' - binfmt_misc ' /proc/[0-9]*/mountinfo); do
        [ "$(readlink "${p%/*}/ns/user")" != 'user:[4026531837]' ] || return 0
    done
    return 1
}
if [ "$(id -u)" = 0 ] && [ "$(readlink /proc/self/ns/user)" = 'user:[4026531837]' ] && ! mounted; then
    run unshare -m "$AW" register --persist=false ':archway-test-side:E::archwaytestside::/bin/true:F'
    refused "rules that end with a mount namespace" 'mounted in this mount namespace only'
    run "$AW" uninstall archway-test-side
    right_run "and their record goes" 0
else
    skip "rules that end with a mount namespace" "needs root, and a host without binfmt_misc"
fi
