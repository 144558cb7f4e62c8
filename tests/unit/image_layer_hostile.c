/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers made to do harm: each is refused with a message that names layer, entry and reason, or is
 * turned into something harmless, and nothing outside the folder changes.
 */
#include "layer_box.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/mount.h>

/* b must be refused with a message that starts with the layer, and contains want. */
static void refused_how(struct buf *b, const struct box_how *how, enum aw_code code,
                        const char *want)
{
    struct aw_err err;
    if (box_apply_how(b, how, &err))
        TEST_FAIL("applied, want it refused with \"%s\"", want);
    CHECK_CONTAINS(err.message, want);
    if (strncmp(err.message, "layer test: ", 12) != 0)
        TEST_FAIL("got \"%s\", want it to name the layer first", err.message);
    CHECK_STR(aw_code_name(err.code), aw_code_name(code));
    box_check_outside();
}

static void refused(struct buf *b, const char *want)
{
    refused_how(b, NULL, AW_E_PARSE, want);
}

TEST(dot_dot_in_names)
{
    static const char *const names[] = {
        "..",        "../evil", "a/../../evil", "/../evil",
        "./../evil", "a/..",    "../",          "a/b/../../../bystander"};
    for (size_t i = 0; i < AW_LEN(names); i++)
        for (int kind = 0; kind < 4; kind++) {
            struct buf b = {0};
            box_begin();
            TAR(&b, .name = names[i], .type = "0125"[kind], .link = "x", .data = NULL);
            refused(&b, "refused: \"..\" in a name");
        }
    struct buf b = {0};
    box_begin();
    tar_pax_text(&b, "path", "../evil");
    TAR_FILE(&b, "fine", "x");
    refused(&b, "entry ../evil: refused: \"..\" in a name");
    box_begin();
    tar_long(&b, 'L', "x/../../evil");
    TAR_FILE(&b, "fine", "x");
    refused(&b, "entry x/../../evil: refused: \"..\" in a name");
}

TEST(absolute_names_stay_inside)
{
    struct buf b = {0};
    char name[100];
    box_begin();
    snprintf(name, sizeof(name), "%s/evil", box.path);
    TAR_FILE(&b, name, "inside");
    TAR(&b, .name = "//etc//double", .type = '0', .data = "x");
    snprintf(name, sizeof(name), "%s/bystander", box.path);
    TAR_FILE(&b, name, "inside");
    TAR_LINK(&b, "link", name);
    box_apply(&b);
    box_check_text(name + 1, "inside");
    box_check_text("etc/double", "x");
    CHECK_INT(box_stat("link").st_nlink, 2);
    box_check_outside();
}

/* As distroless, buildpacks, kaniko and nix2container make them: one tree, whatever a name begins
 * with. */
TEST(absolute_and_relative_names_are_one_tree)
{
    struct buf b = {0};
    box_begin();
    TAR_DIR(&b, "./");
    TAR_DIR(&b, "/");
    TAR_DIR(&b, "/usr/");
    TAR_DIR(&b, "./usr/bin/");
    TAR_FILE(&b, "/usr/bin/python3", "python");
    TAR_LINK(&b, "usr/bin/python", "/usr/bin/python3");
    TAR_SYMLINK(&b, "/lib", "/usr/lib");
    TAR_FILE(&b, "./usr/lib/x", "x");
    box_apply(&b);
    box_check_text("usr/bin/python", "python");
    CHECK_INT(box_stat("usr/bin/python3").st_nlink, 2);
    box_check_link("lib", "/usr/lib");
    box_check_text("usr/lib/x", "x");
    box_check_outside();
}

/* Whiteouts, folders and what goes through a symlink reach no more by an absolute name than by
 * another. */
TEST(absolute_names_reach_nothing_outside)
{
    struct buf b = {0};
    char name[120];
    box_begin();
    TAR_SYMLINK(&b, "out", box.path);
    TAR_FILE(&b, "/out/evil", "x");
    TAR_FILE(&b, "/out/.wh.bystander", "");
    snprintf(name, sizeof(name), "%s/.wh.bystander", box.path);
    TAR_FILE(&b, name, "");
    snprintf(name, sizeof(name), "%s/", box.path);
    TAR(&b, .name = name, .type = '5', .mode = 0777);
    box_apply(&b);
    box_check_outside();
    box_begin();
    TAR_LINK(&b, "passwd", "/etc/passwd");
    refused(&b, "etc/passwd");
}

