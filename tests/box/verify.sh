#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# archway verify for every platform that has a built-in program: works or not, by which emulator, how long the
# start took; and emulators that do not work.
. "$(dirname "$0")/../lib/common.sh"
need unshare python3
as_user unshare -Urm true 2>/dev/null || skip_all "no user namespaces here"
IFS=.- read -r major minor _ < <(uname -r)
[ $((major * 1000 + minor)) -ge 6007 ] || skip_all "this kernel has no binfmt_misc for user namespaces"
mkdir "$T/emulators"
cat >"$T/emulators/fails" <<'X'
#!/bin/sh
exit 7
X
cat >"$T/emulators/babbles" <<'X'
#!/bin/sh
echo something
exit 42
X
cat >"$T/emulators/dies" <<'X'
#!/bin/sh
kill -SEGV $$
X
chmod 755 "$T"/emulators/*
user_file "$T/tmp/inner" <<'X'
A=$1 D=$2
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 99
echo "== without rules"
"$A" verify --json all
echo "== installed"
"$A" install all >/dev/null
"$A" verify --json all
echo "== rules"
"$A" ls --json
"$A" uninstall all >/dev/null
for e in fails babbles dies; do
    echo "== $e"
    "$A" show qemu-riscv64 >/dev/null 2>&1 && echo -1 >/proc/sys/fs/binfmt_misc/qemu-riscv64
    printf %s ":qemu-riscv64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xf3\x00::$D/$e:" >/proc/sys/fs/binfmt_misc/register
    "$A" verify linux/riscv64
    echo "status $?"
done
X
run as_user unshare -Urm bash "$T/tmp/inner" "$AW" "$T/emulators"
printf '%s\n' "$OUT" >"$T/out"
verdict=$(python3 - "$T/out" <<'X'
import glob, json, platform, re, sys
parts = dict(p.split('\n', 1) for p in re.split(r'(?m)^== ', open(sys.argv[1]).read())[1:])
before, after = json.loads(parts['without rules']), json.loads(parts['installed'])
rules = {r['name']: r for r in json.loads(parts['rules'])['rules']}
qemu = {'arm64': 'aarch64', 'arm': 'arm', '386': 'i386', 'amd64': 'x86_64', 'loong64': 'loongarch64', 'mips': 'mips', 'mipsle': 'mipsel',
        'mips64': 'mips64', 'mips64le': 'mips64el', 'ppc': 'ppc', 'ppc64': 'ppc64', 'ppc64le': 'ppc64le', 'riscv': 'riscv32',
        'riscv64': 'riscv64', 's390x': 's390x'}
print('%d platforms' % len(after))
names = sorted(v['platform'] for v in after)
if names != sorted('linux/' + q for q in qemu):
    print('not as expected:', names)
for was, v in zip(before, after):
    name = v['platform'].split('/')[1]
    native = was['works']
    there = any(glob.glob('/usr/bin/qemu-%s%s' % (qemu[name], s)) for s in ('', '-static')) or name == 'arm64'
    if native:
        print('%s: native %s' % (name, 'rule' not in v))
    elif not there:
        print('%s: no emulator here %s' % (name, not v['works']))
    elif not v['works']:
        print('%s does not work: %s' % (name, v.get('why')))
    else:
        rule = rules.get(v['rule'], {})
        good = (v['interpreter'] == rule.get('interpreter') and v['rule'] == 'qemu-' + qemu[name] and 0 < v['start_us'] < 9e6 and
                v['state'] == 'fresh' and 'archway install' in was['mend'])
        print('%s: %s' % (name, 'works' if good else v))
X
)
note "$verdict" "$(sed -n '/^== installed/,/^== rules/p' "$T/out" | python3 -c '
import json, sys
for v in json.loads("".join(sys.stdin.readlines()[1:-1])):
    print(v["platform"], v.get("start_us"), "us", v.get("interpreter", "no emulator"))')"
is "fifteen platforms have a built-in program" "$(head -n 1 <<<"$verdict")" "15 platforms"
unlike "each works by its emulator, or by none where none is needed" "$verdict" \
    '(not as expected|does not work|native False|here False|\{)'
if compgen -G '/usr/bin/qemu-*' >/dev/null; then
    like "at least one by an emulator" "$verdict" ': works$'
else
    skip "at least one by an emulator" "no QEMU here (tools/install-deps run)"
fi
part() { sed -n "/^== $1\$/,/^== /p" <<<"$OUT"; }
like "an emulator that fails" "$(part fails)" 'linux/riscv64: does not work: .*ended with status 7, not 42 \(rule qemu-riscv64, interpreter .*/fails\)'
like "an emulator that says something else" "$(part babbles)" 'does not work: .*printed something else'
like "an emulator that dies" "$(part dies)" 'does not work: .*died of signal 11'
is "each of them is status 1" "$(grep -c '^status 1$' <<<"$OUT")" 3
