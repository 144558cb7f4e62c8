#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs beyond ELF, by typing their name: Java, DOS, Windows, WebAssembly, compiled Python and others,
# under the interpreters that are installed; in a user namespace and with the host's own rules.
. "$(dirname "$0")/../lib/common.sh"
need unshare python3 strace
as_user unshare -Urm true 2>/dev/null || skip_all "no user namespaces here"
IFS=.- read -r major minor _ < <(uname -r)
[ $((major * 1000 + minor)) -ge 6007 ] || skip_all "this kernel has no binfmt_misc for user namespaces"
[ -x "$T/bin/archway-format" ] || skip_all "no archway-format beside $ARCHWAY"
cp -- "$LIB/mkformats" "$T/bin/"
chmod a+rx "$T/bin"/*
W=$T/tmp/w
as_user mkdir -p "$W/run" "$W/config/archway" "$W/some where/a:b"
make() {
    as_user python3 "$T/bin/mkformats" program "$@"
}

# ---- the programs ----------------------------------------------------------------------------------
make class:HelloWorld "$W/HelloWorld.class" 42
make class:demo/deep/Inner "$W/demo/deep/Inner.class" 43
make class:demo/Colon "$W/some where/a:b/demo/Colon.class" 44
make class:Wrong "$W/NotWrong.class"
make jar:demo/App "$W/app.jar" 45
make com "$W/hello.com" 7
make exe "$W/hello.exe" 200
make com "$W/a long name.com" 8
make pe "$W/hello-pe.exe" 46
make wasm "$W/hello.wasm" 3
user_file "$W/prog.py" <<'X'
import os, signal, sys, time
print('hello pyc', *sys.argv[1:], os.environ.get('LETTER'), flush=True)
if sys.argv[1:] == ['kill']:
    os.kill(os.getpid(), signal.SIGUSR1)
if sys.argv[1:] == ['sleep']:
    time.sleep(60)
print(sys.stdin.read(), end='', flush=True)
print('to stderr', file=sys.stderr)
sys.exit(5)
X
PYTHON=$(as_user sh -c 'command -v python3')
as_user "$PYTHON" -c 'import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2])' "$W/prog.py" "$W/prog.pyc"
user_file "$W/prog.lua" <<<'print("hello lua", ...) os.exit(6)'
lua=$(as_user sh -c 'command -v lua5.4 || command -v lua5.3')
user_file "$W/dump.lua" <<<'local f = assert(io.open(arg[2], "wb")) f:write(string.dump(loadfile(arg[1]))) f:close()'
[ -z "$lua" ] || as_user "$lua" "$W/dump.lua" "$W/prog.lua" "$W/prog.luac"
user_file "$W/prog.cs" <<<'class P { static int Main(string[] a) { System.Console.WriteLine("hello net " + string.Join(",", a)); return 9; } }'
[ -z "$(command -v mcs)" ] || as_user mcs -out:"$W/net.exe" "$W/prog.cs"
user_file "$W/prog.c" <<<'#include <stdio.h>
int main(int n, char **v) { printf("hello llvm %d %s\n", n, v[n - 1]); return 10; }'
[ -z "$(command -v lli)" ] || [ -z "$(command -v clang)" ] || as_user clang -O1 -emit-llvm -c -o "$W/prog.bc" "$W/prog.c"
as_user sh -c 'cd "$1" && head -c 100 hello.wasm >cut.wasm; head -c 20 hello.exe >cut.exe; printf "#!/bin/sh\necho script \$0 \$1; exit 4\n" >script.com; cp /bin/echo elf.com
    printf "MZ, said the text.\n%0100d" 0 >text.exe; (cat HelloWorld.class; echo) >long.class; printf "mine: %s\n" x >own.mine; printf "mine? no" >other.mine; chmod +x *' sh "$W"

# ---- typing their names ------------------------------------------------------------------------------
# t NAME COMMAND...: its name, what it printed, its status
user_file "$W/types" <<'X'
cd "$W"
t() {
    local name=$1
    shift
    echo "== $name"
    "$@" 2>&1
    echo "status $?"
}
have() { command -v "$1" >/dev/null; }
if have java; then
    t "class" ./HelloWorld.class one "two three"
    t "class of a package" demo/deep/Inner.class one
    t "from within the package" sh -c 'cd demo/deep && ./Inner.class'
    t "by a link" sh -c 'ln -sf demo/deep/Inner.class link && ./link x'
    t "colon in the path" "some where/a:b/demo/Colon.class" q
    t "a class in the wrong file" ./NotWrong.class
    t "jar" ./app.jar one two
fi
if have dosbox; then
    t "com" sh -c 'echo from stdin | ./hello.com tail'
    t "exe" ./hello.exe one two
    t "long name" "./a long name.com"
    t "com to a file" sh -c './hello.com </dev/null >out.txt; echo $?; cat out.txt'
    t "com without input" sh -c './hello.com <&-'
    t "com to nobody" bash -c './hello.com <out.txt | true; echo "${PIPESTATUS[0]}"; ls -d /tmp/archway-dos.*'
    t "com ended from outside" sh -c 'mkfifo never; exec 9<>never; ./hello.com <never & sleep 2; kill -TERM $!; wait $!; echo "was $?"; rm never; ls -d /tmp/archway-dos.*'
    t "no such tail" ./hello.com 'a>b'
fi
if have wine; then t "pe" ./hello-pe.exe; fi
if have node; then t "wasm" ./hello.wasm one two; fi
t "pyc" sh -c 'echo input | LETTER=x ./prog.pyc one "two  three"'
t "killed" ./prog.pyc kill </dev/null
t "ended from outside" sh -c './prog.pyc sleep & sleep 1; kill -TERM $!; wait $!; echo "was $?"'
t "stdout closed" sh -c './prog.pyc </dev/null | true; echo $?'
[ ! -e prog.luac ] || t "lua" ./prog.luac a b
[ ! -e net.exe ] || ! have mono || t "net" ./net.exe a b
[ ! -e prog.bc ] || t "llvm" ./prog.bc x
t "script.com" ./script.com arg
t "elf.com" ./elf.com one "two  three"
t "cut wasm" ./cut.wasm
t "cut exe" ./cut.exe
t "text exe" ./text.exe
t "long class" ./long.class
X
FORMATS="java dos wine dotnet wasm pyc lua llvm"

# ---- in a user namespace ----------------------------------------------------------------------------
user_file "$W/config/archway/formats.conf" <<'X'
[mine]
description = a file of mine
extension = mine
detector = grep -q "^mine:"
command = not-there {file}
command = sh -c 'echo "mine: $*"; exit 11' {file} {args}
X
user_file "$W/inner" <<'X'
W=$1 A=$2 M=/proc/sys/fs/binfmt_misc
shift 2
export PATH=$PATH:/usr/sbin:/sbin W XDG_RUNTIME_DIR=$W/run XDG_CONFIG_HOME=$W/config WINEDEBUG=-all
for d in /etc/binfmt.d /etc/systemd/system /var/lib; do
    mkdir -p $d
    mount -t tmpfs none $d
done
. "$W/types" >/dev/null 2>&1 # without rules nothing runs
t "without a rule" "$A" which ./HelloWorld.class
t "unknown" "$A" install vax
t "dry run" "$A" install -n java
t "no links yet" ls /var/lib/archway/formats
t "install" "$A" install --persist=false "$@"
. "$W/types"
t "which class" "$A" which ./HelloWorld.class one
t "which cut" "$A" which ./cut.wasm
t "verify" "$A" verify
t "again" "$A" install --persist=false java
echo -1 >$M/status
t "wiped" sh -c ./prog.pyc
t "refresh" "$A" refresh
t "back" sh -c './prog.pyc </dev/null'
t "uninstall wine" "$A" uninstall wine
t "dos stays" "$A" which ./hello.exe
t "pe does not" ./hello-pe.exe
t "disable" "$A" disable pyc
t "disabled" sh -c ./prog.pyc
t "enable" "$A" enable pyc
t "install a format of one's own" "$A" install mine
t "own" ./own.mine one
t "not own" ./other.mine
echo "[bad]" >>"$XDG_CONFIG_HOME/archway/formats.conf"
t "a bad file" "$A" install mine
sed -i '$d' "$XDG_CONFIG_HOME/archway/formats.conf"
"$A" uninstall java -q
printf %s ':jar:M::PK\x03\x04::/bin/true:' >$M/register
t "theirs" sh -c ./app.jar
t "conflict" "$A" install java
t "ours wins" ./app.jar
t "which of both" "$A" which ./app.jar
t "kept" cat $M/jar
t "uninstall java" "$A" uninstall java
t "theirs again" sh -c ./app.jar
# as Debian's packages wine, mono-runtime-common and python3.11-minimal have them
"$A" uninstall -q dos dotnet pyc
printf %s ':wine:M::MZ::/usr/bin/wine:' >$M/register
printf %s ':cli:M::MZ::/usr/bin/cli:' >$M/register
printf %s ':python3.11:M::\xa7\x0d\x0d\x0a::/usr/bin/python3.11:' >$M/register
t "Debian's rules" "$A" install --persist=false --force dos wine dotnet pyc
t "all kept" cat $M/wine $M/cli $M/python3.11
printf %s ':newer:M::MZ::/bin/false:' >$M/register
t "a newer one" "$A" which ./hello.exe
t "is shown" "$A" ls
t "in front again" "$A" refresh
t "ours again" "$A" which ./hello.exe
"$A" uninstall -q dos wine dotnet pyc
t "all still there" sh -c "ls $M | grep -cx -e wine -e cli -e python3.11 -e newer"
for f in wine cli python3.11 newer; do echo -1 >$M/$f; done
"$A" install --persist=false -q dos dotnet pyc --force
printf %s ':WSLInterop:M::MZ::/bin/true:' >$M/register
"$A" uninstall dos dotnet -q
t "WSL" "$A" install dos
echo -1 >$M/WSLInterop
t "nothing runs it" env PATH=/usr/sbin:/nowhere "$A" install wasm
t "forced" env PATH=/usr/sbin:/nowhere "$A" install --force wasm
t "doctor" env PATH=/nowhere "$A" doctor --quick
t "doctor finds it" "$A" doctor --quick
t "none is there" env PATH=/nowhere ./hello.wasm
"$A" install --persist=false pyc -q
t "persist" "$A" install pyc
t "binfmt.d" cat /etc/binfmt.d/archway.conf
if [ -x /lib/systemd/systemd-binfmt ]; then
    for d in /usr/lib/binfmt.d /usr/local/lib/binfmt.d /run/binfmt.d; do
        [ ! -d $d ] || mount -t tmpfs none $d
    done
    t "systemd-binfmt" /lib/systemd/systemd-binfmt
    t "after systemd-binfmt" sh -c './prog.pyc </dev/null'
    t "refresh after it" "$A" refresh --force
fi
# a container: another root, with an interpreter of its own, and one without
mkdir -p "$W/full" "$W/bare/bin" && mount -t tmpfs none "$W/full"
for d in usr bin lib lib64; do
    [ ! -e /$d ] || { mkdir -p "$W/full/$d" && mount --rbind /$d "$W/full/$d"; }
done
cp prog.pyc "$W/full/prog.pyc"
cp prog.pyc "$W/bare/prog.pyc"
t "in a container" env -i PATH=/usr/bin:/bin /usr/sbin/chroot "$W/full" /prog.pyc inside </dev/null
if [ -n "${BUSYBOX:-}" ]; then
    cp "$BUSYBOX" "$W/bare/bin/busybox"
    t "in a container without it" env -i PATH=/bin /usr/sbin/chroot "$W/bare" /bin/busybox sh -c /prog.pyc
fi
umount -l "$W/full"
t "uninstall all" "$A" uninstall all
t "left" sh -c "ls $M; find /var/lib/archway -type l; find /etc/binfmt.d -type f"
X
# shellcheck disable=SC2086 # words
run as_user env BUSYBOX="$(static_busybox)" unshare -Urmpf --mount-proc bash "$W/inner" "$W" "$AW" $FORMATS
[ "$STATUS" -le 125 ] || note "$ERR"
part() {
    sed -n "/^== $1\$/,/^== /p" <<<"$OUT" | sed '1d;/^== /d' | tr -d '\r'
}
# p NAME STATUS REGEX: what was printed, lines parted by |
p() {
    like "$WHERE$1" "$(part "$1" | tr '\n' '|')" "${3:-}.*status $2\\|\$"
}
# q PROGRAM ...: as p, where the program is
q() {
    local need=$1
    shift
    if as_user sh -c "command -v $need" >/dev/null; then p "$@"; else skip "$WHERE$1" "$need is not installed"; fi
}
typed() {
    q java "class" 42 '^hello class\|one,two three\|'
    q java "class of a package" 43 '^hello class\|one\|'
    q java "from within the package" 43 '^hello class\|'
    q java "by a link" 43 '^hello class\|x\|'
    q java "colon in the path" 44 '^hello class\|q\|'
    q java "a class in the wrong file" 126 'finds this class only as Wrong.class'
    q java "jar" 45 '^hello class\|one,two\|'
    q dosbox "com" 7 '^hello com\| tailfrom stdin\|'
    q dosbox "exe" 200 '^ one twohello exe\|'
    q dosbox "long name" 8 '^hello com\|'
    q dosbox "com to a file" 0 '^7\|hello com\|'
    q dosbox "com without input" 7 '^hello com\|'
    q dosbox "com to nobody" 2 '^(141|7)\|ls: cannot access'
    q dosbox "com ended from outside" 2 'was 143\|ls: cannot access'
    q dosbox "no such tail" 126 'DOS takes'
    q wine "pe" 46 'hello pe\|'
    q node "wasm" 5 '^hello wasm\|'
    q python3 "pyc" 5 '^hello pyc one two  three x\|input\|to stderr\|'
    q python3 "killed" 138 '^hello pyc kill'
    q python3 "ended from outside" 0 'was 143\|'
    q lua5.4 "lua" 6 '^hello lua.a.b\|'
    if [ -e "$W/net.exe" ]; then q mono "net" 9 '^hello net a,b\|'; else skip "${WHERE}net" "no mcs"; fi
    if [ -e "$W/prog.bc" ]; then p "llvm" 10 '^hello llvm 2 x\|'; else skip "${WHERE}llvm" "no lli or clang"; fi
    p "script.com" 4 '^script ./script.com arg\|'
    p "elf.com" 0 '^one two  three\|'
    p "cut wasm" 126 '^archway-format: ./cut.wasm: a WebAssembly module that is cut off[^|]*\|'
    p "cut exe" 126 '^archway-format: ./cut.exe: a DOS program that is cut off[^|]*\|'
    p "text exe" 126 '^archway-format: ./text.exe: no DOS program, though[^|]*\|'
    p "long class" 126 '^archway-format: ./long.class: a Java class with something behind its end[^|]*\|'
}
WHERE="namespace: "
q java "without a rule" 126 'a Java class.*archway install java'
p "unknown" 2 'vax'
q java "dry run" 0 'register archway-class: java by .*archway-format\|'
p "no links yet" 2
p "install" 0 'container that runs such programs must have it itself.*registered archway-class: java by .*registered archway-mz: dos,wine,dotnet by .*/dos\+wine\+dotnet\+ape\|'
typed
q java "which class" 0 'format +a Java class\|starts +"java" "-cp" ".*/w" "HelloWorld" "one"\|runs +yes'
p "which cut" 126 'runs +no.*cut off'
q dosbox "verify" 0 'java: a Java class works.*dos: a DOS program works.*dos: a DOS program without a header works'
p "again" 0 'kept archway-class \(good as it is\)\|kept archway-zip'
p "wiped" "[1-9][0-9]*"
p "refresh" 0 'registered archway-class'
p "back" 5 '^hello pyc'
p "uninstall wine" 0 'registered archway-mz: dos,dotnet'
q dosbox "dos stays" 0 'a DOS program'
p "pe does not" 126 'a Windows console program, which no rule is for: archway install wine'
p "disable" 0 'disabled archway-pyc\|'
p "disabled" "[1-9][0-9]*"
p "enable" 0 'enabled archway-pyc\|'
p "install a format of one's own" 0 'registered archway-mine: mine by'
p "own" 11 'mine: one\|'
p "not own" 126 'archway-format: ./other.mine: no program that is known'
p "a bad file" 1 'formats.conf:[0-9]+: bad has no command'
p "theirs" 0
q java "conflict" 0 'rule jar \(/bin/true\) is for the same files and is kept; archway-zip wins'
q java "ours wins" 45 '^hello class'
q java "which of both" 0 'rule archway-zip.*not asked: jar\|'
p "kept" 0 'interpreter /bin/true'
p "uninstall java" 0 'removed archway-zip'
p "theirs again" 0
p "Debian's rules" 0 'rule cli .* is kept; archway-mz wins.*rule wine .* is kept; archway-mz wins.*rule python3.11 .* is kept; archway-pyc wins'
p "all kept" 0 '/usr/bin/wine.*/usr/bin/cli.*/usr/bin/python3.11'
p "a newer one" 0 'rule newer.*not asked: archway-mz, cli, wine\|'
p "is shown" 0 'archway-mz [^|]*shadowed by newer'
p "in front again" 0 'registered archway-mz: .*another rule stood before it'
p "ours again" 0 'rule archway-mz .*not asked: newer, cli, wine\|.*a DOS program'
p "all still there" 0 '^4\|'
q dosbox "WSL" 1 'WSLInterop hands Windows programs to Windows itself.*archway install --force'
p "nothing runs it" 1 'wasm: nothing here runs .*looked for: wasmtime, wasmer, wasmedge, node.*apt install nodejs.*--force'
p "forced" 0 'registered archway-wasm'
p "doctor" 1 'wasm: there is a rule for WebAssembly modules and components, and nothing here runs them .format.\|[^|]*apt install nodejs'
q node "doctor finds it" "[01]" 'containers must have these themselves.*node'
p "none is there" 126 'a WebAssembly module, and nothing here runs it \(wasmtime, wasmer, wasmedge, node\): apt install nodejs'
p "persist" 0 'to be kept over restarts'
p "binfmt.d" 0 'archway-pyc:M:1:.*/formats/pyc:PF'
if [ -x /lib/systemd/systemd-binfmt ]; then
    p "after systemd-binfmt" 5 '^hello pyc'
