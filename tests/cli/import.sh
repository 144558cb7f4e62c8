#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Rules from update-binfmts' and systemd's files, and back: lint, import, export. In a user namespace with an
# instance of its own, where the kernel has that.
. "$(dirname "$0")/../lib/common.sh"
need unshare

as_user mkdir -p "$T/tmp/share" "$T/tmp/db" "$T/tmp/binfmt.d" "$T/tmp/run"
printf 'package one\ninterpreter /bin/sh\nmagic \\x7fARCHWAY\noffset 2\nmask \\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xf0\ncredentials no\nfix_binary yes\npreserve yes\n' | user_file "$T/tmp/share/one"
printf 'package two\ninterpreter /bin/sh\nextension archwaytwo\n' | user_file "$T/tmp/share/two"
printf 'package cli\ndetector /usr/bin/detect\ninterpreter /bin/sh\nmagic ARCHWAYCLI\n' | user_file "$T/tmp/share/zcli"
printf 'package bad\ninterpreter /bin/sh\nmagic AB\nmask \\xff\n' | user_file "$T/tmp/bad"
printf 'package odd\ninterpreter /bin/sh\nmagic ARCHWAYODD\ncolour red\npreserve perhaps\n' | user_file "$T/tmp/odd"
printf 'package elf\ninterpreter /bin/sh\nmagic \\x7fELF\n' | user_file "$T/tmp/elf"
printf ':\nextension\n0\narchwaydb\n\n/bin/sh\n\nno\nyes\n\n' | user_file "$T/tmp/db/mine"
printf '# rules\n:three:E::archwaythree::/bin/sh:\n:broken:Q::x::/bin/sh:\n' | user_file "$T/tmp/binfmt.d/three.conf"

# ---- lint ---------------------------------------------------------------------------------------
run aw lint "$T/tmp/share/two" "$T/tmp/db/mine"
right_run "lint: both kinds of file" 0 'share/two: note: without flag F .*\[no-f\]$'
like "lint: a database entry" "$OUT" 'db/mine: note: without flag F'
run aw lint "$T/tmp/share/zcli"
right_run "lint: a detector" 0 'zcli: warn: /usr/bin/detect decides .*\[detector\]$'
run aw lint "$T/tmp/bad"
right_run "lint: a fault is named with its line" 1 'tmp/bad:4: refuse: .*differ in length \[mask-length\]$'
run aw lint "$T/tmp/odd"
right_run "lint: a key that means nothing" 0 'odd: note: line 4 .*\[unknown-key\]$'
like "lint: neither yes nor no" "$OUT" 'odd: warn: line 5 .*\[neither-yes-nor-no\]$'
run aw lint "$T/tmp/elf"
right_run "lint: the host's own programs" 1 'elf: refuse: .*\[host-elf\]$'
run aw lint --json "$T/tmp/share/one" "$T/tmp/db/mine"
is "lint --json: formats and register strings" "$(python3 -c '
import json, sys
for x in json.load(sys.stdin):
    print(x["format"], x["valid"], x["name"], x["register"])' <<<"$OUT")" \
    'update-binfmts True one :one:M:2:\x7f\x41\x52\x43\x48\x57\x41\x59:\xff\xff\xff\xff\xff\xff\xff\xf0:/bin/sh:PF
update-binfmts-database True mine :mine:E::archwaydb::/bin/sh:P'

# ---- import and export ----------------------------------------------------------------------------
cat >"$T/bin/own" <<'SH'
#!/bin/bash
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null || exit 99
cd "$T_DIR" || exit
rm -rf run/archway
eval "$1"
SH
chmod 755 "$T/bin/own"
own() {
    run as_user env T_DIR="$T/tmp" XDG_RUNTIME_DIR="$T/tmp/run" PATH="$T/bin:/usr/bin:/bin" unshare -Urm "$T/bin/own" "$1"
}
own true
if [ "$STATUS" != 0 ]; then
    skip "import" "no binfmt_misc in user namespaces here (Linux 6.7 and later)"
    exit
fi
own 'archway import share; echo "status $?"; tail -n +2 /proc/sys/fs/binfmt_misc/one; archway show --json two | grep owner; archway ls -q'
like "import a folder: what is left out is a failure" "$OUT" '^status 1$'
like "import: why" "$ERR" 'zcli: its detector /usr/bin/detect decides'
like "import: how to have it all the same" "$ERR" 'archway import --force'
is "import: the rule that update-binfmts would make" "$(sed -n '/^interpreter/,/^mask/p' <<<"$OUT")" \
    "interpreter /bin/sh
