/* SPDX-License-Identifier: Apache-2.0
 *
 * Mounts by descriptor: open_tree(2), move_mount(2), mount_setattr(2). Raw system calls where the
 * C library (Debian 12's has the wrappers, older ones do not) may lack them.
 */
#ifndef BASE_MOUNTFD_H
#define BASE_MOUNTFD_H

#include <stdbool.h>
#include <stdint.h>

/* A detached copy of the mount at dirfd/path (an empty path: dirfd itself), with all that is
 * mounted below if recursive; -1 and errno. Needs CAP_SYS_ADMIN over the caller's mount namespace.
 */
int mountfd_clone(int dirfd, const char *path, bool recursive);
/* Attach tree at path (existing, of the same kind: folder or file); 0 or -1 and errno. */
int mountfd_attach(int tree, int dirfd, const char *path);
/* Set and clear attributes (MOUNT_ATTR_*) of a mount; 0 or -1 and errno. */
int mountfd_set(int tree, uint64_t set, uint64_t clear, bool recursive);
/* Make all of a tree read-only; 0 or -1 and errno (ENOSYS before Linux 5.12). */
int mountfd_readonly(int tree);
/* Map ids of an attached-nowhere mount by a user namespace's descriptor; 0 or -1 and errno. */
int mountfd_idmap(int tree, int userns_fd, bool recursive);

#endif
