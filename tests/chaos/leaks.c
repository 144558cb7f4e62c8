// SPDX-License-Identifier: Apache-2.0
/* Addresses of the engine's that a guest gets to see: in registers, in what calls write, in /proc.
 *
 * The range itself is kept so that it is not taken for a leak: as page numbers, turned round. */
#include "chaos.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TURN 0xa5a5a5a5a5a5a5a5u

void leak_init(uintptr_t start, uintptr_t end)
{
    chaos.host_low = ((start >> 12) + 1) ^ TURN; /* what ends there shows the first page */
    chaos.host_size = ((end - start) >> 12) - 1;
}

static bool leaked(uint64_t value)
{
    return (value >> 12) - (chaos.host_low ^ TURN) < chaos.host_size;
}

bool leak_near(uint64_t value)
{
    const uint64_t margin = 256;                                   /* pages */
    value = (value << 8 >> 20) - (chaos.host_low ^ TURN) + margin; /* without a tag */
    return chaos.host_size && value < chaos.host_size + 2 * margin;
}

/* The process's own output is the driver's log: "finding" begins a line that counts. */
void chaos_say(const char *text, uint64_t a, uint64_t b)
{
    char line[160];
    size_t n = strlen(text);
    memcpy(line, text, n);
    for (unsigned k = 0; k < 2; k++) {
        line[n++] = ' ';
        uint64_t v = k ? b : a;
        for (int shift = 60; shift >= 0; shift -= 4)
            line[n++] = "0123456789abcdef"[v >> shift & 15];
    }
    line[n++] = '\n';
    chaos_call(SYS_write, 2, (uintptr_t)line, n, 0, 0, 0);
}

void leak_check(uint64_t value, const char *where, uint64_t detail)
{
    if (chaos.attack || !leaked(value))
        return;
    char text[96] = "finding: leak: ";
    strncat(text, where, 60);
    /* the page's number turned round: the line itself must not be found */
    chaos_say(text, detail, value ^ TURN);
    chaos_call(SYS_exit_group, 77, 0, 0, 0, 0, 0);
}

void leak_check_data(const char *where, uint64_t detail)
{
    if (chaos.attack)
        return;
    /* the first two pages are always readable and writable, unless a call changed that */
    const uint64_t *w = (const uint64_t *)chaos.data;
    for (unsigned k = 0; k < 2 * PAGE / 8; k += 1)
        leak_check(w[k], where, detail);
}

void leak_check_context(const ucontext_t *uc)
{
    const mcontext_t *m = &uc->uc_mcontext;
    for (unsigned k = 0; k < 31; k++)
        leak_check(m->regs[k], "a register in a handler", k);
    leak_check(m->sp, "sp in a handler", 0);
    leak_check(m->pc, "pc in a handler", 0);
    leak_check(m->fault_address, "a fault's address in a handler", m->pc);
    const uint64_t *v = (const uint64_t *)((const char *)m->__reserved + 16);
    for (unsigned k = 0; k < 64; k++)
        leak_check(v[k], "a vector in a handler", k);
}

/* ---- /proc ---- */
static const char *const files[] = {
    "maps",          "smaps",  "smaps_rollup", "numa_maps", "stat",         "statm",
    "status",        "auxv",   "syscall",      "environ",   "cmdline",      "wchan",
    "stack",         "limits", "timers",       "sched",     "mountinfo",    "io",
    "timerslack_ns", "comm",   "personality",  "fdinfo/0",  "attr/current", "map_files"};
static const char *const processes[] = {"self", "thread-self", "self/task/1", "1",
                                        "2",    "3",           "parent"};

/* Every number in a text that may be an address, in base 16 and 10. */
static void check_text(const char *text, long n, const char *name)
{
    for (long k = 0; k < n; k++) {
        uint64_t hex = 0, decimal = 0;
        long at = k;
        bool is_decimal = true;
        for (; at < n; at++) {
            char c = text[at];
            unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                             : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                    : 16;
            if (digit == 16)
                break;
            is_decimal = is_decimal && digit < 10;
            hex = hex << 4 | digit;
            decimal = decimal * 10 + digit;
        }
        if (at - k >= 9) {
            leak_check(hex, name, (uint64_t)k);
            if (is_decimal)
                leak_check(decimal, name, (uint64_t)k);
        }
        if (at > k)
            k = at;
    }
    for (long k = 0; k + 8 <= n; k += 8) {
        uint64_t v;
        memcpy(&v, text + k, 8);
        leak_check(v, name, (uint64_t)k);
    }
}

void leak_check_proc(struct dice *d)
{
    static char text[1 << 16];
    char path[96] = "/proc/", number[12];
    const char *process = processes[dice_below(d, sizeof processes / sizeof *processes)];
    const char *file = files[dice_below(d, sizeof files / sizeof *files)];
    if (strcmp(process, "parent") == 0) {
        unsigned pid = (unsigned)chaos_call(SYS_getppid, 0, 0, 0, 0, 0, 0), n = 11;
        number[n] = 0;
        do
            number[--n] = (char)('0' + pid % 10);
        while (pid /= 10);
        process = number + n;
    }
    strcat(path, process);
    strcat(path, "/");
    strcat(path, file);
    long fd = chaos_call(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)path, O_RDONLY, 0, 0, 0);
    if (fd < 0)
        return;
    bool names = strcmp(file, "map_files") == 0;
    for (unsigned k = 0; k < 64; k++) {
        long n = chaos_call(names ? SYS_getdents64 : SYS_read, (uint64_t)fd, (uintptr_t)text,
                            sizeof text, 0, 0, 0);
        if (n <= 0)
            break;
        check_text(text, n, path);
    }
    memset(text, 0, sizeof text);
    chaos_call(SYS_close, (uint64_t)fd, 0, 0, 0, 0, 0);
}
