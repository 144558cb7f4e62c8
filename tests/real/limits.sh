#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Machines that lack something: no user namespaces, no newuidmap, no subordinate ids, no skopeo, a home
# on overlayfs, a full disk, no runtime. Each works by a fallback, or says exactly what is missing and
# the command that mends it. (Docker is in docker.sh, an old kernel in kernel61.sh.)
. "$(dirname "$0")/../lib/common.sh"
need skopeo crun newuidmap
need_root
need_subids
tiny_tar "$T/tmp/tiny.tar"
tiny=$T/tmp/tiny.tar
as_user "$T/bin/mkoci" "$T/tmp/oci" t --layer "$T/tmp/tiny" --config '{"Cmd": ["id", "-u"]}' >/dev/null
as_user mkdir -p "$T/tmp/arm"
as_user "$T/bin/mkelf" aarch64 "$T/tmp/arm/hello" "I am aarch64" 5
as_user "$T/bin/mkoci" "$T/tmp/oci" arm --platform linux/arm64 --layer "$T/tmp/arm" --config '{"Cmd": ["/hello"]}' >/dev/null

run aw run "$tiny" id -u
right_run "all as usual" 0 '^0$'
run aw run "oci:$T/tmp/oci:arm"
right_run "a foreign program as usual" 5 '^I am aarch64$'

