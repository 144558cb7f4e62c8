/* SPDX-License-Identifier: Apache-2.0
 *
 * The container's network: pasta (user-mode networking), none, or the host's.
 */
#ifndef BOX_NETWORK_H
#define BOX_NETWORK_H

#include "box/box.h"

#include <sys/types.h>

/* The address at which pasta answers DNS inside, for hosts whose own resolver is on loopback. */
#define NETWORK_DNS "169.254.1.1"

struct network {
    enum box_network kind; /* never BOX_NET_AUTO */
    bool dns_forward;      /* the host's resolver is on loopback: pasta answers at NETWORK_DNS */
    bool may_fall_back;    /* it was BOX_NET_AUTO: a pasta that fails is a note, no error */
};

/* Decide, by looking whether pasta is there and /dev/net/tun can be opened. A choice other than
 * what was asked for is an error, except for auto: then it is none, and why is AW_LOG_NOTE. */
bool network_plan(const struct box_options *opt, const struct box_world *world, struct network *ret,
                  struct aw_err *err);

struct network_target {
    pid_t pid; /* a process of the network namespace, in this pid namespace */
    const char
        *stage; /* private folder: the namespaces are bound there, and pasta's log goes there */
};

/* Connect the container's network namespace before its program starts. */
bool network_start(struct network *net, const struct box_options *opt,
                   const struct network_target *target, const struct aw_log *log,
                   struct aw_err *err);

#endif
