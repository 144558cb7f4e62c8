#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a foreign container's root can reach of the machine around it, with an emulator file that
# belongs to the very user who runs it: its own interpreter, descriptors, sysctls, binfmt rules.
. "$(dirname "$0")/../lib/common.sh"
need skopeo crun newuidmap
need_subids
debian_image arm64 || exit
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip_all "no QEMU for aarch64"
EMU=$T/home/emulators/mine
as_user mkdir -p "$T/home/emulators"
as_user cp -- "$qemu" "$EMU"
as_user chmod 755 "$EMU"
SUM=$(sha256sum <"$EMU") MODE=$(stat -c '%a %U %Y' "$EMU")
ALL=(--cap-add ALL --security-opt seccomp=unconfined --security-opt systempaths=unconfined)
unchanged() {
    is "$1" "$(sha256sum <"$EMU") $(stat -c '%a %U %Y' "$EMU") $(getfattr_all "$EMU")" "$SUM $MODE "
}
getfattr_all() {
    python3 -c 'import os, sys; print(*[a for a in os.listxattr(sys.argv[1]) if a != "security.selinux"])' "$1"
}

run aw run --emulator "$EMU" "$IMAGE" uname -m
right_run "an emulator of the user's own" 0 '^aarch64$'

# ---- the interpreter through /proc/self/exe --------------------------------------------------------
# perl makes the system calls by itself; each line says what came of one
ATTACK='
    use Fcntl; use POSIX;
    sub try { my ($name, $r) = @_; print "$name: ", ($r ? "DONE" : "refused ($!)"), "\n"; }
    for my $p ("/proc/self/exe", "/proc/1/exe") {
        try("write $p", sysopen(my $f, $p, O_WRONLY));
        try("append $p", sysopen(my $g, $p, O_WRONLY | O_APPEND));
        try("truncate $p", truncate($p, 0));
        try("chmod $p", chmod(04777, $p));
        try("chown $p", chown(1, 1, $p));
        try("utime $p", utime(1, 1, $p));
        try("unlink $p", unlink(readlink($p)));
        my ($path, $name, $value, $type, $none) = ($p, "user.test", "1", "none", "");
        try("setxattr $p", syscall(5, $path, $name, $value, 1, 0) == 0);
        if (open(my $r, "<", $p)) {
            my $fd = "/proc/self/fd/" . fileno($r);
            try("write $fd", sysopen(my $h, $fd, O_WRONLY));
            try("chmod $fd", chmod(04777, $fd));
            try("fchmod", chmod(04777, $r));
            try("remount " . $fd, syscall(40, $type, $fd, $type, 4096 | 32, $none) == 0);
        }
    }'
for user in 0 1000; do
    run aw run -u $user "${ALL[@]}" --emulator "$EMU" "$IMAGE" perl -e "$ATTACK"
    right_run "uid $user with every capability tries to change its interpreter" 0 '^setxattr /proc/self/exe: refused'
    # opening /proc/self/exe may succeed: the emulator plays it, and gives the guest's own program, which
    # is the container's to change. What counts is the file outside.
    unchanged "uid $user: the emulator's file is as it was"
