/* SPDX-License-Identifier: Apache-2.0
 *
 * Fetching with skopeo from layouts on this disk: no registry, no network.
 */
#include "test.h"

#include "image/fetch.h"
#include "image/image.h"
#include "image/oci.h"
#include "image/store_private.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/spawn.h"
#include "ns/ns.h"
#include "tar.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

struct bed {
    char dir[64];     /* a folder of the test's own */
    char layout[96];  /* an OCI layout in it */
    char source[128]; /* "oci:LAYOUT:t" */
    struct idmap map; /* the caller's */
    struct store *s;  /* a store in it */
};

static void bed_init(struct bed *b)
{
    struct aw_err err = AW_ERR_INIT;
    char path[128];
    char *skopeo = spawn_find("skopeo", getenv("PATH"));
    if (!skopeo)
        TEST_SKIP("skopeo is not installed");
    free(skopeo);
    *b = (struct bed){.dir = "/tmp/image_fetch.XXXXXX"};
    CHECK(mkdtemp(b->dir));
    snprintf(b->layout, sizeof(b->layout), "%s/layout", b->dir);
    snprintf(b->source, sizeof(b->source), "oci:%s:t", b->layout);
    snprintf(path, sizeof(path), "%s/blobs/sha256", b->layout);
    CHECK_OK(file_mkdirs(AT_FDCWD, path, 0700, &err), err);
    CHECK_OK(idmap_plan(false, &b->map, &err), err);
    snprintf(path, sizeof(path), "%s/store", b->dir);
    b->s = store_open(path, &b->map, NULL, &err);
    if (!b->s)
        TEST_FAIL("store_open: %s", err.message);
}

static void bed_fini(struct bed *b)
{
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(store_remove_tree(b->s, AT_FDCWD, b->dir, &err), err);
    store_free(b->s);
}

static void put(const struct bed *b, const char *name, const void *data, size_t len)
{
    char path[200];
    struct aw_err err = AW_ERR_INIT;
    snprintf(path, sizeof(path), "%s/%s", b->layout, name);
    CHECK_OK(file_replace(AT_FDCWD, path, data, len, 0644, &err), err);
}

struct desc {
    char digest[DIGEST_SIZE];
    size_t size;
};

static struct desc put_blob(const struct bed *b, const void *data, size_t len)
{
    struct desc d = {.size = len};
    char name[STORE_BLOB_PATH];
    digest_of(data, len, d.digest);
    store_blob_path(d.digest, name);
    put(b, name, data, len);
    return d;
}

static struct desc put_text(const struct bed *b, const struct buf *text)
{
    return put_blob(b, buf_str(text), text->len);
}

/* A manifest whose config says arch, of layers (tar data) with one file each. config_type and n_ids
 * are for telling lies. */
struct recipe {
    const char *arch, *config_type, *layer_type;
    const char *content; /* of the file in the layer */
    int n_ids;           /* diff_ids in the config */
};

static struct desc put_image(const struct bed *b, const struct recipe *r)
{
    char name[101] = "file"; /* as long as tar.h may read */
    struct buf tar = {0}, config = {0}, manifest = {0};
    tar_put(&tar, &(struct tar_entry){.name = name, .type = '0', .data = r->content});
    tar_end(&tar);
    struct desc layer = put_blob(b, tar.data, tar.len);
    buf_addf(&config,
             "{\"os\":\"linux\",\"architecture\":\"%s\",\"rootfs\":{\"type\":\"layers\","
             "\"diff_ids\":[",
             r->arch);
    for (int i = 0; i < r->n_ids; i++)
        buf_addf(&config, "%s\"%s\"", i ? "," : "", layer.digest);
    buf_adds(&config, "]}}");
    struct desc c = put_text(b, &config);
    buf_addf(&manifest,
             "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MT_MANIFEST
             "\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{"
             "\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}]}",
             r->config_type ? r->config_type : OCI_MT_CONFIG, c.digest, c.size,
             r->layer_type ? r->layer_type : "application/vnd.oci.image.layer.v1.tar", layer.digest,
             layer.size);
    struct desc m = put_text(b, &manifest);
    buf_fini(&tar);
    buf_fini(&config);
    buf_fini(&manifest);
    return m;
}

static void put_index(const struct bed *b, const char *type, struct desc d)
{
    struct buf x = {0};
    buf_addf(&x,
             "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":"
             "%zu,\"annotations\":{\"org.opencontainers.image.ref.name\":\"t\"}}]}",
             type, d.digest, d.size);
    put(b, "index.json", buf_str(&x), x.len);
    put(b, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 30);
    buf_fini(&x);
}

