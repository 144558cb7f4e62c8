#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A Debian arm64 tree under the engine alone: debootstrap's second stage, apt, compilers, git, TLS, databases,
# archives, many processes, a terminal, programs
# with more rights than their caller.
#
#   tests/real/engine-tree.sh [STEP]...    those again, else all that has not been done with this engine
#
# The first stage unpacks the packages natively and runs nothing. All that follows runs in user, mount and
# process namespaces of the test's user, whose own binfmt_misc instance has one rule, the engine's: no other
# emulator can have helped. Each step is a script that runs in the tree; its output is compared here.
#
# 1. The tree and the steps that succeeded are kept below the test user's cache, by the engine's digest:
#    a run that was broken off goes on where it was, and another engine begins anew.
# 2. A step that failed, or was named, is run again; only `second` empties the tree.
# 3. Reference is Debian's amd64 tree of the same suite, run natively.
HERE=$(cd "$(dirname "$0")" && pwd)
ENGINE=${ENGINE:-${ARCHWAY_BUILD:-$HERE/../../build/rel}/archway-engine}
# the program under test is the engine, and it is what the common part copies
ARCHWAY=$ENGINE
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
need debootstrap
need_subids
ENGINE=$T/bin/archway
cp -- "$LIB/enter-tree" "$LIB/pty" "$T/bin/"
chmod a+rx "$T/bin/enter-tree" "$T/bin/pty"
as_user unshare --map-root-user --mount sh -c 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc' 2>/dev/null ||
    skip_all "no binfmt_misc of a user namespace's own here (it came with Linux 6.7)"

SUITE=bookworm
# what the second stage installs besides minbase (libc6-dev and bzip2 for compiling and archives)
WITH=python3,perl,gcc,libc6-dev,make,git,openssl,sqlite3,xz-utils,zstd,bzip2
# twenty and more, with scripts of their maintainers'
MORE=(ca-certificates cron logrotate rsyslog openssh-client openssh-server dbus man-db less vim-tiny nano procps
    iputils-ping sudo rsync fontconfig shared-mime-info gawk at locales netcat-openbsd ed)
STEPS=(second packages project git tls speed sqlite archives spawn jobs rights)
declare -A WANTED=()
for step; do WANTED[$step]=1; done

# ---- the kept tree -----------------------------------------------------------------------------
KEPT=$TEST_HOME/.cache/archway/engine-tree
KEY=$(sha256sum "$ENGINE" | cut -c1-16)
TREE=$KEPT/$KEY/root NATIVE=$KEPT/native
as_user mkdir -p "$KEPT/$KEY/done" "$NATIVE"
exec 8>"/var/lock/archway-engine-tree.$TEST_USER" && flock -n 8 || skip_all "another run of this is going on"
in_subids sh -c 'cd "$1" && for d in *; do case $d in "$2" | native) ;; *) rm -rf -- "$d" ;; esac; done' sh "$KEPT" "$KEY"

enter() { # ROOT ENGINE COMMAND...
    # 8 is the lock: nothing that is left behind may hold it
    as_user unshare --map-root-user --map-auto --mount --pid --fork --kill-child -- "$T/bin/enter-tree" "$@" 8>&-
}
in_tree() {
    enter "$TREE" "$ENGINE" "$@"
}
in_native() {
    enter "$NATIVE" '' "$@"
}
# tree_file PATH: standard input becomes that file of the tree
tree_file() {
    in_subids sh -c 'cat >"$1"; chmod 755 "$1"' sh "$TREE$1"
}
# fill FOLDER TARBALL
fill() {
    in_subids sh -euc 'rm -rf -- "$1"; mkdir -p -m 755 "$1"; tar -C "$1" --numeric-owner -xf "$2"' sh "$1" "$2"
}
native_tree() {
    [ ! -e "$NATIVE/usr/bin/openssl" ] || return 0
    debian_image amd64 "$SUITE" --include=openssl,xz-utils,zstd,bzip2 && fill "$NATIVE" "$IMAGE"
}

# script NAME SECONDS [ARGUMENT]...: standard input, a shell script, runs in the tree; into OUT, ERR, STATUS
script() {
    local name=$1 seconds=$2
    shift 2
    tree_file "/root/$name.sh"
    run timeout -s KILL "$seconds" bash -c "$(declare -f as_user enter in_tree); $(declare -p T AS_USER TREE ENGINE); in_tree"' "$@"' sh \
        bash "/root/$name.sh" "$@"
    cp "$T/.out" "$T/$name.out" && cp "$T/.err" "$T/$name.err"
}

