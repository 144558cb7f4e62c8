/* SPDX-License-Identifier: Apache-2.0
 *
 * Between doctor_engines.c, which judges, and doctor_drivers.c, which knows each engine's client.
 */
#ifndef CLI_DOCTOR_TRIAL_H
#define CLI_DOCTOR_TRIAL_H

#include "cli/cli.h"

#include <archway/instance.h>
#include <archway/catalogue.h>

struct trial {
    struct cli *c;
    char id[48];                  /* "archway-doctor-0123456789abcdef" */
    char dir[80];                 /* folder for all that is made; rootfs/ in it */
    const struct aw_arch *arch;   /* the foreign platform */
    const struct aw_entry *entry; /* a rule for it that is seen here, or NULL */
    char *program;                /* the engine's client; owned */
    struct strv env;              /* for it */
    bool rootless;                /* the client does not run as root */
    struct passwd *user; /* it runs as this one, whom sudo made root; NULL: as the caller */
    bool pause_alive;    /* podman: its pause process ran before */
    bool imported;       /* docker: the image is there */
};

struct attempt {
    bool ran;          /* the program in the container said its word */
    char message[256]; /* if not: the last line of what the engine said */
};

struct engine {
    const char *name; /* of its client */
    /* "" if it answers, else why not; NULL: no daemon to ask */
    bool (*ready)(struct trial *t, char *why, size_t size);
    void (*run)(struct trial *t, const char *program, struct attempt *ret);
    void (*clean)(struct trial *t);
};

extern const struct engine doctor_drivers[]; /* ends with a row without name */

/* The process that podman notes in this file, if it is one of podman's; else 0. */
pid_t doctor_pause_pid(const char *file);
/* podman-docker has a docker that is podman: it is tried under its own name. */
bool doctor_is_docker(struct trial *t);

#endif
