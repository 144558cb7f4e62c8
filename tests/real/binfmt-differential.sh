#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The parser and the matcher against the running kernel, at length and from fresh seeds.
set -u
build=${ARCHWAY_BUILD:?run me by: make check-real}
seed=${BINFMT_SEED:-$RANDOM}
echo "# again: BINFMT_SEED=$seed $0"
export BINFMT_SEED=$seed BINFMT_MUTATIONS=1000000 BINFMT_PAIRS=20000
n=0
for program in binfmt_kernelrule binfmt_kernelmatch; do
    out=$("$build/unit/$program")
    status=$?
    sed 's/^\(not ok\|ok\) [0-9]* - /# \1 /; s/^1\.\./# plan /' <<<"$out"
    n=$((n + 1))
    if grep -q '^ok .*# SKIP' <<<"$out"; then
        echo "ok $n - $program # SKIP $(sed -n 's/.*# SKIP //p' <<<"$out" | head -n 1)"
    elif [ $status -eq 0 ]; then
        echo "ok $n - $program"
    else
        echo "not ok $n - $program"
    fi
done
echo "1..$n"
