/* SPDX-License-Identifier: Apache-2.0
 *
 * What a layer becomes: files, folders, links, attributes, and how it lies upon lower layers.
 *
 * With --apply BLOB FOLDER [LOWER...] the program is a tool instead: it applies a blob in the user
 * namespace that it is started in, and prints diff_id, bytes and entries (for tests/box and bench).
 */
#include "layer_box.h"

#include <linux/capability.h>

TEST(files_folders_links)
{
    struct buf b = {0};
    box_begin();
    TAR(&b, .name = "./", .type = '5', .mode = 0711, .time = 1000);
    TAR(&b, .name = "etc/", .type = '5', .mode = 01777, .time = 2000);
    TAR(&b, .name = "etc/passwd", .type = '0', .data = "root:x:0:0\n", .mode = 0640, .time = 3000);
    TAR(&b, .name = "etc/empty", .type = '0', .time = 1);
    TAR(&b, .name = "etc/link", .type = '2', .link = "../../x y/z", .time = 4000);
    TAR(&b, .name = "etc/hard", .type = '1', .link = "etc/passwd");
    TAR(&b, .name = "etc/hardlink-of-link", .type = '1', .link = "./etc/link");
    TAR(&b, .name = "etc/fifo", .type = '6', .mode = 0622, .time = 5000);
    TAR(&b, .name = "/abs/file", .type = '0', .data = "relative to the root");
    box_apply(&b);
    struct stat st = box_stat(".");
    CHECK_INT(st.st_mode, S_IFDIR | 0711);
    CHECK_INT(st.st_mtime, 1000);
    st = box_stat("etc");
    CHECK_INT(st.st_mode, S_IFDIR | 01777);
    CHECK_INT(st.st_mtime, 2000);
    st = box_stat("etc/passwd");
    CHECK_INT(st.st_mode, S_IFREG | 0640);
    CHECK_INT(st.st_mtime, 3000);
    CHECK_INT(st.st_nlink, 2);
    CHECK_INT(box_stat("etc/hard").st_ino, st.st_ino);
    box_check_text("etc/hard", "root:x:0:0\n");
    box_check_text("etc/empty", "");
    st = box_stat("etc/link");
    CHECK_INT(st.st_mtime, 4000);
    CHECK_INT(st.st_nlink, 2);
    box_check_link("etc/hardlink-of-link", "../../x y/z");
    st = box_stat("etc/fifo");
    CHECK_INT(st.st_mode, S_IFIFO | 0622);
    CHECK_INT(st.st_mtime, 5000);
    box_check_text("abs/file", "relative to the root");
    CHECK_INT(box_stat("abs").st_mode, S_IFDIR | 0755);
    box_check_outside();
}

TEST(owners_and_setuid)
{
    struct buf b = {0};
    if (idmap_uids(&box_map) < 60000)
        TEST_SKIP("only one id is mapped");
    box_begin();
    TAR(&b, .name = "bin", .type = '5', .mode = 02775, .uid = 3, .gid = 7);
    TAR(&b, .name = "bin/su", .type = '0', .data = "x", .mode = 04755, .uid = 5, .gid = 6);
    TAR(&b, .name = "bin/root", .type = '0', .data = "x", .mode = 06755);
    TAR(&b, .name = "bin/plain", .type = '0', .data = "x", .mode = 0644);
    TAR(&b, .name = "bin/sub", .type = '5', .mode = 0755);
    TAR(&b, .name = "bin/sub/file", .type = '0', .data = "x");
    TAR(&b, .name = "bin/link", .type = '2', .link = "su");
    TAR(&b, .name = "bin/link2", .type = '2', .link = "su", .uid = 60000, .gid = 1);
    box_apply(&b);
    struct stat st = box_stat("bin");
    CHECK_INT(st.st_mode, S_IFDIR | 02775);
    CHECK_INT(st.st_uid, 3);
    CHECK_INT(st.st_gid, 7);
    st = box_stat("bin/su");
    CHECK_INT(st.st_mode, S_IFREG | 04755);
    CHECK_INT(st.st_uid, 5);
    CHECK_INT(st.st_gid, 6);
    CHECK_INT(box_stat("bin/root").st_mode, S_IFREG | 06755);
    /* nothing is inherited from the setgid folder */
    CHECK_INT(box_stat("bin/plain").st_gid, 0);
    CHECK_INT(box_stat("bin/plain").st_mode, S_IFREG | 0644);
    CHECK_INT(box_stat("bin/sub").st_mode, S_IFDIR | 0755);
    CHECK_INT(box_stat("bin/sub").st_gid, 0);
    CHECK_INT(box_stat("bin/sub/file").st_gid, 0);
    CHECK_INT(box_stat("bin/link").st_gid, 0);
    CHECK_INT(box_stat("bin/link2").st_uid, 60000);
}

