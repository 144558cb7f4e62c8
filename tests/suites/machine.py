# SPDX-License-Identifier: Apache-2.0
"""A small machine made of namespaces, for programs of a Debian tree.

Whatever runs in it sees what a freshly started machine without a network has: its own processes, /proc,
/sys, /dev with a devpts and shared memory, an empty /tmp and home, loopback, a host name. Nothing of it
outlives the program. Foreign programs are started by a rule that is registered in the machine's own
instance of binfmt_misc, as in a container.

1. Three processes: the caller, an outer one that waits for the id maps, and the machine's process 1.
   Each dies with the one before it, so that a runner that is killed leaves nothing behind.
2. Process 1 reaps, ends the program when its time is over, and then kills everything else.
3. What the caller gives as output is open in the program as 1 and 2; nothing else is inherited.

Left out: control groups, a controlling terminal, any network but loopback.
"""
import ctypes, fcntl, json, os, resource, signal, socket, struct, subprocess, time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE = {'NS': 0x20000, 'UTS': 0x4000000, 'IPC': 0x8000000, 'USER': 0x10000000, 'PID': 0x20000000, 'NET': 0x40000000}
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
MNT_DETACH, PR_SET_PDEATHSIG, SYS_PIVOT_ROOT = 2, 1, 155
ELF_AARCH64 = ('\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00',
               '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff')
USER, USER_ID, NAME = 'tester', 1000, 'machine'
TIMED_OUT = 'timed out'


def check(result):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def mount(source, target, kind='', flags=0, data=''):
    words = [w.encode() for w in (source, target, kind, data)]
    check(LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]))


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


# ---- ids ----------------------------------------------------------------------------------------
def subordinate(path, name, number):
    try:
        with open(path) as f:
            for line in f:
                words = line.strip().split(':')
                if words[0] in (name, str(number)) and int(words[2]) >= 65535:
                    return int(words[1])
    except FileNotFoundError:
        pass
    raise SystemExit('%s has no 65,535 ids for %s' % (path, name))


def map_ids(pid):
    """The caller is root inside; all others are ids that nobody else here has."""
    if os.geteuid() == 0:
        for name in ('uid_map', 'gid_map'):
            with open('/proc/%d/%s' % (pid, name), 'w') as f:
                f.write('0 0 1\n1 1879048193 65535\n')
        return
    import pwd
    name = pwd.getpwuid(os.geteuid()).pw_name
    for tool, path, own in (('newuidmap', '/etc/subuid', os.geteuid()), ('newgidmap', '/etc/subgid', os.getegid())):
        start = subordinate(path, name, os.geteuid())
        subprocess.run([tool, str(pid), '0', str(own), '1', '1', str(start), '65535'], check=True)


