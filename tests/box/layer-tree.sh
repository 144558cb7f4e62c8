#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real tree, packed by tar and unpacked again by layer_apply, is what `tar -x` makes of it in the same
# user namespace: names, types, owners, modes, times, links, holes and contents; for each tar format.
# ARCHWAY_TEST_TREE names other folders to pack: "/usr" takes minutes.
. "$(dirname "$0")/../lib/common.sh"
need tar python3
need_subids
tool=${ARCHWAY_BUILD:-$(dirname "$ARCHWAY")}/unit/image_layer
[ -x "$tool" ] || skip_all "no $tool: make tests"
cp "$tool" "$T/bin/image_layer"
chmod 755 "$T/bin/image_layer"
W=$T/tmp

# What a tree is, one line a thing; holes only as "has some".
cat >"$T/bin/describe" <<'X'
#!/bin/sh
set -e
cd "$1"
find . -printf '%P|%y|%m|%U|%G|%T@|%l|' \( -type d -printf '\n' -o -printf '%s|%n\n' \) | LC_ALL=C sort
find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
X
chmod 755 "$T/bin/describe"

in_subids env ARCHWAY_TEST_TREE="${ARCHWAY_TEST_TREE:-}" sh -euc '
    mkdir "$1/src"; cd "$1/src"
    for d in ${ARCHWAY_TEST_TREE:-/usr/share/perl5 /usr/share/zoneinfo /etc}; do
        [ ! -d $d ] || cp -a --parents --no-preserve=ownership $d . 2>/dev/null || :
    done
    mkdir odd; cd odd
    echo x >setuid; chown 5:60 setuid; chmod 6755 setuid
    mkdir -m 1777 sticky; mkdir -m 2775 setgid; chown 7:8 setgid; echo y >setgid/in; chown 1000:1000 setgid/in
    mkfifo -m 640 fifo
    ln -s ../../.. up; ln -s / root; ln -s "new
line" link; ln setuid hard; ln link hardlink
    truncate -s 1M hole; echo end >>hole; truncate -s 2M hole
    echo z >"$(printf "latin\351")"; echo z >"$(printf "caf\303\251")"; echo z >"$(printf "cafe\314\201")"
    mkdir -p "$(printf "%0200d/%0200d" 0 1)"; echo deep >"$(printf "%0200d/%0200d/f" 0 1)"
    touch -d "1965-01-01 UTC" old; touch -d @1700000000.123456789 nano
    mkdir ro; echo x >ro/file; chmod 500 ro' sh "$W" || skip_all "cannot make the tree to pack"
note "tree: $(in_subids du -sm "$W/src" | cut -f1) MB, $(in_subids find "$W/src" | wc -l) entries"

# nothing is removed in between: ext4 is slow to make files where many were removed just before
for format in gnu pax ustar; do
    opts=(--sparse)
    # ustar has no room for longer names, and none of the old formats for times before 1970 and ids
    [ $format != ustar ] || opts=(--exclude='./odd/0*' --exclude=./odd/old)
    in_subids tar --format=$format "${opts[@]}" -C "$W/src" -cf "$W/$format.tar" . ||
        { not_ok "pack as $format"; continue; }
    in_subids sh -c 'mkdir "$1" && tar --numeric-owner -C "$1" -xpf "$2"' sh "$W/want-$format" "$W/$format.tar"
    run in_subids "$T/bin/image_layer" --apply "$W/$format.tar" "$W/got-$format"
    right_run "$format: is applied" 0 "^sha256:$(sha256sum <"$W/$format.tar" | cut -d' ' -f1) "
    in_subids "$T/bin/describe" "$W/want-$format" >"$T/want"
    in_subids "$T/bin/describe" "$W/got-$format" >"$T/got"
    is "$format: all that tar unpacks is there and the same" "$(diff -a "$T/want" "$T/got" | head -n 20)" ""
    if [ $format != ustar ]; then
        is "$format: the file with holes has them" "$(($(in_subids stat -c %b "$W/got-$format/odd/hole") < 1000))" 1
    fi
done

for z in gzip zstd; do
    command -v $z >/dev/null || { skip "$z" "$z is not installed"; continue; }
    in_subids sh -c 'tar -C "$1/src" -cf - ./odd | "$2" -c >"$1/odd.tar.z"' sh "$W" $z
    run in_subids "$T/bin/image_layer" --apply "$W/odd.tar.z" "$W/got-$z"
    right_run "$z: is applied" 0
    in_subids "$T/bin/describe" "$W/src/odd" >"$T/want"
    in_subids "$T/bin/describe" "$W/got-$z/odd" >"$T/got"
    # hard links out of the packed folder there are none; nanoseconds gnu tar leaves out
    is "$z: the same files" "$(diff -a <(sed 's/\.[0-9]*|/|/' "$T/want") <(sed 's/\.[0-9]*|/|/' "$T/got") | head -n 20)" ""
done