# ---- the steps ---------------------------------------------------------------------------------
step_second() {
    debian_image arm64 "$SUITE" --foreign "--include=$WITH" || return
    fill "$TREE" "$IMAGE" || return
    script second 1500 <<'X'
echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/unsafe
/debootstrap/debootstrap --second-stage >/root/second.log 2>&1 || { tail -n 30 /root/second.log; exit 1; }
rm -f /var/cache/apt/archives/*.deb
dpkg --audit
dpkg-query -W -f '${db:Status-Abbrev}\n' | sort | uniq -c
uname -m
X
    right_run "debootstrap's second stage" 0 '^aarch64$'
    like "all packages are installed, and nothing else is to be said of them" "${OUT//$'\n'/;}" '^ *[0-9]+ ii ;aarch64$'
    note "packages: $(head -n 1 <<<"$OUT")"
}

step_packages() {
    script packages 1500 "${MORE[@]}" <<'X'
export PATH
apt-get -q update >/root/apt.log 2>&1 && apt-get -q install -y --no-install-recommends "$@" >>/root/apt.log 2>&1 ||
    { tail -n 30 /root/apt.log; exit 1; }
for p; do
    scripts=$(ls /var/lib/dpkg/info/$p.* /var/lib/dpkg/info/$p:*.* 2>/dev/null | grep -cE '\.(preinst|postinst|config)$')
    echo "$p $(dpkg-query -W -f '${db:Status-Abbrev}' $p) scripts $((scripts > 0))"
done
dpkg --audit
getent group crontab ssh messagebus | cut -d: -f1 | sort | tr '\n' ' '
ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f1
ls /etc/ssl/certs/*.0 | wc -l
X
    right_run "apt-get update, and install of ${#MORE[@]} more" 0
    local with
    with=$(grep -c ' ii  scripts 1$' <<<"$OUT")
    if [ "$with" -ge 20 ]; then ok "twenty of them have maintainers' scripts, and all are installed"; else
        not_ok "twenty of them have maintainers' scripts, and all are installed" "$OUT"; fi
    like "their scripts made groups" "$OUT" '^crontab messagebus 256$|^crontab messagebus ssh 256$'
}

step_project() {
    script project 600 <<'X'
rm -rf /root/project && mkdir /root/project && cd /root/project || exit
for i in $(seq 20); do
    printf '#include <stdio.h>\n#include <math.h>\n#include <stdlib.h>\n#include <string.h>\n%s\n' "
struct node$i { struct node$i *next; double v; };
double part$i(int n) {
    struct node$i *head = NULL; double sum = 0;
    for (int k = 1; k <= n; k++) { struct node$i *x = malloc(sizeof *x); x->v = sqrt(k * $i); x->next = head; head = x; }
    while (head) { struct node$i *x = head->next; sum += head->v; free(head); head = x; }
    return sum;
}" >part$i.c
done
{
    echo '#include <stdio.h>'
    for i in $(seq 20); do echo "double part$i(int);"; done
    echo 'int main(void) { double s = 0;'
    for i in $(seq 20); do echo "s += part$i(1000);"; done
    echo 'printf("%.6f\n", s); return 0; }'
} >main.c
{
    echo "CFLAGS = -O2 -g -Wall"
    echo "program: main.o $(seq -f 'part%g.o' -s ' ' 20)"
    printf '\t$(CC) -o $@ $^ -lm\n'
} >Makefile
make -j2 >make.log 2>&1 || { tail -n 20 make.log; exit 1; }
grep -c -- ' -c ' make.log
./program
python3 -c 'import math; print("%.6f" % sum(math.fsum(math.sqrt(k * i) for k in range(1, 1001)) for i in range(1, 21)))'
X
    right_run "a C project of 20 files and a main one, make -j2" 0 '^21$'
    is "what it computes" "$(sed -n 2p <<<"$OUT")" "$(sed -n 3p <<<"$OUT")"
}

step_git() {
    script git 600 <<'X'
set -e
rm -rf /root/g /root/h && mkdir /root/g && cd /root/g
git init -q . && git config user.email a@example.org && git config user.name A
for i in $(seq 12); do
    cp -r /usr/share/perl5/D* . 2>/dev/null || true
    seq $((i * 1000)) >numbers && git add -A && git commit -qm "commit $i"
done
git clone -q --no-local /root/g /root/h
git -C /root/h gc -q --aggressive
git -C /root/h fsck --full --strict 2>&1 | grep -v '^notice' || true
git -C /root/h rev-list --all --count
[ "$(git rev-parse HEAD^{tree})" = "$(git -C /root/h rev-parse HEAD^{tree})" ] && diff -r --exclude=.git /root/g /root/h && echo same
ls /root/h/.git/objects/pack/*.pack | wc -l
X
    right_run "git init, clone, gc and fsck" 0
    is "the clone is complete, packed, and without a fault" "$OUT" $'12\nsame\n1'
}

step_tls() {
    script tls 600 <<'X'
rm -rf /root/tls && mkdir /root/tls && cd /root/tls || exit
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2>/dev/null || exit
head -c 300000 /dev/urandom | base64 >data
want=$(sha256sum <data)
openssl s_server -accept 127.0.0.1:45433 -cert cert.pem -key key.pem -WWW -naccept 6 >server.log 2>&1 &
for try in $(seq 100); do grep -q ACCEPT server.log && break; sleep 0.1; done
one() {
    printf 'GET /data HTTP/1.0\r\n\r\n' |
        openssl s_client -connect 127.0.0.1:45433 -CAfile cert.pem -verify_return_error -ign_eof "$@" >page 2>client.log
    got=$(sed '1,/^HTTP/d; 1,/^\r*$/d' page | sed '/^[^A-Za-z0-9+/=]/d; /^closed/d' | grep -E '^[A-Za-z0-9+/]{60,}=*$' | sha256sum)
    echo "$* $(grep -m1 -o 'Cipher is [A-Z0-9_-]*' page) $(grep -m1 -o 'Verify return code: 0' page) $([ "$(grep -E '^[A-Za-z0-9+/]{60,}=*$' data | sha256sum)" = "$got" ] && echo same)"
}
for c in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do one -tls1_3 -ciphersuites $c; done
for c in AES128-SHA256 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-CHACHA20-POLY1305; do one -tls1_2 -cipher $c; done
wait
X
    right_run "openssl s_server and s_client" 0
    local c
    for c in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 AES128-SHA256 \
        ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-CHACHA20-POLY1305; do
        like "400 kB by $c" "$OUT" "$c Cipher is $c Verify return code: 0 same\$"
    done
}

# speed's machine-readable lines, cut to a name and a rate: bytes or operations a second
SPEED='for a in sha256 sha512 md5 aes-128-gcm aes-256-cbc chacha20-poly1305; do
    openssl speed -mr -seconds 1 -bytes 8192 -evp $a 2>/dev/null | sed -n "s/^+F:[0-9]*:[^:]*:/$a /p"
done
openssl speed -mr -seconds 1 rsa2048 ecdsap256 ed25519 ecdhx25519 2>/dev/null | sed -n "s/^+F2:[^:]*:[^:]*:/rsa2048-sign /p
    s/^+F4:[^:]*:[^:]*:/ecdsap256-sign /p; s/^+F5:[^:]*:[^:]*:/x25519 /p; s/^+F6:[^:]*:[^:]*:[^:]*:/ed25519-sign /p" | cut -d: -f1'
step_speed() {
    script speed 300 <<<"$SPEED"
    right_run "openssl speed" 0 '^sha256 [0-9.]+'
    is "it has a figure for each of ten" "$(grep -cE '^[a-z0-9-]+ [0-9]*[1-9][0-9]*\.' <<<"$OUT")" 10
    cp "$T/.out" "$T/speed.arm64"
    native_tree || return
    run in_native bash -c "$SPEED"
    note "openssl speed, a second: native amd64, engine, how many times slower (for information)"
    note "$(paste -d' ' "$T/.out" "$T/speed.arm64" | awk '{r = $4 ? $2 / $4 : 0; printf "%s %.0f %.0f %.1f\n", $1, $2, $4, r}')"
}

step_sqlite() {
    script sqlite 300 <<'X'
cd /root && rm -f t.db && sqlite3 t.db "
create table t(a integer primary key, b integer, c text);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 20000) insert into t select x, x * x % 1009, printf('%08x', x) from n;
create index i on t(b); create index j on t(c);
update t set c = c || 'z' where b < 100; delete from t where a % 7 = 0;
select count(*), sum(b), min(c), max(c) from t;
select b, count(*) from t group by b order by 2 desc, 1 limit 2;
pragma integrity_check;" && python3 -c "
import sqlite3; c = sqlite3.connect('t.db'); r = [(x, x * x % 1009, '%08x' % x) for x in range(1, 20001) if x % 7]
r = [(a, b, t + 'z' if b < 100 else t) for a, b, t in r]
print('same' if c.execute('select * from t order by a').fetchall() == r else 'different')"
X
    right_run "sqlite: tables, indexes, updates" 0 '^ok$'
    like "its rows are those that Python computes" "$OUT" '^same$'
}

# Both trees pack the same folder, and must give the same bytes.
PACK='mkdir -p /root/pack && cd /root/pack && rm -f -- *
tar --sort=name --numeric-owner --owner=0 --group=0 -C "$1" -cf t.tar . || exit
gzip -n -9 -k t.tar; gzip -n -1 -c t.tar >fast.gz; bzip2 -k t.tar; xz -T1 -2 -k t.tar; zstd -q -k t.tar; zstd -q -12 -c t.tar >slow.zst
sha256sum -- *'
step_archives() {
    native_tree || return
    in_subids sh -c 'mkdir -p "$2/mnt/data" && rm -rf "$2/mnt/data" && cp -a "$1/usr/share/perl5" "$2/mnt/data"' sh "$TREE" "$NATIVE"
    # unpacked again and compared
    script archives 900 /usr/share/perl5 <<<"$PACK"'
for how in "gzip t.tar.gz" "gzip fast.gz" "bzip2 t.tar.bz2" "xz t.tar.xz" "zstd t.tar.zst" "zstd slow.zst"; do
    set -- $how
    rm -rf /root/out && mkdir /root/out && tar -C /root/out --$1 -xf $2 && diff -r /usr/share/perl5 /root/out && $1 -t -q $2 && echo "$2 again" >&2
done
for one in gzip bzip2 xz zstd; do tar --sort=name -C /usr/share/perl5 --$one -cf - . | tar --$one -tf - | wc -l >&2; done'
    right_run "tar with gzip, bzip2, xz and zstd" 0
    is "each unpacks to what was packed" "$(grep -c ' again$' <<<"$ERR")" 6
    is "and so in a pipe" "$(grep -v again <<<"$ERR" | sort -u | wc -l)" 1
    local packed=$OUT
    run in_native bash -c "$PACK" sh /mnt/data
    is "byte for byte what native programs make" "$packed" "$OUT"
    note "$(wc -l <<<"$packed") files the same"
}

step_spawn() {
    script spawn 600 <<'X'
cd /root && cat >spawn.c <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static char *argv_of[] = {"sh", "-c", "exit 7", NULL};
static int by_spawn(void) {
    pid_t pid; int status;
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv_of, environ) != 0) return 1;
    return waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7;
}
static int by_vfork(void) {
    int status; volatile int seen = 0;
    pid_t pid = vfork();
    if (pid == 0) { seen = 1; execv("/bin/sh", argv_of); _exit(127); }
    return !seen || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7;
}
static int by_vfork_exit(void) {
    int status; pid_t pid = vfork();
    if (pid == 0) _exit(9);
    return waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 9;
}
static int absent(void) {
    pid_t pid; char *a[] = {"x", NULL};
    return posix_spawn(&pid, "/no/such", NULL, NULL, a, environ) != 2;
}
static void *loop(void *count) {
    long bad = 0;
    for (long k = 0; k < (long)count; k++) bad += by_spawn() + absent();
    return (void *)bad;
}
int main(int argc, char **argv) {
    long n = atol(argv[1]), bad = 0; pthread_t t[2]; void *r;
    (void)argc;
    for (long k = 0; k < n; k++) bad += by_spawn() + by_vfork();
    for (long k = 0; k < 10 * n; k++) bad += by_vfork_exit();
    for (int k = 0; k < 2; k++) pthread_create(&t[k], NULL, loop, (void *)n);
    for (int k = 0; k < 2; k++) { pthread_join(t[k], &r); bad += (long)r; }
    printf("bad %ld\n", bad);
    return bad != 0;
}
C
gcc -O2 -pthread -o spawn spawn.c && ./spawn 200 &&
    python3 -c '
import subprocess
print(sum(subprocess.run(["/bin/true"]).returncode for _ in range(50)), len(subprocess.run(["seq", "20000"], capture_output=True).stdout))' &&
    perl -e 'my $n = 0; for (1..50) { $n += length(`echo $_`) } print "$n\n"' && i=0 && while [ $i -lt 200 ]; do x=$(/bin/echo $i); i=$((i + 1)); done && echo "last $x"
X
    right_run "posix_spawn and vfork, alone and from two threads at once" 0 '^bad 0$'
    is "Python, Perl and a shell start programs" "$(tail -n 3 <<<"$OUT")" $'0 108894\n141\nlast 199'
}

step_jobs() {
    tree_file /root/pty <"$T/bin/pty"
    script jobs 300 <<'X'
cd /root && python3 pty 30x90 'send:PS1=""; stty -echo; echo rea""dy\n' 'expect:ready' 'send:stty size; tty\n' 'expect:30 90' \
    'expect:/dev/pts/' 'send:sleep 1000\n' 'sleep:1' 'send:\x1a' 'expect:Stopped +sleep 1000' 'send:jobs\n' 'expect:Stopped +sleep 1000' \
    'send:bg\n' 'expect:sleep 1000 &' 'send:jobs\n' 'expect:Running +sleep 1000' 'send:fg\n' 'expect:sleep 1000' 'sleep:0.5' \
    'send:\x03' 'send:echo after=$?\n' 'expect:after=130' 'send:cat | cat >/root/typed\n' 'sleep:0.5' 'send:one line\n\x04' \
    'send:cat /root/typed\n' 'expect:one line' 'send:sleep 500 & sleep 600 &\n' 'send:kill %1; kill -STOP %2; sleep 1; jobs\n' \
    'expect:Terminated +sleep 500' 'expect:Stopped +sleep 600' 'send:kill %2; kill -CONT %2; wait %2; echo waited=$?\n' 'expect:waited=143' \
    'send:trap "echo got-winch" WINCH\n' 'sleep:0.5' 'size:40x100' 'sleep:0.5' 'send:\n' 'expect:got-winch' 'send:stty size\n' 'expect:40 100' \
    'send:sh -c "kill -TSTP \\$\\$; echo resumed"\n' 'expect:Stopped' 'send:fg\n' 'expect:resumed' \
    'send:(sleep 0.3; read x </dev/tty; echo never) &\n' 'sleep:1' 'send:jobs\n' 'expect:Stopped' 'send:kill -KILL %%; exit 5\n' 'sleep:0.5' 'send:exit 5\n' \
    -- bash --norc --noprofile -i
echo "status $?"
script -qec 'tty; stty -a | head -n 1; kill -INT $$' /dev/null </dev/null | tr -d '\r' | sed 's,pts/[0-9]*,pts/N,'
X
    right_run "a shell's job control on a terminal" 0 '^status 5$'
    like "script(1) gives a terminal" "$OUT" '^/dev/pts/N$'
}

step_rights() {
    script rights 300 <<'X'
id -u ann >/dev/null 2>&1 || useradd -m ann
echo 'ann ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ann
cp /usr/bin/env /usr/local/bin/env-id && chmod 4755 /usr/local/bin/env-id
cp /bin/grep /usr/local/bin/grep-cap && setcap cap_net_raw=ep /usr/local/bin/grep-cap
cat >/root/ann.sh <<'A'
echo "su $(id -un)"
echo "sudo $(sudo -n id -u) $(sudo -n sh -c 'echo $SUDO_USER')"
echo "limited $(ulimit -v 2000000; sudo -n id -u)"
chage -l ann | head -n 1
# the loader drops what could subvert a program with more rights (AT_SECURE), and only there
LD_LIBRARY_PATH=/x TMPDIR=/y A=b env-id | grep -E '^(A|LD_LIBRARY_PATH|TMPDIR)='
LD_LIBRARY_PATH=/x env | grep -E '^LD_LIBRARY_PATH'
echo "ids" $(env-id sh -p -c 'id -u; id -ru')
grep-cap CapEff /proc/self/status
A
su ann -c 'sh -s' </root/ann.sh 2>/dev/null
X
    right_run "set-user-id programs and file capabilities" 0
    is "they have their rights, and the loader's caution" "$OUT" "su ann
sudo 0 ann
limited 0
Last password change					: $(sed -n 's/^Last password change[^:]*: //p' <<<"$OUT")
A=b
LD_LIBRARY_PATH=/x
ids 0 1000
CapEff:	0000000000002000"
}

# ---- all of them -------------------------------------------------------------------------------
for step in "${STEPS[@]}"; do
    done=$KEPT/$KEY/done/$step
    if [ $# -gt 0 ] && [ ! "${WANTED[$step]:-}" ]; then continue; fi
    if [ $# -eq 0 ] && [ -e "$done" ]; then
        ok "$step (done before with this engine: $(cat "$done"))"
        continue
    fi
    rm -f "$done"
    before=$test_bad began=$SECONDS
    "step_$step"
    unlike "$step: the engine says nothing" "$(cat "$T/$step".{out,err} 2>/dev/null | tr -d '\0')" 'archway-engine'
    if [ "$test_bad" = "$before" ]; then
        as_user sh -c 'echo "$1 s" >"$2"' sh $((SECONDS - began)) "$done"
    elif [ "$step" = second ]; then
        break
    fi
done
no_leftovers "nothing is left running or mounted"
