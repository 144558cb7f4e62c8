/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of /etc/resolv.conf, /etc/hosts and /etc/hostname of a container, written into a private
 * folder from where they are bind-mounted.
 */
#ifndef BOX_FILES_H
#define BOX_FILES_H

#include "base/buf.h"
#include "box/options.h"

#include <archway/err.h>

struct files_input {
    const struct box_options *options; /* --dns, --dns-search, --add-host */
    const char *hostname;              /* the container's */
    bool network;                      /* false: loopback only; resolv.conf then names no server */
    const char *resolv_conf;           /* text of the host's resolv.conf, or NULL */
    const char *dns_forward;  /* address that the network forwards to the host's resolver, in place
                                 of loopback servers; NULL: these are dropped, except host_network */
    bool host_network;        /* the host's own network: loopback servers are kept */
    const char *host_gateway; /* address of the host seen from inside, for "host-gateway" in
                                 --add-host, and for host.containers.internal; or NULL */
    const char *address;      /* the container's own address for its name, or NULL: 127.0.1.1 */
};

/* The texts; false when an --add-host or --dns is malformed. */
bool files_resolv_conf(const struct files_input *in, struct buf *ret, struct aw_err *err);
bool files_hosts(const struct files_input *in, struct buf *ret, struct aw_err *err);
/* All three files into the folder: "resolv.conf", "hosts", "hostname", mode 0644. */
bool files_write(const struct files_input *in, int dir_fd, struct aw_err *err);

#endif
