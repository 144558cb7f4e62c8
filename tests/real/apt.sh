#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# apt-get install inside an arm64 container, of a package whose scripts make a group and set-id
# files: with subordinate ids, and with a single one. The tree itself was configured by `archway run`.
. "$(dirname "$0")/../lib/common.sh"
need debootstrap skopeo crun newuidmap
need_subids
debian_image arm64 --configured || exit

INSTALL='export DEBIAN_FRONTEND=noninteractive
    apt-get -q update && apt-get -q install -y --no-install-recommends cron && dpkg -s cron && getent group crontab &&
    stat -c "%A %U:%G" /usr/bin/crontab'

# patient ARGUMENT...: archway with them. QEMU 7.2 now and then hangs its guest's shell (docs/QUIRKS.md):
# a try that takes four minutes is ended and made again.
patient() {
    local try
    for try in 1 2 3; do
        run as_user timeout -s KILL 240 "$AW" "$@"
        [ "$STATUS" = 137 ] || return 0
        note "try $try hung in the emulator and was ended"
    done
}

network=pasta
run aw run --network pasta "$IMAGE" true
if [ "$STATUS" != 0 ]; then
    note "pasta does not work here, so the host's network is used: $ERR"
    network=host
fi

patient run --network $network "$IMAGE" sh -c "$INSTALL"
right_run "apt-get install cron" 0 '^Status: install ok installed'
like "its script made a group" "$OUT" '^crontab:'
like "set-group-id is kept" "$OUT" '^-rwxr-sr-x root:crontab$'

# With one id only root exists. Debian's scripts need more; either they get by, or we are told.
patient run --userns single --network $network "$IMAGE" sh -c "$INSTALL"
if [ "$STATUS" = 0 ]; then
    ok "with a single id: it works"
else
    like "with a single id: what is missing is said, with the command that mends it" "$ERR" 'subuid|--add-subuids'
fi
no_leftovers "nothing is left running or mounted"
