/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of layer_apply share: a scratch folder with a bystander in it, applying a tar to a
 * folder there, and running the whole program in a user namespace.
 */
#ifndef TEST_LAYER_BOX_H
#define TEST_LAYER_BOX_H

#include "base/file.h"
#include "image/layer.h"
#include "ns/ns.h"
#include "tar.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

struct box {
    char path[64]; /* the scratch folder: L0, L1, ... (layers), bystander */
    int fd;        /* of it */
    unsigned made; /* layers made */
    int layers[8]; /* their descriptors */
    char notes[2048];
};

static struct box box;       /* one for all tests: each begins with box_begin */
static struct idmap box_map; /* of the namespace that we run in */

static inline void box_note(void *user, enum aw_level level, const char *message)
{
    (void)user;
    if (level != AW_LOG_NOTE)
        return;
    size_t n = strlen(box.notes);
    snprintf(box.notes + n, sizeof(box.notes) - n, "%s\n", message);
}

static inline void box_end(void)
{
    if (!box.path[0])
        return;
    for (unsigned i = 0; i < box.made; i++)
        close(box.layers[i]);
    close(box.fd);
    file_remove_tree(AT_FDCWD, box.path, NULL);
    box = (struct box){0};
}

static inline void box_begin(void)
{
    const char *tmp = getenv("TMPDIR");
    box_end();
    snprintf(box.path, sizeof(box.path), "%s/aw-layer-XXXXXX", tmp ? tmp : "/var/tmp");
    CHECK(mkdtemp(box.path) != NULL);
    box.fd = open(box.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(box.fd >= 0);
    CHECK(file_replace(box.fd, "bystander", "untouched", 9, 0640, NULL));
}

/* Nothing but the layers and the bystander is in the scratch folder, and it is as it was. */
static inline void box_check_outside(void)
{
    char want[16];
    size_t len = 0, entries = 0;
    struct stat st;
    DIR *d = opendir(box.path);
    CHECK(d != NULL);
    for (struct dirent *e; (e = readdir(d));)
        entries += e->d_name[0] != '.';
    closedir(d);
    CHECK_INT(entries, box.made + 1);
    for (unsigned i = 0; i < box.made; i++) {
        snprintf(want, sizeof(want), "L%u", i);
        CHECK(fstatat(box.fd, want, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode));
    }
    char *text = file_load(box.fd, "bystander", 100, &len, NULL);
    CHECK_STR(text, "untouched");
    free(text);
    CHECK(fstatat(box.fd, "bystander", &st, AT_SYMLINK_NOFOLLOW) == 0);
    CHECK_INT(st.st_mode, S_IFREG | 0640);
    CHECK_INT(st.st_nlink, 1);
}

/* What a test may want to differ. */
struct box_how {
    const struct layer_limits *limits;
    const struct idmap *map; /* NULL: box_map */
    const char *digest, *diff_id;
    uint64_t size;    /* 0: the right one */
    size_t no_lowers; /* 1: as a base layer */
};

/* Apply len bytes as the next layer, upon those made so far. */
static inline bool box_apply_bytes(const void *data, size_t len, const struct box_how *how,
                                   struct layer_result *ret, struct aw_err *err)
{
    static const struct box_how usual = {0};
    const struct aw_log log = {box_note, NULL};
    char name[16];
    how = how ? how : &usual;
    int blob = memfd_create("blob", MFD_CLOEXEC);
    CHECK(blob >= 0 && file_write_full(blob, data, len) && lseek(blob, 0, SEEK_SET) == 0);
    snprintf(name, sizeof(name), "L%u", box.made);
    int fd = file_open_dir(box.fd, name, 0700, err);
    CHECK(fd >= 0);
    const struct layer_source src = {.blob_fd = blob,
                                     .digest = how->digest,
                                     .size = how->size ? how->size : len,
                                     .diff_id = how->diff_id,
                                     .name = "test"};
    const struct layer_dest dest = {
        .fd = fd, .lower_fds = box.layers, .n_lowers = how->no_lowers ? 0 : box.made};
    const struct layer_job job = {
        .limits = how->limits, .map = how->map ? how->map : &box_map, .log = &log};
    struct layer_result r;
    *err = (struct aw_err)AW_ERR_INIT;
    bool ok = layer_apply(&src, &dest, &job, ret ? ret : &r, err);
    close(blob);
    box.layers[box.made++] = fd;
    return ok;
}

/* Apply what is in b, which is finished and freed. */
static inline bool box_apply_how(struct buf *b, const struct box_how *how, struct aw_err *err)
{
    tar_end(b);
    bool ok = box_apply_bytes(b->data, b->len, how, NULL, err);
    buf_fini(b);
    *b = (struct buf){0};
    return ok;
}

static inline void box_apply(struct buf *b)
{
    struct aw_err err;
    CHECK_OK(box_apply_how(b, NULL, &err), err);
}

static inline int box_top(void)
{
    return box.layers[box.made - 1];
}

static inline struct stat box_stat(const char *path)
{
    struct stat st = {0};
    if (fstatat(box_top(), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        TEST_FAIL("stat %s: %s", path, strerror(errno));
    return st;
}

static inline bool box_missing(const char *path)
{
    struct stat st;
    return fstatat(box_top(), path, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

static inline bool box_whiteout(const char *path)
{
    struct stat st = box_stat(path);
    return S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

static inline bool box_opaque(const char *path)
{
    char v = 0;
    int fd = openat(box_top(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    CHECK(fd >= 0);
    ssize_t n = fgetxattr(fd, "user.overlay.opaque", &v, 1);
    close(fd);
    return n == 1 && v == 'y';
}

static inline void box_check_text(const char *path, const char *want)
{
    struct aw_err err = AW_ERR_INIT;
    char *text = file_load(box_top(), path, 1 << 20, NULL, &err);
    if (!text)
        TEST_FAIL("%s", err.message);
    CHECK_STR(text, want);
    free(text);
}

static inline void box_check_link(const char *path, const char *want)
{
    char target[4097];
    ssize_t n = readlinkat(box_top(), path, target, sizeof(target) - 1);
    if (n < 0)
        TEST_FAIL("readlink %s: %s", path, strerror(errno));
    target[n] = '\0';
    CHECK_STR(target, want);
}

/* All tests in a user namespace: as root with 200000 ids, else with what the user has. */
static inline int box_main(int argc, char **argv)
{
    struct aw_err err = AW_ERR_INIT;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (geteuid() == 0)
        box_map = (struct idmap){.kind = IDMAP_RANGE,
                                 .n_uid = 1,
                                 .n_gid = 1,
                                 .uid = {{0, 0, 200000}},
                                 .gid = {{0, 0, 200000}}};
    else if (!idmap_plan(false, &box_map, &err)) {
        printf("not ok 1 - plan the id map\n# %s\n1..1\n", err.message);
        return 1;
    }
    pid_t pid;
    int side = ns_fork(&box_map, CLONE_NEWNS, &pid, &err), status = 0;
    if (side < 0) {
        printf("ok 1 - user namespace # SKIP %s\n1..1\n", err.message);
        return 0;
    }
    if (side == 0) {
        int rc = test_main(argc, argv);
        box_end();
        fflush(stdout);
        _exit(rc);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

#endif