TEST(large_ids)
{
    struct buf b = {0};
    if (idmap_uids(&box_map) < 200000)
        TEST_SKIP("needs 200000 mapped ids");
    box_begin();
    TAR(&b, .name = "ustar", .type = '0', .uid = 65536, .gid = 131072);
    struct buf r = {0};
    tar_pax_add(&r, "uid", "199999", 6);
    tar_pax_add(&r, "gid", "70000", 5);
    tar_pax_put(&b, &r);
    TAR(&b, .name = "pax", .type = '0');
    box_apply(&b);
    CHECK_INT(box_stat("ustar").st_uid, 65536);
    CHECK_INT(box_stat("ustar").st_gid, 131072);
    CHECK_INT(box_stat("pax").st_uid, 199999);
    CHECK_INT(box_stat("pax").st_gid, 70000);
}

static ssize_t get_xattr(const char *path, const char *name, void *value, size_t size)
{
    int fd = openat(box_top(), path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fgetxattr(fd, name, value, size);
    close(fd);
    return n;
}

TEST(single_id_map)
{
    struct buf b = {0};
    struct aw_err err;
    char got[128];
    struct idmap single = {
        .kind = IDMAP_SINGLE, .n_uid = 1, .n_gid = 1, .uid = {{0, 0, 1}}, .gid = {{0, 0, 1}}};
    box_begin();
    TAR(&b, .name = "a", .type = '0', .uid = 1000, .gid = 1000, .mode = 02755);
    TAR(&b, .name = "b", .type = '5', .uid = 7);
    TAR(&b, .name = "c", .type = '0');
    tar_pax_text(&b, "SCHILY.acl.access",
                 "user::rw-,group::r--,other::---,user:joe:rw-:1000,mask::rw-");
    TAR(&b, .name = "acl", .type = '0', .mode = 0660);
    CHECK_OK(box_apply_how(&b, &(struct box_how){.map = &single}, &err), err);
    /* nobody else is there, so the ACL says nothing of others; its mask is not the group's right */
    CHECK_INT(get_xattr("acl", "system.posix_acl_access", got, sizeof(got)), 4 + 4 * 8);
    CHECK_INT(box_stat("a").st_uid, 0);
    CHECK_INT(box_stat("a").st_mode, S_IFREG | 02755);
    CHECK_STR(box.notes, "layer test: the owner of 2 files was set to root, since only one id is "
                         "mapped\n"
                         "layer test: 1 extended attribute or ACL could not be kept\n");
}

TEST(times_have_nanoseconds)
{
    struct buf b = {0};
    box_begin();
    tar_pax_text(&b, "mtime", "1700000000.123456789");
    TAR(&b, .name = "d", .type = '5');
    tar_pax_text(&b, "mtime", "1600000000.987654321");
    TAR(&b, .name = "d/f", .type = '0', .data = "x");
    tar_pax_text(&b, "mtime", "1500000000.000000001");
    TAR(&b, .name = "d/l", .type = '2', .link = "f");
    box_apply(&b);
    CHECK_INT(box_stat("d").st_mtim.tv_sec, 1700000000);
    CHECK_INT(box_stat("d").st_mtim.tv_nsec, 123456789);
    CHECK_INT(box_stat("d/f").st_mtim.tv_nsec, 987654321);
    CHECK_INT(box_stat("d/l").st_mtim.tv_nsec, 1);
}

/* Folder times survive more folders than are kept open, and coming back to one. */
TEST(folder_times_with_many_folders)
{
    struct buf b = {0};
    char name[64];
    box_begin();
    TAR(&b, .name = ".", .type = '5', .time = 99);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "d%u", i);
        TAR(&b, .name = name, .type = '5', .time = 1000 + i);
        snprintf(name, sizeof(name), "d%u/f", i);
        TAR(&b, .name = name, .type = '0');
    }
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "d%u/g", i);
        TAR(&b, .name = name, .type = '0');
    }
    box_apply(&b);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "d%u", i);
        CHECK_INT(box_stat(name).st_mtime, 1000 + i);
    }
    CHECK_INT(box_stat(".").st_mtime, 99);
}

