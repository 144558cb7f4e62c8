/* SPDX-License-Identifier: Apache-2.0
 *
 * The system call filter of a container: Archway's own profile, or a file in Docker's format.
 */
#ifndef BOX_SECCOMP_H
#define BOX_SECCOMP_H

#include "codec/js.h"

#include <archway/err.h>

#include <stdint.h>

/* The machine that the filter is for; seccomp_host fills it in from uname(2). */
struct seccomp_host {
    char machine[65];      /* "x86_64", "aarch64" */
    unsigned major, minor; /* of the kernel */
    bool own_calls_only;   /* all programs are emulated: no calls of the machine's 32-bit sibling */
};
void seccomp_host(struct seccomp_host *ret);

/* linux.seccomp for a container with these capabilities (bit mask, see caps.h). profile is NULL for
 * Archway's own, "unconfined" (*ret is then NULL), or a file's path. The caller frees *ret. */
bool seccomp_build(const char *profile, const struct seccomp_host *host, uint64_t caps,
                   struct json_object **ret, struct aw_err *err);
/* Is the machine one whose 32-bit sibling and name for seccomp(2) are known? */
bool seccomp_known(const struct seccomp_host *host);
/* Would this machine run programs of that architecture (Go's name) itself? */
bool seccomp_native(const struct seccomp_host *host, const char *arch);

/* Archway's own profile for that host; NULL: no memory. */
struct json_object *seccomp_own(const struct seccomp_host *host, uint64_t caps);
/* A profile in Docker's format (archMap, includes, excludes), translated into the OCI form. */
bool seccomp_translate(struct json_object *docker, const struct seccomp_host *host, uint64_t caps,
                       struct json_object **ret, struct aw_err *err);

/* One row of the own profile (seccomp_table.c). */
struct seccomp_row {
    uint64_t caps;             /* any of these capabilities is needed; 0: none */
    bool not ;                 /* turned round: the row holds where none of caps is there */
    int error;                 /* 0: allowed; else the errno that the call gives */
    const char *names;         /* system calls, separated by blanks */
    int arg;                   /* index of the compared argument; only where op is not NULL */
    const char *op;            /* "SCMP_CMP_EQ", ..., or NULL: whatever the arguments are */
    uint64_t value, value_two; /* as the OCI runtime specification's */
};
extern const struct seccomp_row seccomp_rows[];
extern const unsigned seccomp_n_rows;
/* Does the row hold for a container with these capabilities? */
bool seccomp_row_holds(const struct seccomp_row *r, uint64_t caps);

#endif
