/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/file.h"
#include "box/caps.h"
#include "box/options.h"

#include <fcntl.h>
#include <limits.h>

typedef bool parse_fn(struct box_options *o, const char *text, struct aw_err *err);

/* text must be refused, with a message that has word in it and begins with the text. */
static void refused(parse_fn *fn, const char *text, const char *word)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    if (fn(&o, text, &err))
        TEST_FAIL("\"%s\" was accepted", text);
    CHECK_CONTAINS(err.message, word);
    CHECK_CONTAINS(err.message, text);
    CHECK_INT(o.n_mounts + o.n_ports + o.n_ulimits + o.n_devices + o.env.n, 0);
    box_options_fini(&o);
}

TEST(volume)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    char cwd[PATH_MAX], want[PATH_MAX + 8];
    CHECK_OK(box_parse_volume(&o, "/a:/b", &err), err);
    CHECK_OK(box_parse_volume(&o, "/a:/b:ro,Z,rshared,noexec", &err), err);
    CHECK_OK(box_parse_volume(&o, "./x:/data", &err), err);
    CHECK_OK(box_parse_volume(&o, "/cache", &err), err);
    CHECK_INT(o.n_mounts, 4);
    CHECK_STR(o.mounts[0].source, "/a");
    CHECK_STR(o.mounts[0].target, "/b");
    CHECK(o.mounts[0].recursive && o.mounts[0].create_source && !o.mounts[0].readonly);
    CHECK(!o.mounts[0].propagation);
    CHECK(o.mounts[1].readonly && o.mounts[1].noexec && !o.mounts[1].nosuid);
    CHECK_STR(o.mounts[1].propagation, "rshared");
    CHECK(getcwd(cwd, sizeof(cwd)));
    snprintf(want, sizeof(want), "%s/./x", cwd);
    CHECK_STR(o.mounts[2].source, want);
    CHECK_INT(o.mounts[3].kind, BOX_MOUNT_VOLUME);
    CHECK(!o.mounts[3].source);
    CHECK_STR(o.mounts[3].target, "/cache");
    box_options_fini(&o);

    refused(box_parse_volume, "data:/b", "named volume");
    refused(box_parse_volume, "/a:b", "absolute");
    refused(box_parse_volume, "relative", "absolute");
    refused(box_parse_volume, "/a:/", "root itself");
    refused(box_parse_volume, "/a:/./", "root itself");
    refused(box_parse_volume, "/a:/b/..", "root itself");
    refused(box_parse_volume, "/a:/b/../c/.././..", "root itself");
    refused(box_parse_volume, "/a:/b:ro:rw", "too many colons");
    refused(box_parse_volume, "/a:/b:ro,rw", "contradict");
    refused(box_parse_volume, "/a:/b:U", "keep-id");
    refused(box_parse_volume, "/a:/b:O", "not supported");
    refused(box_parse_volume, "/a:/b:readwrite", "readwrite");
    refused(box_parse_volume, ":/b", "empty");
    refused(box_parse_volume, "", "absolute");
}

