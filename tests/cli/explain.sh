#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ls, show, which and lint: in a user namespace with rules of its own, and without any.
. "$(dirname "$0")/../lib/common.sh"
need unshare

# own COMMAND: in a new user namespace with an own binfmt_misc and these rules, newest first:
#   jar, wine, qemu-aarch64, older; off is switched off
cat >"$T/bin/own" <<'SH'
#!/bin/bash
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null || exit 99
export here=/proc/sys/fs/binfmt_misc
arm='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\xfc\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
for rule in ":off:M::\x7fELF\x02\x02:::/bin/sh:" ":older:M::$arm:$mask:/bin/sh:OC" \
    ":qemu-aarch64:M::$arm:$mask:/bin/sh:PF" ':wine:M::MZ::/nowhere/wine:' ':jar:E::jar::/bin/sh:'; do
    printf %s "$rule" >$here/register
done 2>/dev/null
printf %s ':off:M::AAAA::/bin/sh:' >$here/register
echo 0 >$here/off
cd "$T_DIR" || exit
eval "$1"
SH
chmod 755 "$T/bin/own"
own() {
    run as_user env T_DIR="$T/tmp" PATH="$T/bin:/usr/bin:/bin" unshare -Urm "$T/bin/own" "$1"
}
own true
[ "$STATUS" = 0 ] || skip_all "no binfmt_misc in user namespaces here (Linux 6.7 and later)"
as_user "$T/bin/mkelf" aarch64 "$T/tmp/guest" hello 0
printf '#!%s -x y\n' "$T/tmp/guest" | user_file "$T/tmp/script"
printf 'AAAA' | user_file "$T/tmp/a"
printf 'MZ' | user_file "$T/tmp/prog.exe"
printf '#!/bin/true\n' | user_file "$T/tmp/plain"
as_user chmod 755 "$T/tmp/script" "$T/tmp/a" "$T/tmp/prog.exe"

