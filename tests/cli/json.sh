#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What every verb prints with --json has the documented keys, of the documented types, and no others; and every
# documented key occurs somewhere here.
. "$(dirname "$0")/../lib/common.sh"
need unshare python3
"$AW" __doc json >"$T/table"
: >"$T/seen"
CHECK=$LIB/check-json

# Keys that need what is not here: other machines, root, a container that runs (tests/box/json.sh has those).
cat >"$T/elsewhere" <<'X'
version .ids.why
ps []
ps [].id
ps [].name
ps [].image
ps [].platform
ps [].command
ps [].emulator
ps [].pid
ps [].started
inspect [].id
inspect [].name
inspect [].image
inspect [].platform
inspect [].command
inspect [].emulator
inspect [].pid
inspect [].started
X

# checked VERB NAME: OUT against the table
checked() {
    local faults
    faults=$(python3 "$CHECK" "$T/table" "$1" "$T/seen" <"$T/.out")
    is "$1 --json: $2" "$faults" ""
}
# j VERB [WORD...]: run it with --json and look
j() {
    run aw "$@" --json
    checked "$1" "${*:2}"
}

# ---- images -------------------------------------------------------------------------------------
as_user mkdir -p "$T/tmp/tree/bin"
as_user "$T/bin/mkelf" armv7l "$T/tmp/tree/bin/true" x 0
as_user "$T/bin/mkoci" "$T/tmp/oci" one --platform linux/arm/v7 --layer "$T/tmp/tree" --config '{"Cmd": ["/bin/true"]}' --index >/dev/null
j ps
j version
j prune
if command -v skopeo >/dev/null; then j pull "oci:$T/tmp/oci:one"; else skip_all "skopeo is not installed"; fi
name=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["name"])' "$T/.out" 2>/dev/null)
j images
run aw inspect "${name:-none}"
checked inspect "an image"

# ---- rules: in a user namespace ---------------------------------------------------------------------
cat >"$T/bin/own" <<'SH'
#!/bin/bash
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null || exit 99
export here=/proc/sys/fs/binfmt_misc
cd "$T_DIR" || exit
rm -rf run/archway
eval "$1"
SH
chmod 755 "$T/bin/own"
as_user mkdir -p "$T/tmp/run"
# own VERB WHAT COMMAND: its output is that verb's
own() {
    run as_user env T_DIR="$T/tmp" XDG_RUNTIME_DIR="$T/tmp/run" PATH="$T/tmp/engines:$T/bin:/usr/bin:/bin" unshare -Urm "$T/bin/own" "$3"
    [ "$1" = - ] || checked "$1" "$2"
}
own - "" true
if [ "$STATUS" = 99 ]; then
    skip "rules" "no binfmt_misc in user namespaces here (Linux 6.7 and later)"
    exit