TEST(mount)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(box_parse_mount(&o, "type=bind,src=/a,dst=/b,readonly", &err), err);
    CHECK_OK(box_parse_mount(&o, "type=bind,\"source=/a,\"\"b\",target=/c,bind-recursive=disabled",
                             &err),
             err);
    CHECK_OK(box_parse_mount(&o, "tmpfs-size=64m,type=tmpfs,destination=/t,tmpfs-mode=0700", &err),
             err);
    CHECK_OK(box_parse_mount(&o, "target=/v", &err), err);
    CHECK_OK(box_parse_mount(&o, "type=bind,src=/a,dst=/b,ro=false,bind-propagation=rslave", &err),
             err);
    CHECK_INT(o.n_mounts, 5);
    CHECK(o.mounts[0].readonly && o.mounts[0].recursive && !o.mounts[0].create_source);
    CHECK_STR(o.mounts[1].source, "/a,\"b");
    CHECK(!o.mounts[1].recursive);
    CHECK_INT(o.mounts[2].kind, BOX_MOUNT_TMPFS);
    CHECK_INT(o.mounts[2].size, 64 << 20);
    CHECK_INT(o.mounts[2].mode, 0700);
    CHECK(o.mounts[2].nosuid && o.mounts[2].nodev && o.mounts[2].noexec);
    CHECK_INT(o.mounts[3].kind, BOX_MOUNT_VOLUME);
    CHECK(!o.mounts[4].readonly);
    CHECK_STR(o.mounts[4].propagation, "rslave");
    box_options_fini(&o);

    refused(box_parse_mount, "type=bind,dst=/b", "source=PATH");
    refused(box_parse_mount, "type=bind,src=/a", "target=PATH");
    refused(box_parse_mount, "type=bind,src=a,dst=/b", "named volume");
    refused(box_parse_mount, "type=volume,src=a,dst=/b", "no named volumes");
    refused(box_parse_mount, "type=overlay,src=/a,dst=/b", "unknown type");
    refused(box_parse_mount, "type=tmpfs,src=/a,dst=/b", "no source");
    refused(box_parse_mount, "type=bind,src=/a,dst=/b,tmpfs-size=1m", "type=tmpfs");
    refused(box_parse_mount, "type=tmpfs,dst=/b,bind-propagation=private", "type=bind");
    refused(box_parse_mount, "type=tmpfs,dst=/b,tmpfs-mode=9", "octal");
    refused(box_parse_mount, "type=tmpfs,dst=/b,tmpfs-size=0", "no size");
    refused(box_parse_mount, "type=bind,src=/a,dst=/b,frob=1", "unknown key");
    refused(box_parse_mount, "type=bind,src=/a,dst=/b,readonly=maybe", "neither true nor false");
    refused(box_parse_mount, "type=bind,src=\"/a,dst=/b", "quotation");
    refused(box_parse_mount, "\"type=bind", "quotation");
}

TEST(tmpfs)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(box_parse_tmpfs(&o, "/run", &err), err);
    CHECK_OK(box_parse_tmpfs(&o, "/t:rw,exec,size=65536k,mode=1770,uid=7,gid=8", &err), err);
    CHECK(o.mounts[0].noexec && o.mounts[0].nosuid && o.mounts[0].nodev);
    CHECK_INT(o.mounts[0].size, 0);
    CHECK(!o.mounts[1].noexec && o.mounts[1].owner);
    CHECK_INT(o.mounts[1].size, 64 << 20);
    CHECK_INT(o.mounts[1].mode, 01770);
    CHECK_INT(o.mounts[1].uid, 7);
    CHECK_INT(o.mounts[1].gid, 8);
    box_options_fini(&o);
    refused(box_parse_tmpfs, "t", "absolute");
    refused(box_parse_tmpfs, "/t:huge=always", "unknown option");
    refused(box_parse_tmpfs, "/t:size=lots", "number");
}

TEST(device)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(box_parse_device(&o, "/dev/fuse", &err), err);
    CHECK_OK(box_parse_device(&o, "/dev/kvm:r", &err), err);
    CHECK_OK(box_parse_device(&o, "/dev/a:/dev/b:rwm", &err), err);
    CHECK_STR(o.devices[0].target, "/dev/fuse");
    CHECK(!o.devices[0].readonly);
    CHECK_STR(o.devices[1].target, "/dev/kvm");
    CHECK(o.devices[1].readonly);
    CHECK_STR(o.devices[2].source, "/dev/a");
    CHECK_STR(o.devices[2].target, "/dev/b");
    CHECK(!o.devices[2].readonly);
    box_options_fini(&o);
    refused(box_parse_device, "fuse", "absolute");
    refused(box_parse_device, "/dev/a:/dev/b:x", "letters");
    refused(box_parse_device, "nvidia.com/gpu=all", "CDI");
    refused(box_parse_device, "/dev/a:/dev/b:r:w", "too many colons");
}

TEST(ulimit)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(box_parse_ulimit(&o, "nofile=1024:2048", &err), err);
    CHECK_OK(box_parse_ulimit(&o, "core=-1", &err), err);
    CHECK_OK(box_parse_ulimit(&o, "nofile=512", &err), err);
    CHECK_INT(o.n_ulimits, 2);
    CHECK_STR(o.ulimits[0].name, "nofile");
    CHECK_INT(o.ulimits[0].soft, 512);
    CHECK_INT(o.ulimits[0].hard, 512);
    CHECK(o.ulimits[1].soft == UINT64_MAX && o.ulimits[1].hard == UINT64_MAX);
    box_options_fini(&o);
    refused(box_parse_ulimit, "nofiles=1", "unknown limit");
    refused(box_parse_ulimit, "nofile", "NAME=SOFT");
    refused(box_parse_ulimit, "=1", "NAME=SOFT");
    refused(box_parse_ulimit, "nofile=2:1", "above");
    refused(box_parse_ulimit, "nofile=-1:5", "above");
    refused(box_parse_ulimit, "nofile=", "a number");
    refused(box_parse_ulimit, "nofile=1:2:3", "a number");
    refused(box_parse_ulimit, "nofile=99999999999999999999", "a number");
}

