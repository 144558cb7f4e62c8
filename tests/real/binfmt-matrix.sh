#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The verbs about rules in every situation that a binfmt_misc can be in: as root, as a user, in `podman unshare`, in
# nested user namespaces; not mounted, mounted twice, read-only, as an automount, switched off, gone with its last
# mount. Each command gives the right result, or status 1 and what mends it.
. "$(dirname "$0")/../lib/common.sh"
need unshare python3
as_user unshare -Urm true 2>/dev/null || skip_all "no user namespaces here"
IFS=.- read -r major minor _ < <(uname -r)
[ $((major * 1000 + minor)) -ge 6007 ] || skip_all "this kernel has no binfmt_misc for user namespaces"
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip_all "no static QEMU for aarch64"
W=$T/tmp/w
as_user mkdir -p "$W/bin" "$W/run" "$W/other"
as_user cp "$qemu" "$W/bin/qemu-aarch64-static"
as_user python3 "$T/bin/mkelf" aarch64 "$W/hello" hello 3 || skip_all "mkelf does not work"

# In a situation: x NAME STATUS REGEX COMMAND...: the command ends with STATUS (or one of A|B) and prints a line like
# REGEX on one of its outputs.
cat >"$T/bin/prelude" <<'X'
M=/proc/sys/fs/binfmt_misc
export PATH=$W/bin:$A:$PATH
x() {
    local name=$1 want=$2 re=$3 out status
    shift 3
    out=$("$@" 2>&1 </dev/null)
    status=$?
    if [[ $status =~ ^($want)$ ]] && grep -Eqe "$re" <<<"$out"; then
        echo "+ $name"
    else
        printf '%s\n' "- $name" "status: got $status, want $want" "want a line like: $re" "got: $out"
    fi
}
hello() { "$W/hello"; }
X
# situation NAME COMMAND...: the script on standard input, started by the command
situation() {
    local title=$1 name='' line lines=() n=0
    shift
    cat "$T/bin/prelude" - >"$T/bin/script"
    while IFS= read -r line; do
        case $line in
            [+-]\ *)
                [ -z "$name" ] || not_ok "$name" "${lines[@]}"
                name='' lines=() n=$((n + 1))
                if [ "${line:0:1}" = + ]; then ok "$title: ${line:2}"; else name="$title: ${line:2}"; fi
                ;;
            *) lines+=("$line") ;;
        esac
    done < <("$@" env W="$W" A="$T/bin" XDG_RUNTIME_DIR="$T/run" bash "$T/bin/script" 2>&1)
    [ -z "$name" ] || not_ok "$name" "${lines[@]}"
    [ $n -gt 0 ] || not_ok "$title" "it did not come about" "${lines[@]}"
}

# ---- the host's instance ---------------------------------------------------------------------------------
if [ "$(as_user stat -Lc %i /proc/self/ns/user)" = 4026531837 ]; then
    situation "a user on the host" as_user <<'X'
x install 1 'sudo archway install linux/arm64 .*podman unshare archway install linux/arm64' archway install linux/arm64
for verb in 'uninstall all' refresh 'enable all' 'disable all' 'register :archway-matrix:E::archwaymatrix::/bin/true:F'; do
    x "$verb" 1 'sudo archway' archway $verb
done
if grep -q ' - binfmt_misc ' /proc/self/mountinfo; then
    x ls 0 '^NAME' archway ls
else
    x "ls, not mounted" 1 'mount -t binfmt_misc' archway ls
fi
x which 0 '^runs +yes' archway which /bin/true
X
fi
# Only rules for an extension that nobody has: the host's instance is everybody's.
if [ "$(id -u)" = 0 ] && [ "$(stat -Lc %i /proc/self/ns/user)" = 4026531837 ] &&
    unshare -m --propagation private mount -t tmpfs none /mnt 2>/dev/null; then
    cat >"$T/bin/aside" <<'X'
