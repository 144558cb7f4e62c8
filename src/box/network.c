/* SPDX-License-Identifier: Apache-2.0
 *
 * pasta connects a container's network namespace to the host's sockets without privileges. It runs
 * below the holder (same pid namespace: it ends with the container) in the host's network
 * namespace.
 */
#include "box/network.h"

#include "base/file.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <arpa/inet.h>

#define PASTA_TIMEOUT_MS 10000

/* Why pasta cannot work here, or NULL; mend gets the command. */
static const char *pasta_lacks(const struct box_world *world, const char **mend)
{
    _cleanup_free_ char *pasta = spawn_find("pasta", world->path);
    if (!pasta) {
        *mend = "sudo apt install passt";
        return "pasta is not installed";
    }
    _cleanup_close_ int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (tun < 0) {
        *mend = errno == EACCES ? "sudo chmod 666 /dev/net/tun (most distributions have it so)"
                                : "sudo modprobe tun";
        return errno == EACCES ? "/dev/net/tun may not be opened"
                               : "/dev/net/tun does not exist or does not work";
    }
    return NULL;
}

/* Is the host's first resolver reachable through its loopback only (systemd-resolved, dnsmasq)? */
static bool resolver_on_loopback(void)
{
    struct aw_err ignored = AW_ERR_INIT;
    _cleanup_free_ char *text = file_load(AT_FDCWD, "/etc/resolv.conf", 1 << 16, NULL, &ignored);
    for (char *save = NULL, *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        char server[64];
        if (sscanf(line, " nameserver %63s", server) == 1)
            return str_starts(server, "127.") || str_eq(server, "::1");
    }
    return true; /* none: the C library asks 127.0.0.1 */
}

bool network_plan(const struct box_options *opt, const struct box_world *world, struct network *ret,
                  struct aw_err *err)
{
    struct network net = {.kind = opt->network};
    if (opt->network == BOX_NET_AUTO || opt->network == BOX_NET_PASTA) {
        const char *mend = "", *lack = pasta_lacks(world, &mend);
        net.kind = lack ? BOX_NET_NONE : BOX_NET_PASTA;
        net.dns_forward = resolver_on_loopback();
        net.may_fall_back = opt->network == BOX_NET_AUTO && opt->n_ports == 0;
        if (lack && !net.may_fall_back) {
            aw_fail(err, AW_E_UNSUPPORTED, 0, "%s: %s",
                    opt->n_ports ? "publishing ports needs pasta" : "network pasta", lack);
            return aw_mend(err, "%s; or use --network none or --network host", mend);
        }
        if (lack)
            aw_log(world->log, AW_LOG_NOTE,
                   "no network in the container: %s; mend it with: %s (or choose --network host or "
                   "none)",
                   lack, mend);
    } else if (opt->n_ports) {
        return aw_fail(err, AW_E_ARG, 0, "ports can be published with --network pasta only");
    }
    *ret = net;
    return true;
}

/* ---- ports that are taken ----------------------------------------------------------------------
 *
 * pasta fails only where it can bind nothing of a -p at all: one address family of two, or one port
 * of a range, is enough for it. So each is tried first.
 */

