#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The verbs that change rules, in a user namespace with an instance of its own: what is registered,
# kept, refused, repaired and removed; and that a rule is replaced without a moment in which there is none.
. "$(dirname "$0")/../lib/common.sh"
need unshare python3
as_user unshare -Urm true 2>/dev/null || skip_all "no user namespaces here"
IFS=.- read -r major minor _ < <(uname -r)
[ $((major * 1000 + minor)) -ge 6007 ] || skip_all "this kernel has no binfmt_misc for user namespaces"
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip_all "no static QEMU for aarch64"
W=$T/tmp/w
as_user mkdir -p "$W/bin" "$W/etc" "$W/run"
as_user cp "$qemu" "$W/bin/qemu-aarch64-static"
as_user python3 "$T/bin/mkelf" aarch64 "$W/hello" hello 3 || skip_all "mkelf does not work"

for init in sysvinit openrc; do
    sed "s|/usr/bin/archway|$AW|" "$REPO/packaging/init/archway-binfmt.$init" | user_file "$W/archway-binfmt.$init"
done
user_file "$W/inner" <<'X'
W=$1 A=$2 M=/proc/sys/fs/binfmt_misc
export PATH=$W/bin:$PATH XDG_RUNTIME_DIR=$W/run
cp /etc/passwd /etc/group "$W/etc/" && mount --bind "$W/etc" /etc && mount -t tmpfs none /var/lib
# one line for a command: its name, its status; then what it printed
t() {
    local name=$1
    shift
    echo "== $name"
    "$@" 2>&1
    echo "status $?"
}
hello() { "$W/hello"; }
t "nothing is there" "$A" refresh
t "a dry run" "$A" install -n linux/arm64
t "made no instance" sh -c '[ "$(stat -f -c %T /proc/sys/fs/binfmt_misc)" != binfmt_misc ] || [ "$(stat -c %u /proc/sys/fs/binfmt_misc/register)" != 0 ]'
t "install" "$A" install --persist=false linux/arm64
t "foreign" hello
t "flags" cat $M/qemu-aarch64
t "verify" "$A" verify
t "verify one without a rule" "$A" verify arm64 riscv64
t "verify as JSON" "$A" verify --json arm64
t "once more" "$A" install --persist=false arm64
t "no such platform" "$A" install linux/vax
t "native" "$A" install "$(uname -m)"
t "disable" "$A" disable arm64
t "disabled" hello
t "verify disabled" "$A" verify arm64
t "refresh leaves it off" "$A" refresh --force
t "still disabled" hello
t "enable" "$A" enable 'qemu-aa*'
t "enabled" hello
t "off as a whole" "$A" disable --instance
t "nothing runs" hello
t "verify nothing" "$A" verify arm64
t "install says so" "$A" install arm64
t "on as a whole" "$A" enable --instance
t "runs again" hello
echo -1 >$M/status
t "wiped" hello
t "refresh brings it back" "$A" refresh
t "back" hello
t "fresh" "$A" refresh
echo -1 >$M/status
t "sysvinit" sh "$W/archway-binfmt.sysvinit" start
t "sysvinit brings it back" hello
t "sysvinit status" sh "$W/archway-binfmt.sysvinit" status
t "sysvinit stop" sh "$W/archway-binfmt.sysvinit" stop
echo -1 >$M/status
t "openrc" sh -c 'ebegin() { echo "$*"; }; eend() { return $1; }; . "$1"; command=$2; start' sh "$W/archway-binfmt.openrc" "$A"
t "openrc brings it back" hello
t "fresh once more" "$A" refresh
chmod -x "$W/bin/qemu-aarch64-static"
t "ls not executable" "$A" ls
t "doctor not executable" "$A" doctor --quick
chmod +x "$W/bin/qemu-aarch64-static"
mv "$W/bin/qemu-aarch64-static" "$W/bin/away"
t "ls gone" "$A" ls
t "doctor gone" "$A" doctor --quick
t "verify gone" "$A" verify
mv "$W/bin/away" "$W/bin/qemu-aarch64-static"
cp "$W/bin/qemu-aarch64-static" "$W/bin/new" && mv "$W/bin/new" "$W/bin/qemu-aarch64-static"
t "reinstalled" "$A" refresh -n
t "verify reinstalled" "$A" verify
cp "$W/bin/qemu-aarch64-static" "$W/bin/new" && echo >>"$W/bin/new" && mv "$W/bin/new" "$W/bin/qemu-aarch64-static"
t "stale" "$A" refresh -n
t "ls stale" "$A" ls
t "doctor stale" "$A" doctor --quick
t "verify stale" "$A" verify
t "refresh stale" "$A" refresh
t "fresh again" "$A" refresh
printf %s ':qemu-arm:E::armtest::/bin/true:' >$M/register
t "someone else's" "$A" install linux/arm
t "someone else's stays" "$A" uninstall qemu-arm
t "it did" cat $M/qemu-arm
t "register" "$A" register ':made-up:E::madeup::/bin/true:F'
t "a name twice" "$A" register ':made-up:E::madeup::/bin/true:F'
t "a fault" "$A" register ':made-up2:Q::madeup::/bin/true:F'
t "all scripts" "$A" register -n ':made-up4:M::#!::/bin/true:F'
t "host's own" "$A" register ':made-up3:M::\x7fELF::/bin/true:F'
rule=$("$A" export qemu-aarch64)
"$A" uninstall -q linux/arm64
if other=$(command -v qemu-riscv64-static); then
    t "the wrong emulator" "$A" install --json --emulator "$other" --persist=false linux/arm64
    t "again" "$A" install --emulator "$other" --persist=false linux/arm64
    "$A" uninstall -q linux/arm64
