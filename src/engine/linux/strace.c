/* SPDX-License-Identifier: Apache-2.0
 *
 * --strace: a line a call on standard error, before the call its arguments, behind it the result.
 */
#include "engine/linux/linux.h"
#include "engine/rt/fmt.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>

enum { LINE = 512, TEXT = 64 };

struct line {
    char text[LINE]; /* what there is */
    size_t n;        /* characters */
};

static void add(struct line *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    l->n += fmt_va(l->text + l->n, LINE - l->n, format, args);
    va_end(args);
    if (l->n >= LINE)
        l->n = LINE - 1;
}

static void add_char(struct line *l, unsigned char c)
{
    if (c == '\n')
        add(l, "\\n");
    else if (c == '"' || c == '\\')
        add(l, "\\%c", c);
    else if (c < ' ' || c > '~')
        add(l, "\\%c%c%c", '0' + (c >> 6), '0' + (c >> 3 & 7), '0' + (c & 7));
    else
        add(l, "%c", c);
}

static void add_bytes(struct line *l, uint64_t at, uint64_t n)
{
    char buf[TEXT];
    uint64_t shown = n < TEXT ? n : TEXT;
    if (!rt_guest_read(buf, at, shown)) {
        add(l, "0x%X", at);
        return;
    }
    add(l, "\"");
    for (uint64_t k = 0; k < shown; k++)
        add_char(l, (unsigned char)buf[k]);
    add(l, n > shown ? "\"..." : "\"");
}

static void add_text(struct line *l, uint64_t at)
{
    int64_t n = at ? rt_guest_strlen(at, 200) : -1;
    if (n < 0) {
        add(l, at ? "0x%X" : "NULL", at);
        return;
    }
    char c;
    add(l, "\"");
    for (int64_t k = 0; k < n && rt_guest_read(&c, at + (uint64_t)k, 1); k++)
        add_char(l, (unsigned char)c);
    add(l, "\"");
}

static void add_texts(struct line *l, uint64_t at)
{
    uint64_t p;
    add(l, "[");
    for (unsigned k = 0; at && k < 8 && rt_guest_read(&p, at + 8 * k, 8) && p; k++) {
        add(l, k ? ", " : "");
        add_text(l, p);
    }
    add(l, "]");
}

static void add_pair(struct line *l, uint64_t at)
{
    uint64_t t[2];
    if (at && rt_guest_read(t, at, sizeof(t)))
        add(l, "{%l, %l}", (long)t[0], (long)t[1]);
    else
        add(l, at ? "0x%X" : "NULL", at);
}

static void add_argument(struct line *l, char kind, const uint64_t *a)
{
    switch (kind) {
    case 'd':
        add(l, "%l", a[0] >> 32 ? (long)a[0] : (long)(int)a[0]);
        break;
    case 'S':
    case 'f':
        add(l, "%d", (int)a[0]);
        break;
    case 'F':
        (int)a[0] == -100 ? add(l, "AT_FDCWD") : add(l, "%d", (int)a[0]);
        break;
    case 'u':
        add(l, "%u", a[0]);
        break;
    case 'o':
        add(l, "0%c%c%c%c", '0' + (char)(a[0] >> 9 & 7), '0' + (char)(a[0] >> 6 & 7),
            '0' + (char)(a[0] >> 3 & 7), '0' + (char)(a[0] & 7));
        break;
    case 's':
        add_text(l, a[0]);
        break;
    case 'b':
        add_bytes(l, a[0], a[1]);
        break;
    case 'A':
        add_texts(l, a[0]);
        break;
    case 't':
        add_pair(l, a[0]);
        break;
    default:
        a[0] ? add(l, "0x%X", a[0]) : add(l, "0");
        break;
    }
}

void linux_strace_enter(const struct cpu *cpu, const struct linux_call *call, const uint64_t *a)
{
    struct line l;
    l.n = 0;
    add(&l, "%l ", sys(__NR_gettid));
    if (call->name)
        add(&l, "%s(", call->name);
    else
        add(&l, "call_%u(", cpu->x[8]);
    for (unsigned k = 0; call->args[k]; k++) {
        add(&l, k ? ", " : "");
        add_argument(&l, call->args[k], a + k);
    }
    add(&l, ")");
    fmt_err("%s\n", l.text);
}

void linux_strace_leave(const struct cpu *cpu, const struct linux_call *call, const uint64_t *a,
                        long result)
{
    (void)cpu;
    struct line l;
    l.n = 0;
    add(&l, "%l   = ", sys(__NR_gettid));
    if (result < 0 && result > -4096)
        add(&l, "%l", result);
    else if (result > 0xffff)
        add(&l, "0x%X", (uint64_t)result);
    else
        add(&l, "%l", result);
    for (unsigned k = 0; call->args[k]; k++)
        if (call->args[k] == 'B' && result > 0 && (uint64_t)result <= a[k + 1]) {
            add(&l, " ");
            add_bytes(&l, a[k], (uint64_t)result);
        }
    fmt_err("%s\n", l.text);
}
