/* SPDX-License-Identifier: Apache-2.0
 *
 * The store beside itself: many processes at once, and processes that die in the middle.
 */
#include "test.h"

#include "image/fetch.h"
#include "image/image.h"
#include "image/oci.h"
#include "image/rootfs.h"
#include "image/store_private.h"

#include "base/buf.h"
#include "base/file.h"
#include "codec/js.h"
#include "ns/ns.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

struct bed {
    char dir[64];     /* a folder of the test's own */
    char path[96];    /* the store in it */
    struct idmap map; /* the caller's */
    struct store *s;  /* opened */
};

static struct store *open_store(const struct bed *b)
{
    struct aw_err err = AW_ERR_INIT;
    struct store *s = store_open(b->path, &b->map, NULL, &err);
    if (!s)
        TEST_FAIL("store_open: %s", err.message);
    return s;
}

static void bed_init(struct bed *b)
{
    struct aw_err err = AW_ERR_INIT;
    *b = (struct bed){.dir = "/tmp/image_store.XXXXXX"};
    CHECK(mkdtemp(b->dir));
    snprintf(b->path, sizeof(b->path), "%s/store", b->dir);
    CHECK_OK(idmap_plan(false, &b->map, &err), err);
    b->s = open_store(b);
}

static void bed_fini(struct bed *b)
{
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(store_remove_tree(b->s, AT_FDCWD, b->path, &err), err);
    store_free(b->s);
    CHECK_OK(file_remove_tree(AT_FDCWD, b->dir, &err), err);
}

static bool nothing(void *arg, const struct aw_log *log, struct aw_err *err)
{
    (void)arg;
    (void)log;
    (void)err;
    return true;
}

static void need_namespace(const struct bed *b)
{
    struct aw_err err = AW_ERR_INIT;
    if (!ns_run(&b->map, 0, nothing, NULL, NULL, NULL, NULL, &err))
        TEST_SKIP("no user namespace can be made here");
}