/* A symlink that points out, and then something through it. */
TEST(through_symlinks)
{
    static const char *const targets[] = {"..",       "../..",          "/",   "../../../../../..",
                                          "../L0/..", "/proc/self/cwd", "./.."};
    for (size_t i = 0; i <= AW_LEN(targets); i++) {
        struct buf b = {0};
        box_begin();
        TAR_SYMLINK(&b, "s", i < AW_LEN(targets) ? targets[i] : box.path);
        TAR_FILE(&b, "s/bystander", "evil");
        TAR_FILE(&b, "s/evil", "evil");
        TAR_DIR(&b, "s/evil-dir");
        TAR_SYMLINK(&b, "s/evil-link", "x");
        TAR(&b, .name = "s/evil-fifo", .type = '6');
        TAR_FILE(&b, "s/.wh.bystander", "");
        TAR_FILE(&b, "s/.wh..wh..opq", "");
        TAR(&b, .name = "s", .type = '5', .mode = 0777);
        box_apply(&b);
        box_check_outside();
    }
}

/* A symlink to a file, and then that file again: the symlink is replaced, not followed. */
TEST(over_symlinks)
{
    struct buf b = {0};
    char path[100];
    box_begin();
    snprintf(path, sizeof(path), "%s/bystander", box.path);
    TAR_SYMLINK(&b, "a", path);
    TAR(&b, .name = "a", .type = '0', .data = "evil", .mode = 0777);
    TAR_SYMLINK(&b, "b", "../bystander");
    TAR(&b, .name = "b", .type = '5', .mode = 0777, .time = 77);
    TAR_SYMLINK(&b, "c", "../bystander");
    TAR_LINK(&b, "d", "c");
    TAR_FILE(&b, "d", "evil");
    TAR_SYMLINK(&b, "e", "../bystander");
    TAR(&b, .name = "e", .type = '6', .mode = 0777);
    tar_pax(&b, "SCHILY.xattr.user.x", "x", 1);
    TAR(&b, .name = "f", .type = '2', .link = "../bystander", .mode = 0777, .time = 1);
    box_apply(&b);
    box_check_text("a", "evil");
    box_check_text("d", "evil");
    box_check_link("c", "../bystander");
    CHECK(S_ISFIFO(box_stat("e").st_mode));
    box_check_outside();
}

TEST(the_root_cannot_be_replaced)
{
    static const char *const names[] = {".", "./", "/", "./.", "//", "./././"};
    for (size_t i = 0; i < AW_LEN(names); i++)
        for (int kind = 0; kind < 3; kind++) {
            /* with a slash at its end a plain file counts as a folder */
            char type = "126"[kind];
            struct buf b = {0};
            box_begin();
            TAR_FILE(&b, "file", "x");
            TAR(&b, .name = names[i], .type = type, .link = type == '2' ? ".." : "file");
            refused(&b, "refused: it would replace the root folder");
        }
    struct buf b = {0};
    box_begin();
    TAR_FILE(&b, ".", "x");
    refused(&b, "entry .: refused: it would replace the root folder");
}

TEST(hard_links)
{
    static const struct {
        const char *target, *want;
    } cases[] = {
        {"../bystander", "\"..\" in a name"},
        {"/etc/passwd", "target does not exist"},
        {"nothing", "target does not exist"},
        {"no/such/folder", "target does not exist"},
        {"s/bystander", "target does not exist"},
        {"dir", "target is a folder"},
        {"s", NULL},
        {".", "is no file"},
        {"/", "is no file"},
        {".wh.x", "is no file"},
        {".wh..wh..opq", "is no file"},
        {"file/x", "is no folder"},
        {"dir/inside/x", "target does not exist"},
    };
    for (size_t i = 0; i < AW_LEN(cases); i++) {
        struct buf b = {0};
        box_begin();
        TAR_SYMLINK(&b, "s", "..");
        TAR_FILE(&b, "file", "x");
        TAR_DIR(&b, "dir");
        TAR_LINK(&b, "link", cases[i].target);
        if (cases[i].want)
            refused(&b, cases[i].want);
        else
            box_apply(&b);
    }
    /* the place of the link is the folder that holds the target */
    struct buf b = {0};
    box_begin();
    TAR_FILE(&b, "d/f", "x");
    TAR_LINK(&b, "d", "d/f");
    refused_how(&b, NULL, AW_E_IO, "entry d: hard link to d/f");
}

