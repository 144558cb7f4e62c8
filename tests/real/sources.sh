#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every place an image can come from, with images that skopeo, buildah, umoci and podman made, and a
# registry of our own: by tag, by digest, by platform, and broken off in the middle.
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/registry.sh"
need skopeo buildah umoci podman docker-registry crun newuidmap
need_subids
D=$T/tmp/images
as_user mkdir -p "$D"
tiny_tar "$D/tiny.tar"
# The tools keep their own storage in this test's home; vfs works on any file system.
user_file "$T/home/.config/containers/storage.conf" <<X
[storage]
driver = "vfs"
X

# works NAME SOURCE: a shell command runs in it, with the environment of its config
works() {
    run aw run --rm "$2" sh -c 'echo "it runs ${FROM:-}"; cat /etc/os-release'
    right_run "$1" 0 "^it runs${3:+ $3}"
    like "$1: its own files" "$OUT" '^ID=tiny'
}
# made NAME COMMAND...: a tool that must have done its work
made() {
    local name=$1
    shift
    run as_user "$@"
    [ "$STATUS" = 0 ] || { not_ok "$name: the tool itself" "$ERR"; return 1; }
}

# ---- a tarball and a folder ----------------------------------------------------------------------
works "rootfs tarball" "$D/tiny.tar"
for z in "gzip gz" "xz xz" "zstd zst" "bzip2 bz2"; do
    as_user sh -c "${z% *} -c <'$D/tiny.tar' >'$D/tiny.tar.${z#* }'"
    works "rootfs tarball, ${z% *}" "$D/tiny.tar.${z#* }"
done
works "rootfs folder" "$T/tmp/tiny"
run aw run "$T/tmp/tiny" sh -c 'echo x >/made-inside'
is "a rootfs folder is not written to" "$(as_user ls "$T/tmp/tiny/made-inside" 2>&1 | grep -c 'No such file')" 1

# ---- umoci ---------------------------------------------------------------------------------------
as_user umoci init --layout "$D/umoci" >/dev/null
as_user umoci new --image "$D/umoci:one" >/dev/null
if made umoci umoci insert --rootless --image "$D/umoci:one" "$T/tmp/tiny" / &&
    made umoci umoci config --image "$D/umoci:one" --config.env FROM=umoci --config.cmd sh --architecture amd64; then
    works "umoci, oci: with a tag" "oci:$D/umoci:one" umoci
    works "umoci, oci: with one image needs no tag" "oci:$D/umoci" umoci
fi

# ---- buildah -------------------------------------------------------------------------------------
user_file "$D/Containerfile" <<'X'
FROM scratch
ADD tiny.tar /
ENV FROM=buildah
WORKDIR /home/app
USER app
CMD ["sh", "-c", "id -un; pwd"]
X
if made buildah buildah bud -q --isolation chroot -t localhost/built:1 -f "$D/Containerfile" "$D"; then
    works "buildah, containers-storage:" containers-storage:localhost/built:1 buildah
    run aw run containers-storage:localhost/built:1
    right_run "its command, user and working directory" 0 '^app$'
    like "its working directory" "$OUT" '^/home/app$'
    made "buildah push" buildah push -q localhost/built:1 "oci:$D/buildah:x" && works "buildah, oci:" "oci:$D/buildah:x" buildah
    made "buildah push" buildah push -q --format v2s2 localhost/built:1 "docker-archive:$D/buildah.tar:built:1" &&
        works "buildah, docker-archive:" "docker-archive:$D/buildah.tar" buildah
fi

# ---- podman --------------------------------------------------------------------------------------
if made podman podman import -q -c 'ENV FROM=podman' "$D/tiny.tar" localhost/imported:1; then
    works "podman import, containers-storage:" containers-storage:localhost/imported:1 podman
    made "podman save" podman save -q -o "$D/podman.tar" localhost/imported:1 && works "podman save, docker-archive:" "docker-archive:$D/podman.tar" podman
    made "podman save" podman save -q --format oci-archive -o "$D/podman-oci.tar" localhost/imported:1 &&
        works "podman save, oci-archive:" "oci-archive:$D/podman-oci.tar" podman
fi

# the process that keeps podman's user namespace
as_user podman system migrate >/dev/null 2>&1

# ---- skopeo --------------------------------------------------------------------------------------
sk() {
    made skopeo skopeo --insecure-policy copy -q "$@"
}
sk "oci:$D/umoci:one" "oci-archive:$D/skopeo-oci.tar:t" && works "skopeo, oci-archive:" "oci-archive:$D/skopeo-oci.tar" umoci
sk --dest-compress-format zstd "oci:$D/umoci:one" "oci:$D/zstd:t" && works "skopeo, zstd layers" "oci:$D/zstd:t" umoci
sk "oci:$D/umoci:one" "docker-archive:$D/skopeo.tar:a/b:c" && works "skopeo, docker-archive:" "docker-archive:$D/skopeo.tar:a/b:c" umoci

