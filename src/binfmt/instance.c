/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding, making and changing instances of binfmt_misc.
 *
 * The idea: an instance is a descriptor of a mount's root; everything goes through openat(2) on it,
 * so it does not matter whether and where it is mounted. A new instance is never mounted at a path
 * at all: the descriptor of the detached mount keeps its rules alive (measured on Linux 6.18: they
 * match until the last descriptor is closed, and a mount made afterwards is empty).
 *
 * Invariants:
 * 1. fd is the root of a binfmt_misc (its statfs magic was seen).
 * 2. A rule is registered by exactly one write(2): the kernel takes no parts.
 * 3. What the kernel refuses is explained by our own parser, never by a guess, where that finds a
 *    fault; else the message says what the errno means here.
 *
 * Left out: reading entries (entry.c) and interpreters by descriptor (interpreter.c).
 */
#include "binfmt/instance.h"

#include "base/file.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#define USUAL_PATH "/proc/sys/fs/binfmt_misc"
/* PROC_USER_INIT_INO of the kernel's proc_ns.h: the initial user namespace, on every machine */
#define INITIAL_USER_NS 0xEFFFFFFDul

static bool is_binfmt(int fd)
{
    struct statfs s;
    return fstatfs(fd, &s) == 0 && s.f_type == BINFMTFS_MAGIC;
}

static struct aw_instance *wrap(int *fd, struct aw_err *err)
{
    struct aw_instance *inst = calloc(1, sizeof(*inst));
    if (!inst) {
        aw_fail(err, AW_E_NOMEM, 0, "binfmt_misc: no memory");
        return NULL;
    }
    inst->fd = util_steal_fd(fd);
    return inst;
}

struct aw_instance *aw_instance_open_fd(int fd, struct aw_err *err)
{
    _cleanup_close_ int own = fd;
    if (!is_binfmt(own)) {
        aw_fail(err, AW_E_ARG, 0, "descriptor %d: no binfmt_misc", fd);
        return NULL;
    }
    return wrap(&own, err);
}

struct aw_instance *aw_instance_open_path(int dirfd, const char *path, struct aw_err *err)
{
    /* no O_PATH: opening for real triggers an automount */
    _cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        aw_fail(err, instance_code(errno), errno, "open %s", path);
        return NULL;
    }
    if (!is_binfmt(fd)) {
        aw_fail(err, AW_E_ARG, 0, "%s: no binfmt_misc is mounted there", path);
        aw_mend(err, "mount -t binfmt_misc binfmt_misc %s", path);
        return NULL;
    }
    return wrap(&fd, err);
}

/* "\040" and the like, in place. */
static void unescape_mountinfo(char *s)
{
    char *out = s;
    while (*s) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
            *out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else {
            *out++ = *s++;
        }
    }
    *out = 0;
}

/* A mount point of a binfmt_misc that can be seen, opened; -1: none. */
static int find_mounted(void)
{
    int found = -1;
    size_t size = 0;
    _cleanup_free_ char *line = NULL;
    _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
    while (f && found < 0 && getline(&line, &size, f) > 0) {
        char *kind = strstr(line, " - "), *point = NULL, *save = NULL;
        if (!kind || !str_starts(kind, " - binfmt_misc "))
            continue;
        char *word = strtok_r(line, " ", &save);
        for (int i = 0; word && i < 5; i++, word = strtok_r(NULL, " ", &save))
            point = word;
        if (!point)
            continue;
        unescape_mountinfo(point);
        found = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (found >= 0 && !is_binfmt(found)) { /* something is mounted over it */
            util_close(found);
            found = -1;
        }
    }
    return found;
}

/* Is it an automount that was not triggered, or does not answer? Looking triggers nothing. */
static bool is_automount(void)
{
    struct statfs s;
    _cleanup_close_ int fd = open(USUAL_PATH, O_PATH | O_CLOEXEC);
    return fd >= 0 && fstatfs(fd, &s) == 0 && s.f_type == AUTOFS_SUPER_MAGIC;
}

/* An automount whose daemon has died costs the first who triggers it a SIGPIPE (seen with Linux
 * 6.18; the kernel means to take it back, but it has ended the process by then). */
static int open_usual(int *ret_how)
{
    sigset_t pipe, old;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &old);
    int fd = open(USUAL_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *ret_how = fd < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return fd;
}