/* Listen there for a moment. False with errno. */
static bool try_address(const struct sockaddr *a, socklen_t len, bool udp)
{
    const int on = 1;
    _cleanup_close_ int fd =
        socket(a->sa_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (a->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    /* connections that wait for their end do not count; udp would share the port with it */
    if (!udp)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    bool ok = bind(fd, a, len) == 0 && (udp || listen(fd, 1) == 0);
    int why = errno;
    util_close(util_steal_fd(&fd));
    errno = why;
    return ok;
}

/* Try one port at host_ip, or at all addresses where it is NULL. */
static bool try_port(const struct box_port *p, uint16_t port, struct aw_err *err)
{
    static const char *const any[] = {"0.0.0.0", "::"};
    for (size_t i = 0; i < (p->host_ip ? 1 : AW_LEN(any)); i++) {
        const char *ip = p->host_ip ? p->host_ip : any[i];
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        bool is_v4 = inet_pton(AF_INET, ip, &v4.sin_addr) == 1;
        if (!is_v4 && inet_pton(AF_INET6, ip, &v6.sin6_addr) != 1)
            continue;
        if (is_v4 ? try_address((const struct sockaddr *)&v4, sizeof(v4), p->udp)
                  : try_address((const struct sockaddr *)&v6, sizeof(v6), p->udp))
            continue;
        /* a machine without IPv6 */
        if (!p->host_ip && !is_v4 && errno != EADDRINUSE && errno != EACCES)
            continue;
        int why = errno;
        aw_fail(err, why == EACCES ? AW_E_PERM : AW_E_EXIST, why, "-p: listen at %s, %s port %u",
                ip, p->udp ? "udp" : "tcp", port);
        if (why == EACCES)
            return aw_mend(err,
                           "take one from 1024 up, or: sudo sysctl -w "
                           "net.ipv4.ip_unprivileged_port_start=%u",
                           port);
        if (why == EADDRINUSE)
            return aw_mend(err, "take another one, or end what has it: ss -lnp%s sport = :%u",
                           p->udp ? "u" : "t", port);
        return false;
    }
    return true;
}

static bool try_ports(const struct box_options *opt, struct aw_err *err)
{
    for (size_t i = 0; i < opt->n_ports; i++)
        for (unsigned k = 0; k < opt->ports[i].count; k++)
            if (!try_port(&opt->ports[i], (uint16_t)(opt->ports[i].host + k), err))
                return false;
    return true;
}

/* ---- pasta ------------------------------------------------------------------------------------
 */

static bool add_port(struct strv *argv, const struct box_port *p)
{
    char addr[80] = "";
    if (p->host_ip)
        snprintf(addr, sizeof(addr), "%s/", p->host_ip);
    unsigned last = p->count - 1u;
    if (!strv_add(argv, p->udp ? "-u" : "-t"))
        return false;
    if (last)
        return strv_addf(argv, "%s%u-%u:%u-%u", addr, p->host, p->host + last, p->container,
                         p->container + last);
    return strv_addf(argv, "%s%u:%u", addr, p->host, p->container);
}

static bool pasta_args(struct strv *argv, const struct network *net, const struct box_options *opt,
                       const struct network_target *target)
{
    static const char *const fixed[] = {"pasta", "--config-net", "-q", "--no-map-gw",
                                        "-T",    "none",         "-U", "none"};
    bool ok = true, tcp = false, udp = false;
    for (size_t i = 0; ok && i < AW_LEN(fixed); i++)
        ok = strv_add(argv, fixed[i]);
    /* only where it is needed: the host's resolver cannot be asked directly beside it, because
     * answers of its come from this address then */
    if (net->dns_forward)
        ok = ok && strv_add(argv, "--dns-forward") && strv_add(argv, NETWORK_DNS);
    for (size_t i = 0; ok && i < opt->n_ports; i++) {
        ok = add_port(argv, &opt->ports[i]);
        *(opt->ports[i].udp ? &udp : &tcp) = true;
    }
    ok = ok && (tcp || (strv_add(argv, "-t") && strv_add(argv, "none")));
    ok = ok && (udp || (strv_add(argv, "-u") && strv_add(argv, "none")));
    return ok && strv_add(argv, "-l") && strv_addf(argv, "%s/pasta.log", target->stage) &&
           strv_add(argv, "--userns") && strv_addf(argv, "%s/ns-user", target->stage) &&
           strv_add(argv, "--netns") && strv_addf(argv, "%s/ns-net", target->stage);
}

/* pasta has given up the right to look into another process's /proc by the time it opens the
 * namespaces: bind them to files that anybody below may open. */
static bool bind_namespaces(const struct network_target *t, struct aw_err *err)
{
    static const char *const names[] = {"user", "net"};
    for (size_t i = 0; i < AW_LEN(names); i++) {
        char from[64], to[64];
        snprintf(from, sizeof(from), "/proc/%d/ns/%s", (int)t->pid, names[i]);
        snprintf(to, sizeof(to), "%s/ns-%s", t->stage, names[i]);
        _cleanup_close_ int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || mount(from, to, NULL, MS_BIND, NULL) < 0)
            return aw_fail(err, AW_E_IO, errno, "bind the %s namespace", names[i]);
    }
    return true;
}

/* The line of pasta's log that says why, or "". */
static char *complaint(const char *stage)
{
    struct aw_err ignored = AW_ERR_INIT;
    _cleanup_free_ char *path = str_printf("%s/pasta.log", stage);
    if (!path)
        return NULL;
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, 65536, NULL, &ignored);
    char *hit = text ? strstr(text, "ERROR:") : NULL;
    if (!hit)
        return strdup("");
    hit += strlen("ERROR:");
    hit += strspn(hit, " ");
    hit[strcspn(hit, "\n")] = '\0';
    return strdup(hit);
}

bool network_start(struct network *net, const struct box_options *opt,
                   const struct network_target *target, const struct aw_log *log,
                   struct aw_err *err)
{
    if (net->kind != BOX_NET_PASTA)
        return true;
    _cleanup_strv_ struct strv argv = {0};
    if (!try_ports(opt, err) || !bind_namespaces(target, err))
        return false;
    if (!pasta_args(&argv, net, opt, target))
        return aw_fail(err, AW_E_NOMEM, 0, "start pasta: out of memory");
    /* pasta goes to the background when the network is up; it must not keep a pipe of ours open */
    _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct spawn s = {.argv = (const char *const *)argv.v,
                      .stdout_fd = null,
                      .stderr_fd = null,
                      .timeout_ms = PASTA_TIMEOUT_MS};
    struct aw_err why = AW_ERR_INIT;
    _cleanup_spawn_ struct spawn_result r = {0};
    if (spawn_run(&s, &r, &why) && r.status == 0)
        return true;
    if (why.code == AW_OK) {
        _cleanup_free_ char *words = complaint(target->stage);
        aw_fail(&why, AW_E_CHILD, 0, "pasta failed with status %d: %s", r.status,
                words ? words : "");
    }
    if (net->may_fall_back) {
        aw_log(log, AW_LOG_WARN, "no network in the container: %s", why.message);
        net->kind = BOX_NET_NONE;
        return true;
    }
    if (err)
        *err = why;
    aw_context(err, "connect the container's network");
    return aw_mend(err, "use --network none or --network host");
}
