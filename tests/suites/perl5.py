# SPDX-License-Identifier: Apache-2.0
"""Perl's suite: a unit is a test file of its source, a test is a line of TAP. How a file is started is what
perl's own t/TEST does: folder and switches depend on where it lies."""
import os, re

NAME = 'perl'
ENV = {'PATH': '/usr/local/bin:/usr/bin:/bin', 'HOME': '/home/tester', 'USER': 'tester', 'LOGNAME': 'tester', 'SHELL': '/bin/sh',
       'LC_ALL': 'C', 'PERL_DESTRUCT_LEVEL': '2', 'PERL_DL_NONLAZY': '1', 'PERL_TEST_TIME_OUT_FACTOR': '10', 'TERM': 'xterm',
       # lib/charnames.t draws what it tests, and how much
       'PERL_TEST_CHARNAMES_SEED': '1'}
# these draw their numbers anew in each run unless they are given a seed
SEEDED = {'cpan/Math-BigInt/t/mbi_rand.t', 'cpan/Math-BigInt-FastCalc/t/mbi_rand.t'}
FOLDERS = ['base', 'comp', 'cmd', 'run', 'opbasic', 'op', 're', 'io', 'uni', 'mro', 'lib', 'class', 'perf']
PLAIN = {'t/base', 't/comp', 't/run'}
# modules whose tests want absolute paths, or not to know that they are part of perl
ABSOLUTE = set('''cpan/Archive-Tar cpan/AutoLoader cpan/CPAN cpan/Encode cpan/ExtUtils-Constant cpan/ExtUtils-Install
    cpan/ExtUtils-MakeMaker cpan/ExtUtils-Manifest cpan/File-Fetch cpan/IPC-Cmd cpan/IPC-SysV cpan/Module-Load
    cpan/Module-Load-Conditional cpan/Pod-Simple cpan/Test-Simple cpan/podlators dist/Cwd dist/Devel-PPPort
    dist/ExtUtils-ParseXS dist/Tie-File'''.split())
OUTSIDE = set('''cpan/Compress-Raw-Bzip2 cpan/Compress-Raw-Zlib cpan/Devel-PPPort cpan/Getopt-Long cpan/IO-Compress
    cpan/MIME-Base64 cpan/parent cpan/Pod-Simple cpan/podlators cpan/Test-Simple cpan/Tie-RefHash cpan/Unicode-Collate
    dist/Unicode-Normalize'''.split())
LINE = re.compile(r'^(not )?ok\b *(\d+)?(.*)$')


def units(roots):
    """t/ first, then lib/, then the modules that have C in them, then all others."""
    root = os.path.join(roots['amd64'], 'perl')
    found = []
    for folder in FOLDERS:
        top = os.path.join(root, 't', folder)
        found += sorted(os.path.relpath(os.path.join(d, f), root) for d, _, files in os.walk(top) for f in files if f.endswith('.t'))
    with open(os.path.join(root, 'MANIFEST')) as f:
        listed = [line.split()[0] for line in f if line.strip()]
    found += [p for p in listed if p.startswith('lib/') and p.endswith('.t')]
    rest = [p for p in listed if re.match(r'(cpan|dist|ext)/\S+/(?:[^/\s]+\.t|test\.pl)$', p)]
    compiled = {p.split('/')[1] for p in listed if p.endswith('.xs')}
    return found + [p for p in rest if p.split('/')[1] in compiled] + [p for p in rest if p.split('/')[1] not in compiled]


def switches(unit, text):
    """Folder, perl's path there, the test's path there, and the switches."""
    first = text.split('\n', 1)[0]
    taint = re.match(r'#!.*\bperl.*\s-\w*([tT])', first)
    taint = ['-' + taint.group(1)] if taint else []
    parts = unit.split('/')
    if parts[0] in ('cpan', 'dist', 'ext') and unit != 'ext/File-Glob/t' and parts[2] == 't':
        module = '/'.join(parts[:2])
        init = '-MTestInit=U2T' + (',A' if module in ABSOLUTE else '') + (',NC' if module in OUTSIDE else '')
        return module, '../../t/perl', '/'.join(parts[2:]), ['-I../..', init] + taint
    if os.path.dirname(unit) in PLAIN:
        return 't', './perl', '/'.join(parts[1:]), taint
    path = '/'.join(parts[1:]) if parts[0] == 't' else '../' + unit
    return 't', './perl', path, ['-I..', '-MTestInit=U1' if parts[0] == 'lib' else '-MTestInit'] + taint


def job(unit, out, timeout, root):
    with open(os.path.join(root, 'perl', unit), encoding='latin-1') as f:
        folder, perl, path, words = switches(unit, f.read())
    return {'command': ['/bin/sh', '-c', 'exec "$@" >/suites/results', 'sh', perl] + words + [path] + ['1'] * (unit in SEEDED), 'env': ENV,
            'folder': '/perl/' + folder}


def results(out, log):
    tests, plan, skipped = {}, None, None
    try:
        with open(os.path.join(out, 'results'), encoding='latin-1') as f:
            lines = f.read().split('\n')
    except FileNotFoundError:
        lines = []
    for line in lines:
        m = re.match(r'1\.\.(\d+)(?:\s*#\s*(skip.*))?', line, re.I)
        if m and plan is None:
            plan, skipped = int(m.group(1)), m.group(2)
        m = LINE.match(line)
        if not m:
            continue
        number = int(m.group(2)) if m.group(2) else len(tests) + 1
        text = m.group(3)
        todo = re.search(r'(?<!\\)#\s*(todo|skip)\b', text, re.I)
        word = todo and todo.group(1).lower()
        what = 'skip' if word == 'skip' else 'xfail' if word == 'todo' and m.group(1) else 'fail' if m.group(1) else 'ok'
        tests[str(number)] = [what, text.strip(' -')[:300]]
    if plan and len(tests) != plan:
        tests['plan'] = ['fail', '%d of %d' % (len(tests), plan)]
    return tests, skipped if plan == 0 else None


def whole(status):
    return 'ok' if status == 0 else 'ended with %s' % status
