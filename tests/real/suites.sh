#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A slice of CPython's and Perl's own suites, natively and under the engine: what passes natively passes
# there. `make suite-python` and `make suite-perl` run all of them (hours).
. "$(dirname "$0")/../lib/common.sh"
need debootstrap dpkg-source apt-get zstd
need_root
run_units() {
    local suite=$1 unit
    shift
    for unit; do
        run timeout 900 "$REPO/tests/suites/run" --engine="${ARCHWAY_BUILD:-$REPO/build/rel}/archway-engine" \
            --again --limit=120 --scale=5 "$suite" "$unit"
        is "$suite: $unit" "$STATUS" 0
        [ "$STATUS" = 0 ] || note "$OUT" "$ERR"
    done
}
run_units python test_posix test_mmap test_fcntl test_struct test_float test_cmath test_fork1 test_wait4 test_resource
run_units perl t/base/num.t t/op/fork.t t/op/pack.t t/op/sprintf.t t/op/kill0.t t/op/alarm.t t/io/pipe.t lib/Config.t
