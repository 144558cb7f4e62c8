/* SPDX-License-Identifier: Apache-2.0
 *
 * Text forms of --ulimit and --publish.
 */
#include "box/options.h"
#include "box/options_text.h"

#include <arpa/inet.h>
#include <strings.h>

static bool limit_known(const char *name)
{
    static const char *const known[] = {
        "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
        "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",
    };
    for (size_t i = 0; i < AW_LEN(known); i++)
        if (str_eq(name, known[i]))
            return true;
    return false;
}

static bool limit_value(const char *text, uint64_t *ret)
{
    unsigned long long v;
    if (str_eq(text, "-1") || str_eq(text, "unlimited")) {
        *ret = UINT64_MAX;
        return true;
    }
    if (!str_to_u64(text, 0, INT64_MAX, &v))
        return false;
    *ret = v;
    return true;
}

/* The place for this limit: a later --ulimit of the same name wins. */
static struct box_ulimit *limit_slot(struct box_options *o, const char *name)
{
    for (size_t i = 0; i < o->n_ulimits; i++)
        if (str_eq(o->ulimits[i].name, name))
            return &o->ulimits[i];
    struct box_ulimit *more = opt_grow(o->ulimits, o->n_ulimits, sizeof(*more));
    if (!more)
        return NULL;
    o->ulimits = more;
    more[o->n_ulimits].name = strdup(name);
    return more[o->n_ulimits].name ? &more[o->n_ulimits++] : NULL;
}

bool box_parse_ulimit(struct box_options *o, const char *text, struct aw_err *err)
{
    uint64_t soft, hard;
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return opt_bad(err, text, "the form is NAME=SOFT[:HARD]");
    _cleanup_free_ char *name = strndup(text, (size_t)(equals - text));
    const char *colon = strchr(equals, ':');
    _cleanup_free_ char *first =
        colon ? strndup(equals + 1, (size_t)(colon - equals - 1)) : strdup(equals + 1);
    if (!name || !first)
        return opt_nomem(err);
    if (!limit_known(name))
        return opt_bad(err, text,
                       "unknown limit \"%s\"; see setrlimit(2): nofile, nproc, core, ...", name);
    if (!limit_value(first, &soft) || !limit_value(colon ? colon + 1 : first, &hard))
        return opt_bad(err, text, "a limit is a number, or -1 for no limit");
    if (soft > hard)
        return opt_bad(err, text, "the soft limit is above the hard one");
    struct box_ulimit *u = limit_slot(o, name);
    if (!u)
        return opt_nomem(err);
    u->soft = soft;
    u->hard = hard;
    return true;
}

/* "8000" or "8000-8010". */
static bool port_range(const char *text, uint16_t *ret_first, uint16_t *ret_count)
{
    unsigned long long first, last;
    const char *dash = strchr(text, '-');
    _cleanup_free_ char *low = dash ? strndup(text, (size_t)(dash - text)) : strdup(text);
    if (!low || !str_to_u64(low, 1, 65535, &first) ||
        !str_to_u64(dash ? dash + 1 : low, 1, 65535, &last) || last < first)
        return false;
    *ret_first = (uint16_t)first;
    *ret_count = (uint16_t)(last - first + 1);
    return true;
}

/* Cut "[v6]:" or "v4:" off the front; *rest is what follows. NULL address: none was there. */
static bool cut_address(const char *text, char **ret_address, const char **rest, struct aw_err *err)
{
    unsigned char bytes[16];
    const char *end, *start = text;
    int family = AF_INET;
    *rest = text;
    if (text[0] == '[') {
        family = AF_INET6;
        start = text + 1;
        end = strchr(text, ']');
        if (!end || end[1] != ':')
            return opt_bad(err, text, "an IPv6 address stands in brackets: [::1]:8080:80");
    } else {
        end = strchr(text, ':');
        if (!end || !strchr(end + 1, ':'))
            return true;
        if (strchr(strchr(end + 1, ':') + 1, ':'))
            return opt_bad(err, text,
                           "too many colons; an IPv6 address stands in brackets: "
                           "[::1]:8080:80");
    }
    *rest = family == AF_INET6 ? end + 2 : end + 1;
    if (end == start)
        return true; /* ":8080:80" is all addresses, as in Docker */
    _cleanup_free_ char *address = strndup(start, (size_t)(end - start));
    if (!address)
        return opt_nomem(err);
    if (inet_pton(family, address, bytes) != 1)
        return opt_bad(err, text, "\"%s\" is no address", address);
    *ret_address = AW_STEAL(address);
    return true;
}

static bool port_add(struct box_options *o, const struct box_port *p, char **address,
                     struct aw_err *err)
{
    struct box_port *more = opt_grow(o->ports, o->n_ports, sizeof(*more));
    if (!more)
        return opt_nomem(err);
    o->ports = more;
    more[o->n_ports] = *p;
    more[o->n_ports++].host_ip = AW_STEAL(*address);
    return true;
}

bool box_parse_publish(struct box_options *o, const char *text, struct aw_err *err)
{
    struct box_port p = {0};
    uint16_t count;
    const char *ports;
    _cleanup_free_ char *address = NULL;
    const char *slash = strchrnul(text, '/');
    _cleanup_free_ char *body = strndup(text, (size_t)(slash - text));
    if (!body)
        return opt_nomem(err);
    if (*slash && strcasecmp(slash + 1, "udp") == 0)
        p.udp = true;
    else if (*slash && strcasecmp(slash + 1, "tcp") != 0)
        return opt_bad(err, text, "unknown protocol \"%s\"; there are tcp and udp", slash + 1);
    if (!cut_address(body, &address, &ports, err))
        return false;
    const char *colon = strchr(ports, ':');
    if (!colon || colon == ports) {
        opt_bad(err, text, "the host's port is missing");
        return aw_mend(err, "name both: -p 8080:80");
    }
    _cleanup_free_ char *host = strndup(ports, (size_t)(colon - ports));
    if (!host)
        return opt_nomem(err);
    if (!port_range(host, &p.host, &p.count) || !port_range(colon + 1, &p.container, &count))
        return opt_bad(err, text, "a port is a number from 1 to 65535, or a range 8000-8010");
    if (p.count != count)
        return opt_bad(err, text, "the two ranges have different lengths (%u and %u)", p.count,
                       count);
    return port_add(o, &p, &address, err);
}