#!/bin/bash
# a mount namespace where nothing of ours reaches the machine, and binfmt_misc is not mounted
for d in /var/lib /etc/binfmt.d /etc/systemd/system; do [ ! -d $d ] || mount -t tmpfs none $d; done
while umount -l /proc/sys/fs/binfmt_misc 2>/dev/null; do :; done
exec "$@"
X
    chmod 755 "$T/bin/aside"
    situation "root on the host" unshare -m --propagation private "$T/bin/aside" <<'X'
cd /tmp
printf AAAA >/var/lib/a.archwaymatrix && chmod 755 /var/lib/a.archwaymatrix
file=/var/lib/a.archwaymatrix rule=':archway-matrix:E::archwaymatrix::/bin/true:F'
x "ls, not mounted" 1 'mount -t binfmt_misc' archway ls
x "which, not mounted" 126 'none to be seen' archway which $file
x "a dry run mounts nothing" 0 '^mount ' archway register -n "$rule"
x "nor does it record anything" 2 'No such' ls /var/lib/archway
x "refresh with nothing to do" 0 '^$' archway refresh
# the mount is this namespace's alone, unless the machine has one, too
x "register: it is mounted, and whether that lasts is told" '0|1' 'registered archway-matrix' archway register --persist "$rule"
x "it runs" 0 '' $file
x "ls" 0 '^archway-matrix +\*\.archwaymatrix +enabled' archway ls
x "kept over restarts" 0 'archway-matrix' cat /etc/binfmt.d/archway.conf
x "disable" 0 'disabled' archway disable archway-matrix
x "which, disabled" 126 'archway-matrix matches, but is switched off' archway which $file
x "enable" 0 'enabled' archway enable archway-matrix
x "which" 0 '^step 1 +rule archway-matrix \(F\)' archway which $file
mount -o remount,bind,ro $M
x "read-only: ls" 0 '^archway-matrix' archway ls
x "read-only: disable" 1 'mount -o remount,rw' archway disable archway-matrix
x "read-only: refresh" 1 'mount -o remount,rw' archway refresh --force
x "read-only: uninstall" 1 'mount -o remount,rw' archway uninstall archway-matrix
x "read-only: it runs" 0 '' $file
mount -o remount,bind,rw $M
x "uninstall" 0 'removed archway-matrix' archway uninstall archway-matrix
x "uninstall once more" 1 'no rule of Archway' archway uninstall archway-matrix
x "nothing is left" 0 '^$' find /var/lib /etc/binfmt.d /etc/systemd/system -name '*archway' -o -name '*archway[-.]*[a-z]' ! -name '*.archwaymatrix'
mount --bind $M /etc/systemd/system && umount $M
x "mounted elsewhere: ls" 0 '^NAME' archway ls
X
    cat >"$T/bin/automount" <<'X'
#!/usr/bin/env python3
# A direct automount of binfmt_misc at its usual place, as systemd makes one. With "mute" it never answers.
import ctypes, fcntl, os, struct, sys
where, mute = '/proc/sys/fs/binfmt_misc', sys.argv[1] == 'mute'
READY, FAIL = 0x9360, 0x9361
libc = ctypes.CDLL(None, use_errno=True)
def mount(source, kind, options):
    if libc.mount(source, where.encode(), kind, 14 if kind != b'autofs' else 0, options) < 0:
        sys.exit('mount %s: %s' % (kind.decode(), os.strerror(ctypes.get_errno())))
os.setpgid(0, 0)
r, w = os.pipe()
mount(b'test', b'autofs', b'fd=%d,pgrp=%d,minproto=5,maxproto=5,direct' % (w, os.getpgrp()))
os.close(w)
print('ready', flush=True)
if mute:
    sys.exit()
root = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
while True:
    packet = os.read(r, 4096)
    if not packet:
        break
    token = struct.unpack_from('=iiI', packet)[2]
    mount(b'binfmt_misc', b'binfmt_misc', None)
    fcntl.ioctl(root, READY, token)
