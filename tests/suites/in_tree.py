# SPDX-License-Identifier: Apache-2.0
"""Run by the tree's own Python: CPython's test runner, with every single result written to a file.

  in_tree.py RESULTS [OPTION]... MODULE

A line of RESULTS is a JSON list: what happened, the test's id, a text. They are written as they happen, so
that a module that crashes shows how far it came, and by the first process only: the children of tests
inherit this code.
"""
import json, os, runpy, sys, unittest

RESULTS, OWNER = sys.argv[1], os.getpid()


def say(what, test, text=''):
    if os.getpid() != OWNER:
        return
    try:
        name = test.id()
    except Exception:
        name = str(test)
    line = json.dumps([what, name, text[-4000:]]) + '\n'
    try:
        fd = os.open(RESULTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return
    os.write(fd, line.encode('utf-8', 'backslashreplace'))
    os.close(fd)


def wrap(name, what, text):
    real = getattr(unittest.TestResult, name)

    def replacement(self, test, *rest):
        say(what, test, text(self, test, *rest))
        return real(self, test, *rest)
    setattr(unittest.TestResult, name, replacement)


def error_text(self, test, error):
    try:
        return self._exc_info_to_string(error, test)
    except Exception as e:
        return '%r (while formatting: %r)' % (error[:2], e)


def sub_test(real):
    def replacement(self, test, part, error):
        if error is not None:
            say('subtest', test, '%s\n%s' % (part, error_text(self, test, error)))
        return real(self, test, part, error)
    return replacement


wrap('startTest', 'start', lambda *_: '')
wrap('addSuccess', 'ok', lambda *_: '')
wrap('addError', 'error', error_text)
wrap('addFailure', 'fail', error_text)
wrap('addSkip', 'skip', lambda self, test, why: str(why))
wrap('addExpectedFailure', 'xfail', lambda *_: '')
wrap('addUnexpectedSuccess', 'xpass', lambda *_: '')
unittest.TestResult.addSubTest = sub_test(unittest.TestResult.addSubTest)
# as `python3 -m test` does it: multiprocessing's children look at what __main__ is
sys.argv[1:] = sys.argv[2:]
sys.path[0] = os.getcwd()
runpy.run_module('test', run_name='__main__', alter_sys=True)
