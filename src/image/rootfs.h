/* SPDX-License-Identifier: Apache-2.0
 *
 * Root file systems that are no images: a folder, used in place, and a tarball, imported once as a
 * single layer.
 */
#ifndef IMAGE_ROOTFS_H
#define IMAGE_ROOTFS_H

#include "image/store_private.h"

/* For which platform an ELF header is; false when it is none or of an unknown machine. */
bool rootfs_elf_platform(const unsigned char *header, size_t len, struct platform *ret);

/* For which platform the programs below root_fd (O_PATH will do) are; false when none was found.
 * Links are followed inside the root only. */
bool rootfs_platform(int root_fd, struct platform *ret);

/* The folder or tarball of src as an image. */
bool rootfs_obtain(struct store *s, const struct source *src, const struct image_request *req,
                   struct image *ret, struct aw_err *err);

/* An imported tarball, as imports/ has it. */
struct rootfs_import {
    char *file;                      /* absolute path of the tarball */
    char *signature;                 /* of the file when it was imported */
    char diff_id[DIGEST_SIZE];       /* of its only layer; the chain id too */
    char config_digest[DIGEST_SIZE]; /* its ID */
    struct platform platform;        /* arch "" when nothing told */
    uint64_t size;                   /* bytes of the tarball */
    uint64_t imported;               /* seconds since 1970 */
};
/* Load imports/<name>; what is broken counts as missing. */
bool rootfs_import_load(struct store *s, const char *name, struct rootfs_import *ret,
                        struct aw_err *err);
void rootfs_import_fini(struct rootfs_import *i);

#endif
