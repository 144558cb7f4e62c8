# SPDX-License-Identifier: Apache-2.0
"""The two trees: the same packages of Debian 12, and perl's source with the tree's own perl in the
place of a built one. They are made once, below XDG_CACHE_HOME (the network is needed for that)."""
import os, re, shutil, subprocess
import machine

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'archway', 'suites')
TRIPLET = {'amd64': 'x86_64-linux-gnu', 'arm64': 'aarch64-linux-gnu'}
PACKAGES = ['python3', 'python3.11-full', 'python3-distutils', 'python3-lib2to3', 'python3-gdbm',
            'libpython3.11-testsuite', 'netbase', 'tzdata', 'openssl', 'ca-certificates', 'media-types',
            'procps', 'perl', 'libgdbm-compat4', 'xz-utils', 'zstd', 'bzip2']
FILES = {
    'etc/hosts': '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost ip6-localhost ip6-loopback\n' % machine.NAME,
    'etc/hostname': machine.NAME + '\n',
    'etc/resolv.conf': '',
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n'
                         'protocols: files\nservices: files\n',
}


def write_files(root):
    for name, text in FILES.items():
        with open(os.path.join(root, name), 'w') as f:
            f.write(text)
    who = (machine.USER, machine.USER_ID)
    with open(root + '/etc/passwd', 'a') as f:
        f.write('%s:x:%d:%d:%s:/home/%s:/bin/sh\n' % (who + (who[1], 'Test User', who[0])))
    with open(root + '/etc/group', 'a') as f:
        f.write('%s:x:%d:\n' % who)
    for folder in ('home/' + machine.USER, 'sys', 'suites'):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    if not os.path.lexists(root + '/etc/localtime'):
        os.symlink('/usr/share/zoneinfo/Etc/UTC', root + '/etc/localtime')


def version(root, package):
    """Debian's version of a package that is only unpacked: from its own list of changes."""
    log = os.path.join(root, 'usr/share/doc', package, 'changelog.Debian.gz')
    text = subprocess.run(['gzip', '-dc', log], check=True, stdout=subprocess.PIPE).stdout.decode()
    return re.match(r'\S+ \((\S+)\)', text).group(1)


def add_perl(root, arch):
    """/perl: the source, its lib completed by what is installed, and perl where tests look for it."""
    number = version(root, 'perl-base')
    source = subprocess.run([os.path.join(HERE, 'perl-source'), number, os.path.join(CACHE, 'perl-' + number)],
                            check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    target, plain = root + '/perl', number.split('-')[0]
    subprocess.run(['cp', '-a', '--no-preserve=ownership', source, target], check=True)
    for part in ('usr/share/perl/' + plain, 'usr/lib/%s/perl/%s' % (TRIPLET[arch], plain), 'usr/lib/%s/perl-base' % TRIPLET[arch]):
        subprocess.run(['cp', '-a', '--no-preserve=ownership', '-T', '--remove-destination',
                        os.path.join(root, part), target + '/lib'], check=True)
    for name in ('perl', 't/perl'):
        os.symlink('/usr/bin/perl', os.path.join(target, name))


def as_root(root, interpreter, command, log):
    job = {'command': command, 'env': {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8'}, 'folder': '/', 'root': True,
           'output': log.fileno(), 'timeout': 1800}
    return machine.run(root, interpreter, job)


def copy_bytecode(source, target):
    """Bytecode is the same on both, and compiling is slow: what one tree has compiled goes to the other."""
    for folder, _, names in os.walk(source):
        if os.path.basename(folder) == '__pycache__':
            there = os.path.join(target, os.path.relpath(folder, source))
            if os.path.isdir(os.path.dirname(there)):
                os.makedirs(there, exist_ok=True)
                for name in names:
                    shutil.copy2(os.path.join(folder, name), there)


def make(engine):
    """{arch: root}, made where needed."""
    roots = {arch: os.path.join(CACHE, arch) for arch in TRIPLET}
    for arch, root in roots.items():
        if os.path.exists(root + '/suites/made'):
            continue
        image = subprocess.run([os.path.join(REPO, 'tools', 'debian-image'), '--include=' + ','.join(PACKAGES), arch, 'bookworm'],
                               check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        shutil.rmtree(root, ignore_errors=True)
        os.makedirs(root)
        subprocess.run(['tar', '-xf', image, '-C', root, '--no-same-owner'], check=True)
        write_files(root)
        add_perl(root, arch)
        with open(os.path.join(CACHE, arch + '.log'), 'wb') as log:
            foreign = engine if arch == 'arm64' else ''
            if arch == 'amd64':
                # some of the tests' files are no Python on purpose
                as_root(root, foreign, ['/usr/bin/python3.11', '-m', 'compileall', '-q', '/usr/lib/python3.11', '/usr/lib/python3/dist-packages'], log)
            else:
                copy_bytecode(roots['amd64'] + '/usr/lib', root + '/usr/lib')
            for command in (['/usr/sbin/ldconfig'], ['/usr/bin/chown', '-R', machine.USER + ':', '/perl']):
                if as_root(root, foreign, command, log)['status'] != 0:
                    raise SystemExit('%s failed in the %s tree; see %s' % (command[0], arch, log.name))
        open(root + '/suites/made', 'w').close()
    return roots