TEST(later_entries_win)
{
    struct buf b = {0};
    box_begin();
    TAR_FILE(&b, "file-file", "old, and longer");
    TAR_FILE(&b, "file-file", "new");
    TAR_FILE(&b, "file-dir", "old");
    TAR_DIR(&b, "file-dir");
    TAR_FILE(&b, "file-dir/in", "in");
    TAR_DIR(&b, "dir-file");
    TAR_FILE(&b, "dir-file/sub/deep", "old");
    TAR_FILE(&b, "dir-file", "new");
    TAR_SYMLINK(&b, "link-file", "file-file");
    TAR_FILE(&b, "link-file", "not through the link");
    TAR_SYMLINK(&b, "link-dir", "file-dir");
    TAR_DIR(&b, "link-dir");
    TAR_FILE(&b, "link-dir/only-here", "x");
    TAR_FILE(&b, "file-link", "x");
    TAR_SYMLINK(&b, "file-link", "new-target");
    TAR_DIR(&b, "dir-link");
    TAR_FILE(&b, "dir-link/a", "gone");
    TAR_SYMLINK(&b, "dir-link", "file-dir");
    TAR_FILE(&b, "dir-link/through", "lands in file-dir");
    TAR(&b, .name = "dir-dir", .type = '5', .mode = 0700, .time = 5);
    TAR_FILE(&b, "dir-dir/kept", "kept");
    TAR(&b, .name = "dir-dir", .type = '5', .mode = 0751, .time = 6);
    TAR_FILE(&b, "to-link", "old");
    TAR_LINK(&b, "to-link", "file-file");
    TAR_LINK(&b, "file-file", "file-file");
    TAR_LINK(&b, "to-link", "file-file");
    box_apply(&b);
    box_check_text("file-file", "new");
    box_check_text("file-dir/in", "in");
    box_check_text("dir-file", "new");
    box_check_text("link-file", "not through the link");
    CHECK(S_ISDIR(box_stat("link-dir").st_mode));
    CHECK(box_missing("file-dir/only-here"));
    box_check_link("file-link", "new-target");
    box_check_link("dir-link", "file-dir");
    box_check_text("file-dir/through", "lands in file-dir");
    box_check_text("dir-dir/kept", "kept");
    CHECK_INT(box_stat("dir-dir").st_mode, S_IFDIR | 0751);
    CHECK_INT(box_stat("dir-dir").st_mtime, 6);
    CHECK_INT(box_stat("to-link").st_ino, box_stat("file-file").st_ino);
    CHECK_INT(box_stat("to-link").st_nlink, 2);
    box_check_outside();
}

/* A symlink that is replaced may not go on leading where it led. */
TEST(replaced_links_lead_elsewhere)
{
    struct buf b = {0};
    box_begin();
    TAR_DIR(&b, "one");
    TAR_DIR(&b, "two");
    TAR_SYMLINK(&b, "l", "one");
    TAR_FILE(&b, "l/a", "a");
    TAR_SYMLINK(&b, "l", "two");
    TAR_FILE(&b, "l/b", "b");
    TAR_SYMLINK(&b, "self", ".");
    TAR_FILE(&b, "self/self/self/c", "c");
    TAR_DIR(&b, "self/self");
    TAR_FILE(&b, "self/d", "d");
    box_apply(&b);
    box_check_text("one/a", "a");
    box_check_text("two/b", "b");
    CHECK(box_missing("one/b"));
    box_check_text("c", "c");
    CHECK(S_ISDIR(box_stat("self").st_mode));
    box_check_text("self/d", "d");
    CHECK(box_missing("d"));
}

