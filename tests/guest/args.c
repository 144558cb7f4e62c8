// SPDX-License-Identifier: Apache-2.0
// args: one two --three
// env: COLOUR=blue
// status: 7
// out: 4 args
// out: one
// out: two
// out: --three
// out: blue
// out: aarch64 aarch64
// out: execfn matches
#include "guest.h"
#include <sys/auxv.h>
#include <sys/utsname.h>
int main(int argc, char **argv)
{
    printf("%d args\n", argc);
    for (int i = 1; i < argc; i++)
        puts(argv[i]);
    const char *colour = getenv("COLOUR");
    puts(colour ? colour : "no COLOUR");
    struct utsname u;
    CHECK(uname(&u) == 0);
    printf("%s %s\n", u.machine, (const char *)getauxval(AT_PLATFORM));
    if (strcmp((const char *)getauxval(AT_EXECFN), argv[0]) == 0)
        puts("execfn matches");
    EQUAL(getauxval(AT_UID), getuid());
    EQUAL(getauxval(AT_EGID), getegid());
    EQUAL(getauxval(AT_SECURE), 0);
    EQUAL(getauxval(AT_PAGESZ), sysconf(_SC_PAGESIZE));
    return 7;
}