X
    chmod 755 "$T/bin/automount"
    if grep -qw autofs /proc/filesystems; then
    situation "an automount" unshare -m --propagation private "$T/bin/aside" <<'X'
mute() { automount mute >/dev/null; }
mkfifo /var/lib/fifo
automount answers >/var/lib/fifo 2>&1 &
read -r word </var/lib/fifo
x "is made" 0 ready echo "$word"
x "is not triggered" 1 '^$' grep -e ' - binfmt_misc ' /proc/self/mountinfo
kill $! 2>/dev/null; wait
umount -l $M; umount -l $M
automount answers >/var/lib/fifo 2>&1 &
read -r word </var/lib/fifo
x "ls triggers it" 0 '^NAME' archway ls
x "and it is mounted" 0 ' - binfmt_misc ' cat /proc/self/mountinfo
kill $!; wait
umount -l $M; umount -l $M
automount mute >/dev/null
x "that does not answer: ls" 1 'systemctl restart proc-sys-fs-binfmt_misc.automount' archway ls
x "that does not answer: register" 1 'automount on .* mounts nothing' archway register ':archway-matrix:E::archwaymatrix::/bin/true:F'
X
    else
        skip "an automount" "this kernel has no autofs"
    fi
else
    skip "root on the host, and an automount" "needs root in the first user namespace, who may mount"
fi

# ---- a user namespace's own -----------------------------------------------------------------------------------
situation "a user namespace" as_user unshare -Urm <<'X'
# from here on the host's rules do not count
mount -t binfmt_misc none $M && umount $M
x "not mounted: ls" 1 'mount -t binfmt_misc' archway ls
x "not mounted: show" 1 'mount -t binfmt_misc' archway show x
x "not mounted: which" 126 'a program for aarch64, and no rule for it' archway which "$W/hello"
x "not mounted: verify" 1 'no rule for its programs' archway verify linux/arm64
x "not mounted: verify all that there is" 1 'archway install' archway verify
x "not mounted: enable" 1 'no binfmt_misc of its own' archway enable linux/arm64
x "not mounted: disable the whole" 1 'no binfmt_misc of its own' archway disable --instance
x "not mounted: uninstall what is not there" 1 'no rule of Archway' archway uninstall linux/arm64
x "not mounted: uninstall all" 0 '' archway uninstall all
x "not mounted: refresh" 0 '^$' archway refresh
x "not mounted: a dry run" 0 '^mount ' archway install -n linux/arm64
x "not mounted: and it still is not" 1 'not mounted' archway ls
x "install mounts" 0 '^mounted ' archway install linux/arm64
x "it runs" 3 '^hello$' hello
umount $M
x "gone with the last mount: programs" 126 '' hello
x "gone with the last mount: ls" 1 'archway refresh' archway ls
x "gone with the last mount: disable" 1 '' archway disable linux/arm64
x "gone with the last mount: verify" 1 'no rule for its programs' archway verify linux/arm64
x "gone with the last mount: refresh brings them back" 0 'someone removed it' archway refresh
x "gone with the last mount: it runs again" 3 '^hello$' hello
mount --bind $M "$W/other" && umount $M
x "mounted elsewhere: it runs" 3 '^hello$' hello
x "mounted elsewhere: ls" 0 '^qemu-aarch64 ' archway ls
x "mounted elsewhere: refresh" 0 'registered qemu-aarch64' archway refresh --force
[ -e $M/status ] || mount --move "$W/other" $M
echo 0 >$M/status
x "switched off: it does not run" 126 '' hello
x "switched off: ls" 0 '^qemu-aarch64 +linux/arm64 +off ' archway ls
x "switched off: which" 126 'archway enable --instance|status' archway which "$W/hello"
x "switched off: verify" 1 'archway enable --instance' archway verify linux/arm64
for verb in 'install linux/arm64' 'register :m:E::mmm::/bin/true:F' 'refresh --force' 'enable linux/arm64'; do
    x "switched off: $verb" 1 'archway enable --instance' archway $verb