fi
p "in a container" 5 '^hello pyc inside'
[ -z "$(static_busybox)" ] || p "in a container without it" 126 '/prog.pyc: compiled Python, and nothing here runs it \(python3.*python3\)'
p "uninstall all" 0 'removed archway-pyc'
p "left" 0 '^register\|status\|'

# ---- nothing is executed for what is not recognised ---------------------------------------------------
as_user python3 "$T/bin/mkformats" corpus "$W/corpus"
user_file "$W/refused" <<'X'
cd "$1/corpus" || exit 1
while IFS='	' read -r file kind; do
    [ "$kind" = none ] || continue
    strace -f -qq -e trace=execve,execveat,fork,vfork,clone,clone3 -o "$1/trace" "$2" "./$file" >"$1/out" 2>"$1/said" </dev/null
    status=$?
    n=$((n + 1))
    [ "$status" = 126 ] && [ "$(wc -l <"$1/said")" = 1 ] && [ "$(wc -l <"$1/trace")" = 1 ] && [ ! -s "$1/out" ] ||
        echo "$file: status $status, $(cat "$1/said" "$1/trace")"
done <expected
echo "$n files"
X
run as_user bash "$W/refused" "$W" "$T/bin/archway-format"
like "all near-misses are refused in one line, and nothing is started" "$OUT" '^[12][0-9][0-9] files$'
is "no exceptions" "$(grep -v '^[0-9]* files$' <<<"$OUT")" ""

