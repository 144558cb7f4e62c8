// SPDX-License-Identifier: Apache-2.0
// System calls: short ones, a pipe, files.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    int p[2];
    char text[512] = "x";
    long sum = 0;
    struct stat s;
    if (pipe(p) != 0)
        return 1;
    for (int i = 0; i < 100000; i++) {
        sum += syscall(SYS_getppid) > 0;
        sum += write(p[1], text, sizeof text) + read(p[0], text, sizeof text);
    }
    for (int i = 0; i < 25000; i++) {
        int fd = open("/dev/null", O_WRONLY);
        sum += fstat(fd, &s) == 0;
        sum += pwrite(fd, text, 10, 0);
        close(fd);
    }
    struct timespec t;
    for (int i = 0; i < 400000; i++)
        sum += clock_gettime(CLOCK_MONOTONIC, &t) == 0;
    printf("%ld\n", sum);
    return 0;
}
