#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Many at once: 50 containers of one image, started together from an empty store too; two pulls of one
# image, which download it once; rmi and prune beside running ones.
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/registry.sh"
need skopeo docker-registry crun newuidmap
need_subids
N=50
debian_image arm64 || exit

# all_at_once NAME IMAGE: start N, judge each
all_at_once() {
    local name=$1 image=$2 i pids=() bad=0 start peak=0 used base
    base=$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)
    start=$(date +%s%N)
    for ((i = 0; i < N; i++)); do
        aw run "$image" sh -c "echo container $i; uname -m" >"$T/p.$i" 2>&1 </dev/null &
        pids+=($!)
    done
    while [ -n "$(jobs -rp)" ] && kill -0 "${pids[N - 1]}" 2>/dev/null; do
        used=$((base - $(awk '/^MemAvailable/ {print $2}' /proc/meminfo)))
        [ $used -le $peak ] || peak=$used
        sleep 0.1
    done
    for ((i = 0; i < N; i++)); do
        wait "${pids[i]}" && [ "$(tr '\n' ' ' <"$T/p.$i")" = "container $i $3 " ] || {
            bad=$((bad + 1))
            [ $bad -gt 2 ] || note "container $i: $(head -c 500 "$T/p.$i")"
        }
    done
    note "$name: $N containers in $((($(date +%s%N) - start) / 1000000)) ms, at most $((peak / 1024)) MiB of memory more"
    is "$name: $N at once, failed" $bad 0
}

tiny_tar "$T/tmp/tiny.tar"
all_at_once "native, empty store" "$T/tmp/tiny.tar" "$(uname -m)"
all_at_once "arm64, not unpacked yet" "$IMAGE" aarch64
before=$(user_files)
all_at_once "arm64, warm" "$IMAGE" aarch64
no_leftovers "nothing is left" "$before"
run aw images
right_run "the store can be read" 0
want=$(in_subids bash -c 'mkdir "$1" && cd "$1" && tar -xf "$2" ./usr ./etc && find usr etc -type f | sort | xargs md5sum' x "$T/tmp/want" "$IMAGE" 2>"$T/.err")
note "$(wc -l <<<"$want") files compared"
got=$(aw run "$IMAGE" sh -c 'cd / && find usr etc -xdev -type f | sort | xargs md5sum')
is "every file is what the tarball has" "$(diff <(echo "$want") <(echo "$got") | grep '^[<>]' | grep -v ' etc/\(hosts\|hostname\|resolv.conf\)$')" ""

# ---- two pulls, one download -----------------------------------------------------------------------
registry_start
as_user mkdir -p "$T/tmp/big"
as_user sh -c "head -c 8000000 /dev/urandom >'$T/tmp/big/file'"
as_user "$T/bin/mkoci" "$T/tmp/oci" t --layer "$T/tmp/tiny" --layer "$T/tmp/big" >/dev/null
push "oci:$T/tmp/oci:t" lib/big:1
proxy_start 4000000
P=127.0.0.1:$PROXY
pids=()
for i in 1 2 3; do
    aw pull -q "$P/lib/big:1" >"$T/pull.$i" 2>&1 </dev/null &
    pids+=($!)
done
for i in 0 1 2; do
    wait "${pids[i]}"
    is "pull $((i + 1)) of three at once" $? 0
done
is "each blob was fetched once" "$(grep 'GET .*/blobs/' "$PROXY_LOG" | cut -d' ' -f2 | sort | uniq -d)" ""
run aw run "$P/lib/big:1" wc -c /file
right_run "what came is right" 0 '^8000000'

# ---- rmi and prune beside runs ----------------------------------------------------------------------
for i in 1 2 3 4 5 6 7 8; do
    aw run "$P/lib/big:1" sh -c 'md5sum /file; sleep 1; md5sum /file' >"$T/r.$i" 2>&1 </dev/null &
    pids[i]=$!
done
sleep 0.5
run aw rmi "$P/lib/big:1"
note "rmi beside running containers: status $STATUS $ERR"
run aw prune
note "prune: status $STATUS $ERR"
bad=0
for i in 1 2 3 4 5 6 7 8; do
    wait "${pids[i]}" && [ "$(cut -d' ' -f1 "$T/r.$i" | sort -u)" = "$(md5sum <"$T/tmp/big/file" | cut -d' ' -f1)" ] || {
        bad=$((bad + 1))
        [ $bad -gt 1 ] || note "$(cat "$T/r.$i")"
    }
done
is "no running container lost its files" $bad 0
no_leftovers "nothing is left running or mounted"