fi
printf %s "${rule%:*:*}:/bin/false:F" >$M/register
t "others' that is broken, dry" "$A" install -n linux/arm64
t "others' that is broken" "$A" install linux/arm64
t "the same by the other spelling" "$A" --install arm64
t "it is put in its place" "$A" install --force --persist=false linux/arm64
t "persist" "$A" install linux/arm64
t "binfmt.d" cat /etc/binfmt.d/archway.conf
t "unit" grep ExecStart /etc/systemd/system/archway-binfmt.service
t "wanted" cat /etc/systemd/system/multi-user.target.wants/archway-binfmt.service
service=/lib/systemd/systemd-binfmt
if [ -x $service ]; then
    # what a start of systemd-binfmt does: throw all rules away, register what binfmt.d lists
    for d in /usr/lib/binfmt.d /usr/local/lib/binfmt.d /run/binfmt.d; do
        [ ! -d $d ] || mount -t tmpfs none $d
    done
    t "systemd-binfmt" $service
    t "after systemd-binfmt" hello
    t "whose after it" "$A" ls --json
    t "refresh after it" "$A" refresh
    printf %s ':qemu-arm:E::armtest::/bin/true:' >$M/register
fi
t "json" "$A" refresh --force --json
echo "== gapless"
for i in 1 2 3 4; do
    (
        n=0 bad=0
        until [ -e "$W/stop" ]; do
            out=$("$W/hello" 2>&1)
            [ "$?$out" = 3hello ] || { bad=$((bad + 1)); last="$? $out"; }
            n=$((n + 1))
        done
        echo "ran $((n > 50)) bad $bad ${last:-}"
    ) &
done
for i in $(seq 100); do "$A" refresh --force -q arm64 || echo "refresh failed"; done
touch "$W/stop"
wait
ls $M
t "uninstall" "$A" uninstall all
t "left" sh -c "ls $M; find /etc /var/lib $W/run ! -type d | grep -v -e /etc/passwd -e /etc/group"

X
# a pid namespace makes it a system of its own, whose rules are kept over restarts
run as_user unshare -Urmpf --mount-proc bash "$W/inner" "$W" "$AW"
[ "$STATUS" -le 125 ] || note "$ERR"
part() {
    sed -n "/^== $1\$/,/^== /p" <<<"$OUT" | sed '1d;/^== /d'
}
# p NAME STATUS REGEX
p() {
    like "$1" "$(part "$1" | tr '\n' '|')" "${3:-}.*status $2\\|\$"
}
p "nothing is there" 0
p "a dry run" 0 '^mount .*register qemu-aarch64: linux/arm64 by .*/w/bin/qemu-aarch64-static'
p "made no instance" 0
p install 0 'registered qemu-aarch64'
p foreign 3 '^hello\|'
p flags 0 'flags: POCF\|'
p verify 0 '^linux/arm64: works, [0-9.]+ ms, /.*/w/bin/qemu-aarch64-static\|'
p "verify one without a rule" 1 '^linux/arm64: works.*linux/riscv64: does not work: there is no rule for its programs\|.*archway install linux/riscv64'
p "verify as JSON" 0 '"works": true.*"start_us".*"state": "fresh".*"ino": '
p "once more" 0 'kept qemu-aarch64 \(good as it is\)'
p "no such platform" 2 'vax'
p native 0 'without an emulator'
p disable 0 'disabled qemu-aarch64'
p disabled 126
p "verify disabled" 1 'rule qemu-aarch64 is switched off.*archway enable linux/arm64'
p "refresh leaves it off" 0 'disabled qemu-aarch64 \(as it was\)'
p "still disabled" 126
p enable 0 'enabled qemu-aarch64'
p enabled 3 '^hello\|'
p "off as a whole" 0
p "nothing runs" 126
p "verify nothing" 1 'binfmt_misc is switched off as a whole'
p "install says so" 1 'archway enable --instance'
p "on as a whole" 0
p "runs again" 3 '^hello\|'
p wiped 126
p "refresh brings it back" 0 'registered qemu-aarch64.*someone removed it'
p back 3 '^hello\|'
p sysvinit 0
p "sysvinit brings it back" 3 '^hello\|'
p "sysvinit status" 0 'qemu-aarch64 +linux/arm64'
p "sysvinit stop" 0
p openrc 0 '^Registering'
p "openrc brings it back" 3 '^hello\|'
p "fresh once more" 0 'kept qemu-aarch64 \(good as it is\)'
p fresh 0 'kept qemu-aarch64 \(good as it is\)'
p "ls not executable" 0 'qemu-aarch64 .*held, but its file is not executable any more'
p "doctor not executable" 1 'rule qemu-aarch64: [^|]*Permission denied[^|]*\[held-gone\]\|[^|]*chmod \+x'
p "ls gone" 0 'qemu-aarch64 .*held, but its file is gone'
p "doctor gone" 1 'rule qemu-aarch64: [^|]*No such file[^|]*\[held-gone\]\|[^|]*archway install linux/arm64'
p "verify gone" 0 'works, .*its file is gone: archway install linux/arm64'
p reinstalled 0 'keep qemu-aarch64 \(good as it is\)'
p "verify reinstalled" 0 '^linux/arm64: works, [^(]*qemu-aarch64-static\|'
p "ls stale" 0 'qemu-aarch64 .*stale: the kernel holds an older file'
p "doctor stale" 1 'rule qemu-aarch64: [^|]*\[stale\]\|'
p stale 0 'register qemu-aarch64\.next.*its interpreter was replaced.*remove qemu-aarch64\|register qemu-aarch64:.*remove qemu-aarch64\.next'
p "verify stale" 0 'works, .*\(stale: archway refresh\)'
p "refresh stale" 0 'registered qemu-aarch64'
p "fresh again" 0 'kept qemu-aarch64 \(good as it is\)'
if command -v qemu-arm-static qemu-arm >/dev/null; then
    p "someone else's" 1 'archway install --force linux/arm'