static void put_single(const struct bed *b, const struct recipe *r)
{
    put_index(b, OCI_MT_MANIFEST, put_image(b, r));
}

static bool obtain(const struct bed *b, enum image_pull pull, const char *platform,
                   struct image *img, struct aw_err *err)
{
    struct platform p;
    struct image_request req = {.source = b->source, .pull = pull};
    if (platform) {
        CHECK_OK(platform_parse(platform, &p, err), *err);
        req.platform = &p;
    }
    return image_obtain(b->s, &req, img, err);
}

static size_t count(const struct bed *b, const char *folder)
{
    struct strv names = {0};
    store_list_dir(b->s, folder, &names, NULL);
    size_t n = names.n;
    strv_fini(&names);
    return n;
}

static const struct recipe plain = {.arch = "s390x", .content = "one", .n_ids = 1};

TEST(one_image_is_taken_whatever_it_is_for)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    bed_init(&b);
    put_single(&b, &plain);
    CHECK_OK(obtain(&b, IMAGE_PULL_MISSING, NULL, &img, &err), err);
    CHECK_STR(img.platform.arch, "s390x");
    CHECK_STR(img.name, b.source);
    CHECK_INT(img.n_layers, 1);
    CHECK_INT(count(&b, "staging"), 0);
    CHECK_INT(count(&b, "blobs/sha256"), 3);
    image_fini(&img);
    CHECK(!obtain(&b, IMAGE_PULL_MISSING, "arm64", &img, &err));
    CHECK_CONTAINS(err.message, "it is for: linux/s390x");
    /* the source is gone: what was fetched is still there */
    CHECK_OK(file_remove_tree(AT_FDCWD, b.layout, &err), err);
    CHECK_OK(obtain(&b, IMAGE_PULL_MISSING, NULL, &img, &err), err);
    image_fini(&img);
    bed_fini(&b);
}

TEST(a_changed_layout_is_fetched_again)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    struct recipe other = plain;
    char before[DIGEST_SIZE];
    bed_init(&b);
    put_single(&b, &plain);
    CHECK_OK(obtain(&b, IMAGE_PULL_MISSING, NULL, &img, &err), err);
    memcpy(before, img.digest, DIGEST_SIZE);
    image_fini(&img);
    other.content = "two";
    put_single(&b, &other);
    CHECK_OK(obtain(&b, IMAGE_PULL_NEVER, NULL, &img, &err), err);
    CHECK_STR(img.digest, before);
    image_fini(&img);
    CHECK_OK(obtain(&b, IMAGE_PULL_MISSING, NULL, &img, &err), err);
    CHECK(strcmp(before, img.digest) != 0);
    image_fini(&img);
    bed_fini(&b);
}

TEST(an_index_is_chosen_from)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    static const char *const archs[] = {"arm64", "riscv64", "s390x"};
    struct buf x = {0};
    bed_init(&b);
    buf_adds(&x, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MT_INDEX "\",\"manifests\":[");
    for (size_t i = 0; i < AW_LEN(archs); i++) {
        struct recipe r = {.arch = archs[i], .content = archs[i], .n_ids = 1};
        struct desc d = put_image(&b, &r);
        buf_addf(&x,
                 "%s{\"mediaType\":\"" OCI_MT_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu,"
                 "\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}}",
                 i ? "," : "", d.digest, d.size, archs[i]);
    }
    buf_adds(&x, "]}");
    put_index(&b, OCI_MT_INDEX, put_text(&b, &x));
    buf_fini(&x);
    for (size_t i = 0; i < AW_LEN(archs); i++) {
        CHECK_OK(obtain(&b, IMAGE_PULL_MISSING, archs[i], &img, &err), err);
        CHECK_STR(img.platform.arch, archs[i]);
        image_fini(&img);
    }
    CHECK(!obtain(&b, IMAGE_PULL_MISSING, "ppc64le", &img, &err));
    CHECK_CONTAINS(err.message, "linux/arm64, linux/riscv64, linux/s390x");
    CHECK_OK(obtain(&b, IMAGE_PULL_NEVER, "riscv64", &img, &err), err);
    image_fini(&img);
    bed_fini(&b);
}

