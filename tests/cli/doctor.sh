#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# doctor --fix in a user namespace with rules of its own, and what doctor makes of container engines: scripts
# here that behave as the real ones (tests/real/doctor.sh has those).
. "$(dirname "$0")/../lib/common.sh"
need unshare

as_user mkdir -p "$T/tmp/run" "$T/tmp/engines"
as_user "$T/bin/mkelf" aarch64 "$T/tmp/guest" hello 0
cat >"$T/bin/own" <<'SH'
#!/bin/bash
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null || exit 99
export here=/proc/sys/fs/binfmt_misc
cd "$T_DIR" || exit
rm -rf run/archway
eval "$1"
SH
chmod 755 "$T/bin/own"
own() {
    run as_user env T_DIR="$T/tmp" XDG_RUNTIME_DIR="$T/tmp/run" PATH="$T/tmp/engines:$T/bin:/usr/bin:/bin" unshare -Urm "$T/bin/own" "$1"
}
own true
[ "$STATUS" = 0 ] || skip_all "no binfmt_misc in user namespaces here (Linux 6.7 and later)"

# ---- --fix --------------------------------------------------------------------------------------
own 'chmod 666 $here/register; archway doctor --quick; echo "= $?"; stat -c %a $here/register'
like "register that others can write" "$OUT" '^warn +register of binfmt_misc can be written by others .*\[register-writable\]$'
like "and the command" "$OUT" '^ +to mend it: chmod go-w /proc/sys/fs/binfmt_misc/register$'
is "nothing is changed unasked" "$(tail -n 2 <<<"$OUT")" $'= 1\n666'
own 'chmod 666 $here/register; archway doctor --quick --fix -n; stat -c %a $here/register'
like "--fix --dry-run shows" "$OUT" '^would run chmod go-w .*/register .*\(register-writable\)$'
is "and changes nothing" "$(tail -n 1 <<<"$OUT")" 666
own 'chmod 666 $here/register; archway doctor --quick --fix; stat -c %a $here/register'
like "--fix runs it, and says so" "$OUT" '^ran chmod go-w .*/register .*\(register-writable\): done$'
is "it is mended" "$(tail -n 1 <<<"$OUT")" 644
unlike "and not found any more" "$OUT" '\[register-writable\]$'

own 'echo 0 >$here/status; archway doctor --quick --fix --json; echo; cat $here/status'
like "switched off: --fix switches on" "$OUT" '"command": "echo 1 > /proc/sys/fs/binfmt_misc/status"'
like "--fix --json: the result" "$OUT" '"result": "done"'
is "it is on" "$(tail -n 1 <<<"$OUT")" enabled
own 'cat $here/status; echo 0 >$here/status
    printf ":all:M::\x7fELF::/bin/true:" >$here/register; archway doctor --quick --fix; read -r now <$here/status; echo "$now"'
unlike "not where a rule breaks the machine" "$OUT" '^ran echo 1'
is "it stays off" "$(tail -n 1 <<<"$OUT")" disabled

own 'archway register -q ":mine:E::mine::/bin/true:F"; echo -1 >$here/mine; archway doctor --quick --fix; archway ls -q'
like "a lost rule: refresh" "$OUT" '^ran archway refresh \(lost\): done$'
is "it is back" "$(tail -n 1 <<<"$OUT")" mine
own 'cp /bin/true emu; archway register -q ":mine:E::mine::$PWD/emu:F"; cp emu new; echo >>new; mv new emu
    archway doctor --quick -q; archway doctor --quick --fix -q; archway show --json mine | grep _file'
like "a stale rule is found by its contents" "$OUT" '^warn +rule mine: .*/emu was changed .*\[stale\]$'
like "and mended by refresh" "$OUT" '^ran archway refresh \(stale\): done$'
like "the kernel holds the new one" "$OUT" '"interpreter_file": "held"'
# the record names an interpreter that is gone: refresh cannot mend that
own 'cp /bin/true emu; archway register -q ":mine:E::mine::$PWD/emu:F"; echo -1 >$here/mine; rm emu; archway doctor --quick --fix; echo "= $?"'
like "a mend that fails" "$OUT" '^ran archway refresh \(lost\): failed$'
like "and why" "$OUT" '^ +archway failed with status 1: .*emu'
is "is a failure" "$(tail -n 1 <<<"$OUT")" '= 1'
own 'archway doctor --quick --fix | head -n 1'
is "nothing to mend" "$OUT" 'nothing was found that can be mended without a decision'