fi
p "someone else's stays" 1 "not Archway's"
p "it did" 0 'extension \.armtest'
p register 0 'registered made-up'
p "a name twice" 1 'archway register --force'
p "a fault" 2 'type'
p "all scripts" 0 'warning: rule made-up4 \(matches-scripts\): matches every #! script'
p "host's own" 1 'host-elf'
if command -v qemu-riscv64-static >/dev/null; then
    p "the wrong emulator" 1 '"code": "[a-z-]+",\|.*a built-in program for linux/arm64 does not run'
    p again 1 'archway: its rules are registered, but a built-in program.*kept qemu-aarch64'
fi
p "others' that is broken, dry" 1 'not Archway.s, and a built-in program .*archway install --force linux/arm64'
p "others' that is broken" 1 'not Archway.s, and a built-in program .*archway install --force linux/arm64'
p "the same by the other spelling" 1 'installing: arm64 failed'
p "it is put in its place" 0 'in place of someone else'
p persist 0 'registered qemu-aarch64.*to be kept over restarts'
p binfmt.d 0 ':qemu-aarch64:M::.*:.*/w/bin/qemu-aarch64-static:POCF\|'
unlike "a raw rule is not kept over restarts unasked" "$(part binfmt.d)" 'made-up'
if [ -e /lib/systemd/systemd ]; then
    p unit 0 'refresh --force'
    p wanted 0 'refresh --force'
else
    skip "unit and link" "no systemd here"
fi
if [ -n "$(part systemd-binfmt)" ]; then
    p systemd-binfmt 0
    p "after systemd-binfmt" 3 '^hello\|'
    p "whose after it" 0 '"name": "qemu-aarch64",.*"owner": "archway"'
    p "refresh after it" 0 'registered made-up.*someone removed it.*registered qemu-aarch64.*someone registered it anew'
fi
is "json" "$(part json | sed 's/}status .*/}/; /^status /d' | python3 -c '
import json, sys
v = json.load(sys.stdin)
print(v["instance"], v["dry_run"], all(s["done"] for s in v["steps"]), sorted(s["name"] for s in v["steps"] if s["action"] == "register"))')" \
    "user-namespace False True ['made-up', 'made-up.next', 'qemu-aarch64', 'qemu-aarch64.next']"
is "4 processes execute over 100 replacements: no failed exec, and no entry too many" "$(part gapless | tr '\n' '|')" \
    "ran 1 bad 0 |ran 1 bad 0 |ran 1 bad 0 |ran 1 bad 0 |made-up|qemu-aarch64|qemu-arm|register|status|"
p uninstall 0 'removed (made-up|qemu-aarch64)\|removed (made-up|qemu-aarch64)'
like "left: only what is someone else's" "$(part left | tr '\n' '|')" '^qemu-arm\|register\|status\|status 1\|$'
[ "${test_bad:-0}" -eq 0 ] || note "$OUT" "$ERR"
