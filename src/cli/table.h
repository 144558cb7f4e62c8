/* SPDX-License-Identifier: Apache-2.0
 *
 * The one table of the command line: verbs (table_verbs.c) and options (table_options.c). The
 * parser, `archway help`, the man pages and the shell completions are all made from it, so a new
 * verb or option is one row here and nothing else.
 *
 * Text in rows is plain ASCII. Paragraphs are separated by "\n\n"; a paragraph whose first line
 * begins with two spaces is printed as it stands; `x` is literal text (bold in man pages).
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/args.h"

#include <stdint.h>

struct cli;

enum cli_verb_id {
    CLI_RUN,
    CLI_EXEC,
    CLI_STOP,
    CLI_PS,
    CLI_PULL,
    CLI_IMAGES,
    CLI_RMI,
    CLI_PRUNE,
    CLI_LS,
    CLI_SHOW,
    CLI_WHICH,
    CLI_LINT,
    CLI_DOCTOR,
    CLI_INSTALL,
    CLI_UNINSTALL,
    CLI_ENABLE,
    CLI_DISABLE,
    CLI_REFRESH,
    CLI_REGISTER,
    CLI_IMPORT,
    CLI_EXPORT,
    CLI_VERIFY,
    CLI_INSPECT,
    CLI_VERSION,
    CLI_HELP,
    CLI_N_VERBS,
};

/* What a value or operand is completed with by the shells. */
enum cli_complete {
    CLI_COMPLETE_NONE,
    CLI_COMPLETE_WORDS, /* the option's words */
    CLI_COMPLETE_FILE,
    CLI_COMPLETE_DIR,
    CLI_COMPLETE_IMAGE,
    CLI_COMPLETE_CONTAINER,
    CLI_COMPLETE_OBJECT, /* an image or a container */
    CLI_COMPLETE_VERB,
    CLI_COMPLETE_RULE,
};

struct cli_exit {
    const char *status; /* "125", "128+N" */
    const char *text;   /* one line */
};

struct cli_example {
    const char *text;    /* what it does, one line */
    const char *command; /* without a prompt */
};

struct cli_verb {
    const char *name;
    const char *operands;         /* synopsis of what follows the options, or "" */
    const char *group;            /* heading in `archway help` */
    const char *summary;          /* one line, lower case, no full stop */
    const char *text;             /* paragraphs for the man page */
    const struct cli_exit *exits; /* what the table of all verbs does not say; ends with NULL */
    const struct cli_example *examples; /* ends with NULL */
    const char *see_also;               /* "skopeo(1), crun(1)" or NULL */
    int min, max;                       /* number of operands; max -1: any */
    bool
        command_follows; /* options end at the first operand, the rest is a command (box.command) */
    int usage_status;    /* exit status for a wrong command line */
    int fail_status;     /* exit status when Archway itself fails */
    enum cli_complete complete; /* of its operands */
    int (*run)(struct cli *c);  /* returns the exit status */
};

enum cli_how {
    CLI_BOOL,   /* bool at offset; --x=false is possible */
    CLI_TEXT,   /* char * at offset, the last one wins */
    CLI_LIST,   /* struct strv at offset, appended */
    CLI_SIZE,   /* uint64_t at offset: bytes, with suffix */
    CLI_BOX,    /* box adds the item to args->box */
    CLI_CALL,   /* call checks and stores */
    CLI_SET,    /* a flag with a function: call gets "true" or "false" */
    CLI_REFUSE, /* known from other tools, not possible here: help says why, mend what to do */
};

struct cli_option {
    const char *name;           /* long, without dashes */
    const char *alias;          /* another long name or NULL */
    char letter;                /* short, or 0 */
    const char *value;          /* placeholder; NULL: a flag */
    uint64_t verbs;             /* CLI_V(...) bits */
    const char *group;          /* heading in `archway help VERB` */
    const char *help;           /* a sentence without full stop, lower case; CLI_REFUSE: why not */
    const char *more;           /* further sentences for the man page, or NULL */
    const char *words;          /* "always missing never": all possible values, or the usual ones */
    enum cli_complete complete; /* of its value */
    enum cli_how how;
    size_t offset; /* in struct cli_args */
    bool (*box)(struct box_options *o, const char *text, struct aw_err *err);
    bool (*call)(struct cli_args *a, const char *text, struct aw_err *err);
};

#define CLI_V(verb) (UINT64_C(1) << CLI_##verb)
#define CLI_EVERY (~UINT64_C(0))

/* A word that people type because another tool has it. */
struct cli_hint {
    const char *word; /* "login" */
    const char *text; /* what to do instead, one line */
};

struct cli_variable {
    const char *name; /* of an environment variable, or a file */
    const char *text;
};

enum cli_json_type {
    CLI_JSON_OBJECT,
    CLI_JSON_ARRAY,
    CLI_JSON_STRING,
    CLI_JSON_STRINGS, /* an array of them */
    CLI_JSON_NUMBER,
    CLI_JSON_BOOL,
    CLI_JSON_FREE, /* any value: it is someone else's */
};

/* A value that verbs print with --json (table_json.c). */
struct cli_json {
    uint64_t verbs;          /* CLI_V(...) bits */
    const char *path;        /* ".steps[].name"; "": the whole */
    enum cli_json_type type; /* of the value */
    const char *when;        /* "of type magic"; NULL: always, where its parent is */
    const char *help;        /* what it is, lower case, no full stop */
};
const char *cli_json_type_name(enum cli_json_type type);

extern const struct cli_json cli_json[]; /* ends with a row without path */
extern const struct cli_verb cli_verbs[CLI_N_VERBS];
extern const struct cli_option cli_options[]; /* ends with a row without name */
extern const struct cli_hint cli_hints[];     /* ends with NULL */
extern const struct cli_exit cli_exits[];     /* what all verbs share; ends with NULL */
extern const struct cli_variable cli_environment[], cli_files[]; /* end with NULL */

#define CLI_DOC_DATE "2026-11-24" /* of the manual pages: when their text last changed */

/* The options' own checks (options.c). */
bool cli_opt_add_host(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_cap_add(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_cap_drop(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_dns(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_emulator(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_entrypoint(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_hostname(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_name(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_persist(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_pids_limit(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_platform(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_pull(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_rm(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_runtime(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_signal(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_stop_signal(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_time(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_tls_verify(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_type(struct cli_args *a, const char *text, struct aw_err *err);
bool cli_opt_workdir(struct cli_args *a, const char *text, struct aw_err *err);

/* The verbs (verb_*.c). */
int cli_verb_run(struct cli *c);
int cli_verb_exec(struct cli *c);
int cli_verb_stop(struct cli *c);
int cli_verb_ps(struct cli *c);
int cli_verb_pull(struct cli *c);
int cli_verb_images(struct cli *c);
int cli_verb_rmi(struct cli *c);
int cli_verb_prune(struct cli *c);
int cli_verb_ls(struct cli *c);
int cli_verb_show(struct cli *c);
int cli_verb_which(struct cli *c);
int cli_verb_lint(struct cli *c);
int cli_verb_doctor(struct cli *c);
int cli_verb_inspect(struct cli *c);
int cli_verb_install(struct cli *c);
int cli_verb_uninstall(struct cli *c);
int cli_verb_enable(struct cli *c);
int cli_verb_disable(struct cli *c);
int cli_verb_refresh(struct cli *c);
int cli_verb_register(struct cli *c);
int cli_verb_import(struct cli *c);
int cli_verb_export(struct cli *c);
int cli_verb_verify(struct cli *c);
int cli_verb_version(struct cli *c);
int cli_verb_help(struct cli *c);

#endif