# ---- contents -------------------------------------------------------------------------------------
qemu=$(command -v qemu-aarch64-static || true)
if [ -n "$qemu" ]; then
    arm='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
    own "cp $qemu q; printf '%s' ':other:M::$arm::'\"\$PWD\"'/q:PF' >\$here/register
        archway doctor --quick; chmod 700 q; archway doctor --quick | grep -c stale; cp q new; echo >>new; touch -r q new; mv new q; archway doctor --quick -q; archway verify arm64"
    like "a rule of others that runs" "$OUT" '^ok +built-in programs of 1 other platform were run \[runs\]$'
    like "times that moved do not count where contents were seen" "$OUT" '^0$'
    like "other contents, by what really ran" "$OUT" '^warn +rule other: the kernel runs other contents \(sha256:.*\[contents-differ\]$'
    like "verify tells it too" "$OUT" '^linux/arm64: works.*\(stale: archway refresh\)$'
    own "printf '%s' ':dead:M::$arm::/bin/false:F' >\$here/register; archway doctor --quick"
    like "a rule that does not run" "$OUT" '^error +a built-in program for linux/arm64 does not run: it ended with status 1 \(rule dead, .*\[does-not-run\]$'
else
    skip "contents" "no static QEMU (tools/install-deps test)"
fi

# ---- engines --------------------------------------------------------------------------------------
# A podman that runs programs of this machine in the folder, and foreign ones if $FOREIGN is set.
user_file "$T/tmp/engines/podman" <<'SH'
#!/bin/bash
echo "podman $*" >>"$T_DIR/calls"
while [ $# -gt 0 ] && [ "$1" != run ]; do shift; done
[ "${1:-}" = run ] || exit 0
while [ "$1" != --rootfs ]; do shift; done
[ -x "$2$3" ] || { echo "no $2$3" >&2; exit 125; }
case $3 in /x86_64 | /"$(uname -m)") exec "$2$3" ;; esac
[ -n "${FOREIGN:-}" ] && { echo archway; exit 42; }
printf 'some words\nexec %s: exec format error\nand more\n' "$3" >&2
exit 1
SH
user_file "$T/tmp/engines/docker" <<'SH'
#!/bin/bash
[ "$1" = --version ] && { echo "Docker version 1"; exit; }
echo "Cannot connect to the Docker daemon" >&2
exit 1
SH
user_file "$T/tmp/engines/nerdctl" <<'SH'
#!/bin/bash
echo "nerdctl $*" >>"$T_DIR/calls"
case "$*" in version*) exit 0 ;; *" run "*) echo "runc is broken" >&2; exit 1 ;; esac
SH
user_file "$T/tmp/engines/ctr" <<'SH'
#!/bin/bash
exec sleep 60
SH
user_file "$T/tmp/engines/buildah" <<'SH'
#!/bin/bash
echo "buildah $*" >>"$T_DIR/calls"
case "$*" in *" run "*) echo archway; exit 42 ;; esac
SH
as_user chmod 755 "$T/tmp/engines/"{podman,docker,nerdctl,ctr,buildah}
left() {
    find /var/tmp /tmp -maxdepth 1 -name 'archway-doctor-*' -user "$TEST_USER" 2>/dev/null
}
before=$(left)
start=$SECONDS
own 'archway doctor; echo "= $?"'
like "an engine that runs its own platform only: the kernel's words" "$OUT" '^note +.*/podman \(root\): a container for linux/[a-z0-9]+ does not run, and no rule .*: exec /[a-z0-9]+: exec format error \[engine-foreign\]$'
like "and what mends it" "$OUT" '^ +to mend it: sudo archway install linux/'
like "a daemon that does not answer" "$OUT" '^note +.*/docker was not tried: Cannot connect to the Docker daemon \[engine-down\]$'
like "and who could start it" "$OUT" '^ +to mend it: sudo systemctl start docker; '
like "an engine that is broken altogether" "$OUT" '^warn +.*/nerdctl starts no container, .* neither: runc is broken \[engine-broken\]$'
like "an engine that hangs is left" "$OUT" '^note +.*/ctr was not tried: .* did not finish in 10 s \[engine-down\]$'
like "an engine that works" "$OUT" '^ok +.*/buildah \(root\): a container for linux/[a-z0-9]+ runs \[engine\]$'
is "in time" "$((SECONDS - start < 40))" 1
is "nothing is left" "$(left)" "$before"
like "what was made is removed" "$(cat "$T/tmp/calls")" '^podman .* rm --force .* archway-doctor-[0-9a-f]{16}$'
like "containerd's namespace too" "$(cat "$T/tmp/calls")" '^nerdctl namespace remove archway-doctor-'
unlike "no image is named that could be fetched" "$(cat "$T/tmp/calls")" ' (pull|docker://|[a-z]+/[a-z]+:)'
user_file "$T/tmp/engines/ctr" <<<$'#!/bin/sh\nexit 1'
if [ -n "$qemu" ]; then
    own "printf '%s' ':dead:M::$arm::/bin/false:' >\$here/register; archway doctor"
    like "with a rule, but without F" "$OUT" '^error .*/podman .*: a container for linux/arm64 does not run, although rule dead is there \(without flag F'
fi
own 'FOREIGN=1 archway doctor --json | python3 -c "
import json, sys
for e in json.load(sys.stdin)[\"engines\"]:
    print(e[\"name\"], e.get(\"mode\"), e[\"foreign\"], e.get(\"native\"))"'
is "--json: engines" "$OUT" "podman root runs None
docker None not-tried None
nerdctl None fails fails
ctr None not-tried None
buildah root runs None"