TEST(publish)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(box_parse_publish(&o, "8080:80", &err), err);
    CHECK_OK(box_parse_publish(&o, "127.0.0.1:53:5353/udp", &err), err);
    CHECK_OK(box_parse_publish(&o, "[::1]:8000-8009:80-89/TCP", &err), err);
    CHECK_INT(o.n_ports, 3);
    CHECK(!o.ports[0].host_ip && !o.ports[0].udp);
    CHECK_INT(o.ports[0].host, 8080);
    CHECK_INT(o.ports[0].container, 80);
    CHECK_INT(o.ports[0].count, 1);
    CHECK_STR(o.ports[1].host_ip, "127.0.0.1");
    CHECK(o.ports[1].udp);
    CHECK_STR(o.ports[2].host_ip, "::1");
    CHECK_INT(o.ports[2].count, 10);
    box_options_fini(&o);
    refused(box_parse_publish, "80", "missing");
    refused(box_parse_publish, "127.0.0.1::80", "missing");
    refused(box_parse_publish, "0:80", "from 1 to 65535");
    refused(box_parse_publish, "65536:80", "from 1 to 65535");
    refused(box_parse_publish, "80-70:80-70", "from 1 to 65535");
    refused(box_parse_publish, "80-81:80", "different lengths");
    refused(box_parse_publish, "80:80/sctp", "sctp");
    refused(box_parse_publish, "::1:80:80", "brackets");
    refused(box_parse_publish, "[::1:80:80", "brackets");
    refused(box_parse_publish, "localhost:80:80", "no address");
    refused(box_parse_publish, "[1.2.3.4]:80:80", "no address");
}

TEST(caps)
{
    struct strv add = {0}, drop = {0};
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(box_parse_cap(&add, "cap_sys_admin", &err), err);
    CHECK_OK(box_parse_cap(&add, "SYS_ADMIN", &err), err);
    CHECK_INT(add.n, 1);
    CHECK_STR(add.v[0], "SYS_ADMIN");
    CHECK(!box_parse_cap(&add, "SYS_EVERYTHING", &err));
    CHECK_CONTAINS(err.message, "SYS_EVERYTHING");
    CHECK_INT(__builtin_popcountll(caps_default()), 14);
    CHECK_INT(caps_default(), 0xa80425fb);
    CHECK_INT(caps_compute(&add, &drop), 0xa80425fb | 1 << 21);
    CHECK_OK(box_parse_cap(&drop, "all", &err), err);
    CHECK_INT(caps_compute(&add, &drop), 1 << 21);
    strv_fini(&drop);
    CHECK_OK(box_parse_cap(&drop, "CHOWN", &err), err);
    CHECK_INT(caps_compute(&add, &drop), (0xa80425fb & ~1u) | 1 << 21);
    CHECK_OK(box_parse_cap(&add, "ALL", &err), err);
    CHECK_INT(caps_compute(&add, &drop), CAPS_ALL & ~1ULL);
    for (unsigned i = 0; i < CAPS_COUNT; i++)
        CHECK_INT(caps_number(caps_name(i)), i);
    strv_fini(&add);
    strv_fini(&drop);
}

TEST(words)
{
    struct box_options o = {0};
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(box_parse_security_opt(&o, "no-new-privileges", &err), err);
    CHECK(o.no_new_privileges);
    CHECK_OK(box_parse_security_opt(&o, "no-new-privileges:false", &err), err);
    CHECK(!o.no_new_privileges);
    CHECK_OK(box_parse_security_opt(&o, "seccomp=unconfined", &err), err);
    CHECK_STR(o.seccomp, "unconfined");
    CHECK_OK(box_parse_security_opt(&o, "seccomp=/p.json", &err), err);
    CHECK_STR(o.seccomp, "/p.json");
    CHECK_OK(box_parse_security_opt(&o, "systempaths=unconfined", &err), err);
    CHECK(o.unmask);
    CHECK_OK(box_parse_security_opt(&o, "label=disable", &err), err);
    CHECK_OK(box_parse_network(&o, "none", &err), err);
    CHECK_INT(o.network, BOX_NET_NONE);
    CHECK_OK(box_parse_userns(&o, "keep-id", &err), err);
    CHECK(o.keep_id);
    box_options_fini(&o);
    refused(box_parse_security_opt, "apparmor=mine", "AppArmor");
    refused(box_parse_security_opt, "privileged", "unknown");
    refused(box_parse_security_opt, "no-new-privileges=perhaps", "neither");
    refused(box_parse_security_opt, "seccomp=", "unconfined");
    refused(box_parse_network, "container:web", "join");
    refused(box_parse_network, "frontend", "unknown network");
    refused(box_parse_userns, "nomap", "keep-id");
}

