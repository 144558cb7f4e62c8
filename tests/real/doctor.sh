#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `archway doctor` finds out about real container engines: Podman with and without root, Buildah, Docker
# and containerd's ctr, each before and after a rule for arm64 is there; and that nothing is left behind.
. "$(dirname "$0")/../lib/common.sh"
need podman buildah dockerd docker runc containerd ctr
need_root
need_subids
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip_all "no static QEMU for aarch64"
here=/proc/sys/fs/binfmt_misc
if [ -e $here/qemu-aarch64 ]; then skip_all "the host has a rule for arm64 of its own: it would have to go for this test"; fi

# Podman with limits that this root may set, whatever machine or container this is.
mkdir -p "$T/engines"
cat >"$T/engines/containers.conf" <<CONF
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
CONF
chmod -R a+rX "$T/engines"
export CONTAINERS_CONF=$T/engines/containers.conf DOCKER_HOST=unix://$T/engines/docker.sock CONTAINERD_ADDRESS=$T/engines/ctd.sock
USER_ENV+=(CONTAINERS_CONF="$CONTAINERS_CONF" DOCKER_HOST="$DOCKER_HOST" CONTAINERD_ADDRESS="$CONTAINERD_ADDRESS")
AS_USER=(setpriv --reuid "$TEST_USER" --regid "$(id -g "$TEST_USER")" --init-groups env -i "${USER_ENV[@]}")

cat >"$T/engines/containerd.toml" <<CONF
version = 2
root = "$T/engines/ctd/root"
state = "$T/engines/ctd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$CONTAINERD_ADDRESS"
CONF
mounted=
grep -q " $here " /proc/self/mountinfo || mounted=1
daemons=()
on_end() {
    [ ! -e $here/qemu-aarch64 ] || "$AW" uninstall -q all
    local pid
    for pid in "${daemons[@]}"; do
        kill "$pid" 2>/dev/null
        wait_for 20 sh -c '! kill -0 "$1" 2>/dev/null' sh "$pid" || kill -KILL "$pid"
    done
    grep -o " $T/[^ ]*" /proc/self/mountinfo | sort -r | xargs -r -n 1 umount -l
    [ -z "$mounted" ] || umount "$here" 2>/dev/null
}
containerd -c "$T/engines/containerd.toml" >"$T/engines/containerd.log" 2>&1 &
daemons+=($!)
dockerd --data-root "$T/engines/docker" --exec-root "$T/engines/exec" --pidfile "$T/engines/pid" -H "$DOCKER_HOST" \
    --iptables=false --ip6tables=false --bridge=none --storage-driver=vfs >"$T/engines/docker.log" 2>&1 &
daemons+=($!)
wait_for 30 docker version || skip_all "dockerd does not start here: $(tail -n 2 "$T/engines/docker.log")"
wait_for 30 ctr version || skip_all "containerd does not start here: $(tail -n 2 "$T/engines/containerd.log")"