# ---- start-up -----------------------------------------------------------------------------------------
user_file "$W/start.py" <<'X'
import os, resource, sys, time
null = os.open('/dev/null', os.O_RDWR)
def one():
    begin = time.perf_counter()
    pid = os.posix_spawn(sys.argv[1], sys.argv[1:], {}, file_actions=[(os.POSIX_SPAWN_DUP2, null, 2)])
    os.waitpid(pid, 0)
    return time.perf_counter() - begin
times = sorted(one() for _ in range(300))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print('fastest %.2f ms, median %.2f ms, processor %.2f ms' % (times[0] * 1e3, times[150] * 1e3, (used.ru_utime + used.ru_stime) / 300 * 1e3))
sys.exit(times[0] >= 0.002)
X
run as_user python3 "$W/start.py" "$T/bin/archway-format" "$W/cut.exe"
right_run "it starts, decides and ends in under 2 ms" 0 'fastest'
note "$OUT"

# ---- with the host's own rules -------------------------------------------------------------------------
# In a mount namespace of its own: the mount of binfmt_misc and what stands in /etc and /var end with it.
if [ "$(id -u)" = 0 ] && [ "$(stat -Lc %i /proc/self/ns/user)" = 4026531837 ]; then
    # only what is ours: other tests may come and go meanwhile
    ours() { ls -A /etc/binfmt.d /var/lib/archway 2>&1; find /proc/sys/fs/binfmt_misc -name 'archway-*'; }
    before=$(ours)
    cat >"$T/host" <<'X'