done
x "switched on" 0 '' archway enable --instance
x "switched on: it runs" 3 '^hello$' hello
mount -o remount,ro $M
x "read-only: it runs" 3 '^hello$' hello
x "read-only: ls" 0 '^qemu-aarch64 ' archway ls
x "read-only: which" 0 '^runs +yes' archway which "$W/hello"
x "read-only: verify" 0 'linux/arm64: works' archway verify linux/arm64
for verb in 'install --force linux/arm64' 'register :m:E::mmm::/bin/true:F' 'refresh --force' 'disable linux/arm64' \
    'disable --instance' 'uninstall all'; do
    x "read-only: $verb" 1 'mount -o remount,rw' archway $verb
done
x "read-only: install of what is there" 0 'good as it is' archway install linux/arm64
mount -o remount,rw $M
x "it is still Archway's" 0 'removed qemu-aarch64' archway uninstall all
x "gone" 126 '' hello
X
situation "a nested user namespace" as_user unshare -Urm <<'X'
archway install linux/arm64 >/dev/null
cat >"$W/nested" <<'Y'
. "$1"
x "the outer rules count" 3 '^hello$' hello
x "ls" 0 '^qemu-aarch64 ' archway ls
x "ls: whose they are" 0 '"whose": "outer"' archway ls --json
x "which" 0 '^step 1 +rule qemu-aarch64' archway which "$W/hello"
x "verify" 0 'works' archway verify linux/arm64
for verb in 'enable linux/arm64' 'disable linux/arm64' 'disable --instance'; do
    x "$verb" 1 'no binfmt_misc of its own' archway $verb
done
x "uninstall" 1 '' archway uninstall linux/arm64
x "a dry run" 0 '^copy qemu-aarch64' archway register -n ':n:E::nnn::/bin/true:F'
x "and the outer rules still count" 0 '"whose": "outer"' archway ls --json
x "register makes an own one, with the outer rules" 0 '^copied qemu-aarch64' archway register ':n:E::nnn::/bin/true:F'
x "it runs by the copy" 3 '^hello$' hello
x "ls: its own" 0 '"whose": "own"' archway ls --json
x "disable the copy" 0 'disabled' archway disable linux/arm64
x "it does not run" 126 '' hello
Y
sed '/^x() {/,/^}/!d' "$0" >"$W/functions"; sed -n '/^M=/p; /^hello()/p' "$0" >>"$W/functions"
unshare -Urm bash "$W/nested" "$W/functions"
x "outside nothing has changed" 0 '^qemu-aarch64 .* enabled ' archway ls
x "and it runs" 3 '^hello$' hello
X
situation "a user namespace without ids" as_user unshare -Um <<'X'
x "install" 1 'mapped|CAP_SYS_ADMIN' archway install linux/arm64
x "which" 0 '^runs +yes' archway which /bin/true
X
if command -v podman >/dev/null; then
    situation "podman unshare" as_user podman unshare <<'X'
x "install" 0 'registered qemu-aarch64' archway install linux/arm64
x "--user-namespace" 0 'good as it is' archway install --user-namespace linux/arm64
x "it runs" 3 '^hello$' hello
X
    situation "podman unshare once more" as_user podman unshare <<'X'
x "it still runs" 3 '^hello$' hello
x "verify" 0 'linux/arm64: works' archway verify
x "uninstall" 0 'removed qemu-aarch64' archway uninstall all
x "gone" 126 '' hello
kill "$(cat "$XDG_RUNTIME_DIR/libpod/tmp/pause.pid")"
X
else
    skip "podman unshare" "podman is not installed (tools/install-deps test)"
fi
