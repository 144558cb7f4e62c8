/* SPDX-License-Identifier: Apache-2.0
 *
 * What the command line said, for all verbs together. The table (table.h) tells which option is
 * stored in which field; the parser (parse.h) fills it in.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "base/util.h"
#include "box/options.h"
#include "image/image.h"

enum cli_tristate {
    CLI_UNSET, /* the option was not there */
    CLI_TRUE,
    CLI_FALSE,
};

struct cli_args {
    /* every verb */
    bool help;            /* --help */
    bool show_version;    /* --version */
    bool debug;           /* --debug */
    char *storage;        /* --storage or NULL */
    struct strv operands; /* what is no option; run and exec: the image or container only */

    /* several verbs */
    bool json;                /* --json */
    bool quiet;               /* -q */
    bool force;               /* -f */
    bool all;                 /* -a */
    bool digests;             /* images --digests */
    bool has_platform;        /* --platform was given */
    struct platform platform; /* --platform; only if has_platform */
    char *type;               /* inspect --type or NULL */
    bool insecure;            /* --tls-verify=false */
    int signal;               /* stop --signal; 0: the container's own */
    int stop_seconds;         /* stop --time; cli_args_init sets the default */

    /* rules */
    char *root; /* which --root or NULL */

    /* verbs that change rules */
    bool dry_run;              /* --dry-run */
    bool user_namespace;       /* --user-namespace: fail in the first one */
    bool credentials;          /* install --credentials: the C flag on the host too */
    bool instance;             /* enable, disable --instance */
    bool transparent;          /* install --transparent: flag T instead of P */
    bool fix;                  /* doctor --fix */
    bool quick;                /* doctor --quick */
    bool update_binfmts;       /* export --update-binfmts */
    enum cli_tristate persist; /* --persist */

    /* run and exec */
    enum image_pull pull; /* --pull */
    char *runtime;        /* --runtime or NULL */
    struct box_options box;
};

/* Defaults that are not zero. */
void cli_args_init(struct cli_args *a);
void cli_args_fini(struct cli_args *a);

#endif
