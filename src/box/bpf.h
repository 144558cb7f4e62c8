/* SPDX-License-Identifier: Apache-2.0
 *
 * Archway's own system call profile as a finished program for seccomp(2).
 *
 * A runtime has libseccomp work the profile out for each container anew: 22 ms in crun 1.8.1 for
 * x86-64 with i386 and x32. crun takes a finished program, too (the annotation
 * run.oci.seccomp_bpf_data), and this one is made in microseconds.
 */
#ifndef BOX_BPF_H
#define BOX_BPF_H

#include "base/buf.h"
#include "box/seccomp.h"

#include <linux/filter.h>

struct bpf_syscall {
    const char *name;
    short nr[2]; /* on x86-64 and on i386; -1: there is none */
};
extern const struct bpf_syscall bpf_syscalls_x86[];
extern const unsigned bpf_n_syscalls_x86;

#define BPF_NR_MAX 512 /* beyond every number that a row names */

struct bpf_program {
    struct sock_filter v[2048]; /* n instructions; BPF_MAXINSNS is 4096 */
    unsigned n;
    bool full; /* there was no room for all */
};

/* Compile the rows that hold for caps. False: not known for this host (only x86-64 is), and the
 * profile must go the long way. */
bool bpf_compile(const struct seccomp_host *host, uint64_t caps, struct bpf_program *ret);

/* The annotation's text: the instructions in base64. */
void bpf_base64(const struct bpf_program *p, struct buf *ret);

#endif