TEST(whiteout_tricks)
{
    static const struct {
        const char *name;
        char type;
        const char *want;
    } cases[] = {
        {".wh.", '0', "a whiteout that names no file"},
        {".wh..", '0', "a whiteout that names no file"},
        {".wh...", '0', "a whiteout that names no file"},
        {"a/.wh..", '0', "a whiteout that names no file"},
        {"a/.wh...", '0', "a whiteout that names no file"},
        {".wh./", '5', "a whiteout that names no file"},
        {".wh.x", '5', "a whiteout that is no plain file"},
        {".wh.x", '2', "a whiteout that is no plain file"},
        {".wh.x", '1', "a whiteout that is no plain file"},
        {".wh.x", '6', "a whiteout that is no plain file"},
        {".wh.x", '3', "a whiteout that is no plain file"},
        {".wh..wh..opq", '5', "a whiteout that is no plain file"},
        {".wh..wh..opq", '2', "a whiteout that is no plain file"},
        {".wh..wh..opq", '1', "a whiteout that is no plain file"},
        {".wh.x/y", '0', "a whiteout is used as a folder"},
        {".wh../y", '0', "a whiteout is used as a folder"},
        {"a/.wh.b/c/d", '5', "a whiteout is used as a folder"},
        {"../.wh.bystander", '0', "\"..\" in a name"},
        {"file/.wh.x", '0', "is no folder"},
    };
    for (size_t i = 0; i < AW_LEN(cases); i++) {
        struct buf b = {0};
        box_begin();
        TAR_FILE(&b, "file", "x");
        box_apply(&b);
        TAR_FILE(&b, "file", "x");
        TAR(&b, .name = cases[i].name, .type = cases[i].type, .link = "file", .major = 1);
        refused(&b, cases[i].want);
    }
}

TEST(device_zero)
{
    struct buf b = {0};
    box_begin();
    TAR(&b, .name = "file", .type = '3');
    refused(&b, "entry file: refused: character device 0:0");
}

TEST(marks_of_overlayfs)
{
    static const char *const keys[] = {
        "SCHILY.xattr.user.overlay.opaque",       "SCHILY.xattr.user.overlay.redirect",
        "SCHILY.xattr.user.overlay.whiteout",     "SCHILY.xattr.trusted.overlay.opaque",
        "SCHILY.xattr.trusted.overlay.metacopy",  "SCHILY.xattr.trusted.any",
        "LIBARCHIVE.xattr.user%2Eoverlay.opaque",
    };
    for (size_t i = 0; i < AW_LEN(keys); i++)
        for (int kind = 0; kind < 4; kind++) {
            struct buf b = {0};
            box_begin();
            tar_pax_text(&b, keys[i], "eQ");
            TAR(&b, .name = "x", .type = "0526"[kind], .link = "y");
            refused(&b, "which only mounts may set");
        }
}

TEST(large_attributes)
{
    struct buf b = {0};
    char *value = calloc(1, 70000);
    CHECK(value != NULL);
    box_begin();
    tar_pax(&b, "SCHILY.xattr.user.big", value, 70000);
    TAR_FILE(&b, "x", "");
    refused(&b, "refused: extended attribute user.big is too large");
    box_begin();
    tar_pax(&b, "SCHILY.xattr.security.capability", value, 21);
    TAR_FILE(&b, "x", "");
    refused(&b, "malformed file capabilities");
    box_begin();
    /* a pax header beyond libarchive's own limit */
    char *path = malloc(3 << 20);
    CHECK(path != NULL);
    memset(path, 'a', 3 << 20);
    tar_pax(&b, "path", path, 3 << 20);
    TAR_FILE(&b, "x", "");
    refused(&b, "broken tar: ");
    free(path);
    free(value);
}

