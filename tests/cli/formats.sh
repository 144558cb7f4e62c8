#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Formats beyond ELF without any rule: what is refused, what `which` tells, and archway-format called by hand.
# What runs is in tests/real/formats.sh.
. "$(dirname "$0")/../lib/common.sh"
need python3
[ -x "$T/bin/archway-format" ] || skip_all "no archway-format beside $ARCHWAY"
cp -- "$LIB/mkformats" "$T/bin/"
W=$T/tmp/w
as_user mkdir -p "$W/config/archway" "$W/none" "$W/bin"
make() {
    as_user python3 "$T/bin/mkformats" program "$@"
}
make class:demo/Hi "$W/demo/Hi.class"
make wasm "$W/x.wasm"
make exe "$W/x.exe"
as_user sh -c 'cd "$1" && head -c 30 x.wasm >cut.wasm; printf "#!/bin/sh\necho java \"\$@\"\n" >bin/java; chmod +x bin/java cut.wasm
    printf "\312\376\272\276...." >none/java; chmod +x none/java' sh "$W"
# by archway-format with this PATH and these formats
by() {
    local path=$1 file=$2
    shift 2
    run as_user env PATH="$path" XDG_CONFIG_HOME="$W/config" "$T/bin/archway-format" "$W/$file" "$@"
}

by "$W/bin" demo/Hi.class a 'b c'
right_run "a class" 0 "^java -cp .*/w demo.Hi a b c\$"
run as_user env PATH="$W/bin" CLASSPATH=/lib/x.jar "$T/bin/archway-format" "$W/demo/Hi.class"
right_run "CLASSPATH is kept" 0 "^java -cp .*/w:/lib/x.jar demo.Hi\$"
by "$W/none" demo/Hi.class
is "a class called java is no java" "$STATUS" 126
like "says what is missing" "$ERR" 'a Java class, and nothing here runs it \(java\): apt install default-jre-headless$'
by "$W/bin" cut.wasm
is "a cut-off file: status" "$STATUS$OUT" 126
is "a cut-off file: one line" "$(wc -l <<<"$ERR")" 1
by "$W/bin" .
like "no regular file" "$ERR" 'no regular file'
by "$W/bin" nothing
is "a missing file" "$STATUS" 126
like "a missing file is named" "$ERR" 'nothing: cannot be read: No such file'
as_user ln -s "$T/bin/archway-format" "$W/dos+ape"
run as_user env PATH="$W/bin" "$W/dos+ape" "$W/demo/Hi.class"
is "a format that was not asked for: status" "$STATUS" 126
like "a format that was not asked for: why" "$ERR" 'a Java class, which no rule is for: archway install java'
run as_user "$T/bin/archway-format"
is "without a file" "$STATUS" 2

user_file "$W/config/archway/formats.conf" <<'X'
[java]
command = sh -c 'echo "own: $*"; exit 9' sh {main} {args}
[wasm-module]
command = not-there {file}
X
by /bin:/usr/bin demo/Hi.class a
right_run "a command of one's own" 9 '^own: demo.Hi a$'
user_file "$W/config/archway/formats.conf" <<'X'
[x]
magic = abc
mask = \xff
command = y
X
by "$W/bin" demo/Hi.class
right_run "a bad file does not stop others" 0 '^java -cp'
like "it is named with its line" "$ERR" 'formats.conf:1: x: magic has 3 bytes and mask 1'

run as_user env PATH="$W/bin" XDG_CONFIG_HOME="$W/none" "$AW" which --json "$W/demo/Hi.class"
like "which: the kind" "$OUT" '"kind": "java-class"'
like "which: what to install" "$OUT" '"install": "java"'
like "which: the interpreter" "$OUT" '"interpreter": ".*/bin/java"'
run aw which "$W/cut.wasm"
is "which: a cut-off file" "$STATUS" 126
for word in pyc lua dotnet; do
    run aw verify $word
    is "verify $word: status" "$STATUS" 2
    like "verify $word: why" "$ERR" 'no built-in program'
done
if [ "$(as_user stat -Lc %i /proc/self/ns/user)" = 4026531837 ]; then
    run aw install java
    like "install by a user names both ways" "$ERR" 'sudo archway install java .*podman unshare archway install java'
else
    skip "install by a user" "this is not the first user namespace"
fi
