#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tools/lint finds what it is there to find, each fault alone in a small tree of its own; and this
# tree has none.
. "$(dirname "$0")/../lib/common.sh"
need git python3

tree=$T/tree
mkdir -p "$tree/tools" "$tree/src/base" "$tree/src/image" "$tree/src/box" "$tree/include/archway" \
    "$tree/tests/cli"
cp "$REPO/tools/lint" "$tree/tools/"
cp "$REPO/.clang-format" "$tree/"
git -C "$tree" init -q

head='/* SPDX-License-Identifier: Apache-2.0 */'
# finds NAME FILE REGEX: standard input is put into FILE; a fault like REGEX is to be named
finds() {
    cat >"$tree/$2"
    run "$tree/tools/lint"
    if [ "$STATUS" = 1 ] && grep -Eqe "^$2:[0-9]+:.* .*$3" <<<"$OUT"; then
        ok "finds $1"
    else
        not_ok "finds $1" "status $STATUS" "$OUT"
    fi
    rm "$tree/$2"
}
clean() {
    cat >"$tree/$2"
    run "$tree/tools/lint"
    is "accepts $1" "$(grep -v '^note:' <<<"$OUT")" 'lint: 0 faults, 0 soft findings'
    rm "$tree/$2"
}
# function NAME LINES: a function with so many lines in it
function_of() {
    printf '%s\n\nint %s(void)\n{\n    int n = 0;\n' "$head" "$1"
    for ((i = 0; i < $2 - 2; i++)); do echo '    n++;'; done
    printf '    return n;\n}\n'
}

run "$tree/tools/lint"
is "accepts an empty tree" "$(grep -v '^note:' <<<"$OUT")" 'lint: 0 faults, 0 soft findings'

finds "an include upward" src/image/a.c 'image must not include box' <<<"$head
#include \"box/box.h\""
finds "an include without its module" src/image/a.c 'name the module' <<<"$head
#include \"image.h\""
finds "a public header too high" src/image/a.c 'image stands below <archway/rule.h>' <<<"$head
#include <archway/rule.h>"
finds "a public header that includes a private one" include/archway/a.h 'public header' <<<"$head
#include \"base/util.h\""
clean "includes downward" src/box/a.c <<<"$head
#include \"image/image.h\"

#include <archway/rule.h>"
finds "a function of 101 lines" src/base/a.c 'f has 101 lines' < <(function_of f 101)
clean "a function of 60 lines" src/base/a.c < <(function_of f 60)
finds "a file of 1001 lines" src/base/a.h '1001 lines' < <(
    echo "$head"
    for ((i = 0; i < 1000; i++)); do echo; done
)
finds "a long file without a comment at its head" src/base/a.c 'no comment at the head' < <(
    echo "$head"
    for ((i = 0; i < 150; i++)); do echo "extern int n$i;"; done
)
for word in TODO FIXME XXX HACK; do
    finds "$word" src/base/a.c "the word $word" <<<"$head
/* $word: later */"
done
finds "a missing licence line" src/base/a.c 'SPDX' <<<'int n;'
finds "a path of a machine" src/base/a.c "somebody's machine" <<<"$head
/* see /root/notes */"
finds "a test that would not be run" tests/cli/a.sh 'not executable' <<<'#!/bin/bash
# SPDX-License-Identifier: Apache-2.0'
finds "a Python script that is none" tools/a 'invalid syntax' <<<'#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
def ('
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    finds "another layout" src/base/a.c 'clang-format' <<<"$head
int  n;"
else
    skip "finds another layout" "clang-format 14 is not installed"
fi
if command -v shellcheck >/dev/null; then
    finds "a fault in a shell script" tools/a.sh 'SC2164' <<<'#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
cd /nowhere'
else
    skip "finds a fault in a shell script" "shellcheck is not installed"
fi
if command -v gcc >/dev/null; then
    mkdir -p "$tree/build/dbg/lib"
    echo build >"$tree/.gitignore"
    cat >"$T/state.c" <<<'int counter = 1; static int hits; int hit(void) { return ++hits; }
extern const char *const words[]; const char *const words[] = {"a"};'
    gcc -fPIC -c -o "$T/state.o" "$T/state.c" && ar rcs "$tree/build/dbg/lib/base.a" "$T/state.o"
    run "$tree/tools/lint"
    like "finds an initialised variable of a library" "$OUT" 'mutable file-scope state: counter'
    like "finds a static one" "$OUT" 'mutable file-scope state: hits'
    unlike "lets constants be" "$OUT" 'words'
fi
