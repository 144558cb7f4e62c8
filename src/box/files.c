/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of a container's resolv.conf, hosts and hostname.
 */
#include "box/files.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>

#define SERVERS_MAX 3 /* resolv.conf(5): MAXNS */
#define SEARCH_MAX 32

static bool is_address(const char *s, int *ret_family)
{
    unsigned char bytes[16];
    char bare[INET6_ADDRSTRLEN + 1];
    size_t n = strcspn(s, "%"); /* fe80::1%eth0 */
    if (n >= sizeof(bare))
        return false;
    memcpy(bare, s, n);
    bare[n] = 0;
    int family = strchr(bare, ':') ? AF_INET6 : AF_INET;
    if (ret_family)
        *ret_family = family;
    return (s[n] == 0 || family == AF_INET6) && inet_pton(family, bare, bytes) == 1;
}

static bool is_loopback(const char *s)
{
    return str_starts(s, "127.") || str_eq(s, "::1") || str_starts(s, "::ffff:127.");
}

/* What the host's resolv.conf says. */
struct resolver {
    struct strv servers; /* addresses */
    struct strv search;  /* domains */
    struct strv options; /* words after "options" */
};

static void resolver_fini(struct resolver *r)
{
    strv_fini(&r->servers);
    strv_fini(&r->search);
    strv_fini(&r->options);
}

static bool add_words(struct strv *list, char *text)
{
    char *word;
    while ((word = strsep(&text, " \t")))
        if (*word && list->n < SEARCH_MAX && !strv_add(list, word))
            return false;
    return true;
}

/* Unknown lines and what is no address are skipped, as the C library does. */
static bool read_resolv_conf(const char *text, struct resolver *r)
{
    _cleanup_free_ char *copy = strdup(text);
    char *rest = copy;
    if (!copy)
        return false;
    for (char *line; (line = strsep(&rest, "\n"));) {
        line[strcspn(line, "#;\r")] = 0;
        char *key = strsep(&line, " \t");
        if (!line)
            continue;
        if (str_eq(key, "nameserver")) {
            line += strspn(line, " \t");
            line[strcspn(line, " \t")] = 0;
            if (is_address(line, NULL) && !strv_add(&r->servers, line))
                return false;
        } else if (str_eq(key, "search") || str_eq(key, "domain")) {
            strv_fini(&r->search); /* the last line counts */
            if (!add_words(&r->search, line))
                return false;
        } else if (str_eq(key, "options") && !add_words(&r->options, line)) {
            return false;
        }
    }
    return true;
}

/* The servers that work inside: loopback ones are the host's own, which the network may forward. */
static bool usable_servers(const struct files_input *in, const struct strv *from, struct strv *ret)
{
    for (size_t i = 0; i < from->n; i++) {
        const char *s = from->v[i];
        if (is_loopback(s) && !in->host_network)
            s = in->dns_forward;
        if (s && !strv_has(ret, s) && !strv_add(ret, s))
            return false;
    }
    if (ret->n == 0 && in->dns_forward && !in->host_network)
        return strv_add(ret, in->dns_forward);
    return true;
}

static bool check_dns(const struct box_options *o, struct aw_err *err)
{
    for (size_t i = 0; i < o->dns.n; i++)
        if (!is_address(o->dns.v[i], NULL))
            return aw_fail(err, AW_E_ARG, 0, "--dns %s: it is no address", o->dns.v[i]);
    for (size_t i = 0; i < o->dns_search.n; i++) {
        const char *s = o->dns_search.v[i];
        if (!*s || strpbrk(s, " \t\r\n#;"))
            return aw_fail(err, AW_E_ARG, 0, "--dns-search \"%s\": it is no domain", s);
    }
    return true;
}

static void add_line(struct buf *b, const char *key, const struct strv *words)
{
    if (words->n == 0)
        return;
    buf_adds(b, key);
    for (size_t i = 0; i < words->n; i++)
        buf_addf(b, " %s", words->v[i]);
    buf_addc(b, '\n');
}