# ---- several platforms in one index --------------------------------------------------------------
as_user mkdir -p "$D/layers"
while read -r platform machine; do
    as_user mkdir -p "$D/layers/$machine"
    as_user "$T/bin/mkelf" "$machine" "$D/layers/$machine/hello" "I am $machine" 0
    as_user "$T/bin/mkoci" "$D/multi" all --index --platform "$platform" --layer "$D/layers/$machine" \
        --config '{"Cmd": ["/hello"]}' >/dev/null
done <<'X'
linux/amd64 x86_64
linux/arm64 aarch64
linux/arm/v7 armv7l
linux/riscv64 riscv64
linux/s390x s390x
linux/ppc64le ppc64le
linux/386 i686
X
registry_start
push "oci:$D/multi:all" lib/multi:1
push "oci:$D/umoci:one" lib/tiny:1
R=127.0.0.1:$REGISTRY
for source in "oci:$D/multi:all" "$R/lib/multi:1"; do
    for p in linux/amd64:x86_64 arm64:aarch64 aarch64:aarch64 linux/arm64/v8:aarch64 armhf:armv7l linux/arm/v7:armv7l \
        riscv64:riscv64 s390x:s390x ppc64le:ppc64le 386:i686 x86_64:x86_64; do
        run aw run --platform "${p%:*}" "$source"
        right_run "--platform ${p%:*} of ${source%%:*}" 0 "^I am ${p#*:}\$"
    done
    run aw run "$source"
    right_run "without --platform it is this machine's" 0 "^I am $(uname -m)\$"
    run aw run --platform linux/mips64le "$source"
    refused "a platform that is not there" 'mips64le'
done

# ---- the registry --------------------------------------------------------------------------------
works "registry, by tag" "$R/lib/tiny:1" umoci
digest=$(as_user skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$R/lib/tiny:1")
works "registry, by digest" "$R/lib/tiny@$digest" umoci
run aw run "$R/lib/tiny@sha256:$(printf 0%.0s {1..64})"
refused "a digest that is not there" 'sha256:0000|manifest unknown|not found'
run aw run "$R/lib/none:1" true
refused "a name that is not there" 'lib/none'
is "is 125, as Docker's" "$STATUS" 125
run aw images
like "images lists it" "$OUT" 'lib/tiny'

# ---- broken off in the middle --------------------------------------------------------------------
# Layers of 6, 12, 18 and 24 MiB that do not compress, through a proxy that gives each 3 MB a second: the
# first is whole after 2 s, when the others, fetched beside it, are not.
as_user mkdir -p "$D/big"
layers=()
for i in 1 2 3 4; do
    as_user mkdir -p "$D/big/$i"
    as_user sh -c "head -c $((i * 6291456)) /dev/urandom >'$D/big/$i/file$i'"
    layers+=(--layer "$D/big/$i")
done
as_user "$T/bin/mkoci" "$D/bigoci" t --layer "$T/tmp/tiny" "${layers[@]}" >/dev/null
push "oci:$D/bigoci:t" lib/big:1
proxy_start 3000000
P=127.0.0.1:$PROXY
before=$(user_files | grep -v "^$T/home/.local/share/archway/")
background_as_user "$AW" pull -q "$P/lib/big:1" >"$T/pull.out" 2>&1 </dev/null
pull=$JOB
one_whole() {
    [ "$(grep -c 'GET .*/blobs/.* 6[0-9]* whole$' "$PROXY_LOG")" -ge 1 ]
}
wait_for 60 one_whole
kill -KILL $pull
{ wait $pull; } 2>/dev/null
note "when killed: $(grep -c 'blobs.*whole$' "$PROXY_LOG") blobs whole, $(grep -c 'blobs.*part$' "$PROXY_LOG") in part"
no_leftovers "a killed pull leaves no process"
run aw images
unlike "and no image" "$OUT$ERR" 'lib/big'
run aw run --pull never "$P/lib/big:1" true
refused "nor can it be run" 'lib/big'
run aw pull -q "$P/lib/big:1"
right_run "the next pull completes it" 0
run aw run "$P/lib/big:1" sh -c 'cat /file1 /file2 /file3 /file4 | md5sum'
is "with the right content" "${OUT%% *}" "$(cat "$D"/big/?/file? | md5sum | cut -d' ' -f1)"
twice=$(grep 'GET .*/blobs/.*whole$' "$PROXY_LOG" | cut -d' ' -f2 | sort | uniq -d)
is "no blob that was complete was fetched again" "$twice" ""
is "nothing outside the store" "$(comm -13 <(echo "$before") <(user_files | grep -v "^$T/home/.local/share/archway/"))" ""
before_requests=$(wc -l <"$PROXY_LOG")
run aw run "$P/lib/big:1" true
is "and a run of what is here asks nobody" "$(wc -l <"$PROXY_LOG")" "$before_requests"

# ---- ended by a signal ----------------------------------------------------------------------------
run aw rmi "$P/lib/big:1"
right_run "rmi" 0
run aw prune
right_run "prune" 0
background_as_user "$AW" pull -q "$P/lib/big:1" >"$T/pull.out" 2>&1 </dev/null
pull=$JOB
sleep 1.5
kill -TERM $pull
wait $pull
is "SIGTERM ends a pull with its status" $? 143
no_leftovers "and leaves no process"