/* Links that point out of the root stay in it, as a container would see them. */
TEST(links_stay_inside)
{
    struct buf b = {0};
    box_begin();
    TAR_SYMLINK(&b, "up", "../../../../../..");
    TAR_FILE(&b, "up/a", "in the root");
    TAR_SYMLINK(&b, "abs", "/");
    TAR_FILE(&b, "abs/sub/b", "in the root's sub");
    TAR_SYMLINK(&b, "tmp", "/var/tmp/../lib");
    TAR_FILE(&b, "tmp/c", "made on the way");
    TAR_SYMLINK(&b, "out", "../bystander");
    TAR_LINK(&b, "out2", "out");
    TAR_LINK(&b, "d/hard", "up/a");
    TAR_SYMLINK(&b, "p", "/proc/self/root");
    TAR_FILE(&b, "p/e", "a folder of that name");
    box_apply(&b);
    box_check_text("a", "in the root");
    box_check_text("sub/b", "in the root's sub");
    box_check_text("var/lib/c", "made on the way");
    box_check_link("out2", "../bystander");
    CHECK_INT(box_stat("a").st_nlink, 2);
    box_check_text("proc/self/root/e", "a folder of that name");
    box_check_outside();
}

TEST(names_are_kept_byte_for_byte)
{
    static const char *const names[] = {
        "caf\xc3\xa9",              /* composed */
        "cafe\xcc\x81",             /* decomposed: another file */
        "latin-\xe9\xff",           /* no UTF-8 at all */
        "\xed\xa0\xbd\xed\xb8\x80", /* surrogates */
        "\xf0\x9f\x98\x80",         /* the character that they would be */
        "new\nline and \x01 and \\",
        "...",
        "-rf",
    };
    struct buf b = {0};
    char deep[600];
    box_begin();
    for (size_t i = 0; i < AW_LEN(names); i++) {
        TAR_FILE(&b, names[i], names[i]);
        snprintf(deep, sizeof(deep), "pax/%s", names[i]);
        struct buf r = {0};
        tar_pax_add(&r, "path", deep, strlen(deep));
        tar_pax_put(&b, &r);
        TAR_FILE(&b, "x", names[i]);
        snprintf(deep, sizeof(deep), "link-%zu", i);
        tar_pax_text(&b, "linkpath", names[i]);
        TAR(&b, .name = deep, .type = '2', .link = "x");
        snprintf(deep, sizeof(deep), "hard-%zu", i);
        tar_pax_text(&b, "linkpath", names[i]);
        TAR(&b, .name = deep, .type = '1', .link = "x");
        snprintf(deep, sizeof(deep), "gnu/%s", names[i]);
        tar_long(&b, 'L', deep);
        TAR_FILE(&b, "x", names[i]);
    }
    box_apply(&b);
    for (size_t i = 0; i < AW_LEN(names); i++) {
        box_check_text(names[i], names[i]);
        snprintf(deep, sizeof(deep), "pax/%s", names[i]);
        box_check_text(deep, names[i]);
        snprintf(deep, sizeof(deep), "gnu/%s", names[i]);
        box_check_text(deep, names[i]);
        snprintf(deep, sizeof(deep), "link-%zu", i);
        box_check_link(deep, names[i]);
        CHECK_INT(box_stat(names[i]).st_nlink, 2);
    }
}

TEST(long_names)
{
    struct buf b = {0};
    char *path = malloc(5000), *link = malloc(5000);
    size_t n = 0;
    CHECK(path && link);
    box_begin();
    /* fifteen components of 255 bytes: 3839 bytes */
    for (int i = 0; i < 15; i++) {
        n += (size_t)sprintf(path + n, "%s", i ? "/" : "");
        memset(path + n, 'a' + i, 255);
        n += 255;
    }
    path[n] = '\0';
    memset(link, 'l', 4095);
    link[4095] = '\0';
    tar_pax_text(&b, "path", path);
    TAR_FILE(&b, "x", "deep");
    tar_long(&b, 'K', link);
    TAR(&b, .name = "link", .type = '2', .link = "x");
    box_apply(&b);
    box_check_text(path, "deep");
    box_check_link("link", link);
    free(path);
    free(link);
}