fi
run aw install -n linux/arm64 --json
[ -z "$OUT" ] || checked install "a dry run by a user"
arm='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\xfc\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
as_user "$T/bin/mkelf" aarch64 "$T/tmp/guest" hello 0
printf '#!%s -x\n' "$T/tmp/guest" | user_file "$T/tmp/script"
as_user chmod 755 "$T/tmp/script"
printf 'package p\ninterpreter /bin/sh\nextension archwayjson\n' | user_file "$T/tmp/spec"
rules="printf '%s' ':older:M:4:$arm:$mask:/bin/sh:' >\$here/register
printf '%s' ':qemu-aarch64:M::$arm:$mask:/bin/sh:F' >\$here/register
printf '%s' ':second:M::$arm:$mask:/bin/sh:P' >\$here/register
printf '%s' ':mine:E::mine::/bin/true:F' >rule; archway register -q \"\$(cat rule)\""
own ls "all kinds of rules" "$rules; archway ls --json"
own show "all kinds of rules" "$rules; archway show --json mine second qemu-aarch64 older"
own which "a rule" "$rules; archway which --json ./script"
own which "native" "archway which --json sh"
own which "nothing" "archway which --json ./nothing"
own which "no rule" "archway which --json ./guest"
as_user mkdir -p "$T/tmp/root/bin"
as_user cp /bin/true "$T/tmp/root/bin/true"
own which "a loader that is missing" "archway which --json --root root /bin/true"
own which "a setuid program" "printf '%s' ':cred:M::$arm:$mask:/bin/sh:OC' >\$here/register; cp guest suid; chmod u+s suid; archway which --json ./suid"
printf '\0asm\1\0\0\0\1\4\1\140\0\0\3\2\1\0\7\12\1\6_start\0\0\12\4\1\2\0\13' | user_file "$T/tmp/root/a.wasm"
printf '' | user_file "$T/tmp/a.py"
as_user python3 -c 'import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2])' "$T/tmp/a.py" "$T/tmp/root/a.pyc"
printf 'PK\003\004' | user_file "$T/tmp/root/a.jar"
as_user mkdir -p "$T/tmp/root/usr/bin"
as_user cp /bin/true "$T/tmp/root/usr/bin/wasmtime"
as_user chmod 755 "$T/tmp/root/"a.{wasm,pyc,jar}
own which "another format that is damaged" "archway which --json --root root /a.jar"
own which "one that runs" "archway which --json --root root /a.wasm"
own which "one that needs a version" "archway which --json --root root /a.pyc"
own which "one that nothing runs" "rm -r root/usr; archway which --json --root root /a.wasm"
# a program of this machine's made one of another
as_user cp "$(readlink -f /bin/true)" "$T/tmp/root/dynamic"
printf '\267\000' | as_user dd of="$T/tmp/root/dynamic" bs=1 seek=18 conv=notrunc status=none
own which "without its loader" "archway which --json --root root /dynamic"
own lint "a rule, a fault, a file" "archway lint --json ':a:M::AB::/bin/sh:' ':x:' spec"
own register "new" "archway register --json ':a:E::a::/bin/true:F'"
own register "a failure" "archway register -q ':a:E::a::/bin/true:F'; archway import --json --force spec spec"
checked import "twice"
own import "a failure" "echo ':elf:M::\\x7fELF::/bin/true:' >bad; archway import --json bad"
own export "rules" "$rules; archway export --json"
own export "a format file" "$rules; archway export --json --update-binfmts mine"
own enable "a rule" "$rules; archway disable -q mine; archway enable --json mine"
own disable "a rule" "$rules; archway disable --json mine nope"
own refresh "a lost rule" "$rules; echo -1 >\$here/mine; archway refresh --json"
own refresh "nothing to do" "$rules; archway refresh --json"
own uninstall "a rule" "$rules; archway uninstall --json mine nope"
own doctor "a warning, and a mend that is shown" "chmod 666 \$here/register; archway doctor --quick --json -n"
# a folder of the test's cannot be made: the mend is told to have failed
own doctor "a mend that fails" "$rules; echo -1 >\$here/mine; mkdir -p run/archway; mv run/archway/*.json keep; sed 's|/bin/true|/nowhere/x|g' keep >run/archway/\$(ls run/archway | sed 's/.lock//'); archway doctor --quick --json --fix"
as_user mkdir -p "$T/tmp/engines"
for engine in podman nerdctl ctr buildah; do
    printf '#!/bin/sh\necho "no such thing" >&2\nexit 1\n' | user_file "$T/tmp/engines/$engine"
done
printf '#!/bin/sh\n[ "$1" != --version ] || { echo Docker; exit; }\nexit 1\n' | user_file "$T/tmp/engines/docker"
as_user chmod 755 "$T/tmp/engines/"{podman,docker,nerdctl,ctr,buildah}
own doctor "engines that fail" "archway doctor --json"
own version "one id only" "archway version --json"
own enable "what is not there" "archway enable --json nope"
own verify "one that works, one without a rule" "archway verify --json $(uname -m) riscv64"
printf '#!/bin/sh\necho hello wasm\nexit 42\n' | user_file "$T/tmp/engines/wasmtime"
as_user chmod 755 "$T/tmp/engines/wasmtime"
own verify "a format" "archway install -q wasm; archway verify --json wasm java"
if command -v qemu-aarch64-static >/dev/null; then
    own install "for a platform" "archway install --json linux/arm64"
    own verify "by an emulator" "archway install -q linux/arm64; archway verify --json arm64"
    run as_user env XDG_RUNTIME_DIR="$T/tmp/run" unshare -Urm "$AW" install --json linux/arm64
    checked install "in a namespace that has no rules yet"
    run as_user env T_DIR="$T/tmp" XDG_RUNTIME_DIR="$T/tmp/run" PATH="$T/bin:/usr/bin:/bin" unshare -Urm "$T/bin/own" \
        "$rules; unshare -Urm archway install --json linux/riscv64 2>/dev/null"
    checked install "with outer rules"
    python3 "$CHECK" "$T/table" --unseen "$T/seen" | grep -vxFf "$T/elsewhere" >"$T/unseen"
    is "every documented key occurs" "$(cat "$T/unseen")" ""
else
    skip "install --json" "no static QEMU (tools/install-deps test)"
fi