flags: PF
offset 2
magic 7f41524348574159
mask fffffffffffffff0"
like "import: archway's from now on" "$OUT" '"owner": "archway"'
is "import: nothing else was registered" "$(tail -n 2 <<<"$OUT")" $'two\none'
own 'archway import --force share/zcli && archway ls -q'
right_run "import --force: without the detector" 0 '^zcli$'
own 'archway import -n share/two db binfmt.d; echo "status $?"; ls /proc/sys/fs/binfmt_misc'
like "import -n: what would be done" "$OUT" '^register mine: /bin/sh$'
like "import: a fault in a binfmt.d file" "$ERR" 'three.conf:3: rule, column 9'
is "import -n: changes nothing" "$(tail -n 2 <<<"$OUT")" $'register\nstatus'
as_user mkdir -p "$T/tmp/notes"
printf 'Read me: rules are in mine.conf\n' | user_file "$T/tmp/notes/README"
printf ':four:E::archwayfour::/bin/sh:\n' | user_file "$T/tmp/notes/mine.conf"
printf ':five:E::archwayfive::/bin/sh:\n' | user_file "$T/tmp/notes/old.conf.dpkg-old"
own 'archway import -q notes && archway ls -q'
is "import a folder: as at boot, .conf only" "$STATUS $OUT" "0 four"
own 'echo 0 >/proc/sys/fs/binfmt_misc/status; archway import share/two'
refused "import: where no rule has an effect" 'switched off'
own 'echo ":two:E::archwaytwo::/bin/false:F" >/proc/sys/fs/binfmt_misc/register; archway import share/two'
refused "import: someone else's rule of that name is another one" 'two is there already, is not Archway.s, and is another rule'
own 'echo ":four:E::archwaytwo::/bin/false:F" >/proc/sys/fs/binfmt_misc/register; archway import notes/mine.conf'
refused "import: the same of a line" 'mine.conf:1: rule four is there already'
like "import: and how to have it" "$ERR" 'archway import --force notes/mine.conf$'
own 'echo ":two:E::archwaytwo::/bin/sh:" >/proc/sys/fs/binfmt_misc/register; archway import share/two'
right_run "import: the very same rule is kept" 0 'kept two'
own 'archway import --json elf'
is "import: never the host's own programs" "$STATUS" 1
like "import --json: the error" "$OUT" '"message": ".*host-elf'
own 'archway import /nowhere'
refused "import: no such file" '/nowhere: No such file'
own 'printf "" >none; archway import none'
refused "import: nothing in it" 'none: no rule in it'
own 'archway import -q share/one share/two db; archway export >all; cat all
    archway export --update-binfmts one >back; cat back
    archway uninstall -q all; archway import -q all; archway export >again; cmp all again && echo same'
right_run "export: and import again, in the same order" 0 '^same$'
is "export: binfmt.d's lines, oldest first" "$(head -n 3 <<<"$OUT" | cut -d: -f2,7)" "one:/bin/sh
two:/bin/sh
mine:/bin/sh"
is "export: update-binfmts' lines" "$(sed -n '/^package/,/^fix/p' <<<"$OUT")" \
    'package archway
interpreter /bin/sh
magic \x7f\x41\x52\x43\x48\x57\x41\x59
offset 2
mask \xff\xff\xff\xff\xff\xff\xff\xf0
credentials no
preserve yes
fix_binary yes'
own 'archway import -q share/one share/two; archway export --update-binfmts'
is "export: one rule a file" "$STATUS" 2
own 'archway import -q share/one; archway export one nope'
is "export: a name that is not there" "$STATUS" 1
like "export: named" "$ERR" 'no rule is called nope'
own 'archway import -q --persist=false share/one; archway export --json'
like "export --json" "$OUT" '"text": ":one:M:2:'

# what update-binfmts itself makes of the same files, where it is installed
if command -v update-binfmts >/dev/null; then
    as_user mkdir -p "$T/tmp/admin"
    for name in one two; do
        # a dry run: it changes nothing, and prints the values
        run as_user update-binfmts --test --admindir "$T/tmp/admin" --importdir "$T/tmp/share" --import "$name"
        want=$(sed -n 's/^ *\(interpreter\|offset\|preserve\|fix_binary\) = //p' <<<"$OUT" | tr '\n' ' ')
        case $name in one) is "update-binfmts: $name" "$want" '2 /bin/sh yes yes ' ;; two) is "update-binfmts: $name" "$want" '0 /bin/sh   ' ;; esac
    done
else
    skip "update-binfmts reads the same" "update-binfmts is not installed"
fi