TEST(sparse_files_stay_sparse)
{
    struct buf b = {0};
    box_begin();
    /* GNU sparse 0.1: 5 bytes at 1 MiB of 1 GiB */
    struct buf r = {0};
    tar_pax_add(&r, "GNU.sparse.size", "1073741824", 10);
    tar_pax_add(&r, "GNU.sparse.numblocks", "2", 1);
    tar_pax_add(&r, "GNU.sparse.map", "1048576,5,1073741824,0", 22);
    tar_pax_add(&r, "GNU.sparse.name", "sparse", 6);
    tar_pax_put(&b, &r);
    TAR_FILE(&b, "x", "hello");
    box_apply(&b);
    struct stat st = box_stat("sparse");
    CHECK_INT(st.st_size, 1073741824);
    CHECK(st.st_blocks < 64);
    char got[8] = {0};
    int fd = openat(box_top(), "sparse", O_RDONLY | O_CLOEXEC);
    CHECK(pread(fd, got, 6, 1048576) == 6);
    close(fd);
    CHECK_STR(got, "hello");
}

TEST(extended_attributes)
{
    struct buf b = {0};
    char got[64] = {0};
    /* cap_net_bind_service=ep: revision 2, and revision 3 of a root that we do not know */
    static const unsigned char v2[20] = {1, 0, 0, 2, 0, 4},
                               v3[24] = {1, 0, 0, 3, 0, 4, [20] = 0x39, 5};
    box_begin();
    struct buf r = {0};
    tar_pax_add(&r, "SCHILY.xattr.user.bin", "a\0b", 3);
    tar_pax_add(&r, "SCHILY.xattr.security.selinux", "label", 5);
    tar_pax_add(&r, "SCHILY.xattr.security.ima", "sig", 3);
    tar_pax_add(&r, "SCHILY.xattr.com.apple.x", "y", 1);
    tar_pax_put(&b, &r);
    TAR_FILE(&b, "file", "x");
    tar_pax(&b, "SCHILY.xattr.user.d", "folder", 6);
    TAR_DIR(&b, "dir");
    tar_pax(&b, "SCHILY.xattr.security.capability", v2, 20);
    TAR(&b, .name = "cap2", .type = '0', .data = "x", .mode = 0755, .uid = 0);
    tar_pax(&b, "SCHILY.xattr.security.capability", v3, 24);
    TAR(&b, .name = "cap3", .type = '0', .data = "x", .mode = 0755);
    tar_pax(&b, "SCHILY.xattr.user.old", "1", 1);
    TAR_DIR(&b, "twice");
    tar_pax(&b, "SCHILY.xattr.user.new", "2", 1);
    TAR_DIR(&b, "twice");
    box_apply(&b);
    CHECK_INT(get_xattr("file", "user.bin", got, sizeof(got)), 3);
    CHECK(memcmp(got, "a\0b", 3) == 0);
    CHECK_INT(get_xattr("dir", "user.d", got, sizeof(got)), 6);
    /* seen from its own namespace, the kernel shows revision 2 */
    CHECK_INT(get_xattr("cap2", "security.capability", got, sizeof(got)), 20);
    CHECK(memcmp(got, v2, 20) == 0);
    CHECK_INT(get_xattr("cap3", "security.capability", got, sizeof(got)), 20);
    CHECK(memcmp(got, v2, 20) == 0);
    CHECK_INT(get_xattr("twice", "user.new", got, sizeof(got)), 1);
    CHECK_INT(get_xattr("twice", "user.old", got, sizeof(got)), -1);
    CHECK_INT(get_xattr("file", "com.apple.x", got, sizeof(got)), -1);
}

TEST(acls)
{
    struct buf b = {0};
    char got[128];
    if (idmap_uids(&box_map) < 60000)
        TEST_SKIP("only one id is mapped");
    box_begin();
    tar_pax_text(&b, "SCHILY.acl.access",
                 "user::rw-,group::r--,other::---,user:joe:rw-:1000,mask::rw-");
    TAR(&b, .name = "file", .type = '0', .data = "x", .mode = 0660);
    tar_pax_text(&b, "SCHILY.acl.default",
                 "user::rwx,user:joe:r-x:1000,group::r-x,mask::r-x,other::---");
    TAR_DIR(&b, "dir");
    TAR_FILE(&b, "dir/file", "x");
    TAR_DIR(&b, "dir/sub");
    tar_pax_text(&b, "SCHILY.acl.access", "user::rw-,user:joe:rw-,group::r--,mask::rw-,other::r--");
    TAR_FILE(&b, "named", "x");
    box_apply(&b);
    CHECK_INT(get_xattr("file", "system.posix_acl_access", got, sizeof(got)), 4 + 5 * 8);
    CHECK_INT(box_stat("file").st_mode, S_IFREG | 0660);
    CHECK_INT(get_xattr("dir", "system.posix_acl_default", got, sizeof(got)), 4 + 5 * 8);
    /* what is made in that folder has only what the archive says */
    CHECK_INT(get_xattr("dir/file", "system.posix_acl_access", got, sizeof(got)), -1);
    CHECK_INT(box_stat("dir/file").st_mode, S_IFREG | 0644);
    CHECK_INT(get_xattr("dir/sub", "system.posix_acl_default", got, sizeof(got)), -1);
    CHECK_STR(box.notes, "layer test: 1 extended attribute or ACL could not be kept\n");
}

