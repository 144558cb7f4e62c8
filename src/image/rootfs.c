/* SPDX-License-Identifier: Apache-2.0
 *
 * Rootfs folders and tarballs as images.
 *
 * Neither says for which machine it is, so the programs in it are asked: the ELF header of the
 * first well-known one, else of the first program in the usual folders. A tarball is imported once:
 * its layer is kept under its diff_id, and imports/<hash of its path>.json remembers the file's
 * size and times, so that a warm run hashes nothing and a changed tarball is imported anew.
 *
 * Invariants:
 * 1. Files below a root are opened by openat2(RESOLVE_IN_ROOT), and only regular ones are read: a
 *    device or FIFO named bin/sh does nothing.
 */
#include "image/rootfs.h"

#include "image/fetch.h"
#include "image/oci.h"
#include "image/unpack.h"

#include "base/file.h"
#include "codec/js.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <time.h>

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* ---- for which machine -------------------------------------------------------------------------
 */

static const struct {
    uint16_t machine;        /* e_machine */
    const char *le64, *be64; /* architecture by class and byte order; NULL: there is none */
    const char *le32, *be32;
} machines[] = {
    {EM_386, NULL, NULL, "386", NULL},
    {EM_X86_64, "amd64", NULL, "amd64", NULL},
    {EM_AARCH64, "arm64", "arm64be", NULL, NULL},
    {EM_ARM, NULL, NULL, "arm", "armbe"},
    {EM_RISCV, "riscv64", NULL, "riscv32", NULL},
    {EM_PPC64, "ppc64le", "ppc64", NULL, NULL},
    {EM_PPC, NULL, NULL, NULL, "ppc"},
    {EM_S390, NULL, "s390x", NULL, NULL},
    {EM_MIPS, "mips64le", "mips64", "mipsle", "mips"},
    {258 /* EM_LOONGARCH */, "loong64", NULL, NULL, NULL},
    {EM_SPARC, NULL, NULL, NULL, "sparc"},
    {EM_SPARC32PLUS, NULL, NULL, NULL, "sparc"},
    {EM_SPARCV9, NULL, "sparc64", NULL, NULL},
    {0x9026 /* EM_ALPHA as Linux uses it */, "alpha", NULL, NULL, NULL},
    {EM_PARISC, NULL, NULL, NULL, "hppa"},
    {EM_68K, NULL, NULL, NULL, "m68k"},
    {EM_SH, NULL, NULL, "sh4", "sh4eb"},
    {EM_XTENSA, NULL, NULL, "xtensa", "xtensaeb"},
    {EM_MICROBLAZE, NULL, NULL, "microblazeel", "microblaze"},
    {EM_OPENRISC, NULL, NULL, NULL, "or1k"},
    {164 /* EM_HEXAGON */, NULL, NULL, "hexagon", NULL},
};

static uint32_t load(const unsigned char *p, size_t n, bool big)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[big ? i : n - 1 - i];
    return v;
}

bool rootfs_elf_platform(const unsigned char *h, size_t len, struct platform *ret)
{
    if (len < 52 || memcmp(h, ELFMAG, SELFMAG) != 0 || h[EI_VERSION] != EV_CURRENT ||
        (h[EI_CLASS] != ELFCLASS32 && h[EI_CLASS] != ELFCLASS64) ||
        (h[EI_DATA] != ELFDATA2LSB && h[EI_DATA] != ELFDATA2MSB))
        return false;
    bool big = h[EI_DATA] == ELFDATA2MSB, wide = h[EI_CLASS] == ELFCLASS64;
    uint32_t type = load(h + 16, 2, big), machine = load(h + 18, 2, big);
    uint32_t flags = load(h + (wide ? 48 : 36), 4, big);
    if (type != ET_EXEC && type != ET_DYN)
        return false;
    for (size_t i = 0; i < AW_LEN(machines); i++) {
        if (machines[i].machine != machine)
            continue;
        const char *arch = wide ? (big ? machines[i].be64 : machines[i].le64)
                                : (big ? machines[i].be32 : machines[i].le32);
        const char *variant = "";
        if (!arch)
            return false;
        if (machine == EM_MIPS && !wide && (flags & EF_MIPS_ABI2))
            arch = big ? "mips64p32" : "mips64p32le";
        if (machine == EM_ARM)
            variant = flags & EF_ARM_SOFT_FLOAT ? "v5" : "v7";
        platform_set(ret, "linux", arch, variant);
        return true;
    }
    return false;
}

