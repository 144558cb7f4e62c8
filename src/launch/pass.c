/* SPDX-License-Identifier: Apache-2.0
 *
 * Scripts and ELF programs that happen to be called something.com: started as if the rule for that
 * extension were not there.
 */
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/syscall.h>

#define LINE 256 /* bytes of a #! line that the kernel looks at */

int launch_elf(const struct launch *l)
{
    struct strv words = {0};
    bool ok = strv_add(&words, l->argv0);
    for (const char *const *p = l->args; *p && ok; p++)
        ok = strv_add(&words, *p);
    if (!ok)
        return launch_refuse(l, "no memory");
    /* by descriptor, so that there is no name with an extension */
    syscall(SYS_execveat, l->fd, "", words.v, l->env, AT_EMPTY_PATH);
    return launch_refuse(l, "start it: %s", strerror(errno));
}

int launch_script(const struct launch *l)
{
    char line[LINE + 1];
    ssize_t n = pread(l->fd, line, LINE, 0);
    if (n < 2)
        return launch_refuse(l, "cannot be read");
    line[n] = 0;
    char *end = strchr(line, '\n');
    char *p = line + 2 + strspn(line + 2, " \t");
    if (!end && n == LINE && !strpbrk(p, " \t"))
        return launch_refuse(l, "a script whose first line is too long");
    if (end)
        *end = 0;
    size_t len = strlen(p);
    while (len > 0 && strchr(" \t", p[len - 1]))
        p[--len] = 0;
    char *argument = p + strcspn(p, " \t");
    if (*argument) {
        *argument++ = 0;
        argument += strspn(argument, " \t");
    }
    if (!*p)
        return launch_refuse(l, "a script that names no interpreter");
    struct strv words = {0};
    bool ok = strv_add(&words, p) && (!*argument || strv_add(&words, argument)) &&
              strv_add(&words, l->file);
    for (const char *const *a = l->args; *a && ok; a++)
        ok = strv_add(&words, *a);
    if (!ok)
        return launch_refuse(l, "no memory");
    execve(p, words.v, (char *const *)l->env);
    return launch_refuse(l, "interpreter %s: %s", p, strerror(errno));
}
