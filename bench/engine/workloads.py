# SPDX-License-Identifier: Apache-2.0
"""The Debian workloads: packages, what is run, and the files that it is run on (below /bench)."""
import os, random

PACKAGES = ['python3', 'gcc', 'libc6-dev', 'xz-utils', 'zstd', 'perl', 'sqlite3']

COMMANDS = {
    'true': ['/bin/true'],
    'sh-loop': ['/bin/sh', '-c', 'i=0; while [ $i -lt 250000 ]; do i=$((i + 1)); done; echo $i'],
    'sh-fork': ['/bin/sh', '-c', 'i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i + 1)); done; echo $i'],
    'python-start': ['/usr/bin/python3', '-c', 'print(1)'],
    'python': ['/usr/bin/python3', '/bench/work.py'],
    'perl': ['/usr/bin/perl', '/bench/work.pl'],
    'gcc': ['/usr/bin/gcc', '-O2', '-c', '-o', '/tmp/o.o', '/bench/big.c'],
    'sqlite': ['/usr/bin/sqlite3', ':memory:', '.read /bench/work.sql'],
    'xz': ['/bin/sh', '-c', 'xz -1 -T1 -c /bench/text | sha256sum'],
    'unxz': ['/bin/sh', '-c', 'xz -dc /bench/text.xz | sha256sum'],
    'zstd': ['/bin/sh', '-c', 'zstd -q -6 -T1 --single-thread -c /bench/text | sha256sum'],
    'sha256sum': ['/usr/bin/sha256sum', '/bench/large'],
    'sort': ['/bin/sh', '-c', 'LC_ALL=C sort /bench/lines | sha256sum'],
    'grep': ['/bin/sh', '-c', 'grep -c "e[a-m]*[0-9]x" /bench/lines; grep -o "[a-z]*ing" /bench/lines | wc -l'],
}

PYTHON = '''
import json, re
def queens(n, row=0, cols=0, d1=0, d2=0):
    if row == n:
        return 1
    count, free = 0, ~(cols | d1 | d2) & ((1 << n) - 1)
    while free:
        bit = free & -free
        free ^= bit
        count += queens(n, row + 1, cols | bit, (d1 | bit) << 1, (d2 | bit) >> 1)
    return count
class Node:
    def __init__(self, key):
        self.key, self.left, self.right = key, None, None
    def insert(self, key):
        side = 'left' if key < self.key else 'right'
        child = getattr(self, side)
        if child is None:
            setattr(self, side, Node(key))
        else:
            child.insert(key)
    def depth(self):
        return 1 + max(n.depth() if n else 0 for n in (self.left, self.right))
root, x = Node(500000), 1
for i in range(8000):
    x = x * 1103515245 + 12345 & 0x7fffffff
    root.insert(x % 1000000)
words = {}
for m in re.finditer(r'[a-z]+', open('/bench/lines').read(400000)):
    words[m.group()] = words.get(m.group(), 0) + 1
text = json.dumps(sorted(words.items()))
total = sum(float(i) ** 0.5 for i in range(100000))
print(queens(8), root.depth(), len(words), len(json.loads(text)), round(total, 3))
'''
PERL = '''
my (%count, $sum, $x) = ();
open my $f, '<', '/bench/lines' or die;
while (<$f>) {
    last if $. > 20000;
    $count{$1}++ while /([a-z]{3,})/g;
    s/(\\d+)/<$1>/g;
    $sum += length;
}
my @best = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
for my $i (1 .. 200000) { $x = ($x * 31 + $i) % 1000003; }
print join(' ', $sum, $x, scalar(@best), @best[0 .. 4]), "\\n";
'''
SQL = '''
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, value REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80000)
INSERT INTO t SELECT i, 'name' || (i * 7919 % 10007), (i * 31 % 1000) / 8.0 FROM n;
CREATE INDEX byname ON t(name);
SELECT count(*), sum(value), max(name) FROM t;
SELECT name, count(*) c, avg(value) FROM t GROUP BY name ORDER BY c DESC, name LIMIT 5;
UPDATE t SET value = value * 2 WHERE name LIKE 'name9%';
SELECT a.name, count(*) FROM t a JOIN t b ON a.name = b.name WHERE a.id < 4000 GROUP BY a.name ORDER BY 2 DESC, 1 LIMIT 3;
SELECT round(sum(value), 2) FROM t;
'''


def c_source():
    """Some thousand lines of C, of the kind that people write."""
    r = random.Random(3)
    parts = ['#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
             'struct s { int a, b; double d; struct s *next; char name[16]; };\n']
    for i in range(40):
        parts.append('''
static int f%d(struct s *p, int n)
{
    int sum = %d;
    for (int i = 0; i < n; i++) {
        switch ((p->a + i) %% %d) {
        case 0: sum += p->b * %d; break;
        case 1: sum ^= (int)(p->d * %d.5); break;
        case 2: p->name[i & 15] = (char)(sum + i); break;
        case 3: if (p->next) sum += %s(p->next, n / 2); break;
        default: sum -= (int)strlen(p->name) << %d;
        }
        if (sum > %d) { p->a = sum / %d; p->d += sqrtish(sum) / (i + 1); }
        while (p->next && p->next->a < p->a) p = p->next;
    }
    return sum;
}
''' % (i, r.randrange(99), r.randrange(4, 9), r.randrange(99), r.randrange(99), 'f%d' % (i - 1) if i else 'atoi_of',
            r.randrange(4), r.randrange(5000), r.randrange(3, 99)))
    head = 'static double sqrtish(int x) { double g = x; for (int i = 0; i < 4; i++) g = (g + x / g) / 2; return g; }\n' \
           'static int atoi_of(struct s *p, int n) { return atoi(p->name) + n; }\n'
    return parts[0] + head + ''.join(parts[1:]) + \
        'int main(void) { struct s s = {1, 2, 3, 0, "x"}; int r = 0;\n' + \
        ''.join('r += f%d(&s, %d);\n' % (i, i) for i in range(0, 40)) + 'printf("%d\\n", r); return 0; }\n'


def lines(r, count):
    words = [''.join(r.choice('etaoinshrdlucmfwypvbgkqjxz') for _ in range(r.randrange(2, 9))) + r.choice(['', '', 'ing', 's'])
             for _ in range(3000)]
    for _ in range(count):
        yield ' '.join(words[int(r.random() ** 2 * 3000)] for _ in range(r.randrange(4, 12))) + ' %d\n' % r.randrange(10 ** 6)


def write_files(folder):
    done = os.path.join(folder, 'version')
    with open(__file__) as f:
        version = f.read()
    if os.path.exists(done) and open(done).read() == version:
        return
    r = random.Random(1)
    text = ''.join(lines(r, 100000))
    files = {'work.py': PYTHON, 'work.pl': PERL, 'work.sql': SQL, 'big.c': c_source(), 'lines': text, 'text': text[:2500000]}
    for name, content in files.items():
        with open(os.path.join(folder, name), 'w') as f:
            f.write(content)
    with open(os.path.join(folder, 'large'), 'wb') as f:
        f.write(r.randbytes(1 << 20) * 100)
    import lzma
    with open(os.path.join(folder, 'text.xz'), 'wb') as f:
        f.write(lzma.compress(text.encode(), preset=2))
    with open(done, 'w') as f:
        f.write(version)
