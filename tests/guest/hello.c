// SPDX-License-Identifier: Apache-2.0
// out: hello, world
#include <stdio.h>
int main(void)
{
    puts("hello, world");
    return 0;
}