bool files_resolv_conf(const struct files_input *in, struct buf *ret, struct aw_err *err)
{
    const struct box_options *o = in->options;
    __attribute__((cleanup(resolver_fini))) struct resolver r = {0};
    _cleanup_strv_ struct strv servers = {0};
    if (!check_dns(o, err))
        return false;
    bool ok = !in->resolv_conf || read_resolv_conf(in->resolv_conf, &r);
    if (!in->network)
        buf_adds(ret, "# this container has no network\n");
    else if (ok)
        ok = usable_servers(in, &r.servers, &servers);
    const struct strv *list = o->dns.n ? &o->dns : &servers;
    for (size_t i = 0; in->network && i < list->n && i < SERVERS_MAX; i++)
        buf_addf(ret, "nameserver %s\n", list->v[i]);
    if (o->dns_search.n == 1 && str_eq(o->dns_search.v[0], "."))
        strv_fini(&r.search); /* Docker's word for none */
    else
        add_line(ret, "search", o->dns_search.n ? &o->dns_search : &r.search);
    add_line(ret, "options", &r.options);
    return (ok && buf_ok(ret)) || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

static bool good_host_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("-._", s[i]) && !((unsigned char)s[i] & 0x80))
            return false;
    return n > 0;
}

/* "name:address", also "name=address"; several names may be separated by ";" as in Podman. */
static bool add_host(const struct files_input *in, const char *text, struct buf *ret,
                     struct aw_err *err)
{
    size_t n = strcspn(text, ":=");
    const char *address = text[n] ? text + n + 1 : "";
    char bare[INET6_ADDRSTRLEN + 2];
    if (!text[n])
        return aw_fail(err, AW_E_ARG, 0, "--add-host %s: the form is NAME:ADDRESS", text);
    size_t len = strlen(address);
    if (address[0] == '[' && len > 2 && len < sizeof(bare) && address[len - 1] == ']') {
        memcpy(bare, address + 1, len - 2);
        bare[len - 2] = 0;
        address = bare;
    }
    if (str_eq(address, "host-gateway")) {
        if (!in->host_gateway)
            return aw_fail(err, AW_E_UNSUPPORTED, 0,
                           "--add-host %s: the host cannot be reached from this network", text);
        address = in->host_gateway;
    }
    if (!is_address(address, NULL))
        return aw_fail(err, AW_E_ARG, 0, "--add-host %s: \"%s\" is no address", text, address);
    buf_addf(ret, "%s\t", address);
    for (const char *name = text, *end = text + n; name < end;) {
        size_t part = strcspn(name, ";:=");
        if (!good_host_name(name, part))
            return aw_fail(err, AW_E_ARG, 0, "--add-host %s: \"%.*s\" is no host name", text,
                           (int)part, name);
        buf_addf(ret, "%s%.*s", name == text ? "" : " ", (int)part, name);
        name += part + 1;
    }
    if (n == 0)
        return aw_fail(err, AW_E_ARG, 0, "--add-host %s: the name is missing", text);
    buf_addc(ret, '\n');
    return true;
}

bool files_hosts(const struct files_input *in, struct buf *ret, struct aw_err *err)
{
    const struct box_options *o = in->options;
    buf_adds(ret, "127.0.0.1\tlocalhost\n"
                  "::1\tlocalhost ip6-localhost ip6-loopback\n"
                  "fe00::\tip6-localnet\n"
                  "ff00::\tip6-mcastprefix\n"
                  "ff02::1\tip6-allnodes\n"
                  "ff02::2\tip6-allrouters\n");
    for (size_t i = 0; i < o->add_hosts.n; i++)
        if (!add_host(in, o->add_hosts.v[i], ret, err))
            return false;
    if (in->host_gateway)
        buf_addf(ret, "%s\thost.containers.internal host.docker.internal\n", in->host_gateway);
    if (*in->hostname && !str_eq(in->hostname, "localhost"))
        buf_addf(ret, "%s\t%s\n", in->address ? in->address : "127.0.1.1", in->hostname);
    return buf_ok(ret) || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

/* Mode 0644 whatever the caller's umask: every user of the container reads them. */
static bool save(int dir_fd, const char *name, const struct buf *text, struct aw_err *err)
{
    if (!buf_ok(text))
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    if (!file_swap(dir_fd, name, buf_str(text), text->len, 0644, err))
        return false;
    return fchmodat(dir_fd, name, 0644, 0) == 0 || aw_fail(err, AW_E_IO, errno, "chmod %s", name);
}

bool files_write(const struct files_input *in, int dir_fd, struct aw_err *err)
{
    _cleanup_buf_ struct buf resolv = {0}, hosts = {0}, name = {0};
    buf_addf(&name, "%s\n", in->hostname);
    return files_resolv_conf(in, &resolv, err) && files_hosts(in, &hosts, err) &&
           save(dir_fd, "resolv.conf", &resolv, err) && save(dir_fd, "hosts", &hosts, err) &&
           save(dir_fd, "hostname", &name, err);
}