TEST(names_too_long)
{
    struct buf b = {0};
    char *path = malloc(10000);
    CHECK(path != NULL);
    memset(path, 'n', 10000);
    path[256] = '\0';
    box_begin();
    tar_pax_text(&b, "path", path);
    TAR_FILE(&b, "x", "");
    refused(&b, "a name is longer than 255 bytes");

    for (int i = 0; i < 4200; i++)
        path[i] = i % 200 == 199 ? '/' : 'p';
    path[4200] = '\0';
    box_begin();
    tar_pax_text(&b, "path", path);
    TAR_FILE(&b, "x", "");
    refused(&b, "the path is longer than 4096 bytes");

    for (int i = 0; i < 514; i++)
        path[i] = i % 2 ? '/' : 'd';
    path[513] = '\0'; /* 257 components */
    box_begin();
    tar_pax_text(&b, "path", path);
    TAR_FILE(&b, "x", "");
    refused(&b, "more than 256 folders deep");

    /* the same by symlinks: 200 deep, and from there again */
    path[399] = '\0';
    box_begin();
    tar_pax_text(&b, "path", path);
    TAR_DIR(&b, "x");
    tar_long(&b, 'K', path);
    TAR(&b, .name = "s", .type = '2', .link = "x");
    char again[420] = "s/";
    strcat(again, path);
    tar_pax_text(&b, "path", again);
    TAR_FILE(&b, "x", "");
    refused(&b, "more than 256 folders deep");
    free(path);
}

TEST(odd_names)
{
    struct buf b = {0};
    box_begin();
    TAR_FILE(&b, "", "x");
    refused(&b, "the name is empty");
    /* a NUL ends the name; what follows it never counts */
    box_begin();
    tar_pax(&b, "path", "a\0/../../evil", 13);
    TAR_FILE(&b, "x", "cut");
    box_apply(&b);
    box_check_text("a", "cut");
    box_check_outside();
    box_begin();
    TAR_SYMLINK(&b, "x", "");
    refused(&b, "a symlink without a target");
    /* what a terminal would act on is not in the message */
    box_begin();
    TAR_FILE(&b, "../\x1b[2J\x9b\n", "x");
    refused(&b, "entry ../\\x1b[2J\\x9b\\x0a: ");
}

TEST(loops)
{
    struct buf b = {0};
    char name[16], target[16];
    box_begin();
    TAR_SYMLINK(&b, "a", "b");
    TAR_SYMLINK(&b, "b", "a");
    TAR_FILE(&b, "a/x", "x");
    refused(&b, "more than 40 symlinks");
    box_begin();
    TAR_SYMLINK(&b, "self", "self/self");
    TAR_FILE(&b, "self/x", "x");
    refused(&b, "more than 40 symlinks");
    for (unsigned n = 40; n <= 41; n++) {
        box_begin();
        for (unsigned i = 0; i < n; i++) {
            snprintf(name, sizeof(name), "l%u", i);
            snprintf(target, sizeof(target), i + 1 < n ? "l%u" : "dir", i + 1);
            TAR_SYMLINK(&b, name, target);
        }
        TAR_FILE(&b, "l0/x", "x");
        if (n == 41)
            refused(&b, "more than 40 symlinks");
        else
            box_apply(&b);
    }
    /* each symlink makes the path longer */
    char *big = malloc(4096);
    CHECK(big != NULL);
    for (int i = 0; i < 4000; i++)
        big[i] = i % 2 ? '/' : '.';
    strcpy(big + 3990, "/s");
    box_begin();
    tar_long(&b, 'K', big);
    TAR(&b, .name = "s", .type = '2', .link = "x");
    TAR_FILE(&b, "s/x", "x");
    refused(&b, "symlinks on the way to it");
    free(big);
}

TEST(files_as_folders)
{
    struct buf b = {0};
    box_begin();
    TAR_FILE(&b, "a", "x");
    TAR_FILE(&b, "a/b", "x");
    refused(&b, "entry a/b: refused: a, on the way to it, is no folder");
    box_begin();
    TAR(&b, .name = "a", .type = '6');
    TAR_FILE(&b, "a/b/c", "x");
    refused(&b, "is no folder");
    box_begin();
    TAR_SYMLINK(&b, "s", "f");
    TAR_FILE(&b, "f", "x");
    TAR_FILE(&b, "s/x", "x");
    refused(&b, "f, on the way to it, is no folder");
}

