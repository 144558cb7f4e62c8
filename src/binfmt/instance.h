/* SPDX-License-Identifier: Apache-2.0
 *
 * What binfmt's files share about instances.
 */
#ifndef BINFMT_INSTANCE_H
#define BINFMT_INSTANCE_H

#include <archway/instance.h>

struct aw_instance {
    int fd; /* the mount's root, open; owned */
};

/* Open `register` for one write; -1 on failure. */
int instance_open_register(const struct aw_instance *inst, struct aw_err *err);
/* Say why the kernel refused text with errno how; returns false. */
bool instance_explain(const void *text, size_t len, int how, struct aw_err *err);
/* The code that goes with an errno. */
enum aw_code instance_code(int how);

#endif
