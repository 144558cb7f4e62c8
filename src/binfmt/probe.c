/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking the kernel for a flag.
 *
 * A version number tells nothing about a kernel with patches; the kernel's answer to a rule with
 * the flag does. EINVAL has many causes, so the same rule without the flag is tried as well: only
 * where that is taken does the first answer mean the flag. The rule is for an extension with a dot
 * in it, which no file has.
 */
#include "binfmt/probe.h"

#include "base/file.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

#define NAME "archway-probe"
#define RULE ":" NAME ":E::archway.probe::/proc/self/exe:"

enum aw_answer probe_flag(unsigned flag, probe_register *try_one, void *user)
{
    char text[128], letters[8];
    aw_rule_flags_text(flag, letters);
    int n = snprintf(text, sizeof(text), RULE "%s", letters);
    int with = try_one(user, text, (size_t)n);
    /* flags are looked at before names: a leftover of another probe says that they were good */
    if (with == 0 || with == EEXIST)
        return AW_YES;
    int without = with == EINVAL ? try_one(user, RULE, strlen(RULE)) : with;
    return without == 0 || without == EEXIST ? AW_NO : AW_UNKNOWN;
}

static int try_in(void *user, const char *text, size_t len)
{
    struct aw_instance *inst = user;
    struct aw_err err = AW_ERR_INIT;
    _cleanup_close_ int fd =
        openat(aw_instance_fd(inst), "register", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || write(fd, text, len) < 0)
        return errno;
    aw_instance_remove(inst, NAME, &err);
    return 0;
}

bool probe_map_root(uid_t uid, gid_t gid)
{
    char map[32];
    if (!file_poke(AT_FDCWD, "/proc/self/setgroups", "deny", NULL))
        return false;
    snprintf(map, sizeof(map), "0 %u 1", uid);
    if (!file_poke(AT_FDCWD, "/proc/self/uid_map", map, NULL))
        return false;
    snprintf(map, sizeof(map), "0 %u 1", gid);
    return file_poke(AT_FDCWD, "/proc/self/gid_map", map, NULL);
}

/* safe because the namespaces are new and end with this process, and the instance with them */
static enum aw_answer in_child(unsigned flag)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    struct aw_err err = AW_ERR_INIT;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || !probe_map_root(uid, gid))
        return AW_UNKNOWN;
    struct aw_instance *inst = aw_instance_open_new(&err);
    return inst ? probe_flag(flag, try_in, inst) : AW_UNKNOWN;
}

enum aw_answer aw_kernel_has_flag(unsigned flag)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(in_child(flag));
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) <= AW_UNKNOWN
               ? (enum aw_answer)WEXITSTATUS(status)
               : AW_UNKNOWN;
}