TEST(owners)
{
    struct buf b = {0};
    struct aw_err err;
    static const char *const bad[] = {"-1", "4294967295", "4294967296", "9223372036854775807"};
    for (size_t i = 0; i < AW_LEN(bad); i++) {
        box_begin();
        tar_pax_text(&b, i % 2 ? "uid" : "gid", bad[i]);
        TAR_FILE(&b, "x", "x");
        /* libarchive 3.8 refuses the first and the last itself, in its own words */
        refused(&b, i == 0 || i == 3 ? "entry x: " : "is no valid id");
    }
    box_begin();
    tar_pax_text(&b, "uid", "3000000");
    TAR_FILE(&b, "x", "x");
    if (box_map.kind == IDMAP_SINGLE) {
        box_apply(&b);
        return;
    }
    CHECK(!box_apply_how(&b, NULL, &err));
    CHECK_CONTAINS(err.message, "entry x: its owner's user id 3000000 is outside the");
    CHECK_CONTAINS(err.mend, "usermod --add-subuids");
    CHECK_INT(err.code, AW_E_PERM);
}

TEST(limits)
{
    struct buf b = {0};
    char *zeros = calloc(1, 1 << 20);
    CHECK(zeros != NULL);
    box_begin();
    for (int i = 0; i < 4; i++)
        TAR(&b, .name = "x", .type = '0', .data = zeros, .size = 1 << 20);
    refused_how(&b, &(struct box_how){.limits = &(struct layer_limits){3 << 20, 100, 1000}},
                AW_E_LIMIT, "unpacks to more than the limit of 3145728 bytes");
    box_begin();
    for (int i = 0; i < 11; i++)
        TAR_DIR(&b, "x");
    refused_how(&b, &(struct box_how){.limits = &(struct layer_limits){3 << 20, 10, 1000}},
                AW_E_LIMIT, "has more than the limit of 10 entries");
    free(zeros);
}

/* A file said to be larger than any file can be. */
TEST(sparse_bomb)
{
    struct buf b = {0};
    struct aw_err err;
    box_begin();
    struct buf r = {0};
    tar_pax_add(&r, "GNU.sparse.size", "9223372036854775807", 19);
    tar_pax_add(&r, "GNU.sparse.numblocks", "1", 1);
    tar_pax_add(&r, "GNU.sparse.map", "9223372036854775800,5", 21);
    tar_pax_add(&r, "GNU.sparse.name", "sparse", 6);
    tar_pax_put(&b, &r);
    TAR_FILE(&b, "x", "hello");
    CHECK(!box_apply_how(&b, NULL, &err));
    CHECK_CONTAINS(err.message, "layer test: entry sparse: ");
    box_check_outside();
}

TEST(full_disk)
{
    struct buf b = {0};
    struct aw_err err;
    char path[80], *data = malloc(2 << 20);
    CHECK(data != NULL);
    memset(data, 'x', 2 << 20);
    box_begin();
    snprintf(path, sizeof(path), "%s/L0", box.path);
    CHECK(mkdir(path, 0700) == 0);
    if (mount("tmpfs", path, "tmpfs", 0, "size=1m") < 0)
        TEST_SKIP("no tmpfs can be mounted in a user namespace");
    TAR_FILE(&b, "first", "x");
    TAR(&b, .name = "big", .type = '0', .data = data, .size = 2 << 20);
    bool ok = box_apply_how(&b, NULL, &err);
    umount2(path, MNT_DETACH);
    free(data);
    CHECK(!ok);
    CHECK_CONTAINS(err.message, "layer test: entry big: write: the file system of the store's "
                                "folder is full");
    CHECK_CONTAINS(err.mend, "archway prune");
    CHECK_INT(err.code, AW_E_LIMIT);
    box_check_outside();
}

