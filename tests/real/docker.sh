#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Archway inside Docker's containers: with Docker's defaults, which forbid user namespaces, it says so
# and how to allow them; with what it names, and privileged, it runs native and foreign images.
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/vm.sh"
need dockerd docker runc debootstrap
need_root
need_subids
include=crun,uidmap,procps
while read -r lib; do
    lib=$(vm_package_of "$lib")
    [ -z "$lib" ] || case ",$include," in *",$lib,"*) ;; *) include+=,$lib ;; esac
done < <(ldd "$ARCHWAY" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p')
# shellcheck source=/dev/null
debian_image amd64 --include="$include" "$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")" || exit
tiny_tar "$T/tmp/tiny.tar"
as_user mkdir -p "$T/tmp/arm/bin"
as_user "$T/bin/mkelf" aarch64 "$T/tmp/arm/bin/hello" "I am aarch64" 5
as_user tar -C "$T/tmp/arm" -cf "$T/tmp/arm.tar" .

# A daemon of our own: no bridge and no packet filter, so that nothing of the machine's network changes.
mkdir -p "$T/docker"
export DOCKER_HOST=unix://$T/docker/sock
daemon_start() {
    dockerd --data-root "$T/docker/data" --exec-root "$T/docker/exec" --pidfile "$T/docker/pid" -H "$DOCKER_HOST" \
        --iptables=false --ip6tables=false --bridge=none --storage-driver="$1" >"$T/docker/log" 2>&1 &
    daemon=$!
    wait_for 30 docker version
}
on_end() {
    kill "$daemon" 2>/dev/null
    wait_for 20 sh -c '! kill -0 "$1" 2>/dev/null' sh "$daemon" || kill -KILL "$daemon"
    grep -o " $T/[^ ]*" /proc/self/mountinfo | sort -r | xargs -r -n 1 umount -l
}
# overlay2 is what Docker uses nearly everywhere; not every file system below it can
daemon_start overlay2 || daemon_start vfs || skip_all "dockerd does not start here: $(tail -n 2 "$T/docker/log")"

# The tree with a user, the program and QEMU: what `apt-get install` and `make install` would bring.
root=$T/docker/root
mkdir "$root"
tar -C "$root" -xf "$IMAGE"
echo "tester:x:1000:1000::/home/tester:/bin/bash" >>"$root/etc/passwd"
echo "tester:x:1000:" >>"$root/etc/group"
echo "tester:100000:65536" | tee "$root/etc/subuid" >"$root/etc/subgid"
mkdir -p "$root/home/tester" "$root/payload"
chown 1000:1000 "$root/home/tester"
install -D -m 755 "$ARCHWAY" "$root/usr/local/bin/archway"
install -m 755 "$(command -v qemu-aarch64-static || command -v qemu-aarch64)" "$root/usr/bin/qemu-aarch64-static"
cp "$T/tmp/tiny.tar" "$T/tmp/arm.tar" "$root/payload/"
chmod -R a+rX "$root/payload"
run sh -c "tar -C '$root' -c . | docker import -c 'ENV HOME=/home/tester' - archway:test"
[ "$STATUS" = 0 ] || { not_ok "docker import" "$ERR"; exit; }

in_docker() {
    timeout 120 docker run --rm --network none -u 1000:1000 "$@"
}
# both NAME DOCKER-OPTION...: a native and a foreign image
both() {
    local name=$1
    shift
    run in_docker "$@" archway:test archway run --network none /payload/tiny.tar sh -c 'echo "native $(uname -m)"; exit 3'
    right_run "$name: a native image" 3 '^native x86_64$'
    run in_docker "$@" archway:test archway run --network none --platform linux/arm64 /payload/arm.tar hello
    right_run "$name: a foreign image" 5 '^I am aarch64$'
}
run in_docker archway:test archway version
right_run "the program starts in Docker" 0
for image in tiny arm; do
    run in_docker archway:test archway run --network none /payload/$image.tar hello
    refused "Docker's defaults: it says what they forbid" 'user namespace'
    like "and what to ask Docker for" "$ERR" 'seccomp=unconfined|--privileged'
    is "with status 125" "$STATUS" 125
done
both "seccomp and system paths unconfined" --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined
both "privileged" --privileged
run in_docker --security-opt seccomp=unconfined --security-opt apparmor=unconfined archway:test archway run --network none /payload/tiny.tar echo fine
if [ "$STATUS" = 0 ]; then
    ok "masked /proc: works"
else
    like "masked /proc: it says what is in the way" "$ERR" 'systempaths=unconfined|--privileged'
fi
run timeout 120 docker run --rm --network none --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
    --security-opt systempaths=unconfined archway:test archway run --network none --platform linux/arm64 /payload/arm.tar hello
if [ "$STATUS" = 5 ]; then
    ok "as root, without further capabilities: works"
else
    like "as root, without further capabilities: it says what is missing" "$ERR" 'to mend it'
fi