# ---- ls -----------------------------------------------------------------------------------------
own 'archway ls'
right_run "ls" 0
rows=$(awk '{print $1, $2, $3, $4, $5}' <<<"$OUT")
is "ls: the kernel's order, platforms, states, flags" "$rows" "NAME MATCHES STATE FLAGS INTERPRETER
off AAAA disabled - /bin/sh
jar *.jar enabled - /bin/sh
wine MZ enabled - /nowhere/wine
qemu-aarch64 linux/arm64 enabled PF /bin/sh
older linux/arm64 enabled OC /bin/sh"
like "ls: what is shadowed" "$OUT" '^older .* shadowed by qemu-aarch64$'
like "ls: an interpreter that is not there" "$OUT" '^wine .* interpreter missing$'
unlike "ls: no blanks at the ends of lines" "$OUT" ' $'
own 'archway ls -q'
is "ls -q" "$OUT" $'off\njar\nwine\nqemu-aarch64\nolder'
own 'archway ls --json | python3 -c "import json, sys
j = json.load(sys.stdin)
r = {x[\"name\"]: x for x in j[\"rules\"]}
print(j[\"instance\"], r[\"older\"][\"shadowed_by\"], r[\"qemu-aarch64\"][\"platforms\"],
      r[\"jar\"][\"extension\"], r[\"wine\"][\"magic\"], r[\"wine\"][\"interpreter_file\"],
      r[\"qemu-aarch64\"][\"interpreter_file\"], r[\"off\"][\"state\"])"'
is "ls --json" "$OUT" \
    "{'whose': 'own', 'enabled': True} qemu-aarch64 ['linux/arm64'] jar 4d5a missing held disabled"
own 'echo 0 >/proc/sys/fs/binfmt_misc/status; archway ls'
like "ls: all switched off" "$OUT" '^jar +\*\.jar +off '
like "ls: and says so" "$ERR" 'binfmt_misc is switched off'
own 'unshare -Urm archway ls -q'
is "ls: in a namespace within, the rules around it count" "$OUT" $'off\njar\nwine\nqemu-aarch64\nolder'
own 'for i in $(seq 995); do echo ":r$i:M::R$i-::/bin/sh:" >/proc/sys/fs/binfmt_misc/register; done
    archway ls -q | wc -l; archway which ./guest >/dev/null'
is "ls: a thousand rules" "$OUT" 1000
own 'umount /proc/sys/fs/binfmt_misc; archway ls'
refused "ls: not mounted" 'mount -t binfmt_misc'

# ---- show ---------------------------------------------------------------------------------------
own 'archway show qemu-aarch64'
right_run "show" 0 '^magic +7f 45 4c 46 02 01 01'
like "show: flags in words" "$OUT" '^flags +P: '
like "show: what overlaps" "$OUT" '^overlaps +older$'
string=$(sed -n 's/^register  *//p' <<<"$OUT")
own "echo -1 >\$here/qemu-aarch64; cat \$here/older >/dev/null
    printf %s '$string' >\$here/register && sed -n '/^offset/,\$p' \$here/qemu-aarch64"
is "show: its string registers the same rule" "$OUT" "offset 0
magic 7f454c460201010000000000000000000200b700
mask fffffffffffffffcfffffffffffffffffeffffff"
own 'archway show --json wine nope'
is "show: an unknown name is a failure" "$STATUS" 1
like "show: and named" "$ERR" 'there is no rule "nope"'
like "show: the others are shown" "$OUT" '"register": ":wine:M::'

own 'archway __complete rules'
is "completion: names of rules" "$OUT" $'off\njar\nwine\nqemu-aarch64\nolder'

# ---- which --------------------------------------------------------------------------------------
own 'archway which guest one'
right_run "which: a rule" 0 '^step 1 +rule qemu-aarch64 \(PF\): interpreter /bin/sh, .*not asked: older'
like "which: the final arguments" "$OUT" '^arguments +"/bin/sh" "guest" "guest" "one"$'
own 'archway which ./script one'
like "which: through #!" "$OUT" \
    "^arguments +\"/bin/sh\" \"$T/tmp/guest\" \"$T/tmp/guest\" \"-x y\" \"./script\" \"one\"\$"
own 'archway which sh'
right_run "which: a name on PATH" 0 '^file +/(usr/)?bin/sh$'
for file in 'a:126:rule off matches, but is switched off' 'prog.exe:126:rule wine: interpreter' \
    'plain:126:not executable' 'nothing:127:No such file'; do
    IFS=: read -r name status text <<<"$file"
    own "archway which ./$name"
    is "which $name: status" "$STATUS" "$status"
    like "which $name: reason" "$ERR" "$text"
done
own "archway which ./a"
like "which: the command that mends it" "$ERR" 'to mend it: archway enable off$'
own "touch 'b; true'; archway which './b; true'"
like "which: a name that a shell would take apart" "$ERR" "to mend it: chmod .x './b; true'"
own "cp guest set2; chmod g+s,g-x set2; archway which ./set2; cp guest set3; chmod u+s set3; archway which ./set3; echo 0 >\$here/qemu-aarch64; setpriv --no-new-privs archway which ./set3"
is "which: setgid without x, and no_new_privs" "$(sed -n 's/^credentials *//p' <<<"$OUT")" "setuid and setgid bits do not count: the rule lacks flag C
setuid and setgid bits do not count: who asks runs with no_new_privs"
own "archway which --json ./a"
like "which --json: why" "$OUT" '"why": "disabled"'
like "which --json: errno" "$OUT" '"errno": "ENOEXEC"'
is "which --json: status" "$STATUS" 126
as_user mkdir -p "$T/tmp/root/bin"
as_user cp "$T/tmp/guest" "$T/tmp/root/bin/tool"
own 'archway which --root root /bin/tool'
is "which --root: an interpreter whose loader is not there" "$STATUS" 126
like "which --root: the same rules" "$OUT" '^step 1 +rule qemu-aarch64'
like "which --root: the loader is named" "$ERR" '/bin/sh: loader /.*No such file'
own 'archway which --root root tool'
like "which --root: a name on the usual PATH" "$OUT" '^file +/bin/tool$'
own 'archway which --root root ./script'
is "which --root: not outside" "$STATUS" 127
own 'archway which guest'
like "which: whose rules" "$OUT" "^rules +this user namespace's own\$"
like "which: what the flags do" "$OUT" "^ +P: the program's own argv"
own 'unshare -Urm archway which guest'
like "which: rules of an outer namespace" "$OUT" "^rules +an outer user namespace's\$"
own 'echo 0 >$here/qemu-aarch64; archway which guest'
right_run "which: a disabled rule lets the next one win" 0 '^step 1 +rule older \(OC\)'
unlike "which: it is not among the shadowed" "$OUT" 'not asked'
own 'echo 0 >$here/qemu-aarch64; archway which --root root /bin/tool'
is "which --root: an interpreter that this root lacks" "$STATUS" 126
like "which --root: is named with its rule" "$ERR" 'rule older: interpreter /bin/sh: No such file.*ENOENT'
like "which --root: and what mends it" "$ERR" 'register the rule with flag F'
own 'mkdir nx; mount -t tmpfs -o noexec none nx; cp guest nx; archway which nx/guest'
is "which: on a mount without exec" "$STATUS" 126
like "which: says so" "$ERR" 'nx/guest.*mounted noexec \(EACCES\)'
like "which: and how to mend it" "$ERR" 'remount,exec'
own 'mkdir nx2; mount -t tmpfs -o noexec none nx2; cp /bin/sh nx2; printf "#!$PWD/nx2/sh\n" >by-nx; chmod +x by-nx; archway which ./by-nx'
like "which: a script's interpreter on such a mount" "$ERR" 'interpreter .*nx2/sh.*mounted noexec'
own 'for i in 1 2 3 4 5 6 7; do printf "#!$PWD/d%d\n" $((i + 1)) >d$i; chmod +x d$i; done; cp guest d8
    archway which ./d5 >/dev/null; echo "five $?"; archway which ./d1'
like "which: four scripts before a foreign program are few enough" "$OUT" '^five 0$'
like "which: seven are too many" "$ERR" 'more than 5 interpreters.*ELOOP'
own 'printf "#!$PWD/none -x\n" >by-none; chmod +x by-none; archway which --json ./by-none'
like "which: a script's interpreter that is not there" "$OUT" '"why": "script-interpreter"'
own 'printf "#! \n" >by-nothing; chmod +x by-nothing; archway which ./by-nothing'
like "which: #! without an interpreter" "$ERR" 'no interpreter after #!.*ENOEXEC'
own 'mkdir folder; archway which ./folder'
like "which: a folder" "$ERR" 'no regular file.*EACCES'
own 'cp guest set; chmod u+s set; archway which ./set; echo 0 >$here/qemu-aarch64; archway which ./set
    mkdir ns; mount -t tmpfs -o nosuid none ns; cp -p set ns; archway which ns/set
    archway which ./script | grep credentials; chmod u+s script; archway which ./script | grep credentials'
is "which: setuid programs, by the flags, the mount and scripts" "$(sed -n 's/^credentials *//p' <<<"$OUT")" \
    "setuid and setgid bits do not count: the rule lacks flag C
setuid and setgid bits count: the rule has flag C
setuid and setgid bits do not count: the file system is mounted nosuid
setuid and setgid bits do not count for scripts"
own 'cp /bin/true plain2; chmod u+s plain2; archway which ./plain2; archway which --json ./plain2 | grep -c credentials'
unlike "which: a program of this machine: its bits count as ever" "$OUT" 'credentials'
cp "$T/tmp/guest" "$T/tmp/locked" && chmod 111 "$T/tmp/locked"
[ "$(id -u)" != 0 ] || chown "$TEST_USER:" "$T/tmp/locked"
run aw which "$T/tmp/locked"
is "which: may be executed, not read: it cannot be told" "$STATUS" 1
like "which: and says so" "$ERR" 'may be executed but not read'
own 'archway which --root nodir x'
refused "which --root: no such folder" '--root nodir: No such file'

# ---- lint ---------------------------------------------------------------------------------------
run aw lint ':bad:M::zz:zzz:/x:'
is "lint: a fault is status 1" "$STATUS" 1
like "lint: the fault, its column, the kernel's answer" "$OUT" 'column 12: .*EINVAL \[mask-length\]$'
run aw lint ':all:M::\x7fELF::/bin/sh:F'
is "lint: the host's own programs are status 1" "$STATUS" 1
like "lint: and named" "$OUT" 'refuse: .*\[host-elf\]$'
printf '# rules\n:one:M::ABC::/bin/sh:F\n\n:two:M::AB::/bin/sh:F\n:one:M::Z::/bin/sh:F\n' |
    user_file "$T/tmp/rules.conf"
run aw lint "$T/tmp/rules.conf"
right_run "lint: a file" 0 "rules.conf:4: warn: .*rule one \\(line 2\\).*\\[shadows\\]\$"
like "lint: names that stand twice" "$OUT" 'rules.conf:5: warn: line 2 .*\[name-twice\]$'
run aw lint --json "$T/tmp/rules.conf" ':x:'
like "lint --json: the fault" "$OUT" '"kind": "too-short"'
is "lint --json: status" "$STATUS" 1
run aw lint "$T/tmp/nofile"
refused "lint: neither rule nor file" 'No such file'
run aw lint "$T/tmp/a"
is "lint: a file that holds no rules" "$STATUS" 1

# ---- doctor -------------------------------------------------------------------------------------
own 'archway doctor --quick'
is "doctor: warnings are status 1" "$STATUS" 1
like "doctor: a missing interpreter" "$OUT" '^warn +rule wine: interpreter /nowhere/wine: .*\[interpreter-not-found\]$'
like "doctor: how to mend it" "$OUT" '^ +to mend it: install /nowhere/wine, or: echo -1 > /proc/sys/fs/binfmt_misc/wine$'
like "doctor: a dynamic interpreter" "$OUT" '^warn +rule qemu-aarch64: .*\[interpreter-dynamic\]$'
like "doctor: a shadowed rule" "$OUT" '^note +rule older never gets its turn: qemu-aarch64 '
like "doctor: namespaces were tried" "$OUT" '\[user-namespaces\]$'
unlike "doctor: switched-off rules do not count" "$OUT" 'rule off'
own 'echo 0 >/proc/sys/fs/binfmt_misc/status; archway doctor --quick -q'
like "doctor: all switched off" "$OUT" '^error +binfmt_misc is switched off'
unlike "doctor -q: only what needs mending" "$OUT" '^(ok|note) '
own 'echo -1 >/proc/sys/fs/binfmt_misc/status; PATH=/nowhere '"$T"'/bin/archway doctor --quick --json'
like "doctor --json: no emulator" "$OUT" '"mend": "apt install qemu-user-static"'
like "doctor --json: the worst" "$OUT" '"worst": "error"'
is "doctor: errors are status 1" "$STATUS" 1
own 'mount -o remount,ro /proc/sys/fs/binfmt_misc; archway doctor --quick'
like "doctor: mounted read-only" "$OUT" '^note +binfmt_misc is mounted read-only'
own 'umount /proc/sys/fs/binfmt_misc; archway doctor --quick'
like "doctor: not mounted" "$OUT" '^note +binfmt_misc: it is not mounted'

# ---- what cannot be kept ---------------------------------------------------------------------------
own 'archway register --persist ":kept:E::kept::/bin/true:F"; echo "status $?"; ls $here | grep kept'
like "--persist where nobody makes the namespace anew: refused" "$OUT" '^status 1$'
unlike "--persist: and nothing is registered" "$OUT" '^kept$'
like "--persist: what to do instead" "$ERR" 'podman unshare archway register'

# ---- names that are no text -----------------------------------------------------------------------
own 'printf ":\xff\xc3\xa9\xed\xa0\x80\xc0\x80x\033:M::ODD::/bin/sh:" >$here/register
    archway ls --json | python3 -c "import json, sys
print(ascii(json.loads(sys.stdin.buffer.read().decode())[\"rules\"][0][\"name\"]))"
    archway ls | grep ODD'
like "JSON is UTF-8 whatever a rule is called" "$OUT" "^'.ufffd.xe9(.ufffd){5}x.x1b'\$"
unlike "no control character reaches the terminal" "$OUT" $'\033'

# ---- what is stale, and whose it is ----------------------------------------------------------------
own 'cp /bin/true emu; echo ":held:M::HELD::$PWD/emu:F" >$here/register; sleep 0.1
    archway ls | grep ^held; cp emu emu2; mv emu2 emu; archway ls | grep ^held; archway doctor --quick
    rm emu; archway show --json held | grep _file'
like "stale: not at first" "$OUT" '^held .* -$'
like "stale: after the file was replaced" "$OUT" '^held .* stale: the kernel holds an older file$'
like "stale: doctor tells" "$OUT" '^warn +rule held: .*emu was changed since .*\[stale\]$'
like "stale: the file is gone" "$OUT" '"interpreter_file": "held-gone"'
like "doctor: rules of others" "$OUT" '^note +6 rules are not archway.s: held, off, jar, wine, qemu-aarch64, older \[others\]$'
if [ -x /usr/bin/qemu-riscv64-static ]; then
    own 'export XDG_RUNTIME_DIR=$PWD/run; mkdir -m 700 run
        archway install riscv64 >/dev/null || exit 3
        archway ls --json | grep -A30 \"qemu-riscv64\" | grep -m1 owner
        echo -1 >$here/qemu-riscv64; archway ls >/dev/null; archway doctor --quick'
    like "owner: what install registered is archway's" "$OUT" '"owner": "archway"'
    like "owner: ls tells of a lost rule" "$ERR" 'rule qemu-riscv64 was registered and is lost: archway refresh'
    like "owner: doctor too" "$OUT" '^error +rule qemu-riscv64 was registered and is not there any more'
else
    skip "owner: what install registered is archway's" "no static QEMU (tools/install-deps test)"
fi