# hidden FILE... -- COMMAND...: as the test's user, in a mount namespace where the files are not there:
# an empty file instead of one below /etc, else a folder of links to all the others instead of theirs
hide_files() {
    local file dir
    mkdir -p "$1/hide"
    : >"$1/hide/empty"
    shift
    while [ "$1" != -- ]; do
        file=$1
        shift
        case $file in
            /etc/*) mount --bind "$T/hide/empty" "$file" ;;
            *)
                dir=$(mktemp -d "$T/hide/XXXXXX")
                chmod 755 "$dir"
                mkdir "$dir/old" "$dir/new"
                mount --bind "$(dirname "$file")" "$dir/old"
                find "$dir/old" -mindepth 1 -maxdepth 1 ! -name "$(basename "$file")" -exec ln -st "$dir/new" {} +
                mount --bind "$dir/new" "$(dirname "$file")"
                ;;
        esac
    done
    shift
    cd /
    exec "$@"
}
hidden() {
    local files=()
    while [ "$1" != -- ]; do
        files+=("$(command -v "$1" || echo "$1")")
        shift
    done
    shift
    env T="$T" unshare --mount --propagation private bash -euc "$(declare -f hide_files)"'; hide_files "$@"' hide \
        "$T" "${files[@]}" -- "${AS_USER[@]}" "$@"
}

# ---- what newuidmap and /etc/subuid give -----------------------------------------------------------
for what in newuidmap /etc/subuid /etc/subgid; do
    run hidden $what -- "$AW" run "$tiny" sh -c 'id -u; cat /proc/self/uid_map; touch /new && stat -c %u /new'
    if [ "$STATUS" = 0 ]; then
        like "without $what: it runs with a single id" "$OUT" '^ +0 +[0-9]+ +1$'
    else
        like "without $what: it says what is missing" "$ERR" 'newuidmap|uidmap|subuid|subgid'
    fi
    run hidden $what -- "$AW" run "oci:$T/tmp/oci:arm"
    right_run "without $what: a foreign program" 5 '^I am aarch64$'
    run hidden $what -- "$AW" run -u app "$tiny" id -u
    refused "without $what: a user that cannot be mapped is refused, with what mends it" 'uidmap|subuid|subgid'
done

# ---- programs that are not installed ----------------------------------------------------------------
run hidden skopeo -- "$AW" run "$tiny" echo fine
right_run "without skopeo: a tarball needs none" 0 '^fine$'
run hidden skopeo -- "$AW" run 127.0.0.1:9/x/y:z true
refused "without skopeo: a registry does, and it says so" 'skopeo'
run hidden crun -- "$AW" run "$tiny" echo fine
if command -v runc >/dev/null; then
    right_run "without crun: runc does it" 0 '^fine$'
fi
run hidden crun runc -- "$AW" run "$tiny" echo fine
refused "without any runtime: it says so" 'crun'
is "and is 125" "$STATUS" 125
run hidden pasta -- "$AW" run "$tiny" echo fine
right_run "without pasta: there is no network, but it runs" 0 '^fine$'
run hidden pasta -- "$AW" run --network pasta "$tiny" echo fine
refused "without pasta: asked for it, it says so" 'pasta|passt'

# ---- no user namespaces -----------------------------------------------------------------------------
run as_user unshare --map-root-user --map-auto sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh "$AW" run "$tiny" true
refused "max_user_namespaces is 0 (nested)" 'max_user_namespaces'
is "is 125" "$STATUS" 125
like "names the command" "$ERR" 'sysctl|echo'

# ---- home on overlayfs ------------------------------------------------------------------------------
mkdir -p "$T/ovl"/{lower,upper,work,home}
mount -t overlay overlay -o "lowerdir=$T/ovl/lower,upperdir=$T/ovl/upper,workdir=$T/ovl/work" "$T/ovl/home"
chown "$TEST_USER:" "$T/ovl/home"
run as_user env HOME="$T/ovl/home" "$AW" run "$tiny" sh -c 'echo x >/new && rm /etc/os-release && ls /new'
right_run "home on overlayfs: files can be made and removed" 0 '^/new$'
run as_user env HOME="$T/ovl/home" "$AW" run "oci:$T/tmp/oci:arm"
right_run "home on overlayfs: a foreign program" 5 '^I am aarch64$'
run as_user env HOME="$T/ovl/home" "$AW" run "$tiny" cat /etc/os-release
right_run "home on overlayfs: the image is as it was" 0 '^ID=tiny$'
no_leftovers_but_ours() {
    processes_gone
}
holds "home on overlayfs: nothing is left running" wait_for 5 no_leftovers_but_ours
umount "$T/ovl/home"

# ---- a full disk ------------------------------------------------------------------------------------
mkdir -p "$T/full"
mount -t tmpfs -o "size=3m,mode=700,uid=$TEST_UID" tmpfs "$T/full"
as_user sh -c "head -c 6000000 /dev/urandom >'$T/tmp/rnd'"
as_user mkdir -p "$T/tmp/bigl" && as_user mv "$T/tmp/rnd" "$T/tmp/bigl/rnd"
as_user "$T/bin/mkoci" "$T/tmp/oci" big --layer "$T/tmp/tiny" --layer "$T/tmp/bigl" >/dev/null
as_user tar -C "$T/tmp/bigl" -cf "$T/tmp/big.tar" .
for source in "oci:$T/tmp/oci:big" "$T/tmp/big.tar"; do
    run as_user env HOME="$T/full" "$AW" run "$source" true
    refused "a full disk (${source%%:*})" '[Nn]o space left'
    run as_user env HOME="$T/full" "$AW" images
    right_run "the store is all right" 0
    unlike "and has no such image" "$OUT" 'oci|big\.tar'
    # a blob that came whole is kept for the next try, until somebody wants its room
    as_user env HOME="$T/full" "$AW" prune >/dev/null
    holds "and prune gives back what it had taken" test "$(df --output=used -k "$T/full" | tail -n 1)" -lt 600
done
as_user head -c 10000000 /dev/zero >"$T/full/fill" 2>/dev/null
run as_user env HOME="$T/full" "$AW" run "$tiny" true
refused "not a byte left" '[Nn]o space left'
umount "$T/full"

# ---- control groups ---------------------------------------------------------------------------------
# Real root may make them; each run cleans up after killed ones, which must not hit those just made.
group_run() {
    HOME=$T/tmp/root "$AW" run -q --network none --memory 200m --pids-limit 50 "$tiny" "$@"
}
mkdir -p "$T/tmp/root"
run group_run sh -c 'exit 7'
if [ "$STATUS" = 7 ]; then
    for round in 1 2 3 4; do
        pids=()
        while [ ${#pids[@]} -lt 16 ]; do
            group_run true 2>>"$T/groups" &
            pids+=($!)
        done
        for pid in "${pids[@]}"; do
            wait "$pid" || echo "round $round: status $?" >>"$T/groups"
        done
    done
    is "64 runs with limits, 16 at once" "$(cat "$T/groups")" ""
    groups_left() {
        find /sys/fs/cgroup -maxdepth 6 -type d -regex '.*/archway-[0-9a-f]*' -exec cat {}/cgroup.procs \; | grep -c .
    }
    is "no process is left in a group of ours" "$(groups_left)" 0
else
    skip "runs with limits" "root can make no control group here: $ERR"
fi

# ---- a home that cannot be written, or is none --------------------------------------------------------
as_user mkdir -p "$T/tmp/ro"
as_user chmod 555 "$T/tmp/ro"
run as_user env HOME="$T/tmp/ro" "$AW" run "$tiny" true
refused "a home that cannot be written" "$T/tmp/ro.*(Permission denied|denied)"
run as_user env -u HOME "$AW" run "$tiny" echo fine
right_run "without HOME it is the one of /etc/passwd" 0 '^fine$'
run as_user env -u XDG_RUNTIME_DIR "$AW" run "$tiny" echo fine
right_run "without XDG_RUNTIME_DIR" 0 '^fine$'
run as_user env TMPDIR=/nonexistent "$AW" run "$tiny" echo fine
right_run "with a TMPDIR that is not there" 0 '^fine$'
no_leftovers "nothing is left running or mounted"
