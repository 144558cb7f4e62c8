/* SPDX-License-Identifier: Apache-2.0
 *
 * Which flags a kernel takes, found out by registering a rule that can match nothing.
 */
#ifndef BINFMT_PROBE_H
#define BINFMT_PROBE_H

#include <archway/instance.h>

#include <sys/types.h>

/* Write the register string somewhere and take the rule away again: 0, or the kernel's errno. */
typedef int probe_register(void *user, const char *text, size_t len);

enum aw_answer probe_flag(unsigned flag, probe_register *try_one, void *user);

/* In a user namespace that this process has just made: its caller, uid and gid outside, is root. */
bool probe_map_root(uid_t uid, gid_t gid);

#endif
