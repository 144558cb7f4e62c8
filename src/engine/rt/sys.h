/* SPDX-License-Identifier: Apache-2.0
 * Raw system calls of the x86-64 host: results are -errno. No libc, no errno. */
#ifndef ENGINE_RT_SYS_H
#define ENGINE_RT_SYS_H

#include <stdint.h>

static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long ret;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}

#define SYS_PICK(a, b, c, d, e, f, g, n, ...) n
#define SYS_LONG(x) ((long)(x))
#define SYS1(nr) sys_call6(nr, 0, 0, 0, 0, 0, 0)
#define SYS2(nr, a) sys_call6(nr, SYS_LONG(a), 0, 0, 0, 0, 0)
#define SYS3(nr, a, b) sys_call6(nr, SYS_LONG(a), SYS_LONG(b), 0, 0, 0, 0)
#define SYS4(nr, a, b, c) sys_call6(nr, SYS_LONG(a), SYS_LONG(b), SYS_LONG(c), 0, 0, 0)
#define SYS5(nr, a, b, c, d) sys_call6(nr, SYS_LONG(a), SYS_LONG(b), SYS_LONG(c), SYS_LONG(d), 0, 0)
#define SYS6(nr, a, b, c, d, e)                                                                    \
    sys_call6(nr, SYS_LONG(a), SYS_LONG(b), SYS_LONG(c), SYS_LONG(d), SYS_LONG(e), 0)
#define SYS7(nr, a, b, c, d, e, f)                                                                 \
    sys_call6(nr, SYS_LONG(a), SYS_LONG(b), SYS_LONG(c), SYS_LONG(d), SYS_LONG(e), SYS_LONG(f))
/* sys(nr, up to six arguments) */
#define sys(...) SYS_PICK(__VA_ARGS__, SYS7, SYS6, SYS5, SYS4, SYS3, SYS2, SYS1, 0)(__VA_ARGS__)

#endif