static bool exists(const struct bed *b, const char *path)
{
    struct stat st;
    return fstatat(store_dir_fd(b->s), path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static size_t count(const struct bed *b, const char *folder)
{
    struct strv names = {0};
    store_list_dir(b->s, folder, &names, NULL);
    size_t n = names.n;
    strv_fini(&names);
    return n;
}

static void put_blob(const struct bed *b, const char *text, char digest[DIGEST_SIZE])
{
    char path[STORE_BLOB_PATH];
    struct aw_err err = AW_ERR_INIT;
    digest_of(text, strlen(text), digest);
    store_blob_path(digest, path);
    CHECK_OK(file_replace(store_dir_fd(b->s), path, text, strlen(text), 0600, &err), err);
}

/* An image of one layer (whose bytes are no tar: these tests do not unpack it). */
static void put_image(const struct bed *b, const char *name, const char *arch, const char *layer,
                      struct store_entry *e)
{
    char text[2048], layer_digest[DIGEST_SIZE];
    struct aw_err err = AW_ERR_INIT;
    *e = (struct store_entry){.name = (char *)name, .signature = (char *)"", .fetched = 1};
    put_blob(b, layer, layer_digest);
    snprintf(text, sizeof(text),
             "{\"os\":\"linux\",\"architecture\":\"%s\",\"config\":{\"Labels\":{\"a\":\"b\"}},"
             "\"rootfs\":{\"diff_ids\":[\"%s\"]}}",
             arch, layer_digest);
    put_blob(b, text, e->config_digest);
    size_t config_size = strlen(text);
    snprintf(text, sizeof(text),
             "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI_MT_CONFIG
             "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
             "\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}]}",
             e->config_digest, config_size, layer_digest, strlen(layer));
    put_blob(b, text, e->digest);
    e->size = strlen(text);
    memcpy(e->source_digest, e->digest, DIGEST_SIZE);
    platform_set(&e->platform, "linux", arch, "");
    CHECK_OK(store_entry_put(b->s, e, &err), err);
}

static bool obtain(struct store *s, const char *source, const char *platform, struct image *img,
                   struct aw_err *err)
{
    struct platform p;
    struct image_request req = {.source = source, .pull = IMAGE_PULL_NEVER};
    if (platform) {
        CHECK_OK(platform_parse(platform, &p, err), *err);
        req.platform = &p;
    }
    return image_obtain(s, &req, img, err);
}

/* ---- the index ---------------------------------------------------------------------------------
 */

TEST(found_by_name_platform_digest_and_id)
{
    struct bed b;
    struct store_entry arm, riscv;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    char text[200];
    bed_init(&b);
    put_image(&b, "docker.io/library/debian:latest", "arm64", "a", &arm);
    put_image(&b, "docker.io/library/debian:latest", "riscv64", "r", &riscv);
    CHECK_OK(obtain(b.s, "debian", "aarch64", &img, &err), err);
    CHECK_STR(img.digest, arm.digest);
    CHECK_STR(img.platform.arch, "arm64");
    image_fini(&img);
    snprintf(text, sizeof(text), "debian@%s", riscv.digest);
    CHECK_OK(obtain(b.s, text, "riscv64", &img, &err), err);
    CHECK_STR(img.digest, riscv.digest);
    image_fini(&img);
    /* the same content, but that repository has not vouched for it */
    snprintf(text, sizeof(text), "other@%s", riscv.digest);
    CHECK(!obtain(b.s, text, "riscv64", &img, &err));
    snprintf(text, sizeof(text), "%.12s", digest_hex(arm.config_digest));
    CHECK_OK(obtain(b.s, text, NULL, &img, &err), err);
    CHECK_STR(img.name, "docker.io/library/debian:latest");
    image_fini(&img);
    CHECK(!obtain(b.s, "debian", "s390x", &img, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    CHECK_CONTAINS(err.mend, "archway pull --platform linux/s390x");
    CHECK(!obtain(b.s, "debian:other", NULL, &img, &err));
    bed_fini(&b);
}

TEST(a_tag_that_moves_keeps_one_entry)
{
    struct bed b;
    struct store_entry e;
    struct store_images list;
    struct aw_err err = AW_ERR_INIT;
    bed_init(&b);
    put_image(&b, "docker.io/library/x:1", "arm64", "one", &e);
    put_image(&b, "docker.io/library/x:1", "arm64", "two", &e);
    CHECK_OK(store_list(b.s, &list, &err), err);
    CHECK_INT(list.n, 1);
    CHECK_STR(list.v[0].id, e.config_digest);
    CHECK_STR(list.v[0].repository, "docker.io/library/x");
    CHECK_STR(list.v[0].tag, "1");
    CHECK_INT(list.v[0].size > 3, true);
    store_images_fini(&list);
    struct json_object *o = store_inspect(b.s, "x:1", NULL, &err);
    if (!o)
        TEST_FAIL("inspect: %s", err.message);
    CHECK_CONTAINS(js_text(o), "\"Labels\":{\"a\":\"b\"}");
    json_object_put(o);
    bed_fini(&b);
}

TEST(a_broken_index_is_named)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    static const char *const texts[] = {"{", "{\"manifests\":[{}]}",
                                        "{\"manifests\":[{\"digest\":\"../../x\"}]}",
                                        "{\"manifests\":3}"};
    bed_init(&b);
    for (size_t i = 0; i < AW_LEN(texts); i++) {
        CHECK_OK(
            file_replace(store_dir_fd(b.s), "index.json", texts[i], strlen(texts[i]), 0600, &err),
            err);
        CHECK(!obtain(b.s, "debian", NULL, &img, &err));
        CHECK_CONTAINS(err.message, "index.json");
        CHECK_CONTAINS(err.mend, "rm ");
    }
    bed_fini(&b);
}

TEST(a_wrong_blob_is_never_used)
{
    struct bed b;
    struct store_entry e;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    char path[STORE_BLOB_PATH];
    bed_init(&b);
    put_image(&b, "docker.io/library/x:1", "arm64", "one", &e);
    store_blob_path(e.config_digest, path);
    int fd = openat(store_dir_fd(b.s), path, O_RDWR);
    CHECK(fd >= 0 && pwrite(fd, "[", 1, 0) == 1 && close(fd) == 0);
    CHECK(!obtain(b.s, "x:1", "arm64", &img, &err));
    CHECK_INT(err.code, AW_E_CORRUPT);
    CHECK_CONTAINS(err.mend, "archway pull");
    CHECK(!exists(&b, path));
    /* shortened */
    store_blob_path(e.digest, path);
    fd = openat(store_dir_fd(b.s), path, O_RDWR);
    CHECK(fd >= 0 && ftruncate(fd, 10) == 0 && close(fd) == 0);
    CHECK(!obtain(b.s, "x:1", "arm64", &img, &err));
    CHECK_INT(err.code, AW_E_CORRUPT);
    CHECK_CONTAINS(err.message, "10 bytes");
    bed_fini(&b);
}

/* 8 processes put 8 entries each: none is lost. */
TEST(parallel_writers_lose_nothing)
{
    struct bed b;
    struct store_images list;
    struct aw_err err = AW_ERR_INIT;
    struct store_entry e;
    bed_init(&b);
    put_image(&b, "docker.io/library/x:1", "arm64", "one", &e);
    for (int p = 0; p < 8; p++) {
        if (fork() == 0) {
            struct store *s = store_open(b.path, &b.map, NULL, &err);
            for (int i = 0; s && i < 8; i++) {
                char name[64];
                snprintf(name, sizeof(name), "docker.io/library/x:%d-%d", p, i);
                e.name = name;
                if (!store_entry_put(s, &e, &err))
                    _exit(1);
            }
            _exit(s ? 0 : 1);
        }
    }
    for (int p = 0; p < 8; p++) {
        int st = 1;
        CHECK(wait(&st) > 0);
        CHECK_INT(st, 0);
    }
    CHECK_OK(store_list(b.s, &list, &err), err);
    CHECK_INT(list.n, 65);
    store_images_fini(&list);
    bed_fini(&b);
}

/* ---- tarballs: import, unpack, die -------------------------------------------------------------
 */

/* rootfs.tar in the bed: bin/sh with an ELF header, and many files. */
static void make_tarball(const struct bed *b, int files, char *path, size_t size)
{
    char cmd[600], root[128];
    Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                    .e_type = ET_EXEC,
                    .e_machine = EM_AARCH64};
    snprintf(root, sizeof(root), "%s/root", b->dir);
    snprintf(path, size, "%s/rootfs.tar", b->dir);
    snprintf(
        cmd, sizeof(cmd),
        "rm -rf %s && mkdir -p %s/bin %s/usr/bin && ln -s ../usr/bin/real %s/bin/sh && cd %s && "
        "i=0; while [ $i -lt %d ]; do echo $i > f$i; i=$((i+1)); done",
        root, root, root, root, root, files);
    CHECK_INT(system(cmd), 0);
    snprintf(cmd, sizeof(cmd), "%s/usr/bin/real", root);
    FILE *f = fopen(cmd, "w");
    CHECK(f && fwrite(&h, sizeof(h), 1, f) == 1 && fclose(f) == 0);
    snprintf(cmd, sizeof(cmd),
             "tar -C %s --owner=0 --group=0 -cf %s . && tar -C %s --append --owner=7 --group=7 "
             "--mode=700 --transform=s,usr/bin,usr/own, -f %s ./usr/bin",
             root, path, root, path);
    CHECK_INT(system(cmd), 0);
}

static bool import(struct store *s, const struct idmap *map, const char *path, struct image *img,
                   struct aw_err *err)
{
    struct image_request req = {.source = path};
    if (!image_obtain(s, &req, img, err))
        return false;
    if (image_unpack(s, img, map, &req, err))
        return true;
    image_fini(img);
    return false;
}

TEST(a_tarball_is_imported_once)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    char tar[128], dir[256];
    struct stat one, two;
    bed_init(&b);
    need_namespace(&b);
    make_tarball(&b, 3, tar, sizeof(tar));
    CHECK_OK(import(b.s, &b.map, tar, &img, &err), err);
    CHECK_STR(img.platform.arch, "arm64");
    CHECK_STR(img.config.cmd.v[0], "/bin/sh");
    CHECK_INT(img.layer_dirs.n, 1);
    snprintf(dir, sizeof(dir), "%s/f1", img.layer_dirs.v[0]);
    CHECK(fstatat(store_dir_fd(b.s), dir, &one, 0) == 0);
    image_fini(&img);
    CHECK_OK(import(b.s, &b.map, tar, &img, &err), err);
    CHECK(fstatat(store_dir_fd(b.s), dir, &two, 0) == 0);
    CHECK_INT(one.st_ino, two.st_ino);
    CHECK_INT(one.st_ctim.tv_nsec, two.st_ctim.tv_nsec);
    image_fini(&img);
    /* changed: imported anew, though its name is the same */
    make_tarball(&b, 5, tar, sizeof(tar));
    CHECK_OK(import(b.s, &b.map, tar, &img, &err), err);
    CHECK_INT(count(&b, img.layer_dirs.v[0]), 7);
    image_fini(&img);
    /* for another map it is unpacked again, from the file */
    struct idmap single;
    CHECK_OK(idmap_plan(true, &single, &err), err);
    CHECK_OK(import(b.s, &single, tar, &img, &err), err);
    CHECK_CONTAINS(img.layer_dirs.v[0], single.key);
    image_fini(&img);
    CHECK_INT(count(&b, "staging"), 0);
    struct store_pruned done;
    CHECK_OK(store_prune(b.s, false, NULL, &done, &err), err);
    CHECK_INT(done.layers, 1); /* the one of the older tarball */
    CHECK_OK(store_prune(b.s, true, NULL, &done, &err), err);
    CHECK_INT(done.images, 1);
    CHECK_INT(done.layers, 2);
    CHECK(done.bytes > 0);
    CHECK_INT(count(&b, "layers"), 0);
    bed_fini(&b);
}

/* Whatever moment a process dies at: nothing partial can be found, and the next command cleans up.
 */
TEST(killed_while_unpacking)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    char tar[128];
    int left_behind = 0, finished = 0;
    bed_init(&b);
    need_namespace(&b);
    make_tarball(&b, 600, tar, sizeof(tar));
    for (int ms = 1; ms < 200 && finished < 2; ms += 5) {
        pid_t pid = fork();
        if (pid == 0) {
            struct store *s = store_open(b.path, &b.map, NULL, &err);
            _exit(s && import(s, &b.map, tar, &img, &err) ? 0 : 1);
        }
        nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
        kill(pid, SIGKILL);
        int st;
        CHECK(waitpid(pid, &st, 0) == pid);
        finished += WIFEXITED(st) && WEXITSTATUS(st) == 0;
        left_behind += count(&b, "staging") > 0;
        struct strv keys = {0};
        store_list_dir(b.s, "layers", &keys, NULL);
        for (size_t k = 0; k < keys.n; k++) {
            char key[80];
            snprintf(key, sizeof(key), "layers/%s", keys.v[k]);
            struct strv names = {0};
            store_list_dir(b.s, key, &names, NULL);
            for (size_t i = 0; i < names.n; i++) {
                char diff[200];
                snprintf(diff, sizeof(diff), "%s/%s/diff", key, names.v[i]);
                CHECK_INT(count(&b, diff), 602);
            }
            strv_fini(&names);
        }
        strv_fini(&keys);
    }
    CHECK(left_behind > 0);
    /* the process in the namespace dies with its parent, but not in the same moment */
    for (int i = 0; i < 200 && count(&b, "staging") > 0; i++) {
        store_stage_clean(b.s);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    CHECK_INT(count(&b, "staging"), 0);
    CHECK_OK(import(b.s, &b.map, tar, &img, &err), err);
    CHECK_INT(count(&b, img.layer_dirs.v[0]), 602);
    image_fini(&img);
    CHECK_INT(count(&b, "staging"), 0);
    bed_fini(&b);
}

TEST(many_unpack_the_same)
{
    struct bed b;
    struct aw_err err = AW_ERR_INIT;
    char tar[128];
    bed_init(&b);
    need_namespace(&b);
    make_tarball(&b, 300, tar, sizeof(tar));
    for (int p = 0; p < 8; p++) {
        if (fork() == 0) {
            struct image img;
            struct store *s = store_open(b.path, &b.map, NULL, &err);
            _exit(s && import(s, &b.map, tar, &img, &err) ? 0 : 1);
        }
    }
    for (int p = 0; p < 8; p++) {
        int st = 1;
        CHECK(wait(&st) > 0);
        CHECK_INT(st, 0);
    }
    char key[80];
    snprintf(key, sizeof(key), "layers/%s", b.map.key);
    CHECK_INT(count(&b, key), 1);
    CHECK_INT(count(&b, "staging"), 0);
    bed_fini(&b);
}

static bool at_once(void *user)
{
    (void)user;
    return true;
}

TEST(giving_up_leaves_nothing)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    char tar[128];
    bed_init(&b);
    need_namespace(&b);
    make_tarball(&b, 600, tar, sizeof(tar));
    struct image_request req = {.source = tar, .cancelled = at_once};
    CHECK(!image_obtain(b.s, &req, &img, &err));
    CHECK_INT(err.code, AW_E_CANCELLED);
    CHECK_INT(count(&b, "staging"), 0);
    CHECK_INT(count(&b, "imports"), 0);
    bed_fini(&b);
}

