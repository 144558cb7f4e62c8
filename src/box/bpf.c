/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiler from seccomp_table.c to classic BPF.
 *
 * For each architecture a table of numbers is filled in: what a call of this number gives. Equal
 * neighbours are one range, and the program finds the range by binary search, so that every call
 * costs some 15 instructions instead of libseccomp's walk along a list. A call whose arguments
 * matter is a range of its own that ends in comparisons.
 *
 * Invariants:
 * 1. What no row names gives ENOSYS: numbers beyond the table, and x32's (bit 30 is set in them).
 * 2. Calls of an architecture that is neither kill the process, as libseccomp does.
 * 3. Only the low 32 bits of an argument are compared: the kernel takes clone's flags, a socket's
 *    family and a personality as 32-bit numbers, so that no high bit slips past.
 */
#include "box/bpf.h"

#include "base/util.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#define ENOSYS_RET (SECCOMP_RET_ERRNO | ENOSYS)
#define LOW_WORD(arg) (unsigned)(offsetof(struct seccomp_data, args) + 8 * (size_t)(arg))
#define SPECIAL                                                                                    \
    0xffff0000u /* in a table: the low half is the index of the first row that compares */

static void emit(struct bpf_program *p, unsigned code, unsigned k, unsigned jt, unsigned jf)
{
    if (p->n == AW_LEN(p->v)) {
        p->full = true;
        return;
    }
    p->v[p->n++] =
        (struct sock_filter){(unsigned short)code, (unsigned char)jt, (unsigned char)jf, k};
}

static void give(struct bpf_program *p, unsigned action)
{
    emit(p, BPF_RET | BPF_K, action, 0, 0);
}

static unsigned row_action(const struct seccomp_row *r)
{
    return r->error ? SECCOMP_RET_ERRNO | (unsigned)r->error : SECCOMP_RET_ALLOW;
}

/* All rows of one call that compare an argument; each has that call alone. */
static void emit_compare(struct bpf_program *p, uint64_t caps, const char *name)
{
    for (unsigned i = 0; i < seccomp_n_rows; i++) {
        const struct seccomp_row *r = &seccomp_rows[i];
        if (!r->op || !str_eq(r->names, name) || !seccomp_row_holds(r, caps))
            continue;
        emit(p, BPF_LD | BPF_W | BPF_ABS, LOW_WORD(r->arg), 0, 0);
        unsigned want = (unsigned)r->value;
        if (str_eq(r->op, "SCMP_CMP_MASKED_EQ")) {
            emit(p, BPF_ALU | BPF_AND | BPF_K, (unsigned)r->value, 0, 0);
            want = (unsigned)r->value_two;
        }
        bool differs = str_eq(r->op, "SCMP_CMP_NE");
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, want, differs ? 1 : 0, differs ? 0 : 1);
        give(p, row_action(r));
    }
    give(p, ENOSYS_RET);
}

static int number_of(const char *name, size_t len, int side)
{
    unsigned low = 0, high = bpf_n_syscalls_x86;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        const char *other = bpf_syscalls_x86[mid].name;
        int c = strncmp(name, other, len);
        if (c == 0 && other[len])
            c = -1;
        if (c == 0)
            return bpf_syscalls_x86[mid].nr[side];
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return -1;
}

static void fill(unsigned table[BPF_NR_MAX], uint64_t caps, int side)
{
    for (unsigned i = 0; i < BPF_NR_MAX; i++)
        table[i] = ENOSYS_RET;
    for (unsigned i = 0; i < seccomp_n_rows; i++) {
        const struct seccomp_row *r = &seccomp_rows[i];
        if (!seccomp_row_holds(r, caps))
            continue;
        for (const char *s = r->names; *s; s += *s == ' ') {
            size_t n = strcspn(s, " ");
            int nr = number_of(s, n, side);
            s += n;
            if (nr < 0 || nr >= BPF_NR_MAX)
                continue;
            if (!r->op)
                table[nr] = row_action(r);
            else if (table[nr] == ENOSYS_RET)
                table[nr] = SPECIAL | i;
        }
    }
}

/* What the numbers from first[low] up to first[high] (not with it) give. The number is in A. */
static void emit_search(struct bpf_program *p, uint64_t caps, const unsigned *table,
                        const unsigned *first, unsigned low, unsigned high)
{
    if (high - low == 1) {
        unsigned action = table[first[low]];
        if (action >= SPECIAL)
            emit_compare(p, caps, seccomp_rows[action & 0xffff].names);
        else
            give(p, action);
        return;
    }
    unsigned mid = (low + high) / 2;
    emit(p, BPF_JMP | BPF_JGE | BPF_K, first[mid], 0, 1);
    unsigned jump = p->n;
    emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
    emit_search(p, caps, table, first, low, mid);
    if (!p->full)
        p->v[jump].k = p->n - jump - 1;
    emit_search(p, caps, table, first, mid, high);
}

static void emit_arch(struct bpf_program *p, uint64_t caps, int side)
{
    unsigned table[BPF_NR_MAX], first[BPF_NR_MAX], n = 0;
    fill(table, caps, side);
    for (unsigned i = 0; i < BPF_NR_MAX; i++)
        if (i == 0 || table[i] != table[i - 1])
            first[n++] = i;
    emit(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    emit(p, BPF_JMP | BPF_JGE | BPF_K, BPF_NR_MAX, 0, 1);
    give(p, ENOSYS_RET);
    emit_search(p, caps, table, first, 0, n);
}

bool bpf_compile(const struct seccomp_host *host, uint64_t caps, struct bpf_program *ret)
{
    static const unsigned arches[2] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386};
    ret->n = 0;
    ret->full = false;
    if (!str_eq(host->machine, "x86_64"))
        return false;
    for (int side = 0; side < 2; side++) {
        emit(ret, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
        emit(ret, BPF_JMP | BPF_JEQ | BPF_K, arches[side], 1, 0);
        unsigned jump = ret->n;
        emit(ret, BPF_JMP | BPF_JA, 0, 0, 0);
        emit_arch(ret, caps, side);
        if (!ret->full)
            ret->v[jump].k = ret->n - jump - 1;
    }
    give(ret, SECCOMP_RET_KILL_PROCESS);
    return !ret->full;
}

void bpf_base64(const struct bpf_program *p, struct buf *ret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *b = (const unsigned char *)p->v;
    size_t len = p->n * sizeof(p->v[0]);
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        unsigned v = (unsigned)b[i] << 16 | (left > 1 ? (unsigned)b[i + 1] << 8 : 0) |
                     (left > 2 ? b[i + 2] : 0);
        buf_addc(ret, digits[v >> 18]);
        buf_addc(ret, digits[v >> 12 & 63]);
        buf_addc(ret, left > 1 ? digits[v >> 6 & 63] : '=');
        buf_addc(ret, left > 2 ? digits[v & 63] : '=');
    }
}