# ---- what the machine has -----------------------------------------------------------------------
def devices(dev):
    mount('tmpfs', dev, 'tmpfs', MS_NOSUID, 'mode=755')
    for name in ('null', 'zero', 'full', 'random', 'urandom', 'tty'):
        path = os.path.join(dev, name)
        open(path, 'w').close()
        mount('/dev/' + name, path, flags=MS_BIND)
    for name, target in (('fd', '/proc/self/fd'), ('stdin', 'fd/0'), ('stdout', 'fd/1'), ('stderr', 'fd/2'), ('ptmx', 'pts/ptmx')):
        os.symlink(target, os.path.join(dev, name))
    for name in ('pts', 'shm', 'mqueue'):
        os.mkdir(os.path.join(dev, name))
    mount('devpts', dev + '/pts', 'devpts', MS_NOSUID | MS_NOEXEC, 'newinstance,ptmxmode=0666,mode=620,gid=5')
    mount('tmpfs', dev + '/shm', 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=1777')
    mount('mqueue', dev + '/mqueue', 'mqueue', MS_NOSUID | MS_NODEV | MS_NOEXEC)


def loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack('16sH22x', b'lo', 0)
        flags = struct.unpack('16sH22x', fcntl.ioctl(s, 0x8913, request))[1]  # SIOCGIFFLAGS
        fcntl.ioctl(s, 0x8914, struct.pack('16sH22x', b'lo', flags | 1))  # SIOCSIFFLAGS, IFF_UP


def register(tree, interpreter):
    where = tree + '/proc/sys/fs/binfmt_misc'
    mount('binfmt_misc', where, 'binfmt_misc')
    with open(where + '/register', 'w') as f:
        f.write(':suite:M::%s:%s:%s:POCF' % (ELF_AARCH64 + (interpreter,)))


def set_up(tree, shared, interpreter):
    mount('', '/', flags=MS_REC | MS_PRIVATE)
    mount(tree, tree, flags=MS_BIND | MS_REC)
    mount('proc', tree + '/proc', 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount('sysfs', tree + '/sys', 'sysfs', MS_NOSUID | MS_NODEV | MS_NOEXEC)
    devices(tree + '/dev')
    mount('tmpfs', tree + '/tmp', 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=1777')
    home = tree + '/home/' + USER
    mount('tmpfs', home, 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=755,uid=%d,gid=%d' % (USER_ID, USER_ID))
    for source, target in shared.items():
        mount(source, tree + target, flags=MS_BIND)
    if interpreter:
        register(tree, interpreter)
    loopback()
    socket.sethostname(NAME)
    os.chdir(tree)
    check(LIBC.syscall(SYS_PIVOT_ROOT, b'.', b'.'))
    check(LIBC.umount2(b'.', MNT_DETACH))
    os.chdir('/')


# ---- process 1 ----------------------------------------------------------------------------------
def start(command, env, folder, root, output):
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    null = os.open('/dev/null', os.O_RDONLY)
    for number, fd in enumerate((null, output, output)):
        os.dup2(fd, number)
    os.closerange(3, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
    os.setgroups([])
    if not root:
        os.setresgid(USER_ID, USER_ID, USER_ID)
        os.setresuid(USER_ID, USER_ID, USER_ID)
    os.umask(0o022)
    for number in range(1, signal.NSIG):
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            pass
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.chdir(folder)
    os.execve(command[0], command, env)


def supervise(pid, timeout):
    """How the program ended and the processor time of all that it waited for."""
    end, late = time.monotonic() + timeout, False
    while True:
        try:
            found, status, use = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            raise SystemExit('the program is nobody\'s child')
        if found == pid:
            how = TIMED_OUT if late else os.waitstatus_to_exitcode(status)
            return {'status': how, 'cpu': round(use.ru_utime + use.ru_stime, 2)}
        if found == 0:
            if not late and time.monotonic() > end:
                late = True
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


def first(tree, shared, interpreter, job, answer):
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    # after the change of ids, which clears it
    die_with_parent()
    set_up(tree, shared, interpreter)
    begin = time.monotonic()
    pid = start(job['command'], job['env'], job['folder'], job['root'], job['output'])
    how = supervise(pid, job['timeout'])
    how['seconds'] = round(time.monotonic() - begin, 1)
    os.write(answer, json.dumps(how).encode())


def child(work):
    """Fork; the child does the work and ends, never returning into the caller's code."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    except BaseException as error:
        os.write(2, ('machine: %s: %s\n' % (type(error).__name__, error)).encode())
    finally:
        os._exit(status)


def run(tree, interpreter, job, shared=()):
    """Run job (command, env, folder, root, output, timeout) and tell how it ended: {status, cpu, seconds}."""
    ready, go, answer = os.pipe(), os.pipe(), os.pipe()

    def outer():
        die_with_parent()
        os.close(answer[0])
        flags = sum(CLONE.values())
        check(LIBC.unshare(flags))
        os.write(ready[1], b'x')
        os.read(go[0], 1)
        os.waitpid(child(lambda: first(tree, dict(shared), interpreter, job, answer[1])), 0)

    pid = child(outer)
    for fd in (ready[1], go[0], answer[1]):
        os.close(fd)
    try:
        if os.read(ready[0], 1):
            map_ids(pid)
            os.write(go[1], b'x')
        text = b''
        while True:
            part = os.read(answer[0], 4096)
            if not part:
                break
            text += part
    finally:
        for fd in (ready[0], go[1], answer[0]):
            os.close(fd)
        os.waitpid(pid, 0)
    if not text:
        raise SystemExit('the machine could not be set up (see above)')
    return json.loads(text)
