// SPDX-License-Identifier: Apache-2.0
// What is mapped after the clock was read often is the program's, wherever it lies:
// the engine takes the host's vDSO then, and its old place must not be given to the program. out:
// done
#include "guest.h"
#include <sys/mman.h>
#include <time.h>

int main(void)
{
    struct timespec t;
    for (int i = 0; i < 10000; i++)
        CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    for (int i = 0; i < 200; i++) {
        char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        CHECK(p != MAP_FAILED);
        p[0] = (char)i;
        CHECK(msync(p, 4096, MS_SYNC) == 0);
        CHECK(i % 2 || mprotect(p, 4096, PROT_READ) == 0);
    }
    puts("done");
    return 0;
}