TEST(sizes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},           {"512", 512},   {"64m", 64u << 20}, {"64MB", 64u << 20},
                {"1.5g", 3u << 29}, {"2KiB", 2048}, {"1024b", 1024},    {"1t", 1ull << 40},
                {"1 k", 1024}};
    static const char *const bad[] = {
        "", "m", "-1", "1x", "1mm", "1.2.3m", "0x10", "1e3", "9999999999999t", "1bib"};
    struct aw_err err = AW_ERR_INIT;
    for (size_t i = 0; i < AW_LEN(good); i++) {
        uint64_t got = 1;
        CHECK_OK(box_parse_size(good[i].text, &got, &err), err);
        CHECK_INT(got, good[i].bytes);
    }
    for (size_t i = 0; i < AW_LEN(bad); i++) {
        uint64_t got = 12345;
        if (box_parse_size(bad[i], &got, &err))
            TEST_FAIL("\"%s\" was accepted as %llu", bad[i], (unsigned long long)got);
        CHECK_INT(got, 12345);
    }
}

TEST(env)
{
    char *const caller[] = {(char *)"HOME=/me", (char *)"HOMER=x", NULL};
    struct box_options o = {.caller_env = caller};
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(box_parse_env(&o, "A=1=2", &err), err);
    CHECK_OK(box_parse_env(&o, "B=", &err), err);
    CHECK_OK(box_parse_env(&o, "HOME", &err), err);
    CHECK_OK(box_parse_env(&o, "GONE", &err), err);
    CHECK_STR(o.env.v[0], "A=1=2");
    CHECK_STR(o.env.v[1], "B=");
    CHECK_STR(o.env.v[2], "HOME=/me");
    CHECK_STR(o.env.v[3], "GONE");
    box_options_fini(&o);
    refused(box_parse_env, "=1", "name");
    refused(box_parse_env, "", "name");
}

static bool parse_file(struct box_options *o, const char *text, size_t len, struct aw_err *err)
{
    char path[] = "/tmp/box_options.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len)
        TEST_FAIL("cannot write %s", path);
    close(fd);
    bool ok = box_parse_env_file(o, path, err);
    unlink(path);
    return ok;
}

TEST(env_file)
{
    static const char text[] =
        "\xef\xbb\xbf# a comment\nA=1\n\n  B= x y \r\n  # another\nHOME\nGONE\n"
        "Q=\"quoted\"\nLAST=z";
    static const char nul[] = "A=1\0B=2\n";
    char *const caller[] = {(char *)"HOME=/me", NULL};
    struct box_options o = {.caller_env = caller};
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(parse_file(&o, text, sizeof(text) - 1, &err), err);
    CHECK_INT(o.env.n, 5);
    CHECK_STR(o.env.v[0], "A=1");
    CHECK_STR(o.env.v[1], "B= x y ");
    CHECK_STR(o.env.v[2], "HOME=/me");
    CHECK_STR(o.env.v[3], "Q=\"quoted\"");
    CHECK_STR(o.env.v[4], "LAST=z");
    CHECK(!parse_file(&o, "OK=1\n=2\n", 8, &err));
    CHECK_CONTAINS(err.message, "line 2");
    CHECK(!parse_file(&o, "A B=2\n", 6, &err));
    CHECK_CONTAINS(err.message, "blank in its name");
    CHECK(!parse_file(&o, nul, sizeof(nul) - 1, &err));
    CHECK(!box_parse_env_file(&o, "/nonexistent/file", &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    CHECK_INT(o.env.n, 5);
    box_options_fini(&o);
}

TEST_MAIN()