/* ---- a folder ----------------------------------------------------------------------------------
 */

TEST(a_folder_is_used_in_place)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    char tar[128], root[80], cmd[400];
    bed_init(&b);
    make_tarball(&b, 1, tar, sizeof(tar));
    snprintf(root, sizeof(root), "%s/root", b.dir);
    CHECK_OK(obtain(b.s, root, NULL, &img, &err), err);
    CHECK(img.rootfs_fd >= 0);
    CHECK_INT(img.n_layers, 0);
    CHECK_STR(img.platform.arch, "arm64");
    image_fini(&img);
    CHECK(!obtain(b.s, root, "riscv64", &img, &err));
    CHECK_CONTAINS(err.message, "is for linux/arm64");
    /* links may lead nowhere outside, and only regular files are looked at */
    snprintf(
        cmd, sizeof(cmd),
        "cd %s && rm -rf bin usr && mkdir bin usr && ln -s %s/../../../../bin/sh bin/sh && mkfifo "
        "bin/busybox && ln -s /proc/self/exe usr/exe",
        root, root);
    CHECK_INT(system(cmd), 0);
    CHECK(!obtain(b.s, root, NULL, &img, &err));
    CHECK_CONTAINS(err.message, "no program");
    CHECK_CONTAINS(err.mend, "--platform");
    CHECK_OK(obtain(b.s, root, "s390x", &img, &err), err);
    CHECK_STR(img.platform.arch, "s390x");
    image_fini(&img);
    snprintf(cmd, sizeof(cmd), "cd %s && touch oci-layout index.json", root);
    CHECK_INT(system(cmd), 0);
    CHECK(!obtain(b.s, root, "s390x", &img, &err));
    CHECK_CONTAINS(err.mend, "oci:");
    bed_fini(&b);
}