struct aw_instance *aw_instance_open_host(struct aw_err *err)
{
    int how;
    _cleanup_close_ int fd = open_usual(&how);
    if (fd >= 0 && is_binfmt(fd))
        return wrap(&fd, err);
    util_close(fd);
    fd = find_mounted();
    if (fd >= 0)
        return wrap(&fd, err);
    if (is_automount()) {
        aw_fail(err, AW_E_IO, 0, "binfmt_misc: the automount on " USUAL_PATH " mounts nothing");
        aw_mend(err, "systemctl restart proc-sys-fs-binfmt_misc.automount, or: umount " USUAL_PATH
                     " && mount -t binfmt_misc binfmt_misc " USUAL_PATH);
    } else if (how == ENOENT) {
        aw_fail(err, AW_E_NOTFOUND, 0, "binfmt_misc: this kernel has not loaded it");
        aw_mend(err, "modprobe binfmt_misc && mount -t binfmt_misc binfmt_misc " USUAL_PATH);
    } else {
        aw_fail(err, AW_E_NOTFOUND, 0, "binfmt_misc: it is not mounted");
        aw_mend(err, "mount -t binfmt_misc binfmt_misc " USUAL_PATH);
    }
    return NULL;
}

bool aw_instance_kernel_has_own(void)
{
    struct utsname u;
    int major, minor;
    return uname(&u) == 0 && sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
           (major > 6 || (major == 6 && minor >= 7));
}

static bool open_new_failed(const char *step, int how, struct aw_err *err)
{
    if (how == ENODEV)
        return aw_fail(err, AW_E_UNSUPPORTED, 0,
                       "own binfmt_misc: this kernel has not loaded binfmt_misc");
    if (how == ENOSYS)
        return aw_fail(err, AW_E_UNSUPPORTED, how,
                       "own binfmt_misc: this kernel, or a system call filter, refuses %s", step);
    /* fsopen asks for rights over the mount namespace; creating asks for FS_USERNS_MOUNT, which
     * binfmt_misc has since 6.7 */
    if (how == EPERM && !str_eq(step, "fsopen"))
        return aw_fail(err, AW_E_UNSUPPORTED, 0,
                       "own binfmt_misc: this kernel has none for user namespaces (Linux 6.7 and "
                       "later do)");
    if (how == EPERM)
        return aw_fail(err, AW_E_PERM, how,
                       "own binfmt_misc: %s: needs CAP_SYS_ADMIN, and a mount namespace made in "
                       "this user namespace",
                       step);
    return aw_fail(err, AW_E_IO, how, "own binfmt_misc: %s", step);
}

bool aw_instance_in_initial_ns(void)
{
    struct stat ns;
    return stat("/proc/self/ns/user", &ns) == 0 && ns.st_ino == INITIAL_USER_NS;
}

bool aw_instance_is_own(const struct aw_instance *inst)
{
    struct stat st;
    if (aw_instance_in_initial_ns())
        return true;
    /* Reconfiguring is for who may administer the user namespace that made it; this one changes
     * nothing. The files' owner does not tell: a namespace within may map the same id to 0. */
    _cleanup_close_ int fs = fspick(inst->fd, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
    if (fs >= 0)
        return fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) == 0 || errno != EPERM;
    return fstatat(inst->fd, "register", &st, 0) == 0 && st.st_uid == 0;
}

struct aw_instance *aw_instance_open_new(struct aw_err *err)
{
    if (aw_instance_in_initial_ns()) {
        aw_fail(err, AW_E_ARG, 0, "own binfmt_misc: this is the initial user namespace");
        return NULL;
    }
    _cleanup_close_ int fs = fsopen("binfmt_misc", FSOPEN_CLOEXEC);
    if (fs < 0) {
        open_new_failed("fsopen", errno, err);
        return NULL;
    }
    if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
        open_new_failed("create", errno, err);
        return NULL;
    }
    _cleanup_close_ int fd =
        fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (fd < 0) {
        open_new_failed("fsmount", errno, err);
        return NULL;
    }
    return wrap(&fd, err);
}

int aw_instance_fd(const struct aw_instance *inst)
{
    return inst->fd;
}

void aw_instance_close(struct aw_instance *inst)
{
    if (!inst)
        return;
    util_close(inst->fd);
    free(inst);
}

enum aw_code instance_code(int how)
{
    switch (how) {
    case ENOENT:
    case ENOTDIR:
        return AW_E_NOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return AW_E_PERM;
    case EEXIST:
        return AW_E_EXIST;
    case ENOMEM:
        return AW_E_NOMEM;
    case ENOSPC:
    case ENAMETOOLONG:
        return AW_E_LIMIT;
    default:
        return AW_E_IO;
    }
}

