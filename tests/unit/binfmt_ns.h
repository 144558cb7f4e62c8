/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests that need an instance of their own: move the test program into a user and a mount
 * namespace, once.
 */
#ifndef TEST_BINFMT_NS_H
#define TEST_BINFMT_NS_H

#include "test.h"

#include <archway/instance.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

static bool ns_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Unshare; the caller's id becomes 0 inside. Also used for nested ones. */
static bool ns_enter(void)
{
    char uid[40], gid[40];
    snprintf(uid, sizeof(uid), "0 %u 1", (unsigned)geteuid());
    snprintf(gid, sizeof(gid), "0 %u 1", (unsigned)getegid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && ns_write("/proc/self/setgroups", "deny") &&
           ns_write("/proc/self/uid_map", uid) && ns_write("/proc/self/gid_map", gid);
}

/* The program's own instance, emptied and switched on; skips the test where there can be none. */
static struct aw_instance *ns_instance(void)
{
    static struct aw_instance *inst;
    static bool entered;
    struct aw_err err = AW_ERR_INIT;
    if (!entered && !ns_enter())
        TEST_SKIP("no user namespaces here");
    entered = true;
    if (!inst)
        inst = aw_instance_open_new(&err);
    if (!inst && err.code == AW_E_UNSUPPORTED)
        TEST_SKIP("this kernel has no binfmt_misc for user namespaces (before 6.7)");
    if (!inst)
        TEST_FAIL("%s", err.message);
    CHECK_OK(aw_instance_clear(inst, &err), err);
    CHECK_OK(aw_instance_set_status(inst, true, &err), err);
    return inst;
}

#endif
