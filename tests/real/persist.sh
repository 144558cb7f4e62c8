#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Rules over restarts, with a systemd that boots: a copy of this machine's tree starts in systemd-nspawn, in a
# user namespace (and so with a binfmt_misc) of its own. A reboot, restarts and stops of systemd-binfmt,
# wipes by others and an upgrade of the emulator; then uninstall leaves nothing. At the end a user of
# rootless Podman, with a systemd of his own.
. "$(dirname "$0")/../lib/common.sh"
need_root
need systemd-nspawn unshare python3
[ -x /lib/systemd/systemd ] || skip_all "no systemd to boot (tools/install-deps test)"
IFS=.- read -r major minor _ < <(uname -r)
[ $((major * 1000 + minor)) -ge 6007 ] || skip_all "this kernel has no binfmt_misc for user namespaces"
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip_all "no static QEMU for aarch64"
S=$T/s
mkdir -p "$S/"{low,up,work,root,out}

# ---- the tree ------------------------------------------------------------------------------------------
# Runs in a mount namespace of its own, so that nothing of it is left: boot NAME SCRIPT starts the system, which
# runs SCRIPT as its last unit and goes down; what that prints is in out/NAME.
cat >"$T/bin/system" <<'X'
#!/bin/bash
S=$1 R=$1/root
# the tree's upper layer is kept in memory
mount -t tmpfs tmpfs "$S/low" && mkdir "$S/low/up" "$S/low/work" || exit 9
mount -t overlay overlay -o "lowerdir=/,upperdir=$S/low/up,workdir=$S/low/work" "$R" || exit 9
rm -rf "$R"/etc/systemd/system/* "$R"/etc/systemd/user/* "$R"/etc/fstab "$R"/etc/rc?.d "$R"/etc/init.d "$R"/etc/binfmt.d/* \
    "$R"/{usr/lib,usr/local/lib,run}/binfmt.d/* "$R"/var/lib/archway "$R"/var/lib/binfmts \
    "$R"/lib/systemd/system/{multi-user,sockets,timers,sysinit}.target.wants/* "$R"/etc/machine-id
touch "$R/etc/machine-id"
unit() { mkdir -p "$R/etc/systemd/system/$2.wants" && cat >"$R/etc/systemd/system/$1" && ln -sf "/etc/systemd/system/$1" "$R/etc/systemd/system/$2.wants/$1"; }
unit rw.service sysinit.target <<'U'
[Unit]
DefaultDependencies=no
Before=proc-sys-fs-binfmt_misc.mount systemd-binfmt.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/mount -o remount,bind,rw /proc/sys
U
unit test.service multi-user.target <<'U'
[Unit]
After=multi-user.target archway-binfmt.service
[Service]
Type=oneshot
StandardOutput=append:/out
StandardError=inherit
ExecStart=/bin/bash /script
ExecStopPost=/bin/systemctl start poweroff.target --no-block --job-mode=replace-irreversibly
U
# a user namespace may not mount an autofs: the mount unit in place of the automount
enable() { for u; do ln -sf "/lib/systemd/system/$u" "$R/etc/systemd/system/sysinit.target.wants/$u"; done; }
ln -sf /lib/systemd/system/multi-user.target "$R/etc/systemd/system/default.target"
enable systemd-binfmt.service proc-sys-fs-binfmt_misc.mount systemd-journald.service
mkdir -p "$R/opt/aw" && cp "$2" "$R/opt/aw/archway" && cp "$3" "$R/opt/aw/qemu-aarch64-static" && cp "$4" "$R/opt/aw/hello"
chmod 755 "$R" "$R/opt" "$R"/opt/aw/*
boot() {
    local name=$1
    { echo 'export PATH=/opt/aw:$PATH; M=/proc/sys/fs/binfmt_misc
t() { local n=$1; shift; echo "== $n"; "$@" 2>&1; echo "status $?"; }
hello() { /opt/aw/hello; }
settle() { local i; for i in $(seq 200); do systemctl is-active -q archway-binfmt.service && break; sleep 0.1; done; }
rules() { ls $M | grep -v -e register -e status | tr "\n" " "; }'; cat; } >"$R/script"
    rm -f "$R/out"
    timeout -k 5 90 systemd-nspawn --quiet --private-users=identity --boot --register=no --keep-unit --console=pipe \
        --kill-signal=SIGRTMIN+3 --link-journal=no -D "$R" </dev/null >"$S/out/$name.boot" 2>&1
    cp "$R/out" "$S/out/$name" 2>/dev/null || echo "the system did not come up" >"$S/out/$name"
}
# is this a place where a systemd starts at all?
boot probe <<'E'
t probe true
E
grep -q '^status 0' "$S/out/probe" || exit 77
boot first <<'E'
t "nothing yet" hello
find /etc /var/lib/archway /run/archway >/before 2>&1
t install archway install linux/arm64
t register archway register --persist ':kept:E::kept::/bin/true:F'
t foreign archway register ':others:E::others::/bin/true:F'
echo ':not-ours:E::notours::/bin/true:F' >$M/register
t files find /etc/binfmt.d /etc/systemd/system -name '*archway*'
t runs hello
systemctl restart systemd-binfmt
t "after a restart in the same session" hello
settle
t "and the unit was started" systemctl is-active archway-binfmt.service
E
boot second <<'E'
t "after a reboot" hello
t unit systemctl --no-pager --full status archway-binfmt.service
t "rules after a reboot" rules
t "fresh after a reboot" archway refresh
t verify archway verify
t ls archway ls
systemctl restart systemd-binfmt
t "after a restart of systemd-binfmt" hello
settle
t "and fresh" archway verify
t "refreshed by the unit" sh -c 'archway ls --json | grep -A20 \"qemu-aarch64\" | grep -m2 -e owner -e interpreter_file'
systemctl stop systemd-binfmt
t "while systemd-binfmt is stopped" hello
systemctl start systemd-binfmt
t "after stop and start" hello
settle
t "unit after stop and start" systemctl is-active archway-binfmt.service
/lib/systemd/systemd-binfmt --unregister
t "after systemd-binfmt --unregister" hello
t "refresh after it" archway refresh
t "and runs" hello
/lib/systemd/systemd-binfmt
t "after a plain run of systemd-binfmt" hello
t "refresh after that" archway refresh
echo -1 >$M/status
t "after a wipe" hello
t "ls after a wipe" archway ls
t "refresh after a wipe" archway refresh
t "runs after a wipe" hello
cp /opt/aw/qemu-aarch64-static /opt/aw/new; echo >>/opt/aw/new; mv /opt/aw/new /opt/aw/qemu-aarch64-static
t "stale after an upgrade" archway ls
E
boot third <<'E'
t "after an upgrade and a reboot" archway verify
t "no more stale" archway ls
t "someone else's file" sh -c 'echo ":x:E::xx::/bin/true:F" >/etc/binfmt.d/x.conf; ls /etc/binfmt.d'
t uninstall archway uninstall all
t "nothing runs" hello
rm /etc/binfmt.d/x.conf
find /etc /var/lib/archway /run/archway >/after 2>&1
t "left" diff /before /after
t "unit gone" systemctl --no-pager cat archway-binfmt.service
E
rm -f "$R"/lib/systemd/system/sysinit.target.wants/*binfmt* "$R"/etc/systemd/system/sysinit.target.wants/*binfmt*
boot fourth <<'E'
# an instance of its own, without a mount: else the host's rules would count
mount -t binfmt_misc none $M && umount $M
t "after uninstall and a reboot" hello
t "not mounted" archway ls
t "install mounts" archway install linux/arm64
t "runs then" hello
E
boot fifth <<'E'
settle
t "nobody mounts but the unit" hello
t "its unit" systemctl is-active archway-binfmt.service
archway uninstall all >/dev/null
E
# ---- a user of rootless Podman, and his own systemd -----------------------------------------------------
command -v podman >/dev/null || exit 0
echo 'pu:x:4321:4321::/home/pu:/bin/bash' >>"$R/etc/passwd"
echo 'pu:x:4321:' >>"$R/etc/group"
echo 'pu:20000:30000' >"$R/etc/subuid"
cp "$R/etc/subuid" "$R/etc/subgid"
install -d -o 4321 -g 4321 "$R/home/pu"
unit login.service nobody-asks.target <<'U'
[Service]
Type=notify
User=pu
Delegate=yes
Environment=XDG_RUNTIME_DIR=/run/user/4321 HOME=/home/pu PATH=/usr/bin:/bin
ExecStartPre=+/bin/install -d -o pu -g pu -m 700 /run/user /run/user/4321
ExecStart=/lib/systemd/systemd --user
U
boot podman <<'E'
U="setpriv --reuid 4321 --regid 4321 --clear-groups env -i HOME=/home/pu XDG_RUNTIME_DIR=/run/user/4321 PATH=/opt/aw:/usr/bin:/bin:/usr/sbin"
# an instance of its own, without a mount: else the host's rules would count
mount -o remount,bind,rw /proc/sys; mount -t binfmt_misc none $M && umount $M
systemctl start login.service
t "podman: install" $U podman unshare archway install linux/arm64
t "podman: runs" $U podman unshare hello
t "podman: files" find /home/pu -name '*archway-binfmt*' -o -name '*rules.json'
systemctl stop login.service
systemctl start login.service
for i in $(seq 100); do $U systemctl --user is-active -q archway-binfmt.service && break; sleep 0.1; done
t "podman: after the next login" $U podman unshare hello
t "podman: verify" $U podman unshare archway verify
t "podman: its unit" $U systemctl --user is-active archway-binfmt.service
$U podman unshare sh -c 'kill $(cat $XDG_RUNTIME_DIR/libpod/tmp/pause.pid)'
t "podman: a namespace made anew" $U podman unshare hello
t "podman: says what mends it" $U podman unshare archway ls
t "podman: refresh" $U podman unshare archway refresh
t "podman: runs again" $U podman unshare hello
t "podman: uninstall" $U podman unshare archway uninstall all
t "podman: gone" $U podman unshare hello
t "podman: left" find /home/pu -name '*archway-binfmt*' -o -name '*rules.json*'
E
X
chmod 755 "$T/bin/system"
python3 "$T/bin/mkelf" aarch64 "$T/hello" hello 3 || skip_all "mkelf does not work"
run unshare --mount --propagation private "$T/bin/system" "$S" "$AW" "$qemu" "$T/hello"
[ "$STATUS" != 77 ] || skip_all "no systemd boots in systemd-nspawn here: $(tail -n 1 "$S/out/probe.boot")"
right_run "all boots" 0
touch "$S/out/podman"
OUT=$(cat "$S"/out/podman "$S"/out/first "$S"/out/second "$S"/out/third "$S"/out/fourth "$S"/out/fifth)
part() {
    sed -n "/^== $1\$/,/^== /p" <<<"$OUT" | sed '1d;/^== /d'
}
# p NAME STATUS REGEX
p() {
    like "$1" "$(part "$1" | tr '\n' '|')" "${3:-}.*status $2\\|\$"
}
p "nothing yet" 126
p install 0 'registered qemu-aarch64'
p register 0 'registered kept'
p foreign 0
p files 0 'archway.conf.*'
like "files: the unit, and who starts it" "$(part files | sort | tr '\n' '|')" \
    'binfmt.d/archway.conf\|/etc/systemd/system/archway-binfmt.service\|.*multi-user.target.wants/archway-binfmt.service\|.*systemd-binfmt.service.wants/archway-binfmt.service\|status 0'
p runs 3 '^hello\|'
p "after a restart in the same session" 3 '^hello\|'
p "and the unit was started" 0 '^active\|'
p "after a reboot" 3 '^hello\|'
p unit 0 'active \(exited\)'
is "rules after a reboot: only what is to be kept" "$(part 'rules after a reboot' | head -n 1 | sed 's/status.*//')" "kept others qemu-aarch64 "
p "fresh after a reboot" 0 'kept qemu-aarch64 \(good as it is\)'
p verify 0 'linux/arm64: works'
p ls 0 'qemu-aarch64 +linux/arm64 +enabled'
p "after a restart of systemd-binfmt" 3 '^hello\|'
p "and fresh" 0 'works, [0-9.]+ ms, /opt/aw/qemu-aarch64-static\|'
p "refreshed by the unit" 0 '"interpreter_file": "held",.*"owner": "archway"'
p "while systemd-binfmt is stopped" 126
p "after stop and start" 3 '^hello\|'
p "unit after stop and start" 0 '^active\|'
p "after systemd-binfmt --unregister" 126
p "refresh after it" 0 'registered qemu-aarch64.*someone removed it'
p "and runs" 3 '^hello\|'
p "after a plain run of systemd-binfmt" 3 '^hello\|'
p "refresh after that" 0 'someone registered it anew'
p "after a wipe" 126
p "ls after a wipe" 0 'rule qemu-aarch64 was registered and is lost: archway refresh'
p "refresh after a wipe" 0 'registered qemu-aarch64'
p "runs after a wipe" 3 '^hello\|'
p "stale after an upgrade" 0 'qemu-aarch64 .*stale'
p "after an upgrade and a reboot" 0 'linux/arm64: works, [0-9.]+ ms, /opt/aw/qemu-aarch64-static\|'
unlike "no more stale" "$(part 'no more stale')" 'stale'
p uninstall 0 'removed qemu-aarch64'
p "nothing runs" 126
is "uninstall leaves nothing, and removes nothing else" "$(part left)" "status 0"
p "someone else's file" 0 'x.conf'
p "unit gone" 1 'No files found'
p "after uninstall and a reboot" 126
p "not mounted" 1 'not mounted'
p "install mounts" 0 'mounted /proc/sys/fs/binfmt_misc.*registered qemu-aarch64'
p "runs then" 3
p "nobody mounts but the unit" 3 '^hello\|'
p "its unit" 0 '^active\|'
if command -v podman >/dev/null; then
    p "podman: install" 0 'registered qemu-aarch64'
    p "podman: runs" 3 '^hello\|'
    is "podman: files" "$(part 'podman: files' | sort | tr '\n' '|')" "/home/pu/.config/systemd/user/archway-binfmt.service|\
/home/pu/.config/systemd/user/default.target.wants/archway-binfmt.service|\
/home/pu/.local/share/archway/podman-rules.json|status 0|"
    p "podman: after the next login" 3 '^hello\|'
    p "podman: verify" 0 'linux/arm64: works, [0-9.]+ ms, /opt/aw/qemu-aarch64-static\|'
    p "podman: its unit" 0 '^active\|'
    p "podman: a namespace made anew" '[0-9]+' 'exec format error'
    p "podman: says what mends it" 1 'archway refresh'
    p "podman: refresh" 0 'registered qemu-aarch64.*someone removed it'
    p "podman: runs again" 3 '^hello\|'
    p "podman: uninstall" 0 'removed qemu-aarch64'
    p "podman: gone" '[0-9]+' 'exec format error'
    p "podman: left" 0 ''
    is "podman: uninstall leaves nothing" "$(part 'podman: left')" "status 0"
else
    skip "a user of rootless Podman" "podman is not installed (tools/install-deps test)"
fi
[ $test_bad -eq 0 ] || note "$OUT" "$(tail -n 20 "$S"/out/*.boot)"