TEST(devices_are_left_out)
{
    struct buf b = {0};
    struct aw_err err;
    struct layer_result r;
    box_begin();
    TAR_DIR(&b, "dev");
    TAR(&b, .name = "dev/null", .type = '3', .major = 1, .minor = 3);
    TAR(&b, .name = "dev/sda", .type = '4', .major = 8);
    TAR_FILE(&b, "dev/file", "x");
    tar_end(&b);
    CHECK_OK(box_apply_bytes(b.data, b.len, NULL, &r, &err), err);
    buf_fini(&b);
    CHECK_INT(r.skipped_devices, 2);
    CHECK_INT(r.entries, 4);
    CHECK(box_missing("dev/null"));
    box_check_text("dev/file", "x");
    CHECK_STR(box.notes, "layer test: 2 device nodes were left out: /dev is made at run time\n");
}

/* ---- upon lower layers ---------------------------------------------------------------------- */

static void lower_layer(void)
{
    struct buf b = {0};
    box_begin();
    TAR(&b, .name = ".", .type = '5', .mode = 0750, .time = 50);
    TAR(&b, .name = "usr", .type = '5', .mode = 0711, .time = 100);
    tar_pax(&b, "SCHILY.xattr.user.k", "v", 1);
    TAR(&b, .name = "usr/lib", .type = '5', .mode = 02750, .time = 200);
    TAR(&b, .name = "usr/lib/a", .type = '0', .data = "lower a", .mode = 0600, .time = 300);
    TAR_SYMLINK(&b, "lib", "usr/lib");
    TAR_SYMLINK(&b, "usr/abs", "/usr/lib");
    TAR_FILE(&b, "usr/lib/b", "lower b");
    TAR_FILE(&b, "etc/conf", "conf");
    TAR_FILE(&b, "file", "a file");
    box_apply(&b);
}

TEST(folders_come_from_below)
{
    struct buf b = {0};
    char got[8];
    lower_layer();
    TAR_FILE(&b, "usr/lib/new", "new");
    TAR_FILE(&b, "lib/through", "through");
    TAR_FILE(&b, "usr/abs/x/y", "implicit");
    TAR_FILE(&b, "file/sub", "the file gives way");
    box_apply(&b);
    CHECK_INT(box_stat(".").st_mode, S_IFDIR | 0750);
    CHECK_INT(box_stat(".").st_mtime, 50);
    CHECK_INT(box_stat("usr").st_mode, S_IFDIR | 0711);
    CHECK_INT(box_stat("usr").st_mtime, 100);
    CHECK_INT(box_stat("usr/lib").st_mode, S_IFDIR | 02750);
    CHECK_INT(box_stat("usr/lib").st_mtime, 200);
    CHECK_INT(get_xattr("usr/lib", "user.k", got, sizeof(got)), 1);
    CHECK(!box_opaque("usr/lib"));
    box_check_text("usr/lib/through", "through");
    box_check_text("usr/lib/x/y", "implicit");
    CHECK_INT(box_stat("usr/lib/x").st_mode, S_IFDIR | 0755);
    CHECK(box_missing("lib"));
    CHECK(box_missing("usr/lib/a"));
    box_check_text("file/sub", "the file gives way");
    box_check_outside();
}