set -u
AW=$1 W=$2 TYPES=$3
shift 3
mount --make-rprivate /
for d in /etc/binfmt.d /etc/systemd/system /var/lib/archway; do
    mkdir -p $d
    mount -t tmpfs none $d
done
mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
"$AW" install --persist=false -q $FORMATS || echo "install: $?"
"$@" env W="$W" WINEDEBUG=-all bash "$TYPES"
# a container of Podman's, with interpreters of its own: the links to archway-format are not there
if command -v podman runc >/dev/null; then
    tree=$W/podman-tree
    mkdir -p "$tree"/{usr,lib,lib64,bin,tmp,proc,sys,dev,etc,run,var,demo}
    for d in usr lib lib64 bin; do [ ! -e /$d ] || mount --bind /$d "$tree/$d"; done
    cp -a /etc/alternatives /etc/java* "$tree/etc/" 2>/dev/null
    cp "$W/prog.pyc" "$tree/"
    cp "$W/demo/deep/Inner.class" "$tree/demo/"
    mkdir -p "$tree/demo/deep" && cp "$W/demo/deep/Inner.class" "$tree/demo/deep/"
    podman() {
        command podman --root "$PODMAN/root" --runroot "$PODMAN/run" --storage-driver vfs --runtime runc run --rm --network none \
            --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 --env PATH=/usr/bin:/bin --rootfs "$tree" "$@"
    }
    for words in "true" "prog.pyc inside podman" "demo/deep/Inner.class inside podman"; do
        echo "== podman ${words%% *}"
        # shellcheck disable=SC2086 # words
        case $words in true) podman true ;; *) podman /$words ;; esac 2>&1
        echo "status $?"
    done
fi
"$AW" uninstall -q all || echo "uninstall: $?"
ls /proc/sys/fs/binfmt_misc | grep '^archway-'
X
    made=$(ls -d /var/lib/archway 2>/dev/null)
    run env PODMAN="$T/podman" FORMATS="$FORMATS" PATH="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" unshare -m bash "$T/host" "$AW" "$W" "$W/types" "${AS_USER[@]}"
    [ -n "$made" ] || rmdir /var/lib/archway 2>/dev/null
    WHERE="host: "
    typed
    if [ "$(part "podman true")" = "status 0" ]; then
        p "podman prog.pyc" 5 '^hello pyc inside podman'
        q java "podman demo\/deep\/Inner.class" 43 '^hello class\|inside,podman\|'
    else
        skip "host: in a container of podman's" "podman starts none here: $(part "podman true" | head -n 1)"
    fi
    is "host: nothing is left" "$(ours)" "$before"
    unlike "host: install and uninstall succeed" "$OUT" '^(un)?install: |^archway-[a-z]*$'
else
    skip "with the host's own rules" "needs root in the first user namespace"
fi
