/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "box/user.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char passwd[] = "# comment\n"
                             "broken\n"
                             "root:x:0:0:root:/root:/bin/sh\n"
                             "far:x:99999999999:0::/far:/bin/sh\n"
                             "web:x:33:34:web,,,:/var/www:/bin/sh\n"
                             "web:x:77:77:second:/no:/bin/sh\n"
                             "homeless:x:40:40:::\n"
                             "1000:x:55:55:a number as a name:/n:/bin/sh";
static const char group[] =
    "root:x:0:\nadm:x:4:root,web\nwww:x:34:web\ntty:x:5:web,x\nadm:x:4:web\n"
    ":x:9:web\nshort:x\nvideo:x:44:webx,xweb\n";

static void resolve(const char *text, uint32_t uid, uint32_t gid, const char *home, size_t n_groups)
{
    struct user u;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(user_resolve_text(passwd, group, text, &u, &err), err);
    CHECK_INT(u.uid, uid);
    CHECK_INT(u.gid, gid);
    CHECK_STR(u.home, home);
    CHECK_INT(u.n_groups, n_groups);
    user_fini(&u);
}

static void unknown(const char *text, const char *message)
{
    struct user u;
    struct aw_err err = AW_ERR_INIT;
    CHECK(!user_resolve_text(passwd, group, text, &u, &err));
    CHECK_CONTAINS(err.message, message);
}

TEST(names_and_numbers)
{
    resolve("", 0, 0, "/root", 1);
    resolve("root", 0, 0, "/root", 1);
    resolve("web", 33, 34, "/var/www", 2); /* adm once, tty; www is the primary group */
    resolve("33", 33, 34, "/var/www", 2);
    resolve("web:adm", 33, 4, "/var/www", 0);
    resolve("web:5", 33, 5, "/var/www", 0);
    resolve("web:777", 33, 777, "/var/www", 0);
    resolve("33:adm", 33, 4, "/var/www", 0);
    resolve("123", 123, 0, "/", 0);
    resolve("123:456", 123, 456, "/", 0);
    resolve(":adm", 0, 4, "/root", 0);
    resolve("web:", 33, 34, "/var/www", 2);
    resolve("homeless", 40, 40, "/", 0);
    resolve("1000", 1000, 0, "/", 0); /* a number is an id, whatever names there are */
    unknown("nobody", "unable to find user nobody: no matching entries in passwd file");
    unknown("web:nogroup", "unable to find group nogroup: no matching entries in group file");
    unknown("far", "unable to find user far");
    unknown("4294967295", "range 0-2147483647");
    unknown("1:99999999999999999999999", "range 0-2147483647");
    unknown("-1", "unable to find user -1");
}

TEST(no_files)
{
    struct user u;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(user_resolve_text(NULL, NULL, "", &u, &err), err);
    CHECK_INT(u.uid + u.gid + u.n_groups, 0);
    CHECK_STR(u.home, "/");
    user_fini(&u);
    CHECK(!user_resolve_text(NULL, NULL, "root", &u, &err));
}

static int make_root(char *path)
{
    CHECK(mkdtemp(path));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_INT(mkdirat(fd, "etc", 0755), 0);
    return fd;
}