TEST(elf_headers)
{
    static const struct {
        unsigned char cls, data;
        unsigned machine, flags;
        const char *want;
    } cases[] = {
        {ELFCLASS64, ELFDATA2LSB, EM_AARCH64, 0, "linux/arm64"},
        {ELFCLASS64, ELFDATA2LSB, EM_X86_64, 0, "linux/amd64"},
        {ELFCLASS32, ELFDATA2LSB, EM_386, 0, "linux/386"},
        {ELFCLASS32, ELFDATA2LSB, EM_ARM, 0x05000400, "linux/arm/v7"},
        {ELFCLASS32, ELFDATA2LSB, EM_ARM, 0x05000200, "linux/arm/v5"},
        {ELFCLASS64, ELFDATA2LSB, EM_RISCV, 0, "linux/riscv64"},
        {ELFCLASS64, ELFDATA2LSB, EM_PPC64, 2, "linux/ppc64le"},
        {ELFCLASS64, ELFDATA2MSB, EM_PPC64, 1, "linux/ppc64"},
        {ELFCLASS64, ELFDATA2MSB, EM_S390, 0, "linux/s390x"},
        {ELFCLASS64, ELFDATA2LSB, EM_MIPS, 0, "linux/mips64le"},
        {ELFCLASS32, ELFDATA2LSB, EM_MIPS, 0x20, "linux/mips64p32le"},
        {ELFCLASS64, ELFDATA2LSB, 258, 0, "linux/loong64"},
        {ELFCLASS32, ELFDATA2LSB, EM_AARCH64, 0, NULL},
        {ELFCLASS64, ELFDATA2LSB, 0xffff, 0, NULL},
        {3, ELFDATA2LSB, EM_AARCH64, 0, NULL},
        {ELFCLASS64, 0, EM_AARCH64, 0, NULL},
    };
    for (size_t i = 0; i < AW_LEN(cases); i++) {
        unsigned char h[64] = {0x7f, 'E', 'L', 'F', cases[i].cls, cases[i].data, EV_CURRENT};
        bool big = cases[i].data == ELFDATA2MSB;
        struct platform p;
        char text[PLATFORM_TEXT] = "none";
        h[big ? 17 : 16] = ET_DYN;
        h[big ? 19 : 18] = cases[i].machine & 0xff;
        h[big ? 18 : 19] = (unsigned char)(cases[i].machine >> 8);
        size_t at = cases[i].cls == ELFCLASS64 ? 48 : 36;
        for (size_t k = 0; k < 4; k++)
            h[at + (big ? 3 - k : k)] = (unsigned char)(cases[i].flags >> 8 * k);
        if (rootfs_elf_platform(h, sizeof(h), &p))
            platform_format(&p, text);
        CHECK_STR(text, cases[i].want ? cases[i].want : "none");
        for (size_t len = 0; len < 52; len++)
            CHECK(!rootfs_elf_platform(h, len, &p));
    }
}

