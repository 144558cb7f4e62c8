#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's format files, read by `archway lint` and registered by the real update-binfmts: the rules must be the
# same, from the packages' files and from the database that it makes of them. In a user namespace: the host's
# rules are not touched, and the package is unpacked, not installed.
. "$(dirname "$0")/../lib/common.sh"
need unshare python3 dpkg-deb apt-get
need_root
ls /usr/share/binfmts/* >/dev/null 2>&1 || skip_all "no package here has a format file"
as_user mkdir -p "$T/tmp/db"
(cd "$T" && apt-get -qq download binfmt-support >/dev/null 2>&1) || skip_all "binfmt-support cannot be fetched"
dpkg-deb -x "$T"/binfmt-support_*.deb "$T/bs"
chmod -R a+rX "$T/bs"
ldd "$T/bs/usr/sbin/update-binfmts" | grep -q 'not found' && skip_all "update-binfmts lacks a library (libpipeline1)"

cat >"$T/bin/inner" <<'SH'
#!/bin/bash
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 99
"$1/bs/usr/sbin/update-binfmts" --admindir "$1/tmp/db" --importdir /usr/share/binfmts --import || exit
"$1/bin/archway" export --json >"$1/tmp/kernel" || exit
"$1/bin/archway" lint --json /usr/share/binfmts/* >"$1/tmp/package"
"$1/bin/archway" lint --json "$1"/tmp/db/* >"$1/tmp/database"
true
SH
chmod 755 "$T/bin/inner"
run as_user unshare -Urm "$T/bin/inner" "$T"
[ "$STATUS" != 99 ] || skip_all "no binfmt_misc in user namespaces here (Linux 6.7 and later)"
right_run "update-binfmts registers them" 0
# compare FILE: what differs, and how many were compared
compare() {
    python3 - "$T/tmp/kernel" "$1" <<'PY'
import json, sys
kernel = {x['name']: x['text'] for x in json.load(open(sys.argv[1]))}
def parts(text):
    f = text.split(text[0])
    return f[1:3] + [f[3] or '0'] + f[4:7] + [sorted(f[7])]
same = 0
for x in json.load(open(sys.argv[2])):
    kinds = [f['kind'] for f in x['findings']]
    if 'detector' in kinds:
        continue  # it registers run-detectors for that one
    if not x['valid'] or x['name'] not in kernel or parts(x['register']) != parts(kernel[x['name']]):
        print('differs:', x['where'], x.get('register'), kernel.get(x['name']))
    else:
        same += 1
print('same:', same if same else 'none')
PY
}
for kind in package database; do
    out=$(compare "$T/tmp/$kind")
    unlike "$kind: no rule differs" "$out" '^differs|^same: none'
    note "$kind: $out"
done