TEST(copy_up_counts)
{
    struct buf b = {0};
    char *data = calloc(1, 1 << 20);
    CHECK(data != NULL);
    data[5] = 1;
    box_begin();
    TAR(&b, .name = "big", .type = '0', .data = data, .size = 1 << 20);
    box_apply(&b);
    TAR_LINK(&b, "link", "big");
    refused_how(&b, &(struct box_how){.limits = &(struct layer_limits){1 << 19, 100, 1000}},
                AW_E_LIMIT, "copies of lower layers' files exceed the limit");
    free(data);
}

/* ---- compression and integrity ----------------------------------------------------------------
 */

/* data through one of libarchive's filters into *ret. */
static void compress_by(const char *filter, const void *data, size_t len, struct buf *ret)
{
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    char *out = malloc(len + (1 << 20));
    size_t used = 0;
    CHECK(a && e && out);
    CHECK_INT(archive_write_set_format_raw(a), ARCHIVE_OK);
    CHECK_INT(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(a, 1);
    CHECK_INT(archive_write_open_memory(a, out, len + (1 << 20), &used), ARCHIVE_OK);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_pathname(e, "x");
    CHECK_INT(archive_write_header(a, e), ARCHIVE_OK);
    for (size_t at = 0; at < len;) {
        la_ssize_t n = archive_write_data(a, (const char *)data + at, len - at);
        CHECK(n > 0);
        at += (size_t)n;
    }
    CHECK_INT(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    archive_entry_free(e);
    buf_add(ret, out, used);
    free(out);
}

/* A tar of a few incompressible files. */
static void sample(struct buf *b)
{
    char *noise = malloc(1 << 20);
    uint32_t x = 1;
    CHECK(noise != NULL);
    for (size_t i = 0; i < 1 << 20; i++)
        noise[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
    TAR(b, .name = "noise", .type = '0', .data = noise, .size = 1 << 20);
    TAR_FILE(b, "dir/small", "small");
    tar_end(b);
    free(noise);
}

TEST(every_compression)
{
    static const char *const filters[] = {"gzip", "zstd", "xz",   "bzip2",
                                          "lz4",  "lzma", "lzip", "compress"};
    for (size_t i = 0; i < AW_LEN(filters); i++) {
        struct buf b = {0}, z = {0};
        struct aw_err err;
        struct layer_result r;
        char digest[DIGEST_SIZE], diff_id[DIGEST_SIZE];
        box_begin();
        sample(&b);
        compress_by(filters[i], b.data, b.len, &z);
        digest_of(z.data, z.len, digest);
        digest_of(b.data, b.len, diff_id);
        CHECK_OK(box_apply_bytes(z.data, z.len,
                                 &(struct box_how){.digest = digest, .diff_id = diff_id}, &r, &err),
                 err);
        box_check_text("dir/small", "small");
        CHECK_INT(box_stat("noise").st_size, 1 << 20);
        CHECK_STR(r.digest, digest);
        CHECK_STR(r.diff_id, diff_id);
        buf_fini(&b);
        buf_fini(&z);
    }
}

static void corrupt(const struct buf *z, size_t len, const struct box_how *how, enum aw_code code,
                    const char *want)
{
    struct aw_err err;
    box_begin();
    CHECK(!box_apply_bytes(z->data, len, how, NULL, &err));
    CHECK_CONTAINS(err.message, want);
    CHECK_STR(aw_code_name(err.code), aw_code_name(code));
    box_check_outside();
}

TEST(wrong_digest_and_size)
{
    struct buf b = {0}, z = {0};
    char digest[DIGEST_SIZE], diff_id[DIGEST_SIZE], want[200];
    char other[DIGEST_SIZE];
    digest_of("x", 1, other);
    sample(&b);
    compress_by("gzip", b.data, b.len, &z);
    digest_of(z.data, z.len, digest);
    digest_of(b.data, b.len, diff_id);
    snprintf(want, sizeof(want), "the blob's digest is %s and should be %s", digest, other);
    corrupt(&z, z.len, &(struct box_how){.digest = other}, AW_E_CORRUPT, want);
    snprintf(want, sizeof(want), "the unpacked layer's digest is %s and should be %s", diff_id,
             other);
    corrupt(&z, z.len, &(struct box_how){.digest = digest, .diff_id = other}, AW_E_CORRUPT, want);
    snprintf(want, sizeof(want), "the blob has %zu bytes and should have %zu: it is truncated",
             z.len, z.len + 1);
    corrupt(&z, z.len, &(struct box_how){.size = z.len + 1}, AW_E_CORRUPT, want);
    snprintf(want, sizeof(want), "larger than the %zu bytes it should have", z.len - 1);
    corrupt(&z, z.len, &(struct box_how){.size = z.len - 1}, AW_E_CORRUPT, want);
    corrupt(&z, z.len, &(struct box_how){.size = 100}, AW_E_CORRUPT, "larger than the 100 bytes");
    /* cut in the middle: the size is what is wrong, whatever the decompressor says */
    corrupt(&z, z.len / 2, &(struct box_how){.size = z.len, .digest = digest}, AW_E_CORRUPT,
            "it is truncated");
    corrupt(&z, z.len / 2, NULL, AW_E_PARSE, "decompress: truncated gzip input");
    corrupt(&b, b.len / 2, NULL, AW_E_PARSE, "entry noise: broken tar: ");
    /* one bit: the digest is what is wrong, whatever the tar reader says */
    z.data[z.len / 2] ^= 1;
    corrupt(&z, z.len, &(struct box_how){.digest = digest}, AW_E_CORRUPT, "the blob's digest is");
    b.data[600] ^= 1;
    b.data[(1 << 20) + 512 + 3] ^= 1;
    corrupt(&b, b.len, &(struct box_how){.digest = diff_id}, AW_E_CORRUPT, "the blob's digest is");
    corrupt(&b, b.len, NULL, AW_E_PARSE, "broken tar: Damaged tar archive");
    buf_fini(&b);
    buf_fini(&z);
}

TEST(what_is_no_tar)
{
    static const struct {
        const char *bytes, *want;
    } cases[] = {
        {"PK\3\4.................", "zip archive"},
        {"070701.................", "cpio archive"},
        {"!<arch>\ndebian-binary ", "ar archive or .deb package"},
        {"7z\xbc\xaf\x27\x1c.....", "7-zip archive"},
        {"hsqs...................", "squashfs image"},
        {"\x89LZO................", "lzop file"},
        {"#mtree\n./a type=file\n", "mtree listing"},
        {"#!/bin/sh\necho hello\n", "it is no tar archive"},
        {"{\"schemaVersion\": 2}", "it is no tar archive"},
    };
    for (size_t i = 0; i < AW_LEN(cases); i++) {
        char block[2048] = {0};
        struct buf b = {0};
        strcpy(block, cases[i].bytes);
        buf_add(&b, block, sizeof(block));
        corrupt(&b, b.len, NULL, AW_E_PARSE, cases[i].want);
        corrupt(&b, strlen(block), NULL, AW_E_PARSE, cases[i].want);
        buf_fini(&b);
    }
}

TEST(bombs)
{
    const struct layer_limits low = {64ull << 30, 1000, 100};
    struct buf b = {0}, z = {0}, zz = {0};
    size_t size = 100u << 20;
    char *zeros = calloc(1, size);
    CHECK(zeros != NULL);
    TAR(&b, .name = "zeros", .type = '0', .data = zeros, .size = size);
    tar_end(&b);
    free(zeros);
    compress_by("gzip", b.data, b.len, &z);
    corrupt(&z, z.len, &(struct box_how){.limits = &low}, AW_E_LIMIT,
            "this looks like a decompression bomb");
    corrupt(&z, z.len, &(struct box_how){.limits = &(struct layer_limits){50 << 20, 1000, 5000}},
            AW_E_LIMIT, "unpacks to more than the limit of 52428800 bytes");
    compress_by("gzip", z.data, z.len, &zz);
    corrupt(&zz, zz.len, NULL, AW_E_PARSE, "compressed twice (gzip in gzip)");
    /* behind the end of the tar it counts as well */
    buf_fini(&z);
    z = (struct buf){0};
    memset(b.data, 0, 1024);
    compress_by("zstd", b.data, b.len, &z);
    corrupt(&z, z.len, NULL, AW_E_LIMIT, "this looks like a decompression bomb");
    buf_fini(&b);
    buf_fini(&z);
    buf_fini(&zz);
}

int main(int argc, char **argv)
{
    return box_main(argc, argv);
}
