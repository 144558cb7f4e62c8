/* SPDX-License-Identifier: Apache-2.0
 *
 * The OCI runtime bundle: config.json for crun and runc, and the process object for exec.
 * How the runtimes are driven with it: docs/decisions/0004-runtime.md.
 */
#ifndef BOX_BUNDLE_H
#define BOX_BUNDLE_H

#include "box/options.h"
#include "image/image.h"
#include "ns/idmap.h"

#include <archway/err.h>

#include <sys/types.h>

enum bundle_runtime {
    BUNDLE_CRUN,
    BUNDLE_RUNC,
};

enum bundle_net {
    BUNDLE_NET_OWN,    /* a network namespace made by the runtime */
    BUNDLE_NET_HOLDER, /* that of the process that starts the runtime (the host's, or the holder's)
                        */
};

struct bundle_input {
    const struct box_options *options;
    const struct image_config *image; /* execution part of the image's config */
    const struct platform *platform;  /* of the image; NULL: programs of the host's own kind */
    const struct idmap *map;          /* of the outer user namespace */
    int root_fd;           /* the container's mounted root; folders may be made beneath it */
    const char *root_path; /* where the runtime finds that root; may be relative to the bundle */
    const char *hostname;  /* resolved; never NULL */
    enum bundle_runtime runtime;
    enum bundle_net net;
    bool cgroup2;             /* /sys/fs/cgroup is a cgroup2 mount in the holder */
    const char *cgroups_path; /* linux.cgroupsPath, or NULL: none. Limits need it. */
    int files_fd;             /* private folder with what files_write made */
    const char *files_path;   /* absolute path of that folder, as the runtime sees it */
    bool bind_sys;            /* sysfs cannot be mounted anew here: bind the holder's /sys */
    const char *term;         /* TERM with a terminal, or NULL: xterm */
    const char *init_path;    /* host program for --init (tini, catatonit), or NULL */
    uid_t caller_uid;         /* on the host: for keep-id */
    gid_t caller_gid;
    const char *caller_name;  /* user name for a passwd entry under keep-id, or NULL */
    const struct aw_log *log; /* notes about what was ignored; may be NULL */
};

/* Write config.json into bundle_fd, and make what it needs beneath root_fd (the workdir, folders
 * for volumes). "no command specified" is AW_E_ARG. Called as root of the outer user namespace. */
bool bundle_write(const struct bundle_input *in, int bundle_fd, struct aw_err *err);

struct bundle_exec {
    struct strv command; /* at least one word */
    struct strv env;     /* NAME=value, on top of the container's */
    const char *workdir; /* NULL: the container's */
    const char *user;    /* NULL: the container's */
    bool tty;
    uint16_t rows, cols; /* of the terminal, 0: unknown */
};

/* Write a process object for `exec --process` as file name into bundle_fd: that of the config.json
 * there, changed as x says. */
bool bundle_write_exec(const struct bundle_exec *x, const struct idmap *map, int root_fd,
                       int bundle_fd, const char *name, struct aw_err *err);

/* What a failed `create` or `exec` means: text is the runtime's log (JSON lines) or its standard
 * error. Returns 127 (no such program), 126 (cannot be run) or 125 (all else), and fills err with
 * the runtime's last error in the form that users know. */
int bundle_explain(const char *text, const char *program, struct aw_err *err);

#endif
