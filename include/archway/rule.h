/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules: what binfmt_misc is told with its register string
 * ":name:type:offset:magic:mask:interpreter:flags".
 *
 * A rule is a plain value: copy it, compare it, keep it on the stack; nothing in it is allocated.
 * The kernel answers every malformed string with a bare EINVAL; aw_rule_parse() gives the same
 * verdict and says which fault it is and where.
 *
 * Facts about the kernel are those of fs/binfmt_misc.c from Linux 5.1 to 7.3.
 */
#ifndef ARCHWAY_RULE_H
#define ARCHWAY_RULE_H

#include <archway/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AW_RULE_TEXT_MIN 11   /* bytes of a register string at least */
#define AW_RULE_TEXT_MAX 1920 /* and at most */
#define AW_RULE_NAME_MAX 255  /* bytes of a name: it becomes a file name */
#define AW_RULE_WINDOW 256    /* bytes of a file that the kernel looks at */

enum aw_rule_type {
    AW_RULE_MAGIC = 'M',     /* by the file's first bytes */
    AW_RULE_EXTENSION = 'E', /* by what follows the last '.' of the path */
};

/* Bits of aw_rule.flags. */
enum aw_rule_flag {
    AW_RULE_P = 1 << 0, /* keep the original argv[0], as argv[2] */
    AW_RULE_O = 1 << 1, /* hand the program over as an open descriptor (AT_EXECFD) */
    AW_RULE_C = 1 << 2, /* credentials of the program, not of the interpreter; implies O */
    AW_RULE_F = 1 << 3, /* open the interpreter when the rule is registered */
    AW_RULE_T = 1 << 4, /* transparent (Linux 7.3): argv untouched; implies O, excludes P.
                           Earlier kernels refuse the letter with EINVAL */
};

struct aw_rule {
    char name[AW_RULE_NAME_MAX + 1];    /* the entry's file name */
    enum aw_rule_type type;             /* which of the fields below count */
    uint32_t offset;                    /* MAGIC: where in the file magic stands */
    uint32_t magic_len;                 /* MAGIC: bytes of magic, 1 and up; offset + magic_len is
                                           at most AW_RULE_WINDOW */
    bool has_mask;                      /* MAGIC: mask counts, with magic_len bytes */
    uint8_t magic[AW_RULE_WINDOW];      /* MAGIC: decoded */
    uint8_t mask[AW_RULE_WINDOW];       /* MAGIC: decoded; only bits set here are compared */
    char extension[AW_RULE_TEXT_MAX];   /* EXTENSION: without the dot */
    char interpreter[AW_RULE_TEXT_MAX]; /* path, as registered */
    unsigned flags;                     /* enum aw_rule_flag */
};

enum aw_rule_fault_kind {
    AW_FAULT_NONE = 0,
    AW_FAULT_TOO_SHORT,       /* fewer than AW_RULE_TEXT_MIN bytes */
    AW_FAULT_TOO_LONG,        /* more than AW_RULE_TEXT_MAX bytes */
    AW_FAULT_DELIMITER,       /* the first byte, the delimiter, is a flag letter */
    AW_FAULT_UNENDED,         /* the string ends in the middle of a field */
    AW_FAULT_NUL,             /* a raw NUL byte where the kernel's string functions stop */
    AW_FAULT_NAME_EMPTY,      /* */
    AW_FAULT_NAME_DOTS,       /* "." or ".." */
    AW_FAULT_NAME_SLASH,      /* */
    AW_FAULT_NAME_LONG,       /* more than AW_RULE_NAME_MAX bytes: ENAMETOOLONG */
    AW_FAULT_NAME_RESERVED,   /* "register" or "status": EEXIST */
    AW_FAULT_TYPE,            /* neither M nor E */
    AW_FAULT_OFFSET,          /* no decimal number */
    AW_FAULT_OFFSET_NEGATIVE, /* */
    AW_FAULT_OFFSET_RANGE,    /* does not fit an int */
    AW_FAULT_MAGIC_EMPTY,     /* */
    AW_FAULT_ESCAPE,          /* \x without two hexadecimal digits */
    AW_FAULT_MASK_LENGTH,     /* decoded lengths of magic and mask differ */
    AW_FAULT_WINDOW,          /* offset + magic_len exceeds AW_RULE_WINDOW */
    AW_FAULT_EXTENSION_EMPTY, /* */
    AW_FAULT_EXTENSION_SLASH, /* */
    AW_FAULT_INTERPRETER,     /* empty */
    AW_FAULT_FLAG,            /* an unknown letter, or something after the flags */
    AW_FAULT_FLAG_CONFLICT,   /* T together with P */
};

