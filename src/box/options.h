/* SPDX-License-Identifier: Apache-2.0
 *
 * What `archway run` was asked for, in the form that box works with. The command line's text forms
 * (-v a:b:ro, --mount type=..., --ulimit ...) are parsed by the functions at the end, which the
 * command line and tests share.
 */
#ifndef BOX_OPTIONS_H
#define BOX_OPTIONS_H

#include "base/util.h"

#include <archway/err.h>

#include <stdint.h>

enum box_network {
    BOX_NET_AUTO,  /* pasta where it works, else none (with a note) */
    BOX_NET_PASTA, /* pasta, or an error */
    BOX_NET_NONE,  /* loopback only */
    BOX_NET_HOST,  /* the caller's network */
};

enum box_mount_kind {
    BOX_MOUNT_BIND,
    BOX_MOUNT_TMPFS,
    BOX_MOUNT_VOLUME, /* anonymous: a folder of the container's own that may be written even where
                         its root is read-only; begins with what the image has there */
};

struct box_mount {
    enum box_mount_kind kind;
    char *source; /* bind: absolute path on the host; else NULL */
    char *target; /* absolute path in the container */
    bool readonly;
    bool nosuid, nodev, noexec; /* tmpfs: all three by default, as Docker's */
    bool recursive;             /* bind: with what is mounted below (the default) */
    bool create_source;         /* bind: make a missing source folder (-v does, --mount does not) */
    char *propagation;          /* "private", "rprivate", "shared", ... or NULL */
    uint64_t size;              /* tmpfs: bytes, 0: the kernel's default */
    uint32_t mode;              /* tmpfs: permissions, 0: 1777 */
    bool owner;                 /* tmpfs: uid and gid were given */
    uint32_t uid, gid;          /* tmpfs: owner, by the container's ids */
};

struct box_ulimit {
    char *name;          /* "nofile": the OCI type is RLIMIT_NOFILE */
    uint64_t soft, hard; /* UINT64_MAX: unlimited */
};

struct box_port {
    char *host_ip;            /* NULL: all addresses */
    uint16_t host, container; /* first port of each side */
    uint16_t count;           /* ports in the range, at least 1 */
    bool udp;
};

struct box_device {
    char *source, *target; /* paths on the host and in the container */
    bool readonly;
};

struct box_options {
    char *name;              /* --name or NULL: made up */
    struct strv command;     /* after IMAGE; empty: the image's */
    bool entrypoint_given;   /* --entrypoint was there (even empty: none) */
    struct strv entrypoint;  /* its words */
    struct strv env;         /* NAME=value, in order; later ones win. NAME alone takes the image's
                                variable away (-e NAME where the caller has none) */
    char *const *caller_env; /* NAME=value, NULL at the end: where -e NAME looks; NULL: nowhere;
                                borrowed */
    char *workdir;           /* -w or NULL */
    char *user;              /* -u or NULL */
    bool keep_id;            /* --userns keep-id: the caller's ids inside as outside */
    bool single_id;          /* --userns single: no ranges even where there are some */
    char *hostname;          /* --hostname or NULL */
    struct strv add_hosts;   /* "name:address" */
    struct strv dns;         /* server addresses */
    struct strv dns_search;  /* search domains */
    enum box_network network;
    struct box_port *ports;
    size_t n_ports;
    bool init;                /* --init: a tiny init as PID 1 */
    bool read_only;           /* --read-only */
    bool tty;                 /* -t */
    bool interactive;         /* -i: keep standard input open */
    struct box_mount *mounts; /* -v, --mount, --tmpfs, in order */
    size_t n_mounts;
    uint64_t shm_size; /* bytes of /dev/shm; 0: 64 MiB */
    struct box_device *devices;
    size_t n_devices;
    struct strv cap_add, cap_drop; /* "SYS_ADMIN" (normalised: upper case, no CAP_), "ALL" */
    bool no_new_privileges;        /* --security-opt no-new-privileges */
    char *seccomp;                 /* NULL: our profile; "unconfined"; else a profile's path */
    bool unmask;                   /* --security-opt systempaths=unconfined */
    struct box_ulimit *ulimits;
    size_t n_ulimits;
    uint64_t memory;     /* bytes, 0: no limit */
    uint64_t pids_limit; /* 0: no limit */
    char *emulator;      /* "auto", "qemu", or an absolute path; NULL: auto */
    char *stop_signal;   /* NULL: the image's, else SIGTERM */
};

/* Each adds one parsed item to o; on failure o is unchanged and err names the fault and the text.
 */
bool box_parse_volume(struct box_options *o, const char *text, struct aw_err *err);
bool box_parse_mount(struct box_options *o, const char *text, struct aw_err *err);
bool box_parse_tmpfs(struct box_options *o, const char *text, struct aw_err *err);
bool box_parse_device(struct box_options *o, const char *text, struct aw_err *err);
bool box_parse_ulimit(struct box_options *o, const char *text, struct aw_err *err);
bool box_parse_publish(struct box_options *o, const char *text, struct aw_err *err);
bool box_parse_cap(struct strv *list, const char *text, struct aw_err *err);
bool box_parse_security_opt(struct box_options *o, const char *text, struct aw_err *err);
bool box_parse_network(struct box_options *o, const char *text, struct aw_err *err);
bool box_parse_userns(struct box_options *o, const char *text, struct aw_err *err);
/* NAME=value, or NAME alone: from o->caller_env. */
bool box_parse_env(struct box_options *o, const char *text, struct aw_err *err);
bool box_parse_env_file(struct box_options *o, const char *path, struct aw_err *err);
/* "64m", "1g", "512k", "1024b": bytes. */
bool box_parse_size(const char *text, uint64_t *ret, struct aw_err *err);

void box_options_fini(struct box_options *o);

#endif
