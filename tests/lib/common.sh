# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2034
#
# What the shell tests share. A test begins with
#     . "$(dirname "$0")/../lib/common.sh"
# and then calls the functions below; the TAP plan, the exit status and the cleaning up come by
# themselves when it ends.
#
# The idea: real use is by an ordinary user. Started as root, a test makes (once) the user
# archway-test (or $ARCHWAY_TEST_USER), who has subordinate ids, and as_user runs commands as him; started by anyone else,
# as_user runs them as the caller. Either way with a home, store, cache and runtime directory of
# this test alone, below $T, and with a copy of the program that this user can read.
#
# 1. Nothing is printed on standard output but TAP, so commands under test go through `run`.
# 2. All that a test makes is below $T, which is removed at its end.
# 3. Foreign programs are never started here but by the program under test.

set -uo pipefail
LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$LIB/../.." && pwd)
ARCHWAY=${ARCHWAY:-$REPO/build/rel/archway}
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8
unset CDPATH

# ---- TAP ---------------------------------------------------------------------------------------
test_n=0 test_bad=0

ok() {
    test_n=$((test_n + 1))
    echo "ok $test_n - $1"
}
# not_ok NAME [LINE...]: the lines tell what was got
not_ok() {
    test_n=$((test_n + 1)) test_bad=$((test_bad + 1))
    echo "not ok $test_n - $1"
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/#   /'
}
# skip NAME WHY
skip() {
    test_n=$((test_n + 1))
    echo "ok $test_n - $1 # SKIP $2"
}
# skip_all WHY: this test makes no sense here
skip_all() {
    skip "$(basename "$0")" "$1"
    exit 0
}
note() {
    printf '%s\n' "$@" | sed 's/^/# /'
}
# is NAME GOT WANT
is() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got:  ${2:0:2000}" "want: ${3:0:2000}"; fi
}
# like NAME GOT REGEX (extended, over the whole text; . does not match a newline's end)
like() {
    if grep -Eqe "$3" <<<"$2"; then ok "$1"; else not_ok "$1" "got:  ${2:0:2000}" "want a line like: $3"; fi
}
unlike() {
    if grep -Eqe "$3" <<<"$2"; then not_ok "$1" "got:  ${2:0:2000}" "want no line like: $3"; else ok "$1"; fi
}
# holds NAME COMMAND...: the command succeeds
holds() {
    local name=$1 text
    shift
    if text=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "status $?: $*" "$text"; fi
}