int instance_open_register(const struct aw_instance *inst, struct aw_err *err)
{
    int fd = openat(inst->fd, "register", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    int how = errno;
    aw_fail(err, instance_code(how), how, "binfmt_misc: open register");
    if (how == EACCES || how == EPERM)
        aw_mend(err, "do it as root of the user namespace that owns this binfmt_misc, with user 0 "
                     "and group 0 mapped");
    else if (how == EROFS)
        aw_mend(err, "mount -o remount,rw " USUAL_PATH);
    return -1;
}

static bool explain_invalid(const struct aw_rule *rule, struct aw_err *err)
{
    if (rule->flags & AW_RULE_T)
        return aw_fail(err, AW_E_UNSUPPORTED, 0,
                       "rule %s: flag T: this kernel lacks it (Linux 7.3 has it)", rule->name);
    if (rule->type == AW_RULE_MAGIC && rule->offset + rule->magic_len > 128)
        return aw_fail(err, AW_E_UNSUPPORTED, 0,
                       "rule %s: this kernel looks at 128 bytes only (256 since Linux 5.1)",
                       rule->name);
    if (rule->flags & AW_RULE_F)
        return aw_fail(err, AW_E_UNSUPPORTED, 0,
                       "rule %s: flag F: this kernel lacks it (Linux 4.8 has it)", rule->name);
    return aw_fail(err, AW_E_IO, EINVAL, "rule %s: the kernel refused it", rule->name);
}

bool instance_explain(const void *text, size_t len, int how, struct aw_err *err)
{
    struct aw_rule rule;
    struct aw_rule_fault fault;
    struct aw_err parsed = AW_ERR_INIT;
    bool valid = aw_rule_parse(text, len, &rule, &fault, &parsed);
    if (!valid && fault.sys_errno == how) {
        if (err)
            *err = parsed;
        if (fault.kind == AW_FAULT_NAME_RESERVED && err)
            err->code = AW_E_EXIST;
        return false;
    }
    if (!valid)
        memset(&rule, 0, sizeof(rule));
    if (how == EINVAL)
        explain_invalid(&rule, err);
    else if (how == EEXIST)
        aw_fail(err, AW_E_EXIST, 0, "rule %s: an entry of that name exists", rule.name);
    else if (how == ENOSPC)
        aw_fail(err, AW_E_LIMIT, how, "rule %s: too many interpreters are held open", rule.name);
    else if (rule.flags & AW_RULE_F)
        aw_fail(err, instance_code(how), how, "rule %s: open interpreter %s", rule.name,
                rule.interpreter);
    else
        aw_fail(err, instance_code(how), how, "register a rule");
    if (err)
        err->sys_errno = how;
    if (how == ENOSPC)
        aw_mend(err, "sysctl user.max_binfmt_misc_interpreters=<more>");
    if (how == EACCES)
        aw_mend(err, "make the interpreter a regular, executable file on a mount without noexec");
    return false;
}

bool aw_instance_register_text(struct aw_instance *inst, const void *text, size_t len,
                               struct aw_err *err)
{
    _cleanup_close_ int fd = instance_open_register(inst, err);
    if (fd < 0)
        return false;
    ssize_t n = write(fd, text, len);
    if (n < 0)
        return instance_explain(text, len, errno, err);
    /* write(2) with no bytes never reaches the kernel's parser */
    if (n == 0)
        return instance_explain(text, len, EINVAL, err);
    return true;
}

bool aw_instance_register(struct aw_instance *inst, const struct aw_rule *rule, struct aw_err *err)
{
    char text[AW_RULE_TEXT_MAX + 1];
    size_t len = aw_rule_format(rule, text, err);
    return len && aw_instance_register_text(inst, text, len, err);
}

/* Write a command ("0", "1", "-1") to an entry or to status. */
static bool command(struct aw_instance *inst, const char *name, const char *what,
                    struct aw_err *err)
{
    _cleanup_close_ int fd = openat(inst->fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return aw_fail(err, AW_E_NOTFOUND, 0, "rule %s: there is no such entry", name);
    if (fd >= 0 && write(fd, what, strlen(what)) >= 0)
        return true;
    int how = errno;
    aw_fail(err, instance_code(how), how, "binfmt_misc: write %s to %s", what, name);
    return how == EROFS && aw_mend(err, "mount -o remount,rw " USUAL_PATH);
}

static bool entry_command(struct aw_instance *inst, const char *name, const char *what,
                          struct aw_err *err)
{
    if (!name[0] || strchr(name, '/') || str_eq(name, ".") || str_eq(name, "..") ||
        str_eq(name, "register") || str_eq(name, "status"))
        return aw_fail(err, AW_E_ARG, 0, "rule \"%s\": no name of an entry", name);
    return command(inst, name, what, err);
}

bool aw_instance_remove(struct aw_instance *inst, const char *name, struct aw_err *err)
{
    return entry_command(inst, name, "-1", err);
}

bool aw_instance_enable(struct aw_instance *inst, const char *name, bool on, struct aw_err *err)
{
    return entry_command(inst, name, on ? "1" : "0", err);
}

bool aw_instance_set_status(struct aw_instance *inst, bool on, struct aw_err *err)
{
    return command(inst, "status", on ? "1" : "0", err);
}

bool aw_instance_clear(struct aw_instance *inst, struct aw_err *err)
{
    return command(inst, "status", "-1", err);
}

bool aw_instance_status(struct aw_instance *inst, bool *ret_enabled, struct aw_err *err)
{
    _cleanup_free_ char *text = file_load(inst->fd, "status", 64, NULL, err);
    if (!text)
        return false;
    *ret_enabled = str_starts(text, "enabled");
    return true;
}
