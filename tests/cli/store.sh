#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The verbs that look at the store, first an empty one, then one with an image; where the store is.
. "$(dirname "$0")/../lib/common.sh"

json() {
    python3 -c 'import json,sys; v = json.load(sys.stdin); print(eval(sys.argv[1], {"v": v}))' "$1" <<<"$OUT" 2>&1
}

# ---- empty ---------------------------------------------------------------------------------------
run aw images
right_run "images of an empty store" 0 '^REPOSITORY +TAG +PLATFORM +ID +FETCHED +SIZE$'
is "only the heading" "$(wc -l <<<"$OUT")" 1
run aw images --digests
right_run "images --digests" 0 'DIGEST'
run aw images -q
right_run "images -q" 0
is "prints nothing" "$OUT" ""
run aw images --json
is "images --json" "$(json v)" "[]"
run aw ps
right_run "ps" 0 '^ID +NAME +IMAGE +PLATFORM +STARTED +COMMAND$'
run aw ps --json
is "ps --json" "$(json v)" "[]"
run aw ps -q
is "ps -q prints nothing" "$STATUS$OUT" "0"
run aw prune
right_run "prune" 0 '^freed 0B$'
run aw prune --all --json
is "prune --json" "$(json 'v["bytes"], v["images"], v["layers"]')" "(0, 0, 0)"
run aw rmi no/such:image
is "rmi of what is not there" "$STATUS" 1
like "says what" "$ERR" 'no/such:image'
run aw inspect no-such-thing
is "inspect of what is not there" "$STATUS" 1
is "prints an empty array" "$(json v)" "[]"
like "and says what" "$ERR" 'no-such-thing'
run aw stop no-such-container
is "stop of what is not there" "$STATUS" 1
run aw exec no-such-container true
is "exec into what is not there" "$STATUS" 125
run aw version --json
is "version --json" "$(json 'sorted(v)')" \
    "['emulators', 'helpers', 'ids', 'kernel', 'platform', 'version']"
is "the kernel" "$(json 'v["kernel"]')" "$(uname -r)"
run aw version
right_run "version" 0 '^kernel +[0-9]'
is "within 79 columns" "$(grep -v '^ids' <<<"$OUT" | grep -E '.{80}')" ""
run aw ps -a
right_run "ps -a, as Docker's users type it" 0 '^ID'
run aw prune -f
right_run "prune -f, likewise" 0 '^freed'

# ---- where it is ---------------------------------------------------------------------------------
is "the store is in XDG_DATA_HOME's default" "$(as_user sh -c 'ls ~/.local/share')" archway
where() {
    local dir=$1
    shift
    run as_user env "$@"
    if [ "$STATUS" = 0 ] && as_user test -d "$dir"; then
        ok "store: ${*/#$AW/archway}"
    else
        not_ok "store: $*" "no $dir" "$ERR"
    fi
}
where "$T/tmp/a" "$AW" --storage "$T/tmp/a" images
where "$T/tmp/b" ARCHWAY_STORAGE="$T/tmp/b" "$AW" images
where "$T/tmp/c/archway" XDG_DATA_HOME="$T/tmp/c" "$AW" images
run as_user sh -c "cd && ARCHWAY_STORAGE=d '$AW' images"
holds "a relative ARCHWAY_STORAGE" as_user test -d "$T/home/d"
where "$T/tmp/e" ARCHWAY_STORAGE="$T/tmp/f" "$AW" images --storage "$T/tmp/e"
is "--storage wins over ARCHWAY_STORAGE" "$(as_user ls -d "$T/tmp/f" 2>&1 | grep -c 'No such')" 1
run as_user env XDG_DATA_HOME=relative "$AW" images
is "a relative XDG_DATA_HOME is ignored" "$STATUS$(as_user ls -d "$T/relative" 2>/dev/null)" 0
run as_user env -u HOME "$AW" --storage "$T/tmp/a" images
is "HOME is not needed with --storage" "$STATUS" 0
run as_user "$AW" --storage /proc/nope images
is "a place where no store can be" "$STATUS" 1
like "names it" "$ERR" '/proc/nope'
run as_user "$AW" __complete images
is "completion of an empty store" "$STATUS$OUT" 0
run as_user "$AW" __complete containers
is "completion without containers" "$STATUS$OUT" 0
run as_user env ARCHWAY_STORAGE="$T/tmp/none" "$AW" __complete images
is "completion makes no store" "$STATUS$(as_user ls "$T/tmp/none" 2>/dev/null)" 0

# ---- with an image -------------------------------------------------------------------------------
layer=$T/home/layer
user_file "$layer/etc/motd" <<<hello
as_user "$T/bin/mkoci" "$T/home/oci" one --platform linux/arm64 --layer "$layer" \
    --config '{"Cmd":["/bin/true"]}' >/dev/null
run aw pull "oci:$T/home/oci:one"
if [ "$STATUS" != 0 ] && ! command -v skopeo >/dev/null; then
    skip "pull" "skopeo is not installed"
    exit 0
fi
right_run "pull prints the digest" 0 '^sha256:[0-9a-f]{64}$'
is "and nothing else" "$(wc -l <<<"$OUT")$ERR" 1
run aw pull --json "oci:$T/home/oci:one"
is "pull --json" "$(json 'v["platform"], v["layers"], len(v["digest"])')" "('linux/arm64', 1, 71)"
run aw images --json
is "images --json" "$(json 'len(v), v[0]["platform"], v[0]["containers"]')" "(1, 'linux/arm64', 0)"
id=$(json 'v[0]["id"]') name=$(json 'v[0]["name"]')
run aw images
right_run "images" 0 'linux/arm64'
is "columns do not touch" "$(awk 'NR == 2 {print $(NF)}' <<<"$OUT" | grep -c 'B$')" 1
run aw images -q
is "images -q" "$OUT" "$id"
run aw __complete images
is "completion knows it" "$OUT" "$name"
run aw inspect "$name"
is "inspect by name" "$(json 'v[0]["Architecture"], v[0]["Config"]["Cmd"]')" "('arm64', ['/bin/true'])"
run aw inspect --type container "$name"
is "inspect --type container does not find an image" "$STATUS$(json v)" "1[]"
short=${id#sha256:}
run aw inspect "${short:0:12}" no-such-thing
is "inspect of a good and a bad name: status" "$STATUS" 1
is "inspect of a good and a bad name: the good one" "$(json 'len(v)')" 1
run aw rmi "$name"
right_run "rmi" 0 '^untagged: '
run aw images -q
is "it is gone" "$OUT" ""
run aw rmi "$name"
is "a second time" "$STATUS" 1
