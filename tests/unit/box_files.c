/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/file.h"
#include "box/files.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char host[] = "# by hand\n"
                           "nameserver 127.0.0.53\n"
                           "nameserver\t192.0.2.1 # comment\n"
                           "nameserver nonsense\n"
                           "nameserver fe80::1%eth0\n"
                           "nameserver 192.0.2.1\n"
                           "domain old.example\n"
                           "search a.example b.example\n"
                           "options edns0 trust-ad\n"
                           "sortlist 1.2.3.4\n";

static char *resolv(struct files_input *in)
{
    struct buf b = {0};
    struct aw_err err = AW_ERR_INIT;
    in->hostname = "boxy";
    CHECK_OK(files_resolv_conf(in, &b, &err), err);
    char *text = buf_steal(&b);
    return text ? text : strdup("");
}

TEST(resolv_conf)
{
    struct box_options o = {0};
    struct files_input in = {.options = &o, .network = true, .resolv_conf = host};
    _cleanup_free_ char *dropped = resolv(&in);
    CHECK_STR(dropped, "nameserver 192.0.2.1\nnameserver fe80::1%eth0\nsearch a.example b.example\n"
                       "options edns0 trust-ad\n");
    in.dns_forward = "169.254.1.1";
    _cleanup_free_ char *forwarded = resolv(&in);
    CHECK_CONTAINS(forwarded, "nameserver 169.254.1.1\nnameserver 192.0.2.1\n");
    in.resolv_conf = NULL;
    _cleanup_free_ char *none = resolv(&in);
    CHECK_STR(none, "nameserver 169.254.1.1\n");
    in.resolv_conf = host;
    in.host_network = true;
    _cleanup_free_ char *same = resolv(&in);
    CHECK_CONTAINS(same, "nameserver 127.0.0.53\nnameserver 192.0.2.1\n");
    in.host_network = in.network = false;
    _cleanup_free_ char *off = resolv(&in);
    CHECK(!strstr(off, "nameserver"));
}

TEST(resolv_conf_options)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    struct buf b = {0};
    struct files_input in = {.options = &o, .network = true, .resolv_conf = host, .hostname = "b"};
    CHECK(strv_add(&o.dns, "127.0.0.1") && strv_add(&o.dns, "2001:db8::1"));
    CHECK(strv_add(&o.dns_search, "c.example"));
    _cleanup_free_ char *given = resolv(&in);
    CHECK_STR(given, "nameserver 127.0.0.1\nnameserver 2001:db8::1\nsearch c.example\n"
                     "options edns0 trust-ad\n");
    strv_fini(&o.dns_search);
    CHECK(strv_add(&o.dns_search, "."));
    _cleanup_free_ char *no_search = resolv(&in);
    CHECK(!strstr(no_search, "search"));
    CHECK(strv_add(&o.dns_search, "x\nnameserver 6.6.6.6"));
    CHECK(!files_resolv_conf(&in, &b, &err));
    CHECK_CONTAINS(err.message, "no domain");
    strv_fini(&o.dns_search);
    CHECK(strv_add(&o.dns, "ns.example"));
    CHECK(!files_resolv_conf(&in, &b, &err));
    CHECK_CONTAINS(err.message, "ns.example");
    buf_fini(&b);
    box_options_fini(&o);
}

TEST(hosts)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    _cleanup_buf_ struct buf b = {0};
    struct files_input in = {.options = &o, .network = true, .hostname = "boxy"};
    CHECK(strv_add(&o.add_hosts, "db:192.0.2.7") && strv_add(&o.add_hosts, "six:2001:db8::6") &&
          strv_add(&o.add_hosts, "six2:[2001:db8::7]") && strv_add(&o.add_hosts, "a;b=192.0.2.8") &&
          strv_add(&o.add_hosts, "gw:host-gateway"));
    CHECK(!files_hosts(&in, &b, &err));
    CHECK_CONTAINS(err.message, "gw:host-gateway");
    buf_fini(&b);
    b = (struct buf){0};
    in.host_gateway = "192.0.2.254";
    CHECK_OK(files_hosts(&in, &b, &err), err);
    CHECK_CONTAINS(buf_str(&b), "127.0.0.1\tlocalhost\n::1\tlocalhost ");
    CHECK_CONTAINS(buf_str(&b),
                   "192.0.2.7\tdb\n2001:db8::6\tsix\n2001:db8::7\tsix2\n192.0.2.8\ta b\n"
                   "192.0.2.254\tgw\n192.0.2.254\thost.containers.internal");
    CHECK_CONTAINS(buf_str(&b), "127.0.1.1\tboxy\n");
    box_options_fini(&o);
}

TEST(bad_hosts)
{
    static const char *const bad[] = {"db",          "db:",          ":192.0.2.7",  "db:host",
                                      "d b:1.2.3.4", "d\nb:1.2.3.4", "a;;b:1.2.3.4"};
    for (size_t i = 0; i < AW_LEN(bad); i++) {
        struct box_options o = {0};
        struct aw_err err = AW_ERR_INIT;
        _cleanup_buf_ struct buf b = {0};
        struct files_input in = {.options = &o, .network = true, .hostname = "boxy"};
        CHECK(strv_add(&o.add_hosts, bad[i]));
        if (files_hosts(&in, &b, &err))
            TEST_FAIL("\"%s\" was accepted", bad[i]);
        CHECK_CONTAINS(err.message, "--add-host");
        box_options_fini(&o);
    }
}

TEST(written)
{
    char dir[] = "/tmp/box_files.XXXXXX";
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    struct files_input in = {.options = &o, .hostname = "boxy"};
    static const char *const names[] = {"resolv.conf", "hosts", "hostname"};
    struct stat st;
    CHECK(mkdtemp(dir));
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mode_t old = umask(077);
    CHECK_OK(files_write(&in, fd, &err), err);
    umask(old);
    _cleanup_free_ char *name = file_load(fd, "hostname", 100, NULL, &err);
    CHECK_STR(name, "boxy\n");
    for (size_t i = 0; i < AW_LEN(names); i++) {
        CHECK_INT(fstatat(fd, names[i], &st, 0), 0);
        CHECK_INT(st.st_mode & 0777, 0644); /* every user of the container reads them */
        unlinkat(fd, names[i], 0);
    }
    close(fd);
    rmdir(dir);
}

TEST_MAIN()
