/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances of binfmt_misc: the host's, and the one that a user namespace has for itself
 * (Linux 6.7 and later).
 *
 * A foreign container without root, in short:
 *
 *     // in a child that is root of a new user namespace AND of a new mount namespace made with or
 *     // after it (clone CLONE_NEWUSER | CLONE_NEWNS), uid and gid maps written
 *     struct aw_instance *inst = aw_instance_open_new(&err);
 *     if (!inst && err.code == AW_E_UNSUPPORTED)
 *         ... a kernel before 6.7: use the host's rules, if there are any
 *     const struct aw_arch *arch = aw_arch_find_oci("arm64", "");
 *     int fd = open("/usr/bin/qemu-aarch64-static", O_PATH | O_CLOEXEC);
 *     for (int i = 0; i < aw_arch_rules(arch); i++) {
 *         struct aw_rule rule;
 *         if (!aw_arch_rule(arch, i, "/archway/aarch64", AW_RULE_P | AW_RULE_O | AW_RULE_C, &rule,
 *                           &err) ||
 *             !aw_instance_register_interpreter(inst, &rule, fd, &err))
 *             ...
 *     }
 *     close(fd);
 *     ... keep inst open (aw_instance_fd) as long as programs are to run: it has no mount point,
 * and closing its last descriptor ends the rules. Programs run in this user namespace and all
 * below.
 *
 * All functions may be called from several threads with different instances. None prints.
 */
#ifndef ARCHWAY_INSTANCE_H
#define ARCHWAY_INSTANCE_H

#include <archway/err.h>
#include <archway/rule.h>

struct aw_instance;

/* The host's (more exactly: what is mounted in the caller's mount namespace), found by
 * /proc/self/mountinfo; an automount is triggered. Not mounted: AW_E_NOTFOUND, with the command. */
struct aw_instance *aw_instance_open_host(struct aw_err *err);
/* The instance mounted at path. Something else is there: AW_E_ARG. */
struct aw_instance *aw_instance_open_path(int dirfd, const char *path, struct aw_err *err);
/* The instance whose root fd is; takes the descriptor over, also on failure. */
struct aw_instance *aw_instance_open_fd(int fd, struct aw_err *err);

/* The own instance of the caller's user namespace, made if it has none yet, held by a descriptor
 * without any mount point. From then on the rules of outer namespaces do not count in this
 * namespace, and never will again.
 *
 * The caller needs CAP_SYS_ADMIN in its user namespace, that namespace must own its mount
 * namespace, and uid 0 and gid 0 must be mapped (else `register` belongs to nobody and cannot be
 * opened). Errors: AW_E_UNSUPPORTED: this kernel has no instances per namespace (before 6.7) or no
 * binfmt_misc at all; AW_E_PERM: a capability or the mount namespace is missing; AW_E_ARG: the
 * caller is in the initial user namespace, whose instance is the host's: use
 * aw_instance_open_host(). */
struct aw_instance *aw_instance_open_new(struct aw_err *err);

/* Is the caller in the machine's first user namespace, whose instance is the host's? */
bool aw_instance_in_initial_ns(void);
/* Does the instance belong to the caller's own user namespace, not to an outer one? Changes
 * nothing. A caller without CAP_SYS_ADMIN there is told by who owns its files. */
bool aw_instance_is_own(const struct aw_instance *inst);
/* Can a user namespace of this kernel have its own instance? By its version only (6.7 and up); the
 * truth is in aw_instance_open_new(). */
bool aw_instance_kernel_has_own(void);

/* Does the kernel take rules with this flag (AW_RULE_F: Linux 4.8, AW_RULE_T: 7.3)? Asked in a
 * user namespace that is made for it; AW_UNKNOWN where none can be. Forks a short-lived child. */
enum aw_answer { AW_NO, AW_YES, AW_UNKNOWN };
enum aw_answer aw_kernel_has_flag(unsigned flag);

/* The descriptor (close-on-exec); still owned by the instance. A duplicate keeps the rules alive.
 */
int aw_instance_fd(const struct aw_instance *inst);
void aw_instance_close(struct aw_instance *inst); /* NULL is fine */

/* ---- changes ----------------------------------------------------------------------------------
 */

/* Register a rule. Refused strings come back as AW_E_PARSE with the fault named; an existing name
 * is AW_E_EXIST; with F, a missing interpreter is AW_E_NOTFOUND, one that cannot be executed
 * AW_E_PERM; too many interpreters (7.3) AW_E_LIMIT. err->sys_errno is the kernel's answer. */
