/* SPDX-License-Identifier: Apache-2.0
 *
 * Text into a buffer without a C library. %s text, %d int, %l long, %u unsigned, %x %X 32 and 64
 * bit hexadecimal, %c, %%.
 */
#ifndef ENGINE_RT_FMT_H
#define ENGINE_RT_FMT_H

#include <stdarg.h>
#include <stddef.h>

/* At most n - 1 characters and an end; returns how many there would be. */
size_t fmt_va(char *buf, size_t n, const char *format, va_list args);
size_t fmt(char *buf, size_t n, const char *format, ...);
/* To standard error, in one write. */
void fmt_err(const char *format, ...);

#endif