/* ---- holding and removing ----------------------------------------------------------------------
 */

static void write_state(int dir, const char *image, const char *layer)
{
    char text[400];
    struct aw_err err = AW_ERR_INIT;
    snprintf(text, sizeof(text), "{\"image\":\"%s\",\"layers\":[\"%s\"]}", image, layer);
    CHECK_OK(file_replace(dir, "state.json", text, strlen(text), 0600, &err), err);
}

TEST(a_used_image_stays)
{
    struct bed b;
    struct image img;
    struct store_images list;
    struct aw_err err = AW_ERR_INIT;
    char tar[128];
    int dir, lock;
    bed_init(&b);
    need_namespace(&b);
    make_tarball(&b, 1, tar, sizeof(tar));
    CHECK_OK(import(b.s, &b.map, tar, &img, &err), err);
    CHECK_OK(store_container_new(b.s, "abc", &dir, &lock, &err), err);
    CHECK(!store_container_new(b.s, "abc", &dir, &lock, &err));
    CHECK_INT(err.code, AW_E_EXIST);
    write_state(dir, tar, img.layers[0].chain_id);
    CHECK_OK(store_list(b.s, &list, &err), err);
    CHECK_INT(list.v[0].n_containers, 1);
    store_images_fini(&list);

    struct store_remove_request req = {.name = tar};
    struct strv said = {0};
    CHECK(!store_remove(b.s, &req, &said, &err));
    CHECK_CONTAINS(err.message, "is in use by container abc");
    req.force = true;
    CHECK_OK(store_remove(b.s, &req, &said, &err), err);
    CHECK_INT(said.n, 1);
    CHECK(exists(&b, img.layer_dirs.v[0]));
    struct store_pruned done;
    CHECK_OK(store_prune(b.s, true, NULL, &done, &err), err);
    CHECK_INT(done.containers, 0);
    CHECK(exists(&b, img.layer_dirs.v[0]));
    /* alive, and its layers not to be made out: nothing may go */
    write_state(dir, "\xe4", img.layers[0].chain_id);
    CHECK(!store_prune(b.s, true, NULL, &done, &err));
    CHECK_CONTAINS(err.message, "abc/state.json");
    CHECK(exists(&b, img.layer_dirs.v[0]));
    int state = openat(dir, "state.json", O_WRONLY | O_CLOEXEC);
    CHECK(ftruncate(state, 2 << 20) == 0);
    close(state);
    CHECK(!store_prune(b.s, true, NULL, &done, &err));
    CHECK_CONTAINS(err.message, "state.json");
    CHECK(exists(&b, img.layer_dirs.v[0]));
    /* dead */
    close(lock);
    CHECK_OK(store_prune(b.s, false, NULL, &done, &err), err);
    CHECK_INT(done.containers, 1);
    CHECK_INT(done.layers, 1);
    CHECK(!exists(&b, img.layer_dirs.v[0]));
    CHECK(!exists(&b, "containers/abc"));
    CHECK_INT(count(&b, "staging"), 0);
    CHECK(!store_remove(b.s, &req, NULL, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    strv_fini(&said);
    close(dir);
    image_fini(&img);
    bed_fini(&b);
}

/* What the container's root makes, and one that died half-way through its making. */
static bool make_foreign(void *arg, const struct aw_log *log, struct aw_err *err)
{
    int dir = *(int *)arg;
    (void)log;
    if (mkdirat(dir, "upper", 0700) < 0 || mkdirat(dir, "upper/x", 0) < 0 ||
        fchownat(dir, "upper/x", 1, 1, 0) < 0 || fchownat(dir, "upper", 1, 1, 0) < 0)
        return aw_fail(err, AW_E_IO, errno, "make foreign files");
    return true;
}

TEST(the_dead_are_removed_with_foreign_files)
{
    struct bed b;
    struct aw_err err = AW_ERR_INIT;
    int dir, lock, dir2, lock2;
    size_t n = 0;
    bed_init(&b);
    need_namespace(&b);
    CHECK_OK(store_container_new(b.s, "dead", &dir, &lock, &err), err);
    CHECK_OK(store_container_new(b.s, "alive", &dir2, &lock2, &err), err);
    if (b.map.kind == IDMAP_RANGE) {
        CHECK(geteuid() != 0 || fchown(dir, idmap_root_uid(&b.map), idmap_root_gid(&b.map)) == 0);
        CHECK_OK(ns_run(&b.map, 0, make_foreign, &dir, NULL, NULL, NULL, &err), err);
    }
    close(lock);
    CHECK_OK(store_reap_dead(b.s, &n, &err), err);
    CHECK_INT(n, 1);
    CHECK(!exists(&b, "containers/dead"));
    CHECK(exists(&b, "containers/alive/lock"));
    CHECK(!store_container_new(b.s, "../x", &dir, &lock, &err));
    close(lock2);
    bed_fini(&b);
}

TEST(prune_waits_for_holders_and_can_give_up)
{
    struct bed b;
    struct store_entry e;
    struct aw_err err = AW_ERR_INIT;
    struct store_pruned done;
    char path[STORE_BLOB_PATH];
    bed_init(&b);
    put_image(&b, "docker.io/library/x:1", "arm64", "one", &e);
    struct store *other = open_store(&b);
    CHECK_OK(store_hold(other, NULL, &err), err);
    struct store_wait w = {.cancelled = at_once};
    CHECK(!store_prune(b.s, true, &w, &done, &err));
    CHECK_INT(err.code, AW_E_CANCELLED);
    /* rmi does not wait: the name goes, the blobs stay */
    struct store_remove_request req = {.name = "x:1"};
    CHECK_OK(store_remove(b.s, &req, NULL, &err), err);
    store_blob_path(e.digest, path);
    CHECK(exists(&b, path));
    store_release(other);
    CHECK_OK(store_prune(b.s, false, &w, &done, &err), err);
    CHECK_INT(done.blobs, 3);
    CHECK(!exists(&b, path));
    CHECK_INT(count(&b, "locks"), 0);
    store_free(other);
    bed_fini(&b);
}

TEST(removing_one_of_two_that_share)
{
    struct bed b;
    struct store_entry one, two;
    struct strv said = {0};
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    bed_init(&b);
    put_image(&b, "docker.io/library/x:1", "arm64", "same", &one);
    put_image(&b, "docker.io/library/x:2", "riscv64", "same", &two);
    struct store_remove_request req = {.name = digest_hex(one.config_digest)};
    CHECK_OK(store_remove(b.s, &req, &said, &err), err);
    CHECK_INT(said.n, 3); /* untagged; manifest and config deleted; the layer is the other's too */
    CHECK_STR(said.v[0], "untagged: docker.io/library/x:1");
    strv_fini(&said);
    CHECK_OK(obtain(b.s, "x:2", "riscv64", &img, &err), err);
    CHECK_INT(count(&b, "blobs/sha256"), 3);
    image_fini(&img);
    bed_fini(&b);
}

TEST(somebody_elses_store_is_refused)
{
    struct bed b;
    struct aw_err err = AW_ERR_INIT;
    bed_init(&b);
    if (geteuid() != 0) {
        bed_fini(&b);
        TEST_SKIP("only root can give a folder away");
    }
    CHECK(chown(b.path, 12345, 12345) == 0);
    CHECK(!store_open(b.path, &b.map, NULL, &err));
    CHECK_INT(err.code, AW_E_PERM);
    CHECK_CONTAINS(err.message, "belongs to user 12345");
    bed_fini(&b);
}

TEST_MAIN()