TEST(hard_link_to_lower_file)
{
    struct buf b = {0};
    lower_layer();
    TAR_LINK(&b, "usr/lib/a2", "lib/a");
    TAR_LINK(&b, "link2", "usr/abs");
    box_apply(&b);
    struct stat st = box_stat("usr/lib/a");
    CHECK_INT(st.st_ino, box_stat("usr/lib/a2").st_ino);
    CHECK_INT(st.st_mode, S_IFREG | 0600);
    CHECK_INT(st.st_mtime, 300);
    CHECK_INT(st.st_gid, 0);
    CHECK_INT(box_stat("usr/lib").st_mtime, 200);
    box_check_text("usr/lib/a2", "lower a");
    box_check_link("link2", "/usr/lib");
    box_check_link("usr/abs", "/usr/lib");
}

TEST(whiteouts)
{
    struct buf b = {0};
    lower_layer();
    TAR_FILE(&b, "usr/lib/.wh.a", "");
    TAR_FILE(&b, ".wh.etc", "");
    TAR_FILE(&b, "usr/.wh.not-there", "");
    box_apply(&b);
    CHECK(box_whiteout("usr/lib/a"));
    CHECK(box_whiteout("etc"));
    CHECK(box_missing("usr/not-there"));
    CHECK(box_missing("usr/lib/.wh.a"));
    CHECK_INT(box_stat("usr/lib").st_mtime, 200);
    /* a third layer sees nothing through the whiteouts */
    TAR_FILE(&b, "etc/new", "new");
    TAR_FILE(&b, "usr/lib/c", "c");
    box_apply(&b);
    CHECK_INT(box_stat("etc").st_mode, S_IFDIR | 0755);
    CHECK(!box_opaque("etc"));
    CHECK_INT(box_stat("usr/lib").st_mode, S_IFDIR | 02750);
    struct aw_err err;
    TAR_LINK(&b, "x", "usr/lib/a");
    CHECK(!box_apply_how(&b, NULL, &err));
    CHECK_CONTAINS(err.message, "hard link's target does not exist");
}

/* A whiteout hides lower layers only, wherever it stands among this layer's own entries. */
TEST(whiteouts_in_any_order)
{
    for (int before = 0; before < 2; before++) {
        struct buf b = {0};
        lower_layer();
        for (int step = 0; step < 2; step++) {
            if (step == before) {
                TAR(&b, .name = "usr", .type = '5', .mode = 0755);
                TAR_FILE(&b, "usr/lib/mine", "mine");
                TAR_FILE(&b, "etc", "now a file");
                TAR_SYMLINK(&b, "file", "link");
            } else {
                TAR_FILE(&b, ".wh.usr", "");
                TAR_FILE(&b, ".wh.etc", "");
                TAR_FILE(&b, ".wh.file", "");
            }
        }
        box_apply(&b);
        CHECK(box_opaque("usr"));
        box_check_text("usr/lib/mine", "mine");
        box_check_text("etc", "now a file");
        box_check_link("file", "link");
        CHECK(box_missing("usr/lib/a"));
    }
}

TEST(opaque_in_any_order)
{
    for (int before = 0; before < 2; before++) {
        struct buf b = {0};
        lower_layer();
        if (before)
            TAR_FILE(&b, "usr/.wh..wh..opq", "");
        TAR_FILE(&b, "usr/mine", "mine");
        if (!before)
            TAR_FILE(&b, "usr/.wh..wh..opq", "");
        /* nothing below an opaque folder comes from the lower layers any more */
        TAR_FILE(&b, "usr/lib/fresh", "fresh");
        TAR_FILE(&b, "usr/lib/.wh.a", "");
        box_apply(&b);
        CHECK(box_opaque("usr"));
        box_check_text("usr/mine", "mine");
        CHECK_INT(box_stat("usr").st_mode, S_IFDIR | 0711);
        CHECK_INT(box_stat("usr/lib").st_mode, S_IFDIR | 0755);
        CHECK(box_missing("usr/lib/a"));
        /* for the next layer, too */
        TAR_FILE(&b, "usr/lib/x", "");
        TAR_FILE(&b, "usr/lib/.wh.b", "");
        box_apply(&b);
        CHECK_INT(box_stat("usr/lib").st_mode, S_IFDIR | 0755);
        CHECK(box_missing("usr/lib/b"));
    }
}

