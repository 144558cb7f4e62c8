#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The spelling of tonistiigi/binfmt: archway --install LIST, archway --uninstall LIST.
. "$(dirname "$0")/../lib/common.sh"
need unshare python3

run aw --install=
right_run "nothing to install: what runs here" 0
is "the keys" "$(python3 -c 'import json, sys; print(*sorted(json.load(sys.stdin)))' <<<"$OUT")" "emulators supported"
is "this machine's own comes first" "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["supported"][0])' <<<"$OUT")" \
    "linux/$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')"
for words in '--install all more' '--install' '--mount /nowhere --install all' '--install all --dry-run' '--install all --nope'; do
    # shellcheck disable=SC2086 # words
    run aw $words
    is "wrong: $words" "$STATUS$OUT" 2
done
run aw install --install
is "behind a verb it is an option like others" "$STATUS" 2

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
own() {
    run as_user env T_DIR="$T/tmp" XDG_RUNTIME_DIR="$T/tmp/run" PATH="$T/bin:/usr/bin:/bin" unshare -Urm "$T/bin/own" "$1"
}
own true
if [ "$STATUS" != 0 ] || ! command -v qemu-aarch64-static >/dev/null || ! command -v qemu-riscv64-static >/dev/null; then
    skip "installing" "no binfmt_misc in user namespaces here, or no static QEMU"
    exit
fi
# lists NAME: a list of the JSON object as one line
lists() {
    python3 -c 'import json, sys; print(*json.load(sys.stdin)[sys.argv[1]])' "$1" <<<"$OUT"
}
own 'archway --install arm64,riscv64'
right_run "--install LIST" 0
is "the emulators" "$(lists emulators)" "qemu-aarch64 qemu-riscv64"
like "what runs, by running it" " $(lists supported) " ' linux/arm64 linux/riscv64 '
is "progress goes to standard error" "$ERR" "installing: arm64 OK
installing: riscv64 OK"
own 'archway -install=linux/arm64 >/dev/null; archway --uninstall qemu-* --install riscv64'
is "-install=, and --uninstall before --install" "$(lists emulators)" "qemu-riscv64"
own 'archway --install all --credentials >/dev/null 2>&1; archway --uninstall qemu-*'
right_run "--install all, --uninstall GLOB" 0
is "nothing is left" "$(lists emulators)" ""
own 'archway --install arm64 --json 2>/dev/null'
is "--json: one object all the same" "$(lists emulators)" "qemu-aarch64"
own 'archway --install arm64 >/dev/null 2>&1; archway --uninstall all'
right_run "--uninstall all" 0
is "--uninstall all: nothing is left" "$(lists emulators)" ""
is "--uninstall all: says so" "$ERR" 'uninstalling: all OK'
own 'archway install ,'
refused "install: a list of nothing" 'names no platform'
own 'archway --uninstall qemu-*'
right_run "--uninstall where nothing is" 0
is "says so" "$ERR" 'uninstalling: qemu-* not found'
own 'archway --install arm64,vax'
is "one that fails: status" "$STATUS" 2
is "the others are there" "$(lists emulators)" "qemu-aarch64"
like "and which" "$ERR" '^installing: vax failed$'
own 'printf ":qemu-arm:E::armtest::/bin/true:" >$here/register; archway --uninstall qemu-arm; echo "$?" >&2; cat $here/qemu-arm >&2'
like "someone else's rule is not touched" "$ERR" '^extension .armtest'
like "and that is a failure" "$ERR" '^uninstalling: qemu-arm failed'
own 'archway --install arm64 >/dev/null 2>&1; echo 0 >$here/qemu-aarch64; archway --install='
is "a rule that is off is no emulator" "$(lists emulators)" ""
unlike "and does not run" "$(lists supported)" arm64