static const struct {
    struct recipe r;
    const char *why;
} lies[] = {
    {{.arch = "arm64", .content = "x", .n_ids = 2}, "1 layers, its config 2"},
    {{.arch = "arm64", .content = "x", .n_ids = 0}, "1 layers, its config 0"},
    {{.arch = "arm64", .content = "x", .n_ids = 1, .config_type = "application/vnd.cncf.helm.v1"},
     "artifact of type"},
    {{.arch = "arm64", .content = "x", .n_ids = 1, .layer_type = "application/octet-stream"},
     "octet-stream"},
    {{.arch = "", .content = "x", .n_ids = 1}, "for which architecture"},
};

TEST(lies_are_refused_and_nothing_is_listed)
{
    struct bed b;
    struct image img;
    struct store_images list;
    bed_init(&b);
    for (size_t i = 0; i < AW_LEN(lies); i++) {
        struct aw_err err = AW_ERR_INIT;
        put_single(&b, &lies[i].r);
        CHECK(!obtain(&b, IMAGE_PULL_MISSING, NULL, &img, &err));
        CHECK_CONTAINS(err.message, lies[i].why);
        CHECK_OK(store_list(b.s, &list, &err), err);
        CHECK_INT(list.n, 0);
        store_images_fini(&list);
        CHECK_INT(count(&b, "staging"), 0);
    }
    bed_fini(&b);
}

static bool nothing(void *arg, const struct aw_log *log, struct aw_err *err)
{
    (void)arg;
    (void)log;
    (void)err;
    return true;
}

/* Change a byte of a blob in the store. */
static void damage(const struct bed *b, const char *digest)
{
    char path[STORE_BLOB_PATH];
    store_blob_path(digest, path);
    int fd = openat(store_dir_fd(b->s), path, O_RDWR);
    CHECK(fd >= 0 && pwrite(fd, "\xff", 1, 600) == 1 && close(fd) == 0);
}

TEST(a_damaged_layer_is_fetched_once_more)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    bed_init(&b);
    if (!ns_run(&b.map, 0, nothing, NULL, NULL, NULL, NULL, &err))
        TEST_SKIP("no user namespace can be made here");
    put_single(&b, &plain);
    struct image_request req = {.source = b.source};
    CHECK_OK(image_obtain(b.s, &req, &img, &err), err);
    damage(&b, img.layers[0].digest);
    CHECK_OK(image_unpack(b.s, &img, &b.map, &req, &err), err);
    CHECK_INT(img.layer_dirs.n, 1);
    CHECK_INT(count(&b, img.layer_dirs.v[0]), 1);
    image_fini(&img);

    /* where nothing may be fetched it is told, and the bad blob is gone */
    struct store_pruned done;
    CHECK_OK(store_prune(b.s, true, NULL, &done, &err), err);
    CHECK_OK(image_obtain(b.s, &req, &img, &err), err);
    damage(&b, img.layers[0].digest);
    req.pull = IMAGE_PULL_NEVER;
    CHECK(!image_unpack(b.s, &img, &b.map, &req, &err));
    CHECK_INT(err.code, AW_E_CORRUPT);
    CHECK_CONTAINS(err.mend, "archway pull oci:");
    CHECK_INT(count(&b, "blobs/sha256"), 2);
    CHECK_INT(count(&b, "staging"), 0);
    CHECK_INT(count(&b, "layers"), 0);

    /* nor can it be mended from a source that has other content now */
    struct recipe other = plain;
    other.content = "two";
    put_single(&b, &other);
    req.pull = IMAGE_PULL_MISSING;
    CHECK(!image_unpack(b.s, &img, &b.map, &req, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    image_fini(&img);
    bed_fini(&b);
}

TEST(what_skopeo_says_is_passed_on)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    bed_init(&b);
    put_single(&b, &plain);
    snprintf(b.source, sizeof(b.source), "oci:%s:other", b.layout);
    CHECK(!obtain(&b, IMAGE_PULL_MISSING, NULL, &img, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    CHECK_CONTAINS(err.mend, "tag");
    put(&b, "index.json", "{", 1);
    CHECK(!obtain(&b, IMAGE_PULL_MISSING, NULL, &img, &err));
    CHECK_CONTAINS(err.message, "unexpected EOF");
    bed_fini(&b);
}

static bool at_once(void *user)
{
    (void)user;
    return true;
}

TEST(giving_up)
{
    struct bed b;
    struct image img;
    struct aw_err err = AW_ERR_INIT;
    bed_init(&b);
    put_single(&b, &plain);
    struct image_request req = {.source = b.source, .cancelled = at_once};
    CHECK(!image_obtain(b.s, &req, &img, &err));
    CHECK_INT(err.code, AW_E_CANCELLED);
    CHECK_INT(count(&b, "staging"), 0);
    bed_fini(&b);
}

TEST_MAIN()