# doctor AS...: its engines as lines "NAME MODE FOREIGN NATIVE", and its exit status
engines() {
    run "$@" doctor --json
    TOLD=$(python3 -c '
import json, sys
for e in json.load(sys.stdin)["engines"]:
    print(e["name"], e.get("mode", "-"), e["foreign"], e.get("native", "-"))' <<<"$OUT" 2>&1)
}
# What engines and doctor could leave: processes, mounts, folders, images, containers, namespaces.
traces() {
    ls -d /var/tmp/archway-doctor-* /tmp/archway-doctor-* 2>/dev/null
    docker images -aq
    docker ps -aq
    ctr namespaces ls -q
    ls -A /run/libpod /run/containers "$TEST_HOME/.config" "$TEST_HOME/.local/share/containers" 2>/dev/null
    find "$T/home" "$T/run" 2>/dev/null | sort
    grep -c archway-doctor /proc/self/mountinfo
    ps -eo comm=,args=,stat= | grep -E '^(conmon|catatonit|buildah|containerd-shim)' | grep -v 'Z' | sort
}
before=$(traces)
engines "$AW"
is "root, without a rule: each engine runs its own platform only" "$TOLD" "podman root fails runs
docker - fails runs
ctr - fails runs
buildah root fails runs"
run "$AW" doctor
like "in words" "$OUT" '^note +/usr/bin/podman \(root\): a container for linux/arm64 does not run, and no rule for it is seen here: .*exec format error'
like "the command that mends it" "$OUT" '^ +to mend it: sudo archway install linux/arm64$'
engines aw
is "a user, without a rule" "$(grep -v -e docker -e ctr <<<"$TOLD")" "podman rootless fails runs
buildah rootless fails runs"
wait_for 10 sh -c '[ -z "$(ls -d /var/tmp/archway-doctor-* 2>/dev/null)" ]'
is "nothing is left behind" "$(diff <(echo "$before") <(traces))" ""

run "$AW" install --persist=false --emulator "$qemu" linux/arm64
right_run "install a rule on the host" 0 'registered qemu-aarch64'
engines "$AW"
is "root, with a rule: all run arm64" "$TOLD" "podman root runs -
docker - runs -
ctr - runs -
buildah root runs -"
engines aw
is "a user, with the host's rule" "$(grep -v -e docker -e ctr <<<"$TOLD")" "podman rootless runs -
buildah rootless runs -"
engines env SUDO_USER="$TEST_USER" "$AW"
is "under sudo: the user's, too" "$(grep -e root <<<"$TOLD")" "podman root runs -
buildah root runs -
podman rootless runs -
buildah rootless runs -"
run "$AW" disable arm64
engines "$AW"
is "the rule switched off" "$(cut -d' ' -f1,3 <<<"$TOLD")" $'podman fails\ndocker fails\nctr fails\nbuildah fails'
run "$AW" uninstall all
right_run "uninstall" 0

# --fix as root, in a mount namespace of its own where binfmt_misc is not mounted; the rules are the host's.
run unshare -m sh -c 'umount -l /proc/sys/fs/binfmt_misc 2>/dev/null; "$1" doctor --quick --fix; ls /proc/sys/fs/binfmt_misc' sh "$AW"
like "--fix mounts binfmt_misc" "$OUT" '^ran mount -t binfmt_misc .* \(mount\): done$'
like "and it is there" "$OUT" '^register$'
run unshare -m sh -c 'umount -l /proc/sys/fs/binfmt_misc 2>/dev/null; "$1" doctor --quick --fix -n; ls /proc/sys/fs/binfmt_misc' sh "$AW"
like "--fix --dry-run shows it" "$OUT" '^would run mount -t binfmt_misc .* \(mount\)$'
unlike "and does not" "$OUT" '^register$'
run unshare -m sh -c 'umount -l /proc/sys/fs/binfmt_misc 2>/dev/null; exec "$@"' sh "${AS_USER[@]}" "$AW" doctor --quick --fix
like "--fix by a user: it fails" "$OUT" '^ran mount .* \(mount\): failed$'
like "and says who can" "$OUT" '^ +it needs root: sudo archway doctor --fix$'

# Rules in the namespace that rootless Podman keeps: used, and its pause process left alone.
run aw version
run as_user podman unshare "$AW" install --emulator "$qemu" linux/arm64
right_run "install for rootless Podman" 0 'registered qemu-aarch64'
pause=$(cat "$T/run/libpod/tmp/pause.pid")
engines aw
like "rootless Podman runs arm64 by its own rule" "$TOLD" '^podman rootless runs -$'
like "Buildah makes a namespace each time" "$TOLD" '^buildah rootless fails runs$'
holds "Podman's pause process still holds the rule" kill -0 "$pause"
run as_user podman unshare "$AW" ls -q
right_run "and it is there" 0 '^qemu-aarch64$'
kill -KILL "$pause"

# An engine that hangs: its daemon is stopped. Doctor comes back, and says so.
kill -STOP "${daemons[1]}"
start=$SECONDS
run "$AW" doctor
kill -CONT "${daemons[1]}"
like "a daemon that hangs" "$OUT" '^note +.*docker was not tried: .*did not finish in 10 s'
is "is given up in time" "$((SECONDS - start < 60))" 1
# Broken off in the middle: what was begun is removed all the same.
"$AW" doctor >/dev/null 2>&1 &
doctor=$!
wait_for 20 sh -c 'ls -d /var/tmp/archway-doctor-*'
sleep 0.5
kill -TERM "$doctor"
wait "$doctor"
is "broken off: status" "$?" 143
is "broken off: nothing is left behind" "$(diff <(echo "$before" | grep -v -e "$T/") <(traces | grep -v -e "$T/"))" ""
