/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mountfd.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

int mountfd_clone(int dirfd, const char *path, bool recursive)
{
    return (int)syscall(SYS_open_tree, dirfd, path,
                        (unsigned)(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                                   (*path ? 0 : AT_EMPTY_PATH) | (recursive ? AT_RECURSIVE : 0)));
}

int mountfd_attach(int tree, int dirfd, const char *path)
{
    return (int)syscall(SYS_move_mount, tree, "", dirfd, path, MOVE_MOUNT_F_EMPTY_PATH);
}

int mountfd_set(int tree, uint64_t set, uint64_t clear, bool recursive)
{
    struct mount_attr a = {.attr_set = set, .attr_clr = clear};
    return (int)syscall(SYS_mount_setattr, tree, "",
                        (unsigned)(AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0)), &a, sizeof(a));
}

int mountfd_readonly(int tree)
{
    return mountfd_set(tree, MOUNT_ATTR_RDONLY, 0, true);
}

int mountfd_idmap(int tree, int userns_fd, bool recursive)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns_fd};
    return (int)syscall(SYS_mount_setattr, tree, "",
                        (unsigned)(AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0)), &a, sizeof(a));
}