struct aw_rule_fault {
    enum aw_rule_fault_kind kind; /* what is wrong */
    int column;                   /* where: byte of the string, from 1 (length + 1: at its end) */
    int sys_errno; /* what the kernel's write(2) gives: EINVAL, ENAMETOOLONG, EEXIST */
};

/* A stable lower-case word for the kind ("mask-length"), for --json. Never NULL. */
const char *aw_rule_fault_name(enum aw_rule_fault_kind kind);

/* Parse what would be written to `register`. On success *ret is the rule as the kernel would hold
 * it. On failure *fault (may be NULL) names the first fault, and *err says it in words. Accepts and
 * refuses exactly what the kernel does with an instance that has no entry of that name, except:
 * T is accepted although kernels before 7.3 refuse it, and with F the kernel opens the interpreter
 * before it looks at the name's length. */
bool aw_rule_parse(const void *text, size_t len, struct aw_rule *ret, struct aw_rule_fault *fault,
                   struct aw_err *err);

/* Print the register string into ret (NUL appended, no newline); its length, or 0 with *err where
 * the kernel could not be told this rule. Parsing the result gives an equal rule. The delimiter is
 * ':' unless a field has one. */
size_t aw_rule_format(const struct aw_rule *rule, char ret[AW_RULE_TEXT_MAX + 1],
                      struct aw_err *err);

/* The same in all that counts for their types. */
bool aw_rule_equal(const struct aw_rule *a, const struct aw_rule *b);

/* "POCF" into ret, in the kernel's order. */
void aw_rule_flags_text(unsigned flags, char ret[8]);

/* Does a file with these first bytes (len of them; the rest counts as zeros) and this path match?
 * Either may be left out by NULL. */
bool aw_rule_matches(const struct aw_rule *rule, const void *head, size_t len, const char *path);

/* ---- what the kernel accepts and people regret ------------------------------------------------
 */

enum aw_lint_severity {
    AW_LINT_NOTE,   /* harmless, but perhaps not what was meant */
    AW_LINT_WARN,   /* will fail or be unsafe in some use */
    AW_LINT_REFUSE, /* never register this: it breaks the machine or can never work */
};

enum aw_lint_kind {
    AW_LINT_HOST_ELF,       /* matches the host's own programs: every exec fails */
    AW_LINT_SELF,           /* matches its own interpreter: every use ends in ELOOP */
    AW_LINT_SCRIPTS,        /* matches every #! script */
    AW_LINT_EXTENSION_DOT,  /* a dot inside the extension: can never match */
    AW_LINT_RELATIVE,       /* relative interpreter: looked up in the caller's folder */
    AW_LINT_NOT_FOUND,      /* no such interpreter: with F the kernel refuses the rule, else exec
                               will fail with ENOENT */
    AW_LINT_NOT_EXECUTABLE, /* the same for an interpreter that cannot be executed: EACCES */
    AW_LINT_DYNAMIC,        /* dynamically linked interpreter: fails in containers and chroots */
    AW_LINT_SCRIPT_INTERPRETER, /* the interpreter is a #! script: the same */
    AW_LINT_NO_F,               /* without F containers must have the interpreter themselves */
    AW_LINT_CREDENTIALS,        /* C: the interpreter runs with the rights of setuid programs */
    AW_LINT_CREDENTIALS_OWNER,  /* C, and others than root can write the interpreter */
    AW_LINT_MASKED_MAGIC,       /* magic has bits that the mask hides */
    AW_LINT_MASK_REDUNDANT,     /* the mask is all ones, or ends in zeros */
    AW_LINT_WINDOW_128,         /* reaches beyond 128 bytes: refused before Linux 5.1 */
    AW_LINT_NEEDS_7_3,          /* T: refused before Linux 7.3 */
    AW_LINT_NAME_ODD,           /* blanks, control characters or * in the name */
};

struct aw_lint {
    enum aw_lint_kind kind;         /* what */
    enum aw_lint_severity severity; /* how bad */
    char message[320];              /* in words */
};

#define AW_LINT_MAX 20 /* findings that a rule can have at most */

/* Look for trouble that the kernel does not report. rootfd: the root that interpreters are looked
 * up in (the folder "/" for the host), or -1 to look at no file but /proc/self/exe. Returns how
 * many findings stand in ret, worst first. */
size_t aw_rule_lint(const struct aw_rule *rule, bool look, struct aw_lint ret[AW_LINT_MAX]);

/* A stable lower-case word ("host-elf"), for --json. Never NULL. */
const char *aw_lint_name(enum aw_lint_kind kind);

#endif