done
# A native program in the same container sees the true /proc/PID/exe of a foreign process, which no
# emulator plays: PID 1 is one.
tiny_rootfs "$T/tmp/tiny"
NATIVE='
    b=/n/bin/busybox
    try() { local name=$1; shift; if "$@" 2>/tmp/why; then echo "$name: DONE"; else echo "$name: refused ($($b tail -n 1 /tmp/why))"; fi; }
    $b head -c 4 /proc/1/exe | $b od -c | $b head -n 1
    for p in /proc/1/exe /proc/1/map_files/*; do
        try "write $p" $b dd if=/dev/zero of=$p bs=1 count=1 conv=notrunc
        try "truncate $p" $b truncate -s 0 $p
        try "chmod $p" $b chmod 4777 $p
        try "chown $p" $b chown 1:1 $p
        try "touch $p" $b touch $p
    done
    $b readlink /proc/1/exe; $b cat /proc/1/maps /proc/1/mountinfo /proc/1/cmdline | $b tr "\0" "\n"'
run aw run "${ALL[@]}" --emulator "$EMU" -v "$T/tmp/tiny:/n:ro" "$IMAGE" sh -c "/n/bin/busybox sh -c '$NATIVE'"
right_run "a native program in the container tries the same" 0 '^chmod /proc/1/exe: refused'
unlike "and is refused all" "$(grep '/proc/1/exe:' <<<"$OUT")" 'DONE'
unchanged "the emulator's file is as it was"
# the volume's own line of mountinfo tells where it is from; that is no secret of ours
unlike "nor does it see the emulator's path, the store or the home" "$(grep -v ' /n ' <<<"$OUT")" "$T|emulators|[.]local/share"

# ---- descriptors -----------------------------------------------------------------------------------
# the caller holds files, a folder, a socket and an O_PATH handle at 3 to 20
run as_user bash -c 'for i in {3..10}; do eval "exec $i</etc/passwd"; done
    for i in {11..16}; do eval "exec $i</"; done
    exec 17<>/dev/null 18<. 19>>"$1" 20</proc/self/ns/mnt
    shift; exec "$@"' bash "$T/tmp/held" "$AW" run "$IMAGE" sh -c 'ls -l /proc/1/fd | tail -n +2 | sed "s/.* \([0-9]* -> \)/\1/" | cat'
right_run "the container with a caller that holds descriptors 3 to 20" 0 '^0 -> '
is "has only its three" "$(grep -vE '^[012] -> (pipe:|socket:|/dev/null$|/dev/pts/|'"$T/.(out|err)$)" <<<"$OUT")" ""
run as_user bash -c 'for i in {3..20}; do eval "exec $i</"; done; exec "$@"' bash "$AW" run "$IMAGE" \
    perl -e 'for my $fd (3 .. 1023) { open(my $f, "<&=", $fd) or next; my $l = readlink("/proc/self/fd/$fd"); print "$fd $l\n" if defined $l; }'
is "nor does a program see more when it asks for each number" "$OUT" ""

# ---- sysctls ---------------------------------------------------------------------------------------
SYSCTL='for f in $(find /proc/sys -type f -perm /222 2>/dev/null; echo /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches /proc/irq/default_smp_affinity /sys/kernel/uevent_helper); do
        case $f in */net/* | */user/* | */kernel/hostname | */kernel/domainname | /proc/sys/kernel/shm* | /proc/sys/kernel/msg* | /proc/sys/kernel/sem* | /proc/sys/kernel/ns_last_pid | */fs/mqueue/* | *_next_id | */auto_msgmni | */kernel/pid_max) continue ;; esac
        (: >>"$f") 2>/dev/null && echo "can write $f"
    done; echo looked'
for extra in "" --cap-add=ALL "${ALL[*]}"; do
    # shellcheck disable=SC2086 # words
    run aw run $extra "$IMAGE" sh -c "$SYSCTL"
    is "no sysctl of the host can be opened for writing${extra:+ with $extra}" "$OUT" looked
done
if [ "$(id -u)" = 0 ]; then
    # root's own run, in root's own store
    mkdir -p "$T"/root-{home,run}
    for extra in "" "${ALL[*]}"; do
        # shellcheck disable=SC2086
        run env -i HOME="$T/root-home" XDG_RUNTIME_DIR="$T/root-run" PATH="$PATH" "$AW" run $extra "$IMAGE" sh -c "$SYSCTL"
        like "started by root${extra:+ with $extra}" "$OUT" '^looked$'
        unlike "nor when root started it${extra:+ with $extra}" "$OUT" 'can write'
    done
    background env -i HOME="$T/root-home" XDG_RUNTIME_DIR="$T/root-run" PATH="$PATH" "$AW" run "$IMAGE" sleep 86399 </dev/null
    inside() {
        uids=$(ps -eo uid=,args= | awk '/[s]leep 86399$/ && !/archway run/ {print $1}')
        [ "$uids" ]
    }
    wait_for 20 inside || not_ok "a container of root's starts" "$(ps -eo uid,args | grep -c 86399)"
    unlike "the container's root is nobody on the host" "$uids" '^0$'
    kill "$JOB"
    kill -KILL "$JOB"
fi

# ---- rules -----------------------------------------------------------------------------------------
run aw run "$IMAGE" sh -c 'ls -A /proc/sys/fs/binfmt_misc; echo -1 >/proc/sys/fs/binfmt_misc/status; echo -1 >/proc/sys/fs/binfmt_misc/qemu-aarch64; uname -m'
right_run "writing to binfmt_misc's places changes nothing" 0 '^aarch64$'
is "and shows nothing" "$OUT" aarch64
run aw run "${ALL[@]}" "$IMAGE" sh -c 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || mount -t binfmt_misc none /mnt; echo mounted $?; uname -m; sh -c "uname -m"; /usr/bin/env uname -m'
right_run "a container that mounts binfmt_misc itself" 0 '^mounted 0$'
is "still runs its programs" "$(grep -c '^aarch64$' <<<"$OUT")" 3
run aw run "${ALL[@]}" "$IMAGE" sh -c 'm=/mnt; mount -t binfmt_misc none $m; ls $m; cat $m/* 2>/dev/null; uname -m'
unlike "the rules in there do not tell the emulator's path" "$OUT" "$T|$TEST_HOME"

no_leftovers "nothing is left running or mounted"