bool aw_instance_register(struct aw_instance *inst, const struct aw_rule *rule, struct aw_err *err);
/* The same with a ready-made string. */
bool aw_instance_register_text(struct aw_instance *inst, const void *text, size_t len,
                               struct aw_err *err);

/* Register a rule whose interpreter is the open file fd (O_PATH is enough; from the caller's mount
 * namespace, or from an outer one if its path still leads to the same file), by a name of the
 * caller's choice: rule->interpreter, an absolute path that need not exist, such as
 * "/archway/aarch64". F is added to the flags.
 *
 * What the program sees: /proc/PID/cmdline begins with that name, /proc/PID/exe and the
 * interpreter's lines in /proc/PID/maps are "/", and nothing tells the file's real path. The file
 * is held by a detached read-only, nosuid, nodev mount: nobody can write, chmod or setxattr it
 * through /proc/self/exe, not even its owner (docs/decisions/0002-interpreter-mount.md).
 *
 * Needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace. Forks a short-lived
 * child.
 */
bool aw_instance_register_interpreter(struct aw_instance *inst, const struct aw_rule *rule, int fd,
                                      struct aw_err *err);

/* Several at once, in the order given (so the last one is tried first by the kernel): one child for
 * all, which matters because making a mount namespace costs more than a rule. On failure *ret_done
 * (may be NULL) tells how many of the list stand; the others do not. */
struct aw_interpreter {
    const struct aw_rule *rule; /* as for aw_instance_register_interpreter */
    int fd;                     /* its interpreter, open */
};
bool aw_instance_register_interpreters(struct aw_instance *inst, const struct aw_interpreter *list,
                                       size_t n, size_t *ret_done, struct aw_err *err);

/* By the entry's name; a name that is not there is AW_E_NOTFOUND. */
bool aw_instance_remove(struct aw_instance *inst, const char *name, struct aw_err *err);
bool aw_instance_enable(struct aw_instance *inst, const char *name, bool on, struct aw_err *err);
/* The whole instance: its status, switching it on or off, removing all rules. */
bool aw_instance_status(struct aw_instance *inst, bool *ret_enabled, struct aw_err *err);
bool aw_instance_set_status(struct aw_instance *inst, bool on, struct aw_err *err);
bool aw_instance_clear(struct aw_instance *inst, struct aw_err *err);

/* ---- reading back -----------------------------------------------------------------------------
 */

struct aw_entry {
    struct aw_rule rule; /* as the kernel shows it; its interpreter is the registered name, which
                            is no proof of what runs */
    bool enabled;        /* the rule itself */
    bool known;          /* rule is complete: false for kinds that this version does not know, such
                            as Linux 7.3's type B; then only the name and the interpreter count */
    char odd_flags[16];  /* flag letters that this version does not know, or "" */
    int odd_lines;       /* lines that it does not know */
};

/* One entry. Unknown lines and flag letters are tolerated and counted. */
bool aw_instance_read(struct aw_instance *inst, const char *name, struct aw_entry *ret,
                      struct aw_err *err);
/* All entries in the order that the kernel tries them, newest first, into *ret (free() it). The
 * order is that of the folder's listing, which is the order of registration reversed; no kernel
 * interface promises it. */
bool aw_instance_list(struct aw_instance *inst, struct aw_entry **ret, size_t *ret_n,
                      struct aw_err *err);
/* The same, kept compact: texts, taken apart where needed. Of a thousand rules it takes 4 ms (two
 * threads: 2.2) and 300 KB, a list 5 MB and 2 ms more. threads: how many may read at once, 1 for
 * the caller's alone; a caller that goes on to unshare(CLONE_NEWUSER) asks for 1. Entries are
 * numbered in the kernel's order, from 0. */
struct aw_snapshot;
struct aw_snapshot *aw_instance_snapshot(struct aw_instance *inst, unsigned threads,
                                         struct aw_err *err);
size_t aw_snapshot_count(const struct aw_snapshot *s);
bool aw_snapshot_entry(const struct aw_snapshot *s, size_t i, struct aw_entry *ret,
                       struct aw_err *err);
/* All of them, as aw_instance_list() gives them. */
bool aw_snapshot_entries(const struct aw_snapshot *s, struct aw_entry **ret, size_t *ret_n,
                         struct aw_err *err);
void aw_snapshot_free(struct aw_snapshot *s); /* NULL is fine */
/* Parse the text of an entry's file. */
bool aw_entry_parse(const char *name, const char *text, size_t len, struct aw_entry *ret,
                    struct aw_err *err);

#endif
