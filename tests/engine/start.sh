#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Starting programs: messages and statuses, broken ELF files, options under the kernel's start, and a
# rule of binfmt_misc with each set of flags.
#
#   tests/engine/start.sh [SEED [FILES]]        more broken files
HERE=$(cd "$(dirname "$0")" && pwd)
ARCHWAY=${ENGINE:-${ARCHWAY_BUILD:-$HERE/../../build/rel}/archway-engine}
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
ENGINE=$T/bin/archway
need aarch64-linux-gnu-gcc
make -s -j2 -C "$REPO" guests >&2 || { not_ok "build the guest programs"; exit; }
for name in hello_raw exit_raw args hello exec; do cp -- "$REPO/build/guest/$name" "$T/bin/"; done
engine() {
    run "${AS_USER[@]}" timeout -s KILL 60 "$ENGINE" "$@"
}

# ---- what cannot be started: one line, and the shell's statuses
engine
is "without a program: status" "$STATUS" 2
like "without a program: usage" "$ERR" '^usage: archway-engine'
engine --nonsense "$T/bin/hello_raw"
is "an unknown option" "$STATUS" 2
engine "$T/nowhere"
is "no such file" "$STATUS $ERR" "127 archway-engine: $T/nowhere: no such file"
engine "$T"
is "a folder: status" "$STATUS" 126
echo text >"$T/tmp/text"
chmod 755 "$T/tmp/text"
engine "$T/tmp/text"
is "a text" "$STATUS $ERR" "126 archway-engine: $T/tmp/text: not an ELF file"
engine /bin/true
is "a program of the host" "$STATUS $ERR" "126 archway-engine: /bin/true: not a program for aarch64"
engine -- "$T/bin/hello_raw"
is "behind --" "$STATUS $OUT" "0 hello from aarch64"
engine -0 other "$T/bin/args" one two
like "-0 gives argv[0]" "$OUT" '^3 args'

# ---- broken ELF files end in a status or a signal of the guest, never in a bug or a hang
cat >"$T/tmp/break" <<'EOF'
import random, struct, subprocess, sys, os
engine, program, folder, seed, files = sys.argv[1:]
base, rng = open(program, 'rb').read(), random.Random(int(seed))
table, count = struct.unpack_from('<Q', base, 32)[0], struct.unpack_from('<H', base, 56)[0]
edges = [0, 1, 7, 8, 0xfff, 0x1000, 0x1001, 0xffff, 0x10000, 0x400000, 0x7fffffff, 0x80000000,
         0xffffffff, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 2**63 - 1, 2**63, 2**64 - 1]
def broken():
    b = bytearray(base)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        what = rng.random()
        if what < 0.25:
            b[rng.randrange(64)] = rng.randrange(256)
        elif what < 0.5:
            b[table + rng.randrange(56 * count)] = rng.randrange(256)
        elif what < 0.93:
            field = rng.choice([0, 4, 8, 16, 24, 32, 40, 48])
            size = 4 if field < 8 else 8
            value = rng.randrange(8) if rng.random() < 0.3 else rng.choice(edges)
            at = table + 56 * rng.randrange(count) + field
            b[at:at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, 'little')
        else:
            return bytes(b[:rng.randrange(len(b))])
    return bytes(b)
path, bad = folder + '/broken', 0
for n in range(int(files)):
    with open(path, 'wb') as f:
        f.write(broken())
    os.chmod(path, 0o755)
    try:
        p = subprocess.run([engine, path], capture_output=True, timeout=3, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        continue # a guest may loop; the engine's own loops show as hangs of every file
    err = p.stderr.decode(errors='replace')
    refused = p.returncode == 126 and err.startswith('archway-engine: ') and err.count('\n') == 1
    if not refused and (err or p.returncode not in (0, 42, -4, -5, -7, -11)):
        bad += 1
        print('file %d of seed %s: status %d, %s' % (n, seed, p.returncode, err[:200]))
print('%d bad' % bad)
EOF
seed=${1:-1} files=${2:-60}
for name in hello_raw exit_raw; do
    run "${AS_USER[@]}" python3 "$T/tmp/break" "$ENGINE" "$T/bin/$name" "$T/tmp" "$seed" "$files"
    is "$files broken variants of $name" "$OUT" "0 bad"
done

# ---- started by the kernel, in a binfmt_misc of our own (Linux 6.7)
cat >"$T/tmp/rule" <<'EOF'
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 77
magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
echo ":guest:M::$magic:$mask:$1:$2" >/proc/sys/fs/binfmt_misc/register || exit 77
cd "$3" || exit
(exec -a other ./args --strace two) | head -3
./exit_raw
echo "status $?"
EOF
cat >"$T/tmp/execs" <<'EOF'
. "$1" "$2" POCF "$3" >/dev/null || exit
mount -t tmpfs tmpfs /tmp || exit 77
cp exec /tmp && cd /tmp || exit
exec ./exec
EOF
unshare_root=("${AS_USER[@]}" unshare --user --map-root-user --mount --propagation private)
run "${unshare_root[@]}" bash "$T/tmp/rule" "$ENGINE" POCF "$T/bin"
if [ "$STATUS" = 77 ] || ! [[ $OUT == *status* ]]; then
    skip "start by a rule" "no binfmt_misc in user namespaces here"
else
    for flags in POCF PF OCF F P ''; do
        run "${unshare_root[@]}" bash "$T/tmp/rule" "$ENGINE" "$flags" "$T/bin"
        is "rule with flags '$flags'" "$OUT $ERR" $'3 args\n--strace\ntwo\nstatus 42 '
    done
    # what a descriptor with close-on-exec leads to, among others: the kernel alone says ENOENT
    run "${unshare_root[@]}" bash "$T/tmp/execs" "$T/tmp/rule" "$ENGINE" "$T/bin"
    is "exec in its ways under a rule" "$STATUS $OUT $ERR" "0 $(sed -n 's,^// out: ,,p' "$REPO/tests/guest/exec.c") "
fi
