#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make install` puts everything in its place, and the library is usable from there.
. "$(dirname "$0")/../lib/common.sh"
need make pkg-config

# below `make check` its variables would reach this make
unset MAKEFLAGS MAKELEVEL MFLAGS
dest=$T/dest
run make -s -C "$REPO" MODE="${ARCHWAY_MODE:-rel}" install DESTDIR="$dest" PREFIX=/usr
right_run "make install" 0 "installed into $dest/usr"
cd "$dest/usr" || exit 1
missing=''
for f in bin/archway libexec/archway/archway-engine libexec/archway/archway-format lib/libarchway.a lib/pkgconfig/archway.pc include/archway/err.h \
    share/man/man1/archway.1 share/man/man1/archway-run.1 \
    share/bash-completion/completions/archway share/zsh/site-functions/_archway \
    share/fish/vendor_completions.d/archway.fish share/archway/init/archway-binfmt.openrc \
    share/archway/init/archway-binfmt.sysvinit; do
    [ -s $f ] || missing+=" $f"
done
is "all files are there" "$missing" ""
is "a page for every verb" "$(find share/man/man1 -name 'archway-*.1' | wc -l)" \
    "$(bin/archway __doc verbs | wc -l)"
is "nothing names the folder it was built in" "$(grep -rlF -e "$REPO" -e "$dest" share lib/pkgconfig)" ""
run bin/archway --version
right_run "the installed program runs" 0 '^archway '

is "init scripts start the installed program" "$(grep -l '=.*/usr/bin/archway' share/archway/init/* | wc -l)" 2
run sh share/archway/init/archway-binfmt.sysvinit nonsense
is "sysvinit's script has a usage" "$STATUS" 2

cat >"$T/use.c" <<'C'
#include <archway/err.h>
#include <string.h>
int main(void)
{
    struct aw_err err = AW_ERR_INIT;
    aw_fail(&err, AW_E_ARG, 0, "%s", "seen");
    return strcmp(err.message, "seen") != 0 || strcmp(aw_code_name(err.code), "argument") != 0;
}
C
export PKG_CONFIG_PATH=$dest/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest
flags=$(pkg-config --static --cflags --libs archway 2>&1)
# the libraries that ours stands on are the system's, not below DESTDIR
if [ "${ARCHWAY_MODE:-rel}" = rel ] || [ "${ARCHWAY_MODE:-rel}" = dbg ]; then
    # shellcheck disable=SC2086 # several words
    holds "a program can be built with libarchway" ${CC:-gcc} -o "$T/use" "$T/use.c" $flags
    holds "and runs" "$T/use"
else
    skip "a program can be built with libarchway" "this build has sanitizers"
fi
run make -s -C "$REPO" MODE="${ARCHWAY_MODE:-rel}" uninstall DESTDIR="$dest" PREFIX=/usr
is "make uninstall leaves no file" "$(find "$dest" -type f)" ""
