/* SPDX-License-Identifier: Apache-2.0
 *
 * Proof that an architecture's programs run here: execute a built-in one.
 */
#ifndef BINFMT_GUEST_H
#define BINFMT_GUEST_H

#include "binfmt/record.h"

#include <archway/catalogue.h>

/* A static program of some 200 bytes: prints "archway", waits for its input, exits with 42. */
struct guest {
    const char *arch;    /* aw_arch's name; NULL ends the table */
    const uint8_t *data; /* an ELF file */
    size_t size;         /* bytes */
};

extern const struct guest guest_table[];

/* The program for an architecture, or NULL: there is none. */
const struct guest *guest_find(const struct aw_arch *arch);

enum guest_why {
    GUEST_WORKS,
    GUEST_NOT_EXEC, /* execve(2) failed: sys_errno */
    GUEST_KILLED,   /* by a signal: detail */
    GUEST_STATUS,   /* it ended with another exit status: detail */
    GUEST_OUTPUT,   /* it said something else */
    GUEST_TIMEOUT,  /* it said nothing in time */
};

struct guest_result {
    enum guest_why why;
    int sys_errno;             /* GUEST_NOT_EXEC */
    int detail;                /* signal or exit status */
    uint64_t start_us;         /* from fork to its first word, if it works */
    struct record_file ran_by; /* the file that the kernel ran for it, all 0 if not known */
    char digest[DIGEST_SIZE];  /* of what that file holds; "" if it cannot be read */
};

/* Execute it as any program is. A program that does not work is a result, not an error. Forks. */
bool guest_run(const struct guest *g, int timeout_ms, struct guest_result *ret, struct aw_err *err);

/* Why it does not work, for "it does not run: ...", cut to size bytes. */
void guest_explain(const struct guest_result *r, char *ret, size_t size);

#endif