TEST(hostile_root)
{
    char path[] = "/tmp/box_user.XXXXXX", other[] = "/tmp/box_user.XXXXXX";
    struct user u;
    struct aw_err err = AW_ERR_INIT;
    int root = make_root(path), outside = make_root(other);
    char link[64];

    /* an absolute link stays inside: the host's own passwd must not be seen */
    CHECK_INT(symlinkat("/etc/passwd.real", root, "etc/passwd"), 0);
    CHECK(!user_resolve(root, "root", &u, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    int fd = openat(root, "etc/passwd.real", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && write(fd, passwd, sizeof(passwd) - 1) == sizeof(passwd) - 1);
    close(fd);
    CHECK_OK(user_resolve(root, "web", &u, &err), err);
    CHECK_INT(u.uid, 33);
    user_fini(&u);

    /* a link that climbs out */
    snprintf(link, sizeof(link), "../../..%s/etc/group", other);
    fd = openat(outside, "etc/group", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && write(fd, "leak:x:7:\n", 10) == 10);
    close(fd);
    CHECK_INT(symlinkat(link, root, "etc/group"), 0);
    CHECK(!user_resolve(root, "web:leak", &u, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    unlinkat(root, "etc/group", 0);

    /* a pipe must not make us wait, a loop must not confuse */
    CHECK_INT(mkfifoat(root, "etc/group", 0644), 0);
    CHECK(!user_resolve(root, "web", &u, &err));
    CHECK_CONTAINS(err.message, "no regular file");
    unlinkat(root, "etc/group", 0);
    CHECK_INT(symlinkat("group", root, "etc/group"), 0);
    CHECK_OK(user_resolve(root, "web", &u, &err), err);
    CHECK_INT(u.n_groups, 0);
    user_fini(&u);
    unlinkat(root, "etc/group", 0);

    /* too large */
    fd = openat(root, "etc/group", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && ftruncate(fd, 100 << 20) == 0);
    close(fd);
    CHECK(!user_resolve(root, "web", &u, &err));
    CHECK_INT(err.code, AW_E_LIMIT);
    unlinkat(root, "etc/group", 0);
    unlinkat(root, "etc/passwd", 0);
    unlinkat(root, "etc/passwd.real", 0);
    unlinkat(outside, "etc/group", 0);
    unlinkat(root, "etc", AT_REMOVEDIR);
    unlinkat(outside, "etc", AT_REMOVEDIR);
    close(root);
    close(outside);
    rmdir(path);
    rmdir(other);
}

/* 0 is uid 1000 outside, 1-65535 and 65536-131071 are two ranges. */
static const struct idmap two_ranges = {
    .kind = IDMAP_RANGE,
    .n_uid = 3,
    .n_gid = 2,
    .uid = {{0, 1000, 1}, {1, 100000, 65535}, {65536, 300000, 65536}},
    .gid = {{0, 1001, 1}, {1, 100000, 65535}},
};

/* Every id of [0, total) is given once on each side, and no line spans two ranges. */
static void check_lines(const struct idmap_line *l, int n, const struct idmap_line *outer,
                        int n_outer, uint32_t total)
{
    unsigned char *in = calloc(1, total), *out = calloc(1, total);
    CHECK(in && out);
    for (int i = 0; i < n; i++) {
        bool within = false;
        for (int k = 0; k < n_outer; k++)
            within |= l[i].outside >= outer[k].inside &&
                      l[i].outside + l[i].count <= outer[k].inside + outer[k].count;
        CHECK(within);
        for (uint32_t id = 0; id < l[i].count; id++) {
            CHECK(l[i].inside + id < total);
            CHECK(!in[l[i].inside + id]++);
            CHECK(!out[l[i].outside + id]++);
        }
    }
    CHECK(!memchr(in, 0, total) && !memchr(out, 0, total));
    free(in);
    free(out);
}

static uint32_t parent_of(const struct idmap_line *l, int n, uint32_t id)
{
    for (int i = 0; i < n; i++)
        if (id >= l[i].inside && id - l[i].inside < l[i].count)
            return l[i].outside + (id - l[i].inside);
    return UINT32_MAX;
}

TEST(maps)
{
    struct user_map map;
    struct aw_err err = AW_ERR_INIT;
    user_map_identity(&two_ranges, &map);
    CHECK_INT(map.n_uid, 3);
    check_lines(map.uid, map.n_uid, two_ranges.uid, 3, 131072);
    CHECK_OK(user_map_keep_id(&two_ranges, 1000, 1001, &map, &err), err);
    check_lines(map.uid, map.n_uid, two_ranges.uid, 3, 131072);
    check_lines(map.gid, map.n_gid, two_ranges.gid, 2, 65536);
    CHECK_INT(parent_of(map.uid, map.n_uid, 1000), 0);
    CHECK_INT(parent_of(map.uid, map.n_uid, 0), 1000);
    CHECK_INT(parent_of(map.uid, map.n_uid, 33), 33);
    CHECK_INT(parent_of(map.gid, map.n_gid, 1001), 0);
    CHECK_INT(parent_of(map.gid, map.n_gid, 0), 1001);
}

TEST(maps_at_the_edges)
{
    struct idmap m = two_ranges;
    struct user_map map;
    struct aw_err err = AW_ERR_INIT;
    static const uint32_t ids[] = {1, 2, 65535, 65536, 65537, 131071};
    for (size_t i = 0; i < AW_LEN(ids); i++) {
        m.uid[0].outside = ids[i];
        CHECK_OK(user_map_keep_id(&m, ids[i], 1001, &map, &err), err);
        check_lines(map.uid, map.n_uid, m.uid, 3, 131072);
        CHECK_INT(parent_of(map.uid, map.n_uid, ids[i]), 0);
        CHECK_INT(parent_of(map.uid, map.n_uid, 0), ids[i]);
    }
    /* beyond the map: the last id stands in for 0 */
    m.uid[0].outside = 2000000;
    CHECK_OK(user_map_keep_id(&m, 2000000, 1001, &map, &err), err);
    CHECK_INT(parent_of(map.uid, map.n_uid, 2000000), 0);
    CHECK_INT(parent_of(map.uid, map.n_uid, 0), 131071);
    CHECK_INT(parent_of(map.uid, map.n_uid, 131071), UINT32_MAX);
    CHECK_INT(parent_of(map.uid, map.n_uid, 131070), 131070);
    /* the outer map gives the caller his number already */
    m = (struct idmap){.kind = IDMAP_RANGE, .n_uid = 3, .n_gid = 1};
    m.uid[0] = (struct idmap_line){0, 100000, 1000};
    m.uid[1] = (struct idmap_line){1000, 1000, 1};
    m.uid[2] = (struct idmap_line){1001, 101000, 9};
    m.gid[0] = (struct idmap_line){0, 0, 100};
    CHECK_OK(user_map_keep_id(&m, 1000, 50, &map, &err), err);
    CHECK_INT(map.n_uid, 3);
    CHECK_INT(parent_of(map.uid, 3, 1000), 1000);
    /* real root is not in its own map */
    CHECK(!user_map_keep_id(&m, 0, 0, &map, &err));
    CHECK_CONTAINS(err.message, "your own ids (0:0)");
}

TEST(single_id)
{
    struct idmap m = {.kind = IDMAP_SINGLE,
                      .n_uid = 1,
                      .n_gid = 1,
                      .uid = {{0, 1000, 1}},
                      .gid = {{0, 1000, 1}},
                      .why_single = "newuidmap is not installed"};
    struct user_map map;
    struct user u = {.uid = 33, .n_groups = 2, .groups = {4, 5}};
    struct aw_err err = AW_ERR_INIT;
    CHECK(!user_map_keep_id(&m, 1000, 1000, &map, &err));
    CHECK_CONTAINS(err.message, "newuidmap is not installed");
    user_map_identity(&m, &map);
    CHECK(!user_check_mapped(&u, &map, &m, &err));
    CHECK_CONTAINS(err.message, "user id 33 is not mapped");
    CHECK_CONTAINS(err.message, "newuidmap is not installed");
    u.uid = 0;
    CHECK_OK(user_check_mapped(&u, &map, &m, &err), err);
    user_drop_unmapped_groups(&u, &map, &m);
    CHECK_INT(u.n_groups, 0);
    user_map_identity(&two_ranges, &map);
    u = (struct user){.gid = 70000, .n_groups = 3, .groups = {4, 65536, 5}};
    CHECK(!user_check_mapped(&u, &map, &two_ranges, &err));
    CHECK_CONTAINS(err.message, "group id 70000 is not mapped: the container has the ids 0-65535");
    user_drop_unmapped_groups(&u, &map, &two_ranges);
    CHECK_INT(u.n_groups, 2);
    CHECK_INT(u.groups[1], 5);
}

TEST_MAIN()