/* The platform of the program path below the root; false: no program, or of an unknown machine. */
static bool look_at(int root_fd, const char *path, struct platform *ret)
{
    unsigned char header[64];
    char again[48];
    struct stat st;
    _cleanup_close_ int fd =
        file_openat2(root_fd, path, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
    _cleanup_close_ int file = open(again, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file < 0)
        return false;
    ssize_t n = file_read_full(file, header, sizeof(header));
    return n > 0 && rootfs_elf_platform(header, (size_t)n, ret);
}

/* The first program of a folder, of the first few hundred files. */
static bool look_into(int root_fd, const char *path, struct platform *ret)
{
    int fd = file_openat2(root_fd, path, O_RDONLY | O_DIRECTORY, 0,
                          RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        util_close(fd);
        return false;
    }
    bool found = false;
    struct dirent *e;
    for (int n = 0; !found && n < 400 && (e = readdir(d)); n++) {
        _cleanup_free_ char *file = str_printf("%s/%s", path, e->d_name);
        found = e->d_type != DT_DIR && file && look_at(root_fd, file, ret);
    }
    closedir(d);
    return found;
}

bool rootfs_platform(int root_fd, struct platform *ret)
{
    static const char *const programs[] = {
        "bin/sh", "usr/bin/env", "sbin/init", "bin/busybox", "usr/bin/sh", "bin/bash", "init",
    };
    static const char *const folders[] = {"bin",           "usr/bin",        "sbin", "usr/sbin",
                                          "usr/local/bin", "usr/local/sbin", "."};
    for (size_t i = 0; i < AW_LEN(programs); i++)
        if (look_at(root_fd, programs[i], ret))
            return true;
    for (size_t i = 0; i < AW_LEN(folders); i++)
        if (look_into(root_fd, folders[i], ret))
            return true;
    return false;
}

/* ---- as an image -------------------------------------------------------------------------------
 */

static bool fill_config(struct image *img)
{
    struct image_config *c = &img->config;
    c->user = strdup("");
    c->workdir = strdup("");
    c->stop_signal = strdup("");
    return c->user && c->workdir && c->stop_signal && strv_add(&c->env, DEFAULT_PATH) &&
           strv_add(&c->cmd, "/bin/sh");
}

/* found: what the programs say, or NULL. */
static bool settle_platform(const struct source *src, const struct image_request *req,
                            const struct platform *found, struct platform *ret, struct aw_err *err)
{
    char has[PLATFORM_TEXT], text[PLATFORM_TEXT];
    if (!found && !req->platform) {
        aw_fail(err, AW_E_NOTFOUND, 0, "rootfs %s: no program in it tells for which machine it is",
                src->name);
        return aw_mend(err, "say it: --platform linux/ARCH");
    }
    if (found && req->platform && !str_eq(found->arch, req->platform->arch)) {
        platform_format(found, has);
        platform_format(req->platform, text);
        return aw_fail(err, AW_E_NOTFOUND, 0, "rootfs %s is for %s, not for %s", src->name, has,
                       text);
    }
    *ret = req->platform ? *req->platform : *found;
    return true;
}

/* People give a layout's or an archive's path without the word that says what it is. */
static bool refuse_layout(int fd, const struct source *src, struct aw_err *err)
{
    if (faccessat(fd, "oci-layout", F_OK, 0) < 0 || faccessat(fd, "index.json", F_OK, 0) < 0)
        return true;
    aw_fail(err, AW_E_ARG, 0, "%s is an OCI image layout, not a root file system", src->name);
    return aw_mend(err, "give it as oci:%s", src->name);
}

static bool obtain_folder(const struct source *src, const struct image_request *req,
                          struct image *img, struct aw_err *err)
{
    struct platform found;
    img->rootfs_fd = open(src->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (img->rootfs_fd < 0)
        return aw_fail(err, AW_E_IO, errno, "open folder %s", src->path);
    if (!refuse_layout(img->rootfs_fd, src, err))
        return false;
    bool known = rootfs_platform(img->rootfs_fd, &found);
    return settle_platform(src, req, known ? &found : NULL, &img->platform, err);
}

/* ---- tarballs ----------------------------------------------------------------------------------
 */

void rootfs_import_fini(struct rootfs_import *i)
{
    free(i->file);
    free(i->signature);
    *i = (struct rootfs_import){0};
}

static bool parse_import(struct json_object *o, struct rootfs_import *i, struct aw_err *err)
{
    const char *file = NULL, *signature = NULL, *diff_id = "", *id = "", *arch = "", *variant = "";
    if (!js_get_string(o, "file", &file, err) || !js_get_string(o, "signature", &signature, err) ||
        !js_get_string(o, "diff-id", &diff_id, err) || !js_get_string(o, "id", &id, err) ||
        !js_get_string(o, "architecture", &arch, err) ||
        !js_get_string(o, "variant", &variant, err) || !js_get_u64(o, "size", &i->size, err) ||
        !js_get_u64(o, "imported", &i->imported, err))
        return false;
    if (!file || !signature || !digest_valid(diff_id) || !digest_valid(id))
        return aw_fail(err, AW_E_PARSE, 0, "it is no import of Archway's");
    memcpy(i->diff_id, diff_id, DIGEST_SIZE);
    memcpy(i->config_digest, id, DIGEST_SIZE);
    platform_set(&i->platform, "linux", arch, variant);
    i->file = strdup(file);
    i->signature = strdup(signature);
    return (i->file && i->signature) || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

bool rootfs_import_load(struct store *s, const char *name, struct rootfs_import *ret,
                        struct aw_err *err)
{
    struct rootfs_import i = {0};
    size_t len;
    _cleanup_free_ char *path = str_printf("imports/%s", name);
    _cleanup_free_ char *text = path ? file_load(s->dir_fd, path, 65536, &len, err) : NULL;
    _cleanup_js_ struct json_object *o = text ? js_parse(text, len, path, err) : NULL;
    if (!o)
        return false;
    if (!parse_import(o, &i, err)) {
        rootfs_import_fini(&i);
        return aw_context(err, "%s/%s", s->path, path);
    }
    *ret = i;
    return true;
}

static void import_name(const char *file, char ret[40])
{
    char digest[DIGEST_SIZE];
    digest_of(file, strlen(file), digest);
    snprintf(ret, 40, "%.*s.json", LAYER_NAME, digest_hex(digest));
}

static bool import_save(struct store *s, const struct rootfs_import *i, struct aw_err *err)
{
    char name[40], path[64];
    _cleanup_js_ struct json_object *o = json_object_new_object();
    js_add_string(o, "file", i->file);
    js_add_string(o, "signature", i->signature);
    js_add_string(o, "diff-id", i->diff_id);
    js_add_string(o, "id", i->config_digest);
    js_add_string(o, "architecture", i->platform.arch);
    js_add_string(o, "variant", i->platform.variant);
    js_add_u64(o, "size", i->size);
    js_add_u64(o, "imported", i->imported);
    import_name(i->file, name);
    snprintf(path, sizeof(path), "imports/%s", name);
    const char *text = js_text_pretty(o);
    return file_replace(s->dir_fd, path, text, strlen(text), 0600, err);
}

/* The import of file as it is now; false (without an error) when there is none. */
static bool import_find(struct store *s, const char *file, const char *signature,
                        struct rootfs_import *ret)
{
    char name[40];
    import_name(file, name);
    if (!rootfs_import_load(s, name, ret, NULL))
        return false;
    if (str_eq(ret->file, file) && str_eq(ret->signature, signature))
        return true;
    rootfs_import_fini(ret);
    return false;
}

/* The ID stands for what an image made of it would have as its config. */
static void import_id(const struct rootfs_import *i, char ret[DIGEST_SIZE])
{
    char text[3 * DIGEST_SIZE];
    snprintf(text, sizeof(text), "%s/%s %s", i->platform.arch, i->platform.variant, i->diff_id);
    digest_of(text, strlen(text), ret);
}

/* An archive of images, given without the word that says so, holds no programs but a manifest. */
static bool refuse_archive(struct store *s, const struct source *src, const struct unpack_result *r,
                           struct aw_err *err)
{
    char path[STORE_LAYER_PATH], diff[STORE_LAYER_PATH + 8];
    if (*r->platform.arch)
        return true;
    store_layer_path(s->map.key, r->chain_id, path);
    snprintf(diff, sizeof(diff), "%s/diff", path);
    _cleanup_close_ int fd = openat(s->dir_fd, diff, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool oci = fd >= 0 && faccessat(fd, "oci-layout", F_OK, 0) == 0;
    if (!oci && (fd < 0 || faccessat(fd, "manifest.json", F_OK, 0) < 0))
        return true;
    aw_fail(err, AW_E_ARG, 0, "%s is an archive of images, not a root file system", src->name);
    return aw_mend(err, "give it as %s:%s", oci ? "oci-archive" : "docker-archive", src->name);
}

static bool import_tarball(struct store *s, const struct source *src, const char *signature,
                           const struct store_wait *w, struct rootfs_import *ret,
                           struct aw_err *err)
{
    struct unpack_result r;
    struct stat st;
    _cleanup_close_ int fd = open(src->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return aw_fail(err, AW_E_IO, errno, "open %s", src->path);
    aw_log(w->log, AW_LOG_PROGRESS, "unpacking %s", src->name);
    struct unpack u = {
        .map = &s->map, .wait = w, .src = {.blob_fd = fd, .size = UINT64_MAX, .name = src->name}};
    if (!unpack_layer(s, &u, &r, err) || !refuse_archive(s, src, &r, err))
        return false;
    struct rootfs_import i = {.platform = r.platform,
                              .size = (uint64_t)st.st_size,
                              .imported = (uint64_t)time(NULL),
                              .file = strdup(src->path),
                              .signature = strdup(signature)};
    memcpy(i.diff_id, r.layer.diff_id, DIGEST_SIZE);
    import_id(&i, i.config_digest);
    bool ok =
        (i.file && i.signature) || aw_fail(err, AW_E_NOMEM, 0, "%s: out of memory", src->name);
    if (!ok || !import_save(s, &i, err)) {
        rootfs_import_fini(&i);
        return false;
    }
    *ret = i;
    return true;
}

static bool obtain_tarball(struct store *s, const struct source *src,
                           const struct image_request *req, struct image *img, struct aw_err *err)
{
    const struct store_wait w = {req->log, req->cancelled, req->user};
    struct rootfs_import i;
    _cleanup_free_ char *signature = fetch_signature(src, err);
    if (!signature)
        return false;
    if (!import_find(s, src->path, signature, &i)) {
        _cleanup_close_ int lock = store_lock_name(s, "import", src->path, &w, err);
        if (lock < 0)
            return false;
        if (!import_find(s, src->path, signature, &i) &&
            !import_tarball(s, src, signature, &w, &i, err))
            return false;
    }
    bool ok = settle_platform(src, req, *i.platform.arch ? &i.platform : NULL, &img->platform, err);
    if (ok) {
        memcpy(img->config_digest, i.config_digest, DIGEST_SIZE);
        img->layers = calloc(1, sizeof(*img->layers));
        ok = img->layers || aw_fail(err, AW_E_NOMEM, 0, "%s: out of memory", src->name);
    }
    if (ok) {
        struct image_layer *l = img->layers;
        img->n_layers = 1;
        memcpy(l->diff_id, i.diff_id, DIGEST_SIZE);
        memcpy(l->chain_id, i.diff_id, DIGEST_SIZE);
        l->size = i.size;
        l->media_type = strdup("application/x-tar");
        l->file = strdup(src->path);
        ok = (l->media_type && l->file) ||
             aw_fail(err, AW_E_NOMEM, 0, "%s: out of memory", src->name);
    }
    rootfs_import_fini(&i);
    return ok;
}

bool rootfs_obtain(struct store *s, const struct source *src, const struct image_request *req,
                   struct image *ret, struct aw_err *err)
{
    struct image img = {.rootfs_fd = -1};
    struct stat st;
    if (stat(src->path, &st) < 0)
        return aw_fail(err, errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno, "image %s",
                       src->name);
    bool ok = ((img.name = strdup(src->name)) && fill_config(&img)) ||
              aw_fail(err, AW_E_NOMEM, 0, "image %s: out of memory", src->name);
    if (S_ISDIR(st.st_mode))
        ok = ok && obtain_folder(src, req, &img, err);
    else if (S_ISREG(st.st_mode))
        ok = ok && obtain_tarball(s, src, req, &img, err);
    else
        ok = ok && aw_fail(err, AW_E_ARG, 0, "image %s is neither a folder nor a file", src->name);
    if (!ok) {
        image_fini(&img);
        return false;
    }
    *ret = img;
    return true;
}
