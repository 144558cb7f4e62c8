#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Layers as they come from real builders, unpacked one upon the other and mounted as overlayfs with
# userxattr in a user namespace: what a container sees is what the layers say.
. "$(dirname "$0")/../lib/common.sh"
need python3
need_subids
tool=${ARCHWAY_BUILD:-$(dirname "$ARCHWAY")}/unit/image_layer
[ -x "$tool" ] || skip_all "no $tool: make tests"
cp "$tool" "$T/bin/image_layer"
chmod 755 "$T/bin/image_layer"
W=$T/tmp
in_subids sh -c 'mkdir -p "$1/a/x" "$1/b" "$1/m" && mount -t overlay overlay -o userxattr,lowerdir="$1/a:$1/b" "$1/m"' \
    sh "$W/probe" 2>/dev/null || skip_all "no overlay mount with userxattr can be made in a user namespace here"

# layer FILE: a tar of the entries on standard input, one a line: NAME, or NAME=CONTENT, NAME/ (a folder),
# NAME->TARGET (symlink), NAME=>TARGET (hard link), each optionally with " MODE" in octal behind it
layer() {
    as_user python3 -c '
import io, re, sys, tarfile
with tarfile.open(sys.argv[1], "w") as t:
    for line in sys.stdin.read().splitlines():
        m = re.fullmatch(r"(.*?)(?:(->|=>|=)(.*?))?(?: (0\d+))?", line)
        name, how, rest, mode = m.groups()
        i = tarfile.TarInfo(name.rstrip("/"))
        i.mode = int(mode or ("0755" if name.endswith("/") else "0644"), 8)
        if name.endswith("/"): i.type = tarfile.DIRTYPE
        elif how == "->": i.type, i.linkname = tarfile.SYMTYPE, rest
        elif how == "=>": i.type, i.linkname = tarfile.LNKTYPE, rest
        data = (rest or "").encode() if how in ("=", None) else b""
        i.size = len(data)
        t.addfile(i, io.BytesIO(data))' "$1"
}
# apply N LOWERS...: $W/tN.tar to $W/LN
apply() {
    local n=$1 lowers=()
    shift
    for l; do lowers+=("$W/L$l"); done
    run in_subids "$T/bin/image_layer" --apply "$W/t$n.tar" "$W/L$n" "${lowers[@]}"
    right_run "layer $n is applied" 0
}
# seen LOWERS-TOP-FIRST: each thing with its mode and content or target
seen() {
    local dirs
    # overlayfs wants two at least: an empty one below changes nothing
    dirs=$(printf "$W/L%s:" "$@")$W/probe/b
    # a file that is listed but cannot be opened shows as such
    in_subids sh -c 'mount -t overlay overlay -o "userxattr,lowerdir=$1" "$2" && cd "$2" && find . -mindepth 1 | LC_ALL=C sort |
        while IFS= read -r p; do
            if [ -L "$p" ]; then echo "$p -> $(readlink "$p")"
            elif [ -d "$p" ]; then echo "$p/ $(stat -c %a "$p")"
            else echo "$p $(stat -c %a "$p") $(cat "$p")"; fi
        done' sh "$dirs" "$W/probe/m" 2>&1
}

layer "$W/t0.tar" <<'X'
bin->usr/bin
etc/ 0750
etc/a=one
etc/b=two
etc/d/
etc/d/x=x
usr/ 0711
usr/bin/ 02755
usr/bin/tool=tool
var/
var/cache/
var/cache/p=p
var/lib/
var/lib/q=q
gone/
gone/deep/
gone/deep/f=f
turn=file
X
apply 0
layer "$W/t1.tar" <<'X'
bin/new=new
etc/.wh.a=
etc/c=three
etc/b2=>etc/b
.wh.gone=
var/cache/fresh=fresh
var/cache/.wh..wh..opq=
var/lib/.wh..wh..opq=
turn/
turn/in=in
.wh.never=
X
apply 1 0
layer "$W/t2.tar" <<'X'
gone/again=again
etc/a=new a
var/lib/r=r
.wh.turn=
turn/other=other
usr/bin/.wh.tool=
etc/.wh.d=
etc/d/y=y
X
apply 2 0 1

is "base alone" "$(seen 0)" "./bin -> usr/bin
./etc/ 750
./etc/a 644 one
./etc/b 644 two
./etc/d/ 755
./etc/d/x 644 x
./gone/ 755
./gone/deep/ 755
./gone/deep/f 644 f
./turn 644 file
./usr/ 711
./usr/bin/ 2755
./usr/bin/tool 644 tool
./var/ 755
./var/cache/ 755
./var/cache/p 644 p
./var/lib/ 755
./var/lib/q 644 q"
is "two layers" "$(seen 1 0)" "./bin -> usr/bin
./etc/ 750
./etc/b 644 two
./etc/b2 644 two
./etc/c 644 three
./etc/d/ 755
./etc/d/x 644 x
./turn/ 755
./turn/in 644 in
./usr/ 711
./usr/bin/ 2755
./usr/bin/new 644 new
./usr/bin/tool 644 tool
./var/ 755
./var/cache/ 755
./var/cache/fresh 644 fresh
./var/lib/ 755"
is "three layers" "$(seen 2 1 0)" "./bin -> usr/bin
./etc/ 750
./etc/a 644 new a
./etc/b 644 two
./etc/b2 644 two
./etc/c 644 three
./etc/d/ 755
./etc/d/y 644 y
./gone/ 755
./gone/again 644 again
./turn/ 755
./turn/other 644 other
./usr/ 711
./usr/bin/ 2755
./usr/bin/new 644 new
./var/ 755
./var/cache/ 755
./var/cache/fresh 644 fresh
./var/lib/ 755
./var/lib/r 644 r"

# an opaque root hides all
printf '%s\n' '.wh..wh..opq=' 'only=this' 'etc/mine=mine' | layer "$W/t3.tar"
apply 3 0 1 2
is "an opaque root" "$(seen 3 2 1 0)" "./etc/ 755
./etc/mine 644 mine
./only 644 this"
