/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers: whatever the bytes are, nothing outside the folder and nothing in the lower layer
 * changes.
 *
 * The first byte chooses: raw bytes as they come (for libarchive's parsers and the decompressors),
 * or a list of entries that becomes a well-formed tar (for what the entries do to each other, which
 * random bytes never reach because of the headers' checksums). It all happens on a tmpfs in a
 * user and mount namespace of the fuzzer's own.
 */
#include "base/file.h"
#include "image/layer.h"
#include "../unit/tar.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct input {
    const unsigned char *p; /* what is left */
    size_t n;
};

static unsigned take(struct input *in)
{
    if (!in->n)
        return 0;
    in->n--;
    return *in->p++;
}

/* A path of up to four words. */
static void take_path(struct input *in, char ret[101])
{
    static const char *const words[] = {
        "a",       "b", "c",    "d",     "low",  "..",           ".",        "", ".wh.a",
        ".wh.low", "s", "file", ".wh..", ".wh.", ".wh..wh..opq", "bystander"};
    unsigned shape = take(in);
    size_t n = 0;
    if (shape & 0x80)
        ret[n++] = '/';
    for (unsigned i = 0; i <= (shape & 3); i++) {
        const char *w = words[take(in) % AW_LEN(words)];
        if (n + strlen(w) + 2 > 100)
            break;
        n += (size_t)sprintf(ret + n, "%s%s", i ? "/" : "", w);
    }
    if (shape & 0x40)
        ret[n++] = '/';
    ret[n] = '\0';
}

/* The rest of the input as a tar of entries. */
static void build(struct input *in, struct buf *b)
{
    static const char types[] = "000111222555364";
    static const char *const keys[] = {"SCHILY.xattr.user.x",
                                       "SCHILY.xattr.user.overlay.opaque",
                                       "uid",
                                       "size",
                                       "SCHILY.xattr.security.capability",
                                       "SCHILY.acl.default",
                                       "mtime",
                                       "linkpath",
                                       "GNU.sparse.map",
                                       "GNU.sparse.size",
                                       "path",
                                       "hdrcharset"};
    char name[101], link[101], data[256];
    for (int i = 0; i < 40 && in->n; i++) {
        unsigned how = take(in);
        if ((how & 0x0f) == 0x0f) {
            size_t n = take(in) % 32;
            for (size_t k = 0; k < n; k++)
                data[k] = (char)take(in);
            tar_pax(b, keys[take(in) % AW_LEN(keys)], data, n);
            continue;
        }
        take_path(in, name);
        take_path(in, link);
        memset(data, 'x', sizeof(data));
        tar_put(b, &(const struct tar_entry){.name = name,
                                             .type = types[how % (sizeof(types) - 1)],
                                             .link = link,
                                             .data = how & 0x40 ? data : NULL,
                                             .size = sizeof(data),
                                             .mode = how & 0x80 ? 02777 : 0,
                                             .time = how,
                                             .major = how & 0x20 ? 1 : 0});
    }
    tar_end(b);
}

static int count(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    AW_BUG_ON(!d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void check_file(const char *path, const char *want)
{
    struct stat st;
    char *text = file_load(AT_FDCWD, path, 100, NULL, NULL);
    AW_BUG_ON(!text || !str_eq(text, want));
    free(text);
    AW_BUG_ON(lstat(path, &st) < 0 || st.st_nlink != 1 || st.st_mode != (S_IFREG | 0640));
    AW_BUG_ON(st.st_mtime != 1);
}

static void put_file(const char *path, const char *text)
{
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    AW_BUG_ON(!file_replace(AT_FDCWD, path, text, strlen(text), 0640, NULL));
    AW_BUG_ON(utimensat(AT_FDCWD, path, times, 0) < 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char map[32], gmap[32];
    (void)argc, (void)argv;
    snprintf(map, sizeof(map), "0 %u 1", geteuid());
    snprintf(gmap, sizeof(gmap), "0 %u 1", getegid());
    AW_BUG_ON(unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0);
    file_poke(AT_FDCWD, "/proc/self/setgroups", "deny", NULL);
    AW_BUG_ON(!file_poke(AT_FDCWD, "/proc/self/uid_map", map, NULL));
    AW_BUG_ON(!file_poke(AT_FDCWD, "/proc/self/gid_map", gmap, NULL));
    AW_BUG_ON(mount("tmpfs", "/mnt", "tmpfs", 0, "size=256m") < 0);
    AW_BUG_ON(mkdir("/mnt/low", 0755) < 0 || mkdir("/mnt/low/low", 02755) < 0);
    put_file("/mnt/bystander", "untouched");
    put_file("/mnt/low/file", "lower");
    put_file("/mnt/low/low/a", "lower");
    AW_BUG_ON(symlink("../../..", "/mnt/low/s") < 0 || symlink("/low", "/mnt/low/b") < 0);
    return 0;
}

static void check_outside(void)
{
    AW_BUG_ON(count("/mnt") != 3 || count("/mnt/low") != 4 || count("/mnt/low/low") != 1);
    check_file("/mnt/bystander", "untouched");
    check_file("/mnt/low/file", "lower");
    check_file("/mnt/low/low/a", "lower");
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct layer_limits limits = {64 << 20, 1000, 1000};
    const struct layer_job job = {.limits = &limits};
    struct aw_err err = AW_ERR_INIT;
    struct input in = {data, size};
    struct layer_result r;
    struct buf b = {0};
    unsigned how = take(&in);
    if (how & 1)
        buf_add(&b, in.p, in.n);
    else
        build(&in, &b);
    int blob = memfd_create("blob", MFD_CLOEXEC), low = open("/mnt/low", O_PATH | O_CLOEXEC);
    AW_BUG_ON(mkdir("/mnt/dest", 0755) < 0);
    int dest = open("/mnt/dest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AW_BUG_ON(blob < 0 || low < 0 || dest < 0 || !buf_ok(&b));
    AW_BUG_ON(!file_write_full(blob, b.data, b.len) || lseek(blob, 0, SEEK_SET) < 0);
    const struct layer_source src = {.blob_fd = blob, .size = b.len, .name = "fuzz"};
    const struct layer_dest d = {.fd = dest, .lower_fds = &low, .n_lowers = how & 2 ? 1 : 0};
    if (!layer_apply(&src, &d, &job, &r, &err))
        AW_BUG_ON(err.code == AW_OK || !str_starts(err.message, "layer fuzz: "));
    check_outside();
    close(blob);
    close(low);
    close(dest);
    buf_fini(&b);
    AW_BUG_ON(!file_remove_tree(AT_FDCWD, "/mnt/dest", NULL));
    return 0;
}
