# SPDX-License-Identifier: Apache-2.0
"""CPython's suite: a unit is a module of test/, run by itself; a test is what unittest calls so."""
import json, os, re, shutil

NAME = 'python'
HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = 'usr/lib/python3.11/test'
ENV = {'PATH': '/usr/local/bin:/usr/bin:/bin:/usr/games', 'HOME': '/home/tester', 'USER': 'tester', 'LOGNAME': 'tester',
       'SHELL': '/bin/sh', 'LANG': 'C.UTF-8', 'TERM': 'xterm'}
# what wants a network, a screen, gigabytes, or hours of an idle processor
RESOURCES = 'all,-network,-urlfetch,-gui,-audio,-largefile,-cpu'
# where an emulator's bugs are most likely to show
FIRST = '''test_socket test_posix test_os test_signal test_ctypes test_faulthandler test_mmap test_struct test_math
    test_cmath test_float test_statistics test_decimal test_fractions test_complex test_hashlib test_hmac test_ssl test_sys
    test_syslog test_sysconfig test_pty test_tty test_openpty test_resource test_select test_poll test_epoll test_selectors
    test_fcntl test_ioctl test_re test_json test_pickle test_zlib test_bz2 test_lzma test_gzip test_time test_subprocess
    test_popen test_wait3 test_wait4 test_fork1 test_threading test_thread test_threadsignals test_eintr test_fileio
    test_file test_posixpath test_cmd_line test_shutil test_tempfile test_gc test_capi test_asyncio test_io test_sqlite3
    test_multiprocessing_main_handling test_concurrent_futures test_multiprocessing_fork test_dbm test_dbm_gnu
    test_dbm_ndbm test_array test_memoryview test_long test_int test_strtod test_format test_audioop test_binascii
    test_crypt test_pwd test_grp test_shelve test_queue test_sched test_zoneinfo test_locale test_getpass test_tracemalloc
    test_perf_profiler test_regrtest test_support test_httpservers test_ftplib test_smtplib test_poplib test_imaplib
    test_telnetlib test_socketserver test_asyncore test_asynchat test_xmlrpc test_urllib2_localnet test_pathlib
    test_glob test_builtin test_readline test_curses test_largefile test_exceptions test_random'''.split()
LAST = '''test_multiprocessing_forkserver test_multiprocessing_spawn test_tools test_lib2to3
    test_venv test_ensurepip test_distutils test_peg_generator test_unparse test_compileall test_pydoc'''.split()
NONE_RUN = {0: 'ok', 2: 'failed', 3: 'environment changed', 4: 'no tests'}


def units(roots):
    names = set()
    for entry in os.listdir(os.path.join(roots['amd64'], FOLDER)):
        name = entry.removesuffix('.py')
        if name.startswith('test_') and (name != entry or os.path.isdir(os.path.join(roots['amd64'], FOLDER, entry))):
            names.add(name)
    middle = sorted(names - set(FIRST) - set(LAST))
    return [n for n in FIRST if n in names] + middle + [n for n in LAST if n in names]


def job(unit, out, timeout):
    shutil.copy(os.path.join(HERE, 'in_tree.py'), out)
    return {'command': ['/usr/bin/python3.11', '/suites/in_tree.py', '/suites/results', '-v', '--timeout=%d' % timeout,
                        '-u', RESOURCES, unit], 'env': ENV, 'folder': '/home/tester'}


WORSE = ['start', 'ok', 'xfail', 'skip', 'xpass', 'subtest', 'fail', 'error']


def results(out, log):
    """{test: [outcome, text]} and, where the module as a whole was skipped, why."""
    tests = {}
    try:
        with open(os.path.join(out, 'results'), encoding='utf-8') as f:
            lines = f.readlines()
    except FileNotFoundError:
        lines = []
    for line in lines:
        try:
            what, name, text = json.loads(line)
        except ValueError:
            continue
        name = re.sub(r'0x[0-9a-f]+', '0x', name)
        old = tests.get(name)
        if not old or WORSE.index(what) > WORSE.index(old[0]):
            tests[name] = [what, text]
    skipped = re.search(r'^\S+ skipped -- (.*)$', log, re.M)
    return {n: ['fail', t[1]] if t[0] == 'subtest' else ['unfinished', ''] if t[0] == 'start' else t
            for n, t in tests.items()}, skipped and not tests and skipped.group(1)


def whole(status):
    return NONE_RUN.get(status, 'ended with %s' % status)
