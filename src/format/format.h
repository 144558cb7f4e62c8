/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs that are no ELF files of this machine: which format a file is of, and what runs it.
 *
 * A kind is what a file is ("DOS program with an MZ header"); a format is what one installs ("dos")
 * and has one kind or several; a rule is what the kernel can tell ("begins with MZ") and has one
 * format or several, which is why somebody has to look deeper.
 */
#ifndef FORMAT_FORMAT_H
#define FORMAT_FORMAT_H

#include "base/util.h"

#include <archway/err.h>

#include <stdint.h>

enum format_id {
    FORMAT_JAVA,
    FORMAT_ZIPAPP,
    FORMAT_DOS,
    FORMAT_WINE,
    FORMAT_DOTNET,
    FORMAT_APE,
    FORMAT_MACHO,
    FORMAT_WASM,
    FORMAT_PYC,
    FORMAT_LLVM,
    FORMAT_LUA,
    FORMAT_APPIMAGE,
    FORMAT_ELC,
    FORMAT_N,
};
#define FORMAT_BIT(id) (1u << (id))
#define FORMAT_ALL (FORMAT_BIT(FORMAT_N) - 1)

enum format_kind {
    KIND_NONE, /* nothing that is known to run; the verdict has the reason */
    KIND_JAVA_CLASS,
    KIND_JAR,
    KIND_ZIPAPP,
    KIND_DOS_EXE,
    KIND_DOS_COM,
    KIND_WIN16,
    KIND_PE_CONSOLE,
    KIND_PE_GUI,
    KIND_DOTNET_FRAMEWORK,
    KIND_DOTNET_CORE,
    KIND_APE,
    KIND_MACHO,
    KIND_WASM_MODULE,
    KIND_WASM_COMPONENT,
    KIND_PYC,
    KIND_LLVM,
    KIND_LUA,
    KIND_LUAJIT,
    KIND_APPIMAGE,
    KIND_ELC,
    KIND_SCRIPT, /* #!: seen where a rule goes by the extension; the kernel's own business */
    KIND_ELF,    /* likewise */
    KIND_N,
};

/* ---- recognising ------------------------------------------------------------------------------
 */

struct format_file {
    const char *name; /* its path: extensions count; never NULL */
    uint64_t size;    /* bytes */
    /* Exactly len bytes from offset (they are within size) into data; false: cannot be read. */
    bool (*read)(void *user, uint64_t offset, void *data, size_t len);
    void *user; /* passed to read */
};

#define FORMAT_CLASS_NAME 1024 /* bytes of a Java class's name, its NUL included */

struct format_verdict {
    enum format_kind kind;              /* what it is */
    char reason[160];                   /* KIND_NONE: what it seems to be and why it does not run */
    char version[16];                   /* PYC, LUA: "3.11"; else "" */
    char main_class[FORMAT_CLASS_NAME]; /* JAVA_CLASS: "demo/Hello" */
};

/* Look at the file and decide; never fails, never looks at anything but the file. */
void format_decide(const struct format_file *f, struct format_verdict *ret);
/* The same of an open file. False with errno: it cannot be read at all. */
bool format_decide_fd(int fd, const char *name, struct format_verdict *ret);

/* ---- the catalogue ----------------------------------------------------------------------------
 */

#define FORMAT_COMMANDS 12

struct format_kind_row {
    const char *word;                      /* stable, for --json: "java-class" */
    const char *text;                      /* "a Java class" */
    enum format_id format;                 /* what to install; FORMAT_N: nothing runs it */
    const char *package;                   /* Debian's name of what runs it, or NULL */
    const char *commands[FORMAT_COMMANDS]; /* in order of preference, as format_command() has it;
                                              NULL behind the last */
};

struct format_row {
    const char *name; /* what install takes */
    const char *text; /* "Java classes and archives" */
};

#define FORMAT_RULE_FORMATS 4

/* What the kernel can tell. */
struct format_rule {
    const char *name;                            /* of the entry: "archway-mz" */
    enum format_id formats[FORMAT_RULE_FORMATS]; /* that it may be; FORMAT_N behind the last */
    unsigned implied;      /* FORMAT_BITs that are served wherever the rule stands: files that run
                              without any rule must go on running */
    const char *extension; /* goes by the extension; or NULL */
    uint8_t offset, len;   /* else by len bytes at offset */
    uint8_t magic[16];     /* those bytes */
    uint8_t mask[16];      /* which bits count; all zero: all */
};