TEST(opaque_root)
{
    struct buf b = {0};
    lower_layer();
    TAR_FILE(&b, ".wh..wh..opq", "");
    TAR_FILE(&b, "usr/x", "x");
    TAR_FILE(&b, "file", "mine");
    box_apply(&b);
    CHECK(box_opaque("usr"));
    CHECK(box_whiteout("etc"));
    CHECK(box_whiteout("lib"));
    box_check_text("file", "mine");
    CHECK_INT(box_stat("usr").st_mode, S_IFDIR | 0755);
}

TEST(marks_in_a_base_layer_hide_nothing)
{
    struct buf b = {0};
    box_begin();
    TAR_FILE(&b, "a/.wh.x", "");
    TAR_FILE(&b, "b/.wh..wh..opq", "");
    TAR_FILE(&b, ".wh..wh.aufs", "");
    TAR_DIR(&b, ".wh..wh.plnk");
    TAR_FILE(&b, ".wh..wh.plnk/123", "");
    box_apply(&b);
    CHECK(S_ISDIR(box_stat("a").st_mode));
    CHECK(box_missing("a/x"));
    CHECK(S_ISDIR(box_stat("b").st_mode));
    CHECK(!box_opaque("b"));
    CHECK(box_missing(".wh..wh.plnk"));
    CHECK(box_missing(".wh..wh.aufs"));
}

/* ---- the stream ------------------------------------------------------------------------------ */

TEST(digests)
{
    struct buf b = {0};
    struct aw_err err;
    struct layer_result r;
    char want[DIGEST_SIZE];
    box_begin();
    TAR_FILE(&b, "a", "a");
    tar_end(&b);
    /* what follows the end of the tar counts, too */
    buf_adds(&b, "trailing");
    digest_of(b.data, b.len, want);
    CHECK_OK(box_apply_bytes(b.data, b.len, &(struct box_how){.digest = want, .diff_id = want}, &r,
                             &err),
             err);
    CHECK_STR(r.digest, want);
    CHECK_STR(r.diff_id, want);
    CHECK_INT(r.bytes, b.len);
    CHECK_INT(r.entries, 1);
    buf_fini(&b);
}

TEST(empty_layers)
{
    struct buf b = {0};
    struct aw_err err;
    struct layer_result r;
    box_begin();
    CHECK_OK(box_apply_bytes("", 0, &(struct box_how){.size = UINT64_MAX}, &r, &err), err);
    CHECK_INT(r.entries, 0);
    tar_end(&b);
    CHECK_OK(box_apply_bytes(b.data, b.len, NULL, &r, &err), err);
    CHECK_STR(r.diff_id, "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
    buf_fini(&b);
}

/* ---- the tool ---------------------------------------------------------------------------------
 */

static void tool_log(void *user, enum aw_level level, const char *message)
{
    (void)user;
    if (level >= AW_LOG_NOTE)
        fprintf(stderr, "%s\n", message);
}

static int tool(int argc, char **argv)
{
    const struct aw_log log = {tool_log, NULL};
    struct aw_err err = AW_ERR_INIT;
    struct layer_result r;
    int lowers[32], n = 0;
    if (argc < 4 || argc > 36) {
        fprintf(stderr, "usage: %s --apply BLOB FOLDER [LOWER...]\n", argv[0]);
        return 2;
    }
    struct layer_source src = {
        .blob_fd = open(argv[2], O_RDONLY | O_CLOEXEC), .size = UINT64_MAX, .name = argv[2]};
    struct layer_dest dest = {.fd = file_open_dir(AT_FDCWD, argv[3], 0755, &err)};
    const struct layer_job job = {.log = &log};
    for (; n < argc - 4; n++)
        lowers[n] = open(argv[4 + n], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dest.lower_fds = lowers;
    dest.n_lowers = (size_t)n;
    if (src.blob_fd < 0 || dest.fd < 0 || !layer_apply(&src, &dest, &job, &r, &err)) {
        fprintf(stderr, "%s\n%s\n", err.message, err.mend);
        return 1;
    }
    printf("%s %llu bytes %llu entries\n", r.diff_id, (unsigned long long)r.bytes,
           (unsigned long long)r.entries);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && str_eq(argv[1], "--apply"))
        return tool(argc, argv);
    return box_main(argc, argv);
}