# run COMMAND...: OUT, ERR and STATUS tell what came of it
run() {
    "$@" >"$T/.out" 2>"$T/.err" </dev/null
    STATUS=$?
    OUT=$(tr -d '\0' <"$T/.out")
    ERR=$(tr -d '\0' <"$T/.err")
}
# After `run`: right_run NAME STATUS [OUT-REGEX]
right_run() {
    if [ "$STATUS" != "$2" ]; then
        not_ok "$1" "status: got $STATUS, want $2" "out: ${OUT:0:1500}" "err: ${ERR:0:1500}"
    elif [ $# -gt 2 ] && ! grep -Eqe "$3" <<<"$OUT"; then
        not_ok "$1" "out: ${OUT:0:1500}" "want a line like: $3" "err: ${ERR:0:1500}"
    else
        ok "$1"
    fi
}
# After `run`: a refusal with a message. refused NAME ERR-REGEX
refused() {
    if [ "$STATUS" = 0 ]; then
        not_ok "$1" "status 0, want a refusal" "out: ${OUT:0:1500}" "err: ${ERR:0:1500}"
    elif ! grep -Eqe "$2" <<<"$ERR"; then
        not_ok "$1" "err: ${ERR:0:1500}" "want a line like: $2"
    else
        ok "$1"
    fi
}

# ---- the place and the user --------------------------------------------------------------------
TEST_USER=$(id -un)
if [ "$(id -u)" = 0 ]; then
    TEST_USER=${ARCHWAY_TEST_USER:-archway-test}
    (
        flock 9
        if ! id "$TEST_USER" >/dev/null 2>&1; then
            useradd --system --add-subids-for-system --create-home --home-dir "/var/lib/$TEST_USER" \
                --shell /usr/sbin/nologin --comment "Archway's tests" "$TEST_USER"
        fi
        # useradd gives ranges only where the files exist already
        if ! grep -q "^$TEST_USER:" /etc/subuid 2>/dev/null; then
            first=$(awk -F: '{e = $2 + $3; if (e > m) m = e} END {print m > 100000 ? m : 100000}' \
                /etc/subuid /etc/subgid 2>/dev/null)
            usermod --add-subuids "${first:=100000}-$((first + 65535))" \
                --add-subgids "$first-$((first + 65535))" "$TEST_USER"
        fi
    ) 9>/var/lock/archway-test.lock >&2
fi
TEST_HOME=$(getent passwd "$TEST_USER" | cut -d: -f6)
TEST_UID=$(id -u "$TEST_USER")
T=$(mktemp -d "${TEST_TMPDIR:-/var/tmp}/archway-test.XXXXXXXX")
chmod 755 "$T"
mkdir -p "$T"/{home,run,tmp,bin}
cp -- "$ARCHWAY" "$T/bin/archway" 2>/dev/null || skip_all "no program at $ARCHWAY: build it first"
[ ! -x "${ARCHWAY%/*}/archway-format" ] || cp -- "${ARCHWAY%/*}/archway-format" "$T/bin/"
cp -- "$REPO"/tools/debian-image "$T/bin/"
cp -- "$LIB"/mkelf "$LIB"/mkoci "$T/bin/"
chmod -R a+rX "$T/bin"
AW=$T/bin/archway
chmod 700 "$T/home" "$T/run"
[ "$(id -u)" != 0 ] || chown -R "$TEST_USER:" "$T/home" "$T/run" "$T/tmp"
USER_ENV=(HOME="$T/home" XDG_RUNTIME_DIR="$T/run" TMPDIR="$T/tmp" USER="$TEST_USER" LOGNAME="$TEST_USER"
    PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C.UTF-8 TERM=dumb)

# AS_USER: words that, put before a command, run it as the test's user, in place (no shell between).
# safe because: they only give up rights
AS_USER=(env -i "${USER_ENV[@]}")
[ "$(id -u)" != 0 ] ||
    AS_USER=(setpriv --reuid "$TEST_USER" --regid "$(id -g "$TEST_USER")" --init-groups env -i "${USER_ENV[@]}")
# as_user COMMAND...: that, from a folder which he can read
as_user() {
    (cd "$T" && exec "${AS_USER[@]}" "$@")
}
# aw ARGUMENT...: the program under test, as the test's user
aw() {
    as_user "$AW" "$@"
}
# user_file PATH: standard input becomes that file of the test's user
user_file() {
    as_user sh -c 'mkdir -p "$(dirname "$1")" && cat >"$1"' sh "$1"
}
# in_subids COMMAND...: as root of a user namespace with the test's user's subordinate ids
in_subids() {
    as_user unshare --map-root-user --map-auto --mount --fork -- "$@"
}
# need_subids: end the test where the user has none
need_subids() {
    in_subids true 2>/dev/null || skip_all "user $TEST_USER has no subordinate ids, or no user namespace can be made"
}
need_root() {
    [ "$(id -u)" = 0 ] || skip_all "needs root"
}
need() {
    local p
    for p; do
        command -v "$p" >/dev/null || skip_all "$p is not installed (tools/install-deps test)"
    done
}

test_jobs=()
# background COMMAND...: start, remember for the end; its pid in JOB. No function, or that is a shell's.
background() {
    "$@" &
    JOB=$!
    test_jobs+=("$JOB")
}
# background_as_user COMMAND...: the same as the test's user; JOB is the command itself
background_as_user() {
    # a shell without job control starts what it leaves behind with SIGINT ignored
    (cd "$T" && exec "${AS_USER[@]}" env --default-signal "$@") &
    JOB=$!
    test_jobs+=("$JOB")
}
# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

test_end() {
    local status=$?
    trap - EXIT
    local job
    for job in "${test_jobs[@]}"; do kill -KILL "$job" 2>/dev/null; done
    declare -F on_end >/dev/null && on_end
    # only for what was killed above: a daemon that does not end must not hold the test
    [ ${#test_jobs[@]} -eq 0 ] || wait "${test_jobs[@]}" 2>/dev/null
    cd /
    if [ "$(id -u)" = 0 ]; then
        rm -rf --one-file-system -- "$T"
    else
        rm -rf --one-file-system -- "$T" 2>/dev/null || { in_subids rm -rf -- "$T/home" "$T/tmp"; rm -rf -- "$T"; } 2>/dev/null
    fi
    [ "$test_n" -eq 0 ] || echo "1..$test_n"
    [ $test_bad -eq 0 ] || status=1
    exit $status
}
trap test_end EXIT
trap 'exit 130' INT TERM HUP

# ---- what must not be left behind --------------------------------------------------------------
# Every process that this test has left behind: below tools/run-tests what its reaper has adopted, and their
# children, whoever's they are. Started by hand: processes of the test's user and of his subordinate ids that are
# not children of this shell; as an ordinary user only those that a container consists of, since the rest of his
# session is his. Never the tests' own registry, nor podman's pause process.
user_processes() {
    local first count
    IFS=: read -r _ first count < <(grep "^$TEST_USER:" /etc/subuid)
    ps -eo pid=,ppid=,uid=,comm= | awk -v me="$TEST_UID" -v a="${first:-0}" -v n="${count:-0}" -v root="$(id -u)" -v self=$$ \
        -v reaper="${ARCHWAY_TEST_REAPER:-0}" '
        {parent[$1] = $2; uid[$1] = $3; name[$1] = $4}
        function left(pid) {
            if (pid == self || pid == reaper || parent[pid] == self || name[pid] ~ /^(docker-registry|catatonit)$/)
                return 0
            if (!reaper)
                return (uid[pid] == me || (uid[pid] >= a && uid[pid] < a + n)) &&
                    (root == 0 || name[pid] ~ /^(archway|crun|runc|pasta|conmon|qemu-)/)
            while (pid in parent && pid != reaper) {
                if (pid == self || name[pid] ~ /^(docker-registry|catatonit)$/)
                    return 0
                pid = parent[pid]
            }
            return pid == reaper
        }
        END {for (pid in parent) if (left(pid)) print pid, name[pid]}'
}
# What is in the user's folders, without times; for comparing before and after.
user_files() {
    in_subids sh -c 'for d; do [ -e "$d" ] && find "$d" -mindepth 1 -printf "%p %y\n"; done | sort' sh "$T/home" "$T/run" "$T/tmp"
}
# no_leftovers NAME [BEFORE]: no process, mount or lock is left (they get 5 seconds), and with
# BEFORE=$(user_files) no file or folder more than then
no_leftovers() {
    local name=$1 left='' extra
    wait_for 5 processes_gone || left+="processes: $(user_processes | tr '\n' ',') "
    extra=$(grep -F -e "$T" /proc/self/mountinfo)
    [ -z "$extra" ] || left+="mounts: $extra "
    if [ $# -gt 1 ]; then
        extra=$(comm -13 <(echo "$2") <(user_files))
        [ -z "$extra" ] || left+="files: ${extra:0:1500}"
    fi
    if [ -z "$left" ]; then ok "$name"; else not_ok "$name" "left behind: $left"; fi
}
processes_gone() {
    [ -z "$(user_processes)" ]
}

# ---- root trees and images without a network ---------------------------------------------------
# The path of a static busybox, or nothing.
static_busybox() {
    local b
    for b in /bin/busybox /usr/bin/busybox; do
        # a program header of type PT_INTERP (3) means dynamic
        if [ -x "$b" ] && ! LC_ALL=C grep -qa '/ld-linux' <(head -c 4096 "$b"); then
            echo "$b"
            return 0
        fi
    done
    return 1
}
# tiny_rootfs DIR: a small native tree with busybox, users root, app (1000:1000, also in group 2000)
tiny_rootfs() {
    local root=$1 busybox
    busybox=$(static_busybox) || skip_all "no static busybox here (tools/install-deps test)"
    as_user sh -c 'cat >"$1"' sh "$T/tmp/busybox" <"$busybox"
    as_user sh -euc 'cd "$1" 2>/dev/null || { mkdir -p "$1"; cd "$1"; }
        mkdir -p bin usr/bin etc root tmp proc sys dev run var/tmp home/app
        chmod 1777 tmp var/tmp
        mv "$2" bin/busybox; chmod 755 bin/busybox
        for applet in $(bin/busybox --list); do [ -e bin/$applet ] || ln -s busybox bin/$applet; done
        printf "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:App:/home/app:/bin/sh\n" >etc/passwd
        printf "root:x:0:\napp:x:1000:\nextra:x:2000:app\n" >etc/group
        printf "NAME=Tiny\nID=tiny\n" >etc/os-release' sh "$root" "$T/tmp/busybox"
}
# tiny_tar FILE: the same as a tarball, owned by root inside
tiny_tar() {
    tiny_rootfs "$T/tmp/tiny"
    as_user tar -C "$T/tmp/tiny" --owner=0 --group=0 --numeric-owner -cf "$1" .
}

# ---- Debian images (network) -------------------------------------------------------------------
# debian_image ARCH [SUITE] [OPTION...]: makes it where needed (kept in the test user's cache over tests);
# its path in IMAGE. False, with a failed test, when it cannot be made.
debian_image() {
    local arch=$1
    shift
    if ! IMAGE=$(as_user env HOME="$TEST_HOME" ARCHWAY="$AW" "$T/bin/debian-image" -q "$arch" "$@" 2>"$T/.err"); then
        not_ok "make a Debian tree for $arch $*" "$(tail -n 30 "$T/.err")"
        return 1
    fi
}