const struct format_kind_row *format_kind_at(enum format_kind kind);
const struct format_row *format_at(enum format_id id);
const struct format_rule *format_rule_at(size_t index); /* NULL behind the last */
/* By name, FORMAT_N: none such. */
enum format_id format_find(const char *name);
/* Has rule id among its formats? */
bool format_rule_serves(const struct format_rule *rule, enum format_id id);

/* "dos+wine" into FORMAT_BITs; words that are none are left out. */
unsigned format_set_parse(const char *text);

/* ---- formats of the user's own ----------------------------------------------------------------
 *
 * A file of sections, one a format:
 *
 *     # executable archives
 *     [lha]
 *     description = self-running archive
 *     magic = -lh
 *     offset = 2
 *     mask = \xff\xff\xff
 *     command = lha-run {file} {args}
 *     detector = /usr/lib/lha/is-program
 *     package = lhasa
 *
 * magic (at offset, 0 if not given, under mask) or extension; \xNN and \\ in magic and mask.
 * command may stand several times, in order of preference. The detector, if any, is started with
 * the file's path as its last word and decides by its exit status: 0, it is one. A section that is
 * called as a built-in format or kind has commands (and package) only, which are tried before the
 * built-in ones.
 */

#define FORMAT_MAGIC 128 /* bytes at most */

struct format_user {
    char *name;                  /* as install takes it: lower case letters, digits, - */
    char *text;                  /* description, or NULL */
    char *extension;             /* or NULL: by magic */
    char *detector;              /* a command, or NULL */
    char *package;               /* what to install, or NULL */
    struct strv commands;        /* in order of preference */
    bool built_in;               /* it is about a built-in format or kind */
    unsigned offset, magic_len;  /* of magic in the file; within the first 256 bytes */
    uint8_t magic[FORMAT_MAGIC]; /* by these bytes */
    uint8_t mask[FORMAT_MAGIC];  /* bits that count */
    int line;                    /* of the file, where its section begins */
    unsigned mask_len;           /* 0: all bits */
};

struct format_users {
    struct format_user *v; /* in the order of the files */
    size_t n;              /* how many */
};

/* Add what stands in the file at path; one that is not there has none. A fault is AW_E_PARSE with
 * file and line, and nothing of that file is added. */
bool format_users_load(const char *path, struct format_users *ret, struct aw_err *err);
/* The same of a text; path is for messages. */
bool format_users_parse(const char *text, const char *path, struct format_users *ret,
                        struct aw_err *err);
void format_users_fini(struct format_users *u);
const struct format_user *format_users_find(const struct format_users *u, const char *name);
/* By magic or extension (the detector is not asked). */
bool format_user_matches(const struct format_user *u, const struct format_file *f);

/* ---- commands ---------------------------------------------------------------------------------
 */

struct format_run {
    const char *file;                /* path of the program */
    const char *const *args;         /* its arguments without argv[0], NULL at the end */
    const char *const *env;          /* for {env}; NULL at the end */
    const char *root;                /* JAVA_CLASS: {root}, the class path; else NULL */
    const struct format_verdict *is; /* for {main} and {version} */
};

/* Words of a command as a shell has them (blanks part, quotes and \ keep), with
 *   {file}     the program's path, with ./ in front of one that begins with -
 *   {args}     its arguments, one word each; {env}: --env NAME=VALUE for each variable
 *   {root} {main} {version}   a class's path and name; python's or Lua's version
 *   {wasi}     the text of a small WASI host for node
 * A command without {file} or {args} has them at its end. The first word is the program; @ before
 * it: Archway's own way of running that program (launch/). False: AW_E_PARSE or no memory. */
bool format_command(const char *command, const struct format_run *run, struct strv *ret,
                    struct aw_err *err);
/* Check one without a program at hand, as it stands in a user's file. */
bool format_command_check(const char *command, struct aw_err *err);
/* Its program ("python3.11", "/opt/x/bin/y") with {version} filled in, in fresh memory. */
char *format_command_program(const char *command, const struct format_verdict *is);

/* Find a program: on path (a PATH), or as it is where it has a slash; below root (an open folder)
 * or in the caller's own root (-1). What is neither ELF nor #! is passed over: it would need an
 * interpreter itself, perhaps this one. Fresh memory or NULL. */
char *format_find_program(const char *program, const char *path, int root);

/* The class path for a class in a file: its folder less the package ("/x" for demo/Hello in
 * /x/demo/Hello.class). False with *err where the file's place contradicts its name. */
bool format_class_root(const char *file, const char *main_class, char **ret, struct aw_err *err);

#endif
