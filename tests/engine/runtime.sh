#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The engine's runtime: little memory for code, what it tells of itself.
HERE=$(cd "$(dirname "$0")" && pwd)
ARCHWAY=${ENGINE:-${ARCHWAY_BUILD:-$HERE/../../build/rel}/archway-engine}
# shellcheck source=tests/lib/common.sh
. "$HERE/../lib/common.sh"
ENGINE=$T/bin/archway
need aarch64-linux-gnu-gcc
make -s -j2 -C "$REPO" guests >&2 || { not_ok "build the guest programs"; exit; }
guest() { # OPTIONS... NAME: into OUT, ERR, STATUS
    local name=${*: -1}
    cp -- "$REPO/build/guest/$name" "$T/bin/"
    run "${AS_USER[@]}" timeout -s KILL 60 "$ENGINE" "${@:1:$#-1}" "$T/bin/$name"
}

# ---- little memory for code: everything is forgotten many times, with threads everywhere
for limit in 1 3; do
    guest --stats --code-limit=$limit manycode
    is "more code than $limit MiB: output" "$STATUS $OUT" "0 done"
    like "more code than $limit MiB: it was flushed" "$ERR" ' [1-9][0-9]* flushes, [1-3] chunks$'
done
guest --stats manycode
like "with room nothing is flushed" "$ERR" ', 0 flushes,'

# ---- a small address space
for limit in 400000 120000; do
    run "${AS_USER[@]}" bash -c "ulimit -v $limit; exec '$ENGINE' '$T/bin/manycode'"
    is "ulimit -v $limit" "$STATUS $OUT" "0 done"
done

# ---- clocks: the vDSO's functions make no system call
cp -- "$REPO/build/guest/vdso" "$T/bin/"
run "${AS_USER[@]}" timeout -s KILL 60 "$ENGINE" --strace "$T/bin/vdso" loop
is "clocks: status" "$STATUS" 0
unlike "clocks: no system call" "$ERR" 'clock_get|gettimeofday'

# ---- a stack that may not grow: as natively, it runs or it is SIGSEGV
told='' ended=''
for limit in 4 8 12 16 20 24 32; do
    cp -- "$REPO/build/guest/hello" "$T/bin/"
    run "${AS_USER[@]}" bash -c "ulimit -s $limit; exec '$ENGINE' '$T/bin/hello'"
    told+=$ERR ended+="$STATUS "
done
is "ulimit -s: the engine says nothing" "$told" ""
like "ulimit -s: it runs with more, and dies of a signal with less" "$ended" '^(139 )+(0 )+$'

# ---- options
guest --dump=insn,ir,code hello_raw
like "dump: a region" "$ERR" '^region [0-9a-f]+, [0-9]+ guest instructions'
like "dump: IR" "$ERR" 'SYSCALL'
like "dump: code" "$ERR" '^    code [0-9a-f]+$'
guest --code-limit=0 hello_raw
is "a limit of nothing is refused" "$STATUS" 2
